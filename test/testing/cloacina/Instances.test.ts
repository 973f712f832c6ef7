/** Instances: bindings of parameters, and what starts them, by the clock. */
import { describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/TestClock"
import { assert } from "vitest"
import { type Cue, param, secret, succeeds, task, workflow } from "../../../src/testing/cloacina/Script.js"
import { ask, codeOf, emulator, god } from "./support/ask.js"

const path = "/v1/tenants/north/workflows/flow/instances"

const create = (body: unknown, at = path) => ask("POST", at, { key: god, body })

const get = (name: string) => ask("GET", `${path}/${name}`, { key: god })

const start = TestClock.setTime(Date.parse("2026-09-03T08:00:00.500Z"))

const executions = Effect.map(
  ask("GET", "/v1/tenants/north/executions?workflow=flow", { key: god }),
  (asked) => asked.member("items") as ReadonlyArray<{ readonly trigger_origin: unknown; readonly started_at: string }>
)

const bare = emulator({ workflows: [workflow("flow", { tenant: "north" })] })

describe("an instance", () => {
  it.effect("is checked for its name, then for a duplicate, then its params, then its timetable", () =>
    Effect.gen(function*() {
      yield* create({ instance_name: "a", params: { n: 1 } })
      const wrong = { params: { n: "x" }, cron: "never" }
      assert.deepStrictEqual(codeOf(yield* create({ instance_name: "\t ", ...wrong })), [400, "invalid_instance_name"])
      assert.deepStrictEqual(codeOf(yield* create({ instance_name: "a", ...wrong })), [409, "instance_exists"])
      assert.deepStrictEqual(codeOf(yield* create({ instance_name: "b", ...wrong })), [400, "instance_params_invalid"])
      assert.deepStrictEqual(codeOf(yield* create({ instance_name: "b", params: { n: 1 }, cron: "never" })), [
        400,
        "invalid_cron"
      ])
      const never = yield* create({ instance_name: "b", params: { n: 1 }, cron: "0 0 31 2 *" })
      assert.deepStrictEqual(codeOf(never), [400, "invalid_cron"])
      assert.match(String(never.member("error")), /^could not compute next execution: /)
      // Without a timetable its zone is never looked at.
      assert.strictEqual((yield* create({ instance_name: "b", params: { n: 1 }, timezone: "Mars/Base" })).status, 200)
      assert.deepStrictEqual((yield* create({ instance_name: 1 })).status, 422)
    }).pipe(
      Effect.provide(emulator({ workflows: [workflow("flow", { tenant: "north", params: [param("n", "integer")] })] }))
    ))

  it.effect("fires by its timetable, with its params, its secrets and what the scheduler says", () => {
    const seen: Array<Record<string, unknown>> = []
    return Effect.gen(function*() {
      yield* start
      yield* ask("POST", "/v1/tenants/north/secrets", { key: god, body: { name: "store", fields: {} } })
      const created = yield* create({
        instance_name: "quick",
        params: { region: "eu", warehouse: { $secret: "store" }, schedule_id: "spoofed" },
        cron: "*/2 * * * * *"
      })
      assert.strictEqual(created.member("next_run_at"), "2026-09-03T08:00:02+00:00")
      assert.strictEqual(created.member("last_run_at"), null)
      yield* TestClock.adjust("6 seconds")
      const items = yield* executions
      assert.deepStrictEqual(items.map(({ trigger_origin }) => trigger_origin), [null, null, null])
      assert.match(items[2]?.started_at ?? "", /^2026-09-03T08:00:02\.0\d+\+00:00$/)
      const later = yield* get("quick")
      assert.strictEqual(later.member("next_run_at"), "2026-09-03T08:00:08+00:00")
      assert.match(String(later.member("last_run_at")), /^2026-09-03T08:00:06\.0/)
      assert.deepStrictEqual(seen[0], {
        region: "eu",
        scheduled_time: "2026-09-03T08:00:02+00:00",
        schedule_id: created.member("id"),
        schedule_timezone: "UTC",
        schedule_expression: "*/2 * * * * *"
      })
      const trigger = yield* ask("GET", "/v1/tenants/north/triggers/flow", { key: god })
      const runs = trigger.member("recent_executions") as ReadonlyArray<Record<string, unknown>>
      assert.deepStrictEqual(
        runs.map((run) => run["scheduled_time"]),
        [6, 4, 2].map((s) => `2026-09-03T08:00:0${s}+00:00`)
      )
      assert.isString(runs[2]?.["completed_at"])
      yield* ask("DELETE", `${path}/quick`, { key: god })
      yield* TestClock.adjust("10 seconds")
      assert.lengthOf(yield* executions, 3)
    }).pipe(Effect.provide(emulator({
      workflows: [workflow("flow", {
        tenant: "north",
        params: [param("region", "string"), secret("warehouse")],
        tasks: [task("t", {
          secrets: ["warehouse"],
          attempts: ({ context }: Cue) => {
            seen.push({ ...context })
            return succeeds()
          }
        })]
      })]
    })))
  })

  it.effect("does not fire disabled, without a timetable, or paused, and makes nothing up afterwards", () =>
    Effect.gen(function*() {
      yield* start
      yield* create({ instance_name: "off", cron: "* * * * * *", enabled: false })
      yield* create({ instance_name: "unscheduled" })
      yield* TestClock.adjust("5 seconds")
      assert.lengthOf(yield* executions, 0)
      yield* create({ instance_name: "on", cron: "*/10 * * * * *" })
      assert.strictEqual((yield* ask("POST", "/v1/tenants/north/triggers/flow/pause", { key: god })).status, 200)
      yield* TestClock.adjust("1 minute")
      assert.lengthOf(yield* executions, 0)
      assert.strictEqual((yield* get("on")).member("paused"), true)
      yield* ask("POST", "/v1/tenants/north/triggers/flow/resume", { key: god })
      yield* TestClock.adjust("10 seconds")
      assert.lengthOf(yield* executions, 1)
    }).pipe(Effect.provide(bare)))

  it.effect("keeps params of any kind; those that cannot be merged start nothing", () =>
    Effect.gen(function*() {
      yield* start
      const list = yield* create({ instance_name: "list", params: [1], cron: "* * * * * *" })
      assert.deepStrictEqual(list.member("params"), [1])
      assert.deepStrictEqual((yield* create({ instance_name: "null", params: null })).member("params"), null)
      yield* TestClock.adjust("3 seconds")
      assert.lengthOf(yield* executions, 0)
    }).pipe(Effect.provide(bare)))

  it.effect("of a workflow that does not exist fires into the void", () =>
    Effect.gen(function*() {
      yield* start
      const ghosts = "/v1/tenants/north/workflows/ghost/instances"
      yield* create({ instance_name: "a", cron: "* * * * * *" }, ghosts)
      yield* TestClock.adjust("3 seconds")
      assert.isString((yield* ask("GET", `${ghosts}/a`, { key: god })).member("last_run_at"))
      assert.strictEqual((yield* ask("GET", "/v1/tenants/north/executions", { key: god })).member("total"), 0)
    }).pipe(Effect.provide(bare)))

  it.effect("is listed by pages, newest first, without the schedules of packages", () =>
    Effect.gen(function*() {
      for (const name of ["a", "b", "c"]) yield* create({ instance_name: name })
      const page = (query: string) =>
        Effect.map(ask("GET", `${path}${query}`, { key: god }), (asked) =>
          (asked.member("items") as ReadonlyArray<{ readonly instance_name: string }>).map((item) =>
            item.instance_name
          ))
      assert.deepStrictEqual(yield* page(""), ["c", "b", "a"])
      assert.deepStrictEqual(yield* page("?limit=2&offset=1"), ["b", "a"])
      assert.deepStrictEqual(codeOf(yield* ask("GET", `${path}?limit=0`, { key: god })), [400, "invalid_pagination"])
    }).pipe(Effect.provide(bare)))
})
