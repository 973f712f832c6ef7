import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import * as Solti from "../../../src/solti.js"
import * as Memory from "../support/Memory.js"
import * as Models from "../support/Models.js"

const spec = Solti.script("bash", "echo hi", {
  slot: "build",
  timeout: "90 seconds",
  env: { A: "1", B: "2" },
  cwd: "/srv",
  args: ["x"],
  labels: { team: "infra" },
  restart: "always",
  restartInterval: "5 seconds",
  admission: "queue"
})

const wire = {
  slot: "build",
  kind: {
    subprocess: {
      env: [{ key: "A", value: "1" }, { key: "B", value: "2" }],
      cwd: "/srv",
      failOnNonZero: true,
      script: { wellKnown: "SCRIPT_RUNTIME_BASH", body: "ZWNobyBoaQ==", args: ["x"] }
    }
  },
  timeoutMs: "90000",
  restart: "RESTART_STRATEGY_ALWAYS",
  restartIntervalMs: "5000",
  backoff: { jitter: "JITTER_STRATEGY_FULL", firstMs: "1000", maxMs: "30000", factor: 2 },
  admission: "ADMISSION_STRATEGY_QUEUE",
  labels: { team: "infra" }
}

describe("submit", () => {
  it.effect("sends the spec as proto JSON and gives the id", () =>
    Effect.gen(function*() {
      const { sent, tasks } = Memory.solti(() => Memory.json(201, { taskId: "default-build-7" }))
      assert.strictEqual(yield* (yield* tasks).submit(spec), "default-build-7")
      assert.strictEqual(sent.length, 1)
      assert.strictEqual(sent[0]?.method, "POST")
      assert.strictEqual(sent[0]?.path, "/api/v1/tasks")
      assert.deepStrictEqual(JSON.parse(sent[0]?.body ?? ""), { spec: wire })
    }))

  it.effect("sends no null and no member that the server does not know", () =>
    Effect.gen(function*() {
      const { sent, tasks } = Memory.solti(() => Memory.json(201, { taskId: "t" }))
      const service = yield* tasks
      yield* service.submit(Solti.command("true", [], { slot: "s", timeout: 1 }))
      yield* service.submit(Solti.wasm("a.wasm", [], { slot: "s", timeout: 1 }))
      yield* service.submit(Solti.container("img", { slot: "s", timeout: 1 }))
      const known = new Set(
        ("spec slot kind timeoutMs restart backoff admission labels subprocess command args env failOnNonZero wasm module " +
          "container image jitter firstMs maxMs factor").split(" ")
      )
      for (const { body } of sent) {
        assert.notInclude(body, "null")
        JSON.parse(body, (key, value: unknown) => {
          if (key !== "" && !/^\d+$/.test(key)) assert.isTrue(known.has(key), key)
          return value
        })
      }
    }))

  it.effect("fails when the id is empty", () =>
    Effect.gen(function*() {
      for (const taskId of ["", " "]) {
        const { tasks } = Memory.solti(() => Memory.json(201, { taskId }))
        const error = yield* Effect.flip((yield* tasks).submit(spec))
        assert.strictEqual(error._tag, "DecodeError")
        if (error._tag === "DecodeError") assert.strictEqual(error.path, "taskId")
      }
    }))

  it.effect("refuses a bad spec before any request, with all that is wrong with it", () =>
    Effect.gen(function*() {
      const { sent, tasks } = Memory.solti(() => Memory.json(201, { taskId: "t" }))
      const service = yield* tasks
      const bad = Solti.command(" ", [], { slot: "a/b", timeout: 0 })
      for (const call of [service.submit(bad), service.apply(bad)]) {
        const error = yield* Effect.flip(call)
        assert.strictEqual(error._tag, "InvalidInput")
        assert.strictEqual(error.status, undefined)
        if (error._tag === "InvalidInput") {
          assert.deepStrictEqual(error.issues.map(({ path }) => path), [
            "spec.kind.subprocess.command.command",
            "spec.timeoutMs",
            "spec.slot"
          ])
          assert.include(error.issues[1]?.message, "timeout_ms cannot be zero")
        }
      }
      assert.strictEqual(sent.length, 0)
    }))

  it.effect("refuses values that it has only read: what a later server knows may mean anything", () =>
    Effect.gen(function*() {
      const later = Models.task("t", "RUNNING", {
        spec: {
          kind: { lambda: {} },
          restart: "RESTART_STRATEGY_WEEKLY",
          admission: 9,
          backoff: { jitter: "JITTER_STRATEGY_X", firstMs: "1", maxMs: "1", factor: 1 }
        }
      })
      const { sent, tasks } = Memory.solti(() => Memory.json(200, { task: later }))
      const service = yield* tasks
      const { spec } = Option.getOrThrow(yield* service.get("t"))
      const error = yield* Effect.flip(service.submit(spec))
      assert.deepStrictEqual(error._tag === "InvalidInput" ? error.issues.map(({ message }) => message) : error, [
        "missing task kind variant",
        "invalid restart strategy",
        "invalid jitter strategy",
        "invalid admission strategy"
      ])
      assert.strictEqual(sent.length, 1)
    }))

  it.effect("leaves it to the server when told so", () =>
    Effect.gen(function*() {
      const { sent, tasks } = Memory.solti(() =>
        Memory.json(400, { error: "InvalidRequest", message: "slot cannot be empty" })
      )
      const bad = Solti.command("true", [], { slot: " ", timeout: 1 })
      const error = yield* Effect.flip((yield* tasks).submit(bad, { validate: false }))
      assert.strictEqual(error._tag, "InvalidInput")
      assert.strictEqual(error.status, 400)
      assert.strictEqual(sent.length, 1)
    }))
})

