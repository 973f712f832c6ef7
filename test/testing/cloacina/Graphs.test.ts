import { it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/TestClock"
import { assert, describe } from "vitest"
import * as CloacinaTesting from "../../../src/cloacina/testing.js"
import { ask, codeOf, emulator, god } from "./support/ask.js"

const { graph, graphFails, passthrough, state } = CloacinaTesting

const schema = { type: "object", properties: { bid: { type: "number" } }, required: ["bid"] }

const ticks = graph("graph_ticks", {
  reactor: "ticks_rx",
  accumulators: [passthrough("ticks", { schema })],
  nodes: [{ id: "decide", inputs: ["ticks"] }, { id: "trade", inputs: [] }],
  edges: [{ from: "decide", to: "trade", label: "Trade" }]
})

const pair = graph("graph_pair", {
  reactor: "pair_rx",
  accumulators: ["pair_a", "pair_b"],
  reactionMode: "when_all"
})

const levels = graph("graph_levels", {
  reactor: "levels_rx",
  accumulators: [state("levels", { window: 3, schema: { type: "object" } })],
  tenant: "north"
})

const keys = ["north", "south", "public"].map((tenant) => ({
  name: tenant,
  role: "read" as const,
  tenant,
  key: Redacted.make(tenant)
}))

const world = (...graphs: ReadonlyArray<CloacinaTesting.GraphScript>) =>
  emulator({ tenants: ["north", "south"], keys, graphs })

const layer = world(ticks, pair, levels)

const get = (path: string, key = god) => ask("GET", `/v1/health/${path}`, { key })

const items = (path: string, key = god) =>
  Effect.map(get(path, key), (answer) => {
    const list = answer.member("items")
    assert.isArray(list)
    return Array.isArray(list) ? list : []
  })

const inject = (name: string, event: unknown, key = god) =>
  ask("POST", `/v1/health/accumulators/${name}/inject`, { key, body: { event } })

const fire = (name: string, body: unknown = {}, key = god) =>
  ask("POST", `/v1/health/reactors/${name}/fire`, { key, body })

const inputsOf = (reactor: string, key = god) =>
  Effect.map(items(`reactors/${reactor}/fires`, key), (fires) => fires.map(({ inputs }) => inputs))

const only = (path: string, name: string) => Effect.map(items(path), (all) => all.find((each) => each.name === name))

describe("lists", () => {
  it.scoped("say what is there before any event", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* only("accumulators", "levels"), {
        name: "levels",
        status: "socket_only",
        reactor: "levels_rx",
        tenant_id: "north",
        state: "socket_only",
        last_event_at: null,
        events_total: 0,
        buffer_depth: 0,
        buffer_capacity: 3,
        error: null,
        operator_injects: 0,
        last_operator_inject_at: null
      })
      assert.deepStrictEqual(yield* only("reactors", "pair_rx"), {
        name: "pair_rx",
        health: { state: "live" },
        accumulators: ["pair_a", "pair_b"],
        reaction_mode: "when_all",
        input_strategy: "latest",
        bound_graphs: ["graph_pair"],
        paused: false,
        fires: 0,
        last_fired_at: null
      })
      assert.deepStrictEqual(yield* only("graphs", "graph_ticks"), {
        name: "graph_ticks",
        health: { state: "live" },
        accumulators: ["ticks"],
        paused: false,
        topology: { nodes: ticks.nodes, edges: ticks.edges },
        reactor: "ticks_rx",
        reaction_mode: "when_any",
        input_strategy: "latest",
        fires: 0,
        last_fired_at: null,
        source_package: null
      })
    }).pipe(Effect.provide(layer)))

  it.scoped("show god keys everything, others what is theirs or nobody's", () =>
    Effect.gen(function*() {
      const seen = (key: string) => Effect.map(items("graphs", key), (all) => all.map(({ name }) => name))
      assert.deepStrictEqual(yield* seen(god), ["graph_ticks", "graph_levels", "free"])
      assert.deepStrictEqual(yield* seen("north"), ["graph_levels", "free"])
      assert.deepStrictEqual(yield* seen("south"), ["free"])
      assert.deepStrictEqual(yield* seen("public"), ["graph_ticks", "free"])
      assert.deepStrictEqual(codeOf(yield* get("graphs/graph_ticks", "south")), [404, "graph_not_found"])
    }).pipe(Effect.provide(
      world(ticks, levels, graph("free", { reactor: "free_rx", accumulators: ["free_a"], tenant: null }))
    )))

  it.scoped("let names be the caller's own, and leave god keys without a choice", () =>
    Effect.gen(function*() {
      yield* inject("ticks", { bid: 1 }, "north")
      assert.deepStrictEqual(yield* inputsOf("ticks_rx", "north"), [{ ticks: { bid: 1 } }])
      assert.deepStrictEqual(yield* inputsOf("ticks_rx", "public"), [])
      assert.deepStrictEqual(
        (yield* items("accumulators")).map(({ events_total, operator_injects, reactor, tenant_id }) => [
          events_total,
          operator_injects,
          reactor,
          tenant_id
        ]),
        [[0, 0, null, null], [1, 0, null, null]]
      )
      assert.deepStrictEqual(codeOf(yield* inject("ticks", { bid: 1 })), [403, "accumulator_access_denied"])
      assert.deepStrictEqual(codeOf(yield* fire("ticks_rx")), [403, "reactor_op_denied"])
      assert.deepStrictEqual(yield* inputsOf("ticks_rx"), [])
    }).pipe(Effect.provide(world(ticks, { ...ticks, tenant: "north" }))))
})

