/**
 * Commands that only hold others.
 *
 * @since 0.1.0
 */
import * as Command from "@effect/cli/Command"
import type * as Arr from "effect/Array"
import * as Help from "./Help.js"

/**
 * A command and its page of the help.
 *
 * @since 0.1.0
 * @category models
 */
export interface Part<R, E, A> {
  readonly command: Command.Command<string, R, E, A>
  readonly page: Help.Page
}

/**
 * A command that holds others.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = <R, E, A>(
  words: {
    readonly name: string
    readonly summary: string
    readonly text?: ReadonlyArray<string>
    readonly examples: ReadonlyArray<string>
  },
  parts: Arr.NonEmptyReadonlyArray<Part<R, E, A>>
) => {
  const [first, ...rest] = parts
  return {
    command: Command.make(words.name).pipe(
      Command.withDescription(words.summary),
      Command.withSubcommands([first.command, ...rest.map(({ command }) => command)])
    ),
    page: Help.group({ ...words, pages: parts.map(({ page }) => page) })
  }
}
