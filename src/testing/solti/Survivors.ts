/**
 * Scripted processes that outlive their attempts. On the published server they go on writing to the log streams that are
 * open, which do not end before they do, although the task is gone by then (contract 6.4, 8.5).
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { LogEvent } from "../../schemas/solti/Logs.js"
import type { TaskId } from "../../schemas/solti/Tasks.js"
import * as LogHub from "../../server/solti/LogHub.js"

/**
 * A process that may outlive its attempt.
 *
 * @since 0.1.0
 * @category models
 */
export interface Process {
  /** Done when it has gone. */
  readonly gone: Effect.Effect<void>
  readonly kill: Effect.Effect<void>
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Survivors {
  /** Starts a process that lives as long as the effect runs. */
  readonly start: (life: Effect.Effect<void>) => Effect.Effect<Process>
  /** The attempt of a process is over, and it lives on: what it writes goes to the readers of the task's log. */
  readonly adopt: (id: TaskId, process: Process) => Effect.Effect<(event: LogEvent) => void>
  /** A log with what the survivors of its task add to it, until all of them have gone. */
  readonly join: (
    id: TaskId,
    log: Stream.Stream<LogEvent>
  ) => Effect.Effect<Stream.Stream<LogEvent>, never, Scope.Scope>
  /** Kills all of them, and all that would come: so that nothing waits for them when a test ends. */
  readonly close: Effect.Effect<void>
}

/**
 * @since 0.1.0
 * @category constructors
 */
export const make: Effect.Effect<Survivors, never, Scope.Scope> = Effect.gen(function*() {
  const hub = yield* LogHub.make({ capacity: 1024, replay: false, lingerMs: 0 })
  const processes = new Set<Fiber.RuntimeFiber<void>>()
  const adopted = new Map<TaskId, number>()
  const opened = new Set<TaskId>()
  let isClosed = false

  /** The log itself has ended, or a survivor has gone: if that was the last of them, the readers are told. */
  const endUnlessAlive = (id: TaskId): void => {
    if (adopted.has(id)) return
    opened.delete(id)
    hub.end(id)
  }

  const finished = new Set<TaskId>()

  return {
    start: (life) =>
      Effect.map(Effect.forkDaemon(Effect.interruptible(isClosed ? Effect.void : life)), (fiber) => {
        processes.add(fiber)
        fiber.addObserver(() => processes.delete(fiber))
        return { gone: Effect.asVoid(Fiber.await(fiber)), kill: Effect.asVoid(Fiber.interrupt(fiber)) }
      }),
    adopt: (id, process) =>
      Effect.suspend(() => {
        adopted.set(id, (adopted.get(id) ?? 0) + 1)
        const leave = Effect.map(process.gone, () => {
          const left = (adopted.get(id) ?? 1) - 1
          if (left > 0) adopted.set(id, left)
          else adopted.delete(id)
          if (finished.has(id)) endUnlessAlive(id)
        })
        return Effect.as(Effect.forkDaemon(leave), (event) => hub.publish(id, event))
      }),
    join: (id, log) =>
      Effect.suspend(() => {
        if (!opened.has(id)) {
          opened.add(id)
          finished.delete(id)
          hub.open(id)
        }
        const own = Stream.concat(
          log,
          Stream.execute(Effect.sync(() => {
            finished.add(id)
            endUnlessAlive(id)
          }))
        )
        return hub.subscribe(id).pipe(
          Effect.map((late) => Stream.merge(own, late)),
          Effect.orElseSucceed(() => own)
        )
      }),
    close: Effect.suspend(() => {
      isClosed = true
      return Fiber.interruptAll([...processes])
    })
  }
})
