/**
 * What a caller may decide about the sockets of the plane.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import type { CallOptions } from "../core/CallOptions.js"

/**
 * How a socket is opened and kept (contract 6.1, 6.2). `CallOptions` are those of the ticket request; their headers go
 * with the upgrade as well, where the platform can send any.
 *
 * @since 0.1.0
 * @category models
 */
export interface SocketOptions extends CallOptions {
  /**
   * How the upgrade is authorised: with a ticket of its own in the query, or with the key in a header, which saves a
   * request. Browsers cannot send headers: a ticket is taken there in any case. Default `ticket`.
   */
  readonly authorization?: "ticket" | "header" | undefined
  /** Until the upgrade is answered. Default 10 s. */
  readonly openTimeout?: Duration.DurationInput | undefined
  /** How often a ping is sent, where the platform can: proxies cut silent sockets. Default 25 s. */
  readonly keepAlive?: Duration.DurationInput | undefined
  /** How many frames wait unread before the server is stopped, or the connection closed where that cannot be. Default 1024. */
  readonly highWater?: number | undefined
}
