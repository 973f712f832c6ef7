import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FastCheck from "effect/FastCheck"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import type { Push } from "../../../src/schemas/cloacina/Delivery.js"
import { TransportError, Unauthorized } from "../../../src/schemas/core/Errors.js"
import type { DeliveryError, Failed } from "../../../src/streams/cloacina/Delivery.js"
import * as Shared from "../../../src/streams/cloacina/Shared.js"
import { running, settle } from "../../services/support/Memory.js"
import type { FakeSocket } from "./Fake.js"
import { acks, hello, info, leftBehind, listening, push, server, welcome } from "./Fake.js"

/** What the server knows: rows that are pushed until they are acknowledged. */
const outbox = (count: number) => {
  const unacked = new Set(Array.from({ length: count }, (_, i) => i + 1))
  const acked: Array<number> = []
  const take = (frame: unknown) => {
    const json = JSON.parse(String(frame)) as { type: string; id: number }
    if (json.type !== "ack") return
    acked.push(json.id)
    unacked.delete(json.id)
  }
  return { unacked, acked, take }
}

interface Plan {
  /** Behind how many frames of the server the connection ends. */
  readonly serverFrames: number
  /** Behind how many frames of the client. */
  readonly clientFrames: number
  /** Which pushes are sent twice. */
  readonly twice: ReadonlyArray<number>
  /** How pushes are swapped with their neighbour. */
  readonly swapped: ReadonlyArray<number>
  readonly code: number
  readonly welcomeMs: number
}

const plan: FastCheck.Arbitrary<Plan | "refused"> = FastCheck.oneof(
  { weight: 1, arbitrary: FastCheck.constant("refused" as const) },
  {
    weight: 6,
    arbitrary: FastCheck.record({
      serverFrames: FastCheck.integer({ min: 0, max: 15 }),
      clientFrames: FastCheck.integer({ min: 0, max: 15 }),
      twice: FastCheck.array(FastCheck.integer({ min: 0, max: 12 }), { maxLength: 3 }),
      swapped: FastCheck.array(FastCheck.integer({ min: 0, max: 12 }), { maxLength: 3 }),
      code: FastCheck.constantFrom(1000, 1001, 1006, 4404, 4999),
      welcomeMs: FastCheck.constantFrom(0, 5, 9_000, 11_000)
    })
  }
)

const refusedTicket: Failed = {
  error: new Unauthorized({ ...info, status: 401, detail: "invalid or expired WebSocket ticket" }),
  verdict: "reconnect",
  ticketRefused: true
}

const unreachable: Failed = {
  error: new TransportError({ ...info, phase: "request", detail: "unreachable" }),
  verdict: "reconnect"
}

