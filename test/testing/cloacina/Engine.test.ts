/** The engine: how executions go, for scripts and graphs of tasks that nobody recorded. */
import { describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as TestClock from "effect/TestClock"
import { assert } from "vitest"
import * as Engine from "../../../src/testing/cloacina/Engine.js"
import {
  type Attempt,
  type Cue,
  fails,
  param,
  secret,
  succeeds,
  type Task,
  task,
  workflow
} from "../../../src/testing/cloacina/Script.js"
import * as World from "../../../src/testing/cloacina/World.js"
import * as Packages from "../../fixtures/cloacina/Packages.js"
import { ask, codeOf, emulator, god } from "./support/ask.js"
import { uploaded } from "./support/packages.js"

interface Event {
  readonly event_type: string
  readonly event_data: string
  readonly task_name: string | null
  readonly created_at: string
  readonly sequence_num: number
}

interface Row {
  readonly task_name: string
  readonly status: string
  readonly started_at: string | null
  readonly completed_at: string | null
  readonly attempt: number
  readonly max_attempts: number
  readonly last_error: string | null
  readonly error_details: string | null
}

const execute = (name: string, context: unknown = {}, tenant = "north") =>
  ask("POST", `/v1/tenants/${tenant}/workflows/${name}/execute`, { key: god, body: { context } })

const started = (name: string, context: unknown = {}, tenant = "north") =>
  Effect.map(execute(name, context, tenant), (asked) => {
    assert.strictEqual(asked.status, 202, asked.text)
    return String(asked.member("execution_id"))
  })

const member = <A>(path: string, name: string) =>
  Effect.map(ask("GET", `/v1/tenants/north/${path}`, { key: god }), (asked) => asked.member(name) as A)

const statusOf = (id: string) => member<string>(`executions/${id}`, "status")

const eventsOf = (id: string) => member<ReadonlyArray<Event>>(`executions/${id}/events`, "events")

const tasksOf = (id: string) => member<ReadonlyArray<Row>>(`executions/${id}/tasks`, "tasks")

const localOf = (name: string | null): string => name?.split("::").at(-1) ?? ""

const types = (events: ReadonlyArray<Event>) =>
  events.map(({ event_type, task_name }) => task_name === null ? event_type : `${event_type} ${localOf(task_name)}`)

const north = (...workflows: ReadonlyArray<ReturnType<typeof workflow>>) =>
  emulator({ workflows: workflows.map((each) => ({ tenant: "north", ...each })) })

describe("an execution", () => {
  it.effect("is pending first, runs within 100 ms, and is over when the planner has seen its last task", () =>
    Effect.gen(function*() {
      const id = yield* started("flow")
      assert.strictEqual(yield* statusOf(id), "Pending")
      assert.deepStrictEqual(yield* eventsOf(id), [])
      yield* TestClock.adjust("100 millis")
      assert.strictEqual(yield* statusOf(id), "Running")
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* statusOf(id), "Completed")
      assert.deepStrictEqual(types(yield* eventsOf(id)), [
        "task_marked_ready flow",
        "task_completed flow",
        "workflow_completed"
      ])
    }).pipe(Effect.provide(north(workflow("flow")))))

  it.effect("shows a task that runs", () =>
    Effect.gen(function*() {
      const id = yield* started("flow")
      yield* TestClock.adjust("30 seconds")
      assert.deepInclude((yield* tasksOf(id))[0], { status: "Running", completed_at: null, attempt: 1 })
      assert.deepInclude((yield* tasksOf(id))[1], { status: "NotStarted", started_at: null })
      yield* TestClock.adjust("31 seconds")
      assert.strictEqual(yield* statusOf(id), "Completed")
    }).pipe(
      Effect.provide(
        north(workflow("flow", { tasks: [task("long", { takes: "1 minute" }), task("next", { after: ["long"] })] }))
      )
    ))

  it.effect("retries with a doubled delay up to the longest one, and shows the attempt that comes", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(Date.parse("2026-09-03T08:00:00Z"))
      const id = yield* started("flow")
      yield* TestClock.adjust("1 second")
      assert.deepInclude((yield* tasksOf(id))[0], {
        status: "Ready",
        attempt: 2,
        max_attempts: 5,
        last_error: "Task execution error: Task execution failed: Python task execution failed: no"
      })
      yield* TestClock.adjust("1 minute")
      const delays = (yield* eventsOf(id)).filter(({ event_type }) => event_type === "task_retry_scheduled").map(
        ({ created_at, event_data }) => {
          const { attempt, retry_at } = JSON.parse(event_data) as {
            readonly attempt: number
            readonly retry_at: string
          }
          assert.match(retry_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}\+00:00$/)
          return [attempt, Math.round((Date.parse(retry_at) - Date.parse(created_at)) / 100)]
        }
      )
      assert.deepStrictEqual(delays, [[2, 20], [3, 40], [4, 50], [5, 50]])
      assert.strictEqual(yield* statusOf(id), "Failed")
      const last = (yield* eventsOf(id)).slice(-2)
      assert.deepStrictEqual(last.map(({ event_data }) => event_data), [
        "{\"error\":\"Task execution error: Task execution failed: Python task execution failed: no\"}",
        "{\"reason\":\"1 task(s) failed, 0 completed, 0 skipped\"}"
      ])
    }).pipe(Effect.provide(north(workflow("flow", {
      tasks: [task("t", {
        attempts: fails("no"),
        maxAttempts: 5,
        retry: { delay: "2 seconds", maxDelay: "5 seconds", jitter: false }
      })]
    })))))

  it.effect("asks functions what an attempt does, and fails the attempt when they throw", () =>
    Effect.gen(function*() {
      const id = yield* started("flow", { region: "eu" })
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* statusOf(id), "Failed")
      const rows = yield* tasksOf(id)
      assert.deepInclude(rows[0], { status: "Completed", attempt: 2, last_error: null })
      assert.deepInclude(rows[1], {
        status: "Failed",
        last_error: "Task execution error: Task execution failed: Error: saw eu after 2 attempts"
      })
    }).pipe(Effect.provide(north(workflow("flow", {
      language: "rust",
      tasks: [
        task("first", {
          attempts: ({ attempt }: Cue): Attempt => attempt === 1 ? fails("not yet") : succeeds({ attempts: attempt })
        }),
        task("second", {
          after: ["first"],
          maxAttempts: 0,
          attempts: ({ context }: Cue): Attempt => {
            throw new Error(`saw ${String(context["region"])} after ${String(context["attempts"])} attempts`)
          }
        })
      ]
    })))))

  it.effect("fails a task whose secret does not exist, and never shows its reference to a script", () =>
    Effect.gen(function*() {
      const seen: Array<unknown> = []
      yield* Effect.gen(function*() {
        const id = yield* started("flow", { warehouse: { $secret: "nothing" }, trigger_name: "spoofed", n: 1 })
        yield* TestClock.adjust("10 seconds")
        assert.deepInclude((yield* tasksOf(id))[0], {
          status: "Failed",
          last_error:
            "Task execution error: Task execution failed: Python task execution failed: KeyError: 'secret not found: nothing'"
        })
        yield* ask("POST", "/v1/tenants/north/secrets", { key: god, body: { name: "nothing", fields: { a: "b" } } })
        const other = yield* started("flow", { warehouse: { $secret: "nothing" }, trigger_name: "spoofed", n: 1 })
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual(yield* statusOf(other), "Completed")
        assert.deepStrictEqual(seen, [{ n: 1 }])
      }).pipe(Effect.provide(north(workflow("flow", {
        params: [secret("warehouse")],
        tasks: [task("use", {
          secrets: ["warehouse"],
          maxAttempts: 0,
          attempts: ({ context }) => {
            seen.push({ ...context })
            return succeeds()
          }
        })]
      }))))
    }))

  it.effect("skips a task whose rule throws", () =>
    Effect.gen(function*() {
      const id = yield* started("flow")
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* statusOf(id), "Completed")
      assert.deepInclude((yield* tasksOf(id))[0], { status: "Skipped", error_details: "Trigger rules not satisfied" })
    }).pipe(Effect.provide(north(workflow("flow", {
      tasks: [task("t", {
        rule: () => {
          throw new Error("no")
        }
      })]
    })))))

  it.effect("is told to whoever listens, in the order of its log", () =>
    Effect.gen(function*() {
      const world = yield* World.make({ workflows: [workflow("flow", { tenant: "north" })] })
      const told: Array<string> = []
      world.hooks.onExecutionEvent.push(({ event, executionId, tenant }) =>
        Effect.sync(() => void told.push(`${tenant} ${executionId} ${event.event_type}`))
      )
      const engine = yield* Engine.make(world)
      const id = yield* engine.execute("north", "flow")
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(told, [
        `north ${id} task_marked_ready`,
        `north ${id} task_completed`,
        `north ${id} workflow_completed`
      ])
      assert.deepInclude(world.active, { tasks: 0, workflows: 0 })
    }).pipe(Effect.scoped))
})

