/**
 * Executions: start a workflow, look, wait for its end, follow its log.
 *
 * The server has no call that cancels an execution, retries one or gives its result (contract 4.9): interrupting a wait
 * or a stream here leaves the execution alone.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Stream from "effect/Stream"
import type { ExecutionId } from "../../schemas/cloacina/Common.js"
import type { CallError } from "../../schemas/cloacina/Errors.js"
import type {
  ExecuteAccepted,
  ExecutionDetail,
  ExecutionEvent,
  ExecutionStatus,
  ExecutionSummary,
  TaskExecution
} from "../../schemas/cloacina/Executions.js"
import type { Conflict, NotFound, PayloadTooLarge, StreamInterrupted } from "../../schemas/core/Errors.js"
import type { Ended, Logged, Settings } from "../../streams/cloacina/Follow.js"
import type * as Poll from "../../streams/core/Poll.js"
import type { IterateOptions, PageQuery, TenantOptions } from "./Client.js"
import { Client } from "./Client.js"
import * as Delivery from "./internal/delivery.js"
import * as internal from "./internal/executions.js"
import type { Completed, ExecutionFailed, Outcome } from "./Outcome.js"

/**
 * What starting an execution can end with: `NotFound` (`workflow_not_found`), `Conflict` (`workflow_paused`),
 * `InvalidInput` (`workflow_input_invalid` with an issue per parameter, `execution_failed` for a workflow that is not
 * loaded, or unknown in the tenant `public`).
 *
 * @since 0.1.0
 * @category errors
 */
export type ExecuteError = NotFound | Conflict | PayloadTooLarge | CallError

/**
 * What following an execution can end with.
 *
 * @since 0.1.0
 * @category errors
 */
export type FollowError = NotFound | StreamInterrupted | CallError

/**
 * @since 0.1.0
 * @category models
 */
export interface ExecuteOptions extends TenantOptions {
  /**
   * What the workflow is given, by name; bind secrets with `secretRef`. It has to be JSON. The server drops the names
   * that it uses itself (`scheduled_time`, `schedule_id`, `trigger_name`, …) and adds no defaults.
   */
  readonly context?: Readonly<Record<string, unknown>> | undefined
  /**
   * How long to go on asking while the server says that the workflow is not in its registry: the first start in a tenant
   * after the server's own, and after an upload, until the loader has run (up to 5 s, contract 9.6). A workflow that
   * does not exist looks the same in the tenant `public`. Default: not at all.
   */
  readonly waitUntilLoaded?: Duration.DurationInput | undefined
}

/**
 * Which executions a list shows.
 *
 * @since 0.1.0
 * @category models
 */
export interface ExecutionFilter {
  /** Exactly this status, in its case. */
  readonly status?: ExecutionStatus | undefined
  /** Exactly this workflow name. */
  readonly workflow?: string | undefined
}

/**
 * Which page of a list.
 *
 * @since 0.1.0
 * @category models
 */
export interface ExecutionQuery extends ExecutionFilter, PageQuery {}

/**
 * @since 0.1.0
 * @category models
 */
