/** The emulator over gRPC, beyond its answers: what it records, its token, its modes, its end. */
import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { CallOptions } from "../../../src/core.js"
import { ApiError, ApiHandler } from "../../../src/server/solti/ApiHandler.js"
import * as Solti from "../../../src/solti.js"
import * as SoltiGrpc from "../../../src/solti/grpc.js"
import * as SoltiGrpcTesting from "../../../src/solti/grpc/testing.js"
import * as SoltiTesting from "../../../src/solti/testing.js"
import * as GrpcEmulator from "../../../src/testing/solti/GrpcEmulator.js"
import * as GrpcCall from "../../server/core/GrpcCall.js"
import * as Http2Client from "../../server/core/Http2Client.js"
import { command, run, transcript } from "./support/programs.js"

const { hangs, otherwise, succeeds } = SoltiTesting

const token = Redacted.make("s3cr3t-t0ken")

const connected = (options: Omit<SoltiGrpc.Options, "url"> = {}) =>
  Layer.unwrapEffect(
    Effect.map(SoltiTesting.TestServer, ({ url }) => Layer.orDie(SoltiGrpc.layer({ url, ...options })))
  )

describe("what was sent", () => {
  it.effect("is recorded, call by call", () =>
    Effect.gen(function*() {
      const tasks = yield* Solti.Tasks
      const recorder = yield* SoltiTesting.Recorder
      const id = yield* tasks.submit(command("x"))
      yield* Stream.runDrain(tasks.logs(id))
      yield* tasks.get(id)
      yield* tasks.list()
      yield* tasks.runs(id)
      yield* tasks.delete(id)
      yield* recorder.expect(
        ["SubmitTask", "StreamTaskLogs", "GetTaskStatus", "ListTasks", "ListTaskRuns", "DeleteTask"].map((method) =>
          `POST /solti.v1.SoltiApi/${method} 200`
        )
      )
      // What is no HTTP status is in the trailers: every gRPC answer is 200 to the recorder.
      yield* recorder.clear
      assert.strictEqual((yield* Effect.flip(Stream.runDrain(tasks.logs("gone"))))._tag, "TaskNotFound")
      yield* recorder.expect(["POST /solti.v1.SoltiApi/* 200"])
    }).pipe(Effect.provide(SoltiGrpcTesting.layer({ scripts: [otherwise(succeeds([], { takes: "1 second" }))] }))))

  const secrets = Effect.gen(function*() {
    const tasks = yield* Solti.Tasks
    const recorder = yield* SoltiTesting.Recorder
    yield* tasks.list().pipe(
      CallOptions.withOptions({ headers: { "x-api-key": Redacted.make("k3y"), "x-tenant": "north" } })
    )
    yield* tasks.submit(command("x", { env: { PASSWORD: "hunter2" } }))
    const requests = yield* recorder.requests
    const listed = requests.find(({ path }) => path.endsWith("/ListTasks"))
    assert.deepInclude(listed?.headers, {
      authorization: "<redacted>",
      "x-api-key": "<redacted>",
      "x-tenant": "north",
      "content-type": "application/grpc+proto",
      "grpc-timeout": "10000m"
    })
    const shown = JSON.stringify(requests) + String(requests) + (yield* recorder.lines).join()
    for (const secret of [Redacted.value(token), "k3y", "hunter2"]) assert.notInclude(shown, secret)
    // Who asks for it sees it.
    const submitted = requests.find(({ path }) => path.endsWith("/SubmitTask"))
    assert.include(submitted === undefined ? "" : Redacted.value(submitted.body), "hunter2")
  })

  it.effect("is shown without credentials, in memory", () =>
    secrets.pipe(Effect.provide(SoltiGrpcTesting.layer({ token }))))

  it.live("is shown without credentials, on a socket", () =>
    secrets.pipe(Effect.provide(Layer.provideMerge(connected({ token }), SoltiGrpcTesting.layerServer({ token })))))
})

