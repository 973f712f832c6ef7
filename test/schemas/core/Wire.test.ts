import { assert, describe, it } from "@effect/vitest"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { absent, defaulted, Int64, openEnum, UInt64 } from "../../../src/schemas/core/Wire.js"

const maxUInt64 = 2n ** 64n - 1n

describe("64-bit integers", () => {
  const decoded = (schema: Schema.Schema<bigint, string | number>, raw: unknown) =>
    Either.getOrUndefined(Schema.decodeUnknownEither(schema)(raw))

  it.prop("decode from decimal strings and go back to them, every digit", [
    FastCheck.bigInt({ min: 0n, max: maxUInt64 })
  ], ([n]) => decoded(UInt64, n.toString()) === n && Schema.encodeSync(UInt64)(n) === n.toString())

  it.prop(
    "are signed or not",
    [FastCheck.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })],
    ([n]) =>
      decoded(Int64, n.toString()) === n && Schema.encodeSync(Int64)(n) === n.toString()
      && (decoded(UInt64, n.toString()) === (n < 0n ? undefined : n))
  )

  it("decode from integers, signs and leading zeros", () => {
    assert.strictEqual(decoded(UInt64, 5), 5n)
    assert.strictEqual(decoded(UInt64, Number.MAX_SAFE_INTEGER), 9007199254740991n)
    assert.strictEqual(decoded(UInt64, "+7"), 7n)
    assert.strictEqual(decoded(UInt64, "0007"), 7n)
    assert.strictEqual(decoded(Int64, -5), -5n)
  })

  it("refuse what is no integer of 64 bits, and numbers that have lost digits", () => {
    for (
      const raw of [
        "",
        " 5",
        "5 ",
        "5.0",
        "5e3",
        "0x5",
        "abc",
        "-1",
        maxUInt64 + 1n + "",
        1.5,
        NaN,
        -1,
        2 ** 53,
        null,
        {},
        true
      ]
    ) {
      assert.strictEqual(decoded(UInt64, raw), undefined, String(raw))
    }
    for (const raw of [(2n ** 63n).toString(), (-(2n ** 63n) - 1n).toString()]) {
      assert.strictEqual(decoded(Int64, raw), undefined, raw)
    }
  })

  it("are not encoded when they do not fit", () => {
    assert.isTrue(Either.isLeft(Schema.encodeEither(UInt64)(-1n)))
    assert.isTrue(Either.isLeft(Schema.encodeEither(UInt64)(maxUInt64 + 1n)))
  })
})

describe("open enums", () => {
  const Colour = openEnum("Colour", ["NONE", "RED", "BLUE"], { protoNumbers: true, synonyms: { CRIMSON: "RED" } })
  const decode = Schema.decodeUnknownSync(Colour)

  it("know names, numbers and synonyms", () => {
    assert.deepStrictEqual(["RED", 2, "CRIMSON", 0].map((raw) => decode(raw)), ["RED", "BLUE", "RED", "NONE"])
    assert.deepStrictEqual(Colour.known, ["NONE", "RED", "BLUE"])
    assert.isTrue(Colour.is("RED"))
    assert.isFalse(Colour.is("CRIMSON"))
  })

  it.prop("keep every other name and number as it is", [
    FastCheck.oneof(FastCheck.string(), FastCheck.integer({ min: 3 }))
  ], ([raw]) => {
    const known = Colour.is(raw) || raw === "CRIMSON"
    return known ||
      (Object.is(decode(raw), raw) && Object.is(Schema.encodeSync(Colour)(decode(raw)), raw) && !Colour.is(raw))
  })

  it("are names or numbers, nothing else", () => {
    for (const raw of [null, undefined, true, {}, []]) {
      assert.isTrue(Either.isLeft(Schema.decodeUnknownEither(Colour)(raw)))
    }
  })

  it("have numbers only where they are told to", () => {
    const Plain = openEnum("Plain", ["A", "B"])
    assert.strictEqual(Number(Schema.decodeUnknownSync(Plain)(1)), 1)
  })
})

describe("members", () => {
  const Model = Schema.Struct({ maybe: absent(UInt64), list: defaulted(Schema.Array(Schema.String), () => []) })
  const decode = Schema.decodeUnknownSync(Model)
  const json = (model: typeof Model.Type) => JSON.stringify(Schema.encodeSync(Model)(model))

  it("absent and null are none, and none is left out", () => {
    for (const raw of [{}, { maybe: null }, { maybe: undefined }]) {
      assert.deepStrictEqual(decode(raw).maybe, Option.none())
    }
    assert.strictEqual(json({ maybe: Option.none(), list: [] }), "{\"list\":[]}")
  })

  it("present is some, 0 included", () => {
    assert.deepStrictEqual(decode({ maybe: "0" }).maybe, Option.some(0n))
    assert.strictEqual(json({ maybe: Option.some(0n), list: ["a"] }), "{\"maybe\":\"0\",\"list\":[\"a\"]}")
  })

  it("a default stands in for absent and null, and is always written", () => {
    for (const raw of [{}, { list: null }, { list: [] }]) assert.deepStrictEqual(decode(raw).list, [])
    assert.deepStrictEqual(decode({ list: ["a"] }).list, ["a"])
  })

  it("of another type are refused", () => {
    for (const raw of [{ maybe: "x" }, { maybe: {} }, { list: "a" }, { list: [1] }]) {
      assert.isTrue(Either.isLeft(Schema.decodeUnknownEither(Model)(raw)))
    }
  })

  it("unknown ones are ignored", () => {
    assert.deepStrictEqual(decode({ later: 1 }), { maybe: Option.none(), list: [] })
  })
})
