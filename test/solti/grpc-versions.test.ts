/** Which server is there, over both wires, and what the client does about it (contract 12.1, 12.3). */
import { BinaryWriter } from "@bufbuild/protobuf/wire"
import * as HttpClient from "@effect/platform/HttpClient"
import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { codes } from "../../src/schemas/core/Grpc.js"
import { maxMessageBytes } from "../../src/schemas/solti/Limits.js"
import { empty, type Front, json, pathOf } from "../../src/server/core/Front.js"
import * as Grpc from "../../src/server/core/Grpc.js"
import { GrpcStatus } from "../../src/server/core/GrpcStatus.js"
import * as InMemory from "../../src/server/core/InMemory.js"
import * as InMemoryGrpc from "../../src/server/core/InMemoryGrpc.js"
import type { ApiHandler } from "../../src/server/solti/ApiHandler.js"
import * as GrpcFront from "../../src/server/solti/GrpcFront.js"
import type { Supervisor } from "../../src/server/solti/Supervisor.js"
import type { CallOptions } from "../../src/services/core/CallOptions.js"
import * as Client from "../../src/services/solti/Client.js"
import * as Rpc from "../../src/services/solti/internal/rpc.js"
import * as internal from "../../src/services/solti/internal/tasks.js"
import * as Solti from "../../src/solti.js"
import * as SoltiTesting from "../../src/solti/testing.js"
import * as VirtualTime from "../../src/testing/core/VirtualTime.js"
import * as Control from "../../src/testing/solti/Control.js"
import * as Emulator from "../../src/testing/solti/Emulator.js"
import * as GrpcEmulator from "../../src/testing/solti/GrpcEmulator.js"

const old = "POST /solti.v1.SoltiApi"
const renamed = "POST /solti.task.v1.TaskService"

/** A server that can be asked over both wires. */
interface Peer {
  readonly http: Front
  readonly grpc: Front
}

/** Runs on, and says so from time to time. */
const ticks = SoltiTesting.hangs(
  Array.from({ length: 30 }, (_, index) => SoltiTesting.stdout(`tick ${index}`, { after: "1 minute" }))
)

/** An emulator and everything in it; fronts of any mode can be put before it. */
const makeEmulator = (options: Emulator.Options = {}) =>
  Layer.build(Layer.provideMerge(
    Emulator.layer({ scripts: [SoltiTesting.otherwise(ticks)], ...options }),
    Control.layerLive(options)
  ))

type Parts = Context.Context<
  ApiHandler | Supervisor | SoltiTesting.Emulator | SoltiTesting.Faults | SoltiTesting.Recorder
>

const frontsOf = (parts: Parts, mode: SoltiTesting.Mode): Effect.Effect<Peer> =>
  Effect.all({ http: Emulator.makeFront({ mode }), grpc: GrpcEmulator.makeFront({ mode }) }).pipe(
    Effect.provide(parts)
  )

const emulated = (mode: SoltiTesting.Mode) => Effect.flatMap(makeEmulator({ mode }), (parts) => frontsOf(parts, mode))

/** The list of 0.0.4: what is at 1 is no task of 0.0.2, and there is no 2 (contract 12.3). */
const laterList = (items: ReadonlyArray<Uint8Array>): Uint8Array => {
  const writer = new BinaryWriter()
  for (const item of items) writer.tag(1, 2).bytes(item)
  return writer.tag(3, 2).string("17").tag(5, 0).int64(0).finish()
}

/** `solti.io/v1` where a task of 0.0.2 has its metadata. */
const laterTask = new BinaryWriter().tag(1, 2).string("solti.io/v1").tag(2, 2).string("Task").finish()

/** 0.0.4 as far as these tests need it: the names of its operations, and lists. */
const later = (items: ReadonlyArray<Uint8Array> = []): Peer => {
  const methods = ["CreateTask", "ApplyTask", "GetTask", "ListTasks", "WatchTasks", "ListTaskRuns", "DeleteTask"].map((
    name
  ) =>
    [`/solti.task.v1.TaskService/${name}`, {
      _tag: "Unary" as const,
      handle: () =>
        name === "ListTasks"
          ? Effect.succeed(laterList(items))
          : Effect.fail(new GrpcStatus({ code: codes.INVALID_ARGUMENT, detail: "a manifest is missing" }))
    }] as const
  )
  return {
    http: (request) =>
      Effect.succeed(
        request.method === "GET" && pathOf(request.target) === "/apis/solti.io/v1/tasks"
          ? json(200, JSON.stringify({ kind: "TaskList", metadata: { resourceVersion: "17" }, items: [] }))
          : empty(404)
      ),
    grpc: Grpc.make({ methods: new Map(methods), maxMessageBytes })
  }
}

