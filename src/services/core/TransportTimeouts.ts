/**
 * Time-outs that the transport keeps itself.
 *
 * A time-out kept by racing fibers costs about a third of a small call. A transport that can do better says so for its
 * client; for every other client, also one made from it by a combinator, the SDK races.
 *
 * @since 0.1.0
 */
import type * as HttpClient from "@effect/platform/HttpClient"
import type * as Context from "effect/Context"
import { globalValue } from "effect/GlobalValue"
import * as Option from "effect/Option"

/**
 * Limits of one request in ms; `Infinity`: none.
 *
 * @internal
 */
export interface Limits {
  readonly firstByteMs: number
  readonly idleMs: number
  readonly totalMs: number
}

/**
 * Puts limits on a request: given the context of the fiber, the context to run the request in. A request that passes a
 * limit fails with a cause whose `code` is one of {@link timeoutCodes}.
 *
 * @internal
 */
export type Limit = (context: Context.Context<never>, limits: Limits) => Context.Context<never>

const limitsOf = globalValue(
  "effect-switchyard/core/TransportTimeouts",
  () => new WeakMap<HttpClient.HttpClient, Limit>()
)

/**
 * Says that a client keeps limits itself.
 *
 * @internal
 */
export const register = (client: HttpClient.HttpClient, limit: Limit): HttpClient.HttpClient => {
  limitsOf.set(client, limit)
  return client
}

/**
 * How a client keeps limits, when it does.
 *
 * @internal
 */
export const limitOf = (client: HttpClient.HttpClient): Option.Option<Limit> =>
  Option.fromNullable(limitsOf.get(client))

/**
 * Which code of a failed request means which time-out; the first three are undici's.
 *
 * @internal
 */
export const timeoutCodes = {
  UND_ERR_CONNECT_TIMEOUT: "connect",
  UND_ERR_HEADERS_TIMEOUT: "firstByte",
  UND_ERR_BODY_TIMEOUT: "idle",
  SWITCHYARD_CONNECT_TIMEOUT: "connect",
  SWITCHYARD_TOTAL_TIMEOUT: "total"
} as const
