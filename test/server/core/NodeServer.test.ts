import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { connect } from "node:net"
import type { Front } from "../../../src/server/core/Front.js"
import { empty, Hangup, StreamBody, text } from "../../../src/server/core/Front.js"
import * as NodeServer from "../../../src/server/core/NodeServer.js"
import { exchange, send } from "./Raw.js"

const streaming = (body: ConstructorParameters<typeof StreamBody>[0]) => ({
  status: 200,
  headers: { "content-type": "text/plain" },
  body: new StreamBody(body)
})

const echo: Front = (request) =>
  Effect.match(request.bytes(10), {
    onFailure: (error) => error._tag === "BodyTooLarge" ? text(413, "too large") : text(400, "aborted"),
    onSuccess: (bytes) => text(200, `${request.method} ${request.target} ${new TextDecoder().decode(bytes)}`)
  })

describe("NodeServer", () => {
  it.scopedLive("hands over method, target and body as they are on the wire", () =>
    Effect.gen(function*() {
      const { port, url } = yield* NodeServer.listen(echo)
      assert.strictEqual(url, `http://127.0.0.1:${port}`)
      const answer = yield* send(port, { method: "PATCH", path: "/a/../b//%2f?x=%20", body: "12345" })
      assert.strictEqual(answer.body, "PATCH /a/../b//%2f?x=%20 12345")
      assert.strictEqual(answer.headers["content-length"], String(answer.body.length))
    }))

  it.scopedLive("says in one line that a port is in use", () =>
    Effect.gen(function*() {
      const { port } = yield* NodeServer.listen(echo)
      const error = yield* Effect.flip(NodeServer.listen(echo, { port }))
      assert.strictEqual(error.reason, "PortInUse")
      assert.strictEqual(error.message, `cannot listen on 127.0.0.1:${port}: the port is in use`)
    }))

  it.scopedLive("fails with a reason for a host that is not ours", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(NodeServer.listen(echo, { host: "192.0.2.1" }))
      assert.strictEqual(error._tag, "ListenError")
      assert.strictEqual(error.reason, "AddressNotAvailable")
    }))

  it.scopedLive("refuses a long body and keeps the connection, whether the length is declared or not", () =>
    Effect.gen(function*() {
      const { port } = yield* NodeServer.listen(echo)
      const declared = "POST /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n12345678901"
      const chunked = "POST /2 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n12345678901\r\n0\r\n\r\n"
      const last = "POST /3 HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\nConnection: close\r\n\r\n1234567890"
      const received = yield* exchange(port, declared + chunked + last)
      const statuses = received.match(/HTTP\/1\.1 \d+/g)
      assert.deepStrictEqual(statuses, ["HTTP/1.1 413", "HTTP/1.1 413", "HTTP/1.1 200"])
      assert.isTrue(received.endsWith("POST /3 1234567890"))
    }))

  it.scopedLive("cuts off a body without end that nobody wants", () =>
    Effect.gen(function*() {
      const { port } = yield* NodeServer.listen(echo)
      const sent = yield* Effect.async<number>((resume) => {
        const socket = connect(port, "127.0.0.1")
        const piece = Buffer.alloc(1024 * 1024)
        let count = 0
        const more = () => {
          count++
          socket.write(piece, (error) => {
            if (!error && count < 1000) more()
          })
        }
        socket.on("error", () => undefined)
        socket.on("close", () => resume(Effect.succeed(count)))
        socket.write("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n")
        socket.resume()
        more()
      })
      assert.isBelow(sent, 1000)
    }))

  it.scopedLive("asks for a body only when somebody reads it", () =>
    Effect.gen(function*() {
      const { port } = yield* NodeServer.listen(echo)
      const head = (length: number) =>
        `POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nConnection: close\r\nContent-Length: ${length}\r\n\r\n`
      const wanted = yield* exchange(port, `${head(5)}12345`)
      assert.match(wanted, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200/)
      const unwanted = yield* exchange(port, head(11))
      assert.match(unwanted, /^HTTP\/1\.1 413/)
      assert.match(unwanted, /connection: close/i)
    }))

  it.scopedLive("gives up on a client that is too slow", () =>
    Effect.gen(function*() {
      const aborted = yield* Deferred.make<void>()
      const front: Front = (request) =>
        Effect.onInterrupt(Effect.as(Effect.ignore(request.bytes(10)), empty(204)), () =>
          Deferred.succeed(aborted, undefined))
      const { port } = yield* NodeServer.listen(front, { headersTimeout: "100 millis", requestTimeout: "100 millis" })
      const received = yield* exchange(port, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n123")
      assert.match(received, /^HTTP\/1\.1 408/)
      assert.match(yield* exchange(port, "GET / HTTP/1.1\r\nHos"), /^HTTP\/1\.1 408/)
    }))

  it.scopedLive("runs the requests of one connection in their order, pipelined or not", () =>
    Effect.gen(function*() {
      const seen: Array<string> = []
      const front: Front = (request) =>
        Effect.gen(function*() {
          yield* Effect.ignore(request.bytes(10))
          if (request.method === "POST") yield* Effect.sleep("20 millis")
          seen.push(request.target)
          return text(200, request.target)
        })
      const { port } = yield* NodeServer.listen(front)
      const received = yield* exchange(
        port,
        [
          "POST /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx",
          "DELETE /2 HTTP/1.1\r\nHost: x\r\n\r\n",
          "POST /3 HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx",
          "GET /4 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        ].join("")
      )
      assert.deepStrictEqual(seen, ["/1", "/2", "/3", "/4"])
      assert.deepStrictEqual(received.match(/\r\n\r\n\/\d/g), ["/1", "/2", "/3", "/4"].map((path) => `\r\n\r\n${path}`))
    }))

  it.scopedLive("interrupts the handler of a client that goes away, and closes its scope", () =>
    Effect.gen(function*() {
      const started = yield* Deferred.make<void>()
      const closed = yield* Deferred.make<Exit.Exit<unknown, unknown>>()
      const front: Front = () =>
        Effect.addFinalizer((exit) => Deferred.succeed(closed, exit)).pipe(
          Effect.zipRight(Deferred.succeed(started, undefined)),
          Effect.zipRight(Effect.never)
        )
      const { port } = yield* NodeServer.listen(front)
      const client = yield* Effect.fork(send(port, { path: "/" }))
      yield* Deferred.await(started)
      yield* Fiber.interrupt(client)
      assert.isTrue(Exit.isInterrupted(yield* Deferred.await(closed)))
    }))

  it.scopedLive("sends each piece as a chunk of its own, and closes the scope at the end of the stream", () =>
    Effect.gen(function*() {
      const closed = yield* Deferred.make<void>()
      const front: Front = () =>
        Effect.as(
          Effect.addFinalizer(() => Deferred.succeed(closed, undefined)),
          streaming({ stream: Stream.make("one", new TextEncoder().encode("two"), "three") })
        )
      const { port } = yield* NodeServer.listen(front)
      const received = yield* exchange(port, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
      assert.isTrue(received.endsWith("\r\n\r\n3\r\none\r\n3\r\ntwo\r\n5\r\nthree\r\n0\r\n\r\n"))
      yield* Deferred.await(closed)
    }))

  it.scopedLive("answers HEAD with the headers of a stream and without running it", () =>
    Effect.gen(function*() {
      const { port } = yield* NodeServer.listen(() =>
        Effect.succeed(streaming({ stream: Stream.dieMessage("nobody reads it") }))
      )
      const answer = yield* send(port, { method: "HEAD", path: "/" })
      assert.deepInclude(answer, { status: 200, body: "", complete: true })
    }))

  it.scopedLive("breaks the connection off where a stream fails", () =>
    Effect.gen(function*() {
      const stream = Stream.concat(Stream.make("begun"), Stream.fail("broken"))
      const { port } = yield* NodeServer.listen(() => Effect.succeed(streaming({ stream })))
      const answer = yield* send(port, { path: "/" })
      assert.deepInclude(answer, { status: 200, body: "begun", complete: false })
    }))

  it.scopedLive("closes the connection without an answer on a hang-up", () =>
    Effect.gen(function*() {
      const { port } = yield* NodeServer.listen(() => new Hangup())
      assert.strictEqual(yield* exchange(port, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"), "")
    }))

  it.scopedLive("answers 500 for a defect, and logs it", () =>
    Effect.gen(function*() {
      const logged: Array<unknown> = []
      const logger = Logger.replace(Logger.defaultLogger, Logger.make(({ message }) => logged.push(message)))
      const { port } = yield* Effect.provide(NodeServer.listen(() => Effect.dieMessage("secret detail")), logger)
      const answer = yield* send(port, { path: "/" })
      assert.deepInclude(answer, { status: 500, body: "" })
      assert.deepStrictEqual(logged, [["A request ended with a defect"]])
    }))

  it.scopedLive("pulls a stream only as fast as the client reads", () =>
    Effect.gen(function*() {
      const megabyte = new Uint8Array(1024 * 1024)
      let pulled = 0
      const stream = Stream.repeatEffect(Effect.sync(() => {
        pulled++
        return megabyte
      })).pipe(Stream.rechunk(1))
      const { port } = yield* NodeServer.listen(() => Effect.succeed(streaming({ stream })))
      const socket = connect(port, "127.0.0.1")
      yield* Effect.addFinalizer(() => Effect.sync(() => socket.destroy()))
      socket.pause()
      socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
      let before = -1
      while (before !== pulled || pulled === 0) {
        before = pulled
        yield* Effect.sleep("100 millis")
      }
      assert.isBelow(pulled, 64)
      socket.resume()
      while (pulled === before) yield* Effect.sleep("10 millis")
    }))

  describe("at the end", () => {
    const start = (front: Front, options?: NodeServer.ListenOptions) =>
      Effect.gen(function*() {
        const scope = yield* Scope.make()
        const { port } = yield* Scope.extend(NodeServer.listen(front, options), scope)
        return { port, stop: Scope.close(scope, Exit.void) }
      })

    it.live("lets a request finish and takes no other", () =>
      Effect.gen(function*() {
        const started = yield* Deferred.make<void>()
        const finish = yield* Deferred.make<void>()
        const stopped = yield* Deferred.make<void>()
        const { port, stop } = yield* start(
          () =>
            Deferred.succeed(started, undefined).pipe(
              Effect.zipRight(Deferred.await(finish)),
              Effect.as(text(200, "done"))
            ),
          { drain: Effect.asVoid(Deferred.succeed(stopped, undefined)) }
        )
        const answer = yield* Effect.fork(send(port, { path: "/" }))
        yield* Deferred.await(started)
        const stopping = yield* Effect.fork(stop)
        yield* Deferred.await(stopped)
        const refused = yield* Effect.flip(send(port, { path: "/" }))
        assert.strictEqual(refused.code, "ECONNREFUSED")
        yield* Deferred.succeed(finish, undefined)
        assert.deepInclude(yield* Fiber.join(answer), { status: 200, body: "done" })
        yield* Fiber.join(stopping)
      }))

    it.live("ends open streams properly", () =>
      Effect.gen(function*() {
        const begun = yield* Deferred.make<void>()
        const rest = Stream.drain(Stream.fromEffect(Deferred.succeed(begun, undefined)))
        const stream = Stream.make("begun").pipe(Stream.concat(rest), Stream.concat(Stream.never))
        const { port, stop } = yield* start(() => Effect.succeed(streaming({ stream })))
        const answer = yield* Effect.fork(send(port, { path: "/" }))
        yield* Deferred.await(begun)
        yield* stop
        assert.deepInclude(yield* Fiber.join(answer), { body: "begun", complete: true })
      }))

    it.live("lets streams end by themselves where there is a drain", () =>
      Effect.gen(function*() {
        const begun = yield* Deferred.make<void>()
        const ending = yield* Deferred.make<void>()
        const wait = Effect.zipRight(Deferred.succeed(begun, undefined), Deferred.await(ending))
        const stream = Stream.make("begun,").pipe(
          Stream.concat(Stream.drain(Stream.fromEffect(wait))),
          Stream.concat(Stream.make("ended"))
        )
        const { port, stop } = yield* start(() => Effect.succeed(streaming({ stream })), {
          drain: Effect.asVoid(Deferred.succeed(ending, undefined))
        })
        const answer = yield* Effect.fork(send(port, { path: "/" }))
        yield* Deferred.await(begun)
        yield* stop
        assert.deepInclude(yield* Fiber.join(answer), { body: "begun,ended", complete: true })
      }))

    it.live("cuts off what does not end in time, also when its own fiber is interrupted", () =>
      Effect.gen(function*() {
        const port = yield* Deferred.make<number>()
        const started = yield* Deferred.make<void>()
        const interrupted = yield* Deferred.make<void>()
        const server = yield* NodeServer.listen(
          () =>
            Effect.zipRight(Deferred.succeed(started, undefined), Effect.never).pipe(
              Effect.onInterrupt(() => Deferred.succeed(interrupted, undefined))
            ),
          { grace: "50 millis" }
        ).pipe(
          Effect.tap((address) => Deferred.succeed(port, address.port)),
          Effect.zipRight(Effect.never),
          Effect.scoped,
          Effect.fork
        )
        const answer = yield* Effect.fork(Effect.either(send(yield* Deferred.await(port), { path: "/" })))
        yield* Deferred.await(started)
        yield* Fiber.interrupt(server)
        yield* Deferred.await(interrupted)
        assert.strictEqual((yield* Fiber.join(answer))._tag, "Left")
        assert.isTrue(Option.isNone(yield* Effect.option(send(yield* Deferred.await(port), { path: "/" }))))
      }))

    it.live("is quick with idle connections", () =>
      Effect.gen(function*() {
        const { port, stop } = yield* start(() => Effect.succeed(empty(204)))
        const socket = connect(port, "127.0.0.1")
        const received = yield* Effect.async<string>((resume) => {
          socket.once("data", (data) => resume(Effect.succeed(String(data))))
          socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        })
        assert.match(received, /^HTTP\/1\.1 204/)
        const closed = yield* Effect.fork(Effect.async<void>((resume) => {
          socket.once("close", () => resume(Effect.void))
        }))
        yield* stop
        yield* Fiber.join(closed)
      }))
  })
})
