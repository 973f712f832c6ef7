/**
 * What all commands have in common: how they end, and how they say so.
 *
 * @since 0.1.0
 */
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import type { LibraryError } from "./Failure.js"
import { fromError, render, Stop } from "./Failure.js"
import * as Screen from "./Screen.js"
import type { Signals } from "./Signals.js"
import { interruptible } from "./Signals.js"

/**
 * `--json`: for programs instead of people.
 *
 * @since 0.1.0
 * @category options
 */
export const json: Options.Options<boolean> = Options.boolean("json").pipe(
  Options.withDescription("Write one JSON object a line; a failure is one on stderr.")
)

/**
 * Tells a failure on stderr, once; what is left of it is its exit code. `where` names the server in failures to reach
 * it.
 *
 * @since 0.1.0
 * @category combinators
 */
export const report = <A, E extends LibraryError | Stop, R>(
  command: Effect.Effect<A, E, R>,
  options: { readonly json: boolean; readonly where?: string }
): Effect.Effect<A, Stop, R | Screen.Screen> =>
  Effect.catchAll(command, (error) => {
    const failure = fromError(error, options.where)
    const told = failure.message === ""
      ? Effect.void
      : Screen.err(options.json ? JSON.stringify(failure) : render(failure))
    return Effect.zipRight(told, new Stop({ code: failure.exitCode, message: "" }))
  })

/**
 * Runs a command to its end or to a signal, and tells its failure, see {@link report}.
 *
 * @since 0.1.0
 * @category combinators
 */
export const handle = <A, E extends LibraryError | Stop, R>(
  command: Effect.Effect<A, E, R>,
  options: { readonly json: boolean; readonly where?: string }
): Effect.Effect<A, Stop, R | Screen.Screen | Signals> => report(interruptible(command), options)
