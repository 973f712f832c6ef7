import { create, fromBinary, toBinary } from "@bufbuild/protobuf"
import { base64Decode } from "@bufbuild/protobuf/wire"
import { anyUnpack } from "@bufbuild/protobuf/wkt"
import { Code, ConnectError, createClient } from "@connectrpc/connect"
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node"
import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Queue from "effect/Queue"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { readFileSync } from "node:fs"
import * as Http2 from "node:http2"
import { codes } from "../../../src/schemas/core/Grpc.js"
import { RetryInfoSchema } from "../../../src/schemas/gen/google/rpc/error_details_pb.js"
import { StatusSchema } from "../../../src/schemas/gen/google/rpc/status_pb.js"
import {
  Health,
  HealthCheckRequestSchema,
  HealthCheckResponse_ServingStatus as Serving,
  HealthCheckResponseSchema
} from "../../../src/schemas/gen/grpc/health/v1/health_pb.js"
import {
  ServerReflection,
  ServerReflectionRequestSchema,
  ServerReflectionResponseSchema
} from "../../../src/schemas/gen/grpc/reflection/v1/reflection_pb.js"
import type { Front, FrontRequest, FrontResponse } from "../../../src/server/core/Front.js"
import { BodyTooLarge, StreamBody } from "../../../src/server/core/Front.js"
import * as Grpc from "../../../src/server/core/Grpc.js"
import { frame, Reader } from "../../../src/server/core/GrpcFrames.js"
import { GrpcStatus } from "../../../src/server/core/GrpcStatus.js"
import * as NodeHttp2 from "../../../src/server/core/NodeHttp2.js"
import { collect, connect, once, open, send } from "./Http2Client.js"

const pem = (name: string) => readFileSync(new URL(`../../fixtures/tls/${name}`, import.meta.url), "utf8")

const limit = 4 * 1024 * 1024

const encoder = new TextEncoder()
const decoder = new TextDecoder()

const status = (code: number, detail: string) => new GrpcStatus({ code, detail })

/** Methods whose messages are text: what `/t/…` does is its name, and often its message. */
const methods = new Map<string, Grpc.Method>([
  ["/t/Echo", { _tag: "Unary", handle: (message) => Effect.succeed(message) }],
  ["/t/Never", { _tag: "Unary", handle: () => Effect.never }],
  ["/t/Large", {
    _tag: "Unary",
    handle: (message) => Effect.sync(() => new Uint8Array(Number(decoder.decode(message))))
  }],
  ["/t/Fail", { _tag: "Unary", handle: (message) => Effect.fail(status(5, decoder.decode(message))) }],
  ["/t/Busy", {
    _tag: "Unary",
    handle: () => Effect.fail(new GrpcStatus({ code: 14, detail: "busy", retryAfterSeconds: 1.5 }))
  }],
  ["/t/Die", { _tag: "Unary", handle: () => Effect.die("a secret") }],
  ["/t/Throw", {
    _tag: "Unary",
    handle: () => {
      throw new Error("a secret")
    }
  }],
  ["/t/Count", {
    _tag: "ServerStream",
    handle: (message) =>
      Effect.succeed(Stream.map(Stream.range(1, Number(decoder.decode(message))), (n) => encoder.encode(String(n))))
  }],
  ["/t/Silence", { _tag: "ServerStream", handle: () => Effect.succeed(Stream.never) }],
  ["/t/Refuse", { _tag: "ServerStream", handle: () => Effect.fail(status(5, "nobody")) }],
  ["/t/Break", {
    _tag: "ServerStream",
    handle: () => Effect.succeed(Stream.concat(Stream.make(encoder.encode("1")), Stream.fail(status(9, "half way"))))
  }],
  ["/t/DieLater", {
    _tag: "ServerStream",
    handle: () => Effect.succeed(Stream.concat(Stream.make(encoder.encode("1")), Stream.die("a secret")))
  }],
  ["/t/Grow", {
    _tag: "ServerStream",
    handle: () => Effect.succeed(Stream.make(new Uint8Array(1), new Uint8Array(limit + 1), new Uint8Array(1)))
  }],
  ["/t/Upper", {
    _tag: "Bidi",
    handle: (messages) => Stream.map(messages, (message) => encoder.encode(decoder.decode(message).toUpperCase()))
  }]
])

