/** The recorded answers of the real server, through the services: what succeeded decodes, what was refused is an error. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Cloacina from "../../../src/cloacina.js"
import type { Exchange } from "../../fixtures/cloacina/Golden.js"
import { cases } from "../../fixtures/cloacina/Golden.js"
import { cloacina } from "../support/Cloacina.js"

type Tagged = { readonly _tag: string }
type Call = (path: ReadonlyArray<string>, exchange: Exchange) => Effect.Effect<unknown, Tagged, Cloacina.Services>

const record = Schema.decodeUnknownSync(Schema.Record({ key: Schema.String, value: Schema.Unknown }))
const bodyOf = (exchange: Exchange) => record(exchange.request.body)
const as = <A, I>(schema: Schema.Schema<A, I>, exchange: Exchange): A =>
  Schema.decodeUnknownSync(schema)(exchange.request.body)
const queryOf = (exchange: Exchange) =>
  Object.fromEntries(
    [...new URL(exchange.request.path, "http://server").searchParams].map(([name, value]) => [name, Number(value)])
  )
const tenant = (name: string | undefined) => ({ tenant: name ?? "" })

const of = <S>(tag: Effect.Effect<S, never, Cloacina.Services>, call: (service: S) => Effect.Effect<unknown, Tagged>) =>
  Effect.flatMap(tag, call)

/** How a recorded request is made by a method. */
const calls: ReadonlyArray<readonly [string, Call]> = [
  ["GET /health", () => of(Cloacina.Health, (_) => _.check())],
  ["GET /ready", () => of(Cloacina.Health, (_) => _.ready())],
  ["GET /metrics", () => of(Cloacina.Operations, (_) => _.metrics())],
  ["POST /v1/auth/keys", (_, e) => of(Cloacina.Keys, (_) => _.createPublic(as(NewKey, e)))],
  ["GET /v1/auth/keys", () => of(Cloacina.Keys, (_) => _.listAll())],
  ["DELETE /v1/auth/keys/*", ([id = ""]) => of(Cloacina.Keys, (_) => _.revokeAny(id))],
  ["POST /v1/tenants/*/keys", ([t], e) => of(Cloacina.Keys, (_) => _.create(as(NewKey, e), tenant(t)))],
  ["GET /v1/tenants/*/keys", ([t]) => of(Cloacina.Keys, (_) => _.list(tenant(t)))],
  ["DELETE /v1/tenants/*/keys/*", ([t, id = ""]) => of(Cloacina.Keys, (_) => _.revoke(id, tenant(t)))],
  ["POST /v1/auth/ws-ticket", () => of(Cloacina.Keys, (_) => _.ticket())],
  ["POST /v1/tenants/*/accounts", ([t], e) => of(Cloacina.Accounts, (_) => _.create(as(NewAccount, e), tenant(t)))],
  ["GET /v1/tenants/*/accounts", ([t]) => of(Cloacina.Accounts, (_) => _.list(tenant(t)))],
  ["DELETE /v1/tenants/*/accounts/*", ([t, id = ""]) => of(Cloacina.Accounts, (_) => _.disable(id, tenant(t)))],
  [
    "POST /v1/tenants/*/accounts/*/password",
    ([t, id = ""], e) => of(Cloacina.Accounts, (_) => _.resetPassword(id, String(bodyOf(e)["password"]), tenant(t)))
  ],
  ["POST /v1/tenants", (_, e) => of(Cloacina.Tenants, (_) => _.create({ name: String(bodyOf(e)["name"]) }))],
  ["GET /v1/tenants", () => of(Cloacina.Tenants, (_) => _.list())],
  ["DELETE /v1/tenants/*", ([name = ""]) => of(Cloacina.Tenants, (_) => _.remove(name))],
  ["POST /v1/tenants/*/secrets", ([t], e) => of(Cloacina.Secrets, (_) => _.create(as(NewSecret, e), tenant(t)))],
  ["GET /v1/tenants/*/secrets", ([t]) => of(Cloacina.Secrets, (_) => _.list(tenant(t)))],
  ["GET /v1/tenants/*/secrets/*", ([t, name = ""]) => of(Cloacina.Secrets, (_) => _.get(name, tenant(t)))],
  [
    "PUT /v1/tenants/*/secrets/*",
    ([t, name = ""], e) => of(Cloacina.Secrets, (_) => _.rotate(name, as(Fields, e).fields, tenant(t)))
  ],
  ["DELETE /v1/tenants/*/secrets/*", ([t, name = ""]) => of(Cloacina.Secrets, (_) => _.remove(name, tenant(t)))],
  [
    "POST /v1/tenants/*/workflows/*/instances",
    ([t, name = ""], e) => of(Cloacina.Instances, (_) => _.create(name, as(Cloacina.CreateInstance, e), tenant(t)))
  ],
  [
    "GET /v1/tenants/*/workflows/*/instances",
    ([t, name = ""], e) => of(Cloacina.Instances, (_) => _.list(name, queryOf(e), tenant(t)))
  ],
  [
    "GET /v1/tenants/*/workflows/*/instances/*",
    ([t, name = "", instance = ""]) => of(Cloacina.Instances, (_) => _.get(name, instance, tenant(t)))
  ],
  [
    "DELETE /v1/tenants/*/workflows/*/instances/*",
    ([t, name = "", instance = ""]) => of(Cloacina.Instances, (_) => _.remove(name, instance, tenant(t)))
  ],
  ["GET /v1/tenants/*/triggers", ([t], e) => of(Cloacina.Triggers, (_) => _.list(queryOf(e), tenant(t)))],
  ["GET /v1/tenants/*/triggers/*", ([t, name = ""]) => of(Cloacina.Triggers, (_) => _.get(name, tenant(t)))],
  ["POST /v1/tenants/*/triggers/*/pause", ([t, name = ""]) => of(Cloacina.Triggers, (_) => _.pause(name, tenant(t)))],
  ["POST /v1/tenants/*/triggers/*/resume", ([t, name = ""]) => of(Cloacina.Triggers, (_) => _.resume(name, tenant(t)))],
  [
    "POST /v1/tenants/*/triggers/*/fire",
    ([t, name = ""], e) => of(Cloacina.Triggers, (_) => _.fire(name, as(Cloacina.FireTrigger, e).event, tenant(t)))
  ],
  [
    "GET /v1/tenants/*/triggers/*/interface",
    ([t, name = ""]) => of(Cloacina.Triggers, (_) => _.interface(name, tenant(t)))
  ],
  ["GET /v1/health/accumulators", () => of(Cloacina.Graphs, (_) => _.accumulators())],
  [
    "POST /v1/health/accumulators/*/inject",
    ([name = ""], e) => of(Cloacina.Graphs, (_) => _.inject(name, bodyOf(e)["event"]))
  ],
  [
    "GET /v1/health/accumulators/*/interface",
    ([name = ""]) => of(Cloacina.Graphs, (_) => _.accumulatorInterface(name))
  ],
  ["GET /v1/health/reactors", () => of(Cloacina.Graphs, (_) => _.reactors())],
  ["POST /v1/health/reactors/*/fire", ([name = ""], e) =>
    of(Cloacina.Graphs, (_) =>
      bodyOf(e)["mode"] === "fire_with"
        ? _.fireWith(name, record(bodyOf(e)["inputs"] ?? {}))
        : _.forceFire(name))],
  ["GET /v1/health/reactors/*/fires", ([name = ""], e) => of(Cloacina.Graphs, (_) => _.fires(name, queryOf(e)))],
  ["GET /v1/health/reactors/*/fires/timeseries", ([name = ""]) => of(Cloacina.Graphs, (_) => _.timeseries(name))],
  ["GET /v1/health/reactors/*/interface", ([name = ""]) => of(Cloacina.Graphs, (_) => _.reactorInterface(name))],
  ["GET /v1/health/graphs", () => of(Cloacina.Graphs, (_) => _.list())],
  ["GET /v1/health/graphs/*", ([name = ""]) => of(Cloacina.Graphs, (_) => _.get(name))],
  ["GET /v1/agents", () => of(Cloacina.Fleet, (_) => _.agents())],
  ["GET /v1/compiler/status", () => of(Cloacina.Fleet, (_) => _.compilerStatus())],
  ["GET /v1/tenants/*/limits", ([t]) => of(Cloacina.Fleet, (_) => _.limit(tenant(t)))],
  [
    "POST /v1/tenants/*/limits",
    ([t], e) => of(Cloacina.Fleet, (_) => _.setLimit(Number(bodyOf(e)["max_agents"]), tenant(t)))
  ],
  ["DELETE /v1/tenants/*/limits", ([t]) => of(Cloacina.Fleet, (_) => _.removeLimit(tenant(t)))],
  ["GET /v1/tenants/*/fleet", ([t]) => of(Cloacina.Fleet, (_) => _.scale(tenant(t)))],
  ["POST /v1/tenants/*/fleet/provision", ([t]) => of(Cloacina.Fleet, (_) => _.provision(tenant(t)))],
  ["POST /v1/tenants/*/fleet/deprovision", ([t]) => of(Cloacina.Fleet, (_) => _.deprovision(tenant(t)))],
  ["POST /v1/agent/register", (_, e) =>
    of(Cloacina.Agents, (_) => {
      const { max_concurrency, target_triple } = as(Cloacina.AgentRegister, e)
      return _.register({ max_concurrency, target_triple })
    })],
  ["POST /v1/agent/heartbeat", (_, e) => of(Cloacina.Agents, (_) => _.heartbeat(as(Cloacina.AgentHeartbeat, e)))],
  ["POST /v1/agent/keys", (_, e) => of(Cloacina.Agents, (_) => _.replenish(as(Cloacina.AgentReplenish, e)))],
  ["POST /v1/agent/result", (_, e) => of(Cloacina.Agents, (_) => _.result(as(Cloacina.AgentResult, e)))],
  ["GET /v1/agent/artifact/*", ([digest = ""]) => of(Cloacina.Agents, (_) => _.artifact(digest))],
  ["GET /v1/agent/source/*", ([digest = ""]) => of(Cloacina.Agents, (_) => _.source(digest))],
  ["GET /v1/agent/providers/*", ([digest = ""]) => of(Cloacina.Agents, (_) => _.providers(digest, "x86_64-linux"))]
]

