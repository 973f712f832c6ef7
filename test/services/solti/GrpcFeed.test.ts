/** The log of a task over gRPC, whose connection is cut: the same events, or a gap where some may be missing. */
import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { ServerHttp2Stream } from "node:http2"
import * as Solti from "../../../src/solti.js"
import * as SoltiGrpcTesting from "../../../src/solti/grpc/testing.js"
import * as SoltiTesting from "../../../src/solti/testing.js"
import * as Golden from "../../fixtures/solti/Golden.js"
import { noReconnect, tasksOver } from "../support/GrpcClient.js"
import * as Peer from "../support/GrpcPeer.js"
import * as Proxy from "../support/GrpcProxy.js"
import { chunk } from "../support/Memory.js"
import { eventually } from "../support/Sockets.js"

const quick = { reconnect: { base: "1 millis", cap: "1 millis" } } as const

const gap: Solti.Gap = { type: "gap" }

type Item = Solti.LogEvent | Solti.Gap

const collect = <A, E>(log: Stream.Stream<A, E>) => Effect.map(Stream.runCollect(log), Chunk.toReadonlyArray)

/** The items, and the tag of the failure behind them if there was one. */
const outcome = (log: Stream.Stream<Item, Solti.LogError>) =>
  Effect.map(
    collect(Stream.either(log)),
    (items) => items.map((item): Item | string => Either.isRight(item) ? item.right : item.left._tag)
  )

/** Each event in a DATA frame of its own, then the end. */
const speak = (stream: ServerHttp2Stream, events: ReadonlyArray<Solti.LogEvent>) => {
  stream.respond(Peer.grpc, { waitForTrailers: true })
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }))
  const [first, ...rest] = events
  if (first === undefined) stream.end()
  else if (rest.length === 0) stream.end(Peer.eventBytes(first))
  else stream.write(Peer.eventBytes(first), () => setImmediate(() => next(stream, rest)))
}

const next = (stream: ServerHttp2Stream, events: ReadonlyArray<Solti.LogEvent>): void => {
  const [first, ...rest] = events
  if (stream.destroyed || first === undefined) return
  if (rest.length === 0) stream.end(Peer.eventBytes(first))
  else stream.write(Peer.eventBytes(first), () => setImmediate(() => next(stream, rest)))
}

const first: ReadonlyArray<Solti.LogEvent> = [
  { type: "runStarted", attempt: 1, startedAt: 1 },
  chunk(1, 0, "gr\u00fcn"),
  { type: "lagged", skipped: 3 },
  chunk(1, 2, "")
]
const second: ReadonlyArray<Solti.LogEvent> = [chunk(1, 9, "later"), {
  type: "runFinished",
  attempt: 1,
  exitCode: Option.some(0),
  finishedAt: 2
}]

/** What a log gives whose first connection is as `cut` says; the next one has `second`. */
const cutLog = (cut: (frame: Proxy.Frame) => Proxy.Action) =>
  Effect.scoped(Effect.gen(function*() {
    const peer = yield* Peer.serve((stream) => {
      const isFirst = proxied.connections.made < 2
      speak(stream, isFirst ? first : second)
    })
    const proxied: Proxy.Proxy = yield* Proxy.make(peer.port, (frame) => frame.connection === 0 ? cut(frame) : "pass")
    const tasks = yield* tasksOver({ url: proxied.url })
    const items = yield* outcome(tasks.logs("t", quick))
    return { items, connections: proxied.connections.made }
  }))

/** The whole log, or a part of it from its beginning, a gap, and what the next connection has. Says how much it was. */
const assertWhole = (items: ReadonlyArray<Item | string>, connections: number): number => {
  if (connections === 1) {
    assert.deepStrictEqual(items, [...first])
    return first.length
  }
  const at = items.findIndex((item) => typeof item === "object" && item.type === "gap")
  const before = Math.max(at, 0)
  assert.deepStrictEqual(items.slice(0, before), first.slice(0, before))
  // Without a gap nothing was open yet: the log was opened late, no more.
  assert.deepStrictEqual(items.slice(before), at === -1 ? [...second] : [gap, ...second])
  return before
}

