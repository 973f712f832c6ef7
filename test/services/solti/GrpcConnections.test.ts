/** Connections to a gRPC server, and what breaks them: over sockets, with real time. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { spawn } from "node:child_process"
import { readFileSync } from "node:fs"
import type { Socket } from "node:net"
import { fileURLToPath } from "node:url"
import * as Pb from "../../../src/schemas/gen/solti/v1/api_pb.js"
import type * as Solti from "../../../src/solti.js"
import { four, noReconnect, once, spec, tasksOver } from "../support/GrpcClient.js"
import * as Peer from "../support/GrpcPeer.js"
import * as Proxy from "../support/GrpcProxy.js"
import { chunk } from "../support/Memory.js"
import { eventually, handles } from "../support/Sockets.js"
import { serve as serveHttp, serveRaw, serveTls } from "../support/Wire.js"

const empty = Peer.encoded(Pb.GetTaskStatusResponseSchema, {})
const quick = { base: "1 millis", cap: "1 millis" } as const
const pem = (name: string) => readFileSync(new URL(`../../fixtures/tls/${name}`, import.meta.url), "utf8")

/** Answers unary calls; logs are as `log` does them. */
const answering = (log?: Peer.Handler): Peer.Handler => (stream, call, index) => {
  if (!call.path.endsWith("StreamTaskLogs")) Peer.answer(stream, empty)
  else if (log !== undefined) log(stream, call, index)
}

/** A log with one line, and then silence. */
const silentLog: Peer.Handler = (stream) => {
  stream.respond(Peer.grpc, { waitForTrailers: true })
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }))
  stream.write(Peer.eventBytes(chunk(1, 0, "first")))
}

type Failure = Solti.LogError | Solti.SubmitError

const failureOf = (effect: Effect.Effect<unknown, Failure>): Effect.Effect<Failure, unknown> => Effect.flip(effect)

/** How often a method may be sent when what went wrong is the connection. */
const attempts = { get: 3, submit: 1, delete: 3, logs: 1 } as const

describe("a stream that the server resets", () => {
  const codes = [
    [0, "NO_ERROR"],
    [1, "PROTOCOL_ERROR"],
    [2, "INTERNAL_ERROR"],
    [3, "FLOW_CONTROL_ERROR"],
    [4, "SETTINGS_TIMEOUT"],
    [5, "STREAM_CLOSED"],
    [6, "FRAME_SIZE_ERROR"],
    [7, "REFUSED_STREAM"],
    [8, "CANCEL"],
    [9, "COMPRESSION_ERROR"],
    [10, "CONNECT_ERROR"],
    [11, "ENHANCE_YOUR_CALM"],
    [12, "INADEQUATE_SECURITY"],
    [13, "HTTP_1_1_REQUIRED"],
    [99, "one that nobody knows"]
  ] as const

  it.scopedLive.each(codes)(
    "with %i %s, ahead of its head: TransportError, repeated where that is allowed",
    ([code, reset]) =>
      Effect.gen(function*() {
        const peer = yield* Peer.serve((stream) => stream.close(code))
        const tasks = yield* tasksOver({
          url: peer.url,
          options: { retry: quick, timeouts: { firstByte: "3 seconds" } }
        })
        for (const [name, call] of four(tasks)) {
          const before = peer.calls.length
          const error = yield* failureOf(call)
          assert.strictEqual(error._tag, name === "logs" ? "StreamInterrupted" : "TransportError")
          if (name === "logs") assert.include(error.detail, "TransportError")
          if (code < 14) assert.strictEqual(error.code, reset)
          // Nothing has seen a call that was refused: that one is sent once more, whatever it is.
          const again = reset === "REFUSED_STREAM" && attempts[name] === 1 && name !== "logs" ? 1 : 0
          assert.strictEqual(peer.calls.length - before, attempts[name] + again, name)
        }
        assert.strictEqual(peer.connections.made, 2)
      })
  )

  it.scopedLive.each(codes)("with %i %s, behind a part of its answer", ([code]) =>
    Effect.gen(function*() {
      const peer = yield* Peer.serve((stream, { path }) => {
        stream.respond(Peer.grpc)
        const bytes = path.endsWith("StreamTaskLogs") ? Peer.eventBytes(chunk(1, 0, "first")) : empty.subarray(0, 3)
        stream.write(bytes, () => setTimeout(() => stream.close(code), 10))
      })
      const tasks = yield* tasksOver({ url: peer.url, options: once })
      for (const [name, call] of four(tasks)) {
        if (name === "logs") continue
        const error = yield* failureOf(call)
        assert.strictEqual(error._tag, "TransportError")
      }
      const items: Array<string> = []
      const error = yield* tasks.logs("t", noReconnect).pipe(
        Stream.runForEach((event) => Effect.sync(() => items.push(event.type))),
        Effect.flip
      )
      assert.strictEqual(error._tag, "StreamInterrupted")
      assert.deepStrictEqual(items, ["chunk"])
    }))
})

