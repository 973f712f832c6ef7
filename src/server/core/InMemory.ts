/**
 * An `HttpClient` and `WebSockets` that call a front directly: no sockets and no time of its own, so that client and
 * server run under one `TestClock`.
 *
 * @since 0.1.0
 */
import * as Headers from "@effect/platform/Headers"
import type * as HttpBody from "@effect/platform/HttpBody"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientError from "@effect/platform/HttpClientError"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Bytes from "../../services/core/Bytes.js"
import type { Attempt, OpenError, OpenRequest, Refusal } from "../../services/core/WebSockets.js"
import { openAttempt, openError, unknownReason, WebSockets, withinOpenTimeout } from "../../services/core/WebSockets.js"
import { BodyTooLarge, type Front, type FrontRequest, type FrontResponse, pump } from "./Front.js"
import { makePair } from "./InMemoryConnection.js"
import { InMemoryResponse } from "./InMemoryResponse.js"
import { Pipe } from "./Pipe.js"
import { serve } from "./Upgrade.js"

const encoder = new TextEncoder()

/** The bytes of a request body, and the content type where only the body knows it. */
const bodyOf = (body: HttpBody.HttpBody): Effect.Effect<readonly [Uint8Array, string | undefined], unknown> => {
  switch (body._tag) {
    case "Empty":
      return Effect.succeed([new Uint8Array(0), undefined])
    case "Uint8Array":
      return Effect.succeed([body.body, undefined])
    case "Stream":
      return Effect.map(
        Stream.runCollect(body.stream),
        (pieces) => [Bytes.concat(pieces), undefined] as const
      )
    case "Raw":
      return body.body instanceof Uint8Array
        ? Effect.succeed([body.body, undefined])
        : Effect.succeed([encoder.encode(String(body.body)), undefined])
    case "FormData": {
      const encoded = new Response(body.formData)
      return Effect.map(
        Effect.tryPromise(() => encoded.arrayBuffer()),
        (bytes) => [new Uint8Array(bytes), encoded.headers.get("content-type") ?? undefined] as const
      )
    }
  }
}

const requestOf = (
  request: HttpClientRequest.HttpClientRequest,
  url: URL,
  [body, contentType]: readonly [Uint8Array, string | undefined]
): FrontRequest => ({
  method: request.method,
  target: url.pathname + url.search,
  headers: {
    host: url.host,
    ...request.headers,
    ...(contentType === undefined ? {} : { "content-type": contentType }),
    ...(request.body._tag === "Empty" ? {} : { "content-length": String(body.length) })
  },
  bytes: (limit) => body.length > limit ? Effect.fail(new BodyTooLarge({ limit })) : Effect.succeed(body)
})

/**
 * A response on its way: its head, what gives its body, and what ends it early. `trailers` are complete with the body.
 *
 * @internal
 */
export interface Exchange {
  readonly response: FrontResponse
  readonly take: Pipe["take"]
  readonly hangUp: () => void
  readonly trailers: Record<string, string>
}

/**
 * Lets a front answer a request: done with the head of the response. Fails with what the front fails with.
 *
 * @internal
 */
export const exchange = <R>(
  front: Front<R>,
  context: Context.Context<Exclude<R, Scope.Scope>>,
  inbound: FrontRequest,
  signal: AbortSignal
): Effect.Effect<Exchange, { readonly cause: unknown }> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function*() {
      const head = yield* Deferred.make<Exchange, { readonly cause: unknown }>()
      const pipe = new Pipe()
      const trailers: Record<string, string> = {}
      const respond = (response: FrontResponse): Effect.Effect<void, unknown> => {
        const { body } = response
        const answered = Deferred.succeed(head, { response, take: pipe.take, hangUp, trailers })
        const sent = body === undefined || inbound.method === "HEAD"
          ? answered
          : typeof body === "object" && "stream" in body
          ? Effect.zipRight(answered, pump(body, pipe))
          : Effect.zipRight(Effect.sync(() => pipe.write([body])), answered)
        return response.trailers === undefined
          ? sent
          : Effect.zipRight(sent, Effect.map(response.trailers, (values) => Object.assign(trailers, values)))
      }
      const fiber = yield* Effect.scoped(Effect.flatMap(front(inbound), respond)).pipe(
        Effect.interruptible,
        Effect.onExit((exit) =>
          Effect.suspend(() => {
            pipe.end(exit)
            const cause = exit._tag === "Failure" ? Cause.squash(exit.cause) : undefined
            return Deferred.fail(head, { cause })
          })
        ),
        Effect.mapInputContext((_: Context.Context<never>) => context),
        Effect.forkDaemon
      )
      const hangUp = () => fiber.unsafeInterruptAsFork(FiberId.none)
      signal.addEventListener("abort", hangUp, { once: true })
      return yield* Effect.onInterrupt(restore(Deferred.await(head)), () => Fiber.interrupt(fiber))
    })
  )