describe.each(["end", "reset"] as const)("a log whose connection is cut (%s)", (by) => {
  it.scopedLive("behind every DATA frame, and inside of it", () =>
    Effect.gen(function*() {
      const seen: Array<number> = []
      for (let frames = 0; frames < first.length; frames++) {
        for (const isInside of [false, true]) {
          const { connections, items } = yield* cutLog(({ bytes, data, from, type }) =>
            from === "server" && type === Proxy.types.data && data === frames
              ? { cut: isInside ? bytes.subarray(0, bytes.length - 2) : bytes, by }
              : "pass"
          )
          assert.strictEqual(connections, 2)
          seen.push(assertWhole(items, connections))
        }
      }
      if (by === "end") assert.isAtLeast(Math.max(...seen), first.length - 1)
    }))
})

describe("a log whose connection is cut", () => {
  it.scopedLive("behind every byte of the server", () =>
    Effect.gen(function*() {
      let total = 0
      const whole = yield* cutLog(({ bytes, from, offset }) => {
        if (from === "server") total = Math.max(total, offset + bytes.length)
        return "pass"
      })
      assert.strictEqual(assertWhole(whole.items, whole.connections), first.length)
      assert.isAbove(total, 150)
      const seen = new Set<number>()
      yield* Effect.forEach(
        Array.from({ length: total }, (_, at) => at),
        (at) =>
          Effect.map(
            cutLog(({ bytes, from, offset }) =>
              from === "server" && at < offset + bytes.length
                ? { cut: bytes.subarray(0, Math.max(0, at - offset)), by: at % 2 === 0 ? "end" : "reset" }
                : "pass"
            ),
            ({ connections, items }) => seen.add(assertWhole(items, connections))
          ),
        { concurrency: 4, discard: true }
      )
      // Some of it was seen before a cut, and not always the same.
      assert.isAtLeast(seen.size, 3)
    }))

  it.scopedLive.prop("anywhere, as often as it likes, in a log of any lines", [
    FastCheck.array(FastCheck.unicodeString({ maxLength: 20 }), { minLength: 1, maxLength: 12 }),
    FastCheck.array(FastCheck.integer({ min: 40, max: 500 }), { maxLength: 3 })
  ], ([lines, cuts]) =>
    Effect.scoped(Effect.gen(function*() {
      // The task goes on while nobody listens: each connection has the lines that have not been sent yet.
      let sent = 0
      const peer = yield* Peer.serve((stream) => {
        const events = lines.slice(sent).map((line, i) => chunk(1, sent + i, line))
        stream.respond(Peer.grpc, { waitForTrailers: true })
        stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }))
        const go = () => {
          const event = events.shift()
          if (stream.destroyed || event === undefined) return void stream.end()
          sent += 1
          stream.write(Peer.eventBytes(event), () => setImmediate(go))
        }
        go()
      })
      const proxied = yield* Proxy.make(peer.port, ({ bytes, connection, from, offset }) => {
        const cut = cuts[connection]
        return cut !== undefined && from === "server" && cut < offset + bytes.length
          ? { cut: bytes.subarray(0, Math.max(0, cut - offset)), by: "end" }
          : "pass"
      })
      const tasks = yield* tasksOver({ url: proxied.url })
      const items = yield* collect(tasks.logs("t", quick))
      // In order, none twice, and nothing missing that no gap stands for.
      let expected = 0
      // What went to a connection that never opened was before the log was there.
      let isGap = proxied.connections.made > 1
      for (const item of items) {
        if (item.type === "gap") {
          isGap = true
          continue
        }
        const seq = item.type === "chunk" ? item.seq : -1
        assert.isAtLeast(seq, expected)
        if (seq > expected) assert.isTrue(isGap, `line ${expected} is missing`)
        assert.strictEqual(item.type === "chunk" ? item.line : "", lines[seq])
        isGap = false
        expected = seq + 1
      }
      if (expected < lines.length) assert.isTrue(isGap)
    })), { fastCheck: { numRuns: 60 } })
})