describe("GOAWAY", () => {
  it.scopedLive("with nothing under way: the next call has a new connection", () =>
    Effect.gen(function*() {
      const peer = yield* Peer.serve(answering())
      const tasks = yield* tasksOver({ url: peer.url, options: once })
      yield* tasks.get("t")
      for (const [code, debug] of [[0, ""], [11, "too_many_pings"]] as const) {
        const before = peer.connections.made
        for (const session of peer.sessions) session.goaway(code, 0, Buffer.from(debug))
        yield* Effect.sleep("20 millis")
        yield* tasks.get("t")
        yield* tasks.submit(spec).pipe(Effect.catchTag("DecodeError", () => Effect.void))
        assert.strictEqual(peer.connections.made, before + 1)
      }
    }))

  it.scopedLive("with streams open: they go on to their ends, and new ones have a new connection", () =>
    Effect.gen(function*() {
      let go: (() => void) | undefined
      const peer = yield* Peer.serve(answering((stream, call, index) => {
        silentLog(stream, call, index)
        go ??= () => stream.end(Peer.eventBytes(chunk(1, 1, "second")))
      }))
      const tasks = yield* tasksOver({ url: peer.url, options: once })
      const items: Array<unknown> = []
      const fiber = yield* Effect.fork(
        Stream.runForEach(tasks.logs("t", noReconnect), (event) => Effect.sync(() => items.push(event.type)))
      )
      yield* eventually(() => items.length === 1)
      for (const session of peer.sessions) session.goaway(0)
      yield* Effect.sleep("20 millis")
      const [first] = yield* Effect.all([Stream.runHead(tasks.logs("u")), tasks.get("t")])
      assert.isTrue(Option.isSome(first))
      assert.isFalse(Option.isSome(yield* Fiber.poll(fiber)))
      go?.()
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(items, ["chunk", "chunk"])
      assert.strictEqual(peer.connections.made, 3)
    }))

  it.scopedLive("that did not see a call: it is sent again, whatever it is", () =>
    Effect.gen(function*() {
      const peer = yield* Peer.serve(answering())
      const proxy = yield* Proxy.make(peer.port, ({ connection, from, type }) =>
        connection % 2 === 0 && from === "server" && type === Proxy.types.headers
          ? { cut: Proxy.goaway(0, 0), by: "end" }
          : "pass")
      const tasks = yield* tasksOver({ url: proxy.url, options: { retry: quick } })
      assert.isTrue(Option.isNone(yield* tasks.get("t")))
      assert.strictEqual(proxy.connections.made, 2)
      proxy.cut()
      yield* eventually(() =>
        proxy.connections.open === 0
      )
      yield* Effect.sleep("20 millis")
      // The answer is one, if without an id.
      assert.strictEqual((yield* failureOf(tasks.submit(spec)))._tag, "DecodeError")
      assert.strictEqual(proxy.connections.made, 4)
    }))

  it.scopedLive("that did not see a call, on a connection that stays open: the same", () =>
    Effect.gen(function*() {
      const peer = yield* Peer.serve(answering())
      const proxy = yield* Proxy.make(peer.port, ({ connection, from, type }) => {
        if (connection % 2 !== 0 || from !== "server") return "pass"
        return type === Proxy.types.headers ? Proxy.goaway(0, 0) : type === Proxy.types.data ? "swallow" : "pass"
      })
      const tasks = yield* tasksOver({ url: proxy.url, options: { retry: quick, timeouts: { total: "3 seconds" } } })
      assert.isTrue(Option.isNone(yield* tasks.get("t")))
      assert.strictEqual(proxy.connections.made, 2)
      const other = yield* tasksOver({ url: proxy.url, options: { retry: quick, timeouts: { total: "3 seconds" } } })
      const error = yield* failureOf(other.submit(spec))
      assert.strictEqual(error._tag, "DecodeError")
    }))

  it.scopedLive("again and again is no reason to go on for ever", () =>
    Effect.gen(function*() {
      const peer = yield* Peer.serve(answering())
      const proxy = yield* Proxy.make(peer.port, ({ from, type }) =>
        from === "server" && type === Proxy.types.settings
          ? { cut: Buffer.concat([Proxy.frame(4, 0, 0), Proxy.goaway(0, 0)]), by: "end" }
          : "pass")
      const tasks = yield* tasksOver({ url: proxy.url, options: { ...once, timeouts: { total: "5 seconds" } } })
      const error = yield* failureOf(tasks.get("t"))
      assert.strictEqual(error._tag, "TransportError")
      assert.isBelow(proxy.connections.made, 10)
      yield* Effect.sleep("50 millis")
      assert.isBelow(proxy.connections.made, 10)
    }))

  it.scopedLive("ENHANCE_YOUR_CALM with streams open: typed, and the next attempt has a new connection", () =>
    Effect.gen(function*() {
      const peer = yield* Peer.serve(answering(silentLog))
      const tasks = yield* tasksOver({ url: peer.url, options: once })
      const items: Array<unknown> = []
      const fiber = yield* Effect.fork(Effect.exit(Stream.runForEach(
        tasks.logs("t", { reconnect: quick }),
        (event) => Effect.sync(() => items.push(event.type))
      )))
      yield* eventually(() => items.length === 1)
      for (const session of peer.sessions) session.goaway(11, 0, Buffer.from("too_many_pings"))
      yield* eventually(() => items.length === 3)
      assert.deepStrictEqual(items, ["chunk", "gap", "chunk"])
      yield* Fiber.interrupt(fiber)
    }))
})

