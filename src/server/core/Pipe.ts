/**
 * The connection of the in-memory server: pieces go in on one side and come out, unchanged, on the other.
 *
 * @since 0.1.0
 */
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type { Sink } from "./Front.js"

/** How many pieces lie in the pipe before its writer has to wait, like the buffer of a socket. */
const window = 16

const encoder = new TextEncoder()

/**
 * A pipe of bytes between one writer and one reader.
 *
 * @internal
 */
export class Pipe implements Sink {
  private pieces: Array<Uint8Array> = []
  private ended: Exit.Exit<void, unknown> | undefined
  private reader: (() => void) | undefined
  private writer: (() => void) | undefined

  write(pieces: Iterable<string | Uint8Array>): boolean {
    for (const piece of pieces) this.pieces.push(typeof piece === "string" ? encoder.encode(piece) : piece)
    this.wakeReader()
    return this.pieces.length < window
  }

  readonly drained: Effect.Effect<void> = Effect.async((resume) => {
    if (this.pieces.length === 0) return resume(Effect.void)
    this.writer = () => resume(Effect.void)
    return Effect.sync(() => {
      this.writer = undefined
    })
  })

  /** What the reader sees behind the last piece: a proper end, or the failure that broke the connection off. */
  end(exit: Exit.Exit<void, unknown>): void {
    this.ended ??= exit
    this.wakeReader()
  }

  /** The pieces that lie in the pipe, at least one; `None` at the proper end. */
  readonly take: Effect.Effect<Chunk.Chunk<Uint8Array>, Option.Option<unknown>> = Effect.async((resume) => {
    const read = (): boolean => {
      if (this.pieces.length > 0) {
        const pieces = Chunk.unsafeFromArray(this.pieces)
        this.pieces = []
        const writer = this.writer
        this.writer = undefined
        writer?.()
        resume(Effect.succeed(pieces))
        return true
      }
      if (this.ended === undefined) return false
      resume(Exit.isSuccess(this.ended) ? Effect.fail(Option.none()) : Effect.fail(Option.some(this.ended.cause)))
      return true
    }
    if (read()) return
    this.reader = read
    return Effect.sync(() => {
      this.reader = undefined
    })
  })

  private wakeReader(): void {
    const reader = this.reader
    this.reader = undefined
    reader?.()
  }
}