/**
 * A client whose every request is answered by the front, whatever host it names. Pieces of a streamed body arrive as
 * they were sent; at most 16 wait for the reader. Interrupting a call, or leaving a body before its end, interrupts the
 * front. A front that hangs up is a `RequestError`, a body that breaks off a `ResponseError`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const client = <R>(front: Front<R>): Effect.Effect<HttpClient.HttpClient, never, Exclude<R, Scope.Scope>> =>
  Effect.map(
    Effect.context<Exclude<R, Scope.Scope>>(),
    (context) =>
      HttpClient.make((request, url, signal) =>
        Effect.matchEffect(bodyOf(request.body), {
          onFailure: (cause) => Effect.fail(new HttpClientError.RequestError({ request, reason: "Encode", cause })),
          onSuccess: (body) =>
            Effect.mapBoth(exchange(front, context, requestOf(request, url, body), signal), {
              onFailure: ({ cause }) => new HttpClientError.RequestError({ request, reason: "Transport", cause }),
              onSuccess: ({ hangUp, response, take }) =>
                new InMemoryResponse(request, response.status, Headers.fromInput(response.headers), take, hangUp)
            })
        })
      )
  )

/**
 * {@link client} as the `HttpClient` of an application.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = <R, E, R2>(
  front: Effect.Effect<Front<R>, E, R2>
): Layer.Layer<HttpClient.HttpClient, E, Exclude<R, Scope.Scope> | R2> =>
  Layer.effect(HttpClient.HttpClient, Effect.flatMap(front, client))

/**
 * - `browser`: as a browser does it (default false): no headers, no reason why a connection did not come to be, and a
 *   connection that is closed where others make the server wait
 *
 * @since 0.1.0
 * @category models
 */
export interface WebSocketsOptions {
  readonly browser?: boolean | undefined
}

/** How many frames of a client wait for the front before the client has to. */
const serverHighWater = 64

/** How much of the body of a refusal is kept, in bytes. */
const maxRefusal = 4096

const upgradeOf = (url: URL, headers: OpenRequest["headers"]): FrontRequest => ({
  method: "GET",
  target: url.pathname + url.search,
  headers: {
    ...Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])),
    host: url.host,
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "c3dpdGNoeWFyZCBpbiBtZQ=="
  },
  bytes: () => Effect.succeed(new Uint8Array(0))
})

const refusalOf = ({ body, headers, status }: FrontResponse): Effect.Effect<Refusal> => {
  const pieces = body === undefined ? Stream.empty : typeof body === "object" && "stream" in body
    ? body.stream
    : Stream.make(body)
  let size = 0
  return pieces.pipe(
    Stream.map((piece) => typeof piece === "string" ? encoder.encode(piece) : piece),
    Stream.takeUntil((piece) => (size += piece.length) >= maxRefusal),
    Stream.catchAll(() => Stream.empty),
    Stream.runCollect,
    Effect.map((all) => ({
      status,
      headers,
      body: new TextDecoder().decode(Bytes.concat(all).subarray(0, maxRefusal))
    }))
  )
}

/**
 * Opens connections to a front, whatever host is named: each end has a bounded queue that the other waits for. Frames
 * are handed over at once, and time passes for `openTimeout` only. When the scope closes, the front is interrupted and
 * its connections drop.
 *
 * @since 0.1.0
 * @category constructors
 */
export const webSockets = <R>(
  front: Front<R>,
  options: WebSocketsOptions = {}
): Effect.Effect<WebSockets.Service, never, Exclude<R, Scope.Scope> | Scope.Scope> =>
  Effect.gen(function*() {
    const context = yield* Effect.context<Exclude<R, Scope.Scope>>()
    const scope = yield* Effect.scope
    const { browser = false } = options

    const start = (request: OpenRequest, url: URL): Effect.Effect<Attempt> =>
      Effect.gen(function*() {
        const opened = yield* Deferred.make<void, OpenError>()
        const { client, server } = makePair({ client: request.highWater, server: serverHighWater }, !browser)
        const fail = (error: OpenError) => Deferred.fail(opened, browser ? unknownReason : error)
        const respond = (response: FrontResponse) =>
          response.upgrade === undefined
            ? Effect.flatMap(
              refusalOf(response),
              (refusal) => fail(openError("refused", `the answer was ${refusal.status}`, refusal))
            )
            : Effect.zipRight(
              Deferred.succeed(opened, undefined),
              serve(response.upgrade, server, server.inbox)
            )
        const fiber = yield* Effect.scoped(
          Effect.flatMap(front(upgradeOf(url, browser ? {} : request.headers)), respond)
        )
          .pipe(
            Effect.tapDefect((cause) => Effect.logError("A connection ended with a defect", cause)),
            Effect.interruptible,
            Effect.ensuring(Effect.zipRight(
              fail(openError("unreachable", "the connection was closed without an answer")),
              Effect.suspend(() => server.inbox.closed === undefined ? server.drop : Effect.void)
            )),
            Effect.mapInputContext((_: Context.Context<never>) => context),
            Effect.forkIn(scope)
          )
        return {
          connection: client,
          opened: Deferred.await(opened),
          release: Effect.flatMap(
            Deferred.poll(opened),
            (done) => Option.isSome(done) ? client.close(1000) : Fiber.interrupt(fiber)
          )
        }
      })

    return {
      sendsHeaders: !browser,
      open: (request) =>
        Effect.try({
          try: () => new URL(request.url),
          catch: () => openError("unreachable", "the URL is not valid")
        }).pipe(
          Effect.flatMap((url) => openAttempt(start(request, url))),
          withinOpenTimeout(request)
        )
    }
  })

/**
 * {@link webSockets} as the `WebSockets` of an application.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerWebSockets = <R, E, R2>(
  front: Effect.Effect<Front<R>, E, R2>,
  options?: WebSocketsOptions
): Layer.Layer<WebSockets, E, Exclude<R | R2, Scope.Scope>> =>
  Layer.scoped(WebSockets, Effect.flatMap(front, (front) => webSockets(front, options)))
