import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { LogEvent } from "../../../src/schemas/solti/Logs.js"
import * as Follow from "../../../src/streams/solti/Follow.js"
import * as Logs from "../../../src/streams/solti/Logs.js"
import * as Golden from "../../fixtures/solti/Golden.js"
import { chunk } from "../../services/support/Memory.js"

const started = (attempt: number): LogEvent => ({ type: "runStarted", attempt, startedAt: attempt * 1000 })
const finished = (attempt: number, code?: number): LogEvent => ({
  type: "runFinished",
  attempt,
  exitCode: Option.fromNullable(code),
  finishedAt: attempt * 1000 + 500
})
const gap: Logs.Gap = { type: "gap" }
const lagged = (skipped: number): LogEvent => ({ type: "lagged", skipped })

const tidied = (events: Iterable<LogEvent | Logs.Gap>): ReadonlyArray<Follow.FollowedEvent> => {
  const next = Follow.makeTidier()
  return Array.from(events).flatMap((event) => next(event))
}

/** `s1 f1(3) o0 e0 h2 gap lag` for short. */
const short = (events: ReadonlyArray<Follow.FollowedEvent>): string =>
  events.map((event) => {
    switch (event.type) {
      case "runStarted":
        return `s${event.attempt}`
      case "runFinished":
        return `f${event.attempt}${Option.match(event.exitCode, { onNone: () => "", onSome: (code) => `(${code})` })}`
      case "chunk":
        return `${event.stream === "stdout" ? "o" : "e"}${event.attempt}.${event.seq}`
      case "headGap":
        return `h${event.attempt}.${String(event.stream)}.${event.missed}`
      case "lagged":
        return "lag"
      case "gap":
        return "gap"
    }
  }).join(" ")

const show = (events: Iterable<LogEvent | Logs.Gap>) => short(tidied(events))

describe("markers (contract 9.4)", () => {
  const sequences: ReadonlyArray<readonly [name: string, events: ReadonlyArray<LogEvent>, expected: string]> = [
    ["NEVER, exit 0", [started(1), finished(0), finished(1)], "s1 f1"],
    ["NEVER, exit 3 with flag", [started(1), finished(1, 3), finished(1, 3)], "s1 f1(3)"],
    ["NEVER, timeout", [started(1), finished(1), finished(1), finished(1)], "s1 f1"],
    ["ON_FAILURE, exit 1 then 0", [started(1), finished(1, 1), started(2), finished(0), finished(2)], "s1 f1(1) s2 f2"],
    ["deleted while running", [started(4), finished(0)], "s4 f4"],
    ["ALWAYS, each attempt succeeds", [started(1), finished(0), started(2), finished(0), started(3)], "s1 f1 s2 f2 s3"],
    ["attempts fail", [started(1), finished(1, 2), started(2), finished(2, 2)], "s1 f1(2) s2 f2(2)"],
    ["attempts time out", [started(1), finished(1), finished(1), started(2), finished(2), finished(2)], "s1 f1 s2 f2"],
    ["spawn failure", [started(1), finished(1), finished(1)], "s1 f1"],
    ["run-started 1 missed, a line seen", [chunk(1, 0, "x"), finished(0), finished(1)], "o1.0 f1"],
    ["run-started 1 missed, no line", [finished(0), finished(1)], "f1"],
    [
      "run-started behind its first lines",
      [chunk(1, 0, "x"), started(1), chunk(1, 1, "y"), finished(0)],
      "o1.0 s1 o1.1 f1"
    ],
    ["a line behind the end of its attempt", [started(1), finished(1), chunk(1, 0, "late"), finished(1)], "s1 f1 o1.0"]
  ]

  it.each(sequences)("%s: one end for each attempt", (_, events, expected) => {
    assert.strictEqual(show(events), expected)
  })

  const recorded = Golden.cases.flatMap(({ exchanges, name }) =>
    exchanges.filter((exchange) => exchange.kind === "sse").filter(Golden.isWhole).map((stream) => ({ name, stream }))
  )

  it.effect.each(recorded)(
    "$name, as recorded: one end for each attempt, in order",
    ({ stream }) =>
      Effect.gen(function*() {
        const body = Stream.make(new TextEncoder().encode(Golden.transcript(stream)))
        const errors = { broken: () => "broken", tooLarge: () => "too large" }
        const items = Chunk.toReadonlyArray(yield* Stream.runCollect(Follow.tidy(Logs.decode(body, errors))))
        const ends = items.flatMap((item) => item.type === "runFinished" ? [item.attempt] : [])
        const attempts = new Set(items.flatMap((item) => "attempt" in item && item.attempt > 0 ? [item.attempt] : []))
        assert.deepStrictEqual(ends, Array.from(attempts).sort((a, b) => a - b).slice(0, ends.length))
        // Only what was deleted before anything was seen of it has no end.
        if (items.length > 0) assert.isAtLeast(ends.length, attempts.size - 1)
        const raw = Chunk.toReadonlyArray(
          yield* Stream.runCollect(
            Logs.decode(Stream.make(new TextEncoder().encode(Golden.transcript(stream))), errors)
          )
        )
        assert.deepStrictEqual(
          items.filter((item) => item.type === "chunk"),
          raw.filter((event) => event.type === "chunk")
        )
      })
  )

  it.effect("over chunks of a stream, each run by itself", () =>
    Effect.gen(function*() {
      const log = Follow.tidy(Stream.make<Array<LogEvent>>(started(1), finished(0), finished(1)))
      for (let run = 0; run < 2; run++) {
        assert.strictEqual(short(Chunk.toReadonlyArray(yield* Stream.runCollect(log))), "s1 f1")
      }
    }))
})

