/**
 * A stream over connections that break: connect from a cursor, deliver, reconnect, resume.
 *
 * A feed ends in exactly one of: its end (a terminal item, or what the source says is the end), the consumer's stop, a
 * typed failure. It pulls: nothing is read ahead of the consumer, no fiber runs beside it, and when the consumer stops
 * the connection is closed at once, whether it is open, being opened or waited for.
 *
 * @since 0.1.0
 */
import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ExecutionStrategy from "effect/ExecutionStrategy"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { type CallFields, StreamInterrupted } from "../../schemas/core/Errors.js"
import * as Backoff from "./Backoff.js"

/**
 * How a feed reconnects. The delay doubles from `base` to `cap`, shortened at random by up to a quarter. It starts
 * again at `base` behind a decoded item, or when a connection was open for `quiet` – never for an open connection alone.
 *
 * @since 0.1.0
 * @category models
 */
export interface Policy {
  /** Delay before the first reconnect. Default 500 ms. */
  readonly base?: Duration.DurationInput | undefined
  /** Longest delay. Default 8 s. */
  readonly cap?: Duration.DurationInput | undefined
  /** How many connections in a row may fail before the feed does. Default 20; `Infinity`: never gives up. */
  readonly maxReconnects?: number | undefined
  /** How long a silent connection must have been open to count as working. Default 10 s. */
  readonly quiet?: Duration.DurationInput | undefined
}

/**
 * What follows from a failure: another connection, the normal end of the feed, or the failure of the feed.
 *
 * @since 0.1.0
 * @category models
 */
export type Verdict = "reconnect" | "end" | "fail"

/**
 * What a plane says about one of its feeds.
 *
 * @since 0.1.0
 * @category models
 */
export interface Source<Item, Cursor, E, R> {
  /** Opens one connection behind `cursor`; `None` is the beginning. Its scope is closed before the next one opens. */
  readonly connect: (cursor: Option.Option<Cursor>) => Effect.Effect<Stream.Stream<Item, E, R>, E, R | Scope.Scope>
  /** What a failure means; `connected` tells whether any connection of this feed has been open. */
  readonly classify: (error: E, connected: boolean) => Verdict
  /** What it means that a connection ended properly without a terminal item. */
  readonly onEnd: "end" | "reconnect"
  /** Whether the feed ends behind this item. */
  readonly isTerminal?: ((item: Item) => boolean) | undefined
  /** The position behind an item, to resume from; `None` leaves it where it is. Without it the feed is live only. */
  readonly cursorOf?: ((item: Item) => Option.Option<Cursor>) | undefined
  /** Whether an item has been delivered before, as far as the cursor tells: it is dropped. */
  readonly isDuplicate?: ((item: Item, cursor: Option.Option<Cursor>) => boolean) | undefined
  /** A live feed's marker for what may be lost: delivered once behind each broken connection, ahead of what follows. */
  readonly gap?: (() => Item) | undefined
  /** The least delay in ms that a failure asks for (`Retry-After`). Default none. */
  readonly waitOf?: ((error: E) => number | undefined) | undefined
  /**
   * Told about each reconnect, in front of its pause, and each delivery: how many connections have failed in a row, and
   * the last failure, when there was one.
   */
  readonly observer?: {
    readonly reconnected: (failures: number, last: Option.Option<E>) => void
    readonly delivered: (count: number) => void
  } | undefined
}

/** A server that asks for more, in ms, is asked again behind this: a feed that waits for hours is as good as none. */
const longestWait = 60_000

/**
 * The delay that an error asks for, as {@link Source} wants it: a minute at the most.
 *
 * @since 0.1.0
 * @category utils
 */
export const waitOf = (error: object): number | undefined =>
  "retryAfterMs" in error && typeof error.retryAfterMs === "number"
    ? Math.min(error.retryAfterMs, longestWait)
    : undefined

/**
 * The failure of a feed that gave up, for `make`: with the answer that the last failure had, where it had one. `what` is
 * what failed, in the plural.
 *
 * @internal
 */
export const gaveUp = (info: Pick<CallFields, "operation" | "method" | "route">, what: string) =>
(
  attempts: number,
  last: Option.Option<Pick<CallFields, "code" | "requestId" | "status"> & { readonly _tag: string }>
): StreamInterrupted =>
  new StreamInterrupted({
    ...info,
    ...Option.match(last, {
      onNone: () => ({}),
      onSome: ({ code, requestId, status }) => ({ code, requestId, status })
    }),
    attempts,
    detail: `gave up after ${attempts} failed ${what}${
      Option.match(last, { onNone: () => "", onSome: (error) => `, the last with ${error._tag}` })
    }`
  })

interface Connection<Item, E, R> {
  readonly scope: Scope.CloseableScope
  readonly pull: Effect.Effect<Chunk.Chunk<Item>, Option.Option<E>, R>
  readonly openedAt: number
}

