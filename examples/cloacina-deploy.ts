/**
 * Deploys a package and runs its workflow: phases of the deployment, the log of the execution as it grows, and its
 * outcome.
 *
 *     CLOACINA_SERVER_URL=http://127.0.0.1:8080 CLOACINA_API_KEY=… npx tsx examples/cloacina-deploy.ts my.cloacina
 *
 * Without CLOACINA_SERVER_URL it brings an emulator along, and without a file it deploys a small package that comes with
 * the examples.
 */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Cloacina from "effect-switchyard/cloacina"
import { packageFile } from "effect-switchyard/cloacina/node"
import * as CloacinaTesting from "effect-switchyard/cloacina/testing"
import { layerTransport } from "effect-switchyard/node"
import * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { fileURLToPath } from "node:url"

const run = (file: string) =>
  Effect.gen(function*() {
    const workflows = yield* Cloacina.Workflows
    const executions = yield* Cloacina.Executions

    const deployment = yield* workflows.deployPhases(yield* packageFile(file)).pipe(
      Stream.tap((phase) => Console.log(Cloacina.renderPhase(phase))),
      Stream.filterMap((phase) => phase.type === "ready" ? Option.some(phase.deployment) : Option.none()),
      Stream.runHead,
      Effect.flatten
    )
    yield* executions.executeAndFollow(deployment.workflow, {
      context: { region: "eu" },
      waitUntilLoaded: "10 seconds"
    }).pipe(Stream.runForEach((item) => Console.log(Cloacina.render(item))))
  }).pipe(
    Effect.tapErrorTag("BuildFailed", ({ error }) =>
      // What the compiler said, on a terminal: line by line, without what could drive it.
      Effect.forEach(
        Option.getOrElse(error, () => "the compiler said nothing").split("\n"),
        (line) => Console.error(Cloacina.escapeControls(line))
      ))
  )

/** The server that the environment names, else an emulator with a script for the workflow of the package. */
const server = Effect.gen(function*() {
  const named = yield* Config.option(Cloacina.config)
  if (Option.isSome(named)) return named.value
  const emulator = yield* Layer.build(CloacinaTesting.layerServer({
    workflows: [
      CloacinaTesting.workflow("flow_diamond", {
        params: [CloacinaTesting.param("region", "string")],
        tasks: [
          CloacinaTesting.task("prepare"),
          CloacinaTesting.task("left", { after: ["prepare"], takes: "200 millis" }),
          CloacinaTesting.task("right", {
            after: ["prepare"],
            attempts: [CloacinaTesting.fails("RuntimeError: not yet"), CloacinaTesting.succeeds()],
            retry: { delay: "300 millis", jitter: false }
          }),
          CloacinaTesting.task("join", { after: ["left", "right"] })
        ]
      })
    ]
  }))
  const { url } = Context.get(emulator, CloacinaTesting.TestServer)
  const { key } = Context.get(emulator, CloacinaTesting.Emulator)
  return { url, key }
})

run(process.argv[2] ?? fileURLToPath(new URL("flow-diamond.cloacina", import.meta.url))).pipe(
  Effect.provide(Layer.unwrapScoped(Effect.map(server, Cloacina.layer))),
  Effect.provide(Layer.merge(layerTransport(), NodeFileSystem.layer)),
  NodeRuntime.runMain
)
