/**
 * The signals that end a command.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { Stop } from "./Failure.js"

/**
 * What ends a command from outside; `SIGPIPE` stands for an output that nobody reads any more.
 *
 * @since 0.1.0
 * @category models
 */
export type Signal = "SIGINT" | "SIGTERM" | "SIGPIPE"

/**
 * The exit code of a program that a signal has ended.
 *
 * @since 0.1.0
 * @category constants
 */
export const exitCodes: Readonly<Record<Signal, number>> = { SIGINT: 130, SIGTERM: 143, SIGPIPE: 141 }

/**
 * `first` is done as soon as a signal has come; a second one ends the program at once, whatever it is doing.
 *
 * @since 0.1.0
 * @category context
 */
export class Signals extends Context.Tag("effect-switchyard/cli/Signals")<Signals, {
  readonly first: Effect.Effect<Signal>
}>() {}

/**
 * Runs a command until it is done or a signal comes; then it is interrupted, its finalizers run, and it ends with the
 * code of the signal.
 *
 * @since 0.1.0
 * @category combinators
 */
export const interruptible = <A, E, R>(command: Effect.Effect<A, E, R>): Effect.Effect<A, E | Stop, R | Signals> =>
  Effect.flatMap(Signals, ({ first }) =>
    Effect.raceFirst(
      command,
      Effect.flatMap(first, (signal) => Effect.fail(new Stop({ code: exitCodes[signal], message: "" })))
    ))

/**
 * Runs a service until a signal comes: that is its normal end.
 *
 * @since 0.1.0
 * @category combinators
 */
export const untilSignal = <A, E, R>(service: Effect.Effect<A, E, R>): Effect.Effect<void, E, R | Signals> =>
  Effect.flatMap(Signals, ({ first }) => Effect.raceFirst(Effect.asVoid(service), Effect.asVoid(first)))
