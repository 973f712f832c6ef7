/**
 * Where a supervisor keeps what is visible of its tasks: their records and their runs.
 *
 * The machine decides what changes; all changes of one decision are committed together, before anything is started or
 * told because of them. A durable store implements this service and nothing else.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { Task, TaskId, TaskRun } from "../../schemas/solti/Tasks.js"
import type { TaskQuery } from "./ApiHandler.js"
import type { Status } from "./Semantics.js"

/**
 * A task with what the wire does not show: whether it is an in-process function, and whether it has ended for good.
 * `task` is a new object whenever something has changed, and the same one as long as nothing has.
 *
 * @since 0.1.0
 * @category models
 */
export interface StoredTask {
  readonly task: Task
  readonly isFunction: boolean
  readonly isFinal: boolean
}

/**
 * A change of what is visible; times in Unix milliseconds.
 *
 * - `TaskAdded`: replaces whatever was kept under the same id, runs included
 * - `TaskChanged`: sets status, `resourceVersion` and `updatedAt`; nothing if the task is not kept any more
 * - `TaskDropped`: removes the task and keeps its runs
 * - `TaskPurged`: removes the task and its runs
 * - `RunOpened`: adds a running attempt, unless the task is not kept any more; beyond `keep` runs the oldest finished go
 * - `RunClosed`: ends an attempt that is open
 *
 * @since 0.1.0
 * @category models
 */
export type Change =
  | { readonly _tag: "TaskAdded"; readonly stored: StoredTask }
  | {
    readonly _tag: "TaskChanged"
    readonly id: TaskId
    readonly status: Status
    readonly attempt: number
    readonly version: number
    readonly at: number
    readonly isFinal: boolean
  }
  | { readonly _tag: "TaskDropped"; readonly id: TaskId }
  | { readonly _tag: "TaskPurged"; readonly id: TaskId }
  | {
    readonly _tag: "RunOpened"
    readonly id: TaskId
    readonly attempt: number
    readonly at: number
    readonly keep: number
  }
  | {
    readonly _tag: "RunClosed"
    readonly id: TaskId
    readonly attempt: number
    readonly status: Status
    readonly at: number
  }

/**
 * What a sweep forgets: runs that finished at or before `runsBefore`, and tasks that have ended for good, were last
 * changed at or before `tasksBefore` and have no runs left. Unix milliseconds.
 *
 * @since 0.1.0
 * @category models
 */
export interface Retention {
  readonly runsBefore: number
  readonly tasksBefore: number
}

/**
 * The store of a supervisor.
 *
 * @since 0.1.0
 * @category context
 */
export class TaskStore extends Context.Tag("effect-switchyard/solti/server/TaskStore")<
  TaskStore,
  TaskStore.Service
>() {}

/**
 * @since 0.1.0
 */
export declare namespace TaskStore {
  /**
   * @since 0.1.0
   * @category models
   */
  export interface Service {
    /**
     * Applies the changes of one decision, in order, all or nothing. If it dies, a new task is not accepted; any other
     * change is logged and lost, and the supervisor goes on.
     */
    readonly commit: (changes: ReadonlyArray<Change>) => Effect.Effect<void>
    readonly get: (id: TaskId) => Effect.Effect<Option.Option<StoredTask>>
    /**
     * A page sorted by id in plain string order. Without `functions` only tasks with a wire form are matched; `total`
     * counts all matches, whatever the page holds.
     */
    readonly list: (
      query: TaskQuery & { readonly functions: boolean }
    ) => Effect.Effect<{ readonly tasks: ReadonlyArray<StoredTask>; readonly total: number }>
    /** Oldest first; empty for unknown ids. */
    readonly runs: (id: TaskId) => Effect.Effect<ReadonlyArray<TaskRun>>
    readonly sweep: (retention: Retention) => Effect.Effect<void>
  }
}
