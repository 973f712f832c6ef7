import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Queue from "effect/Queue"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { readFileSync } from "node:fs"
import * as Http2 from "node:http2"
import * as Net from "node:net"
import * as Tls from "node:tls"
import type { Front } from "../../../src/server/core/Front.js"
import { empty, Hangup, StreamBody, text } from "../../../src/server/core/Front.js"
import * as NodeHttp2 from "../../../src/server/core/NodeHttp2.js"
import * as NodeServer from "../../../src/server/core/NodeServer.js"
import { collect, connect, once, open, send } from "./Http2Client.js"

const pem = (name: string) => readFileSync(new URL(`../../fixtures/tls/${name}`, import.meta.url), "utf8")

const echo: Front = (request) =>
  Effect.match(request.bytes(10), {
    onFailure: (error) => error._tag === "BodyTooLarge" ? text(413, "too large") : text(400, "aborted"),
    onSuccess: (bytes) => text(200, `${request.method} ${request.target} ${new TextDecoder().decode(bytes)}`)
  })

const streamed = (
  stream: Stream.Stream<string | Uint8Array, unknown>,
  trailers?: Readonly<Record<string, string>>
) => ({
  status: 200,
  headers: { "content-type": "text/plain" },
  body: new StreamBody({ stream }),
  ...(trailers === undefined ? {} : { trailers: Effect.succeed(trailers) })
})

const streaming = (...given: Parameters<typeof streamed>): Front => () => Effect.succeed(streamed(...given))

/** Waits, with real time, until it is so. */
const until = (condition: () => boolean): Effect.Effect<void> =>
  Effect.suspend(() => condition() ? Effect.void : Effect.zipRight(Effect.sleep("5 millis"), until(condition)))

/** A connection that speaks no HTTP/2 by itself, and what it has received. */
const raw = (port: number, bytes: string | Uint8Array) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const socket = Net.connect(port, "127.0.0.1")
      socket.on("error", () => undefined)
      socket.write(bytes)
      return socket
    }),
    (socket) => Effect.sync(() => socket.destroy())
  )

const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