describe("execute", () => {
  const flows = north(
    workflow("typed", { params: [param("n", "integer"), param("any", {}, { default: 1 }), secret("s")] }),
    workflow("held", { paused: true, params: [param("n", "integer")] }),
    workflow("late", { tenant: "south", loaded: false, params: [param("n", "integer")] })
  )

  it.effect("looks at references, then at the workflow, at its pause, at params, at what is loaded", () =>
    Effect.gen(function*() {
      const bad = { x: { $secret: "" } }
      assert.deepStrictEqual(codeOf(yield* execute("nope", bad)), [400, "workflow_input_invalid"])
      assert.deepStrictEqual(codeOf(yield* execute("nope")), [404, "workflow_not_found"])
      assert.deepStrictEqual(codeOf(yield* execute("held")), [409, "workflow_paused"])
      assert.deepStrictEqual(codeOf(yield* execute("late", {}, "south")), [400, "workflow_input_invalid"])
      assert.deepStrictEqual(codeOf(yield* execute("late", { n: 1 }, "south")), [400, "execution_failed"])
      yield* TestClock.adjust("300 millis")
      assert.strictEqual((yield* execute("late", { n: 1 }, "south")).status, 202)
      assert.deepStrictEqual(codeOf(yield* execute("nope", {}, "public")), [400, "execution_failed"])
    }).pipe(Effect.provide(flows)))

  it.effect("tells a float from an integer, and joins what is wrong", () =>
    Effect.gen(function*() {
      const post = (text: string) => ask("POST", "/v1/tenants/north/workflows/typed/execute", { key: god, text })
      const faults = (text: string) => Effect.map(post(text), (asked) => asked.member("error"))
      const s = "\"s\":{\"$secret\":\"x\"}"
      assert.strictEqual(
        yield* faults(`{"context":{"n":7.0,${s}}}`),
        "invalid execution context: param 'n' expects type 'integer', got number"
      )
      assert.strictEqual(
        yield* faults(`{"context":{"n":null,"s":"x"}}`),
        "invalid execution context: param 'n' expects type 'integer', got null; " +
          "secret 's' must be bound via {\"$secret\": \"name\"}, not a literal value"
      )
      assert.strictEqual(
        yield* faults(`{"context":{"n":1,"s":{"$secret":"x","y":1}}}`),
        "invalid execution context: instance param 's' has a malformed secret reference: " +
          "a '$secret' reference object must contain only the '$secret' key"
      )
      assert.strictEqual((yield* post(`{"context":{"n":7,"any":[],${s}}}`)).status, 202)
      assert.strictEqual((yield* post(`{"context":{"n":7,"__proto__":{"a":1},${s}}}`)).status, 202)
      assert.strictEqual((yield* post("{\"context\":null}")).status, 400)
    }).pipe(Effect.provide(flows)))

  it.effect("takes ids in every form, and gives them back as they came", () =>
    Effect.gen(function*() {
      const id = yield* started("flow")
      const braced = `{${id.toUpperCase().replaceAll("-", "")}}`
      const path = `/v1/tenants/north/executions/${encodeURIComponent(braced)}`
      const asked = yield* ask("GET", path, { key: god })
      assert.strictEqual(asked.member("execution_id"), braced)
      assert.strictEqual(asked.member("status"), "Pending")
    }).pipe(Effect.provide(north(workflow("flow")))))

  it.effect("keeps tenants apart", () =>
    Effect.gen(function*() {
      const id = yield* started("flow")
      assert.strictEqual((yield* ask("GET", `/v1/tenants/south/executions/${id}`, { key: god })).status, 404)
      assert.deepStrictEqual(codeOf(yield* execute("flow", {}, "south")), [404, "workflow_not_found"])
    }).pipe(Effect.provide(emulator({ tenants: ["south"], workflows: [workflow("flow", { tenant: "north" })] }))))

  it.effect("starts anew in a tenant that was removed", () =>
    Effect.gen(function*() {
      const id = yield* started("flow")
      yield* ask("DELETE", "/v1/tenants/north", { key: god })
      yield* ask("POST", "/v1/tenants", { key: god, body: { name: "north" } })
      assert.deepStrictEqual(codeOf(yield* ask("GET", `/v1/tenants/north/executions/${id}`, { key: god })), [
        404,
        "execution_not_found"
      ])
    }).pipe(
      Effect.provide(emulator({ tenantDeletion: "documented", workflows: [workflow("flow", { tenant: "north" })] }))
    ))

  it.effect("needs the loader again once a tenant's runner was evicted", () =>
    Effect.gen(function*() {
      yield* uploaded(Packages.get("flow-plain"))
      yield* TestClock.adjust("1 second")
      yield* execute("flow_plain")
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* execute("flow_plain")).status, 202)
      const removed = yield* ask("DELETE", "/v1/tenants/north", { key: god })
      assert.strictEqual(removed.member("runner_evicted"), true)
      assert.deepStrictEqual(codeOf(yield* execute("flow_plain")), [400, "execution_failed"])
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* execute("flow_plain")).status, 202)
    }).pipe(Effect.provide(emulator({ tenants: ["north"] }))))
})

