/**
 * Computation graphs: accumulators, reactors, fires (contract 4.11, 5.8). State of one server process.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { defaulted, Integer, nullable, openEnum } from "../core/Wire.js"
import { Timestamp } from "./Common.js"

/**
 * @since 0.1.0
 * @category schemas
 */
export const AccumulatorState = openEnum("AccumulatorState", [
  "starting",
  "connecting",
  "live",
  "disconnected",
  "socket_only"
])

/**
 * @since 0.1.0
 * @category models
 */
export type AccumulatorState = typeof AccumulatorState.Type

/**
 * @since 0.1.0
 * @category schemas
 */
export const AccumulatorStatus = Schema.Struct({
  name: Schema.String,
  status: Schema.Unknown,
  reactor: nullable(Schema.String),
  tenant_id: nullable(Schema.String),
  state: nullable(AccumulatorState),
  last_event_at: nullable(Timestamp),
  events_total: nullable(Integer),
  buffer_depth: nullable(Integer),
  buffer_capacity: nullable(Integer),
  error: nullable(Schema.String),
  operator_injects: defaulted(Integer, () => 0),
  last_operator_inject_at: nullable(Timestamp)
})

/**
 * @since 0.1.0
 * @category models
 */
export interface AccumulatorStatus extends Schema.Schema.Type<typeof AccumulatorStatus> {}

/**
 * @since 0.1.0
 * @category schemas
 */
export const GraphState = openEnum("GraphState", ["starting", "warming", "live", "degraded", "running", "stopped"])

/**
 * @since 0.1.0
 * @category models
 */
export type GraphState = typeof GraphState.Type

/**
 * `healthy` and `waiting` belong to `warming`, `disconnected` to `degraded`.
 *
 * @since 0.1.0
 * @category schemas
 */
export const GraphHealth = Schema.Struct({
  state: GraphState,
  healthy: Schema.optional(Schema.Array(Schema.String)),
  waiting: Schema.optional(Schema.Array(Schema.String)),
  disconnected: Schema.optional(Schema.Array(Schema.String))
})

/**
 * @since 0.1.0
 * @category models
 */
export interface GraphHealth extends Schema.Schema.Type<typeof GraphHealth> {}

/**
 * @since 0.1.0
 * @category schemas
 */
export const ReactionMode = openEnum("ReactionMode", ["when_any", "when_all"])

/**
 * @since 0.1.0
 * @category models
 */
export type ReactionMode = typeof ReactionMode.Type

/**
 * @since 0.1.0
 * @category schemas
 */
export const InputStrategy = openEnum("InputStrategy", ["latest", "sequential"])

/**
 * @since 0.1.0
 * @category models
 */
export type InputStrategy = typeof InputStrategy.Type

/**
 * `fires` counts successful fires.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ReactorStatus = Schema.Struct({
  name: Schema.String,
  health: GraphHealth,
  accumulators: Schema.Array(Schema.String),
  reaction_mode: nullable(ReactionMode),
  input_strategy: nullable(InputStrategy),
  bound_graphs: defaulted(Schema.Array(Schema.String), () => []),
  paused: Schema.Boolean,
  fires: defaulted(Integer, () => 0),
  last_fired_at: nullable(Timestamp)
})

/**
 * @since 0.1.0
 * @category models
 */
export interface ReactorStatus extends Schema.Schema.Type<typeof ReactorStatus> {}

/**
 * `inputs` are names of accumulators.
 *
 * @since 0.1.0
 * @category schemas
 */
export const GraphNode = Schema.Struct({
  id: Schema.String,
  inputs: defaulted(Schema.Array(Schema.String), () => [])
})

/**
 * @since 0.1.0
 * @category models
 */
export interface GraphNode extends Schema.Schema.Type<typeof GraphNode> {}

/**
 * `label` is the variant that takes this way.
 *
 * @since 0.1.0
 * @category schemas
 */
export const GraphEdge = Schema.Struct({
  from: Schema.String,
  to: Schema.String,
  label: nullable(Schema.String)
})

/**
 * @since 0.1.0
 * @category models
 */
