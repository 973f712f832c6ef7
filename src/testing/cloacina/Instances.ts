/**
 * The routes of instances (contract 4.8).
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Api from "../../schemas/cloacina/api/Instances.js"
import * as Body from "./Body.js"
import type { Call, Handler, Refusal } from "./Handler.js"
import { answer, answerList, handler, refuse, tenantRows } from "./Handler.js"
import * as Cron from "./internal/Cron.js"
import { type EngineState, pageOf } from "./internal/EngineState.js"
import { stamp } from "./internal/Machine.js"
import { type Schedule, wholeSeconds } from "./internal/Schedules.js"
import type { Tenant } from "./internal/Tenant.js"
import * as Slots from "./Slots.js"

interface Create {
  readonly instance_name: string
  readonly params: Slots.Input | undefined
  readonly cron: string | undefined
  readonly timezone: string | undefined
  readonly enabled: boolean | undefined
}

const CreateBody = Body.object<Create>("CreateInstanceRequest", {
  instance_name: Body.string,
  params: Body.optional(Slots.input),
  cron: Body.optional(Body.string),
  timezone: Body.optional(Body.string),
  enabled: Body.optional(Body.boolean)
})

const toSummary = (schedule: Schedule) => ({
  id: schedule.id,
  workflow_name: schedule.workflow,
  instance_name: schedule.instance ?? "",
  params: schedule.params ?? null,
  cron_expression: schedule.timetable?.expression ?? null,
  timezone: schedule.timezone,
  enabled: schedule.enabled,
  paused: schedule.pausedAt !== undefined,
  next_run_at: wholeSeconds(schedule.nextRunAt),
  last_run_at: stamp(schedule.lastRunAt),
  created_at: stamp(schedule.createdAt)
})

/** When a timetable comes round first; 400 for one that is none, or never does. */
const firstRun = (
  cron: string,
  timezone: string,
  now: number
): Either.Either<{ readonly timetable: Cron.Timetable; readonly nextRunAt: number }, Refusal> =>
  Either.flatMap(
    Either.mapLeft(
      Cron.parse(cron, timezone),
      (reason) => refuse(400, "invalid_cron", `invalid cron expression or timezone: ${reason}`)
    ),
    (timetable) =>
      Either.mapBoth(Cron.next(timetable, now), {
        onLeft: (reason) => refuse(400, "invalid_cron", `could not compute next execution: ${reason}`),
        onRight: (nextRunAt) => ({ timetable, nextRunAt })
      })
  )

/**
 * @since 0.1.0
 * @category constructors
 */
export const make = ({ machine, withTenant }: EngineState): ReadonlyArray<Handler> => {
  const find = ({ schedules }: Tenant, workflow: string, instance: string): Schedule | undefined =>
    schedules.all().find((row) => row.instance === instance && row.workflow === workflow)

  const create = (
    tenant: Tenant,
    workflow: string,
    { cron, enabled = true, instance_name: instance, params, timezone = "UTC" }: Create
  ): Either.Either<Schedule, Refusal> =>
    Either.gen(function*() {
      if (find(tenant, workflow, instance) !== undefined) {
        return yield* Either.left(
          refuse(409, "instance_exists", `instance '${instance}' already exists for workflow '${workflow}'`)
        )
      }
      const faults = Slots.faultsOf(tenant.paramsOf(workflow), params)
      if (faults.length > 0) {
        return yield* Either.left(
          refuse(400, "instance_params_invalid", `invalid instance params: ${faults.join("; ")}`)
        )
      }
      const run = cron === undefined
        ? { timetable: undefined, nextRunAt: undefined }
        : yield* firstRun(cron, timezone, machine.now())
      tenant.wake()
      return tenant.schedules.create({ ...run, workflow, instance, params: params?.value, timezone, enabled })
    })

  const existing = (tenant: Tenant, { param }: Call): Either.Either<Schedule, Refusal> =>
    Either.fromNullable(
      find(tenant, param("name"), param("instance")),
      () =>
        refuse(404, "instance_not_found", `instance '${param("instance")}' of workflow '${param("name")}' not found`)
    )

  return [
    handler(
      Api.create,
      tenantRows("write"),
      (call) =>
        Effect.flatMap(Body.read(call, CreateBody), (body) =>
          body.instance_name.trim() === ""
            ? refuse(400, "invalid_instance_name", "instance_name must not be empty")
            : withTenant(
              call,
              (tenant) =>
                Either.map(create(tenant, call.param("name"), body), (schedule) => answer(toSummary(schedule)))
            ))
    ),
    handler(
      Api.listAll,
      tenantRows("read"),
      (call) =>
        withTenant(call, ({ schedules }) =>
          Either.map(pageOf(call), ({ limit, offset }) => {
            const items = schedules.all()
              .filter(({ instance, workflow }) => instance !== undefined && workflow === call.param("name"))
              .slice(offset, offset + limit).map(toSummary)
            return answerList(items, { tenant_id: call.tenant })
          }))
    ),
    handler(
      Api.get,
      tenantRows("read"),
      (call) =>
        withTenant(call, (tenant) => Either.map(existing(tenant, call), (schedule) => answer(toSummary(schedule))))
    ),
    handler(
      Api.remove,
      tenantRows("write"),
      (call) =>
        withTenant(call, (tenant) =>
          Either.map(existing(tenant, call), (schedule) => {
            tenant.schedules.remove(schedule)
            return answer({
              tenant_id: call.tenant,
              workflow_name: schedule.workflow,
              instance_name: schedule.instance,
              deleted: true
            })
          }))
    )
  ]
}
