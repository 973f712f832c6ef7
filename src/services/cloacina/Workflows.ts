/**
 * Workflow packages: upload, look, pause, delete, and deploy, which is all that lies between bytes and a workflow that
 * can be executed.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import type * as Stream from "effect/Stream"
import type { ExecutionId, PackageId } from "../../schemas/cloacina/Common.js"
import type { CallError } from "../../schemas/cloacina/Errors.js"
import type {
  BuildStatus,
  PackageSource,
  PackageUnreadable,
  WorkflowDeleted,
  WorkflowDetail,
  WorkflowPaused,
  WorkflowSource,
  WorkflowSummary,
  WorkflowUploaded
} from "../../schemas/cloacina/Workflows.js"
import type { NotFound, PayloadTooLarge } from "../../schemas/core/Errors.js"
import type * as Poll from "../../streams/core/Poll.js"
import type { TenantOptions } from "./Client.js"
import { Client } from "./Client.js"
import type { ExecuteError } from "./Executions.js"
import * as internal from "./internal/workflows.js"

/**
 * The server has this version of the package with other bytes, active, failed or superseded: it takes another version
 * only (contract 4.7/30).
 *
 * @since 0.1.0
 * @category errors
 */
export class VersionTaken extends Data.TaggedError("VersionTaken")<{
  readonly packageName: string
  readonly version: string
}> {
  override get message() {
    return `version ${this.version} of ${this.packageName} was uploaded before with other bytes: give it another version`
  }
}

/**
 * The package does not build. `error` is the end of the compiler's output, at most 64 KiB.
 *
 * @since 0.1.0
 * @category errors
 */
export class BuildFailed extends Data.TaggedError("BuildFailed")<{
  readonly packageId: PackageId
  readonly packageName: string
  readonly version: string
  readonly error: Option.Option<string>
}> {
  override get message() {
    return `the build of ${this.packageName} ${this.version} failed`
  }
}

/**
 * Another upload of the same package has taken the place of this one while it was waited for.
 *
 * @since 0.1.0
 * @category errors
 */
export class Superseded extends Data.TaggedError("Superseded")<{ readonly packageId: PackageId }> {
  override get message() {
    return `upload ${this.packageId} was superseded by another one, or deleted`
  }
}

/**
 * A package to upload: bytes, a `Blob` or `File` (which is read first), or a stream with its size. On Node
 * `packageFile` makes one of a path. Browsers cannot send streams over HTTP/1.1: give them bytes or a `Blob`.
 *
 * @since 0.1.0
 * @category models
 */
export type PackageInput = Uint8Array | Blob | PackageSource

/**
 * How much of a package has been sent, in bytes. Of a stream, as the transport takes it; of bytes and of a `Blob` there
 * is only the beginning and the end.
 *
 * @since 0.1.0
 * @category models
 */
export interface UploadProgress {
  readonly sent: number
  readonly total: number
}

/**
 * @since 0.1.0
 * @category models
 */
