/**
 * Computation graphs (contract 4.11).
 *
 * @since 0.1.0
 */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as Schema from "effect/Schema"
import { declare } from "../../core/Endpoint.js"
import { NotFound, PayloadTooLarge } from "../../core/Errors.js"
import { list, QueryInteger } from "../Common.js"
import {
  AccumulatorInjected,
  AccumulatorStatus,
  FireReactor,
  GraphStatus,
  InjectAccumulator,
  ReactorFire,
  ReactorFired,
  ReactorFireTimeseries,
  ReactorStatus
} from "../Graphs.js"
import { DeclaredSurface } from "../Slots.js"

/**
 * `GET /v1/health/accumulators`: all that the key may see.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const listAccumulators = declare(
  HttpApiEndpoint.get("listAccumulators", "/v1/health/accumulators").addSuccess(list(AccumulatorStatus)),
  { repeat: "safe", errors: [] }
)

/**
 * `POST /v1/health/accumulators/{name}/inject`: an event into an accumulator; an unknown one is 403. A replica that does
 * not own it redirects to the one that does.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const inject = declare(
  HttpApiEndpoint.post("inject", "/v1/health/accumulators/:name/inject").setPath(Schema.Struct({ name: Schema.String }))
    .setPayload(InjectAccumulator).addSuccess(AccumulatorInjected),
  { repeat: "never", errors: [NotFound, PayloadTooLarge], hasReplicas: true }
)

/**
 * `GET /v1/health/accumulators/{name}/interface`: what it takes.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const accumulatorSurface = declare(
  HttpApiEndpoint.get("accumulatorSurface", "/v1/health/accumulators/:name/interface").setPath(
    Schema.Struct({ name: Schema.String })
  ).addSuccess(DeclaredSurface),
  { repeat: "safe", errors: [] }
)

/**
 * `GET /v1/health/reactors`: all that the key may see.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const listReactors = declare(
  HttpApiEndpoint.get("listReactors", "/v1/health/reactors").addSuccess(list(ReactorStatus)),
  { repeat: "safe", errors: [] }
)

/**
 * `POST /v1/health/reactors/{name}/fire`: queues a fire; an unknown reactor is 403.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const fire = declare(
  HttpApiEndpoint.post("fire", "/v1/health/reactors/:name/fire").setPath(Schema.Struct({ name: Schema.String }))
    .setPayload(FireReactor).addSuccess(ReactorFired),
  { repeat: "never", errors: [NotFound, PayloadTooLarge] }
)

/**
 * `GET /v1/health/reactors/{name}/fires`: newest first, at most 200.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const fires = declare(
  HttpApiEndpoint.get("fires", "/v1/health/reactors/:name/fires").setPath(Schema.Struct({ name: Schema.String }))
    .setUrlParams(Schema.Struct({ limit: Schema.optional(QueryInteger) })).addSuccess(list(ReactorFire)),
  { repeat: "safe", errors: [NotFound] }
)

/**
 * `GET /v1/health/reactors/{name}/fires/timeseries`: fires of the last 60 minutes.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const timeseries = declare(
  HttpApiEndpoint.get("timeseries", "/v1/health/reactors/:name/fires/timeseries").setPath(
    Schema.Struct({ name: Schema.String })
  ).addSuccess(ReactorFireTimeseries),
  { repeat: "safe", errors: [NotFound] }
)

/**
 * `GET /v1/health/reactors/{name}/interface`: what it takes.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const reactorSurface = declare(
  HttpApiEndpoint.get("reactorSurface", "/v1/health/reactors/:name/interface").setPath(
    Schema.Struct({ name: Schema.String })
  ).addSuccess(DeclaredSurface),
  { repeat: "safe", errors: [] }
)

/**
 * `GET /v1/health/graphs`: all that the key may see.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const listGraphs = declare(
  HttpApiEndpoint.get("listGraphs", "/v1/health/graphs").addSuccess(list(GraphStatus)),
  { repeat: "safe", errors: [] }
)

/**
 * `GET /v1/health/graphs/{name}`: one graph, with its package.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const getGraph = declare(
  HttpApiEndpoint.get("getGraph", "/v1/health/graphs/:name").setPath(Schema.Struct({ name: Schema.String })).addSuccess(
    GraphStatus
  ),
  { repeat: "safe", errors: [NotFound] }
)
