/**
 * Tasks that are functions of the host: the same loop, slots and policies as every task, but no output, and nothing of
 * them is seen over the wire (contract 8.10).
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import type { AdmissionStrategy, BackoffStrategy, CreateSpec, RestartStrategy } from "../../schemas/solti/Tasks.js"
import type { Attempt } from "./Runner.js"
import { AttemptFailed } from "./Runner.js"

/**
 * A function task.
 *
 * - `name`: its id; no other live task may have it
 * - `run`: one attempt. It fails with an `AttemptFailed`, or with anything, whose `message` is then the reason
 * - `slot`: default is its name; slots of functions and slots of the wire are different slots
 * - `timeout`: per attempt, default none
 * - `restart`: default never; `interval`: pause behind a success of one that always restarts
 * - `maxRetries`: failed retries in a row, default without end
 * - `backoff`: default full jitter, 1 s doubled up to 30 s
 * - `admission`: default drop if running
 *
 * @since 0.1.0
 * @category models
 */
export interface FunctionTask<out R = never> {
  readonly name: string
  readonly run: Effect.Effect<unknown, unknown, R>
  readonly slot?: string | undefined
  readonly timeout?: Duration.DurationInput | undefined
  readonly restart?: RestartStrategy | undefined
  readonly interval?: Duration.DurationInput | undefined
  readonly maxRetries?: number | undefined
  readonly backoff?: BackoffStrategy | undefined
  readonly admission?: AdmissionStrategy | undefined
  readonly labels?: Readonly<Record<string, string>> | undefined
}

const longest = 18446744073709551615n

const defaultBackoff: BackoffStrategy = {
  jitter: "JITTER_STRATEGY_FULL",
  firstMs: 1000n,
  maxMs: 30000n,
  factor: 2
}

const millis = (duration: Duration.DurationInput): bigint => BigInt(Math.ceil(Duration.toMillis(duration)))

/**
 * The spec that a function task is kept under. Its kind has no wire form.
 *
 * @since 0.1.0
 * @category conversions
 */
export const specOf = <R>(task: FunctionTask<R>): CreateSpec => ({
  slot: task.slot ?? task.name,
  kind: { unknown: { embedded: {} } },
  timeoutMs: task.timeout === undefined ? longest : millis(task.timeout),
  restart: task.restart ?? "RESTART_STRATEGY_NEVER",
  restartIntervalMs: task.interval === undefined ? Option.none() : Option.some(millis(task.interval)),
  backoff: task.backoff ?? defaultBackoff,
  admission: task.admission ?? "ADMISSION_STRATEGY_DROP_IF_RUNNING",
  labels: task.labels ?? {}
})

const toAttemptFailed = (error: unknown): AttemptFailed =>
  error instanceof AttemptFailed ? error : new AttemptFailed({
    reason: Predicate.hasProperty(error, "message") ? String(error.message) : String(error),
    exitCode: Option.none(),
    fatal: false
  })

/**
 * The attempts of a function task.
 *
 * @since 0.1.0
 * @category conversions
 */
export const attemptOf = <R>(task: FunctionTask<R>): Effect.Effect<Attempt, never, R> =>
  Effect.map(Effect.context<R>(), (context) => {
    const run = task.run.pipe(Effect.asVoid, Effect.mapError(toAttemptFailed), Effect.provide(context))
    return () => run
  })
