/**
 * Things of a Cloacina server, for people.
 *
 * @since 0.1.0
 */
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as Cloacina from "../../cloacina.js"
import * as Durations from "../core/Durations.js"
import type { Cell, Listing } from "./Part.js"

/**
 * A text of the server, with control characters made visible.
 *
 * @since 0.1.0
 * @category views
 */
export const visible = Cloacina.escapeControls

/**
 * A value that may be missing.
 *
 * @since 0.1.0
 * @category views
 */
export const orDash = (value: Option.Option<string | number>): string =>
  Option.match(value, { onNone: () => "-", onSome: (value) => visible(String(value)) })

const millisOf = (timestamp: string): Option.Option<number> =>
  Option.map(Cloacina.timestampToDateTime(timestamp), DateTime.toEpochMillis)

/** How long ago something was. */
const age = (timestamp: string, now: number): string =>
  Option.match(millisOf(timestamp), { onNone: () => visible(timestamp), onSome: (at) => Durations.render(now - at) })

const took = (from: Option.Option<string>, to: Option.Option<string>, now: number): string => {
  const begin = Option.flatMap(from, millisOf)
  if (Option.isNone(begin)) return "-"
  return Durations.render(Option.getOrElse(Option.flatMap(to, millisOf), () => now) - begin.value)
}

/**
 * A column with a text of the server.
 *
 * @since 0.1.0
 * @category views
 */
export const text = <A>(header: string, of: (item: A) => string, column?: Partial<Cell<A>>): Cell<A> => ({
  ...column,
  header,
  of: (item) => visible(of(item))
})

/**
 * The tasks of an execution.
 *
 * @since 0.1.0
 * @category views
 */
export const tasks: Listing<Cloacina.TaskExecution, typeof Cloacina.TaskExecution.Encoded> = {
  schema: Cloacina.TaskExecution,
  nothing: "no tasks",
  columns: [
    text("TASK", (task) => Cloacina.taskLocalName(task.task_name)),
    text("STATUS", (task) => String(task.status)),
    text("ATTEMPT", (task) => `${task.attempt}/${task.max_attempts}`, { align: "right" }),
    {
      header: "TOOK",
      align: "right",
      of: (task, now) =>
        took(
          task.started_at,
          Cloacina.isTaskTerminal(task.status)
            ? Option.orElse(task.completed_at, () => Option.some(task.updated_at))
            : Option.none(),
          now
        )
    },
    {
      header: "SAYS",
      shrinks: true,
      of: (task) => orDash(Option.orElse(task.last_error, () => task.error_details))
    }
  ]
}

/**
 * Executions.
 *
 * @since 0.1.0
 * @category views
 */
export const executions: Listing<Cloacina.ExecutionSummary, typeof Cloacina.ExecutionSummary.Encoded> = {
  schema: Cloacina.ExecutionSummary,
  nothing: "no executions",
  columns: [
    text("ID", ({ id }) => id),
    text("WORKFLOW", ({ workflow_name }) => workflow_name, { shrinks: true }),
    text("STATUS", ({ status }) => String(status)),
    { header: "AGE", align: "right", of: ({ started_at }, now) => age(started_at, now) },
    {
      header: "TOOK",
      align: "right",
      of: ({ completed_at, started_at }, now) => took(Option.some(started_at), completed_at, now)
    },
    { header: "ORIGIN", of: ({ trigger_origin }) => orDash(trigger_origin) }
  ]
}

/**
 * Packages that are built.
 *
 * @since 0.1.0
 * @category views
 */
export const workflows: Listing<Cloacina.WorkflowSummary, typeof Cloacina.WorkflowSummary.Encoded> = {
  schema: Cloacina.WorkflowSummary,
  nothing: "no workflows",
  columns: [
    text("WORKFLOW", ({ workflow_name }) => workflow_name),
    text("PACKAGE", ({ package_name }) => package_name),
    text("VERSION", ({ version }) => version),
    { header: "TASKS", align: "right", of: ({ tasks }) => String(tasks.length) },
    { header: "PAUSED", of: ({ paused }) => paused ? "yes" : "no" },
    { header: "AGE", align: "right", of: ({ created_at }, now) => age(created_at, now) },
    { header: "DESCRIPTION", shrinks: true, of: ({ description }) => orDash(description) }
  ]
}

