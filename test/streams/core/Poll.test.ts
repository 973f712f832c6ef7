import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import * as Feed from "../../../src/streams/core/Feed.js"
import * as Poll from "../../../src/streams/core/Poll.js"
import { running } from "../../services/support/Memory.js"

const now = Effect.clockWith((clock) => clock.currentTimeMillis)

const pauses = (moments: ReadonlyArray<number>) => moments.slice(1).map((at, i) => at - (moments[i] ?? 0))

describe("until", () => {
  /** Asks until the question has been asked so often, and says when it was asked. */
  const asked = (times: number, interval?: Partial<Poll.Interval>) =>
    Effect.gen(function*() {
      const moments: Array<number> = []
      const read = Effect.map(now, (at) => moments.push(at) < times ? Option.none() : Option.some("there"))
      assert.strictEqual(yield* running(Poll.until(read, interval)), "there")
      return moments
    })

  it.effect("asks at once, and not again when the answer is there", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* asked(1), [0])
    }))

  it.effect("pauses a quarter of a second, then half as long again each time, up to five seconds", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(
        pauses(yield* asked(11)).map(Math.round),
        [250, 375, 563, 844, 1266, 1898, 2848, 4271, 5000, 5000]
      )
    }))

  it.effect("takes its pauses from the options, and never pauses longer than the longest", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(pauses(yield* asked(5, { initial: 100, max: 200 })), [100, 150, 200, 200])
      assert.deepStrictEqual(pauses(yield* asked(3, { initial: "10 seconds", max: "2 seconds" })), [2000, 2000])
    }))

  it.effect("fails as the question fails", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* Effect.flip(Poll.until(Effect.fail("no"))), "no")
    }))

  it.effect("stops when it is interrupted", () =>
    Effect.gen(function*() {
      let count = 0
      const fiber = yield* Effect.fork(Poll.until(Effect.sync(() => {
        count += 1
        return Option.none()
      })))
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(fiber)
      const asked = count
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(count, asked)
    }))

  it.effect("takes no stack for a long wait", () =>
    Effect.gen(function*() {
      let left = 20_000
      yield* Poll.until(Effect.sync(() => left-- > 0 ? Option.none() : Option.some(1)), { initial: 0, max: 0 })
      assert.strictEqual(left, -1)
    }))
})

describe("pages", () => {
  const page = (items: ReadonlyArray<number>, done = false): Poll.Page<number, number> => ({
    items,
    cursor: Option.fromNullable(items.at(-1)),
    done
  })

  it.effect("reads on from the cursor, at once while there is something, else after growing pauses", () =>
    Effect.gen(function*() {
      const answers = [page([1, 2]), page([3]), page([]), page([]), page([4]), page([]), page([5], true)]
      const asked: Array<readonly [number, number | null]> = []
      const items = yield* running(Stream.runCollect(Poll.pages<number, number, never, never>(
        (cursor) =>
          Effect.map(now, (at) => {
            asked.push([at, Option.getOrNull(cursor)])
            return answers[asked.length - 1] ?? page([], true)
          }),
        Option.some(0),
        { initial: 100, max: 120 }
      )))
      assert.deepStrictEqual(Chunk.toReadonlyArray(items), [1, 2, 3, 4, 5])
      assert.deepStrictEqual(asked, [[0, 0], [0, 2], [0, 3], [100, 3], [220, 3], [220, 4], [320, 4]])
    }))

  it.effect("reads no page before the consumer is there", () =>
    Effect.gen(function*() {
      let reads = 0
      const pages = Poll.pages<number, number, never, never>(
        () => Effect.sync(() => page([++reads])),
        Option.none()
      )
      assert.deepStrictEqual(Chunk.toReadonlyArray(yield* Stream.runCollect(Stream.take(pages, 2))), [1, 2])
      assert.strictEqual(reads, 2)
    }))

  it.effect("is a connection of a feed: a failed question goes on from where the feed is", () =>
    Effect.gen(function*() {
      const log = [1, 2, 3, 4, 5, 6, 7]
      let questions = 0
      const read = (cursor: Option.Option<number>) =>
        Effect.suspend(() => {
          questions += 1
          if (questions % 3 === 0) return Effect.fail("down")
          const from = Option.getOrElse(cursor, () => 0)
          return Effect.succeed(page(log.slice(from, from + 2), from + 2 >= log.length))
        })
      const feed = Feed.make<number, number, string, "gave up", never>({
        connect: (cursor) => Effect.succeed(Poll.pages(read, cursor)),
        classify: () => "reconnect",
        onEnd: "end",
        cursorOf: Option.some
      }, { interrupted: () => "gave up" as const })
      const items = yield* running(Stream.runCollect(feed))
      assert.deepStrictEqual(Chunk.toReadonlyArray(items), log)
    }))
})
