import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { CommonError } from "../../../schemas/core/Errors.js"
import {
  Conflict,
  Forbidden,
  Internal,
  InvalidInput,
  NotFound,
  NotImplemented,
  PayloadTooLarge,
  RateLimited,
  Unauthorized,
  Unavailable,
  VersionMismatch
} from "../../../schemas/core/Errors.js"
import type { Answer } from "../../core/Plane.js"
import { excerpt } from "../../core/Redaction.js"

/** The errors that only some endpoints of this plane have. */
export type CloacinaError = InvalidInput | NotFound | Conflict | PayloadTooLarge | NotImplemented

const Envelope = Schema.Struct({ error: Schema.String, code: Schema.String })
const decodeEnvelope = Schema.decodeUnknownOption(Schema.parseJson(Envelope))

const NotReady = Schema.Struct({ status: Schema.String, reason: Schema.String })
const decodeNotReady = Schema.decodeUnknownOption(Schema.parseJson(NotReady))

/** The code of answers whose body is not the plane's error format (contract 3.2). */
const unknownCode = "unknown"

/** The code that `/ready` is given when the server says that it is not. */
const notReadyCode = "not_ready"

const prefixes =
  /^(?:invalid execution context|invalid instance params|invalid trigger event|invalid event for accumulator '[^']*'|invalid reactor inputs?[^:]*): /

const names = [
  /^missing required param '([^']+)'/,
  /^param '([^']+)' expects/,
  /^secret '([^']+)' must be bound/,
  /^instance param '([^']+)' has/,
  /missing field `([^`]+)`/
]

/** What a text of the server names, a parameter or a member. */
const issueOf = (message: string) => {
  for (const name of names) {
    const path = name.exec(message)?.[1]
    if (path !== undefined) return { path, message }
  }
  return { path: "", message }
}

/** The server joins all it has to say about declared parameters with semicolons (contract 5.4). */
const issuesOf = (detail: string) => {
  const prefix = prefixes.exec(detail)?.[0]
  return prefix === undefined ? [issueOf(detail)] : detail.slice(prefix.length).split("; ").map(issueOf)
}

/** A page of a proxy: nothing of it belongs into a line. */
const isMarkup = (text: string): boolean => /^\s*</.test(text)

/**
 * What an answer of a Cloacina server means (contract 3.1–3.4).
 */
export const toError = (answer: Answer): CloacinaError | CommonError | undefined => {
  const { input: _input, redact, retryAfterMs, text, ...call } = answer
  const envelope = decodeEnvelope(text)
  const said = excerpt(
    redact(Option.match(envelope, { onNone: () => isMarkup(text) ? "" : text, onSome: ({ error }) => error })),
    1000
  )
  const code = Option.match(envelope, {
    onNone: () => unknownCode,
    onSome: ({ code }) => excerpt(redact(code), 100)
  })
  const fields = (fallback: string) => ({
    ...call,
    code,
    detail: said === "" ? fallback : said,
    excerpt: Option.isSome(envelope) || text === "" ? undefined : excerpt(text, 4096)
  })
  switch (answer.status) {
    case 400:
    case 415:
    case 422:
      return new InvalidInput({ ...fields("the server refuses the input"), issues: issuesOf(said) })
    case 401:
      return new Unauthorized(fields("the server does not accept the key, or wants one"))
    case 403:
      return new Forbidden(fields("the key does not allow this"))
    case 404:
      return Option.isSome(envelope) && code !== "not_found"
        ? new NotFound(fields("not found"))
        : new VersionMismatch({
          ...fields("the server does not have this route: another version of it, or another service"),
          expected: "cloacina-server 0.12"
        })
    case 405:
      return new VersionMismatch({
        ...fields("the server does not have this operation"),
        expected: "cloacina-server 0.12"
      })
    case 409:
      return new Conflict(fields("the state of the resource does not allow this"))
    case 413:
      return new PayloadTooLarge(fields("the request is too large for the server"))
    case 429:
      return new RateLimited({ ...fields("too many requests"), retryAfterMs })
    case 500:
      return new Internal(fields("the server failed"))
    case 501:
      return new NotImplemented(fields("the server does not offer this"))
    case 502:
    case 503:
    case 504: {
      const notReady = decodeNotReady(text)
      return Option.isSome(notReady)
        ? new Unavailable({
          ...call,
          code: notReadyCode,
          detail: excerpt(redact(notReady.value.reason), 1000),
          retryAfterMs
        })
        : new Unavailable({ ...fields("the server is not available"), retryAfterMs })
    }
    default:
      return answer.status > 504 && answer.status < 600 ? new Internal(fields("the server failed")) : undefined
  }
}
