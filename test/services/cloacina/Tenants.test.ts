import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Cloacina from "../../../src/cloacina.js"
import { answer, cloacina } from "../support/Cloacina.js"
import { suite } from "./support/Calls.js"

const created = { name: "north", username: "north", description: "north region" }
const removed = {
  status: "removed",
  schema_name: "north",
  revoked_keys: 2,
  runner_evicted: true,
  db_cache_evicted: true
}

suite(Cloacina.Tenants, [
  {
    name: "create",
    call: (tenants) => tenants.create({ name: "north", description: "north region", password: "role-password" }),
    request: () => "POST /v1/tenants",
    body: { name: "north", description: "north region", password: "role-password" },
    status: 201,
    answer: created,
    gives: { ...created, description: { _id: "Option", _tag: "Some", value: "north region" } },
    errors: ["PayloadTooLarge"],
    secrets: ["role-password"]
  },
  {
    name: "create without what is optional",
    call: (tenants) => tenants.create({ name: "_n0rth" }),
    request: () => "POST /v1/tenants",
    body: { name: "_n0rth" },
    status: 201,
    answer: { name: "_n0rth", username: "_n0rth", description: null },
    errors: ["PayloadTooLarge"]
  },
  {
    name: "list",
    call: (tenants) => tenants.list(),
    request: () => "GET /v1/tenants",
    answer: { items: [{ name: "north" }, { name: "south" }], total: 2 },
    gives: [{ name: "north" }, { name: "south" }]
  },
  {
    name: "remove",
    call: (tenants, name) => tenants.remove(name),
    request: (name) => `DELETE /v1/tenants/${name}`,
    answer: removed,
    gives: removed
  }
])

const bad = [
  "",
  "North",
  "1north",
  "nor-th",
  "nor th",
  "nörd",
  "x".repeat(64),
  "public",
  "pg_catalog",
  "pg_temp",
  "postgres",
  "information_schema"
]

describe("the name of a new tenant", () => {
  it.effect("is refused before any request when the server would refuse it, or could not use it", () =>
    Effect.gen(function*() {
      const { layer, sent } = cloacina(() => answer(201, created))
      for (const name of bad) {
        const error = yield* Effect.flip(
          Effect.provide(Effect.flatMap(Cloacina.Tenants, (tenants) => tenants.create({ name })), layer)
        )
        assert.strictEqual(error._tag === "InvalidInput" && error.issues[0]?.path, "name", name)
      }
      assert.strictEqual(sent.length, 0)
    }))

  it("may be all that is left", () => {
    for (const name of ["n", "_", "north_2", "x".repeat(63)]) {
      assert.isTrue(Option.isNone(Cloacina.tenantNameIssue(name)), name)
    }
  })
})