/** What makes a schedule start its workflow. */
const cause = (schedule: Pick<Cloacina.TriggerInfo, "cron_expression" | "poll_interval_ms">): string =>
  Option.match(schedule.cron_expression, {
    onSome: (expression) => `cron ${visible(expression)}`,
    onNone: () =>
      Option.match(schedule.poll_interval_ms, {
        onNone: () => "-",
        onSome: (ms) => `poll every ${Durations.render(ms)}`
      })
  })

/**
 * Schedules.
 *
 * @since 0.1.0
 * @category views
 */
export const schedules: Listing<Cloacina.TriggerSchedule, typeof Cloacina.TriggerSchedule.Encoded> = {
  schema: Cloacina.TriggerSchedule,
  nothing: "no triggers",
  columns: [
    { header: "TRIGGER", of: ({ trigger_name }) => orDash(trigger_name) },
    text("WORKFLOW", ({ workflow_name }) => workflow_name, { shrinks: true }),
    { header: "STARTS", of: cause },
    { header: "STATE", of: ({ enabled, paused }) => paused ? "paused" : enabled ? "on" : "off" },
    { header: "LAST", align: "right", of: ({ last_run_at }, now) => ago(last_run_at, now) },
    { header: "NEXT", of: ({ next_run_at }) => orDash(next_run_at) }
  ]
}

const ago = (at: Option.Option<string>, now: number): string =>
  Option.match(at, { onNone: () => "-", onSome: (at) => age(at, now) })

/**
 * A schedule with its newest starts.
 *
 * @since 0.1.0
 * @category views
 */
export const trigger = (
  { recent_executions, schedule }: Cloacina.TriggerDetail
): ReadonlyArray<readonly [name: string, value: string]> => [
  ...Option.toArray(Option.map(schedule.trigger_name, (name) => ["trigger", visible(name)] as const)),
  ["workflow", visible(schedule.workflow_name)],
  ["starts", cause(schedule)],
  ["state", schedule.paused ? `paused since ${orDash(schedule.paused_at)}` : schedule.enabled ? "on" : "off"],
  ...recent_executions.map(({ started_at }) => ["started", visible(started_at)] as const)
]

const slot = ({ encrypted, name, required, ...rest }: Cloacina.InputSlot): string => {
  const facts = [
    ...(encrypted ? ["secret"] : []),
    ...(required ? [] : ["optional"]),
    ...("default" in rest && !encrypted ? [`default ${JSON.stringify(rest.default)}`] : [])
  ]
  return visible(facts.length === 0 ? name : `${name} (${facts.join(", ")})`)
}

/**
 * A package in full.
 *
 * @since 0.1.0
 * @category views
 */
export const workflow = (detail: Cloacina.WorkflowDetail): ReadonlyArray<readonly [name: string, value: string]> => [
  ["workflow", visible(detail.workflow_name)],
  ["package", visible(detail.package_name)],
  ["version", visible(detail.version)],
  ["id", detail.id],
  ["tenant", visible(detail.tenant_id)],
  ["build", visible(String(detail.build_status))],
  ["paused", detail.paused ? "yes" : "no"],
  ["created", visible(detail.created_at)],
  ...Option.toArray(Option.map(detail.description, (text) => ["description", visible(text)] as const)),
  ...detail.declared_params.map((param) => ["param", slot(param)] as const),
  ...(detail.task_graph.length === 0
    ? detail.tasks.map((id) => ["task", visible(id)] as const)
    : detail.task_graph.map(({ dependencies, id }) =>
      ["task", visible(dependencies.length === 0 ? id : `${id} after ${dependencies.join(", ")}`)] as const
    )),
  ...Option.toArray(detail.build_error).flatMap((text) =>
    text.split("\n").map((line) => ["error", visible(line)] as const)
  )
]
