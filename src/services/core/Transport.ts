/**
 * From an endpoint's declaration to its call: one function that builds the request, sends it under the time-outs and
 * the retry policy, tells status from body, and ends in the decoded value or one of the errors the endpoint names.
 *
 * @since 0.1.0
 */
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpClient from "@effect/platform/HttpClient"
import type * as HttpClientError from "@effect/platform/HttpClientError"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as TraceContext from "@effect/platform/HttpTraceContext"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Declared } from "../../schemas/core/Endpoint.js"
import type { CallFields, CommonError } from "../../schemas/core/Errors.js"
import { InvalidInput, Timeout, TransportError, UnexpectedStatus } from "../../schemas/core/Errors.js"
import * as CallOptions from "./CallOptions.js"
import * as Codec from "./Codec.js"
import { excerpt, redact } from "./Redaction.js"
import * as Retry from "./Retry.js"
import * as Telemetry from "./Telemetry.js"
import { limitOf, timeoutCodes } from "./TransportTimeouts.js"

/** How much of an answer that is not a success is read, in bytes. */
const errorBodyLimit = 4096

/**
 * Where a call goes, for the errors that it may end with.
 *
 * @since 0.1.0
 * @category models
 */
export interface CallInfo extends Pick<CallFields, "operation" | "method" | "route"> {}

/**
 * An answer that is not a success, as a plane's error function sees it. `text` holds at most 4 KiB, redacted.
 *
 * @since 0.1.0
 * @category models
 */
export interface Answer extends CallInfo {
  readonly status: number
  readonly requestId: string | undefined
  readonly text: string
  readonly retryAfterMs: number | undefined
  readonly input: Codec.Input
}

/**
 * What a plane brings to its calls.
 *
 * @since 0.1.0
 * @category models
 */
export interface Plane<E extends { readonly _tag: string }> {
  /** First part of every operation's name. */
  readonly name: string
  /** Scheme, host and path prefix, without a trailing slash. */
  readonly baseUrl: string
  readonly httpClient: HttpClient.HttpClient
  /** Read again for every attempt, also of streams. */
  readonly token: Effect.Effect<Option.Option<Redacted.Redacted>>
  readonly options: CallOptions.CallOptions
  /** Whether `traceparent` and `b3` are sent. */
  readonly propagateTrace: boolean
  readonly requestIdHeader: string
  /** An answer as an error; `undefined` for an answer that the plane's contract does not know. */
  readonly toError: (answer: Answer) => E | CommonError | undefined
}

const commonTags: ReadonlySet<string> = new Set<CommonError["_tag"] | "InvalidInput">([
  "Unauthorized",
  "Forbidden",
  "RateLimited",
  "Unavailable",
  "Internal",
  "VersionMismatch",
  "UnexpectedStatus",
  "DecodeError",
  "TransportError",
  "Timeout",
  "InvalidInput"
])

/**
 * The code of a system or undici error somewhere below `cause`: codes are a closed set, messages may hold anything.
 */
const codeOf = (cause: unknown, depth = 0): string | undefined => {
  if (typeof cause !== "object" || cause === null || depth > 4) return undefined
  if ("code" in cause && typeof cause.code === "string" && /^[A-Z][A-Z0-9_]*$/.test(cause.code)) return cause.code
  return "cause" in cause ? codeOf(cause.cause, depth + 1) : undefined
}

const fromClientError = (
  info: CallInfo,
  phase: TransportError["phase"],
  error: HttpClientError.HttpClientError,
  options: CallOptions.Resolved
): TransportError | Timeout => {
  const code = codeOf(error.cause)
  if (isTimeoutCode(code)) {
    const kind = timeoutCodes[code]
    return kind === "connect"
      ? new Timeout({ ...info, kind, detail: "the connect time-out of the transport passed" })
      : timedOut(info, kind, options[`${kind}Ms`])
  }
  return new TransportError({
    ...info,
    phase,
    code,
    detail: (phase === "request" ? "the request could not be sent" : "the connection broke inside the answer") +
      (code === undefined ? "" : `: ${code}`)
  })
}

const isTimeoutCode = (code: string | undefined): code is keyof typeof timeoutCodes =>
  code !== undefined && Object.hasOwn(timeoutCodes, code)

const timedOut = (info: CallInfo, kind: Exclude<Timeout["kind"], "connect">, limitMs: number) =>
  new Timeout({ ...info, kind, limitMs, detail: `the ${kind} time-out of ${limitMs} ms passed` })

const within = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  info: CallInfo,
  kind: Exclude<Timeout["kind"], "connect">,
  limitMs: number
): Effect.Effect<A, E | Timeout, R> =>
  limitMs === Infinity
    ? effect
    : Effect.timeoutFail(effect, {
      duration: Duration.millis(limitMs),
      onTimeout: () => timedOut(info, kind, limitMs)
    })

