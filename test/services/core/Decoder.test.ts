import { assert, describe, it } from "@effect/vitest"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { absent, defaulted, Int64, Integer, nullable, openEnum, UInt64 } from "../../../src/schemas/core/Wire.js"
import * as Decoder from "../../../src/services/core/Decoder.js"

class Tagged extends Schema.Class<Tagged>("Tagged")({ a: Schema.String }) {}

const Inner = Schema.Struct({ id: Schema.String, size: nullable(Integer) })

/** A member of every kind that wire models have, and of those that are left to Schema. */
const members = {
  text: Schema.String.pipe(Schema.brand("Text")),
  flag: Schema.Boolean,
  number: Schema.Number,
  anything: Schema.Unknown,
  literal: Schema.Literal("a"),
  literals: Schema.Literal("a", "b"),
  integer: Integer,
  signed: Int64,
  unsigned: UInt64,
  open: openEnum("Open", ["a", "b"], { protoNumbers: true }),
  nullable: nullable(Schema.String),
  absent: absent(Inner),
  defaulted: defaulted(Integer, () => 7),
  optional: Schema.optional(Schema.String),
  optionalNullable: Schema.optional(nullable(Schema.String)),
  withDefault: Schema.optionalWith(Schema.Number, { default: () => 1 }),
  list: Schema.Array(Inner),
  some: Schema.NonEmptyArray(Schema.String),
  pair: Schema.Tuple(Schema.String, Schema.Number),
  record: Schema.Record({ key: Schema.String, value: Integer }),
  either: Schema.Union(Inner, Schema.String),
  transformed: Schema.NumberFromString,
  filtered: Schema.String.pipe(Schema.minLength(2)),
  class: Tagged,
  empty: Schema.Struct({}),
  exact: Schema.Struct({ a: Schema.String }).annotations({ parseOptions: { onExcessProperty: "error" } })
}

/** JSON that is often what one of the members asks for, and often nearly so. */
const json = FastCheck.letrec<{ value: unknown }>((tie) => ({
  value: FastCheck.oneof(
    { depthSize: "small", withCrossShrink: true },
    FastCheck.constantFrom("a", "b", "", "12", "-3", null, true, 0, 1, -1, 1.5, 2 ** 60),
    FastCheck.array(tie("value"), { maxLength: 3 }),
    FastCheck.record({ id: tie("value"), size: tie("value"), a: tie("value") }, { requiredKeys: [] })
  )
})).value

describe("Decoder", () => {
  for (const [name, member] of Object.entries(members)) {
    const schema: Schema.Schema.AnyNoContext = Schema.Struct({ [name]: member })
    const decode = Decoder.make(schema.ast)
    const bySchema = Schema.decodeUnknownEither(schema)
    const described = Either.mapLeft(ParseResult.TreeFormatter.formatErrorSync)

    it.prop(
      `gives what Schema gives: ${name}`,
      [
        FastCheck.oneof({ weight: 9, arbitrary: json.map((value): unknown => ({ [name]: value, other: 1 })) }, {
          weight: 1,
          arbitrary: FastCheck.oneof(json, FastCheck.constant({}))
        })
      ],
      ([raw]) => assert.deepStrictEqual(described(decode(raw)), described(bySchema(raw))),
      { fastCheck: { numRuns: 200 } }
    )
  }

  it("decodes every member of a document and drops what is not declared", () => {
    const decode = Decoder.make(Schema.Struct({ items: Schema.Array(Inner), next: absent(Schema.String) }).ast)
    assert.deepStrictEqual(
      decode({ items: [{ id: "1", size: null, more: 1 }, { id: "2", size: 3 }], total: 2 }),
      Either.right({
        items: [{ id: "1", size: Option.none() }, { id: "2", size: Option.some(3) }],
        next: Option.none()
      })
    )
  })

  it("says where a document is not what was declared", () => {
    const decode = Decoder.make(Schema.Struct({ items: Schema.Array(Inner) }).ast)
    const error = Either.flip(decode({ items: [{ id: "1" }, { id: 2 }] }))
    assert.include(Either.getOrThrow(error).message, "Expected string, actual 2")
  })
})
