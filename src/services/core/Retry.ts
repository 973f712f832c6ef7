/**
 * Which failures are worth another try, and when.
 *
 * @since 0.1.0
 */
import * as Option from "effect/Option"
import type { Repeat } from "../../schemas/core/Endpoint.js"
import * as Backoff from "../../streams/core/Backoff.js"
import type { Resolved } from "./CallOptions.js"

/**
 * What a failed attempt says about trying again.
 *
 * @internal
 */
export interface Failure {
  readonly error: {
    readonly _tag: string
    readonly status?: number | undefined
    readonly kind?: string | undefined
  }
  /** The name of the gRPC status that came: the `code` of an error may be another one, of the server's own. */
  readonly grpcStatus?: string | undefined
  /** `false` when the server sent `x-should-retry: false`. A hint never makes a write repeatable. */
  readonly shouldRetry: boolean
  /** What the server asked for, whatever the status of its answer. */
  readonly retryAfterMs: number | undefined
}

const isRepeatable = (repeat: Repeat, { error, grpcStatus }: Failure): boolean => {
  switch (repeat) {
    case "never":
      return false
    case "idempotent":
      return error._tag === "TransportError" || (error._tag === "Timeout" && error.kind === "connect") ||
        (error._tag === "Unavailable" && (error.status === 503 || grpcStatus === "UNAVAILABLE"))
    case "safe":
      return error._tag === "TransportError" || error._tag === "Timeout" || error._tag === "RateLimited" ||
        error._tag === "Unavailable" || error._tag === "Internal" || error.status === 408 ||
        (error.status !== undefined && error.status >= 500)
  }
}

/**
 * The delay in ms before retry number `retry` (0 for the first), or `None` when the failure is final.
 * `random` is uniform in [0, 1).
 *
 * @internal
 */
export const delay = (
  repeat: Repeat,
  policy: Resolved,
  failure: Failure,
  retry: number,
  random: number
): Option.Option<number> => {
  // `NaN` is no permission to go on for ever.
  if (!(retry < policy.maxRetries) || !failure.shouldRetry || !isRepeatable(repeat, failure)) return Option.none()
  const asked = failure.retryAfterMs
  if (asked !== undefined) return asked <= policy.maxRetryAfterMs ? Option.some(asked) : Option.none()
  return Option.some(Backoff.delay(policy.baseMs, policy.capMs, retry, random))
}

/**
 * Reads `Retry-After` in seconds or as an HTTP date, relative to `nowMs`. Negative waits are 0.
 *
 * @internal
 */
export const parseRetryAfter = (value: string | undefined, nowMs: number): number | undefined => {
  if (value === undefined) return undefined
  const text = value.trim()
  if (/^\d+(\.\d+)?$/.test(text)) return Math.round(Number(text) * 1000)
  // A date has letters: `Date.parse` alone would take "-5" for a year.
  if (!/[A-Za-z]/.test(text)) return undefined
  const date = Date.parse(text)
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs)
}
