/**
 * What a gRPC call that failed says: the status of the server, or what happened on the way.
 *
 * @since 0.1.0
 */
import type { DescMessage } from "@bufbuild/protobuf"
import { durationMs } from "@bufbuild/protobuf/wkt"
import { Code, ConnectError } from "@connectrpc/connect"
import * as Record from "effect/Record"
import type { CallFields, InputIssue, Timeout } from "../../schemas/core/Errors.js"
import { DecodeError, TransportError } from "../../schemas/core/Errors.js"
import { codes, type StatusName } from "../../schemas/core/Grpc.js"
import {
  BadRequestSchema,
  ErrorInfoSchema,
  RequestInfoSchema,
  RetryInfoSchema
} from "../../schemas/gen/google/rpc/error_details_pb.js"
import type { Resolved } from "./CallOptions.js"
import { brokenDetail, codeOf, isTimeoutCode, timedOut, timeoutOf } from "./Failure.js"
import type { CallInfo } from "./Plane.js"
import { excerpt, redact } from "./Redaction.js"
import * as Retry from "./Retry.js"
import { timeoutCodes } from "./TransportTimeouts.js"

const names = new Map<number, StatusName>()
for (const [name, number] of Record.toEntries(codes)) if (name !== "OK") names.set(number, name)

/**
 * A status that is not OK, as a plane's error function sees it; texts are bounded and redacted.
 *
 * - `code`: the name of the status
 * - `status`: the HTTP status, where a proxy answered with one and no gRPC status came
 * - `reason`, `violations`: what the standard details say (`ErrorInfo`, `BadRequest`)
 * - `retryAfterMs`: `RetryInfo`, `grpc-retry-pushback-ms` or `retry-after`
 *
 * @since 0.1.0
 * @category models
 */
export interface RpcAnswer extends CallInfo {
  readonly code: StatusName
  readonly status: number | undefined
  readonly requestId: string | undefined
  readonly text: string
  readonly reason: string | undefined
  readonly violations: ReadonlyArray<InputIssue>
  readonly retryAfterMs: number | undefined
}

/**
 * A message over the limit, on its way out or in.
 *
 * @internal
 */
interface TooLarge {
  readonly _tag: "TooLarge"
  readonly direction: "request" | "response"
}

/**
 * What a failed call comes to. `Answered.shouldRetry` is `false` when the server asked for no further try.
 *
 * @internal
 */
export type Outcome =
  | { readonly _tag: "Answered"; readonly answer: RpcAnswer; readonly shouldRetry: boolean }
  | { readonly _tag: "Failed"; readonly error: TransportError | Timeout | DecodeError }
  | TooLarge

/** How much of a text of the server is kept, in characters. */
const textLimit = 1000

/**
 * The id of the request, from the metadata of an answer.
 *
 * @internal
 */
export const requestIdIn = (
  name: string,
  secrets: () => ReadonlyArray<string>,
  ...places: ReadonlyArray<Headers>
): string | undefined => {
  for (const metadata of places) {
    const value = metadata.get(name)
    if (value !== null && value !== "") return excerpt(redact(value, secrets()), 200)
  }
  return undefined
}

const pushbackOf = (metadata: Headers): number | undefined => {
  const value = metadata.get("grpc-retry-pushback-ms")
  return value !== null && /^-?\d{1,10}$/.test(value) ? Number(value) : undefined
}

const httpStatusOf = (error: ConnectError): number | undefined => {
  const match = /^HTTP (\d{3})$/.exec(error.rawMessage)
  return match === null ? undefined : Number(match[1])
}

const answered = (
  error: ConnectError,
  info: CallInfo,
  nowMs: number,
  settings: { readonly requestIdName: string; readonly secrets: () => ReadonlyArray<string> },
  status: number | undefined
): Outcome => {
  const { metadata } = error
  const secrets = settings.secrets()
  const clean = (text: string) => excerpt(redact(text, secrets), textLimit)
  const [errorInfo] = error.findDetails(ErrorInfoSchema)
  const [retryInfo] = error.findDetails(RetryInfoSchema)
  const [requestInfo] = error.findDetails(RequestInfoSchema)
  const pushback = pushbackOf(metadata)
  const asked = retryInfo?.retryDelay === undefined
    ? Retry.parseRetryAfter(metadata.get("retry-after") ?? undefined, nowMs)
    : durationMs(retryInfo.retryDelay)
  return {
    _tag: "Answered",
    shouldRetry: pushback === undefined || pushback >= 0,
    answer: {
      ...info,
      code: names.get(error.code) ?? "UNKNOWN",
      status,
      requestId: requestIdIn(settings.requestIdName, settings.secrets, metadata) ??
        (requestInfo === undefined || requestInfo.requestId === "" ? undefined : clean(requestInfo.requestId)),
      text: status === undefined ? clean(error.rawMessage) : "",
      reason: errorInfo === undefined || errorInfo.reason === "" ? undefined : clean(errorInfo.reason),
      violations: error.findDetails(BadRequestSchema).flatMap(({ fieldViolations }) =>
        fieldViolations.map(({ description, field }) => ({ path: clean(field), message: clean(description) }))
      ),
      retryAfterMs: pushback !== undefined && pushback >= 0 ? pushback : asked
    }
  }
}

