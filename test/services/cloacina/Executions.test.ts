import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import * as Cloacina from "../../../src/cloacina.js"
import * as Golden from "../../fixtures/cloacina/Golden.js"
import { answer, cloacina, refusal } from "../support/Cloacina.js"
import { running, type Sent } from "../support/Memory.js"
import { suite } from "./support/Calls.js"
import { replay } from "./support/Replay.js"

const id = "0b9f4c1e-2a7d-4c55-b0a3-7d2e9c6f1a44"
const accepted = { execution_id: id, workflow_name: "close_month", tenant_id: "north", status: "scheduled" }
const summary = {
  id,
  workflow_name: "close_month",
  status: "Running",
  started_at: "2026-09-03T08:15:00.900117+00:00",
  completed_at: null,
  trigger_origin: "manual"
}

suite(Cloacina.Executions, [
  {
    name: "execute",
    call: (executions, name, tenant) => executions.execute(name, { tenant, context: { region: "eu", n: [1, null] } }),
    request: (name, tenant) => `POST /v1/tenants/${tenant}/workflows/${name}/execute`,
    body: { context: { region: "eu", n: [1, null] } },
    status: 202,
    answer: accepted,
    gives: accepted,
    errors: ["NotFound", "Conflict", "PayloadTooLarge"]
  },
  {
    name: "execute without a context",
    call: (executions, name, tenant) => executions.execute(name, { tenant }),
    request: (name, tenant) => `POST /v1/tenants/${tenant}/workflows/${name}/execute`,
    body: { context: {} },
    status: 202,
    answer: accepted,
    errors: ["NotFound", "Conflict", "PayloadTooLarge"]
  },
  {
    name: "list",
    call: (executions, _, tenant) =>
      executions.list({ status: "Failed", workflow: "close month&x", limit: 5, offset: 10 }, { tenant }),
    request: (_, tenant) =>
      `GET /v1/tenants/${tenant}/executions?status=Failed&workflow=close%20month%26x&limit=5&offset=10`,
    answer: { tenant_id: "north", items: [summary], total: 1 }
  },
  {
    name: "list without a query",
    call: (executions, _, tenant) => executions.list(undefined, { tenant }),
    request: (_, tenant) => `GET /v1/tenants/${tenant}/executions`,
    answer: { tenant_id: "north", items: [], total: 0 },
    gives: []
  },
  {
    name: "get",
    call: (executions, id, tenant) => executions.get(id, { tenant }),
    request: (id, tenant) => `GET /v1/tenants/${tenant}/executions/${id}`,
    answer: { tenant_id: "north", execution_id: id, status: "Completed" },
    gives: { tenant_id: "north", execution_id: id, status: "Completed" },
    errors: ["NotFound"]
  },
  {
    name: "events",
    call: (executions, id, tenant) => executions.events(id, { tenant }),
    request: (id, tenant) => `GET /v1/tenants/${tenant}/executions/${id}/events`,
    answer: { tenant_id: "north", execution_id: id, events: [] },
    gives: []
  },
  {
    name: "tasks",
    call: (executions, id, tenant) => executions.tasks(id, { tenant }),
    request: (id, tenant) => `GET /v1/tenants/${tenant}/executions/${id}/tasks`,
    answer: { tenant_id: "north", execution_id: id, tasks: [] },
    gives: []
  }
])

const using = <A, E>(
  reply: Parameters<typeof cloacina>[0],
  use: (executions: Cloacina.Executions.Service, sent: ReadonlyArray<Sent>) => Effect.Effect<A, E>
) => {
  const { layer, sent } = cloacina(reply, { tenant: "north" })
  return Effect.provide(Effect.flatMap(Cloacina.Executions, (executions) => use(executions, sent)), layer)
}

