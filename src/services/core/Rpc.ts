/**
 * From a method of a protobuf service to its call: one function that sends the message under the deadline and the retry
 * policy, and ends in the decoded answer or one of the errors that the call names. The counterpart of `Transport` for gRPC.
 *
 * @since 0.1.0
 */
import type { DescMessage, DescMethodServerStreaming, DescMethodUnary, Message, MessageShape } from "@bufbuild/protobuf"
import type { Transport } from "@connectrpc/connect"
import * as TraceContext from "@effect/platform/HttpTraceContext"
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Declared } from "../../schemas/core/Endpoint.js"
import type { CommonError } from "../../schemas/core/Errors.js"
import {
  DecodeError,
  InvalidInput,
  isCommon,
  PayloadTooLarge,
  TransportError,
  UnexpectedStatus
} from "../../schemas/core/Errors.js"
import { codes, type StatusName } from "../../schemas/core/Grpc.js"
import * as Attempts from "./Attempts.js"
import * as CallOptions from "./CallOptions.js"
import { within } from "./Failure.js"
import * as Messages from "./Messages.js"
import type { CallInfo } from "./Plane.js"
import { headerSecrets } from "./Redaction.js"
import * as RpcAnswers from "./RpcAnswers.js"
import * as Telemetry from "./Telemetry.js"

/**
 * The connections to a server.
 *
 * - `unary`: for unary calls, which share a connection
 * - `lease`: for one stream, until the scope is closed; streams share connections among themselves, as many as a server
 *   takes
 * - `after`: runs something after so many milliseconds of real time, and gives what cancels it; without it, deadlines are
 *   kept by racing fibers, as the clock of the fiber has it
 * - `later`: runs something once what has been read from the wire has been dealt with
 * - `maxMessageBytes`: the longest message, either way
 *
 * @since 0.1.0
 * @category models
 */
export interface RpcConnection {
  readonly unary: Transport
  readonly lease: Effect.Effect<Transport, never, Scope.Scope>
  readonly after: ((ms: number, run: () => void) => () => void) | undefined
  readonly later: (run: () => void) => void
  readonly maxMessageBytes: number
}

/**
 * What a plane brings to its gRPC calls.
 *
 * @since 0.1.0
 * @category models
 */
export interface RpcPlane<E extends { readonly _tag: string }> {
  /** First part of every operation's name. */
  readonly name: string
  readonly connection: RpcConnection
  /** Read again for every attempt, also of streams; sent as `authorization: Bearer …`. */
  readonly token: Effect.Effect<Option.Option<Redacted.Redacted>>
  readonly options: CallOptions.CallOptions
  /** Whether `traceparent` and `b3` are sent. */
  readonly propagateTrace: boolean
  readonly requestIdHeader: string
  /** An answer to a message as an error. */
  readonly toError: (answer: RpcAnswers.RpcAnswer, limits: CallOptions.Resolved, message: Message) => E | CommonError
}

/**
 * What an area says about a method: `repeat` and `errors` as for an endpoint; `total` is the default time-out of an
 * attempt.
 *
 * @since 0.1.0
 * @category models
 */
export interface Settings<out E extends { readonly _tag: string }>
  extends Pick<Declared<unknown, E>, "errors" | "repeat" | "_E">
{
  readonly total?: Duration.DurationInput | undefined
}

/** A call that has failed, and all there is to say about it. */
interface Failing<E extends { readonly _tag: string }> {
  readonly cause: unknown
  readonly info: CallInfo
  readonly limits: CallOptions.Resolved
  readonly message: Message
  readonly method: { readonly output: DescMessage }
  readonly now: number
  /** How far it had come. */
  readonly phase: TransportError["phase"]
  readonly secrets: () => ReadonlyArray<string>
  readonly settings: Settings<E>
}

/** The longest time-out that the eight digits of `grpc-timeout` can say in milliseconds: 27 hours. */
const longestDeadline = 99_999_999

/** Headers of a connection of HTTP/1, and of its bodies (RFC 9113, 8.2.2). */
const foreignHeaders: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "host",
  "http2-settings",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade"
])

/** The code of a message over the limit, as either side says it. */
const tooLargeCode = "RESOURCE_EXHAUSTED"

/**
 * Where a call goes, in the name of a method of an area.
 *
 * @since 0.1.0
 * @category constructors
 */
export const callInfo = (
  plane: { readonly name: string },
  area: string,
  name: string,
  method: { readonly name: string; readonly parent: { readonly typeName: string } }
): CallInfo => ({
  operation: `${plane.name}.${area}.${name}`,
  method: "POST",
  route: `/${method.parent.typeName}/${method.name}`
})

