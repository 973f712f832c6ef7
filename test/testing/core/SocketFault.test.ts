import { describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/TestClock"
import { assert } from "vitest"
import type { Front } from "../../../src/server/core/Front.js"
import { text, upgrade } from "../../../src/server/core/Front.js"
import * as InMemory from "../../../src/server/core/InMemory.js"
import * as NodeServer from "../../../src/server/core/NodeServer.js"
import * as NodeWebSockets from "../../../src/services/core/NodeWebSockets.js"
import type { Connection, Frame } from "../../../src/streams/core/Connection.js"
import * as Fault from "../../../src/testing/core/Fault.js"
import * as SocketFault from "../../../src/testing/core/SocketFault.js"
import { endOf, request, settled, take } from "../../services/support/Sockets.js"

interface Seen {
  readonly frames: Array<Frame>
  end: unknown
}

/** Sends five frames, and writes down what it receives and how that ends. */
const serving = (fault: Fault.Fault, seen: Seen): Front => (request) =>
  fault(
    Effect.succeed(upgrade((connection) =>
      Effect.gen(function*() {
        yield* connection.send(["0", "1"])
        yield* connection.send(["2"])
        yield* connection.send(["3", "4"])
        const error = yield* Effect.flip(
          Effect.forever(Effect.map(connection.receive, (frames) => {
            for (const frame of frames) seen.frames.push(frame)
          }))
        )
        seen.end = { code: error.code, by: error.by }
      }).pipe(Effect.catchAll(({ by, code }) =>
        Effect.sync(() => {
          seen.end = { code, by }
        })
      ))
    )),
    request
  )

/** A connection to a server with a fault. */
const open = (fault: Fault.Fault) =>
  Effect.gen(function*() {
    const seen: Seen = { frames: [], end: undefined }
    const sockets = yield* InMemory.webSockets(serving(fault, seen))
    const connection = yield* sockets.open(request(80))
    return { connection, seen }
  })

const all = (connection: Connection) =>
  Effect.gen(function*() {
    yield* settled
    yield* connection.close(1000)
    const frames: Array<Frame> = []
    yield* Effect.flip(Effect.forever(Effect.map(connection.receive, (chunk) => {
      for (const frame of chunk) frames.push(frame)
    })))
    return frames
  })

const received = (fault: Fault.Fault) => Effect.scoped(Effect.flatMap(open(fault), ({ connection }) => all(connection)))

/** What the server has received of five frames. */
const arrived = (fault: Fault.Fault) =>
  Effect.scoped(Effect.gen(function*() {
    const { connection, seen } = yield* open(fault)
    // A fault may have ended the connection.
    yield* Effect.ignore(connection.send(["a", "b", "c"]))
    yield* Effect.ignore(connection.send(["d", "e"]))
    yield* settled
    yield* connection.close(1000)
    yield* settled
    return seen
  }))

const five = ["0", "1", "2", "3", "4"]
const toServer = { direction: "toServer" } as const

describe("a fault on a connection", () => {
  it.effect("cuts it behind so many frames of the server, with or without a code", () =>
    Effect.gen(function*() {
      for (let after = 0; after <= 5; after++) {
        const endings = [
          { ending: {}, end: { code: 1006, reason: "", by: "peer" } },
          { ending: { code: 1011, reason: "oops" }, end: { code: 1011, reason: "oops", by: "peer" } }
        ]
        for (const { end, ending } of endings) {
          yield* Effect.scoped(Effect.gen(function*() {
            const { connection, seen } = yield* open(SocketFault.cut(after, ending))
            assert.deepStrictEqual(yield* take(connection, after), five.slice(0, after))
            assert.deepStrictEqual(yield* endOf(connection), end)
            yield* settled
            assert.deepStrictEqual(seen.end, { code: end.code, by: "here" })
          }))
        }
      }
    }))

  it.effect("cuts it behind so many frames of the client", () =>
    Effect.gen(function*() {
      for (let after = 0; after <= 5; after++) {
        const { end, frames } = yield* arrived(SocketFault.cut(after, { ...toServer, code: 4400 }))
        assert.deepStrictEqual(frames, ["a", "b", "c", "d", "e"].slice(0, after))
        assert.deepStrictEqual(end, { code: 4400, by: "here" })
      }
    }))

  it.effect("duplicates, swallows, inserts and reorders frames of the server", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* received(SocketFault.duplicate({ frame: 2 })), ["0", "1", "2", "2", "3", "4"])
      assert.deepStrictEqual(yield* received(SocketFault.duplicate()), five.flatMap((frame) => [frame, frame]))
      assert.deepStrictEqual(yield* received(SocketFault.swallow({ frame: 0 })), ["1", "2", "3", "4"])
      assert.deepStrictEqual(yield* received(SocketFault.swallow()), [])
      assert.deepStrictEqual(yield* received(SocketFault.insert(1, "x")), ["0", "x", "1", "2", "3", "4"])
      assert.deepStrictEqual(yield* received(SocketFault.reorder(1)), ["0", "2", "1", "3", "4"])
      assert.deepStrictEqual(yield* received(SocketFault.reorder(0, { count: 4 })), ["4", "3", "2", "1", "0"])
      const [first, second] = yield* received(SocketFault.garbage(0))
      assert.instanceOf(first, Uint8Array)
      assert.strictEqual(second, "0")
    }))

  it.effect("does the same to those of the client", () =>
    Effect.gen(function*() {
      const frames = (fault: Fault.Fault) => Effect.map(arrived(fault), ({ frames }) => frames.join(""))
      assert.strictEqual(yield* frames(SocketFault.duplicate({ ...toServer, frame: 2 })), "abccde")
      assert.strictEqual(yield* frames(SocketFault.swallow({ ...toServer, frame: 4 })), "abcd")
      assert.strictEqual(yield* frames(SocketFault.insert(3, "x", toServer)), "abcxde")
      assert.strictEqual(yield* frames(SocketFault.reorder(2, toServer)), "abdce")
      assert.deepStrictEqual((yield* arrived(SocketFault.duplicate(toServer))).end, { code: 1000, by: "peer" })
    }))

  it.scoped("delays frames, and those behind them", () =>
    Effect.gen(function*() {
      const { connection } = yield* open(SocketFault.delay("1 minute", { frame: 1 }))
      assert.deepStrictEqual(yield* take(connection, 1), ["0"])
      const rest = yield* Effect.fork(Effect.zip(take(connection, 4), Clock.currentTimeMillis))
      yield* TestClock.adjust("59 seconds")
      yield* settled
      assert.isNull(rest.unsafePoll())
      yield* TestClock.adjust("1 seconds")
      assert.deepStrictEqual(yield* Fiber.join(rest), [["1", "2", "3", "4"], 60_000])

      const late = yield* open(SocketFault.delay("1 minute", { ...toServer, frame: 0 }))
      yield* late.connection.send(["a", "b"])
      yield* TestClock.adjust("59 seconds")
      assert.deepStrictEqual(late.seen.frames, [])
      yield* TestClock.adjust("1 seconds")
      assert.deepStrictEqual(late.seen.frames, ["a", "b"])
    }))

  it.effect("goes together with others; the first is the nearest to the client", () =>
    Effect.gen(function*() {
      const { cut, duplicate } = SocketFault
      assert.deepStrictEqual(yield* received(Fault.all(duplicate(), cut(2))), ["0", "0", "1", "1"])
      assert.deepStrictEqual(yield* received(Fault.all(cut(2), duplicate())), ["0", "0"])
    }))

  it.scoped("loses no frame of the client when its reader is interrupted", () =>
    Effect.gen(function*() {
      const got: Array<Frame> = []
      const sockets = yield* InMemory.webSockets((request) =>
        SocketFault.delay("1 second", toServer)(
          Effect.succeed(upgrade((connection) =>
            Effect.ignore(Effect.forever(
              Effect.map(Effect.timeoutOption(connection.receive, "300 millis"), (frames) => {
                if (frames._tag === "Some") { for (const frame of frames.value) got.push(frame) }
              })
            ))
          )),
          request
        )
      )
      const connection = yield* sockets.open(request(80))
      yield* connection.send(["a", "b", "c"])
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(got, ["a", "b", "c"])
    }))

  it.effect("lets answers pass that are no upgrade", () =>
    Effect.gen(function*() {
      const answer = text(200, "plain")
      const asked = { method: "GET", target: "/", headers: {}, bytes: () => Effect.succeed(new Uint8Array(0)) }
      assert.strictEqual(yield* SocketFault.cut(0)(Effect.succeed(answer), asked), answer)
    }))

  it.scopedLive("works on real sockets", () =>
    Effect.gen(function*() {
      const seen: Seen = { frames: [], end: undefined }
      const scope = yield* Scope.make()
      const { port } = yield* Scope.extend(NodeServer.listen(serving(SocketFault.cut(3), seen)), scope)
      const connection = yield* NodeWebSockets.make().open(request(port))
      assert.deepStrictEqual(yield* take(connection, 3), ["0", "1", "2"])
      assert.deepStrictEqual(yield* endOf(connection), { code: 1006, reason: "", by: "peer" })
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(seen.end, { code: 1006, by: "here" })
    }))
})