const NewKey = Schema.Struct({ name: Schema.String, role: Cloacina.KeyRole })
const NewAccount = Schema.Struct({ username: Schema.String, password: Schema.String, role: Cloacina.KeyRole })
const Fields = Schema.Struct({ fields: Schema.Record({ key: Schema.String, value: Schema.String }) })
const NewSecret = Schema.Struct({ name: Schema.String, ...Fields.fields })

const matching = (exchange: Exchange) => {
  const path = exchange.request.path.split("?")[0] ?? ""
  for (const [route, call] of calls) {
    const pattern = new RegExp(`^${route.replace(/\*/g, "([^/]+)")}$`)
    const match = pattern.exec(`${exchange.request.method} ${path}`)
    if (match !== null) {
      return {
        route,
        call: call(match.slice(1).map((segment) => decodeURIComponent(segment)), exchange)
      }
    }
  }
  return undefined
}

const tags: Readonly<Record<number, ReadonlyArray<string>>> = {
  307: ["UnexpectedStatus"],
  400: ["InvalidInput"],
  401: ["Unauthorized"],
  403: ["Forbidden"],
  404: ["NotFound"],
  409: ["Conflict"],
  413: ["PayloadTooLarge"],
  415: ["InvalidInput"],
  422: ["InvalidInput"],
  500: ["Internal"],
  503: ["Unavailable"]
}