describe("a token", () => {
  const path = "/solti.task.v1.TaskService/ListTasks"

  it.effect("is asked for ahead of anything else", () =>
    Effect.gen(function*() {
      const front = yield* GrpcEmulator.makeFront({ mode: "0.0.3", token })
      const codeOf = (target: string, authorization?: string) =>
        Effect.map(
          GrpcCall.call(front, target, new Uint8Array(), authorization === undefined ? {} : { authorization }),
          ({ code, detail }) => [code, detail]
        )
      const refused = [16, "missing or invalid bearer token"]
      assert.deepStrictEqual(yield* codeOf(path), refused)
      assert.deepStrictEqual(yield* codeOf("/no.Service/Nothing"), refused)
      assert.deepStrictEqual(yield* codeOf(path, "Bearer other"), refused)
      assert.deepStrictEqual(yield* codeOf(path, `Basic ${Redacted.value(token)}`), refused)
      assert.deepStrictEqual(yield* codeOf(path, `Bearer ${Redacted.value(token)}`), [0, ""])
      assert.deepStrictEqual(yield* codeOf(path, `bearer ${Redacted.value(token)}`), [0, ""])
      assert.deepStrictEqual(yield* codeOf("/no.Service/Nothing", `Bearer ${Redacted.value(token)}`), [12, ""])
    }).pipe(Effect.provide(SoltiGrpcTesting.layer({ mode: "0.0.3", token }))))

  for (const mode of ["intended", "strict-0.0.2", "0.0.3"] as const) {
    it.effect(`is brought by the client that comes with the emulator: ${mode}`, () =>
      Effect.gen(function*() {
        assert.strictEqual((yield* run(command("x"))).status, "succeeded")
      }).pipe(Effect.provide(SoltiGrpcTesting.layer({ mode, token }))))
  }

  it.live("that is missing or wrong lets nobody in", () =>
    Effect.gen(function*() {
      for (const options of [{}, { token: Redacted.make("other") }]) {
        const refused = yield* Effect.flip(
          Effect.flatMap(Solti.Tasks, (tasks) => tasks.version()).pipe(Effect.provide(connected(options)))
        )
        assert.strictEqual(refused._tag, "Unauthorized")
      }
      const version = Effect.flatMap(Solti.Tasks, (tasks) => tasks.version())
      assert.strictEqual(yield* Effect.provide(version, connected({ token })), "0.0.3")
    }).pipe(Effect.provide(SoltiGrpcTesting.layerServer({ mode: "0.0.3", token }))))
})

describe("modes", () => {
  const tooLarge = (mode: SoltiTesting.Mode, code: number) =>
    Effect.gen(function*() {
      const front = yield* GrpcEmulator.makeFront({ mode })
      const service = mode === "0.0.3" ? "solti.task.v1.TaskService" : "solti.v1.SoltiApi"
      const answer = yield* GrpcCall.call(front, `/${service}/SubmitTask`, new Uint8Array(4 * 1024 * 1024 + 1))
      assert.strictEqual(answer.code, code)
      assert.include(answer.detail, "the limit is: 4194304 bytes")
    }).pipe(Effect.provide(SoltiGrpcTesting.layer({ mode })))

  for (const [mode, code] of [["intended", 8], ["strict-0.0.2", 11], ["0.0.3", 11]] as const) {
    it.effect(`${mode} refuses what is too long with ${code}`, () => tooLarge(mode, code))
  }

  it.live("refuse what is too long before it has come", () =>
    Effect.scoped(Effect.gen(function*() {
      const { url } = yield* SoltiTesting.TestServer
      const session = yield* Http2Client.connect(url)
      const head = GrpcCall.framed(new Uint8Array(5_000_000)).subarray(0, 1000)
      const stream = Http2Client.open(session, {
        ":path": "/solti.v1.SoltiApi/SubmitTask",
        "content-type": "application/grpc",
        te: "trailers"
      })
      stream.write(head)
      const { headers } = yield* Http2Client.collect(stream)
      assert.strictEqual(headers["grpc-status"], "11")
      assert.include(decodeURIComponent(String(headers["grpc-message"])), "found 5000000 bytes")
    })).pipe(Effect.provide(SoltiGrpcTesting.layerServer({ mode: "strict-0.0.2" }))))

  it.effect("have a limit that the client keeps as well", () =>
    Effect.gen(function*() {
      const tasks = yield* Solti.Tasks
      const large = Solti.command("x", ["x".repeat(4 * 1024 * 1024)], { slot: "x", timeout: "1 minute" })
      const error = yield* Effect.flip(tasks.submit(large))
      assert.strictEqual(error._tag, "PayloadTooLarge")
      assert.deepStrictEqual(yield* (yield* SoltiTesting.Recorder).lines, [])
    }).pipe(Effect.provide(SoltiGrpcTesting.layer())))

  it.effect("tell the same story as over HTTP: the published server", () =>
    Effect.gen(function*() {
      const told = transcript(command("make"))
      const options = {
        mode: "strict-0.0.2",
        scripts: [otherwise(succeeds([SoltiTesting.stdout("one", { after: "1 second" }), SoltiTesting.stderr("two")]))]
      } as const
      assert.deepStrictEqual(
        yield* Effect.provide(told, SoltiGrpcTesting.layer(options)),
        yield* Effect.provide(told, SoltiTesting.layer(options))
      )
    }))

  it.effect("have scripts that are added while a test runs, and tasks in the process", () =>
    Effect.gen(function*() {
      const emulator = yield* SoltiTesting.Emulator
      assert.strictEqual(emulator.mode, "intended")
      yield* emulator.script(SoltiTesting.command("late", SoltiTesting.exits(9)))
      assert.deepStrictEqual((yield* run(command("late"))).exitCode, Option.some(9))
      assert.strictEqual((yield* run(command("other"))).status, "succeeded")
    }).pipe(Effect.provide(SoltiGrpcTesting.layer())))
})

