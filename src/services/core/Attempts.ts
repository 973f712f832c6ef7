/**
 * The attempts of one call, over any wire: its span, its metrics, and the pauses between attempts.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import type * as Tracer from "effect/Tracer"
import type { Repeat } from "../../schemas/core/Endpoint.js"
import type { Resolved } from "./CallOptions.js"
import type { CallInfo } from "./Plane.js"
import * as Retry from "./Retry.js"
import * as Telemetry from "./Telemetry.js"

/**
 * How one call is tried.
 *
 * - `attempt`: sends it once; run again for a retry
 * - `count`: how many times it has been sent so far
 * - `answered`: what the last answer said about another try, at this time
 *
 * @internal
 */
export interface Attempted<A, E> {
  readonly attempt: Effect.Effect<A, E>
  readonly count: () => number
  readonly answered: (nowMs: number) => Omit<Retry.Failure, "error">
}

/**
 * Runs the calls of one operation.
 *
 * @internal
 */
export const make = (info: CallInfo, repeat: Repeat, span: Tracer.SpanOptions) => {
  const metrics = Telemetry.callMetrics(info.operation)
  return <A, E extends Retry.Failure["error"]>(
    options: Resolved,
    call: (span: Tracer.Span) => Attempted<A, E>
  ): Effect.Effect<A, E> =>
    Effect.useSpan(info.operation, span, (span) => {
      const { answered, attempt, count } = call(span)

      const repeated: Effect.Effect<A, E> = Effect.catchAll(attempt, (error) =>
        Effect.flatMap(Effect.zip(Random.next, Clock.currentTimeMillis), ([random, now]) => {
          const wait = Retry.delay(repeat, options, { error, ...answered(now) }, count() - 1, random)
          if (Option.isNone(wait)) {
            return Effect.fail(error)
          }
          metrics.retried()
          return Effect.zipRight(Effect.sleep(wait.value), repeated)
        }))

      return Effect.flatMap(Clock.currentTimeMillis, (start) =>
        Effect.onExit(repeated, (exit) =>
          Effect.map(Clock.currentTimeMillis, (end) => {
            Telemetry.annotate(span, "switchyard.attempts", count())
            metrics.ended(Telemetry.outcomeOf(exit), end - start)
          })))
    })
}
