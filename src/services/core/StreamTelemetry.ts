/**
 * One span and the metrics of a stream, over all of its connections.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type * as Tracer from "effect/Tracer"
import type { CallInfo } from "./Plane.js"
import * as Telemetry from "./Telemetry.js"

/** @internal */
export interface Observer {
  readonly reconnected: () => void
  readonly delivered: (count: number) => void
}

/**
 * Runs a stream under a span that ends with it and says how many events it gave and how often it reconnected.
 *
 * @internal
 */
export const observed = <A, E>(
  info: CallInfo,
  make: (observer: Observer, span: Tracer.Span) => Stream.Stream<A, E>
): Stream.Stream<A, E> => {
  const metrics = Telemetry.streamMetrics(info.operation)
  return Stream.unwrapScoped(Effect.gen(function*() {
    const span = yield* Effect.makeSpanScoped(info.operation, Telemetry.spanOptions(info.method, info.route))
    let events = 0
    let reconnects = 0
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        Telemetry.annotate(span, "switchyard.events", events)
        Telemetry.annotate(span, "switchyard.reconnects", reconnects)
      })
    )
    const observer: Observer = {
      delivered: (count) => {
        events += count
        metrics.delivered(count)
      },
      reconnected: () => {
        reconnects += 1
        metrics.reconnected()
      }
    }
    return make(observer, span)
  }))
}
