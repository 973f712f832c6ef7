/**
 * Building blocks for wire models: values that a later server version may extend, and 64-bit integers.
 *
 * @since 0.1.0
 */
import type * as Brand from "effect/Brand"
import type * as Effect from "effect/Effect"
import { identity } from "effect/Function"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import type * as AST from "effect/SchemaAST"

/**
 * A value of an enum that this version of the SDK does not know, kept exactly as it was received.
 *
 * @since 0.1.0
 * @category models
 */
export type UnknownValue = (string | number) & Brand.Brand<"effect-switchyard/UnknownValue">

/**
 * An enum that tolerates values of later servers: the known literals, or the raw unknown value.
 *
 * @since 0.1.0
 * @category models
 */
export type OpenEnum<Known extends string> = Known | UnknownValue

/**
 * The schema of an open enum, with the literals it knows.
 *
 * @since 0.1.0
 * @category models
 */
export interface OpenEnumSchema<Known extends string> extends Schema.Schema<OpenEnum<Known>, string | number> {
  readonly known: ReadonlyArray<Known>
  readonly is: (value: unknown) => value is Known
}

const isRaw = (u: unknown): u is UnknownValue => typeof u === "string" || typeof u === "number"

/**
 * An open enum: decodes known literals and their synonyms to the literal, keeps everything else raw.
 *
 * With `protoNumbers` the number of an enum value is its place in `known`, as in proto3 JSON.
 *
 * @since 0.1.0
 * @category constructors
 */
export const openEnum = <const Known extends string>(
  identifier: string,
  known: ReadonlyArray<Known>,
  options?: { readonly synonyms?: Readonly<Record<string, Known>>; readonly protoNumbers?: boolean }
): OpenEnumSchema<Known> => {
  const members = new Set<unknown>(known)
  const is = (value: unknown): value is Known => members.has(value)
  const lookup = new Map<unknown, Known>(known.map((name) => [name, name]))
  if (options?.protoNumbers === true) known.forEach((name, index) => lookup.set(index, name))
  for (const [synonym, name] of Object.entries(options?.synonyms ?? {})) lookup.set(synonym, name)
  const schema = leaf<OpenEnum<Known>, string | number>(
    identifier,
    { enum: known },
    (raw) => lookup.get(raw) ?? (isRaw(raw) ? raw : undefined),
    (value) => value
  )
  return Object.assign(schema, { known, is })
}

/**
 * Under this annotation a node that is decoded by one function keeps it: `undefined` is what does not decode.
 *
 * @internal
 */
export const LeafId: unique symbol = Symbol.for("effect-switchyard/Wire/Leaf")

/**
 * Under this annotation a node that may be absent or null keeps what it then is, and what becomes of a value.
 *
 * @internal
 */
export const MemberId: unique symbol = Symbol.for("effect-switchyard/Wire/Member")

/** @internal */
export interface Member {
  readonly missing: () => unknown
  readonly present: (value: unknown) => unknown
}

const optionMember: Member = { missing: Option.none, present: Option.some }

/**
 * A value with one representation here and one on the wire, as a single node: the transformations of Schema check each
 * value twice and cost lists of tasks several times the parsing of their JSON. `decode` also gets values that are
 * decoded already, when Schema validates the type side.
 */
const leaf = <A, I>(
  identifier: string,
  jsonSchema: object,
  decode: (raw: unknown) => A | undefined,
  encode: (value: A) => I
): Schema.Schema<A, I> =>
  Schema.declare<A, I, readonly []>([], {
    decode: () => (raw, _, ast) => {
      const value = decode(raw)
      return value === undefined ? ParseResult.fail(new ParseResult.Type(ast, raw)) : ParseResult.succeed(value)
    },
    encode: () => (raw, _, ast) => {
      const value = decode(raw)
      return value === undefined ? ParseResult.fail(new ParseResult.Type(ast, raw)) : ParseResult.succeed(encode(value))
    }
  }, { identifier, jsonSchema, [LeafId]: decode })

const digits = /^[+-]?\d{1,20}$/

const int64 = (identifier: string, min: bigint, max: bigint): Schema.Schema<bigint, string | number> =>
  leaf<bigint, string | number>(
    identifier,
    { type: "string", pattern: "^[+-]?\\d{1,20}$" },
    (raw) => {
      if (typeof raw === "string" ? !digits.test(raw) : typeof raw !== "bigint" && !Number.isSafeInteger(raw)) {
        return undefined
      }
      const value = typeof raw === "bigint" ? raw : BigInt(String(raw))
      return value < min || value > max ? undefined : value
    },
    (value) => value.toString()
  )

