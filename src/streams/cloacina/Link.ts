/**
 * A socket that is opened when it is needed and opened again, after a pause, when it is gone.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ExecutionStrategy from "effect/ExecutionStrategy"
import * as Exit from "effect/Exit"
import * as Random from "effect/Random"
import * as Scope from "effect/Scope"
import * as Backoff from "../core/Backoff.js"
import type { Connection, ConnectionClosed, Frame } from "../core/Connection.js"
import type * as Feed from "../core/Feed.js"
import type { DeliveryError, Failed } from "./Delivery.js"

/**
 * A connection and what has become of it. A fiber reads it, so that its end is known before anything more is written.
 */
class Link {
  closed: ConnectionClosed | undefined
  /** How many frames were written without an error. */
  handedOver = 0
  onFrame: ((frame: Frame) => void) | undefined
  onClosed: ((closed: ConnectionClosed) => void) | undefined
  constructor(
    readonly connection: Connection,
    readonly scope: Scope.CloseableScope,
    readonly openedAt: number
  ) {}

  /** Ends with the connection. */
  readonly watch: Effect.Effect<void> = Effect.suspend(() =>
    Effect.matchEffect(this.connection.receive, {
      onFailure: (closed) =>
        Effect.sync(() => {
          this.closed = closed
          this.onClosed?.(closed)
        }),
      onSuccess: (frames) => {
        for (const frame of frames) this.onFrame?.(frame)
        return this.watch
      }
    })
  )
}

/**
 * @internal
 */
export interface Links {
  /** The link of now, even one that has ended. */
  readonly last: () => Link | undefined
  /** A link whose connection is open, as far as is known. */
  readonly current: Effect.Effect<Link, DeliveryError>
  /** Lets go of the link of now. */
  readonly discard: Effect.Effect<void>
}

/**
 * Links, one at a time; not safe for concurrent use. `beforeReopen` runs in front of a connection that follows one
 * that ended. Pauses double from 100 ms up to 30 s and start again behind a connection that was open for ten seconds;
 * an opening that fails in passing is tried five times more.
 *
 * @internal
 */
export const make = (options: {
  readonly open: Effect.Effect<Connection, Failed, Scope.Scope>
  readonly beforeReopen?: ((closed: ConnectionClosed) => Effect.Effect<void, Failed>) | undefined
  readonly policy?: Partial<Feed.Policy> | undefined
}): Effect.Effect<Links, never, Scope.Scope> =>
  Effect.map(Effect.scope, (outer) => {
    const baseMs = Duration.toMillis(options.policy?.base ?? 100)
    const capMs = Duration.toMillis(options.policy?.cap ?? 30_000)
    const quietMs = Duration.toMillis(options.policy?.quiet ?? 10_000)
    const maxReconnects = options.policy?.maxReconnects ?? 5

    let link: Link | undefined
    let failures = 0
    let ended: ConnectionClosed | undefined

    const discard = Effect.uninterruptible(Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const gone = link
      link = undefined
      if (gone === undefined) return Effect.void
      if (now - gone.openedAt >= quietMs) failures = 0
      failures += 1
      ended = gone.closed
      return Scope.close(gone.scope, Exit.void)
    }))

    const openOne: Effect.Effect<Link, Failed> = Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(Scope.fork(outer, ExecutionStrategy.sequential), (scope) =>
        options.open.pipe(
          Scope.extend(scope),
          restore,
          Effect.zip(Clock.currentTimeMillis),
          Effect.matchCauseEffect({
            onFailure: (cause) => Effect.zipRight(Scope.close(scope, Exit.failCause(cause)), Effect.failCause(cause)),
            onSuccess: ([connection, openedAt]) => {
              const opened = new Link(connection, scope, openedAt)
              link = opened
              ended = undefined
              return Effect.as(Effect.forkIn(Effect.interruptible(opened.watch), scope), opened)
            }
          })
        ))
    )

    const pause = Effect.flatMap(Random.next, (random) =>
      failures === 0 ? Effect.void : Effect.sleep(Backoff.delay(baseMs, capMs, failures - 1, random)))

    const attempt = (tries: number): Effect.Effect<Link, DeliveryError> =>
      pause.pipe(
        Effect.zipRight(Effect.suspend(() =>
          ended === undefined || options.beforeReopen === undefined ? Effect.void : options.beforeReopen(ended)
        )),
        Effect.zipRight(openOne),
        Effect.catchAll(({ error, verdict }) => {
          failures += 1
          return verdict === "reconnect" && tries < maxReconnects ? attempt(tries + 1) : Effect.fail(error)
        })
      )

    return {
      last: () =>
        link,
      current: Effect.suspend(() =>
        link !== undefined && link.closed === undefined
          ? Effect.succeed(link)
          : Effect.zipRight(discard, attempt(0))
      ),
      discard
    }
  })
