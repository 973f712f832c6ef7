/**
 * The executions of one tenant as the real engine drives them (contract 4.9, 5.6): a planner looks at them every 100 ms,
 * an executor runs what it finds ready.
 */
import * as Duration from "effect/Duration"
import { formatMicros } from "../Clockwork.js"
import * as Script from "../Script.js"
import type { ExecutionEvent } from "../World.js"
import type { Machine } from "./Machine.js"

/** How often the planner looks, in ms, and how long after an execution was started it looks for the first time. */
const tick = 100
const firstLook = 40

/** How long the executor takes to start what is ready, in ms. */
const pickUp = 10

/** How long an attempt takes that does not say so, in ms. */
const defaultTakes = 10

/** What the server's executor has loaded under the name of a workflow. */
export interface Definition {
  readonly packageName: string
  readonly workflow: string
  readonly language: string
  readonly tasks: ReadonlyArray<Script.Task>
}

/** A row of a task; times in microseconds. */
export interface TaskRow {
  readonly id: string
  readonly task: Script.Task
  readonly name: string
  readonly createdAt: number
  status: "NotStarted" | "Ready" | "Running" | "Completed" | "Failed" | "Skipped"
  startedAt: number | undefined
  completedAt: number | undefined
  updatedAt: number
  attempt: number
  lastError: string | undefined
  errorDetails: string | undefined
}

/** A row of an execution; times in microseconds. */
export interface Execution {
  readonly id: string
  readonly definition: Definition
  readonly origin: "manual" | null
  readonly startedAt: number
  /** Values that tasks set come in here; references to secrets stay out. */
  readonly context: Record<string, unknown>
  readonly secrets: ReadonlyMap<string, string>
  readonly tasks: ReadonlyArray<TaskRow>
  readonly events: Array<ExecutionEvent["event"]>
  readonly onEnd: (() => void) | undefined
  status: "Pending" | "Running" | "Completed" | "Failed"
  completedAt: number | undefined
  planned: boolean
}

/** How an execution is started. `onEnd` runs when it is final. */
interface Start {
  readonly definition: Definition
  readonly context: Values
  readonly secrets?: ReadonlyMap<string, string> | undefined
  readonly origin: "manual" | null
  readonly onEnd?: (() => void) | undefined
}

type Values = Script.Values

export interface Runs {
  readonly start: (start: Start) => Execution
  readonly get: (id: string) => Execution | undefined
  /** In the order they were started. */
  readonly all: ReadonlyArray<Execution>
  /** Nothing happens any more. */
  readonly stop: () => void
}

export interface RunsOptions {
  readonly tenant: string
  readonly secretExists: (name: string) => boolean
  readonly active: { tasks: number; workflows: number; claimed: number }
  readonly onEvent: (event: ExecutionEvent) => void
}

const isFinal = ({ status }: TaskRow): boolean => status === "Completed" || status === "Failed" || status === "Skipped"

/** When the planner looks at an execution for the first time behind this time in ms. */
const lookAfter = ({ startedAt }: Execution, ms: number): number => {
  const first = Math.floor(startedAt / 1000) + firstLook
  return ms < first ? first : first + (Math.floor((ms - first) / tick) + 1) * tick
}

const delayOf = (
  { backoff = "exponential", delay = 1000, jitter = true, maxDelay = 60_000 }: Script.RetryOptions,
  retry: number,
  random: number
) => {
  const base = Duration.toMillis(delay) * (backoff === "fixed" ? 1 : 2 ** (retry - 1))
  const capped = Math.min(base, Duration.toMillis(maxDelay))
  return jitter ? capped * (0.75 + random / 2) : capped
}

/** Whether the rule of a task says no; one that throws does. */
const isSkipped = ({ rule, skipped }: Script.Task, context: Values): boolean => {
  try {
    return skipped === true || rule?.(context) === false
  } catch {
    return true
  }
}

/** What the server says before the words of what failed. */
const failure = (language: string, message: string): string =>
  `Task execution error: Task execution failed: ${
    language === "python" ? "Python task execution failed: " : ""
  }${message}`

