/**
 * From an endpoint's declaration to its call: one function that builds the request, sends it under the time-outs and
 * the retry policy, tells status from body, and ends in the decoded value or one of the errors the endpoint names.
 *
 * @since 0.1.0
 */
import type * as Headers from "@effect/platform/Headers"
import * as TraceContext from "@effect/platform/HttpTraceContext"
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { Declared } from "../../schemas/core/Endpoint.js"
import type { CommonError, InvalidInput, Timeout, TransportError } from "../../schemas/core/Errors.js"
import { readExcerpt } from "./Answers.js"
import * as Answers from "./Answers.js"
import type * as CallOptions from "./CallOptions.js"
import * as Codec from "./Codec.js"
import * as Exchange from "./Exchange.js"
import { fromClientError } from "./Failure.js"
import type { CallInfo, Plane } from "./Plane.js"
import * as Retry from "./Retry.js"
import * as Telemetry from "./Telemetry.js"

/**
 * Builds the calls of one area of a plane.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = <PlaneError extends { readonly _tag: string }>(plane: Plane<PlaneError>, area: string) => {
  const { bodyOf, client, headersOf, inContext, raced, scopedClient, secretsOf, textOf, withOptions } = Exchange.make(
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
    const info: CallInfo = {
      operation: `${plane.name}.${area}.${name}`,
      method: declared.endpoint.method,
      route: Codec.routeOf(declared.endpoint.path)
    }
    return {
      info,
      codec: Codec.make(declared.endpoint, info, plane.baseUrl),
      ...Answers.make<PlaneError, E>(plane, info, declared.errors)
    }
  }

  /**
   * The function that calls an endpoint and decodes its answer.
   */
  const unary = <Endpoint extends Codec.AnyEndpoint, E extends { readonly _tag: string }>(
    name: string,
    declared: Declared<Endpoint, E>,
    settings?: {
      /** Default time-out of an attempt. */
      readonly total?: Duration.DurationInput
      /** Values of the input that must not show up in errors. */
      readonly secrets?: (input: Codec.InputOf<Endpoint>) => ReadonlyArray<string>
    }
  ) => {
    const { codec, info, received, reject, requestIdOf } = compile(name, declared)
    const metrics = Telemetry.callMetrics(info.operation)
    const spanOptions = Telemetry.spanOptions(info.method, info.route)
    const defaults: CallOptions.Timeouts = { total: settings?.total ?? "10 seconds" }

    return (
      input: Codec.InputOf<Endpoint> & Codec.Input,
      callOptions?: CallOptions.CallOptions
    ): Effect.Effect<Codec.SuccessOf<Endpoint>, E | CommonError | InvalidInput> =>
      withOptions(callOptions, defaults, (options) =>
        Effect.useSpan(info.operation, spanOptions, (span) => {
          let attempts = 0
          let answered: Headers.Headers | undefined

          const secretsWith =
            (token: Exchange.Token) => () => [...secretsOf(token, options), ...(settings?.secrets?.(input) ?? [])]

          const attempt: Effect.Effect<Codec.SuccessOf<Endpoint>, E | CommonError | InvalidInput> = Effect.flatMap(
            plane.token,
            (token) => {
              attempts += 1
              answered = undefined
              const headers = headersOf("application/json", token, options)
              if (plane.propagateTrace) Object.assign(headers, TraceContext.toHeaders(span))
              const request = codec.request(input, headers)
              if (Either.isLeft(request)) return Effect.fail(request.left)
              const sent = Effect.mapError(
                inContext(client.execute(request.right), options),
                (error) => fromClientError(info, "request", error, options)
              )
              const done = Effect.flatMap(raced(sent, info, "firstByte", options.firstByteMs), (response) => {
                // Every look at the headers of a response makes them anew.
                const { headers } = response
                answered = headers
                Telemetry.annotate(span, "http.response.status_code", response.status)
                const requestId = requestIdOf(headers, secretsWith(token))
                if (requestId !== undefined) Telemetry.annotate(span, "switchyard.request_id", requestId)
                if (response.status < 200 || response.status > 299) {
                  return reject(
                    response,
                    readExcerpt(bodyOf(response, info, options)),
                    input,
                    secretsWith(token)()
                  )
                }
                return Effect.flatMap(
                  textOf(response, info, options),
                  (text) => codec.decode(text, () => received(response, secretsWith(token)))
                )
              })
              return raced(done, info, "total", options.totalMs)
            }
          )

          const repeated: typeof attempt = Effect.catchAll(attempt, (error) =>
            Effect.flatMap(Effect.zip(Random.next, Clock.currentTimeMillis), ([random, now]) => {
              const failure = {
                error,
                shouldRetry: answered?.["x-should-retry"] !== "false",
                retryAfterMs: Retry.parseRetryAfter(answered?.["retry-after"], now)
              }
              const wait = Retry.delay(declared.repeat, options, failure, attempts - 1, random)
              if (Option.isNone(wait)) {
                return Effect.fail(error)
              }
              metrics.retried()
              return Effect.zipRight(Effect.sleep(wait.value), repeated)
            }))

          return Effect.flatMap(Clock.currentTimeMillis, (start) =>
            Effect.onExit(repeated, (exit) =>
              Effect.map(Clock.currentTimeMillis, (end) => {
                Telemetry.annotate(span, "switchyard.attempts", attempts)
                metrics.ended(Telemetry.outcomeOf(exit), end - start)
              })))
        }))
  }

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

  return { unary, open }
}