/**
 * An unsigned 64-bit integer of proto3 JSON: a decimal string or an integer on the wire, a `bigint` here.
 *
 * @since 0.1.0
 * @category schemas
 */
export const UInt64 = int64("uint64", 0n, 18446744073709551615n)

/**
 * A signed 64-bit integer of proto3 JSON: a decimal string or an integer on the wire, a `bigint` here.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Int64 = int64("int64", -9223372036854775808n, 9223372036854775807n)

/**
 * Marks the schemas of members that may be `null`, for whoever writes documents from declarations.
 *
 * @since 0.1.0
 * @category annotations
 */
export const NullableId: unique symbol = Symbol.for("effect-switchyard/Wire/Nullable")

const decodeMember = <A>(
  decode: (u: unknown, options?: AST.ParseOptions) => Effect.Effect<A, ParseResult.ParseIssue>,
  raw: unknown,
  options: AST.ParseOptions
): Effect.Effect<Option.Option<A>, ParseResult.ParseIssue> => {
  if (raw === undefined || raw === null) return ParseResult.succeed(Option.none())
  // Schema validates the type side with the same function.
  if (Option.isOption(raw)) {
    return Option.isNone(raw)
      ? ParseResult.succeed(Option.none())
      : ParseResult.map(decode(raw.value, options), Option.some)
  }
  return ParseResult.map(decode(raw, options), Option.some)
}

/**
 * A member that may be absent. Absent and `null` decode to `None`; `None` is left out when encoding, never `null`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const absent = <A, I>(schema: Schema.Schema<A, I>): Schema.Schema<Option.Option<A>, I | undefined> =>
  Schema.declare<Option.Option<A>, I | undefined, readonly [Schema.Schema<A, I>]>([schema], {
    decode: (member) => {
      const decode = ParseResult.decodeUnknown(member)
      return (raw, options) => decodeMember(decode, raw, options)
    },
    encode: (member) => {
      const encode = ParseResult.encodeUnknown(member)
      return (raw, options, ast) => {
        if (!Option.isOption(raw)) return ParseResult.fail(new ParseResult.Type(ast, raw))
        return Option.isNone(raw) ? ParseResult.succeed(undefined) : encode(raw.value, options)
      }
    }
  }, { [MemberId]: optionMember })

/**
 * A member that senders may leave out when it has its default. It is always written when encoding.
 *
 * @since 0.1.0
 * @category constructors
 */
export const defaulted = <A, I>(
  schema: Schema.Schema<A, I>,
  value: () => NoInfer<A>
): Schema.Schema<A, I | undefined> =>
  Schema.declare<A, I | undefined, readonly [Schema.Schema<A, I>]>([schema], {
    decode: (member) => {
      const decode = ParseResult.decodeUnknown(member)
      return (raw, options) => raw === undefined || raw === null ? ParseResult.succeed(value()) : decode(raw, options)
    },
    encode: (member) => ParseResult.encodeUnknown(member)
  }, { [MemberId]: { missing: value, present: identity } satisfies Member })

/**
 * A member that may be `null`. Absent and `null` decode to `None`; `None` is written as `null`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const nullable = <A, I>(schema: Schema.Schema<A, I>): Schema.Schema<Option.Option<A>, I | null | undefined> =>
  Schema.declare<Option.Option<A>, I | null | undefined, readonly [Schema.Schema<A, I>]>([schema], {
    decode: (member) => {
      const decode = ParseResult.decodeUnknown(member)
      return (raw, options) => decodeMember(decode, raw, options)
    },
    encode: (member) => {
      const encode = ParseResult.encodeUnknown(member)
      return (raw, options, ast) => {
        if (!Option.isOption(raw)) return ParseResult.fail(new ParseResult.Type(ast, raw))
        return Option.isNone(raw) ? ParseResult.succeed(null) : encode(raw.value, options)
      }
    }
  }, { [NullableId]: true, [MemberId]: optionMember })

/**
 * An integer that is a JSON number on the wire, signed or not, of at most 53 bits.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Integer: Schema.Schema<number> = leaf<number, number>(
  "integer",
  { type: "integer" },
  (raw) => typeof raw === "number" && Number.isSafeInteger(raw) ? raw : undefined,
  (value) => value
)
