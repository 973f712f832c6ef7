import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import * as CallOptions from "../../../src/services/core/CallOptions.js"
import * as Retry from "../../../src/services/core/Retry.js"
import * as Solti from "../../../src/solti.js"
import * as Memory from "../support/Memory.js"

const spec = Solti.command("true", [], { slot: "s", timeout: "1 second" })

/** How often each kind of call is sent while the server does this every time. */
const sentUnder = (reply: () => Memory.Reply, options?: CallOptions.CallOptions) =>
  Effect.gen(function*() {
    const { sent, tasks } = Memory.solti(reply, options === undefined ? {} : { options })
    const service = yield* tasks
    const calls = [service.get("t"), service.delete("t"), service.submit(spec)]
    const counts: Array<number> = []
    for (const call of calls) {
      const before = sent.length
      yield* Memory.running(Effect.exit<unknown, unknown, never>(call))
      counts.push(sent.length - before)
    }
    return counts
  })

const status = (code: number, headers?: Record<string, string>) => () => Memory.json(code, {}, headers)

describe("what is sent again", () => {
  const table: ReadonlyArray<{
    readonly name: string
    readonly reply: () => Memory.Reply
    /** Sent with GET, DELETE, POST. */
    readonly sent: ReadonlyArray<number>
  }> = [
    { name: "connection reset", reply: () => "reset", sent: [3, 3, 1] },
    { name: "no answer (time-out)", reply: () => "silent", sent: [3, 1, 1] },
    { name: "400", reply: status(400), sent: [1, 1, 1] },
    { name: "401", reply: status(401), sent: [1, 1, 1] },
    { name: "403", reply: status(403), sent: [1, 1, 1] },
    { name: "404", reply: status(404), sent: [1, 1, 1] },
    { name: "405", reply: status(405), sent: [1, 1, 1] },
    { name: "408", reply: status(408), sent: [3, 1, 1] },
    { name: "409", reply: status(409), sent: [1, 1, 1] },
    { name: "413", reply: status(413), sent: [1, 1, 1] },
    { name: "418", reply: status(418), sent: [1, 1, 1] },
    { name: "429", reply: status(429), sent: [3, 1, 1] },
    { name: "500", reply: status(500), sent: [3, 1, 1] },
    { name: "502", reply: status(502), sent: [3, 1, 1] },
    { name: "503", reply: status(503), sent: [3, 3, 1] },
    { name: "504", reply: status(504), sent: [3, 1, 1] },
    { name: "507", reply: status(507), sent: [3, 1, 1] },
    { name: "302", reply: status(302), sent: [1, 1, 1] },
    { name: "200 that is not JSON", reply: () => new Response("<html>"), sent: [1, 1, 1] },
    { name: "503, x-should-retry: false", reply: status(503, { "x-should-retry": "false" }), sent: [1, 1, 1] },
    { name: "503, x-should-retry: true", reply: status(503, { "x-should-retry": "true" }), sent: [3, 3, 1] },
    { name: "409, x-should-retry: true", reply: status(409, { "x-should-retry": "true" }), sent: [1, 1, 1] },
    { name: "503, Retry-After: 0", reply: status(503, { "retry-after": "0" }), sent: [3, 3, 1] },
    { name: "503, Retry-After: 60", reply: status(503, { "retry-after": "60" }), sent: [3, 3, 1] },
    { name: "503, Retry-After: 61", reply: status(503, { "retry-after": "61" }), sent: [1, 1, 1] },
    { name: "500, Retry-After: 61", reply: status(500, { "retry-after": "61" }), sent: [1, 1, 1] },
    { name: "429, Retry-After that is none", reply: status(429, { "retry-after": "soon" }), sent: [3, 1, 1] }
  ]

  it.effect.each(table)("$name: GET, DELETE, POST", ({ reply, sent }) =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* sentUnder(reply), sent)
    }))

  it.effect("nothing for a number that is none", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* sentUnder(() => "reset", { retry: { maxRetries: NaN } }), [1, 1, 1])
    }))

  it.effect("maxRetries of the layer, the region, the call", () =>
    Effect.gen(function*() {
      const { sent, tasks } = Memory.solti(() => "reset", { options: { retry: { maxRetries: 1 } } })
      const { get } = yield* tasks
      const count = (call: ReturnType<typeof get>) =>
        Effect.gen(function*() {
          const before = sent.length
          yield* Memory.running(Effect.exit(call))
          return sent.length - before
        })
      const region = CallOptions.withOptions({ retry: { maxRetries: 3 } })
      assert.strictEqual(yield* count(get("t")), 2)
      assert.strictEqual(yield* count(region(get("t"))), 4)
      assert.strictEqual(yield* count(region(get("t", { retry: { maxRetries: 5 } }))), 6)
      assert.strictEqual(yield* count(region(get("t", { retry: { base: "1 millis" } }))), 4)
      assert.strictEqual(yield* count(region(CallOptions.withOptions(get("t"), { retry: { maxRetries: 0 } }))), 1)
    }))

  it.effect("a request that was never valid is not sent at all", () =>
    Effect.gen(function*() {
      const { sent, tasks } = Memory.solti(() => "reset")
      const { get } = yield* tasks
      assert.strictEqual((yield* Effect.flip(get("..")))._tag, "InvalidInput")
      assert.strictEqual(sent.length, 0)
    }))

  it.effect("an answer in time ends the retries", () =>
    Effect.gen(function*() {
      const replies: Array<Memory.Reply> = ["reset", Memory.json(503, {}), Memory.json(200, {})]
      const { sent, tasks } = Memory.solti((_, index) => replies[index] ?? "silent")
      const { get } = yield* tasks
      assert.isTrue(Option.isNone(yield* Memory.running(get("t"))))
      assert.strictEqual(sent.length, 3)
    }))
})