const responseOf = ({ response }: Exchange): Response => {
  const { "content-length": _, ...headers } = response.headers
  const body = response.body === undefined ? response.body_text ?? null : JSON.stringify(response.body)
  return new Response(body, { status: response.status, headers })
}

/** Bodies that no method sends: broken ones, and those without what the SDK makes callers choose. */
const unmakeable = new Set([
  "accounts-free-role",
  "fw-body-too-large",
  "fw-content-type",
  "fw-json-missing-field",
  "fw-json-null-role",
  "fw-json-syntax",
  "fw-json-unknown-enum",
  "keys-create-default-role",
  "secrets-non-string-field"
])

const recorded = cases.filter(({ name }) => !unmakeable.has(name)).flatMap(({ exchanges, name }) =>
  exchanges.flatMap((exchange, index) => {
    const found = matching(exchange)
    return found === undefined ? [] : [{ ...found, exchange, title: `${name}, call ${index + 1}` }]
  })
)

describe("recorded calls", () => {
  it("are there for nearly every method", () => {
    const routes = new Set(recorded.map(({ route }) => route))
    const missing = calls.map(([route]) => route).filter((route) => !routes.has(route))
    assert.deepStrictEqual(missing, [])
    assert.isAbove(recorded.length, 150)
  })

  for (const { call, exchange, route, title } of recorded) {
    it.effect(`${title}: ${route}`, () =>
      Effect.gen(function*() {
        const { layer, sent } = cloacina(() => responseOf(exchange))
        const { status } = exchange.response
        const result = yield* Effect.either(Effect.provide(call, layer))
        if (result._tag === "Left" && sent.length === 0) {
          // The SDK refuses what the server refuses, or what it takes and cannot use (upper-case tenants).
          assert.strictEqual(result.left._tag, "InvalidInput")
          assert.isTrue(status === 400 || /"[A-Z]/.test(JSON.stringify(exchange.request.body)), title)
          return
        }
        if (status < 300) {
          assert.strictEqual(result._tag, "Right", JSON.stringify(result))
          return
        }
        assert.strictEqual(result._tag, "Left")
        if (result._tag === "Left") {
          assert.isTrue(tags[status]?.includes(result.left._tag), `${status} ${result.left._tag}`)
          const shown: Record<string, unknown> = JSON.parse(JSON.stringify(result.left))
          assert.strictEqual(shown["requestId"], exchange.response.headers["x-request-id"])
          if (exchange.response.body !== undefined) {
            assert.strictEqual(shown["code"], record(exchange.response.body)["code"])
            assert.strictEqual(shown["detail"], record(exchange.response.body)["error"])
          }
        }
      }))
  }
})