describe("a subscription", () => {
  it.effect.prop(
    "delivers each row once and acknowledges what was taken, wherever connections are cut, in both directions",
    [
      FastCheck.integer({ min: 1, max: 12 }),
      FastCheck.array(plan, { maxLength: 12 }),
      FastCheck.constantFrom(1, 3, 64),
      FastCheck.boolean()
    ],
    ([count, plans, capacity, byHand]) =>
      Effect.gen(function*() {
        const rows = outbox(count)
        const taken: Array<number> = []
        let inHand: number | undefined
        const { open, sockets } = server((socket, index) => {
          const chosen = plans[index]
          if (chosen === "refused") return unreachable
          const ids = [...rows.unacked]
          for (const at of chosen?.swapped ?? []) {
            const [left, right] = [ids[at], ids[at + 1]]
            if (left !== undefined && right !== undefined) [ids[at], ids[at + 1]] = [right, left]
          }
          const frames = [
            welcome,
            ...ids.flatMap((id, at) => chosen?.twice.includes(at) ? [push(id), push(id)] : [push(id)])
          ]
          let received = 0
          socket.onFrame = (frame) => {
            rows.take(frame)
            if (chosen !== undefined && ++received > chosen.clientFrames) socket.end(chosen.code)
          }
          const talk = Effect.sync(() => {
            socket.say(...frames.slice(0, chosen?.serverFrames))
            if (chosen !== undefined && chosen.serverFrames <= frames.length) socket.end(chosen.code)
          })
          return chosen === undefined || chosen.welcomeMs === 0
            ? talk
            : Effect.asVoid(Effect.forkScoped(Effect.zipRight(Effect.sleep(chosen.welcomeMs), talk)))
        })
        const options = listening(open, { capacity, maxReconnects: Infinity })
        const take = (next: Push) =>
          Effect.sync(() => {
            if (inHand !== undefined) assert.notInclude(rows.acked, next.id, "acknowledged before it was taken")
            inHand = next.id
            taken.push(next.id)
          })
        const consumer = byHand
          ? Stream.runForEach(Shared.subscribeAcked(options), ({ ack, push }) =>
            Effect.zipRight(take(push), Effect.zipRight(ack, ack)))
          : Stream.runForEach(Shared.subscribe(options), take)

        const left = yield* leftBehind(running(Effect.gen(function*() {
          const fiber = yield* Effect.fork(consumer)
          while (rows.unacked.size > 0) {
            yield* Effect.sleep("10 seconds")
          }
          yield* Fiber.interrupt(fiber)
        })))
        assert.deepStrictEqual(
          [...taken].sort((a, b) =>
            a - b
          ),
          Array.from({ length: count }, (_, i) => i + 1)
        )
        assert.isTrue(rows.acked.every((id) => id >= 1 && id <= count))
        if (sockets.length > plans.length) assert.strictEqual(sockets.at(-1)?.clientClosed, 1000)
        assert.isTrue(sockets.every(({ isOpen }) => !isOpen))
        assert.strictEqual(left, 0)
      }),
    { fastCheck: { numRuns: 60 } }
  )

  const collect = (stream: Stream.Stream<Push, DeliveryError>) =>
    Effect.map(Stream.runCollect(stream), (pushes) => Chunk.toReadonlyArray(Chunk.map(pushes, ({ id }) => id)))

  it.effect("says hello at once, and acknowledges a push when the next one is asked for", () =>
    Effect.gen(function*() {
      const { open, sockets } = server((socket) => socket.say(welcome, push(1), push(2), push(3)))
      assert.deepStrictEqual(yield* collect(Stream.take(Shared.subscribe(listening(open)), 3)), [1, 2, 3])
      assert.strictEqual(sockets.length, 1)
      assert.strictEqual(sockets[0]?.sent[0], hello)
      assert.deepStrictEqual(sockets[0] && acks(sockets[0]), [1, 2])
      assert.strictEqual(sockets[0]?.clientClosed, 1000)
    }))

  it.effect("drops what comes again on a living connection, and acknowledges it again only when it was taken", () =>
    Effect.gen(function*() {
      const { open, sockets } = server((socket) => socket.say(welcome, push(1), push(2)))
      const taken: Array<number> = []
      const fiber = yield* Effect.fork(
        Stream.runForEach(
          Shared.subscribe(listening(open)),
          ({ id }) => Effect.zipRight(Effect.sync(() => taken.push(id)), id === 2 ? Effect.never : Effect.void)
        )
      )
      yield* settle
      sockets[0]?.say(push(1), push(2))
      yield* settle
      assert.deepStrictEqual(taken, [1, 2])
      assert.deepStrictEqual(sockets[0] && acks(sockets[0]), [1, 1])
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(sockets[0] && acks(sockets[0]), [1, 1])
    }))

  it.effect("writes the acknowledgements of a turn at once", () =>
    Effect.gen(function*() {
      const ids = Array.from({ length: 200 }, (_, i) => i + 1)
      const { open, sockets } = server((socket) => socket.say(welcome, ...ids.map((id) => push(id))))
      const fiber = yield* Effect.fork(Stream.runDrain(Shared.subscribe(listening(open, { capacity: 500 }))))
      yield* settle
      assert.deepStrictEqual(sockets[0] && acks(sockets[0]), ids)
      assert.isBelow(sockets[0]?.writes ?? Infinity, 20)
      yield* Fiber.interrupt(fiber)
    }))

  it.effect("acknowledges by hand on the connection of now, once, and not behind the end", () =>
    Effect.gen(function*() {
      const { open, sockets } = server((socket, index) => socket.say(welcome, ...index === 0 ? [push(1), push(2)] : []))
      const given: Array<Shared.Acked<Push>> = []
      const fiber = yield* Effect.fork(
        Stream.runForEach(Shared.subscribeAcked(listening(open)), (acked) => Effect.sync(() => given.push(acked)))
      )
      yield* settle
      sockets[0]?.end(1006)
      yield* settle
      yield* TestClock.adjust("1 second")
      yield* settle
      assert.deepStrictEqual(sockets.map(acks), [[], []])
      yield* given[0]?.ack ?? Effect.die("nothing given")
      yield* given[0]?.ack ?? Effect.die("nothing given")
      yield* settle
      assert.deepStrictEqual(sockets.map(acks), [[], [1]])
      yield* Fiber.interrupt(fiber)
      yield* given[1]?.ack ?? Effect.die("nothing given")
      yield* settle
      assert.deepStrictEqual(sockets.map(acks), [[], [1]])
    }))

  it.effect("neither remembers nor acknowledges snapshots, whose ids are not those of rows", () =>
    Effect.gen(function*() {
      const { open, sockets } = server((socket) => {
        const snapshot = (id: number, kind = "something") => push(id, { recipient: "ops_metrics:global", kind })
        socket.say(welcome, snapshot(1), snapshot(1), snapshot(2))
      })
      assert.deepStrictEqual(yield* collect(Stream.take(Shared.subscribe(listening(open)), 3)), [1, 1, 2])
      assert.deepStrictEqual(sockets.map(acks), [[]])
    }))

  it.effect("remembers the last 10,000 ids", () =>
    Effect.gen(function*() {
      const ids = Array.from({ length: 10_001 }, (_, i) => i + 1)
      const { open } = server((socket) => socket.say(welcome, ...ids.map((id) => push(id)), push(2), push(1)))
      const taken = yield* collect(Stream.take(Shared.subscribe(listening(open)), 10_002))
      assert.strictEqual(taken.at(-1), 1)
      assert.strictEqual(taken.at(-2), 10_001)
    }))

  it.effect("ignores what it does not know, and passes unknown kinds on", () =>
    Effect.gen(function*() {
      const { open, sockets } = server((socket) =>
        socket.say(
          welcome,
          "no json",
          "[1]",
          "null",
          "7",
          "{\"type\":\"gossip\"}",
          "{\"type\":\"push\"}",
          new Uint8Array([1]),
          push(1, { id: "1" }),
          push(5, { kind: "rumour", payload_b64: "/wA=" }),
          push(6, { kind: "constructor", payload_b64: "" }),
          push(7)
        )
      )
      const pushes = Chunk.toReadonlyArray(
        yield* Stream.runCollect(Stream.take(Shared.subscribe(listening(open)), 3))
      )
      assert.deepStrictEqual(pushes.map(({ id, kind }) => [id, kind]), [
        [5, "unknown"],
        [6, "unknown"],
        [7, "execution_event"]
      ])
      const first = pushes[0]
      assert.strictEqual(first?.kind === "unknown" ? first.unknownKind : "", "rumour")
      assert.deepStrictEqual(first?.payload, new Uint8Array([255, 0]))
      assert.deepStrictEqual(sockets.map(acks), [[5, 6]])
    }))

  const fails = (open: Parameters<typeof listening>[0], fields?: Parameters<typeof listening>[1]) =>
    Effect.gen(function*() {
      const taken: Array<number> = []
      const error = yield* running(Effect.flip(
        Stream.runForEach(Shared.subscribe(listening(open, fields)), ({ id }) => Effect.sync(() => taken.push(id)))
      ))
      return { taken, error }
    })

  for (
    const [what, frame, path] of [
      ["bad base64", push(2, { payload_b64: "%%%%" }), "payload_b64"],
      ["base64 without padding", push(2, { payload_b64: "e30" }), "payload_b64"],
      ["no JSON", push(2, { payload_b64: "eyI=" }), "payload_b64"],
      ["an event that is none", push(2, { payload_b64: "e30=" }), "id"],
      ["a snapshot that is none", push(2, { kind: "ops_metrics", payload_b64: "e30=" }), "server"],
      ["a packet that is none", push(2, { kind: "agent_work", payload_b64: "e30=" }), "protocol_version"],
      ["no payload", push(2, { payload_b64: 7 }), "payload_b64"]
    ] as const
  ) {
    it.effect(`fails on ${what} behind what came before, and does not acknowledge it`, () =>
      Effect.gen(function*() {
        const { open, sockets } = server((socket) => socket.say(welcome, push(1), frame, push(3)))
        const { error, taken } = yield* fails(open)
        assert.deepStrictEqual(taken, [1])
        assert.strictEqual(error._tag, "DecodeError")
        assert.strictEqual(error._tag === "DecodeError" && error.path, path)
        assert.strictEqual(sockets.length, 1)
        assert.notInclude(sockets.flatMap(acks), 2)
        assert.notInclude(sockets.flatMap(acks), 3)
        assert.strictEqual(sockets[0]?.clientClosed, 1000)
      }))
  }

  for (const maxReconnects of [0, 20]) {
    const mode = maxReconnects === 0 ? "reconnect off" : "reconnect on"

    it.effect(`a welcome of another version is a version mismatch, ${mode}`, () =>
      Effect.gen(function*() {
        const { open, sockets } = server((socket) =>
          socket.say(JSON.stringify({ type: "welcome", protocol_version: 2, max_known_id: 0 }), push(1))
        )
        const { error, taken } = yield* fails(open, { maxReconnects })
        assert.deepStrictEqual(taken, [])
        assert.strictEqual(error._tag, "VersionMismatch")
        assert.strictEqual(error._tag === "VersionMismatch" && error.actual, "2")
        assert.strictEqual(sockets.length, 1)
        assert.strictEqual(sockets[0]?.clientClosed, 1000)
      }))

    for (const [code, tag] of [[4426, "VersionMismatch"], [4400, "InvalidInput"]] as const) {
      it.effect(`close ${code} is terminal, ${mode}`, () =>
        Effect.gen(function*() {
          const { open, sockets } = server((socket) => {
            socket.say(welcome, push(1))
            socket.end(code, "unsupported")
          })
          const { error, taken } = yield* fails(open, { maxReconnects })
          assert.deepStrictEqual(taken, [1])
          assert.strictEqual(error._tag, tag)
          assert.strictEqual("code" in error && error.code, String(code))
          assert.strictEqual(sockets.length, 1)
        }))
    }
  }

  for (const code of [1000, 1001, 1006, 4404, 4000]) {
    it.effect(`close ${code} is followed by another connection, or by the end where reconnect is off`, () =>
      Effect.gen(function*() {
        const script = () =>
          server((socket, index) => {
            socket.say(welcome, push(index + 1))
            socket.end(code)
          })
        const on = script()
        assert.deepStrictEqual(
          yield* running(collect(Stream.take(Shared.subscribe(listening(on.open)), 3))),
          [1, 2, 3]
        )
        const off = script()
        const { error, taken } = yield* fails(off.open, { maxReconnects: 0 })
        assert.deepStrictEqual(taken, [1])
        assert.strictEqual(error._tag, "StreamInterrupted")
        assert.strictEqual("code" in error && error.code, String(code))
        assert.strictEqual(off.sockets.length, 1)
      }))
  }

  it.effect("takes a new ticket when one is refused, three times in a row", () =>
    Effect.gen(function*() {
      const { at, open } = server(() => refusedTicket)
      const { error } = yield* fails(open, { maxReconnects: Infinity })
      assert.strictEqual(error._tag, "Unauthorized")
      assert.strictEqual(at.length, 4)
      const once = server((socket, index) =>
        index % 4 < 3 ? refusedTicket : (socket.say(welcome, push(index)), socket.end(1006))
      )
      assert.deepStrictEqual(
        yield* running(collect(Stream.take(Shared.subscribe(listening(once.open)), 2))),
        [3, 7]
      )
    }))

  it.effect("shows a refused ticket as such where reconnect is off", () =>
    Effect.gen(function*() {
      const { at, open } = server(() => refusedTicket)
      const { error } = yield* fails(open, { maxReconnects: 0 })
      assert.strictEqual(error._tag, "Unauthorized")
      assert.strictEqual(at.length, 1)
    }))

  it.effect("fails at once where another try is no use", () =>
    Effect.gen(function*() {
      const { at, open } = server(() => ({ ...refusedTicket, verdict: "fail", ticketRefused: false }))
      const { error } = yield* fails(open)
      assert.strictEqual(error._tag, "Unauthorized")
      assert.strictEqual(at.length, 1)
    }))

  it.effect("gives up behind so many connections in a row, with pauses that double up to 30 s", () =>
    Effect.gen(function*() {
      const { at, open } = server(() => unreachable)
      const { error } = yield* fails(open, { maxReconnects: 12 })
      assert.strictEqual(error._tag, "StreamInterrupted")
      assert.strictEqual(at.length, 13)
      const pauses = at.slice(1).map((now, i) => now - (at[i] ?? 0))
      pauses.forEach((pause, i) => {
        const full = Math.min(30_000, 100 * 2 ** i)
        assert.isAtMost(pause, full)
        assert.isAtLeast(pause, Math.floor(full * 0.75))
      })
    }))

  it.effect("pauses longer and longer over connections that only greet, or only repeat", () =>
    Effect.gen(function*() {
      const { at, open } = server((socket, index) => {
        socket.say(welcome, push(1))
        if (index > 0) return socket.end(1006)
        return Effect.asVoid(Effect.forkScoped(Effect.zipRight(Effect.sleep(1), Effect.sync(() => socket.end(1006)))))
      })
      const { error, taken } = yield* fails(open, { maxReconnects: 8 })
      assert.deepStrictEqual(taken, [1])
      assert.strictEqual(error._tag, "StreamInterrupted")
      const pauses = at.slice(2).map((now, i) => now - (at[i + 1] ?? 0))
      assert.isAbove(pauses.at(-1) ?? 0, 5000)
    }))

  it.effect("pauses briefly again behind a connection that brought something new", () =>
    Effect.gen(function*() {
      const { at, open } = server((socket, index) => {
        if (index !== 6) return unreachable
        socket.say(welcome, push(1))
        return Effect.asVoid(Effect.forkScoped(Effect.zipRight(Effect.sleep(1), Effect.sync(() => socket.end(1006)))))
      })
      const { error, taken } = yield* fails(open, { maxReconnects: 8 })
      assert.deepStrictEqual(taken, [1])
      assert.strictEqual(error._tag, "StreamInterrupted")
      const pauses = at.slice(1).map((now, i) => now - (at[i] ?? 0))
      assert.isAbove(pauses[5] ?? 0, 2000)
      assert.isAtMost(pauses[6] ?? Infinity, 101)
      assert.lengthOf(at, 6 + 1 + 8)
    }))

  it.effect("waits for a welcome for as long as it is told", () =>
    Effect.gen(function*() {
      const { at, open } = server(() => {})
      const { error } = yield* fails(open, { maxReconnects: 1 })
      assert.strictEqual(error._tag, "StreamInterrupted")
      assert.include(error.message, "Timeout")
      assert.isAtLeast((at[1] ?? 0) - (at[0] ?? 0), 10_000)
    }))

  it.effect("stops reading when the consumer is slow, and loses nothing", () =>
    Effect.gen(function*() {
      const { open, sockets } = server((socket) => socket.say(welcome, ...[1, 2, 3, 4, 5, 6].map((id) => push(id))))
      const taken: Array<number> = []
      const fiber = yield* Effect.fork(
        Stream.runForEach(Shared.subscribe(listening(open, { capacity: 2 })), ({ id }) =>
          Effect.zipRight(Effect.sync(() => taken.push(id)), Effect.sleep("1 minute")))
      )
      yield* settle
      sockets[0]?.say(push(7), push(8), push(9))
      yield* settle
      assert.deepStrictEqual(taken, [1])
      assert.strictEqual(sockets[0]?.unread, 3)
      for (let minute = 0; minute < 9; minute++) {
        yield* TestClock.adjust("1 minute")
        yield* settle
      }
      assert.deepStrictEqual(taken, [1, 2, 3, 4, 5, 6, 7, 8, 9])
      assert.deepStrictEqual(sockets.map(acks), [[1, 2, 3, 4, 5, 6, 7, 8, 9]])
      yield* Fiber.interrupt(fiber)
    }))

  it.effect("closes at once although acknowledgements cannot be written", () =>
    Effect.gen(function*() {
      const { open, sockets } = server((socket) => socket.say(welcome, push(1), push(2)))
      const left = yield* leftBehind(Effect.gen(function*() {
        const fiber = yield* Effect.fork(Stream.runForEach(Shared.subscribe(listening(open)), () =>
          Effect.sync(() => {
            if (sockets[0]) sockets[0].isStuck = true
          })))
        yield* settle
        yield* Fiber.interrupt(fiber)
      }))
      assert.strictEqual(left, 0)
      assert.strictEqual(sockets[0]?.clientClosed, 1000)
    }))

  for (
    const [when, onOpen] of [
      ["while a ticket is fetched or the socket opens", () => Effect.never],
      ["while the welcome is waited for", () => {}],
      ["during a pause", () => unreachable]
    ] as const
  ) {
    it.effect(`stops at once ${when}`, () =>
      Effect.gen(function*() {
        const { open, sockets } = server(onOpen)
        const left = yield* leftBehind(Effect.gen(function*() {
          const fiber = yield* Effect.fork(Stream.runDrain(Shared.subscribe(listening(open))))
          yield* settle
          const exit = yield* Fiber.interrupt(fiber)
          assert.isTrue(Exit.isInterrupted(exit))
        }))
        assert.strictEqual(left, 0)
        assert.isTrue(sockets.every(({ isOpen }) => !isOpen))
        const seen = sockets.length
        yield* TestClock.adjust("1 hour")
        yield* settle
        assert.strictEqual(sockets.length, seen)
      }))
  }
})