/** A recorded run: the id and its workflow. */
const recorded = (name: string) => {
  const { exchanges } = Golden.get(name)
  const [, workflow = ""] = /workflows\/(.*)\/execute/.exec(exchanges[0]?.request.path ?? "") ?? []
  return { reply: replay(name), workflow }
}

describe("execute", () => {
  it.effect("refuses a context that is no JSON, before any request", () =>
    using(() => answer(202, accepted), (executions, sent) =>
      Effect.gen(function*() {
        const circle: Record<string, unknown> = {}
        circle["self"] = circle
        const lost = [{ n: NaN }, { n: [-Infinity] }, { deep: [{ password: Redacted.make("hush") }] }]
        for (const context of [circle, { n: 1n }, ...lost]) {
          const error = yield* Effect.flip(executions.execute("w", { context }))
          assert.strictEqual(error._tag, "InvalidInput")
        }
        assert.strictEqual(sent.length, 0)
      })))

  it.effect("sends a reference to a secret as it is", () =>
    using(() => answer(202, accepted), (executions, sent) =>
      Effect.gen(function*() {
        yield* executions.execute("w", { context: { warehouse: Cloacina.secretRef("warehouse") } })
        assert.deepStrictEqual(JSON.parse(sent[0]?.body ?? ""), { context: { warehouse: { $secret: "warehouse" } } })
      })))

  it.effect("says once more that a workflow is not loaded, unless it is told to wait", () =>
    using(replay("execute-first-in-tenant"), (executions, sent) =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(executions.execute("flow_plain"))
        assert.strictEqual(error._tag, "InvalidInput")
        assert.strictEqual(error.code, "execution_failed")
        assert.strictEqual(sent.length, 1)
      })))

  it.effect("waits for the loader where it is told to", () =>
    using(replay("execute-first-in-tenant"), (executions, sent) =>
      Effect.gen(function*() {
        const { execution_id } = yield* running(executions.execute("flow_plain", { waitUntilLoaded: "10 seconds" }))
        assert.strictEqual(execution_id, "8f728f43-5045-4aaf-a2aa-754e09d41bbc")
        assert.strictEqual(sent.length, 2)
      })))

  it.effect("waits no longer than it is told to", () =>
    using(replay("execute-load-failed"), (executions, sent) =>
      Effect.gen(function*() {
        const error = yield* running(
          Effect.flip(executions.execute("broken_python", { waitUntilLoaded: "3 seconds" }))
        )
        assert.strictEqual(error._tag, "InvalidInput")
        assert.strictEqual(yield* Clock.currentTimeMillis, 3000)
        assert.isAbove(sent.length, 3)
      })))

  it.effect("waits for nothing else", () =>
    using(
      () => refusal(400, "execution_failed", "Workflow execution failed: no runner"),
      (executions, sent) =>
        Effect.gen(function*() {
          yield* Effect.flip(executions.execute("w", { waitUntilLoaded: "3 seconds" }))
          assert.strictEqual(sent.length, 1)
        })
    ))
})

