/**
 * The six operations as the server side sees them. Implement or wrap this service to put authentication, rate limits,
 * audit or another back end behind the HTTP front.
 *
 * Source: contract 1.1, 3.1.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { ErrorLabel } from "../../schemas/solti/Errors.js"
import type { LogEvent } from "../../schemas/solti/Logs.js"
import type { CreateSpec, Task, TaskId, TaskPage, TaskRun, TaskStatus } from "../../schemas/solti/Tasks.js"

/**
 * A failure of an operation: `label` decides the status and is the envelope's `error`, `detail` its `message`.
 *
 * `Unauthenticated` answers 401, `Unavailable` 503; `retryAfterSeconds` becomes a `Retry-After` header.
 *
 * @since 0.1.0
 * @category errors
 */
export class ApiError extends Data.TaggedError("ApiError")<{
  readonly label: ErrorLabel
  readonly detail: string
  readonly retryAfterSeconds?: number | undefined
}> {
  override get message() {
    return `${this.label}: ${this.detail}`
  }
}

/**
 * A list request as it reaches the handler: decoded, validated and with its defaults (`limit` 1–1000).
 *
 * @since 0.1.0
 * @category models
 */
export interface TaskQuery {
  readonly slot: Option.Option<string>
  readonly status: Option.Option<TaskStatus>
  readonly limit: number
  readonly offset: number
}

/**
 * The operations of a Solti server. Inputs are decoded and validated by the front.
 *
 * @since 0.1.0
 * @category context
 */
export class ApiHandler extends Context.Tag("effect-switchyard/solti/server/ApiHandler")<
  ApiHandler,
  ApiHandler.Service
>() {
  /**
   * Fills in the provided method: without `streamTaskLogs` every id has an empty log that ends normally, as in 0.0.2.
   *
   * @since 0.1.0
   */
  static readonly make = (
    handler: Omit<ApiHandler.Service, "streamTaskLogs"> & Partial<Pick<ApiHandler.Service, "streamTaskLogs">>
  ): ApiHandler.Service => ({
    ...handler,
    streamTaskLogs: handler.streamTaskLogs ?? (() => Effect.succeed(Stream.empty))
  })
}

/**
 * @since 0.1.0
 */
export declare namespace ApiHandler {
  /**
   * @since 0.1.0
   * @category models
   */
  export interface Service {
    /** Accepts a task and answers its id; the task may still be refused by its slot. */
    readonly submitTask: (spec: CreateSpec) => Effect.Effect<TaskId, ApiError>
    /** The task, or `None`. */
    readonly getTaskStatus: (id: TaskId) => Effect.Effect<Option.Option<Task>, ApiError>
    /** A page sorted by id in plain string order; `total` counts all matches. */
    readonly queryTasks: (query: TaskQuery) => Effect.Effect<TaskPage, ApiError>
    /** Attempts, oldest first; empty for unknown ids. */
    readonly listTaskRuns: (id: TaskId) => Effect.Effect<ReadonlyArray<TaskRun>, ApiError>
    /** Stops and purges; unknown ids succeed. */
    readonly deleteTask: (id: TaskId) => Effect.Effect<void, ApiError>
    /**
     * Subscribes to the live log: the effect decides about the status (`TaskNotFound` → 404) and is done as soon as the
     * subscription stands, before any event; closing the scope ends it. A stream that fails breaks the connection off, one that ends ends it properly.
     */
    readonly streamTaskLogs: (
      id: TaskId
    ) => Effect.Effect<Stream.Stream<LogEvent, ApiError>, ApiError, Scope.Scope>
  }
}
