/**
 * What a host may count of the API (contract 2.4): requests done, and requests in flight.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as MetricBoundaries from "effect/MetricBoundaries"
import * as MetricLabel from "effect/MetricLabel"

/**
 * A request that has been answered. Over HTTP `method` is the HTTP method, `path` the route template
 * (`/api/v1/tasks/{id}`; `unmatched` where no route fits) and `status` the HTTP status; over gRPC the name of the call,
 * its full path and the number of the code. A log stream is done when its head has been sent.
 *
 * @since 0.1.0
 * @category models
 */
export interface RequestDone {
  readonly transport: "http" | "grpc"
  readonly method: string
  readonly path: string
  readonly status: number
  readonly durationMs: number
}

/**
 * The metrics hook of a server. Nothing is counted unless a layer provides one.
 *
 * @since 0.1.0
 * @category context
 */
export class ApiMetrics extends Context.Reference<ApiMetrics>()("effect-switchyard/solti/server/ApiMetrics", {
  defaultValue: (): ApiMetrics.Service => ApiMetrics.noop
}) {
  /**
   * Counts nothing.
   *
   * @since 0.1.0
   */
  static readonly noop: ApiMetrics.Service = {
    requestDone: () => Effect.void,
    inFlight: () => Effect.void
  }

  /**
   * Counts with Effect's own metrics:
   *
   * - `solti_api_requests_total`: counter, tagged `transport`, `method`, `path`, `status`
   * - `solti_api_request_duration_ms`: histogram, tagged `transport`, `method`, `path`
   * - `solti_api_requests_in_flight`: counter that goes up and down, tagged `transport`
   *
   * @since 0.1.0
   */
  static readonly layerEffect: Layer.Layer<ApiMetrics> = Layer.sync(ApiMetrics, () => {
    const requests = Metric.counter("solti_api_requests_total", { incremental: true })
    const durations = Metric.histogram(
      "solti_api_request_duration_ms",
      MetricBoundaries.exponential({ start: 0.25, factor: 2, count: 16 })
    )
    const inFlight = Metric.counter("solti_api_requests_in_flight")
    return {
      requestDone: ({ durationMs, method, path, status, transport }) => {
        const tags = [
          MetricLabel.make("transport", transport),
          MetricLabel.make("method", method),
          MetricLabel.make("path", path)
        ]
        return Effect.zipRight(
          Metric.update(Metric.taggedWithLabels(durations, tags), durationMs),
          Metric.update(
            Metric.taggedWithLabels(requests, [...tags, MetricLabel.make("status", String(status))]),
            1
          )
        )
      },
      inFlight: (transport, delta) => Metric.update(Metric.tagged(inFlight, "transport", transport), delta)
    }
  })
}

/**
 * @since 0.1.0
 */
export declare namespace ApiMetrics {
  /**
   * @since 0.1.0
   * @category models
   */
  export interface Service {
    readonly requestDone: (request: RequestDone) => Effect.Effect<void>
    readonly inFlight: (transport: RequestDone["transport"], delta: 1 | -1) => Effect.Effect<void>
  }
}
