/**
 * What the SDK tells about its work: one span a call and one a stream with a closed list of attributes, and metrics.
 *
 * Spans are named `<plane>.<Area>.<method>`. Metrics: `switchyard_calls_total` (tags `operation`, `outcome`),
 * `switchyard_call_duration_ms`, `switchyard_retries_total`, `switchyard_reconnects_total`, `switchyard_events_total`.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import * as Metric from "effect/Metric"
import * as MetricBoundaries from "effect/MetricBoundaries"
import * as Option from "effect/Option"
import type * as Tracer from "effect/Tracer"

const calls = Metric.counter("switchyard_calls_total", {
  description: "Calls of the SDK by outcome",
  incremental: true
})

const durations = Metric.histogram(
  "switchyard_call_duration_ms",
  MetricBoundaries.exponential({ start: 1, factor: 2, count: 16 }),
  "Duration of calls with their retries, in milliseconds"
)

const retries = Metric.counter("switchyard_retries_total", {
  description: "Attempts behind the first",
  incremental: true
})

const reconnects = Metric.counter("switchyard_reconnects_total", {
  description: "Connections of streams behind the first",
  incremental: true
})

const events = Metric.counter("switchyard_events_total", {
  description: "Items that streams delivered",
  incremental: true
})

/**
 * Everything a span of the SDK may say; other keys are never set.
 *
 * @since 0.1.0
 * @category models
 */
export type Attribute =
  | "http.request.method"
  | "http.route"
  | "http.response.status_code"
  | "switchyard.attempts"
  | "switchyard.events"
  | "switchyard.reconnects"
  | "switchyard.request_id"

/** @internal */
export const annotate = (span: Tracer.Span, attribute: Attribute, value: string | number): void =>
  span.attribute(attribute, value)

/** @internal */
export const spanOptions = (method: string, route: string): Tracer.SpanOptions => ({
  kind: "client",
  captureStackTrace: false,
  attributes: { "http.request.method": method, "http.route": route } satisfies Partial<Record<Attribute, string>>
})

/**
 * The metrics of one operation, with their tags bound once.
 *
 * @internal
 */
export const callMetrics = (operation: string) => {
  const tagged = Metric.tagged(calls, "operation", operation)
  const outcomes = new Map<string, typeof calls>()
  const durationsOf = Metric.tagged(durations, "operation", operation)
  const retriesOf = Metric.tagged(retries, "operation", operation)
  return {
    ended: (outcome: string, durationMs: number) => {
      let metric = outcomes.get(outcome)
      if (metric === undefined) outcomes.set(outcome, metric = Metric.tagged(tagged, "outcome", outcome))
      metric.unsafeUpdate(1, [])
      durationsOf.unsafeUpdate(durationMs, [])
    },
    retried: () => retriesOf.unsafeUpdate(1, [])
  }
}

/** @internal */
export const streamMetrics = (operation: string) => {
  const reconnectsOf = Metric.tagged(reconnects, "operation", operation)
  const eventsOf = Metric.tagged(events, "operation", operation)
  return {
    reconnected: () => reconnectsOf.unsafeUpdate(1, []),
    delivered: (count: number) => eventsOf.unsafeUpdate(count, [])
  }
}

/**
 * The outcome tag of a call: `success`, `interrupted`, `defect` or the error's tag.
 *
 * @internal
 */
export const outcomeOf = (exit: Exit.Exit<unknown, { readonly _tag: string }>): string => {
  if (Exit.isSuccess(exit)) return "success"
  const failure = Cause.failureOption(exit.cause)
  if (Option.isSome(failure)) return failure.value._tag
  return Cause.isInterruptedOnly(exit.cause) ? "interrupted" : "defect"
}
