/**
 * What an execution is given, from the command line.
 *
 * @since 0.1.0
 */
import * as Options from "@effect/cli/Options"
import type * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Cloacina from "../../cloacina.js"
import type { Stop } from "../core/Failure.js"
import { usage } from "../core/Failure.js"
import type { Host } from "../core/Host.js"
import * as Input from "../core/Input.js"

/**
 * `--context`, `--context-file` and `--param`, under the first of these names: `name` is `context` or `event`.
 *
 * @since 0.1.0
 * @category options
 */
export const options = (name: string) => ({
  text: Options.text(name).pipe(
    Options.withPseudoName("json"),
    Options.optional,
    Options.withDescription(`A JSON object with all of it: {"region": "eu"}.`)
  ),
  file: Options.text(`${name}-file`).pipe(
    Options.withPseudoName("file.json"),
    Options.optional,
    Options.withDescription("The same from a file; - reads stdin. Other users of the machine do not see it there.")
  ),
  params: Options.text("param").pipe(
    Options.withAlias("p"),
    Options.withPseudoName("name=value"),
    Options.repeated,
    Options.withDescription("One value, again and again. What is JSON is taken as such (3, true, [1]), else as text.")
  )
})

/**
 * `--secret`
 *
 * @since 0.1.0
 * @category options
 */
export const secrets: Options.Options<ReadonlyArray<string>> = Options.text("secret").pipe(
  Options.withPseudoName("name=secret"),
  Options.repeated,
  Options.withDescription("Binds a secret of the tenant to a parameter, by its name: its value stays on the server.")
)

/**
 * The values of {@link options}.
 *
 * @since 0.1.0
 * @category models
 */
export interface Given {
  readonly text: Option.Option<string>
  readonly file: Option.Option<string>
  readonly params: ReadonlyArray<string>
}

type Values = Readonly<Record<string, unknown>>

const parse = Schema.decodeUnknownOption(Schema.parseJson())

const isObject = Schema.is(Schema.Record({ key: Schema.String, value: Schema.Unknown }))

const objectOf = (text: string, source: string): Effect.Effect<Values, Stop> =>
  Effect.flatMap(
    Input.json(text, source),
    (value) =>
      isObject(value) && !Array.isArray(value) ? Effect.succeed(value) : usage(`${source} has to be a JSON object`)
  )

/** No fault shows what stands behind the equals sign. */
const pairOf = (option: string, text: string): Effect.Effect<readonly [name: string, value: string], Stop> => {
  const at = text.indexOf("=")
  return at < 1 ? usage(`--${option} wants NAME=VALUE`) : Effect.succeed([text.slice(0, at), text.slice(at + 1)])
}

/**
 * The context that was given. Single values win over those of the object.
 *
 * @since 0.1.0
 * @category conversions
 */
export const read = (
  name: string,
  { file, params, text }: Given,
  secrets: ReadonlyArray<string> = []
): Effect.Effect<Values, Stop, FileSystem.FileSystem | Host> =>
  Effect.gen(function*() {
    if (Option.isSome(text) && Option.isSome(file)) return yield* usage(`--${name} or --${name}-file, not both`)
    const base = Option.isSome(text)
      ? yield* objectOf(text.value, `--${name}`)
      : Option.isSome(file)
      ? yield* objectOf(yield* Input.readText(file.value), file.value)
      : {}
    const pairs = yield* Effect.forEach(params, (param) => pairOf("param", param))
    const bound = yield* Effect.forEach(secrets, (secret) => pairOf("secret", secret))
    return {
      ...base,
      ...Object.fromEntries(pairs.map(([name, value]) => [name, Option.getOrElse(parse(value), () => value)])),
      ...Object.fromEntries(bound.map(([name, secret]) => [name, Cloacina.secretRef(secret)]))
    }
  })