describe("await", () => {
  it.effect("gives the tasks of a run that completed, and how long it took", () => {
    const { reply, workflow } = recorded("run-completed")
    return using(reply, (executions) =>
      Effect.gen(function*() {
        const outcome = yield* running(executions.executeAndAwait(workflow, {
          context: { region: "eu" }
        }))
        assert.strictEqual(outcome._tag, "Completed")
        assert.isTrue(outcome.tasks.every((task) => task.status === "Completed"))
        const duration = Option.getOrThrow(outcome.duration)
        assert.isTrue(Duration.between(duration, { minimum: 1, maximum: "10 seconds" }))
      }))
  })

  it.effect("names the tasks that failed, their errors and the reason", () => {
    const { reply, workflow } = recorded("run-failed")
    return using(reply, (executions) =>
      Effect.gen(function*() {
        const outcome = yield* running(executions.executeAndAwait(workflow))
        assert.isTrue(outcome._tag === "Failed")
        if (outcome._tag !== "Failed") return
        assert.deepStrictEqual(outcome.reason, Option.some("1 task(s) failed, 2 completed, 0 skipped"))
        assert.deepStrictEqual(outcome.failures, [{
          task: "boom",
          taskName: "north::flow-fail::flow_fail::boom",
          attempt: 1,
          error: Option.some(
            "Task execution error: Task execution failed: Python task execution failed: RuntimeError: disk full"
          )
        }])
        assert.include(Cloacina.renderOutcome(outcome), "disk full")
      }))
  })

  it.effect("takes a retried and a skipped task for what they are", () =>
    Effect.gen(function*() {
      for (const name of ["run-retry", "run-skipped"]) {
        const { reply, workflow } = recorded(name)
        const outcome = yield* using(reply, (executions) => running(executions.executeAndAwait(workflow)))
        assert.strictEqual(outcome._tag, "Completed", name)
      }
    }))

  it.effect("fails with the outcome where only completion will do", () => {
    const { reply, workflow } = recorded("run-failed")
    return using(reply, (executions) =>
      Effect.gen(function*() {
        const { execution_id } = yield* executions.execute(workflow)
        const error = yield* running(Effect.flip(executions.awaitCompleted(execution_id)))
        assert.isTrue(error._tag === "ExecutionFailed")
        if (error._tag !== "ExecutionFailed") return
        assert.strictEqual(error.outcome._tag, "Failed")
        assert.include(error.message, execution_id)
        assert.include(error.message, "disk full")
      }))
  })

  it.effect("asks at a growing distance, whatever the status is called", () =>
    Effect.gen(function*() {
      const times: Array<number> = []
      const statuses = ["Pending", "Running", "Paused", "Hibernating", 7, "Running", "Cancelled"]
      yield* using(({ path }) => {
        if (path.endsWith("tasks")) return answer(200, { tenant_id: "north", execution_id: id, tasks: [] })
        const status = statuses[Math.min(times.length, statuses.length - 1)]
        return Effect.map(Clock.currentTimeMillis, (now) => {
          times.push(now)
          return answer(200, { tenant_id: "north", execution_id: id, status })
        })
      }, (executions) =>
        Effect.gen(function*() {
          const outcome = yield* running(executions.await(id))
          assert.strictEqual(outcome._tag, "Cancelled")
          assert.deepStrictEqual(outcome.duration, Option.none())
        }))
      assert.deepStrictEqual(
        times.slice(1).map((at, i) => Math.round(at - (times[i] ?? 0))),
        [250, 375, 563, 844, 1266, 1898]
      )
    }))

  it.effect("fails with NotFound for an unknown id, and asks once", () =>
    using(replay("execution-unknown"), (executions, sent) =>
      Effect.gen(function*() {
        const path = Golden.get("execution-unknown").exchanges[0]?.request.path ?? ""
        const unknown = path.slice(path.lastIndexOf("/") + 1)
        const tenant = path.split("/")[3] ?? ""
        const error = yield* Effect.flip(executions.await(unknown, { tenant }))
        assert.strictEqual(error._tag, "NotFound")
        assert.strictEqual(sent.length, 1)
      })))

  for (const [lost, waits] of [[20, true], [21, false]] as const) {
    it.effect(`${waits ? "waits out" : "gives up with the last of"} ${lost} questions in a row without an answer`, () => {
      let asked = 0
      return using(({ path }) => {
        if (path.endsWith("tasks")) return answer(200, { tenant_id: "north", execution_id: id, tasks: [] })
        asked += 1
        const status = asked === 1 ? "Running" : "Completed"
        return asked > 1 && asked <= lost + 1
          ? refusal(503, "away")
          : answer(200, { tenant_id: "north", execution_id: id, status })
      }, (executions) =>
        Effect.gen(function*() {
          const exit = yield* running(Effect.either(executions.await(id, { retry: { maxRetries: 0 } })))
          assert.strictEqual(Either.merge(exit)._tag, waits ? "Completed" : "Unavailable")
        }))
    })
  }

  it.effect("fails at once when the first question gets no answer", () =>
    using(() => refusal(503, "away"), (executions, sent) =>
      Effect.gen(function*() {
        const error = yield* running(Effect.flip(executions.await(id, { retry: { maxRetries: 0 } })))
        assert.strictEqual(error._tag, "Unavailable")
        assert.strictEqual(sent.length, 1)
      })))

  it.effect("leaves the execution alone when it is interrupted", () =>
    using(
      () => answer(200, { tenant_id: "north", execution_id: id, status: "Running" }),
      (executions, sent) =>
        Effect.gen(function*() {
          const fiber = yield* Effect.fork(executions.await(id))
          yield* TestClock.adjust("2 seconds")
          yield* Fiber.interrupt(fiber)
          yield* TestClock.adjust("1 minute")
          assert.isTrue(sent.every(({ method }) => method === "GET"))
          assert.isBelow(sent.length, 10)
        })
    ))
})