describe("losses", () => {
  it("a first line that is not number 0 is a head gap, once for each stream of the attempt", () => {
    assert.strictEqual(
      show([chunk(1, 3, "x"), chunk(1, 2, "y", "stderr"), chunk(1, 4, "z"), chunk(1, 3, "w", "stderr")]),
      "h1.stdout.3 o1.3 h1.stderr.2 e1.2 o1.4 e1.3"
    )
    assert.deepStrictEqual(tidied([chunk(2, 3, "x")])[0], { type: "headGap", attempt: 2, stream: "stdout", missed: 3 })
  })

  it("a first line with number 0 is none", () => {
    assert.strictEqual(show([chunk(1, 0, "x"), chunk(1, 5, "y"), chunk(2, 0, "z")]), "o1.0 o1.5 o2.0")
  })

  it("a gap or a lag has said so already", () => {
    assert.strictEqual(show([gap, chunk(1, 3, "x")]), "gap o1.3")
    assert.strictEqual(show([lagged(3), chunk(1, 3, "x")]), "lag o1.3")
  })

  it("a gap and each lagged pass through where they stand", () => {
    assert.strictEqual(
      show([started(1), lagged(1), lagged(2), chunk(1, 9, "x"), gap, finished(1)]),
      "s1 lag lag o1.9 gap f1"
    )
  })

  it("a late line of an earlier attempt is none", () => {
    assert.strictEqual(show([started(2), chunk(1, 7, "late"), chunk(2, 0, "x")]), "s2 o1.7 o2.0")
  })
})

describe("any log", () => {
  const event: FastCheck.Arbitrary<LogEvent | Logs.Gap> = FastCheck.oneof(
    FastCheck.integer({ min: 1, max: 4 }).map(started),
    FastCheck.integer({ min: 0, max: 4 }).map((attempt) => finished(attempt)),
    FastCheck.tuple(
      FastCheck.integer({ min: 1, max: 4 }),
      FastCheck.nat({ max: 5 }),
      FastCheck.constantFrom("stdout", "stderr")
    ).map(([attempt, seq, stream]): LogEvent => chunk(attempt, seq, "x", stream === "stdout" ? "stdout" : "stderr")),
    FastCheck.constant(gap),
    FastCheck.constant(lagged(1))
  )

  it.prop("keeps lines and losses as they are and has at most one end for each attempt, none of them 0", [
    FastCheck.array(event, { maxLength: 60 })
  ], ([events]) => {
    const items = tidied(events)
    const ends = items.flatMap((item) => item.type === "runFinished" ? [item.attempt] : [])
    const isOther = (item: { readonly type: string }) => item.type !== "runFinished" && item.type !== "headGap"
    assert.deepStrictEqual(items.filter(isOther), events.filter(isOther))
    assert.strictEqual(new Set(ends).size, ends.length)
    assert.notInclude(ends, 0)
  })
})
