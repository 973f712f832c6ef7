/**
 * Arguments that are not options.
 *
 * @since 0.1.0
 */
import * as Args from "@effect/cli/Args"
import * as Effect from "effect/Effect"
import type { Stop } from "./Failure.js"
import { usage } from "./Failure.js"
import { Host } from "./Host.js"

/**
 * Splits a command line at its first `--`: what is in front is parsed, what is behind is taken as it is.
 *
 * @since 0.1.0
 * @category utils
 */
export const split = (args: ReadonlyArray<string>): {
  readonly front: ReadonlyArray<string>
  readonly behind: ReadonlyArray<string>
} => {
  const at = args.indexOf("--")
  return at === -1 ? { front: args, behind: [] } : { front: args.slice(0, at), behind: args.slice(at + 1) }
}

/**
 * Any number of words.
 *
 * @since 0.1.0
 * @category args
 */
export const words = (name: string, description: string): Args.Args<ReadonlyArray<string>> =>
  Args.text({ name }).pipe(Args.withDescription(description), Args.repeated)

/**
 * The words that were given, with those behind `--`, which the parser does not get. It takes an option that it does not
 * know for a word: that is refused here.
 *
 * @since 0.1.0
 * @category accessors
 */
export const all = (given: ReadonlyArray<string>): Effect.Effect<ReadonlyArray<string>, Stop, Host> =>
  Effect.flatMap(Host, ({ args }) => {
    const option = given.find((word) => word.length > 1 && word.startsWith("-"))
    return option === undefined
      ? Effect.succeed([...given, ...split(args).behind])
      : usage(`unknown option ${option} (words that are no options of switchyard go behind --)`)
  })

/**
 * As {@link all}, at least one.
 *
 * @since 0.1.0
 * @category accessors
 */
export const some = (given: ReadonlyArray<string>, name: string): Effect.Effect<ReadonlyArray<string>, Stop, Host> =>
  Effect.filterOrFail(all(given), (words) => words.length > 0, () => usage(`missing <${name}>`))

/**
 * As {@link all}, exactly one.
 *
 * @since 0.1.0
 * @category accessors
 */
export const one = (given: ReadonlyArray<string>, name: string): Effect.Effect<string, Stop, Host> =>
  Effect.map(exactly(given, [name]), ([first = ""]) => first)

/**
 * As {@link all}, one for each name.
 *
 * @since 0.1.0
 * @category accessors
 */
export const exactly = (
  given: ReadonlyArray<string>,
  names: ReadonlyArray<string>
): Effect.Effect<ReadonlyArray<string>, Stop, Host> =>
  Effect.flatMap(all(given), (words) => {
    const missing = names[words.length]
    if (missing !== undefined) return usage(`missing <${missing}>`)
    return words.length === names.length
      ? Effect.succeed(words)
      : usage(`${names.length === 1 ? "one " : ""}${names.map((name) => `<${name}>`).join(" ")} only`)
  })