describe("more than the client takes", () => {
  it.scopedLive("of headers or trailers is typed, and the next call is as good as any", () =>
    Effect.gen(function*() {
      const many = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`x-${i}`, "y".repeat(50)]))
      const peer = yield* Peer.serve((stream, _, index) => {
        if (index === 0) Peer.answer(stream, empty, { "grpc-status": "0" }, many)
        else if (index === 1) Peer.answer(stream, empty, { ...many, "grpc-status": "0" })
        else Peer.answer(stream, empty)
      })
      const tasks = yield* tasksOver({ url: peer.url, options: { ...once, timeouts: { total: "3 seconds" } } })
      for (let i = 0; i < 2; i++) {
        const result = yield* Effect.either(tasks.get("t"))
        if (result._tag === "Left") assert.strictEqual(result.left._tag, "TransportError")
      }
      assert.isTrue(Option.isNone(yield* tasks.get("t")))
    }))
})

describe("a connection that breaks", () => {
  it.scopedLive("between two calls is replaced without a word", () =>
    Effect.gen(function*() {
      const peer = yield* Peer.serve(answering())
      const proxy = yield* Proxy.make(peer.port, () => "pass")
      const tasks = yield* tasksOver({ url: proxy.url, options: once })
      for (let i = 0; i < 3; i++) {
        assert.isTrue(Option.isNone(yield* tasks.get("t")))
        proxy.cut()
        yield* eventually(() => proxy.connections.open === 0)
        yield* Effect.sleep("20 millis")
      }
      assert.strictEqual(peer.calls.length, 3)
    }))

  it.scopedLive.each(["end", "reset"] as const)(
    "in the middle of a frame (%s), is TransportError in the answer",
    (by) =>
      Effect.gen(function*() {
        const peer = yield* Peer.serve((stream) => {
          stream.respond(Peer.grpc)
          stream.write(Peer.framed(Buffer.alloc(100)))
        })
        const proxy = yield* Proxy.make(
          peer.port,
          ({ bytes, from, type }) =>
            from === "server" && type === Proxy.types.data ? { cut: bytes.subarray(0, 40), by } : "pass"
        )
        const tasks = yield* tasksOver({ url: proxy.url, options: { retry: quick } })
        for (const [name, call] of four(tasks)) {
          const before = peer.calls.length
          const error = yield* failureOf(call)
          assert.strictEqual(error._tag, name === "logs" ? "StreamInterrupted" : "TransportError")
          assert.strictEqual(peer.calls.length - before, attempts[name])
        }
      })
  )

  it.scopedLive("ahead of any answer: get and delete are sent three times, submit once", () =>
    Effect.gen(function*() {
      const peer = yield* Peer.serve((stream) => stream.session?.destroy())
      const tasks = yield* tasksOver({ url: peer.url, options: { retry: quick } })
      for (const [name, call] of four(tasks)) {
        const before = peer.calls.length
        const error = yield* failureOf(call)
        assert.strictEqual(error._tag, name === "logs" ? "StreamInterrupted" : "TransportError")
        assert.strictEqual(peer.calls.length - before, attempts[name])
      }
    }))

  it.scopedLive("takes all calls on it with it, and none of them hangs", () =>
    Effect.gen(function*() {
      const peer = yield* Peer.serve(() => undefined)
      const proxy = yield* Proxy.make(peer.port, () => "pass")
      const tasks = yield* tasksOver({ url: proxy.url, options: once })
      const fiber = yield* Effect.fork(
        Effect.all(Array.from({ length: 60 }, () => Effect.either(tasks.get("t"))), { concurrency: "unbounded" })
      )
      yield* eventually(() => peer.calls.length === 60)
      proxy.cut()
      for (const result of yield* Fiber.join(fiber)) {
        assert.strictEqual(result._tag === "Left" ? result.left._tag : "", "TransportError")
      }
    }))
})

