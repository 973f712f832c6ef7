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

/** Refuses the next value: where serde has read it by then the position is behind it, containers stay unread. */
const failType = (reader: Reader, expected: string): never => {
  const found = reader.peek()
  if (found === "object" || found === "array") {
    return reader.fail(`invalid type: ${found === "object" ? "map" : "sequence"}, expected ${expected}`)
  }
  if (found === "string") return reader.fail(`invalid type: string ${quote(reader.string())}, expected ${expected}`)
  if (found === "boolean") return reader.fail(`invalid type: boolean \`${reader.boolean()}\`, expected ${expected}`)
  if (found === "number") return reader.fail(`invalid type: ${number(reader.number())}, expected ${expected}`)
  reader.isNull()
  return reader.fail(`invalid type: null, expected ${expected}`)
}

/** As Rust's `{:?}` writes a string. */
const quote = (text: string): string => {
  const escaped = text.replace(/["\\]/g, "\\$&").replace(/\n/g, "\\n").replace(/\r/g, "\\r").replace(/\t/g, "\\t")
  return `"${escaped.replace(/\p{Cc}/gu, (letter) => `\\u{${letter.charCodeAt(0).toString(16)}}`)}"`
}

const isWhole = (token: string): boolean => /^-?\d+$/.test(token)

const number = (token: string): string => {
  if (isWhole(token)) return `integer \`${token}\``
  const value = String(Number(token))
  return `floating point \`${/[.e]/.test(value) ? value : `${value}.0`}\``
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
    const token = reader.number()
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
      return Number(reader.number())
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
    // What is no string is a fault of syntax here, since an enum could also be an object.
    if (reader.peek() !== "string") return reader.failAhead("expected value")
    const text = reader.string()
    const found = names.find((name) => name === text)
    if (found !== undefined) return found
    const expected = names.map((name) => `\`${name}\``)
    return reader.fail(
      `unknown variant \`${text}\`, expected ${
        expected.length === 2 ? expected.join(" or ") : `one of ${expected.join(", ")}`
      }`
    )
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
 * An object with these members; others are ignored. `name` is that of the server's type.
 *
 * @since 0.1.0
 * @category fields
 */
export const object = <A extends object>(
  name: string,
  fields: { readonly [K in keyof A]: Field<A[K]> }
): Field<A> =>
  expecting("object", `struct ${name}`, (reader) => {
    const values: Partial<A> = {}
    const isField = (member: string): member is Extract<keyof A, string> => Object.hasOwn(fields, member)
    reader.object((member) => {
      if (!isField(member)) return void readAny(reader)
      if (Object.hasOwn(values, member)) return reader.failMember(`duplicate field \`${member}\``)
      values[member] = fields[member].read(reader)
    })
    const complete = (all: Partial<A>): all is A => {
      for (const member in fields) {
        if (Object.hasOwn(all, member)) continue
        const { absent } = fields[member]
        if (absent === undefined) return reader.fail(`missing field \`${member}\``)
        all[member] = absent.value
      }
      return true
    }
    return complete(values) ? values : reader.fail("")
  })

const encoder = new TextEncoder()

const isData = /^(?:invalid (?:type|value|length)|missing field|duplicate field|unknown variant)/

/** Columns count bytes. */
const rejected = (text: string, { column, detail, line, path }: JsonRefused): Rejection => {
  const before = (text.split("\n")[line - 1] ?? "").slice(0, column)
  const where = `${path === "" ? "" : `${path}: `}${detail} at line ${line} column ${encoder.encode(before).length}`
  return isData.test(detail)
    ? new Rejection({ status: 422, text: `Failed to deserialize the JSON body into the target type: ${where}` })
    : new Rejection({ status: 400, text: `Failed to parse the request body as JSON: ${where}` })
}

const isJson = (contentType: string | undefined): boolean =>
  /^\s*application\/(?:json|[^\s;]+\+json)\s*(?:;|$)/i.test(contentType ?? "")

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true })

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
    Effect.flatMap((bytes) => {
      const text = utf8.decode(bytes)
      return Either.mapLeft(readJson(text, field.read), (refused) => rejected(text, refused))
    })
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
 * A whole number from the query, `undefined` without one; 400 for anything else.
 *
 * @since 0.1.0
 * @category decoding
 */
export const queryInteger = (
  { request }: Call,
  name: string,
  type: keyof typeof ranges
): Either.Either<number | undefined, Rejection> => {
  const [first, second] = new URLSearchParams(queryOf(request.target)).getAll(name)
  const refuse = (fault: string) =>
    Either.left(new Rejection({ status: 400, text: `Failed to deserialize query string: ${fault}` }))
  if (first === undefined) return Either.right(undefined)
  if (second !== undefined) return refuse(`duplicate field \`${name}\``)
  const fault = integerFault(type, first)
  return fault === undefined ? Either.right(Number(first)) : refuse(`${name}: ${fault}`)
}
