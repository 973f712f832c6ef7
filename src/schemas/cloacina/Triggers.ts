/**
 * Triggers and schedules (contract 4.10, 5.7).
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { defaulted, Integer, nullable, openEnum } from "../core/Wire.js"
import { ExecutionId, Timestamp } from "./Common.js"

/**
 * @since 0.1.0
 * @category schemas
 */
export const ScheduleType = openEnum("ScheduleType", ["cron", "trigger"])

/**
 * @since 0.1.0
 * @category models
 */
export type ScheduleType = typeof ScheduleType.Type

/**
 * A row that starts a workflow: a cron schedule, a polling trigger, or an instance. `poll_interval_ms` in
 * milliseconds.
 *
 * @since 0.1.0
 * @category schemas
 */
export const TriggerSchedule = Schema.Struct({
  id: Schema.String,
  schedule_type: ScheduleType,
  workflow_name: Schema.String,
  enabled: Schema.Boolean,
  cron_expression: nullable(Schema.String),
  trigger_name: nullable(Schema.String),
  poll_interval_ms: nullable(Integer),
  next_run_at: nullable(Timestamp),
  last_run_at: nullable(Timestamp),
  created_at: Timestamp,
  paused: defaulted(Schema.Boolean, () => false),
  paused_at: nullable(Timestamp),
  last_poll_at: nullable(Timestamp)
})

/**
 * @since 0.1.0
 * @category models
 */
export interface TriggerSchedule extends Schema.Schema.Type<typeof TriggerSchedule> {}

/**
 * A schedule in its detail.
 *
 * @since 0.1.0
 * @category schemas
 */
export const TriggerInfo = Schema.Struct({
  id: Schema.String,
  schedule_type: ScheduleType,
  workflow_name: Schema.String,
  enabled: Schema.Boolean,
  cron_expression: nullable(Schema.String),
  trigger_name: nullable(Schema.String),
  poll_interval_ms: nullable(Integer),
  paused: defaulted(Schema.Boolean, () => false),
  paused_at: nullable(Timestamp)
})

/**
 * @since 0.1.0
 * @category models
 */
export interface TriggerInfo extends Schema.Schema.Type<typeof TriggerInfo> {}

/**
 * A start by a schedule. `id` is its own, not that of an execution.
 *
 * @since 0.1.0
 * @category schemas
 */
export const TriggerRun = Schema.Struct({
  id: Schema.String,
  scheduled_time: nullable(Timestamp),
  started_at: Timestamp,
  completed_at: nullable(Timestamp)
})

/**
 * @since 0.1.0
 * @category models
 */
export interface TriggerRun extends Schema.Schema.Type<typeof TriggerRun> {}

/**
 * A schedule and its ten newest starts.
 *
 * @since 0.1.0
 * @category schemas
 */
export const TriggerDetail = Schema.Struct({
  tenant_id: Schema.String,
  schedule: TriggerInfo,
  recent_executions: Schema.Array(TriggerRun)
})

/**
 * @since 0.1.0
 * @category models
 */
export interface TriggerDetail extends Schema.Schema.Type<typeof TriggerDetail> {}

/**
 * `status` is `paused` or `resumed`.
 *
 * @since 0.1.0
 * @category schemas
 */
export const TriggerPaused = Schema.Struct({
  tenant_id: Schema.String,
  id: Schema.String,
  name: Schema.String,
  status: Schema.String,
  paused: Schema.Boolean
})

/**
 * @since 0.1.0
 * @category models
 */
export interface TriggerPaused extends Schema.Schema.Type<typeof TriggerPaused> {}

/**
 * Merged into the context of every execution. References to secrets are **not** resolved here.
 *
 * @since 0.1.0
 * @category schemas
 */
export const FireTrigger = Schema.Struct({
  event: Schema.optional(Schema.Record({ key: Schema.String, value: Schema.Unknown }))
})

/**
 * @since 0.1.0
 * @category models
 */
export interface FireTrigger extends Schema.Schema.Type<typeof FireTrigger> {}

/**
 * @since 0.1.0
 * @category schemas
 */
export const FiredExecution = Schema.Struct({
  workflow_name: Schema.String,
  execution_id: ExecutionId
})

/**
 * @since 0.1.0
 * @category models
 */
export interface FiredExecution extends Schema.Schema.Type<typeof FiredExecution> {}

/**
 * What was started; workflows that could not start are left out.
 *
 * @since 0.1.0
 * @category schemas
 */
export const TriggerFired = Schema.Struct({
  tenant_id: Schema.String,
  trigger: Schema.String,
  fired: Integer,
  executions: Schema.Array(FiredExecution)
})

/**
 * @since 0.1.0
 * @category models
 */
export interface TriggerFired extends Schema.Schema.Type<typeof TriggerFired> {}
