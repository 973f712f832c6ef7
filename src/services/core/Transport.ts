/**
 * From an endpoint's declaration to its call: one function that builds the request, sends it under the time-outs and
 * the retry policy, tells status from body, and ends in the decoded value or one of the errors the endpoint names.
 *
 * @since 0.1.0
 */
import type * as Headers from "@effect/platform/Headers"
import type * as HttpBody from "@effect/platform/HttpBody"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as TraceContext from "@effect/platform/HttpTraceContext"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { Declared } from "../../schemas/core/Endpoint.js"
import type { CommonError, DecodeError, InvalidInput, Timeout, TransportError } from "../../schemas/core/Errors.js"
import { Unauthorized } from "../../schemas/core/Errors.js"
import { readExcerpt } from "./Answers.js"
import * as Answers from "./Answers.js"
import * as Attempts from "./Attempts.js"
import type * as CallOptions from "./CallOptions.js"
import * as Codec from "./Codec.js"
import * as Exchange from "./Exchange.js"
import { fromClientError } from "./Failure.js"
import type { CallInfo, Plane } from "./Plane.js"
import * as Redirect from "./Redirect.js"
import * as Retry from "./Retry.js"
import * as Telemetry from "./Telemetry.js"

/**
 * What an area adds to the call of an endpoint.
 *
 * - `total`: default time-out of an attempt
 * - `secrets`: values of the input that must not show up in errors
 * - `body`: the body, where it is not JSON; it is made anew for every attempt
 *
 * @since 0.1.0
 * @category models
 */
export interface Settings<Endpoint> {
  readonly total?: Duration.DurationInput
  readonly secrets?: (input: Codec.InputOf<Endpoint>) => ReadonlyArray<string>
  readonly body?: (input: Codec.InputOf<Endpoint>) => HttpBody.HttpBody
}

/**
 * A body that is not text, and what was said with it; names of headers are in lower case.
 *
 * @since 0.1.0
 * @category models
 */
export interface Download {
  readonly bytes: Uint8Array
  readonly headers: Readonly<Record<string, string | undefined>>
}

/** How the answers of an endpoint become values: a 2xx, or the text of another status that it declares. */
interface Reader<Endpoint extends Codec.AnyEndpoint, A> {
  readonly success: (
    codec: Codec.Codec<Codec.InputOf<Endpoint> & Codec.Input, Codec.SuccessOf<Endpoint>>,
    response: HttpClientResponse.HttpClientResponse,
    info: CallInfo,
    options: CallOptions.Resolved,
    received: () => Codec.Received
  ) => Effect.Effect<A, TransportError | Timeout | DecodeError>
  readonly declared: (
    codec: Codec.Codec<Codec.InputOf<Endpoint> & Codec.Input, Codec.SuccessOf<Endpoint>>,
    text: string,
    received: () => Codec.Received
  ) => Option.Option<A>
}

/**
 * Where the call of an endpoint goes, in the name of a method of an area.
 *
 * @since 0.1.0
 * @category constructors
 */
export const callInfo = (
  plane: { readonly name: string },
  area: string,
  name: string,
  { endpoint }: { readonly endpoint: Pick<Codec.AnyEndpoint, "method" | "path"> }
): CallInfo => ({
  operation: `${plane.name}.${area}.${name}`,
  method: endpoint.method,
  route: Codec.routeOf(endpoint.path)
})

