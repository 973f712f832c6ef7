/**
 * Request bodies and query parameters as the server's framework reads them, with its rejections word by word: axum 0.8
 * over serde (contract 3.2).
 *
 * A field says what it expects in the words of serde, so that a body of the wrong shape is refused at the place and with
 * the text of the real server.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { type JsonRefused, read as readJson, type Reader } from "../../schemas/core/StrictJson.js"
import { queryOf } from "../../server/core/Front.js"
import { type Call, Rejection } from "./Handler.js"

/**
 * The longest body, in bytes.
 *
 * @since 0.1.0
 * @category constants
 */
export const maxBytes = 100 * 1024 * 1024

/**
 * How a value is read. `absent` is what a missing member counts as, `undefined` where that is an error.
 *
 * @since 0.1.0
 * @category models
 */
export interface Field<out A> {
  readonly read: (reader: Reader) => A
  readonly absent: { readonly value: A } | undefined
}

/**
 * Refuses the next value: where serde has read it by then the position is behind it, containers stay unread.
 *
 * @since 0.1.0
 * @category utils
 */
export const failType = (reader: Reader, expected: string): never => {
  const found = reader.peek()
  if (found === "object" || found === "array") {
    return reader.fail(`invalid type: ${found === "object" ? "map" : "sequence"}, expected ${expected}`)
  }
  if (found === "string") return reader.fail(`invalid type: string ${quote(reader.string())}, expected ${expected}`)
  if (found === "boolean") return reader.fail(`invalid type: boolean \`${reader.boolean()}\`, expected ${expected}`)
  if (found === "number") return reader.fail(`invalid type: ${number(numberToken(reader))}, expected ${expected}`)
  reader.isNull()
  return reader.fail(`invalid type: null, expected ${expected}`)
}

