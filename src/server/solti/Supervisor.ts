/**
 * The supervisor: runs submitted tasks with slots, restarts, back-off, time-outs and a global limit, and keeps what is
 * visible of them (contract chapters 8 and 9).
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { LogEvent } from "../../schemas/solti/Logs.js"
import type { CreateSpec, TaskKind, TaskRun } from "../../schemas/solti/Tasks.js"
import { TaskId } from "../../schemas/solti/Tasks.js"
import type { TaskQuery } from "./ApiHandler.js"
import { ApiError } from "./ApiHandler.js"
import type { FunctionTask } from "./FunctionTask.js"
import { attemptOf, specOf } from "./FunctionTask.js"
import * as LogHub from "./LogHub.js"
import * as Loop from "./Loop.js"
import * as MemoryStore from "./MemoryStore.js"
import type { Attempt, Runner } from "./Runner.js"
import type { Semantics } from "./Semantics.js"
import { durationText, intended } from "./Semantics.js"
import type { StoredTask } from "./Store.js"
import { TaskStore } from "./Store.js"

/**
 * - `runners`: the first that supports a spec runs it
 * - `maxConcurrent`: attempts at a time over all slots; default 0, no limit
 * - `queueLimit`: tasks that wait for one slot; default 100
 * - `grace`: how long a delete and a shutdown wait for attempts to end; default 60 s
 * - `runTtl`, `taskTtl`: how long finished runs, and ended tasks without runs, are kept; default 1 h each
 * - `sweepInterval`: how often what is too old is removed; default 5 min
 * - `runsPerTask`: runs kept per task; default 256
 * - `logCapacity`: log events kept per task; default 1,024
 * - `semantics`: default `intended`
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  readonly runners: ReadonlyArray<Runner>
  readonly maxConcurrent?: number | undefined
  readonly queueLimit?: number | undefined
  readonly grace?: Duration.DurationInput | undefined
  readonly runTtl?: Duration.DurationInput | undefined
  readonly taskTtl?: Duration.DurationInput | undefined
  readonly sweepInterval?: Duration.DurationInput | undefined
  readonly runsPerTask?: number | undefined
  readonly logCapacity?: number | undefined
  readonly semantics?: Semantics | undefined
}

/**
 * A supervisor. `layer` keeps everything in memory; `layerWithStore` takes the store from its context.
 *
 * @since 0.1.0
 * @category context
 */
export class Supervisor extends Context.Tag("effect-switchyard/solti/server/Supervisor")<
  Supervisor,
  Supervisor.Service
>() {
  /**
   * @since 0.1.0
   */
  static readonly layerWithStore = (options: Options): Layer.Layer<Supervisor, never, TaskStore> =>
    Layer.scoped(Supervisor, make(options))

  /**
   * @since 0.1.0
   */
  static readonly layer = (options: Options): Layer.Layer<Supervisor> =>
    Layer.provide(Supervisor.layerWithStore(options), MemoryStore.layer)
}

/**
 * @since 0.1.0
 */
export declare namespace Supervisor {
  /**
   * @since 0.1.0
   * @category models
   */
  export interface Service {
    /** How this supervisor behaves where the design and the published server differ. */
    readonly semantics: Semantics
    /**
     * Accepts a task. `maxRetries` ends it after so many failed retries in a row; 0, the default, never does.
     *
     * Fails with `Internal` where no runner supports the kind, with what the runner's `build` fails with, and with
     * `Unavailable` during shutdown.
     */
    readonly submit: (
      spec: CreateSpec,
      options?: { readonly maxRetries?: number | undefined }
    ) => Effect.Effect<TaskId, ApiError>
    /** Accepts an in-process task; `AlreadyExists` where one of its name is live. Its id is its name. */
    readonly submitFunction: <R>(task: FunctionTask<R>) => Effect.Effect<TaskId, ApiError, R>
    /** The task, function tasks included. */
    readonly get: (id: TaskId) => Effect.Effect<Option.Option<StoredTask>>
    /** A page sorted by id in plain string order, with or without function tasks; `total` counts all matches. */
    readonly list: (
      query: TaskQuery & { readonly functions: boolean }
    ) => Effect.Effect<{ readonly tasks: ReadonlyArray<StoredTask>; readonly total: number }>
    /** The runs of a task, oldest first. */
    readonly runs: (id: TaskId) => Effect.Effect<ReadonlyArray<TaskRun>>
    /** Stops a task and forgets it; `Internal` if its attempt has not ended within the grace time. */
    readonly remove: (id: TaskId) => Effect.Effect<void, ApiError>
    /** See `ApiHandler.streamTaskLogs`. */
    readonly logs: (id: TaskId) => Effect.Effect<Stream.Stream<LogEvent>, ApiError, Scope.Scope>
    /**
     * Refuses new tasks, stops all others, and waits until they have ended, at most the grace time. Ends all logs. The
     * end of the scope does the same; call it before when those who read logs are to see their end.
     */
    readonly shutdown: Effect.Effect<void>
  }
}

