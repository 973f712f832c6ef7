import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Cloacina from "../../../src/cloacina.js"
import { answer, cloacina, key } from "../support/Cloacina.js"
import type * as Memory from "../support/Memory.js"
import { suite } from "./support/Calls.js"

const accumulator = {
  name: "ticks",
  status: "live",
  reactor: "pricing",
  tenant_id: "north",
  state: "live",
  last_event_at: "2026-09-03T08:14:59.9+00:00",
  events_total: 812,
  buffer_depth: null,
  buffer_capacity: null,
  error: null,
  operator_injects: 1,
  last_operator_inject_at: null
}
const reactor = {
  name: "pricing",
  health: { state: "warming", healthy: ["ticks"], waiting: ["limits"] },
  accumulators: ["ticks", "limits"],
  reaction_mode: "when_all",
  input_strategy: "latest",
  bound_graphs: ["pricing_graph"],
  paused: false,
  fires: 44,
  last_fired_at: null
}
const graph = {
  name: "pricing_graph",
  health: { state: "live" },
  accumulators: ["ticks", "limits"],
  paused: false,
  topology: {
    nodes: [{ id: "evaluate", inputs: ["ticks"] }],
    edges: [{ from: "evaluate", to: "emit", label: null }]
  },
  reactor: "pricing",
  reaction_mode: "when_all",
  input_strategy: "latest",
  fires: 44,
  last_fired_at: null,
  source_package: "pricing-pack"
}
const fire = {
  fired_at: "2026-09-03T08:14:59.9+00:00",
  ok: true,
  error: null,
  duration_ms: 2,
  inputs: { ticks: { px: 7 } },
  outputs: [{ price: 7.1 }],
  manual: false
}
const injected = { accumulator: "ticks", delivered: 1 }
const surface = (kind: string) => ({
  kind,
  name: "ticks",
  slots: [{ name: "ticks", schema: { type: "object" }, required: false, default: null, encrypted: false }]
})
const inputs = { ticks: { px: 7 }, limits: [1, null, "x"] }

suite(Cloacina.Graphs, [
  {
    name: "list",
    call: (graphs) => graphs.list(),
    request: () => "GET /v1/health/graphs",
    answer: { items: [graph], total: 1 }
  },
  {
    name: "get",
    call: (graphs, name) => graphs.get(name),
    request: (name) => `GET /v1/health/graphs/${name}`,
    answer: graph,
    errors: ["NotFound"]
  },
  {
    name: "accumulators",
    call: (graphs) => graphs.accumulators(),
    request: () => "GET /v1/health/accumulators",
    answer: { items: [accumulator], total: 1 }
  },
  {
    name: "inject",
    call: (graphs, name) => graphs.inject(name, { px: 7 }),
    request: (name) => `POST /v1/health/accumulators/${name}/inject`,
    body: { event: { px: 7 } },
    answer: injected,
    gives: injected,
    errors: ["NotFound", "PayloadTooLarge"]
  },
  {
    name: "inject null",
    call: (graphs, name) => graphs.inject(name, null),
    request: (name) => `POST /v1/health/accumulators/${name}/inject`,
    body: { event: null },
    answer: { accumulator: "ticks", delivered: 0 },
    errors: ["NotFound", "PayloadTooLarge"]
  },
  {
    name: "accumulatorInterface",
    call: (graphs, name) => graphs.accumulatorInterface(name),
    request: (name) => `GET /v1/health/accumulators/${name}/interface`,
    answer: surface("accumulator"),
    gives: surface("accumulator")
  },
  {
    name: "reactors",
    call: (graphs) => graphs.reactors(),
    request: () => "GET /v1/health/reactors",
    answer: { items: [reactor], total: 1 }
  },
  {
    name: "forceFire",
    call: (graphs, name) => graphs.forceFire(name),
    request: (name) => `POST /v1/health/reactors/${name}/fire`,
    body: { mode: "force_fire" },
    answer: { reactor: "pricing", mode: "force_fire", sources_injected: [] },
    errors: ["NotFound", "PayloadTooLarge"]
  },
  {
    name: "fireWith",
    call: (graphs, name) => graphs.fireWith(name, inputs),
    request: (name) => `POST /v1/health/reactors/${name}/fire`,
    body: { mode: "fire_with", inputs },
    answer: { reactor: "pricing", mode: "fire_with", sources_injected: ["limits", "ticks"] },
    errors: ["NotFound", "PayloadTooLarge"]
  },
  {
    name: "fires",
    call: (graphs, name) => graphs.fires(name, { limit: 5 }),
    request: (name) => `GET /v1/health/reactors/${name}/fires?limit=5`,
    answer: { items: [fire], total: 1 },
    errors: ["NotFound"]
  },
  {
    name: "fires without a limit",
    call: (graphs, name) => graphs.fires(name),
    request: (name) => `GET /v1/health/reactors/${name}/fires`,
    answer: { items: [], total: 0 },
    gives: [],
    errors: ["NotFound"]
  },
  {
    name: "timeseries",
    call: (graphs, name) => graphs.timeseries(name),
    request: (name) => `GET /v1/health/reactors/${name}/fires/timeseries`,
    answer: { buckets: [0, 0, 3] },
    gives: [0, 0, 3],
    errors: ["NotFound"]
  },
  {
    name: "reactorInterface",
    call: (graphs, name) => graphs.reactorInterface(name),
    request: (name) => `GET /v1/health/reactors/${name}/interface`,
    answer: surface("reactor"),
    gives: surface("reactor")
  }
])

