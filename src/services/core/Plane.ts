/**
 * What the calls of a plane have in common.
 *
 * @since 0.1.0
 */
import type * as HttpClient from "@effect/platform/HttpClient"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import type { CallFields, CommonError } from "../../schemas/core/Errors.js"
import type { CallOptions } from "./CallOptions.js"
import type { Input } from "./Codec.js"

/**
 * Where a call goes, for the errors that it may end with.
 *
 * @since 0.1.0
 * @category models
 */
export interface CallInfo extends Pick<CallFields, "operation" | "method" | "route"> {}

/**
 * An answer that is not a success, as a plane's error function sees it. `text` holds at most 4 KiB, redacted; `redact`
 * is for what the plane decodes from it, where a secret may have stood in another form.
 *
 * @since 0.1.0
 * @category models
 */
export interface Answer extends CallInfo {
  readonly status: number
  readonly requestId: string | undefined
  readonly text: string
  readonly retryAfterMs: number | undefined
  readonly input: Input
  readonly redact: (text: string) => string
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
  /** Whether a call of an endpoint that is not public fails before any request when there is no token. */
  readonly requiresToken?: boolean | undefined
  /** Whether another token has taken the place of one that was refused (401): the call is then sent once more. */
  readonly isReplaced?: ((refused: Redacted.Redacted) => Effect.Effect<boolean>) | undefined
  /** Whether the token may be sent to another place that an endpoint with replicas redirects to. */
  readonly mayFollow?: ((location: URL) => boolean) | undefined
  readonly options: CallOptions
  /** Whether `traceparent` and `b3` are sent. */
  readonly propagateTrace: boolean
  readonly requestIdHeader: string
  /** An answer as an error; `undefined` for an answer that the plane's contract does not know. */
  readonly toError: (answer: Answer) => E | CommonError | undefined
}
