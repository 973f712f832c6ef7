/**
 * One request and its response on `node:http2`.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2"
import { longestTimer } from "../../streams/core/NodeConnection.js"
import {
  BodyAborted,
  BodyTooLarge,
  empty,
  type FrontRequest,
  type FrontResponse,
  Hangup,
  pump,
  type Sink,
  type StreamBody
} from "./Front.js"
import { isGrpc, shuttingDown, toTrailers, trailersOnly } from "./GrpcStatus.js"

/** How long a client that does not read keeps its stream from being broken off, in ms. */
const maxDelayMs = 1000

/** All pieces that are there as one write: each costs a frame, and a pass through the connection. */
const join = (pieces: Iterable<string | Uint8Array>): Uint8Array => {
  const all: Array<Uint8Array> = []
  for (const piece of pieces) all.push(typeof piece === "string" ? Buffer.from(piece) : piece)
  const [first] = all
  return first !== undefined && all.length === 1 ? first : Buffer.concat(all)
}

/**
 * A request as fronts see it, and the way to answer it.
 *
 * @internal
 */
export class NodeHttp2Exchange implements FrontRequest {
  /** Set when the server shuts down: what is interrupted then ends with a status instead of breaking off. */
  ending = false
  readonly method: string
  readonly target: string
  private streamed = false
  private ended = false
  private allHeaders: Record<string, string | undefined> | undefined
  private wake: (() => void) | undefined
  /** Writes under way, and what waits for the last of them. */
  private writes = 0
  private onWritten: (() => void) | undefined
  private readonly arrived = performance.now()

  constructor(
    private readonly stream: ServerHttp2Stream,
    private readonly given: IncomingHttpHeaders,
    /** How long the body may take to come, in ms. */
    private readonly requestTimeoutMs: number,
    /** Breaks the connection off. */
    private readonly hangUp: () => void
  ) {
    this.method = given[":method"] ?? "GET"
    this.target = given[":path"] ?? "/"
    // Whatever is wrong with the stream, it closes.
    stream.on("error", () => undefined)
  }

  /** A streamed response has begun. */
  get streaming(): boolean {
    return this.streamed
  }

  get headers(): Readonly<Record<string, string | undefined>> {
    if (this.allHeaders === undefined) {
      this.allHeaders = { host: this.given[":authority"] }
      for (const [name, value] of Object.entries(this.given)) {
        if (!name.startsWith(":")) this.allHeaders[name] = Array.isArray(value) ? value.join(", ") : value
      }
    }
    return this.allHeaders
  }

  bytes(limit: number, accept?: (piece: Uint8Array) => boolean): Effect.Effect<Uint8Array, BodyTooLarge | BodyAborted> {
    return Effect.async((resume) => {
      const { stream } = this
      if (Number(this.given["content-length"] ?? 0) > limit) {
        return resume(Effect.fail(new BodyTooLarge({ limit })))
      }
      if (this.isGone) return resume(Effect.fail(new BodyAborted()))
      const pieces: Array<Uint8Array> = []
      let size = 0
      const stop = () => {
        clearTimeout(timer)
        stream.off("data", onData).off("end", onEnd).off("aborted", onAborted).off("close", onAborted)
        // Who sends more has to wait for room, and is told to stop with the answer.
        stream.pause()
      }
      const onData = (piece: Uint8Array) => {
        size += piece.length
        pieces.push(piece)
        if (size <= limit && accept?.(piece) !== false) return
        stop()
        resume(Effect.fail(new BodyTooLarge({ limit })))
      }
      const onEnd = () => {
        stop()
        const [first] = pieces
        resume(Effect.succeed(first !== undefined && pieces.length === 1 ? first : Buffer.concat(pieces, size)))
      }
      const onAborted = () => {
        stop()
        resume(Effect.fail(new BodyAborted()))
      }
      const timer = setTimeout(
        onAborted,
        Math.min(longestTimer, Math.max(0, this.arrived + this.requestTimeoutMs - performance.now()))
      )
      stream.on("data", onData).on("end", onEnd).on("aborted", onAborted).on("close", onAborted)
      return Effect.sync(stop)
    })
  }

  get pieces(): Stream.Stream<Uint8Array, BodyAborted> {
    return Stream.suspend(() => {
      const wake = () => this.wake?.()
      this.stream.on("readable", wake).on("end", wake).on("aborted", wake).on("close", wake)
      return Stream.repeatEffectChunkOption(this.pull)
    })
  }

  private readonly pull: Effect.Effect<Chunk.Chunk<Uint8Array>, Option.Option<BodyAborted>> = Effect.async((resume) => {
    const { stream } = this
    const next = () => {
      const piece: unknown = stream.read()
      if (piece instanceof Uint8Array) return Effect.succeed(Chunk.of(piece))
      // A body that a reset cuts short ends as well.
      if (stream.aborted) return Effect.fail(Option.some(new BodyAborted()))
      if (stream.readableEnded) return Effect.fail(Option.none())
      return stream.destroyed ? Effect.fail(Option.some(new BodyAborted())) : undefined
    }
    const poll = () => {
      const result = next()
      if (result === undefined) return
      this.wake = undefined
      resume(result)
    }
    this.wake = poll
    poll()
    return Effect.sync(() => {
      this.wake = undefined
    })
  })

