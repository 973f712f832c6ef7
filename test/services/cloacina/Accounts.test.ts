import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Cloacina from "../../../src/cloacina.js"
import { answer, cloacina } from "../support/Cloacina.js"
import { suite } from "./support/Calls.js"

const account = { id: "4d1e7c80-2c3b-4a5d-8e9f-0a1b2c3d4e5f", username: "mira", role: "write", status: "active" }
const password = "correct horse \"battery\""

suite(Cloacina.Accounts, [
  {
    name: "create",
    call: (accounts, _, tenant) => accounts.create({ username: "mira", password, role: "write" }, { tenant }),
    request: (_, tenant) => `POST /v1/tenants/${tenant}/accounts`,
    body: { username: "mira", password, role: "write" },
    status: 201,
    answer: account,
    gives: account,
    errors: ["PayloadTooLarge"],
    secrets: [password]
  },
  {
    name: "list",
    call: (accounts, _, tenant) => accounts.list({ tenant }),
    request: (_, tenant) => `GET /v1/tenants/${tenant}/accounts`,
    answer: { items: [account, { ...account, role: "captain", status: "disabled" }], total: 2 },
    gives: [account, { ...account, role: "captain", status: "disabled" }]
  },
  {
    name: "disable",
    call: (accounts, id, tenant) => accounts.disable(id, { tenant }),
    request: (id, tenant) => `DELETE /v1/tenants/${tenant}/accounts/${id}`,
    answer: { status: "disabled", id: account.id },
    errors: ["NotFound"]
  },
  {
    name: "resetPassword",
    call: (accounts, id, tenant) => accounts.resetPassword(id, Redacted.make(password), { tenant }),
    request: (id, tenant) => `POST /v1/tenants/${tenant}/accounts/${id}/password`,
    body: { password },
    answer: { status: "password_reset", id: account.id },
    errors: ["NotFound", "PayloadTooLarge"],
    secrets: [password]
  }
])

describe("a new account", () => {
  it.effect("has one of three roles, though the server takes any text", () =>
    Effect.gen(function*() {
      const { layer, sent } = cloacina(() => answer(201, account))
      const captain: Cloacina.NewAccount = JSON.parse("{\"username\":\"mira\",\"password\":\"x\",\"role\":\"captain\"}")
      const error = yield* Effect.flip(
        Effect.provide(Effect.flatMap(Cloacina.Accounts, (accounts) => accounts.create(captain)), layer)
      )
      assert.strictEqual(error._tag === "InvalidInput" && error.issues[0]?.path, "role")
      assert.strictEqual(sent.length, 0)
    }))
})
