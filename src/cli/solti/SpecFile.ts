/**
 * Specs and scripts from files.
 *
 * @since 0.1.0
 */
import type * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { locate } from "../../services/core/Codec.js"
import * as Solti from "../../solti.js"
import type { Stop } from "../core/Failure.js"
import { usage } from "../core/Failure.js"
import type { Host } from "../core/Host.js"
import * as Input from "../core/Input.js"
import { envOf, hidden } from "./View.js"

const decodeSpec = Schema.decodeUnknownEither(Solti.CreateSpec, { onExcessProperty: "error" })

/** Says where and what, never the value: it may be a secret. */
const explain = (error: ParseResult.ParseError): string => {
  const first = ParseResult.ArrayFormatter.formatErrorSync(error)[0]
  const path = first === undefined ? "" : first.path.map(String).join(".")
  switch (first?._tag) {
    case "Missing":
      return `${path} is missing`
    case "Unexpected":
      return `a spec has no ${path}`
    default: {
      const { expected, path } = locate(error.issue)
      return `${path === "" ? "the spec" : path} has to be ${expected}`
    }
  }
}

/** Bare, in the envelope of a submit, or in a task as `get` shows it. */
const specOf = (json: unknown): unknown =>
  typeof json === "object" && json !== null && "spec" in json ? json.spec : json

/**
 * A spec as JSON in the form of the wire: bare, or as member `spec` of what the server takes or `get` shows.
 *
 * @since 0.1.0
 * @category accessors
 */
export const read = (file: string): Effect.Effect<Solti.CreateSpec, Stop, FileSystem.FileSystem | Host> =>
  Effect.gen(function*() {
    const json = yield* Input.json(yield* Input.readText(file), file)
    const spec = yield* Either.mapLeft(decodeSpec(specOf(json)), (error) => usage(`${file}: ${explain(error)}`))
    return envOf(spec.kind).some(({ value }) => value === hidden)
      ? yield* usage(`${file} was written without --show-secrets: the values of its environment are not in it`)
      : spec
  })
