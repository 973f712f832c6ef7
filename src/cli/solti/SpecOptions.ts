/**
 * Options that describe a task, for `run` and `submit`.
 *
 * @since 0.1.0
 */
import * as Options from "@effect/cli/Options"
import type * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Struct from "effect/Struct"
import * as Solti from "../../solti.js"
import * as Durations from "../core/Durations.js"
import type { Stop } from "../core/Failure.js"
import { usage } from "../core/Failure.js"
import type { Host } from "../core/Host.js"
import { variable } from "../core/Host.js"
import * as Input from "../core/Input.js"
import * as Words from "../core/Words.js"
import * as SpecFile from "./SpecFile.js"

const described = <A>(option: Options.Options<A>, text: string): Options.Options<Option.Option<A>> =>
  Options.optional(option).pipe(Options.withDescription(text))

/**
 * The options. All may be left out, so that a spec file can stand in their place.
 *
 * @since 0.1.0
 * @category options
 */
export const options = {
  file: described(
    Options.text("file").pipe(Options.withAlias("f"), Options.withPseudoName("spec.json")),
    "The whole spec as JSON, as get --json --show-secrets shows it (- reads stdin). Excludes all other task options."
  ),
  slot: described(
    Options.text("slot"),
    "The lane: one task of a slot runs at a time. 1-64 of A-Z a-z 0-9 . _ -. Default: cli."
  ),
  admission: described(
    Options.choice("admission", ["queue", "replace", "drop-if-running"]),
    "When the slot is busy: wait in line, take the place of the task that runs, or give up. Default: queue."
  ),
  timeout: described(Durations.option("timeout"), "Hard limit of one attempt. Default: 1h."),
  restart: described(
    Options.choice("restart", ["never", "on-failure", "always"]),
    "Whether another attempt follows. The server does not limit how many. Default: never."
  ),
  restartInterval: described(Durations.option("restart-interval"), "Pause behind a success, with --restart always."),
  backoffFirst: described(Durations.option("backoff-first"), "Delay behind the first failure. Default: 1s."),
  backoffMax: described(Durations.option("backoff-max"), "Longest delay behind a failure. Default: 30s."),
  backoffFactor: described(Options.float("backoff-factor"), "Growth of the delay, at least 1. Default: 2."),
  backoffJitter: described(
    Options.choice("backoff-jitter", ["none", "full", "equal", "decorrelated"]),
    "How delays are spread. Default: full."
  ),
  script: described(
    Options.text("script").pipe(Options.withAlias("s"), Options.withPseudoName("file")),
    "Run this script instead of a command (- reads stdin); what stands behind -- are its arguments."
  ),
  runtime: described(
    Options.text("runtime").pipe(Options.withPseudoName("bash | python | node | command")),
    "What interprets the script. Default: by its ending (.sh, .py, .js, .mjs, .cjs), else bash."
  ),
  env: Options.text("env").pipe(
    Options.withAlias("e"),
    Options.withPseudoName("KEY[=VALUE]"),
    Options.repeated,
    Options.withDescription("Extra environment; KEY alone hands on your own value without showing it to other users.")
  ),
  cwd: described(
    Options.text("cwd").pipe(Options.withPseudoName("directory")),
    "Working directory on the server. Default: the server's own."
  ),
  label: Options.text("label").pipe(
    Options.withAlias("l"),
    Options.withPseudoName("KEY=VALUE"),
    Options.repeated,
    Options.withDescription("Metadata that the server gives back.")
  ),
  ignoreExitCode: Options.boolean("ignore-exit-code").pipe(
    Options.withDescription("Count every exit as a success.")
  )
}

/**
 * What stands behind the options.
 *
 * @since 0.1.0
 * @category args
 */
export const words = Words.words(
  "command",
  "The command and its arguments, behind --. The server looks it up in its PATH; no shell is involved."
)