describe("a recorded log", () => {
  const streams = Golden.cases.flatMap((recorded) =>
    Golden.ofKind(recorded, "grpc-stream").filter(({ code, responses }) => code === 0 && responses.length > 0)
      .map((stream, position) => ({ name: `${recorded.name} #${position}`, responses: stream.responses }))
  )

  it.scopedLive.each(streams)(
    "$name: the same events, in one frame, in a frame each, and in pieces",
    ({ responses }) =>
      Effect.gen(function*() {
        const bytes = Buffer.concat(responses.map((response) => Peer.framed(response.bytes)))
        const results: Array<ReadonlyArray<Item>> = []
        for (const size of [bytes.length, 1000, 7]) {
          const peer = yield* Peer.serve((stream) => {
            stream.respond(Peer.grpc, { waitForTrailers: true })
            stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }))
            const limit = Math.min(bytes.length, size * 400)
            for (let at = 0; at < limit; at += size) stream.write(bytes.subarray(at, Math.min(at + size, limit)))
            stream.end(bytes.subarray(limit))
          })
          const tasks = yield* tasksOver({ url: peer.url })
          results.push(yield* collect(tasks.logs("t", noReconnect)))
          assert.strictEqual(peer.calls.length, 1)
        }
        assert.strictEqual(results[0]?.length, responses.length)
        for (const result of results) assert.deepStrictEqual(result, results[0])
      })
  )
})

describe("the end of a log", () => {
  /** Connections in their order; the last one again for those behind it. */
  const over = (...connections: ReadonlyArray<(stream: ServerHttp2Stream) => void>) =>
    Effect.gen(function*() {
      const peer = yield* Peer.serve((stream, _, index) =>
        connections[Math.min(index, connections.length - 1)]?.(stream)
      )
      const tasks = yield* tasksOver({ url: peer.url })
      const items = yield* outcome(tasks.logs("t", quick))
      return { items, calls: peer.calls.length }
    })
  const line = chunk(1, 0, "line")
  const event = Peer.eventBytes(line)
  const ending = (code: number) => (stream: ServerHttp2Stream) =>
    Peer.answer(stream, event, { "grpc-status": String(code), "grpc-message": "over" })
  const refusing = (code: number) => (stream: ServerHttp2Stream) => Peer.refuse(stream, code, "no")

  const table: ReadonlyArray<
    readonly [string, ReadonlyArray<(stream: ServerHttp2Stream) => void>, ReadonlyArray<unknown>, calls: number]
  > = [
    ["OK is the end", [ending(0)], [line], 1],
    ["OK without an event is an empty log", [(stream) => Peer.answer(stream, Buffer.alloc(0))], [], 1],
    ["OK in the head is an empty log", [refusing(0)], [], 1],
    ["UNAVAILABLE is a gap and another connection", [ending(14), ending(0)], [line, gap, line], 2],
    ["INTERNAL is a gap and another connection", [ending(13), ending(0)], [line, gap, line], 2],
    ["CANCELLED is a gap and another connection", [ending(1), ending(0)], [line, gap, line], 2],
    ["DEADLINE_EXCEEDED is a gap and another connection", [ending(4), ending(0)], [line, gap, line], 2],
    ["NOT_FOUND behind a break is the end, and the loss is named", [ending(14), refusing(5)], [line, gap], 2],
    ["NOT_FOUND behind an event is the end", [ending(5)], [line], 1],
    ["NOT_FOUND at the start fails", [refusing(5)], ["TaskNotFound"], 1],
    [
      "NOT_FOUND behind the head of the first connection fails",
      [(stream) => Peer.answer(stream, Buffer.alloc(0), { "grpc-status": "5" })],
      ["TaskNotFound"],
      1
    ],
    ["NOT_FOUND behind an outage at the start fails", [refusing(14), refusing(5)], ["TaskNotFound"], 2],
    [
      "an outage between two connections is one gap",
      [ending(14), refusing(14), refusing(14), ending(0)],
      [line, gap, line],
      4
    ],
    ["a refusal that will not change fails at once", [ending(14), refusing(7)], [line, "Forbidden"], 2],
    ["PERMISSION_DENIED behind an event fails", [ending(7)], [line, "Forbidden"], 1],
    [
      "an event that does not decode fails, and is not asked for again",
      [(stream) => Peer.answer(stream, Buffer.concat([event, Peer.framed(Uint8Array.of(0x0a, 0xff))]))],
      [line, "DecodeError"],
      1
    ],
    [
      "events of later servers are skipped",
      [(stream) =>
        Peer.answer(
          stream,
          Buffer.concat([Peer.framed(Uint8Array.of(0x7a, 1, 1)), event, Peer.framed(Uint8Array.of())])
        )],
      [line],
      1
    ]
  ]

  it.scopedLive.each(table)("%s", ([_, connections, items, calls]) =>
    Effect.gen(function*() {
      const result = yield* over(...connections)
      assert.deepStrictEqual(result.items, items)
      assert.strictEqual(result.calls, calls)
    }))
})

