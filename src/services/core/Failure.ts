/**
 * What goes wrong on the way: connections and time-outs.
 *
 * @since 0.1.0
 */
import type * as HttpClientError from "@effect/platform/HttpClientError"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { Timeout, TransportError } from "../../schemas/core/Errors.js"
import type * as CallOptions from "./CallOptions.js"
import type { CallInfo } from "./Plane.js"
import { timeoutCodes } from "./TransportTimeouts.js"

/**
 * The code of a system or undici error somewhere below `cause`: codes are a closed set, messages may hold anything.
 *
 * @internal
 */
export const codeOf = (cause: unknown, depth = 0): string | undefined => {
  if (typeof cause !== "object" || cause === null || depth > 4) return undefined
  if ("code" in cause && typeof cause.code === "string" && /^[A-Z][A-Z0-9_]*$/.test(cause.code)) return cause.code
  return "cause" in cause ? codeOf(cause.cause, depth + 1) : undefined
}

/** Codes of a connection that did not come to be. Behind any other the server may have done what it was asked for. */
const unsent = new RegExp(
  "^(?:ECONNREFUSED|ENOTFOUND|EAI_AGAIN|E(?:HOST|NET)UNREACH|EADDRNOTAVAIL|UND_ERR_INVALID_ARG|CERT_|UNABLE_TO_|" +
    "(?:DEPTH_ZERO_)?SELF_SIGNED_CERT|ERR_(?:TLS|SSL|INVALID|HTTP2_ERROR|HTTP2_INVALID))"
)

/**
 * What a broken connection means for the request.
 *
 * @internal
 */
export const brokenDetail = (phase: TransportError["phase"], code: string | undefined): string =>
  (phase === "response"
    ? "the connection broke inside the answer"
    : code !== undefined && unsent.test(code)
    ? "the request could not be sent"
    : "no answer came") + (code === undefined ? "" : `: ${code}`)

/** @internal */
export const fromClientError = (
  info: CallInfo,
  phase: TransportError["phase"],
  error: HttpClientError.HttpClientError,
  options: CallOptions.Resolved
): TransportError | Timeout => {
  const code = codeOf(error.cause)
  if (isTimeoutCode(code)) return timeoutOf(info, timeoutCodes[code], options)
  return new TransportError({
    ...info,
    phase,
    code,
    detail: brokenDetail(phase, code)
  })
}

/** @internal */
export const isTimeoutCode = (code: string | undefined): code is keyof typeof timeoutCodes =>
  code !== undefined && Object.hasOwn(timeoutCodes, code)

/** @internal */
export const timedOut = (info: CallInfo, kind: Exclude<Timeout["kind"], "connect">, limitMs: number): Timeout =>
  new Timeout({ ...info, kind, limitMs, detail: `the ${kind} time-out of ${limitMs} ms passed` })

/**
 * A time-out that the transport kept.
 *
 * @internal
 */
export const timeoutOf = (info: CallInfo, kind: Timeout["kind"], options: CallOptions.Resolved): Timeout =>
  kind === "connect"
    ? new Timeout({ ...info, kind, detail: "the connect time-out of the transport passed" })
    : timedOut(info, kind, options[`${kind}Ms`])

/**
 * Races an effect with a time-out; `Infinity` is none.
 *
 * @internal
 */
export const within = <A, E, R>(
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

/**
 * A body that fails when it stays silent for too long.
 *
 * @internal
 */
export const bounded = (
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
