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
import * as MetricKey from "effect/MetricKey"
import type * as MetricKeyType from "effect/MetricKeyType"
import * as MetricLabel from "effect/MetricLabel"
import * as Option from "effect/Option"
import type * as Tracer from "effect/Tracer"

const counter = (name: string, description: string) => MetricKey.counter(name, { description, incremental: true })

const calls = counter("switchyard_calls_total", "Calls of the SDK by outcome")

const durations = MetricKey.histogram(
  "switchyard_call_duration_ms",
  MetricBoundaries.exponential({ start: 1, factor: 2, count: 16 }),
  "Duration of calls with their retries, in milliseconds"
)

const retries = counter("switchyard_retries_total", "Attempts behind the first")

const reconnects = counter("switchyard_reconnects_total", "Connections of streams behind the first")

const events = counter("switchyard_events_total", "Items that streams delivered")

/** The metric of a key with its tags in it: `Metric.tagged` looks it up anew at every update. */
const tagged = <Type extends MetricKeyType.MetricKeyType<number, unknown>>(
  key: MetricKey.MetricKey<Type>,
  tags: Readonly<Record<string, string>>
) =>
  Metric.fromMetricKey(
    MetricKey.taggedWithLabels(key, Object.entries(tags).map(([name, value]) => MetricLabel.make(name, value)))
  )

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
  | "rpc.grpc.status_code"
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
  const outcomes = new Map<string, ReturnType<typeof tagged<typeof calls.keyType>>>()
  const durationsOf = tagged(durations, { operation })
  const retriesOf = tagged(retries, { operation })
  return {
    ended: (outcome: string, durationMs: number) => {
      let metric = outcomes.get(outcome)
      if (metric === undefined) outcomes.set(outcome, metric = tagged(calls, { operation, outcome }))
      metric.unsafeUpdate(1, [])
      durationsOf.unsafeUpdate(durationMs, [])
    },
    retried: () => retriesOf.unsafeUpdate(1, [])
  }
}

/** @internal */
export const streamMetrics = (operation: string) => {
  const reconnectsOf = tagged(reconnects, { operation })
  const eventsOf = tagged(events, { operation })
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
