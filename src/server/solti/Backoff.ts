/**
 * Delays before retries (contract 8.4).
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type { BackoffStrategy } from "../../schemas/solti/Tasks.js"

const whole = (ms: number): number => Math.min(Math.floor(ms), Number.MAX_SAFE_INTEGER)

/**
 * The delay without jitter, in whole milliseconds: `firstMs × factor^failures`, at most `maxMs`.
 *
 * `failures` counts the consecutive failures before this one: 0 for the first retry.
 *
 * @since 0.1.0
 * @category utils
 */
export const base = (strategy: BackoffStrategy, failures: number): number => {
  const max = Number(strategy.maxMs)
  const grown = Number(strategy.firstMs) * Math.pow(strategy.factor, failures)
  // Also false for NaN and infinity.
  return whole(grown <= max ? grown : max)
}

const between = (low: number, high: number): Effect.Effect<number> =>
  high <= low ? Effect.succeed(low) : Random.nextIntBetween(low, high + 1)

/**
 * The delay in milliseconds, drawn with the `Random` service. No draw is fed back into a later one.
 *
 * @since 0.1.0
 * @category utils
 */
export const delay = (strategy: BackoffStrategy, failures: number): Effect.Effect<number> => {
  const ms = base(strategy, failures)
  switch (strategy.jitter) {
    case "JITTER_STRATEGY_FULL":
      return between(0, ms)
    case "JITTER_STRATEGY_EQUAL": {
      const half = Math.floor(ms / 2)
      return Effect.map(between(0, half), (extra) => half + extra)
    }
    case "JITTER_STRATEGY_DECORRELATED": {
      const max = whole(Number(strategy.maxMs))
      return ms === 0
        ? Effect.succeed(0)
        : between(Math.min(whole(Number(strategy.firstMs)), max), Math.min(3 * ms, max))
    }
    default:
      return Effect.succeed(ms)
  }
}
