import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Stream from "effect/Stream"
import type { LogEvent } from "../../../src/schemas/solti/Logs.js"
import * as Logs from "../../../src/streams/solti/Logs.js"
import * as Golden from "../../fixtures/solti/Golden.js"
import { chunk, frame, running, turn } from "../../services/support/Memory.js"

interface Failure {
  readonly _tag: "Broken" | "TooLarge" | "TaskNotFound" | "Unavailable" | "Forbidden" | "GaveUp"
  readonly retryAfterMs?: number
}

const failure = (tag: Failure["_tag"], retryAfterMs?: number): Failure =>
  retryAfterMs === undefined ? { _tag: tag } : { _tag: tag, retryAfterMs }

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

const gapItem: Logs.Gap = { type: "gap" }

const errors = { broken: () => failure("Broken"), tooLarge: () => failure("TooLarge") }

const decode = (body: Stream.Stream<Uint8Array, Failure>) => Logs.decode(body, errors)

/** What one connection does: bytes, then a proper end or a break; or it is refused. */
type Connection = { readonly bytes: ReadonlyArray<Uint8Array>; readonly end: "end" | "break" } | Failure

const over = (connections: ReadonlyArray<Connection>) => {
  let next = 0
  const log = Logs.feed<Failure, Failure>({
    connect: Effect.suspend(() => {
      const connection = connections[next++] ?? failure("Forbidden")
      if ("_tag" in connection) return Effect.fail(connection)
      const body: Stream.Stream<Uint8Array, Failure> = Stream.fromChunks(
        ...connection.bytes.map((bytes) => Chunk.of(bytes))
      )
      return Effect.succeed(decode(
        connection.end === "end" ? body : Stream.concat(body, Stream.fail(failure("Broken")))
      ))
    }),
    interrupted: () => failure("GaveUp"),
    isTransient: ({ _tag }) => _tag === "Broken" || _tag === "Unavailable",
    policy: { base: 0 }
  })
  return { log, connects: () => next }
}

const collect = <A, E>(log: Stream.Stream<A, E>) => Effect.map(Stream.runCollect(log), Chunk.toReadonlyArray)

/** The items, and the failure behind them if there was one. */
const outcome = <A, E>(log: Stream.Stream<A, E>) => collect(Stream.either(log))

const eventsOf = (text: string): Effect.Effect<ReadonlyArray<LogEvent>, Failure> =>
  collect(decode(Stream.make(utf8(text))))

const transcripts = Golden.cases.flatMap((recorded) =>
  Golden.ofKind(recorded, "sse").filter(Golden.isWhole).map((stream, position) => ({
    name: `${recorded.name} #${position}`,
    text: Golden.transcript(stream)
  }))
).filter(({ text }) => text !== "")

/** Recordings that are cut at every byte: lines of both streams, other alphabets, attempts, keep-alives. */
const thorough = ["logs-success", "logs-text", "logs-on-failure-retry", "logs-keep-alive"]

/** Where a recording is cut: at every byte, or at about a hundred of them. */
const positions = (name: string, length: number) => {
  const step = thorough.some((one) => name.startsWith(`${one} `)) ? 1 : Math.max(1, Math.floor(length / 97))
  return Array.from({ length: Math.floor(length / step) }, (_, i) => i * step)
}

