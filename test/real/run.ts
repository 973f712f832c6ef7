/**
 * `npm run test:real`: builds the real server with the repository's own files, starts it, and runs on it the suite
 * `test/real/*.real.ts` and the pipeline example. Arguments go to vitest. Without a usable cargo it says so and is done.
 *
 * The suite finds the server in `SOLTI_REAL_URL` and `SOLTI_REAL_GRPC`, and in `SOLTI_REAL_BINARY` the program, for
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

const main = Effect.gen(function*() {
  const binary = yield* RealServer.build({ release: false })
  const server = yield* RealServer.start(binary)
  yield* Console.log(`test:real: Solti 0.0.2 on ${server.url} (gRPC ${server.grpc}), process ${server.pid}`)

  yield* step(
    "suite",
    tool("vitest", "run", "--config", "test/real/vitest.config.ts", ...process.argv.slice(2)).pipe(
      Command.env({ SOLTI_REAL_URL: server.url, SOLTI_REAL_GRPC: server.grpc, SOLTI_REAL_BINARY: binary })
    )
  )

  const pipeline = join("examples", "pipeline", "main.ts")
  if (yield* (yield* FileSystem.FileSystem).exists(join(RealServer.root, pipeline))) {
    yield* step("pipeline", tool("tsx", pipeline).pipe(Command.env({ SOLTI_URL: server.url })))
  }
}).pipe(
  Effect.scoped,
  Effect.catchTag("NoToolchain", ({ reason }) => Console.log(`test:real: skipped, ${reason}`))
)

NodeRuntime.runMain(Effect.provide(main, NodeContext.layer), {
  teardown: (exit, onExit) => Exit.isInterrupted(exit) ? onExit(130) : Runtime.defaultTeardown(exit, onExit)
})
