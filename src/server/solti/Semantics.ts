/**
 * The points at which a supervisor's visible behaviour may differ, as one table that the machine and its shell consult.
 *
 * `intended` is what the design says and what this project's server does (contract 9.2); `published` shows what the
 * published 0.0.2 does, defects included (contract 8.2, 8.5, 8.8, 9.3–9.5). The emulator's strict mode uses the latter.
 *
 * @since 0.1.0
 */
import * as Option from "effect/Option"
import type { ErrorLabel } from "../../schemas/solti/Errors.js"
import type { TaskId, TaskStatus } from "../../schemas/solti/Tasks.js"

/**
 * A phase with what is shown beside it: the status of a task or of a run.
 *
 * @since 0.1.0
 * @category models
 */
export interface Status {
  readonly phase: TaskStatus
  readonly error: Option.Option<string>
  readonly exitCode: Option.Option<number>
}

/**
 * How an attempt ended. `reason` is empty text where there is none; `fatal` failures are never retried.
 *
 * @since 0.1.0
 * @category models
 */
export interface AttemptEnd {
  readonly outcome: "succeeded" | "failed" | "timedOut" | "canceled"
  readonly reason: string
  readonly exitCode: Option.Option<number>
  readonly fatal: boolean
}

/**
 * How a task ended for good: `completed` is success, `exhausted` a failure without retry left or allowed, `dead` a
 * failure that is never retried, `canceled` everything that was stopped or refused by a busy slot.
 *
 * @since 0.1.0
 * @category models
 */
export interface TaskEnd {
  readonly outcome: "completed" | "exhausted" | "dead" | "canceled"
  readonly reason: string
  readonly exitCode: Option.Option<number>
}

/**
 * An attempt with its end.
 *
 * @since 0.1.0
 * @category models
 */
export interface EndedAttempt {
  readonly attempt: number
  readonly end: AttemptEnd
}

/**
 * What becomes visible when an attempt, a task, or both at once have ended: the run's final status, the statuses the
 * task passes through (one step of `resourceVersion` each), and the markers on the log.
 */
interface Ending {
  readonly run: Option.Option<Status>
  readonly steps: ReadonlyArray<Status>
  readonly finished: ReadonlyArray<{ readonly attempt: number; readonly exitCode: Option.Option<number> }>
}

/**
 * The table.
 *
 * - `lane`: the key within which admission works; tasks of different lanes never wait for each other
 * - `registrationMs`: how long after its submission the runtime learns of a task; `None` is in the same step
 * - `timeoutText`: the reason of an attempt that ran longer than `limitMs`
 * - `ending`: what becomes visible when an attempt, a task, or both at once have ended
 * - `vanishes`: a task's entry goes when the task has ended; its runs stay
 * - `removalBlocks`: while a deleted task has not ended yet, registrations and further deletes wait
 * - `deleteAgainPurges`: a delete of a task whose delete is under way purges at once instead of waiting as well
 * - `logReplay`, `logLingerMs`: the first subscriber gets the log from its start; how long an unopened log stays
 * - `total`: what a page's `total` counts
 * - `functionsLeak`: in-process tasks are seen by get, runs and delete, and take places in pages
 * - `shuttingDown`: the label that submissions get during shutdown
 *
 * @since 0.1.0
 * @category models
 */
export interface Semantics {
  readonly lane: (task: { readonly id: TaskId; readonly slot: string; readonly isFunction: boolean }) => string
  readonly registrationMs: Option.Option<number>
  readonly timeoutText: (limitMs: number) => string
  readonly ending: (attempt: Option.Option<EndedAttempt>, task: Option.Option<TaskEnd>) => Ending
  readonly vanishes: boolean
  readonly removalBlocks: boolean
  readonly deleteAgainPurges: boolean
  readonly logReplay: boolean
  readonly logLingerMs: number
  readonly total: "matches" | "page"
  readonly functionsLeak: boolean
  readonly shuttingDown: ErrorLabel
}

const status = (phase: TaskStatus, error = "", exitCode: Option.Option<number> = Option.none()): Status => ({
  phase,
  error: error === "" ? Option.none() : Option.some(error),
  exitCode
})

const orUnknown = (reason: string): string => reason === "" ? "unknown" : reason

const attemptStatus = (end: AttemptEnd): Status => {
  switch (end.outcome) {
    case "succeeded":
      return status("TASK_STATUS_SUCCEEDED")
    case "failed":
      return status("TASK_STATUS_FAILED", orUnknown(end.reason), end.exitCode)
    case "timedOut":
      return status("TASK_STATUS_TIMEOUT", end.reason)
    case "canceled":
      return status("TASK_STATUS_CANCELED", end.reason)
  }
}

