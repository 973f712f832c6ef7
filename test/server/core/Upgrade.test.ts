import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Socket } from "node:net"
import { connect } from "node:net"
import { WebSocket } from "ws"
import type { Front, FrontResponse } from "../../../src/server/core/Front.js"
import { Hangup, StreamBody, text, upgrade } from "../../../src/server/core/Front.js"
import * as NodeServer from "../../../src/server/core/NodeServer.js"
import { isUpgrade } from "../../../src/server/core/Upgrade.js"
import * as NodeWebSockets from "../../../src/services/core/NodeWebSockets.js"
import type { Connection } from "../../../src/streams/core/Connection.js"
import { endOf, eventually, handles, request, take } from "../../services/support/Sockets.js"
import { exchange, send } from "./Raw.js"

const service = NodeWebSockets.make()

const handshake = (path = "/", headers: ReadonlyArray<string> = []): string =>
  [
    `GET ${path} HTTP/1.1`,
    "Host: x",
    "Connection: keep-alive, Upgrade",
    "Upgrade: WebSocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ...headers,
    "",
    ""
  ].join("\r\n")

/** A frame of a client, with a mask of zeros. */
const masked = (opcode: number, payload: string | ReadonlyArray<number>): Buffer => {
  const bytes = typeof payload === "string" ? Buffer.from(payload) : Buffer.from(payload)
  return Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | bytes.length, 0, 0, 0, 0]), bytes])
}

/** A socket that has sent something, and all that it has got. */
const raw = (port: number, sent: string | Buffer) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const socket = connect(port, "127.0.0.1")
      const seen = { socket, bytes: Buffer.alloc(0), ended: false }
      socket.on("error", () => undefined)
      socket.on("data", (piece) => {
        seen.bytes = Buffer.concat([seen.bytes, piece])
      })
      socket.on("close", () => {
        seen.ended = true
      })
      socket.write(sent)
      return seen
    }),
    ({ socket }) => Effect.sync(() => socket.destroy())
  )

const echo = (connection: Connection): Effect.Effect<void> =>
  Effect.ignore(
    Effect.forever(Effect.flatMap(connection.receive, (frames) => connection.send(Chunk.toReadonlyArray(frames))))
  )

const upgrading = (serve: (connection: Connection) => Effect.Effect<void, never, Scope.Scope>): Front => () =>
  Effect.succeed(upgrade(serve))

