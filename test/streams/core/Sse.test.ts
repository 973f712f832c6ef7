import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as FastCheck from "effect/FastCheck"
import * as Ref from "effect/Ref"
import * as Stream from "effect/Stream"
import { createParser } from "eventsource-parser"
import { readFileSync } from "node:fs"
import * as Sse from "../../../src/streams/core/Sse.js"
import { scenarios } from "./sse/scenarios.js"
import { interpret } from "./sse/standard.js"

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

const pieces = <A>(slice: (from: number, to: number) => A, length: number, size: number): Array<A> =>
  Array.from({ length: Math.ceil(length / size) }, (_, i) => slice(i * size, (i + 1) * size))

const textPieces = (text: string, size: number) => pieces((from, to) => text.slice(from, to), text.length, size)

const bytePieces = (bytes: Uint8Array, size: number) =>
  pieces((from, to) => bytes.subarray(from, to), bytes.length, size)

const parse = (texts: Iterable<string>, options?: Sse.Options): Array<Sse.Frame> => {
  const parser = Sse.makeParser(options)
  return [...Array.from(texts, (text) => parser.feed(text)).flat(), ...parser.end()]
}

/** All frames, and the failure behind them if there was one. */
const outcome = <E, R>(frames: Stream.Stream<Sse.Frame, E, R>) =>
  frames.pipe(Stream.either, Stream.runCollect, Effect.map(Chunk.toReadonlyArray))

const decodeBytes = (parts: Iterable<Uint8Array>, options?: Sse.Options) =>
  Stream.fromIterable(parts).pipe(
    Stream.rechunk(1),
    Sse.decode(options),
    Stream.runCollect,
    Effect.map(Chunk.toReadonlyArray)
  )

const sizes = [1, 2, 3, 5, 7, Number.MAX_SAFE_INTEGER]

/** Fragments that meet in every way an event stream can go wrong. */
const fragment = FastCheck.constantFrom(
  ...["data", "data:", "data: ", "event", "event:", "event: ", "id", "id:", "id: ", "retry:", "retry: ", "other:"],
  ...["\n", "\n", "\r", "\r\n", "\n\n", "\r\r", "\r\n\r\n", "data: x\n\n", "data: y\r\n\r\n"],
  ...[":", " ", "a", "b: c", "42", "é", "€", "😀", "\0", "message", "\uFEFF"]
)
const fragments = FastCheck.array(fragment, { maxLength: 40 }).map((parts) => parts.join(""))
const cuts = FastCheck.tuple(
  FastCheck.array(FastCheck.integer({ min: 0, max: 12 }), { maxLength: 20 }),
  FastCheck.integer({ min: 1, max: 12 })
).map(([steps, last]) => [...steps, last])

/** Pieces of the given lengths, over and over; some are empty. */
const cutBy = <A>(slice: (from: number, to: number) => A, length: number, steps: ReadonlyArray<number>): Array<A> => {
  const parts: Array<A> = []
  for (let at = 0, i = 0; at < length; i++) {
    const end = at + (steps[i % steps.length] ?? 1)
    parts.push(slice(at, end))
    at = end
  }
  return parts
}

