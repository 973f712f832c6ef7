/** A client of HTTP/2 that shows what is on the wire. */
import * as Effect from "effect/Effect"
import * as Http2 from "node:http2"

export interface Answer {
  readonly headers: Http2.IncomingHttpHeaders & Http2.IncomingHttpStatusHeader
  readonly body: Buffer
  readonly trailers: Http2.IncomingHttpHeaders | undefined
  /** Why the stream was reset; 0 for a proper end. */
  readonly code: number
}

/** A connection of its own, dropped with the scope. */
export const connect = (url: string, options: Http2.SecureClientSessionOptions = {}) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const session = Http2.connect(url, options)
      session.on("error", () => undefined)
      return session
    }),
    (session) => Effect.sync(() => session.destroy())
  )

export const open = (
  session: Http2.ClientHttp2Session,
  headers: Http2.OutgoingHttpHeaders
): Http2.ClientHttp2Stream => {
  const stream = session.request({ ":method": "POST", ...headers })
  stream.on("error", () => undefined)
  return stream
}

/** What comes back, once the stream is closed. */
export const collect = (stream: Http2.ClientHttp2Stream): Effect.Effect<Answer> =>
  Effect.async((resume) => {
    const pieces: Array<Buffer> = []
    let headers: Answer["headers"] = {}
    let trailers: Http2.IncomingHttpHeaders | undefined
    stream.on("response", (given) => {
      headers = given
    })
    stream.on("trailers", (given: Http2.IncomingHttpHeaders) => {
      trailers = given
    })
    stream.on("data", (piece: Buffer) => pieces.push(piece))
    stream.on("close", () =>
      resume(Effect.succeed({ headers, trailers, body: Buffer.concat(pieces), code: stream.rstCode ?? 0 })))
  })

export const send = (
  session: Http2.ClientHttp2Session,
  headers: Http2.OutgoingHttpHeaders,
  body?: Uint8Array | string
): Effect.Effect<Answer> =>
  Effect.suspend(() => {
    const stream = open(session, headers)
    stream.end(body)
    return collect(stream)
  })

/** The event of an emitter, once. */
export const once = (
  emitter: { once: (event: string, listener: (value: unknown) => void) => unknown },
  event: string
): Effect.Effect<unknown> =>
  Effect.async((resume) => void emitter.once(event, (value) => resume(Effect.succeed(value))))