/**
 * Builds the calls of one area of a plane. `E` are the plane's own errors.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = <PlaneError extends { readonly _tag: string }>(plane: RpcPlane<PlaneError>, area: string) => {
  const { connection } = plane
  const resolve = CallOptions.resolver(plane.options)

  /** The metadata of a call, or the name of the header that cannot be sent. */
  const metadataOf = (
    token: Option.Option<Redacted.Redacted>,
    options: CallOptions.Resolved
  ): Either.Either<Headers, string> => {
    const metadata = new Headers()
    const entries = Object.entries(options.headers)
    if (Option.isSome(token)) entries.push(["authorization", `Bearer ${Redacted.value(token.value)}`])
    for (const [name, value] of entries) {
      if (value === undefined) continue
      if (foreignHeaders.has(name.toLowerCase())) return Either.left(name)
      try {
        metadata.set(name, Redacted.isRedacted(value) ? Redacted.value(value) : value)
      } catch {
        return Either.left(name)
      }
    }
    return Either.right(metadata)
  }

  const unsendable = (info: CallInfo, name: string) => {
    const message = foreignHeaders.has(name.toLowerCase())
      ? "is not for HTTP/2"
      : "has characters that metadata cannot have"
    return new InvalidInput({ ...info, detail: `${name} ${message}`, issues: [{ path: `headers.${name}`, message }] })
  }

  const tooLargeAnswer = (info: CallInfo) =>
    new DecodeError({
      ...info,
      code: tooLargeCode,
      path: "",
      expected: `messages of at most ${connection.maxMessageBytes} bytes`,
      detail: "a message of the answer is too large"
    })

  const tooLargeRequest = (info: CallInfo, named: ReadonlySet<string>) => {
    const detail = `the message is longer than ${connection.maxMessageBytes} bytes; nothing was sent`
    return named.has("PayloadTooLarge")
      ? new PayloadTooLarge({ ...info, code: tooLargeCode, detail })
      : new InvalidInput({ ...info, code: tooLargeCode, detail, issues: [{ path: "", message: detail }] })
  }

  /** The failure of a call as one of its errors, and what the server said about another try. */
  const failureOf = <E extends { readonly _tag: string }>(
    { cause, info, limits, message, method, now, phase, secrets, settings: { errors: named } }: Failing<E>
  ): {
    readonly error: E | CommonError | InvalidInput
    readonly code: StatusName | undefined
    readonly status: number | undefined
    readonly shouldRetry: boolean
    readonly retryAfterMs: number | undefined
    readonly requestId: string | undefined
  } => {
    type Named = E | CommonError | InvalidInput
    const isNamed = (error: { readonly _tag: string }): error is Named => isCommon(error) || named.has(error._tag)
    const asNamed = (error: { readonly _tag: string }, otherwise: () => Named): Named =>
      isNamed(error) ? error : otherwise()
    const silent = {
      code: undefined,
      status: undefined,
      shouldRetry: true,
      retryAfterMs: undefined,
      requestId: undefined
    }

    const outcome = RpcAnswers.outcomeOf(cause, info, {
      limits,
      output: method.output,
      phase,
      nowMs: now,
      requestIdName: plane.requestIdHeader,
      secrets
    })
    if (outcome._tag === "Failed") return { ...silent, error: outcome.error }
    if (outcome._tag === "TooLarge") {
      const error = outcome.direction === "request" ? tooLargeRequest(info, named) : tooLargeAnswer(info)
      return { ...silent, error: asNamed(error, () => tooLargeAnswer(info)) }
    }
    const { answer, shouldRetry } = outcome
    const { requestId, retryAfterMs, status } = answer
    const error = asNamed(
      plane.toError(answer, limits, message),
      () => new UnexpectedStatus(RpcAnswers.fieldsOf(answer, `an answer that this call does not have: ${answer.code}`))
    )
    // An answer with an HTTP status has none of gRPC.
    const code = status === undefined ? answer.code : undefined
    return { error, code, status, shouldRetry, retryAfterMs, requestId }
  }

  /**
   * The function that calls a unary method. `messageSecrets` gives the texts of the message that must not show up in
   * errors; it is asked when there is something to tell.
   */
  const unary = <I extends DescMessage, O extends DescMessage, E extends { readonly _tag: string }>(
    name: string,
    method: DescMethodUnary<I, O>,
    settings: Settings<E>
  ) => {
    const info = callInfo(plane, area, name, method)
    const attempted = Attempts.make(info, settings.repeat, Telemetry.spanOptions(info.method, info.route))
    const defaults: CallOptions.Timeouts = { total: settings.total ?? "10 seconds" }
    type Failed = ReturnType<typeof failureOf<E>>

    return (
      message: MessageShape<I>,
      own?: CallOptions.CallOptions,
      messageSecrets: () => ReadonlyArray<string> = () => []
    ): Effect.Effect<MessageShape<O>, E | CommonError | InvalidInput> =>
      Effect.withFiberRuntime((fiber) => {
        const limits = resolve(fiber.getFiberRef(CallOptions.currentCallOptions), own, defaults)
        return attempted<MessageShape<O>, E | CommonError | InvalidInput>(limits, (span) => {
          let attempts = 0
          let failed: Failed | undefined
          const attempt = Effect.flatMap(plane.token, (token) => {
            attempts += 1
            failed = undefined
            const metadata = metadataOf(token, limits)
            if (Either.isLeft(metadata)) return Effect.fail(unsendable(info, metadata.left))
            const headers = metadata.right
            if (plane.propagateTrace) setAll(headers, TraceContext.toHeaders(span))
            const secrets = () => [...headerSecrets(token, limits.headers), ...messageSecrets()]
            const deadline = limits.totalMs === Infinity
              ? undefined
              : Math.min(Math.max(1, Math.ceil(limits.totalMs)), longestDeadline)
            if (deadline !== undefined) headers.set("grpc-timeout", `${deadline}m`)
            const sent = Messages.exchange(connection, method, message, headers, deadline)
            const answered = Effect.matchEffect(sent, {
              onSuccess: ({ header, message, trailer }) => {
                Telemetry.annotate(span, "rpc.grpc.status_code", 0)
                const requestId = RpcAnswers.requestIdIn(plane.requestIdHeader, secrets, header, trailer)
                if (requestId !== undefined) Telemetry.annotate(span, "switchyard.request_id", requestId)
                return Effect.succeed(message)
              },
              onFailure: ({ cause }) =>
                Effect.flatMap(Clock.currentTimeMillis, (now) => {
                  const failure = failureOf<E>({
                    cause,
                    info,
                    limits,
                    message,
                    method,
                    now,
                    phase: "request",
                    secrets,
                    settings
                  })
                  failed = failure
                  const { code, error, requestId, status } = failure
                  if (code !== undefined) {
                    Telemetry.annotate(span, "rpc.grpc.status_code", codes[code])
                  }
                  if (status !== undefined) Telemetry.annotate(span, "http.response.status_code", status)
                  if (requestId !== undefined) Telemetry.annotate(span, "switchyard.request_id", requestId)
                  return Effect.fail(error)
                })
            })
            const headed = within(answered, info, "firstByte", limits.firstByteMs)
            return connection.after === undefined ? within(headed, info, "total", limits.totalMs) : headed
          })
          return {
            // Nothing has seen it (RFC 9113, 8.7): it is sent once more, whatever it is.
            attempt: Effect.catchIf(
              attempt,
              (error) => error instanceof TransportError && error.code === "REFUSED_STREAM" && attempts === 1,
              () => attempt
            ),
            count: () => attempts,
            answered: () => ({
              shouldRetry: failed?.shouldRetry ?? true,
              retryAfterMs: failed?.retryAfterMs,
              grpcStatus: failed?.code
            })
          }
        })
      })
  }

  /**
   * The function that opens a server stream: done when the head of the answer is there. One attempt, since the feed
   * decides about the next. The stream is cancelled with the scope. A silent stream is no failure: whether the peer is
   * there is what the pings of the connection ask.
   */
  const open = <I extends DescMessage, O extends DescMessage, E extends { readonly _tag: string }, A>(
    name: string,
    method: DescMethodServerStreaming<I, O>,
    settings: Settings<E>,
    selection: Messages.Selection<MessageShape<O>, A>
  ) => {
    const info = callInfo(plane, area, name, method)
    const defaults: CallOptions.Timeouts = { firstByte: "30 seconds" }
    type Failure = E | CommonError | InvalidInput

    return (
      message: MessageShape<I>,
      own?: CallOptions.CallOptions
    ): Effect.Effect<Stream.Stream<A, Failure>, Failure, Scope.Scope> =>
      Effect.withFiberRuntime((fiber) => {
        const limits = resolve(fiber.getFiberRef(CallOptions.currentCallOptions), own, defaults)
        return Effect.gen(function*() {
          const token = yield* plane.token
          const metadata = metadataOf(token, limits)
          if (Either.isLeft(metadata)) return yield* unsendable(info, metadata.left)
          if (plane.propagateTrace) {
            const span = yield* Effect.option(Effect.currentSpan)
            if (Option.isSome(span)) setAll(metadata.right, TraceContext.toHeaders(span.value))
          }
          const failed = (phase: TransportError["phase"]) => (cause: unknown) =>
            Effect.map(
              Clock.currentTimeMillis,
              (now) => failureOf<E>({ cause, info, limits, message, method, now, phase, secrets, settings }).error
            )
          const secrets = () => headerSecrets(token, limits.headers)
          const transport = yield* connection.lease
          const controller = yield* Effect.acquireRelease(
            Effect.sync(() => new AbortController()),
            (controller) => Effect.sync(() => controller.abort())
          )
          const opening = Effect.tryPromise({
            try: () => transport.stream(method, controller.signal, undefined, metadata.right, Messages.single(message)),
            catch: (cause) => ({ cause })
          })
          const opened = Effect.catchAll(opening, ({ cause }) => Effect.flip(failed("request")(cause)))
          const response = yield* within(opened, info, "firstByte", limits.firstByteMs)
          return Messages.toStream(response.message, selection, connection.later).pipe(
            Stream.catchAll(({ cause }) => Stream.fromEffect(Effect.flip(failed("response")(cause))))
          )
        })
      })
  }

  return { unary, open }
}

const setAll = (headers: Headers, values: Readonly<Record<string, string>>): void => {
  for (const [name, value] of Object.entries(values)) headers.set(name, value)
}