/** Another service altogether. */
const stranger: Peer = {
  http: () => Effect.succeed(empty(404)),
  grpc: Grpc.make({ methods: new Map(), maxMessageBytes })
}

/** A front that can be exchanged for another one, as when a server is upgraded behind its address. */
const swappable = (first: Front) => {
  let current = first
  const front: Front = (request) => current(request)
  return {
    front,
    swap: (next: Front) =>
      Effect.sync(() => {
        current = next
      })
  }
}

/** The plane's client over gRPC, in memory, and what it sends. Time passes by itself. */
const grpcClient = (front: Front, options: CallOptions = {}) =>
  Effect.gen(function*() {
    const recorder = yield* SoltiTesting.Recorder.make
    yield* VirtualTime.passing(recorder.count)
    const connection = yield* InMemoryGrpc.connection(recorder.front(front), maxMessageBytes)
    const tasks = internal.make(Rpc.make({ connection, ...Client.shared({ options }) }))
    /** The calls since the last look, as `service/method`. */
    const sent = Effect.zipLeft(
      Effect.map(recorder.lines, (lines) => lines.map((line) => line.replace(/ \d+$/, ""))),
      recorder.clear
    )
    return { tasks, sent }
  })

const httpClient = (front: Front): Effect.Effect<Solti.Tasks.Service, Solti.InvalidOptions> =>
  Solti.Tasks.pipe(
    Effect.provide(Solti.layer({ url: "http://test" })),
    Effect.provideServiceEffect(HttpClient.HttpClient, InMemory.client(front))
  )

const spec = Solti.command("x", [], { slot: "x", timeout: "1 hour" })

const logOf = (tasks: Solti.Tasks.Service, id: string) => Stream.runHead(tasks.logs(id))

/** Every method that calls one operation, with the operation. */
const calls: ReadonlyArray<
  readonly [
    name: string,
    method: string,
    (tasks: Solti.Tasks.Service, id: string) => Effect.Effect<unknown, Solti.SubmitError | Solti.LogError>
  ]
> = [
  ["submit", "SubmitTask", (tasks) => tasks.submit(spec)],
  ["get", "GetTaskStatus", (tasks, id) => tasks.get(id)],
  ["list", "ListTasks", (tasks) => tasks.list()],
  ["iterate", "ListTasks", (tasks) => Stream.runCollect(tasks.iterate())],
  ["runs", "ListTaskRuns", (tasks, id) => tasks.runs(id)],
  ["delete", "DeleteTask", (tasks) => tasks.delete("default-x-999")],
  ["logs", "StreamTaskLogs", (tasks, id) => logOf(tasks, id)]
]

const running = Effect.fn(function*(mode: SoltiTesting.Mode) {
  const parts = yield* makeEmulator({ mode })
  const { grpc } = yield* frontsOf(parts, mode)
  const id = yield* Effect.flatMap(grpcClient(grpc), ({ tasks }) => tasks.submit(spec))
  return { id, parts, grpc }
})

