import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import type { Front, FrontRequest, FrontResponse } from "../../../src/server/core/Front.js"
import { Hangup, StreamBody, upgrade } from "../../../src/server/core/Front.js"
import * as InMemory from "../../../src/server/core/InMemory.js"
import { isUpgrade } from "../../../src/server/core/Upgrade.js"
import { WebSockets } from "../../../src/services/core/WebSockets.js"
import type { Connection } from "../../../src/streams/core/Connection.js"
import { endOf, request, settled, take } from "../../services/support/Sockets.js"

const echo = (connection: Connection): Effect.Effect<void> =>
  Effect.ignore(
    Effect.forever(Effect.flatMap(connection.receive, (frames) => connection.send(Chunk.toReadonlyArray(frames))))
  )

const serving = (serve: (connection: Connection) => Effect.Effect<void, never, Scope.Scope>): Front => () =>
  Effect.succeed(upgrade(serve))

describe("WebSockets in memory", () => {
  it.scoped("ask the front for an upgrade, and carry frames both ways", () =>
    Effect.gen(function*() {
      const requests: Array<FrontRequest> = []
      const { open, sendsHeaders } = yield* InMemory.webSockets((request) => {
        requests.push(request)
        return Effect.succeed(upgrade(echo))
      })
      assert.isTrue(sendsHeaders)
      const connection = yield* open(
        request(80, { path: "/v1/ws/a%2Fb?token=t", headers: { Authorization: "Bearer k" } })
      )
      const [asked] = requests
      assert.isTrue(asked !== undefined && isUpgrade(asked))
      assert.deepInclude(asked, { method: "GET", target: "/v1/ws/a%2Fb?token=t" })
      assert.deepInclude(asked?.headers, { authorization: "Bearer k", host: "127.0.0.1" })
      const bytes = new Uint8Array([1, 2])
      yield* connection.send(["a", bytes, ""])
      bytes[0] = 9
      assert.deepStrictEqual(yield* take(connection, 3), ["a", new Uint8Array([1, 2]), ""])
    }))

  it.scoped("show what was answered instead, at most 4 KiB of it", () =>
    Effect.gen(function*() {
      const answers: Readonly<Record<string, FrontResponse>> = {
        "/401": { status: 401, headers: { "x-request-id": "r1" }, body: "no" },
        "/307": { status: 307, headers: { location: "http://x/" }, body: undefined },
        "/stream": {
          status: 503,
          headers: {},
          body: new StreamBody({ stream: Stream.forever(Stream.make("x".repeat(1000))) })
        }
      }
      const { open } = yield* InMemory.webSockets(({ target }) => {
        const answer = answers[target]
        return answer === undefined ? Effect.fail(new Hangup()) : Effect.succeed(answer)
      })
      const refusal = (path: string) =>
        Effect.map(Effect.flip(open(request(80, { path }))), (error) => Option.getOrThrow(error.refusal))
      assert.deepStrictEqual(yield* refusal("/401"), { status: 401, headers: { "x-request-id": "r1" }, body: "no" })
      assert.deepStrictEqual(yield* refusal("/307"), { status: 307, headers: { location: "http://x/" }, body: "" })
      assert.strictEqual((yield* refusal("/stream")).body, "x".repeat(4096))
      assert.strictEqual((yield* Effect.flip(open(request(80, { path: "/gone" })))).reason, "unreachable")
    }))

  it.scoped("give up after the time-out, in virtual time, and at once when interrupted", () =>
    Effect.gen(function*() {
      let interrupted = 0
      const { open } = yield* InMemory.webSockets(() =>
        Effect.onInterrupt(Effect.never, () => Effect.sync(() => interrupted++))
      )
      const late = yield* Effect.fork(Effect.flip(open(request(80, { openTimeout: "1 hour" }))))
      yield* TestClock.adjust("1 hour")
      assert.strictEqual((yield* Fiber.join(late)).reason, "timeout")
      const opening = yield* Effect.fork(open(request(80)))
      yield* settled
      yield* Fiber.interrupt(opening)
      assert.strictEqual(interrupted, 2)
    }))

  it.scoped("end with the code of whoever closes, behind the last frame, for both", () =>
    Effect.gen(function*() {
      const ends: Array<unknown> = []
      const { open } = yield* InMemory.webSockets(({ target }) =>
        Effect.succeed(upgrade((connection) =>
          Effect.gen(function*() {
            yield* connection.send(["last"])
            if (target !== "/") yield* connection.close(Number(target.slice(1)), "because")
            ends.push(yield* endOf(connection))
          }).pipe(Effect.ignore)
        ))
      )
      for (const code of [1000, 4400, 4404, 4426]) {
        const connection = yield* open(request(80, { path: `/${code}` }))
        yield* settled
        assert.deepStrictEqual(yield* take(connection, 1), ["last"])
        assert.deepStrictEqual(yield* endOf(connection), { code, reason: "because", by: "peer" })
        assert.strictEqual((yield* Effect.flip(connection.send(["late"]))).code, code)
        assert.deepStrictEqual(ends.pop(), { code, reason: "because", by: "here" })
      }
      const closed = yield* open(request(80))
      yield* take(closed, 1)
      yield* closed.close(1000, "done")
      yield* closed.drop
      assert.deepStrictEqual(yield* endOf(closed), { code: 1000, reason: "done", by: "here" })
      yield* settled
      assert.deepStrictEqual(ends.pop(), { code: 1000, reason: "done", by: "peer" })
      const dropped = yield* open(request(80))
      yield* take(dropped, 1)
      yield* dropped.drop
      yield* settled
      assert.deepStrictEqual(ends, [{ code: 1006, reason: "", by: "peer" }])
    }))

  it.scoped("are dropped when the front is done with them, or fails", () =>
    Effect.gen(function*() {
      const logged: Array<unknown> = []
      yield* Effect.gen(function*() {
        const { open } = yield* InMemory.webSockets(({ target }) =>
          Effect.succeed(upgrade(() => target === "/" ? Effect.void : Effect.die("broken")))
        )
        for (const path of ["/", "/broken"]) {
          const connection = yield* open(request(80, { path }))
          assert.deepStrictEqual(yield* endOf(connection), { code: 1006, reason: "", by: "peer" })
        }
      }).pipe(
        Effect.provide(Logger.replace(Logger.defaultLogger, Logger.make(({ message }) => logged.push(message))))
      )
      assert.strictEqual(logged.length, 1)
    }))

  it.scoped("are closed with 1000 by their scope, and dropped by that of the front", () =>
    Effect.gen(function*() {
      const ended = yield* Deferred.make<unknown>()
      const server = yield* Scope.make()
      const { open } = yield* Scope.extend(
        InMemory.webSockets(
          serving((connection) => Effect.flatMap(endOf(connection), (end) => Deferred.succeed(ended, end)))
        ),
        server
      )
      yield* Effect.scoped(open(request(80)))
      assert.deepStrictEqual(yield* Deferred.await(ended), { code: 1000, reason: "", by: "peer" })
      const connection = yield* open(request(80))
      yield* Scope.close(server, Exit.void)
      assert.deepStrictEqual(yield* endOf(connection), { code: 1006, reason: "", by: "peer" })
    }))

  it.scoped("make each side wait while the other does not read", () =>
    Effect.gen(function*() {
      let sent = 0
      let written = 0
      const { open } = yield* InMemory.webSockets(({ target }) =>
        Effect.succeed(upgrade((connection) =>
          target === "/"
            ? Effect.ignore(Effect.forever(Effect.map(connection.send(["x"]), () => sent++)))
            : Effect.never
        ))
      )
      const reader = yield* open(request(80, { highWater: 10 }))
      yield* settled
      assert.strictEqual(sent, 10)
      assert.strictEqual((yield* reader.receive).length, 10)
      yield* settled
      assert.strictEqual(sent, 20)
      const writer = yield* open(request(80, { path: "/mute" }))
      const writing = yield* Effect.fork(
        Effect.flip(Effect.forever(Effect.map(writer.send(["x", "y"]), () => written++)))
      )
      yield* settled
      assert.strictEqual(written, 32)
      yield* writer.close(1000)
      assert.strictEqual((yield* Fiber.join(writing)).code, 1000)
    }))

  it.scoped("interrupt who never receives when the client is gone, and let others finish for a while", () =>
    Effect.gen(function*() {
      const log: Array<string> = []
      const { open } = yield* InMemory.webSockets(({ target }) =>
        Effect.succeed(upgrade((connection) =>
          Effect.gen(function*() {
            if (target === "/mute") return yield* Effect.never
            yield* Effect.flip(Effect.forever(connection.receive))
            yield* Effect.sleep(target === "/short" ? "4 seconds" : "1 hour")
            log.push("finished")
          }).pipe(Effect.onInterrupt(() =>
            Effect.map(Clock.currentTimeMillis, (now) => log.push(`${target} interrupted at ${now}`))
          ))
        ))
      )
      for (const path of ["/mute", "/short", "/long"]) {
        const connection = yield* open(request(80, { path }))
        yield* settled
        yield* connection.drop
      }
      yield* settled
      assert.deepStrictEqual(log, ["/mute interrupted at 0"])
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(log, ["/mute interrupted at 0", "finished", "/long interrupted at 5000"])
    }))

  it.scoped("can be as in a browser: no headers, no reasons, and a close where others wait", () =>
    Effect.gen(function*() {
      const seen: Array<FrontRequest["headers"]> = []
      const browser = InMemory.layerWebSockets(
        Effect.succeed<Front>((request) => {
          seen.push(request.headers)
          return Effect.succeed(
            request.target === "/no"
              ? { status: 401, headers: {}, body: "no" }
              : upgrade((connection) => Effect.ignore(Effect.forever(connection.send(["x"]))))
          )
        }),
        { browser: true }
      )
      yield* Effect.gen(function*() {
        const { open, sendsHeaders } = yield* WebSockets
        assert.isFalse(sendsHeaders)
        const refused = yield* Effect.flip(open(request(80, { path: "/no", headers: { a: "b" } })))
        assert.strictEqual(refused.reason, "unknown")
        assert.isTrue(Option.isNone(refused.refusal))
        assert.notProperty(seen[0], "a")
        const connection = yield* open(request(80, { highWater: 10 }))
        yield* settled
        assert.strictEqual((yield* take(connection, 11)).length, 11)
        assert.deepStrictEqual(yield* endOf(connection), { code: 1000, reason: "client backpressure", by: "here" })
      }).pipe(Effect.provide(browser))
    }))
})
