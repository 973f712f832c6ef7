/**
 * How values stand in the cache of a reactor: 8 bytes of length, little-endian, then JSON as UTF-8.
 *
 * Source: contract 6.5.
 *
 * @since 0.1.0
 */
import * as Option from "effect/Option"

const headerLength = 8

const encoder = new TextEncoder()
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

const parse = Option.liftThrowable((text: string): unknown => JSON.parse(text))
const decodeText = Option.liftThrowable((bytes: Uint8Array): string => decoder.decode(bytes))

const stringify = Option.liftThrowable((value: unknown): string | undefined => JSON.stringify(value))

/**
 * The JSON of a value; `None` where it has none (a function, a cycle, a `bigint`).
 *
 * @since 0.1.0
 * @category encoding
 */
export const jsonOf = (value: unknown): Option.Option<string> => Option.flatMap(stringify(value), Option.fromNullable)

/**
 * A value as a frame of the cache; `None` when it is not JSON.
 *
 * @since 0.1.0
 * @category encoding
 */
export const encodeBoundary = (value: unknown): Option.Option<Uint8Array> =>
  Option.map(jsonOf(value), (text) => {
    const json = encoder.encode(text)
    const frame = new Uint8Array(headerLength + json.length)
    const view = new DataView(frame.buffer)
    view.setUint32(0, json.length % 2 ** 32, true)
    view.setUint32(4, Math.floor(json.length / 2 ** 32), true)
    frame.set(json, headerLength)
    return frame
  })

/** The JSON of a frame of the cache. */
const decodeBoundary = (frame: Uint8Array): Option.Option<unknown> => {
  if (frame.length < headerLength) return Option.none()
  const view = new DataView(frame.buffer, frame.byteOffset, headerLength)
  if (view.getUint32(0, true) + view.getUint32(4, true) * 2 ** 32 !== frame.length - headerLength) return Option.none()
  return Option.flatMap(decodeText(frame.subarray(headerLength)), parse)
}

const decodeHex = (text: string): Option.Option<Uint8Array> => {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) return Option.none()
  const bytes = new Uint8Array(text.length / 2)
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16)
  return Option.some(bytes)
}

/**
 * A value of a reactor's state: the JSON of a frame in hexadecimal digits, as servers send it; else the JSON that the
 * text is, as the documents promise; else the text itself.
 *
 * @since 0.1.0
 * @category decoding
 */
export const decodeState = (text: string): unknown =>
  Option.getOrElse(
    Option.orElse(Option.flatMap(decodeHex(text), decodeBoundary), () => parse(text)),
    () => text
  )