describe("the version of a server", () => {
  const peers: ReadonlyArray<readonly [string, string, Effect.Effect<Peer, never, Scope.Scope>]> = [
    ["the published server", "0.0.2", emulated("strict-0.0.2")],
    ["this project's own server", "0.0.2", emulated("intended")],
    ["0.0.3", "0.0.3", emulated("0.0.3")],
    ["0.0.4 without tasks", "0.0.4", Effect.succeed(later())],
    ["0.0.4 with tasks", "0.0.4", Effect.succeed(later([laterTask]))],
    ["a server of something else", "VersionMismatch", Effect.succeed(stranger)]
  ]
  const versionOf = (tasks: Solti.Tasks.Service) =>
    Effect.catchAll(Effect.map(tasks.version(), String), ({ _tag }) => Effect.succeed(_tag))

  for (const [name, version, make] of peers) {
    it.scoped(`${name}: ${version}`, () =>
      Effect.gen(function*() {
        const peer = yield* make
        const { tasks } = yield* grpcClient(peer.grpc)
        assert.strictEqual(yield* versionOf(yield* httpClient(peer.http)), version, "over HTTP")
        assert.strictEqual(yield* versionOf(tasks), version, "over gRPC")
        assert.strictEqual(yield* versionOf(tasks), version, "over gRPC, again")
      }))
  }

  it.scoped("is asked for without submitting, deleting or applying anything", () =>
    Effect.gen(function*() {
      for (const [, , make] of peers) {
        const { sent, tasks } = yield* grpcClient((yield* make).grpc)
        yield* Effect.either(tasks.version())
        for (const line of yield* sent) assert.match(line, /\/(?:GetTaskStatus|ListTasks)$/)
      }
    }))

  it.scoped("is not told by a request that was never sent", () =>
    Effect.gen(function*() {
      const { sent, tasks } = yield* grpcClient((yield* emulated("strict-0.0.2")).grpc, {
        headers: { "x-tenant": "no\nth" }
      })
      const error = yield* Effect.flip(tasks.version())
      assert.strictEqual(error._tag, "InvalidInput")
      assert.deepStrictEqual(yield* sent, [])
    }))

  it.scoped("of a page is none", () =>
    Effect.gen(function*() {
      for (const status of [200, 404, 502]) {
        const { tasks } = yield* grpcClient(() =>
          Effect.succeed({ status, headers: { "content-type": "text/html" }, body: "<html>not here</html>" })
        )
        const error = yield* Effect.flip(tasks.version())
        assert.strictEqual(
          error._tag,
          status === 200 ? "DecodeError" : status === 404 ? "VersionMismatch" : "Unavailable"
        )
      }
    }))
})