const taskStatus = (end: TaskEnd): Status => {
  switch (end.outcome) {
    case "completed":
      return status("TASK_STATUS_SUCCEEDED")
    case "exhausted":
      return status("TASK_STATUS_EXHAUSTED", orUnknown(end.reason), end.exitCode)
    case "dead":
      return status("TASK_STATUS_FAILED", orUnknown(end.reason), end.exitCode)
    case "canceled":
      return status("TASK_STATUS_CANCELED", end.reason)
  }
}

/**
 * The design: one step and one marker per attempt, the final outcome overwrites, finished tasks stay until the sweep.
 * In-process tasks have lanes of their own, so that nobody on the wire can push them out of a slot.
 *
 * @since 0.1.0
 * @category instances
 */
export const intended: Semantics = {
  // A blank cannot occur in a slot, so the two kinds of keys never meet.
  lane: ({ isFunction, slot }) => isFunction ? `function ${slot}` : slot,
  registrationMs: Option.none(),
  timeoutText: (limitMs) => `task attempt timed out after ${limitMs} ms`,
  ending: (attempt, task) => ({
    run: Option.map(attempt, ({ end }) => attemptStatus(end)),
    steps: Option.toArray(Option.orElse(
      Option.map(task, taskStatus),
      () => Option.map(attempt, ({ end }) => attemptStatus(end))
    )),
    finished: Option.toArray(Option.map(attempt, ({ attempt, end }) => ({ attempt, exitCode: end.exitCode })))
  }),
  vanishes: false,
  removalBlocks: false,
  deleteAgainPurges: false,
  logReplay: true,
  logLingerMs: 2000,
  total: "matches",
  functionsLeak: false,
  shuttingDown: "Unavailable"
}

/**
 * A duration as the published server prints it: `300ms`, `1.5s`, `60s`.
 *
 * @since 0.1.0
 * @category utils
 */
export const durationText = (ms: number): string => ms < 1000 ? `${ms}ms` : `${ms / 1000}s`

const publishedAttempt = ({ attempt, end }: EndedAttempt): Ending => {
  switch (end.outcome) {
    // A stop is a stop: success and cancel are not told apart, and the marker does not know the attempt.
    case "succeeded":
    case "canceled": {
      const stopped = status("TASK_STATUS_SUCCEEDED")
      return { run: Option.some(stopped), steps: [stopped], finished: [{ attempt: 0, exitCode: Option.none() }] }
    }
    case "failed": {
      const failed = status("TASK_STATUS_FAILED", end.reason, end.exitCode)
      return { run: Option.some(failed), steps: [failed], finished: [{ attempt, exitCode: end.exitCode }] }
    }
    // Two events in a row: the time-out closes the run, then the failure overwrites the task.
    case "timedOut": {
      const timedOut = status("TASK_STATUS_TIMEOUT", "timeout")
      const marker = { attempt, exitCode: Option.none() }
      return {
        run: Option.some(timedOut),
        steps: [timedOut, status("TASK_STATUS_FAILED", end.reason)],
        finished: [marker, marker]
      }
    }
  }
}

const publishedTask = (attempt: number, end: TaskEnd): Pick<Ending, "steps" | "finished"> => {
  switch (end.outcome) {
    case "completed":
      return {
        steps: [status("TASK_STATUS_EXHAUSTED", "policy_exhausted_success")],
        finished: [{ attempt, exitCode: Option.none() }]
      }
    case "exhausted":
      return {
        steps: [status("TASK_STATUS_EXHAUSTED", end.reason, end.exitCode)],
        finished: [{ attempt, exitCode: end.exitCode }]
      }
    case "dead":
      return {
        steps: [status("TASK_STATUS_FAILED", end.reason, end.exitCode)],
        finished: [{ attempt, exitCode: end.exitCode }]
      }
    case "canceled":
      return { steps: [], finished: [] }
  }
}

const nothing: Ending = { run: Option.none(), steps: [], finished: [] }

/**
 * The published 0.0.2, quirk by quirk: every task has a lane of its own, so slots exclude nothing; a cancel counts as
 * success; markers come twice or with attempt 0; finished tasks vanish; a delete may come too early, and may block.
 *
 * @since 0.1.0
 * @category instances
 */
export const published: Semantics = {
  lane: ({ id }) => id,
  registrationMs: Option.some(1),
  timeoutText: (limitMs) => `timed out after ${durationText(limitMs)}`,
  ending: (attempt, task) => {
    const first = Option.match(attempt, { onNone: () => nothing, onSome: publishedAttempt })
    if (Option.isNone(task)) return first
    const then = publishedTask(Option.match(attempt, { onNone: () => 0, onSome: (ended) => ended.attempt }), task.value)
    return { run: first.run, steps: [...first.steps, ...then.steps], finished: [...first.finished, ...then.finished] }
  },
  vanishes: true,
  removalBlocks: true,
  deleteAgainPurges: true,
  logReplay: false,
  logLingerMs: 0,
  total: "page",
  functionsLeak: true,
  shuttingDown: "Internal"
}
