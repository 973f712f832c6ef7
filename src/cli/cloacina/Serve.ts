/**
 * `switchyard serve cloacina`
 *
 * @since 0.1.0
 */
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import type * as FileSystem from "@effect/platform/FileSystem"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as JSONSchema from "effect/JSONSchema"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as CloacinaTesting from "../../cloacina/testing.js"
import { Refusal } from "../../testing/cloacina/Handler.js"
import { InvalidEmulatorOptions } from "../../testing/cloacina/internal/Check.js"
import { ExitCode } from "../core/ExitCode.js"
import { Stop, usage } from "../core/Failure.js"
import { report } from "../core/Handler.js"
import * as Help from "../core/Help.js"
import { Host } from "../core/Host.js"
import * as Input from "../core/Input.js"
import * as Listen from "../core/Listen.js"
import * as Screen from "../core/Screen.js"
import { untilSignal } from "../core/Signals.js"

const options = {
  host: Listen.host("The key of the first line is all that protects it."),
  port: Listen.port,
  key: Options.text("key").pipe(
    Options.optional,
    Options.withDescription("The god key, any text. Default: that of the seed, else one is made up.")
  ),
  keyFile: Options.text("key-file").pipe(
    Options.withPseudoName("file"),
    Options.optional,
    Options.withDescription("A file with the god key, white space around it left out.")
  ),
  seed: Options.text("seed").pipe(
    Options.withPseudoName("file.json"),
    Options.optional,
    Options.withDescription(
      "What the server has from the start: tenants, keys, workflows and what they do, … (- reads stdin)."
    )
  ),
  mode: Options.choice("mode", ["faithful", "documented"]).pipe(
    Options.optional,
    Options.withDescription(
      "faithful, the default: real executions push no events, as in server 0.12.0. documented: they do, as its docs say."
    )
  ),
  corsOrigin: Options.text("cors-origin").pipe(
    Options.withPseudoName("origin"),
    Options.repeated,
    Options.withDescription("An origin whose pages may call: http://localhost:5173, or *. Can be given several times.")
  ),
  printSeedSchema: Options.boolean("print-seed-schema").pipe(
    Options.withDescription("Write the JSON schema of seed files, and serve nothing.")
  )
}

const readSeed = (
  file: string
): Effect.Effect<CloacinaTesting.Options, Stop, FileSystem.FileSystem | Host> =>
  Effect.gen(function*() {
    const json = yield* Input.json(yield* Input.readText(file), file)
    return yield* Either.mapLeft(
      CloacinaTesting.decodeSeed(json),
      ({ faults }) => usage(`${file}: ${faults.join("; ")}`)
    )
  })

/** What the emulator refuses: an execution of the seed, or what the seed and the command line say together. */
const refusedSeed = (file: Option.Option<string>, defect: unknown): Option.Option<Stop> =>
  Option.flatMap(
    file,
    (file) =>
      defect instanceof Refusal
        ? Option.some(usage(`${file}: ${defect.message}`))
        : defect instanceof InvalidEmulatorOptions
        ? Option.some(usage(`${file}: ${defect.faults.join("; ")}`))
        : Option.none()
  )

/** The key of the command line; white space is part of it in `--key` only. */
const readKey = (
  parsed: { readonly key: Option.Option<string>; readonly keyFile: Option.Option<string> }
): Effect.Effect<Redacted.Redacted | undefined, Stop, FileSystem.FileSystem | Host> =>
  Effect.gen(function*() {
    if (Option.isSome(parsed.key) && Option.isSome(parsed.keyFile)) return yield* usage("--key or --key-file, not both")
    const key = Option.isSome(parsed.keyFile)
      ? (yield* Input.readText(parsed.keyFile.value)).trim()
      : Option.getOrUndefined(parsed.key)
    return key === "" ? yield* usage("the key is empty") : key === undefined ? undefined : Redacted.make(key)
  })

const summary = "Serves an emulator of cloacina-server 0.12.0: everything in memory, workflows do what a seed says."

/**
 * @since 0.1.0
 * @category commands
 */
export const command = Command.make("cloacina", options, (parsed) =>
  report(
    Effect.gen(function*() {
      if (parsed.printSeedSchema) return yield* Screen.json(JSONSchema.make(CloacinaTesting.Seed))
      const seed = Option.isNone(parsed.seed) ? {} : yield* readSeed(parsed.seed.value)
      const key = yield* readKey(parsed)
      const server = CloacinaTesting.layerServer({
        ...seed,
        ...(key === undefined ? {} : { key }),
        ...(Option.isNone(parsed.mode) ? {} : { mode: parsed.mode.value }),
        ...(parsed.corsOrigin.length === 0 ? {} : { cors: { origins: parsed.corsOrigin } }),
        host: parsed.host,
        port: parsed.port
      })
      const parts = yield* Effect.catchSomeDefect(Layer.build(server), (defect) => refusedSeed(parsed.seed, defect))
      const { url } = Context.get(parts, CloacinaTesting.TestServer)
      const { pid } = yield* Host
      yield* Screen.json({
        plane: "cloacina",
        url,
        auth: true,
        key: Redacted.value(Context.get(parts, CloacinaTesting.Emulator).key),
        pid
      })
      yield* Effect.logInfo(`the emulator of cloacina listens on ${url}`)
      return yield* Effect.never
    }).pipe(
      Effect.scoped,
      untilSignal,
      Effect.catchTag("ListenError", (error) => new Stop({ code: ExitCode.failed, message: error.message }))
    ),
    { json: false }
  )).pipe(Command.withDescription(summary))

/**
 * @since 0.1.0
 * @category help
 */
export const page: Help.Page = Help.page(command, {
  name: "cloacina",
  summary,
  usage: "[options]",
  text: [
    "The first line on stdout is one JSON object, written when the server accepts connections: plane, url, auth, key, " +
    "pid. Logs go to stderr. SIGINT and SIGTERM stop it: sockets are cut, exit 0. A second signal ends it at once. " +
    "Nothing outlives it.",
    "Tasks of an uploaded workflow succeed, unless a workflow of its name in the seed says what they do. The members of " +
    "a seed file are described in docs/command-line.md; --print-seed-schema writes its JSON schema, for editors and " +
    "checks."
  ],
  examples: [
    "switchyard serve cloacina --port 8080 --key local-key",
    "switchyard serve cloacina --seed seed.json --cors-origin http://localhost:5173",
    "switchyard serve cloacina --print-seed-schema > seed.schema.json"
  ]
})
