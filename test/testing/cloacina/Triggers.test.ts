/** Triggers and schedules of packages: polled, by cron, and by hand. */
import { describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/TestClock"
import { assert } from "vitest"
import {
  cron,
  type Cue,
  param,
  type Poll,
  secret,
  succeeds,
  task,
  trigger,
  workflow
} from "../../../src/testing/cloacina/Script.js"
import * as Packages from "../../fixtures/cloacina/Packages.js"
import { ask, codeOf, emulator, god } from "./support/ask.js"
import { uploaded } from "./support/packages.js"

const triggers = "/v1/tenants/north/triggers"

const start = TestClock.setTime(Date.parse("2026-09-03T08:00:00Z"))

const post = (path: string, body?: unknown) =>
  ask("POST", `${triggers}/${path}`, body === undefined ? { key: god } : { key: god, body })

const workflowsOf = Effect.map(
  ask("GET", "/v1/tenants/north/executions", { key: god }),
  (asked) =>
    (asked.member("items") as ReadonlyArray<{ readonly workflow_name: string }>).map((item) => item.workflow_name)
)

const rows = Effect.map(
  ask("GET", triggers, { key: god }),
  (asked) => asked.member("items") as ReadonlyArray<Record<string, unknown>>
)

describe("a polling trigger", () => {
  it.effect("is polled without anybody being started, until it fires", () => {
    const polls: Array<Poll> = []
    const seen: Array<unknown> = []
    const record = task("t", {
      attempts: ({ context }: Cue) => {
        seen.push(context["order"])
        return succeeds()
      }
    })
    return Effect.gen(function*() {
      yield* TestClock.adjust("20 seconds")
      assert.deepStrictEqual(polls.map(({ now, poll }) => [poll, now]), [[1, 5000], [2, 10_000], [3, 15_000], [
        4,
        20_000
      ]])
      assert.deepStrictEqual([...yield* workflowsOf].sort(), ["first", "second"])
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(seen, ["A-3", "A-3"])
      const asked = yield* ask("GET", `${triggers}/orders`, { key: god })
      const [run] = asked.member("recent_executions") as ReadonlyArray<Record<string, unknown>>
      assert.deepInclude(run, { scheduled_time: null })
      assert.isString(run?.["completed_at"])
    }).pipe(Effect.provide(emulator({
      workflows: [
        workflow("first", {
          tenant: "north",
          tasks: [record],
          triggers: [trigger("orders", {
            every: "5 seconds",
            fires: (poll) => {
              polls.push(poll)
              return poll.poll === 3 ? { order: "A-3" } : false
            }
          })]
        }),
        workflow("second", { tenant: "north", tasks: [record], subscribes: ["orders"] })
      ]
    })))
  })

  it.effect("that throws does not fire, and is polled on", () => {
    let polls = 0
    return Effect.gen(function*() {
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual(polls, 3)
      assert.deepStrictEqual(yield* workflowsOf, ["flow"])
    }).pipe(Effect.provide(emulator({
      workflows: [workflow("flow", {
        tenant: "north",
        triggers: [trigger("orders", {
          every: "1 second",
          fires: () => {
            if (++polls === 1) throw new Error("not yet")
            return polls === 2
          }
        })]
      })]
    })))
  })

  it.effect("shows when it was polled, not while it is paused", () =>
    Effect.gen(function*() {
      const last = Effect.map(rows, ([row]) => String(row?.["last_poll_at"]).replace(/\.\d+/, ""))
      assert.strictEqual(yield* last, "null")
      yield* start
      yield* TestClock.adjust("5 seconds")
      const before = yield* last
      assert.strictEqual(before, "2026-09-03T08:00:04+00:00")
      yield* post("orders/pause")
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* last, before)
      yield* post("orders/resume")
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* last, before)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* last, "2026-09-03T08:01:07+00:00")
    }).pipe(Effect.provide(emulator({
      workflows: [workflow("flow", { tenant: "north", triggers: [trigger("orders", { every: "2 seconds" })] })]
    }))))
})

