/**
 * The six operations over a supervisor: what of it is seen on the wire (contract chapter 4, 8.10).
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { CreateSpec, TaskId } from "../../schemas/solti/Tasks.js"
import { ApiError, ApiHandler } from "./ApiHandler.js"
import type { StoredTask } from "./Store.js"
import { Supervisor } from "./Supervisor.js"

/** Only a task that always restarts has an interval, and gets it back. */
const isAlways = ({ restart }: CreateSpec): boolean => restart === "RESTART_STRATEGY_ALWAYS"

const isOnWire = ({ isFunction }: StoredTask): boolean => !isFunction

/**
 * The handler of a supervisor.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (supervisor: Supervisor.Service): ApiHandler.Service => {
  const { functionsLeak, total } = supervisor.semantics

  /** Does something with a task, or nothing where the id belongs to a function, as if it were unknown. */
  const unlessHidden = <A, E>(id: TaskId, whenHidden: A, effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
    functionsLeak ? effect : Effect.flatMap(
      supervisor.get(id),
      (stored) => Option.exists(stored, (it) => it.isFunction) ? Effect.succeed(whenHidden) : effect
    )

  return {
    submitTask: (spec) => supervisor.submit(isAlways(spec) ? spec : { ...spec, restartIntervalMs: Option.none() }),
    getTaskStatus: (id) =>
      Effect.flatMap(supervisor.get(id), (stored) =>
        functionsLeak && Option.exists(stored, (it) => it.isFunction)
          ? Effect.fail(
            new ApiError({
              label: "InvalidRequest",
              detail: "embedded tasks have no wire representation and cannot cross the API boundary"
            })
          )
          : Effect.succeed(Option.map(Option.filter(stored, isOnWire), ({ task }) => task))),
    queryTasks: (query) =>
      Effect.map(supervisor.list({ ...query, functions: functionsLeak }), (page) => {
        const tasks = page.tasks.filter(isOnWire).map(({ task }) => task)
        return { tasks, total: total === "page" ? tasks.length : page.total }
      }),
    listTaskRuns: (id) => unlessHidden(id, [], supervisor.runs(id)),
    deleteTask: (id) => unlessHidden(id, undefined, supervisor.remove(id)),
    streamTaskLogs: supervisor.logs
  }
}

/**
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<ApiHandler, never, Supervisor> = Layer.effect(ApiHandler, Effect.map(Supervisor, make))
