/** The emulator as a test meets it: its layers, its control, and what it says about itself. */
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpClient from "@effect/platform/HttpClient"
import { describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/TestClock"
import { assert } from "vitest"
import * as Cloacina from "../../../src/cloacina.js"
import * as CloacinaTesting from "../../../src/cloacina/testing.js"
import { ask, codeOf, emulator, god } from "./support/ask.js"

describe("layer", () => {
  it.effect("calls with a god key that it makes up", () =>
    Effect.gen(function*() {
      const sessions = yield* Cloacina.Sessions
      const { key } = yield* CloacinaTesting.Emulator
      assert.match(Redacted.value(key), /^clk_[\w-]{43}$/)
      const me = yield* sessions.whoami()
      assert.isTrue(me.is_admin)
      assert.strictEqual(me.name, "bootstrap-admin")
    }).pipe(Effect.provide(CloacinaTesting.layer())))

  it.effect("calls for the tenant that it is told", () =>
    Effect.gen(function*() {
      const secrets = yield* Cloacina.Secrets
      const recorder = yield* CloacinaTesting.Recorder
      yield* secrets.list()
      yield* recorder.expect(["GET /v1/tenants/north/secrets 200"])
    }).pipe(Effect.provide(CloacinaTesting.layer({ tenant: "north" }))))

  it.effect("plays workflows in no time", () =>
    Effect.gen(function*() {
      const executions = yield* Cloacina.Executions
      const outcome = yield* executions.executeAndAwait("close_month", { context: { region: "eu" } })
      assert.strictEqual(outcome._tag, "Completed")
    }).pipe(Effect.provide(CloacinaTesting.layer({
      tenant: "north",
      workflows: [
        CloacinaTesting.workflow("close_month", {
          tenant: "north",
          tasks: [
            CloacinaTesting.task("load", {
              attempts: [CloacinaTesting.fails("disk full"), CloacinaTesting.succeeds()],
              takes: "5 minutes"
            })
          ]
        })
      ]
    }))))

  it.effect("is another emulator each time", () => {
    const count = Effect.flatMap(
      Cloacina.Tenants,
      (tenants) => Effect.zipRight(tenants.create({ name: "north" }), Effect.map(tenants.list(), (all) => all.length))
    )
    return Effect.gen(function*() {
      assert.strictEqual(yield* Effect.provide(count, CloacinaTesting.layer()), 1)
      assert.strictEqual(yield* Effect.provide(count, CloacinaTesting.layer()), 1)
    })
  })
})

describe("options that cannot be", () => {
  const { cron, graph, task, workflow } = CloacinaTesting
  const flow = (options: CloacinaTesting.WorkflowOptions) => ({ workflows: [workflow("flow", options)] })
  const cases: ReadonlyArray<readonly [options: CloacinaTesting.Options, message: string]> = [
    [flow({ tasks: [task("a", { after: ["a"] })] }), "tasks wait for each other in a circle (workflow 'flow')"],
    [flow({ tasks: [task("a", { after: ["b"] })] }), "waits for 'b', which does not exist (workflow 'flow')"],
    [flow({ triggers: [cron("every day")] }), "workflows[0].triggers[0].cron: Cron parsing error: Invalid pattern"],
    [flow({ triggers: [cron("* * * * *", { timezone: "Mars" })] }), "Invalid timezone: Mars (workflow 'flow')"],
    [flow({ tasks: [task("a", { takes: "1e3 seconds" })] }), "workflows[0].tasks[0].takes: is no duration"],
    [flow({ archive: new Uint8Array(3) }), "workflows[0].archive: Package validation failed"],
    [
      { graphs: [graph("g", { reactor: "r", accumulators: [], edges: [{ from: "g", to: "x", label: null }] })] },
      ...[
        "graphs[0].edges[0].to: there is no node 'x' (graph 'g')"
      ] as const
    ],
    [
      { storedSecrets: [{ tenant: "south", name: "s", fields: {} }] },
      "storedSecrets[0].tenant: there is no tenant 'south'"
    ],
    [{ executions: [{ tenant: "public", workflow: "flow" }] }, "executions[0].workflow: there is no workflow 'flow'"],
    [
      { ...flow({ tenant: "north", paused: true }), executions: [{ tenant: "north", workflow: "flow" }] },
      "executions[0]: 'flow' in 'north' is refused: workflow 'flow' is paused"
    ]
  ]

  it.effect("are a defect of the layer, which says where and why", () =>
    Effect.gen(function*() {
      for (const [options, message] of cases) {
        const exit = yield* Effect.exit(Effect.scoped(Layer.build(CloacinaTesting.layer(options))))
        assert.isTrue(Exit.isFailure(exit) && Cause.isDie(exit.cause))
        assert.include(String(exit), message)
      }
    }))

  it.effect("are not that the tenant of the calls is there anyway", () =>
    Effect.gen(function*() {
      const tenants = yield* Cloacina.Tenants
      assert.lengthOf(yield* tenants.list(), 1)
    }).pipe(Effect.provide(CloacinaTesting.layer({ tenant: "north", tenants: ["north"] }))))
})

describe("layerHttpClient", () => {
  it.effect("answers programs with their own keys", () =>
    Effect.gen(function*() {
      const { issueKey } = yield* CloacinaTesting.Emulator
      const key = yield* issueKey({ name: "loader", role: "write", tenant: "north" })
      const whoami = Effect.flatMap(Cloacina.Sessions, (sessions) => sessions.whoami())
      const me = yield* Effect.provide(whoami, Cloacina.layer({ url: "http://127.0.0.1", key }))
      assert.deepStrictEqual(me.tenant_id, Option.some("north"))
      assert.strictEqual(me.role, "write")
    }).pipe(Effect.provide(CloacinaTesting.layerHttpClient())))
})

describe("layerServer", () => {
  it.live("listens on a port and is gone afterwards", () =>
    Effect.gen(function*() {
      const http = yield* HttpClient.HttpClient
      const url = yield* Effect.gen(function*() {
        const { url } = yield* CloacinaTesting.TestServer
        const health = yield* Effect.flatMap(http.get(`${url}/health`), (answer) => answer.text)
        assert.strictEqual(health, "{\"status\":\"ok\"}")
        return url
      }).pipe(Effect.provide(CloacinaTesting.layerServer()))
      const gone = yield* Effect.flip(http.get(`${url}/health`))
      assert.strictEqual(gone.reason, "Transport")
    }).pipe(Effect.scoped, Effect.provide(FetchHttpClient.layer)))
})

describe("the server", () => {
  it.effect("is ready until it is said not to be", () =>
    Effect.gen(function*() {
      const health = yield* Cloacina.Health
      const { setNotReady } = yield* CloacinaTesting.Emulator
      assert.strictEqual((yield* health.ready()).ready, true)
      yield* setNotReady("database unreachable")
      assert.deepStrictEqual(yield* health.ready(), { ready: false, reason: Option.some("database unreachable") })
      yield* setNotReady(undefined)
      assert.strictEqual((yield* health.ready()).ready, true)
    }).pipe(Effect.provide(CloacinaTesting.layer())))

  it.effect("counts what it answers", () =>
    Effect.gen(function*() {
      yield* ask("GET", "/health")
      yield* ask("GET", "/health")
      yield* ask("POST", "/v1/auth/keys")
      const { headers, text } = yield* ask("GET", "/metrics")
      assert.strictEqual(headers["content-type"], "text/plain; version=0.0.4; charset=utf-8")
      assert.include(text, "cloacina_api_requests_total{method=\"GET\",status=\"200\"} 2\n")
      assert.include(text, "cloacina_api_requests_total{method=\"POST\",status=\"401\"} 1\n")
      assert.include(text, "cloacina_api_request_duration_seconds_count{method=\"GET\",status=\"200\"} 2\n")
      assert.include(text, "cloacina_api_request_duration_seconds{method=\"GET\",status=\"200\",quantile=\"0.99\"} 0\n")
    }).pipe(Effect.provide(emulator())))

  it.effect("describes itself as the version that it is", () =>
    Effect.gen(function*() {
      const operations = yield* Cloacina.Operations
      assert.strictEqual(yield* operations.version(), "0.12.0")
    }).pipe(Effect.provide(CloacinaTesting.layer())))
})

describe("agents", () => {
  const key = { name: "a", role: "admin", tenant: "north", key: Redacted.make("north-admin") } as const
  const register = (id: string, key: string) =>
    ask("POST", "/v1/agent/register", {
      key,
      body: { protocol_version: 1, agent_id: id, max_concurrency: 2, target_triple: "x86_64-linux" }
    })
  const total = (key: string) => Effect.map(ask("GET", "/v1/agents", { key }), (asked) => asked.member("total"))

  it.effect("are seen by their tenant and by god, while they live", () =>
    Effect.gen(function*() {
      yield* register("ours", "north-admin")
      yield* register("gods", god)
      assert.strictEqual(yield* total("north-admin"), 1)
      assert.strictEqual(yield* total(god), 2)
      const fleet = ask("GET", "/v1/tenants/north/fleet", { key: god })
      assert.strictEqual((yield* fleet).member("actual_count"), 1)
      yield* TestClock.adjust("45 seconds")
      assert.strictEqual(yield* total(god), 2)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* total(god), 0)
      assert.strictEqual((yield* fleet).member("actual_count"), 0)
    }).pipe(Effect.provide(emulator({ tenants: ["north"], keys: [key] }))))
})

describe("limits", () => {
  it.effect("fall back to the default, and are kept below by provisioning only", () =>
    Effect.gen(function*() {
      const path = "/v1/tenants/north"
      const provision = ask("POST", `${path}/fleet/provision`, { key: god })
      yield* provision
      yield* ask("POST", `${path}/limits`, { key: god, body: { max_agents: 0 } })
      assert.deepStrictEqual(codeOf(yield* provision), [409, "at_capacity"])
      assert.strictEqual((yield* ask("GET", `${path}/fleet`, { key: god })).member("desired_count"), 2)
      assert.strictEqual((yield* ask("DELETE", `${path}/limits`, { key: god })).member("effective_limit"), 3)
      assert.strictEqual((yield* provision).member("desired_count"), 3)
    }).pipe(Effect.provide(emulator({ tenants: ["north"], defaultMaxAgents: 3 }))))
})
