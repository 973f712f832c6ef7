import { it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { createHash } from "node:crypto"
import { assert, describe } from "vitest"
import * as CloacinaTesting from "../../../src/cloacina/testing.js"
import * as Packages from "../../fixtures/cloacina/Packages.js"
import { ask, codeOf, emulator, god } from "./support/ask.js"

const keys = (["north", "south", "public"] as const).map((tenant) => ({
  name: tenant,
  role: "admin" as const,
  tenant,
  key: Redacted.make(tenant)
}))

const layer = emulator({ tenants: ["north", "south"], keys })

const agent = { protocol_version: 1, agent_id: "ag-17", max_concurrency: 4, target_triple: "x86_64-linux" }

const key = (id: string) => ({ key_id: id, public_key_b64: "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=" })

const register = (body: unknown, key = "north") => ask("POST", "/v1/agent/register", { key, body })

const heartbeat = (body: object = {}, key = "north") =>
  ask("POST", "/v1/agent/heartbeat", {
    key,
    body: { protocol_version: 1, agent_id: "ag-17", in_flight: 1, available_capacity: 3, ...body }
  })

const result = (body: object = {}, key = "north") =>
  ask("POST", "/v1/agent/result", {
    key,
    body: {
      protocol_version: 1,
      agent_id: "ag-17",
      task_execution_id: "00000000-0000-4000-8000-000000000000",
      attempt: 1,
      duration_ms: 1,
      outcome: { kind: "success", context: {} },
      ...body
    }
  })

const listed = Effect.map(ask("GET", "/v1/agents", { key: god }), (answer) => answer.member("items"))

describe("the roster", () => {
  it.scoped("takes agents, and what they report", () =>
    Effect.gen(function*() {
      const registered = yield* register({ ...agent, capabilities: ["gpu"], ephemeral_key_pool: [key("k-1")] })
      assert.deepStrictEqual(JSON.parse(registered.text), {
        protocol_version: 1,
        agent_id: "ag-17",
        heartbeat_interval_seconds: 15
      })
      assert.deepStrictEqual(JSON.parse((yield* heartbeat()).text), { protocol_version: 1, replenish_keys: 31 })
      yield* CloacinaTesting.advance("6 seconds")
      assert.deepStrictEqual(yield* listed, [{
        agent_id: "ag-17",
        target_triple: "x86_64-linux",
        max_concurrency: 4,
        in_flight: 1,
        available_capacity: 3,
        seconds_since_heartbeat: 6,
        capabilities: ["gpu"],
        tenant_id: "north"
      }])
    }).pipe(Effect.provide(layer)))

  it.scoped("makes up ids, and takes a single key for a pool", () =>
    Effect.gen(function*() {
      const registered = yield* register({ ...agent, agent_id: null, ephemeral_public_key: "AAEC" })
      const id = String(registered.member("agent_id"))
      assert.match(id, /^[0-9a-f-]{36}$/)
      assert.strictEqual((yield* heartbeat({ agent_id: id })).member("replenish_keys"), 31)
      yield* register({ ...agent, ephemeral_key_pool: Array.from({ length: 40 }, (_, at) => key(`k-${at}`)) })
      assert.strictEqual((yield* heartbeat()).member("replenish_keys"), 0)
    }).pipe(Effect.provide(layer)))

  it.scoped("forgets who does not report for 45 s", () =>
    Effect.gen(function*() {
      yield* register(agent)
      yield* CloacinaTesting.advance("45 seconds")
      assert.strictEqual((yield* heartbeat()).status, 200)
      yield* CloacinaTesting.advance("46 seconds")
      assert.deepStrictEqual(yield* listed, [])
      const gone = yield* heartbeat()
      assert.deepStrictEqual([gone.status, gone.member("code"), gone.member("error")], [
        404,
        "agent_not_registered",
        "agent not registered: ag-17 (re-register)"
      ])
    }).pipe(Effect.provide(layer)))

  it.scoped("is closed to keys of other tenants, except for a registration, which takes the id over", () =>
    Effect.gen(function*() {
      yield* register(agent)
      const denied = [403, "tenant_access_denied"] as const
      assert.deepStrictEqual(codeOf(yield* heartbeat({}, "south")), denied)
      assert.deepStrictEqual(codeOf(yield* result({}, "south")), denied)
      assert.strictEqual((yield* heartbeat({}, god)).status, 200)
      yield* register(agent, "south")
      assert.deepStrictEqual(codeOf(yield* heartbeat()), denied)
    }).pipe(Effect.provide(layer)))

  it.scoped("speaks one version", () =>
    Effect.gen(function*() {
      for (
        const answer of [
          yield* register({ ...agent, protocol_version: 2 }),
          yield* heartbeat({ protocol_version: 2 }),
          yield* result({ protocol_version: 2 })
        ]
      ) {
        assert.deepStrictEqual([answer.status, answer.member("code"), answer.member("error")], [
          400,
          "protocol_version_mismatch",
          "agent protocol_version 2 not supported (server speaks 1)"
        ])
      }
    }).pipe(Effect.provide(layer)))

  it.scoped("takes no more keys", () =>
    Effect.gen(function*() {
      const body = { protocol_version: 1, agent_id: "ag-17", keys: [key("k-2")] }
      assert.deepStrictEqual(codeOf(yield* ask("POST", "/v1/agent/keys", { key: god, body })), [
        403,
        "authz_unclassified"
      ])
    }).pipe(Effect.provide(layer)))
})

describe("results", () => {
  it.scoped("of work that nobody gave out are swallowed", () =>
    Effect.gen(function*() {
      const outcomes = [
        { kind: "success", context: { rows: 12 } },
        { kind: "failure", message: "bad input", classification: "validation" },
        { kind: "refused", reason: "shutdown", message: "" }
      ]
      for (const outcome of outcomes) {
        assert.deepStrictEqual(JSON.parse((yield* result({ agent_id: "ghost", outcome })).text), {
          protocol_version: 1
        })
      }
    }).pipe(Effect.provide(layer)))

  it.scoped("are refused when they make no sense", () =>
    Effect.gen(function*() {
      const answer = yield* result({ task_execution_id: "7" })
      assert.deepStrictEqual(codeOf(answer), [400, "invalid_task_execution_id"])
      const outcomes = [
        { kind: "lost" },
        { kind: "failure", message: "m", classification: "bad luck" },
        { kind: "success" },
        { context: {} },
        7
      ]
      for (const outcome of outcomes) assert.strictEqual((yield* result({ outcome })).status, 422)
    }).pipe(Effect.provide(layer)))
})

describe("downloads", () => {
  const archive = Packages.get("flow-diamond")
  const digest = createHash("sha256").update(archive).digest("hex")
  const get = (path: string, key = "north") => ask("GET", `/v1/agent/${path}?target_triple=x86_64-linux`, { key })

  it.scoped("of unknown digests are 404", () =>
    Effect.gen(function*() {
      const errors = yield* Effect.forEach(["artifact", "source", "providers"], (kind) =>
        Effect.map(get(`${kind}/00ff`), ({ member, status }) => [status, member("code"), member("error")]))
      assert.deepStrictEqual(errors, [
        [404, "artifact_not_found", "no successfully-compiled artifact with digest 00ff"],
        [404, "source_not_found", "no package source archive with digest 00ff"],
        [404, "package_not_found", "no successfully-built package with digest 00ff"]
      ])
    }).pipe(Effect.provide(layer)))

  it.scoped("of a package of a tenant give its library, which is empty for Python, and nothing else", () =>
    Effect.gen(function*() {
      const artifact = yield* get(`artifact/${digest}`)
      assert.deepStrictEqual([artifact.status, artifact.text, artifact.headers["x-build-target-triple"]], [
        200,
        "",
        "x86_64-linux"
      ])
      assert.strictEqual(artifact.headers["cache-control"], "public, max-age=31536000, immutable")
      assert.strictEqual((yield* get(`artifact/${digest}`, "south")).status, 404)
      assert.strictEqual((yield* get(`source/${digest}`)).status, 404)
      assert.strictEqual((yield* get(`providers/${digest}`)).status, 404)
    }).pipe(Effect.provide(emulator({
      tenants: ["north", "south"],
      keys,
      workflows: [CloacinaTesting.workflow("flow_diamond", { tenant: "north", archive })]
    }))))

  it.scoped("of a package in public give everybody its source", () =>
    Effect.gen(function*() {
      const source = yield* get(`source/${digest}`)
      assert.deepStrictEqual([source.status, source.text], [200, new TextDecoder().decode(archive)])
      assert.deepStrictEqual((yield* get(`providers/${digest}`)).member("providers"), [])
    }).pipe(Effect.provide(emulator({
      tenants: ["north", "south"],
      keys,
      workflows: [CloacinaTesting.workflow("flow_diamond", { tenant: "public", archive })]
    }))))
})