describe("apply", () => {
  it.effect("is a PUT of the same body", () =>
    Effect.gen(function*() {
      const { sent, tasks } = Memory.solti(() => Memory.json(200, { taskId: "t-2" }))
      assert.strictEqual(yield* (yield* tasks).apply(spec), "t-2")
      assert.strictEqual(sent[0]?.method, "PUT")
      assert.deepStrictEqual(JSON.parse(sent[0]?.body ?? ""), { spec: wire })
    }))

  it.effect("is a version mismatch on a server before 0.0.3", () =>
    Effect.gen(function*() {
      const { sent, tasks } = Memory.solti(() =>
        new Response(null, { status: 405, headers: { allow: "POST,GET,HEAD" } })
      )
      const error = yield* Effect.flip((yield* tasks).apply(spec))
      assert.strictEqual(error._tag, "VersionMismatch")
      if (error._tag === "VersionMismatch") assert.strictEqual(error.expected, "0.0.3")
      assert.strictEqual(sent.length, 1)
    }))
})

describe("get", () => {
  it.effect("gives the task: bigints, options, brands", () =>
    Effect.gen(function*() {
      const { sent, tasks } = Memory.solti(() =>
        Memory.json(200, { task: Models.task("t-1", "FAILED", { error: "x", exitCode: 3 }) })
      )
      const task = Option.getOrThrow(yield* (yield* tasks).get("t-1"))
      assert.strictEqual(sent[0]?.path, "/api/v1/tasks/t-1")
      assert.strictEqual(task.metadata.createdAt, 1765000000000n)
      assert.strictEqual(task.metadata.id, "t-1")
      assert.strictEqual(task.spec.timeoutMs, 1000n)
      assert.deepStrictEqual(task.status.error, Option.some("x"))
      assert.deepStrictEqual(task.status.exitCode, Option.some(3))
      assert.deepStrictEqual(task.spec.restartIntervalMs, Option.none())
    }))

  it.effect("is none for a task that is not there, however the server says so", () =>
    Effect.gen(function*() {
      for (
        const reply of [() => Memory.json(200, {}), () => Memory.json(200, { task: null }), () => Memory.notFound("t")]
      ) {
        const { tasks } = Memory.solti(reply)
        assert.deepStrictEqual(yield* (yield* tasks).get("t"), Option.none())
      }
    }))

  it.effect("keeps what later servers add as it is", () =>
    Effect.gen(function*() {
      const later = Models.task("t", "RUNNING", {
        spec: { restart: "RESTART_STRATEGY_WEEKLY", kind: { lambda: { arn: "a" } }, maxRetries: 3 }
      })
      const { tasks } = Memory.solti(() =>
        Memory.json(200, {
          task: { ...later, status: { phase: "TASK_STATUS_PAUSED", attempt: 1, conditions: [] } },
          later: 1
        })
      )
      const task = Option.getOrThrow(yield* (yield* tasks).get("t"))
      assert.strictEqual(String(task.spec.restart), "RESTART_STRATEGY_WEEKLY")
      assert.strictEqual(String(task.status.phase), "TASK_STATUS_PAUSED")
      assert.deepStrictEqual(task.spec.kind, { unknown: { lambda: { arn: "a" } } })
    }))
})

