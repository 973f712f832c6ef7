import { it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import { assert, describe } from "vitest"
import { Heap } from "../../../src/testing/cloacina/internal/Heap.js"
import * as Outbox from "../../../src/testing/cloacina/Outbox.js"
import { advance } from "../../../src/testing/core/VirtualTime.js"
import { settle } from "./support/sockets.js"

/** A connection that takes so many frames. */
const sink = (room = Infinity) => {
  const frames: Array<string> = []
  return {
    ids: () => frames.map((frame) => Number(/"id":(\d+)/.exec(frame)?.[1])),
    frames,
    offer: (frame: string) => {
      if (frames.length >= room) return false
      frames.push(frame)
      return true
    }
  }
}

const rowsFor = (recipient: string, count: number): ReadonlyArray<Outbox.NewRow> =>
  Array.from({ length: count }, (_, payload) => ({ recipient, kind: "probe", payload }))

const row = (recipient: string, tenant?: string): Outbox.NewRow => ({ recipient, kind: "probe", tenant, payload: {} })

describe("frames", () => {
  it.scoped("are as the server writes them, whatever is in the payload", () =>
    Effect.gen(function*() {
      const outbox = yield* Outbox.make()
      const to = sink()
      outbox.attach("a:\"1\"", "north", to)
      yield* outbox.insert(["{\"a\":1}", { a: "é" }, new Uint8Array([0, 255])].map((payload) => ({
        recipient: "a:\"1\"",
        kind: "probe",
        tenant: "north",
        payload
      })))
      yield* settle
      const head = "\"kind\":\"probe\",\"recipient\":\"a:\\\"1\\\"\",\"tenant_id\":\"north\""
      assert.deepStrictEqual(
        to.frames,
        ["eyJhIjoxfQ==", "eyJhIjoiw6kifQ==", "AP8="].map((payload, at) =>
          `{"type":"push","protocol_version":1,"id":${at + 1},${head},"payload_b64":"${payload}"}`
        )
      )
    }))
})

describe("rows", () => {
  it.scoped("wait for the first who listens, and are delivered once", () =>
    Effect.gen(function*() {
      const outbox = yield* Outbox.make()
      const ids = yield* outbox.insert(rowsFor("a", 3))
      yield* settle
      assert.deepStrictEqual(outbox.counts(), { pending: 3, delivered: 0, acked: 0 })
      const to = sink()
      outbox.attach("a", undefined, to)
      yield* settle
      assert.deepStrictEqual(to.ids(), ids)
      outbox.wake()
      yield* settle
      assert.deepStrictEqual(to.ids(), ids)
      assert.deepStrictEqual(outbox.counts(), { pending: 0, delivered: 3, acked: 0 })
      assert.deepStrictEqual([outbox.row(1)?.state, outbox.row(1)?.attempts], ["delivered", 1])
    }))

  it.scoped("match the recipient and the tenant, and nothing across", () =>
    Effect.gen(function*() {
      const outbox = yield* Outbox.make()
      const sinks = [sink(), sink(), sink()]
      outbox.attach("a", "north", sinks[0]!)
      outbox.attach("a", "south", sinks[1]!)
      outbox.attach("a", undefined, sinks[2]!)
      yield* outbox.insert([row("a", "north"), row("a"), row("b", "north"), row("a", "east")])
      yield* settle
      assert.deepStrictEqual(sinks.map((each) => each.ids()), [[1], [], [2]])
      assert.deepStrictEqual(outbox.counts(), { pending: 2, delivered: 2, acked: 0 })
    }))

  it.scoped("are acknowledged by anybody, in any state, once", () =>
    Effect.gen(function*() {
      const outbox = yield* Outbox.make()
      yield* outbox.insert(rowsFor("a", 2))
      assert.deepStrictEqual([outbox.ack(1), outbox.ack(1), outbox.ack(99)], [true, false, false])
      const to = sink()
      outbox.attach("a", undefined, to)
      yield* settle
      assert.deepStrictEqual(to.ids(), [2])
      assert.isTrue(outbox.ack(2))
      assert.deepStrictEqual(outbox.counts(), { pending: 0, delivered: 0, acked: 2 })
      assert.deepStrictEqual(outbox.rows().map(({ id, state }) => [id, state]), [[1, "acked"], [2, "acked"]])
    }))

  it.scoped("that were delivered are pending again when their recipient comes back, in their old order", () =>
    Effect.gen(function*() {
      const outbox = yield* Outbox.make()
      const first = sink()
      outbox.attach("a", undefined, first)
      yield* outbox.insert(rowsFor("a", 5))
      yield* settle
      outbox.ack(2)
      outbox.detach("a", undefined)
      yield* outbox.insert(rowsFor("a", 1))
      const second = sink()
      outbox.attach("a", undefined, second)
      yield* settle
      assert.deepStrictEqual([first.ids(), second.ids()], [[1, 2, 3, 4, 5], [1, 3, 4, 5, 6]])
      assert.strictEqual(outbox.row(3)?.attempts, 2)
    }))

  it.scoped("stay pending when there is no room, until something wakes the relay", () =>
    Effect.gen(function*() {
      const outbox = yield* Outbox.make()
      let room = 2
      const ids: Array<string> = []
      outbox.attach("a", undefined, { offer: (frame) => room-- > 0 && ids.push(frame) > 0 })
      yield* outbox.insert(rowsFor("a", 4))
      yield* settle
      assert.deepStrictEqual(outbox.counts(), { pending: 2, delivered: 2, acked: 0 })
      room = 10
      yield* settle
      assert.strictEqual(ids.length, 2)
      yield* outbox.insert([row("nobody")])
      yield* settle
      assert.strictEqual(ids.length, 4)
    }))

  it.scoped("for nobody keep all others from being delivered once they are 256", () =>
    Effect.gen(function*() {
      const outbox = yield* Outbox.make()
      const to = sink()
      outbox.attach("a", undefined, to)
      yield* outbox.insert(rowsFor("nobody", 255))
      yield* outbox.insert(rowsFor("a", 1))
      yield* settle
      assert.deepStrictEqual(to.ids(), [256])
      const [blocking] = yield* outbox.insert(rowsFor("nobody", 1))
      const [blocked = 0] = yield* outbox.insert(rowsFor("a", 1))
      yield* settle
      assert.deepStrictEqual(to.ids(), [256])
      assert.isTrue(outbox.ack(blocking ?? 0))
      outbox.wake()
      yield* settle
      assert.deepStrictEqual(to.ids(), [256, blocked])
    }))

  it.scoped("come in one pass of 256 after a connect, in as many as needed after inserts", () =>
    Effect.gen(function*() {
      const outbox = yield* Outbox.make()
      yield* outbox.insert(rowsFor("a", 600))
      yield* settle
      const to = sink()
      outbox.attach("a", undefined, to)
      yield* settle
      assert.strictEqual(to.frames.length, 256)
      yield* outbox.insert(rowsFor("b", 600))
      yield* settle
      assert.strictEqual(to.frames.length, 600)
    }))

  it.scoped("are forgotten once acknowledged, but for the last 1,000", () =>
    Effect.gen(function*() {
      const outbox = yield* Outbox.make()
      outbox.attach("a", undefined, sink())
      yield* outbox.insert(rowsFor("a", 1500))
      yield* settle
      for (let id = 1; id <= 1500; id++) outbox.ack(id)
      assert.strictEqual(outbox.rows().length, 1000)
      assert.deepStrictEqual([outbox.row(500)?.state, outbox.row(501)?.state], [undefined, "acked"])
      assert.strictEqual(outbox.counts().acked, 1500)
    }))
})

describe("the sweeper", () => {
  it.scoped("takes back every 30 s what was delivered and is older than 60 s, counted from its creation", () =>
    Effect.gen(function*() {
      yield* advance("7 seconds")
      const outbox = yield* Outbox.make()
      const to = sink()
      yield* advance("20 seconds")
      yield* outbox.insert(rowsFor("a", 1))
      yield* advance("5 seconds")
      outbox.attach("a", undefined, to)
      yield* advance("64 seconds")
      assert.strictEqual(to.frames.length, 1)
      // 90 s after the start, 70 s after the insert.
      yield* advance("2 seconds")
      assert.deepStrictEqual(to.ids(), [1, 1])
      yield* advance("30 seconds")
      assert.deepStrictEqual(to.ids(), [1, 1, 1])
      outbox.ack(1)
      yield* advance("10 minutes")
      assert.strictEqual(to.frames.length, 3)
    }))

  it.scoped("wakes the relay for rows that are old and still pending", () =>
    Effect.gen(function*() {
      const outbox = yield* Outbox.make()
      let room = 1
      let taken = 0
      outbox.attach("a", undefined, { offer: () => room-- > 0 && ++taken > 0 })
      yield* outbox.insert(rowsFor("a", 2))
      yield* settle
      room = 10
      yield* advance("89 seconds")
      assert.strictEqual(taken, 1)
      yield* advance("2 seconds")
      assert.strictEqual(taken, 3)
    }))
})

describe("the heap", () => {
  it.prop("gives numbers back in order", [FastCheck.array(FastCheck.integer())], ([numbers]) => {
    const heap = new Heap<number>((a, b) => a < b)
    for (const number of numbers) heap.push(number)
    const sorted = [...numbers].sort((a, b) => a - b)
    return sorted.every((number) => heap.pop() === number) && heap.pop() === undefined
  })
})