type Parsed = { readonly [K in keyof typeof options]: (typeof options)[K] extends Options.Options<infer A> ? A : never }

const runtimes = { sh: "bash", bash: "bash", py: "python", js: "node", mjs: "node", cjs: "node" } as const

const isEnding = (ending: string): ending is keyof typeof runtimes => Object.hasOwn(runtimes, ending)

const runtimeOf = (given: Option.Option<string>, file: string): Solti.Runtime =>
  Option.match(given, {
    onNone: () => {
      const ending = file.slice(file.lastIndexOf(".") + 1)
      return isEnding(ending) ? runtimes[ending] : "bash"
    },
    onSome: (name) => name === "bash" || name === "python" || name === "node" ? name : { command: name }
  })

const pairOf = (name: string, text: string): Effect.Effect<readonly [string, string], Stop> => {
  const at = text.indexOf("=")
  return at > 0 ? Effect.succeed([text.slice(0, at), text.slice(at + 1)]) : usage(`--${name} wants KEY=VALUE`)
}

const envOf = (text: string): Effect.Effect<readonly [string, string], Stop, Host> =>
  text === "" || text.includes("=")
    ? pairOf("env", text)
    : Effect.flatMap(variable(text), (value) =>
      value === undefined ? usage(`--env ${text}: there is no such variable here`) : Effect.succeed([text, value]))

const restarts = { never: "never", "on-failure": "onFailure", always: "always" } as const

const admissions = { queue: "queue", replace: "replace", "drop-if-running": "dropIfRunning" } as const

const isGiven = (value: unknown): boolean =>
  Option.isOption(value) ? Option.isSome(value) : Array.isArray(value) ? value.length > 0 : value === true

const fromOptions = (
  parsed: Parsed,
  words: ReadonlyArray<string>
): Effect.Effect<Solti.CreateSpec, Stop, FileSystem.FileSystem | Host> =>
  Effect.gen(function*() {
    const given = Option.getOrUndefined
    const settings = {
      slot: given(parsed.slot) ?? "cli",
      admission: admissions[given(parsed.admission) ?? "queue"],
      timeout: given(parsed.timeout) ?? "1 hour",
      restart: restarts[given(parsed.restart) ?? "never"],
      restartInterval: given(parsed.restartInterval),
      backoff: {
        first: given(parsed.backoffFirst),
        max: given(parsed.backoffMax),
        factor: given(parsed.backoffFactor),
        jitter: given(parsed.backoffJitter)
      },
      labels: Object.fromEntries(yield* Effect.forEach(parsed.label, (text) => pairOf("label", text))),
      env: Object.fromEntries(yield* Effect.forEach(parsed.env, envOf)),
      cwd: given(parsed.cwd),
      failOnNonZero: !parsed.ignoreExitCode
    } satisfies Solti.ProcessOptions
    if (Option.isSome(parsed.script)) {
      const file = parsed.script.value
      const text = yield* Input.readText(file)
      return Solti.script(runtimeOf(parsed.runtime, file), text, { ...settings, args: words })
    }
    if (Option.isSome(parsed.runtime)) return yield* usage("--runtime goes with --script")
    const [head, ...rest] = words
    return head === undefined
      ? yield* usage("nothing to run: give a command behind --, a --script or a --file")
      : Solti.command(head, rest, settings)
  })

/**
 * The spec that the command line describes.
 *
 * @since 0.1.0
 * @category conversions
 */
export const read = (
  parsed: Parsed,
  words: ReadonlyArray<string>
): Effect.Effect<Solti.CreateSpec, Stop, FileSystem.FileSystem | Host> => {
  const { file } = parsed
  if (Option.isNone(file)) return fromOptions(parsed, words)
  const { file: _, ...others } = options
  return words.length > 0 || Struct.keys(others).some((name) => isGiven(parsed[name]))
    ? usage("--file is the whole spec: no other task option and no command go with it")
    : SpecFile.read(file.value)
}
