/** What a program sees of the faults that a test injects. */
import { describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { assert } from "vitest"
import type { FrontRequest } from "../../../src/server/core/Front.js"
import * as Solti from "../../../src/solti.js"
import * as SoltiTesting from "../../../src/solti/testing.js"
import { operationOf } from "../../../src/testing/solti/Faults.js"
import { command, run } from "./support/programs.js"

const { Fault, succeeds } = SoltiTesting

const inject = (rule: SoltiTesting.Rule) => Effect.flatMap(SoltiTesting.Faults, (faults) => faults.inject(rule))

const logOf = (id: string) =>
  Effect.flatMap(
    Solti.Tasks,
    (tasks) =>
      Effect.map(Stream.runCollect(tasks.logs(id)), (log) =>
        Chunk.toReadonlyArray(log).map((event) => event.type === "chunk" ? event.line : event.type))
  )

/** A second a line. */
const lines = (...lines: ReadonlyArray<string>) =>
  SoltiTesting.otherwise(succeeds(lines.map((line) => SoltiTesting.stdout(line, { after: "1 second" }))))

describe("operations", () => {
  const request = (method: string, target: string): FrontRequest => ({
    method,
    target,
    headers: {},
    bytes: () => Effect.succeed(new Uint8Array())
  })

  it("are named by method and path", () => {
    const named = [
      ["POST", "/api/v1/tasks", "submit"],
      ["PUT", "/api/v1/tasks", "apply"],
      ["GET", "/api/v1/tasks?slot=a", "list"],
      ["GET", "/api/v1/tasks/a%2Fb", "get"],
      ["GET", "/api/v1/tasks/a/runs", "runs"],
      ["GET", "/api/v1/tasks/a/logs?x", "logs"],
      ["DELETE", "/api/v1/tasks/a", "delete"]
    ] as const
    for (const [method, target, operation] of named) {
      assert.strictEqual(operationOf("intended")(request(method, target)), operation)
    }
    for (
      const [method, target] of [["PATCH", "/api/v1/tasks"], ["GET", "/api/v2/tasks"], [
        "GET",
        "/api/v1/tasks/a/b"
      ]] as const
    ) {
      assert.isUndefined(operationOf("0.0.3")(request(method, target)))
    }
  })
})

describe("refusals", () => {
  const cases = [
    ["InvalidRequest", "InvalidInput"],
    ["Unauthenticated", "Unauthorized"],
    ["AlreadyExists", "Conflict"],
    ["PayloadTooLarge", "PayloadTooLarge"],
    ["Internal", "Internal"],
    ["Unavailable", "Unavailable"]
  ] as const
  for (const [label, tag] of cases) {
    it.effect(`${label} is ${tag}`, () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(run(command("x")))
        assert.strictEqual(error._tag, tag)
        assert.strictEqual(error.detail, "not today")
        assert.strictEqual(error.code, label)
      }).pipe(Effect.provide(SoltiTesting.layer({
        faults: [{ on: "submit", fault: SoltiTesting.refuse(label, "not today") }]
      }))))
  }

  it.effect("say when to come back, and are heard", () =>
    Effect.gen(function*() {
      const tasks = yield* Solti.Tasks
      const rule = yield* inject({
        on: "get",
        times: 2,
        fault: SoltiTesting.refuse("Unavailable", "busy", { retryAfter: 20 })
      })
      assert.deepStrictEqual(yield* tasks.get("x"), Option.none())
      assert.isAtLeast(yield* Clock.currentTimeMillis, 40_000)
      assert.strictEqual(yield* rule.hits, 2)
    }).pipe(Effect.provide(SoltiTesting.layer())))

  it.effect("of proxies are pages", () =>
    Effect.gen(function*() {
      const tasks = yield* Solti.Tasks
      yield* inject({ on: "list", fault: Fault.html(200) })
      assert.strictEqual((yield* Effect.flip(tasks.list()))._tag, "DecodeError")
      yield* inject({ on: "list", times: Infinity, fault: Fault.html(502) })
      assert.strictEqual((yield* Effect.flip(tasks.list()))._tag, "Unavailable")
    }).pipe(Effect.provide(SoltiTesting.layer())))
})