describe("the emulator behind a proxy", () => {
  it.scopedLive("cut behind each of its frames: follow still ends with the outcome, and no line comes twice", () =>
    Effect.gen(function*() {
      const output = Array.from(
        { length: 8 },
        (_, i) => SoltiTesting.stdout(`line ${i}`, { after: i === 0 ? "60 millis" : "4 millis" })
      )
      const context = yield* Layer.build(
        SoltiGrpcTesting.layerServer({ scripts: [SoltiTesting.otherwise(SoltiTesting.succeeds(output))] })
      )
      const { port } = Context.get(context, SoltiTesting.TestServer)
      for (let frames = 0; frames < 6; frames++) {
        const proxied = yield* Proxy.make(
          port,
          ({ bytes, connection, data, from, type }) =>
            connection === 1 && from === "server" && type === Proxy.types.data && data === frames
              ? { cut: bytes, by: "end" }
              : "pass"
        )
        const tasks = yield* tasksOver({ url: proxied.url, options: { retry: { base: "1 millis" } } })
        const spec = Solti.command("x", [], { slot: `s-${frames}`, timeout: "10 seconds" })
        const items = yield* collect(tasks.submitAndFollow(spec, quick))
        const last = items.at(-1)
        assert.strictEqual(last?.type === "ended" ? last.outcome.status : last?.type, "succeeded")
        const lines = items.flatMap((item) => item.type === "chunk" ? [item.seq] : [])
        assert.deepStrictEqual(lines, [...new Set(lines)].sort((a, b) => a - b))
      }
    }))

  it.scopedLive("that goes away in the middle of a log: the log says so and goes on when it is back", () =>
    Effect.gen(function*() {
      let isDown = false
      const peer = yield* Peer.serve((stream) => {
        stream.respond(Peer.grpc)
        stream.write(Peer.eventBytes(chunk(1, 0, "x")))
      })
      const proxied = yield* Proxy.make(peer.port, () => isDown ? { cut: Buffer.alloc(0), by: "reset" } : "pass")
      const tasks = yield* tasksOver({ url: proxied.url })
      const items: Array<string> = []
      const fiber = yield* Effect.fork(
        Stream.runForEach(
          tasks.logs("t", { reconnect: { base: "5 millis", cap: "5 millis", maxReconnects: Infinity } }),
          (item) => Effect.sync(() => items.push(item.type))
        )
      )
      yield* eventually(() => items.length === 1)
      isDown = true
      proxied.cut()
      yield* eventually(() => proxied.connections.made > 4)
      isDown = false
      yield* eventually(() => items.length === 3)
      assert.deepStrictEqual(items, ["chunk", "gap", "chunk"])
      yield* Fiber.interrupt(fiber)
    }))
})
