/**
 * Ids and times as the server writes them (contract 2.10).
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"
import * as Random from "effect/Random"

const word = Random.nextIntBetween(0, 0x1_0000_0000)

/** So many random bytes. */
const randomBytes = (count: number): Effect.Effect<Uint8Array> =>
  Effect.map(Effect.all(Array.from({ length: Math.ceil(count / 4) }, () => word)), (words) => {
    const bytes = new Uint8Array(count)
    for (let at = 0; at < count; at++) bytes[at] = ((words[at >> 2] ?? 0) >>> (8 * (at & 3))) & 0xff
    return bytes
  })

/**
 * Random text in base64url that stands for so many bytes, without padding.
 *
 * @since 0.1.0
 * @category utils
 */
export const token = (bytes: number): Effect.Effect<string> => Effect.map(randomBytes(bytes), Encoding.encodeBase64Url)

/** Hyphens into 32 hexadecimal digits. */
const hyphened = (hex: string): string =>
  `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`

const hexOf = (word: number): string => word.toString(16).padStart(8, "0")

/**
 * The UUID of version 4, in lower case, that four random words of 32 bits make.
 *
 * @since 0.1.0
 * @category utils
 */
export const uuidOf = (a: number, b: number, c: number, d: number): string =>
  hyphened(
    hexOf(a) + hexOf((b & 0xffff_0fff | 0x4000) >>> 0) + hexOf((c & 0x3fff_ffff | 0x8000_0000) >>> 0) + hexOf(d)
  )

/**
 * A UUID of version 4, in lower case.
 *
 * @since 0.1.0
 * @category utils
 */
export const uuid: Effect.Effect<string> = Effect.map(
  Effect.all([word, word, word, word]),
  (words) => uuidOf(...words)
)

/**
 * The UUID that a text names, in lower case with hyphens; `undefined` if it names none. Braces, the prefix `urn:uuid:`
 * and a form without hyphens are accepted, as the server does.
 *
 * @since 0.1.0
 * @category utils
 */
export const parseUuid = (text: string): string | undefined => {
  const bare = /^(?:urn:uuid:)?([0-9a-f-]+)$|^\{([0-9a-f-]+)\}$/i.exec(text)
  const id = (bare?.[1] ?? bare?.[2] ?? "").toLowerCase()
  if (/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)) return id
  return /^[0-9a-f]{32}$/.test(id) ? hyphened(id) : undefined
}

/**
 * A time as the server writes those of database rows: RFC 3339 with `+00:00` and six fractional digits. Takes
 * microseconds since 1970.
 *
 * @since 0.1.0
 * @category utils
 */
export const formatMicros = (micros: number): string => {
  const ms = Math.floor(micros / 1000)
  const rest = String(micros - ms * 1000).padStart(3, "0")
  return `${new Date(ms).toISOString().slice(0, -1)}${rest}+00:00`
}

/**
 * A clock that gives every time once: microseconds count on within a millisecond, so that rows have an order.
 *
 * @since 0.1.0
 * @category constructors
 */
export const makeTimestamps: Effect.Effect<Effect.Effect<string>> = Effect.sync(() => {
  let last = -1
  return Effect.map(Clock.currentTimeMillis, (now) => {
    last = Math.max(now * 1000, last + 1)
    return formatMicros(last)
  })
})