describe("pings", () => {
  const often = { pingInterval: "40 millis", pingTimeout: "80 millis" } as const

  /** Swallows what the server says, once it is dead; `pings` counts those of the client. */
  const mortal = (port: number) =>
    Effect.gen(function*() {
      const state = { isDead: false, pings: 0 }
      const proxy = yield* Proxy.make(port, ({ connection, flags, from, type }) => {
        if (from === "client" && type === Proxy.types.ping && (flags & 1) === 0) state.pings += 1
        return state.isDead && connection === 0 ? "swallow" : "pass"
      })
      return { proxy, state }
    })

  it.scopedLive("notice a dead peer: a silent log gets a gap and another connection", () =>
    Effect.gen(function*() {
      const peer = yield* Peer.serve(answering(silentLog))
      const { proxy, state } = yield* mortal(peer.port)
      const tasks = yield* tasksOver({ url: proxy.url, options: once, ...often })
      const items: Array<unknown> = []
      const fiber = yield* Effect.fork(Stream.runForEach(
        tasks.logs("t", { reconnect: quick }),
        (event) => Effect.sync(() => items.push(event.type))
      ))
      yield* eventually(() => state.pings > 3)
      assert.deepStrictEqual(items, ["chunk"])
      state.isDead = true
      yield* eventually(() => items.length === 3)
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(items, ["chunk", "gap", "chunk"])
      assert.strictEqual(proxy.connections.made, 2)
    }))

  it.scopedLive("notice a dead peer under a call: TransportError that says so", () =>
    Effect.gen(function*() {
      const peer = yield* Peer.serve(answering())
      const { proxy, state } = yield* mortal(peer.port)
      const tasks = yield* tasksOver({ url: proxy.url, options: once, ...often })
      yield* tasks.get("t")
      state.isDead = true
      const error = yield* failureOf(tasks.get("t"))
      assert.strictEqual(error._tag, "TransportError")
      assert.strictEqual(error.code, "PING_TIMEOUT")
      assert.include(error.message, "ping")
    }))

  it.scopedLive("ask a connection that was idle whether it still is one, ahead of a call", () =>
    Effect.gen(function*() {
      const peer = yield* Peer.serve(answering())
      const { proxy, state } = yield* mortal(peer.port)
      const tasks = yield* tasksOver({ url: proxy.url, options: once, ...often })
      yield* tasks.get("t")
      yield* Effect.sleep("100 millis")
      assert.strictEqual(state.pings, 0)
      yield* tasks.get("t")
      assert.strictEqual(state.pings, 1)
      yield* Effect.sleep("100 millis")
      state.isDead = true
      // Also a submit, which has not been sent yet.
      const calls = [tasks.get("t"), Effect.flip(tasks.submit(spec)), tasks.get("t")]
      yield* Effect.all(calls, { concurrency: "unbounded" })
      assert.strictEqual(state.pings, 2)
      assert.strictEqual(proxy.connections.made, 2)
      assert.strictEqual(peer.calls.length, 5)
    }))

  it.scopedLive.each(["end", "reset"] as const)(
    "whose answer is the end of the connection (%s) do not hang a call",
    (by) =>
      Effect.gen(function*() {
        const peer = yield* Peer.serve(answering())
        let isArmed = false
        const proxy = yield* Proxy.make(peer.port, ({ from, type }) => {
          if (!isArmed || from !== "server" || type !== Proxy.types.ping) return "pass"
          isArmed = false
          return { cut: Buffer.alloc(0), by }
        })
        const tasks = yield* tasksOver({
          url: proxy.url,
          options: { ...once, timeouts: { total: "2 seconds" } },
          pingInterval: "40 millis",
          pingTimeout: "10 seconds"
        })
        for (let i = 0; i < 2; i++) {
          yield* tasks.get("t")
          yield* Effect.sleep("80 millis")
          isArmed = true
          assert.isTrue(Option.isNone(yield* tasks.get("t")))
          isArmed = false
        }
      })
  )
})

