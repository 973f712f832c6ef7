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
 * Reads a list by offset. `keyOf` drops what an earlier page has given, since offsets shift while items come and go;
 * the keys seen so far are kept in memory. `isLast` decides, from the number of items in a page, that no further page
 * is asked for.
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
}): Stream.Stream<Item, E, R> =>
  Stream.suspend(() => {
    const seen = new Set<string>()
    return Stream.paginateChunkEffect(0, (offset) =>
      Effect.map(options.fetch(offset), (items) => {
        const fresh = items.filter((item) => {
          const key = options.keyOf(item)
          return seen.has(key) ? false : (seen.add(key), true)
        })
        // A page without anything new comes from a server that does not know offsets: it would come for ever.
        const isOver = items.length > 0 && fresh.length === 0 || options.isLast(items.length)
        const next = isOver ? Option.none() : Option.some(offset + options.limit)
        return [Chunk.unsafeFromArray(fresh), next] as const
      }))
  })
