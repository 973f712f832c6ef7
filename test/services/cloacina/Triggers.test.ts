import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Cloacina from "../../../src/cloacina.js"
import { answer, cloacina, refusal } from "../support/Cloacina.js"
import { suite } from "./support/Calls.js"

const schedule = (id: string) => ({
  id,
  schedule_type: "cron",
  workflow_name: "close_month",
  enabled: true,
  cron_expression: "30 2 * * *",
  trigger_name: null,
  poll_interval_ms: null,
  next_run_at: "2026-09-04T00:30:00+00:00",
  last_run_at: null,
  created_at: "2026-09-03T08:30:00.7+00:00",
  paused: false,
  paused_at: null,
  last_poll_at: null
})
const paused = { tenant_id: "north", id: "1c2d", name: "close_month", status: "paused", paused: true }
const fired = {
  tenant_id: "north",
  trigger: "ledger_closed",
  fired: 1,
  executions: [{ workflow_name: "close_month", execution_id: "0b9f4c1e-2a7d-4c55-b0a3-7d2e9c6f1a44" }]
}
const surface = { kind: "trigger", name: "ledger_closed", slots: [] }
const page = { tenant_id: "north", items: [schedule("a")], total: 1 }

suite(Cloacina.Triggers, [
  {
    name: "list",
    call: (triggers, _, tenant) => triggers.list({ limit: 5, offset: 10 }, { tenant }),
    request: (_, tenant) => `GET /v1/tenants/${tenant}/triggers?limit=5&offset=10`,
    answer: page
  },
  {
    name: "list without a query",
    call: (triggers, _, tenant) => triggers.list({ limit: undefined }, { tenant }),
    request: (_, tenant) => `GET /v1/tenants/${tenant}/triggers`,
    answer: page
  },
  {
    name: "get",
    call: (triggers, name, tenant) => triggers.get(name, { tenant }),
    request: (name, tenant) => `GET /v1/tenants/${tenant}/triggers/${name}`,
    answer: { tenant_id: "north", schedule: schedule("a"), recent_executions: [] },
    errors: ["NotFound"]
  },
  {
    name: "pause",
    call: (triggers, name, tenant) => triggers.pause(name, { tenant }),
    request: (name, tenant) => `POST /v1/tenants/${tenant}/triggers/${name}/pause`,
    answer: paused,
    gives: paused,
    errors: ["NotFound"]
  },
  {
    name: "resume",
    call: (triggers, name, tenant) => triggers.resume(name, { tenant }),
    request: (name, tenant) => `POST /v1/tenants/${tenant}/triggers/${name}/resume`,
    answer: { ...paused, status: "resumed", paused: false },
    errors: ["NotFound"]
  },
  {
    name: "fire",
    call: (triggers, name, tenant) => triggers.fire(name, { region: "eu" }, { tenant }),
    request: (name, tenant) => `POST /v1/tenants/${tenant}/triggers/${name}/fire`,
    body: { event: { region: "eu" } },
    answer: fired,
    gives: fired,
    errors: ["NotFound", "PayloadTooLarge"]
  },
  {
    name: "fire without an event",
    call: (triggers, name, tenant) => triggers.fire(name, undefined, { tenant }),
    request: (name, tenant) => `POST /v1/tenants/${tenant}/triggers/${name}/fire`,
    body: {},
    answer: fired,
    errors: ["NotFound", "PayloadTooLarge"]
  },
  {
    name: "interface",
    call: (triggers, name, tenant) => triggers.interface(name, { tenant }),
    request: (name, tenant) => `GET /v1/tenants/${tenant}/triggers/${name}/interface`,
    answer: surface,
    gives: surface
  }
])

describe("iterate", () => {
  const iterate = (options?: Cloacina.IterateOptions) =>
    Stream.unwrap(Effect.map(Cloacina.Triggers, (triggers) => triggers.iterate(options)))

  /** A server with these rows. */
  const serving = (rows: ReadonlyArray<string>) =>
    cloacina(({ path }) => {
      const query = new URL(path, "http://server").searchParams
      const offset = Number(query.get("offset"))
      const items = rows.slice(offset, offset + Number(query.get("limit"))).map(schedule)
      return answer(200, { tenant_id: "north", items, total: items.length })
    })

  it.effect("reads pages of 100 until one is not full", () =>
    Effect.gen(function*() {
      const rows = Array.from({ length: 250 }, (_, index) => `s${index}`)
      const { layer, sent } = serving(rows)
      const ids = yield* iterate({ tenant: "north" }).pipe(
        Stream.map(({ id }) => id),
        Stream.runCollect,
        Effect.provide(layer)
      )
      assert.deepStrictEqual([...ids], rows)
      assert.deepStrictEqual(sent.map(({ path }) => path), [
        "/v1/tenants/north/triggers?limit=100&offset=0",
        "/v1/tenants/north/triggers?limit=100&offset=100",
        "/v1/tenants/north/triggers?limit=100&offset=200"
      ])
    }))

  it.effect("reads one page more when the last is full", () =>
    Effect.gen(function*() {
      const { layer, sent } = serving(["a", "b", "c", "d"])
      const count = yield* Effect.provide(Stream.runCount(iterate({ pageSize: 2 })), layer)
      assert.strictEqual(count, 4)
      assert.strictEqual(sent.length, 3)
    }))

  it.effect("reads a page when the consumer gets there", () =>
    Effect.gen(function*() {
      const { layer, sent } = serving(["a", "b", "c", "d"])
      const first = yield* Effect.provide(Stream.runHead(iterate({ pageSize: 2 })), layer)
      assert.strictEqual(Option.getOrThrow(first).id, "a")
      assert.strictEqual(sent.length, 1)
    }))

  it.effect("gives a row that moved to the next page once", () =>
    Effect.gen(function*() {
      const pages = [["a", "b"], ["b", "c"], []]
      const { layer } = cloacina((_, index) =>
        answer(200, { tenant_id: "north", items: (pages[index] ?? []).map(schedule), total: 2 })
      )
      const ids = yield* iterate({ pageSize: 2 }).pipe(
        Stream.map(({ id }) => id),
        Stream.runCollect,
        Effect.provide(layer)
      )
      assert.deepStrictEqual([...ids], ["a", "b", "c"])
    }))

  it.effect("refuses a page size that no server takes, and ends with the error of a page", () =>
    Effect.gen(function*() {
      const { layer, sent } = serving([])
      for (const pageSize of [0, -1, 1001, 1.5, Number.NaN]) {
        const error = yield* Effect.flip(Effect.provide(Stream.runDrain(iterate({ pageSize })), layer))
        assert.strictEqual(error._tag === "InvalidInput" && error.issues[0]?.path, "pageSize")
      }
      assert.strictEqual(sent.length, 0)
      const failing = cloacina(() => refusal(403, "tenant_access_denied"))
      const error = yield* Effect.flip(Effect.provide(Stream.runDrain(iterate()), failing.layer))
      assert.strictEqual(error._tag, "Forbidden")
    }))
})