const broken = (info: CallInfo, phase: TransportError["phase"], code: string | undefined, hint = ""): Outcome => ({
  _tag: "Failed",
  error: new TransportError({ ...info, phase, code, detail: brokenDetail(phase, code) + hint })
})

const undecodable = (info: CallInfo, expected: string, detail: string): Outcome => ({
  _tag: "Failed",
  error: new DecodeError({ ...info, path: "", expected, detail })
})

/** Codes of Node's HTTP/2 for a peer that speaks something else. */
const foreignCodes: ReadonlySet<string> = new Set(["ERR_HTTP2_ERROR", "ERR_SSL_WRONG_VERSION_NUMBER"])

/**
 * Says of a connection, as the message of its error, that the peer hung up ahead of its first frame.
 *
 * @internal
 */
export const closedEarly = "closed before HTTP/2 began"

const hintOf = (code: string, cause: unknown): string | undefined =>
  foreignCodes.has(code)
    ? " (is this the port of a gRPC server?)"
    : code === "CLIENT_CLOSED"
    ? " (the layer of the client has been released)"
    : cause instanceof Error && cause.message === closedEarly
    ? " (does the server want TLS, or another certificate?)"
    : undefined

/** The code of HTTP/2 with which a stream or a connection was given up. */
const resetOf = ({ rawMessage }: ConnectError): string | undefined =>
  /^(?:Stream|Session) closed with error code (?:NGHTTP2_)?([A-Z][A-Z0-9_]+)$/.exec(rawMessage)?.[1]

/**
 * Tells the answer of a server from what went wrong on the way. `output` is the message that was expected, `phase` how
 * far the call had come.
 *
 * What connect-es makes up itself has no metadata; its texts are matched, and a test holds them to the version in use.
 *
 * @internal
 */
export const outcomeOf = (
  cause: unknown,
  info: CallInfo,
  options: {
    readonly limits: Resolved
    readonly output: DescMessage
    readonly phase: TransportError["phase"]
    readonly nowMs: number
    readonly requestIdName: string
    readonly secrets: () => ReadonlyArray<string>
  }
): Outcome => {
  const error = ConnectError.from(cause)
  const { code, metadata, rawMessage } = error
  const status = metadata.has("grpc-status") ? undefined : httpStatusOf(error)
  if (status !== undefined || metadata.has("grpc-status")) {
    return answered(error, info, options.nowMs, options, status)
  }
  const system = resetOf(error) ?? codeOf(error.cause)
  if (system !== undefined) {
    if (isTimeoutCode(system)) return { _tag: "Failed", error: timeoutOf(info, timeoutCodes[system], options.limits) }
    return broken(
      info,
      options.phase,
      system,
      hintOf(system, error.cause)
    )
  }
  const reset = /^http\/2 stream closed with error code (\w+)/.exec(rawMessage)
  if (reset !== null) return broken(info, options.phase, reset[1])
  if (rawMessage === "PING timed out") return broken(info, options.phase, "PING_TIMEOUT", " (no answer to a ping)")
  if (code === Code.DeadlineExceeded) {
    return { _tag: "Failed", error: timedOut(info, "total", options.limits.totalMs) }
  }
  if (code === Code.ResourceExhausted && /\b(?:read|write)MaxBytes\b/.test(rawMessage)) {
    return { _tag: "TooLarge", direction: rawMessage.includes("writeMaxBytes") ? "request" : "response" }
  }
  if (/^protocol error: (?:missing status|incomplete envelope|promised )/.test(rawMessage)) {
    return broken(info, "response", undefined)
  }
  if (code === Code.Canceled || code === Code.Aborted || code === Code.Unavailable) {
    return broken(info, options.phase, undefined)
  }
  const expected = `a gRPC answer with ${options.output.typeName}`
  return undecodable(
    info,
    expected,
    rawMessage.startsWith("unsupported content type")
      ? "the answer is not gRPC: another service, or a proxy"
      : "the answer is not what it should be"
  )
}

/**
 * The fields that an error takes over from an answer.
 *
 * @internal
 */
export const fieldsOf = (answer: RpcAnswer, fallback: string): CallFields => ({
  operation: answer.operation,
  method: answer.method,
  route: answer.route,
  status: answer.status,
  requestId: answer.requestId,
  // An answer with an HTTP status has none of gRPC.
  code: answer.status === undefined ? answer.reason ?? answer.code : undefined,
  detail: answer.text === "" ? fallback : answer.text
})