const front = Grpc.make({ methods, maxMessageBytes: limit })

const headersOf = (path: string): Http2.OutgoingHttpHeaders => ({
  ":path": path,
  "content-type": "application/grpc",
  te: "trailers"
})

const framed = (...messages: ReadonlyArray<string>) =>
  Buffer.concat(messages.map((message) => frame(encoder.encode(message))))

const textsOf = (body: Uint8Array): ReadonlyArray<string> => {
  const messages: Array<Uint8Array> = []
  const reader = new Reader(100 * limit)
  assert.isUndefined(reader.push(body, messages))
  assert.isTrue(reader.isWhole)
  return messages.map((message) => decoder.decode(message))
}

const call = (session: Http2.ClientHttp2Session, path: string, body: Uint8Array | string, headers = {}) =>
  send(session, { ...headersOf(path), ...headers }, body)

/** The status of an answer that has no message. */
const only = ({ body, code, headers, trailers }: Effect.Effect.Success<ReturnType<typeof collect>>) => {
  assert.deepStrictEqual([headers[":status"], headers["content-type"], body.length, code, trailers], [
    200,
    "application/grpc",
    0,
    0,
    undefined
  ])
  return [headers["grpc-status"], headers["grpc-message"]]
}

const listening = Effect.flatMap(NodeHttp2.listen(front), ({ url }) => connect(url))

/** A request without a network. */
const request = (path: string, body: Uint8Array, headers: Record<string, string> = {}): FrontRequest => ({
  method: "POST",
  target: path,
  headers: { "content-type": "application/grpc", ...headers },
  bytes: (limit) => body.length > limit ? Effect.fail(new BodyTooLarge({ limit })) : Effect.succeed(body)
})

const streamOf = ({ body }: FrontResponse) => body instanceof StreamBody ? body.stream : Stream.die("no stream")

const silent = Logger.remove(Logger.defaultLogger)

