/**
 * One request and its response on `node:http`.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type { IncomingMessage, ServerResponse } from "node:http"
import type { Socket } from "node:net"
import {
  BodyAborted,
  BodyTooLarge,
  type FrontRequest,
  type FrontResponse,
  pump,
  type Sink,
  type StreamBody
} from "./Front.js"

/** How much of a body that nobody wants is read away before the connection is cut instead, in bytes. */
const maxDiscarded = 8 * 1024 * 1024

const lastChunk = "0\r\n\r\n"

/** Each piece as a chunk of its own (RFC 9112, 7.1). An empty one is left out: it would be the last. */
const toChunks = (pieces: Iterable<string | Uint8Array>): string | Uint8Array => {
  let text = ""
  const before: Array<Uint8Array> = []
  for (const piece of pieces) {
    if (piece.length === 0) continue
    if (typeof piece === "string") {
      text += `${Buffer.byteLength(piece).toString(16)}\r\n${piece}\r\n`
    } else {
      before.push(Buffer.from(`${text}${piece.length.toString(16)}\r\n`), piece)
      text = "\r\n"
    }
  }
  return before.length === 0 ? text : Buffer.concat([...before, Buffer.from(text)])
}

/**
 * A request as fronts see it, and the way to answer it.
 *
 * @internal
 */
export class NodeExchange implements FrontRequest {
  /** Set when the server shuts down: an interrupted stream then ends properly instead of breaking off. */
  ending = false
  readonly method: string
  readonly target: string
  private streamed = false
  private chunked = false
  private allHeaders: Record<string, string | undefined> | undefined

  constructor(
    private readonly request: IncomingMessage,
    private readonly response: ServerResponse,
    /** The client waits for a `100 Continue` before it sends the body. */
    private awaitsContinue: boolean
  ) {
    this.method = request.method ?? "GET"
    this.target = request.url ?? "/"
  }

  get socket(): Socket {
    return this.request.socket
  }

  /** A streamed response has begun. */
  get streaming(): boolean {
    return this.streamed
  }

  get headers(): Readonly<Record<string, string | undefined>> {
    if (this.allHeaders === undefined) {
      this.allHeaders = {}
      for (const [name, value] of Object.entries(this.request.headers)) {
        this.allHeaders[name] = Array.isArray(value) ? value.join(", ") : value
      }
    }
    return this.allHeaders
  }

  private get hasBody(): boolean {
    const { headers } = this.request
    return headers["transfer-encoding"] !== undefined || (headers["content-length"] ?? "0") !== "0"
  }

  bytes(limit: number): Effect.Effect<Uint8Array, BodyTooLarge | BodyAborted> {
    return Effect.async((resume) => {
      const { request } = this
      if (Number(request.headers["content-length"] ?? 0) > limit) {
        return resume(Effect.fail(new BodyTooLarge({ limit })))
      }
      if (this.awaitsContinue) {
        this.awaitsContinue = false
        this.response.writeContinue()
      }
      const pieces: Array<Uint8Array> = []
      let size = 0
      const stop = () => {
        request.off("data", onData).off("end", onEnd).off("close", onClose)
      }
      const onData = (piece: Uint8Array) => {
        size += piece.length
        pieces.push(piece)
        if (size <= limit) return
        stop()
        resume(Effect.fail(new BodyTooLarge({ limit })))
      }
      const onEnd = () => {
        stop()
        const [first] = pieces
        resume(Effect.succeed(first !== undefined && pieces.length === 1 ? first : Buffer.concat(pieces, size)))
      }
      const onClose = () => {
        stop()
        resume(Effect.fail(new BodyAborted()))
      }
      request.on("data", onData).on("end", onEnd).on("close", onClose)
      return Effect.sync(stop)
    })
  }

  /** Runs `listener` once the exchange is over, answered or not. */
  onClose(listener: () => void): void {
    this.response.on("close", listener)
  }

  respond({ body, headers, status, upgrade }: FrontResponse): Effect.Effect<void, unknown, Scope.Scope> {
    const { response } = this
    if (upgrade !== undefined) return Effect.dieMessage("a front has upgraded a request that does not ask for it")
    if (this.hasBody && !this.request.complete) this.discardBody()
    if (typeof body === "object" && "stream" in body) {
      response.writeHead(status, headers)
      return this.method === "HEAD" ? Effect.sync(() => response.end()) : this.stream(body)
    }
    return Effect.sync(() => {
      if (body === undefined) {
        response.writeHead(status, status === 204 ? headers : { "content-length": "0", ...headers }).end()
      } else {
        const length = typeof body === "string" ? Buffer.byteLength(body) : body.length
        response.writeHead(status, { "content-length": length, ...headers }).end(body)
      }
    })
  }

  /** There will be no regular end of this exchange. */
  abandon(cause: Cause.Cause<unknown>): void {
    const { response } = this
    if (this.ending && this.streamed) {
      this.endStream()
    } else if (!response.headersSent && Option.isSome(Cause.dieOption(cause))) {
      response.writeHead(500, { "content-length": "0" }).end()
    } else {
      response.destroy()
    }
  }

  private stream(body: StreamBody): Effect.Effect<void, unknown> {
    const { response } = this
    return Effect.suspend(() => {
      this.streamed = true
      response.flushHeaders()
      // `node:http` makes a chunk of three writes. One for all that is there costs a tenth of that.
      this.chunked = response.chunkedEncoding
      response.chunkedEncoding = false
      const sink: Sink = {
        write: (pieces) => {
          // Left to itself, `node:http` holds everything back until the next tick: a connection that is broken off
          // before would take along what the client should have had.
          const { socket } = response
          socket?.cork()
          let room = true
          if (this.chunked) room = response.write(toChunks(pieces))
          else for (const piece of pieces) room = response.write(piece)
          socket?.uncork()
          return room
        },
        drained: Effect.async((resume) => {
          // The fiber may have yielded since the write, and missed the event.
          if (!response.writableNeedDrain && !response.destroyed) return resume(Effect.void)
          const onDrain = () => resume(Effect.void)
          response.once("drain", onDrain)
          return Effect.sync(() => response.off("drain", onDrain))
        })
      }
      return Effect.map(pump(body, sink), () => this.endStream())
    })
  }

  private endStream(): void {
    this.response.end(this.chunked ? lastChunk : "")
  }

  /** Reads the rest of the body away, so that the client sees the answer and may use the connection again. */
  private discardBody(): void {
    const { request, response } = this
    if (this.awaitsContinue) response.shouldKeepAlive = false
    let discarded = 0
    request.on("data", (piece: Uint8Array) => {
      discarded += piece.length
      if (discarded > maxDiscarded) request.socket.destroy()
    })
  }
}