describe("NodeServer with WebSockets", () => {
  it.scopedLive("serves connections, with further headers in the answer, and no extension or subprotocol", () =>
    Effect.gen(function*() {
      const targets: Array<string> = []
      const { port } = yield* NodeServer.listen((request) => {
        targets.push(`${request.method} ${request.target} ${request.headers["authorization"]}`)
        return Effect.succeed(upgrade(echo, { headers: { "x-request-id": "r1" } }))
      })
      const connection = yield* service.open(
        request(port, { path: "/v1/ws/a%2Fb?token=t", headers: { authorization: "Bearer k" } })
      )
      const sent = ["a", new Uint8Array([1, 0]), "", "ü".repeat(100_000)]
      yield* connection.send(sent)
      assert.deepStrictEqual(yield* take(connection, sent.length), sent)
      assert.deepStrictEqual(targets, ["GET /v1/ws/a%2Fb?token=t Bearer k"])

      const offers = ["Sec-WebSocket-Protocol: a, b", "Sec-WebSocket-Extensions: permessage-deflate"]
      const seen = yield* raw(port, handshake("/", offers))
      yield* eventually(() => seen.bytes.includes("\r\n\r\n"))
      const head = seen.bytes.toString()
      assert.isTrue(head.startsWith("HTTP/1.1 101 Switching Protocols\r\n"))
      assert.include(head, "x-request-id: r1\r\n")
      assert.notMatch(head, /protocol:|extensions/i)
    }))

  it.scopedLive("refuses with an ordinary response, and ends the connection", () =>
    Effect.gen(function*() {
      const answers: Readonly<Record<string, FrontResponse>> = {
        "/401": { status: 401, headers: { "x-request-id": "r1" }, body: "no" },
        "/307": { status: 307, headers: { location: "http://x/" }, body: undefined },
        "/stream": { status: 503, headers: {}, body: new StreamBody({ stream: Stream.make("a", "b") }) }
      }
      const { port } = yield* NodeServer.listen(({ target }) => {
        const answer = answers[target]
        return answer === undefined ? Effect.fail(new Hangup()) : Effect.succeed(answer)
      })
      const refused = yield* exchange(port, handshake("/401"))
      assert.match(refused, /^HTTP\/1\.1 401 Unauthorized\r\n/)
      assert.match(refused, /\r\nconnection: close\r\n/i)
      assert.match(refused, /\r\ncontent-length: 2\r\n/)
      assert.isTrue(refused.endsWith("\r\n\r\nno"))
      for (const [path, status, body] of [["/401", 401, "no"], ["/307", 307, ""], ["/stream", 503, "ab"]] as const) {
        const { refusal } = yield* Effect.flip(service.open(request(port, { path })))
        assert.deepInclude(Option.getOrThrow(refusal), { status, body })
      }
      assert.strictEqual((yield* Effect.flip(service.open(request(port, { path: "/hangup" })))).reason, "unreachable")
      assert.strictEqual(yield* exchange(port, handshake("/hangup")), "")
    }))

  it.scopedLive("leaves all other requests alone", () =>
    Effect.gen(function*() {
      const seen: Array<boolean> = []
      const { port } = yield* NodeServer.listen((request) => {
        seen.push(isUpgrade(request))
        return Effect.map(
          Effect.orDie(request.bytes(100)),
          (body) => text(200, `${request.method} ${request.target} ${new TextDecoder().decode(body)}`)
        )
      })
      // No upgrade without `connection: upgrade`.
      assert.strictEqual((yield* send(port, { path: "/a", headers: { upgrade: "websocket" } })).body, "GET /a ")
      // HTTP/1.0 knows no upgrades.
      const old = "GET /a HTTP/1.0\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
      assert.match(yield* exchange(port, old), /200 OK[^]*GET \/a $/)
      // What a client asks that could also speak HTTP/2; and the connection lives on.
      const h2c = "Host: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQ\r\n"
      const both = yield* exchange(
        port,
        `GET /b HTTP/1.1\r\n${h2c}\r\n` +
          "POST /c HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbody"
      )
      assert.match(both, /200 OK[^]*GET \/b [^]*200 OK[^]*POST \/c body$/)
      assert.deepStrictEqual(seen, [false, false, false, false])
    }))

  it.scopedLive("answers 500 and says so when a request is upgraded that is none", () =>
    Effect.gen(function*() {
      const logged: Array<unknown> = []
      const answer = yield* Effect.gen(function*() {
        const { port } = yield* NodeServer.listen(upgrading(echo))
        return yield* send(port, { path: "/" })
      }).pipe(Effect.provide(Logger.replace(Logger.defaultLogger, Logger.make(({ message }) => logged.push(message)))))
      assert.strictEqual(answer.status, 500)
      assert.strictEqual(logged.length, 1)
    }))

  it.scopedLive("refuses a bad handshake, as ws does", () =>
    Effect.gen(function*() {
      const { port } = yield* NodeServer.listen(upgrading(echo))
      const answer = yield* exchange(port, handshake().replace("Version: 13", "Version: 7"))
      assert.match(answer, /^HTTP\/1\.1 400 /)
    }))

  it.scopedLive("sends its close codes, and drops what is not closed", () =>
    Effect.gen(function*() {
      const { port } = yield* NodeServer.listen(({ target }) =>
        Effect.succeed(upgrade((connection) =>
          Effect.zipRight(
            Effect.ignore(connection.send(["last"])),
            target === "/" ? Effect.void : connection.close(Number(target.slice(1)), "because")
          )
        ))
      )
      for (const code of [1000, 1011, 4400, 4404, 4426]) {
        const connection = yield* service.open(request(port, { path: `/${code}` }))
        assert.deepStrictEqual(yield* take(connection, 1), ["last"])
        assert.deepStrictEqual(yield* endOf(connection), { code, reason: "because", by: "peer" })
      }
      const dropped = yield* service.open(request(port))
      assert.deepStrictEqual(yield* take(dropped, 1), ["last"])
      assert.deepStrictEqual(yield* endOf(dropped), { code: 1006, reason: "", by: "peer" })
    }))

  it.scopedLive("tells the front how its client left, behind what it had sent", () =>
    Effect.gen(function*() {
      const seen: Array<unknown> = []
      const { port } = yield* NodeServer.listen(upgrading((connection) =>
        Effect.gen(function*() {
          // The client is gone long before its frames are read.
          yield* Effect.sleep("50 millis")
          seen.push(yield* take(connection, 2))
          yield* Effect.sleep("20 millis")
          seen.push(yield* endOf(connection))
        }).pipe(Effect.ignore)
      ))
      const ends = [
        { end: (_: Connection) => _.close(4001, "bye"), as: { code: 4001, reason: "bye", by: "peer" } },
        { end: (_: Connection) => _.drop, as: { code: 1006, reason: "", by: "peer" } }
      ]
      for (const { as, end } of ends) {
        seen.length = 0
        const connection = yield* service.open(request(port))
        yield* connection.send(["a", "b"])
        yield* end(connection)
        yield* eventually(() => seen.length === 2)
        assert.deepStrictEqual(seen, [["a", "b"], as])
      }
    }))

  it.scopedLive("interrupts who never receives when the client is gone", () =>
    Effect.gen(function*() {
      const gone = yield* Deferred.make<void>()
      const { port } = yield* NodeServer.listen(
        upgrading(() => Effect.onInterrupt(Effect.never, () => Deferred.succeed(gone, undefined)))
      )
      const connection = yield* service.open(request(port))
      yield* connection.drop
      yield* Deferred.await(gone)
    }))

  it.scopedLive("interrupts a front that still thinks when the client is gone, and keeps early frames for it", () =>
    Effect.gen(function*() {
      const gone = yield* Deferred.make<void>()
      const { port } = yield* NodeServer.listen(({ target }) =>
        target === "/never"
          ? Effect.onInterrupt(Effect.never, () => Deferred.succeed(gone, undefined))
          : Effect.delay(Effect.succeed(upgrade(echo)), "50 millis")
      )
      const never = yield* raw(port, handshake("/never"))
      yield* Effect.sleep("30 millis")
      never.socket.end()
      yield* Deferred.await(gone)
      const eager = yield* raw(port, Buffer.concat([Buffer.from(handshake()), masked(1, "one")]))
      yield* Effect.sleep("10 millis")
      eager.socket.write(masked(1, "two"))
      yield* eventually(() => eager.bytes.includes("one") && eager.bytes.includes("two"))
    }))

  it.scopedLive("answers close frames and pings, and leaves close frames unanswered where it is told so", () =>
    Effect.gen(function*() {
      const ends: Array<number> = []
      const { port } = yield* NodeServer.listen(({ target }) =>
        Effect.succeed(upgrade(
          (connection) => Effect.map(endOf(connection), ({ code }) => void ends.push(code)),
          { answersClose: target === "/answers" }
        ))
      )
      const answered = yield* raw(port, handshake("/answers"))
      yield* eventually(() => answered.bytes.includes("\r\n\r\n"))
      answered.socket.write(masked(9, "ping"))
      yield* eventually(() => answered.bytes.includes(Buffer.from("\x8a\x04ping", "latin1")))
      answered.socket.write(masked(8, [0x03, 0xe8]))
      yield* eventually(() => answered.ended)
      assert.deepStrictEqual([...answered.bytes.subarray(-4)], [0x88, 2, 0x03, 0xe8])

      const dropped = yield* raw(port, handshake())
      yield* eventually(() => dropped.bytes.includes("\r\n\r\n"))
      dropped.socket.write(masked(8, [0x03, 0xe8]))
      yield* eventually(() => dropped.ended)
      assert.isTrue(dropped.bytes.toString("latin1").endsWith("\r\n\r\n"))
      yield* eventually(() => ends.length === 2)
      assert.deepStrictEqual(ends, [1000, 1000])

      // A client of `ws` is told 1006, as by the real server.
      const code = yield* Effect.async<number>((resume) => {
        const ws = new WebSocket(`ws://127.0.0.1:${port}/`)
        ws.on("open", () => ws.close(1000))
        ws.on("close", (code) => resume(Effect.succeed(code)))
      })
      assert.strictEqual(code, 1006)
    }))

  it.scopedLive("sends a close code of its own even where it does not answer those of clients", () =>
    Effect.gen(function*() {
      const { port } = yield* NodeServer.listen(() =>
        Effect.succeed(upgrade((connection) => connection.close(4400, "bad"), { answersClose: false }))
      )
      const connection = yield* service.open(request(port))
      assert.deepStrictEqual(yield* endOf(connection), { code: 4400, reason: "bad", by: "peer" })
    }))

  it.scopedLive("waits for a client that does not read, and stops one that sends too much", () =>
    Effect.gen(function*() {
      let sent = 0
      const { port } = yield* NodeServer.listen(({ target }) =>
        Effect.succeed(upgrade((connection) =>
          target === "/sends"
            ? Effect.ignore(Effect.forever(Effect.map(connection.send(["x".repeat(100_000)]), () => sent++)))
            : Effect.never
        ))
      )
      const reader = yield* service.open(request(port, { path: "/sends", highWater: 1 }))
      let before = -1
      yield* eventually(() => {
        const still = sent === before
        before = sent
        return still && sent > 0
      }, "200 millis")
      assert.isBelow(sent, 200)
      yield* take(reader, before + 100)
      assert.isAbove(sent, before)

      const writer = yield* service.open(request(port))
      let written = 0
      yield* Effect.fork(Effect.forever(Effect.map(writer.send(["x".repeat(100_000)]), () => written++)))
      before = -1
      yield* eventually(() => {
        const still = written === before
        before = written
        return still && written > 0
      }, "200 millis")
      assert.isBelow(written, 300)
    }))

  it.scopedLive("logs a defect and drops the connection", () =>
    Effect.gen(function*() {
      const logged: Array<unknown> = []
      yield* Effect.gen(function*() {
        const { port } = yield* NodeServer.listen(upgrading(() => Effect.die("broken")))
        const connection = yield* service.open(request(port))
        assert.strictEqual((yield* endOf(connection)).code, 1006)
      }).pipe(Effect.provide(Logger.replace(Logger.defaultLogger, Logger.make(({ message }) => logged.push(message)))))
      assert.strictEqual(logged.length, 1)
    }))

  it.scopedLive("drops all connections when it ends, and leaves nothing behind", () =>
    Effect.gen(function*() {
      const before = handles()
      const scope = yield* Scope.make()
      let interrupted = 0
      let open = 0
      const { port } = yield* Scope.extend(
        NodeServer.listen(({ target }) =>
          target === "/silent" ? Effect.never : Effect.succeed(upgrade((connection) =>
            Effect.zipRight(
              target === "/closing" ? connection.close(4000) : Effect.void,
              Effect.onInterrupt(
                Effect.zipRight(Effect.sync(() => open++), Effect.never),
                () => Effect.sync(() => interrupted++)
              )
            )
          )), { grace: "200 millis" }),
        scope
      )
      const sockets: Array<Socket> = []
      for (const path of ["/", "/closing", "/silent"]) {
        sockets.push((yield* raw(port, handshake(path))).socket)
      }
      const connection = yield* service.open(request(port))
      const ended = yield* Effect.fork(endOf(connection))
      yield* eventually(() =>
        open === 3
      )
      const began = Date.now()
      yield* Scope.close(scope, Exit.void)
      assert.isBelow(Date.now() - began, 2000)
      assert.strictEqual((yield* Fiber.join(ended)).code, 1006)
      assert.strictEqual(interrupted, 3)
      yield* eventually(() => sockets.every((socket) => socket.destroyed))
      yield* eventually(() => handles() <= before)
    }))
})
