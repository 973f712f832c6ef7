/** What the metrics of the SDK count while something runs. */
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as MetricState from "effect/MetricState"

/** What a metric of this name and these tags has counted. */
const counted = (name: string, tags: Readonly<Record<string, string>>) =>
  Effect.map(Metric.snapshot, (pairs) =>
    pairs.reduce((sum, { metricKey, metricState }) => {
      const has = (key: string, value: string) => metricKey.tags.some((tag) => tag.key === key && tag.value === value)
      const isOne = metricKey.name === name && Object.entries(tags).every(([key, value]) => has(key, value))
      if (!isOne) return sum
      if (MetricState.isCounterState(metricState)) return sum + Number(metricState.count)
      return MetricState.isHistogramState(metricState) ? sum + metricState.count : sum
    }, 0))

/** By how much each grows while the effect runs. */
export const growth = <A, E>(
  effect: Effect.Effect<A, E>,
  metrics: ReadonlyArray<readonly [string, Readonly<Record<string, string>>]>
) =>
  Effect.gen(function*() {
    const read = Effect.forEach(metrics, ([name, tags]) => counted(name, tags))
    const before = yield* read
    yield* Effect.exit(effect)
    const after = yield* read
    return after.map((count, i) => count - (before[i] ?? 0))
  })
