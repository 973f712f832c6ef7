/**
 * Executions: runs of workflows, their tasks and events (contract 4.9, 5.6).
 *
 * @since 0.1.0
 */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { Integer, nullable, openEnum } from "../core/Wire.js"
import { ExecutionId, Timestamp } from "./Common.js"

/**
 * What an execution is given. A value of the form `{"$secret": name}` binds a secret (`secretRef`).
 *
 * @since 0.1.0
 * @category schemas
 */
export const ExecuteRequest = Schema.Struct({
  context: Schema.optional(Schema.Record({ key: Schema.String, value: Schema.Unknown }))
})

/**
 * @since 0.1.0
 * @category models
 */
export interface ExecuteRequest extends Schema.Schema.Type<typeof ExecuteRequest> {}

/**
 * `status` is `scheduled`, which is no status of an execution.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ExecuteAccepted = Schema.Struct({
  execution_id: ExecutionId,
  workflow_name: Schema.String,
  tenant_id: Schema.String,
  status: Schema.String
})

/**
 * @since 0.1.0
 * @category models
 */
export interface ExecuteAccepted extends Schema.Schema.Type<typeof ExecuteAccepted> {}

/**
 * Where an execution stands. `Completed`, `Failed` and `Cancelled` are final; a value that is not known is not.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ExecutionStatus = openEnum("ExecutionStatus", [
  "Pending",
  "Running",
  "Paused",
  "Completed",
  "Failed",
  "Cancelled"
])

/**
 * @since 0.1.0
 * @category models
 */
export type ExecutionStatus = typeof ExecutionStatus.Type

/**
 * Whether an execution is over: `Completed`, `Failed` or `Cancelled`. A status that is not known is not.
 *
 * @since 0.1.0
 * @category guards
 */
export const isTerminal = (status: ExecutionStatus): status is "Completed" | "Failed" | "Cancelled" =>
  status === "Completed" || status === "Failed" || status === "Cancelled"

/**
 * `started_at` is when it was made; `trigger_origin` is `manual` for executions started by a call, null for scheduled
 * ones.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ExecutionSummary = Schema.Struct({
  id: ExecutionId,
  workflow_name: Schema.String,
  status: ExecutionStatus,
  started_at: Timestamp,
  completed_at: nullable(Timestamp),
  trigger_origin: nullable(Schema.String)
})

/**
 * @since 0.1.0
 * @category models
 */
export interface ExecutionSummary extends Schema.Schema.Type<typeof ExecutionSummary> {}

/**
 * @since 0.1.0
 * @category schemas
 */
export const ExecutionDetail = Schema.Struct({
  tenant_id: Schema.String,
  execution_id: ExecutionId,
  status: ExecutionStatus
})

/**
 * @since 0.1.0
 * @category models
 */
export interface ExecutionDetail extends Schema.Schema.Type<typeof ExecutionDetail> {}

/**
 * What happened. The `pipeline_…` names of old rows mean the same as `workflow_…`.
 *
 * @since 0.1.0
 * @category schemas
 */
export const EventType = openEnum("EventType", [
  "task_created",
  "task_marked_ready",
  "task_claimed",
  "task_started",
  "task_deferred",
  "task_resumed",
  "task_completed",
  "task_failed",
  "task_retry_scheduled",
  "task_skipped",
  "task_abandoned",
  "task_reset",
  "workflow_started",
  "workflow_completed",
  "workflow_failed",
  "workflow_paused",
  "workflow_resumed",
  "pipeline_started",
  "pipeline_completed",
  "pipeline_failed",
  "pipeline_paused",
  "pipeline_resumed"
])

/**
 * @since 0.1.0
 * @category models
 */
export type EventType = typeof EventType.Type

/**
 * An entry of the log. `event_data` is a string that holds JSON (`eventData` reads it); `sequence_num` ascends, with
 * gaps; `task_name` is namespaced (`taskLocalName`).
 *
 * @since 0.1.0
 * @category schemas
 */
export const ExecutionEvent = Schema.Struct({
  id: Schema.String,
  event_type: EventType,
  event_data: nullable(Schema.String),
  task_name: nullable(Schema.String),
  created_at: Timestamp,
  sequence_num: Integer
})

/**
 * @since 0.1.0
 * @category models
 */
export interface ExecutionEvent extends Schema.Schema.Type<typeof ExecutionEvent> {}

const parseJson = Schema.decodeUnknownOption(Schema.parseJson())

/**
 * The data of an event, logged or pushed; `None` where there is none, or where it is not JSON.
 *
 * @since 0.1.0
 * @category utils
 */
export const eventData = (event: { readonly event_data: Option.Option<string> }): Option.Option<unknown> =>
  Option.flatMap(event.event_data, parseJson)

/**
 * @since 0.1.0
 * @category schemas
 */
export const ExecutionEvents = Schema.Struct({
  tenant_id: Schema.String,
  execution_id: ExecutionId,
  events: Schema.Array(ExecutionEvent)
})

/**
 * @since 0.1.0
 * @category models
 */
export interface ExecutionEvents extends Schema.Schema.Type<typeof ExecutionEvents> {}

/**
 * Where a task stands. `Completed`, `Failed` and `Skipped` are final.
 *
 * @since 0.1.0
 * @category schemas
 */
export const TaskStatus = openEnum("TaskStatus", [
  "NotStarted",
  "Pending",
  "Ready",
  "Running",
  "Completed",
  "Failed",
  "Skipped"
])

/**
 * @since 0.1.0
 * @category models
 */
export type TaskStatus = typeof TaskStatus.Type

/**
 * Whether a task is over: `Completed`, `Failed` or `Skipped`. A status that is not known is not.
 *
 * @since 0.1.0
 * @category guards
 */
export const isTaskTerminal = (status: TaskStatus): boolean =>
  status === "Completed" || status === "Failed" || status === "Skipped"

/**
 * The local id of a task, as `WorkflowDetail.tasks` has it: the last part of `tenant::package::workflow::task`.
 *
 * @since 0.1.0
 * @category utils
 */
export const taskLocalName = (name: string): string => name.split("::").at(-1) ?? name

/**
 * A task of an execution; `task_name` is namespaced (`taskLocalName`). `last_error` is that of the last failed attempt,
 * null again after a success; `error_details` also says why a task was skipped.
 *
 * @since 0.1.0
 * @category schemas
 */
export const TaskExecution = Schema.Struct({
  id: Schema.String,
  task_name: Schema.String,
  status: TaskStatus,
  started_at: nullable(Timestamp),
  completed_at: nullable(Timestamp),
  attempt: Integer,
  max_attempts: Integer,
  created_at: Timestamp,
  updated_at: Timestamp,
  sub_status: nullable(Schema.String),
  last_error: nullable(Schema.String),
  error_details: nullable(Schema.String)
})

/**
 * @since 0.1.0
 * @category models
 */
export interface TaskExecution extends Schema.Schema.Type<typeof TaskExecution> {}

/**
 * @since 0.1.0
 * @category schemas
 */
export const ExecutionTasks = Schema.Struct({
  tenant_id: Schema.String,
  execution_id: ExecutionId,
  tasks: Schema.Array(TaskExecution)
})

/**
 * @since 0.1.0
 * @category models
 */
export interface ExecutionTasks extends Schema.Schema.Type<typeof ExecutionTasks> {}
