import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Cloacina from "../../../src/cloacina.js"

describe("a timestamp", () => {
  const decode = Schema.decodeUnknownSync(Cloacina.Timestamp)

  it("keeps every digit that the server wrote", () => {
    for (
      const text of [
        "2026-09-03T08:00:00Z",
        "2026-09-03T08:00:00.1+00:00",
        "2026-09-03T08:00:00.123456789-05:30"
      ]
    ) {
      assert.strictEqual(String(decode(text)), text)
      assert.strictEqual(Schema.encodeSync(Cloacina.Timestamp)(decode(text)), text)
    }
  })

  it("is a point in time, with Z or an offset and up to nine digits of a second", () => {
    const digits = ["", ".1", ".12", ".123", ".1234", ".12345", ".123456", ".1234567", ".12345678", ".123456789"]
    for (const fraction of digits) {
      const expected = Date.parse(`2026-09-03T08:00:00${fraction.slice(0, 4)}Z`)
      for (const [clock, offset] of [["08", "Z"], ["08", "+00:00"], ["10", "+02:00"], ["03", "-05:00"]]) {
        const time = Cloacina.timestampToDateTime(`2026-09-03T${clock}:00:00${fraction}${offset}`)
        assert.deepStrictEqual(Option.map(time, DateTime.toEpochMillis), Option.some(expected), `${fraction}${offset}`)
      }
    }
  })

  it("is none where the text is none", () => {
    for (const text of ["", "soon", "2026-09-03", "2026-09-03T08:00:00", "2026-13-03T08:00:00Z", "7"]) {
      assert.isTrue(Option.isNone(Cloacina.timestampToDateTime(text)), text)
    }
  })
})

describe("an integer", () => {
  const decode = Schema.decodeUnknownEither(Cloacina.AccumulatorInjected)
  const injected = (delivered: unknown) => decode({ accumulator: "ticks", delivered })

  it("is a number up to the greatest that loses no digit, and nothing else", () => {
    for (const delivered of [0, 1, Number.MAX_SAFE_INTEGER]) {
      assert.deepStrictEqual(injected(delivered), Either.right({ accumulator: "ticks", delivered }))
    }
    for (const delivered of [2 ** 53, 1.5, "1", null]) assert.isTrue(Either.isLeft(injected(delivered)))
  })
})

describe("an answer", () => {
  const tenant = { name: "north", username: "north" }
  const decode = Schema.decodeUnknownSync(Cloacina.TenantCreated)

  it("may lack what is nullable, and have what is not known", () => {
    for (const raw of [tenant, { ...tenant, description: null }, { ...tenant, description: null, region: { eu: 1 } }]) {
      assert.deepStrictEqual(decode(raw), { ...tenant, description: Option.none() })
    }
    assert.deepStrictEqual(decode({ ...tenant, description: "x" }).description, Option.some("x"))
  })
})

describe("the default of a slot", () => {
  const slot = { name: "region", schema: { type: "string" }, required: false, encrypted: false }
  const decode = Schema.decodeUnknownSync(Cloacina.InputSlot)

  it("is missing, or null, and the two are not the same", () => {
    assert.isFalse("default" in decode(slot))
    const declared = decode({ ...slot, default: null })
    assert.isTrue("default" in declared)
    assert.isNull(declared.default)
    for (const raw of [slot, { ...slot, default: null }, { ...slot, default: [1] }]) {
      assert.deepStrictEqual(Schema.encodeSync(Cloacina.InputSlot)(decode(raw)), raw)
    }
  })
})
