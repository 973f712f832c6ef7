/**
 * gRPC connections that call a front directly: no sockets and no time of its own, so that client and server run under one
 * `TestClock`.
 *
 * @since 0.1.0
 */
import { Code, ConnectError } from "@connectrpc/connect"
import type { UniversalClientFn, UniversalClientRequest } from "@connectrpc/connect/protocol"
import { createTransport } from "@connectrpc/connect/protocol-grpc"
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Runtime from "effect/Runtime"
import type * as Scope from "effect/Scope"
import * as Bytes from "../../services/core/Bytes.js"
import type { RpcConnection } from "../../services/core/Rpc.js"
import * as RpcMetadata from "../../services/core/RpcMetadata.js"
import { BodyTooLarge, empty, type Front, type FrontRequest } from "./Front.js"
import type { Exchange } from "./InMemory.js"
import { exchange } from "./InMemory.js"

const readAll = async (body: AsyncIterable<Uint8Array> | undefined): Promise<Uint8Array> => {
  const pieces: Array<Uint8Array> = []
  if (body !== undefined) { for await (const piece of body) pieces.push(piece) }
  return Bytes.concat(pieces)
}

const requestOf = ({ header, method, url }: UniversalClientRequest, body: Uint8Array): FrontRequest => ({
  method,
  target: new URL(url).pathname,
  headers: Object.fromEntries(header),
  bytes: (limit, accept) =>
    accept?.(body) === false || body.length > limit ? Effect.fail(new BodyTooLarge({ limit })) : Effect.succeed(body)
})

/** A connection that broke off, as Node says it. */
const broken = () => Object.assign(new Error("the connection broke off"), { code: "ECONNRESET" })

const neverAborted = new AbortController().signal

/** The pieces of a body, and its trailers behind them. */
async function* bodyOf(
  { hangUp, take, trailers }: Exchange,
  run: <A, E>(effect: Effect.Effect<A, E>) => Promise<Exit.Exit<A, E>>,
  { signal = neverAborted }: UniversalClientRequest,
  target: Headers
): AsyncIterable<Uint8Array> {
  try {
    for (;;) {
      const exit = await run(take)
      if (signal.aborted) throw signal.reason
      if (Exit.isSuccess(exit)) {
        yield* exit.value
        continue
      }
      const failure = Cause.failureOption(exit.cause)
      if (Option.isSome(failure) && Option.isNone(failure.value)) break
      throw broken()
    }
    const mended = { ...trailers }
    RpcMetadata.mend(mended)
    for (const [name, value] of Object.entries(mended)) target.set(name, value)
  } finally {
    hangUp()
  }
}

/**
 * Connections whose every call is answered by the front. A front that hangs up, or breaks a body off, is a connection
 * that broke; one that dies is answered with 500, as on a socket. Time-outs are kept by the clock of the fiber.
 *
 * @since 0.1.0
 * @category constructors
 */
export const connection = <R>(
  front: Front<R>,
  maxMessageBytes: number
): Effect.Effect<RpcConnection, never, Exclude<R, Scope.Scope>> =>
  Effect.map(Effect.runtime<Exclude<R, Scope.Scope>>(), (runtime) => {
    const context: Context.Context<Exclude<R, Scope.Scope>> = runtime.context
    const run = Runtime.runPromiseExit(runtime)
    // As on a socket.
    const answering: Front<R> = (request) =>
      Effect.catchAllDefect(
        front(request),
        (defect) => Effect.as(Effect.logError("A request ended with a defect", defect), empty(500))
      )
    const httpClient: UniversalClientFn = async (request) => {
      const { signal = neverAborted } = request
      const inbound = requestOf(request, await readAll(request.body))
      const exit = await Runtime.runPromiseExit(runtime, exchange(answering, context, inbound, signal), { signal })
      if (Exit.isFailure(exit)) throw signal.aborted ? new ConnectError("cancelled", Code.Canceled) : broken()
      const { response } = exit.value
      const trailer = new Headers()
      const headers = { ...response.headers }
      RpcMetadata.mend(headers)
      return {
        status: response.status,
        header: new Headers(headers),
        body: bodyOf(exit.value, run, request, trailer),
        trailer
      }
    }
    const transport = createTransport({
      baseUrl: "http://127.0.0.1",
      httpClient,
      useBinaryFormat: true,
      interceptors: [],
      acceptCompression: [],
      sendCompression: null,
      compressMinBytes: 1024,
      readMaxBytes: maxMessageBytes,
      writeMaxBytes: maxMessageBytes
    })
    return {
      unary: transport,
      lease: Effect.succeed(transport),
      after: undefined,
      later: (go) => go(),
      maxMessageBytes
    }
  })
