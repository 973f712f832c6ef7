/**
 * Waiting by asking again: until something is so, and as a connection of a feed.
 *
 * @since 0.1.0
 */
import * as Chunk from "effect/Chunk"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"

/**
 * How often is asked: at once, then after `initial`, each pause half as long again as the one before, up to `max`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Interval {
  /** Default 250 ms. */
  readonly initial?: Duration.DurationInput | undefined
  /** Default 5 s. */
  readonly max?: Duration.DurationInput | undefined
}

const next = (pauseMs: number, maxMs: number) => Math.min(maxMs, pauseMs * 1.5)

/**
 * Repeats `read` until it gives a value. Failures of `read` are the caller's to handle.
 *
 * @since 0.1.0
 * @category combinators
 */
export const until = <A, E, R>(
  read: Effect.Effect<Option.Option<A>, E, R>,
  interval?: Interval
): Effect.Effect<A, E, R> => {
  const maxMs = Duration.toMillis(interval?.max ?? 5000)
  const go = (pauseMs: number): Effect.Effect<A, E, R> =>
    Effect.flatMap(
      read,
      Option.match({
        onNone: () => Effect.zipRight(Effect.sleep(pauseMs), Effect.suspend(() => go(next(pauseMs, maxMs)))),
        onSome: Effect.succeed
      })
    )
  return go(Math.min(maxMs, Duration.toMillis(interval?.initial ?? 250)))
}

/**
 * What one question gave: the items behind the cursor, where to go on, and whether that was all there will ever be.
 *
 * @since 0.1.0
 * @category models
 */
export interface Page<Item, Cursor> {
  readonly items: ReadonlyArray<Item>
  readonly cursor: Option.Option<Cursor>
  readonly done: boolean
}

/**
 * A connection made of questions, for `Feed.make`: reads pages behind the cursor, at once while they hold items, else
 * after a pause; ends behind the page that is `done`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const pages = <Item, Cursor, E, R>(
  read: (cursor: Option.Option<Cursor>) => Effect.Effect<Page<Item, Cursor>, E, R>,
  from: Option.Option<Cursor>,
  interval?: Interval
): Stream.Stream<Item, E, R> => {
  const initialMs = Duration.toMillis(interval?.initial ?? 250)
  const maxMs = Duration.toMillis(interval?.max ?? 5000)
  return Stream.paginateChunkEffect({ cursor: from, pauseMs: 0 }, ({ cursor, pauseMs }) =>
    Effect.map(
      pauseMs === 0 ? read(cursor) : Effect.zipRight(Effect.sleep(pauseMs), read(cursor)),
      (page) => {
        const state = {
          cursor: Option.orElse(page.cursor, () => cursor),
          pauseMs: page.items.length > 0 ? 0 : pauseMs === 0 ? initialMs : next(pauseMs, maxMs)
        }
        return [Chunk.fromIterable(page.items), page.done ? Option.none() : Option.some(state)] as const
      }
    ))
}