describe("Sse", () => {
  describe("scenarios, whole and in pieces of every size", () => {
    for (const { frames, input, name } of scenarios) {
      it.effect(name, () =>
        Effect.gen(function*() {
          const bytes = typeof input === "string" ? utf8(input) : Uint8Array.from(input)
          const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes)
          assert.deepStrictEqual(interpret(text), frames)
          for (const size of sizes) {
            assert.deepStrictEqual(parse(textPieces(text, size)), frames, `text by ${size}`)
            assert.deepStrictEqual(yield* decodeBytes(bytePieces(bytes, size)), frames, `bytes by ${size}`)
          }
        }))
    }
  })

  describe("recorded traffic", () => {
    for (const name of ["solti-logs-text", "solti-logs-keep-alive"]) {
      it.effect(`${name}: cut at every byte, the frames are those of the standard`, () =>
        Effect.gen(function*() {
          const bytes = readFileSync(new URL(`../../fixtures/sse/${name}.txt`, import.meta.url))
          const frames = interpret(bytes.toString("utf8"))
          assert.isAbove(frames.length, 1)
          for (let cut = 0; cut <= bytes.length; cut++) {
            assert.deepStrictEqual(yield* decodeBytes([bytes.subarray(0, cut), bytes.subarray(cut)]), frames)
          }
        }))

      it.effect(`${name}: broken off at any byte, it gives the whole events so far and tells a cut event`, () =>
        Effect.gen(function*() {
          const bytes = readFileSync(new URL(`../../fixtures/sse/${name}.txt`, import.meta.url))
          const whole = interpret(bytes.toString("utf8"))
          for (let end = 0; end <= bytes.length; end++) {
            const frames = yield* decodeBytes(bytePieces(bytes.subarray(0, end), 64))
            const events = frames.filter((frame) => frame._tag === "Event")
            assert.deepStrictEqual(events, whole.slice(0, events.length).filter((frame) => frame._tag === "Event"))
            const text = bytes.toString("latin1", 0, end)
            const isClean = text.endsWith("\n\n") || text === "" || text === ":\n"
            assert.strictEqual(frames.some((frame) => frame._tag === "Truncated"), !isClean, `at ${end}`)
          }
        }))
    }
  })

  describe("any input in any pieces", () => {
    it.prop("as the standard reads it", [fragments, cuts], ([text, steps]) => {
      assert.deepStrictEqual(parse(cutBy((a, b) => text.slice(a, b), text.length, steps)), interpret(text))
    }, { fastCheck: { numRuns: 3000 } })

    it.effect.prop("the same from bytes", [fragments, cuts], ([text, steps]) =>
      Effect.gen(function*() {
        const bytes = utf8(text)
        const parts = cutBy((a, b) => bytes.subarray(a, b), bytes.length, steps)
        assert.deepStrictEqual(yield* decodeBytes(parts), interpret(text))
      }), { fastCheck: { numRuns: 300 } })

    // Left out is where eventsource-parser 3.1 leaves the standard: a decoded byte order mark, ids of blocks without
    // data, ids that stick, and a CR at the very end.
    it.prop("as eventsource-parser reads it", [fragments, cuts], ([fragments, steps]) => {
      const text = fragments.replaceAll("\uFEFF", "") + ":\n"
      const theirs: Array<{ readonly event: string; readonly data: string }> = []
      const ids: Array<string | undefined> = []
      const retries: Array<number> = []
      const parser = createParser({
        onEvent: ({ data, event, id }) => {
          theirs.push({ event: event ?? "message", data })
          ids.push(id)
        },
        onRetry: (millis) => retries.push(millis)
      })
      const parts = cutBy((a, b) => text.slice(a, b), text.length, steps)
      for (const part of parts) parser.feed(part)
      const frames = parse(parts)
      const events = frames.filter((frame) => frame._tag === "Event")
      assert.deepStrictEqual(events.map(({ data, event }) => ({ event, data })), theirs)
      assert.deepStrictEqual(events.map(({ id }, i) => ids[i] === undefined ? undefined : id), ids)
      assert.deepStrictEqual(frames.filter((frame) => frame._tag === "Retry").map(({ millis }) => millis), retries)
    }, { fastCheck: { numRuns: 3000 } })
  })

  describe("a resumed position", () => {
    it("is the id of events until the server sets another", () => {
      assert.deepStrictEqual(parse(["data: a\n\n", ": ping\n\n", "id: 8\ndata: b\n\n"], { lastEventId: "7" }), [
        { _tag: "Event", event: "message", data: "a", id: "7" },
        { _tag: "Event", event: "message", data: "b", id: "8" }
      ])
    })
  })

  describe("maxEventSize", () => {
    const limited = (text: string, size: number, maxEventSize: number) =>
      outcome(Stream.fromIterable(bytePieces(utf8(text), size)).pipe(Stream.rechunk(1), Sse.decode({ maxEventSize })))

    const fits = (name: string, limit: number, text: string) =>
      it.effect(`${name}: at the limit it is delivered, one below it is not`, () =>
        Effect.gen(function*() {
          const before: Array<Sse.Frame> = [{ _tag: "Event", event: "message", data: "a", id: "" }]
          for (const size of sizes) {
            const allowed = yield* limited(`data:a\n\n${text}`, size, limit)
            assert.deepStrictEqual(allowed.map(Either.getOrThrow), [...before, ...interpret(text)], `by ${size}`)
            const refused = yield* limited(`data:a\n\n${text}`, size, limit - 1)
            assert.deepStrictEqual(refused.slice(0, -1).map(Either.getOrThrow), before, `by ${size}`)
            const last = refused[refused.length - 1]
            assert(last !== undefined && Either.isLeft(last))
            assert.strictEqual(last.left._tag, "SseEventTooLarge")
            assert.strictEqual(last.left.limit, limit - 1)
          }
        }))

    fits("one data line", 17, "data: hello world\n\ndata: b\n\n")
    fits("one data line, CR", 17, "data: hello world\r\rdata: b\r\r")
    fits("name, id and data together", 24, "event: name\nid: 42\ndata: x\n\n")
    fits("many data lines", 60, `${"data\n".repeat(15)}\n`)
    fits("a comment line inside an event", 23, "data: a\n: a long comment\n\n")
    fits("a comment between events", 16, ": a long comment\n\ndata: b\n\n")
    fits("a field that nobody knows", 16, "unknown: xxxxxxx\n\n")
    fits("UTF-16 code units, not bytes", 12, "data: é€豆腐😀\n\n")
    fits("a line that has not ended", 12, "event: aaaaa")
    fits("an event that has not ended", 19, "event: aaaaa\ndata: b")

    it.effect("keep-alives never add up", () =>
      Effect.gen(function*() {
        const frames = yield* limited(`${": keep-alive\n".repeat(50)}data: a\n\n${":\n".repeat(50)}`, 7, 12)
        assert.deepStrictEqual(frames.map(Either.getOrThrow), [{ _tag: "Event", event: "message", data: "a", id: "" }])
      }))

    it.effect("an endless line fails without the rest being read", () =>
      Effect.gen(function*() {
        const pulled = yield* Ref.make(0)
        const error = yield* Stream.repeatEffectChunk(
          Ref.update(pulled, (n) => n + 1).pipe(Effect.as(Chunk.of(utf8("data: and so on "))))
        ).pipe(Sse.decode({ maxEventSize: 160 }), Stream.runDrain, Effect.flip)
        assert.strictEqual(error._tag, "SseEventTooLarge")
        assert.strictEqual(yield* Ref.get(pulled), 11)
      }))

    it("is 1 MiB unless said otherwise, and nothing comes out behind the failure", () => {
      const parser = Sse.makeParser()
      const limit = 1024 * 1024
      assert.strictEqual(parser.feed(`data:${"x".repeat(limit - 5)}\n\n`).length, 1)
      assert.isTrue(parser.failure === undefined)
      assert.deepStrictEqual(parser.feed(`data:${"x".repeat(limit - 4)}`), [])
      assert.strictEqual(parser.failure?.limit, limit)
      assert.deepStrictEqual(parser.feed("\n\ndata: b\n\n"), [])
      assert.deepStrictEqual(parser.end(), [])
    })
  })

  describe("decode", () => {
    it.effect("keeps the chunks: one out for each one in, and one for the end", () =>
      Effect.gen(function*() {
        const chunks = yield* Stream.fromChunks(
          Chunk.of(utf8("data: 1\n\ndata: 2\n\nda")),
          Chunk.of(utf8(": keep-alive")),
          Chunk.make(utf8("\n\ndata: 3\n"), utf8("\ndata: 4\n\ndata: 5")),
          Chunk.of(utf8("\n"))
        ).pipe(Sse.decode(), Stream.chunks, Stream.runCollect)
        assert.deepStrictEqual(Chunk.toReadonlyArray(chunks).map(Chunk.size), [2, 0, 2, 0, 1])
      }))

    it.effect("passes a failure of the body on, behind the frames in front of it", () =>
      Effect.gen(function*() {
        const result = yield* Stream.make(utf8("data: 1\n\ndata: 2")).pipe(
          Stream.concat(Stream.fail("connection reset")),
          Sse.decode(),
          outcome
        )
        assert.deepStrictEqual(result, [
          Either.right<Sse.Frame>({ _tag: "Event", event: "message", data: "1", id: "" }),
          Either.left("connection reset")
        ])
      }))

    it.effect("passes a defect on", () =>
      Effect.gen(function*() {
        const exit = yield* Stream.die("bug").pipe(Sse.decode(), Stream.runDrain, Effect.exit)
        assert.deepStrictEqual(exit, Exit.die("bug"))
      }))

    it.effect("starts anew each time it is run", () =>
      Effect.gen(function*() {
        const frames = Stream.make(utf8("id: 1\ndata: 1\n\ndata: 2")).pipe(Sse.decode())
        const first = yield* outcome(frames)
        assert.strictEqual(first.length, 2)
        assert.deepStrictEqual(yield* outcome(frames), first)
      }))

    it.effect("releases the body when the consumer has enough", () =>
      Effect.gen(function*() {
        const released = yield* Ref.make(false)
        yield* Stream.forever(Stream.make(utf8("data: 1\n\n"))).pipe(
          Stream.ensuring(Ref.set(released, true)),
          Sse.decode(),
          Stream.take(3),
          Stream.runDrain
        )
        assert.isTrue(yield* Ref.get(released))
      }))
  })

  describe("encode", () => {
    it("writes what the planes' servers write", () => {
      assert.strictEqual(
        Sse.encode({ event: "run-started", data: "{\"type\":\"runStarted\"}" }),
        "event: run-started\ndata: {\"type\":\"runStarted\"}\n\n"
      )
      assert.strictEqual(Sse.encode({ event: "batch", data: "[]", id: "7" }), "event: batch\ndata: []\nid: 7\n\n")
      assert.strictEqual(Sse.encode({ data: "a\nb\r\nc\rd" }), "data: a\ndata: b\ndata: c\ndata: d\n\n")
      assert.strictEqual(Sse.encodeComment(), ":\n\n")
      assert.strictEqual(Sse.encodeComment("keep-alive"), ": keep-alive\n\n")
      assert.strictEqual(Sse.encodeComment("two\r\nlines\r"), ": two\n: lines\n:\n\n")
    })

    const anyText = FastCheck.oneof(fragments, FastCheck.string({ unit: "binary" }))

    it.prop(
      "is read back as one event, whatever the values",
      [anyText, anyText, anyText, cuts],
      ([event, data, id, steps]) => {
        const text = Sse.encode({ event, data, id })
        assert.deepStrictEqual(parse(cutBy((a, b) => text.slice(a, b), text.length, steps)), [{
          _tag: "Event",
          event: event.replace(/[\r\n]/g, "") || "message",
          data: data.replace(/\r\n|\r/g, "\n"),
          id: id.replace(/[\r\n\0]/g, "")
        }])
      }
    )

    it.prop("a frame that was read is written as it was", [fragments], ([text]) => {
      const events = parse([text]).filter((frame) => frame._tag === "Event")
      assert.deepStrictEqual(parse(events.map(Sse.encode)), events)
    })

    it.prop("a comment is read back as nothing", [anyText], ([text]) => {
      assert.deepStrictEqual(parse([Sse.encodeComment(text), "data: a\n\n"]), parse(["data: a\n\n"]))
    })
  })

  // Each makes one dimension sixteen times as large: a character costs as much as before if time is linear, up to
  // sixteen times as much if it is quadratic.
  describe("time is linear", () => {
    const event = `event: chunk\ndata: {"line":"${"x".repeat(100)}"}\n\n`

    const perUnit = (parts: ReadonlyArray<string>): number => {
      let best = Number.POSITIVE_INFINITY
      for (let run = 0; run < 5; run++) {
        const start = performance.now()
        parse(parts, { maxEventSize: Number.POSITIVE_INFINITY })
        best = Math.min(best, performance.now() - start)
      }
      return best / parts.reduce((sum, part) => sum + part.length, 0)
    }

    const isLinear = (name: string, make: (n: number) => ReadonlyArray<string>) =>
      it(name, () => {
        perUnit(make(16))
        assert.isBelow(perUnit(make(16)) / perUnit(make(1)), 6)
      })

    isLinear("in the events of one piece", (n) => [event.repeat(400 * n)])
    isLinear("in the events in front of a lone CR", (n) => [`${event.repeat(400 * n)}\r`])
    isLinear(
      "in the lines between two LF, all ended by CR",
      (n) => [`\n${event.replaceAll("\n", "\r").repeat(400 * n)}\n`]
    )
    isLinear(
      "in the length of a line that comes in small pieces",
      (n) => Array.from({ length: 1000 * n }, () => "x".repeat(64))
    )
    isLinear("in the data lines of one event", (n) => ["data: x\n".repeat(4000 * n), "\n"])
    isLinear("in pieces that each end inside a line", (n) => textPieces(event.repeat(200 * n), 97))
  })
})
