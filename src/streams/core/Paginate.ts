/**
 * Lists of many pages as streams: a page is read when the consumer gets there.
 *
 * @since 0.1.0
 */
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"

/**
 * Reads a list by offset. `keyOf` drops what an earlier page has given, since offsets shift while items come and go.
 * `isLast` decides, from the number of items in a page, that no further page is asked for.
 *
 * @since 0.1.0
 * @category constructors
 */
export const byOffset = <Item, E, R>(options: {
  readonly fetch: (offset: number) => Effect.Effect<ReadonlyArray<Item>, E, R>
  /** By how much the offset advances, whatever the page holds. */
  readonly limit: number
  readonly isLast: (count: number) => boolean
  readonly keyOf: (item: Item) => string
  /** How many of the latest keys are kept in memory. Default all: no item comes twice. */
  readonly window?: number | undefined
  /**
   * How many pages in a row without anything new end the reading: they come from a server that does not know offsets, or
   * from many items that came in at the head of the list while the consumer was busy. Default 1.
   */
  readonly maxRepeats?: number | undefined
}): Stream.Stream<Item, E, R> =>
  Stream.suspend(() => {
    const { maxRepeats = 1, window = Infinity } = options
    const seen = new Set<string>()
    let repeats = 0
    const remember = (key: string): void => {
      seen.add(key)
      if (seen.size <= window) return
      // A set lists its members as they came: the first is the oldest.
      for (const oldest of seen) {
        seen.delete(oldest)
        return
      }
    }
    return Stream.paginateChunkEffect(0, (offset) =>
      Effect.map(options.fetch(offset), (items) => {
        const fresh = items.filter((item) => {
          const key = options.keyOf(item)
          return seen.has(key) ? false : (remember(key), true)
        })
        repeats = items.length > 0 && fresh.length === 0 ? repeats + 1 : 0
        const isOver = repeats >= maxRepeats || options.isLast(items.length)
        const next = isOver ? Option.none() : Option.some(offset + options.limit)
        return [Chunk.unsafeFromArray(fresh), next] as const
      }))
  })
