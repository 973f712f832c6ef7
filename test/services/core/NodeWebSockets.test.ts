import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { createServer } from "node:https"
import { WebSocketServer } from "ws"
import { layerTransport } from "../../../src/node.js"
import * as NodeWebSockets from "../../../src/services/core/NodeWebSockets.js"
import { WebSockets } from "../../../src/services/core/WebSockets.js"
import { selfSigned } from "../support/Certificate.js"
import { accept, eventually, frame, handles, peer, rawPeer, request, take } from "../support/Sockets.js"

const service = NodeWebSockets.make()

const refusalOf = (port: number, path = "/") =>
  Effect.map(Effect.flip(service.open(request(port, { path }))), (error) => {
    assert.strictEqual(error.reason, "refused")
    return Option.getOrThrow(error.refusal)
  })

describe("NodeWebSockets", () => {
  it.scopedLive("sends headers, and offers neither extensions nor subprotocols", () =>
    Effect.gen(function*() {
      const heads: Array<string> = []
      const { port } = yield* rawPeer((socket, head) => {
        heads.push(head)
        socket.write(accept(head))
      })
      yield* service.open(request(port, { path: "/v1/ws?x=%2F", headers: { Authorization: "Bearer k" } }))
      assert.match(heads[0] ?? "", /^GET \/v1\/ws\?x=%2F HTTP\/1\.1\r\n/)
      assert.match(heads[0] ?? "", /\r\nauthorization: bearer k\r\n/i)
      assert.notMatch(heads[0] ?? "", /extensions|protocol:/i)
    }))

  it.scopedLive("keeps status, headers and the beginning of the body of a refusal, and follows no redirect", () =>
    Effect.gen(function*() {
      let requests = 0
      const { port, sockets } = yield* rawPeer((socket, head) => {
        requests++
        if (head.startsWith("GET /moved")) {
          socket.write(
            `HTTP/1.1 307 Temporary Redirect\r\nLocation: ws://127.0.0.1:${port}/\r\nContent-Length: 0\r\n\r\n`
          )
        } else if (head.startsWith("GET /broken")) {
          socket.end("HTTP/1.1 503 Busy\r\nContent-Length: 100\r\n\r\npart")
        } else {
          socket.write("HTTP/1.1 401 Unauthorized\r\nX-Request-ID: r1\r\nA: 1\r\nA: 2\r\nContent-Length: 9999\r\n\r\n")
          socket.write("x".repeat(9999))
        }
      })
      const moved = yield* refusalOf(port, "/moved")
      assert.strictEqual(moved.status, 307)
      assert.strictEqual(moved.headers["location"], `ws://127.0.0.1:${port}/`)
      const refused = yield* refusalOf(port)
      assert.deepInclude(refused, { status: 401, body: "x".repeat(4096) })
      assert.strictEqual(refused.headers["x-request-id"], "r1")
      assert.strictEqual(refused.headers["a"], "1, 2")
      assert.deepInclude(yield* refusalOf(port, "/broken"), { status: 503, body: "part" })
      assert.strictEqual(requests, 3)
      yield* eventually(() => sockets.size === 0)
    }))

  it.scopedLive("gives the status of a refusal whose body never ends, when the time is up", () =>
    Effect.gen(function*() {
      const { port, sockets } = yield* rawPeer((socket) => {
        socket.write("HTTP/1.1 403 Forbidden\r\nContent-Length: 100\r\n\r\nslow")
      })
      const error = yield* Effect.flip(service.open(request(port, { openTimeout: "100 millis" })))
      assert.deepInclude(Option.getOrThrow(error.refusal), { status: 403, body: "slow" })
      yield* eventually(() => sockets.size === 0)
    }))

  it.scopedLive("calls an upgrade that is none a refusal, and what is not HTTP unreachable", () =>
    Effect.gen(function*() {
      const answers = {
        refused: (head: string) => accept(head).replace(/Accept: ./, "Accept: _"),
        unreachable: () => "nonsense\r\n\r\n"
      }
      for (const reason of ["refused", "unreachable"] as const) {
        const { port } = yield* rawPeer((socket, head) => socket.write(answers[reason](head)))
        const error = yield* Effect.flip(service.open(request(port)))
        assert.strictEqual(error.reason, reason)
        assert.isTrue(Option.isNone(error.refusal))
      }
    }))

  it.scopedLive("ends the connection with the code of what the peer did wrong", () =>
    Effect.gen(function*() {
      const wrong = {
        utf8: { bytes: frame(1, [0xc3, 0x28]), code: 1007 },
        opcode: { bytes: frame(3, "x"), code: 1002 },
        masked: { bytes: Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0x61]), code: 1002 },
        reserved: { bytes: frame(0x41, "x"), code: 1002 },
        continuation: { bytes: frame(0, "x"), code: 1002 },
        long: { bytes: Buffer.from([0x82, 127, 0, 0, 0, 0, 1, 0, 0, 1]), code: 1009 }
      }
      for (const [name, { bytes, code }] of Object.entries(wrong)) {
        const told: Array<number> = []
        const { port, sockets } = yield* rawPeer((socket, head) => {
          socket.write(Buffer.concat([Buffer.from(accept(head)), frame(1, "good"), bytes]))
          socket.on("data", (piece: Buffer) => {
            const mask = piece.subarray(2, 6)
            told.push(((piece[6] ?? 0) ^ (mask[0] ?? 0)) * 256 + ((piece[7] ?? 0) ^ (mask[1] ?? 0)))
          })
        })
        const connection = yield* service.open(request(port))
        assert.deepStrictEqual([...(yield* connection.receive)], ["good"], name)
        const end = yield* Effect.flip(connection.receive)
        assert.deepInclude(end, { code, by: "here" }, name)
        yield* eventually(() => sockets.size === 0)
        assert.deepStrictEqual(told, [code], name)
      }
    }))

  it.scopedLive("takes a connection that breaks inside a frame for broken, and loses no whole frame", () =>
    Effect.gen(function*() {
      const stream = Buffer.concat([
        frame(1, "one"),
        frame(2, [1, 2]),
        frame(1, "thr", false),
        frame(0, "ee"),
        frame(1, "x")
      ])
      /** Where a frame is complete. */
      const whole = [5, 9, 18]
      for (let cut = 0; cut < stream.length; cut++) {
        const { port } = yield* rawPeer((socket, head) => {
          socket.end(Buffer.concat([Buffer.from(accept(head)), stream.subarray(0, cut)]))
        })
        const connection = yield* service.open(request(port))
        let count = 0
        const counting = Effect.forever(Effect.map(connection.receive, (frames) => count += frames.length))
        const end = yield* Effect.flip(counting)
        assert.strictEqual(count, whole.filter((at) => at <= cut).length, String(cut))
        assert.deepInclude(end, { code: 1006, by: "peer" })
      }
    }))

  it.scopedLive("stops the peer while frames wait", () =>
    Effect.gen(function*() {
      const text = "x".repeat(1000)
      const total = 20_000
      let sent = 0
      const port = yield* peer((ws) => {
        const go = (): void => {
          while (sent < total && ws.bufferedAmount < 1_000_000) {
            ws.send(text)
            sent++
          }
          if (sent < total && ws.readyState === ws.OPEN) setTimeout(go, 1)
        }
        go()
      })
      const connection = yield* service.open(request(port, { highWater: 10 }))
      let before = -1
      yield* eventually(() => {
        const still = before === sent
        before = sent
        return still
      }, "200 millis")
      assert.isBelow(sent, total)
      // What waits here is what was asked for and the rest of one packet.
      const first = yield* connection.receive
      assert.isAtLeast(first.length, 10)
      assert.isAtMost(first.length, 10 + 70)
      let count = first.length
      while (count < total) count += (yield* connection.receive).length
      assert.strictEqual(count, total)
    }))

  it.scopedLive("drops a peer that answers no ping, not one that only stays silent or is stopped itself", () =>
    Effect.gen(function*() {
      const { port } = yield* rawPeer((socket, head) => {
        socket.write(accept(head))
        socket.resume()
      })
      const dead = yield* service.open(request(port, { keepAlive: "50 millis" }))
      assert.deepInclude(yield* Effect.flip(dead.receive), { code: 1006, by: "peer" })

      const alive = yield* peer((ws) => ws.on("message", (data) => ws.send(String(data))))
      const silent = yield* service.open(request(alive, { keepAlive: "50 millis", highWater: 1 }))
      yield* Effect.sleep("300 millis")
      yield* silent.send(["still there", "and stopped"])
      yield* Effect.sleep("300 millis")
      assert.deepStrictEqual(yield* take(silent, 2), ["still there", "and stopped"])
    }))

  it.scopedLive("answers pings", () =>
    Effect.gen(function*() {
      let pongs = 0
      const port = yield* peer((ws) => {
        ws.ping()
        ws.on("pong", () => pongs++)
      })
      yield* service.open(request(port))
      yield* eventually(() => pongs === 1)
    }))

  it.scopedLive("leaves no socket and no timer, even of a peer that never ends anything", () =>
    Effect.gen(function*() {
      const { port, sockets } = yield* rawPeer((socket, head) => socket.write(accept(head)))
      const closing = yield* peer((ws) => ws.on("message", () => ws.close(4000)))
      const before = handles()
      for (let index = 0; index < 10; index++) {
        yield* Effect.scoped(service.open(request(port)))
        yield* Effect.scoped(Effect.flatMap(service.open(request(port)), ({ drop }) => drop))
        yield* Effect.scoped(Effect.gen(function*() {
          const connection = yield* service.open(request(closing))
          yield* connection.send(["end"])
          yield* Effect.flip(connection.receive)
        }))
      }
      yield* eventually(() => sockets.size === 0)
      yield* eventually(() => handles() <= before)
    }))

  it.scopedLive("drops when it is closed with a code that is none", () =>
    Effect.gen(function*() {
      const closed: Array<number> = []
      const port = yield* peer((ws) => ws.on("close", (code) => closed.push(code)))
      const connection = yield* service.open(request(port))
      yield* connection.close(1006)
      assert.deepInclude(yield* Effect.flip(connection.receive), { code: 1006, by: "here" })
      yield* eventually(() => closed.length === 1)
      assert.deepStrictEqual(closed, [1006])
    }))

  it.scopedLive("trusts the certificates it is given", () =>
    Effect.gen(function*() {
      const { cert, key } = selfSigned()
      const server = yield* Effect.acquireRelease(
        Effect.async<ReturnType<typeof createServer>>((resume) => {
          const server = createServer({ cert, key })
          const sockets = new WebSocketServer({ server })
          sockets.on("connection", (ws) => ws.on("message", (data) => ws.send(String(data))))
          server.on("tlsClientError", () => undefined)
          server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
        }),
        (server) =>
          Effect.async<void>((resume) => {
            server.close(() => resume(Effect.void))
          })
      )
      const address = server.address()
      const port = typeof address === "object" && address !== null ? address.port : 0
      const url = `wss://127.0.0.1:${port}/`
      assert.strictEqual((yield* Effect.flip(service.open({ ...request(port), url }))).reason, "unreachable")
      const frames = yield* WebSockets.pipe(
        Effect.flatMap((sockets) => sockets.open({ ...request(port), url, keepAlive: "20 millis" })),
        Effect.tap((connection) => connection.send(["over TLS"])),
        Effect.tap(() => Effect.sleep("100 millis")),
        Effect.flatMap((connection) => connection.receive),
        Effect.scoped,
        Effect.provide(layerTransport({ ca: cert }))
      )
      assert.deepStrictEqual([...frames], ["over TLS"])
    }))
})
