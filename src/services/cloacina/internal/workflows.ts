import type * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Mailbox from "effect/Mailbox"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Api from "../../../schemas/cloacina/api/Workflows.js"
import { PackageId } from "../../../schemas/cloacina/Common.js"
import type { PackageSource, WorkflowDetail } from "../../../schemas/cloacina/Workflows.js"
import { PackageUnreadable } from "../../../schemas/cloacina/Workflows.js"
import { InvalidInput } from "../../../schemas/core/Errors.js"
import * as Poll from "../../../streams/core/Poll.js"
import type { Client } from "../Client.js"
import type {
  DeployError,
  Deployment,
  DeployOptions,
  DeployPhase,
  Loading,
  PackageInput,
  UploadError,
  UploadProgress,
  Workflows
} from "../Workflows.js"
import { BuildFailed, Superseded, VersionTaken } from "../Workflows.js"
import * as Calls from "./calls.js"
import { makeExecute } from "./executions.js"
import * as Multipart from "./multipart.js"

const taken = /^Package already exists: (.*) v(.*)$/

/** A refused upload, in the words of its meaning. */
const refusalOf = (error: InvalidInput): InvalidInput | VersionTaken => {
  const [, packageName, version] = (error.code === "upload_failed" ? taken.exec(error.detail) : null) ?? []
  return packageName === undefined || version === undefined ? error : new VersionTaken({ packageName, version })
}

const nameOf = (blob: Blob): string => "name" in blob && typeof blob.name === "string" ? blob.name : "(blob)"

const readBlob = (blob: Blob): Effect.Effect<Uint8Array, PackageUnreadable> =>
  Effect.map(
    Effect.tryPromise({ try: () => blob.arrayBuffer(), catch: () => new PackageUnreadable({ path: nameOf(blob) }) }),
    (buffer) => new Uint8Array(buffer)
  )

type Report = (phase: DeployPhase) => Effect.Effect<void>

