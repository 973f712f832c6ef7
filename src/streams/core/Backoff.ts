/**
 * Delays between tries.
 *
 * @since 0.1.0
 */

/**
 * Delay in ms before try number `n` (0 for the first repeat): `baseMs` doubled `n` times up to `capMs`, shortened by up
 * to a quarter; `random` is uniform in [0, 1).
 *
 * @internal
 */
export const delay = (baseMs: number, capMs: number, n: number, random: number): number =>
  Math.round(Math.min(capMs, baseMs * 2 ** n) * (1 - random / 4))
