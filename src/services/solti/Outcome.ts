/**
 * How a task ended, from what the task entry and the runs say.
 *
 * Source: contract chapter 7 (await), 9.5.
 *
 * @since 0.1.0
 */
import * as Arr from "effect/Array"
import * as Option from "effect/Option"
import type { PhaseName } from "../../schemas/solti/Phase.js"
import { phaseName } from "../../schemas/solti/Phase.js"
import type { Task, TaskId, TaskRun } from "../../schemas/solti/Tasks.js"

/**
 * How a task ended.
 *
 * - `status`: how its last attempt ended, or, without any attempt, the phase in which the task stayed (a slot that was
 *   busy: `canceled`, a full queue: `failed`)
 * - `phase`: the final phase, `None` where the server no longer has the task (0.0.2 forgets finished tasks); `exhausted`
 *   when a failing task has no attempt left
 * - `attempts`: how many there were
 * - `exitCode`: of the last attempt; `None` for a success, a signal, a time-out and a cancel
 * - `runs`: all attempts, oldest first
 *
 * @since 0.1.0
 * @category models
 */
export interface Outcome {
  readonly taskId: TaskId
  readonly status: PhaseName | "unknown"
  readonly phase: Option.Option<PhaseName | "unknown">
  readonly attempts: number
  readonly exitCode: Option.Option<number>
  readonly error: Option.Option<string>
  readonly runs: ReadonlyArray<TaskRun>
}

/**
 * Whether the task did what it was meant to.
 *
 * @since 0.1.0
 * @category guards
 */
export const isSuccess = (outcome: Outcome): boolean => outcome.status === "succeeded"

/**
 * What a task entry says about the end: over, not over, or only a look at its log can tell (contract chapter 7).
 *
 * @internal
 */
export const finality = (task: Task): "final" | "open" | "ambiguous" => {
  const phase = phaseName(task.status.phase)
  const restart = task.spec.restart
  switch (phase) {
    case "pending":
    case "running":
    case "unknown":
      return "open"
    case "canceled":
    case "exhausted":
      return "final"
    case "succeeded":
      return restart === "RESTART_STRATEGY_NEVER" || restart === "RESTART_STRATEGY_ON_FAILURE" ? "final" : "ambiguous"
    case "failed":
    case "timeout":
      return restart === "RESTART_STRATEGY_NEVER" ? "final" : "ambiguous"
  }
}

/** On 0.0.2 a success passes through "exhausted" with this text (contract 9.5). */
const exhaustedBySuccess = "policy_exhausted_success"

/** @internal */
export const fromTask = (task: Task, runs: ReadonlyArray<TaskRun>): Outcome => {
  const entered = phaseName(task.status.phase)
  const phase = entered === "exhausted" && Option.contains(task.status.error, exhaustedBySuccess)
    ? "succeeded"
    : entered
  const last = Arr.last(runs)
  return {
    taskId: task.metadata.id,
    status: Option.match(last, { onNone: () => phase, onSome: (run) => phaseName(run.status) }),
    phase: Option.some(phase),
    attempts: task.status.attempt,
    exitCode: Option.orElse(Option.flatMap(last, (run) => run.exitCode), () => task.status.exitCode),
    error: phase === "succeeded"
      ? Option.none()
      : Option.orElse(Option.flatMap(last, (run) => run.error), () => task.status.error),
    runs
  }
}

/** @internal */
export const fromRuns = (taskId: TaskId, runs: ReadonlyArray<TaskRun>, last: TaskRun): Outcome => ({
  taskId,
  status: phaseName(last.status),
  phase: Option.none(),
  attempts: last.attempt,
  exitCode: last.exitCode,
  error: last.error,
  runs
})
