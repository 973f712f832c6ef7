import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as CloacinaTesting from "../../../src/cloacina/testing.js"
import * as Client from "../../../src/services/cloacina/Client.js"
import { Delivery } from "../../../src/services/cloacina/Delivery.js"
import { OpsWatch } from "../../../src/services/cloacina/OpsWatch.js"
import { running, settle } from "../support/Memory.js"

const layerWith = (options: CloacinaTesting.Options) =>
  Layer.mergeAll(Delivery.layer, OpsWatch.layer).pipe(
    Layer.provide(Client.layer({ url: "http://127.0.0.1:8080", key: Redacted.make("god") })),
    Layer.provideMerge(CloacinaTesting.layerHttpClient({ ...options, key: Redacted.make("god"), time: "manual" }))
  )

const layer = layerWith({})

const layerDraining = layerWith({ delivery: { drains: true } })

const recipient = "exec_events:0b9f4c1e-2a7d-4c55-b0a3-7d2e9c6f1a44"

const event = (n: number) => ({
  created_at: "2026-09-03T08:15:04.221907+00:00",
  event_data: null,
  event_type: "task_completed",
  id: `event-${n}`,
  task_execution_id: null,
  workflow_execution_id: "0b9f4c1e-2a7d-4c55-b0a3-7d2e9c6f1a44"
})

describe("over the emulator", () => {
  it.effect("rows come once and are acknowledged, over connections that break and consumers that share", () =>
    Effect.gen(function*() {
      const deliveries = yield* CloacinaTesting.Deliveries
      const delivery = yield* Delivery
      const [one, two]: [Array<string>, Array<string>] = [[], []]
      const into = (seen: Array<string>) =>
        Stream.runForEach(
          delivery.executionEvents("0b9f4c1e-2a7d-4c55-b0a3-7d2e9c6f1a44"),
          ({ id }) => Effect.sync(() => seen.push(id))
        )
      const fibers = [yield* Effect.fork(into(one)), yield* Effect.fork(into(two))]
      yield* settle
      assert.strictEqual(yield* deliveries.connections(recipient), 1)
      const ids: Array<number> = []
      for (let n = 0; n < 12; n++) {
        ids.push(yield* deliveries.insert({ recipient, kind: "execution_event", payload: event(n) }))
        if (n % 4 === 3) yield* deliveries.drop(recipient)
        if (n % 3 === 2) yield* settle
      }
      yield* running(Effect.sleep("2 minutes"))
      const expected = Array.from({ length: 12 }, (_, n) => `event-${n}`)
      assert.deepStrictEqual([[...one].sort(), [...two].sort()], [[...expected].sort(), [...expected].sort()])
      for (const id of ids) {
        assert.deepStrictEqual(Option.map(yield* deliveries.row(id), ({ state }) => state), Option.some("acked"))
      }
      yield* Fiber.interruptAll(fibers)
      yield* settle
      assert.strictEqual(yield* deliveries.connections(), 0)
    }).pipe(Effect.provide(layer)))

  it.effect("no more is given to a consumer that acknowledges nothing, until it does", () =>
    Effect.gen(function*() {
      const deliveries = yield* CloacinaTesting.Deliveries
      const delivery = yield* Delivery
      const given: Array<Effect.Effect<void>> = []
      const fiber = yield* Effect.fork(
        Stream.runForEach(delivery.subscribeAcked(recipient), ({ ack }) => Effect.sync(() => given.push(ack)))
      )
      yield* settle
      const rows = Array.from({ length: 9000 }, (_, n) => ({ recipient, kind: "execution_event", payload: event(n) }))
      yield* deliveries.insertAll(rows)
      yield* running(Effect.sleep("20 seconds"))
      assert.strictEqual(given.length, 8192)
      yield* Effect.all(given.slice(0, 10))
      yield* running(Effect.sleep("1 second"))
      assert.strictEqual(given.length, 8202)
      yield* Fiber.interrupt(fiber)
    }).pipe(Effect.provide(layerDraining)))

  it.effect("a push that is not what its kind promises ends the stream, or comes raw and can be acknowledged", () =>
    Effect.gen(function*() {
      const deliveries = yield* CloacinaTesting.Deliveries
      const delivery = yield* Delivery
      const bad = yield* deliveries.insert({ recipient, kind: "execution_event", payload: { id: 1 } })
      const good = yield* deliveries.insert({ recipient, kind: "execution_event", payload: event(1) })
      const error = yield* running(Effect.flip(Stream.runDrain(delivery.subscribe(recipient))))
      assert.strictEqual(error._tag, "DecodeError")
      const pushes = yield* running(
        delivery.subscribe(recipient, { undecodable: "raw" }).pipe(
          Stream.take(3),
          Stream.timeout("5 seconds"),
          Stream.runCollect
        )
      )
      assert.deepStrictEqual(
        Array.from(pushes, (push) => [push.id, push.kind === "unknown" ? push.unknownKind : push.kind, push.kind]),
        [[bad, "execution_event", "unknown"], [good, "execution_event", "execution_event"]]
      )
      assert.deepStrictEqual(Option.map(yield* deliveries.row(bad), ({ state }) => state), Option.some("acked"))
    }).pipe(Effect.provide(layer)))

  it.effect("operations metrics come", () =>
    Effect.gen(function*() {
      const watch = yield* OpsWatch
      const first = yield* running(Stream.runHead(watch.watch()))
      assert.isTrue(Option.exists(first, ({ server }) => server.alive))
    }).pipe(Effect.provide(layer)))
})
