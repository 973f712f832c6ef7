/**
 * Runs the jobs of a file, follows their logs, and says how they ended.
 *
 *     npm start                     the jobs of jobs.yaml
 *     npm start -- my-jobs.yaml     your own, in YAML or JSON as jobs.schema.json describes them
 *
 * It starts a server for them in this process, unless SOLTI_URL says where one is (SOLTI_TOKEN: how to get in).
 * It exits with 0 when all jobs ended as the file expects, with 1 when one did not, with 2 when the file is wrong, and with
 * 130 when it was interrupted, once what was running has been stopped.
 */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeTerminal from "@effect/platform-node/NodeTerminal"
import * as FileSystem from "@effect/platform/FileSystem"
import { layerHttpClient } from "effect-switchyard/node"
import * as Solti from "effect-switchyard/solti"
import * as SoltiServer from "effect-switchyard/solti/server"
import * as Cause from "effect/Cause"
import * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { fileURLToPath } from "node:url"
import * as JobFile from "./JobFile.js"
import { specOf } from "./Jobs.js"
import { Progress } from "./Progress.js"
import { isExpected, run } from "./Run.js"
import * as Summary from "./Summary.js"

/** The server that the environment names, else one of our own. */
const server = Effect.gen(function*() {
  const named = yield* Config.option(Solti.config)
  if (Option.isSome(named)) return named.value
  const { url } = Context.get(yield* Layer.build(SoltiServer.layer()), SoltiServer.SoltiServer)
  return { url }
})

const tasks = Layer.unwrapScoped(Effect.map(server, Solti.layer)).pipe(Layer.provide(layerHttpClient()))

const pipeline = (file: string) =>
  Effect.gen(function*() {
    const { directory, jobs } = yield* JobFile.read(file)
    const files = yield* FileSystem.FileSystem
    const env = { PIPELINE_TMP: yield* files.makeTempDirectoryScoped({ prefix: "pipeline-" }) }
    const results = yield* Effect.gen(function*() {
      const { baseUrl } = yield* Solti.Client
      yield* Console.log(`${jobs.length === 1 ? "1 job" : `${jobs.length} jobs`} of ${file} on ${baseUrl}`)
      // A server that is not there is said once, not once a job.
      yield* Effect.flatMap(Solti.Tasks, (tasks) => tasks.list({ limit: 1 }))
      return yield* Effect.provide(run(jobs, (job) => specOf(job, { directory, env })), Progress.layer(jobs))
    }).pipe(Effect.provide(tasks))
    yield* Effect.forEach(["", ...Summary.render(results)], (line) => Console.log(line), { discard: true })
    return results.every(isExpected) ? 0 : 1
  }).pipe(
    Effect.scoped,
    Effect.catchTag("BadJobFile", ({ message }) => Effect.as(Console.error(message), 2)),
    Effect.catchAll((error) => Effect.as(Console.error(`pipeline: ${"message" in error ? error.message : error}`), 1)),
    Effect.provide(Layer.merge(NodeFileSystem.layer, NodeTerminal.layer))
  )

// npm hands on the Ctrl-C that the terminal has sent already: the second one must not cut the clean-up short.
process.on("SIGINT", () => {})

NodeRuntime.runMain(pipeline(process.argv[2] ?? fileURLToPath(new URL("jobs.yaml", import.meta.url))), {
  disableErrorReporting: true,
  teardown: (exit, onExit) =>
    onExit(Exit.isFailure(exit) ? Cause.isInterrupted(exit.cause) ? 130 : 70 : Number(exit.value))
})
