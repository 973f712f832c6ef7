/**
 * A server without its sockets: a function from a request to a response. The servers and emulators of all planes are
 * fronts; `NodeServer` puts one on a port, `InMemory` behind an `HttpClient`.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Connection } from "../../streams/core/Connection.js"

/**
 * The request body is longer than `limit` bytes. It is not kept; the connection survives where the rest is short.
 *
 * @since 0.1.0
 * @category errors
 */
export class BodyTooLarge extends Data.TaggedError("BodyTooLarge")<{ readonly limit: number }> {}

/**
 * The client went away, or took too long, before its request body was complete.
 *
 * @since 0.1.0
 * @category errors
 */
export class BodyAborted extends Data.TaggedError("BodyAborted") {}

/**
 * The front gives no answer: the connection is closed as it is. Fault injection uses it.
 *
 * @since 0.1.0
 * @category errors
 */
export class Hangup extends Data.TaggedError("Hangup") {}

/**
 * A request as it is on the wire.
 *
 * - `target`: path and query, never normalised or decoded
 * - `headers`: names in lower case; repeated headers are joined with commas
 * - `bytes`: reads the body, once, up to `limit` bytes. `accept`, where the server knows it, sees each piece as it comes;
 *   once it says `false`, nothing more is read: `BodyTooLarge`
 * - `pieces`: the body as it comes, over HTTP/2 only; read either this or `bytes`, once
 *
 * @since 0.1.0
 * @category models
 */
export interface FrontRequest {
  readonly method: string
  readonly target: string
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly bytes: (
    limit: number,
    accept?: (piece: Uint8Array) => boolean
  ) => Effect.Effect<Uint8Array, BodyTooLarge | BodyAborted>
  readonly pieces?: Stream.Stream<Uint8Array, BodyAborted> | undefined
}

/**
 * A body that comes piece by piece; each piece is one chunk on the wire. When the stream ends the body ends properly,
 * when it fails the connection breaks off. It is pulled only when the client has room, so a slow client slows it down.
 *
 * After `idle.after` without a piece, `idle.piece` is sent, again and again, to keep the connection open.
 *
 * @since 0.1.0
 * @category models
 */
export class StreamBody extends Data.Class<{
  readonly stream: Stream.Stream<string | Uint8Array, unknown>
  readonly idle?: { readonly after: Duration.DurationInput; readonly piece: string } | undefined
}> {}

/**
 * A response. `content-length` is added to bodies that are no stream unless `headers` has it; names are in lower case.
 *
 * `upgrade` accepts a WebSocket upgrade in place of a body (status 101): it serves the connection, which is dropped with
 * its end unless it has been closed. When the client is gone, `receive` says so behind the last frame; who has never
 * received is interrupted then, everybody else 5 s later. A request is an upgrade when its headers `upgrade` and `connection` say so.
 *
 * `answersClose`: whether a close frame of the client is answered, as it should be (default), or the connection is dropped.
 *
 * `trailers` are sent behind the body, over HTTP/2 only. The effect runs when the body has ended properly, or has been
 * interrupted because the server shuts down.
 *
 * @since 0.1.0
 * @category models
 */
export interface FrontResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: undefined | string | Uint8Array | StreamBody
  readonly upgrade?: ((connection: Connection) => Effect.Effect<void, never, Scope.Scope>) | undefined
  readonly answersClose?: boolean | undefined
  readonly trailers?: Effect.Effect<Readonly<Record<string, string>>> | undefined
}

/**
 * Answers one request. The scope is closed when the response has been sent or given up, streams included; a client that
 * goes away interrupts the effect, or the stream.
 *
 * @since 0.1.0
 * @category models
 */
export interface Front<out R = never> {
  (request: FrontRequest): Effect.Effect<FrontResponse, Hangup, R | Scope.Scope>
}

/**
 * A response without a body.
 *
 * @since 0.1.0
 * @category constructors
 */
export const empty = (status: number, headers: Readonly<Record<string, string>> = {}): FrontResponse => ({
  status,
  headers,
  body: undefined
})

/**
 * Accepts a WebSocket upgrade.
 *
 * @since 0.1.0
 * @category constructors
 */
export const upgrade = (
  serve: (connection: Connection) => Effect.Effect<void, never, Scope.Scope>,
  options: {
    readonly headers?: Readonly<Record<string, string>> | undefined
    readonly answersClose?: boolean | undefined
  } = {}
): FrontResponse => ({
  status: 101,
  headers: options.headers ?? {},
  body: undefined,
  upgrade: serve,
  answersClose: options.answersClose
})

const jsonHeaders = { "content-type": "application/json" }

/**
 * A response whose body is already JSON text.
 *
 * @since 0.1.0
 * @category constructors
 */
export const json = (status: number, body: string, headers?: Readonly<Record<string, string>>): FrontResponse => ({
  status,
  headers: headers === undefined ? jsonHeaders : { ...jsonHeaders, ...headers },
  body
})

const textHeaders = { "content-type": "text/plain; charset=utf-8" }

/**
 * A plain-text response.
 *
 * @since 0.1.0
 * @category constructors
 */
export const text = (status: number, body: string): FrontResponse => ({ status, headers: textHeaders, body })

/**
 * The path of a request target, still encoded: without its query, and without scheme and authority where a proxy sent
 * them.
 *
 * @since 0.1.0
 * @category utils
 */
export const pathOf = (target: string): string => {
  const query = target.indexOf("?")
  const path = query === -1 ? target : target.slice(0, query)
  return path.startsWith("/") ? path : path.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/]*/i, "")
}

/**
 * The query of a request target, still encoded, without the question mark.
 *
 * @since 0.1.0
 * @category utils
 */
export const queryOf = (target: string): string => {
  const query = target.indexOf("?")
  return query === -1 ? "" : target.slice(query + 1)
}

/**
 * Where a streamed body goes. `write` takes pieces and says whether there is room for more; `drained` waits for room.
 *
 * @since 0.1.0
 * @category models
 */
export interface Sink {
  readonly write: (pieces: Iterable<string | Uint8Array>) => boolean
  readonly drained: Effect.Effect<void>
}

/**
 * Sends a streamed body to its sink. Nothing is pulled while the sink is full.
 *
 * @since 0.1.0
 * @category utils
 */
export const pump = (body: StreamBody, sink: Sink): Effect.Effect<void, unknown> => {
  const { idle, stream } = body
  if (idle === undefined) {
    return Stream.runForEachChunk(stream, (pieces) => sink.write(pieces) ? Effect.void : sink.drained)
  }
  return Effect.flatMap(Effect.clock, (clock) => {
    let last = clock.unsafeCurrentTimeMillis()
    let full = false
    const after = Duration.toMillis(idle.after)
    const send = Stream.runForEachChunk(stream, (pieces) => {
      last = clock.unsafeCurrentTimeMillis()
      if (sink.write(pieces)) return Effect.void
      full = true
      return Effect.map(sink.drained, () => {
        full = false
        last = clock.unsafeCurrentTimeMillis()
      })
    })
    const keepAlive = Effect.forever(Effect.suspend(() => {
      const silent = clock.unsafeCurrentTimeMillis() - last
      if (silent < after) return Clock.sleep(Duration.millis(after - silent))
      last += silent
      if (!full) sink.write([idle.piece])
      return Effect.void
    }))
    return Effect.raceFirst(send, keepAlive)
  })
}