describe("a reader that leaves", () => {
  const leaving = Effect.gen(function*() {
    const tasks = yield* Solti.Tasks
    const faults = yield* SoltiTesting.Faults
    const id = yield* tasks.submit(command("x"))
    const head = yield* Stream.runCollect(Stream.take(tasks.logs(id), 2))
    assert.deepStrictEqual(Chunk.toReadonlyArray(head).map(({ type }) => type), ["runStarted", "chunk"])
    const waiting = yield* Effect.fork(Stream.runDrain(tasks.logs(id)))
    yield* Effect.sleep("100 millis")
    yield* Fiber.interrupt(waiting)
    yield* Effect.sleep("100 millis")
    assert.strictEqual(yield* faults.disconnect, 0)
  })
  const scripts = [otherwise(hangs(["up"]))]

  it.effect("leaves nothing open, in memory", () =>
    leaving.pipe(Effect.provide(SoltiGrpcTesting.layer({ scripts, time: "auto" }))))

  it.live("leaves nothing open, on a socket", () =>
    leaving.pipe(Effect.provide(Layer.provideMerge(connected(), SoltiGrpcTesting.layerServer({ scripts })))))
})

describe("the end", () => {
  it.effect("of a program in the middle of a log is the end of the emulator", () =>
    Effect.gen(function*() {
      const tasks = yield* Solti.Tasks
      const id = yield* tasks.submit(command("x"))
      yield* Effect.fork(Stream.runDrain(tasks.logs(id)))
      yield* Effect.sleep("1 second")
    }).pipe(Effect.provide(SoltiGrpcTesting.layer({ mode: "strict-0.0.2", scripts: [otherwise(hangs(["up"]))] }))))

  for (const [mode, end] of [["intended", "proper"], ["0.0.3", "proper"], ["strict-0.0.2", "broken"]] as const) {
    it.scopedLive(`of a server ends open logs: ${mode}, ${end}`, () =>
      Effect.gen(function*() {
        const scope = yield* Scope.make()
        const server = SoltiGrpcTesting.layerServer({ mode, scripts: [otherwise(hangs(["up"]))] })
        const running = Layer.succeedContext(yield* Layer.buildWithScope(server, scope))
        const tasks = Context.get(yield* Layer.build(Layer.provide(connected(), running)), Solti.Tasks)
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

describe("a handler of one's own", () => {
  const handler = Layer.succeed(
    ApiHandler,
    ApiHandler.make({
      submitTask: ({ slot }) => new ApiError({ label: "Unavailable", detail: `no room in ${slot}` }),
      getTaskStatus: () => Effect.dieMessage("a secret of the handler"),
      queryTasks: () => Effect.succeed({ tasks: [], total: 0 }),
      listTaskRuns: () => Effect.succeed([]),
      deleteTask: () => Effect.void
    })
  )

  it.effect("is called by gRPC, with faults and recorder", () =>
    Effect.gen(function*() {
      const tasks = yield* Solti.Tasks
      const refused = yield* Effect.flip(tasks.submit(command("x")))
      assert.deepInclude(refused, { _tag: "Unavailable", code: "UNAVAILABLE", detail: "no room in x" })
      const died = yield* Effect.flip(tasks.get("x", { retry: { maxRetries: 0 } }))
      assert.strictEqual(died._tag, "Internal")
      assert.notInclude(died.message, "secret")
      assert.deepStrictEqual(yield* Stream.runCollect(tasks.logs("x")), Chunk.empty())
      yield* (yield* SoltiTesting.Faults).inject({ on: "delete", fault: SoltiTesting.Fault.hangUp() })
      yield* tasks.delete("x")
      yield* (yield* SoltiTesting.Recorder).expect([
        "POST /solti.v1.SoltiApi/SubmitTask 200",
        "POST /solti.v1.SoltiApi/GetTaskStatus 200",
        "POST /solti.v1.SoltiApi/StreamTaskLogs 200",
        "POST /solti.v1.SoltiApi/DeleteTask -",
        "POST /solti.v1.SoltiApi/DeleteTask 200"
      ])
    }).pipe(Effect.provide(Layer.provide(SoltiGrpcTesting.layerHandler(), handler))))
})