describe("list", () => {
  it.effect("sends only what is given, and gives tasks and total", () =>
    Effect.gen(function*() {
      const { sent, tasks } = Memory.solti(() => Memory.json(200, { tasks: [Models.task("a", "PENDING")], total: 7 }))
      const service = yield* tasks
      const page = yield* service.list()
      yield* service.list({ slot: "s", status: "running", limit: 2, offset: 4 })
      yield* service.list({ limit: 0 })
      assert.deepStrictEqual(sent.map(({ path }) => path), [
        "/api/v1/tasks",
        "/api/v1/tasks?slot=s&status=running&limit=2&offset=4",
        "/api/v1/tasks?limit=0"
      ])
      assert.strictEqual(page.total, 7)
      assert.deepStrictEqual(page.tasks.map(({ metadata }) => metadata.id), ["a"])
    }))
})

describe("iterate", () => {
  /** A server with tasks and, in front of some, agent-internal ones that take places in a page and are not shown. */
  const server = (places: ReadonlyArray<string | null>) =>
    Memory.solti(({ path }) => {
      const query = new URL(path, "http://x").searchParams
      const [offset, limit] = [Number(query.get("offset")), Number(query.get("limit"))]
      const tasks = places.slice(offset, offset + limit).filter((id) => id !== null).map((id) =>
        Models.task(id, "RUNNING")
      )
      return Memory.json(200, { tasks, total: tasks.length })
    })
  const ids = (count: number) => Array.from({ length: count }, (_, i) => `t-${i}`)

  const iterated = ({ tasks }: ReturnType<typeof server>, filter?: Solti.Filter) =>
    Effect.flatMap(
      tasks,
      ({ iterate }) =>
        Effect.map(Stream.runCollect(iterate(filter)), (all) =>
          Chunk.toReadonlyArray(all).map(({ metadata }) => metadata.id))
    )

  it.effect("asks a server with few tasks once", () =>
    Effect.gen(function*() {
      const few = server(ids(5))
      assert.deepStrictEqual(yield* iterated(few, { slot: "s", status: "failed" }), ids(5))
      assert.deepStrictEqual(few.sent.map(({ path }) => path), [
        "/api/v1/tasks?slot=s&status=failed&limit=1000&offset=0"
      ])
    }))

  it.effect("goes on behind short pages, whatever total says", () =>
    Effect.gen(function*() {
      const places = ids(2300).flatMap((id, i) => i === 3 || i === 1500 ? [null, id] : [id])
      const many = server(places)
      assert.deepStrictEqual(yield* iterated(many), ids(2300))
      assert.deepStrictEqual(many.sent.map(({ path }) => new URL(path, "http://x").searchParams.get("offset")), [
        "0",
        "1000",
        "2000"
      ])
    }))

  it.effect("fails as a page fails", () =>
    Effect.gen(function*() {
      const { tasks } = Memory.solti(() => Memory.json(403, {}))
      assert.strictEqual((yield* Effect.flip(Stream.runDrain((yield* tasks).iterate())))._tag, "Forbidden")
    }))
})