/**
 * Makes a feed. `interrupted` makes the failure of a feed that gave up, from the number of connections that failed in
 * a row and the last failure, when there was one.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = <Item, Cursor, E, E2, R>(
  source: Source<Item, Cursor, E, R>,
  options: {
    readonly policy?: Policy | undefined
    readonly interrupted: (attempts: number, last: Option.Option<E>) => E2
  }
): Stream.Stream<Item, E | E2, R> => {
  const baseMs = Duration.toMillis(options.policy?.base ?? 500)
  const capMs = Duration.toMillis(options.policy?.cap ?? 8000)
  const quietMs = Duration.toMillis(options.policy?.quiet ?? 10_000)
  const maxReconnects = options.policy?.maxReconnects ?? 20

  return Stream.fromPull(Effect.map(Effect.scope, (feedScope) => {
    type Pull = Effect.Effect<Chunk.Chunk<Item>, Option.Option<E | E2>, R>

    let connection: Connection<Item, E, R> | undefined
    let cursor = Option.none<Cursor>()
    let connected = false
    let failures = 0
    let delivering = false
    let gapDue = false
    let ended = false

    // Uninterruptible: a scope that is closed halfway never closes the rest.
    const close = Effect.uninterruptible(Effect.suspend(() => {
      const open = connection
      connection = undefined
      return open === undefined ? Effect.void : Scope.close(open.scope, Exit.void)
    }))

    /** The gap marker that is due, as what comes next. */
    const withGap = (next: Pull): Pull => {
      if (!gapDue || source.gap === undefined) return next
      gapDue = false
      source.observer?.delivered(1)
      return Effect.succeed(Chunk.of(source.gap()))
    }

    const end: Pull = Effect.suspend(() => {
      ended = true
      return withGap(Effect.fail(Option.none()))
    })

    const connect: Effect.Effect<void, Option.Option<E>, R> = Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(Scope.fork(feedScope, ExecutionStrategy.sequential), (scope) =>
        source.connect(cursor).pipe(
          Effect.flatMap(Stream.toPull),
          Scope.extend(scope),
          restore,
          Effect.zip(Clock.currentTimeMillis),
          Effect.matchCauseEffect({
            onFailure: (cause) => Effect.zipRight(Scope.close(scope, Exit.failCause(cause)), Effect.failCause(cause)),
            onSuccess: ([pull, openedAt]) =>
              Effect.sync(() => {
                connection = { scope, pull, openedAt }
                connected = true
                delivering = false
              })
          }),
          Effect.mapError(Option.some)
        ))
    )

    const reconnect = (last: Option.Option<E>): Pull =>
      Effect.flatMap(Effect.zip(Clock.currentTimeMillis, Random.next), ([now, random]) => {
        const open = connection
        if (open !== undefined) {
          gapDue = true
          if (delivering || now - open.openedAt >= quietMs) failures = 0
        }
        failures += 1
        // `NaN` is no permission to go on for ever.
        if (!(failures <= maxReconnects)) {
          return Effect.zipRight(close, Effect.fail(Option.some(options.interrupted(failures, last))))
        }
        const asked = Option.match(last, { onNone: () => 0, onSome: (error) => source.waitOf?.(error) ?? 0 })
        const wait = Math.max(asked, Backoff.delay(baseMs, capMs, failures - 1, random))
        source.observer?.reconnected(failures, last)
        return Effect.zipRight(Effect.zipRight(close, Effect.sleep(wait)), pull)
      })

    const fail = (error: Option.Option<E>): Pull => {
      const verdict = Option.match(error, {
        onNone: (): Verdict => source.onEnd,
        onSome: (error) => source.classify(error, connected)
      })
      switch (verdict) {
        case "reconnect":
          return reconnect(error)
        case "end":
          return Effect.zipRight(close, end)
        case "fail":
          return Effect.zipRight(close, Effect.fail(error))
      }
    }

    const take = (items: Chunk.Chunk<Item>): Pull => {
      if (items.length > 0) delivering = true
      const cursorOf = source.cursorOf
      if (cursorOf === undefined && source.isTerminal === undefined) return deliver(items)
      const out: Array<Item> = []
      for (const item of items) {
        if (source.isDuplicate?.(item, cursor) === true) continue
        out.push(item)
        if (cursorOf !== undefined) cursor = Option.orElse(cursorOf(item), () => cursor)
        if (source.isTerminal?.(item) === true) {
          ended = true
          return Effect.zipRight(close, deliver(Chunk.unsafeFromArray(out)))
        }
      }
      return out.length === 0 ? pull : deliver(Chunk.unsafeFromArray(out))
    }

    const deliver = (items: Chunk.Chunk<Item>): Pull => {
      source.observer?.delivered(items.length)
      return Effect.succeed(items)
    }

    const pull: Pull = Effect.suspend(() => {
      if (ended) return Effect.fail(Option.none())
      const open = connection
      if (open === undefined) return Effect.matchEffect(connect, { onFailure: fail, onSuccess: () => withGap(pull) })
      return Effect.matchEffect(open.pull, { onFailure: fail, onSuccess: take })
    })

    return pull
  }))
}
