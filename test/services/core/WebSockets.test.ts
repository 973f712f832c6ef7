import * as Socket from "@effect/platform/Socket"
import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import { WebSocket as Ws } from "ws"
import * as NodeWebSockets from "../../../src/services/core/NodeWebSockets.js"
import * as Sockets from "../../../src/services/core/WebSockets.js"
import type { Connection } from "../../../src/streams/core/Connection.js"
import { accept, endOf, eventually, frame, handles, peer, rawPeer, request, take } from "../support/Sockets.js"

/** The class of `ws` has what a browser's has. */
const makeSocket = (url: string) => new Ws(url, { perMessageDeflate: false }) as unknown as WebSocket

const platforms = [
  { name: "ws", service: NodeWebSockets.make(), sees: true },
  { name: "a WebSocket as in browsers", service: Sockets.fromConstructor(makeSocket), sees: false }
]

describe.each(platforms)("connections over $name", ({ sees, service }) => {
  it.scopedLive("carry text and bytes, in order, both ways", () =>
    Effect.gen(function*() {
      const port = yield* peer((ws) => ws.on("message", (data, isBinary) => ws.send(data, { binary: isBinary })))
      const connection = yield* service.open(request(port))
      const sent = ["a", new Uint8Array([0, 255, 1]), "", new Uint8Array(0), "ü€😀\u0000\ufeff", "x".repeat(100_000)]
      yield* connection.send(sent)
      assert.deepStrictEqual(yield* take(connection, sent.length), sent)
    }))

  it.scopedLive("hand out what came together as one chunk", () =>
    Effect.gen(function*() {
      const { port } = yield* rawPeer((socket, head) => {
        socket.write(accept(head))
        setTimeout(() => socket.write(Buffer.concat(["a", "b", "c"].map((text) => frame(1, text)))), 50)
      })
      const connection = yield* service.open(request(port))
      assert.deepStrictEqual(Chunk.toReadonlyArray(yield* connection.receive), ["a", "b", "c"])
    }))

  it.scopedLive("keep frames that came with the answer to the upgrade", () =>
    Effect.gen(function*() {
      const { port } = yield* rawPeer((socket, head) =>
        socket.write(Buffer.concat([
          Buffer.from(accept(head)),
          frame(1, "early")
        ]))
      )
      const connection = yield* service.open(request(port))
      assert.deepStrictEqual(yield* take(connection, 1), ["early"])
    }))

  it.scopedLive("end with the code and the reason of the peer, behind its last frame", () =>
    Effect.gen(function*() {
      const port = yield* peer((ws) =>
        ws.once("message", (data) => {
          const code = Number(String(data))
          ws.send("last")
          if (code === 1005) ws.close()
          else if (code === 1006) setTimeout(() => ws.terminate(), 20)
          else ws.close(code, "because")
        })
      )
      for (const code of [1000, 1001, 1005, 1006, 1011, 3000, 4400, 4404, 4426, 4999]) {
        const connection = yield* service.open(request(port))
        yield* connection.send([String(code)])
        assert.deepStrictEqual(yield* take(connection, 1), ["last"])
        const reason = code === 1005 || code === 1006 ? "" : "because"
        assert.deepStrictEqual(yield* endOf(connection), { code, reason, by: "peer" })
        assert.strictEqual((yield* Effect.flip(connection.send(["late"]))).code, code)
      }
    }))

  it.scopedLive("treat whatever follows an own close as its normal end", () =>
    Effect.gen(function*() {
      const seen: Array<number> = []
      // As the real Cloacina server: a close frame is not answered, the connection drops.
      const { port, sockets } = yield* rawPeer((socket, head) => {
        socket.write(accept(head))
        socket.on("data", (piece: Buffer) => {
          seen.push((piece[0] ?? 0) & 0xf)
          socket.destroy()
        })
      })
      const connection = yield* service.open(request(port))
      yield* connection.close(1000, "done")
      assert.deepStrictEqual(yield* endOf(connection), { code: 1000, reason: "done", by: "here" })
      yield* connection.close(4000, "again")
      yield* connection.drop
      assert.deepStrictEqual(yield* endOf(connection), { code: 1000, reason: "done", by: "here" })
      yield* eventually(() => sockets.size === 0)
      assert.deepStrictEqual(seen, [8])
    }))

  it.scopedLive("give what had come before an own close", () =>
    Effect.gen(function*() {
      const port = yield* peer((ws) => ws.send("first"))
      const connection = yield* service.open(request(port))
      yield* Effect.sleep("50 millis")
      yield* connection.close(1000)
      assert.deepStrictEqual(yield* take(connection, 1), ["first"])
      assert.strictEqual((yield* endOf(connection)).code, 1000)
    }))

  it.scopedLive("wake who waits in receive when they are closed here", () =>
    Effect.gen(function*() {
      const port = yield* peer(() => undefined)
      const connection = yield* service.open(request(port))
      const waiting = yield* Effect.fork(endOf(connection))
      yield* Effect.sleep("20 millis")
      yield* connection.close(3001, "x".repeat(200))
      assert.deepStrictEqual(yield* Fiber.join(waiting), { code: 3001, reason: "x".repeat(123), by: "here" })
    }))

  it.scopedLive("are closed with 1000 by their scope, without waiting for the peer", () =>
    Effect.gen(function*() {
      const closed: Array<number> = []
      const port = yield* peer((ws) => ws.on("close", (code) => closed.push(code)))
      const scope = yield* Scope.make()
      const connection = yield* Scope.extend(service.open(request(port)), scope)
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual((yield* endOf(connection)).code, 1000)
      yield* eventually(() => closed.length > 0)
      assert.deepStrictEqual(closed, [1000])
    }))

  it.scopedLive("make send wait while the peer does not read, and end its waiting", () =>
    Effect.gen(function*() {
      const { port, sockets } = yield* rawPeer((socket, head) => {
        socket.write(accept(head))
        socket.pause()
      })
      const connection = yield* service.open(request(port))
      const piece = "x".repeat(100_000)
      let sent = 0
      const sending = yield* Effect.fork(
        Effect.flip(Effect.forever(Effect.map(connection.send([piece]), () => sent++)))
      )
      let before = -1
      yield* eventually(() => {
        const still = sent === before
        before = sent
        return still && sent > 0
      }, "200 millis")
      assert.isBelow(sent, 200)
      for (const socket of sockets) socket.destroy()
      assert.strictEqual((yield* Fiber.join(sending))._tag, "ConnectionClosed")
    }))

  it.scopedLive("say why they did not come to be, as far as the platform knows", () =>
    Effect.gen(function*() {
      const { port } = yield* rawPeer((socket) => {
        socket.end("HTTP/1.1 401 Unauthorized\r\nX-Request-Id: r1\r\nContent-Length: 4\r\n\r\nbody")
      })
      const refused = yield* Effect.flip(service.open(request(port)))
      assert.strictEqual(refused.reason, sees ? "refused" : "unknown")
      assert.strictEqual(Option.isSome(refused.refusal), sees)
      const gone = yield* Effect.scoped(Effect.map(rawPeer(() => undefined), ({ port }) => port))
      const unreachable = yield* Effect.flip(service.open(request(gone)))
      assert.strictEqual(unreachable.reason, sees ? "unreachable" : "unknown")
      assert.notInclude(unreachable.message, "ticket")
      const wrong = yield* Effect.flip(service.open({ ...request(1), url: "nonsense?token=ticket" }))
      assert.strictEqual(wrong.reason, "unreachable")
      assert.notInclude(wrong.message, "ticket")
    }))

  it.scopedLive("give up after the time-out, and at once when interrupted, and leave nothing behind", () =>
    Effect.gen(function*() {
      const { port, sockets } = yield* rawPeer(() => undefined)
      const before = handles()
      const late = yield* Effect.flip(service.open(request(port, { openTimeout: "50 millis" })))
      assert.strictEqual(late.reason, "timeout")
      yield* eventually(() => sockets.size === 0)
      const opening = yield* Effect.fork(service.open(request(port)))
      yield* eventually(() => sockets.size === 1)
      yield* Fiber.interrupt(opening)
      yield* eventually(() => sockets.size === 0)
      yield* eventually(() => handles() <= before)
    }))
})

