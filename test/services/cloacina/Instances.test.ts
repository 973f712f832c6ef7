import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Cloacina from "../../../src/cloacina.js"
import { answer, cloacina } from "../support/Cloacina.js"
import { suite } from "./support/Calls.js"

const params = { region: "eu", warehouse: { $secret: "warehouse" } }
const instance = {
  id: "1c2d3e4f-5a6b-4c7d-8e9f-a0b1c2d3e4f5",
  workflow_name: "close_month",
  instance_name: "eu-nightly",
  params,
  cron_expression: "30 2 * * *",
  timezone: "Europe/Berlin",
  enabled: true,
  paused: false,
  next_run_at: "2026-09-04T00:30:00+00:00",
  last_run_at: null,
  created_at: "2026-09-03T08:30:00.7+00:00"
}
const deleted = { tenant_id: "north", workflow_name: "close_month", instance_name: "eu-nightly", deleted: true }

suite(Cloacina.Instances, [
  {
    name: "create",
    call: (instances, workflow, tenant) =>
      instances.create(workflow, {
        instance_name: "eu-nightly",
        params: { region: "eu", warehouse: Cloacina.secretRef("warehouse") },
        cron: "30 2 * * *",
        timezone: "Europe/Berlin"
      }, { tenant }),
    request: (workflow, tenant) => `POST /v1/tenants/${tenant}/workflows/${workflow}/instances`,
    body: { instance_name: "eu-nightly", params, cron: "30 2 * * *", timezone: "Europe/Berlin" },
    answer: instance,
    errors: ["Conflict", "PayloadTooLarge"]
  },
  {
    name: "list",
    call: (instances, workflow, tenant) => instances.list(workflow, { limit: 5 }, { tenant }),
    request: (workflow, tenant) => `GET /v1/tenants/${tenant}/workflows/${workflow}/instances?limit=5`,
    answer: { tenant_id: "north", items: [instance], total: 1 }
  },
  {
    name: "get, by workflow",
    call: (instances, workflow, tenant) => instances.get(workflow, "eu-nightly", { tenant }),
    request: (workflow, tenant) => `GET /v1/tenants/${tenant}/workflows/${workflow}/instances/eu-nightly`,
    answer: instance,
    errors: ["NotFound"]
  },
  {
    name: "get, by instance",
    call: (instances, name, tenant) => instances.get("close_month", name, { tenant }),
    request: (name, tenant) => `GET /v1/tenants/${tenant}/workflows/close_month/instances/${name}`,
    answer: instance,
    errors: ["NotFound"]
  },
  {
    name: "remove, by workflow",
    call: (instances, workflow, tenant) => instances.remove(workflow, "eu-nightly", { tenant }),
    request: (workflow, tenant) => `DELETE /v1/tenants/${tenant}/workflows/${workflow}/instances/eu-nightly`,
    answer: deleted,
    gives: deleted,
    errors: ["NotFound"]
  },
  {
    name: "remove, by instance",
    call: (instances, name, tenant) => instances.remove("close_month", name, { tenant }),
    request: (name, tenant) => `DELETE /v1/tenants/${tenant}/workflows/close_month/instances/${name}`,
    answer: deleted,
    errors: ["NotFound"]
  }
])

describe("iterate", () => {
  it.effect("reads all pages, in the tenant of the region", () =>
    Effect.gen(function*() {
      const pages = [["a", "b"], ["c"]]
      const { layer, sent } = cloacina((_, index) =>
        answer(200, { tenant_id: "north", items: (pages[index] ?? []).map((id) => ({ ...instance, id })), total: 2 })
      )
      const ids = yield* Stream.unwrap(
        Effect.map(Cloacina.Instances, (instances) => instances.iterate("close_month", { pageSize: 2 }))
      ).pipe(Stream.map(({ id }) => id), Stream.runCollect, Cloacina.withTenant("north"), Effect.provide(layer))
      assert.deepStrictEqual([...ids], ["a", "b", "c"])
      assert.deepStrictEqual(sent.map(({ path }) => path), [
        "/v1/tenants/north/workflows/close_month/instances?limit=2&offset=0",
        "/v1/tenants/north/workflows/close_month/instances?limit=2&offset=2"
      ])
    }))
})
