import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import * as Option from "effect/Option"
import { decodeState, encodeBoundary } from "../../../src/streams/cloacina/Boundary.js"

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex")
const encoded = (value: unknown) => Option.getOrThrow(encodeBoundary(value))

describe("frames of a reactor's cache", () => {
  it("are what the contract shows", () => {
    assert.deepStrictEqual([...encoded({ px: 7 })], [8, 0, 0, 0, 0, 0, 0, 0, 123, 34, 112, 120, 34, 58, 55, 125])
    assert.deepStrictEqual(decodeState("08000000000000007b227078223a377d"), { px: 7 })
    assert.deepStrictEqual(decodeState("08000000000000007B227078223A377D"), { px: 7 })
    assert.deepStrictEqual(decodeState("{\"px\":7}"), { px: 7 })
  })

  it.prop("come back as the JSON they were made of", [FastCheck.jsonValue()], ([value]) => {
    assert.deepStrictEqual(decodeState(hex(encoded(value))), JSON.parse(JSON.stringify(value)))
  })

  it.prop("begin with the number of bytes behind", [FastCheck.jsonValue()], ([value]) => {
    const frame = encoded(value)
    assert.strictEqual(Number(new DataView(frame.buffer).getBigUint64(0, true)), frame.length - 8)
    assert.deepStrictEqual(JSON.parse(new TextDecoder().decode(frame.subarray(8))), JSON.parse(JSON.stringify(value)))
  })

  it.prop("JSON text is read as JSON", [FastCheck.jsonValue()], ([value]) => {
    assert.deepStrictEqual(decodeState(JSON.stringify(value)), JSON.parse(JSON.stringify(value)))
  })

  it.prop("everything else stays what it is", [FastCheck.string()], ([text]) => {
    let expected: unknown = text
    try {
      expected = JSON.parse(text)
    } catch {
      // no JSON: the text itself
    }
    assert.deepStrictEqual(decodeState(text), expected)
  })

  it.prop(
    "a frame that is cut or spoilt is not read as one",
    [FastCheck.jsonValue(), FastCheck.nat()],
    ([value, cut]) => {
      const whole = hex(encoded({ value }))
      const part = whole.slice(0, 2 * (cut % (whole.length / 2)))
      assert.notDeepEqual(decodeState(part), JSON.parse(JSON.stringify({ value })))
      assert.strictEqual(decodeState(`0200000000000000fffe`), "0200000000000000fffe")
    }
  )

  it("are not made of what is no JSON", () => {
    const cycle: { self?: unknown } = {}
    cycle.self = cycle
    for (const value of [undefined, () => 1, Symbol("x"), 1n, cycle]) {
      assert.isTrue(Option.isNone(encodeBoundary(value)))
    }
  })
})
