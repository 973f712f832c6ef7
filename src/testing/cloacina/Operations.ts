/**
 * What the server says about itself without credentials (contract 4.1).
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Health from "../../schemas/cloacina/api/Health.js"
import { openApi } from "../../schemas/cloacina/api/OpenApi.js"
import * as Api from "../../schemas/cloacina/api/Operations.js"
import { type Access, answer, type Handler, handler } from "./Handler.js"
import type { World } from "./World.js"

interface Series {
  readonly labels: string
  readonly durations: Array<number>
  count: number
  sum: number
}

/** The version of the server that is emulated. */
const version = "0.12.0"

/** How many durations of a series are kept. */
const window = 1024

const quantiles = [0, 0.5, 0.9, 0.95, 0.99, 0.999, 1]

const family = (name: string, type: string, help: string, lines: ReadonlyArray<string>): string =>
  lines.length === 0 ? "" : `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join("\n")}\n\n`

const summary = (name: string, { count, durations, labels, sum }: Series): ReadonlyArray<string> => {
  const sorted = [...durations].sort((a, b) => a - b)
  return [
    ...quantiles.map((quantile) => {
      const value = sorted[Math.max(0, Math.ceil(quantile * sorted.length) - 1)] ?? 0
      return `${name}{${labels},quantile="${quantile}"} ${value}`
    }),
    `${name}_sum{${labels}} ${sum}`,
    `${name}_count{${labels}} ${count}`
  ]
}

const everybody: Access = { _tag: "public" }

/**
 * @since 0.1.0
 * @category models
 */
export interface Operations {
  readonly handlers: ReadonlyArray<Handler>
  /** Counts an answer. */
  readonly count: (method: string, status: number, durationMs: number) => void
}

/**
 * @since 0.1.0
 * @category constructors
 */
export const make = ({ active, health }: World): Operations => {
  const series = new Map<string, Series>()

  const metrics = (): string => {
    const all = [...series.values()]
    const duration = "cloacina_api_request_duration_seconds"
    return [
      family(
        "cloacina_api_requests_total",
        "counter",
        "Total API requests by HTTP method and response status code",
        all.map(({ count, labels }) => `cloacina_api_requests_total{${labels}} ${count}`)
      ),
      family(
        "cloacina_scheduler_claim_attempts_total",
        "counter",
        "Total task claim attempts by the executor. outcome is `claimed` (claim succeeded), `contended` (another runner " +
          "already held the claim), or `empty` (scheduler tick found no ready tasks to dispatch).",
        [`cloacina_scheduler_claim_attempts_total{outcome="claimed"} ${active.claimed}`]
      ),
      family("cloacina_active_tasks", "gauge", "Currently active tasks", [`cloacina_active_tasks ${active.tasks}`]),
      family("cloacina_active_workflows", "gauge", "Currently active workflows", [
        `cloacina_active_workflows ${active.workflows}`
      ]),
      family(
        duration,
        "summary",
        "API request handler duration by HTTP method and response status code",
        all.flatMap((one) => summary(duration, one))
      )
    ].join("")
  }

  return {
    count: (method, status, durationMs) => {
      const labels = `method="${method}",status="${status}"`
      const found = series.get(labels) ?? { labels, durations: [], count: 0, sum: 0 }
      series.set(labels, found)
      const seconds = durationMs / 1000
      if (found.durations.length === window) found.durations.shift()
      found.durations.push(seconds)
      found.count++
      found.sum += seconds
    },
    handlers: [
      handler(Health.health, everybody, () => Effect.succeed(answer({ status: "ok" }))),
      handler(Health.ready, everybody, () =>
        Effect.sync(() =>
          health.notReady === undefined
            ? answer({ status: "ready" })
            : answer({ status: "not ready", reason: health.notReady }, 503)
        )),
      handler(Api.openapi, everybody, () => Effect.sync(() => answer(openApi(version)))),
      handler(Api.metrics, everybody, () =>
        Effect.sync(() => ({
          status: 200,
          headers: { "content-type": "text/plain; version=0.0.4; charset=utf-8" },
          body: metrics()
        })))
    ]
  }
}
