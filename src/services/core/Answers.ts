/**
 * Reading answers that are not what was hoped for: bounded, redacted, as errors that the endpoint names.
 *
 * @since 0.1.0
 */
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { CommonError, InvalidInput } from "../../schemas/core/Errors.js"
import { isCommon, UnexpectedStatus } from "../../schemas/core/Errors.js"
import type * as Codec from "./Codec.js"
import type { Answer, CallInfo, Plane } from "./Plane.js"
import { excerpt, redact } from "./Redaction.js"
import * as Retry from "./Retry.js"

/** How much of an answer that is not a success is read, in bytes. */
const errorBodyLimit = 4096

/** How much of a request id is kept, in characters. */
const requestIdLimit = 200

/**
 * Reads the beginning of a body and lets go of the rest, so that the connection is free again.
 *
 * @internal
 */
export const readExcerpt = <E>(body: Stream.Stream<Uint8Array, E>): Effect.Effect<string> =>
  Effect.suspend(() => {
    const decoder = new TextDecoder()
    let left = errorBodyLimit
    let text = ""
    return body.pipe(
      Stream.map((bytes) => {
        const part = bytes.subarray(0, left)
        left -= part.length
        text += decoder.decode(part, { stream: true })
      }),
      Stream.takeUntil(() => left <= 0),
      Stream.runDrain,
      Effect.ignore,
      Effect.map(() => text)
    )
  })

const headerOf = (headers: Readonly<Record<string, string | undefined>>, name: string): string | undefined => {
  const value = headers[name]
  return value === "" ? undefined : value
}

/**
 * How the answers of one endpoint are read.
 *
 * @internal
 */
export const make = <PlaneError extends { readonly _tag: string }, E extends { readonly _tag: string }>(
  plane: Plane<PlaneError>,
  info: CallInfo,
  /** The tags of the errors that the endpoint names, `E`. */
  named: ReadonlySet<string>
) => {
  type Named = E | CommonError | InvalidInput
  const isNamed = (error: { readonly _tag: string }): error is Named => isCommon(error) || named.has(error._tag)

  const requestIdOf = (
    headers: Readonly<Record<string, string | undefined>>,
    secrets: () => ReadonlyArray<string>
  ): string | undefined => {
    const value = headerOf(headers, plane.requestIdHeader)
    return value === undefined ? undefined : excerpt(redact(value, secrets()), requestIdLimit)
  }

  /** An answer that is not a success, as an error that the endpoint names. */
  const refuse = (
    { body, headers, status }: {
      readonly status: number
      readonly headers: Readonly<Record<string, string | undefined>>
      readonly body: string
    },
    input: Codec.Input,
    secrets: ReadonlyArray<string>
  ): Effect.Effect<never, Named> =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const text = redact(body, secrets)
      const answer: Answer = {
        ...info,
        status,
        requestId: requestIdOf(headers, () => secrets),
        text,
        retryAfterMs: Retry.parseRetryAfter(headerOf(headers, "retry-after"), now),
        input,
        redact: (text) => redact(text, secrets)
      }
      const error = plane.toError(answer)
      if (error !== undefined && isNamed(error)) return Effect.fail(error)
      return Effect.fail(
        new UnexpectedStatus({
          ...info,
          status: answer.status,
          requestId: answer.requestId,
          detail: status >= 300 && status < 400 || status === 0
            ? "the server redirects; redirects are not followed"
            : "an answer that this endpoint does not have",
          excerpt: text === "" ? undefined : excerpt(text, errorBodyLimit)
        })
      )
    })

  /** As {@link refuse}, for an answer whose body has not been read. */
  const reject = (
    { headers, status }: HttpClientResponse.HttpClientResponse,
    excerptOf: Effect.Effect<string>,
    input: Codec.Input,
    secrets: ReadonlyArray<string>
  ): Effect.Effect<never, Named> =>
    Effect.flatMap(excerptOf, (body) => refuse({ status, headers, body }, input, secrets))

  const received = (
    response: HttpClientResponse.HttpClientResponse,
    secrets: () => ReadonlyArray<string>
  ): Codec.Received => ({
    status: response.status,
    requestId: requestIdOf(response.headers, secrets),
    contentType: response.headers["content-type"] ?? "",
    excerpt: (text) => excerpt(redact(text.slice(0, errorBodyLimit), secrets()), errorBodyLimit)
  })

  return { received, refuse, reject, requestIdOf }
}
