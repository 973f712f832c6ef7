/**
 * The errors that all planes share: one tag per meaning, the same names everywhere.
 *
 * Every error carries what is needed to act on it or to report it, and nothing secret: no headers, no request, no body
 * values. `message` is safe to log.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * What every error of a call says.
 *
 * - `operation`: `<plane>.<Area>.<method>`
 * - `method`, `route`: the HTTP method and the route template, never the concrete path
 * - `status`: the HTTP status, when there was an answer
 * - `requestId`: the server's request id, when it sent one
 * - `code`: the server's own code or label
 * - `detail`: one sentence, from the server (bounded, redacted) or from the SDK
 * - `excerpt`: at most 4 KiB of an answer that was not in the plane's error format, redacted
 *
 * @since 0.1.0
 * @category models
 */
export const callFields = {
  operation: Schema.String,
  method: Schema.String,
  route: Schema.String,
  status: Schema.optional(Schema.Number),
  requestId: Schema.optional(Schema.String),
  code: Schema.optional(Schema.String),
  detail: Schema.String,
  excerpt: Schema.optional(Schema.String)
}

/**
 * The fields of {@link callFields} as a type.
 *
 * @since 0.1.0
 * @category models
 */
export interface CallFields extends Schema.Struct.Type<typeof callFields> {}

/**
 * The one-line text that every error of a call shows.
 *
 * @since 0.1.0
 * @category utils
 */
export const messageOf = (error: CallFields): string => {
  const { code } = error
  const shown = code === undefined || error.status === undefined && error.detail.includes(code) ? [] : [code]
  const answer = error.status === undefined || error.detail.includes(`HTTP ${error.status}`)
    ? shown
    : [error.status, ...shown]
  const status = answer.length === 0 ? "" : ` (${answer.join(" ")})`
  const requestId = error.requestId === undefined ? "" : ` [request ${error.requestId}]`
  return `${error.operation}: ${error.detail}${status} – ${error.method} ${error.route}${requestId}`
}

/**
 * One thing wrong with an input: where (`path`, dotted, empty for the whole) and which rule it breaks.
 *
 * @since 0.1.0
 * @category models
 */
export const InputIssue = Schema.Struct({ path: Schema.String, message: Schema.String })

/**
 * @since 0.1.0
 * @category models
 */
export interface InputIssue extends Schema.Schema.Type<typeof InputIssue> {}

/**
 * The input was refused: by the SDK before any request (`status` undefined), or by the server (400, 415, 422).
 *
 * @since 0.1.0
 * @category errors
 */
export class InvalidInput extends Schema.TaggedError<InvalidInput>("effect-switchyard/InvalidInput")("InvalidInput", {
  ...callFields,
  issues: Schema.Array(InputIssue)
}) {
  override get message() {
    return messageOf(this)
  }
}

/**
 * The options of a plane's layer cannot work: a URL that is none, a token that would travel in clear text. Raised when
 * the layer is built, before any request.
 *
 * @since 0.1.0
 * @category errors
 */
export class InvalidOptions extends Schema.TaggedError<InvalidOptions>("effect-switchyard/InvalidOptions")(
  "InvalidOptions",
  { plane: Schema.String, issues: Schema.Array(InputIssue) }
) {
  override get message() {
    return `${this.plane}: ${this.issues.map((issue) => `${issue.path}: ${issue.message}`).join("; ")}`
  }
}

/**
 * No credential, or one that the server does not accept (401).
 *
 * @since 0.1.0
 * @category errors
 */
export class Unauthorized extends Schema.TaggedError<Unauthorized>("effect-switchyard/Unauthorized")(
  "Unauthorized",
  callFields
) {
  override get message() {
    return messageOf(this)
  }
}

/**
 * The credential is known and not allowed to do this (403).
 *
 * @since 0.1.0
 * @category errors
 */
export class Forbidden extends Schema.TaggedError<Forbidden>("effect-switchyard/Forbidden")("Forbidden", callFields) {
  override get message() {
    return messageOf(this)
  }
}

/**
 * What the call names does not exist, or not for this credential (404). `code` says what it is where the server does.
 *
 * @since 0.1.0
 * @category errors
 */
export class NotFound extends Schema.TaggedError<NotFound>("effect-switchyard/NotFound")("NotFound", callFields) {
  override get message() {
    return messageOf(this)
  }
}

/**
 * The server knows the operation and does not offer it in its configuration (501).
 *
 * @since 0.1.0
 * @category errors
 */
export class NotImplemented extends Schema.TaggedError<NotImplemented>("effect-switchyard/NotImplemented")(
  "NotImplemented",
  callFields
) {
  override get message() {
    return messageOf(this)
  }
}

/**
 * The state of the resource does not allow this (409).
 *
 * @since 0.1.0
 * @category errors
 */
export class Conflict extends Schema.TaggedError<Conflict>("effect-switchyard/Conflict")("Conflict", callFields) {
  override get message() {
    return messageOf(this)
  }
}

/**
 * The request body is larger than the server takes (413).
 *
 * @since 0.1.0
 * @category errors
 */
