/**
 * The `switchyard` command: its parts, and what is common to all of them.
 *
 * @since 0.1.0
 */
import type * as CliApp from "@effect/cli/CliApp"
import * as Command from "@effect/cli/Command"
import * as ValidationError from "@effect/cli/ValidationError"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Cloacina from "./cloacina/Cloacina.js"
import * as Completions from "./core/Completions.js"
import { ExitCode, meanings } from "./core/ExitCode.js"
import type { Stop } from "./core/Failure.js"
import { usage } from "./core/Failure.js"
import { report } from "./core/Handler.js"
import * as Help from "./core/Help.js"
import * as HelpText from "./core/HelpText.js"
import { Host } from "./core/Host.js"
import * as Screen from "./core/Screen.js"
import type { Signals } from "./core/Signals.js"
import * as Words from "./core/Words.js"
import * as Serve from "./serve.js"
import * as Solti from "./solti/Solti.js"

const root = Command.make("switchyard").pipe(Command.withSubcommands([Serve.command, Solti.command, Cloacina.command]))

const page = Help.group({
  name: "switchyard",
  summary: "Control planes from the command line: a client for each, and servers to run them here.",
  examples: [
    "switchyard serve solti --port 8085",
    "switchyard solti run --url http://127.0.0.1:8085 -- sha256sum package.json",
    "switchyard cloacina execute close_month --param region=eu",
    "switchyard cloacina execute --help",
    "source <(switchyard --completions bash)"
  ],
  pages: [Serve.page, Solti.page, Cloacina.page],
  terms: [
    ["-h, --help", "Show the page of a command."],
    ["    --version", "Show the version."],
    [`    --completions ${Completions.shells.join(" | ")}`, "Write a completion script for a shell."],
    ["    --log-level debug | info | warning | error | none", "Least level of the logs on stderr. Default: info."]
  ],
  tables: [
    ["Exit codes", meanings]
  ]
})

/** What the parser has to say: it prints its own errors in several lines, so its error output is not shown. */
const parse = (version: string, args: ReadonlyArray<string>) =>
  Effect.flatMap(
    Effect.console,
    (console) =>
      Command.run(root, { name: page.name, version, executable: page.name })(["node", page.name, ...args]).pipe(
        Effect.withConsole({ ...console, error: () => Effect.void })
      )
  )

const tellCause = (path: string) => (cause: Cause.Cause<Stop | ValidationError.ValidationError>) =>
  Either.match(Cause.failureOrCause(cause), {
    onLeft: (error) => {
      if (!ValidationError.isValidationError(error)) return Effect.succeed(error.code)
      const text = HelpText.paragraphs(error.error).join(" ")
      return Effect.as(Screen.err(`switchyard: ${text} (see ${path} --help)`), ExitCode.usage)
    },
    onRight: (cause) =>
      Screen.err(`switchyard: unexpected: ${Cause.squash(cause)}`).pipe(
        Effect.zipRight(Effect.logDebug(cause)),
        Effect.as(ExitCode.bug)
      )
  })

/** Takes `--name value` or `--name=value` out of the words. */
const takeOption = (
  words: ReadonlyArray<string>,
  name: string
): readonly [string | undefined, ReadonlyArray<string>] => {
  const at = words.findIndex((word) => word === name || word.startsWith(`${name}=`))
  const word = words[at]
  if (word === undefined) return [undefined, words]
  return word === name
    ? [words[at + 1] ?? "", words.filter((_, index) => index !== at && index !== at + 1)]
    : [word.slice(name.length + 1), words.filter((_, index) => index !== at)]
}

const levels = LogLevel.allLevels.map(({ _tag }) => _tag)

const command = (version: string, args: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    const screen = yield* Screen.Screen
    const place = Help.find(page, args)
    const help = Help.render(place.page, place.path, yield* screen.columns)
    if (args.includes("--help") || args.includes("-h")) {
      yield* Effect.forEach(help, screen.out, { discard: true })
      return ExitCode.ok
    }
    if (args.includes("--version")) {
      yield* screen.out(version)
      return ExitCode.ok
    }
    const [shell] = takeOption(args, "--completions")
    if (shell !== undefined) {
      const known = Completions.shells.find((name) => name === shell)
      if (known === undefined) return yield* usage(`--completions wants one of ${Completions.shells.join(", ")}`)
      yield* Effect.forEach(Completions.render(page, known), screen.out, { discard: true })
      return ExitCode.ok
    }
    if (place.stray !== undefined) return yield* usage(`no such command: ${place.stray} (see ${place.path} --help)`)
    if (place.page.pages.length > 0 && args.some((word) => word.startsWith("-"))) {
      return yield* usage(`no command: options stand behind it (see ${place.path} --help)`)
    }
    if (place.page.pages.length > 0) {
      yield* Effect.forEach(help, screen.err, { discard: true })
      return ExitCode.usage
    }
    return yield* parse(version, args).pipe(
      Effect.as(ExitCode.ok),
      Effect.catchAllCause(tellCause(place.path))
    )
  })

/**
 * Runs the command that the host's arguments name, and tells how it went: by its exit code.
 *
 * @since 0.1.0
 * @category running
 */
export const program = (
  version: string
): Effect.Effect<number, never, CliApp.CliApp.Environment | Host | Screen.Screen | Signals> =>
  Effect.gen(function*() {
    const { front } = Words.split((yield* Host).args)
    const [levelName, args] = takeOption(front, "--log-level")
    const level = LogLevel.allLevels.find(({ _tag }) => _tag.toLowerCase() === (levelName ?? "info").toLowerCase())
    if (level === undefined) return yield* usage(`--log-level wants one of ${levels.join(", ").toLowerCase()}`)
    return yield* Logger.withMinimumLogLevel(command(version, args), level)
  }).pipe(
    (self) => report(self, { json: false }),
    Effect.catchTag("Stop", ({ code }) => Effect.succeed(code))
  )
