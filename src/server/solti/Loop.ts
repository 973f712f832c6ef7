/**
 * The shell of the machine: one fiber takes events from a mailbox, lets the machine decide, commits the changes, and
 * then does what is to be done. Attempts, time limits and pauses are fibers that answer with events. So decisions never
 * overlap, and nothing waits for the end of an attempt but who asked for it.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as HashMap from "effect/HashMap"
import * as Mailbox from "effect/Mailbox"
import type * as Scope from "effect/Scope"
import type { TaskId } from "../../schemas/solti/Tasks.js"
import { endOf, makeContext } from "./Attempts.js"
import * as Backoff from "./Backoff.js"
import { decide } from "./Decide.js"
import type { LogHub } from "./LogHub.js"
import type { Action, Config, Decision, Event, Pause, Plan } from "./Machine.js"
import { initial } from "./Machine.js"
import type { Attempt } from "./Runner.js"
import type { TaskStore } from "./Store.js"
import * as SupervisorMetrics from "./SupervisorMetrics.js"

/**
 * - `isClosing`: whether a shutdown has begun; nothing may be submitted any more
 * - `isLive`: whether a task of that id has not ended
 * - `submit`: done when the task is visible; its id must not be live; dies if the store does
 * - `remove`: done when the task has ended and nothing of it is kept; waits without limit
 * - `shutdown`: stops everything, gives up on attempts that have not ended after the grace time, and ends the loop
 *
 * @since 0.1.0
 * @category models
 */
export interface Loop {
  readonly isClosing: () => boolean
  readonly isLive: (id: TaskId) => boolean
  readonly submit: (plan: Plan, attempt: Attempt) => Effect.Effect<void>
  readonly remove: (id: TaskId) => Effect.Effect<void>
  readonly shutdown: Effect.Effect<void>
}

/** What is kept of a live task to run it: its attempts, and the attempt, pause or registration under way. */
interface Runtime {
  readonly attempt: Attempt
  readonly isFunction: boolean
  fiber?: Fiber.RuntimeFiber<void>
}

interface Command {
  readonly event: Event
  readonly done?: Deferred.Deferred<void>
}

/** Timers of the platform hold 31 bits of milliseconds. */
const longestTimer = 2_147_483_647

const sleep = (ms: number): Effect.Effect<void> =>
  ms <= longestTimer
    ? Clock.sleep(Duration.millis(ms))
    : Effect.zipRight(Clock.sleep(Duration.millis(longestTimer)), Effect.suspend(() => sleep(ms - longestTimer)))

const lengthOf = (pause: Pause): Effect.Effect<number> =>
  pause._tag === "Interval" ? Effect.succeed(pause.ms) : Backoff.delay(pause.strategy, pause.failures)

const interrupt = (fiber: Fiber.RuntimeFiber<void> | undefined): void => fiber?.unsafeInterruptAsFork(FiberId.none)

