/**
 * `switchyard serve solti`
 *
 * @since 0.1.0
 */
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as SoltiServer from "../../solti/server.js"
import * as Durations from "../core/Durations.js"
import { ExitCode } from "../core/ExitCode.js"
import { Stop, usage } from "../core/Failure.js"
import { report } from "../core/Handler.js"
import * as Help from "../core/Help.js"
import { Host } from "../core/Host.js"
import * as Listen from "../core/Listen.js"
import * as Screen from "../core/Screen.js"
import { untilSignal } from "../core/Signals.js"
import * as Token from "../core/Token.js"

const options = {
  host: Listen.host("Anything but loopback needs a token or --allow-unauthenticated."),
  port: Listen.port,
  tokenFile: Options.text("token-file").pipe(
    Options.withPseudoName("file"),
    Options.optional,
    Options.withDescription(
      "A file with the token that clients have to send. Default: SOLTI_TOKEN, else none is asked for."
    )
  ),
  allowUnauthenticated: Options.boolean("allow-unauthenticated").pipe(
    Options.withDescription("Listen beyond loopback without a token: whoever reaches the port runs commands as you.")
  ),
  maxConcurrent: Listen.natural("max-concurrent").pipe(
    Options.withDefault(0),
    Options.withDescription("Attempts at a time, over all slots; 0, the default, does not limit them.")
  ),
  grace: Durations.option("grace").pipe(
    Options.optional,
    Options.withDescription("How long a delete and the end of the server wait for a task to die. Default: 60s.")
  )
}

const summary =
  "Serves the Solti task API: runs what clients submit, as processes of this machine and as the user you are."

/**
 * @since 0.1.0
 * @category commands
 */
export const command = Command.make("solti", options, (parsed) =>
  report(
    Effect.gen(function*() {
      const token = yield* Token.read(parsed.tokenFile, "SOLTI_TOKEN")
      const server = SoltiServer.layer({
        host: parsed.host,
        port: parsed.port,
        token: Option.getOrUndefined(token),
        allowUnauthenticated: parsed.allowUnauthenticated,
        maxConcurrent: parsed.maxConcurrent,
        ...(Option.isSome(parsed.grace) ? { grace: parsed.grace.value } : {})
      })
      const listen = Effect.gen(function*() {
        const { url } = yield* SoltiServer.SoltiServer
        yield* Screen.json({ plane: "solti", url, auth: Option.isSome(token), pid: (yield* Host).pid })
        yield* Effect.logInfo(`solti listens on ${url}`)
        return yield* Effect.never
      })
      yield* Effect.provide(listen, server)
    }).pipe(
      untilSignal,
      Effect.catchTags({
        ListenError: (error) => new Stop({ code: ExitCode.failed, message: error.message }),
        SandboxRejected: (error) => usage(error.message),
        UnprotectedBind: (error) => usage(`${error.message} (--token-file, --allow-unauthenticated)`)
      })
    ),
    { json: false }
  )).pipe(Command.withDescription(summary))

/**
 * @since 0.1.0
 * @category help
 */
export const page: Help.Page = Help.page(command, {
  name: "solti",
  summary,
  usage: "[options]",
  text: [
    "The first line on stdout is one JSON object, written when the server accepts connections: plane, url, auth, pid. " +
    "Logs go to stderr. SIGINT and SIGTERM stop it: no new tasks, all attempts are killed with their process groups, " +
    "open logs end, exit 0. A second signal ends it at once.",
    "The token is never shown, and tasks do not inherit SOLTI_TOKEN. Processes of the same user can read the " +
    "environment of the server, though: --token-file keeps it out of there."
  ],
  examples: [
    "switchyard serve solti --port 8085",
    "switchyard serve solti --host 0.0.0.0 --port 8085 --token-file /etc/solti/token --max-concurrent 8"
  ]
})