export const make = (machine: Machine, { active, onEvent, secretExists, tenant }: RunsOptions): Runs => {
  const all: Array<Execution> = []
  const byId = new Map<string, Execution>()
  let stopped = false
  let sequence = 0

  const record = (execution: Execution, type: string, row: TaskRow | undefined, data: Values = {}): number => {
    const micros = machine.micros()
    // The real sequence has gaps, since numbers are taken by what is rolled back.
    sequence += machine.random() < 0.2 ? 2 : 1
    const event = {
      id: machine.uuid(),
      event_type: type,
      event_data: JSON.stringify(data),
      task_name: row?.name ?? null,
      created_at: formatMicros(micros),
      sequence_num: sequence
    }
    execution.events.push(event)
    onEvent({ tenant, executionId: execution.id, taskExecutionId: row?.id, event })
    return micros
  }

  const at = (ms: number, action: () => void): void =>
    machine.at(ms, () => {
      if (!stopped) action()
    })

  const plan = (execution: Execution): void => {
    if (execution.planned) return
    execution.planned = true
    at(lookAfter(execution, machine.now()), () => look(execution))
  }

  const end = (execution: Execution): void => {
    const count = (status: TaskRow["status"]) => execution.tasks.filter((row) => row.status === status).length
    const failed = count("Failed")
    execution.completedAt = failed === 0
      ? record(execution, "workflow_completed", undefined)
      : record(execution, "workflow_failed", undefined, {
        reason: `${failed} task(s) failed, ${count("Completed")} completed, ${count("Skipped")} skipped`
      })
    execution.status = failed === 0 ? "Completed" : "Failed"
    active.workflows--
    execution.onEnd?.()
  }

  /** One look of the planner, at the state that it finds: what it skips counts for the next look only. */
  const look = (execution: Execution): void => {
    execution.planned = false
    if (execution.status === "Pending") execution.status = "Running"
    const final = new Set(execution.tasks.filter(isFinal).map(({ task }) => task.id))
    if (final.size === execution.tasks.length) return end(execution)
    for (const row of execution.tasks) {
      if (row.status !== "NotStarted" || !(row.task.after ?? []).every((id) => final.has(id))) continue
      if (isSkipped(row.task, execution.context)) skip(execution, row)
      else ready(execution, row)
    }
  }

  const skip = (execution: Execution, row: TaskRow): void => {
    row.status = "Skipped"
    row.errorDetails = "Trigger rules not satisfied"
    row.updatedAt = record(execution, "task_skipped", row, { reason: row.errorDetails })
    plan(execution)
  }

  const ready = (execution: Execution, row: TaskRow): void => {
    row.status = "Ready"
    row.updatedAt = record(execution, "task_marked_ready", row)
    at(machine.now() + pickUp, () => run(execution, row))
  }

  /** What the attempt that begins will do; a missing secret and a script that throws fail it. */
  const attemptOf = ({ context, definition, id, secrets }: Execution, { attempt, task }: TaskRow): Script.Attempt => {
    for (const name of task.secrets ?? []) {
      const secret = secrets.get(name) ?? name
      if (!secretExists(secret)) return Script.fails(`KeyError: 'secret not found: ${secret}'`)
    }
    const { attempts = Script.succeeds() } = task
    if (typeof attempts !== "function") {
      return "_tag" in attempts ? attempts : attempts[Math.min(attempt, attempts.length) - 1] ?? attempts[0]
    }
    try {
      return attempts({ tenant, workflow: definition.workflow, task: task.id, executionId: id, context, attempt })
    } catch (error) {
      return Script.fails(String(error))
    }
  }

  const run = (execution: Execution, row: TaskRow): void => {
    row.status = "Running"
    row.startedAt = row.updatedAt = machine.micros()
    active.tasks++
    active.claimed++
    const attempt = attemptOf(execution, row)
    const takes = Math.max(0, Duration.toMillis(attempt.takes ?? row.task.takes ?? defaultTakes))
    at(machine.now() + takes, () => {
      active.tasks--
      if (attempt._tag === "Succeeds") succeed(execution, row, attempt.sets)
      else fail(execution, row, failure(execution.definition.language, attempt.message))
    })
  }

  const succeed = (execution: Execution, row: TaskRow, sets: Values): void => {
    Object.assign(execution.context, sets)
    row.status = "Completed"
    row.lastError = undefined
    row.completedAt = row.updatedAt = record(execution, "task_completed", row)
    plan(execution)
  }

  const fail = (execution: Execution, row: TaskRow, message: string): void => {
    row.lastError = message
    if (row.attempt < Script.triesOf(row.task)) return retry(execution, row)
    row.status = "Failed"
    row.completedAt = row.updatedAt = record(execution, "task_failed", row, { error: message })
    plan(execution)
  }

  const retry = (execution: Execution, row: TaskRow): void => {
    const delay = delayOf(row.task.retry ?? {}, row.attempt, machine.random())
    const micros = machine.micros() + Math.round(delay * 1000)
    const nanos = String(Math.floor(machine.random() * 1000)).padStart(3, "0")
    row.attempt++
    row.status = "Ready"
    row.startedAt = undefined
    row.updatedAt = record(execution, "task_retry_scheduled", row, {
      attempt: row.attempt,
      retry_at: formatMicros(micros).replace("+", `${nanos}+`)
    })
    at(lookAfter(execution, micros / 1000) + pickUp, () => run(execution, row))
  }

  return {
    all,
    get: (id) => byId.get(id),
    stop: () => {
      if (stopped) return
      stopped = true
      for (const { status, tasks } of all) {
        if (status === "Completed" || status === "Failed") continue
        active.workflows--
        active.tasks -= tasks.filter((row) => row.status === "Running").length
      }
    },
    start: ({ context, definition, onEnd, origin, secrets = new Map() }) => {
      const micros = machine.micros()
      const execution: Execution = {
        id: machine.uuid(),
        definition,
        origin,
        startedAt: micros,
        context: { ...context },
        secrets,
        tasks: definition.tasks.map((task) => ({
          id: machine.uuid(),
          task,
          name: `${tenant}::${definition.packageName}::${definition.workflow}::${task.id}`,
          createdAt: micros,
          status: "NotStarted",
          startedAt: undefined,
          completedAt: undefined,
          updatedAt: micros,
          attempt: 1,
          lastError: undefined,
          errorDetails: undefined
        })),
        events: [],
        onEnd,
        status: "Pending",
        completedAt: undefined,
        planned: false
      }
      all.push(execution)
      byId.set(execution.id, execution)
      active.workflows++
      plan(execution)
      return execution
    }
  }
}