const frame = (type: number, flags: number, stream: number, payload: Uint8Array = new Uint8Array(0)): Buffer => {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** `GET /` over `http`, in indexed fields of HPACK, and `:authority: x`. */
const getHeaders = frame(1, 0x5, 1, Buffer.from([0x82, 0x84, 0x86, 0x41, 0x01, 0x78]))

describe("NodeHttp2", () => {
  it.scopedLive("hands over method, target, headers and body as they are on the wire", () =>
    Effect.gen(function*() {
      const { port, url } = yield* NodeHttp2.listen((request) =>
        Effect.map(Effect.orDie(request.bytes(10)), (bytes) =>
          text(200, JSON.stringify([request.method, request.target, request.headers, new TextDecoder().decode(bytes)])))
      )
      assert.strictEqual(url, `http://127.0.0.1:${port}`)
      const session = yield* connect(url)
      const answer = yield* send(
        session,
        { ":method": "PATCH", ":path": "/a/../b//%2f?x=%20", "x-two": ["1", "2"] },
        "12345"
      )
      assert.deepStrictEqual(JSON.parse(answer.body.toString()), [
        "PATCH",
        "/a/../b//%2f?x=%20",
        { host: `127.0.0.1:${port}`, "x-two": "1, 2" },
        "12345"
      ])
      assert.strictEqual(answer.headers["content-length"], String(answer.body.length))
      assert.strictEqual(answer.code, 0)
    }))

  it.scopedLive("runs the requests of a connection side by side", () =>
    Effect.gen(function*() {
      const both = yield* Effect.makeLatch(false)
      let running = 0
      const { url } = yield* NodeHttp2.listen((request) =>
        Effect.zipRight(
          ++running === 2 ? both.open : Effect.void,
          Effect.as(both.await, text(200, request.target))
        )
      )
      const session = yield* connect(url)
      const answers = yield* Effect.all([send(session, { ":path": "/1" }), send(session, { ":path": "/2" })], {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(answers.map(({ body }) => body.toString()), ["/1", "/2"])
    }))

  it.scopedLive("answers without a body, with one, to HEAD, and with trailers", () =>
    Effect.gen(function*() {
      const trailers = Effect.succeed({ "x-sum": "7" })
      const { url } = yield* NodeHttp2.listen((request) =>
        Effect.succeed(
          request.target === "/empty"
            ? empty(204)
            : request.target === "/trailers"
            ? { ...text(200, "body"), trailers }
            : request.target === "/only"
            ? { ...empty(200), trailers }
            : text(200, "body")
        )
      )
      const session = yield* connect(url)
      const none = yield* send(session, { ":path": "/empty" })
      assert.deepStrictEqual([none.headers[":status"], none.body.length, none.trailers], [204, 0, undefined])
      const head = yield* send(session, { ":path": "/", ":method": "HEAD" })
      assert.deepStrictEqual([head.headers[":status"], head.body.length], [200, 0])
      const both = yield* send(session, { ":path": "/trailers" })
      assert.deepStrictEqual([both.body.toString(), both.trailers?.["x-sum"]], ["body", "7"])
      const only = yield* send(session, { ":path": "/only" })
      assert.deepStrictEqual([only.body.length, only.trailers?.["x-sum"]], [0, "7"])
    }))

  it.scopedLive("refuses a long body, declared or not, and tells the client to stop", () =>
    Effect.gen(function*() {
      const { url } = yield* NodeHttp2.listen(echo)
      const session = yield* connect(url)
      const declared = yield* send(session, { ":path": "/", "content-length": 11 }, "12345678901")
      assert.strictEqual(declared.headers[":status"], 413)
      const endless = open(session, { ":path": "/" })
      const answer = yield* Effect.zipRight(
        Effect.sync(() => endless.write(Buffer.alloc(1024 * 1024))),
        collect(endless)
      )
      assert.deepStrictEqual([answer.headers[":status"], answer.body.toString(), answer.code], [413, "too large", 0])
      assert.strictEqual((yield* send(session, { ":path": "/" }, "1")).headers[":status"], 200)
    }))

  it.scopedLive("gives up on a body that does not come", () =>
    Effect.gen(function*() {
      const { url } = yield* NodeHttp2.listen(echo, { requestTimeout: "50 millis" })
      const session = yield* connect(url)
      const stream = open(session, { ":path": "/" })
      stream.write("1")
      assert.strictEqual((yield* collect(stream)).body.toString(), "aborted")
    }))

  it.scopedLive("hands a body over piece by piece, without a time-out", () =>
    Effect.gen(function*() {
      const seen = yield* Queue.unbounded<string>()
      const front: Front = (request) =>
        (request.pieces ?? Stream.empty).pipe(
          Stream.runForEach((piece) => Queue.offer(seen, new TextDecoder().decode(piece))),
          Effect.match({ onFailure: (error) => text(400, error._tag), onSuccess: () => text(200, "complete") })
        )
      const { url } = yield* NodeHttp2.listen(front, { requestTimeout: "1 millis" })
      const session = yield* connect(url)
      const stream = open(session, { ":path": "/" })
      const answer = yield* Effect.fork(collect(stream))
      stream.write("one")
      assert.strictEqual(yield* Queue.take(seen), "one")
      yield* Effect.sleep("20 millis")
      stream.end("two")
      assert.strictEqual(yield* Queue.take(seen), "two")
      assert.strictEqual((yield* Fiber.join(answer)).body.toString(), "complete")
      assert.strictEqual((yield* send(session, { ":path": "/" })).body.toString(), "complete")
    }))

  it.scopedLive("reads pieces only as fast as they are taken", () =>
    Effect.gen(function*() {
      const front: Front = (request) =>
        Stream.runHead(request.pieces ?? Stream.empty).pipe(Effect.orDie, Effect.zipRight(Effect.never))
      const { url } = yield* NodeHttp2.listen(front)
      const session = yield* connect(url)
      const stream = open(session, { ":path": "/" })
      let sent = 0
      const more = () => {
        stream.write(Buffer.alloc(64 * 1024), (error) => {
          sent += 64 * 1024
          if (!error && sent < 64 * 1024 * 1024) more()
        })
      }
      more()
      let before = -1
      yield* Effect.repeat(
        Effect.suspend(() => {
          const still = sent === before
          before = sent
          return Effect.delay(Effect.succeed(still), "100 millis")
        }),
        { until: (still) => still }
      )
      assert.isBelow(sent, 2 * 1024 * 1024)
    }))

  it.scopedLive("shows the headers of a stream that is silent", () =>
    Effect.gen(function*() {
      const { url } = yield* NodeHttp2.listen(streaming(Stream.never))
      const session = yield* connect(url)
      const stream = open(session, { ":path": "/" })
      stream.end()
      yield* once(stream, "response")
    }))

  it.scopedLive("sends the pieces of a chunk in one frame, the trailers behind the last", () =>
    Effect.gen(function*() {
      const chunks = Stream.fromChunks(Chunk.make("a", "b", ""), Chunk.make(""), Chunk.make("c"))
      const { url } = yield* NodeHttp2.listen(streaming(
        Stream.tap(Stream.chunks(chunks), () => Effect.sleep("5 millis")).pipe(Stream.flattenChunks),
        { "x-sum": "3" }
      ))
      const session = yield* connect(url)
      const stream = open(session, { ":path": "/" })
      const frames: Array<string> = []
      stream.on("data", (piece: Buffer) => frames.push(piece.toString()))
      stream.end()
      const answer = yield* collect(stream)
      assert.deepStrictEqual(frames, ["ab", "c"])
      assert.deepStrictEqual([answer.trailers?.["x-sum"], answer.code], ["3", 0])
    }))

  it.scopedLive("pulls only what the client has room for", () =>
    Effect.gen(function*() {
      const piece = Buffer.alloc(16 * 1024)
      let pulled = 0
      const source = Stream.repeatEffect(Effect.sync(() => {
        pulled += piece.length
        return piece
      }))
      const { url } = yield* NodeHttp2.listen(streaming(source))
      const session = yield* connect(url)
      const stream = open(session, { ":path": "/" })
      stream.end()
      yield* once(stream, "response")
      let before = -1
      yield* Effect.repeat(
        Effect.suspend(() => {
          const still = pulled === before
          before = pulled
          return Effect.delay(Effect.succeed(still), "100 millis")
        }),
        { until: (still) => still }
      )
      assert.isBelow(pulled, 1024 * 1024)
      stream.resume()
      yield* until(() => pulled > 8 * 1024 * 1024)
    }))

  it.scopedLive("sends the idle piece in a silence", () =>
    Effect.gen(function*() {
      const { url } = yield* NodeHttp2.listen(() =>
        Effect.succeed({
          status: 200,
          headers: {},
          body: new StreamBody({ stream: Stream.never, idle: { after: "5 millis", piece: "." } })
        })
      )
      const session = yield* connect(url)
      const stream = open(session, { ":path": "/" })
      stream.end()
      let received = ""
      stream.on("data", (piece: Buffer) => (received += piece.toString()))
      yield* until(() => received.length > 1)
      assert.match(received, /^\.+$/)
    }))

  it.scopedLive("interrupts handler and stream of a client that cancels or goes away, and closes their scopes", () =>
    Effect.gen(function*() {
      const started = yield* Queue.unbounded<string>()
      const closed = yield* Queue.unbounded<boolean>()
      const front: Front = (request) =>
        Effect.addFinalizer((exit) => Queue.offer(closed, Exit.isInterrupted(exit))).pipe(
          Effect.zipRight(Queue.offer(started, request.target)),
          Effect.zipRight(
            request.target === "/stream"
              ? Effect.succeed(streamed(Stream.never, { "x-sum": "1" }))
              : Effect.never
          )
        )
      const { url } = yield* NodeHttp2.listen(front)
      for (const path of ["/handler", "/stream"]) {
        for (const code of [Http2.constants.NGHTTP2_CANCEL, Http2.constants.NGHTTP2_NO_ERROR, undefined]) {
          for (const body of [undefined, "unread"]) {
            const session = yield* connect(url)
            const stream = open(session, { ":path": path })
            if (body === undefined) stream.end()
            else stream.write(body)
            yield* Queue.take(started)
            if (path === "/stream") yield* once(stream, "response")
            if (code === undefined) session.destroy()
            else stream.close(code)
            assert.isTrue(yield* Queue.take(closed))
          }
        }
      }
    }))

  it.scopedLive("resets a request whose body fails, behind what it has sent", () =>
    Effect.gen(function*() {
      const { url } = yield* NodeHttp2.listen((request) =>
        Effect.succeed(
          request.target === "/ok"
            ? text(200, "ok")
            : streamed(Stream.concat(Stream.make("one"), Stream.fail("broken")), { "x-sum": "1" })
        )
      )
      const session = yield* connect(url)
      const answer = yield* send(session, { ":path": "/" })
      assert.deepStrictEqual(
        [answer.body.toString(), answer.trailers, answer.code],
        ["one", undefined, Http2.constants.NGHTTP2_INTERNAL_ERROR]
      )
      assert.strictEqual((yield* send(session, { ":path": "/ok" })).body.toString(), "ok")
    }))

  it.scopedLive("breaks the connection off where the front or the body hangs up", () =>
    Effect.gen(function*() {
      const { url } = yield* NodeHttp2.listen((request) =>
        request.target === "/"
          ? new Hangup()
          : Effect.succeed(streamed(Stream.concat(Stream.make("one"), Stream.fail(new Hangup()))))
      )
      for (const [path, body] of [["/", ""], ["/body", "one"]] as const) {
        const session = yield* connect(url)
        let goaways = 0
        session.on("goaway", () => goaways++)
        const closed = yield* Effect.fork(once(session, "close"))
        const answer = yield* send(session, { ":path": path })
        assert.strictEqual(answer.body.toString(), body)
        yield* Fiber.join(closed)
        assert.strictEqual(goaways, 0)
      }
    }))

  it.scopedLive("logs defects, and says nothing about them", () =>
    Effect.gen(function*() {
      const messages: Array<unknown> = []
      const logger = Logger.replace(Logger.defaultLogger, Logger.make(({ message }) => messages.push(message)))
      const front: Front = (request) =>
        request.target === "/handler"
          ? Effect.die("a secret")
          : request.target === "/headers"
          ? Effect.succeed(empty(200, { connection: "upgrade" }))
          : request.target === "/trailers"
          ? Effect.succeed(streamed(Stream.make("one"), { connection: "close" }))
          : Effect.succeed(streamed(Stream.concat(Stream.make("one"), Stream.die("a secret"))))
      const { url } = yield* Effect.provide(NodeHttp2.listen(front), logger)
      const session = yield* connect(url)
      const before = yield* send(session, { ":path": "/handler" })
      assert.deepStrictEqual([before.headers[":status"], before.body.length, before.code], [500, 0, 0])
      assert.strictEqual((yield* send(session, { ":path": "/headers" })).headers[":status"], 500)
      const behind = yield* send(session, { ":path": "/stream" })
      assert.deepStrictEqual([behind.body.toString(), behind.code], ["one", Http2.constants.NGHTTP2_INTERNAL_ERROR])
      yield* until(() => messages.length === 3)
      const bad = yield* send(session, { ":path": "/trailers" })
      assert.deepStrictEqual([bad.trailers, bad.code], [undefined, Http2.constants.NGHTTP2_INTERNAL_ERROR])
    }))

  describe("connections", () => {
    it.scopedLive("says in one line that a port is in use", () =>
      Effect.gen(function*() {
        const { port } = yield* NodeHttp2.listen(echo)
        const error = yield* Effect.flip(NodeHttp2.listen(echo, { port }))
        assert.strictEqual(error.message, `cannot listen on 127.0.0.1:${port}: the port is in use`)
        assert.strictEqual((yield* Effect.flip(NodeServer.listen(echo, { port })))._tag, "ListenError")
      }))

    it.scopedLive("drops what is not HTTP/2, and goes on", () =>
      Effect.gen(function*() {
        const { port, url } = yield* NodeHttp2.listen(echo)
        const noise = Buffer.alloc(256 * 1024, "not HTTP/2 ")
        for (const bytes of ["GET / HTTP/1.1\r\nHost: x\r\n\r\n", noise]) {
          const socket = yield* raw(port, bytes)
          socket.resume()
          yield* once(socket, "close")
        }
        const session = yield* connect(url)
        assert.strictEqual((yield* send(session, { ":path": "/" })).headers[":status"], 200)
      }))

    it.scopedLive("drops a client that breaks the protocol while it has a request", () =>
      Effect.gen(function*() {
        const closed = yield* Deferred.make<void>()
        const front: Front = () =>
          Effect.zipRight(Effect.addFinalizer(() => Deferred.succeed(closed, undefined)), Effect.never)
        const { port } = yield* NodeHttp2.listen(front, { pingInterval: "50 millis", pingTimeout: "50 millis" })
        const garbled = [Buffer.from(preface), frame(4, 0, 0), getHeaders, Buffer.alloc(64 * 1024, 0xff)]
        const socket = yield* raw(port, Buffer.concat(garbled))
        socket.resume()
        yield* Effect.zip(Deferred.await(closed), once(socket, "close"), { concurrent: true })
      }))

    it.scopedLive("drops a connection on which nothing comes", () =>
      Effect.gen(function*() {
        const { port } = yield* NodeHttp2.listen(echo, { headersTimeout: "50 millis" })
        for (const bytes of ["", "PRI * HT", preface]) {
          const socket = yield* raw(port, bytes)
          socket.resume()
          yield* once(socket, "close")
        }
      }))

    it.scopedLive("closes a connection without requests after a while, and no other", () =>
      Effect.gen(function*() {
        const release = yield* Effect.makeLatch(false)
        const front: Front = () => Effect.as(release.await, text(200, ""))
        const { url } = yield* NodeHttp2.listen(front, { keepAliveTimeout: "100 millis" })
        const idle = yield* connect(url)
        const busy = yield* connect(url)
        const answer = yield* Effect.fork(send(busy, { ":path": "/" }))
        yield* once(idle, "close")
        yield* Effect.sleep("100 millis")
        yield* release.open
        assert.strictEqual((yield* Fiber.join(answer)).headers[":status"], 200)
        yield* once(busy, "close")
      }))

    it.scopedLive("has nothing left of requests whose bodies nobody has read", () =>
      Effect.gen(function*() {
        const started = yield* Queue.unbounded<void>()
        const front: Front = (request) => {
          if (request.target === "/never") return Effect.zipRight(Queue.offer(started, undefined), Effect.never)
          if (request.target === "/unread") return Effect.succeed({ ...text(200, ""), trailers: Effect.succeed({}) })
          if (request.target === "/large") return echo(request)
          return Effect.as(Stream.runHead(Stream.orDie(request.pieces ?? Stream.empty)), text(200, ""))
        }
        const { url } = yield* NodeHttp2.listen(front, { keepAliveTimeout: "100 millis" })
        const session = yield* connect(url)
        const closed = yield* Effect.fork(once(session, "close"))
        for (const path of ["/unread", "/large", "/first"]) {
          const stream = open(session, { ":path": path })
          stream.write(Buffer.alloc(1024 * 1024))
          yield* collect(stream)
        }
        for (const code of [Http2.constants.NGHTTP2_NO_ERROR, Http2.constants.NGHTTP2_CANCEL]) {
          const stream = open(session, { ":path": "/never" })
          stream.write(Buffer.alloc(1024))
          yield* Queue.take(started)
          stream.close(code)
        }
        yield* Fiber.join(closed)
      }))

    it.scopedLive("has nothing left of a request that is given up while its response waits for room", () =>
      Effect.gen(function*() {
        const front: Front = () => Effect.succeed(text(200, "answer"))
        const { url } = yield* NodeHttp2.listen(front, {
          keepAliveTimeout: "100 millis",
          pingInterval: "50 millis"
        })
        const session = yield* connect(url, { settings: { initialWindowSize: 0 } })
        const closed = yield* Effect.fork(once(session, "close"))
        yield* once(session, "remoteSettings")
        const stream = open(session, { ":path": "/" })
        stream.write(Buffer.alloc(1024))
        yield* once(stream, "response")
        stream.close(Http2.constants.NGHTTP2_NO_ERROR)
        yield* Fiber.join(closed)
      }))

    it.scopedLive("finds out that a client is dead that takes a stream", () =>
      Effect.gen(function*() {
        const closed = yield* Deferred.make<void>()
        const front: Front = () =>
          Effect.as(
            Effect.addFinalizer(() => Deferred.succeed(closed, undefined)),
            streamed(Stream.repeatValue(Buffer.alloc(64 * 1024)))
          )
        const { port } = yield* NodeHttp2.listen(front, { pingInterval: "50 millis", pingTimeout: "50 millis" })
        const socket = yield* raw(port, Buffer.concat([Buffer.from(preface), frame(4, 0, 0), getHeaders]))
        socket.pause()
        yield* Deferred.await(closed)
      }))

    it.scopedLive("finds a connection that its client has broken, with nothing under way on it", () =>
      Effect.gen(function*() {
        const { port } = yield* NodeHttp2.listen(streaming(Stream.never), {
          pingInterval: "50 millis",
          pingTimeout: "50 millis"
        })
        const socket = yield* raw(port, Buffer.concat([Buffer.from(preface), frame(4, 0, 0)]))
        // Longer than a frame may be.
        socket.write(Buffer.concat([frame(0, 0, 1, Buffer.alloc(100_000))]))
        yield* until(() => socket.closed)
      }))

    it.scopedLive("keeps a client that answers its pings", () =>
      Effect.gen(function*() {
        const { url } = yield* NodeHttp2.listen(streaming(Stream.never), {
          pingInterval: "20 millis",
          pingTimeout: "500 millis"
        })
        const session = yield* connect(url)
        let pings = 0
        session.on("ping", () => pings++)
        const stream = open(session, { ":path": "/" })
        stream.end()
        yield* until(() => pings >= 3)
        assert.isFalse(stream.closed)
      }))
  })

  describe("shutdown", () => {
    const listenIn = (scope: Scope.Scope, front: Front, options?: NodeHttp2.ListenOptions) =>
      Scope.extend(NodeHttp2.listen(front, options), scope)

    it.scopedLive("closes at once when nobody is connected, or only idle clients are", () =>
      Effect.gen(function*() {
        yield* Effect.scoped(NodeHttp2.listen(echo))
        const scope = yield* Scope.make()
        const { url } = yield* listenIn(scope, echo)
        const session = yield* connect(url)
        yield* send(session, { ":path": "/" })
        const goaway = yield* Effect.fork(once(session, "goaway"))
        yield* Effect.yieldNow()
        yield* Scope.close(scope, Exit.void)
        assert.strictEqual(yield* Fiber.join(goaway), Http2.constants.NGHTTP2_NO_ERROR)
      }))

    it.scopedLive("lets requests finish, and takes no more", () =>
      Effect.gen(function*() {
        const release = yield* Effect.makeLatch(false)
        const started = yield* Deferred.make<void>()
        const front: Front = () =>
          Effect.zipRight(Deferred.succeed(started, undefined), Effect.as(release.await, text(200, "done")))
        const scope = yield* Scope.make()
        const { port, url } = yield* listenIn(scope, front)
        const session = yield* connect(url)
        const answer = yield* Effect.fork(send(session, { ":path": "/" }))
        yield* Deferred.await(started)
        const closing = yield* Effect.fork(Scope.close(scope, Exit.void))
        yield* once(session, "goaway")
        const late = yield* raw(port, "")
        yield* once(late, "close")
        yield* release.open
        assert.strictEqual((yield* Fiber.join(answer)).body.toString(), "done")
        yield* Fiber.join(closing)
      }))

    it.scopedLive("ends streams, with their trailers, once `drain` and `grace` are over", () =>
      Effect.gen(function*() {
        const queue = yield* Queue.unbounded<string>()
        const front: Front = (request) =>
          Effect.succeed(
            streamed(request.target === "/drained" ? Stream.fromQueue(queue) : Stream.never, {
              "x-path": request.target
            })
          )
        const scope = yield* Scope.make()
        const { url } = yield* listenIn(scope, front, { drain: Queue.shutdown(queue), grace: "50 millis" })
        const session = yield* connect(url)
        const answers = yield* Effect.fork(Effect.all([
          send(session, { ":path": "/drained" }),
          send(session, { ":path": "/cut" })
        ], { concurrency: "unbounded" }))
        yield* send(session, { ":path": "/drained", ":method": "HEAD" })
        yield* Scope.close(scope, Exit.void)
        const [drained, cut] = yield* Fiber.join(answers)
        assert.deepStrictEqual([drained.trailers?.["x-path"], drained.code], ["/drained", 0])
        assert.deepStrictEqual([cut.trailers?.["x-path"], cut.code], ["/cut", 0])
      }))

    it.scopedLive("answers requests that take too long, and cuts off clients that do not read", () =>
      Effect.gen(function*() {
        const started = yield* Queue.unbounded<string>()
        const front: Front = (request) =>
          Effect.zipRight(
            Queue.offer(started, request.target),
            request.target === "/flood"
              ? Effect.succeed(streamed(Stream.repeatValue(Buffer.alloc(64 * 1024))))
              : Effect.never
          )
        const scope = yield* Scope.make()
        const { port, url } = yield* listenIn(scope, front, { grace: "50 millis" })
        const session = yield* connect(url)
        const answer = yield* Effect.fork(send(session, { ":path": "/slow" }))
        const flooded = yield* connect(url)
        const stream = open(flooded, { ":path": "/flood" })
        stream.end()
        const deaf = yield* raw(port, Buffer.concat([Buffer.from(preface), frame(4, 0, 0), getHeaders]))
        deaf.pause()
        yield* Effect.all([Queue.take(started), Queue.take(started), Queue.take(started)])
        yield* Scope.close(scope, Exit.void)
        assert.strictEqual((yield* Fiber.join(answer)).headers[":status"], 503)
      }))
  })

  describe("TLS", () => {
    const tls = { cert: pem("server.pem"), key: pem("server.key") }
    const ca = pem("ca.pem")

    it.scopedLive("serves clients that trust the certificate", () =>
      Effect.gen(function*() {
        const { port, url } = yield* NodeHttp2.listen(echo, { tls })
        assert.strictEqual(url, `https://127.0.0.1:${port}`)
        const session = yield* connect(url, { ca })
        assert.strictEqual((yield* send(session, { ":path": "/" })).body.toString(), "POST / ")
        assert.strictEqual(session.alpnProtocol, "h2")
        const stranger = yield* connect(url, { ca: pem("other-ca.pem") })
        const error = yield* once(stranger, "error")
        assert.include(String(error), "unable to verify")
      }))

    it.scopedLive("lets in only clients with a certificate of the authority", () =>
      Effect.gen(function*() {
        const { url } = yield* NodeHttp2.listen(echo, { tls: { ...tls, clientCa: ca } })
        const known = yield* connect(url, { ca, cert: pem("client.pem"), key: pem("client.key") })
        assert.strictEqual((yield* send(known, { ":path": "/" })).headers[":status"], 200)
        const others = [{}, { cert: pem("other-client.pem"), key: pem("other-client.key") }]
        for (const identity of others) {
          const refused = yield* connect(url, { ca, ...identity })
          const answer = yield* send(refused, { ":path": "/" })
          assert.isUndefined(answer.headers[":status"])
          assert.notStrictEqual(answer.code, 0)
        }
      }))

    it.scopedLive("speaks nothing but HTTP/2, and hangs on no handshake", () =>
      Effect.gen(function*() {
        const { port } = yield* NodeHttp2.listen(echo, { tls, headersTimeout: "100 millis" })
        const silent = yield* raw(port, "")
        silent.resume()
        yield* once(silent, "close")
        const plain = yield* raw(port, preface)
        plain.resume()
        yield* once(plain, "close")
        const old = Tls.connect({ port, host: "127.0.0.1", ca, ALPNProtocols: ["http/1.1"] })
        assert.include(String(yield* once(old, "error")), "no application protocol")
      }))

    it.scopedLive("does not listen with options that cannot work, and says which", () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(NodeHttp2.listen(echo, { tls: { ...tls, key: { file: "/nowhere/key.pem" } } }))
        assert.strictEqual(error._tag, "InvalidTls")
        assert.strictEqual(error.message, "tls.key: cannot be read: ENOENT")
      }))

    it.scopedLive("shuts down while a client hangs in its handshake", () =>
      Effect.gen(function*() {
        const scope = yield* Scope.make()
        const { port } = yield* Scope.extend(NodeHttp2.listen(echo, { tls }), scope)
        const silent = yield* raw(port, "")
        yield* once(silent, "connect")
        yield* Scope.close(scope, Exit.void)
      }))
  })
})
