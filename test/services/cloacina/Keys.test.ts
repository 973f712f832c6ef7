import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Cloacina from "../../../src/cloacina.js"
import { answer, cloacina } from "../support/Cloacina.js"
import * as Observe from "../support/Observe.js"
import { suite } from "./support/Calls.js"

const info = {
  id: "2f6a0f0c-7a55-4b3e-9b5e-3d1a0c9f7e21",
  name: "loader",
  permissions: "write",
  tenant_id: "north",
  is_admin: false,
  created_at: "2026-09-03T08:00:00.118+00:00",
  revoked: false
}
const plaintext = "clk_PlaintextOfANewKey0000000000000000000000000"
const created = { ...info, key: plaintext, revoked: undefined }
const revoked = { status: "revoked", id: info.id }
const ticket = { ticket: "9b1d6a52-0b5e-4f37-8a0a-6f2f5d3c9e10", expires_in_seconds: 60 }

suite(Cloacina.Keys, [
  {
    name: "create",
    call: (keys, _, tenant) => keys.create({ name: "loader", role: "write" }, { tenant }),
    request: (_, tenant) => `POST /v1/tenants/${tenant}/keys`,
    body: { name: "loader", role: "write" },
    status: 201,
    answer: created,
    errors: ["PayloadTooLarge"]
  },
  {
    name: "list",
    call: (keys, _, tenant) => keys.list({ tenant }),
    request: (_, tenant) => `GET /v1/tenants/${tenant}/keys`,
    answer: { items: [info], total: 1 }
  },
  {
    name: "revoke",
    call: (keys, id, tenant) => keys.revoke(id, { tenant }),
    request: (id, tenant) => `DELETE /v1/tenants/${tenant}/keys/${id}`,
    answer: revoked,
    gives: revoked,
    errors: ["NotFound"]
  },
  {
    name: "createPublic",
    call: (keys) => keys.createPublic({ name: "loader", role: "read" }),
    request: () => "POST /v1/auth/keys",
    body: { name: "loader", role: "read" },
    status: 201,
    answer: created,
    errors: ["PayloadTooLarge"]
  },
  {
    name: "listAll",
    call: (keys) => keys.listAll(),
    request: () => "GET /v1/auth/keys",
    answer: { items: [info], total: 1 }
  },
  {
    name: "revokeAny",
    call: (keys, id) => keys.revokeAny(id),
    request: (id) => `DELETE /v1/auth/keys/${id}`,
    answer: revoked,
    gives: revoked,
    errors: ["NotFound"]
  },
  {
    name: "ticket",
    call: (keys) => keys.ticket(),
    request: () => "POST /v1/auth/ws-ticket",
    answer: ticket
  }
])

describe("a new key", () => {
  it.effect("shows its plaintext to those who ask for it, and to nobody else", () =>
    Effect.gen(function*() {
      const { layer } = cloacina(() => answer(201, created))
      const made = yield* Effect.provide(
        Effect.flatMap(Cloacina.Keys, (keys) => keys.create({ name: "loader", role: "write" })),
        layer
      )
      assert.strictEqual(Redacted.value(made.key), plaintext)
      assert.notInclude(Observe.printed(made), plaintext)
    }))

  it.effect("needs a role, since the server's default is admin", () =>
    Effect.gen(function*() {
      const { layer, sent } = cloacina(() => answer(201, created))
      const careless: { readonly name: string; readonly role: Cloacina.KeyRole } = JSON.parse("{\"name\":\"loader\"}")
      const calls = [
        Effect.flatMap(Cloacina.Keys, (keys) => keys.create(careless)),
        Effect.flatMap(Cloacina.Keys, (keys) => keys.createPublic(careless))
      ]
      for (const call of calls) {
        const error = yield* Effect.flip(Effect.provide(call, layer))
        assert.strictEqual(error._tag === "InvalidInput" && error.issues[0]?.path, "role")
      }
      assert.strictEqual(sent.length, 0)
    }))
})