describe("follow", () => {
  for (const name of ["run-completed", "run-failed", "run-retry", "run-skipped"]) {
    it.effect(`gives the log of ${name} and its end`, () => {
      const { reply, workflow } = recorded(name)
      return using(reply, (executions) =>
        Effect.gen(function*() {
          const items = Chunk.toReadonlyArray(
            yield* running(Stream.runCollect(executions.executeAndFollow(workflow, { context: { region: "eu" } })))
          )
          const [first, ...rest] = items
          assert.strictEqual(first?.type, "started")
          const executionId = first?.type === "started" ? first.executionId : ""
          const log = yield* executions.events(executionId)
          assert.deepStrictEqual(rest.slice(0, -1), log.map((event) => ({ type: "event", event, late: false })))
          const last = rest.at(-1)
          assert.strictEqual(last?.type, "ended")
          if (last?.type === "ended") {
            assert.strictEqual(last.outcome._tag, name === "run-failed" ? "Failed" : "Completed")
            assert.deepStrictEqual(last.outcome, yield* executions.await(executionId))
          }
        }))
    })
  }

  it.effect("fails with NotFound for an unknown id", () =>
    using(() => refusal(404, "execution_not_found"), (executions) =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(Stream.runDrain(executions.follow(id)))
        assert.strictEqual(error._tag, "NotFound")
      })))

  it.effect("gives up on a server that says nothing, however long that takes", () =>
    using(() => "silent", (executions) =>
      Effect.gen(function*() {
        const error = yield* running(
          Effect.flip(Stream.runDrain(executions.follow(id, { reconnect: { maxReconnects: 2 } })))
        )
        assert.strictEqual(error._tag, "StreamInterrupted")
        assert.isAbove(yield* Clock.currentTimeMillis, 80_000)
      })))

  it.effect("goes on when an execution that was there is not found for a while, which is trouble with the database", () => {
    const { reply, workflow } = recorded("run-completed")
    let failures = 0
    return using((request, index) => {
      if (index > 2 && /\/executions\/[^/]+$/.test(request.path) && failures < 2) {
        failures += 1
        return refusal(404, "execution_not_found")
      }
      return reply(request)
    }, (executions) =>
      Effect.gen(function*() {
        const items = yield* running(
          Stream.runCollect(executions.executeAndFollow(workflow, { context: { region: "eu" } }))
        )
        assert.strictEqual(failures, 2)
        assert.strictEqual(Chunk.unsafeLast(items).type, "ended")
      }))
  })

  it.effect("waits a minute at most when it is asked for more", () =>
    using(
      (_, index) =>
        index === 0
          ? refusal(503, "internal_error", "no", { "retry-after": "864000" })
          : refusal(404, "execution_not_found"),
      (executions) =>
        Effect.gen(function*() {
          const error = yield* running(Effect.flip(Stream.runDrain(executions.follow(id))))
          assert.strictEqual(error._tag, "NotFound")
          assert.strictEqual(yield* Clock.currentTimeMillis, 60_000)
        })
    ))

  it.effect("gives up with StreamInterrupted, which says why", () =>
    using(() => "reset", (executions) =>
      Effect.gen(function*() {
        const error = yield* running(
          Effect.flip(Stream.runDrain(executions.follow(id, { reconnect: { maxReconnects: 2 } })))
        )
        assert.isTrue(error._tag === "StreamInterrupted")
        if (error._tag === "StreamInterrupted") assert.strictEqual(error.attempts, 3)
      })))
})