export interface AwaitExecutionOptions extends TenantOptions {
  /** How often the server is asked: at once, then after 250 ms, each pause half as long again, up to 5 s. */
  readonly interval?: Poll.Interval | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface FollowExecutionOptions extends TenantOptions, Settings {
  /**
   * `socket`: also listens to the delivery socket, and reads the log at once when something is pushed. Real executions
   * push nothing (contract 6.4), and nothing depends on it. Default: no socket.
   */
  readonly hint?: "socket" | undefined
}

/**
 * The first item of starting and following.
 *
 * @since 0.1.0
 * @category models
 */
export interface ExecutionStarted {
  readonly type: "started"
  readonly executionId: ExecutionId
}

/**
 * What following gives: the events of the log, and then, as the last item, how the execution ended.
 *
 * @since 0.1.0
 * @category models
 */
export type ExecutionItem = Logged | Ended<Outcome>

/**
 * The executions of a Cloacina server.
 *
 * @example
 * ```ts
 * import * as Cloacina from "effect-switchyard/cloacina"
 * import * as Effect from "effect/Effect"
 *
 * export const program = Effect.gen(function*() {
 *   const executions = yield* Cloacina.Executions
 *   const { execution_id } = yield* executions.execute("close_month", { context: { region: "eu" } })
 *   return yield* executions.awaitCompleted(execution_id)
 * })
 * ```
 *
 * @since 0.1.0
 * @category context
 */
export class Executions extends Context.Tag("effect-switchyard/cloacina/Executions")<Executions, Executions.Service>() {
  /**
   * The service over HTTP.
   *
   * @since 0.1.0
   */
  static readonly layer: Layer.Layer<Executions, never, Client> = Layer.effect(
    this,
    Effect.map(Client, (client) => internal.make(client, Delivery.make(client).hints))
  )
}

/**
 * @since 0.1.0
 */
export declare namespace Executions {
  /**
   * @since 0.1.0
   * @category models
   */
  export interface Service {
    /**
     * Starts a workflow by its workflow name (`POST /v1/tenants/{tenant_id}/workflows/{name}/execute`, contract
     * 4.9/41). Sent once: nothing tells the server that two requests are the same. `status` of the answer is
     * `scheduled`, which is no status of an execution.
     */
    readonly execute: (workflow: string, options?: ExecuteOptions) => Effect.Effect<ExecuteAccepted, ExecuteError>
    /**
     * One page, newest first (`GET /v1/tenants/{tenant_id}/executions`, contract 4.9/42). How many there are in all the
     * server does not say.
     */
    readonly list: (
      query?: ExecutionQuery,
      options?: TenantOptions
    ) => Effect.Effect<ReadonlyArray<ExecutionSummary>, CallError>
    /**
     * All matches, newest first, a page at a time as they are consumed (contract 7.3). Not a snapshot: executions that
     * are started meanwhile shift the pages, of which the latest 10,000 ids undo the doubles; those that leave the
     * filter meanwhile may hide others.
     */
    readonly iterate: (
      filter?: ExecutionFilter,
      options?: IterateOptions
    ) => Stream.Stream<ExecutionSummary, CallError>
    /**
     * The status of one (`GET /v1/tenants/{tenant_id}/executions/{exec_id}`, contract 4.9/43); there is no more than
     * that.
     */
    readonly get: (id: string, options?: TenantOptions) => Effect.Effect<ExecutionDetail, NotFound | CallError>
    /**
     * The whole log, by `sequence_num` (`GET /v1/tenants/{tenant_id}/executions/{exec_id}/events`, contract 4.9/44);
     * empty for an unknown id.
     */
    readonly events: (id: string, options?: TenantOptions) => Effect.Effect<ReadonlyArray<ExecutionEvent>, CallError>
    /**
     * Its tasks, in no order (`GET /v1/tenants/{tenant_id}/executions/{exec_id}/tasks`, contract 4.9/45); empty for an
     * unknown id.
     */
    readonly tasks: (id: string, options?: TenantOptions) => Effect.Effect<ReadonlyArray<TaskExecution>, CallError>
    /**
     * Waits for the end by asking for the status; one that this SDK does not know is not the end. The outcome says
     * which tasks failed and why. It waits for as long as the execution runs: bound it with `Effect.timeout`.
     * Interrupting it leaves the execution alone.
     *
     * Fails with `NotFound` (`execution_not_found`) for an unknown id. Once the status has been read, a server that is away
     * for a while is waited out: the failure is that of the 21st question in a row without an answer.
     */
    readonly await: (id: string, options?: AwaitExecutionOptions) => Effect.Effect<Outcome, NotFound | CallError>
    /**
     * As `await`, and fails with `ExecutionFailed`, which holds the outcome, when the execution does not complete.
     */
    readonly awaitCompleted: (
      id: string,
      options?: AwaitExecutionOptions
    ) => Effect.Effect<Completed, ExecutionFailed | NotFound | CallError>
    /**
     * The log from its beginning, each event once, ordered by `sequence_num` (see `Logged` for late ones), while the
     * execution runs, and how it ended as the last item. The log is read over and over; a status that is not known is
     * not the end. Interrupting it leaves the execution alone.
     *
     * Fails with `NotFound` for an unknown id, and with `StreamInterrupted` when the server could not be reached, or no
     * longer found the execution, as often as `reconnect` allows.
     */
    readonly follow: (id: string, options?: FollowExecutionOptions) => Stream.Stream<ExecutionItem, FollowError>
    /**
     * Starts a workflow and waits for its end.
     */
    readonly executeAndAwait: (
      workflow: string,
      options?: ExecuteOptions & AwaitExecutionOptions
    ) => Effect.Effect<Outcome, ExecuteError>
    /**
     * Starts a workflow and follows it: first `ExecutionStarted`, then as `follow`.
     */
    readonly executeAndFollow: (
      workflow: string,
      options?: ExecuteOptions & FollowExecutionOptions
    ) => Stream.Stream<ExecutionStarted | ExecutionItem, ExecuteError | FollowError>
  }
}
