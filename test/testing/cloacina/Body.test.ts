/** What the framework of the server says to bodies and parameters that it cannot read. */
import { describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as fc from "effect/FastCheck"
import { assert } from "vitest"
import { BodyTooLarge } from "../../../src/server/core/Front.js"
import * as Body from "../../../src/testing/cloacina/Body.js"
import type { Call } from "../../../src/testing/cloacina/Handler.js"

const call = (body: string | Uint8Array, options: { readonly type?: string; readonly target?: string } = {}): Call => ({
  request: {
    method: "POST",
    target: options.target ?? "/",
    headers: { "content-type": options.type ?? "application/json" },
    bytes: (limit) => {
      const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body
      return bytes.length > limit ? Effect.fail(new BodyTooLarge({ limit })) : Effect.succeed(bytes)
    }
  },
  param: () => "",
  query: () => undefined,
  tenant: "",
  identity: { keyId: "", name: "", tenant: undefined, role: "read", level: "read", isGod: false }
})

interface Sample {
  readonly name: string
  readonly count: number
  readonly tags: ReadonlyArray<string>
  readonly mode: "a" | "b"
  readonly note: string | undefined
  readonly fields: Readonly<Record<string, string>>
}

const Sample = Body.object<Sample>("Sample", {
  name: Body.string,
  count: Body.withDefault(Body.integer("u32"), 7),
  tags: Body.withDefault(Body.array(Body.string), []),
  mode: Body.withDefault(Body.oneOf("a", "b"), "a"),
  note: Body.optional(Body.string),
  fields: Body.withDefault(Body.record(Body.string), {})
})

const shape = "Failed to deserialize the JSON body into the target type: "
const syntax = "Failed to parse the request body as JSON: "

const refusals: ReadonlyArray<readonly [text: string, status: number, answer: string]> = [
  ["{}", 422, `${shape}missing field \`name\` at line 1 column 2`],
  ["{\n  \"note\": \"x\"\n}", 422, `${shape}missing field \`name\` at line 3 column 1`],
  ["[]", 422, `${shape}invalid length 0, expected struct Sample with 6 elements at line 1 column 2`],
  ["[1]", 422, `${shape}[0]: invalid type: integer \`1\`, expected a string at line 1 column 2`],
  ["[\"a\",1,[],\"a\",null,{},7]", 400, `${syntax}trailing characters at line 1 column 23`],
  ["-0", 422, `${shape}invalid type: floating point \`-0.0\`, expected struct Sample at line 1 column 2`],
  [
    "18446744073709551616",
    422,
    `${shape}invalid type: floating point \`1.8446744073709552e+19\`, expected struct Sample at line 1 column 20`
  ],
  ["1e400", 400, `${syntax}number out of range at line 1 column 5`],
  ["{\"name\"}", 400, `${syntax}expected \`:\` at line 1 column 8`],
  ["\u00a0{}", 400, `${syntax}expected value at line 1 column 1`],
  ["{\"name\":\"\\ud800\"}", 400, `${syntax}name: unexpected end of hex escape at line 1 column 16`],
  ["{\"name\":\"\\u12\"}", 400, `${syntax}name: invalid escape at line 1 column 15`],
  ["{\"other\":1.}", 400, `${syntax}other: invalid number at line 1 column 12`],
  [
    "{\"other\":\"\u0001\"}",
    400,
    `${syntax}other: control character (\\u0000-\\u001F) found while parsing a string at line 1 column 10`
  ],
  ["{\"mode\":{\"b\":1}}", 422, `${shape}mode.b: invalid type: integer \`1\`, expected unit at line 1 column 14`],
  ["\"x\"", 422, `${shape}invalid type: string "x", expected struct Sample at line 1 column 3`],
  ["{\"name\":null}", 422, `${shape}name: invalid type: null, expected a string at line 1 column 12`],
  ["{\"name\":true}", 422, `${shape}name: invalid type: boolean \`true\`, expected a string at line 1 column 12`],
  ["{\"name\":1.50}", 422, `${shape}name: invalid type: floating point \`1.5\`, expected a string at line 1 column 12`],
  ["{\"name\":{}}", 422, `${shape}name: invalid type: map, expected a string at line 1 column 8`],
  [
    "{\"name\":\"\",\"count\":-1}",
    422,
    `${shape}count: invalid value: integer \`-1\`, expected u32 at line 1 column 21`
  ],
  [
    "{\"count\":4294967296}",
    422,
    `${shape}count: invalid value: integer \`4294967296\`, expected u32 at line 1 column 19`
  ],
  ["{\"count\":1.0}", 422, `${shape}count: invalid type: floating point \`1.0\`, expected u32 at line 1 column 12`],
  ["{\"count\":\"a\\\"b\"}", 422, `${shape}count: invalid type: string "a\\"b", expected u32 at line 1 column 15`],
  ["{\"tags\":null}", 422, `${shape}tags: invalid type: null, expected a sequence at line 1 column 12`],
  ["{\"tags\":[\"a\",1]}", 422, `${shape}tags[1]: invalid type: integer \`1\`, expected a string at line 1 column 14`],
  [
    "{\"fields\":{\"a\":1}}",
    422,
    `${shape}fields.a: invalid type: integer \`1\`, expected a string at line 1 column 16`
  ],
  ["{\"mode\":\"c\"}", 422, `${shape}mode: unknown variant \`c\`, expected \`a\` or \`b\` at line 1 column 11`],
  ["{\"name\":\"a\",\"name\":\"b\"}", 422, `${shape}duplicate field \`name\` at line 1 column 18`],
  ["{\"mode\":null}", 400, `${syntax}mode: expected value at line 1 column 9`],
  ["{\"mode\":7}", 400, `${syntax}mode: expected value at line 1 column 9`],
  ["", 400, `${syntax}EOF while parsing a value at line 1 column 0`],
  ["{\"name\":\"x\"", 400, `${syntax}EOF while parsing an object at line 1 column 11`],
  ["{\"name\":\"x\"} x", 400, `${syntax}trailing characters at line 1 column 14`],
  [
    "{\"näme\":\"ü\",\"name\":1}",
    422,
    `${shape}name: invalid type: integer \`1\`, expected a string at line 1 column 22`
  ]
]

describe("read", () => {
  it.effect("fills in what is missing and ignores what is not known", () =>
    Effect.gen(function*() {
      const read = yield* Body.read(call("{\"name\":\"x\",\"note\":null,\"other\":[{\"a\":[1,true]}]}"), Sample)
      assert.deepStrictEqual(read, { name: "x", note: undefined, count: 7, tags: [], mode: "a", fields: {} })
    }))

  it.effect("reads the members one behind the other in an array, and an enum as an object", () =>
    Effect.gen(function*() {
      const all = yield* Body.read(call("[\"x\",1,[],{\"b\":null},null,{}]"), Sample)
      assert.deepStrictEqual(all, { name: "x", count: 1, tags: [], mode: "b", note: undefined, fields: {} })
      const defaults = yield* Body.read(call("[\"x\"]"), Sample)
      assert.deepStrictEqual(defaults, { name: "x", note: undefined, count: 7, tags: [], mode: "a", fields: {} })
    }))

  it.effect("does not look into what it ignores", () =>
    Effect.gen(function*() {
      for (const other of ["1e999", "\"\\ud800\"", `${"[".repeat(1000)}{"a":{}}${"]".repeat(1000)}`]) {
        assert.strictEqual((yield* Body.read(call(`{"other":${other},"name":"x"}`), Sample)).name, "x")
      }
      const deep = yield* Effect.flip(
        Body.read(call(`{"tags":${"[".repeat(127)}`), Body.object("Deep", { tags: Body.any }))
      )
      assert.match(deep.text, /: recursion limit exceeded at line 1 column 135$/)
    }))

  it.effect("refuses texts that are no UTF-8, but none that it ignores", () =>
    Effect.gen(function*() {
      const bytes = (before: string, behind: string) =>
        Uint8Array.from([...new TextEncoder().encode(before), 0xff, ...new TextEncoder().encode(behind)])
      const { status, text } = yield* Effect.flip(Body.read(call(bytes("{\"name\":\"ü", "\"}")), Sample))
      assert.strictEqual(text, `${syntax}name: invalid unicode code point at line 1 column 12`)
      assert.strictEqual(status, 400)
      assert.strictEqual((yield* Body.read(call(bytes("{\"other\":\"", "\",\"name\":\"x\"}")), Sample)).name, "x")
    }))

  for (const [text, status, answer] of refusals) {
    it.effect(`refuses ${text === "" ? "nothing" : text}`, () =>
      Effect.gen(function*() {
        const { status: found, text: said } = yield* Effect.flip(Body.read(call(text), Sample))
        assert.strictEqual(said, answer)
        assert.strictEqual(found, status)
      }))
  }

  it.effect("reads JSON of every media type and no other", () =>
    Effect.gen(function*() {
      for (const type of ["application/json", "Application/JSON; charset=utf-8", "application/problem+json"]) {
        assert.strictEqual((yield* Body.read(call("{\"name\":\"x\"}", { type }), Sample)).name, "x")
      }
      for (const type of ["text/plain", "", "application/jsonx", "application/x-www-form-urlencoded"]) {
        const { status, text } = yield* Effect.flip(Body.read(call("{}", { type }), Sample))
        assert.strictEqual(status, 415)
        assert.strictEqual(text, "Expected request with `Content-Type: application/json`")
      }
    }))

  it.effect.prop("gives any JSON back", [fc.json()], ([text]) =>
    Effect.gen(function*() {
      assert.deepEqual(yield* Body.read(call(text), Body.any), JSON.parse(text))
    }))
})

describe("queryInteger", () => {
  const cases: ReadonlyArray<readonly [query: string, found: number | string | undefined]> = [
    ["", undefined],
    ["limit=5", 5],
    ["limit=%2B5", 5],
    ["limit=-5", -5],
    ["limit=abc", "limit: invalid digit found in string"],
    ["limit=", "limit: cannot parse integer from empty string"],
    ["limit=9223372036854775808", "limit: number too large to fit in target type"],
    ["limit=-9223372036854775809", "limit: number too small to fit in target type"],
    ["limit=1&limit=2", "duplicate field `limit`"]
  ]

  for (const [query, found] of cases) {
    it(query === "" ? "is not needed" : query, () => {
      const read = Body.queryInteger(call("", { target: `/x?${query}` }), "limit", "i64")
      assert.deepStrictEqual(
        Either.mapLeft(read, ({ status, text }) => `${status} ${text}`),
        typeof found === "string"
          ? Either.left(`400 Failed to deserialize query string: ${found}`)
          : Either.right(found)
      )
    })
  }

  it("knows types without a sign", () => {
    const read = Body.queryInteger(call("", { target: "/x?limit=-1" }), "limit", "u64")
    assert.deepStrictEqual(
      Either.mapLeft(read, ({ text }) => text),
      Either.left("Failed to deserialize query string: limit: invalid digit found in string")
    )
  })
})
