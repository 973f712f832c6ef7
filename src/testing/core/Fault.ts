/**
 * What can go wrong between a client and a server, as functions around the handling of one request. They work on any
 * front, on a socket or in memory.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { FrontRequest, FrontResponse } from "../../server/core/Front.js"
import { Hangup, StreamBody } from "../../server/core/Front.js"
import { okTrailers } from "../../server/core/GrpcStatus.js"

/**
 * A fault: gets the request and what would answer it (`next`), and decides what becomes of both.
 *
 * @since 0.1.0
 * @category models
 */
export interface Fault {
  <R>(next: Effect.Effect<FrontResponse, Hangup, R>, request: FrontRequest): Effect.Effect<FrontResponse, Hangup, R>
}

/**
 * How much of a body gets through: so many whole pieces (a frame of an event stream is a piece, any other body is one),
 * and then so many bytes of what follows. Both default to 0.
 *
 * @since 0.1.0
 * @category models
 */
export interface Portion {
  readonly pieces?: number | undefined
  readonly bytes?: number | undefined
}

/**
 * Answers in place of the server, which never sees the request.
 *
 * - `retryAfter`: seconds, or an HTTP date, for the header of that name
 * - `body`: default none; `headers` has to name its type
 *
 * @since 0.1.0
 * @category faults
 */
export const status = (status: number, options: {
  readonly retryAfter?: number | string | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly body?: string | undefined
} = {}): Fault => {
  const { body, headers, retryAfter } = options
  const wait = retryAfter === undefined ? {} : { "retry-after": String(retryAfter) }
  return () => Effect.succeed({ status, headers: { ...wait, ...headers }, body })
}

/**
 * The HTML page of a proxy that stands in front of the server, as some answer even with 200.
 *
 * @since 0.1.0
 * @category faults
 */
export const html = (code = 502): Fault =>
  status(code, {
    headers: { "content-type": "text/html; charset=utf-8" },
    body: `<!doctype html><html><head><title>${code}</title></head><body><h1>Proxy says ${code}</h1></body></html>\n`
  })

/**
 * The request reaches the server late.
 *
 * @since 0.1.0
 * @category faults
 */
export const delay = (duration: Duration.DurationInput): Fault => (next) => Effect.delay(next, duration)

/**
 * The server does its work at once and answers late.
 *
 * @since 0.1.0
 * @category faults
 */
export const delayAnswer = (duration: Duration.DurationInput): Fault => (next) =>
  Effect.zipLeft(next, Effect.sleep(duration))

/**
 * No answer ever comes, and the server never sees the request.
 *
 * @since 0.1.0
 * @category faults
 */
export const silence: Fault = () => Effect.never

/**
 * The connection is closed without an answer. `handled` says whether the server did what it was asked for (default
 * `false`): the client cannot tell.
 *
 * @since 0.1.0
 * @category faults
 */
export const hangUp = (options: { readonly handled?: boolean | undefined } = {}): Fault => (next) =>
  options.handled === true ? Effect.zipRight(next, new Hangup()) : new Hangup()

const encoder = new TextEncoder()

const bytesOf = (piece: string | Uint8Array): Uint8Array => typeof piece === "string" ? encoder.encode(piece) : piece

const piecesOf = ({ body }: FrontResponse): Stream.Stream<string | Uint8Array, unknown> =>
  body === undefined ? Stream.empty : typeof body === "object" && "stream" in body ? body.stream : Stream.make(body)

const withPieces = (
  response: FrontResponse,
  change: (pieces: Stream.Stream<string | Uint8Array, unknown>) => Stream.Stream<string | Uint8Array, unknown>
): FrontResponse => {
  const { body, headers } = response
  if (body === undefined) return response
  const idle = typeof body === "object" && "stream" in body ? body.idle : undefined
  const { "content-length": _, ...others } = headers
  return { ...response, headers: others, body: new StreamBody({ stream: change(piecesOf(response)), idle }) }
}

const portionOf = ({ bytes = 0, pieces = 0 }: Portion) => <E>(body: Stream.Stream<string | Uint8Array, E>) =>
  Stream.suspend((): Stream.Stream<string | Uint8Array, E> => {
    let piecesLeft = pieces
    let bytesLeft = bytes
    if (piecesLeft <= 0 && bytesLeft <= 0) return Stream.empty
    return body.pipe(
      // One by one, so that what is counted is what has been sent.
      Stream.rechunk(1),
      Stream.map((piece) => {
        if (piecesLeft > 0) {
          piecesLeft--
          return piece
        }
        const part = bytesOf(piece).subarray(0, bytesLeft)
        bytesLeft -= part.length
        return part
      }),
      Stream.takeUntil(() => piecesLeft <= 0 && bytesLeft <= 0)
    )
  })

/**
 * The connection breaks inside the body. The client sees the head of the answer, this much of the body, and no end.
 *
 * @since 0.1.0
 * @category faults
 */
export const cut = (portion: Portion): Fault => (next) =>
  Effect.map(
    next,
    (response) => withPieces(response, (pieces) => Stream.concat(portionOf(portion)(pieces), Stream.fail(new Hangup())))
  )

/**
 * The body ends too early, but properly: what a client takes for a complete answer. Over gRPC the status is OK then.
 *
 * @since 0.1.0
 * @category faults
 */
export const truncate = (portion: Portion): Fault => (next) =>
  Effect.map(next, (response) => {
    const { body, trailers } = response
    if (body === undefined || trailers === undefined) return withPieces(response, portionOf(portion))
    let isWhole = false
    const marked = <A, E>(pieces: Stream.Stream<A, E>) =>
      Stream.concat(
        pieces,
        Stream.execute(Effect.sync(() => {
          isWhole = true
        }))
      )
    return {
      ...withPieces(response, (pieces) => portionOf(portion)(marked(pieces))),
      trailers: Effect.suspend(() => isWhole ? trailers : Effect.succeed(okTrailers))
    }
  })

const changePieces = (
  change: (piece: string | Uint8Array, index: number) => ReadonlyArray<string | Uint8Array>
): Fault =>
(next) =>
  Effect.map(next, (response) =>
    withPieces(response, (pieces) =>
      Stream.suspend(() => {
        let index = 0
        return Stream.mapConcat(pieces, (piece) => change(piece, index++))
      })))

/**
 * Pieces of the body come twice: all of them, or the one at `piece`, counted from 0.
 *
 * @since 0.1.0
 * @category faults
 */
export const duplicate = (options: { readonly piece?: number | undefined } = {}): Fault =>
  changePieces((piece, index) => options.piece === undefined || options.piece === index ? [piece, piece] : [piece])

/**
 * Puts text or bytes that the server never sent ahead of the piece at `at`, counted from 0.
 *
 * @since 0.1.0
 * @category faults
 */
export const insert = (at: number, inserted: string | Uint8Array): Fault =>
  changePieces((piece, index) => index === at ? [inserted, piece] : [piece])

/**
 * Several faults at once; the first is the outermost.
 *
 * @since 0.1.0
 * @category combinators
 */
export const all = (...faults: ReadonlyArray<Fault>): Fault => (next, request) =>
  faults.reduceRight((inner, fault) => fault(inner, request), next)