describe("runs", () => {
  it.effect("gives the attempts in the order of the server", () =>
    Effect.gen(function*() {
      const { sent, tasks } = Memory.solti(() =>
        Memory.json(200, {
          runs: [Models.run(1, "FAILED", { exitCode: 2, error: "e" }), Models.run(2, "RUNNING", { open: true })]
        })
      )
      const runs = yield* (yield* tasks).runs("t")
      assert.strictEqual(sent[0]?.path, "/api/v1/tasks/t/runs")
      assert.deepStrictEqual(runs.map(({ attempt }) => attempt), [1, 2])
      assert.deepStrictEqual(runs.map(({ finishedAt }) => finishedAt), [Option.some(1765000000100n), Option.none()])
      assert.deepStrictEqual(runs.map(({ exitCode }) => exitCode), [Option.some(2), Option.none()])
    }))

  it.effect("is empty for a task that is not there", () =>
    Effect.gen(function*() {
      for (
        const reply of [() => Memory.json(200, { runs: [] }), () => Memory.json(200, {}), () => Memory.notFound("t")]
      ) {
        const { tasks } = Memory.solti(reply)
        assert.deepStrictEqual(yield* (yield* tasks).runs("t"), [])
      }
    }))
})

describe("delete", () => {
  it.effect("succeeds with 204, with 200, and when there is nothing to delete", () =>
    Effect.gen(function*() {
      const replies = [
        () => new Response(null, { status: 204 }),
        () => Memory.json(200, {}),
        () => new Response("deleted"),
        () => Memory.notFound("t")
      ]
      for (const reply of replies) {
        const { sent, tasks } = Memory.solti(reply)
        yield* (yield* tasks).delete("t")
        assert.strictEqual(sent[0]?.method, "DELETE")
        assert.strictEqual(sent[0]?.path, "/api/v1/tasks/t")
      }
    }))
})

describe("deleteConfirmed", () => {
  /** A task that survives so many deletes, as one whose delete overtook its start does on 0.0.2. */
  const stubborn = (deletes: number, log: () => Memory.Reply = () => Memory.sse([], "silent")) => {
    let deleted = 0
    const server = Memory.solti(({ method }) => {
      if (method === "DELETE") {
        deleted += 1
        return new Response(null, { status: 204 })
      }
      return deleted > deletes ? Memory.notFound("t") : log()
    })
    return { ...server, methods: () => server.sent.map(({ method }) => method).join(" ") }
  }

  it.effect("looks once at a task that is gone", () =>
    Effect.gen(function*() {
      const server = stubborn(0)
      yield* Memory.running((yield* server.tasks).deleteConfirmed("t"))
      assert.strictEqual(server.methods(), "DELETE GET")
      assert.strictEqual(server.sent[1]?.path, "/api/v1/tasks/t/logs")
    }))

  it.effect("deletes again while the log is live", () =>
    Effect.gen(function*() {
      const server = stubborn(2)
      yield* Memory.running((yield* server.tasks).deleteConfirmed("t"))
      assert.strictEqual(server.methods(), "DELETE GET DELETE GET DELETE GET")
    }))

  it.effect("takes an empty log, of a handler that has none, for a task that is gone", () =>
    Effect.gen(function*() {
      const server = stubborn(Infinity, () => Memory.sse([]))
      yield* Memory.running((yield* server.tasks).deleteConfirmed("t"))
      assert.strictEqual(server.methods(), "DELETE GET")
    }))

  it.effect("looks again when a look fails in passing", () =>
    Effect.gen(function*() {
      let looks = 0
      const server = stubborn(1, () => ++looks === 1 ? "reset" : Memory.json(503, {}))
      yield* Memory.running((yield* server.tasks).deleteConfirmed("t"))
      assert.strictEqual(server.methods(), "DELETE GET DELETE GET")
    }))

  it.effect("gives up behind ten deletes", () =>
    Effect.gen(function*() {
      const server = stubborn(Infinity)
      const error = yield* Effect.flip(Memory.running((yield* server.tasks).deleteConfirmed("t")))
      assert.strictEqual(error._tag, "Unavailable")
      assert.strictEqual(error.operation, "solti.Tasks.deleteConfirmed")
      assert.strictEqual(server.sent.length, 20)
    }))

  it.effect("fails as its delete fails, or as its look does for good", () =>
    Effect.gen(function*() {
      const refused = Memory.solti(() => Memory.json(500, { error: "Internal", message: "cancel failed" }))
      const error = yield* Effect.flip(Memory.running((yield* refused.tasks).deleteConfirmed("t")))
      assert.strictEqual(error._tag, "Internal")
      assert.strictEqual(refused.sent.length, 1)
      const blind = stubborn(Infinity, () => Memory.json(401, {}))
      const unauthorized = yield* Effect.flip(Memory.running((yield* blind.tasks).deleteConfirmed("t")))
      assert.strictEqual(unauthorized._tag, "Unauthorized")
      assert.strictEqual(blind.sent.length, 2)
    }))
})