describe("a peer that is none", () => {
  const typed = (effect: Effect.Effect<unknown, Failure>) =>
    Effect.map(failureOf(effect), (error) => {
      assert.strictEqual(error._tag, "TransportError")
      assert.isBelow(error.message.length, 250)
      return error
    })

  it.scopedLive("nobody listens", () =>
    Effect.gen(function*() {
      const { url } = yield* Effect.scoped(Peer.serve(() => undefined))
      const tasks = yield* tasksOver({ url, options: { retry: quick } })
      for (const name of ["get", "submit", "delete"] as const) {
        const error = yield* typed(name === "submit" ? tasks.submit(spec) : tasks[name]("t"))
        assert.strictEqual(error.code, "ECONNREFUSED")
      }
      const log = yield* failureOf(Stream.runDrain(tasks.logs("t", noReconnect)))
      assert.strictEqual(log._tag, "StreamInterrupted")
    }))

  it.scopedLive("the host has no address", () =>
    Effect.gen(function*() {
      const tasks = yield* tasksOver({ url: "https://solti.invalid:50052", options: once })
      const error = yield* typed(tasks.get("t"))
      assert.match(error.code ?? "", /^(ENOTFOUND|EAI_AGAIN)$/)
      assert.notInclude(error.message, "solti.invalid")
    }))

  it.scopedLive("an HTTP/1 server", () =>
    Effect.gen(function*() {
      const server = yield* serveHttp((_, response) => response.end("hello"))
      const tasks = yield* tasksOver({ url: server.url, options: once })
      const error = yield* typed(tasks.get("t"))
      assert.include(error.message, "gRPC")
      yield* failureOf(Stream.runDrain(tasks.logs("t", noReconnect)))
    }))

  it.scopedLive("an HTTPS server that speaks no HTTP/2", () =>
    Effect.gen(function*() {
      const server = yield* serveTls((_, response) => response.end("hello"))
      const tasks = yield* tasksOver({ url: server.url, tls: { ca: server.cert }, options: once })
      const error = yield* typed(tasks.get("t"))
      assert.isDefined(error.code)
    }))

  it.scopedLive("a TLS server, in plain text", () =>
    Effect.gen(function*() {
      const peer = yield* Peer.serve(answering(), { tls: { cert: pem("server.pem"), key: pem("server.key") } })
      const tasks = yield* tasksOver({ url: peer.url.replace("https:", "http:"), options: once })
      yield* typed(tasks.get("t"))
    }))

  it.scopedLive("a server in plain text, over TLS", () =>
    Effect.gen(function*() {
      const peer = yield* Peer.serve(answering())
      const tasks = yield* tasksOver({ url: peer.url.replace("http:", "https:"), options: once })
      const error = yield* typed(tasks.get("t"))
      assert.isDefined(error.code)
    }))

  const rubbish: ReadonlyArray<readonly [string, (socket: Socket) => void, tag?: "Timeout"]> = [
    ["another protocol", (socket) => socket.write("220 mail.example.org ESMTP\r\n")],
    ["bytes without a meaning", (socket) => socket.write(Buffer.alloc(64, 0xfe))],
    [
      "a frame that is too long",
      (socket) => socket.write(Buffer.from([0xff, 0xff, 0xff, 4, 0, 0, 0, 0, 0])),
      // Node says good-bye and waits for the peer to close.
      "Timeout"
    ],
    ["nothing at all", () => undefined, "Timeout"],
    ["an end at once", (socket) => socket.end()],
    ["a reset at once", (socket) => socket.resetAndDestroy()],
    [
      "an answer to a call that was not made",
      (socket) => socket.write(Buffer.concat([Proxy.frame(4, 0, 0), Proxy.frame(0, 1, 7, Buffer.from("x"))]))
    ]
  ]

  it.scopedLive.each(rubbish)("%s", ([_, speak, tag]) =>
    Effect.gen(function*() {
      const server = yield* serveRaw((socket) => void socket.once("data", () => speak(socket)))
      const tasks = yield* tasksOver({ url: server.url, connectTimeout: "150 millis", options: once })
      for (const call of [tasks.get("t"), tasks.submit(spec)]) {
        const error = yield* failureOf(call)
        assert.strictEqual(error._tag, tag ?? "TransportError")
        if (error._tag === "Timeout") assert.strictEqual(error.kind, "connect")
        assert.isBelow(error.message.length, 250)
      }
      const log = yield* failureOf(Stream.runDrain(tasks.logs("t", noReconnect)))
      assert.strictEqual(log._tag, "StreamInterrupted")
    }))

  it.scopedLive("one that accepts and never answers: connect under TLS, total without", () =>
    Effect.gen(function*() {
      const server = yield* serveRaw(() => undefined)
      const secure = yield* tasksOver({
        url: server.url.replace("http:", "https:"),
        connectTimeout: "60 millis",
        options: once
      })
      const error = yield* failureOf(secure.get("t"))
      assert.strictEqual(error._tag === "Timeout" ? error.kind : error._tag, "connect")
      const plain = yield* tasksOver({ url: server.url, options: { ...once, timeouts: { total: "60 millis" } } })
      for (const call of [plain.get("t"), plain.submit(spec)]) {
        const error = yield* failureOf(call)
        assert.strictEqual(error._tag === "Timeout" ? error.kind : error._tag, "total")
        assert.strictEqual(error._tag === "Timeout" ? error.limitMs : 0, 60)
      }
      const log = yield* failureOf(
        Stream.runDrain(plain.logs("t", { ...noReconnect, timeouts: { firstByte: "60 millis" } }))
      )
      assert.include(log.detail, "Timeout")
    }))

  it.scopedLive("a time-out of the connection is tried again by a get and a delete, never by a submit", () =>
    Effect.gen(function*() {
      const server = yield* serveRaw(() => undefined)
      const tasks = yield* tasksOver({
        url: server.url.replace("http:", "https:"),
        connectTimeout: "30 millis",
        options: { retry: quick }
      })
      for (const [name, call] of four(tasks)) {
        const before = server.connections.made
        yield* failureOf(call)
        assert.strictEqual(server.connections.made - before, attempts[name], name)
      }
    }))
})

