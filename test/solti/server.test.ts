/** The composed server, as a user of the package gets it; its parts have tests of their own. */
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import { describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { assert } from "vitest"
import { layerHttpClient } from "../../src/node.js"
import * as Solti from "../../src/solti.js"
import * as SoltiServer from "../../src/solti/server.js"

/** The client of the server in the context. */
const layerClient = (options: Partial<Solti.Options> = {}) =>
  Layer.unwrapEffect(Effect.map(SoltiServer.SoltiServer, ({ url }) => Solti.layer({ ...options, url }))).pipe(
    Layer.provide(layerHttpClient())
  )

const sh = (script: string, options: Partial<Solti.ProcessOptions> = {}) =>
  Solti.command("sh", ["-c", script], { slot: "test", timeout: "20 seconds", admission: "queue", ...options })

const run = (spec: Solti.CreateSpec) =>
  Effect.flatMap(Solti.Tasks, (tasks) => Effect.flatMap(tasks.submit(spec), (id) => tasks.await(id)))

describe("the server", () => {
  it.live("runs processes, with the options of all its parts", () =>
    Effect.gen(function*() {
      const tasks = yield* Solti.Tasks
      const first = yield* tasks.submit(sh("echo $GREETING; exit 3", { slot: "a" }))
      const log = yield* Stream.runCollect(tasks.follow(first))
      assert.include(Chunk.toReadonlyArray(log).map(Solti.render), "1 | hello")
      const second = yield* tasks.submit(sh("sleep 20", { slot: "b" }))
      const third = yield* tasks.submit(sh("true", { slot: "c" }))
      const phase = Effect.map(tasks.get(third), Option.map(({ status }) => status.phase))
      assert.deepStrictEqual(yield* phase, Option.some("TASK_STATUS_PENDING" as const))
      yield* tasks.delete(second)
      assert.strictEqual((yield* tasks.await(third)).status, "succeeded")
    }).pipe(
      Effect.provide(layerClient()),
      Effect.provide(SoltiServer.layer({ maxConcurrent: 1, subprocess: { env: { GREETING: "hello" } } }))
    ))

  it.live("asks further runners first", () =>
    Effect.gen(function*() {
      const outcome = yield* run(Solti.wasm("a.wasm", [], { slot: "wasm", timeout: "1 second" }))
      assert.strictEqual(outcome.taskId, "wasm-wasm-1")
      assert.strictEqual(outcome.status, "succeeded")
    }).pipe(
      Effect.provide(layerClient()),
      Effect.provide(SoltiServer.layer({
        runners: [{
          name: "wasm",
          supports: ({ kind }) => "wasm" in kind,
          build: () => Effect.succeed(() => Effect.void)
        }]
      }))
    ))

  it.scopedLive("ends its logs properly when it is released, and leaves no process", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const server = Layer.succeedContext(yield* Layer.buildWithScope(SoltiServer.layer(), scope))
      const tasks = Context.get(yield* Layer.build(Layer.provide(layerClient(), server)), Solti.Tasks)
      const id = yield* tasks.submit(sh("echo $$; sleep 60"))
      const written = yield* Deferred.make<number>()
      const log = yield* Effect.fork(Stream.runCollect(
        Stream.tap(tasks.logs(id, { reconnect: { maxReconnects: 0 } }), (event) =>
          event.type === "chunk" ? Deferred.succeed(written, Number(event.line)) : Effect.void)
      ))
      const pid = yield* Deferred.await(written)
      yield* Scope.close(scope, Exit.void)
      const events = Chunk.toReadonlyArray(yield* Fiber.join(log))
      assert.strictEqual(events.at(-1)?.type, "runFinished")
      assert.throws(() =>
        process.kill(pid, 0), /ESRCH/)
    }))

  it.live("lets in who has the token", () =>
    Effect.gen(function*() {
      const statusOf = (token: string) =>
        Effect.flatMap(SoltiServer.SoltiServer, ({ url }) =>
          Effect.flatMap(HttpClient.HttpClient, (client) =>
            client.execute(HttpClientRequest.get(`${url}/api/v1/tasks`).pipe(HttpClientRequest.bearerToken(token)))))
          .pipe(Effect.map(({ status }) =>
            status
          ))
      assert.strictEqual(yield* statusOf("right"), 200)
      assert.strictEqual(yield* statusOf("wrong"), 401)
    }).pipe(
      Effect.provide(layerHttpClient()),
      Effect.provide(SoltiServer.layer({ token: Redacted.make("right") }))
    ))

  it.scopedLive("does not open itself to the network without one", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(Layer.build(SoltiServer.layer({ host: "0.0.0.0" })))
      assert.strictEqual(error._tag, "UnprotectedBind")
    }))
})

describe("the parts of a server", () => {
  it.live("put a handler of one's own around the supervisor's", () => {
    const guarded = Layer.effect(
      SoltiServer.ApiHandler,
      Effect.map(SoltiServer.ApiHandler, (handler) => ({
        ...handler,
        submitTask: (spec) =>
          spec.slot === "allowed"
            ? handler.submitTask(spec)
            : new SoltiServer.ApiError({ label: "Unavailable", detail: "no room", retryAfterSeconds: 3 })
      }))
    )
    const server = SoltiServer.layerServer().pipe(
      Layer.provide(guarded),
      Layer.provide(SoltiServer.layerHandler),
      Layer.provide(SoltiServer.layerSupervisor())
    )
    return Effect.gen(function*() {
      const error = yield* Effect.flip(run(sh("true")))
      assert.strictEqual(error._tag, "Unavailable")
      assert.strictEqual("retryAfterMs" in error ? error.retryAfterMs : undefined, 3000)
      assert.strictEqual((yield* run(sh("true", { slot: "allowed" }))).status, "succeeded")
    }).pipe(Effect.provide(layerClient()), Effect.provide(server))
  })

  it.scopedLive("refuse limits that this platform does not have", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(
        Layer.build(SoltiServer.layerSupervisor({ subprocess: { sandbox: { security: { noNewPrivileges: true } } } }))
      )
      assert.strictEqual(error._tag, "SandboxRejected")
    }))
})