export class PayloadTooLarge extends Schema.TaggedError<PayloadTooLarge>("effect-switchyard/PayloadTooLarge")(
  "PayloadTooLarge",
  callFields
) {
  override get message() {
    return messageOf(this)
  }
}

/**
 * Too many requests (429). `retryAfterMs` is what the server asked for, in milliseconds, when it said so.
 *
 * @since 0.1.0
 * @category errors
 */
export class RateLimited extends Schema.TaggedError<RateLimited>("effect-switchyard/RateLimited")("RateLimited", {
  ...callFields,
  retryAfterMs: Schema.optional(Schema.Number)
}) {
  override get message() {
    return messageOf(this)
  }
}

/**
 * The server, or a proxy in front of it, is not able to answer now (502, 503, 504).
 *
 * @since 0.1.0
 * @category errors
 */
export class Unavailable extends Schema.TaggedError<Unavailable>("effect-switchyard/Unavailable")("Unavailable", {
  ...callFields,
  retryAfterMs: Schema.optional(Schema.Number)
}) {
  override get message() {
    return messageOf(this)
  }
}

/**
 * The server failed while it handled the request (500).
 *
 * @since 0.1.0
 * @category errors
 */
export class Internal extends Schema.TaggedError<Internal>("effect-switchyard/Internal")("Internal", callFields) {
  override get message() {
    return messageOf(this)
  }
}

/**
 * The peer does not speak the version of the API that this SDK speaks. `expected` and `actual` name them where known.
 *
 * @since 0.1.0
 * @category errors
 */
export class VersionMismatch extends Schema.TaggedError<VersionMismatch>("effect-switchyard/VersionMismatch")(
  "VersionMismatch",
  { ...callFields, expected: Schema.String, actual: Schema.optional(Schema.String) }
) {
  override get message() {
    return messageOf(this)
  }
}

/**
 * An answer that the endpoint's contract does not know, a redirect for example; `excerpt` shows its beginning.
 *
 * @since 0.1.0
 * @category errors
 */
export class UnexpectedStatus extends Schema.TaggedError<UnexpectedStatus>("effect-switchyard/UnexpectedStatus")(
  "UnexpectedStatus",
  callFields
) {
  override get message() {
    return messageOf(this)
  }
}

/**
 * A success whose body is not what the contract promises. `path` says where, `expected` what; the value is not kept.
 *
 * @since 0.1.0
 * @category errors
 */
export class DecodeError extends Schema.TaggedError<DecodeError>("effect-switchyard/DecodeError")("DecodeError", {
  ...callFields,
  path: Schema.String,
  expected: Schema.String
}) {
  override get message() {
    return messageOf(this)
  }
}

/**
 * The connection could not be made, or broke before the whole answer was read.
 *
 * @since 0.1.0
 * @category errors
 */
export class TransportError extends Schema.TaggedError<TransportError>("effect-switchyard/TransportError")(
  "TransportError",
  { ...callFields, phase: Schema.Literal("request", "response") }
) {
  override get message() {
    return messageOf(this)
  }
}

/**
 * A time-out passed; `kind` says which, `limitMs` how long it was, in milliseconds, where the SDK set it (the transport
 * does not say).
 *
 * @since 0.1.0
 * @category errors
 */
export class Timeout extends Schema.TaggedError<Timeout>("effect-switchyard/Timeout")("Timeout", {
  ...callFields,
  kind: Schema.Literal("connect", "firstByte", "idle", "total"),
  limitMs: Schema.optional(Schema.Number)
}) {
  override get message() {
    return messageOf(this)
  }
}

/**
 * A stream broke off and could not be resumed within its policy; `attempts` connections were tried since the last item.
 *
 * @since 0.1.0
 * @category errors
 */
export class StreamInterrupted extends Schema.TaggedError<StreamInterrupted>("effect-switchyard/StreamInterrupted")(
  "StreamInterrupted",
  { ...callFields, attempts: Schema.Number }
) {
  override get message() {
    return messageOf(this)
  }
}

/**
 * The errors that any call of any plane can end with.
 *
 * @since 0.1.0
 * @category errors
 */
export type CommonError =
  | Unauthorized
  | Forbidden
  | RateLimited
  | Unavailable
  | Internal
  | VersionMismatch
  | UnexpectedStatus
  | DecodeError
  | TransportError
  | Timeout

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
 * Whether any call may end with an error, bad input included.
 *
 * @internal
 */
export const isCommon = (error: { readonly _tag: string }): error is CommonError | InvalidInput =>
  commonTags.has(error._tag)

/**
 * Whether the same call may work later without a change: transport, time-out, 429, 502–504.
 *
 * @since 0.1.0
 * @category guards
 */
export const isTransient = (error: { readonly _tag: string }): boolean =>
  error._tag === "TransportError" || error._tag === "Timeout" || error._tag === "RateLimited" ||
  error._tag === "Unavailable" || error._tag === "StreamInterrupted"

/**
 * Whether the credential is the problem (401, 403).
 *
 * @since 0.1.0
 * @category guards
 */
export const isAuth = (error: { readonly _tag: string }): error is Unauthorized | Forbidden =>
  error._tag === "Unauthorized" || error._tag === "Forbidden"