describe("when it is sent again", () => {
  /** The moments in ms at which a request was sent. */
  const moments = (reply: () => Memory.Reply, options?: CallOptions.CallOptions) =>
    Effect.gen(function*() {
      const at: Array<number> = []
      const { tasks } = Memory.solti(() =>
        Effect.map(Effect.clockWith((clock) => clock.currentTimeMillis), (now) => {
          at.push(now)
          return reply()
        })
      )
      const { get } = yield* tasks
      yield* Memory.running(Effect.exit(get("t", options)))
      return at
    })

  it.effect("half a second, then one, each shortened by up to a quarter", () =>
    Effect.gen(function*() {
      const [first = 0, second = 0, third = 0] = yield* moments(() => "reset")
      assert.isAtLeast(second - first, 375)
      assert.isAtMost(second - first, 500)
      assert.isAtLeast(third - second, 750)
      assert.isAtMost(third - second, 1000)
    }))

  it.effect("no longer than the cap", () =>
    Effect.gen(function*() {
      const at = yield* moments(() => "reset", { retry: { maxRetries: 6, base: "1 second", cap: "2 seconds" } })
      assert.strictEqual(at.length, 7)
      for (let i = 2; i < at.length; i++) assert.isAtMost((at[i] ?? 0) - (at[i - 1] ?? 0), 2000)
    }))

  it.effect("what Retry-After says, in seconds", () =>
    Effect.gen(function*() {
      const [first = 0, second = 0] = yield* moments(status(429, { "retry-after": "7" }))
      assert.strictEqual(second - first, 7000)
    }))

  it.effect("what Retry-After says, as a date", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(Date.parse("Sun, 22 Nov 2026 10:00:00 GMT"))
      const [first = 0, second = 0] = yield* moments(
        status(503, { "retry-after": "Sun, 22 Nov 2026 10:00:30 GMT" }),
        { retry: { maxRetries: 1 } }
      )
      assert.strictEqual(second - first, 30_000)
    }))

  it.effect("not at all when the date is too far away", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(Date.parse("Sun, 22 Nov 2026 10:00:00 GMT"))
      const at = yield* moments(status(503, { "retry-after": "Sun, 22 Nov 2026 10:01:01 GMT" }))
      assert.strictEqual(at.length, 1)
    }))

  it.effect("10 s for a call and 70 s for a DELETE, each attempt by itself", () =>
    Effect.gen(function*() {
      const { sent, tasks } = Memory.solti(() => "silent", { options: { retry: { maxRetries: 0 } } })
      const service = yield* tasks
      for (const [call, limit] of [[service.get("t"), 10], [service.delete("t"), 70]] as const) {
        const fiber = yield* Effect.fork(Effect.flip<unknown, Solti.ReadError, never>(call))
        yield* TestClock.adjust(Duration.millis(limit * 1000 - 1))
        assert.isTrue(Option.isNone(yield* Fiber.poll(fiber)))
        yield* TestClock.adjust("1 millis")
        const error = yield* Fiber.join(fiber)
        assert.strictEqual(error._tag, "Timeout")
        if (error._tag === "Timeout") {
          assert.strictEqual(error.kind, "total")
          assert.strictEqual(error.limitMs, limit * 1000)
        }
      }
      assert.strictEqual(sent.length, 2)
    }))

  it.effect("interruption ends the wait for another try", () =>
    Effect.gen(function*() {
      const { sent, tasks } = Memory.solti(() => "reset")
      const { get } = yield* tasks
      const fiber = yield* Effect.fork(get("t"))
      yield* TestClock.adjust("1 millis")
      yield* Fiber.interrupt(fiber)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(sent.length, 1)
    }))
})