describe("inject", () => {
  it.scoped("runs the graph, and is counted", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(1_234)
      const answer = yield* inject("ticks", { bid: 10, ask: 10.5 }, "public")
      assert.deepStrictEqual(JSON.parse(answer.text), { accumulator: "ticks", delivered: 1 })
      assert.deepStrictEqual(yield* items("reactors/ticks_rx/fires"), [{
        fired_at: "1970-01-01T00:00:01.234+00:00",
        ok: true,
        error: null,
        duration_ms: 0,
        inputs: { ticks: { ask: 10.5, bid: 10 } },
        outputs: [],
        manual: false
      }])
      const accumulator = yield* only("accumulators", "ticks")
      assert.deepStrictEqual(
        [accumulator.events_total, accumulator.last_event_at, accumulator.operator_injects],
        [1, "1970-01-01T00:00:01.234+00:00", 1]
      )
      assert.strictEqual((yield* only("reactors", "ticks_rx")).fires, 1)
    }).pipe(Effect.provide(layer)))

  it.scoped("is refused in the words of the server", () =>
    Effect.gen(function*() {
      const refused = (name: string, event: unknown, key = god) =>
        Effect.map(inject(name, event, key), ({ member, status }) => [status, member("code"), member("error")])
      const denied = (name: string) => [403, "accumulator_access_denied", `not authorized for accumulator '${name}'`]
      const invalid = (found: string) => [
        400,
        "accumulator_input_invalid",
        `invalid event for accumulator 'ticks': expects type 'object', got ${found}`
      ]
      assert.deepStrictEqual(yield* refused("nope", 1), denied("nope"))
      assert.deepStrictEqual(yield* refused("ticks", { bid: 1 }, "south"), denied("ticks"))
      assert.deepStrictEqual(yield* refused("ticks", "x"), invalid("string"))
      assert.deepStrictEqual(yield* refused("ticks", null), invalid("null"))
      const missing = yield* ask("POST", "/v1/health/accumulators/ticks/inject", { key: god, text: "{}" })
      assert.deepStrictEqual([missing.status, missing.text], [
        422,
        "Failed to deserialize the JSON body into the target type: missing field `event` at line 1 column 2"
      ])
    }).pipe(Effect.provide(layer)))

  it.scoped("checks no types of packages outside public", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* inject("levels", 7, "north")).status, 200)
      assert.deepStrictEqual(yield* inputsOf("levels_rx", "north"), [{ levels: [7] }])
    }).pipe(Effect.provide(layer)))

  it.scoped("gives the last events of an accumulator with state", () =>
    Effect.gen(function*() {
      for (const level of [1, 2, 3, 4]) yield* inject("levels", { level })
      assert.deepStrictEqual((yield* inputsOf("levels_rx"))[0], {
        levels: [{ level: 2 }, { level: 3 }, { level: 4 }]
      })
      assert.strictEqual((yield* only("accumulators", "levels")).buffer_depth, 3)
    }).pipe(Effect.provide(layer)))

  it.scoped("waits for all inputs with when_all, and for all of them again", () =>
    Effect.gen(function*() {
      yield* inject("pair_a", 1)
      yield* inject("pair_a", 2)
      assert.deepStrictEqual(yield* inputsOf("pair_rx"), [])
      yield* inject("pair_b", 3)
      yield* inject("pair_a", 4)
      assert.deepStrictEqual(yield* inputsOf("pair_rx"), [{ pair_a: 2, pair_b: 3 }])
    }).pipe(Effect.provide(layer)))

  it.scoped("finds an accumulator that takes nothing full after 64 events", () =>
    Effect.gen(function*() {
      const control = yield* CloacinaTesting.GraphControl
      yield* control.hold("ticks")
      for (let bid = 0; bid < 64; bid++) assert.strictEqual((yield* inject("ticks", { bid })).status, 200)
      const answer = yield* inject("ticks", { bid: 64 })
      assert.deepStrictEqual([answer.status, answer.member("code"), answer.member("error")], [
        404,
        "accumulator_not_found",
        "accumulator 'ticks' not available: failed to send to accumulator 'ticks': channel closed"
      ])
      yield* control.release("ticks")
      assert.strictEqual((yield* only("accumulators", "ticks")).events_total, 64)
    }).pipe(Effect.provide(layer)))
})