/**
 * Starts a loop; the end of the scope is a shutdown.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = ({ config, grace, logs, store }: {
  readonly config: Config
  readonly grace: Duration.Duration
  readonly logs: LogHub
  readonly store: TaskStore.Service
}): Effect.Effect<Loop, never, Scope.Scope> =>
  Effect.gen(function*() {
    const clock = yield* Effect.clock
    const mailbox = yield* Mailbox.make<Command>()
    const runtimes = new Map<TaskId, Runtime>()
    const deletes = new Map<TaskId, Deferred.Deferred<void>>()
    const idle = yield* Deferred.make<void>()
    let state = initial
    let isClosing = false

    const tell = (event: Event): void => {
      mailbox.unsafeOffer({ event })
    }

    /** Done when the event is decided and its actions are under way. */
    const ask = (event: Event): Effect.Effect<void> =>
      Effect.suspend(() => {
        const done = Deferred.unsafeMake<void>(FiberId.none)
        mailbox.unsafeOffer({ event, done })
        return Deferred.await(done)
      })

    /**
     * Forked fibers start as uninterruptible as the loop: an interruption before their first step must not keep an
     * attempt from answering. They belong to nobody, since a shutdown must not wait for them without limit.
     */
    const fork = (id: TaskId, run: (runtime: Runtime) => Effect.Effect<void>): Effect.Effect<void> => {
      const runtime = runtimes.get(id)
      return runtime === undefined ? Effect.void : Effect.map(Effect.forkDaemon(run(runtime)), (fiber) => {
        runtime.fiber = fiber
      })
    }

    const later = (wait: Effect.Effect<void>, event: Event): Effect.Effect<void> =>
      Effect.map(Effect.interruptible(wait), () => tell(event))

    const run = (id: TaskId, attempt: number, timeoutMs: number, runtime: Runtime): Effect.Effect<void> =>
      Effect.gen(function*() {
        const { close, context } = makeContext(logs, clock, id, attempt)
        const limit = yield* Effect.forkDaemon(later(sleep(timeoutMs), { _tag: "TimedOut", id, attempt }))
        const exit = yield* Effect.exit(Effect.interruptible(Effect.suspend(() => runtime.attempt(context))))
        close()
        interrupt(limit)
        if (Exit.isFailure(exit) && Cause.isDie(exit.cause)) yield* Effect.logError("an attempt died", exit.cause)
        tell({ _tag: "Ended", id, attempt, end: endOf(exit) })
      })

    const release = (id: TaskId, evict: boolean): Effect.Effect<void> =>
      Effect.sync(() => {
        runtimes.delete(id)
        if (evict) logs.evict(id)
        else logs.end(id)
      })

    const perform = (action: Action): Effect.Effect<void> => {
      const { id } = action
      switch (action._tag) {
        case "Register":
          return fork(id, () => later(sleep(action.ms), { _tag: "Registered", id }))
        case "Start":
          return fork(id, (runtime) => run(id, action.attempt, action.timeoutMs, runtime))
        case "Sleep":
          return fork(id, () =>
            later(Effect.flatMap(lengthOf(action.pause), sleep), { _tag: "Woken", id, attempt: action.attempt }))
        case "Interrupt":
        case "Wake":
          return Effect.sync(() =>
            interrupt(runtimes.get(id)?.fiber)
          )
        case "Mark":
          return Effect.sync(() => logs.publish(id, action.event))
        case "Release":
          return release(id, action.evict)
        case "Confirm":
          return Effect.suspend(() => {
            const confirmed = deletes.get(id)
            deletes.delete(id)
            return confirmed === undefined ? Effect.void : Deferred.succeed(confirmed, undefined)
          })
      }
    }

    const isFunction = (id: TaskId): boolean => runtimes.get(id)?.isFunction === true

    /**
     * What the store cannot take is lost for those who look, not for the tasks: slots must get free and attempts end.
     * Only a task that cannot be kept is not accepted, or it would run unseen.
     */
    const commit = ({ changes }: Decision, event: Event): Effect.Effect<void> =>
      Effect.catchAllCause(
        store.commit(changes),
        (cause) =>
          event._tag === "Submitted" ? Effect.failCause(cause) : Effect.logError("a change of a task was lost", cause)
      )

    const process = ({ done, event }: Command): Effect.Effect<void> =>
      Effect.suspend(() => {
        // A test's clock may stand between two milliseconds; what is kept and sent are whole ones.
        const decision = decide(config, state, event, Math.floor(clock.unsafeCurrentTimeMillis()))
        const proceed = Effect.suspend(() => {
          state = decision.state
          SupervisorMetrics.count(decision, isFunction)
          return Effect.forEach(decision.actions, perform, { discard: true })
        })
        return Effect.zipRight(commit(decision, event), proceed)
      }).pipe(
        Effect.exit,
        Effect.map((exit) => {
          if (done !== undefined) Deferred.unsafeDone(done, exit)
          if (isClosing && HashMap.isEmpty(state.tasks)) Deferred.unsafeDone(idle, Effect.void)
        })
      )

    yield* mailbox.take.pipe(
      Effect.flatMap(process),
      Effect.forever,
      Effect.ignore,
      Effect.uninterruptible,
      Effect.forkDaemon
    )

    const shutdown = yield* Effect.cached(Effect.uninterruptible(Effect.gen(function*() {
      isClosing = true
      yield* ask({ _tag: "Shutdown" })
      yield* Effect.timeoutOption(Effect.interruptible(Deferred.await(idle)), grace)
      yield* ask({ _tag: "Force" })
      yield* mailbox.end
    })))
    yield* Effect.addFinalizer(() => shutdown)

    return {
      isClosing: () => isClosing,
      isLive: (id) => runtimes.has(id),
      submit: (plan, attempt) =>
        Effect.suspend(() => {
          const { id, isFunction } = plan
          runtimes.set(id, { attempt, isFunction })
          if (!isFunction) logs.open(id)
          return Effect.tapErrorCause(ask({ _tag: "Submitted", plan }), () => release(id, true))
        }),
      remove: (id) =>
        Effect.suspend(() => {
          const confirmed = deletes.get(id) ?? Deferred.unsafeMake<void>(FiberId.none)
          // Behind the end of the loop no task is live; what is left of this one goes.
          if (!mailbox.unsafeOffer({ event: { _tag: "Deleted", id } })) {
            return store.commit([{ _tag: "TaskPurged", id }])
          }
          deletes.set(id, confirmed)
          return Deferred.await(confirmed)
        }),
      shutdown
    }
  })