const kindName = (kind: TaskKind): string => Object.keys("unknown" in kind ? kind.unknown : kind).join()

const toTaskId = (id: string): TaskId => TaskId.make(id)

/**
 * A supervisor over the store of its context. Closing the scope shuts it down.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: Options): Effect.Effect<Supervisor.Service, never, Scope.Scope | TaskStore> =>
  Effect.gen(function*() {
    const store = yield* TaskStore
    const semantics = options.semantics ?? intended
    const grace = Duration.decode(options.grace ?? "60 seconds")
    const runTtl = Duration.toMillis(options.runTtl ?? "1 hour")
    const taskTtl = Duration.toMillis(options.taskTtl ?? "1 hour")
    const logs = yield* LogHub.make({
      capacity: options.logCapacity ?? 1024,
      replay: semantics.logReplay,
      lingerMs: semantics.logLingerMs
    })
    const loop = yield* Loop.make({
      config: {
        semantics,
        maxConcurrent: options.maxConcurrent ?? 0,
        queueLimit: options.queueLimit ?? 100,
        keepRuns: options.runsPerTask ?? 256
      },
      grace,
      logs,
      store
    })
    let sequence = 0

    const refuse = (): Effect.Effect<never, ApiError> =>
      Effect.fail(new ApiError({ label: semantics.shuttingDown, detail: "supervisor error: shutting down" }))

    const nextId = (runner: Runner, slot: string): TaskId => {
      const id = toTaskId(`${runner.name}-${slot}-${++sequence}`)
      return loop.isLive(id) ? nextId(runner, slot) : id
    }

    const accept = (spec: CreateSpec, runner: Runner, attempt: Attempt, maxRetries: number) =>
      Effect.suspend(() => {
        if (loop.isClosing()) return refuse()
        const id = nextId(runner, spec.slot)
        return Effect.as(loop.submit({ id, spec, maxRetries, isLimited: true, isFunction: false }, attempt), id)
      })

    const submit: Supervisor.Service["submit"] = (spec, { maxRetries = 0 } = {}) => {
      if (loop.isClosing()) return refuse()
      const runner = options.runners.find((candidate) => candidate.supports(spec))
      return runner === undefined
        ? Effect.fail(
          new ApiError({
            label: "Internal",
            detail: `runner error: no suitable runner for task kind: ${kindName(spec.kind)}`
          })
        )
        : Effect.flatMap(runner.build(spec), (attempt) => accept(spec, runner, attempt, maxRetries))
    }

    const acceptFunction = <R>(task: FunctionTask<R>, isLimited: boolean): Effect.Effect<TaskId, ApiError, R> =>
      Effect.flatMap(attemptOf(task), (attempt) => {
        const id = toTaskId(task.name)
        if (loop.isClosing()) return refuse()
        if (loop.isLive(id)) return Effect.fail(new ApiError({ label: "AlreadyExists", detail: id }))
        const maxRetries = task.maxRetries ?? 0
        return Effect.as(loop.submit({ id, spec: specOf(task), maxRetries, isLimited, isFunction: true }, attempt), id)
      })

    const remove: Supervisor.Service["remove"] = (id) =>
      Effect.timeoutFail(loop.remove(id), {
        duration: grace,
        onTimeout: () => {
          const waited = durationText(Duration.toMillis(grace))
          const detail = `supervisor error: cancel failed: timeout waiting for task '${id}' removal after ${waited}`
          return new ApiError({ label: "Internal", detail })
        }
      })

    // Not limited: what is too old goes, however busy the host is.
    yield* Effect.orDie(acceptFunction({
      name: "solti-state-sweep",
      restart: "RESTART_STRATEGY_ALWAYS",
      interval: options.sweepInterval ?? "5 minutes",
      run: Effect.flatMap(
        Clock.currentTimeMillis,
        (now) => store.sweep({ runsBefore: now - runTtl, tasksBefore: now - taskTtl })
      )
    }, false))

    return {
      semantics,
      submit,
      submitFunction: (task) => acceptFunction(task, true),
      get: store.get,
      list: store.list,
      runs: store.runs,
      remove,
      logs: logs.subscribe,
      shutdown: loop.shutdown
    }
  })
