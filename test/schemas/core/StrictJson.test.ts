import { assert, describe, it } from "@effect/vitest"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import type { Reader } from "../../../src/schemas/core/StrictJson.js"
import { read } from "../../../src/schemas/core/StrictJson.js"

/** Reads everything, as a consumer that takes any document would. */
const anything = (reader: Reader): unknown => {
  switch (reader.peek()) {
    case "null":
      return reader.isNull() ? null : undefined
    case "boolean":
      return reader.boolean()
    case "number":
      return Number(reader.number())
    case "string":
      return reader.string()
    case "array": {
      const items: Array<unknown> = []
      reader.array(() => items.push(anything(reader)))
      return items
    }
    case "object": {
      const members: Array<[string, unknown]> = []
      reader.object((name) => members.push([name, anything(reader)]))
      return Object.fromEntries(members)
    }
  }
}

const refusal = (text: string, decoder: (reader: Reader) => unknown = anything): string =>
  Either.match(read(text, decoder), {
    onLeft: (refused) => refused.message,
    onRight: (value) => `accepted: ${JSON.stringify(value)}`
  })

describe("StrictJson", () => {
  it.prop("reads what JSON.stringify writes", [FastCheck.jsonValue(), FastCheck.constantFrom(undefined, 1, "\t")], (
    [value, indent]
  ) => {
    const text = JSON.stringify(value, null, indent)
    assert.deepStrictEqual(read(text, anything), Either.right(JSON.parse(text)))
  })

  it.prop("accepts and refuses what JSON.parse accepts and refuses", [
    FastCheck.oneof(
      FastCheck.string({ unit: FastCheck.constantFrom(..."{}[]:,\"\\/bu0019-+.eE tfn\n\u0001") }),
      FastCheck.tuple(FastCheck.json(), FastCheck.nat(), FastCheck.constantFrom(..."{}[]:,\"\\0-.e ")).map(
        ([text, at, letter]) => `${text.slice(0, at % (text.length + 1))}${letter}${text.slice(at % (text.length + 1))}`
      )
    )
  ], ([text]) => {
    let expected: Either.Either<unknown, string>
    try {
      expected = Either.right(JSON.parse(text))
    } catch {
      expected = Either.left("refused")
    }
    assert.deepStrictEqual(Either.mapLeft(read(text, anything), () => "refused"), expected)
  })

  it("shows every member and every number as it is written", () => {
    const names: Array<string> = []
    const tokens: Array<string> = []
    const text = "{\"a\":30000.0,\"a\":30000,\"\\u0061\":-0,\"b\":1E+2,\"c\":123456789012345678901234567890}"
    assert.isTrue(Either.isRight(read(text, (reader) =>
      reader.object((name) => {
        names.push(name)
        tokens.push(reader.number())
      }))))
    assert.deepStrictEqual(names, ["a", "a", "a", "b", "c"])
    assert.deepStrictEqual(tokens, ["30000.0", "30000", "-0", "1E+2", "123456789012345678901234567890"])
  })

  it("says where and why a text is no JSON", () => {
    assert.strictEqual(refusal(""), "EOF while parsing a value at line 1 column 0")
    assert.strictEqual(refusal("hello"), "expected value at line 1 column 1")
    assert.strictEqual(refusal("{\"a\":"), "a: EOF while parsing a value at line 1 column 5")
    assert.strictEqual(refusal("{\"a\""), "EOF while parsing an object at line 1 column 4")
    assert.strictEqual(refusal("{\n  \"a\": [1,\n 2 x]}"), "a: expected `,` or `]` at line 3 column 4")
    assert.strictEqual(refusal("{\"a\":[{\"b\":tru}]}"), "a[0].b: expected ident at line 1 column 15")
    assert.strictEqual(refusal("[1,]"), "trailing comma at line 1 column 4")
    assert.strictEqual(refusal("{1:2}"), "key must be a string at line 1 column 2")
    assert.strictEqual(refusal("{} x"), "trailing characters at line 1 column 4")
    assert.strictEqual(refusal("01"), "invalid number at line 1 column 2")
    assert.strictEqual(
      refusal("\"a\nb\""),
      "control character (\\u0000-\\u001F) found while parsing a string at line 2 column 0"
    )
    assert.strictEqual(refusal("\"\\ud800\""), "unexpected end of hex escape at line 1 column 8")
    assert.strictEqual(refusal("\"\\udc00\""), "lone leading surrogate in hex escape at line 1 column 7")
    assert.strictEqual(refusal("\"\\ud800\\u0041\""), "lone leading surrogate in hex escape at line 1 column 13")
    assert.strictEqual(refusal("\"\\x\""), "invalid escape at line 1 column 3")
    assert.strictEqual(refusal("\ufeff1"), "expected value at line 1 column 1")
  })

  it("says what was expected, and never which value it found", () => {
    const wanted: ReadonlyArray<readonly [string, (reader: Reader) => unknown, string]> = [
      ["\"secret\"", (reader) => reader.boolean(), "invalid type: string, expected a boolean at line 1 column 8"],
      ["-12", (reader) => reader.string(), "invalid type: integer, expected a string at line 1 column 3"],
      ["1.5", (reader) => reader.string("a name"), "invalid type: floating point, expected a name at line 1 column 3"],
      ["null", (reader) => reader.array(() => undefined), "invalid type: null, expected a sequence at line 1 column 4"],
      [" []", (reader) => reader.object(() => undefined), "invalid type: sequence, expected a map at line 1 column 1"],
      ["{}", (reader) => reader.number(), "invalid type: map, expected a number at line 1 column 0"]
    ]
    for (const [text, decoder, message] of wanted) assert.strictEqual(refusal(text, decoder), message)
  })

  it("shortens long names", () => {
    const message = refusal(`{"${"n".repeat(1000)}":x}`)
    assert.isBelow(message.length, 150)
  })

  it("skips values that it does not decode, wherever they are", () => {
    const skipped = (text: string) => refusal(text, (reader) => reader.object(() => reader.skip()))
    const values = ["1", "-1.5e3", "null", "true", "false", "\"a\\n\\u00e4\"", "[]", "{}", "[1,[],{\"b\":[{}]},\"]\"]"]
    for (const value of values) {
      assert.strictEqual(skipped(`{"a":${value},"b": ${value} }`).slice(0, 8), "accepted", value)
    }
    const deep = `${"[{\"a\":".repeat(100_000)}1${"}]".repeat(100_000)}`
    assert.strictEqual(skipped(`{"a":${deep}}`).slice(0, 8), "accepted")
    assert.strictEqual(skipped("{\"a\":[1 2]}"), "a: expected `,` or `]` at line 1 column 9")
    assert.strictEqual(skipped("{\"a\":{1:2}}"), "a: key must be a string at line 1 column 7")
    assert.strictEqual(skipped("{\"a\":[1"), "a: EOF while parsing a list at line 1 column 7")
    assert.strictEqual(skipped("{\"a\":\"\\x\"}"), "a: invalid escape at line 1 column 8")
  })

  it("bounds the depth", () => {
    assert.strictEqual(refusal(`${"[".repeat(127)}${"]".repeat(127)}`).slice(0, 8), "accepted")
    assert.match(refusal("[".repeat(1_000_000)), /recursion limit exceeded at line 1 column 128$/)
  })

  it("takes time in proportion to the text", () => {
    const discard = (reader: Reader): void => reader.object(() => void reader.string())
    const text = (size: number) =>
      `{"${"\\u00e9\\n".repeat(size)}":"${"x".repeat(20 * size)}"${`,\n"a":"b"`.repeat(size)}}`
    const timed = (run: () => void): number => {
      const start = performance.now()
      run()
      return performance.now() - start
    }
    // Against the built-in parser, in turns, so that other work on the machine slows both down.
    const ratio = (size: number) => {
      const document = text(size)
      const rounds = Array.from({ length: 9 }, () => ({
        ours: timed(() => assert.isTrue(Either.isRight(read(document, discard)))),
        builtIn: timed(() => void JSON.parse(document))
      }))
      return Math.min(...rounds.map(({ ours }) => ours)) / Math.min(...rounds.map(({ builtIn }) => builtIn))
    }
    ratio(2000)
    // 32 times the text: something quadratic would be 32 times as far behind.
    assert.isBelow(ratio(64_000), ratio(2000) * 12)
  })
})
