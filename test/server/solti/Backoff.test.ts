import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Random from "effect/Random"
import type { BackoffStrategy } from "../../../src/schemas/solti/Tasks.js"
import * as Backoff from "../../../src/server/solti/Backoff.js"

const strategy = (
  jitter: BackoffStrategy["jitter"],
  firstMs: bigint,
  maxMs: bigint,
  factor: number
): BackoffStrategy => ({ jitter, firstMs, maxMs, factor })

const draws = (backoff: BackoffStrategy, failures: number) =>
  Effect.replicateEffect(Backoff.delay(backoff, failures), 400).pipe(Effect.withRandom(Random.make("seed")))

const anyBackoff = FastCheck.record({
  jitter: FastCheck.constantFrom<BackoffStrategy["jitter"]>(
    "JITTER_STRATEGY_NONE",
    "JITTER_STRATEGY_FULL",
    "JITTER_STRATEGY_EQUAL",
    "JITTER_STRATEGY_DECORRELATED"
  ),
  firstMs: FastCheck.bigInt({ min: 1n, max: 100_000n }),
  more: FastCheck.bigInt({ min: 0n, max: 18446744073709451615n }),
  factor: FastCheck.double({ min: 1, max: 1e6, noNaN: true })
})

describe("Backoff", () => {
  it("grows by the factor up to the maximum", () => {
    const backoff = strategy("JITTER_STRATEGY_NONE", 100n, 1000n, 2)
    assert.deepStrictEqual([0, 1, 2, 3, 4, 5].map((k) => Backoff.base(backoff, k)), [100, 200, 400, 800, 1000, 1000])
  })

  it("is the maximum where the power is not a number any more", () => {
    assert.strictEqual(Backoff.base(strategy("JITTER_STRATEGY_NONE", 1n, 70n, 1e300), 40), 70)
    const max = 18446744073709551615n
    assert.strictEqual(Backoff.base(strategy("JITTER_STRATEGY_NONE", max, max, 2), 3), Number.MAX_SAFE_INTEGER)
  })

  it.effect("without jitter is the base", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* Backoff.delay(strategy("JITTER_STRATEGY_NONE", 100n, 1000n, 1.5), 2), 225)
    }))

  it.effect("full jitter fills [0, base]", () =>
    Effect.gen(function*() {
      const seen = new Set(yield* draws(strategy("JITTER_STRATEGY_FULL", 4n, 1000n, 2), 1))
      assert.deepStrictEqual([...seen].sort(), [0, 1, 2, 3, 4, 5, 6, 7, 8])
    }))

  it.effect("equal jitter fills [half, 2 × half]", () =>
    Effect.gen(function*() {
      const seen = new Set(yield* draws(strategy("JITTER_STRATEGY_EQUAL", 9n, 1000n, 1), 0))
      assert.deepStrictEqual([...seen].sort(), [4, 5, 6, 7, 8])
    }))

  it.effect("decorrelated jitter fills [first, min(3 × base, max)]", () =>
    Effect.gen(function*() {
      const open = new Set(yield* draws(strategy("JITTER_STRATEGY_DECORRELATED", 2n, 1000n, 1), 0))
      assert.deepStrictEqual([...open].sort(), [2, 3, 4, 5, 6])
      const capped = new Set(yield* draws(strategy("JITTER_STRATEGY_DECORRELATED", 5n, 7n, 2), 4))
      assert.deepStrictEqual([...capped].sort(), [5, 6, 7])
      const single = new Set(yield* draws(strategy("JITTER_STRATEGY_DECORRELATED", 7n, 7n, 2), 4))
      assert.deepStrictEqual([...single], [7])
    }))

  it.effect.prop(
    "stays whole, and between 0 and the maximum",
    [anyBackoff, FastCheck.nat({ max: 500 })],
    ([raw, k]) =>
      Effect.gen(function*() {
        const backoff = { ...raw, maxMs: raw.firstMs + raw.more }
        const delay = yield* Backoff.delay(backoff, k)
        assert.isTrue(Number.isSafeInteger(delay))
        assert.isAtLeast(delay, 0)
        assert.isAtMost(delay, Number(backoff.maxMs))
      })
  )

  it.effect("is drawn with the Random service", () =>
    Effect.gen(function*() {
      const backoff = strategy("JITTER_STRATEGY_FULL", 1_000_000n, 1_000_000n, 1)
      assert.deepStrictEqual(yield* draws(backoff, 0), yield* draws(backoff, 0))
    }))
})