export const make = (client: Client.Service): Workflows.Service => {
  const { tenant } = Calls.make(client, "Workflows")
  const callList = tenant("list", Api.listAll)
  const callGet = tenant("get", Api.get)
  const callSource = tenant("source", Api.source)
  const callPause = tenant("pause", Api.pause)
  const callResume = tenant("resume", Api.resume)
  const callRemove = tenant("remove", Api.remove)
  const execute = makeExecute(client)

  const upload: Workflows.Service["upload"] = (source, options) =>
    Effect.gen(function*() {
      const file = source instanceof Blob ? yield* readBlob(source) : source
      const boundary = yield* Multipart.boundary
      const report = options?.onProgress ?? (() => Effect.void)
      const total = file instanceof Uint8Array ? file.length : file.size
      let failed: Cause.Cause<PackageUnreadable> | undefined
      const body = (file: Uint8Array | PackageSource) =>
        file instanceof Uint8Array ? Multipart.bytes(boundary, file) : Multipart.stream(boundary, file, {
          sent: (sent) => report({ sent, total }),
          failed: (cause) => {
            failed = cause
          }
        })
      // Compiled here, since the body belongs to this one call.
      const call = tenant("upload", Api.upload, { body: () => body(file), total: "10 minutes" })
      yield* report({ sent: 0, total })
      const uploaded = yield* call((tenant_id) => ({ path: { tenant_id }, payload: { file } }), options).pipe(
        Effect.catchAll((error): Effect.Effect<never, UploadError> =>
          failed === undefined
            ? Effect.fail(error instanceof InvalidInput ? refusalOf(error) : error)
            : Effect.failCause(failed)
        )
      )
      if (file instanceof Uint8Array) yield* report({ sent: total, total })
      return uploaded
    })

  const get: Workflows.Service["get"] = (packageNameOrId, options) =>
    callGet((tenant_id) => ({ path: { tenant_id, name: packageNameOrId } }), options)

  const list: Workflows.Service["list"] = (options) =>
    Effect.map(callList((tenant_id) => ({ path: { tenant_id } }), options), Calls.itemsOf)

  /** Waits for a build; `wasSeen`: the upload is known to have been there. */
  const built = (
    packageId: PackageId,
    options: DeployOptions | undefined,
    wasSeen: boolean,
    onStatus: (detail: WorkflowDetail) => Effect.Effect<void>
  ) =>
    Effect.suspend(() => {
      let isKnown = wasSeen
      const read = Effect.gen(function*() {
        const detail = yield* Effect.catchTag(
          get(packageId, options),
          "NotFound",
          (error) => Effect.fail(isKnown ? new Superseded({ packageId }) : error)
        )
        isKnown = true
        yield* onStatus(detail)
        if (detail.build_status === "success") return Option.some(detail)
        if (detail.build_status !== "failed") return Option.none()
        return yield* new BuildFailed({
          packageId,
          packageName: detail.package_name,
          version: detail.version,
          error: detail.build_error
        })
      })
      return Poll.until(read, options?.interval)
    })

  const gone = (packageId: PackageId) => () => Effect.fail(new Superseded({ packageId }))

  /** Looks for tasks where there were none when the build was over. */
  const awaitTasks = (detail: WorkflowDetail, withinMs: number, options: DeployOptions | undefined) =>
    Effect.gen(function*() {
      const until = (yield* Clock.currentTimeMillis) + withinMs
      const read = Effect.gen(function*() {
        const now = yield* get(detail.id, options)
        if (now.tasks.length > 0) return Option.some<readonly [Loading, WorkflowDetail]>(["observed", now])
        return (yield* Clock.currentTimeMillis) < until
          ? Option.none()
          : Option.some<readonly [Loading, WorkflowDetail]>(["notObserved", now])
      })
      return yield* Poll.until(read, { max: "1 second", ...options?.interval })
    })

  const deployWith = (
    source: PackageInput,
    options: DeployOptions | undefined,
    report: Report
  ): Effect.Effect<Deployment, DeployError> =>
    Effect.gen(function*() {
      const before = new Set((yield* list(options)).map(({ id }) => id))
      let percent = -1
      const onProgress = ({ sent, total }: UploadProgress) => {
        const now = total === 0 ? 100 : Math.floor(100 * sent / total)
        if (now === percent) return Effect.void
        percent = now
        return report({ type: "uploading", sent, total })
      }
      const { package_id: packageId } = yield* upload(source, { ...options, onProgress })
      yield* report({ type: "uploaded", packageId })

      let status: unknown
      const atEnd = yield* Effect.catchTag(
        built(packageId, options, true, (detail) => {
          if (detail.build_status === status || detail.build_status === "success") return Effect.void
          status = detail.build_status
          return report({ type: "building", packageId, status: detail.build_status })
        }),
        "NotFound",
        gone(packageId)
      )
      yield* report({ type: "built", detail: atEnd })

      const withinMs = Duration.toMillis(options?.loadWithin ?? "6 seconds")
      const isWaiting = options?.probe !== undefined || atEnd.tasks.length === 0 && withinMs > 0
      if (isWaiting) yield* report({ type: "loading", workflow: atEnd.workflow_name })
      let detail = atEnd
      let loading: Loading = atEnd.tasks.length > 0 ? "unobservable" : "notObserved"
      let probe: Deployment["probe"] = Option.none()
      if (options?.probe !== undefined) {
        const { execution_id } = yield* execute(atEnd.workflow_name, {
          ...options,
          context: options.probe.context,
          waitUntilLoaded: withinMs
        })
        probe = Option.some(execution_id)
        loading = "observed"
      } else if (isWaiting) {
        ;[loading, detail] = yield* Effect.catchTag(awaitTasks(atEnd, withinMs, options), "NotFound", gone(packageId))
      }
      const deployment: Deployment = {
        _tag: before.has(packageId) ? "AlreadyKnown" : "Deployed",
        packageId,
        packageName: detail.package_name,
        workflow: detail.workflow_name,
        version: detail.version,
        detail,
        loading,
        probe
      }
      yield* report({ type: "ready", deployment })
      return deployment
    })

  return {
    upload,
    list,
    get,
    source: (name, options) => callSource((tenant_id) => ({ path: { tenant_id, name } }), options),
    pause: (name, options) => callPause((tenant_id) => ({ path: { tenant_id, name } }), options),
    resume: (name, options) => callResume((tenant_id) => ({ path: { tenant_id, name } }), options),
    remove: (name, version, options) => callRemove((tenant_id) => ({ path: { tenant_id, name, version } }), options),
    build: (packageId, options) => built(PackageId.make(packageId), options, false, () => Effect.void),
    deploy: (source, options) => deployWith(source, options, () => Effect.void),
    deployPhases: (source, options) =>
      Stream.unwrapScoped(Effect.gen(function*() {
        // Holds a hundred phases at most, whatever the package and however slow the consumer.
        const phases = yield* Mailbox.make<DeployPhase, DeployError>()
        yield* Effect.forkScoped(Mailbox.into(deployWith(source, options, (phase) => phases.offer(phase)), phases))
        return Mailbox.toStream(phases)
      }))
  }
}