describe("TLS", () => {
  const server = { cert: pem("server.pem"), key: pem("server.key") }
  const ca = pem("ca.pem")

  it.scopedLive("with an authority of one's own takes the token along; without it nothing is sent", () =>
    Effect.gen(function*() {
      const peer = yield* Peer.serve(answering(silentLog), { tls: server })
      const token = Redacted.make("over-tls")
      const trusting = yield* tasksOver({ url: peer.url, token, tls: { ca }, options: once })
      assert.isTrue(Option.isNone(yield* trusting.get("t")))
      assert.isTrue(Option.isSome(yield* Stream.runHead(trusting.logs("t"))))
      assert.strictEqual(peer.calls[0]?.headers["authorization"], "Bearer over-tls")
      assert.strictEqual(peer.calls[1]?.headers["authorization"], "Bearer over-tls")
      const wary = yield* tasksOver({ url: peer.url, token, options: once })
      const error = yield* failureOf(wary.get("t"))
      assert.strictEqual(error._tag, "TransportError")
      assert.match(error.code ?? "", /CERT|ISSUER|SIGNATURE/)
      const other = yield* tasksOver({ url: peer.url, token, tls: { ca, serverName: "example.org" }, options: once })
      assert.strictEqual((yield* failureOf(other.get("t"))).code, "ERR_TLS_CERT_ALTNAME_INVALID")
      assert.strictEqual(peer.calls.length, 2)
    }))

  it.scopedLive("with certificates of both: who has none, or another, is told so", () =>
    Effect.gen(function*() {
      const peer = yield* Peer.serve(answering(), {
        tls: { ...server, ca, requestCert: true, rejectUnauthorized: true }
      })
      const at = (name: string | undefined) =>
        tasksOver({
          url: peer.url,
          tls: name === undefined ? { ca } : { ca, cert: pem(`${name}.pem`), key: pem(`${name}.key`) },
          options: { ...once, timeouts: { total: "3 seconds" } }
        })
      assert.isTrue(Option.isNone(yield* (yield* at("client")).get("t")))
      for (const name of [undefined, "other-client"]) {
        const error = yield* failureOf((yield* at(name)).get("t"))
        assert.strictEqual(error._tag, "TransportError")
        assert.isDefined(error.code)
      }
      assert.strictEqual(peer.calls.length, 1)
    }))
})

describe("interruption", () => {
  const cancel = 8

  it.scopedLive("of a call resets its stream with CANCEL, and the connection stays", () =>
    Effect.gen(function*() {
      const peer = yield* Peer.serve((stream, _, index) => {
        if (index === 0) stream.respond(Peer.grpc)
        if (index === 2) Peer.answer(stream, empty)
      })
      const tasks = yield* tasksOver({ url: peer.url })
      for (const index of [0, 1]) {
        const fiber = yield* Effect.fork(tasks.get("t"))
        yield* eventually(() => peer.calls.length === index + 1)
        yield* Effect.sleep("10 millis")
        yield* Fiber.interrupt(fiber)
        yield* eventually(() => peer.calls[index]?.isClosed === true)
        assert.strictEqual(peer.calls[index]?.code, cancel)
      }
      yield* tasks.get("t")
      assert.strictEqual(peer.connections.made, 1)
    }))

  it.scopedLive("by a time-out resets its stream with CANCEL", () =>
    Effect.gen(function*() {
      const peer = yield* Peer.serve(() => undefined)
      const tasks = yield* tasksOver({ url: peer.url, options: once })
      const error = yield* failureOf(tasks.get("t", { timeouts: { total: "50 millis" } }))
      assert.strictEqual(error._tag, "Timeout")
      yield* failureOf(Stream.runDrain(tasks.logs("t", { ...noReconnect, timeouts: { firstByte: "50 millis" } })))
      yield* failureOf(tasks.get("t", { timeouts: { firstByte: "50 millis" } }))
      yield* eventually(() => peer.calls.length === 3 && peer.calls.every(({ isClosed }) => isClosed))
      assert.deepStrictEqual(peer.calls.map(({ code }) => code), [cancel, cancel, cancel])
    }))

  it.scopedLive("of a log: ahead of its head, behind an event, and when the consumer has enough", () =>
    Effect.gen(function*() {
      const peer = yield* Peer.serve((stream, call, index) => {
        if (index > 0) silentLog(stream, call, index)
      })
      const tasks = yield* tasksOver({ url: peer.url })
      for (const index of [0, 1]) {
        const fiber = yield* Effect.fork(Stream.runDrain(tasks.logs("t")))
        yield* eventually(() => peer.calls.length === index + 1)
        yield* Effect.sleep("20 millis")
        yield* Fiber.interrupt(fiber)
      }
      assert.isTrue(Option.isSome(yield* Stream.runHead(tasks.logs("t"))))
      yield* Stream.runDrain(Stream.take(tasks.logs("t"), 1))
      yield* eventually(() => peer.calls.length === 4 && peer.calls.every(({ isClosed }) => isClosed))
      assert.deepStrictEqual(peer.calls.map(({ code }) => code), [cancel, cancel, cancel, cancel])
      assert.strictEqual(peer.connections.made, 1)
    }))

  it.scopedLive("while the connection is being made leaves nothing behind", () =>
    Effect.gen(function*() {
      const server = yield* serveRaw(() => undefined)
      const tasks = yield* tasksOver({ url: server.url.replace("http:", "https:"), options: once })
      const fiber = yield* Effect.fork(tasks.get("t"))
      yield* eventually(() => server.connections.made === 1)
      const exit = yield* Fiber.interrupt(fiber)
      assert.isTrue(Exit.isInterrupted(exit))
    }))
})