/** As Rust's `{:?}` writes a string. */
const quote = (text: string): string => {
  const escaped = text.replace(/["\\]/g, "\\$&").replace(/\n/g, "\\n").replace(/\r/g, "\\r").replace(/\t/g, "\\t")
  return `"${escaped.replace(/\p{Cc}/gu, (letter) => `\\u{${letter.charCodeAt(0).toString(16)}}`)}"`
}

/**
 * Whether the server reads a number, as it is written, as an integer. What fits into no integer of 64 bits, and `-0`,
 * becomes a floating-point number.
 *
 * @since 0.1.0
 * @category utils
 */
export const isWhole = (token: string): boolean =>
  /^-?\d+$/.test(token) && token !== "-0" && BigInt(token) >= -(2n ** 63n) && BigInt(token) < 2n ** 64n

/** Without the last digits of what is too large, as the server writes it. */
const float = (value: number): string => {
  if (Object.is(value, -0)) return "-0.0"
  const size = Math.abs(value)
  const text = size !== 0 && (size < 1e-5 || size >= 1e16) ? value.toExponential() : String(value)
  return /[.e]/.test(text) ? text : `${text}.0`
}

const number = (token: string): string =>
  isWhole(token) ? `integer \`${token}\`` : `floating point \`${float(Number(token))}\``

/**
 * A number as it is written; one beyond 64 bits of floating point is a fault of syntax.
 *
 * @since 0.1.0
 * @category utils
 */
export const numberToken = (reader: Reader): string => {
  const token = reader.number()
  return Number.isFinite(Number(token)) ? token : reader.fail("number out of range")
}

const required = <A>(read: (reader: Reader) => A): Field<A> => ({ read, absent: undefined })

const expecting = <A>(kind: string, expected: string, read: (reader: Reader) => A): Field<A> =>
  required((reader) => reader.peek() === kind ? read(reader) : failType(reader, expected))

/**
 * @since 0.1.0
 * @category fields
 */
export const string: Field<string> = expecting("string", "a string", (reader) => reader.string())

/**
 * @since 0.1.0
 * @category fields
 */
export const boolean: Field<boolean> = expecting("boolean", "a boolean", (reader) => reader.boolean())

const ranges = {
  u8: [0n, 255n],
  u32: [0n, 2n ** 32n - 1n],
  i32: [-(2n ** 31n), 2n ** 31n - 1n],
  u64: [0n, 2n ** 64n - 1n],
  i64: [-(2n ** 63n), 2n ** 63n - 1n]
} as const

/**
 * A whole number of this many bits.
 *
 * @since 0.1.0
 * @category fields
 */
export const integer = (type: keyof typeof ranges): Field<number> =>
  expecting("number", type, (reader) => {
    const token = numberToken(reader)
    if (!isWhole(token)) return reader.fail(`invalid type: ${number(token)}, expected ${type}`)
    const [least, most] = ranges[type]
    const value = BigInt(token)
    if (value < least || value > most) return reader.fail(`invalid value: ${number(token)}, expected ${type}`)
    return Number(value)
  })

const readAny = (reader: Reader): unknown => {
  switch (reader.peek()) {
    case "null":
      reader.isNull()
      return null
    case "boolean":
      return reader.boolean()
    case "number":
      return Number(numberToken(reader))
    case "string":
      return reader.string()
    case "array": {
      const items: Array<unknown> = []
      reader.array(() => items.push(readAny(reader)))
      return items
    }
    case "object": {
      const members = new Map<string, unknown>()
      reader.object((name) => members.set(name, readAny(reader)))
      return Object.fromEntries(members)
    }
  }
}

/**
 * Any value, `null` included.
 *
 * @since 0.1.0
 * @category fields
 */
export const any: Field<unknown> = required(readAny)

/**
 * A value, or `undefined` for a missing member and for `null`.
 *
 * @since 0.1.0
 * @category fields
 */
export const optional = <A>(field: Field<A>): Field<A | undefined> => ({
  read: (reader) => reader.isNull() ? undefined : field.read(reader),
  absent: { value: undefined }
})

/**
 * A value with a default for a missing member. `null` is refused.
 *
 * @since 0.1.0
 * @category fields
 */
export const withDefault = <A>(field: Field<A>, value: A): Field<A> => ({ read: field.read, absent: { value } })

/**
 * One of these texts.
 *
 * @since 0.1.0
 * @category fields
 */
export const oneOf = <const Name extends string>(...names: ReadonlyArray<Name>): Field<Name> =>
  required((reader) => {
    const named = (text: string): Name => {
      const found = names.find((name) => name === text)
      if (found !== undefined) return found
      const expected = names.map((name) => `\`${name}\``)
      return reader.fail(
        `unknown variant \`${text}\`, expected ${
          expected.length === 2 ? expected.join(" or ") : `one of ${expected.join(", ")}`
        }`
      )
    }
    const kind = reader.peek()
    if (kind === "string") return named(reader.string())
    // What is neither is a fault of syntax here.
    if (kind !== "object") return reader.failAhead("expected value")
    let found: Name | undefined
    reader.object((name) => {
      if (found !== undefined) return reader.failMember("expected value")
      found = named(name)
      if (!reader.isNull()) failType(reader, "unit")
    })
    return found ?? reader.fail("expected value")
  })

/**
 * @since 0.1.0
 * @category fields
 */
export const array = <A>(item: Field<A>): Field<ReadonlyArray<A>> =>
  expecting("array", "a sequence", (reader) => {
    const items: Array<A> = []
    reader.array(() => items.push(item.read(reader)))
    return items
  })

/**
 * A map with values of one kind; of two members of one name the later counts.
 *
 * @since 0.1.0
 * @category fields
 */
export const record = <A>(value: Field<A>): Field<Readonly<Record<string, A>>> =>
  expecting("object", "a map", (reader) => {
    const members = new Map<string, A>()
    reader.object((name) => members.set(name, value.read(reader)))
    return Object.fromEntries(members)
  })

/**
 * An object with these members; others are ignored. `name` is that of the server's type. An array of the members in
 * their order is as good, and those with a default may be missing at its end.
 *
 * @since 0.1.0
 * @category fields
 */
export const object = <A extends object>(
  name: string,
  fields: { readonly [K in keyof A]: Field<A[K]> }
): Field<A> =>
  required((reader) => {
    const values: Partial<A> = {}
    const names = Object.keys(fields).filter((member): member is Extract<keyof A, string> =>
      Object.hasOwn(fields, member)
    )
    const complete = (all: Partial<A>, missing: (member: string) => string): all is A => {
      for (const member of names) {
        if (Object.hasOwn(all, member)) continue
        const { absent } = fields[member]
        if (absent === undefined) return reader.fail(missing(member))
        all[member] = absent.value
      }
      return true
    }
    const kind = reader.peek()
    if (kind === "array") {
      let length = 0
      reader.array((index) => {
        const member = names[index]
        if (member === undefined) return reader.failMember("trailing characters", 1)
        values[member] = fields[member].read(reader)
        length++
      })
      const elements = `${names.length} element${names.length === 1 ? "" : "s"}`
      return complete(values, () => `invalid length ${length}, expected struct ${name} with ${elements}`)
        ? values
        : reader.fail("")
    }
    if (kind !== "object") return failType(reader, `struct ${name}`)
    reader.object((member) => {
      const field = names.find((each) => each === member)
      if (field === undefined) return reader.skip()
      if (Object.hasOwn(values, field)) return reader.failMember(`duplicate field \`${member}\``)
      values[field] = fields[field].read(reader)
    })
    return complete(values, (member) => `missing field \`${member}\``) ? values : reader.fail("")
  })

const isData = /^(?:invalid (?:type|value|length)|missing field|duplicate field|unknown variant)/

const rejected = ({ detail, message }: JsonRefused): Rejection =>
  isData.test(detail)
    ? new Rejection({ status: 422, text: `Failed to deserialize the JSON body into the target type: ${message}` })
    : new Rejection({ status: 400, text: `Failed to parse the request body as JSON: ${message}` })

const isJson = (contentType: string | undefined): boolean =>
  /^\s*application\/(?:json|[^\s;]+\+json)\s*(?:;|$)/i.test(contentType ?? "")

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

/** Where a byte is no UTF-8, a surrogate stands for it. */
const decodeBytes = (bytes: Uint8Array): string => {
  try {
    return utf8.decode(bytes)
  } catch {
    let text = ""
    let from = 0
    for (const [at, byte] of bytes.entries()) {
      if (at < from) continue
      const length = byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4
      const character = decodeOne(bytes.subarray(at, at + length))
      text += character ?? String.fromCharCode(0xdc00 + byte)
      from = at + (character === undefined ? 1 : length)
    }
    return text
  }
}

const decodeOne = (bytes: Uint8Array): string | undefined => {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}

const surrogates = /[\ud800-\udfff]/gu

const encoder = new TextEncoder()

/**
 * The length of a text in bytes, as the server counts columns.
 *
 * @since 0.1.0
 * @category utils
 */
export const widthOf = (text: string): number => encoder.encode(text.replace(surrogates, ".")).length

/**
 * The body of a call; 415 for another content type, 413 for one over 100 MiB, 400 for text that is no JSON, 422 for JSON
 * of another shape.
 *
 * @since 0.1.0
 * @category decoding
 */
export const read = <A>({ request }: Call, field: Field<A>): Effect.Effect<A, Rejection> => {
  if (!isJson(request.headers["content-type"])) {
    return new Rejection({ status: 415, text: "Expected request with `Content-Type: application/json`" })
  }
  return request.bytes(maxBytes).pipe(
    Effect.catchTags({
      BodyTooLarge: () =>
        new Rejection({ status: 413, text: "Failed to buffer the request body: length limit exceeded" }),
      BodyAborted: () => new Rejection({ status: 400, text: "Failed to buffer the request body: error reading a body" })
    }),
    Effect.flatMap((bytes) => Either.mapLeft(readJson(decodeBytes(bytes), field.read, widthOf), rejected))
  )
}

const digits = /^\+?\d+$/

/** What Rust's parser says about a text that is no whole number of this type. */
const integerFault = (type: keyof typeof ranges, text: string): string | undefined => {
  if (text === "") return "cannot parse integer from empty string"
  const [least, most] = ranges[type]
  const isSigned = least < 0n
  if (!digits.test(text) && !(isSigned && /^-\d+$/.test(text))) return "invalid digit found in string"
  const value = BigInt(text.replace("+", ""))
  return value > most
    ? "number too large to fit in target type"
    : value < least
    ? "number too small to fit in target type"
    : undefined
}

/**
 * A text from the query, `undefined` without one; 400 for more than one.
 *
 * @since 0.1.0
 * @category decoding
 */
export const queryText = ({ request }: Call, name: string): Either.Either<string | undefined, Rejection> => {
  const [first, second] = new URLSearchParams(queryOf(request.target)).getAll(name)
  return second === undefined
    ? Either.right(first)
    : Either.left(
      new Rejection({ status: 400, text: `Failed to deserialize query string: duplicate field \`${name}\`` })
    )
}

/**
 * A whole number from the query, `undefined` without one; 400 for anything else.
 *
 * @since 0.1.0
 * @category decoding
 */
export const queryInteger = (
  call: Call,
  name: string,
  type: keyof typeof ranges
): Either.Either<number | undefined, Rejection> =>
  Either.flatMap(queryText(call, name), (text) => {
    const fault = text === undefined ? undefined : integerFault(type, text)
    return fault === undefined
      ? Either.right(text === undefined ? undefined : Number(text))
      : Either.left(new Rejection({ status: 400, text: `Failed to deserialize query string: ${name}: ${fault}` }))
  })