describe("executions from the start", () => {
  it.effect("are under way", () =>
    Effect.gen(function*() {
      yield* TestClock.adjust("1 second")
      const items = yield* member<ReadonlyArray<{ readonly status: string }>>("executions", "items")
      assert.deepStrictEqual(items.map(({ status }) => status), ["Completed"])
    }).pipe(Effect.provide(emulator({
      workflows: [workflow("flow", { tenant: "north" })],
      executions: [{ tenant: "north", workflow: "flow" }]
    }))))
})

/** Tasks that wait for earlier ones only, with attempts of all kinds. */
const anyTasks: FastCheck.Arbitrary<ReadonlyArray<Task>> = FastCheck.array(
  FastCheck.record({
    after: FastCheck.array(FastCheck.nat(), { maxLength: 3 }),
    attempts: FastCheck.array(FastCheck.boolean(), { minLength: 1, maxLength: 4 }),
    maxAttempts: FastCheck.nat({ max: 4 }),
    skipped: FastCheck.integer({ min: 0, max: 5 }),
    takes: FastCheck.nat({ max: 700 })
  }),
  { minLength: 1, maxLength: 9 }
).map((specs) =>
  specs.map(({ after, attempts: [first = true, ...others], maxAttempts, skipped, takes }, index) => {
    const attempt = (works: boolean): Attempt => works ? succeeds() : fails("no")
    return task(`t${index}`, {
      after: index === 0 ? [] : [...new Set(after.map((at) => `t${at % index}`))],
      attempts: [attempt(first), ...others.map(attempt)],
      maxAttempts,
      skipped: skipped === 0,
      takes,
      retry: { delay: "200 millis" }
    })
  })
)

