import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Stream from "effect/Stream"
import * as Paginate from "../../../src/streams/core/Paginate.js"

const limit = 5

/** Pages over places, some of which are taken by what is not shown (`null`). */
const over = (
  places: (page: number) => ReadonlyArray<string | null>,
  isLast: (count: number) => boolean = (count) => count === 0
) => {
  const offsets: Array<number> = []
  const items = Paginate.byOffset<string, string, never>({
    fetch: (offset) =>
      Effect.suspend(() => {
        offsets.push(offset)
        if (offsets.length > 100) return Effect.fail("endless")
        const page = places(offsets.length - 1).slice(offset, offset + limit)
        return Effect.succeed(page.filter((place) => place !== null))
      }),
    limit,
    isLast,
    keyOf: (item) => item
  })
  return { items: Effect.map(Stream.runCollect(items), Chunk.toReadonlyArray), stream: items, offsets }
}

const numbered = (count: number) => Array.from({ length: count }, (_, i) => `t-${i}`)

describe("byOffset", () => {
  it.effect("advances by the limit, whatever a page holds, up to the first empty page", () =>
    Effect.gen(function*() {
      const places = [...numbered(3), null, null, null, ...numbered(9).slice(3)]
      const { items, offsets } = over(() => places)
      assert.deepStrictEqual(yield* items, numbered(9))
      assert.deepStrictEqual(offsets, [0, 5, 10, 15])
    }))

  it.effect("asks for no further page behind one that is said to be the last", () =>
    Effect.gen(function*() {
      const { items, offsets } = over(() => numbered(8), (count) => count < 4)
      assert.deepStrictEqual(yield* items, numbered(8))
      assert.deepStrictEqual(offsets, [0, 5])
    }))

  it.effect("ends with a server that ignores the offset", () =>
    Effect.gen(function*() {
      const pages = Paginate.byOffset({
        fetch: () => Effect.succeed(numbered(limit)),
        limit,
        isLast: (count) => count === 0,
        keyOf: (item: string) => item
      })
      assert.deepStrictEqual(Chunk.toReadonlyArray(yield* Stream.runCollect(pages)), numbered(limit))
    }))

  it.effect("reads a page when the consumer gets there", () =>
    Effect.gen(function*() {
      const { offsets, stream } = over(() => numbered(50))
      yield* Stream.runDrain(Stream.take(stream, 6))
      assert.deepStrictEqual(offsets, [0, 5])
    }))

  it.effect("fails as a page fails, behind the items of those before", () =>
    Effect.gen(function*() {
      const seen: Array<string> = []
      const pages = Paginate.byOffset<string, string, never>({
        fetch: (offset) => offset === 0 ? Effect.succeed(["a"]) : Effect.fail("no"),
        limit,
        isLast: () => false,
        keyOf: (item) => item
      })
      const error = yield* Effect.flip(Stream.runForEach(pages, (item) => Effect.sync(() => seen.push(item))))
      assert.strictEqual(error, "no")
      assert.deepStrictEqual(seen, ["a"])
    }))

  it.effect("begins anew with each run", () =>
    Effect.gen(function*() {
      const { stream } = over(() => numbered(3))
      assert.strictEqual(Chunk.size(yield* Stream.runCollect(stream)), 3)
      assert.strictEqual(Chunk.size(yield* Stream.runCollect(stream)), 3)
    }))

  it.effect("remembers as many keys as it is told to", () =>
    Effect.gen(function*() {
      const page = (offset: number) => offset < 20 ? [`a-${offset}`, "again", `b-${offset}`] : []
      const count = (window: number | undefined) =>
        Effect.map(
          Stream.runCollect(Paginate.byOffset({
            fetch: (offset) => Effect.succeed(page(offset)),
            limit,
            isLast: (count) => count === 0,
            keyOf: (item) => item,
            window
          })),
          (items) => Chunk.size(Chunk.filter(items, (item) => item === "again"))
        )
      assert.strictEqual(yield* count(undefined), 1)
      // Nine different keys in all; between two of "again" there are two others.
      assert.strictEqual(yield* count(9), 1)
      assert.strictEqual(yield* count(3), 2)
      assert.strictEqual(yield* count(2), 4)
    }))

  it.effect("goes on behind pages without anything new as often as it is told to", () =>
    Effect.gen(function*() {
      const pages = [numbered(5), numbered(5), numbered(5), numbered(7).slice(5)]
      const over = (maxRepeats: number) =>
        Effect.map(
          Stream.runCollect(Paginate.byOffset({
            fetch: (offset) => Effect.succeed(pages[offset / limit] ?? []),
            limit,
            isLast: (count) => count < limit,
            keyOf: (item) => item,
            maxRepeats
          })),
          Chunk.toReadonlyArray
        )
      assert.deepStrictEqual(yield* over(2), numbered(5))
      assert.deepStrictEqual(yield* over(3), numbered(7))
    }))

  it.effect.prop(
    "gives each item once, and all that were there from first to last, while others come and go in front",
    [FastCheck.integer({ min: 0, max: 30 }), FastCheck.array(FastCheck.nat({ max: 3 }), { maxLength: 10 })],
    ([count, arrivals]) =>
      Effect.gen(function*() {
        // Items arrive in front between two questions: the same ones are then met again.
        const places = (page: number) => {
          const arrived = arrivals.slice(0, page).reduce((sum, n) => sum + n, 0)
          return [...Array.from({ length: arrived }, (_, i) => `new-${arrived - i}`), ...numbered(count)]
        }
        const items = yield* over(places).items
        assert.strictEqual(new Set(items).size, items.length)
        assert.deepStrictEqual(items.filter((item) => item.startsWith("t-")), numbered(count))
      }),
    { fastCheck: { numRuns: 50 } }
  )
})