export interface UploadOptions extends TenantOptions {
  /** Run for every piece that is sent, before it is. */
  readonly onProgress?: ((progress: UploadProgress) => Effect.Effect<void>) | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface BuildOptions extends TenantOptions {
  /** How often the server is asked: at once, then after 250 ms, each pause half as long again, up to 5 s. */
  readonly interval?: Poll.Interval | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface DeployOptions extends BuildOptions {
  /**
   * How long to wait, behind the build, for a sign that a runner has loaded the package. Default 6 s, a little more than
   * the server takes; 0: not at all. That the time is over is no failure.
   */
  readonly loadWithin?: Duration.DurationInput | undefined
  /**
   * Starts an execution to find out whether the workflow can be executed, the only proof there is, and waits for as long
   * as `loadWithin` until it can. Default: none is started.
   */
  readonly probe?: { readonly context?: Readonly<Record<string, unknown>> | undefined } | undefined
}

/**
 * Whether a runner has loaded the package, as far as the server shows.
 *
 * - `observed`: its tasks have appeared, or the probe was started
 * - `unobservable`: its tasks come from the build (Rust) or are known from before, so that they prove nothing; a runner
 *   loads within 5 s
 * - `notObserved`: no tasks within the time. Normal for a Python package in a tenant in which nothing has been executed
 *   since the server started, and for a package that has a graph and no workflow; else it cannot be loaded
 *
 * @since 0.1.0
 * @category models
 */
export type Loading = "observed" | "unobservable" | "notObserved"

/**
 * A package that is built. `AlreadyKnown`: the server had built these very bytes before, and nothing has changed.
 * `probe` is the execution that was asked for.
 *
 * `execute` with `waitUntilLoaded` covers what `loading` leaves open.
 *
 * @since 0.1.0
 * @category models
 */
export interface Deployment {
  readonly _tag: "Deployed" | "AlreadyKnown"
  readonly packageId: PackageId
  readonly packageName: string
  /** What can be executed. */
  readonly workflow: string
  readonly version: string
  readonly detail: WorkflowDetail
  readonly loading: Loading
  readonly probe: Option.Option<ExecutionId>
}

/**
 * Where a deployment stands. `uploading` comes for each percent of a stream, `building` for each status.
 *
 * @since 0.1.0
 * @category models
 */
export type DeployPhase =
  | ({ readonly type: "uploading" } & UploadProgress)
  | { readonly type: "uploaded"; readonly packageId: PackageId }
  | { readonly type: "building"; readonly packageId: PackageId; readonly status: BuildStatus }
  | { readonly type: "built"; readonly detail: WorkflowDetail }
  | { readonly type: "loading"; readonly workflow: string }
  | { readonly type: "ready"; readonly deployment: Deployment }

/**
 * What an upload can end with. `InvalidInput` (`upload_failed`, `invalid_request`): no package, or one that is too large.
 *
 * @since 0.1.0
 * @category errors
 */
export type UploadError = VersionTaken | PackageUnreadable | PayloadTooLarge | CallError

/**
 * What a deployment can end with. `NotFound` and `Conflict` come from the probe alone.
 *
 * @since 0.1.0
 * @category errors
 */
export type DeployError = UploadError | BuildFailed | Superseded | ExecuteError

/**
 * The workflow packages of a Cloacina server.
 *
 * @example
 * ```ts
 * import * as Cloacina from "effect-switchyard/cloacina"
 * import * as Effect from "effect/Effect"
 *
 * export const deploy = (bytes: Uint8Array) =>
 *   Effect.gen(function*() {
 *     const workflows = yield* Cloacina.Workflows
 *     const executions = yield* Cloacina.Executions
 *     const { workflow } = yield* workflows.deploy(bytes)
 *     return yield* executions.execute(workflow, { waitUntilLoaded: "10 seconds" })
 *   })
 * ```
 *
 * @since 0.1.0
 * @category context
 */
export class Workflows extends Context.Tag("effect-switchyard/cloacina/Workflows")<Workflows, Workflows.Service>() {
  /**
   * The service over HTTP.
   *
   * @since 0.1.0
   */
  static readonly layer: Layer.Layer<Workflows, never, Client> = Layer.effect(this, Effect.map(Client, internal.make))
}

/**
 * @since 0.1.0
 */
export declare namespace Workflows {
  /**
   * @since 0.1.0
   * @category models
   */
  export interface Service {
    /**
     * Uploads a package (`POST /v1/tenants/{tenant_id}/workflows`, contract 4.7/30). The id says that the server took
     * it, not that it builds: see `build`. The package that was active under its name is out of use from now on. Bytes
     * that are active already give the id that they have. Its time-out is 10 minutes; it is sent once.
     */
    readonly upload: (source: PackageInput, options?: UploadOptions) => Effect.Effect<WorkflowUploaded, UploadError>
    /**
     * The packages that are built, in no order (`GET /v1/tenants/{tenant_id}/workflows`, contract 4.7/31).
     */
    readonly list: (options?: TenantOptions) => Effect.Effect<ReadonlyArray<WorkflowSummary>, CallError>
    /**
     * One, by package name when it is built, or by the id of its upload in any state, until it is superseded (`GET
     * /v1/tenants/{tenant_id}/workflows/{name}`, contract 4.7/32). A workflow name does not work here.
     */
    readonly get: (
      packageNameOrId: string,
      options?: TenantOptions
    ) => Effect.Effect<WorkflowDetail, NotFound | CallError>
    /**
     * Its text files, by path (`GET /v1/tenants/{tenant_id}/workflows/{name}/source`, contract 4.7/33). By package name
     * or id, as `get`.
     */
    readonly source: (
      packageNameOrId: string,
      options?: TenantOptions
    ) => Effect.Effect<WorkflowSource, NotFound | CallError>
    /**
     * Refuses further executions, by workflow or package name (`POST /v1/tenants/{tenant_id}/workflows/{name}/pause`,
     * contract 4.7/34). Those that run go on.
     */
    readonly pause: (name: string, options?: TenantOptions) => Effect.Effect<WorkflowPaused, NotFound | CallError>
    /**
     * Allows executions again, by workflow or package name (`POST /v1/tenants/{tenant_id}/workflows/{name}/resume`,
     * contract 4.7/35).
     */
    readonly resume: (name: string, options?: TenantOptions) => Effect.Effect<WorkflowPaused, NotFound | CallError>
    /**
     * Deletes one version of a package, by package name (`DELETE /v1/tenants/{tenant_id}/workflows/{name}/{version}`,
     * contract 4.7/36). A success also when there is none; an upload that is not built, or was superseded, stays.
     * Repeated after a transport failure or a 503.
     */
    readonly remove: (
      packageName: string,
      version: string,
      options?: TenantOptions
    ) => Effect.Effect<WorkflowDeleted, NotFound | CallError>
    /**
     * Waits until an upload is built, by its id. A status that is not known is not the end. It waits for as long as the
     * build takes: bound it with `Effect.timeout`.
     *
     * Fails with `BuildFailed`, and with `Superseded` when the upload is gone behind a first look; `NotFound` when it
     * never was there.
     */
    readonly build: (
      packageId: string,
      options?: BuildOptions
    ) => Effect.Effect<WorkflowDetail, BuildFailed | Superseded | NotFound | CallError>
    /**
     * Uploads, waits for the build, and then for a sign of the loader (contract 9.5, 9.6). Interrupting it takes nothing
     * back.
     */
    readonly deploy: (source: PackageInput, options?: DeployOptions) => Effect.Effect<Deployment, DeployError>
    /**
     * As `deploy`, phase by phase; the last is `ready`.
     */
    readonly deployPhases: (source: PackageInput, options?: DeployOptions) => Stream.Stream<DeployPhase, DeployError>
  }
}
