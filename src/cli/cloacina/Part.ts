/**
 * How the commands of the Cloacina plane are made: each from its own options and words, with those of the connection.
 *
 * @since 0.1.0
 */
import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Arr from "effect/Array"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { LibraryError, Stop } from "../core/Failure.js"
import * as Help from "../core/Help.js"
import * as Screen from "../core/Screen.js"
import type { Column } from "../core/Table.js"
import * as Table from "../core/Table.js"
import * as Words from "../core/Words.js"
import * as Connection from "./Connection.js"

/** What a command comes to, told its words and whether it writes JSON. */
type Action = (
  words: ReadonlyArray<string>,
  json: boolean
) => Effect.Effect<void, LibraryError | Stop, Connection.Plane | Connection.Surroundings>

/**
 * What every command says about itself.
 *
 * - `path`: the names of the groups it is in, behind `switchyard cloacina`
 * - `words`: its arguments and what they are, one each
 * - `examples`: what stands behind `switchyard cloacina` and `path`
 *
 * @since 0.1.0
 * @category models
 */
export interface About {
  readonly name: string
  readonly path?: string
  readonly summary: string
  readonly text?: ReadonlyArray<string>
  readonly words?: ReadonlyArray<readonly [name: string, about: string]>
  readonly examples: ReadonlyArray<string>
}

/**
 * A command with options of its own.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = <Parsed>(
  about: About,
  options: Options.Options<Parsed>,
  run: (parsed: Parsed, ...rest: Parameters<Action>) => ReturnType<Action>
) => {
  const words = about.words ?? []
  const names = words.map(([name]) => name)
  const command = Command.make(
    about.name,
    {
      action: Options.map(options, (parsed): Action => (...rest) => run(parsed, ...rest)),
      connection: Options.all(Connection.options),
      // Those behind `--` are not there when the parser counts.
      given: words.length === 0
        ? Args.map(Args.none, (): ReadonlyArray<string> => [])
        : Words.words(names.join(" "), "")
    },
    ({ action, connection, given }) =>
      Connection.withPlane(
        connection,
        Effect.flatMap(Words.exactly(given, names), (words) => action(words, connection.json))
      )
  ).pipe(Command.withDescription(about.summary))
  const usage = ["[options]", ...names.map((name) => `<${name}>`)].join(" ")
  const prefix = about.path === undefined ? "switchyard cloacina" : `switchyard cloacina ${about.path}`
  const page = Help.page(command, { ...about, usage, examples: about.examples.map((line) => `${prefix} ${line}`) })
  const terms = page.terms.filter(([term]) => term.trimStart().startsWith("-"))
  return { command, page: { ...page, terms: [...words.map(([name, what]) => [`<${name}>`, what] as const), ...terms] } }
}

/** A value in the form of the wire, or whatever a schema makes of it. */
const encoded = <A, I>(schema: Schema.Schema<A, I>) => {
  const encode = Schema.encode(schema)
  return (value: A): Effect.Effect<void, never, Screen.Screen> =>
    Effect.flatMap(Effect.orDie(encode(value)), Screen.json)
}

/**
 * Writes lines.
 *
 * @since 0.1.0
 * @category views
 */
export const lines = (lines: ReadonlyArray<string>): Effect.Effect<void, never, Screen.Screen> =>
  Effect.forEach(lines, Screen.out, { discard: true })

/**
 * A command that has one answer: with `--json` as the wire has it, otherwise as lines.
 *
 * @since 0.1.0
 * @category constructors
 */
export const answer = <Parsed, A, I>(
  about: About,
  options: Options.Options<Parsed>,
  spec: {
    readonly schema: Schema.Schema<A, I>
    readonly ask: (
      words: ReadonlyArray<string>,
      parsed: Parsed
    ) => Effect.Effect<A, LibraryError | Stop, Connection.Plane | Connection.Surroundings>
    readonly lines: (answer: A) => ReadonlyArray<string>
  }
) => {
  const json = encoded(spec.schema)
  return make(
    about,
    options,
    (parsed, words, isJson) =>
      Effect.flatMap(spec.ask(words, parsed), (value) => isJson ? json(value) : lines(spec.lines(value)))
  )
}

/**
 * A column, and what stands in it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Cell<A> extends Column {
  readonly of: (item: A, now: number) => string
}

/**
 * How a list is shown; `nothing` is said on stderr when it is empty.
 *
 * @since 0.1.0
 * @category models
 */
export interface Listing<A, I> {
  readonly schema: Schema.Schema<A, I>
  readonly columns: ReadonlyArray<Cell<A>>
  readonly nothing: string
}

/**
 * Writes a list: with `json` item by item as it comes, otherwise as a table.
 *
 * @since 0.1.0
 * @category views
 */
export const show = <A, I, E, R>(
  { columns, nothing, schema }: Listing<A, I>,
  items: Stream.Stream<A, E, R>,
  json: boolean
): Effect.Effect<void, E, R | Screen.Screen> => {
  if (json) return Stream.runForEach(items, encoded(schema))
  return Effect.gen(function*() {
    const screen = yield* Screen.Screen
    const now = yield* Clock.currentTimeMillis
    const found = Arr.fromIterable(yield* Stream.runCollect(items))
    if (found.length === 0) return yield* screen.err(nothing)
    const rows = found.map((item) => columns.map((column) => column.of(item, now)))
    yield* lines(Table.render(columns, rows, yield* screen.columns))
  })
}

const limit = Options.integer("limit").pipe(
  Options.filterMap((count) => count > 0 ? Option.some(count) : Option.none(), "--limit wants a number above 0"),
  Options.optional,
  Options.withDescription("At most so many. Default: all.")
)

/**
 * A command that lists things, with `--limit`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const list = <Parsed, A, I>(
  about: About,
  options: Options.Options<Parsed>,
  spec: Listing<A, I> & {
    readonly items: (
      words: ReadonlyArray<string>,
      parsed: Parsed
    ) => Stream.Stream<A, LibraryError | Stop, Connection.Plane | Connection.Surroundings>
  }
) =>
  make(about, Options.all({ parsed: options, limit }), ({ limit, parsed }, words, json) => {
    const all = spec.items(words, parsed)
    return show(spec, Option.isNone(limit) ? all : Stream.take(all, limit.value), json)
  })
