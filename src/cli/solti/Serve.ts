/**
 * `switchyard serve solti`
 *
 * @since 0.1.0
 */
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
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
import * as Grpc from "./Grpc.js"

const options = {
  host: Listen.host("Anything but loopback needs a token or --allow-unauthenticated."),
  port: Listen.port,
  ...Grpc.serverOptions,
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

/** Serves the handler in the context over gRPC, until the scope closes. */
const serveGrpc = (parsed: Grpc.TlsOptions, options: SoltiServer.ServerOptions) =>
  Effect.gen(function*() {
    const { GrpcServer, config, layer } = yield* Grpc.server
    const { tls } = yield* Grpc.settings(config, parsed)
    const context = yield* Effect.catchTag(
      Layer.build(layer({ ...options, allowPlaintext: parsed.allowPlaintext, tls })),
      "ListenError",
      ({ message }) => new Stop({ code: ExitCode.failed, message: `gRPC: ${message}` })
    )
    return Context.get(context, GrpcServer)
  })

const serve = (parsed: Command.Command.ParseConfig<typeof options>) =>
  Effect.gen(function*() {
    const token = yield* Token.read(parsed.tokenFile, "SOLTI_TOKEN")
    const isGrpc = Option.isSome(parsed.grpcPort)
    if (!isGrpc) yield* Grpc.refuse(parsed, "--grpc-port")
    const common = {
      host: parsed.host,
      token: Option.getOrUndefined(token),
      allowUnauthenticated: parsed.allowUnauthenticated
    }
    const server = SoltiServer.layer({
      ...common,
      port: parsed.port,
      maxConcurrent: parsed.maxConcurrent,
      ...(Option.isSome(parsed.grace) ? { grace: parsed.grace.value } : {})
    })
    const listen = Effect.gen(function*() {
      const { url } = yield* SoltiServer.SoltiServer
      const grpc = Option.isSome(parsed.grpcPort)
        ? yield* serveGrpc(parsed, { ...common, port: parsed.grpcPort.value })
        : undefined
      yield* Screen.json({
        plane: "solti",
        url,
        ...(grpc === undefined ? {} : { grpc: grpc.authority }),
        auth: Option.isSome(token),
        pid: (yield* Host).pid
      })
      yield* Effect.logInfo(`solti listens on ${url}${grpc === undefined ? "" : `, for gRPC on ${grpc.url}`}`)
      return yield* Effect.never
    })
    yield* Effect.provide(Effect.scoped(listen), server).pipe(
      Effect.catchTag("ListenError", ({ message }) =>
        new Stop({ code: ExitCode.failed, message: isGrpc ? `HTTP: ${message}` : message }))
    )
  })

/**
 * @since 0.1.0
 * @category commands
 */
export const command = Command.make("solti", options, (parsed) =>
  report(
    serve(parsed).pipe(
      untilSignal,
      Effect.catchTags({
        InvalidTls: (error) => usage(error.message),
        PlaintextBind: ({ host }) =>
          usage(`refusing to listen on ${host} for gRPC without TLS (--tls-cert and --tls-key, --allow-plaintext)`),
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
    "The first line on stdout is one JSON object, written when the server accepts connections: plane, url, grpc (where it " +
    "is served, as host:port), auth, pid. Logs go to stderr. SIGINT and SIGTERM stop it: no new tasks, all attempts are " +
    "killed with their process groups, open logs end, exit 0. A second signal ends it at once.",
    "With --grpc-port the same tasks are served over gRPC, on the same host and with the same token. TLS is for gRPC only; " +
    "beyond loopback gRPC needs it, or --allow-plaintext.",
    "The token is never shown, and tasks inherit neither SOLTI_TOKEN nor SOLTI_TLS_KEY. Processes of the same user can " +
    "read the environment of the server, though: --token-file and --tls-key keep secrets out of there."
  ],
  examples: [
    "switchyard serve solti --port 8085 --grpc-port 50052",
    "switchyard serve solti --host 0.0.0.0 --port 8085 --token-file /etc/solti/token --max-concurrent 8",
    "switchyard serve solti --grpc-port 50052 --tls-cert server.pem --tls-key server.key --tls-client-ca clients.pem"
  ]
})