describe("parseRetryAfter", () => {
  const now = Date.parse("2026-11-22T10:00:00Z")

  it("reads seconds and dates, and nothing else", () => {
    const table: ReadonlyArray<readonly [string | undefined, number | undefined]> = [
      [undefined, undefined],
      ["", undefined],
      ["0", 0],
      ["5", 5000],
      [" 5 ", 5000],
      ["1.5", 1500],
      ["-5", undefined],
      ["5 seconds", undefined],
      ["soon", undefined],
      ["NaN", undefined],
      ["Infinity", undefined],
      ["Sun, 22 Nov 2026 10:00:05 GMT", 5000],
      ["Sunday, 22-Nov-26 10:00:05 GMT", 5000],
      ["Sun, 22 Nov 2026 09:00:00 GMT", 0]
    ]
    for (const [text, expected] of table) assert.strictEqual(Retry.parseRetryAfter(text, now), expected, String(text))
  })

  it.prop("never gives a negative or endless wait", [FastCheck.string()], ([text]) => {
    const wait = Retry.parseRetryAfter(text, now)
    return wait === undefined || (wait >= 0 && !Number.isNaN(wait))
  })
})

describe("delay", () => {
  const policy = CallOptions.resolve({ retry: { maxRetries: 100 } }, {})
  const failure = { error: { _tag: "TransportError" }, shouldRetry: true, retryAfterMs: undefined }

  it.prop(
    "lies between three quarters of and the whole back-off, whatever the random number",
    [FastCheck.integer({ min: 0, max: 99 }), FastCheck.double({ min: 0, max: 0.9999, noNaN: true })],
    ([retry, random]) => {
      const full = Math.min(8000, 500 * 2 ** retry)
      const wait = Option.getOrThrow(Retry.delay("safe", policy, failure, retry, random))
      return wait >= Math.floor(full * 0.75) && wait <= full
    }
  )

  it.prop(
    "is none behind the last retry",
    [FastCheck.integer({ min: 100, max: 1000 })],
    ([retry]) => Option.isNone(Retry.delay("safe", policy, failure, retry, 0))
  )

  it("repeats an idempotent write when no connection was made in time, and only then of all time-outs", () => {
    const of = (kind: string) =>
      Option.isSome(Retry.delay("idempotent", policy, { ...failure, error: { _tag: "Timeout", kind } }, 0, 0))
    assert.deepStrictEqual(["connect", "firstByte", "idle", "total"].map(of), [true, false, false, false])
  })
})