describe("several consumers of a recipient", () => {
  const ids = (taken: Array<number>) => ({ id }: Push) => Effect.sync(() => taken.push(id))
  const only = (sockets: ReadonlyArray<FakeSocket>): FakeSocket => {
    assert.strictEqual(sockets.length, 1)
    return sockets[0] ?? assert.fail("no socket")
  }

  it.effect("share a socket, and a push is acknowledged when all have taken it", () =>
    Effect.gen(function*() {
      const { open, sockets } = server((socket) => socket.say(welcome))
      const options = listening(open)
      const [fast, slow]: [Array<number>, Array<number>] = [[], []]
      const one = yield* Effect.fork(Stream.runForEach(Shared.subscribe(options), ids(fast)))
      const two = yield* Effect.fork(
        Stream.runForEach(
          Shared.subscribe(options),
          (push) => Effect.zipRight(ids(slow)(push), Effect.sleep("1 minute"))
        )
      )
      yield* settle
      const socket = only(sockets)
      socket.say(push(1), push(2))
      yield* settle
      assert.deepStrictEqual([fast, slow], [[1, 2], [1]])
      assert.deepStrictEqual(acks(socket), [])
      yield* TestClock.adjust("1 minute")
      yield* settle
      assert.deepStrictEqual([fast, slow], [[1, 2], [1, 2]])
      assert.deepStrictEqual(acks(socket), [1])
      // The one who leaves no longer counts: what the other has taken is done with.
      yield* Fiber.interrupt(two)
      yield* settle
      assert.deepStrictEqual(acks(socket), [1, 2])
      assert.isTrue(socket.isOpen)
      yield* Fiber.interrupt(one)
      assert.strictEqual(only(sockets).clientClosed, 1000)
    }))

  it.effect("get what comes behind their joining, and what nobody took comes to who is there", () =>
    Effect.gen(function*() {
      const { open, sockets } = server((socket) => socket.say(welcome, push(1)))
      const options = listening(open)
      const late: Array<number> = []
      const one = yield* Effect.fork(Stream.runForEach(Shared.subscribe(options), () => Effect.never))
      yield* settle
      const two = yield* Effect.fork(Stream.runForEach(Shared.subscribe(options), ids(late)))
      yield* settle
      const socket = only(sockets)
      socket.say(push(1), push(2))
      yield* settle
      assert.deepStrictEqual(late, [2])
      yield* Fiber.interrupt(one)
      yield* settle
      assert.deepStrictEqual(acks(socket), [2])
      socket.say(push(1), push(2))
      yield* settle
      assert.deepStrictEqual(late, [2, 1])
      assert.deepStrictEqual(acks(socket), [2, 2, 1])
      yield* Fiber.interrupt(two)
    }))

  it.effect("wait for the slowest", () =>
    Effect.gen(function*() {
      const { open, sockets } = server((socket) => socket.say(welcome))
      const fast: Array<number> = []
      const options = listening(open, { capacity: 2 })
      const one = yield* Effect.fork(Stream.runForEach(Shared.subscribe(options), ids(fast)))
      const two = yield* Effect.fork(Stream.runForEach(Shared.subscribe(options), () => Effect.never))
      yield* settle
      only(sockets).say(...[1, 2, 3, 4, 5, 6].map((id) => push(id)))
      yield* settle
      assert.deepStrictEqual(fast, [1, 2, 3])
      yield* Fiber.interrupt(two)
      yield* settle
      assert.deepStrictEqual(fast, [1, 2, 3, 4, 5, 6])
      yield* Fiber.interrupt(one)
    }))

  it.effect("all learn how it ended, each behind what it has, and the next one opens a new socket", () =>
    Effect.gen(function*() {
      const { open, sockets } = server((socket) => socket.say(welcome))
      const options = listening(open)
      const run = Effect.exit(Stream.runDrain(Shared.subscribe(options)))
      const both = yield* Effect.fork(Effect.all([run, run], { concurrency: 2 }))
      yield* settle
      only(sockets).end(4400, "invalid client frame")
      for (const exit of yield* Fiber.join(both)) {
        assert.strictEqual(Exit.isFailure(exit) && exit.cause._tag === "Fail" && exit.cause.error._tag, "InvalidInput")
      }
      const again = yield* Effect.fork(Stream.runDrain(Shared.subscribe(options)))
      yield* settle
      assert.strictEqual(sockets.length, 2)
      yield* Fiber.interrupt(again)
    }))

  it.effect("give up each on their own", () =>
    Effect.gen(function*() {
      const { open, sockets } = server((socket, index) =>
        index === 1 ? unreachable : socket.say(welcome, push(index + 1))
      )
      const options = listening(open)
      const patient: Array<number> = []
      const one = yield* Effect.fork(Effect.flip(Stream.runDrain(Shared.subscribe({ ...options, maxReconnects: 0 }))))
      yield* settle
      const two = yield* Effect.fork(Stream.runForEach(Shared.subscribe(options), ids(patient)))
      yield* settle
      only(sockets).end(1006)
      assert.strictEqual((yield* Fiber.join(one))._tag, "StreamInterrupted")
      yield* TestClock.adjust("1 minute")
      yield* settle
      assert.deepStrictEqual(patient, [3])
      assert.strictEqual(sockets.length, 3)
      yield* Fiber.interrupt(two)
    }))

  it.effect("one that comes while the last one leaves waits until its socket is closed", () =>
    Effect.gen(function*() {
      const log: Array<string> = []
      const mayClose = yield* Deferred.make<void>()
      const slow = server((socket, index) => {
        log.push(`open ${index}`)
        socket.say(welcome)
      })
      const open = Effect.zipRight(
        Effect.addFinalizer(() => Effect.zipRight(Deferred.await(mayClose), Effect.sync(() => log.push("closed")))),
        slow.open
      )
      const options = listening(open)
      const one = yield* Effect.fork(Stream.runDrain(Shared.subscribe(options)))
      yield* settle
      const leaving = yield* Effect.fork(Fiber.interrupt(one))
      yield* settle
      const two = yield* Effect.fork(Stream.runDrain(Shared.subscribe(options)))
      yield* settle
      assert.deepStrictEqual(log, ["open 0"])
      yield* Deferred.succeed(mayClose, undefined)
      yield* Fiber.join(leaving)
      yield* settle
      assert.deepStrictEqual(log, ["open 0", "closed", "open 1"])
      yield* Fiber.interrupt(two)
    }))

  it.effect("the newest is enough for some: they hold nobody up", () =>
    Effect.gen(function*() {
      const { open, sockets } = server((socket) => socket.say(welcome))
      const options = listening(open)
      const seen: Array<number> = []
      const all: Array<number> = []
      const latest = yield* Effect.fork(
        Stream.runForEach(Shared.subscribe({ ...options, capacity: "latest" }), (push) =>
          Effect.zipRight(ids(seen)(push), Effect.sleep("1 minute")))
      )
      const one = yield* Effect.fork(Stream.runForEach(Shared.subscribe(options), ids(all)))
      yield* settle
      only(sockets).say(push(1))
      yield* settle
      only(sockets).say(...Array.from({ length: 50 }, (_, i) =>
        push(i + 2)))
      yield* settle
      assert.strictEqual(all.length, 51)
      assert.strictEqual(acks(only(sockets)).length, 51)
      yield* TestClock.adjust("1 minute")
      yield* settle
      assert.deepStrictEqual(seen, [1, 51])
      yield* Fiber.interrupt(Fiber.zip(latest, one))
    }))
})