/** What a task must come to. */
const outcomeOf = (
  { attempts, maxAttempts = 3, skipped }: Task
): { readonly status: string; readonly attempts: number } => {
  if (skipped === true) return { status: "Skipped", attempts: 1 }
  if (!Array.isArray(attempts)) throw new Error("attempts are a list here")
  const tries = Math.max(1, maxAttempts)
  for (let attempt = 1; attempt <= tries; attempt++) {
    if (attempts[Math.min(attempt, attempts.length) - 1]._tag === "Succeeds") {
      return { status: "Completed", attempts: attempt }
    }
  }
  return { status: "Failed", attempts: tries }
}

/** A clock that jumps: whatever is due in between happens at its time all the same, when somebody looks. */
const jumping = () => {
  let now = 0
  const clock: Clock.Clock = {
    [Clock.ClockTypeId]: Clock.ClockTypeId,
    sleep: () => Effect.never,
    unsafeCurrentTimeMillis: () => now,
    currentTimeMillis: Effect.sync(() => now),
    unsafeCurrentTimeNanos: () => BigInt(now) * 1_000_000n,
    currentTimeNanos: Effect.sync(() => BigInt(now) * 1_000_000n)
  }
  const jump = (ms: number) =>
    Effect.sync(() => {
      now += ms
    })
  return { clock, jump }
}

