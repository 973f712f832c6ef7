/**
 * The tasks of a Solti server: submit, look, wait, follow, delete.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import type * as Stream from "effect/Stream"
import type {
  CommonError,
  Conflict,
  InvalidInput,
  PayloadTooLarge,
  StreamInterrupted
} from "../../schemas/core/Errors.js"
import type { TaskNotFound } from "../../schemas/solti/Errors.js"
import type { LogEvent } from "../../schemas/solti/Logs.js"
import type { PhaseName } from "../../schemas/solti/Phase.js"
import type { CreateSpec, Task, TaskId, TaskPage, TaskRun } from "../../schemas/solti/Tasks.js"
import type * as Feed from "../../streams/core/Feed.js"
import type * as Poll from "../../streams/core/Poll.js"
import type { FollowedEvent } from "../../streams/solti/Follow.js"
import type { Gap } from "../../streams/solti/Logs.js"
import type { CallOptions } from "../core/CallOptions.js"
import { Client } from "./Client.js"
import * as Http from "./internal/http.js"
import * as internal from "./internal/tasks.js"
import type { Outcome } from "./Outcome.js"

/**
 * What every call that names a task can end with.
 *
 * @since 0.1.0
 * @category errors
 */
export type ReadError = InvalidInput | CommonError

/**
 * What a submit can end with. `Conflict` is for servers behind 0.0.3.
 *
 * @since 0.1.0
 * @category errors
 */
export type SubmitError = InvalidInput | PayloadTooLarge | Conflict | CommonError

/**
 * What a stream of a log can end with.
 *
 * @since 0.1.0
 * @category errors
 */
export type LogError = ReadError | TaskNotFound | StreamInterrupted

/**
 * Which tasks a list shows.
 *
 * @since 0.1.0
 * @category models
 */
export interface Filter {
  /** Exactly this slot. */
  readonly slot?: string | undefined
  readonly status?: PhaseName | undefined
}

/**
 * Which page of a list.
 *
 * @since 0.1.0
 * @category models
 */