describe("many streams", () => {
  it.scopedLive("of a server that sets nothing", () =>
    Effect.gen(function*() {
      const peer = yield* Peer.serve(answering())
      const proxy = yield* Proxy.make(peer.port, ({ flags, from, type }) =>
        from === "server" && type === Proxy.types.settings && (flags & 1) === 0
          ? Proxy.frame(Proxy.types.settings, 0, 0)
          : "pass")
      const tasks = yield* tasksOver({ url: proxy.url, options: { ...once, timeouts: { total: "5 seconds" } } })
      yield* Effect.all(
        Array.from({ length: 150 }, () =>
          tasks.get("t")),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(peer.calls.length, 150)
    }))

  it.scopedLive("250 logs at once over a server that takes 100 of a connection; calls still answer", () =>
    Effect.gen(function*() {
      const peer = yield* Peer.serve(answering(silentLog), { settings: { maxConcurrentStreams: 100 } })
      const tasks = yield* tasksOver({ url: peer.url })
      let opened = 0
      const fiber = yield* Effect.fork(Effect.forEach(
        Array.from({ length: 250 }, (_, i) => i),
        (i) => Stream.runForEach(tasks.logs(`t-${i}`), () => Effect.sync(() => opened += 1)),
        { concurrency: "unbounded", discard: true }
      ))
      yield* eventually(() => opened === 250)
      for (let i = 0; i < 5; i++) assert.isTrue(Option.isNone(yield* tasks.get("t")))
      assert.strictEqual(peer.connections.made, 4)
      yield* Fiber.interrupt(fiber)
      yield* eventually(() => peer.calls.filter(({ isClosed }) => !isClosed).length === 0)
      yield* eventually(() => peer.connections.open <= 2)
      assert.isTrue(Option.isSome(yield* Stream.runHead(tasks.logs("t"))))
      assert.strictEqual(peer.connections.made, 4)
    }))

  it.scopedLive("more calls at once than the server takes: all are answered, none is sent twice", () =>
    Effect.gen(function*() {
      const peer = yield* Peer.serve(
        (stream) =>
          void setTimeout(() => Peer.answer(stream, Peer.encoded(Pb.SubmitTaskResponseSchema, { taskId: "t" })), 5),
        { settings: { maxConcurrentStreams: 10 } }
      )
      const tasks = yield* tasksOver({ url: peer.url, options: once })
      const ids = yield* Effect.all(Array.from({ length: 300 }, () => tasks.submit(spec)), { concurrency: "unbounded" })
      assert.strictEqual(ids.length, 300)
      assert.strictEqual(peer.calls.length, 300)
      assert.strictEqual(peer.connections.made, 1)
    }))
})

describe("a consumer that is slow", () => {
  it.scopedLive("holds the server back, holds up nobody else, and gets everything", () =>
    Effect.gen(function*() {
      const line = "x".repeat(1000)
      const count = 8000
      let written = 0
      const peer = yield* Peer.serve(answering((stream, { message }) => {
        stream.respond(Peer.grpc, { waitForTrailers: true })
        stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }))
        if (Buffer.from(message).includes("fast")) {
          stream.end(Peer.eventBytes(chunk(1, 0, "quick")))
          return
        }
        const go = () => {
          while (written < count) {
            written += 1
            if (!stream.write(Peer.eventBytes(chunk(1, written - 1, line)))) {
              stream.once("drain", go)
              return
            }
          }
          stream.end()
        }
        go()
      }))
      const tasks = yield* tasksOver({ url: peer.url })
      let next = 0
      const slow = tasks.logs("slow", noReconnect).pipe(
        Stream.runForEachChunk((events) =>
          Effect.suspend(() => {
            const isFirst = next === 0
            for (const event of events) {
              assert.strictEqual(event.type === "chunk" ? event.seq : event.type, next)
              next += 1
            }
            if (!isFirst) return Effect.void
            return Effect.gen(function*() {
              yield* Effect.sleep("300 millis")
              // What is on its way is bounded: read ahead, and the windows of the connection.
              assert.isBelow(written, 1500)
              const [head] = yield* Effect.all([Stream.runHead(tasks.logs("fast")), tasks.get("t")])
              assert.isTrue(Option.isSome(head))
              assert.isBelow(written, 1500)
            })
          })
        )
      )
      yield* slow
      assert.strictEqual(next, count)
      assert.strictEqual(peer.connections.made, 2)
    }))
})

