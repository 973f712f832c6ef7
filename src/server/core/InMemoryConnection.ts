/**
 * Both ends of a WebSocket connection that never leaves the process.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { Connection, Frame } from "../../streams/core/Connection.js"
import { canSendCode, fitReason, Inbox } from "../../streams/core/Inbox.js"

/**
 * One end. `send` waits while `highWater` frames wait at the other one.
 *
 * @internal
 */
export interface End extends Connection {
  readonly inbox: Inbox
}

const makeEnd = (inbox: Inbox, other: Inbox, highWater: number, afterPush: () => void = () => undefined): End => {
  const close = (code: number, reason: string): void => {
    inbox.close(code, reason, "here")
    other.close(code, reason, "peer")
  }
  const send = (frames: ReadonlyArray<Frame>): ReturnType<Connection["send"]> =>
    Effect.suspend(() => {
      let at = 0
      const go = (): ReturnType<Connection["send"]> => {
        for (;;) {
          if (inbox.closed !== undefined) return Effect.fail(inbox.closed)
          const frame = frames[at]
          if (frame === undefined) return Effect.void
          if (other.size >= highWater) {
            return Effect.zipRight(
              other.taken.until(() => other.size < highWater || inbox.closed !== undefined),
              Effect.suspend(go)
            )
          }
          at++
          other.push(typeof frame === "string" ? frame : new Uint8Array(frame))
          afterPush()
        }
      }
      return go()
    })
  return {
    inbox,
    receive: inbox.receive,
    send,
    close: (code, reason = "") =>
      Effect.sync(() => canSendCode(code) ? close(code, fitReason(reason)) : close(1006, "")),
    drop: Effect.sync(() => close(1006, ""))
  }
}

/**
 * The client's end and the server's.
 *
 * - `highWater`: how many frames wait for each before the other has to wait
 * - `isPatient`: whether the client makes the server wait at all; a browser closes the connection instead
 *
 * @internal
 */
export const makePair = (
  highWater: { readonly client: number; readonly server: number },
  isPatient: boolean
): { readonly client: End; readonly server: End } => {
  const inboxes = { client: new Inbox(), server: new Inbox() }
  const client = makeEnd(inboxes.client, inboxes.server, highWater.server)
  const server = makeEnd(inboxes.server, inboxes.client, isPatient ? highWater.client : Infinity, () => {
    if (inboxes.client.size <= highWater.client) return
    inboxes.client.close(1000, "client backpressure", "here")
    inboxes.server.close(1000, "client backpressure", "peer")
  })
  return { client, server }
}
