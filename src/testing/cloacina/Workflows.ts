/**
 * The routes of packages (contract 4.7).
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Api from "../../schemas/cloacina/api/Workflows.js"
import type { Call, Handler, Refusal } from "./Handler.js"
import { answer, answerList, handler, refuse, tenantRows } from "./Handler.js"
import type { EngineState } from "./internal/EngineState.js"
import type { PackageRow } from "./internal/Packages.js"
import type { Tenant } from "./internal/Tenant.js"
import { readFile } from "./Multipart.js"
import { read, sourceOf } from "./PackageReader.js"

const notFound = (name: string): Refusal => refuse(404, "workflow_not_found", `workflow '${name}' not found`)

/** Tasks of Python packages show when their code is loaded, those of other ones when it is built. */
const tasksOf = ({ language, loaded, status, tasks }: PackageRow) =>
  loaded || status === "success" && language !== "python" ? tasks : []

const toSummary = (row: PackageRow) => ({
  id: row.id,
  package_name: row.name,
  workflow_name: row.workflow ?? row.name,
  version: row.version,
  description: row.description,
  tasks: tasksOf(row).map(({ id }) => id),
  created_at: row.createdAt,
  paused: row.paused
})

const toDetail = (tenant: string, row: PackageRow) => ({
  tenant_id: tenant,
  ...toSummary(row),
  task_graph: tasksOf(row).map(({ after = [], description, id, what, why }) => ({
    id,
    dependencies: after,
    description: description ?? (row.language === "rust" ? `Task: ${id}` : null),
    doc_what: what ?? null,
    doc_why: why ?? null
  })),
  build_status: row.status,
  build_error: row.error,
  declared_params: row.status === "success" ? row.params : []
})

/**
 * @since 0.1.0
 * @category constructors
 */
export const make = ({ options, withTenant }: EngineState): ReadonlyArray<Handler> => {
  const find = (tenant: Tenant, { param }: Call): Either.Either<PackageRow, Refusal> =>
    Either.fromNullable(tenant.packages.find(param("name")), () => notFound(param("name")))

  const setPaused = (paused: boolean) => (call: Call) =>
    withTenant(call, (tenant) => {
      const name = call.param("name")
      const row = tenant.packages.findBuilt(name)
      if (row === undefined) return Either.left(notFound(name))
      row.paused = paused
      const status = paused ? "paused" : "resumed"
      return Either.right(answer({ tenant_id: call.tenant, id: row.id, name, status, paused }))
    })

  return [
    handler(Api.upload, tenantRows("write"), (call) =>
      Effect.gen(function*() {
        const bytes = yield* readFile(call)
        if (bytes.length === 0) return yield* refuse(400, "invalid_request", "empty package file")
        if (options.requireSignatures === true) {
          return yield* refuse(
            403,
            "signature_not_found",
            "no signature row found for this package; sign before uploading"
          )
        }
        return yield* withTenant(call, ({ packages }) =>
          Either.mapBoth(Either.flatMap(read(bytes), packages.upload), {
            onLeft: (reason) => refuse(400, "upload_failed", reason),
            onRight: ({ id }) => answer({ package_id: id, tenant_id: call.tenant }, 201)
          }))
      })),
    handler(
      Api.listAll,
      tenantRows("read"),
      (call) =>
        withTenant(
          call,
          ({ packages }) => Either.right(answerList(packages.built().map(toSummary), { tenant_id: call.tenant }))
        )
    ),
    handler(
      Api.get,
      tenantRows("read"),
      (call) =>
        withTenant(call, (tenant) => Either.map(find(tenant, call), (row) => answer(toDetail(call.tenant, row))))
    ),
    handler(
      Api.source,
      tenantRows("read"),
      (call) =>
        withTenant(call, (tenant) =>
          Either.map(find(tenant, call), (row) =>
            answer({
              tenant_id: call.tenant,
              id: row.id,
              package_name: row.name,
              workflow_name: row.workflow ?? row.name,
              version: row.version,
              files: row.archive === undefined ? [] : sourceOf(row.archive)
            })))
    ),
    handler(Api.pause, tenantRows("write"), setPaused(true)),
    handler(Api.resume, tenantRows("write"), setPaused(false)),
    handler(Api.remove, tenantRows("write"), (call) =>
      withTenant(call, ({ packages }) => {
        const [name, version] = [call.param("name"), call.param("version")]
        packages.remove(name, version)
        return Either.right(answer({ status: "deleted", package_name: name, version }))
      }))
  ]
}
