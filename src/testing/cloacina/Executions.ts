/**
 * The routes of executions (contract 4.9).
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Api from "../../schemas/cloacina/api/Executions.js"
import * as Body from "./Body.js"
import { parseUuid } from "./Clockwork.js"
import type { Call, Handler, Refusal } from "./Handler.js"
import { answer, answerList, handler, refuse, tenantRows } from "./Handler.js"
import { type EngineState, pageOf } from "./internal/EngineState.js"
import { stamp } from "./internal/Machine.js"
import type { Execution, TaskRow } from "./internal/Runs.js"
import type { Tenant } from "./internal/Tenant.js"
import * as Slots from "./Slots.js"

const ExecuteBody = Body.object<{ readonly context: Slots.Input | undefined }>("ExecuteRequest", {
  context: Body.optional(Slots.input)
})

const toSummary = ({ completedAt, definition, id, origin, startedAt, status }: Execution) => ({
  id,
  workflow_name: definition.workflow,
  status,
  started_at: stamp(startedAt),
  completed_at: stamp(completedAt),
  trigger_origin: origin
})

const toTask = (row: TaskRow, maxAttempts: number) => ({
  id: row.id,
  task_name: row.name,
  status: row.status,
  started_at: stamp(row.startedAt),
  completed_at: stamp(row.completedAt),
  attempt: row.attempt,
  max_attempts: maxAttempts,
  created_at: stamp(row.createdAt),
  updated_at: stamp(row.updatedAt),
  sub_status: null,
  last_error: row.lastError ?? null,
  error_details: row.errorDetails ?? null
})

/**
 * Starts a workflow as the execute route does, its checks in their order: references to secrets (400), registered (404,
 * not in `public`), paused (409), declared params (400), loaded (400).
 *
 * @internal
 */
export const execute = (
  tenant: Tenant,
  workflow: string,
  context: Slots.Input | undefined
): Either.Either<Execution, Refusal> => {
  const invalid = (reason: string) =>
    Either.left(refuse(400, "workflow_input_invalid", `invalid execution context: ${reason}`))
  const bound = Slots.bind(Slots.valuesOf(context) ?? {})
  if (Either.isLeft(bound)) return invalid(bound.left)
  const row = tenant.packages.findBuilt(workflow)
  if (row === undefined && tenant.name !== "public") {
    return Either.left(
      refuse(404, "workflow_not_found", `workflow '${workflow}' is not registered for tenant '${tenant.name}'`)
    )
  }
  if (row?.paused === true) {
    return Either.left(
      refuse(409, "workflow_paused", `workflow '${workflow}' is paused; resume it before executing`)
    )
  }
  const faults = Slots.faultsOf(tenant.paramsOf(workflow), context)
  if (faults.length > 0) return invalid(faults.join("; "))
  tenant.wake()
  return Either.fromNullable(tenant.start(workflow, bound.right, { origin: "manual" }), () =>
    refuse(
      400,
      "execution_failed",
      `Workflow execution failed: Failed to schedule workflow: Workflow not found in registry: ${workflow}`
    ))
}

/**
 * @since 0.1.0
 * @category constructors
 */
export const make = ({ withTenant }: EngineState): ReadonlyArray<Handler> => {
  const idOf = ({ param }: Call): Either.Either<string, Refusal> =>
    Either.fromNullable(
      parseUuid(param("exec_id")),
      () => refuse(400, "invalid_request", "invalid execution ID")
    )

  const filterOf = (call: Call) =>
    Either.gen(function*() {
      const status = yield* Body.queryText(call, "status")
      const workflow = yield* Body.queryText(call, "workflow")
      return { status, workflow, ...(yield* pageOf(call)) }
    })

  return [
    handler(
      Api.execute,
      tenantRows("write"),
      (call) =>
        Effect.flatMap(
          Body.read(call, ExecuteBody),
          ({ context }) =>
            withTenant(call, (tenant) =>
              Either.map(execute(tenant, call.param("name"), context), ({ id }) =>
                answer({
                  execution_id: id,
                  workflow_name: call.param("name"),
                  tenant_id: call.tenant,
                  status: "scheduled"
                }, 202)))
        )
    ),
    handler(
      Api.listAll,
      tenantRows("read"),
      (call) =>
        withTenant(call, ({ runs }) =>
          Either.map(filterOf(call), ({ limit, offset, status, workflow }) => {
            const items = runs.all.filter((execution) =>
              (status === undefined || execution.status === status) &&
              (workflow === undefined || execution.definition.workflow === workflow)
            ).reverse().slice(offset, offset + limit).map(toSummary)
            return answerList(items, { tenant_id: call.tenant })
          }))
    ),
    handler(Api.get, tenantRows("read"), (call) =>
      withTenant(call, ({ runs }) =>
        Either.flatMap(idOf(call), (id) => {
          const execution = runs.get(id)
          return execution === undefined
            ? Either.left(refuse(404, "execution_not_found", "Database error: Record not found"))
            : Either.right(answer({
              tenant_id: call.tenant,
              execution_id: call.param("exec_id"),
              status: execution.status
            }))
        }))),
    handler(
      Api.events,
      tenantRows("read"),
      (call) =>
        withTenant(call, ({ runs }) =>
          Either.map(idOf(call), (id) =>
            answer({
              tenant_id: call.tenant,
              execution_id: call.param("exec_id"),
              events: runs.get(id)?.events ?? []
            })))
    ),
    handler(
      Api.tasks,
      tenantRows("read"),
      (call) =>
        withTenant(call, ({ runs }) =>
          Either.map(idOf(call), (id) =>
            answer({
              tenant_id: call.tenant,
              execution_id: call.param("exec_id"),
              tasks: (runs.get(id)?.tasks ?? []).map((row) => toTask(row, row.task.maxAttempts ?? 3))
            })))
    )
  ]
}
