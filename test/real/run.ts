/**
 * `npm run test:real`, or `npm run test:real -- cloacina` for one plane: builds the real servers with the repository's own
 * files, starts them, and runs the suites `test/real/*.real.ts` (Solti, with the pipeline example) and
 * `test/real/cloacina/*.real.ts` on them. Further arguments go to vitest. What cannot be built here is skipped, with one
 * line that says why.
 *
 * The suite of Cloacina finds its server in `CLOACINA_REAL_URL`, with the god key in `CLOACINA_REAL_KEY` and the folder of
 * the run in `CLOACINA_REAL_RUN`; that of Solti in `SOLTI_REAL_URL` and `SOLTI_REAL_GRPC`, and in `SOLTI_REAL_BINARY` the program, for
 * tests that start one with other settings.
 */
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Command from "@effect/platform/Command"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Runtime from "@effect/platform/Runtime"
import * as Console from "effect/Console"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { join } from "node:path"
import * as RealCloacina from "./cloacina/server.js"
import * as RealServer from "./server.js"

class StepFailed extends Data.TaggedError("StepFailed")<{ readonly step: string; readonly exitCode: number }> {}

const step = (name: string, command: Command.Command) =>
  command.pipe(
    Command.workingDirectory(RealServer.root),
    Command.stdout("inherit"),
    Command.stderr("inherit"),
    Command.exitCode,
    Effect.filterOrFail((exitCode) => exitCode === 0, (exitCode) => new StepFailed({ step: name, exitCode })),
    Effect.zipRight(Console.log(`test:real: ${name} passed`))
  )

const tool = (name: string, ...args: ReadonlyArray<string>) =>
  Command.make(join(RealServer.root, "node_modules", ".bin", name), ...args)

const [first = "", ...others] = process.argv.slice(2)

const isPlane = first === "solti" || first === "cloacina"

/** What vitest gets. */
const rest = isPlane ? others : process.argv.slice(2)

const suite = (plane: string, where: ReadonlyArray<string>, env: Readonly<Record<string, string>>) =>
  step(
    `${plane} suite`,
    tool("vitest", "run", "--config", "test/real/vitest.config.ts", ...where, ...rest).pipe(Command.env(env))
  )

const solti = Effect.gen(function*() {
  const binary = yield* RealServer.build({ release: false })
  const server = yield* RealServer.start(binary)
  yield* Console.log(`test:real: Solti 0.0.2 on ${server.url} (gRPC ${server.grpc}), process ${server.pid}`)

  yield* suite("Solti", ["--exclude", "test/real/cloacina/**"], {
    SOLTI_REAL_URL: server.url,
    SOLTI_REAL_GRPC: server.grpc,
    SOLTI_REAL_BINARY: binary
  })

  const pipeline = join("examples", "pipeline", "main.ts")
  if (yield* (yield* FileSystem.FileSystem).exists(join(RealServer.root, pipeline))) {
    yield* step("pipeline", tool("tsx", pipeline).pipe(Command.env({ SOLTI_URL: server.url })))
  }
}).pipe(
  Effect.scoped,
  Effect.catchTag("NoToolchain", ({ reason }) => Console.log(`test:real: Solti skipped, ${reason}`))
)

const cloacina = Effect.gen(function*() {
  yield* RealCloacina.install
  const server = yield* RealCloacina.start()
  yield* Console.log(`test:real: cloacina-server 0.12.0 on ${server.url}, process ${server.pid}`)
  yield* suite("Cloacina", ["--exclude", "test/real/*.real.ts"], {
    CLOACINA_REAL_URL: server.url,
    CLOACINA_REAL_KEY: server.key,
    CLOACINA_REAL_RUN: server.run
  })
}).pipe(
  Effect.scoped,
  Effect.catchTag("NotInstallable", ({ reason }) => Console.log(`test:real: Cloacina skipped, ${reason}`))
)

const main = !isPlane ? Effect.zipRight(solti, cloacina) : first === "solti" ? solti : cloacina

NodeRuntime.runMain(Effect.provide(main, NodeContext.layer), {
  teardown: (exit, onExit) => Exit.isInterrupted(exit) ? onExit(130) : Runtime.defaultTeardown(exit, onExit)
})