describe("connections that break", () => {
  it.effect("behind the work: the task is there, and is not submitted again", () =>
    Effect.gen(function*() {
      const tasks = yield* Solti.Tasks
      const error = yield* Effect.flip(tasks.submit(command("x")))
      assert.strictEqual(error._tag, "TransportError")
      assert.strictEqual((yield* tasks.list()).total, 1)
      yield* (yield* SoltiTesting.Recorder).expect(["POST /api/v1/tasks -", "GET /api/v1/tasks 200"])
    }).pipe(Effect.provide(SoltiTesting.layer({ faults: [{ on: "submit", fault: Fault.hangUp({ handled: true }) }] }))))

  it.effect("inside a body: what can be asked again is asked again", () =>
    Effect.gen(function*() {
      const tasks = yield* Solti.Tasks
      assert.strictEqual((yield* tasks.list()).total, 0)
      yield* (yield* SoltiTesting.Recorder).expect(["GET /api/v1/tasks 200", "GET /api/v1/tasks 200"])
    }).pipe(Effect.provide(SoltiTesting.layer({ faults: [{ on: "list", fault: Fault.cut({ bytes: 5 }) }] }))))

  it.effect("inside a frame of a log: a gap, and what came after", () =>
    Effect.gen(function*() {
      const tasks = yield* Solti.Tasks
      const id = yield* tasks.submit(command("x"))
      const log = yield* logOf(id)
      assert.deepStrictEqual(log.slice(0, 3), ["runStarted", "a", "gap"])
      assert.strictEqual(log.at(-1), "runFinished")
      assert.notInclude(log, "b")
    }).pipe(Effect.provide(SoltiTesting.layer({
      scripts: [lines("a", "b", "c", "d", "e")],
      faults: [{ on: "logs", fault: Fault.cut({ pieces: 2, bytes: 20 }) }]
    }))))

  it.effect("all at once, as when a server goes down", () =>
    Effect.gen(function*() {
      const faults = yield* SoltiTesting.Faults
      const tasks = yield* Solti.Tasks
      const id = yield* tasks.submit(command("x"))
      const log = yield* Effect.fork(logOf(id))
      yield* Effect.sleep("1500 millis")
      assert.strictEqual(yield* faults.disconnect, 1)
      assert.deepStrictEqual((yield* Fiber.join(log)).slice(0, 3), ["runStarted", "a", "gap"])
    }).pipe(Effect.provide(SoltiTesting.layer({ scripts: [lines("a", "b", "c", "d", "e")] }))))
})

describe("logs", () => {
  it.effect("may say that the reader was too slow", () =>
    Effect.gen(function*() {
      const tasks = yield* Solti.Tasks
      const id = yield* tasks.submit(command("x"))
      const events = Chunk.toReadonlyArray(yield* Stream.runCollect(tasks.logs(id)))
      assert.deepStrictEqual(events.map(({ type }) => type), ["runStarted", "lagged", "chunk", "runFinished"])
      assert.deepStrictEqual(events[1], { type: "lagged", skipped: 17 })
    }).pipe(Effect.provide(SoltiTesting.layer({
      scripts: [lines("a")],
      faults: [{ on: "logs", fault: SoltiTesting.lagged(17, 1) }]
    }))))

  it.effect("may repeat themselves", () =>
    Effect.gen(function*() {
      const tasks = yield* Solti.Tasks
      const log = yield* logOf(yield* tasks.submit(command("x")))
      assert.deepStrictEqual(log, ["runStarted", "runStarted", "a", "a", "runFinished", "runFinished"])
    }).pipe(Effect.provide(SoltiTesting.layer({
      scripts: [lines("a")],
      faults: [{ on: "logs", fault: Fault.duplicate() }]
    }))))
})

describe("slow servers", () => {
  it.effect("delete within the client's patience", () =>
    Effect.gen(function*() {
      const tasks = yield* Solti.Tasks
      yield* tasks.delete("x")
      assert.isAtLeast(yield* Clock.currentTimeMillis, 60_000)
    }).pipe(Effect.provide(SoltiTesting.layer({ faults: [{ on: "delete", fault: Fault.delayAnswer("1 minute") }] }))))

  it.effect("are not waited for without end", () =>
    Effect.gen(function*() {
      const tasks = yield* Solti.Tasks
      const error = yield* Effect.flip(tasks.submit(command("x")))
      assert.strictEqual(error._tag, "Timeout")
      assert.strictEqual((yield* tasks.list()).total, 0)
    }).pipe(Effect.provide(SoltiTesting.layer({ faults: [{ on: "submit", fault: Fault.silence }] }))))
})