describe("the name of the service", () => {
  for (const [name, method, call] of calls) {
    it.scoped(`${name} finds the later one, once`, () =>
      Effect.gen(function*() {
        const { grpc, id } = yield* running("0.0.3")
        const { sent, tasks } = yield* grpcClient(grpc)
        yield* call(tasks, id)
        assert.deepStrictEqual(yield* sent, [`${old}/${method}`, `${renamed}/GetTaskStatus`, `${renamed}/${method}`])
        yield* call(tasks, id)
        assert.deepStrictEqual(yield* sent, [`${renamed}/${method}`])
      }))

    for (const mode of ["strict-0.0.2", "intended"] as const) {
      it.scoped(`${name} stays with the first: ${mode}`, () =>
        Effect.gen(function*() {
          const { grpc, id } = yield* running(mode)
          const { sent, tasks } = yield* grpcClient(grpc)
          yield* call(tasks, id)
          assert.deepStrictEqual(yield* sent, [`${old}/${method}`])
        }))
    }

    it.scoped(`${name} is known to all once one has found it`, () =>
      Effect.gen(function*() {
        const { grpc, id } = yield* running("0.0.3")
        const { sent, tasks } = yield* grpcClient(grpc)
        yield* tasks.list()
        yield* sent
        yield* call(tasks, id)
        assert.deepStrictEqual(yield* sent, [`${renamed}/${method}`])
      }))

    for (
      const [whose, { grpc }] of [["0.0.4", later([laterTask])], ["something else", stranger]] as const
    ) {
      it.scoped(`${name} has none with ${whose}, and is sent once`, () =>
        Effect.gen(function*() {
          const { sent, tasks } = yield* grpcClient(grpc)
          const error = yield* Effect.flip(call(tasks, "default-x-1"))
          assert.strictEqual(error._tag, "VersionMismatch")
          assert.deepStrictEqual(yield* sent, [`${old}/${method}`, `${renamed}/GetTaskStatus`])
        }))
    }

    it.scoped(`${name} follows a server that is upgraded, and one that is downgraded`, () =>
      Effect.gen(function*() {
        const { id, parts } = yield* running("intended")
        const before = (yield* frontsOf(parts, "intended")).grpc
        const after = (yield* frontsOf(parts, "0.0.3")).grpc
        const server = swappable(before)
        const { sent, tasks } = yield* grpcClient(server.front)
        yield* call(tasks, id)
        yield* server.swap(after)
        yield* sent
        yield* call(tasks, id)
        assert.deepStrictEqual(yield* sent, [`${old}/${method}`, `${renamed}/GetTaskStatus`, `${renamed}/${method}`])
        yield* server.swap(before)
        yield* call(tasks, id)
        assert.deepStrictEqual(yield* sent, [`${renamed}/${method}`, `${old}/GetTaskStatus`, `${old}/${method}`])
        yield* call(tasks, id)
        assert.deepStrictEqual(yield* sent, [`${old}/${method}`])
      }))
  }

  it.scoped("is where a call goes, in its errors", () =>
    Effect.gen(function*() {
      const { grpc } = yield* running("0.0.3")
      const { tasks } = yield* grpcClient(grpc)
      const error = yield* Effect.flip(Stream.runDrain(tasks.logs("default-x-999")))
      assert.strictEqual(error._tag, "TaskNotFound")
      assert.strictEqual(error.route, "/solti.task.v1.TaskService/StreamTaskLogs")
    }))

  it.scoped("is found by calls that come together, each submit being one", () =>
    Effect.gen(function*() {
      const { grpc, id } = yield* running("0.0.3")
      const { sent, tasks } = yield* grpcClient(grpc)
      const [submitted] = yield* Effect.all([
        Effect.forEach(Array.from({ length: 10 }), () => tasks.submit(spec), { concurrency: "unbounded" }),
        ...calls.map(([, , call]) => call(tasks, id))
      ], { concurrency: "unbounded" })
      assert.strictEqual(new Set(submitted).size, 10)
      const submits = (yield* sent).filter((line) => line === `${renamed}/SubmitTask`)
      assert.lengthOf(submits, 11)
      assert.strictEqual((yield* tasks.list({ slot: "x" })).total, 12)
    }))

  it.scoped("is not looked for while the server cannot say", () =>
    Effect.gen(function*() {
      const { grpc, id } = yield* running("0.0.3")
      const busy = Grpc.make({
        methods: new Map([["/solti.task.v1.TaskService/GetTaskStatus", {
          _tag: "Unary",
          handle: () => new GrpcStatus({ code: codes.UNAVAILABLE, detail: "starting" })
        }]]),
        maxMessageBytes
      })
      const server = swappable(busy)
      const { sent, tasks } = yield* grpcClient(server.front, { retry: { maxRetries: 1 } })
      for (const [name, method, call] of calls) {
        // A log that breaks off is opened again, each time with all of this.
        if (name === "logs") continue
        const error = yield* Effect.flip(call(tasks, id))
        assert.strictEqual(error._tag, "Unavailable", name)
        assert.deepStrictEqual(
          yield* sent,
          [`${old}/${method}`, `${renamed}/GetTaskStatus`, `${renamed}/GetTaskStatus`],
          name
        )
      }
      assert.strictEqual((yield* Effect.flip(tasks.version()))._tag, "Unavailable")
      assert.strictEqual((yield* Effect.flip(tasks.apply(spec)))._tag, "Unavailable")
      assert.notInclude(yield* sent, `${renamed}/ApplyTask`)
      const log = yield* Effect.fork(logOf(tasks, id))
      yield* Effect.sleep("100 millis")
      yield* server.swap(grpc)
      assert.isTrue(Option.isSome(yield* Fiber.join(log)))
      assert.strictEqual(yield* tasks.version(), "0.0.3")
    }))

  it.scoped("changes under a log that is being read", () =>
    Effect.gen(function*() {
      const parts = yield* makeEmulator({
        scripts: [SoltiTesting.otherwise(
          SoltiTesting.succeeds([
            SoltiTesting.stdout("before", { after: "1 second" }),
            SoltiTesting.stdout("after", { after: "1 minute" })
          ])
        )]
      })
      const server = swappable((yield* frontsOf(parts, "intended")).grpc)
      const { tasks } = yield* grpcClient(server.front)
      const id = yield* tasks.submit(spec)
      const log = yield* Effect.fork(Stream.runCollect(tasks.follow(id)))
      yield* Effect.sleep("10 seconds")
      yield* server.swap((yield* frontsOf(parts, "0.0.3")).grpc)
      assert.strictEqual(yield* Context.get(parts, SoltiTesting.Faults).disconnect, 1)
      const events = Chunk.toReadonlyArray(yield* Fiber.join(log))
      assert.deepStrictEqual(
        events.map((event) => event.type === "chunk" ? event.line : event.type),
        ["runStarted", "before", "gap", "after", "runFinished", "ended"]
      )
    }))
})