describe("fire", () => {
  it.scoped("runs with what is held, or with other inputs that take its place", () =>
    Effect.gen(function*() {
      yield* inject("pair_a", { value: 1 })
      const forced = yield* fire("pair_rx")
      assert.deepStrictEqual(JSON.parse(forced.text), { reactor: "pair_rx", mode: "force_fire", sources_injected: [] })
      const body = { mode: "fire_with", inputs: { pair_b: { value: 22 }, other: 5 } }
      const replaced = yield* fire("pair_rx", body, "public")
      assert.deepStrictEqual(JSON.parse(replaced.text), {
        reactor: "pair_rx",
        mode: "fire_with",
        sources_injected: ["other", "pair_b"]
      })
      const fires = yield* items("reactors/pair_rx/fires")
      assert.deepStrictEqual(fires.map(({ inputs, manual }) => [inputs, manual]), [
        [{ pair_b: { value: 22 }, other: 5 }, true],
        [{ pair_a: { value: 1 } }, true]
      ])
      // A manual fire forgets what is new: pair_a was, before it.
      yield* inject("pair_b", 1)
      assert.strictEqual((yield* items("reactors/pair_rx/fires")).length, 2)
    }).pipe(Effect.provide(layer)))

  it.scoped("is refused in the words of the server", () =>
    Effect.gen(function*() {
      const refused = (name: string, body: unknown, key = god) =>
        Effect.map(
          fire(name, body, key),
          ({ member, status, text }) =>
            text.startsWith("{") ? [status, member("code"), member("error")] : [status, text]
        )
      const into = "Failed to deserialize the JSON body into the target type"
      assert.deepStrictEqual(yield* refused("nope", {}), [
        403,
        "reactor_op_denied",
        "operation ForceFire not permitted on reactor 'nope'"
      ])
      assert.deepStrictEqual(yield* refused("ticks_rx", { mode: "fire_with", inputs: { a: 1 } }, "south"), [
        403,
        "reactor_op_denied",
        "operation FireWith not permitted on reactor 'ticks_rx'"
      ])
      assert.deepStrictEqual(yield* refused("ticks_rx", { mode: "fire_with" }), [
        400,
        "empty_inputs",
        "mode 'fire_with' requires a non-empty 'inputs' map"
      ])
      assert.deepStrictEqual(yield* refused("ticks_rx", { inputs: null }), [
        422,
        `${into}: inputs: invalid type: null, expected a map at line 1 column 14`
      ])
      assert.deepStrictEqual(yield* refused("ticks_rx", { mode: null }), [
        400,
        "Failed to parse the request body as JSON: mode: expected value at line 1 column 9"
      ])
    }).pipe(Effect.provide(layer)))

  it.scoped("checks inputs where the reactor declares them", () =>
    Effect.gen(function*() {
      const answer = yield* fire("typed_rx", { mode: "fire_with", inputs: { px: "x", extra: 1 } })
      assert.deepStrictEqual([answer.status, answer.member("code"), answer.member("error")], [
        400,
        "reactor_input_invalid",
        "invalid reactor inputs: param 'px' expects type 'integer', got string; missing required param 'qty'"
      ])
      assert.strictEqual((yield* fire("typed_rx", { mode: "fire_with", inputs: { px: 1, qty: 2.5 } })).status, 200)
      const surface = yield* get("reactors/typed_rx/interface")
      assert.deepStrictEqual(surface.member("slots"), slots)
    }).pipe(Effect.provide(world(graph("typed", { reactor: "typed_rx", accumulators: ["typed_a"], slots })))))

  const slots = [
    { name: "px", schema: { type: "integer" }, required: true, encrypted: false },
    { name: "qty", schema: { type: "number" }, required: true, encrypted: false }
  ]
})

