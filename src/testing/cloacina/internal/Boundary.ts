/**
 * What lies between accumulators, reactors and graphs: JSON as the server writes it, and the frames around it, which are
 * the length of the JSON in eight bytes, the least significant first, and the JSON (contract 6.5).
 */
import type { Reader } from "../../../schemas/core/StrictJson.js"
import { read } from "../../../schemas/core/StrictJson.js"
import { type Field, numberToken } from "../Body.js"

const encoder = new TextEncoder()
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

const isWhole = (token: string): boolean => /^-?\d+$/.test(token)

/** Numbers keep whether they are whole: `1.0` is not `1` there. */
const number = (token: string): string => {
  if (isWhole(token)) return token === "-0" ? "-0.0" : token
  const value = Number(token)
  const size = Math.abs(value)
  if (size !== 0 && (size < 1e-5 || size >= 1e16)) return value.toExponential().replace("+", "")
  const text = String(value)
  return text.includes(".") ? text : Object.is(value, -0) ? "-0.0" : `${text}.0`
}

const write = (reader: Reader): string => {
  switch (reader.peek()) {
    case "null":
      reader.isNull()
      return "null"
    case "boolean":
      return String(reader.boolean())
    case "number":
      return number(numberToken(reader))
    case "string":
      return JSON.stringify(reader.string())
    case "array": {
      const items: Array<string> = []
      reader.array(() => items.push(write(reader)))
      return `[${items.join(",")}]`
    }
    case "object": {
      const members = new Map<string, string>()
      reader.object((name) => members.set(name, write(reader)))
      const names = [...members.keys()].sort((a, b) => a < b ? -1 : 1)
      return `{${names.map((name) => `${JSON.stringify(name)}:${members.get(name)}`).join(",")}}`
    }
  }
}

/** Any value, as the JSON text that the server would write for it: without blanks, members in order. */
export const jsonText: Field<string> = { read: write, absent: undefined }

/** {@link jsonText} of the bytes; `undefined` where they hold none. */
export const normalise = (bytes: Uint8Array): string | undefined => {
  try {
    const written = read(decoder.decode(bytes), write)
    return written._tag === "Right" ? written.right : undefined
  } catch {
    return undefined
  }
}

const parse = (bytes: Uint8Array): unknown => {
  try {
    return JSON.parse(decoder.decode(bytes))
  } catch {
    return undefined
  }
}

export const toBytes = (text: string): Uint8Array => encoder.encode(text)

export const wrap = (content: Uint8Array): Uint8Array => {
  const frame = new Uint8Array(8 + content.length)
  new DataView(frame.buffer).setUint32(0, content.length, true)
  frame.set(content, 8)
  return frame
}

/** The value in a frame; `null` for what is no frame, or holds no JSON. */
export const unwrap = (frame: Uint8Array): unknown => {
  if (frame.length < 8) return null
  const view = new DataView(frame.buffer, frame.byteOffset)
  const length = view.getUint32(0, true)
  if (view.getUint32(4, true) !== 0 || length > frame.length - 8) return null
  return parse(frame.subarray(8, 8 + length)) ?? null
}

/** {@link unwrap} for the record of a fire, which also takes bare JSON. */
export const describe = (frame: Uint8Array): unknown => unwrap(frame) ?? parse(frame) ?? null