describe("apply", () => {
  it.scoped("is there in 0.0.3, and replaces whatever the spec says", () =>
    Effect.gen(function*() {
      const { grpc, id } = yield* running("0.0.3")
      const { sent, tasks } = yield* grpcClient(grpc)
      const applied = yield* tasks.apply({ ...spec, admission: "ADMISSION_STRATEGY_DROP_IF_RUNNING" })
      assert.deepStrictEqual(yield* sent, [`${renamed}/GetTaskStatus`, `${renamed}/ApplyTask`])
      yield* Effect.sleep("10 millis")
      const phaseOf = (id: string) =>
        Effect.map(tasks.get(id), (task) => Solti.phaseName(Option.getOrThrow(task).status.phase))
      assert.strictEqual(yield* phaseOf(id), "canceled")
      assert.strictEqual(yield* phaseOf(applied), "running")
      assert.strictEqual(
        Option.getOrThrow(yield* tasks.get(applied)).spec.admission,
        "ADMISSION_STRATEGY_REPLACE"
      )
    }))

  const without = [
    ["the published server", emulated("strict-0.0.2")],
    ["this project's own server", emulated("intended")],
    ["0.0.4, whose ApplyTask takes something else", Effect.succeed(later())],
    ["a server of something else", Effect.succeed(stranger)]
  ] as const
  for (const [name, make] of without) {
    it.scoped(`is not sent to ${name}`, () =>
      Effect.gen(function*() {
        const { sent, tasks } = yield* grpcClient((yield* make).grpc)
        const error = yield* Effect.flip(tasks.apply(spec))
        if (error._tag !== "VersionMismatch") return assert.fail(error._tag)
        assert.strictEqual(error.expected, "0.0.3")
        assert.strictEqual(error.route, "/solti.task.v1.TaskService/ApplyTask")
        assert.deepStrictEqual(yield* sent, [`${renamed}/GetTaskStatus`])
      }))
  }

  it.scoped("follows upgrades and downgrades, and never reaches a 0.0.4", () =>
    Effect.gen(function*() {
      const { parts } = yield* running("intended")
      const first = (yield* frontsOf(parts, "intended")).grpc
      const second = (yield* frontsOf(parts, "0.0.3")).grpc
      const server = swappable(first)
      const { sent, tasks } = yield* grpcClient(server.front)
      const result = Effect.match(tasks.apply(spec), { onFailure: ({ _tag }) => _tag, onSuccess: () => "applied" })
      assert.strictEqual(yield* result, "VersionMismatch")
      yield* server.swap(second)
      assert.strictEqual(yield* result, "applied")
      yield* server.swap(first)
      assert.strictEqual(yield* result, "VersionMismatch")
      yield* server.swap(second)
      assert.strictEqual(yield* result, "applied")
      yield* sent
      yield* server.swap(later().grpc)
      assert.strictEqual(yield* result, "VersionMismatch")
      assert.deepStrictEqual(yield* sent, [`${renamed}/GetTaskStatus`])
    }))

  it.scoped("refuses what cannot work before it asks anybody", () =>
    Effect.gen(function*() {
      const { sent, tasks } = yield* grpcClient((yield* emulated("0.0.3")).grpc)
      assert.strictEqual((yield* Effect.flip(tasks.apply({ ...spec, slot: "a/b" })))._tag, "InvalidInput")
      assert.deepStrictEqual(yield* sent, [])
    }))
})

describe("a server with both names", () => {
  it.scoped("is 0.0.3, and is called by the first", () =>
    Effect.gen(function*() {
      const parts = yield* makeEmulator()
      const grpc = yield* Effect.provide(GrpcFront.make({ apply: true }), parts)
      const { sent, tasks } = yield* grpcClient(grpc)
      assert.strictEqual(yield* tasks.version(), "0.0.3")
      yield* sent
      yield* tasks.apply(spec)
      yield* tasks.list()
      assert.deepStrictEqual(yield* sent, [`${renamed}/GetTaskStatus`, `${renamed}/ApplyTask`, `${old}/ListTasks`])
    }))
})