describe("logs", () => {
  it.effect("gives events as they come and ends with the body", () =>
    Effect.gen(function*() {
      const events = [Memory.chunk(1, 0, "a"), Memory.chunk(1, 1, "b")]
      const { sent, tasks } = Memory.solti(() => Memory.sse(events.map(Memory.frame)))
      const log = yield* Stream.runCollect((yield* tasks).logs("t"))
      assert.deepStrictEqual(Chunk.toReadonlyArray(log), events)
      assert.strictEqual(sent.length, 1)
      assert.strictEqual(sent[0]?.headers["accept"], "text/event-stream")
    }))

  it.effect("reconnects behind a break, with a gap", () =>
    Effect.gen(function*() {
      const replies: ReadonlyArray<() => Memory.Reply> = [
        () => Memory.sse([Memory.frame(Memory.chunk(1, 0, "a"))], "break"),
        () => Memory.json(500, {}),
        () => Memory.json(429, {}, { "retry-after": "2" }),
        () => Memory.sse([Memory.frame(Memory.chunk(1, 7, "b"))])
      ]
      const { sent, tasks } = Memory.solti((_, index) => replies[index]?.() ?? "silent")
      const log = yield* Memory.running(Stream.runCollect((yield* tasks).logs("t")))
      assert.deepStrictEqual(Chunk.toReadonlyArray(log).map((event) => event.type), ["chunk", "gap", "chunk"])
      assert.strictEqual(sent.length, 4)
    }))

  it.effect("is StreamInterrupted, with the number of tries, when it gives up", () =>
    Effect.gen(function*() {
      const { sent, tasks } = Memory.solti(() => "reset")
      const error = yield* Memory.running(
        Effect.flip(Stream.runDrain((yield* tasks).logs("t", { reconnect: { maxReconnects: 3 } })))
      )
      assert.strictEqual(error._tag, "StreamInterrupted")
      if (error._tag === "StreamInterrupted") assert.strictEqual(error.attempts, 4)
      assert.strictEqual(error.operation, "solti.Tasks.logs")
      assert.include(error.detail, "TransportError")
      assert.strictEqual(error.code, "ECONNRESET")
      assert.strictEqual(sent.length, 4)
      const busy = Memory.solti(() => Memory.json(503, { error: "Unavailable" }, { "x-request-id": "r-3" }))
      const last = yield* Effect.flip(
        Stream.runDrain((yield* busy.tasks).logs("t", { reconnect: { maxReconnects: 0 } }))
      )
      assert.deepStrictEqual([last._tag, last.status, last.code, last.requestId], [
        "StreamInterrupted",
        503,
        "Unavailable",
        "r-3"
      ])
    }))

  it.effect("fails at once where another try is no use", () =>
    Effect.gen(function*() {
      const table = [[400, "InvalidInput"], [401, "Unauthorized"], [403, "Forbidden"], [404, "VersionMismatch"], [
        405,
        "VersionMismatch"
      ], [418, "UnexpectedStatus"]] as const
      for (const [status, tag] of table) {
        const { sent, tasks } = Memory.solti(() => new Response(null, { status }))
        assert.strictEqual((yield* Effect.flip(Stream.runDrain((yield* tasks).logs("t"))))._tag, tag)
        assert.strictEqual(sent.length, 1)
      }
      const { sent, tasks } = Memory.solti(() => Memory.json(200, { not: "a stream" }))
      assert.strictEqual((yield* Effect.flip(Stream.runDrain((yield* tasks).logs("t"))))._tag, "DecodeError")
      assert.strictEqual(sent.length, 1)
      const { tasks: local } = Memory.solti(() => "silent")
      assert.strictEqual((yield* Effect.flip(Stream.runDrain((yield* local).logs(".."))))._tag, "InvalidInput")
    }))

  it.effect("is DecodeError behind an event that is too large", () =>
    Effect.gen(function*() {
      const { sent, tasks } = Memory.solti(() =>
        Memory.sse([Memory.frame(Memory.chunk(1, 0, "s3cret".repeat(200_000)))])
      )
      const error = yield* Effect.flip(Stream.runDrain((yield* tasks).logs("t")))
      assert.strictEqual(error._tag, "DecodeError")
      assert.include(error.detail, "too large")
      assert.notInclude(JSON.stringify(error), "s3cret")
      assert.strictEqual(sent.length, 1)
    }))

  it.effect("takes 45 s of silence for a break, and keep-alives for life", () =>
    Effect.gen(function*() {
      let later: ReadableStreamDefaultController<Uint8Array> | undefined
      const alive = () =>
        new Response(new ReadableStream<Uint8Array>({ start: (controller) => void (later = controller) }), {
          headers: { "content-type": "text/event-stream; charset=utf-8" }
        })
      const { sent, tasks } = Memory.solti((_, index) => index === 0 ? alive() : Memory.notFound("t"))
      const fiber = yield* Effect.fork(Stream.runCollect((yield* tasks).logs("t")))
      for (let i = 0; i < 5; i++) {
        yield* Memory.settle
        yield* TestClock.adjust("40 seconds")
        later?.enqueue(new TextEncoder().encode(":\n\n"))
      }
      yield* Memory.settle
      assert.strictEqual(sent.length, 1)
      yield* TestClock.adjust("44 seconds")
      yield* Memory.settle
      assert.strictEqual(sent.length, 1)
      const log = yield* Memory.running(Fiber.join(fiber))
      assert.deepStrictEqual(Chunk.toReadonlyArray(log), [{ type: "gap" }])
      assert.strictEqual(sent.length, 2)
    }))
})