describe("a WebSocket as in browsers", () => {
  const service = Sockets.fromConstructor(makeSocket)

  it.scopedLive("is closed with 1000 when too many frames wait, which are given all the same", () =>
    Effect.gen(function*() {
      const closed: Array<string> = []
      const port = yield* peer((ws) => {
        ws.on("close", (code, reason) => closed.push(`${code} ${String(reason)}`))
        for (let index = 0; index < 20; index++) ws.send(String(index))
      })
      const connection = yield* service.open(request(port, { highWater: 10 }))
      yield* eventually(() => closed.length > 0)
      assert.deepStrictEqual(closed, ["1000 client backpressure"])
      assert.deepStrictEqual(yield* take(connection, 11), Array.from({ length: 11 }, (_, index) => String(index)))
      assert.deepStrictEqual(yield* endOf(connection), { code: 1000, reason: "client backpressure", by: "here" })
    }))

  it.scopedLive("closes without a code where a page must not send it", () =>
    Effect.gen(function*() {
      const closed: Array<number> = []
      const port = yield* peer((ws) => ws.on("close", (code) => closed.push(code)))
      for (const end of [(_: Connection) => _.close(1011), (_: Connection) => _.drop]) {
        yield* Effect.flatMap(service.open(request(port)), end)
      }
      yield* eventually(() => closed.length === 2)
      assert.deepStrictEqual(closed, [1005, 1005])
    }))

  it.effect("is taken from the context, or from the platform", () =>
    Effect.gen(function*() {
      const urls: Array<string> = []
      const Injected = Layer.provide(
        Sockets.layerConstructor,
        Layer.succeed(Socket.WebSocketConstructor, (url) => {
          urls.push(url)
          throw new TypeError(url)
        })
      )
      const error = yield* Sockets.WebSockets.pipe(
        Effect.flatMap((service) => Effect.scoped(service.open({ ...request(1), url: "ws://x/?token=ticket" }))),
        Effect.flip,
        Effect.provide(Injected)
      )
      assert.deepStrictEqual(urls, ["ws://x/?token=ticket"])
      assert.strictEqual(error.message, "the platform takes no such URL (TypeError)")

      const before = Object.getOwnPropertyDescriptor(globalThis, "WebSocket")
      const define = (value: unknown) => Object.defineProperty(globalThis, "WebSocket", { value, configurable: true })
      yield* Effect.addFinalizer(() =>
        Effect.sync(() => {
          if (before === undefined) Reflect.deleteProperty(globalThis, "WebSocket")
          else Object.defineProperty(globalThis, "WebSocket", before)
        })
      )
      define(undefined)
      assert.isTrue(Option.isNone(Sockets.WebSockets.global()))
      const missing = yield* Effect.flip(Effect.scoped(Layer.build(Sockets.layerGlobal)))
      assert.strictEqual(missing._tag, "WebSocketMissing")
      assert.include(missing.message, "layerWebSockets")
      define(Ws)
      assert.isTrue(Option.isSome(Sockets.WebSockets.global()))
      yield* Effect.scoped(Layer.build(Sockets.layerGlobal))
    }).pipe(Effect.scoped))
})