/** A list of `count` executions, newest first, of which `newer` more are started before each later page. */
const listing = (count: number, newer = 0) => (request: Sent, index: number) => {
  const query = new URL(request.path, "http://x").searchParams
  const offset = Number(query.get("offset"))
  const limit = Number(query.get("limit"))
  const total = count + newer * index
  const items = Array.from({ length: Math.max(0, Math.min(limit, total - offset)) }, (_, i) => ({
    ...summary,
    id: String(total - 1 - offset - i)
  }))
  return answer(200, { tenant_id: "north", items, total: items.length })
}

describe("iterate", () => {
  it.effect("reads page by page to the first one that is not full", () =>
    using(listing(250), (executions, sent) =>
      Effect.gen(function*() {
        const items = yield* Stream.runCollect(executions.iterate({ status: "Failed", workflow: "w" }))
        assert.deepStrictEqual(
          Chunk.toReadonlyArray(items).map((item) => item.id),
          Array.from({ length: 250 }, (_, i) => String(249 - i))
        )
        assert.deepStrictEqual(sent.map(({ path }) => path.slice(path.indexOf("?"))), [
          "?status=Failed&workflow=w&limit=100&offset=0",
          "?status=Failed&workflow=w&limit=100&offset=100",
          "?status=Failed&workflow=w&limit=100&offset=200"
        ])
      })))

  it.effect("asks for one more page behind a full last one", () =>
    using(listing(20), (executions, sent) =>
      Effect.gen(function*() {
        assert.strictEqual(yield* Stream.runCount(executions.iterate({}, { pageSize: 10 })), 20)
        assert.strictEqual(sent.length, 3)
      })))

  it.effect("asks for no page that nobody wants", () =>
    using(listing(1000), (executions, sent) =>
      Effect.gen(function*() {
        yield* Stream.runDrain(Stream.take(executions.iterate({}, { pageSize: 10 }), 10))
        assert.strictEqual(sent.length, 1)
      })))

  it.effect("gives each once while others are started, more than a page of them too", () =>
    Effect.gen(function*() {
      for (const newer of [3, 9]) {
        const items = yield* using(listing(100, newer), (executions) =>
          Stream.runCollect(executions.iterate({}, { pageSize: 10 })))
        const ids = Chunk.toReadonlyArray(items).map(({ id }) =>
          Number(id)
        )
        assert.deepStrictEqual(ids, Array.from({ length: 100 }, (_, i) => 99 - i))
      }
      // A whole page of new ones at once: the second page is the first again.
      const burst = (request: Sent, index: number) => listing(index === 0 ? 100 : 110)(request, 0)
      const items = yield* using(burst, (executions) => Stream.runCollect(executions.iterate({}, { pageSize: 10 })))
      assert.strictEqual(items.length, 100)
    }))

  it.effect("goes through 100,000", () =>
    using(listing(100_000), (executions, sent) =>
      Effect.gen(function*() {
        const last = yield* Stream.runFold(executions.iterate({}, { pageSize: 1000 }), { count: 0, id: "" }, (
          { count },
          { id }
        ) => ({ count: count + 1, id }))
        assert.deepStrictEqual(last, { count: 100_000, id: "0" })
        assert.strictEqual(sent.length, 101)
      })), 30_000)
})