/** Asks a route of an execution, without a server. */
const lookAt = ({ handlers }: Engine.Engine, id: string) => (suffix: string) => {
  const template = `/v1/tenants/{tenant_id}/executions/{exec_id}${suffix}`
  const route = handlers.find((handler) => handler.method === "GET" && handler.template === template)
  const nobody = { keyId: "", name: "", tenant: undefined, role: "admin", level: "admin", isGod: true } as const
  return Effect.map(
    route?.handle({
      request: { method: "GET", target: "/", headers: {}, bytes: () => Effect.succeed(new Uint8Array()) },
      param: () => id,
      query: () => undefined,
      tenant: "north",
      identity: nobody
    }) ?? assert.fail(template),
    ({ body }) => JSON.parse(String(body))
  )
}

describe("any graph of tasks", () => {
  it.effect.prop(
    "comes to its end: every task is final once, behind all it waits for, as log, rows and status say alike",
    [anyTasks],
    ([tasks]) => {
      const { clock, jump } = jumping()
      return Effect.gen(function*() {
        const world = yield* World.make({ workflows: [workflow("flow", { tenant: "north", tasks })] })
        const engine = yield* Engine.make(world)
        const id = yield* engine.execute("north", "flow")
        yield* jump(60_000)
        const look = lookAt(engine, id)
        const events: ReadonlyArray<Event> = (yield* look("/events")).events
        const rows: ReadonlyArray<Row> = (yield* look("/tasks")).tasks
        assert.lengthOf(rows, tasks.length)

        const numbers = events.map(({ sequence_num }) => sequence_num)
        assert.deepStrictEqual(numbers, [...new Set(numbers)].sort((a, b) => a - b))
        const times = events.map(({ created_at }) => created_at)
        assert.deepStrictEqual(times, [...times].sort())

        const finals = new Map([["task_completed", "Completed"], ["task_failed", "Failed"], [
          "task_skipped",
          "Skipped"
        ]])
        const position = (type: string, name: string) => types(events).indexOf(`${type} ${name}`)
        const finalAt = new Map<string, number>()
        events.forEach(({ event_type, task_name }, at) => {
          if (!finals.has(event_type)) return
          assert.isFalse(finalAt.has(localOf(task_name)), `${localOf(task_name)} is final twice`)
          finalAt.set(localOf(task_name), at)
        })
        for (const spec of tasks) {
          const expected = outcomeOf(spec)
          const row = rows.find(({ task_name }) => task_name === `north::flow::flow::${spec.id}`)
          assert.deepInclude(row, {
            status: expected.status,
            attempt: expected.attempts,
            max_attempts: spec.maxAttempts ?? 3
          })
          const end = finalAt.get(spec.id) ?? -1
          assert.strictEqual(finals.get(events[end]?.event_type ?? ""), expected.status)
          const ready = position("task_marked_ready", spec.id)
          assert.strictEqual(ready === -1, expected.status === "Skipped")
          const begins = expected.status === "Skipped" ? end : ready
          for (const other of spec.after ?? []) assert.isBelow(finalAt.get(other) ?? Infinity, begins)
          const retries = types(events).filter((type) => type === `task_retry_scheduled ${spec.id}`)
          assert.lengthOf(retries, expected.attempts - 1)
          assert.strictEqual(row?.completed_at === null, expected.status === "Skipped")
        }

        const failed = rows.filter(({ status }) => status === "Failed").length
        assert.strictEqual((yield* look("")).status, failed === 0 ? "Completed" : "Failed")
        assert.strictEqual(events.at(-1)?.event_type, failed === 0 ? "workflow_completed" : "workflow_failed")
        assert.lengthOf(events.filter(({ task_name }) => task_name === null), 1)
      }).pipe(Effect.scoped, Effect.withClock(clock))
    },
    { fastCheck: { numRuns: 40 } }
  )
})
