import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import { Forbidden } from "../../../src/schemas/core/Errors.js"
import * as Accumulator from "../../../src/streams/cloacina/Accumulator.js"
import type { Failed } from "../../../src/streams/cloacina/Delivery.js"
import { running, settle } from "../../services/support/Memory.js"
import type { OnOpen } from "./Fake.js"
import { info, server } from "./Fake.js"

const bytes = (n: number) => new TextEncoder().encode(JSON.stringify({ n }))

const ingest = (onOpen: OnOpen, check: Effect.Effect<void, Failed> = Effect.void) =>
  Effect.gen(function*() {
    const { at, open, sockets } = server(onOpen)
    let checks = 0
    const counted = Effect.suspend(() => {
      checks += 1
      return check
    })
    const made = yield* Accumulator.make({ open, info, check: counted })
    return { at, sockets, ...made, checks: () => checks }
  })

describe("events into an accumulator", () => {
  it.scoped("are binary frames", () =>
    Effect.gen(function*() {
      const { sockets, write } = yield* ingest(() => {})
      yield* write([bytes(1), bytes(2)])
      assert.deepStrictEqual(sockets[0]?.sent, [bytes(1), bytes(2)])
    }))

  it.scoped("tell the next one who writes how the connection ended, and how many it had been given", () =>
    Effect.gen(function*() {
      const { at, checks, sockets, verify, write } = yield* ingest(() => {})
      yield* write([bytes(1)])
      yield* write([bytes(2), bytes(3)])
      sockets[0]?.end(4404, "accumulator 'ticks' not registered")
      yield* settle
      const error = yield* Effect.flip(write([bytes(4)]))
      assert.strictEqual(error._tag, "IngestInterrupted")
      if (error._tag !== "IngestInterrupted") return
      assert.deepStrictEqual([error.closeCode, error.handedOver, error.uncertain], [4404, 3, 0])
      assert.include(error.message, "not registered")
      yield* running(write([bytes(4)]))
      assert.strictEqual(checks(), 1)
      assert.deepStrictEqual(sockets[1]?.sent, [bytes(4)])
      assert.isAtLeast((at[1] ?? 0) - (at[0] ?? 0), 75)
      yield* running(verify("1 second"))
      sockets[1]?.end(1006)
      yield* settle
      const lost = yield* running(Effect.flip(verify("1 second")))
      assert.deepStrictEqual([lost.closeCode, lost.handedOver], [1006, 1])
      yield* running(write([bytes(5)]))
      assert.strictEqual(checks(), 1)
    }))

  it.scoped("say which write broke", () =>
    Effect.gen(function*() {
      const { sockets, write } = yield* ingest((socket) => {
        socket.onFrame = () => socket.end(1006)
      })
      const error = yield* Effect.flip(write([bytes(1), bytes(2)]))
      assert.strictEqual(error._tag, "IngestInterrupted")
      assert.deepStrictEqual(
        error._tag === "IngestInterrupted" && [error.closeCode, error.handedOver, error.uncertain],
        [1006, 0, 2]
      )
      assert.deepStrictEqual(sockets[0]?.sent, [bytes(1)])
    }))

  it.scoped("a connection that was given nothing may end unnoticed", () =>
    Effect.gen(function*() {
      const { sockets, write } = yield* ingest(() => {})
      sockets[0]?.end(1001)
      yield* settle
      yield* running(write([bytes(1)]))
      assert.deepStrictEqual(sockets.map(({ sent }) => sent.length), [0, 1])
    }))

  it.scoped("fail for good when the accumulator is gone", () =>
    Effect.gen(function*() {
      const { sockets, write } = yield* ingest(
        () => {},
        Effect.fail({ error: new Forbidden({ ...info, detail: "gone" }), verdict: "fail" })
      )
      yield* write([bytes(1)])
      sockets[0]?.end(4404)
      yield* settle
      yield* Effect.flip(write([bytes(2)]))
      assert.strictEqual((yield* running(Effect.flip(write([bytes(2)]))))._tag, "Forbidden")
      assert.strictEqual(sockets.length, 1)
    }))

  it.effect.prop(
    "are written at most once, and the account is right, wherever connections end",
    [FastCheck.array(FastCheck.integer({ min: 0, max: 5 }), { maxLength: 8 }), FastCheck.integer({ min: 1, max: 20 })],
    ([lives, count]) =>
      Effect.scoped(Effect.gen(function*() {
        const received: Array<number> = []
        const { sockets, write } = yield* ingest((socket, index) => {
          let life = lives[index] ?? Infinity
          socket.onFrame = (frame) => {
            received.push((JSON.parse(Buffer.from(frame).toString()) as { n: number }).n)
            if (--life <= 0) socket.end(4404)
          }
        })
        const uncertain: Array<number> = []
        let accounted = 0
        for (let n = 0; n < count; n++) {
          const attempt: Effect.Effect<void> = Effect.catchAll(running(write([bytes(n)])), (error) => {
            if (error._tag !== "IngestInterrupted") return Effect.die(error)
            accounted += error.handedOver
            if (error.uncertain === 0) return attempt
            uncertain.push(n)
            return Effect.void
          })
          yield* attempt
          yield* settle
        }
        assert.deepStrictEqual(received, Array.from({ length: count }, (_, n) => n))
        assert.deepStrictEqual(uncertain, [])
        assert.isAtMost(accounted, count)
        assert.isAtMost(sockets.length, lives.length + 1)
      })),
    { fastCheck: { numRuns: 25 } }
  )
})
