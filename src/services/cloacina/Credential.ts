/**
 * The key that the calls of a client share, and its replacement while they are under way.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"

/**
 * A key that can be replaced. Calls read it anew for every attempt; one that is refused while it is being replaced is
 * sent once more with the new one.
 *
 * @since 0.1.0
 * @category models
 */
export interface Credential {
  /** The key of now. */
  readonly current: Effect.Effect<Option.Option<Redacted.Redacted>>
  /**
   * Puts another key, or none, in place of the current one. One replacement at a time: calls that were refused wait for
   * it, except those that it makes itself.
   */
  readonly replace: <E, R>(
    next: (current: Option.Option<Redacted.Redacted>) => Effect.Effect<Option.Option<Redacted.Redacted>, E, R>
  ) => Effect.Effect<void, E, R>
  /**
   * As `replace`, with a key that succeeds the current one: what holds that one goes on with its successor.
   */
  readonly renew: Renew
  /** Whether another key has taken the place of this one; waits while one is being replaced. */
  readonly isReplaced: (refused: Redacted.Redacted) => Effect.Effect<boolean>
  /** Lays a key over what there is, until it is taken away again. */
  readonly install: (key: Redacted.Redacted) => Effect.Effect<Installed>
}

/** Puts the next key in place of one; calls that were refused meanwhile wait. */
type Renew = <A extends { readonly key: Redacted.Redacted }, E, R>(
  next: Effect.Effect<A, E, R>
) => Effect.Effect<A, E, R>

/** A key that lies over others for a while. */
interface Installed {
  /** The key of now, also while another one lies over it. */
  readonly current: Effect.Effect<Option.Option<Redacted.Redacted>>
  readonly renew: Renew
  /** Takes the key away: what was below counts again, an effect is run again. */
  readonly remove: Effect.Effect<void>
}

interface Layer {
  key: Effect.Effect<Option.Option<Redacted.Redacted>>
  /** Takes the successor of its key. */
  readonly succeed: (key: Redacted.Redacted) => void
}

/**
 * A credential that begins with `initial`: a key, an effect that is run again for every attempt, or none. An effect is
 * no longer run once its key has been replaced.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  initial: Redacted.Redacted | Effect.Effect<Redacted.Redacted> | undefined
): Effect.Effect<Credential> =>
  Effect.map(Effect.makeSemaphore(1), (lock) => {
    const base: Layer = {
      key: initial === undefined
        ? Effect.succeedNone
        : Redacted.isRedacted(initial)
        ? Effect.succeedSome(initial)
        : Effect.asSome(initial),
      succeed: (key) => {
        base.key = Effect.succeedSome(key)
      }
    }
    let layers: ReadonlyArray<Layer> = [base]
    const top = (): Layer => layers.at(-1) ?? base
    const current = Effect.suspend(() => top().key)

    // A call that is part of a replacement would wait for itself.
    const isReplacing = FiberRef.unsafeMake(false)
    const replacing = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
      lock.withPermits(1)(Effect.locally(effect, isReplacing, true))

    const renewing = (layerOf: () => Layer): Renew => (next) =>
      replacing(Effect.suspend(() => {
        const layer = layerOf()
        return Effect.map(next, (made) => {
          layer.succeed(made.key)
          return made
        })
      }))

    return {
      current,
      replace: (next) =>
        replacing(Effect.flatMap(current, (key) =>
          Effect.map(next(key), (key) => {
            top().key = Effect.succeed(key)
          }))),
      renew: renewing(top),
      isReplaced: (refused) =>
        Effect.if(FiberRef.get(isReplacing), {
          onTrue: () => Effect.succeed(false),
          onFalse: () =>
            lock.withPermits(1)(
              Effect.map(current, Option.exists((key) => Redacted.value(key) !== Redacted.value(refused)))
            )
        }),
      install: (key) =>
        Effect.sync(() => {
          let own = key
          const installed = Effect.sync(() => Option.some(own))
          const layer: Layer = {
            key: installed,
            succeed: (key) => {
              own = key
            }
          }
          layers = [...layers, layer]
          return {
            current: installed,
            renew: renewing(() => layer),
            remove: lock.withPermits(1)(Effect.sync(() => {
              const below = layers[layers.indexOf(layer) - 1]
              // Somebody has replaced it by a key of theirs, which stays.
              if (below !== undefined && layer.key !== installed) below.key = layer.key
              layers = layers.filter((other) => other !== layer)
            }))
          }
        })
    }
  })
