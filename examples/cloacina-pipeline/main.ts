/**
 * Deploys a workflow package, runs its workflow, and shows it live: the phases of the deployment, the log, and how the
 * tasks stand.
 *
 *     npm start -- --plane cloacina                                        a small package that comes with the examples
 *     npm start -- --plane cloacina my.cloacina --context '{"day": 3}'     your own, and what its workflow is given
 *
 * It starts an emulator for it in this process, unless CLOACINA_SERVER_URL says where a server is (CLOACINA_API_KEY: how
 * to get in; CLOACINA_TENANT: whose workflow it is, default `public`).
 * It exits with 0 when the execution completed, with 1 when it did not, or could not be started, with 2 when the arguments
 * or the file are wrong, and with 130 when it was interrupted; an execution on a server then goes on.
 */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeTerminal from "@effect/platform-node/NodeTerminal"
import * as Cloacina from "effect-switchyard/cloacina"
import { packageFile } from "effect-switchyard/cloacina/node"
import * as CloacinaTesting from "effect-switchyard/cloacina/testing"
import { layerTransport } from "effect-switchyard/node"
import * as Cause from "effect/Cause"
import * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { run } from "./Run.js"
import * as Summary from "./Summary.js"
import { View } from "./View.js"

class BadArguments extends Data.TaggedError("BadArguments")<{ readonly message: string }> {}

const decodeContext = Schema.decodeUnknown(
  Schema.parseJson(Schema.Record({ key: Schema.String, value: Schema.Unknown }))
)

const readArguments = Effect.gen(function*() {
  const { positionals, values } = yield* Effect.try({
    try: () => parseArgs({ allowPositionals: true, options: { context: { type: "string" } } }),
    catch: (error) => new BadArguments({ message: error instanceof Error ? error.message : String(error) })
  })
  const [file, second] = positionals
  if (second !== undefined) return yield* new BadArguments({ message: `one package at a time, not ${second} as well` })
  const context = yield* Effect.mapError(
    decodeContext(values.context ?? (file === undefined ? `{ "region": "eu" }` : "{}")),
    () => new BadArguments({ message: "--context has to be a JSON object" })
  )
  return { context, file: file ?? fileURLToPath(new URL("../flow-diamond.cloacina", import.meta.url)) }
})

const { fails, param, succeeds, task, workflow } = CloacinaTesting

/** What the package of the examples does on the emulator. Others do what the emulator can read from their source. */
const flowDiamond = workflow("flow_diamond", {
  params: [param("region", "string"), param("batch_size", "integer", { default: 500 })],
  tasks: [
    task("prepare", { takes: "700 millis" }),
    task("left", { after: ["prepare"], takes: "1500 millis" }),
    task("right", {
      after: ["prepare"],
      takes: "500 millis",
      attempts: [fails("RuntimeError: the source is busy"), succeeds()],
      retry: { delay: "800 millis", jitter: false }
    }),
    task("join", { after: ["left", "right"], takes: "400 millis" })
  ]
})

/** The server that the environment names, else an emulator of our own. */
const server = Effect.gen(function*() {
  const named = yield* Config.option(Cloacina.config)
  if (Option.isSome(named)) return named.value
  const emulator = yield* Layer.build(CloacinaTesting.layerServer({ tenants: ["demo"], workflows: [flowDiamond] }))
  const { url } = Context.get(emulator, CloacinaTesting.TestServer)
  const { key } = Context.get(emulator, CloacinaTesting.Emulator)
  return { url, key, tenant: "demo" }
})

const cloacina = Layer.unwrapScoped(Effect.map(server, Cloacina.layer)).pipe(Layer.provide(layerTransport()))

const pipeline = Effect.gen(function*() {
  const { context, file } = yield* readArguments
  const source = yield* packageFile(file)
  const result = yield* Effect.gen(function*() {
    const { baseUrl, tenant } = yield* Cloacina.Client
    yield* Console.log(`${file} on ${baseUrl}, tenant ${tenant}`)
    return yield* Effect.provide(run(source, context), View.layer)
  }).pipe(Effect.provide(cloacina))
  yield* Effect.forEach(["", ...Summary.render(result)], (line) => Console.log(line), { discard: true })
  return Cloacina.isCompleted(result.outcome) ? 0 : 1
}).pipe(
  Effect.catchTag(
    "BadArguments",
    "PackageUnreadable",
    ({ message }) => Effect.as(Console.error(`pipeline: ${message}`), 2)
  ),
  Effect.catchTag("BuildFailed", ({ error, message }) => {
    const output = Option.match(error, { onNone: () => [], onSome: (text) => text.split("\n") })
    const lines = [`pipeline: ${message}`, ...output.map(Cloacina.escapeControls)]
    return Effect.as(Effect.forEach(lines, (line) => Console.error(line), { discard: true }), 1)
  }),
  Effect.catchAll((error) =>
    Effect.as(
      Console.error(`pipeline: ${"message" in error ? error.message : error}`),
      error._tag === "InvalidInput" && error.code === "upload_failed" ? 2 : 1
    )
  ),
  Effect.provide(Layer.merge(NodeFileSystem.layer, NodeTerminal.layer))
)

// npm hands on the Ctrl-C that the terminal has sent already: the second one must not cut the clean-up short.
process.on("SIGINT", () => {})

NodeRuntime.runMain(pipeline, {
  disableErrorReporting: true,
  teardown: (exit, onExit) =>
    onExit(Exit.isFailure(exit) ? Cause.isInterrupted(exit.cause) ? 130 : 70 : Number(exit.value))
})
