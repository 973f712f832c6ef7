/**
 * Workflow packages: upload, look, pause, delete (contract 4.7, 5.4).
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import type * as Stream from "effect/Stream"
import { defaulted, nullable, openEnum } from "../core/Wire.js"
import { PackageId, Timestamp } from "./Common.js"
import { InputSlot } from "./Slots.js"

/**
 * A package to upload as a stream of its bytes, `size` of them. It is run again when a request is sent again. `name` is
 * for errors.
 *
 * @since 0.1.0
 * @category models
 */
export interface PackageSource {
  readonly name?: string | undefined
  readonly size: number
  readonly stream: Stream.Stream<Uint8Array, PackageUnreadable>
}

/**
 * The package could not be read to its end. `code` is that of the system, where there is one.
 *
 * @since 0.1.0
 * @category errors
 */
export class PackageUnreadable extends Schema.TaggedError<PackageUnreadable>(
  "effect-switchyard/cloacina/PackageUnreadable"
)("PackageUnreadable", { path: Schema.String, code: Schema.optional(Schema.String) }) {
  override get message() {
    return `the package ${this.path} cannot be read${this.code === undefined ? "" : `: ${this.code}`}`
  }
}

/**
 * The form of an upload: one part named `file`.
 *
 * @since 0.1.0
 * @category schemas
 */
export const PackageForm = Schema.Struct({
  file: Schema.declare(
    (u: unknown): u is Uint8Array | PackageSource =>
      u instanceof Uint8Array || (typeof u === "object" && u !== null && "size" in u && "stream" in u),
    {
      identifier: "a package",
      jsonSchema: { type: "string", format: "binary" }
    }
  )
})

/**
 * The upload was accepted; whether it builds shows `get` with this id.
 *
 * @since 0.1.0
 * @category schemas
 */
export const WorkflowUploaded = Schema.Struct({
  package_id: PackageId,
  tenant_id: Schema.String
})

/**
 * @since 0.1.0
 * @category models
 */
export interface WorkflowUploaded extends Schema.Schema.Type<typeof WorkflowUploaded> {}

/**
 * A built package. `workflow_name` is what can be executed, `package_name` what can be deleted.
 *
 * @since 0.1.0
 * @category schemas
 */
export const WorkflowSummary = Schema.Struct({
  id: PackageId,
  package_name: Schema.String,
  workflow_name: Schema.String,
  version: Schema.String,
  description: nullable(Schema.String),
  tasks: Schema.Array(Schema.String),
  created_at: Timestamp,
  paused: defaulted(Schema.Boolean, () => false)
})

/**
 * @since 0.1.0
 * @category models
 */
export interface WorkflowSummary extends Schema.Schema.Type<typeof WorkflowSummary> {}

/**
 * Where a build stands. A value that is not known is not finished.
 *
 * @since 0.1.0
 * @category schemas
 */
export const BuildStatus = openEnum("BuildStatus", ["pending", "building", "failed", "success"])

/**
 * @since 0.1.0
 * @category models
 */
export type BuildStatus = typeof BuildStatus.Type

/**
 * A task and what it waits for, by local ids.
 *
 * @since 0.1.0
 * @category schemas
 */
export const WorkflowTaskNode = Schema.Struct({
  id: Schema.String,
  dependencies: Schema.Array(Schema.String),
  description: nullable(Schema.String),
  doc_what: nullable(Schema.String),
  doc_why: nullable(Schema.String)
})

/**
 * @since 0.1.0
 * @category models
 */
export interface WorkflowTaskNode extends Schema.Schema.Type<typeof WorkflowTaskNode> {}

/**
 * A package with its build. `tasks` of a Python package are there once a runner has loaded it.
 *
 * @since 0.1.0
 * @category schemas
 */
export const WorkflowDetail = Schema.Struct({
  tenant_id: Schema.String,
  id: PackageId,
  package_name: Schema.String,
  workflow_name: Schema.String,
  version: Schema.String,
  description: nullable(Schema.String),
  tasks: Schema.Array(Schema.String),
  task_graph: defaulted(Schema.Array(WorkflowTaskNode), () => []),
  created_at: Timestamp,
  build_status: BuildStatus,
  build_error: nullable(Schema.String),
  paused: defaulted(Schema.Boolean, () => false),
  declared_params: defaulted(Schema.Array(InputSlot), () => [])
})

/**
 * @since 0.1.0
 * @category models
 */
export interface WorkflowDetail extends Schema.Schema.Type<typeof WorkflowDetail> {}

/**
 * @since 0.1.0
 * @category schemas
 */
export const WorkflowSourceFile = Schema.Struct({
  path: Schema.String,
  language: nullable(Schema.String),
  contents: Schema.String
})

/**
 * @since 0.1.0
 * @category models
 */
export interface WorkflowSourceFile extends Schema.Schema.Type<typeof WorkflowSourceFile> {}

/**
 * The text files of a package, by path; those over 1 MiB are left out.
 *
 * @since 0.1.0
 * @category schemas
 */
export const WorkflowSource = Schema.Struct({
  tenant_id: Schema.String,
  id: PackageId,
  package_name: Schema.String,
  workflow_name: Schema.String,
  version: Schema.String,
  files: Schema.Array(WorkflowSourceFile)
})

/**
 * @since 0.1.0
 * @category models
 */
export interface WorkflowSource extends Schema.Schema.Type<typeof WorkflowSource> {}

/**
 * `status` is `paused` or `resumed`.
 *
 * @since 0.1.0
 * @category schemas
 */
export const WorkflowPaused = Schema.Struct({
  tenant_id: Schema.String,
  id: PackageId,
  name: Schema.String,
  status: Schema.String,
  paused: Schema.Boolean
})

/**
 * @since 0.1.0
 * @category models
 */
export interface WorkflowPaused extends Schema.Schema.Type<typeof WorkflowPaused> {}

/**
 * @since 0.1.0
 * @category schemas
 */
export const WorkflowDeleted = Schema.Struct({
  status: Schema.String,
  package_name: Schema.String,
  version: Schema.String
})

/**
 * @since 0.1.0
 * @category models
 */
export interface WorkflowDeleted extends Schema.Schema.Type<typeof WorkflowDeleted> {}
