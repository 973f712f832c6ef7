/**
 * An open WebSocket connection, seen from either side: what clients read feeds from and servers answer on.
 *
 * A frame is a `string` (text) or a `Uint8Array` (binary). Frames wait in a bounded queue until they are received; whoever
 * can stops the peer meanwhile.
 *
 * @since 0.1.0
 */
import type * as Chunk from "effect/Chunk"
import * as Data from "effect/Data"
import type * as Effect from "effect/Effect"

/**
 * One message: text or bytes.
 *
 * @since 0.1.0
 * @category models
 */
export type Frame = string | Uint8Array

/**
 * The connection has ended. `code` is the close code: the peer's, or one of ours; 1006 when it ended without a close
 * frame, 1005 when the close frame had no code. `by` says who ended it: `here` after `close` and `drop`, when the peer sent
 * what is no WebSocket frame (1002, 1007, 1009), and where too many frames waited in a browser; a peer that has gone
 * silent has ended it.
 *
 * @since 0.1.0
 * @category errors
 */
export class ConnectionClosed extends Data.TaggedError("ConnectionClosed")<{
  readonly code: number
  readonly reason: string
  readonly by: "here" | "peer"
}> {
  override get message() {
    return `closed with ${this.code}${this.by === "peer" ? " by the peer" : ""}${this.reason && `: ${this.reason}`}`
  }
}

/**
 * - `receive`: all frames that have come, at least one; waits for one. Fails once those before the end have been given
 * - `send`: frames in order; waits while the peer does not read. Does not outlive the connection: it fails then
 * - `close`: sends a close frame; done at once, whatever the peer does; later calls do nothing
 * - `drop`: ends the connection without a close frame, as a crash would
 *
 * @since 0.1.0
 * @category models
 */
export interface Connection {
  readonly receive: Effect.Effect<Chunk.Chunk<Frame>, ConnectionClosed>
  readonly send: (frames: ReadonlyArray<Frame>) => Effect.Effect<void, ConnectionClosed>
  readonly close: (code: number, reason?: string) => Effect.Effect<void>
  readonly drop: Effect.Effect<void>
}
