import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import * as Redacted from "effect/Redacted"
import * as CallOptions from "../../../src/services/core/CallOptions.js"

describe("merge", () => {
  it("lays the upper options over the lower ones, member by member", () => {
    const secret = Redacted.make("x")
    assert.deepStrictEqual(
      CallOptions.merge(
        { timeouts: { total: 1, idle: 2 }, retry: { maxRetries: 1, base: 5 }, headers: { a: "1", b: "2" } },
        { timeouts: { total: 3 }, retry: { maxRetries: 4 }, headers: { b: secret, c: "3" } }
      ),
      {
        timeouts: { total: 3, idle: 2 },
        retry: { maxRetries: 4, base: 5 },
        headers: { a: "1", b: secret, c: "3" }
      }
    )
  })

  it("takes a header for the same in every case", () => {
    const merged = CallOptions.merge({ headers: { "X-Tenant": "a" } }, { headers: { "x-tenant": "b" } })
    assert.deepStrictEqual(merged.headers, { "x-tenant": "b" })
    assert.deepStrictEqual(CallOptions.merge(merged, { headers: { "X-TENANT": "c" } }).headers, { "x-tenant": "c" })
  })

  it("lets what is undefined decide nothing", () => {
    const lower = { timeouts: { total: 1 }, retry: { maxRetries: 2 }, headers: { a: "1" } }
    assert.deepStrictEqual(CallOptions.merge(lower, {}), lower)
    assert.deepStrictEqual(
      CallOptions.merge(lower, { timeouts: { total: undefined }, retry: undefined, headers: undefined }),
      lower
    )
    assert.deepStrictEqual(CallOptions.merge({}, lower), lower)
  })
})

describe("resolve", () => {
  it("gives the documented defaults in ms", () => {
    assert.deepStrictEqual(CallOptions.resolve({}, { total: "10 seconds" }), {
      firstByteMs: Infinity,
      idleMs: Infinity,
      totalMs: 10_000,
      maxRetries: 2,
      baseMs: 500,
      capMs: 8000,
      maxRetryAfterMs: 60_000,
      headers: {}
    })
  })

  it("turns a time-out off", () => {
    assert.strictEqual(CallOptions.resolve({ timeouts: { total: Infinity } }, { total: 1 }).totalMs, Infinity)
  })
})

describe("withOptions", () => {
  it.effect("holds inside its region, under what the region inside says, and not behind it", () =>
    Effect.gen(function*() {
      const current = FiberRef.get(CallOptions.currentCallOptions)
      const inner = CallOptions.withOptions(current, { timeouts: { idle: 2 } })
      assert.deepStrictEqual((yield* CallOptions.withOptions(inner, { timeouts: { total: 1, idle: 1 } })).timeouts, {
        total: 1,
        idle: 2
      })
      assert.deepStrictEqual(yield* current, {})
    }))
})
