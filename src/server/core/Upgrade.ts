/**
 * Serving a WebSocket connection that a front has accepted, on a socket or in memory.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Connection } from "../../streams/core/Connection.js"
import type { Inbox } from "../../streams/core/Inbox.js"
import type { FrontResponse } from "./Front.js"

/** How long a front may take, once its connection has ended, to do its work on what the client has sent. */
const grace = "5 seconds"

/**
 * Whether a request asks for a WebSocket.
 *
 * @since 0.1.0
 * @category utils
 */
export const isUpgrade = ({ headers: { connection = "", upgrade = "" } }: {
  readonly headers: { readonly connection?: string | undefined; readonly upgrade?: string | undefined }
}): boolean => upgrade.toLowerCase() === "websocket" && /(?:^|[\s,])upgrade(?:$|[\s,])/i.test(connection)

/**
 * Runs what serves a connection until it is done. When the client is gone, `receive` says so behind the last frame; who has
 * never received is interrupted at once, unless frames wait for it, everybody else after a while.
 *
 * @internal
 */
export const serve = (
  upgrade: NonNullable<FrontResponse["upgrade"]>,
  connection: Connection,
  inbox: Inbox
): Effect.Effect<void, never, Scope.Scope> =>
  Effect.raceFirst(
    upgrade(connection),
    Effect.flatMap(inbox.ended, () => {
      const isUnwatched = inbox.closed?.by === "peer" && !inbox.isRead && inbox.size === 0
      return isUnwatched ? Effect.void : Effect.sleep(grace)
    })
  )