describe("the end of the layer", () => {
  /** What this process has open, once those before are done. */
  const settledHandles = Effect.map(Effect.sleep("200 millis"), handles)

  it.live("closes its sockets, with calls and logs under way or without", () =>
    Effect.scoped(Effect.gen(function*() {
      const peer = yield* Peer.serve(answering(silentLog))
      const before = yield* settledHandles
      const scope = yield* Scope.make()
      const tasks = yield* Scope.extend(tasksOver({ url: peer.url }), scope)
      yield* tasks.get("t")
      const log = yield* Effect.fork(Effect.exit(Stream.runDrain(tasks.logs("t", noReconnect))))
      yield* eventually(() => peer.calls.length === 2)
      yield* Effect.sleep("10 millis")
      assert.isAbove(handles(), before)
      yield* Scope.close(scope, Exit.void)
      const exit = yield* Fiber.join(log)
      assert.isTrue(Exit.isFailure(exit))
      yield* eventually(() => peer.connections.open === 0)
      yield* eventually(() => handles() <= before)
    })))

  it.live("while a connection is being made, and while one is shutting down", () =>
    Effect.scoped(Effect.gen(function*() {
      const silent = yield* serveRaw((socket) => socket.resume())
      const peer = yield* Peer.serve(answering(silentLog))
      const before = yield* settledHandles
      const scope = yield* Scope.make()
      const secure = yield* Scope.extend(tasksOver({ url: silent.url.replace("http:", "https:") }), scope)
      const tasks = yield* Scope.extend(tasksOver({ url: peer.url }), scope)
      const call = yield* Effect.fork(Effect.exit(secure.get("t", once)))
      const log = yield* Effect.fork(Effect.exit(Stream.runDrain(tasks.logs("t", noReconnect))))
      yield* eventually(() => silent.connections.made === 1 && peer.calls.length === 1)
      for (const session of peer.sessions) session.goaway(0)
      yield* Effect.sleep("10 millis")
      yield* Scope.close(scope, Exit.void)
      assert.isTrue(Exit.isFailure(yield* Fiber.join(call)))
      assert.isTrue(Exit.isFailure(yield* Fiber.join(log)))
      yield* eventually(() => peer.connections.open === 0 && silent.connections.open === 0)
      yield* eventually(() => handles() <= before)
    })))

  it.scopedLive("is not waited for by a process that has nothing else to do", () =>
    Effect.gen(function*() {
      const peer = yield* Peer.serve(answering((stream) => Peer.answer(stream, Peer.eventBytes(chunk(1, 0, "x")))))
      const root = fileURLToPath(new URL("../../../", import.meta.url))
      const program = `
        import * as Context from "effect/Context"
        import * as Effect from "effect/Effect"
        import * as Layer from "effect/Layer"
        import * as Scope from "effect/Scope"
        import * as Stream from "effect/Stream"
        import * as Solti from "${root}src/solti.ts"
        import * as SoltiGrpc from "${root}src/solti/grpc.ts"
        const scope = Effect.runSync(Scope.make())
        const tasks = Context.get(
          await Effect.runPromise(Layer.buildWithScope(SoltiGrpc.layer({ url: process.argv.at(-1) }), scope)),
          Solti.Tasks
        )
        await Effect.runPromise(tasks.get("t"))
        await Effect.runPromise(Stream.runDrain(tasks.logs("t")))
        console.log("done")
      `
      const child = yield* Effect.acquireRelease(
        Effect.sync(() =>
          spawn(process.execPath, ["--import", "tsx", "--input-type=module", "--eval", program, peer.url], {
            cwd: root,
            stdio: ["ignore", "pipe", "inherit"]
          })
        ),
        (child) => Effect.sync(() => child.kill("SIGKILL"))
      )
      let output = ""
      let doneAt = 0
      child.stdout.on("data", (piece) => {
        output += String(piece)
        doneAt = Date.now()
      })
      const code = yield* Effect.async<number | null>((resume) =>
        void child.once("exit", (code) => resume(Effect.succeed(code)))
      )
      assert.strictEqual(output, "done\n")
      assert.strictEqual(code, 0)
      assert.isBelow(Date.now() - doneAt, 5000)
    }))
})