describe("version (contract 12.3)", () => {
  const server = (routes: Readonly<Record<string, () => Memory.Reply>>) =>
    Memory.solti(({ method, path }) => (routes[`${method} ${path}`] ?? (() => new Response(null, { status: 404 })))())
  const list = "GET /api/v1/tasks?limit=1"
  const probe = "PUT /api/v1/tasks"
  const later = "GET /apis/solti.io/v1/tasks?limit=1"
  const empty = () => Memory.json(200, { tasks: [], total: 0 })
  const status = (status: number) => () => new Response(null, { status })

  const versions: ReadonlyArray<
    readonly [version: Solti.Version, routes: Readonly<Record<string, () => Memory.Reply>>]
  > = [
    ["0.0.2", { [list]: empty, [probe]: status(405) }],
    ["0.0.3", { [list]: empty, [probe]: () => Memory.json(400, { error: "InvalidRequest", message: "missing spec" }) }],
    ["0.0.4", {
      [later]: () => Memory.json(200, { apiVersion: "solti.io/v1", kind: "TaskList", metadata: {}, items: [] })
    }]
  ]

  it.effect.each(versions)("%s is known by its answers", ([version, routes]) =>
    Effect.gen(function*() {
      const { sent, tasks } = server(routes)
      assert.strictEqual(yield* (yield* tasks).version(), version)
      for (const { body, method } of sent) assert.strictEqual(body, method === "PUT" ? "{}" : "")
    }))

  const others: ReadonlyArray<
    readonly [name: string, tag: Solti.ReadError["_tag"], routes: Readonly<Record<string, () => Memory.Reply>>]
  > = [
    ["another service", "VersionMismatch", {}],
    ["a server that answers everything with 405", "VersionMismatch", { [list]: status(405) }],
    ["a proxy that refuses the list", "InvalidInput", { [list]: status(400) }],
    ["one that wants a token", "Unauthorized", { [list]: status(401) }],
    ["one that wants a token for the probe", "Unauthorized", { [list]: empty, [probe]: status(401) }],
    ["one without the route of the probe", "VersionMismatch", { [list]: empty, [probe]: status(404) }],
    ["a web page", "DecodeError", { [list]: () => new Response("<html>") }],
    ["another list at the place of 0.0.4", "DecodeError", { [later]: () => Memory.json(200, { kind: "PodList" }) }]
  ]

  it.effect.each(others)("%s is none of them: %s", ([_, tag, routes]) =>
    Effect.gen(function*() {
      const { tasks } = server(routes)
      assert.strictEqual((yield* Effect.flip((yield* tasks).version()))._tag, tag)
    }))
})
