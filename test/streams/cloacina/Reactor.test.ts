import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import { TransportError } from "../../../src/schemas/core/Errors.js"
import type { Failed } from "../../../src/streams/cloacina/Delivery.js"
import * as Reactor from "../../../src/streams/cloacina/Reactor.js"
import { running, settle } from "../../services/support/Memory.js"
import type { FakeSocket, OnOpen } from "./Fake.js"
import { info, leftBehind, server } from "./Fake.js"

const fire = `{"command":"force_fire"}`
const fired = `{"type":"fired"}`

const connect = (onOpen: OnOpen) =>
  Effect.gen(function*() {
    const { at, open, sockets } = server(onOpen)
    const commands = yield* Reactor.make({ open, answerTimeout: "30 seconds" })
    return { at, sockets, run: commands.run(info, fire, "fired"), commands }
  })

/** Answers each command at once. */
const answering = (answer: string) => (socket: FakeSocket) => {
  socket.onFrame = () => socket.say(answer)
}

const unreachable: Failed = {
  error: new TransportError({ ...info, phase: "request", detail: "unreachable" }),
  verdict: "reconnect"
}

describe("commands to a reactor", () => {
  it.scoped("get one answer each, in order, however many are given at once", () =>
    Effect.gen(function*() {
      const { commands, sockets } = yield* connect((socket) => {
        let pending = 0
        socket.onFrame = (frame) => {
          assert.strictEqual(++pending, 1, "one at a time")
          const n = JSON.parse(String(frame)) as { n: number }
          pending = 0
          socket.say(JSON.stringify({ type: "state", cache: { n: String(n.n) } }))
        }
      })
      const numbers = Array.from({ length: 50 }, (_, i) => i)
      const answers = yield* Effect.forEach(numbers, (n) => commands.run(info, JSON.stringify({ n }), "state"), {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(answers.map(({ cache }) => cache["n"]), numbers.map(String))
      assert.deepStrictEqual(sockets[0]?.sent.map(String), numbers.map((n) => JSON.stringify({ n })))
    }))

  for (
    const [message, tag] of [
      ["operation ForceFire not permitted on reactor 'pricing'", "Forbidden"],
      ["no reactor handle for 'pricing'", "NotFound"],
      ["no reactor registered for 'pricing'", "NotFound"],
      ["invalid command: unknown variant `explode`", "InvalidInput"],
      ["the roof is on fire", "Internal"]
    ] as const
  ) {
    it.scoped(`"${message}" is ${tag}`, () =>
      Effect.gen(function*() {
        const { run, sockets } = yield* connect(answering(JSON.stringify({ type: "error", message })))
        const error = yield* Effect.flip(run)
        assert.strictEqual(error._tag, tag)
        assert.include(error.message, message)
        yield* Effect.flip(running(run))
        // A handle is looked up when the socket opens, so only a new one can find it.
        assert.strictEqual(sockets.length, tag === "NotFound" ? 2 : 1)
      }))
  }

  it.scoped("do not wait for ever for an answer, nor take it for that of the next", () =>
    Effect.gen(function*() {
      const { run, sockets } = yield* connect((socket, index) => index === 0 ? undefined : answering(fired)(socket))
      const error = yield* running(Effect.flip(run))
      assert.strictEqual(error._tag, "Timeout")
      assert.strictEqual(sockets[0]?.clientClosed, 1000)
      yield* running(run)
      assert.deepStrictEqual(sockets.map(({ sent }) => sent.length), [1, 1])
    }))

  it.scoped("when interrupted, close the connection and leave the next command a new one", () =>
    Effect.gen(function*() {
      const { run, sockets } = yield* connect((socket, index) => index === 0 ? undefined : answering(fired)(socket))
      const first = yield* Effect.fork(run)
      const second = yield* Effect.fork(run)
      yield* settle
      yield* Fiber.interrupt(first)
      yield* settle
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(second)
      assert.deepStrictEqual(sockets.map(({ sent }) => sent.length), [1, 1])
      assert.strictEqual(sockets[0]?.clientClosed, 1000)
    }))

  it.scoped("answers of another kind, or none at all, are decode errors; binary frames are nothing", () =>
    Effect.gen(function*() {
      for (const answer of ["{\"type\":\"paused\"}", "nonsense", "{}"]) {
        const { run } = yield* connect((socket) => {
          socket.onFrame = () => socket.say(new Uint8Array([1]), answer)
        })
        assert.strictEqual((yield* Effect.flip(run))._tag, "DecodeError")
      }
    }))

  it.effect.prop(
    "are never sent twice, wherever the connection ends",
    [FastCheck.array(FastCheck.constantFrom("before", "inside", "behind"), { minLength: 1, maxLength: 12 })],
    ([ends]) =>
      Effect.scoped(Effect.gen(function*() {
        const outcomes: Array<string> = []
        let count = 0
        const { run, sockets } = yield* connect((socket) => {
          socket.onFrame = () => {
            const end = ends[count++]
            if (end === "inside") socket.end(1006)
            else socket.say(fired)
            if (end === "behind") socket.end(1006)
          }
        })
        for (const end of ends) {
          if (end === "before") {
            sockets.at(-1)?.end(1001)
            yield* settle
          }
          const exit = yield* running(Effect.either(run))
          outcomes.push(exit._tag === "Right" ? "fired" : exit.left._tag)
          yield* settle
        }
        assert.deepStrictEqual(outcomes, ends.map((end) => end === "inside" ? "TransportError" : "fired"))
        assert.strictEqual(sockets.flatMap(({ sent }) => sent).length, ends.length)
      })),
    { fastCheck: { numRuns: 25 } }
  )

  it.scoped("fail as the opening does, behind five more tries", () =>
    Effect.gen(function*() {
      const { at, open } = server(() => unreachable)
      const error = yield* running(Effect.flip(Reactor.make({ open, answerTimeout: "1 second" })))
      assert.strictEqual(error._tag, "TransportError")
      assert.strictEqual(at.length, 6)
    }))

  it.effect("leave nothing behind, whenever they stop", () =>
    Effect.gen(function*() {
      const opening = yield* Deferred.make<void>()
      for (const onOpen of [() => Deferred.await(opening), () => {}, () => unreachable]) {
        const { open, sockets } = server(onOpen)
        const left = yield* leftBehind(Effect.gen(function*() {
          const fiber = yield* Effect.fork(Effect.scoped(Effect.flatMap(
            Reactor.make({ open, answerTimeout: "30 seconds" }),
            ({ run }) => run(info, fire, "fired")
          )))
          yield* settle
          yield* Fiber.interrupt(fiber)
        }))
        assert.strictEqual(left, 0)
        assert.isTrue(sockets.every(({ isOpen }) => !isOpen))
      }
    }))
})
