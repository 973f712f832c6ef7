import { describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert } from "vitest"
import { advance, passing } from "../../../src/testing/core/VirtualTime.js"

/** Somebody who takes his time before he goes to sleep. */
const dawdling = (turns: number) =>
  Effect.promise(() => new Promise((resolve) => setImmediate(resolve))).pipe(Effect.repeatN(turns))

describe("advance", () => {
  it.effect("waits for those who are on their way to their sleep", () =>
    Effect.gen(function*() {
      const fiber = yield* Effect.fork(Effect.zipRight(dawdling(2), Effect.delay(Clock.currentTimeMillis, "1 hour")))
      yield* advance("1 hour")
      assert.deepStrictEqual(yield* Fiber.join(fiber), 3_600_000)
    }))

  it.effect("wakes who goes to sleep on the way, each at his time, and nobody too early", () =>
    Effect.gen(function*() {
      const woken: Array<number> = []
      const fiber = yield* Effect.fork(
        Effect.sleep("10 seconds").pipe(
          Effect.zipRight(Clock.currentTimeMillis),
          Effect.tap((now) => Effect.sync(() => woken.push(now))),
          Effect.forever
        )
      )
      yield* advance("35 seconds")
      assert.deepStrictEqual(woken, [10_000, 20_000, 30_000])
      assert.strictEqual(yield* Clock.currentTimeMillis, 35_000)
      yield* Fiber.interrupt(fiber)
    }))
})

describe("advance, while time passes by itself", () => {
  it.effect("turns the clock by so much, whoever else would wake behind that", () =>
    Effect.gen(function*() {
      for (let round = 0; round < 10; round++) {
        yield* Effect.scoped(Effect.gen(function*() {
          yield* passing()
          yield* Effect.forkScoped(Effect.forever(Effect.sleep("5 hours")))
          const from = yield* Clock.currentTimeMillis
          yield* advance("72 hours")
          assert.strictEqual((yield* Clock.currentTimeMillis) - from, 72 * 3_600_000)
        }))
      }
    }))
})

describe("passing", () => {
  it.effect("brings a program that only waits to its end, and stops there", () =>
    Effect.gen(function*() {
      const nap = Effect.delay(Clock.currentTimeMillis, "1 day")
      const woken = yield* Effect.scoped(Effect.zipRight(passing(), Effect.all([nap, nap, nap])))
      assert.deepStrictEqual(woken, [1, 2, 3].map((day) => day * 86_400_000))
      const late = yield* Effect.fork(nap)
      yield* dawdling(20)
      assert.isTrue(Option.isNone(yield* Fiber.poll(late)))
      yield* Fiber.interrupt(late)
    }))

  it.scoped("lets the earlier of two win", () =>
    Effect.gen(function*() {
      yield* passing()
      const slow = Effect.delay(Effect.succeed("slow"), "3 seconds")
      assert.strictEqual(yield* Effect.race(slow, Effect.delay(Effect.succeed("fast"), "2 seconds")), "fast")
      assert.deepStrictEqual(yield* Effect.timeoutOption(slow, "2 seconds"), Option.none())
      assert.strictEqual(yield* Clock.currentTimeMillis, 4_000)
    }))

  it.scoped("waits for real work on files", () =>
    Effect.gen(function*() {
      yield* passing()
      const slept = yield* Effect.fork(Effect.sleep("1 hour"))
      yield* Effect.promise(async () => {
        const directory = await mkdtemp(join(tmpdir(), "switchyard-time-"))
        for (let count = 0; count < 50; count++) await writeFile(join(directory, "file"), "x".repeat(100_000))
        await rm(directory, { recursive: true })
      })
      assert.strictEqual(yield* Clock.currentTimeMillis, 0)
      yield* Fiber.join(slept)
      assert.strictEqual(yield* Clock.currentTimeMillis, 3_600_000)
    }))

  it.scoped("does not take somebody for idle who shows that he is not", () =>
    Effect.gen(function*() {
      let calls = 0
      yield* passing(() => calls)
      const slept = yield* Effect.fork(Effect.sleep("1 hour"))
      yield* Effect.repeatN(Effect.zipRight(dawdling(1), Effect.sync(() => calls++)), 50)
      assert.strictEqual(yield* Clock.currentTimeMillis, 0)
      yield* Fiber.interrupt(slept)
    }))

  it.scoped("never turns the clock back when somebody else turns it too", () =>
    Effect.gen(function*() {
      yield* Effect.fork(Effect.sleep("1 minute"))
      yield* passing()
      yield* TestClock.adjust("1 hour")
      yield* dawdling(20)
      assert.isAtLeast(yield* Clock.currentTimeMillis, 3_600_000)
    }))

  it.scopedLive("leaves the real clock alone", () =>
    Effect.gen(function*() {
      yield* passing()
      const slept = yield* Effect.fork(Effect.sleep("1 hour"))
      yield* dawdling(20)
      assert.isTrue(Option.isNone(yield* Fiber.poll(slept)))
      yield* Fiber.interrupt(slept)
    }))
})