describe("runs", () => {
  it.scoped("give outputs, or fail, and failed ones are told but not counted", () =>
    Effect.gen(function*() {
      yield* inject("a", 2)
      yield* inject("a", 0)
      yield* inject("a", -1)
      const fires = yield* items("reactors/rx/fires")
      assert.deepStrictEqual(fires.map(({ error, ok, outputs }) => [ok, error, outputs]), [
        [false, "no root", []],
        [false, "node execution failed: zero", []],
        [true, null, [4]]
      ])
      assert.strictEqual((yield* only("reactors", "rx")).fires, 1)
      assert.deepStrictEqual((yield* get("reactors/rx/fires/timeseries")).member("buckets"), [
        ...Array.from({ length: 59 }, () => 0),
        3
      ])
    }).pipe(Effect.provide(world(graph("g", {
      reactor: "rx",
      accumulators: ["a"],
      run: ({ a }) => {
        if (Number(a) < 0) throw new Error("no root")
        return a === 0 ? graphFails("zero") : [Number(a) * 2]
      }
    })))))

  it.scoped("take their time, during which newer inputs take the place of older ones", () =>
    Effect.gen(function*() {
      for (const event of [1, 2, 3]) yield* inject("a", event)
      assert.deepStrictEqual(yield* inputsOf("rx"), [])
      yield* CloacinaTesting.advance("2 seconds")
      assert.deepStrictEqual(yield* inputsOf("rx"), [{ a: 1 }])
      yield* CloacinaTesting.advance("10 seconds")
      const fires = yield* items("reactors/rx/fires")
      assert.deepStrictEqual(fires.map(({ duration_ms, inputs }) => [inputs, duration_ms]), [
        [{ a: 3 }, 2000],
        [{ a: 1 }, 2000]
      ])
    }).pipe(Effect.provide(world(graph("g", { reactor: "rx", accumulators: ["a"], takes: "2 seconds" })))))

  it.scoped("take every input with the strategy sequential; a fire takes the queue, which may be empty", () =>
    Effect.gen(function*() {
      for (const event of [1, 2, 3]) yield* inject("a", event)
      yield* CloacinaTesting.advance("10 seconds")
      yield* fire("rx")
      yield* CloacinaTesting.advance("10 seconds")
      assert.deepStrictEqual(yield* inputsOf("rx"), [{ a: 3 }, { a: 2 }, { a: 1 }])
    }).pipe(Effect.provide(world(
      graph("g", { reactor: "rx", accumulators: ["a"], inputStrategy: "sequential", takes: "1 second" })
    ))))

  it.scoped("are kept: 200, told newest first, 50 by default", () =>
    Effect.gen(function*() {
      for (let bid = 1; bid <= 205; bid++) yield* inject("ticks", { bid })
      const told = (query: string) => Effect.map(items(`reactors/ticks_rx/fires${query}`), (fires) => fires.length)
      assert.deepStrictEqual(yield* Effect.forEach(["", "?limit=0", "?limit=1", "?limit=1000"], told), [50, 0, 1, 200])
      assert.deepStrictEqual((yield* inputsOf("ticks_rx"))[0], { ticks: { bid: 205 } })
      assert.strictEqual((yield* get("reactors/ticks_rx/fires?limit=x")).status, 400)
      assert.strictEqual((yield* only("reactors", "ticks_rx")).fires, 205)
    }).pipe(Effect.provide(layer)))

  it.scoped("are counted by the minute, for an hour", () =>
    Effect.gen(function*() {
      yield* inject("ticks", { bid: 1 })
      yield* inject("ticks", { bid: 2 })
      yield* CloacinaTesting.advance("59 minutes")
      yield* inject("ticks", { bid: 3 })
      const buckets = Effect.map(get("reactors/ticks_rx/fires/timeseries"), (answer) => {
        const told = answer.member("buckets")
        return Array.isArray(told) ? [told.length, told[0], told[58], told[59]] : []
      })
      assert.deepStrictEqual(yield* buckets, [60, 2, 0, 1])
      yield* CloacinaTesting.advance("1 minutes")
      assert.deepStrictEqual(yield* buckets, [60, 0, 1, 0])
    }).pipe(Effect.provide(layer)))

  it.scoped("of unknown reactors are 404", () =>
    Effect.gen(function*() {
      for (const path of ["fires", "fires/timeseries"]) {
        assert.deepStrictEqual(codeOf(yield* get(`reactors/nope/${path}`)), [404, "reactor_not_found"])
        assert.deepStrictEqual(codeOf(yield* get(`reactors/ticks_rx/${path}`, "south")), [404, "reactor_not_found"])
      }
    }).pipe(Effect.provide(layer)))
})

