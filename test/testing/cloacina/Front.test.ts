/** What requests pass before their route: names, methods, keys, roles, origins. */
import { describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/TestClock"
import { assert } from "vitest"
import type * as CloacinaTesting from "../../../src/cloacina/testing.js"
import { ask, codeOf, emulator, god } from "./support/ask.js"

const key = (tenant: string, role: "read" | "write" | "admin"): CloacinaTesting.SeedKey => ({
  name: `${tenant} ${role}`,
  role,
  tenant,
  key: Redacted.make(`${tenant}-${role}`)
})

const tenants = {
  tenants: ["north", "south"],
  keys: [key("north", "read"), key("north", "write"), key("north", "admin"), key("south", "admin")]
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

describe("every answer", () => {
  it.effect("has an id of its own", () =>
    Effect.gen(function*() {
      const ids = new Set<string>()
      const answers = [
        yield* ask("GET", "/health", { headers: { "x-request-id": "mine" } }),
        yield* ask("GET", "/nowhere"),
        yield* ask("DELETE", "/health"),
        yield* ask("GET", "/v1/tenants"),
        yield* ask("POST", "/v1/auth/keys", { key: god, text: "{" })
      ]
      for (const { headers } of answers) {
        assert.match(headers["x-request-id"] ?? "", uuid)
        ids.add(headers["x-request-id"] ?? "")
      }
      assert.strictEqual(ids.size, answers.length)
    }).pipe(Effect.provide(emulator())))
})

describe("paths", () => {
  it.effect("are matched as they are", () =>
    Effect.gen(function*() {
      for (const path of ["/v1/auth/keys/", "/V1/auth/keys", "/auth/keys", "/v1/ws/delivery/", "/v1//auth/keys"]) {
        assert.deepStrictEqual(codeOf(yield* ask("GET", path, { key: god })), [404, "not_found"], path)
      }
    }).pipe(Effect.provide(emulator())))

  it.effect("with parameters that are no text are refused behind the key", () =>
    Effect.gen(function*() {
      const path = "/v1/auth/keys/%ff"
      assert.strictEqual((yield* ask("DELETE", path)).status, 401)
      const { headers, status, text } = yield* ask("DELETE", path, { key: god })
      assert.strictEqual(status, 400)
      assert.strictEqual(headers["content-type"], "text/plain; charset=utf-8")
      assert.strictEqual(text, "Invalid URL: Invalid UTF-8 in `key_id`")
      for (const bad of ["/v1/tenants/%ff/executions", "/v1/tenants/public/executions/%ff"]) {
        assert.strictEqual((yield* ask("GET", bad)).status, 401)
        assert.deepStrictEqual(codeOf(yield* ask("GET", bad, { key: god })), [403, "tenant_access_denied"])
      }
    }).pipe(Effect.provide(emulator())))

  it.effect("take a parameter of the query once", () =>
    Effect.gen(function*() {
      for (const name of ["status", "workflow", "limit"]) {
        const path = `/v1/tenants/public/executions?${name}=1&${name}=1`
        const { status, text } = yield* ask("GET", path, { key: god })
        assert.deepStrictEqual([status, text], [400, `Failed to deserialize query string: duplicate field \`${name}\``])
      }
    }).pipe(Effect.provide(emulator())))

  it.effect("of sockets look at the upgrade before the key, and do not spend the ticket", () =>
    Effect.gen(function*() {
      const complete = {
        connection: "Upgrade",
        upgrade: "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ=="
      }
      const refused = {
        connection: "Connection header did not include 'upgrade'",
        upgrade: "`Upgrade` header did not include 'websocket'",
        "sec-websocket-version": "`Sec-WebSocket-Version` header did not include '13'",
        "sec-websocket-key": "`Sec-WebSocket-Key` header missing"
      }
      const ticket = (yield* ask("POST", "/v1/auth/ws-ticket", { key: god })).member("ticket")
      for (const [name, expected] of Object.entries(refused)) {
        const headers = Object.fromEntries(Object.entries(complete).filter(([each]) => each !== name))
        for (const path of ["/v1/ws/delivery/x", `/v1/ws/delivery/x?token=${ticket}`, "/v1/ws/reactor/x"]) {
          const { status, text } = yield* ask("GET", path, { headers })
          assert.deepStrictEqual([status, text], [400, expected])
        }
      }
      const old = yield* ask("GET", "/v1/ws/delivery/x", { headers: { ...complete, "sec-websocket-version": "8" } })
      assert.deepStrictEqual([old.status, old.text], [400, refused["sec-websocket-version"]])
      const twice = yield* ask("GET", `/v1/ws/delivery/x?token=${ticket}&token=a`, { headers: complete })
      assert.deepStrictEqual([twice.status, twice.text], [
        400,
        "Failed to deserialize query string: duplicate field `token`"
      ])
      // The ticket still opens the door of a reactor, behind which there is nothing.
      const late = yield* ask("GET", `/v1/ws/reactor/x?token=${ticket}`, { headers: complete })
      assert.deepStrictEqual(codeOf(late), [403, "endpoint_access_denied"])
    }).pipe(Effect.provide(emulator())))

  it.effect("of keys may be written as Rust reads UUIDs, and are answered as they came", () =>
    Effect.gen(function*() {
      const created = yield* ask("POST", "/v1/auth/keys", { key: god, body: { name: "a" } })
      const id = String(created.member("id")).replaceAll("-", "").toUpperCase()
      const revoked = yield* ask("DELETE", `/v1/auth/keys/${id}`, { key: god })
      assert.strictEqual(revoked.status, 200)
      assert.strictEqual(revoked.member("id"), id)
    }).pipe(Effect.provide(emulator())))
})

describe("authorization", () => {
  const cases: ReadonlyArray<readonly [key: string, method: "GET" | "POST" | "DELETE", path: string, code: unknown]> = [
    ["north-admin", "GET", "/v1/tenants", "admin_required"],
    ["north-admin", "GET", "/v1/tenants/south/keys", "tenant_access_denied"],
    // Scope comes before role.
    ["north-read", "GET", "/v1/tenants/south/keys", "tenant_access_denied"],
    ["north-write", "GET", "/v1/tenants/north/keys", "insufficient_permissions"],
    ["north-write", "GET", "/v1/agents", "insufficient_permissions"],
    ["north-admin", "DELETE", "/v1/tenants/north/limits", "admin_required"],
    ["north-read", "GET", "/v1/tenants/North/limits", "tenant_access_denied"],
    ["north-admin", "GET", "/v1/tenants/north/keys", undefined],
    ["north-read", "GET", "/v1/tenants/north/limits", undefined],
    ["south-admin", "GET", "/v1/agents", undefined],
    [god, "GET", "/v1/tenants/nowhere/keys", undefined]
  ]

  for (const [caller, method, path, code] of cases) {
    it.effect(`${caller} ${method} ${path}`, () =>
      Effect.gen(function*() {
        const asked = yield* ask(method, path, { key: caller })
        assert.strictEqual(asked.status, code === undefined ? 200 : 403)
        assert.strictEqual(asked.member("code"), code)
      }).pipe(Effect.provide(emulator(tenants))))
  }

  it.effect("comes before the body is looked at", () =>
    Effect.gen(function*() {
      const asked = yield* ask("POST", "/v1/tenants", { key: "north-admin", text: "{" })
      assert.deepStrictEqual(codeOf(asked), [403, "admin_required"])
    }).pipe(Effect.provide(emulator(tenants))))

  it.effect("has no use for methods without a route", () =>
    Effect.gen(function*() {
      const path = "/v1/tenants/north/limits"
      assert.strictEqual((yield* ask("PATCH", path)).status, 401)
      const asked = yield* ask("OPTIONS", path, { key: god })
      assert.deepStrictEqual(codeOf(asked), [403, "authz_unclassified"])
      assert.strictEqual(asked.headers["allow"], "GET,HEAD,POST,DELETE")
      const head = yield* ask("HEAD", path, { key: god })
      assert.strictEqual(head.status, 403)
      assert.strictEqual(head.text, "")
      assert.isUndefined(head.headers["allow"])
    }).pipe(Effect.provide(emulator(tenants))))
})

describe("CORS", () => {
  const path = "/v1/auth/whoami"
  const preflight = (origin: string, path: string) =>
    ask("OPTIONS", path, { headers: { origin, "access-control-request-method": "GET" } })

  it.effect("is off by default", () =>
    Effect.gen(function*() {
      const { headers } = yield* ask("GET", "/health", { headers: { origin: "https://ops.example.com" } })
      assert.isUndefined(headers["vary"])
      assert.isUndefined(headers["access-control-allow-origin"])
      assert.strictEqual((yield* preflight("https://ops.example.com", path)).status, 401)
    }).pipe(Effect.provide(emulator())))

  it.effect("answers preflights of paths that are not there", () =>
    Effect.gen(function*() {
      const { headers, status } = yield* preflight("https://a.example.com", "/nowhere")
      assert.strictEqual(status, 200)
      assert.isUndefined(headers["allow"])
      assert.isUndefined(headers["x-request-id"])
    }).pipe(Effect.provide(emulator({ cors: { origins: ["https://a.example.com"] } }))))

  it.effect("can be open to all, with other methods and headers", () =>
    Effect.gen(function*() {
      const { headers } = yield* preflight("https://a.example.com", path)
      assert.strictEqual(headers["access-control-allow-origin"], "*")
      assert.strictEqual(headers["access-control-allow-methods"], "GET,PUT")
      assert.strictEqual(headers["access-control-allow-headers"], "x-a")
    }).pipe(Effect.provide(emulator({ cors: { origins: ["*"], methods: ["GET", "PUT"], headers: ["x-a"] } }))))
})

describe("tickets", () => {
  it.effect("name nobody outside of sockets", () =>
    Effect.gen(function*() {
      const ticket = String((yield* ask("POST", "/v1/auth/ws-ticket", { key: god })).member("ticket"))
      assert.match(ticket, uuid)
      assert.strictEqual((yield* ask("GET", `/v1/auth/whoami?token=${ticket}`)).status, 401)
      assert.strictEqual((yield* ask("GET", "/v1/auth/whoami", { key: ticket })).status, 401)
    }).pipe(Effect.provide(emulator())))
})

describe("tenants", () => {
  const remove = ask("DELETE", "/v1/tenants/east", { key: god })
  const create = ask("POST", "/v1/tenants", { key: god, body: { name: "east" } })
  const list = Effect.map(ask("GET", "/v1/tenants", { key: god }), ({ text }) => text)

  it.effect("stay where they are when the real server deletes them", () =>
    Effect.gen(function*() {
      yield* create
      assert.strictEqual((yield* remove).status, 200)
      assert.strictEqual(yield* list, "{\"items\":[{\"name\":\"east\"}],\"total\":1}")
      assert.deepStrictEqual(codeOf(yield* create), [400, "tenant_creation_failed"])
    }).pipe(Effect.provide(emulator())))

  it.effect("go as documented, with what they had", () =>
    Effect.gen(function*() {
      const secret = { key: god, body: { name: "a", fields: { b: "c" } } }
      yield* create
      yield* ask("POST", "/v1/tenants/east/secrets", secret)
      yield* remove
      assert.strictEqual(yield* list, "{\"items\":[],\"total\":0}")
      assert.deepStrictEqual(codeOf(yield* ask("POST", "/v1/tenants/east/secrets", secret)), [500, "internal_error"])
      yield* create
      assert.strictEqual((yield* ask("GET", "/v1/tenants/east/secrets", { key: god })).member("total"), 0)
    }).pipe(Effect.provide(emulator({ tenantDeletion: "documented" }))))

  it.effect("have names with rules", () =>
    Effect.gen(function*() {
      for (const name of ["1a", "pg_catalog", "postgres", "ä", "a".repeat(64)]) {
        const asked = yield* ask("POST", "/v1/tenants", { key: god, body: { name } })
        assert.deepStrictEqual(codeOf(asked), [400, "tenant_creation_failed"], name)
      }
      for (const name of ["_", "a1_b", "a".repeat(63)]) {
        assert.strictEqual((yield* ask("POST", "/v1/tenants", { key: god, body: { name } })).status, 201, name)
      }
    }).pipe(Effect.provide(emulator())))

  it.effect("want agents from the start, though never more than they may have", () =>
    Effect.gen(function*() {
      yield* create
      const fleet = yield* ask("GET", "/v1/tenants/east/fleet", { key: god })
      assert.strictEqual(fleet.member("desired_count"), 2)
      assert.strictEqual((yield* ask("GET", "/v1/tenants/other/fleet", { key: god })).member("desired_count"), 0)
    }).pipe(Effect.provide(emulator({ defaultMaxAgents: 2, initialAgents: 3 }))))
})

describe("time", () => {
  it.effect("is never the same for two rows", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(Date.parse("2026-09-03T08:00:00.118Z"))
      const times = yield* Effect.replicateEffect(ask("POST", "/v1/auth/keys", { key: god, body: { name: "a" } }), 3)
      assert.deepStrictEqual(times.map((asked) => asked.member("created_at")), [
        "2026-09-03T08:00:00.118000+00:00",
        "2026-09-03T08:00:00.118001+00:00",
        "2026-09-03T08:00:00.118002+00:00"
      ])
      const { text } = yield* ask("GET", "/v1/auth/keys", { key: god })
      assert.isBelow(text.indexOf("118002"), text.indexOf("118001"))
    }).pipe(Effect.provide(emulator())))
})
