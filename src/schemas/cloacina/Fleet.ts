/**
 * Agents, the fleet of a tenant, and the compiler (contract 4.12, 5.9).
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { Integer, nullable, openEnum } from "../core/Wire.js"
import { Timestamp } from "./Common.js"

/**
 * An agent with a heartbeat.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Agent = Schema.Struct({
  agent_id: Schema.String,
  target_triple: Schema.String,
  max_concurrency: Integer,
  in_flight: Integer,
  available_capacity: Integer,
  seconds_since_heartbeat: Integer,
  capabilities: Schema.Array(Schema.String),
  tenant_id: nullable(Schema.String)
})

/**
 * @since 0.1.0
 * @category models
 */
export interface Agent extends Schema.Schema.Type<typeof Agent> {}

/**
 * @since 0.1.0
 * @category schemas
 */
export const CompilerState = openEnum("CompilerState", ["building", "backlogged", "idle"])

/**
 * @since 0.1.0
 * @category models
 */
export type CompilerState = typeof CompilerState.Type

/**
 * @since 0.1.0
 * @category schemas
 */
export const CompilerStatus = Schema.Struct({
  status: CompilerState,
  pending: Integer,
  building: Integer,
  seconds_since_heartbeat: nullable(Integer),
  last_success_at: nullable(Timestamp),
  last_failure_at: nullable(Timestamp)
})

/**
 * @since 0.1.0
 * @category models
 */
export interface CompilerStatus extends Schema.Schema.Type<typeof CompilerStatus> {}

/**
 * @since 0.1.0
 * @category schemas
 */
export const SetAgentLimit = Schema.Struct({
  max_agents: Integer
})

/**
 * @since 0.1.0
 * @category models
 */
export interface SetAgentLimit extends Schema.Schema.Type<typeof SetAgentLimit> {}

/**
 * @since 0.1.0
 * @category schemas
 */
export const AgentLimit = Schema.Struct({
  tenant_id: Schema.String,
  default_max_agents: Integer,
  tenant_override: nullable(Integer),
  effective_limit: Integer
})

/**
 * @since 0.1.0
 * @category models
 */
export interface AgentLimit extends Schema.Schema.Type<typeof AgentLimit> {}

/**
 * `actual_count` counts live agents, also those started by hand.
 *
 * @since 0.1.0
 * @category schemas
 */
export const FleetScale = Schema.Struct({
  tenant_id: Schema.String,
  desired_count: Integer,
  actual_count: Integer,
  effective_limit: Integer,
  default_max_agents: Integer
})

/**
 * @since 0.1.0
 * @category models
 */
export interface FleetScale extends Schema.Schema.Type<typeof FleetScale> {}
