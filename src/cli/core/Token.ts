/**
 * Tokens and keys from the environment or from a file: never from the command line, where every user of the machine sees them.
 *
 * @since 0.1.0
 */
import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type { Stop } from "./Failure.js"
import { usage } from "./Failure.js"
import type { Host } from "./Host.js"
import { variable } from "./Host.js"

const check = (text: string, source: string, what: string): Effect.Effect<Redacted.Redacted, Stop> => {
  if (text === "") return usage(`${source} is empty`)
  // What cannot stand in a header would otherwise fail later, and less clearly.
  return /^[\x20-\x7e]+$/.test(text)
    ? Effect.succeed(Redacted.make(text))
    : usage(`${source} holds characters that a ${what} cannot have`)
}

/**
 * The token of a file. White space around it is not part of it. `what` is what it is called in errors.
 *
 * @since 0.1.0
 * @category accessors
 */
export const fromFile = (
  file: string,
  what: string
): Effect.Effect<Redacted.Redacted, Stop, FileSystem.FileSystem> =>
  Effect.flatMap(FileSystem.FileSystem, (files) =>
    Effect.flatMap(
      Effect.mapError(
        files.readFileString(file),
        (error) => usage(`cannot read the ${what} file ${file}: ${"reason" in error ? error.reason : error._tag}`)
      ),
      (text) => check(text.trim(), `the ${what} file ${file}`, what)
    ))

/**
 * The token of the file, else of the variable, if either is there; see {@link fromFile}.
 *
 * @since 0.1.0
 * @category accessors
 */
export const read = (
  file: Option.Option<string>,
  name: string,
  what = "token"
): Effect.Effect<Option.Option<Redacted.Redacted>, Stop, FileSystem.FileSystem | Host> =>
  Effect.gen(function*() {
    if (Option.isSome(file)) return Option.some(yield* fromFile(file.value, what))
    const text = yield* variable(name)
    return text === undefined ? Option.none() : Option.some(yield* check(text.trim(), name, what))
  })
