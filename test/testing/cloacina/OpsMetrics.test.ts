import { it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { assert, describe } from "vitest"
import * as CloacinaTesting from "../../../src/cloacina/testing.js"
import { ask, emulator, god } from "./support/ask.js"
import { listen, messages, payloads, pushed, send } from "./support/sockets.js"

const path = "/v1/ws/delivery/ops_metrics%3Aglobal"

const keys = ["north", "public"].map((tenant) => ({
  name: tenant,
  role: "admin" as const,
  tenant,
  key: Redacted.make(tenant)
}))

const options: CloacinaTesting.Options = {
  tenants: ["north"],
  keys,
  graphs: [
    CloacinaTesting.graph("of_north", { reactor: "north_rx", accumulators: ["a"], tenant: "north" }),
    CloacinaTesting.graph("of_public", { reactor: "public_rx", accumulators: ["b"] })
  ],
  workflows: [
    CloacinaTesting.workflow("one", { tenant: "public" }),
    CloacinaTesting.workflow("two", { tenant: "north" }),
    CloacinaTesting.workflow("bad", { tenant: "north", build: { fails: "no such crate" } })
  ]
}

const layer = emulator(options)

const seconds = (count: number) => CloacinaTesting.advance(count * 1000)

describe("operations metrics", () => {
  it.scoped("come within a second, then every five, with ids from 1", () =>
    Effect.gen(function*() {
      yield* CloacinaTesting.advance("500 millis")
      const listener = yield* listen(path, { key: god })
      assert.deepStrictEqual(pushed(listener), [])
      yield* CloacinaTesting.advance("500 millis")
      assert.deepStrictEqual(pushed(listener), [1])
      yield* seconds(4)
      assert.deepStrictEqual(pushed(listener), [1])
      yield* seconds(1)
      assert.deepStrictEqual(pushed(listener), [1, 2])
      yield* seconds(10)
      assert.deepStrictEqual(pushed(listener), [1, 2, 3, 4])
      assert.deepStrictEqual(
        payloads(listener).map(({ ts }) => ts),
        [1, 6, 11, 16].map((second) => `1970-01-01T00:00:${String(second).padStart(2, "0")}.000000000+00:00`)
      )
    }).pipe(Effect.provide(layer)))

  it.scoped("come to a second view on the common beat, with ids of one counter", () =>
    Effect.gen(function*() {
      const first = yield* listen(path, { key: god })
      yield* seconds(3)
      const second = yield* listen(path, { key: "north" })
      yield* seconds(8)
      assert.deepStrictEqual([pushed(first), pushed(second)], [[1, 3, 5], [2, 4, 6]])
      assert.deepStrictEqual(messages(second).slice(1).map(({ tenant_id }) => tenant_id), ["north", "north", "north"])
    }).pipe(Effect.provide(layer)))

  it.scoped("begin at once again for who comes back, and go on counting", () =>
    Effect.gen(function*() {
      const first = yield* listen(path, { key: god })
      yield* seconds(2)
      yield* first.connection.close(1000)
      yield* seconds(60)
      const second = yield* listen(path, { key: god })
      yield* seconds(1)
      assert.deepStrictEqual([pushed(first), pushed(second)], [[1], [2]])
    }).pipe(Effect.provide(layer)))

  it.scoped("are no rows: an ack hits the row that has their id", () =>
    Effect.gen(function*() {
      const deliveries = yield* CloacinaTesting.Deliveries
      yield* deliveries.insert({ recipient: "nobody", kind: "probe", payload: 1 })
      const listener = yield* listen(path, { key: god })
      yield* seconds(1)
      yield* send(listener, { type: "ack", protocol_version: 1, id: 1 })
      assert.deepStrictEqual(yield* deliveries.counts, { pending: 0, delivered: 0, acked: 1 })
    }).pipe(Effect.provide(layer)))

  it.scoped("show each key what is theirs", () =>
    Effect.gen(function*() {
      const control = yield* CloacinaTesting.GraphControl
      yield* ask("POST", "/v1/agent/register", {
        key: "north",
        body: { protocol_version: 1, agent_id: "ag-1", max_concurrency: 4, target_triple: "x86_64-linux" }
      })
      yield* control.crash("of_north")
      const listeners = yield* Effect.forEach([god, "north", "public"], (key) => listen(path, { key }))
      yield* seconds(1)
      const agent = {
        agent_id: "ag-1",
        target_triple: "x86_64-linux",
        max_concurrency: 4,
        in_flight: 0,
        available_capacity: 4,
        seconds_since_heartbeat: 1,
        capabilities: [],
        tenant_id: "north"
      }
      const crashed = { alive: true, ready: false, reason: "crashed computation graphs: of_north" }
      const snapshots = listeners.map((listener) => payloads(listener)[0])
      assert.deepStrictEqual(snapshots.map((snapshot) => snapshot?.["server"]), [
        crashed,
        crashed,
        { alive: true, ready: true, reason: null }
      ])
      assert.deepStrictEqual(snapshots.map((snapshot) => snapshot?.["fleet"]), [[agent], [agent], []])
      const built = (built: number, failed: number) => ({
        status: failed > 0 ? "errors" : "ok",
        built,
        failed
      })
      const ofPackages = snapshots.map((snapshot) => {
        const reconciler = snapshot?.["reconciler"]
        if (typeof reconciler !== "object" || reconciler === null) return assert.fail("no reconciler")
        const { last_built_at, ...rest } = Object.fromEntries(Object.entries(reconciler))
        assert.match(String(last_built_at), /^1970-01-01T00:00:00\.\d{6}\+00:00$/)
        return rest
      })
      assert.deepStrictEqual(ofPackages, [built(1, 0), built(1, 1), built(1, 0)])
    }).pipe(Effect.provide(layer)))

  it.scoped("say when the server is not ready", () =>
    Effect.gen(function*() {
      const emulator = yield* CloacinaTesting.Emulator
      yield* emulator.setNotReady("database unreachable")
      const listener = yield* listen(path, { key: god })
      yield* seconds(1)
      assert.deepStrictEqual(payloads(listener)[0]?.["server"], {
        alive: true,
        ready: false,
        reason: "database unreachable"
      })
    }).pipe(Effect.provide(layer)))
})