describe("Grpc", () => {
  describe("calls", () => {
    it.scopedLive("answers a message with a message, whatever pieces it comes in", () =>
      Effect.gen(function*() {
        const session = yield* listening
        const whole = yield* call(session, "/t/Echo", framed("hello"))
        assert.deepStrictEqual(textsOf(whole.body), ["hello"])
        assert.deepStrictEqual([whole.headers[":status"], whole.headers["content-type"]], [200, "application/grpc"])
        assert.deepStrictEqual([whole.trailers?.["grpc-status"], whole.code], ["0", 0])
        const stream = open(session, { ...headersOf("/t/Echo"), "content-type": "application/grpc+proto" })
        const answer = yield* Effect.fork(collect(stream))
        for (const byte of framed("in pieces")) {
          stream.write(Uint8Array.of(byte))
          yield* Effect.sleep("1 millis")
        }
        stream.end()
        assert.deepStrictEqual(textsOf((yield* Fiber.join(answer)).body), ["in pieces"])
        assert.deepStrictEqual(textsOf((yield* call(session, "/t/Echo", framed(""))).body), [""])
      }))

    it.scopedLive("streams messages, with the status behind them", () =>
      Effect.gen(function*() {
        const session = yield* listening
        const some = yield* call(session, "/t/Count", framed("3"))
        assert.deepStrictEqual([textsOf(some.body), some.trailers?.["grpc-status"]], [["1", "2", "3"], "0"])
        const broken = yield* call(session, "/t/Break", framed(""))
        assert.deepStrictEqual(textsOf(broken.body), ["1"])
        assert.deepStrictEqual([broken.trailers?.["grpc-status"], broken.trailers?.["grpc-message"]], ["9", "half way"])
        assert.deepStrictEqual(only(yield* call(session, "/t/Refuse", framed(""))), ["5", "nobody"])
      }))

    it.scopedLive("shows that a stream has begun before its first message", () =>
      Effect.gen(function*() {
        const session = yield* listening
        const stream = open(session, headersOf("/t/Silence"))
        stream.end(framed(""))
        yield* once(stream, "response")
      }))

    it.scopedLive("answers while it is asked", () =>
      Effect.gen(function*() {
        const session = yield* listening
        const stream = open(session, headersOf("/t/Upper"))
        const received = yield* Queue.unbounded<string>()
        stream.on("data", (piece: Buffer) => {
          for (const text of textsOf(piece)) Queue.unsafeOffer(received, text)
        })
        const answer = yield* Effect.fork(collect(stream))
        for (const text of ["a", "b"]) {
          stream.write(framed(text))
          assert.strictEqual(yield* Queue.take(received), text.toUpperCase())
        }
        stream.end()
        assert.strictEqual((yield* Fiber.join(answer)).trailers?.["grpc-status"], "0")
      }))

    it.effect("keeps one piece a message, chunk by chunk", () =>
      Effect.gen(function*() {
        const response = yield* front(request("/t/Count", framed("3")))
        const chunks = yield* Stream.runCollect(Stream.chunks(streamOf(response)))
        assert.deepStrictEqual(
          Chunk.toReadonlyArray(chunks).map((pieces) => Chunk.toReadonlyArray(pieces).map(String)),
          [["1", "2", "3"].map((n) => String(frame(encoder.encode(n))))]
        )
        assert.deepStrictEqual(yield* response.trailers ?? Effect.succeed({}), { "grpc-status": "0" })
      }).pipe(Effect.scoped))

    it.effect("logs defects, and says nothing about them", () =>
      Effect.gen(function*() {
        const logged: Array<unknown> = []
        const logger = Logger.replace(Logger.defaultLogger, Logger.make(({ message }) => logged.push(message)))
        for (const path of ["/t/Die", "/t/Throw"]) {
          const { headers } = yield* Effect.provide(front(request(path, framed(""))), logger)
          assert.deepStrictEqual([headers["grpc-status"], headers["grpc-message"]], ["13", "internal error"])
        }
        const response = yield* front(request("/t/DieLater", framed("")))
        assert.strictEqual((yield* Effect.provide(Stream.runCollect(streamOf(response)), logger)).length, 1)
        assert.deepStrictEqual(yield* response.trailers ?? Effect.succeed({}), {
          "grpc-status": "13",
          "grpc-message": "internal error"
        })
        assert.strictEqual(logged.length, 3)
      }).pipe(Effect.scoped))
  })

  describe("requests", () => {
    it.scopedLive("does not know a path: UNIMPLEMENTED, without a word", () =>
      Effect.gen(function*() {
        const session = yield* listening
        assert.deepStrictEqual(only(yield* call(session, "/t/Nothing", framed(""))), ["12", undefined])
        assert.deepStrictEqual(only(yield* send(session, { ":path": "/", ":method": "GET" })), ["12", undefined])
      }))

    it.scopedLive("looks at the authentication first", () =>
      Effect.gen(function*() {
        const guarded = Grpc.make({
          methods,
          maxMessageBytes: limit,
          refuse: ({ headers }) => headers["authorization"] === "Bearer x" ? undefined : status(16, "who are you?")
        })
        const session = yield* Effect.flatMap(NodeHttp2.listen(guarded), ({ url }) => connect(url))
        assert.deepStrictEqual(only(yield* call(session, "/t/Nothing", "")), ["16", "who are you?"])
        const known = yield* call(session, "/t/Echo", framed("hi"), { authorization: "Bearer x" })
        assert.deepStrictEqual(textsOf(known.body), ["hi"])
      }))

    it.scopedLive("is gRPC over POST and nothing else", () =>
      Effect.gen(function*() {
        const session = yield* listening
        const got = yield* call(session, "/t/Echo", "", { ":method": "PUT" })
        assert.deepStrictEqual([got.headers[":status"], got.headers.allow], [405, "POST"])
        for (const type of ["application/json", "application/grpc-web", "application/grpc+json", "application/grpcx"]) {
          const answer = yield* call(session, "/t/Echo", framed(""), { "content-type": type })
          assert.deepStrictEqual([answer.headers[":status"], answer.body.length], [415, 0])
        }
        const parameters = yield* call(session, "/t/Echo", framed("hi"), { "content-type": "Application/gRPC; x=y" })
        assert.deepStrictEqual(textsOf(parameters.body), ["hi"])
      }))

    it.scopedLive("takes no compression", () =>
      Effect.gen(function*() {
        const session = yield* listening
        const gzip = yield* call(session, "/t/Echo", framed(""), { "grpc-encoding": "gzip" })
        assert.strictEqual(only(gzip)[0], "12")
        assert.strictEqual(gzip.headers["grpc-accept-encoding"], "identity")
        const identity = yield* call(session, "/t/Echo", framed("hi"), { "grpc-encoding": "identity" })
        assert.strictEqual(identity.trailers?.["grpc-status"], "0")
        const flagged = framed("hi")
        flagged[0] = 1
        const [code, message] = only(yield* call(session, "/t/Echo", flagged))
        assert.deepStrictEqual([code, message], [
          "13",
          "a message is flagged as compressed, but the request has no grpc-encoding"
        ])
        flagged[0] = 2
        assert.deepStrictEqual(only(yield* call(session, "/t/Echo", flagged)), [
          "13",
          "invalid compression flag 2: 0 and 1 are valid"
        ])
      }))

    it.effect("wants exactly one message, whole, unless it is a stream", () =>
      Effect.gen(function*() {
        const statusOf = (path: string, body: Uint8Array) =>
          Effect.map(front(request(path, body)), ({ headers }) => [headers["grpc-status"], headers["grpc-message"]])
        for (const path of ["/t/Echo", "/t/Count"]) {
          assert.deepStrictEqual(yield* statusOf(path, framed()), ["12", "the request has no message"])
          assert.deepStrictEqual(yield* statusOf(path, framed("1", "2")), ["12", "the request has a second message"])
          for (let length = 1; length < 8; length++) {
            assert.deepStrictEqual(yield* statusOf(path, framed("abc").subarray(0, length)), [
              "13",
              "the request ended in the middle of a message"
            ])
          }
        }
        const response = yield* front(request("/t/Upper", framed("a", "b").subarray(0, 11)))
        assert.strictEqual((yield* Stream.runCollect(streamOf(response))).length, 1)
        assert.strictEqual((yield* response.trailers ?? Effect.succeed({ "grpc-status": "" }))["grpc-status"], "13")
      }).pipe(Effect.scoped))

    it.scopedLive("does not wait forever for a message", () =>
      Effect.gen(function*() {
        const { url } = yield* NodeHttp2.listen(front, { requestTimeout: "50 millis" })
        const stream = open(yield* connect(url), headersOf("/t/Echo"))
        stream.write(framed("ab").subarray(0, 6))
        assert.deepStrictEqual(only(yield* collect(stream)), ["4", "the request took too long to arrive"])
      }))
  })

  describe("messages", () => {
    it.scopedLive("refuses a long one by its length alone", () =>
      Effect.gen(function*() {
        const session = yield* listening
        const head = Buffer.alloc(5)
        head.writeUInt32BE(limit + 1, 1)
        const stream = open(session, headersOf("/t/Echo"))
        stream.write(head)
        const [code, message] = only(yield* collect(stream))
        assert.strictEqual(code, "8")
        assert.strictEqual(
          message,
          `Error, decoded message length too large: found ${limit + 1} bytes, the limit is: ${limit} bytes`
        )
        const whole = yield* call(session, "/t/Echo", Buffer.concat([head, Buffer.alloc(limit + 1)]))
        assert.strictEqual(only(whole)[0], "8")
        const longest = yield* call(session, "/t/Echo", frame(new Uint8Array(limit)))
        assert.deepStrictEqual([longest.body.length, longest.trailers?.["grpc-status"]], [limit + 5, "0"])
      }))

    it.scopedLive("sends none that is too long", () =>
      Effect.gen(function*() {
        const session = yield* listening
        const text = `Error, encoded message length too large: found ${limit + 1} bytes, the limit is: ${limit} bytes`
        assert.deepStrictEqual(only(yield* call(session, "/t/Large", framed(String(limit + 1)))), ["8", text])
        const streamed = yield* call(session, "/t/Grow", framed(""))
        assert.strictEqual(streamed.body.length, 6)
        assert.deepStrictEqual([streamed.trailers?.["grpc-status"], streamed.trailers?.["grpc-message"]], ["8", text])
      }))

    it.effect("has another status for them, if that is wanted", () =>
      Effect.gen(function*() {
        const strict = Grpc.make({ methods, maxMessageBytes: 4, tooLargeCode: codes.OUT_OF_RANGE })
        const answers = yield* Effect.forEach(
          [request("/t/Echo", framed("12345")), request("/t/Large", framed("5"))],
          (given) => Effect.scoped(strict(given))
        )
        assert.deepStrictEqual(answers.map(({ headers }) => headers["grpc-status"]), ["11", "11"])
      }))

    it.effect("encodes the text of a status so that any text arrives", () =>
      Effect.gen(function*() {
        for (const text of ["", "plain text: ~", "50 %\r\n\t\u0000\u007f", "Grüße, 世界 🎉", "%41"]) {
          const { headers } = yield* front(request("/t/Fail", framed(text)))
          assert.match(headers["grpc-message"] ?? "", /^[\x20-\x7e]*$/)
          assert.strictEqual(decodeURIComponent(headers["grpc-message"] ?? ""), text)
        }
        const { headers } = yield* front(request("/t/Fail", framed("x".repeat(100_000))))
        assert.isBelow(headers["grpc-message"]?.length ?? 0, 8192)
      }).pipe(Effect.scoped))

    it.effect("tells when to try again", () =>
      Effect.gen(function*() {
        const { headers } = yield* front(request("/t/Busy", framed("")))
        assert.strictEqual(headers["grpc-retry-pushback-ms"], "1500")
        const details = fromBinary(StatusSchema, base64Decode(headers["grpc-status-details-bin"] ?? ""))
        assert.deepStrictEqual([details.code, details.message, details.details.length], [14, "busy", 1])
        const [first] = details.details
        const info = first === undefined ? undefined : anyUnpack(first, RetryInfoSchema)
        assert.deepStrictEqual([info?.retryDelay?.seconds, info?.retryDelay?.nanos], [1n, 500_000_000])
      }).pipe(Effect.scoped))
  })

  describe("deadlines", () => {
    it.effect("names the header that is malformed", () =>
      Effect.gen(function*() {
        for (const timeout of ["", "1", "S", "123456789S", "1s", "-1S", "1.5S", " 1S", "1S "]) {
          const { headers } = yield* front(request("/t/Echo", framed(""), { "grpc-timeout": timeout }))
          assert.strictEqual(headers["grpc-status"], "3", timeout)
          assert.include(headers["grpc-message"], "grpc-timeout")
        }
      }).pipe(Effect.scoped))

    it.effect("ends a call in time, in any unit", () =>
      Effect.gen(function*() {
        const timeouts: ReadonlyArray<readonly [string, Duration.DurationInput]> = [
          ["2H", "2 hours"],
          ["3M", "3 minutes"],
          ["4S", "4 seconds"],
          ["5m", "5 millis"],
          ["6000u", "6 millis"],
          ["7000000n", "7 millis"],
          ["99999999H", Duration.hours(99_999_999)]
        ]
        for (const [timeout, duration] of timeouts) {
          const fiber = yield* Effect.fork(front(request("/t/Never", framed(""), { "grpc-timeout": timeout })))
          yield* TestClock.adjust(Duration.subtract(duration, "1 millis"))
          assert.isNull(fiber.unsafePoll())
          yield* TestClock.adjust("1 millis")
          assert.strictEqual((yield* Fiber.join(fiber)).headers["grpc-status"], "4", timeout)
        }
      }).pipe(Effect.scoped))

    it.effect("ends a stream in time, counted from the request", () =>
      Effect.gen(function*() {
        const closed = yield* Deferred.make<void>()
        const ticking = Grpc.make({
          methods: new Map<string, Grpc.Method>([["/t/Tick", {
            _tag: "ServerStream",
            handle: () =>
              Effect.delay(
                Effect.succeed(
                  Stream.ensuring(
                    Stream.repeatEffect(Effect.delay(Effect.succeed(encoder.encode("t")), "1 seconds")),
                    Deferred.succeed(closed, undefined)
                  )
                ),
                "1 seconds"
              )
          }]]),
          maxMessageBytes: limit
        })
        const received: Array<number> = []
        const fiber = yield* ticking(request("/t/Tick", framed(""), { "grpc-timeout": "5500m" })).pipe(
          Effect.flatMap((response) =>
            Effect.zipRight(
              Stream.runForEach(streamOf(response), (piece) => Effect.sync(() => received.push(piece.length))),
              response.trailers ?? Effect.succeed({ "grpc-status": "" })
            )
          ),
          Effect.scoped,
          Effect.fork
        )
        yield* TestClock.adjust("6 seconds")
        assert.strictEqual((yield* Fiber.join(fiber))["grpc-status"], "4")
        assert.strictEqual(received.length, 4)
        yield* Deferred.await(closed)
      }))

    it.scopedLive("goes over the network", () =>
      Effect.gen(function*() {
        const session = yield* listening
        assert.strictEqual(only(yield* call(session, "/t/Never", framed(""), { "grpc-timeout": "20m" }))[0], "4")
        const silence = yield* call(session, "/t/Silence", framed(""), { "grpc-timeout": "20m" })
        assert.strictEqual(silence.trailers?.["grpc-status"], "4")
      }))
  })

  describe("the end", () => {
    it.scopedLive("interrupts handler and stream when the client cancels", () =>
      Effect.gen(function*() {
        const started = yield* Queue.unbounded<string>()
        const closed = yield* Queue.unbounded<string>()
        const watched = (name: string) =>
          Effect.zipRight(
            Effect.addFinalizer(() => Queue.offer(closed, name)),
            Queue.offer(started, name)
          )
        const slow = Grpc.make({
          methods: new Map<string, Grpc.Method>([
            ["/t/Unary", { _tag: "Unary", handle: () => Effect.zipRight(watched("unary"), Effect.never) }],
            ["/t/Stream", {
              _tag: "ServerStream",
              handle: () => Effect.succeed(Stream.unwrapScoped(Effect.as(watched("stream"), Stream.never)))
            }],
            ["/t/Bidi", {
              _tag: "Bidi",
              handle: (messages) => Stream.unwrapScoped(Effect.as(watched("bidi"), Stream.drain(messages)))
            }]
          ]),
          maxMessageBytes: limit
        })
        const session = yield* Effect.flatMap(NodeHttp2.listen(slow), ({ url }) => connect(url))
        for (const path of ["/t/Unary", "/t/Stream", "/t/Bidi"]) {
          const stream = open(session, headersOf(path))
          if (path === "/t/Bidi") stream.write(framed(""))
          else stream.end(framed(""))
          const name = yield* Queue.take(started)
          stream.close(Http2.constants.NGHTTP2_CANCEL)
          assert.strictEqual(yield* Queue.take(closed), name)
        }
      }))

    it.scopedLive("says that the server shuts down, to streams and calls alike", () =>
      Effect.gen(function*() {
        const scope = yield* Scope.make()
        const { url } = yield* Scope.extend(NodeHttp2.listen(front, { grace: "50 millis", drain: Effect.void }), scope)
        const session = yield* connect(url)
        const stream = open(session, headersOf("/t/Silence"))
        stream.end(framed(""))
        const silence = yield* Effect.fork(collect(stream))
        const never = yield* Effect.fork(call(session, "/t/Never", framed("")))
        const bidi = open(session, headersOf("/t/Upper"))
        bidi.write(framed("a"))
        const upper = yield* Effect.fork(collect(bidi))
        yield* Effect.zip(once(stream, "response"), once(bidi, "data"), { concurrent: true })
        const goaway = yield* Effect.fork(once(session, "goaway"))
        yield* Effect.yieldNow()
        yield* Scope.close(scope, Exit.void)
        assert.strictEqual(yield* Fiber.join(goaway), Http2.constants.NGHTTP2_NO_ERROR)
        const expected = ["14", "the server is shutting down"]
        for (const fiber of [silence, upper]) {
          const { code, trailers } = yield* Fiber.join(fiber)
          assert.deepStrictEqual([trailers?.["grpc-status"], trailers?.["grpc-message"]], expected)
          assert.strictEqual(code, 0)
        }
        assert.deepStrictEqual(only(yield* Fiber.join(never)), expected)
      }))

    it.scopedLive("ends streams well that `drain` has brought to their end", () =>
      Effect.gen(function*() {
        const queue = yield* Queue.unbounded<Uint8Array>()
        const drained = Grpc.make({
          methods: new Map<string, Grpc.Method>([["/t/Queue", {
            _tag: "ServerStream",
            handle: () => Effect.succeed(Stream.fromQueue(queue))
          }]]),
          maxMessageBytes: limit
        })
        const scope = yield* Scope.make()
        const { url } = yield* Scope.extend(NodeHttp2.listen(drained, { drain: Queue.shutdown(queue) }), scope)
        const session = yield* connect(url)
        const stream = open(session, headersOf("/t/Queue"))
        stream.end(framed(""))
        const answer = yield* Effect.fork(collect(stream))
        yield* once(stream, "response")
        yield* Scope.close(scope, Exit.void)
        assert.strictEqual((yield* Fiber.join(answer)).trailers?.["grpc-status"], "0")
      }))
  })

  describe("with connect-node", () => {
    const encodeHealth = (serving: Serving) =>
      toBinary(HealthCheckResponseSchema, create(HealthCheckResponseSchema, { status: serving }))

    const serviceOf = (message: Uint8Array) => fromBinary(HealthCheckRequestSchema, message).service

    const health = Grpc.make({
      methods: new Map<string, Grpc.Method>([
        ["/grpc.health.v1.Health/Check", {
          _tag: "Unary",
          handle: (message) => {
            const service = serviceOf(message)
            return service === "busy"
              ? Effect.fail(new GrpcStatus({ code: 14, detail: "Überlast 100 %", retryAfterSeconds: 2 }))
              : service === "slow"
              ? Effect.never
              : Effect.succeed(encodeHealth(Serving.SERVING))
          }
        }],
        ["/grpc.health.v1.Health/Watch", {
          _tag: "ServerStream",
          handle: (message) =>
            Effect.succeed(
              serviceOf(message) === "silent"
                ? Stream.never
                : Stream.make(Serving.SERVING, Serving.NOT_SERVING).pipe(Stream.map(encodeHealth))
            )
        }],
        ["/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", {
          _tag: "Bidi",
          handle: (messages) =>
            Stream.map(messages, (message) =>
              toBinary(
                ServerReflectionResponseSchema,
                create(ServerReflectionResponseSchema, {
                  validHost: fromBinary(ServerReflectionRequestSchema, message).host
                })
              ))
        }]
      ]),
      maxMessageBytes: limit
    })

    const transportOf = (url: string, nodeOptions?: Http2.SecureClientSessionOptions) =>
      Effect.map(
        Effect.acquireRelease(
          Effect.sync(() => new Http2SessionManager(url, undefined, nodeOptions)),
          (manager) => Effect.sync(() => manager.abort())
        ),
        (sessionManager) => createGrpcTransport({ baseUrl: url, sessionManager })
      )

    const codeOf = (cause: unknown) => ConnectError.from(cause).code

    const attempt = <A>(run: (signal: AbortSignal) => Promise<A>) =>
      Effect.tryPromise({ try: run, catch: (cause) => ConnectError.from(cause) })

    it.scopedLive("makes calls and gets their errors", () =>
      Effect.gen(function*() {
        const { url } = yield* NodeHttp2.listen(health)
        const client = createClient(Health, yield* transportOf(url))
        assert.strictEqual((yield* attempt(() => client.check({}))).status, Serving.SERVING)
        const busy = yield* Effect.flip(attempt(() => client.check({ service: "busy" })))
        assert.deepStrictEqual([busy.code, busy.rawMessage], [Code.Unavailable, "Überlast 100 %"])
        assert.strictEqual(busy.findDetails(RetryInfoSchema)[0]?.retryDelay?.seconds, 2n)
        const slow = yield* Effect.flip(attempt(() => client.check({ service: "slow" }, { timeoutMs: 30 })))
        assert.strictEqual(slow.code, Code.DeadlineExceeded)
        const long = yield* Effect.flip(attempt(() => client.check({ service: "x".repeat(limit) })))
        assert.strictEqual(long.code, Code.ResourceExhausted)
        assert.strictEqual((yield* attempt(() => client.check({ service: "y".repeat(limit - 100) }))).status, 1)
      }))

    it.scopedLive("reads streams, and leaves them", () =>
      Effect.gen(function*() {
        const { url } = yield* NodeHttp2.listen(health)
        const client = createClient(Health, yield* transportOf(url))
        const all = yield* Stream.runCollect(
          Stream.fromAsyncIterable(client.watch({ service: "two" }), (cause) => codeOf(cause))
        )
        assert.deepStrictEqual(Chunk.toReadonlyArray(all).map((message) => message.status), [
          Serving.SERVING,
          Serving.NOT_SERVING
        ])
        const left = yield* Effect.either(attempt(async (signal) => {
          const abort = new AbortController()
          signal.addEventListener("abort", () => abort.abort())
          for await (
            const _ of client.watch({ service: "silent" }, { signal: abort.signal, onHeader: () => abort.abort() })
          ) { /* nothing comes */ }
        }))
        assert.isTrue(Either.isLeft(left) && left.left.code === Code.Canceled)
      }))

    it.scopedLive("talks both ways", () =>
      Effect.gen(function*() {
        const { url } = yield* NodeHttp2.listen(health)
        const client = createClient(ServerReflection, yield* transportOf(url))
        const asked = async function*() {
          yield { host: "a" }
          yield { host: "b" }
        }
        const all = yield* Stream.runCollect(
          Stream.fromAsyncIterable(client.serverReflectionInfo(asked()), (cause) => codeOf(cause))
        )
        assert.deepStrictEqual(Chunk.toReadonlyArray(all).map(({ validHost }) => validHost), ["a", "b"])
      }))

    it.scopedLive("goes over TLS, with certificates on both sides", () =>
      Effect.gen(function*() {
        const tls = { cert: pem("server.pem"), key: pem("server.key"), clientCa: pem("ca.pem") }
        const { url } = yield* NodeHttp2.listen(health, { tls })
        const ca = pem("ca.pem")
        const known = yield* transportOf(url, { ca, cert: pem("client.pem"), key: pem("client.key") })
        assert.strictEqual((yield* attempt(() => createClient(Health, known).check({}))).status, Serving.SERVING)
        const stranger = createClient(Health, yield* transportOf(url, { ca }))
        const error = yield* Effect.flip(attempt(() => stranger.check({})))
        assert.include([Code.Unavailable, Code.Internal, Code.Aborted], error.code)
      }))

    it.scopedLive("follows many streams at a time, fed in small chunks", () =>
      Effect.gen(function*() {
        const rounds = 20
        const go = yield* Effect.makeLatch(false)
        const feed: Front = Grpc.make({
          methods: new Map<string, Grpc.Method>([["/grpc.health.v1.Health/Watch", {
            _tag: "ServerStream",
            handle: () =>
              Effect.succeed(
                Stream.range(1, rounds).pipe(
                  Stream.rechunk(1),
                  Stream.tap(() => Effect.zipRight(go.await, Effect.yieldNow())),
                  Stream.map(() => encodeHealth(Serving.SERVING))
                )
              )
          }]]),
          maxMessageBytes: limit
        })
        const { url } = yield* NodeHttp2.listen(feed)
        const session = yield* connect(url)
        const streams = Array.from({ length: 500 }, () => {
          const stream = open(session, headersOf("/grpc.health.v1.Health/Watch"))
          stream.end(framed(""))
          return stream
        })
        const answers = yield* Effect.fork(Effect.forEach(streams, collect, { concurrency: "unbounded" }))
        yield* Effect.forEach(streams, (stream) => once(stream, "response"), { concurrency: "unbounded" })
        yield* go.open
        for (const { body, trailers } of yield* Fiber.join(answers)) {
          assert.strictEqual(trailers?.["grpc-status"], "0")
          assert.strictEqual(body.length, rounds * 7)
        }
      }))
  })

  it.effect("keeps quiet about interruptions that nobody has asked for", () =>
    Effect.gen(function*() {
      const interrupting = Grpc.make({
        methods: new Map<string, Grpc.Method>([["/t/Stop", { _tag: "Unary", handle: () => Effect.interrupt }]]),
        maxMessageBytes: limit
      })
      const { headers } = yield* Effect.provide(interrupting(request("/t/Stop", framed(""))), silent)
      assert.strictEqual(headers["grpc-status"], "14")
    }).pipe(Effect.scoped))
})
