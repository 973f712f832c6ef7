/**
 * The routes of triggers and schedules (contract 4.10).
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Api from "../../schemas/cloacina/api/Triggers.js"
import * as Body from "./Body.js"
import type { Call, Handler, Refusal } from "./Handler.js"
import { answer, answerList, handler, refuse, tenantRows } from "./Handler.js"
import { type EngineState, pageOf } from "./internal/EngineState.js"
import { type Machine, stamp } from "./internal/Machine.js"
import { runToJson, type Schedule, wholeSeconds } from "./internal/Schedules.js"
import type { Tenant } from "./internal/Tenant.js"
import * as Slots from "./Slots.js"

const FireBody = Body.object<{ readonly event: Slots.Input | undefined }>("FireTriggerRequest", {
  event: Body.optional(Slots.input)
})

const notFound = (name: string): Refusal => refuse(404, "trigger_not_found", `trigger '${name}' not found`)

/** The newest of so many newest schedules that is called like this, or starts a workflow of that name. */
const find = ({ schedules }: Tenant, name: string, among: number): Either.Either<Schedule, Refusal> =>
  Either.fromNullable(
    schedules.all().slice(0, among).find(({ triggerName, workflow }) => triggerName === name || workflow === name),
    () => notFound(name)
  )

const toInfo = (schedule: Schedule) => ({
  id: schedule.id,
  schedule_type: schedule.type,
  workflow_name: schedule.workflow,
  enabled: schedule.enabled,
  cron_expression: schedule.timetable?.expression ?? null,
  trigger_name: schedule.triggerName ?? null,
  poll_interval_ms: schedule.pollInterval ?? null
})

const pauseOf = ({ pausedAt }: Schedule) => ({ paused: pausedAt !== undefined, paused_at: stamp(pausedAt) })

const toSummary = ({ schedules }: Tenant) => (schedule: Schedule) => ({
  ...toInfo(schedule),
  next_run_at: wholeSeconds(schedule.nextRunAt),
  last_run_at: stamp(schedule.lastRunAt),
  created_at: stamp(schedule.createdAt),
  ...pauseOf(schedule),
  last_poll_at: stamp(schedules.lastPollAt(schedule))
})

/** What the workflows take together, the first of a name wins. */
const slotsOf = (tenant: Tenant, workflows: Iterable<string>): ReadonlyArray<Slots.Slot> => {
  const slots = new Map<string, Slots.Slot>()
  for (const workflow of workflows) {
    for (const slot of tenant.paramsOf(workflow)) if (!slots.has(slot.name)) slots.set(slot.name, slot)
  }
  return [...slots.values()]
}

/** Starts everything that a trigger drives; what cannot start is left out. */
const fire = (
  machine: Machine,
  tenant: Tenant,
  name: string,
  event: Slots.Input | undefined
): Either.Either<ReadonlyArray<{ readonly workflow_name: string; readonly execution_id: string }>, Refusal> => {
  const declared = tenant.schedules.all().find(({ triggerName }) => triggerName === name)?.workflow
  const workflows = new Set([...tenant.subscribers(name), ...(declared === undefined ? [] : [declared])])
  if (workflows.size === 0) {
    return Either.left(refuse(
      404,
      "trigger_not_found",
      `trigger '${name}' drives no workflows (neither an \`on = ..\` schedule nor any ` +
        "`#[workflow(triggers = [..])]` subscribers)"
    ))
  }
  const faults = event === undefined ? [] : Slots.faultsOf(slotsOf(tenant, workflows), event)
  if (faults.length > 0) {
    return Either.left(refuse(400, "trigger_event_invalid", `invalid trigger event: ${faults.join("; ")}`))
  }
  tenant.wake()
  const context = {
    ...Slots.valuesOf(event),
    trigger_name: name,
    triggered_at: stamp(machine.micros()),
    manual_fire: true
  }
  return Either.right([...workflows].flatMap((workflow) => {
    const execution = tenant.start(workflow, { context, secrets: new Map() }, { origin: "manual" })
    return execution === undefined ? [] : [{ workflow_name: workflow, execution_id: execution.id }]
  }))
}

/**
 * @since 0.1.0
 * @category constructors
 */
export const make = ({ machine, withTenant }: EngineState): ReadonlyArray<Handler> => {
  const setPaused = (paused: boolean) => (call: Call) =>
    withTenant(call, (tenant) =>
      Either.map(find(tenant, call.param("name"), 1000), (schedule) => {
        tenant.schedules.setPaused(schedule, paused)
        return answer({
          tenant_id: call.tenant,
          id: schedule.id,
          name: call.param("name"),
          status: paused ? "paused" : "resumed",
          paused
        })
      }))

  return [
    handler(
      Api.listAll,
      tenantRows("read"),
      (call) =>
        withTenant(
          call,
          (tenant) =>
            Either.map(pageOf(call), ({ limit, offset }) =>
              answerList(tenant.schedules.all().slice(offset, offset + limit).map(toSummary(tenant)), {
                tenant_id: call.tenant
              }))
        )
    ),
    handler(
      Api.get,
      tenantRows("read"),
      (call) =>
        withTenant(call, (tenant) =>
          Either.map(find(tenant, call.param("name"), 100), (schedule) =>
            answer({
              tenant_id: call.tenant,
              schedule: { ...toInfo(schedule), ...pauseOf(schedule) },
              recent_executions: schedule.runs.map(runToJson)
            })))
    ),
    handler(Api.pause, tenantRows("write"), setPaused(true)),
    handler(Api.resume, tenantRows("write"), setPaused(false)),
    handler(
      Api.fire,
      tenantRows("write"),
      (call) =>
        Effect.flatMap(
          Body.read(call, FireBody),
          ({ event }) =>
            withTenant(call, (tenant) =>
              Either.map(fire(machine, tenant, call.param("name"), event), (executions) =>
                answer({
                  tenant_id: call.tenant,
                  trigger: call.param("name"),
                  fired: executions.length,
                  executions
                })))
        )
    ),
    handler(Api.surface, tenantRows("read"), (call) =>
      withTenant(call, (tenant) => {
        const name = call.param("name")
        return Either.right(answer({ kind: "trigger", name, slots: slotsOf(tenant, tenant.subscribers(name)) }))
      }))
  ]
}
