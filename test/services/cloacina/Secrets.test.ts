import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { inspect } from "node:util"
import * as Cloacina from "../../../src/cloacina.js"
import { answer, cloacina, refusal } from "../support/Cloacina.js"
import { suite } from "./support/Calls.js"

const info = {
  id: "8a7b6c5d-4e3f-4a2b-9c1d-0e9f8a7b6c5d",
  name: "warehouse",
  field_names: ["password", "user"],
  created_at: "2026-09-03T08:20:00.5+00:00",
  updated_at: "2026-09-03T08:20:00.5+00:00"
}
const fields = { user: "etl-account", password: Redacted.make("s3same \"open\"") }
const wire = { user: "etl-account", password: "s3same \"open\"" }

suite(Cloacina.Secrets, [
  {
    name: "create",
    call: (secrets, _, tenant) => secrets.create({ name: "warehouse", fields }, { tenant }),
    request: (_, tenant) => `POST /v1/tenants/${tenant}/secrets`,
    body: { name: "warehouse", fields: wire },
    status: 201,
    answer: info,
    gives: info,
    errors: ["Conflict", "PayloadTooLarge"],
    secrets: Object.values(wire)
  },
  {
    name: "list",
    call: (secrets, _, tenant) => secrets.list({ tenant }),
    request: (_, tenant) => `GET /v1/tenants/${tenant}/secrets`,
    answer: { items: [info], total: 1 },
    gives: [info]
  },
  {
    name: "get",
    call: (secrets, name, tenant) => secrets.get(name, { tenant }),
    request: (name, tenant) => `GET /v1/tenants/${tenant}/secrets/${name}`,
    answer: info,
    gives: info,
    errors: ["NotFound"]
  },
  {
    name: "rotate",
    call: (secrets, name, tenant) => secrets.rotate(name, fields, { tenant }),
    request: (name, tenant) => `PUT /v1/tenants/${tenant}/secrets/${name}`,
    body: { fields: wire },
    answer: info,
    gives: info,
    errors: ["NotFound", "PayloadTooLarge"],
    secrets: Object.values(wire)
  },
  {
    name: "remove",
    call: (secrets, name, tenant) => secrets.remove(name, { tenant }),
    request: (name, tenant) => `DELETE /v1/tenants/${tenant}/secrets/${name}`,
    answer: { status: "deleted", name: "warehouse" },
    gives: { status: "deleted", name: "warehouse" },
    errors: ["NotFound"]
  }
])

describe("the tenant of a call", () => {
  const tenantsOf = (
    options: Partial<Cloacina.Options>,
    use: Effect.Effect<unknown, unknown, Cloacina.Services | Cloacina.Client>
  ) =>
    Effect.gen(function*() {
      const { layer, sent } = cloacina(() => answer(200, { items: [], total: 0 }), options)
      yield* Effect.provide(use, layer)
      return sent.map(({ path }) => path.split("/")[3])
    })
  const list = (options?: Cloacina.TenantOptions) =>
    Effect.flatMap(Cloacina.Secrets, (secrets) => secrets.list(options))

  it.effect("is public by default", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* tenantsOf({}, list()), ["public"])
    }))

  it.effect("is its own, else the region's, else the client's", () =>
    Effect.gen(function*() {
      const use = Effect.all([
        list(),
        list({ tenant: "own" }),
        Cloacina.withTenant(list(), "region"),
        Cloacina.withTenant(list({ tenant: "own" }), "region"),
        list()
      ])
      assert.deepStrictEqual(yield* tenantsOf({ tenant: "north" }, use), ["north", "own", "region", "own", "north"])
    }))

  it.effect("is that of a derived layer, with the same key and transport, and only there", () =>
    Effect.gen(function*() {
      const use = Effect.all([list(), Effect.provide(list(), Cloacina.layerForTenant("south")), list()])
      assert.deepStrictEqual(yield* tenantsOf({ tenant: "north" }, use), ["north", "south", "north"])
    }))
})

describe("values", () => {
  it.effect("are not part of anything that comes back", () =>
    Effect.gen(function*() {
      const { layer } = cloacina(() => refusal(409, "secret_exists", "secret 'warehouse' exists"))
      const error = yield* Effect.flip(
        Effect.provide(Effect.flatMap(Cloacina.Secrets, (_) => _.create({ name: "warehouse", fields })), layer)
      )
      assert.strictEqual(error._tag === "Conflict" && error.code, "secret_exists")
      assert.notInclude(inspect(error, { depth: null }), "s3same")
    }))
})

describe("secretRef", () => {
  it("is one member with the name", () => {
    assert.deepStrictEqual(JSON.parse(JSON.stringify(Cloacina.secretRef("warehouse"))), { $secret: "warehouse" })
  })

  it("takes no empty name", () => {
    assert.throws(() => Cloacina.secretRef(""))
  })
})
