/**
 * How an execution ended, from its status, its tasks and its log.
 *
 * Source: contract 4.9, 5.6, 7.4.
 *
 * @since 0.1.0
 */
import * as Arr from "effect/Array"
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { ExecutionId, Timestamp } from "../../schemas/cloacina/Common.js"
import { timestampToDateTime } from "../../schemas/cloacina/Common.js"
import type { ExecutionEvent, TaskExecution } from "../../schemas/cloacina/Executions.js"
import { eventData, taskLocalName } from "../../schemas/cloacina/Executions.js"
import { renderOutcome } from "./Render.js"

/**
 * What every end of an execution says.
 *
 * - `tasks`: as the server has them at the end, in no order
 * - `duration`: from the making of its tasks to the end of the last one; `None` without tasks, or with times that are
 *   none. The server has no result and no output of an execution.
 *
 * @since 0.1.0
 * @category models
 */
export interface Ending {
  readonly executionId: ExecutionId
  readonly tasks: ReadonlyArray<TaskExecution>
  readonly duration: Option.Option<Duration.Duration>
}

/**
 * All tasks that had to run did.
 *
 * @since 0.1.0
 * @category models
 */
export interface Completed extends Ending {
  readonly _tag: "Completed"
}

/**
 * A task that failed. `task` is its local name, `attempt` the number of the attempt that was the last.
 *
 * @since 0.1.0
 * @category models
 */
export interface TaskFailure {
  readonly task: string
  readonly taskName: string
  readonly attempt: number
  readonly error: Option.Option<string>
}

/**
 * At least one task failed. `reason` is the server's sentence, "1 task(s) failed, 2 completed, 0 skipped";
 * `failures` are the tasks that failed, in the order in which they did. Those that depended on them have run.
 *
 * @since 0.1.0
 * @category models
 */
export interface Failed extends Ending {
  readonly _tag: "Failed"
  readonly reason: Option.Option<string>
  readonly failures: ReadonlyArray<TaskFailure>
}

/**
 * Cancelled inside the server; nothing in its API cancels, and its log does not tell.
 *
 * @since 0.1.0
 * @category models
 */
export interface Cancelled extends Ending {
  readonly _tag: "Cancelled"
}

/**
 * How an execution ended.
 *
 * @since 0.1.0
 * @category models
 */
export type Outcome = Completed | Failed | Cancelled

/**
 * An execution did not complete: what `awaitCompleted` fails with.
 *
 * @since 0.1.0
 * @category errors
 */
export class ExecutionFailed extends Data.TaggedError("ExecutionFailed")<{
  readonly executionId: ExecutionId
  readonly outcome: Failed | Cancelled
}> {
  override get message() {
    return `execution ${this.executionId} ${renderOutcome(this.outcome)}`
  }
}

/**
 * Whether the execution completed.
 *
 * @since 0.1.0
 * @category guards
 */
export const isCompleted = (outcome: Outcome): outcome is Completed => outcome._tag === "Completed"

const reasonOf = Schema.decodeUnknownOption(Schema.Struct({ reason: Schema.String }))

const millisOf = (timestamp: Timestamp): Option.Option<number> =>
  Option.map(timestampToDateTime(timestamp), DateTime.toEpochMillis)

const durationOf = (tasks: ReadonlyArray<TaskExecution>): Option.Option<Duration.Duration> => {
  let begin = Infinity
  let end = -Infinity
  for (const task of tasks) {
    const made = millisOf(task.created_at)
    const done = Option.flatMap(task.completed_at, millisOf)
    if (Option.isSome(made)) begin = Math.min(begin, made.value)
    if (Option.isSome(done)) end = Math.max(end, done.value)
  }
  return begin === Infinity || end < begin ? Option.none() : Option.some(Duration.millis(end - begin))
}

const endOf = (task: TaskExecution): string => Option.getOrElse(task.completed_at, () => task.updated_at)

const failuresOf = (tasks: ReadonlyArray<TaskExecution>): ReadonlyArray<TaskFailure> =>
  tasks
    .filter((task) => task.status === "Failed")
    .sort((a, b) => endOf(a) < endOf(b) ? -1 : 1)
    .map((task) => ({
      task: taskLocalName(task.task_name),
      taskName: task.task_name,
      attempt: task.attempt,
      error: Option.orElse(task.last_error, () => task.error_details)
    }))

const isFailure = (event: ExecutionEvent): boolean =>
  event.event_type === "workflow_failed" || event.event_type === "pipeline_failed"

/** @internal */
export const make = (
  status: Outcome["_tag"],
  executionId: ExecutionId,
  tasks: ReadonlyArray<TaskExecution>,
  log: ReadonlyArray<ExecutionEvent>
): Outcome => {
  const ending: Ending = { executionId, tasks, duration: durationOf(tasks) }
  if (status !== "Failed") return { _tag: status, ...ending }
  const last = Option.getOrUndefined(Arr.findLast(log, isFailure))
  const reason = last === undefined ? Option.none() : Option.flatMap(eventData(last), reasonOf)
  return { _tag: status, ...ending, reason: Option.map(reason, ({ reason }) => reason), failures: failuresOf(tasks) }
}
