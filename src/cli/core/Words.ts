/**
 * Arguments that are not options.
 *
 * @since 0.1.0
 */
import * as Args from "@effect/cli/Args"
import * as HelpDoc from "@effect/cli/HelpDoc"
import * as Effect from "effect/Effect"
import * as NodeProcess from "./NodeProcess.js"

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

/** The parser takes an option that it does not know for a word, and gets only what is in front of `--`. */
const complete = (front: ReadonlyArray<string>) =>
  Effect.flatMap(NodeProcess.args, (args) => {
    const option = front.find((word) => word.length > 1 && word.startsWith("-"))
    return option === undefined
      ? Effect.succeed([...front, ...split(args).behind])
      : Effect.fail(HelpDoc.p(`unknown option ${option} (words that are no options of switchyard go behind --)`))
  })

/**
 * Any number of words.
 *
 * @since 0.1.0
 * @category args
 */
export const words = (name: string, description: string): Args.Args<ReadonlyArray<string>> =>
  Args.text({ name }).pipe(Args.withDescription(description), Args.repeated, Args.mapEffect(complete))

/**
 * One word or more.
 *
 * @since 0.1.0
 * @category args
 */
export const someWords = (name: string, description: string): Args.Args<ReadonlyArray<string>> =>
  words(name, description).pipe(
    Args.mapEffect((given) => given.length > 0 ? Effect.succeed(given) : Effect.fail(HelpDoc.p(`missing <${name}>`)))
  )

/**
 * Exactly one word.
 *
 * @since 0.1.0
 * @category args
 */
export const word = (name: string, description: string): Args.Args<string> =>
  words(name, description).pipe(
    Args.mapEffect(([first, ...more]) =>
      first !== undefined && more.length === 0
        ? Effect.succeed(first)
        : Effect.fail(HelpDoc.p(first === undefined ? `missing <${name}>` : `one <${name}> only`))
    )
  )
