/**
 * Durations as people write them on a command line and read them in a table.
 *
 * @since 0.1.0
 */
import * as Options from "@effect/cli/Options"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"

const units: Readonly<Record<string, Duration.Unit>> = {
  ms: "millis",
  s: "seconds",
  m: "minutes",
  h: "hours",
  d: "days"
}

/**
 * Reads `500ms`, `30s`, `1.5m`, `2h`, `1d`, and what Effect reads: `30 seconds`.
 *
 * @since 0.1.0
 * @category conversions
 */
export const parse = (text: string): Option.Option<Duration.Duration> => {
  const [, amount, letter] = /^(\d+(?:\.\d+)?) ?([a-z]+)$/.exec(text.trim()) ?? []
  if (amount === undefined || letter === undefined) return Option.none()
  return Duration.decodeUnknown(`${amount} ${units[letter] ?? letter}`)
}

/**
 * An option that takes a duration.
 *
 * @since 0.1.0
 * @category options
 */
export const option = (name: string): Options.Options<Duration.Duration> =>
  Options.text(name).pipe(
    Options.withPseudoName("duration"),
    Options.filterMap(parse, `--${name} wants a duration such as 500ms, 30s, 5m or 2h`)
  )

const steps: ReadonlyArray<readonly [ms: number, unit: string]> = [
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "m"],
  [1000, "s"]
]

/**
 * A duration with its two greatest units: `850ms`, `2.4s`, `1m 5s`, `3d 4h`.
 *
 * @since 0.1.0
 * @category conversions
 */
export const render = (ms: number): string => {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))}ms`
  if (ms < 60_000) return `${(Math.floor(ms / 100) / 10).toString()}s`
  const at = steps.findIndex(([size]) => ms >= size)
  const [size, unit] = steps[at] ?? [1000, "s"]
  const [nextSize, nextUnit] = steps[at + 1] ?? [1000, "s"]
  const rest = Math.floor(ms % size / nextSize)
  return `${Math.floor(ms / size)}${unit}${rest === 0 ? "" : ` ${rest}${nextUnit}`}`
}
