import { describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { assert } from "vitest"
import * as Front from "../../../src/server/core/Front.js"
import * as InMemory from "../../../src/server/core/InMemory.js"
import * as Fault from "../../../src/testing/core/Fault.js"
import * as Faults from "../../../src/testing/core/Faults.js"
import * as SocketFault from "../../../src/testing/core/SocketFault.js"
import { endOf, request, settled, take } from "../../services/support/Sockets.js"

/** The first word of a path is its operation. */
const operationOf = (request: Front.FrontRequest): "read" | "write" | undefined =>
  request.target.startsWith("/read") ? "read" : request.target.startsWith("/write") ? "write" : undefined

const busy = Fault.status(503)

const front: Front.Front = (request) =>
  Effect.succeed(
    request.target === "/read/stream"
      ? {
        status: 200,
        headers: {},
        body: new Front.StreamBody({ stream: Stream.concat(Stream.make("first"), Stream.never) })
      }
      : Front.empty(204)
  )

const setUp = (rules?: ReadonlyArray<Faults.Rule<"read" | "write">>) =>
  Effect.gen(function*() {
    const faults = yield* Faults.make(operationOf, rules)
    const client = yield* InMemory.client(faults.wrap(front))
    const statusOf = (path: string) => Effect.map(client.get(`http://test${path}`), ({ status }) => status)
    const statuses = (...paths: ReadonlyArray<string>) => Effect.orDie(Effect.forEach(paths, statusOf))
    return { client, faults, statuses }
  })

describe("rules", () => {
  it.effect("hit the next request, whatever it asks for, and then no other one", () =>
    Effect.gen(function*() {
      const { statuses } = yield* setUp([{ fault: busy }])
      assert.deepStrictEqual(yield* statuses("/other", "/read", "/write"), [503, 204, 204])
    }))

  it.effect("hit only the operations that they are for", () =>
    Effect.gen(function*() {
      const { faults, statuses } = yield* setUp()
      yield* faults.inject({ on: "write", fault: busy })
      assert.deepStrictEqual(yield* statuses("/read", "/other", "/write", "/write"), [204, 204, 503, 204])
      yield* faults.inject({ on: ["read", "write"], times: 2, fault: busy })
      assert.deepStrictEqual(yield* statuses("/other", "/write", "/read", "/read"), [204, 503, 503, 204])
    }))

  it.effect("let some through first, and hit as often as they say", () =>
    Effect.gen(function*() {
      const { faults, statuses } = yield* setUp()
      const rule = yield* faults.inject({ on: "read", skip: 1, times: 2, fault: busy })
      assert.deepStrictEqual(yield* statuses("/read", "/write", "/read", "/read", "/read"), [204, 204, 503, 503, 204])
      assert.strictEqual(yield* rule.hits, 2)
    }))

  it.effect("may have a condition of their own", () =>
    Effect.gen(function*() {
      const { statuses } = yield* setUp([{ when: ({ target }) => target.endsWith("/7"), times: Infinity, fault: busy }])
      assert.deepStrictEqual(yield* statuses("/read/7", "/read/8", "/write/7"), [503, 204, 503])
    }))

  it.effect("come one after the other, the older one first", () =>
    Effect.gen(function*() {
      const { statuses } = yield* setUp([{ fault: busy }, { fault: Fault.status(500) }])
      assert.deepStrictEqual(yield* statuses("/read", "/read", "/read"), [503, 500, 204])
    }))

  it.effect("end when they are removed", () =>
    Effect.gen(function*() {
      const { faults, statuses } = yield* setUp([{ on: "write", times: Infinity, fault: busy }])
      const rule = yield* faults.inject({ on: "read", times: Infinity, fault: busy })
      yield* rule.remove
      assert.deepStrictEqual(yield* statuses("/read", "/write"), [204, 503])
      yield* faults.clear
      assert.deepStrictEqual(yield* statuses("/read", "/write"), [204, 204])
    }))
})

describe("disconnect", () => {
  it.effect("breaks off the streams that are under way, and no other ones", () =>
    Effect.gen(function*() {
      const { client, faults } = yield* setUp()
      const follow = Effect.flatMap(client.get("http://test/read/stream"), ({ stream }) => Stream.runCount(stream))
      assert.strictEqual(yield* faults.disconnect, 0)
      const readers = yield* Effect.forEach([1, 2], () => Effect.fork(Effect.flip(follow)))
      yield* Effect.yieldNow()
      while ((yield* faults.disconnect) < 2) yield* Effect.yieldNow()
      for (const error of yield* Fiber.join(Fiber.all(readers))) assert.strictEqual(error._tag, "ResponseError")
      const later = yield* Effect.fork(follow)
      yield* Effect.repeatN(Effect.yieldNow(), 100)
      assert.isNull(later.unsafePoll())
      yield* Fiber.interrupt(later)
    }))
})

describe("connections", () => {
  it.scoped("are dropped as by a crash, and their servers interrupted", () =>
    Effect.gen(function*() {
      const faults = yield* Faults.make(operationOf)
      const ended: Array<string> = []
      const open: Front.Front = ({ target }) =>
        Effect.succeed(
          Front.upgrade(() => Effect.onInterrupt(Effect.never, () => Effect.sync(() => ended.push(target))))
        )
      const sockets = yield* InMemory.webSockets(faults.wrap(open))
      const connections = yield* Effect.forEach(["/a", "/b"], (path) => sockets.open(request(80, { path })))
      yield* settled
      assert.strictEqual(yield* faults.disconnect, 2)
      for (const connection of connections) {
        assert.deepStrictEqual(yield* endOf(connection), { code: 1006, reason: "", by: "peer" })
      }
      yield* settled
      assert.deepStrictEqual(ended, ["/a", "/b"])
      assert.strictEqual(yield* faults.disconnect, 0)
    }))

  it.scoped("meet the faults that are injected into their upgrade", () =>
    Effect.gen(function*() {
      const faults = yield* Faults.make(operationOf, [{ on: "read", fault: SocketFault.cut(1, { code: 4400 }) }])
      const sockets = yield* InMemory.webSockets(
        faults.wrap(() => Effect.succeed(Front.upgrade((connection) => Effect.ignore(connection.send(["a", "b"])))))
      )
      const frames = (path: string) =>
        Effect.flatMap(sockets.open(request(80, { path })), (connection) =>
          Effect.zip(take(connection, 1), endOf(connection)))
      assert.deepStrictEqual(yield* frames("/read"), [["a"], { code: 4400, reason: "", by: "peer" }])
      assert.deepStrictEqual(yield* frames("/read"), [["a", "b"], { code: 1006, reason: "", by: "peer" }])
    }))
})