describe("a recorded log", () => {
  it.effect.each(transcripts)("$name: the same events from any pieces", ({ text }) =>
    Effect.gen(function*() {
      const whole = yield* eventsOf(text)
      const bytes = utf8(text)
      for (const size of [1, 2, 3, 7, 64]) {
        const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
          bytes.slice(i * size, (i + 1) * size))
        const { connects, log } = over([{ bytes: pieces, end: "end" }])
        assert.deepStrictEqual(yield* collect(log), whole)
        assert.strictEqual(connects(), 1)
      }
    }))

  it.effect.each(transcripts)(
    "$name: cut at any byte, everything in front, a gap, and what the next connection has",
    ({ name, text }) =>
      Effect.gen(function*() {
        const bytes = utf8(text)
        const whole = yield* eventsOf(text)
        // Where each frame ends, and how many events there are up to it.
        const frames = text.split(/(?<=\n\n)/)
        let end = 0
        let count = 0
        const ends = frames.map((one) => {
          end += utf8(one).length
          count += one.includes("data:") ? 1 : 0
          return { end, count }
        })
        for (const cut of positions(name, bytes.length)) {
          const before = ends.filter((one) => one.end <= cut).at(-1)?.count ?? 0
          const next = ends.find((one) => one.end >= cut) ?? { end: bytes.length, count: whole.length }
          const { connects, log } = over([
            { bytes: [bytes.slice(0, cut)], end: "break" },
            { bytes: [bytes.slice(next.end)], end: "end" }
          ])
          const expected = [...whole.slice(0, before), gapItem, ...whole.slice(next.count)]
          assert.deepStrictEqual(yield* collect(log), expected)
          assert.strictEqual(connects(), 2)
          yield* turn
        }
      }),
    60_000
  )

  it.effect("cut inside a frame by an end that looks proper is broken all the same", () =>
    Effect.gen(function*() {
      const text = Golden.transcript(
        Option.getOrThrow(Option.fromNullable(Golden.ofKind(Golden.get("logs-success"), "sse")[0]))
      )
      const bytes = utf8(text)
      const whole = yield* eventsOf(text)
      const boundaries = new Set(Array.from(text.matchAll(/\n\n/g), ({ index }) => index + 2))
      for (let cut = 0; cut < bytes.length; cut++) {
        const { log } = over([{ bytes: [bytes.slice(0, cut)], end: "end" }, failure("TaskNotFound")])
        const items = yield* collect(log)
        const events = items.filter((item) => item.type !== "gap")
        assert.deepStrictEqual(events, whole.slice(0, events.length))
        assert.strictEqual(items.length - events.length, cut === 0 || boundaries.has(cut) ? 0 : 1)
        yield* turn
      }
    }))
})

describe("what a log decodes", () => {
  it.effect("is told by its type, not by the name of the event", () =>
    Effect.gen(function*() {
      const data = JSON.stringify(chunk(1, 0, "line"))
      const names = ["event: chunk\n", "event: run-started\n", "event: whatever\n", ""]
      const events = yield* eventsOf(names.map((name) => `${name}data: ${data}\n\n`).join(""))
      assert.deepStrictEqual(events, [1, 2, 3, 4].map(() => chunk(1, 0, "line")))
    }))

  it.effect("skips what it does not know or cannot read, and goes on", () =>
    Effect.gen(function*() {
      const junk = [
        "data: {}",
        "data: {\"type\":\"heartbeat\",\"attempt\":1}",
        "data: {\"type\":\"chunk\"}",
        "data: {\"type\":\"chunk\",\"attempt\":\"1\",\"stream\":\"stdout\",\"seq\":0,\"ts\":1,\"line\":\"x\"}",
        "data: null",
        "data: 7",
        "data: [",
        "data:",
        "event: chunk",
        "id: 7",
        "retry: 5",
        ":",
        ": keep-alive",
        "unknown: field"
      ]
      const events = yield* eventsOf(junk.map((block) => `${block}\n\n`).join("") + frame(chunk(1, 0, "after")))
      assert.deepStrictEqual(events, [chunk(1, 0, "after")])
    }))

  it.effect("keeps an unknown pipe and unknown members do no harm", () =>
    Effect.gen(function*() {
      const data = { ...chunk(1, 0, "x"), stream: "stdaux", generation: 3 }
      const [event] = yield* eventsOf(frame(data))
      assert.strictEqual(event?.type === "chunk" ? String(event.stream) : "", "stdaux")
    }))

  it.effect("takes CRLF, CR, several data lines and comments between them", () =>
    Effect.gen(function*() {
      const lines = (eol: string) =>
        [
          ": hi",
          "event: lagged",
          "data: {\"type\":",
          ": in between",
          "data: \"lagged\",",
          "data:\"skipped\":3}",
          "",
          ""
        ].join(eol)
      const events = yield* eventsOf(["\n", "\r\n", "\r"].map(lines).join(""))
      assert.deepStrictEqual(events, [1, 2, 3].map(() => ({ type: "lagged", skipped: 3 })))
    }))

  it.effect("passes every lagged on, their sum untouched", () =>
    Effect.gen(function*() {
      const events = yield* eventsOf([5, 7, 11].map((skipped) => frame<LogEvent>({ type: "lagged", skipped })).join(""))
      assert.strictEqual(events.reduce((sum, event) => sum + (event.type === "lagged" ? event.skipped : 0), 0), 23)
    }))

  it.effect("keeps characters that were cut into pieces, and control characters", () =>
    Effect.gen(function*() {
      const line = "grün 😀 \u001b[31mred\u001b[0m \ufffd"
      const bytes = utf8(frame(chunk(1, 0, line)))
      const events = yield* collect(
        decode(Stream.rechunk(Stream.fromIterable(Array.from(bytes, (byte) => Uint8Array.of(byte))), 1))
      )
      assert.strictEqual(events[0]?.type === "chunk" ? events[0].line : "", line)
    }))

  it.effect("ends in a typed failure behind an event over a MiB, which is not reconnected", () =>
    Effect.gen(function*() {
      const big = utf8(frame(chunk(1, 1, "x".repeat(1_100_000))))
      const { connects, log } = over([{ bytes: [utf8(frame(chunk(1, 0, "first"))), big], end: "end" }])
      assert.deepStrictEqual(yield* outcome(log), [
        Either.right(chunk(1, 0, "first")),
        Either.left(failure("TooLarge"))
      ])
      assert.strictEqual(connects(), 1)
    }))

  it.effect.prop("gives every event that was written, whatever is in its lines", [
    FastCheck.array(FastCheck.unicodeString(), { maxLength: 8 }),
    FastCheck.integer({ min: 1, max: 40 })
  ], ([lines, size]) =>
    Effect.gen(function*() {
      const events = lines.map((line, seq) => chunk(1, seq, line))
      const bytes = utf8(events.map(frame).join(""))
      const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
        bytes.slice(i * size, (i + 1) * size))
      assert.deepStrictEqual(yield* collect(over([{ bytes: pieces, end: "end" }]).log), events)
    }))
})