describe("inject at a replica that does not own the reactor", () => {
  const path = (name: string) => `/v1/health/accumulators/${name}/inject`
  const redirect = (location?: string) =>
    new Response(null, { status: 307, headers: location === undefined ? {} : { location } })

  const inject = (
    reply: (request: Memory.Sent, index: number) => Response,
    options?: Partial<Cloacina.Options>,
    name = "ticks"
  ) => {
    const { layer, sent } = cloacina(reply, options)
    const call = Effect.flatMap(Cloacina.Graphs, (graphs) => graphs.inject(name, { px: 7 }))
    return { sent, result: Effect.either(Effect.provide(call, layer)) }
  }

  it.effect("goes on to the owner with method, body and key", () =>
    Effect.gen(function*() {
      const locations = [
        `http://127.0.0.2:9000${path("ticks")}`,
        `https://replica-b.test:8443${path("ticks")}`,
        path("ticks"),
        `http://localhost:1${path("ticks")}`
      ]
      for (const location of locations) {
        const { result, sent } = inject((_, index) => index === 0 ? redirect(location) : answer(200, injected))
        assert.strictEqual((yield* result)._tag, "Right", location)
        assert.strictEqual(sent.length, 2)
        assert.deepStrictEqual(sent[1]?.headers, sent[0]?.headers)
        assert.strictEqual(sent[1]?.headers["authorization"], `Bearer ${key}`)
        assert.strictEqual(sent[1]?.method, "POST")
        assert.strictEqual(sent[1]?.body, "{\"event\":{\"px\":7}}")
        assert.strictEqual(sent[1]?.path, path("ticks"))
      }
    }))

  it.effect("stays where the key may not travel, or where another path is meant", () =>
    Effect.gen(function*() {
      const locations = [
        undefined,
        "",
        `http://replica-b.test:8080${path("ticks")}`,
        `ftp://127.0.0.1${path("ticks")}`,
        `https://replica-b.test${path("other")}`,
        `https://replica-b.test/v1/health/accumulators/ticks`,
        `https://replica-b.test${path("ticks")}?token=1`,
        `https://user:pw@replica-b.test${path("ticks")}`,
        "https://[broken"
      ]
      for (const location of locations) {
        const { result, sent } = inject(() => redirect(location))
        const ended = yield* result
        assert.strictEqual(ended._tag === "Left" && ended.left._tag, "UnexpectedStatus", location)
        assert.strictEqual(sent.length, 1, location)
      }
    }))

  it.effect("goes over plain http where that is allowed", () =>
    Effect.gen(function*() {
      const { result } = inject(
        (_, index) => index === 0 ? redirect(`http://replica-b.test:8080${path("ticks")}`) : answer(200, injected),
        { allowInsecureKey: true }
      )
      assert.strictEqual((yield* result)._tag, "Right")
    }))

  it.effect("does not go on in plain http, not even to this machine, from a server that was reached over https", () =>
    Effect.gen(function*() {
      const { result, sent } = inject(() => redirect(`http://127.0.0.1:9000${path("ticks")}`), {
        url: "https://replica-a.test"
      })
      const ended = yield* result
      assert.strictEqual(ended._tag === "Left" && ended.left._tag, "UnexpectedStatus")
      assert.strictEqual(sent.length, 1)
    }))

  it.effect("lets go of what comes with a redirect", () =>
    Effect.gen(function*() {
      let isLetGo = false
      const body = new ReadableStream<Uint8Array>({
        pull: (controller) => controller.enqueue(new Uint8Array(1000)),
        cancel: () => {
          isLetGo = true
        }
      })
      const location = `http://127.0.0.1:9000${path("ticks")}`
      const { result } = inject((_, index) =>
        index === 0 ? new Response(body, { status: 307, headers: { location } }) : answer(200, injected)
      )
      assert.strictEqual((yield* result)._tag, "Right")
      assert.isTrue(isLetGo)
    }))

  it.effect("ends after three redirects", () =>
    Effect.gen(function*() {
      const { result, sent } = inject((_, index) => redirect(`http://127.0.0.1:${9000 + index}${path("ticks")}`))
      const ended = yield* result
      assert.strictEqual(ended._tag === "Left" && ended.left._tag, "UnexpectedStatus")
      assert.strictEqual(sent.length, 4)
    }))

  it.effect("knows its path in other spellings, and without the prefix of a proxy", () =>
    Effect.gen(function*() {
      for (
        const location of [
          `http://127.0.0.1:9000${path("a'%20b%2Fc")}`,
          `http://127.0.0.1:9000/flows${path("a%27 b%2fc")}`
        ]
      ) {
        const { result, sent } = inject(
          (_, index) => index === 0 ? redirect(location) : answer(200, injected),
          { url: "http://127.0.0.1:8080/flows" },
          "a' b/c"
        )
        assert.strictEqual((yield* result)._tag, "Right", location)
        assert.strictEqual(sent.length, 2)
      }
    }))

  it.effect("is the only call that follows", () =>
    Effect.gen(function*() {
      const { layer, sent } = cloacina(() => redirect("http://127.0.0.1:9000/v1/health/reactors/pricing/fire"))
      const call = Effect.flatMap(Cloacina.Graphs, (graphs) => graphs.forceFire("pricing"))
      const error = yield* Effect.flip(Effect.provide(call, layer))
      assert.strictEqual(error._tag, "UnexpectedStatus")
      assert.strictEqual(sent.length, 1)
    }))
})
