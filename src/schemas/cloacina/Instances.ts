/**
 * Instances: named bindings of a workflow to parameters, on a schedule or not (contract 4.8, 5.5).
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { defaulted, nullable } from "../core/Wire.js"
import { Timestamp } from "./Common.js"

/**
 * A new instance. `cron` has five fields, or six with seconds first; absent: it never fires by itself. `timezone` is
 * an IANA name, UTC when absent; `enabled` true when absent.
 *
 * @since 0.1.0
 * @category schemas
 */
export const CreateInstance = Schema.Struct({
  instance_name: Schema.String,
  params: Schema.optional(Schema.Record({ key: Schema.String, value: Schema.Unknown })),
  cron: Schema.optional(Schema.String),
  timezone: Schema.optional(Schema.String),
  enabled: Schema.optional(Schema.Boolean)
})

/**
 * @since 0.1.0
 * @category models
 */
export interface CreateInstance extends Schema.Schema.Type<typeof CreateInstance> {}

/**
 * @since 0.1.0
 * @category schemas
 */
export const WorkflowInstance = Schema.Struct({
  id: Schema.String,
  workflow_name: Schema.String,
  instance_name: Schema.String,
  params: nullable(Schema.Unknown),
  cron_expression: nullable(Schema.String),
  timezone: nullable(Schema.String),
  enabled: Schema.Boolean,
  paused: defaulted(Schema.Boolean, () => false),
  next_run_at: nullable(Timestamp),
  last_run_at: nullable(Timestamp),
  created_at: Timestamp
})

/**
 * @since 0.1.0
 * @category models
 */
export interface WorkflowInstance extends Schema.Schema.Type<typeof WorkflowInstance> {}

/**
 * @since 0.1.0
 * @category schemas
 */
export const InstanceDeleted = Schema.Struct({
  tenant_id: Schema.String,
  workflow_name: Schema.String,
  instance_name: Schema.String,
  deleted: Schema.Boolean
})

/**
 * @since 0.1.0
 * @category models
 */
export interface InstanceDeleted extends Schema.Schema.Type<typeof InstanceDeleted> {}
