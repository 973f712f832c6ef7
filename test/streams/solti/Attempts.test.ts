import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { LogEvent } from "../../../src/schemas/solti/Logs.js"
import { collectAttempts } from "../../../src/streams/solti/Attempts.js"
import * as Logs from "../../../src/streams/solti/Logs.js"
import * as Golden from "../../fixtures/solti/Golden.js"
import { chunk } from "../../services/support/Memory.js"

const collected = (name: string) => {
  const [stream] = Golden.ofKind(Golden.get(name), "sse")
  const text = stream === undefined ? "" : Golden.transcript(stream)
  return collectAttempts(Logs.decode(Stream.make(new TextEncoder().encode(text)), {
    broken: () => "broken",
    tooLarge: () => "too large"
  }))
}

describe("collectAttempts", () => {
  it.effect("sorts the lines of a recorded log by attempt and stream", () =>
    Effect.gen(function*() {
      const [only, ...others] = yield* collected("logs-success")
      assert.deepStrictEqual(others, [])
      assert.deepStrictEqual(only?.stdout.map(({ line }) => line), ["one", "two", "three"])
      assert.deepStrictEqual(only?.stderr.map(({ line }) => line), ["warn"])
      assert.deepStrictEqual(only?.startedAt, Option.some(1795380919020))
      assert.deepStrictEqual(only?.finishedAt, Option.some(1795380919424))
      assert.deepStrictEqual(only?.exitCode, Option.none())
    }))

  it.effect("has each attempt with its own end, whatever number the marker had", () =>
    Effect.gen(function*() {
      const attempts = yield* collected("logs-on-failure-retry")
      assert.deepStrictEqual(attempts.map(({ attempt, exitCode }) => [attempt, Option.getOrNull(exitCode)]), [
        [1, 1],
        [2, null]
      ])
      const always = yield* collected("logs-always-interval")
      assert.deepStrictEqual(always.map(({ attempt, finishedAt }) => [attempt, Option.isSome(finishedAt)]), [
        [1, true],
        [2, true],
        [3, true]
      ])
    }))

  it.effect("is empty for a log without events", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* collected("logs-default-handler"), [])
      assert.deepStrictEqual(
        yield* collectAttempts(Stream.make<[Logs.Gap, LogEvent]>({ type: "gap" }, { type: "lagged", skipped: 2 })),
        []
      )
    }))

  it.effect("says nothing of times that were not seen", () =>
    Effect.gen(function*() {
      const [attempt] = yield* collectAttempts(Stream.make(chunk(3, 2, "x")))
      assert.deepStrictEqual(attempt, {
        attempt: 3,
        stdout: [chunk(3, 2, "x")],
        stderr: [],
        startedAt: Option.none(),
        finishedAt: Option.none(),
        exitCode: Option.none()
      })
    }))

  it.effect.prop(
    "has each line once and in order, in whatever order and however often lines come",
    [FastCheck.array(
      FastCheck.tuple(FastCheck.integer({ min: 1, max: 3 }), FastCheck.nat({ max: 9 }), FastCheck.boolean())
    )],
    ([lines]) =>
      Effect.gen(function*() {
        const events = lines.map(([attempt, seq, isError]) =>
          chunk(attempt, seq, `${seq}`, isError ? "stderr" : "stdout")
        )
        const attempts = yield* collectAttempts(Stream.fromIterable(events))
        const given = attempts.flatMap(({ stderr, stdout }) => [...stdout, ...stderr])
        const key = (one: { attempt: number; stream: unknown; seq: number }) =>
          `${one.attempt}/${String(one.stream)}/${one.seq}`
        assert.deepStrictEqual(new Set(given.map(key)), new Set(events.map(key)))
        assert.strictEqual(given.length, new Set(events.map(key)).size)
        for (const { attempt, stderr, stdout } of attempts) {
          for (const stream of [stdout, stderr]) {
            assert.isTrue(stream.every((one) => one.attempt === attempt))
            assert.deepStrictEqual(stream.map(({ seq }) => seq), stream.map(({ seq }) => seq).sort((a, b) => a - b))
          }
        }
      }),
    { fastCheck: { numRuns: 50 } }
  )

  it.effect("fails as its log fails", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* Effect.flip(collectAttempts(Stream.fail("no"))), "no")
    }))
})
