/**
 * The supervisor as a pure state machine: what its states, events, changes and actions are. `Decide.decide` takes a
 * state, an event and the time, and says what changes in the store and what is to be done. Nothing runs, waits, draws or
 * reads a clock in it.
 *
 * Only tasks that have not ended are in the state; what is visible of tasks and runs lies in the store. An event costs
 * O(log n) in the number of tasks, except `Shutdown` and `Force`, which concern all of them.
 *
 * Source: contract 8.2–8.5, 8.8, chapter 9; what differs between the design and the published server is in Semantics.
 *
 * @since 0.1.0
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import type { LogEvent } from "../../schemas/solti/Logs.js"
import type { BackoffStrategy, CreateSpec, TaskId } from "../../schemas/solti/Tasks.js"
import * as Fifo from "./Fifo.js"
import type { AttemptEnd, Semantics } from "./Semantics.js"
import type { Change } from "./Store.js"

/**
 * What stays the same while the machine runs.
 *
 * - `maxConcurrent`: attempts at a time over all tasks; 0 is no limit
 * - `queueLimit`: tasks that wait for one slot
 * - `keepRuns`: runs kept per task
 *
 * @since 0.1.0
 * @category models
 */
export interface Config {
  readonly semantics: Semantics
  readonly maxConcurrent: number
  readonly queueLimit: number
  readonly keepRuns: number
}

/**
 * A task as it is submitted.
 *
 * - `maxRetries`: failed retries after which the task ends; 0 is no limit
 * - `isLimited`: whether its attempts count towards `maxConcurrent`
 * - `isFunction`: an in-process task: no log, no wire form
 *
 * @since 0.1.0
 * @category models
 */
export interface Plan {
  readonly id: TaskId
  readonly spec: CreateSpec
  readonly maxRetries: number
  readonly isLimited: boolean
  readonly isFunction: boolean
}

/**
 * Where a task stands that has not ended: not yet known to the runtime, waiting for its slot, waiting for the global
 * limit, in an attempt, or between two attempts.
 */
type Stage = "accepted" | "queued" | "waiting" | "running" | "sleeping"

/**
 * A task that has not ended.
 *
 * - `failures`: consecutive failed attempts
 * - `version`: its `resourceVersion`
 * - `ticket`: its place, while queued or waiting
 * - `isStopping`, `hasTimedOut`: its running attempt is being interrupted; for the time-out
 * - `isCanceled`: it must not go on behind its running attempt
 * - `isDeleted`: nothing of it is to be kept at its end
 *
 * @since 0.1.0
 * @category models
 */
export interface Live {
  readonly plan: Plan
  readonly stage: Stage
  readonly attempt: number
  readonly failures: number
  readonly version: number
  readonly ticket: number
  readonly isStopping: boolean
  readonly hasTimedOut: boolean
  readonly isCanceled: boolean
  readonly isDeleted: boolean
}

/**
 * A busy slot: who holds it until its end, and who waits for it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Lane {
  readonly owner: TaskId
  readonly queue: Fifo.Fifo<TaskId>
}

/**
 * - `running`: attempts under way that count towards the global limit; `waiting`: tasks that wait for it
 * - `blocker`, `deferred`: the removal that the published server is waiting for, and what it leaves lying meanwhile
 *
 * @since 0.1.0
 * @category models
 */
export interface State {
  readonly tasks: HashMap.HashMap<TaskId, Live>
  readonly lanes: HashMap.HashMap<string, Lane>
  readonly running: number
  readonly waiting: Fifo.Fifo<TaskId>
  readonly blocker: Option.Option<TaskId>
  readonly deferred: ReadonlyArray<Event>
}

/**
 * What happens to the machine. Events about attempts that are over already are ignored.
 *
 * - `Submitted`: a new task, with an id that no live task has
 * - `Registered`: the runtime learns of an accepted task (only where the semantics have a registration time)
 * - `TimedOut`, `Ended`: the attempt's time is over; the attempt and all that belongs to it are over
 * - `Woken`: the pause before the next attempt is over
 * - `Deleted`: stop the task and forget it
 * - `Shutdown`: stop everything; no `Submitted` may follow
 * - `Force`: give up on attempts that do not end
 *
 * @since 0.1.0
 * @category models
 */
export type Event =
  | { readonly _tag: "Submitted"; readonly plan: Plan }
  | { readonly _tag: "Registered"; readonly id: TaskId }
  | { readonly _tag: "TimedOut"; readonly id: TaskId; readonly attempt: number }
  | { readonly _tag: "Ended"; readonly id: TaskId; readonly attempt: number; readonly end: AttemptEnd }
  | { readonly _tag: "Woken"; readonly id: TaskId; readonly attempt: number }
  | { readonly _tag: "Deleted"; readonly id: TaskId }
  | { readonly _tag: "Shutdown" }
  | { readonly _tag: "Force" }

/**
 * What is to be done, in order, after the changes are committed.
 *
 * - `Register`: answer with `Registered` after the registration time
 * - `Start`: run an attempt; answer with `TimedOut` when it takes too long and with `Ended` when it is over
 * - `Interrupt`: interrupt the running attempt
 * - `Sleep`: answer with `Woken` after the restart interval, or after the back-off for so many earlier failures
 * - `Wake`: forget the pause
 * - `Mark`: put a marker on the log
 * - `Release`: the task has ended; end its log, or `evict` it at once
 * - `Confirm`: a delete is done
 *
 * @since 0.1.0
 * @category models
 */
export type Action =
  | { readonly _tag: "Register"; readonly id: TaskId; readonly ms: number }
  | { readonly _tag: "Start"; readonly id: TaskId; readonly attempt: number; readonly timeoutMs: number }
  | { readonly _tag: "Interrupt"; readonly id: TaskId }
  | { readonly _tag: "Sleep"; readonly id: TaskId; readonly attempt: number; readonly pause: Pause }
  | { readonly _tag: "Wake"; readonly id: TaskId }
  | { readonly _tag: "Mark"; readonly id: TaskId; readonly event: LogEvent }
  | { readonly _tag: "Release"; readonly id: TaskId; readonly evict: boolean }
  | { readonly _tag: "Confirm"; readonly id: TaskId }

/**
 * A pause between attempts.
 *
 * @since 0.1.0
 * @category models
 */
export type Pause =
  | { readonly _tag: "Interval"; readonly ms: number }
  | { readonly _tag: "Backoff"; readonly strategy: BackoffStrategy; readonly failures: number }

/**
 * @since 0.1.0
 * @category models
 */
export interface Decision {
  readonly state: State
  readonly changes: ReadonlyArray<Change>
  readonly actions: ReadonlyArray<Action>
}

/**
 * No tasks.
 *
 * @since 0.1.0
 * @category constructors
 */
export const initial: State = {
  tasks: HashMap.empty(),
  lanes: HashMap.empty(),
  running: 0,
  waiting: Fifo.empty,
  blocker: Option.none(),
  deferred: []
}