/** Reads the beginning of a body and lets go of the rest, so that the connection is free again. */
const readExcerpt = (response: HttpClientResponse.HttpClientResponse): Effect.Effect<string> => {
  const decoder = new TextDecoder()
  let left = errorBodyLimit
  return response.stream.pipe(
    Stream.map((bytes) => {
      const part = bytes.subarray(0, left)
      left -= part.length
      return decoder.decode(part, { stream: true })
    }),
    Stream.takeUntil(() => left <= 0),
    Stream.runFold("", (text, part) => text + part),
    Effect.orElseSucceed(() => "")
  )
}

const headerOf = (response: HttpClientResponse.HttpClientResponse, name: string): string | undefined => {
  const value = response.headers[name]
  return value === "" ? undefined : value
}

/**
 * Builds the calls of one area of a plane.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = <PlaneError extends { readonly _tag: string }>(plane: Plane<PlaneError>, area: string) => {
  type Token = Option.Option<Redacted.Redacted>

  const limit = limitOf(plane.httpClient)
  const client = HttpClient.withTracerDisabledWhen(plane.httpClient, () => true)
  const scopedClient = HttpClient.withScope(client)

  /** The context for a request: no redirects, since one would take the credential to where it points, and the limits. */
  const contextOf = (context: Context.Context<never>, options: CallOptions.Resolved): Context.Context<never> => {
    const manual = Context.add(context, FetchHttpClient.RequestInit, {
      ...Option.getOrUndefined(Context.getOption(context, FetchHttpClient.RequestInit)),
      redirect: "manual"
    })
    return Option.match(limit, { onNone: () => manual, onSome: (limit) => limit(manual, options) })
  }
  const contexts = new WeakMap<CallOptions.Resolved, readonly [Context.Context<never>, Context.Context<never>]>()

  /** Runs a request in its context, which is the same for all calls of a fiber with the same options. */
  const inContext = <A, E, R>(effect: Effect.Effect<A, E, R>, options: CallOptions.Resolved): Effect.Effect<A, E, R> =>
    Effect.mapInputContext(effect, (context: Context.Context<R>) => {
      const known = contexts.get(options)
      if (known !== undefined && known[0] === context) return Context.unsafeMake<R>(known[1].unsafeMap)
      const made = contextOf(Context.unsafeMake(context.unsafeMap), options)
      contexts.set(options, [context, made])
      return Context.unsafeMake<R>(made.unsafeMap)
    })

  const isRacing = Option.isNone(limit)
  const raced = <A, E, R>(
    effect: Effect.Effect<A, E, R>,
    info: CallInfo,
    kind: Exclude<Timeout["kind"], "connect">,
    limitMs: number
  ): Effect.Effect<A, E | Timeout, R> => isRacing ? within(effect, info, kind, limitMs) : effect

  const headersOf = (accept: string, token: Token, options: CallOptions.Resolved): Record<string, string> => {
    const headers: Record<string, string> = {}
    for (const name in options.headers) {
      const value = options.headers[name]
      if (value !== undefined) headers[name.toLowerCase()] = Redacted.isRedacted(value) ? Redacted.value(value) : value
    }
    headers["accept"] = accept
    if (Option.isSome(token)) headers["authorization"] = `Bearer ${Redacted.value(token.value)}`
    return headers
  }

  const secretsOf = (token: Token, options: CallOptions.Resolved): Array<string> => {
    const secrets = Object.values(options.headers).flatMap((value) => Redacted.isRedacted(value) ? [Redacted.value(value)] : [])
    if (Option.isSome(token)) secrets.push(Redacted.value(token.value))
    return secrets
  }

  const withOptions = <A, E, R>(
    own: CallOptions.CallOptions | undefined,
    defaults: CallOptions.Timeouts,
    f: (options: CallOptions.Resolved) => Effect.Effect<A, E, R>
  ): Effect.Effect<A, E, R> =>
    Effect.withFiberRuntime((fiber) => f(resolve(fiber.getFiberRef(CallOptions.currentCallOptions), own, defaults)))

  // Nearly all calls are made with the same options: what they come to is kept.
  const resolvedOf = new WeakMap<CallOptions.CallOptions, Map<CallOptions.Timeouts, CallOptions.Resolved>>()
  const resolve = (
    region: CallOptions.CallOptions,
    own: CallOptions.CallOptions | undefined,
    defaults: CallOptions.Timeouts
  ): CallOptions.Resolved => {
    if (own !== undefined) {
      return CallOptions.resolve(CallOptions.merge(CallOptions.merge(plane.options, region), own), defaults)
    }
    let known = resolvedOf.get(region)
    if (known === undefined) resolvedOf.set(region, known = new Map())
    let resolved = known.get(defaults)
    if (resolved === undefined) {
      known.set(defaults, resolved = CallOptions.resolve(CallOptions.merge(plane.options, region), defaults))
    }
    return resolved
  }

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
    type Named = E | CommonError | InvalidInput
    const info: CallInfo = {
      operation: `${plane.name}.${area}.${name}`,
      method: declared.endpoint.method,
      route: Codec.routeOf(declared.endpoint.path)
    }
    const isNamed = (error: { readonly _tag: string }): error is Named =>
      commonTags.has(error._tag) || declared.errors.has(error._tag)

    /** An answer that is not a success, as an error that the endpoint names. */
    const reject = (
      response: HttpClientResponse.HttpClientResponse,
      input: Codec.Input,
      secrets: ReadonlyArray<string>
    ): Effect.Effect<never, Named> =>
      Effect.flatMap(Effect.zip(readExcerpt(response), Clock.currentTimeMillis), ([body, now]) => {
        const text = redact(body, secrets)
        const answer: Answer = {
          ...info,
          status: response.status,
          requestId: headerOf(response, plane.requestIdHeader),
          text,
          retryAfterMs: Retry.parseRetryAfter(headerOf(response, "retry-after"), now),
          input
        }
        const error = plane.toError(answer)
        if (error !== undefined && isNamed(error)) return Effect.fail(error)
        return Effect.fail(
          new UnexpectedStatus({
            ...info,
            status: answer.status,
            requestId: answer.requestId,
            detail: response.status >= 300 && response.status < 400 || response.status === 0
              ? "the server redirects; redirects are not followed"
              : "an answer that this endpoint does not have",
            excerpt: text === "" ? undefined : excerpt(text, errorBodyLimit)
          })
        )
      })

    const received = (
      response: HttpClientResponse.HttpClientResponse,
      secrets: () => ReadonlyArray<string>
    ): Codec.Received => ({
      status: response.status,
      requestId: headerOf(response, plane.requestIdHeader),
      contentType: response.headers["content-type"] ?? "",
      excerpt: (text) => redact(excerpt(text, errorBodyLimit), secrets())
    })

    return { info, codec: Codec.make(declared.endpoint, info, plane.baseUrl), received, reject }
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
    const { codec, info, received, reject } = compile(name, declared)
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
          let hint: string | undefined

          const secretsWith = (token: Token) => () => [...secretsOf(token, options), ...(settings?.secrets?.(input) ?? [])]

          const attempt: Effect.Effect<Codec.SuccessOf<Endpoint>, E | CommonError | InvalidInput> = Effect.flatMap(
            plane.token,
            (token) => {
              attempts += 1
              hint = undefined
              const headers = headersOf("application/json", token, options)
              if (plane.propagateTrace) Object.assign(headers, TraceContext.toHeaders(span))
              const request = codec.request(input, headers)
              if (Either.isLeft(request)) return Effect.fail(request.left)
              const sent = Effect.mapError(
                inContext(client.execute(request.right), options),
                (error) => fromClientError(info, "request", error, options)
              )
              const answered = Effect.flatMap(raced(sent, info, "firstByte", options.firstByteMs), (response) => {
                hint = headerOf(response, "x-should-retry")
                Telemetry.annotate(span, "http.response.status_code", response.status)
                const requestId = headerOf(response, plane.requestIdHeader)
                if (requestId !== undefined) Telemetry.annotate(span, "switchyard.request_id", requestId)
                if (response.status < 200 || response.status > 299) return reject(response, input, secretsWith(token)())
                return Effect.flatMap(
                  Effect.mapError(response.text, (error) => fromClientError(info, "response", error, options)),
                  (text) => codec.decode(text, received(response, secretsWith(token)))
                )
              })
              return raced(answered, info, "total", options.totalMs)
            }
          )

          const repeated: typeof attempt = Effect.catchAll(attempt, (error) =>
            Effect.flatMap(Random.next, (random) => {
              const failure = { error, shouldRetry: hint !== "false" }
              const wait = Retry.delay(declared.repeat, options, failure, attempts - 1, random)
              if (Option.isNone(wait)) return Effect.fail(error)
              metrics.retried()
              return Effect.zipRight(Effect.sleep(wait.value), repeated)
            }))

          return Effect.flatMap(Clock.clockWith((clock) => clock.currentTimeMillis), (start) =>
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
      withOptions(callOptions, defaults, (options) =>
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
              if (response.status < 200 || response.status > 299) return reject(response, input, secrets())
              if (!(response.headers["content-type"] ?? "").toLowerCase().startsWith(accept)) {
                return Effect.flatMap(readExcerpt(response), (text) =>
                  Effect.fail(Codec.notPromised(info, accept, received(response, secrets), text)))
              }
              const body = Stream.mapError(
                response.stream,
                (error) => fromClientError(info, "response", error, options)
              )
              return Effect.succeed(isRacing ? bounded(body, info, options.idleMs) : body)
            })
          })))
  }

  return { unary, open }
}

/** A body that fails when it stays silent for too long. */
const bounded = (
  body: Stream.Stream<Uint8Array, TransportError | Timeout>,
  info: CallInfo,
  idleMs: number
): Stream.Stream<Uint8Array, TransportError | Timeout> =>
  idleMs === Infinity
    ? body
    : Stream.unwrapScoped(Effect.map(Stream.toPull(body), (pull) =>
      Stream.repeatEffectChunkOption(Effect.mapError(
        within(pull, info, "idle", idleMs),
        (error) => error instanceof Timeout ? Option.some(error) : error
      ))))
