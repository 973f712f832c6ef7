/**
 * What every kind of connection is built on: the frames that have come and wait for `receive`, and how it all ended.
 *
 * @since 0.1.0
 */
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import type { Frame } from "./Connection.js"
import { ConnectionClosed } from "./Connection.js"

/**
 * Wakes who waits for a state. The state is looked at when the waiting begins, so that no change is missed in between.
 *
 * @internal
 */
export class Signal {
  private readonly waiting = new Set<() => void>()

  /** Says that the state may have changed. */
  wake(): void {
    for (const look of this.waiting) look()
  }

  until(holds: () => boolean): Effect.Effect<void> {
    return Effect.async((resume) => {
      if (holds()) return resume(Effect.void)
      const look = () => {
        if (!holds()) return
        this.waiting.delete(look)
        resume(Effect.void)
      }
      this.waiting.add(look)
      return Effect.sync(() => this.waiting.delete(look))
    })
  }
}

/**
 * A queue of frames with an end. Who fills it looks at `size`; `taken` wakes it when there is room again.
 *
 * @internal
 */
export class Inbox {
  private frames: Array<Frame> = []
  private end: ConnectionClosed | undefined
  private wasRead = false
  /** Wakes when frames come, and at the end. */
  private readonly filled = new Signal()
  /** Wakes when frames are taken, and at the end. */
  readonly taken = new Signal()

  constructor(private readonly onTake: () => void = () => undefined) {}

  get size(): number {
    return this.frames.length
  }

  /** How the connection ended; what came before may still wait here. */
  get closed(): ConnectionClosed | undefined {
    return this.end
  }

  /** Whether anybody has asked for frames so far. */
  get isRead(): boolean {
    return this.wasRead
  }

  push(frame: Frame): void {
    if (this.end !== undefined) return
    this.frames.push(frame)
    // Who waits is woken by the first frame, and takes all that have come when it runs.
    if (this.frames.length === 1) this.filled.wake()
  }

  /** Only the first end counts. */
  close(code: number, reason: string, by: "here" | "peer"): void {
    if (this.end !== undefined) return
    this.end = new ConnectionClosed({ code, reason, by })
    this.filled.wake()
    this.taken.wake()
  }

  readonly receive: Effect.Effect<Chunk.Chunk<Frame>, ConnectionClosed> = Effect.suspend(() => {
    this.wasRead = true
    if (this.frames.length > 0) {
      const frames = Chunk.unsafeFromArray(this.frames)
      this.frames = []
      this.onTake()
      this.taken.wake()
      return Effect.succeed(frames)
    }
    if (this.end !== undefined) return Effect.fail(this.end)
    return Effect.zipRight(
      this.filled.until(() => this.frames.length > 0 || this.end !== undefined),
      this.receive
    )
  })

  readonly ended: Effect.Effect<void> = this.taken.until(() => this.end !== undefined)
}

const encoder = new TextEncoder()

/**
 * A close frame must not carry codes that only stand for its absence, or that nobody has defined (RFC 6455, 7.4).
 *
 * @internal
 */
export const canSendCode = (code: number): boolean =>
  Number.isInteger(code) &&
  (code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006 || code >= 3000 && code <= 4999)

/**
 * The reason as far as it fits into a close frame: 123 bytes of UTF-8.
 *
 * @internal
 */
export const fitReason = (reason: string): string => {
  if (reason.length * 3 <= 123) return reason
  const { read } = encoder.encodeInto(reason, new Uint8Array(123))
  return reason.slice(0, read)
}
