import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type * as Scheduler from "effect/Scheduler"
import * as Stream from "effect/Stream"
import * as Messages from "../../../src/services/core/Messages.js"

const selecting = <A>(select: (message: A) => A | undefined, weigh: (item: A) => number = () => 0) => ({
  select,
  weigh
})

const all = <A>() => selecting<A>((message) => message)

const laters: ReadonlyArray<readonly [string, (run: () => void) => void]> = [
  ["at once", (run) => run()],
  ["a turn later", (run) => void setImmediate(run)]
]

/** Gives the messages, each behind so many microtasks, and then nothing more. */
async function* slowly<A>(
  messages: ReadonlyArray<A>,
  ticks: number,
  end: "end" | "silent" | "break"
): AsyncIterable<A> {
  for (const message of messages) {
    for (let i = 0; i < ticks; i++) await Promise.resolve()
    yield message
  }
  if (end === "break") throw new Error("broken")
  if (end === "silent") await new Promise(() => undefined)
}

/** Lets others go first at one step in thirty. */
const fickle = (seed: number): Scheduler.Scheduler => {
  let state = seed
  return {
    shouldYield: () => {
      state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
      return state % 3_000 < 100 ? 0 : false
    },
    scheduleTask: (task) => void setImmediate(task)
  }
}

describe.each(laters)("messages that are passed on %s", (_, later) => {
  it.effect("are all there, in their order, whatever their pace, and so is their end", () =>
    Effect.gen(function*() {
      const messages = Array.from({ length: 700 }, (_, i) => i)
      for (const ticks of [0, 1, 5]) {
        const items = yield* Stream.runCollect(Messages.toStream(slowly(messages, ticks, "end"), all(), later))
        assert.deepStrictEqual(Chunk.toReadonlyArray(items), messages)
        const broken = yield* Stream.runCollect(
          Stream.either(Messages.toStream(slowly(messages, ticks, "break"), all(), later))
        )
        assert.strictEqual(broken.length, 701)
        assert.isTrue(Option.exists(Chunk.last(broken), Either.isLeft))
      }
    }))

  it.effect("without those that are left out", () =>
    Effect.gen(function*() {
      const messages = Array.from({ length: 600 }, (_, i) => i)
      const odd = (n: number) => n % 2 === 1 ? n : undefined
      const items = yield* Stream.runCollect(Messages.toStream(slowly(messages, 0, "end"), selecting(odd), later))
      assert.deepStrictEqual(Chunk.toReadonlyArray(items), messages.filter((n) => n % 2 === 1))
    }))

  it.live("wake a fiber that lets others go first at any step", () =>
    Effect.gen(function*() {
      for (let i = 0; i < 300; i++) {
        const ticks = i % 20
        const head = yield* Messages.toStream(slowly(["only"], ticks, "silent"), all(), later).pipe(
          Stream.runHead,
          Effect.withScheduler(fickle(i)),
          Effect.timeout("2 seconds"),
          Effect.option
        )
        assert.isTrue(Option.isSome(head), `${ticks} ticks, seed ${i}`)
      }
    }))

  it.live("are read ahead of the consumer up to a limit", () =>
    Effect.gen(function*() {
      let given = 0
      async function* endless(): AsyncIterable<number> {
        for (;;) {
          yield given++
          if (given % 64 === 0) await new Promise((resolve) => setImmediate(resolve))
        }
      }
      let next = 0
      yield* Messages.toStream(endless(), all(), later).pipe(
        Stream.takeWhile((n) => n < 5000),
        Stream.runForEachChunk((items) =>
          Effect.gen(function*() {
            for (const item of items) assert.strictEqual(item, next++)
            if (next < 2000) yield* Effect.sleep("3 millis")
            assert.isBelow(given - next, 600)
          })
        )
      )
      assert.strictEqual(next, 5000)
    }))

  it.live("are read ahead no further than 4 MiB, however few they are", () =>
    Effect.gen(function*() {
      let given = 0
      async function* endless(): AsyncIterable<number> {
        for (;;) {
          yield given++
          await new Promise((resolve) => setImmediate(resolve))
        }
      }
      const heavy = selecting<number>((message) => message, () => 1024 * 1024)
      yield* Messages.toStream(endless(), heavy, later).pipe(
        Stream.take(12),
        // Longer than it takes to read hundreds ahead.
        Stream.runForEach((item) => Effect.map(Effect.sleep("20 millis"), () => assert.isAtMost(given - item, 10)))
      )
    }))
})