/**
 * Builds the calls of one area of a plane.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = <PlaneError extends { readonly _tag: string }>(plane: Plane<PlaneError>, area: string) => {
  const { bodyOf, bytesOf, client, headersOf, inContext, raced, scopedClient, secretsOf, textOf, withOptions } =
    Exchange.make(
      plane
    )

  const traced = (headers: Record<string, string>): Effect.Effect<Record<string, string>> =>
    plane.propagateTrace
      ? Effect.match(Effect.currentSpan, {
        onFailure: () => headers,
        onSuccess: (span) => ({ ...headers, ...TraceContext.toHeaders(span) })
      })
      : Effect.succeed(headers)

  const compile = <Endpoint extends Codec.AnyEndpoint, E extends { readonly _tag: string }>(
    name: string,
    declared: Declared<Endpoint, E>
  ) => {
    const info = callInfo(plane, area, name, declared)
    return {
      info,
      codec: Codec.make(declared.endpoint, info, plane.baseUrl),
      ...Answers.make<PlaneError, E>(plane, info, declared.errors)
    }
  }

  /** The function that calls an endpoint; `read` makes a value of a success. */
  const compiled = <Endpoint extends Codec.AnyEndpoint, E extends { readonly _tag: string }, A>(
    name: string,
    declared: Declared<Endpoint, E>,
    settings: Settings<Endpoint> | undefined,
    read: Reader<Endpoint, A>
  ) => {
    const { codec, info, received, reject, requestIdOf } = compile(name, declared)
    const attempted = Attempts.make(info, declared.repeat, Telemetry.spanOptions(info.method, info.route))
    const defaults: CallOptions.Timeouts = { total: settings?.total ?? "10 seconds" }

    const send = (
      request: HttpClientRequest.HttpClientRequest,
      options: CallOptions.Resolved
    ): Effect.Effect<HttpClientResponse.HttpClientResponse, TransportError | Timeout> =>
      Effect.mapError(
        inContext(client.execute(request), options),
        (error) => fromClientError(info, "request", error, options)
      )

    const followed = (
      request: HttpClientRequest.HttpClientRequest,
      options: CallOptions.Resolved,
      left: number
    ): Effect.Effect<HttpClientResponse.HttpClientResponse, TransportError | Timeout> =>
      Effect.flatMap(send(request, options), (response) => {
        const location = response.status === 307 && left > 0
          ? Redirect.target(request.url, response.headers["location"], plane.baseUrl)
          : Option.none()
        return Option.isSome(location) && plane.mayFollow?.(location.value) === true
          ? Effect.zipRight(
            // The connection is free again, whatever came with the redirect.
            readExcerpt(bodyOf(response, info, options)),
            followed(HttpClientRequest.setUrl(request, location.value.href), options, left - 1)
          )
          : Effect.succeed(response)
      })

    return (
      input: Codec.InputOf<Endpoint> & Codec.Input,
      callOptions?: CallOptions.CallOptions
    ): Effect.Effect<A, E | CommonError | InvalidInput> =>
      withOptions(callOptions, defaults, (options) =>
        attempted<A, E | CommonError | InvalidInput>(options, (span) => {
          let attempts = 0
          let answered: Headers.Headers | undefined
          let refused: Exchange.Token = Option.none()

          const secretsWith =
            (token: Exchange.Token) => () => [...secretsOf(token, options), ...(settings?.secrets?.(input) ?? [])]

          const attempt: Effect.Effect<A, E | CommonError | InvalidInput> = Effect.flatMap(
            declared.isPublic ? Effect.succeedNone : plane.token,
            (token) => {
              attempts += 1
              answered = undefined
              refused = Option.none()
              if (Option.isNone(token) && plane.requiresToken === true && !declared.isPublic) {
                return Effect.fail(
                  new Unauthorized({ ...info, detail: "no credential is configured; nothing was sent" })
                )
              }
              const headers = headersOf(codec.accept, token, options)
              if (plane.propagateTrace) Object.assign(headers, TraceContext.toHeaders(span))
              const request = codec.request(input, headers, settings?.body?.(input))
              if (Either.isLeft(request)) return Effect.fail(request.left)
              const sent = declared.hasReplicas
                ? followed(request.right, options, Redirect.hops)
                : send(request.right, options)
              const done = Effect.flatMap(raced(sent, info, "firstByte", options.firstByteMs), (response) => {
                // Every look at the headers of a response makes them anew.
                const { headers } = response
                answered = headers
                Telemetry.annotate(span, "http.response.status_code", response.status)
                if (response.status === 401) refused = token
                const requestId = requestIdOf(headers, secretsWith(token))
                if (requestId !== undefined) Telemetry.annotate(span, "switchyard.request_id", requestId)
                const receivedNow = () => received(response, secretsWith(token))
                if (response.status < 200 || response.status > 299) {
                  const excerptOf = readExcerpt(bodyOf(response, info, options))
                  return codec.isDeclared(response.status)
                    ? Effect.flatMap(excerptOf, (text) => {
                      // The same status from a proxy says something else.
                      const decoded = read.declared(codec, text, receivedNow)
                      return Option.isSome(decoded)
                        ? Effect.succeed(decoded.value)
                        : reject(response, Effect.succeed(text), input, secretsWith(token)())
                    })
                    : reject(response, excerptOf, input, secretsWith(token)())
                }
                return read.success(codec, response, info, options, receivedNow)
              })
              return raced(done, info, "total", options.totalMs)
            }
          )

          const current: typeof attempt = plane.isReplaced === undefined
            ? attempt
            : Effect.catchAll(attempt, (error) =>
              Option.isNone(refused)
                ? Effect.fail(error)
                : Effect.if(plane.isReplaced?.(refused.value) ?? Effect.succeed(false), {
                  onTrue: () => attempt,
                  onFalse: () => Effect.fail(error)
                }))

          return {
            attempt: current,
            count: () => attempts,
            answered: (now) => ({
              shouldRetry: answered?.["x-should-retry"] !== "false",
              retryAfterMs: Retry.parseRetryAfter(answered?.["retry-after"], now)
            })
          }
        }))
  }

  /** As {@link compiled}, done with the first call: a plane has many endpoints, and a program calls a few of them. */
  const calling = <Endpoint extends Codec.AnyEndpoint, E extends { readonly _tag: string }, A>(
    ...parts: readonly [string, Declared<Endpoint, E>, Settings<Endpoint> | undefined, Reader<Endpoint, A>]
  ): ReturnType<typeof compiled<Endpoint, E, A>> => {
    let call: ReturnType<typeof compiled<Endpoint, E, A>> | undefined
    return (input, callOptions) => (call ??= compiled(...parts))(input, callOptions)
  }

  /**
   * The function that calls an endpoint and decodes its answer.
   */
  const unary = <Endpoint extends Codec.AnyEndpoint, E extends { readonly _tag: string }>(
    name: string,
    declared: Declared<Endpoint, E>,
    settings?: Settings<Endpoint>
  ) =>
    calling<Endpoint, E, Codec.SuccessOf<Endpoint>>(name, declared, settings, {
      success: (codec, response, info, options, received) =>
        Effect.flatMap(textOf(response, info, options), (text) => codec.decode(text, received)),
      declared: (codec, text, received) => Either.getRight(codec.decode(text, received))
    })

  /**
   * The function that calls an endpoint which answers with bytes.
   */
  const download = <Endpoint extends Codec.AnyEndpoint, E extends { readonly _tag: string }>(
    name: string,
    declared: Declared<Endpoint, E>,
    settings?: Settings<Endpoint>
  ) =>
    calling<Endpoint, E, Download>(name, declared, settings, {
      success: (codec, response, info, options, received) =>
        Effect.flatMap(bytesOf(response, info, options), (bytes) =>
          Either.map(codec.decodeBytes(bytes, received), (bytes) => ({ bytes, headers: response.headers }))),
      declared: () =>
        Option.none()
    })

  /**
   * The function that opens a stream endpoint: done when the headers of a success are there. One attempt, since the
   * feed decides about the next. The connection is closed with the scope.
   */
  const open = <Endpoint extends Codec.AnyEndpoint, E extends { readonly _tag: string }>(
    name: string,
    declared: Declared<Endpoint, E>,
    accept: string
  ) => {
    const { codec, info, received, reject } = compile(name, declared)
    const defaults: CallOptions.Timeouts = { firstByte: "30 seconds", idle: "45 seconds" }

    return (
      input: Codec.InputOf<Endpoint> & Codec.Input,
      callOptions?: CallOptions.CallOptions
    ): Effect.Effect<
      Stream.Stream<Uint8Array, TransportError | Timeout>,
      E | CommonError | InvalidInput,
      Scope.Scope
    > =>
      withOptions(
        callOptions,
        defaults,
        (options) =>
          Effect.flatMap(plane.token, (token) =>
            Effect.flatMap(traced(headersOf(accept, token, options)), (headers) => {
              const request = codec.request(input, headers)
              if (Either.isLeft(request)) return Effect.fail(request.left)
              const sent = Effect.mapError(
                inContext(scopedClient.execute(request.right), { ...options, totalMs: Infinity }),
                (error) => fromClientError(info, "request", error, options)
              )
              return Effect.flatMap(raced(sent, info, "firstByte", options.firstByteMs), (response) => {
                const secrets = () => secretsOf(token, options)
                const excerptOf = readExcerpt(bodyOf(response, info, options))
                if (response.status < 200 || response.status > 299) {
                  return reject(response, excerptOf, input, secrets())
                }
                if (!(response.headers["content-type"] ?? "").toLowerCase().startsWith(accept)) {
                  return Effect.flatMap(
                    excerptOf,
                    (text) => Effect.fail(Codec.notPromised(info, accept, received(response, secrets), text))
                  )
                }
                return Effect.succeed(bodyOf(response, info, options))
              })
            }))
      )
  }

  return { unary, download, open }
}