describe("the connections of a log", () => {
  const one = (seq: number, end: "end" | "break"): Connection => ({
    bytes: [utf8(frame(chunk(1, seq, `line ${seq}`)))],
    end
  })
  const gap = Either.right(gapItem)
  const line = (seq: number) => Either.right(chunk(1, seq, `line ${seq}`))

  const table: ReadonlyArray<{
    readonly name: string
    readonly connections: ReadonlyArray<Connection>
    readonly expected: ReadonlyArray<unknown>
  }> = [
    { name: "a proper end is the end", connections: [one(0, "end")], expected: [line(0)] },
    { name: "an empty log is one", connections: [{ bytes: [], end: "end" }], expected: [] },
    {
      name: "404 at the start fails",
      connections: [failure("TaskNotFound")],
      expected: [Either.left(failure("TaskNotFound"))]
    },
    {
      name: "404 behind an outage at the start fails",
      connections: [failure("Unavailable"), failure("TaskNotFound")],
      expected: [Either.left(failure("TaskNotFound"))]
    },
    {
      name: "404 behind a break is the end, and the loss is named",
      connections: [one(0, "break"), failure("TaskNotFound")],
      expected: [line(0), gap]
    },
    {
      name: "an outage between two connections is one gap",
      connections: [one(0, "break"), failure("Unavailable"), failure("Unavailable"), one(5, "end")],
      expected: [line(0), gap, line(5)]
    },
    {
      name: "each break is a gap",
      connections: [one(0, "break"), { bytes: [], end: "break" }, one(5, "break"), one(7, "end")],
      expected: [line(0), gap, gap, line(5), gap, line(7)]
    },
    {
      name: "a refusal that will not change fails at once",
      connections: [one(0, "break"), failure("Forbidden"), one(5, "end")],
      expected: [line(0), Either.left(failure("Forbidden"))]
    }
  ]

  it.effect.each(table)("$name", ({ connections, expected }) =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* outcome(over(connections).log), expected)
    }))

  it.effect("come no sooner than the server asks, and a minute later at the latest", () =>
    Effect.gen(function*() {
      for (const [asked, waited] of [[undefined, 500], [2000, 2000], [3_600_000, 60_000]] as const) {
        const moments: Array<number> = []
        const log = Logs.feed<Failure, Failure>({
          connect: Effect.flatMap(Effect.clockWith((clock) => clock.currentTimeMillis), (now) =>
            moments.push(now) === 1 ? Effect.fail(failure("Unavailable", asked)) : Effect.succeed(Stream.empty)),
          interrupted: () =>
            failure("GaveUp"),
          isTransient: () => true
        })
        yield* running(Effect.withRandom(Stream.runDrain(log), Random.fixed([0])))
        assert.strictEqual((moments[1] ?? 0) - (moments[0] ?? 0), waited)
      }
    }))
})