  private get isGone(): boolean {
    return this.stream.closed || this.stream.destroyed || this.stream.aborted
  }

  /** Runs `listener` once the exchange is over, answered or not. */
  onClose(listener: () => void): void {
    // A stream with a body that nobody reads may be reset without being closed.
    this.stream.on("close", listener).on("aborted", listener)
  }

  respond({ body, headers, status, trailers, upgrade }: FrontResponse): Effect.Effect<void, unknown> {
    return Effect.suspend(() => {
      const { stream } = this
      if (upgrade !== undefined) return Effect.dieMessage("a front has upgraded a request of HTTP/2")
      if (this.isGone) return Effect.sync(() => void stream.destroy())
      if (this.method === "HEAD" || body === undefined && trailers === undefined) {
        this.respondWith(status, headers, "last")
        return Effect.void
      }
      if (typeof body === "object" && "stream" in body) {
        this.respondWith(status, headers, trailers === undefined ? "body" : "trailers")
        this.streamed = true
        return this.pump(body, trailers)
      }
      const content = body === undefined ? undefined : typeof body === "string" ? Buffer.from(body) : body
      if (trailers === undefined) {
        this.respondWith(status, { "content-length": String(content?.length ?? 0), ...headers }, "body")
        this.endStream(content)
        return Effect.void
      }
      this.respondWith(status, headers, "trailers")
      if (content !== undefined) stream.write(content)
      return this.finish(trailers)
    })
  }

  /** There will be no regular end of this exchange. */
  abandon(cause: Cause.Cause<unknown>): void {
    const { stream } = this
    const failure = Cause.failureOrCause(cause)
    if (this.ended) return
    if (this.isGone) return void stream.destroy()
    if (Either.isLeft(failure) && failure.left instanceof Hangup) return this.afterWrites(this.hangUp)
    // To close a stream ends it first, properly. What has been destroyed is reset and nothing else.
    const reset = () => void stream.destroy(new Error("the response breaks off"))
    if (stream.headersSent) return this.afterWrites(reset)
    if (Cause.isDie(cause)) return this.answer(empty(500))
    if (!this.ending) return reset()
    this.answer(isGrpc(this) ? trailersOnly(toTrailers(shuttingDown)) : empty(503))
  }

  private answer({ headers, status }: FrontResponse): void {
    this.respondWith(status, headers, "last")
  }

  private respondWith(status: number, headers: FrontResponse["headers"], then: "last" | "body" | "trailers"): void {
    const { stream } = this
    stream.respond({ ...headers, ":status": status }, {
      endStream: then === "last",
      waitForTrailers: then === "trailers"
    })
    if (then === "trailers") return
    if (then === "last") this.ended = true
    if (stream.writableFinished) return this.release()
    stream.once("finish", () => this.release())
  }

  private pump(body: StreamBody, trailers: FrontResponse["trailers"]): Effect.Effect<void, unknown> {
    const { stream } = this
    const sink: Sink = {
      write: (pieces) => {
        const content = join(pieces)
        if (content.length === 0) return true
        this.writes++
        return stream.write(content, this.written)
      },
      drained: Effect.async((resume) => {
        // The fiber may have yielded since the write, and missed the event.
        if (!stream.writableNeedDrain) return resume(Effect.void)
        const onDrain = () => resume(Effect.void)
        stream.once("drain", onDrain)
        return Effect.sync(() => stream.off("drain", onDrain))
      })
    }
    const finish = this.finish(trailers)
    return Effect.onInterrupt(
      Effect.zipRight(pump(body, sink), finish),
      () => this.ending ? finish : Effect.void
    )
  }

  private readonly written = (): void => {
    this.writes--
    if (this.writes === 0) this.onWritten?.()
  }

  /** What is broken off takes nothing along that the client should have had, unless the client does not read. */
  private afterWrites(then: () => void): void {
    // What has been written last leaves with the next turn of the loop.
    if (this.writes === 0) return void setImmediate(then)
    const timer = setTimeout(then, maxDelayMs)
    this.onWritten = () => {
      clearTimeout(timer)
      then()
    }
  }

  private finish(trailers: FrontResponse["trailers"]): Effect.Effect<void> {
    if (trailers === undefined) return Effect.sync(() => this.endStream())
    return Effect.map(trailers, (fields) => {
      if (this.ended) return
      this.stream.once("wantTrailers", () => this.sendTrailers(fields))
      this.endStream()
    })
  }

  private endStream(content?: Uint8Array): void {
    if (this.ended) return
    this.ended = true
    if (content === undefined) this.stream.end()
    else this.stream.end(content)
  }

  private sendTrailers(fields: Readonly<Record<string, string>>): void {
    const { stream } = this
    if (this.isGone) return
    try {
      stream.sendTrailers(fields)
      this.release()
    } catch (error) {
      stream.destroy(error instanceof Error ? error : undefined)
    }
  }

  /** The response is complete: a client that has not sent its whole request need not go on (RFC 9113, 8.1). */
  private release(): void {
    const { stream } = this
    if (stream.readableEnded || stream.destroyed) return
    // A reset at once would overtake the end of the response. A stream that is only closed would wait for a reader.
    setImmediate(() => stream.destroy())
  }
}