describe("interfaces", () => {
  it.scoped("tell the slots of packages in public to everybody, and nothing else", () =>
    Effect.gen(function*() {
      const slots = (path: string) =>
        Effect.map(get(`${path}/interface`, "south"), (answer) => [answer.status, answer.member("slots")])
      assert.deepStrictEqual(yield* slots("accumulators/ticks"), [
        200,
        [{ name: "ticks", schema, required: false, encrypted: false }]
      ])
      assert.deepStrictEqual(yield* slots("accumulators/levels"), [200, []])
      assert.deepStrictEqual(yield* slots("accumulators/nope"), [200, []])
      assert.deepStrictEqual(yield* slots("reactors/ticks_rx"), [200, []])
    }).pipe(Effect.provide(layer)))
})

describe("health", () => {
  it.scoped("of a reactor follows that of its accumulators", () =>
    Effect.gen(function*() {
      const control = yield* CloacinaTesting.GraphControl
      const health = Effect.map(only("reactors", "pair_rx"), (reactor) => reactor.health)
      yield* control.setState("pair_a", "connecting")
      assert.deepStrictEqual(yield* health, { state: "warming", healthy: ["pair_b"], waiting: ["pair_a"] })
      assert.strictEqual((yield* only("accumulators", "pair_a")).state, "connecting")
      yield* control.setState("pair_a", "live")
      assert.deepStrictEqual(yield* health, { state: "live" })
      yield* control.setState("pair_b", "disconnected")
      assert.deepStrictEqual(yield* health, { state: "degraded", disconnected: ["pair_b"] })
      assert.deepStrictEqual((yield* only("graphs", "graph_pair")).health, yield* health)
      yield* control.setState("pair_b", "live")
      assert.deepStrictEqual(yield* health, { state: "live" })
    }).pipe(Effect.provide(layer)))
})

describe("packages", () => {
  const packaged = { ...ticks, package: "graph-ticks" }

  it.scoped("bring graphs, and take them away", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* get("graphs/graph_ticks")).member("source_package"), "graph-ticks")
      const removed = yield* ask("DELETE", "/v1/tenants/public/workflows/graph-ticks/1.0.0", { key: god })
      assert.strictEqual(removed.status, 200)
      yield* CloacinaTesting.advance("10 seconds")
      assert.deepStrictEqual(codeOf(yield* get("graphs/graph_ticks")), [404, "graph_not_found"])
      assert.deepStrictEqual(codeOf(yield* inject("ticks", { bid: 1 })), [403, "accumulator_access_denied"])
    }).pipe(Effect.provide(emulator({
      graphs: [packaged],
      workflows: [CloacinaTesting.workflow("graph_ticks", { package: "graph-ticks", tenant: "public" })]
    }))))

  it.scoped("that are not loaded bring none", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* items("graphs"), [])
    }).pipe(Effect.provide(world(packaged))))
})

describe("another replica", () => {
  const away = (address?: string) => world({ ...ticks, elsewhere: { address } })

  it.scoped("is where injects are sent to; everything else does not know the graph", () =>
    Effect.gen(function*() {
      const sent = yield* inject("ticks", { bid: 1 })
      assert.deepStrictEqual([sent.status, sent.headers["location"], sent.text], [
        307,
        "http://replica-a.test:8080/v1/health/accumulators/ticks/inject",
        ""
      ])
      assert.deepStrictEqual(codeOf(yield* inject("ticks", { bid: 1 }, "south")), [403, "accumulator_access_denied"])
      assert.deepStrictEqual(codeOf(yield* fire("ticks_rx")), [403, "reactor_op_denied"])
      assert.deepStrictEqual(codeOf(yield* get("reactors/ticks_rx/fires")), [404, "reactor_not_found"])
      assert.deepStrictEqual(yield* items("accumulators"), [])
    }).pipe(Effect.provide(away("http://replica-a.test:8080/"))))

  it.scoped("gets events later when its address is not known", () =>
    Effect.gen(function*() {
      const stored = yield* inject("ticks", { bid: 1 })
      assert.deepStrictEqual(JSON.parse(stored.text), { accumulator: "ticks", delivered: 0 })
    }).pipe(Effect.provide(away())))
})
