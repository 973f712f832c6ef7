/** The emulator on a socket, asked by clients that know nothing of it. */
import { describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { execFile } from "node:child_process"
import { assert } from "vitest"
import { layerHttpClient } from "../../../src/node.js"
import * as Solti from "../../../src/solti.js"
import * as SoltiTesting from "../../../src/solti/testing.js"
import { command, run, transcript } from "./support/programs.js"

const { hangs, otherwise, succeeds } = SoltiTesting

/** An independent client: status and body, one after the other. */
const curl = (...args: ReadonlyArray<string>) =>
  Effect.async<string>((resume) => {
    execFile("curl", ["-sS", "-w", " %{http_code}", ...args], (error, stdout, stderr) =>
      resume(Effect.succeed(error === null ? stdout : stderr)))
  })

/** The plane's client over the server of the context, on real sockets. */
const client = Layer.unwrapEffect(Effect.map(SoltiTesting.TestServer, ({ url }) => Solti.layer({ url }))).pipe(
  Layer.provide(layerHttpClient())
)

const served = (options: Parameters<typeof SoltiTesting.layerServer>[0]) =>
  Layer.provideMerge(client, SoltiTesting.layerServer(options))

describe("the emulator on a socket", () => {
  it.live("plays its scripts to any client", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* transcript(command("make")), [
        "submitted default-make-1",
        "1 > started",
        "1 | one",
        "1 | two",
        "1 < finished",
        "= succeeded after 1 attempt"
      ])
      const { url } = yield* SoltiTesting.TestServer
      assert.match(yield* curl(`${url}/api/v1/tasks/default-make-1`), /"phase":"TASK_STATUS_SUCCEEDED".* 200$/)
      assert.strictEqual(yield* curl("-X", "DELETE", `${url}/api/v1/tasks/default-make-1`), " 204")
      assert.strictEqual(yield* curl(`${url}/api/v1/tasks/default-make-1`), "{} 200")
    }).pipe(Effect.provide(served({
      scripts: [otherwise(succeeds(["one", SoltiTesting.stdout("two", { after: "20 millis" })]))]
    }))))

  it.live("has the faults that a test injects", () =>
    Effect.gen(function*() {
      const faults = yield* SoltiTesting.Faults
      const { url } = yield* SoltiTesting.TestServer
      yield* faults.inject({ on: "list", fault: SoltiTesting.Fault.hangUp() })
      assert.match(yield* curl(`${url}/api/v1/tasks`), /Empty reply from server/)
      yield* faults.inject({ on: "list", fault: SoltiTesting.Fault.cut({ bytes: 4 }) })
      assert.match(yield* curl(`${url}/api/v1/tasks`), /transfer closed|outstanding read data/)
      yield* faults.inject({ on: "list", fault: SoltiTesting.refuse("Unavailable") })
      assert.strictEqual(
        yield* curl(`${url}/api/v1/tasks`),
        "{\"error\":\"Unavailable\",\"message\":\"injected by a test\"} 503"
      )
      yield* (yield* SoltiTesting.Recorder).expect([
        "GET /api/v1/tasks -",
        "GET /api/v1/tasks 200",
        "GET /api/v1/tasks 503"
      ])
    }).pipe(Effect.provide(SoltiTesting.layerServer())))

  it.live("shows the quirks of the published server", () =>
    Effect.gen(function*() {
      const outcome = yield* run(command("x"))
      const tasks = yield* Solti.Tasks
      assert.strictEqual(outcome.status, "succeeded")
      assert.strictEqual((yield* tasks.get(outcome.taskId))._tag, "None")
      const { url } = yield* SoltiTesting.TestServer
      assert.match(yield* curl(`${url}/api/v1/tasks/solti-state-sweep`), /embedded tasks .* 400$/)
    }).pipe(Effect.provide(served({ mode: "strict-0.0.2" }))))

  for (const [mode, end] of [["intended", "proper"], ["strict-0.0.2", "broken"]] as const) {
    it.scopedLive(`ends open logs when it is released: ${mode}, ${end}`, () =>
      Effect.gen(function*() {
        const scope = yield* Scope.make()
        const server = SoltiTesting.layerServer({ mode, scripts: [otherwise(hangs(["up"]))] })
        const running = Layer.succeedContext(yield* Layer.buildWithScope(server, scope))
        const tasks = Context.get(yield* Layer.build(Layer.provide(client, running)), Solti.Tasks)
        const id = yield* tasks.submit(command("x"))
        const log = yield* Effect.fork(Stream.runCollect(tasks.logs(id, { reconnect: { maxReconnects: 0 } })))
        yield* Effect.sleep("100 millis")
        yield* Scope.close(scope, Exit.void)
        const exit = yield* Fiber.await(log)
        assert.strictEqual(Exit.isSuccess(exit) ? "proper" : "broken", end)
        if (Exit.isSuccess(exit)) assert.strictEqual(Chunk.toReadonlyArray(exit.value).at(-1)?.type, "runFinished")
      }))
  }
})