describe("a cron schedule of a package", () => {
  const layer = emulator({
    workflows: [workflow("flow", { tenant: "north", triggers: [cron("*/5 * * * * *")] })]
  })

  it.effect("fires by the clock and remembers ten runs", () =>
    Effect.gen(function*() {
      yield* TestClock.adjust("1 minute")
      assert.lengthOf(yield* workflowsOf, 12)
      const asked = yield* ask("GET", `${triggers}/flow`, { key: god })
      const runs = asked.member("recent_executions") as ReadonlyArray<Record<string, unknown>>
      assert.lengthOf(runs, 10)
      assert.strictEqual(runs[0]?.["scheduled_time"], "1970-01-01T00:01:00+00:00")
      assert.deepInclude((yield* rows)[0], { trigger_name: null, next_run_at: "1970-01-01T00:01:05+00:00" })
    }).pipe(Effect.provide(layer)))

  it.effect("stops with the tenant's runner", () =>
    Effect.gen(function*() {
      yield* ask("DELETE", "/v1/tenants/north", { key: god })
      yield* TestClock.adjust("1 minute")
      assert.lengthOf(yield* workflowsOf, 0)
    }).pipe(Effect.provide(layer)))

  it.effect("starts when a runner loads its package, in a tenant that had none", () =>
    Effect.gen(function*() {
      yield* uploaded(Packages.get("flow-cron"))
      yield* TestClock.adjust("20 seconds")
      assert.lengthOf(yield* rows, 0)
      yield* ask("POST", "/v1/tenants/north/workflows/flow_cron/execute", { key: god, body: {} })
      yield* TestClock.adjust("10 seconds")
      assert.lengthOf(yield* rows, 1)
      assert.deepStrictEqual(yield* workflowsOf, ["flow_cron", "flow_cron"])
    }).pipe(Effect.provide(emulator({ tenants: ["north"] }))))
})

describe("fire", () => {
  const seen: Array<Record<string, unknown>> = []
  const record = task("t", {
    attempts: ({ context }: Cue) => {
      seen.push({ ...context })
      return succeeds()
    }
  })
  const layer = emulator({
    workflows: [
      workflow("closed", {
        tenant: "north",
        paused: true,
        params: [param("region", "string"), secret("warehouse")],
        tasks: [record],
        triggers: [trigger("day_closed", { every: "1 hour" })]
      }),
      workflow("broken", { tenant: "north", loads: false, subscribes: ["day_closed"] }),
      workflow("other", {
        tenant: "north",
        tasks: [record],
        subscribes: ["day_closed"],
        params: [param("n", "integer")]
      })
    ]
  })

  it.effect("starts what subscribes and what the trigger is declared on, paused or not; what cannot start is left out", () =>
    Effect.gen(function*() {
      yield* start
      const event = {
        region: "eu",
        warehouse: { $secret: "store" },
        n: 1,
        trigger_name: "spoofed",
        schedule_id: "kept"
      }
      const asked = yield* post("day_closed/fire", { event })
      assert.strictEqual(asked.member("fired"), 2)
      const started = asked.member("executions") as ReadonlyArray<{ readonly workflow_name: string }>
      assert.deepStrictEqual(started.map(({ workflow_name }) => workflow_name), ["other", "closed"])
      yield* TestClock.adjust("1 second")
      const { triggered_at, ...context } = seen[0] ?? {}
      assert.match(String(triggered_at), /^2026-09-03T08:00:00\.\d{6}\+00:00$/)
      assert.deepStrictEqual(context, { ...event, trigger_name: "day_closed", manual_fire: true })
    }).pipe(Effect.provide(layer)))

  it.effect("validates an event against everything that it starts, and none not at all", () =>
    Effect.gen(function*() {
      const fault = (event: unknown) => Effect.map(post("day_closed/fire", { event }), (asked) => asked.member("error"))
      assert.strictEqual(
        yield* fault([1]),
        "invalid trigger event: missing required param 'n'; missing required param 'region'; " +
          "missing required param 'warehouse'"
      )
      assert.strictEqual((yield* post("day_closed/fire", { event: null })).member("fired"), 2)
      assert.strictEqual((yield* post("day_closed/fire", {})).member("fired"), 2)
      assert.strictEqual((yield* post("day_closed/fire")).status, 415)
      const surface = yield* ask("GET", `${triggers}/day_closed/interface`, { key: god })
      const slots = surface.member("slots") as ReadonlyArray<{ readonly name: string }>
      // That of the workflow it is declared on is no part of it.
      assert.deepStrictEqual(slots.map(({ name }) => name), ["n"])
    }).pipe(Effect.provide(layer)))

  it.effect("knows no names of workflows", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(codeOf(yield* post("closed/fire", {})), [404, "trigger_not_found"])
      assert.strictEqual((yield* post("closed/pause")).member("paused"), true)
    }).pipe(Effect.provide(layer)))
})