export interface ListQuery extends Filter {
  /** 1–1000; the server's default is 100. */
  readonly limit?: number | undefined
  /** How many matches are skipped. */
  readonly offset?: number | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface SubmitOptions extends CallOptions {
  /** Whether the server's rules are checked before the request (contract 5.7). Default true. */
  readonly validate?: boolean | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface AwaitOptions extends CallOptions {
  /** How often the server is asked. */
  readonly interval?: Poll.Interval | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface LogOptions extends CallOptions {
  /** How the log reconnects. */
  readonly reconnect?: Feed.Policy | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface FollowOptions extends LogOptions, AwaitOptions {}

/**
 * The task was over before its log could be opened: a 0.0.2 server keeps no logs.
 *
 * @since 0.1.0
 * @category models
 */
export interface LogMissed {
  readonly type: "logMissed"
}

/**
 * The last item of following: how the task ended.
 *
 * @since 0.1.0
 * @category models
 */
export interface Ended {
  readonly type: "ended"
  readonly outcome: Outcome
}

/**
 * The first item of submitting and following.
 *
 * @since 0.1.0
 * @category models
 */
export interface Submitted {
  readonly type: "submitted"
  readonly taskId: TaskId
}

/**
 * What following gives.
 *
 * @since 0.1.0
 * @category models
 */
export type FollowEvent = FollowedEvent | LogMissed | Ended

/**
 * The version of a server, as far as its answers tell.
 *
 * @since 0.1.0
 * @category models
 */
export type Version = "0.0.2" | "0.0.3" | "0.0.4"

/**
 * The tasks of a Solti server.
 *
 * @example
 * ```ts
 * import * as Solti from "effect-switchyard/solti"
 * import * as Effect from "effect/Effect"
 *
 * export const program = Effect.gen(function*() {
 *   const tasks = yield* Solti.Tasks
 *   const id = yield* tasks.submit(Solti.command("make", ["-k"], { slot: "build", timeout: "10 minutes" }))
 *   return yield* tasks.await(id)
 * })
 * ```
 *
 * @since 0.1.0
 * @category context
 */
export class Tasks extends Context.Tag("effect-switchyard/solti/Tasks")<Tasks, Tasks.Service>() {
  /**
   * The service over HTTP.
   *
   * @since 0.1.0
   */
  static readonly layer: Layer.Layer<Tasks, never, Client> = Layer.effect(
    this,
    Effect.map(Client, (plane) => internal.make(Http.make(plane)))
  )
}

/**
 * @since 0.1.0
 */
export declare namespace Tasks {
  /**
   * @since 0.1.0
   * @category models
   */
  export interface Service {
    /**
     * Submits a task (`POST /api/v1/tasks`, contract 4.1). The id says that the server took it, not that its slot did
     * or that it has started. Never sent twice.
     *
     * Fails with `InvalidInput` before any request when the spec breaks a rule of the server.
     */
    readonly submit: (spec: CreateSpec, options?: SubmitOptions) => Effect.Effect<TaskId, SubmitError>
    /**
     * Submits with admission REPLACE, whatever the spec says (`PUT /api/v1/tasks`, contract 12.1). Servers before
     * 0.0.3 do not have it: `VersionMismatch`.
     */
    readonly apply: (spec: CreateSpec, options?: SubmitOptions) => Effect.Effect<TaskId, SubmitError>
    /**
     * The task, or `None` (`GET /api/v1/tasks/{id}`, contract 4.2). A 0.0.2 server forgets a task when it is over: its
     * `runs` stay.
     */
    readonly get: (id: string, options?: CallOptions) => Effect.Effect<Option.Option<Task>, ReadError>
    /**
     * One page, sorted by id as text (`GET /api/v1/tasks`, contract 4.3). Do not count on `total`: see `TaskPage`.
     */
    readonly list: (query?: ListQuery, options?: CallOptions) => Effect.Effect<TaskPage, ReadError>
    /**
     * All matches, page by page as they are consumed, each task once; not a snapshot. The ids seen are kept in memory.
     */
    readonly iterate: (filter?: Filter, options?: CallOptions) => Stream.Stream<Task, ReadError>
    /**
     * The attempts, oldest first (`GET /api/v1/tasks/{id}/runs`, contract 4.4); empty for an unknown task.
     */
    readonly runs: (id: string, options?: CallOptions) => Effect.Effect<ReadonlyArray<TaskRun>, ReadError>
    /**
     * Stops and purges a task with its runs (`DELETE /api/v1/tasks/{id}`, contract 4.5); an unknown id is a success.
     * May take as long as the server's grace period: its time-out is 70 s. Repeated after a transport failure or a 503.
     *
     * A published 0.0.2 server lets a task run on when the delete overtakes its start: `deleteConfirmed` does not.
     */
    readonly delete: (id: string, options?: CallOptions) => Effect.Effect<void, ReadError>
    /**
     * Deletes, then looks whether the log is still live and deletes again until it is not (contract 11.24). Fails with
     * `Unavailable` when the task is still alive after ten times.
     */
    readonly deleteConfirmed: (id: string, options?: CallOptions) => Effect.Effect<void, ReadError>
    /**
     * The live log (`GET /api/v1/tasks/{id}/logs`, contract 6), as the server sends it, over reconnects: what a broken
     * connection may have lost is a `Gap`, what the server dropped a `lagged`. Ends when the task will not run again.
     *
     * Fails with `TaskNotFound` when no log is live at the start: the task is unknown, or over.
     */
    readonly logs: (id: string, options?: LogOptions) => Stream.Stream<LogEvent | Gap, LogError>
    /**
     * Waits for the end of a task by asking; needs no log. Interrupting it leaves the task alone. It waits for as long
     * as the task lives: bound it with `Effect.timeout`.
     *
     * Fails with `TaskNotFound` when the server knows neither the task nor any run of it.
     */
    readonly await: (id: string, options?: AwaitOptions) => Effect.Effect<Outcome, ReadError | TaskNotFound>
    /**
     * The log, tidied (one end an attempt, losses named), and then how the task ended, as the last item. A task that
     * was over too early gives `LogMissed` in place of its log. Interrupting it leaves the task alone.
     */
    readonly follow: (id: string, options?: FollowOptions) => Stream.Stream<FollowEvent, LogError>
    /**
     * Submits and follows: first `Submitted`, then as `follow`.
     */
    readonly submitAndFollow: (
      spec: CreateSpec,
      options?: FollowOptions & SubmitOptions
    ) => Stream.Stream<Submitted | FollowEvent, SubmitError | LogError>
    /**
     * Which API the server has (contract 12.3). `0.0.2` stands for all before 0.0.3, `0.0.4` for it and later ones,
     * whose API this SDK does not speak.
     *
     * Fails with `VersionMismatch` when it is none of them.
     */
    readonly version: (options?: CallOptions) => Effect.Effect<Version, ReadError>
  }
}