export interface GraphEdge extends Schema.Schema.Type<typeof GraphEdge> {}

/**
 * @since 0.1.0
 * @category schemas
 */
export const GraphTopology = Schema.Struct({
  nodes: Schema.Array(GraphNode),
  edges: Schema.Array(GraphEdge)
})

/**
 * @since 0.1.0
 * @category models
 */
export interface GraphTopology extends Schema.Schema.Type<typeof GraphTopology> {}

/**
 * `source_package` is in the detail only.
 *
 * @since 0.1.0
 * @category schemas
 */
export const GraphStatus = Schema.Struct({
  name: Schema.String,
  health: GraphHealth,
  accumulators: Schema.Array(Schema.String),
  paused: Schema.Boolean,
  topology: nullable(GraphTopology),
  reactor: nullable(Schema.String),
  reaction_mode: nullable(ReactionMode),
  input_strategy: nullable(InputStrategy),
  fires: defaulted(Integer, () => 0),
  last_fired_at: nullable(Timestamp),
  source_package: nullable(Schema.String)
})

/**
 * @since 0.1.0
 * @category models
 */
export interface GraphStatus extends Schema.Schema.Type<typeof GraphStatus> {}

/**
 * One fire. An input that cannot be decoded is null; Python graphs have no outputs and are always `ok`.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ReactorFire = Schema.Struct({
  fired_at: Timestamp,
  ok: Schema.Boolean,
  error: nullable(Schema.String),
  duration_ms: Integer,
  inputs: defaulted(Schema.Record({ key: Schema.String, value: Schema.Unknown }), () => ({})),
  outputs: defaulted(Schema.Array(Schema.Unknown), () => []),
  manual: defaulted(Schema.Boolean, () => false)
})

/**
 * @since 0.1.0
 * @category models
 */
export interface ReactorFire extends Schema.Schema.Type<typeof ReactorFire> {}

/**
 * Fires a minute over the last hour, oldest first: 60 numbers.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ReactorFireTimeseries = Schema.Struct({
  buckets: Schema.Array(Integer)
})

/**
 * @since 0.1.0
 * @category models
 */
export interface ReactorFireTimeseries extends Schema.Schema.Type<typeof ReactorFireTimeseries> {}

/**
 * How a reactor is fired: with what it holds, or with other inputs.
 *
 * @since 0.1.0
 * @category schemas
 */
export const FireMode = Schema.Literal("force_fire", "fire_with")

/**
 * @since 0.1.0
 * @category models
 */
export type FireMode = typeof FireMode.Type

/**
 * `fire_with` takes the place of everything the reactor holds.
 *
 * @since 0.1.0
 * @category schemas
 */
export const FireReactor = Schema.Struct({
  mode: Schema.optional(FireMode),
  inputs: Schema.optional(Schema.Record({ key: Schema.String, value: Schema.Unknown }))
})

/**
 * @since 0.1.0
 * @category models
 */
export interface FireReactor extends Schema.Schema.Type<typeof FireReactor> {}

/**
 * The command was queued, which does not mean that the graph ran.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ReactorFired = Schema.Struct({
  reactor: Schema.String,
  mode: FireMode,
  sources_injected: Schema.Array(Schema.String)
})

/**
 * @since 0.1.0
 * @category models
 */
export interface ReactorFired extends Schema.Schema.Type<typeof ReactorFired> {}

/**
 * @since 0.1.0
 * @category schemas
 */
export const InjectAccumulator = Schema.Struct({
  event: Schema.Unknown
})

/**
 * @since 0.1.0
 * @category models
 */
export interface InjectAccumulator extends Schema.Schema.Type<typeof InjectAccumulator> {}

/**
 * `delivered` is 0 when the event was stored for a replica that is not reachable yet.
 *
 * @since 0.1.0
 * @category schemas
 */
export const AccumulatorInjected = Schema.Struct({
  accumulator: Schema.String,
  delivered: Integer
})

/**
 * @since 0.1.0
 * @category models
 */
export interface AccumulatorInjected extends Schema.Schema.Type<typeof AccumulatorInjected> {}
