import { it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { assert, describe } from "vitest"
import * as CloacinaTesting from "../../../src/cloacina/testing.js"
import { ask, emulator, god } from "./support/ask.js"
import { endOf, listen, open, refusal, send } from "./support/sockets.js"

const keys = [{ name: "south", role: "admin" as const, tenant: "south", key: Redacted.make("south") }]

const ticks = CloacinaTesting.graph("graph_ticks", { reactor: "ticks_rx", accumulators: ["ticks"] })

const levels = CloacinaTesting.graph("graph_levels", {
  reactor: "levels_rx",
  accumulators: [CloacinaTesting.state("levels")]
})

const world = (...graphs: ReadonlyArray<CloacinaTesting.GraphScript>) => emulator({ tenants: ["south"], keys, graphs })

const bytes = (event: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(event))

const member = (path: string, name: string) =>
  Effect.map(ask("GET", `/v1/health/${path}`, { key: god }), (answer) => {
    const items = answer.member("items")
    return Array.isArray(items) ? items.map((item) => item[name]) : []
  })

const denied = [
  403,
  JSON.stringify({ error: "not authorized for accumulator 'ticks'", code: "endpoint_access_denied" })
]

describe("accumulator sockets", () => {
  it.scoped("take bytes, ignore text, and answer nothing", () =>
    Effect.gen(function*() {
      const listener = yield* listen("/v1/ws/accumulator/ticks", { key: god })
      yield* send(listener, bytes({ bid: 7 }), "{\"bid\":8}", new TextEncoder().encode("not json"))
      assert.deepStrictEqual([listener.frames, endOf(listener)], [[], undefined])
      assert.deepStrictEqual(yield* member("reactors/ticks_rx/fires", "inputs"), [
        { ticks: null },
        { ticks: { bid: 7 } }
      ])
      assert.deepStrictEqual(yield* member("accumulators", "events_total"), [2])
      assert.deepStrictEqual(yield* member("accumulators", "operator_injects"), [0])
    }).pipe(Effect.provide(world(ticks))))

  it.scoped("of accumulators with state lose what is no JSON", () =>
    Effect.gen(function*() {
      const listener = yield* listen("/v1/ws/accumulator/levels", { key: god })
      yield* send(listener, bytes(1), new Uint8Array([0xff]), bytes(2))
      assert.deepStrictEqual(yield* member("reactors/levels_rx/fires", "inputs"), [{ levels: [1, 2] }, { levels: [1] }])
      assert.deepStrictEqual(yield* member("accumulators", "events_total"), [2])
    }).pipe(Effect.provide(world(levels))))

  it.scoped("are refused for what is unknown, another tenant's, or ambiguous", () =>
    Effect.gen(function*() {
      const path = "/v1/ws/accumulator/ticks"
      assert.deepStrictEqual(yield* refusal(path), [
        401,
        "{\"error\":\"missing auth token\",\"code\":\"unauthorized\"}"
      ])
      assert.deepStrictEqual(yield* refusal(path, { key: "south" }), denied)
      const control = yield* CloacinaTesting.GraphControl
      yield* control.add({ ...ticks, tenant: "south" })
      assert.deepStrictEqual(yield* refusal(path, { key: god }), denied)
      yield* Effect.scoped(open(path, { key: "south" }))
      yield* control.remove("graph_ticks")
      assert.deepStrictEqual(yield* refusal(path, { key: god }), denied)
    }).pipe(Effect.provide(world(ticks))))

  it.scoped("close 4404 with the first event behind an unload", () =>
    Effect.gen(function*() {
      const control = yield* CloacinaTesting.GraphControl
      const listener = yield* listen("/v1/ws/accumulator/ticks", { key: god })
      yield* send(listener, bytes(1))
      yield* control.remove("graph_ticks")
      yield* send(listener, "text")
      assert.strictEqual(endOf(listener), undefined)
      yield* send(listener, bytes(2))
      assert.deepStrictEqual(endOf(listener), [4404, "accumulator 'ticks' not registered", "peer"])
    }).pipe(Effect.provide(world(ticks))))

  it.scoped("close 4404 when the accumulator has no room, and lose that event only", () =>
    Effect.gen(function*() {
      const control = yield* CloacinaTesting.GraphControl
      yield* control.hold("ticks")
      const listener = yield* listen("/v1/ws/accumulator/ticks", { key: god })
      yield* send(listener, ...Array.from({ length: 64 }, (_, event) => bytes(event)))
      assert.strictEqual(endOf(listener), undefined)
      yield* send(listener, bytes(64))
      assert.deepStrictEqual(endOf(listener), [4404, "accumulator 'ticks' not registered", "peer"])
      yield* control.release("ticks")
      assert.deepStrictEqual(yield* member("accumulators", "events_total"), [64])
    }).pipe(Effect.provide(world(ticks))))

  it.scoped("are sent to the replica that has the reactor, at a path that does not exist there", () =>
    Effect.gen(function*() {
      const path = "/v1/ws/accumulator/ticks"
      const answer = yield* Effect.flip(Effect.scoped(open(path, { key: god })))
      assert.strictEqual(answer.reason, "refused")
      assert.deepStrictEqual(
        answer.refusal._tag === "Some"
          ? [answer.refusal.value.status, answer.refusal.value.headers["location"], answer.refusal.value.body]
          : [],
        [307, "http://replica-a.test:8080/v1/ws/accumulators/ticks", ""]
      )
      assert.strictEqual((yield* refusal("/v1/ws/accumulators/ticks", { key: god }))[0], 404)
      assert.deepStrictEqual(yield* refusal(path, { key: "south" }), denied)
      assert.strictEqual((yield* refusal("/v1/ws/reactor/ticks_rx", { key: god }))[0], 403)
    }).pipe(Effect.provide(world({ ...ticks, elsewhere: { address: "http://replica-a.test:8080" } }))))

  it.scoped("take events for a replica without an address", () =>
    Effect.gen(function*() {
      const listener = yield* listen("/v1/ws/accumulator/ticks", { key: god })
      yield* send(listener, bytes(1))
      assert.strictEqual(endOf(listener), undefined)
    }).pipe(Effect.provide(world({ ...ticks, elsewhere: {} }))))
})
