/** Logins over the wire: the rules that the recorded cases do not show. */
import { describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/TestClock"
import { assert } from "vitest"
import type * as CloacinaTesting from "../../../src/cloacina/testing.js"
import { ask, type Asked, codeOf, emulator, god } from "./support/ask.js"

const account = (username: string, role = "write"): CloacinaTesting.SeedAccount => ({
  username,
  role,
  tenant: "north",
  password: Redacted.make("right")
})

const people = { tenants: ["north"], accounts: [account("mira"), account("ana", "admin")] }

const login = (username: string, password = "right", headers = {}) =>
  ask("POST", "/v1/auth/local/login", { body: { username, password, tenant: "north" }, headers })

const keyOf = (asked: Asked) => String(asked.member("key"))

const whoami = (key: string) => ask("GET", "/v1/auth/whoami", { key })

const refresh = (key: string) => ask("POST", "/v1/auth/refresh", { key })

const fail = (username: string, times: number) => Effect.replicateEffect(login(username, "wrong"), times)

describe("login", () => {
  it.effect("gives a key that dies after 15 minutes and cannot be refreshed then", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(Date.parse("2026-09-03T08:00:00Z"))
      const session = yield* login("mira")
      assert.strictEqual(session.member("expires_at"), "2026-09-03T08:15:00.000000+00:00")
      assert.match(keyOf(session), /^clk_[\w-]{43}$/)
      yield* TestClock.adjust("15 minutes")
      assert.deepStrictEqual(codeOf(yield* refresh(keyOf(session))), [401, "unauthorized"])
      assert.deepStrictEqual(codeOf(yield* whoami(keyOf(session))), [401, "unauthorized"])
    }).pipe(Effect.provide(emulator(people))))

  it.effect("can be prolonged again and again, with the same tenant and role and never as god", () =>
    Effect.gen(function*() {
      let key = keyOf(yield* login("ana"))
      for (let round = 0; round < 5; round++) {
        yield* TestClock.adjust("14 minutes")
        const next = yield* refresh(key)
        assert.deepStrictEqual(codeOf(yield* whoami(key)), [401, "unauthorized"])
        key = keyOf(next)
        const me = yield* whoami(key)
        assert.strictEqual(me.member("role"), "admin")
        assert.strictEqual(me.member("tenant_id"), "north")
        assert.strictEqual(me.member("is_admin"), false)
      }
    }).pipe(Effect.provide(emulator(people))))

  it.effect("of a global account needs no tenant", () =>
    Effect.gen(function*() {
      const asked = yield* ask("POST", "/v1/auth/local/login", { body: { username: "root", password: "right" } })
      assert.strictEqual(asked.status, 200)
      assert.isNull(asked.member("tenant_id"))
      assert.deepStrictEqual(codeOf(yield* login("root")), [401, "unauthorized"])
    }).pipe(Effect.provide(emulator({ accounts: [{ ...account("root", "read"), tenant: undefined }] }))))

  it.effect("makes a key that the list shows", () =>
    Effect.gen(function*() {
      yield* login("mira")
      const { text } = yield* ask("GET", "/v1/tenants/north/keys", { key: god })
      assert.match(text, /"name":"local:[0-9a-f-]{36}","permissions":"write","tenant_id":"north","is_admin":false/)
    }).pipe(Effect.provide(emulator(people))))
})

describe("the throttle", () => {
  it.effect("locks unknown users alike, holds against the right password, and opens by itself", () =>
    Effect.gen(function*() {
      for (const name of ["mira", "nobody"]) {
        for (const { status } of yield* fail(name, 5)) assert.strictEqual(status, 401)
        const locked = yield* login(name, "wrong")
        assert.deepStrictEqual(codeOf(locked), [429, "login_throttled"])
        assert.strictEqual(locked.headers["retry-after"], "30")
      }
      yield* TestClock.adjust("29 seconds")
      assert.strictEqual((yield* login("mira")).status, 429)
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* login("mira")).status, 200)
      for (const { status } of yield* fail("mira", 5)) assert.strictEqual(status, 401)
    }).pipe(Effect.provide(emulator(people))))

  it.effect("does not count what it refuses", () =>
    Effect.gen(function*() {
      yield* fail("mira", 20)
      yield* TestClock.adjust("30 seconds")
      assert.strictEqual((yield* login("mira", "wrong")).headers["retry-after"], "60")
    }).pipe(Effect.provide(emulator(people))))

  it.effect("sees addresses behind a proxy when told to", () =>
    Effect.gen(function*() {
      const from = (address: string) => login("mira", "right", { "x-forwarded-for": `${address}, 10.0.0.1` })
      for (const name of ["a", "b", "c"]) yield* login(name, "wrong", { "x-forwarded-for": "192.0.2.1" })
      assert.strictEqual((yield* from("192.0.2.1")).status, 429)
      assert.strictEqual((yield* from("192.0.2.2")).status, 200)
    }).pipe(Effect.provide(emulator({ ...people, throttle: { address: 2, trustProxyHeaders: true } }))))
})

describe("OIDC", () => {
  const codes = { "code-1": { subject: "u-17", memberships: [{ tenant: "north", role: "write" }] } }

  const arrive = Effect.gen(function*() {
    const { headers } = yield* ask("GET", "/v1/auth/oidc/login")
    return new URL(headers["location"] ?? "").searchParams.get("state") ?? ""
  })

  const callback = (state: string) => ask("GET", `/v1/auth/callback?code=code-1&state=${state}`)

  it.effect("takes a state once, within ten minutes", () =>
    Effect.gen(function*() {
      const late = yield* arrive
      yield* TestClock.adjust("10 minutes")
      assert.deepStrictEqual(codeOf(yield* callback(late)), [401, "unauthorized"])
      const state = yield* arrive
      assert.strictEqual((yield* callback(state)).status, 200)
      assert.deepStrictEqual(codeOf(yield* callback(state)), [401, "unauthorized"])
    }).pipe(Effect.provide(emulator({ oidc: { codes } }))))

  it.effect("ends a session at its deadline, however often it was refreshed", () =>
    Effect.gen(function*() {
      const { text } = yield* callback(yield* arrive)
      let key = /clk_[\w-]+/.exec(text)?.[0] ?? ""
      for (let minutes = 10; minutes < 60; minutes += 10) {
        yield* TestClock.adjust("10 minutes")
        key = keyOf(yield* refresh(key))
      }
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual((yield* whoami(key)).status, 200)
      assert.deepStrictEqual(codeOf(yield* refresh(key)), [401, "unauthorized"])
      assert.deepStrictEqual(codeOf(yield* whoami(key)), [401, "unauthorized"])
    }).pipe(Effect.provide(emulator({ oidc: { codes, sessionMaxAge: "1 hour" } }))))

  it.effect("hands the keys to a page in the fragment", () =>
    Effect.gen(function*() {
      const { headers, status, text } = yield* callback(yield* arrive)
      assert.strictEqual(status, 303)
      assert.strictEqual(text, "")
      const url = new URL(headers["location"] ?? "")
      assert.strictEqual(url.origin + url.pathname, "https://ops.example.com/in")
      const memberships = Buffer.from(url.hash.slice("#memberships=".length), "base64url").toString()
      assert.match(memberships, /^\[\{"key":"clk_[\w-]{43}","tenant":"north","role":"write"\}\]$/)
    }).pipe(Effect.provide(emulator({ oidc: { codes, successRedirect: "https://ops.example.com/in" } }))))
})
