/** What a call sends, how often, and when: in memory under the test's clock, and on the wire. */
import { fromBinary } from "@bufbuild/protobuf"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as Pb from "../../../src/schemas/gen/solti/v1/api_pb.js"
import { StreamBody } from "../../../src/server/core/Front.js"
import * as CallOptions from "../../../src/services/core/CallOptions.js"
import type * as Solti from "../../../src/solti.js"
import type * as SoltiGrpc from "../../../src/solti/grpc.js"
import * as Client from "../support/GrpcClient.js"
import { four, noReconnect, once, spec, status, success, tasksOver } from "../support/GrpcClient.js"
import * as Peer from "../support/GrpcPeer.js"
import { chunk, running } from "../support/Memory.js"
import { eventually } from "../support/Sockets.js"

const empty = Peer.encoded(Pb.GetTaskStatusResponseSchema, {})
const ok = success(empty)

type Name = ReturnType<typeof four>[number][0]

/** The moments at which a call was sent, in ms, when every answer is the same; without random shortening. */
const moments = (name: Name, reply: Client.Reply, options?: CallOptions.CallOptions) =>
  Effect.gen(function*() {
    const times: Array<number> = []
    const { tasks } = Client.inMemory(() =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        times.push(now)
        return reply
      })
    )
    const call: Effect.Effect<unknown, unknown> | undefined = four(yield* tasks, options).find(([one]) => one === name)
      ?.[1]
    yield* Effect.exit(running(Effect.withRandom(call ?? Effect.void, Random.fixed([0]))))
    const start = times[0] ?? 0
    return times.map((time) => time - start)
  })

describe("what is repeated", () => {
  const twice = [0, 500, 1500]
  const never = [0]
  const table: ReadonlyArray<
    readonly [string, Client.Reply, get: ReadonlyArray<number>, remove: ReadonlyArray<number>]
  > = [
    ["a connection that breaks", "reset", twice, twice],
    ["UNAVAILABLE", status(14), twice, twice],
    ["CANCELLED", status(1), twice, never],
    ["FAILED_PRECONDITION", status(9), twice, never],
    ["INTERNAL", status(13), twice, never],
    ["UNKNOWN", status(2), twice, never],
    ["DATA_LOSS", status(15), twice, never],
    ["RESOURCE_EXHAUSTED", status(8, "too many requests"), twice, never],
    ["DEADLINE_EXCEEDED", status(4), twice, never],
    ["INVALID_ARGUMENT", status(3), never, never],
    ["NOT_FOUND", status(5), never, never],
    ["ALREADY_EXISTS", status(6), never, never],
    ["PERMISSION_DENIED", status(7), never, never],
    ["ABORTED", status(10), never, never],
    ["OUT_OF_RANGE", status(11), never, never],
    ["UNAUTHENTICATED", status(16), never, never],
    ["HTTP 503", { status: 503, headers: {}, body: "" }, twice, twice],
    ["HTTP 502", { status: 502, headers: {}, body: "" }, twice, never],
    ["HTTP 429", { status: 429, headers: {}, body: "" }, twice, never],
    ["HTTP 500", { status: 500, headers: {}, body: "" }, twice, never],
    ["HTTP 403", { status: 403, headers: {}, body: "" }, never, never],
    ["a message that does not decode", success(Peer.framed(Uint8Array.of(0x0a, 0xff))), never, never],
    ["a message that is missing", success(""), never, never]
  ]

  it.effect.each(table)("%s: get, delete, never a submit", ([_, reply, get, remove]) =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* moments("get", reply), [...get])
      assert.deepStrictEqual(yield* moments("delete", reply), [...remove])
      assert.deepStrictEqual(yield* moments("submit", reply), [0])
    }))

  it.effect("silence: a get after each time-out, a delete and a submit never", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* moments("get", "silent"), [0, 10_500, 21_500])
      assert.deepStrictEqual(yield* moments("delete", "silent"), [0])
      assert.deepStrictEqual(yield* moments("submit", "silent"), [0])
    }))

  it.effect("an unknown service is looked for under its other name, and that is all", () =>
    Effect.gen(function*() {
      const { sent, tasks } = Client.inMemory(() => status(12))
      const error = yield* Effect.flip((yield* tasks).submit(spec))
      assert.strictEqual(error._tag, "VersionMismatch")
      assert.deepStrictEqual(sent.map(({ path }) => path), [
        "/solti.v1.SoltiApi/SubmitTask",
        "/solti.task.v1.TaskService/GetTaskStatus"
      ])
    }))

  it.effect("as often as the policy says, and as long", () =>
    Effect.gen(function*() {
      const retry = { maxRetries: 4, base: "1 second", cap: "3 seconds" } as const
      assert.deepStrictEqual(yield* moments("get", status(14), { retry }), [0, 1000, 3000, 6000, 9000])
      assert.deepStrictEqual(yield* moments("get", status(14), once), [0])
    }))
})

describe("what the server asks for", () => {
  const table: ReadonlyArray<readonly [string, Readonly<Record<string, string>>, ReadonlyArray<number>]> = [
    ["grpc-retry-pushback-ms: 1200", { "grpc-retry-pushback-ms": "1200" }, [0, 1200, 2400]],
    ["grpc-retry-pushback-ms: 0", { "grpc-retry-pushback-ms": "0" }, [0, 0, 0]],
    ["grpc-retry-pushback-ms: -1, no further try", { "grpc-retry-pushback-ms": "-1" }, [0]],
    ["a pushback that is none", { "grpc-retry-pushback-ms": "soon" }, [0, 500, 1500]],
    ["a pushback longer than a minute", { "grpc-retry-pushback-ms": "60001" }, [0]],
    ["retry-after: 2", { "retry-after": "2" }, [0, 2000, 4000]],
    [
      "RetryInfo of 3 s, and a retry-after",
      // google.rpc.Status { code: 14, details: [RetryInfo { retry_delay: 3 s }] }
      {
        "grpc-status-details-bin": Buffer.concat([
          Buffer.from([0x08, 14, 0x1a, 48, 0x0a, 40]),
          Buffer.from("type.googleapis.com/google.rpc.RetryInfo"),
          Buffer.from([0x12, 4, 0x0a, 2, 0x08, 3])
        ]).toString("base64"),
        "retry-after": "9"
      },
      [0, 3000, 6000]
    ]
  ]

  it.effect.each(table)("%s", ([_, headers, expected]) =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* moments("get", status(14, "later", headers)), [...expected])
      assert.deepStrictEqual(yield* moments("submit", status(14, "later", headers)), [0])
      const inTrailers = success("", {}, { "grpc-status": "14", ...headers })
      assert.deepStrictEqual(yield* moments("delete", inTrailers), [...expected])
    }))

  it.effect("is in the error", () =>
    Effect.gen(function*() {
      const { tasks } = Client.inMemory(() => status(8, "slow down", { "grpc-retry-pushback-ms": "1200" }))
      const error = yield* Effect.flip((yield* tasks).get("t", once))
      assert.strictEqual(error._tag === "RateLimited" ? error.retryAfterMs : error._tag, 1200)
    }))

  it.effect("is what the log waits for, a minute at the most", () =>
    Effect.gen(function*() {
      for (const [asked, waited] of [[1200, 1200], [3_600_000, 60_000]] as const) {
        const times: Array<number> = []
        const { tasks } = Client.inMemory((_, index) =>
          Effect.map(Clock.currentTimeMillis, (now) => {
            times.push(now)
            return index === 0 ? status(14, "", { "grpc-retry-pushback-ms": String(asked) }) : success("")
          })
        )
        yield* running(Stream.runDrain((yield* tasks).logs("t")))
        assert.strictEqual((times[1] ?? 0) - (times[0] ?? 0), waited)
      }
    }))
})

describe("the deadline", () => {
  it.effect("is on the wire, for unary calls only, and the same that the client keeps", () =>
    Effect.gen(function*() {
      const { sent, tasks } = Client.inMemory(({ path }) => path.endsWith("StreamTaskLogs") ? success("") : "silent")
      const service = yield* tasks
      for (const [name, call] of four(service, once)) {
        const start = yield* Clock.currentTimeMillis
        const effect: Effect.Effect<unknown, Solti.SubmitError | Solti.LogError> = call
        const exit = yield* running(Effect.either(effect))
        const took = (yield* Clock.currentTimeMillis) - start
        const header = sent.at(-1)?.headers["grpc-timeout"]
        if (name === "logs") {
          assert.isUndefined(header)
          continue
        }
        const ms = name === "delete" ? 70_000 : 10_000
        assert.strictEqual(header, `${ms}m`)
        assert.strictEqual(took, ms)
        const error = exit._tag === "Left" ? exit.left : undefined
        assert.strictEqual(error?._tag === "Timeout" ? `${error.kind} ${error.limitMs}` : error?._tag, `total ${ms}`)
      }
    }))

  it.effect("is that of the call before that of the region before that of the layer", () =>
    Effect.gen(function*() {
      const { sent, tasks } = Client.inMemory(() => ok, { options: { timeouts: { total: "4 seconds" } } })
      const { get } = yield* tasks
      const region = CallOptions.withOptions({ timeouts: { total: "5 seconds" } })
      yield* get("t")
      yield* region(get("t"))
      yield* region(get("t", { timeouts: { total: "6 seconds" } }))
      yield* get("t", { timeouts: { total: Infinity } })
      yield* get("t", { timeouts: { total: "0.4 millis" } })
      yield* get("t", { timeouts: { total: "400 days" } })
      assert.deepStrictEqual(
        sent.map(({ headers }) => headers["grpc-timeout"]),
        ["4000m", "5000m", "6000m", undefined, "1m", "99999999m"]
      )
    }))

  it.scopedLive("is kept by the client over a socket as well, and a header of the caller's does not replace it", () =>
    Effect.gen(function*() {
      const peer = yield* Peer.serve(() => undefined)
      const tasks = yield* tasksOver({ url: peer.url, options: { ...once, headers: { "grpc-timeout": "1H" } } })
      const error = yield* Effect.flip(tasks.get("t", { timeouts: { total: "80 millis" } }))
      assert.strictEqual(error._tag === "Timeout" ? `${error.kind} ${error.limitMs}` : error._tag, "total 80")
      assert.strictEqual(peer.calls[0]?.headers["grpc-timeout"], "80m")
    }))

  it.effect("of the server is a time-out", () =>
    Effect.gen(function*() {
      const { tasks } = Client.inMemory(() => status(4, "too late"))
      const error = yield* Effect.flip((yield* tasks).get("t", once))
      assert.strictEqual(error._tag === "Timeout" ? error.kind : error._tag, "total")
    }))

  it.effect("of the first message: a log that does not open", () =>
    Effect.gen(function*() {
      const { tasks } = Client.inMemory(() => "silent")
      const service = yield* tasks
      const start = yield* Clock.currentTimeMillis
      const error = yield* running(Effect.flip(Stream.runDrain(service.logs("t", noReconnect))))
      assert.strictEqual((yield* Clock.currentTimeMillis) - start, 30_000)
      assert.include(error.detail, "Timeout")
    }))

  it.effect("is none for a log that is silent", () =>
    Effect.gen(function*() {
      const { tasks } = Client.inMemory(() =>
        success(
          new StreamBody({
            stream: Stream.concat(
              Stream.make<[Uint8Array]>(Peer.eventBytes(chunk(1, 0, "a"))),
              Stream.fromEffect(Effect.as(Effect.sleep("3 hours"), Peer.eventBytes(chunk(1, 1, "b"))))
            )
          })
        )
      )
      const service = yield* tasks
      const items = yield* running(Stream.runCollect(service.logs("t")))
      assert.strictEqual(items.length, 2)
    }))
})

describe("what is sent", () => {
  const answering: Peer.Handler = (stream, { path }) =>
    path.endsWith("StreamTaskLogs") ? Peer.answer(stream, Buffer.alloc(0)) : Peer.answer(stream, empty)

  it.scopedLive("method, path, type, te, and no more than that", () =>
    Effect.gen(function*() {
      const peer = yield* Peer.serve(answering)
      const tasks = yield* tasksOver({ url: peer.url, options: once })
      yield* tasks.get("a/b?c#d%2F \u00e9")
      yield* Stream.runDrain(tasks.logs("t"))
      assert.deepStrictEqual(peer.calls.map(({ path }) => path), [
        "/solti.v1.SoltiApi/GetTaskStatus",
        "/solti.v1.SoltiApi/StreamTaskLogs"
      ])
      for (const { headers } of peer.calls) {
        assert.strictEqual(headers[":method"], "POST")
        assert.strictEqual(headers["content-type"], "application/grpc+proto")
        assert.strictEqual(headers["te"], "trailers")
        for (const name of ["authorization", "traceparent", "b3", "grpc-encoding"]) assert.notProperty(headers, name)
      }
      assert.strictEqual(
        fromBinary(Pb.GetTaskStatusRequestSchema, peer.calls[0]?.message ?? new Uint8Array()).taskId,
        "a/b?c#d%2F \u00e9"
      )
    }))

  it.scopedLive("an id that cannot be one is refused ahead of any call", () =>
    Effect.gen(function*() {
      const peer = yield* Peer.serve(answering)
      const tasks = yield* tasksOver({ url: peer.url })
      for (const id of ["", " ", "\ud800"]) {
        for (
          const [method, call] of [
            ["GetTaskStatus", tasks.get(id)],
            ["ListTaskRuns", tasks.runs(id)],
            ["DeleteTask", tasks.delete(id)],
            ["StreamTaskLogs", Stream.runDrain(tasks.logs(id))]
          ] as const
        ) {
          const error = yield* Effect.flip<unknown, Solti.LogError, never>(call)
          assert.strictEqual(error.route, `/solti.v1.SoltiApi/${method}`)
          assert.strictEqual(error._tag, "InvalidInput")
          assert.strictEqual(error._tag === "InvalidInput" ? error.issues[0]?.path : "", "id")
        }
      }
      assert.strictEqual(peer.calls.length, 0)
    }))

  it.scopedLive("headers of layer, region and call, the nearest winning whatever its case; never over the SDK's own", () =>
    Effect.gen(function*() {
      const peer = yield* Peer.serve(answering)
      const tasks = yield* tasksOver({
        url: peer.url,
        token: Redacted.make("the-token"),
        options: {
          headers: {
            "X-Layer": "layer",
            "x-region": "layer",
            "x-call": "layer",
            "content-type": "text/plain",
            te: "gzip"
          }
        }
      })
      const options = {
        headers: { "x-call": "call", Authorization: "mine", "x-secret": Redacted.make("s3cret-value") }
      }
      const region = CallOptions.withOptions({ headers: { "X-Region": "region", "X-CALL": "region" } })
      yield* region(tasks.get("t", options))
      yield* CallOptions.withOptions(Effect.scoped(Stream.runDrain(tasks.logs("t", options))), {
        headers: { "X-Region": "region" }
      })
      for (const { headers } of peer.calls) {
        assert.strictEqual(headers["x-layer"], "layer")
        assert.strictEqual(headers["x-region"], "region")
        assert.strictEqual(headers["x-call"], "call")
        assert.strictEqual(headers["x-secret"], "s3cret-value")
        assert.strictEqual(headers["content-type"], "application/grpc+proto")
        assert.strictEqual(headers["te"], "trailers")
        assert.strictEqual(headers["authorization"], "Bearer the-token")
      }
    }))

  it.scopedLive("the token of the moment with every attempt, of logs too", () =>
    Effect.gen(function*() {
      const peer = yield* Peer.serve((stream, call, index) => {
        if (index === 0 || index === 2) Peer.refuse(stream, 14)
        else answering(stream, call, index)
      })
      let reads = 0
      const tasks = yield* tasksOver({
        url: peer.url,
        token: Effect.sync(() => Redacted.make(`token-${++reads}`)),
        options: { retry: { base: "1 millis" } }
      })
      yield* tasks.get("t")
      yield* Stream.runDrain(tasks.logs("t", { reconnect: { base: "1 millis" } }))
      assert.deepStrictEqual(
        peer.calls.map(({ headers }) => headers["authorization"]),
        [1, 2, 3, 4].map((n) => `Bearer token-${n}`)
      )
    }))

  it.scopedLive("nothing, where a header cannot be sent: typed, naming it, without its value", () =>
    Effect.gen(function*() {
      const peer = yield* Peer.serve(answering)
      const bad: ReadonlyArray<readonly [string, Omit<SoltiGrpc.Options, "url">]> = [
        ["authorization", { token: Redacted.make("line\nbreak-s3cret") }],
        ["x-mine", { options: { headers: { "x-mine": Redacted.make("\u{1f600}-s3cret") } } }],
        ["x mine", { options: { headers: { "x mine": "s3cret" } } }],
        [":path", { options: { headers: { ":path": "/s3cret" } } }]
      ]
      for (const [name, options] of bad) {
        const tasks = yield* tasksOver({ url: peer.url, ...options })
        for (const call of [tasks.get("t"), tasks.submit(spec), Stream.runDrain(tasks.logs("t"))]) {
          const error = yield* Effect.flip<unknown, Solti.LogError | Solti.SubmitError, never>(call)
          assert.strictEqual(error._tag, "InvalidInput")
          assert.strictEqual(error._tag === "InvalidInput" ? error.issues[0]?.path : "", `headers.${name}`)
          assert.notInclude(JSON.stringify(error) + error.message, "s3cret")
        }
      }
      assert.strictEqual(peer.calls.length, 0)
    }))

  it.scopedLive("nothing, where HTTP/2 has no room for a header: typed", () =>
    Effect.gen(function*() {
      const peer = yield* Peer.serve(answering)
      for (const headers of [{ connection: "close" }, { "transfer-encoding": "chunked" }]) {
        const tasks = yield* tasksOver({ url: peer.url, options: { ...once, headers } })
        for (const call of [tasks.get("t"), tasks.submit(spec), Stream.runDrain(tasks.logs("t", noReconnect))]) {
          const error = yield* Effect.flip<unknown, Solti.LogError | Solti.SubmitError, never>(call)
          assert.include(["TransportError", "InvalidInput", "StreamInterrupted"], error._tag)
        }
      }
      assert.strictEqual(peer.calls.length, 0)
    }))

  it.scopedLive("one connection for calls one after the other and at once", () =>
    Effect.gen(function*() {
      const peer = yield* Peer.serve(answering)
      const tasks = yield* tasksOver({ url: peer.url })
      yield* Effect.all(Array.from({ length: 20 }, () => tasks.get("t")), { concurrency: "unbounded" })
      for (let i = 0; i < 5; i++) {
        yield* tasks.get("t")
        yield* Stream.runDrain(tasks.logs("t"))
      }
      assert.strictEqual(peer.calls.length, 30)
      assert.strictEqual(peer.connections.made, 2)
    }))
})

describe("where it may go", () => {
  const token = Redacted.make("t0ken-value")
  const refused: ReadonlyArray<readonly [SoltiGrpc.Options, says: string, path?: string]> = [
    [{ url: "" }, "host:port"],
    [{ url: "127.0.0.1" }, "host:port"],
    [{ url: "127.0.0.1:50052/behind" }, "host:port"],
    [{ url: "http://" }, "absolute URL"],
    [{ url: "ftp://host" }, "http://"],
    [{ url: "http://user:s3cret@127.0.0.1" }, "credentials"],
    [{ url: "http://127.0.0.1/?token=s3cret" }, "query"],
    [{ url: "http://example.org" }, "allowPlaintext"],
    [{ url: "example.org:50052" }, "allowPlaintext"],
    [{ url: "10.0.0.1:50052" }, "allowPlaintext"],
    [{ url: "127.0.0.1.example.org:1" }, "allowPlaintext"],
    [{ url: "http://example.org", token }, "https"],
    [{ url: "http://example.org", token, allowPlaintext: true }, "allowInsecureToken"],
    [{ url: "http://127.0.0.1:1", tls: {} }, "https", "tls"],
    [{ url: "https://127.0.0.1:1", tls: { ca: "none" } }, "PEM", "tls.ca"],
    [{ url: "127.0.0.1:1", pingInterval: 0 }, "longer than 0", "pingInterval"],
    [{ url: "127.0.0.1:1", connectTimeout: "0 seconds" }, "longer than 0", "connectTimeout"]
  ]

  it.scopedLive.each(refused)(
    "%j is refused when the layer is built (%s)",
    ([options, says, path]) =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(tasksOver(options))
        assert.strictEqual(error._tag, "InvalidOptions")
        assert.strictEqual(error.plane, "solti")
        assert.strictEqual(error.issues[0]?.path, path ?? "url")
        assert.include(error.message, says)
        assert.notInclude(error.message + JSON.stringify(error), "s3cret")
      })
  )

  const taken: ReadonlyArray<SoltiGrpc.Options> = [
    { url: "127.0.0.1:50052", token },
    { url: "localhost:50052" },
    { url: "[::1]:50052" },
    { url: "http://agent.localhost" },
    { url: "https://example.org", token },
    { url: "example.org:50052", tls: {}, token },
    { url: "http://example.org", allowPlaintext: true },
    { url: "http://example.org", token, allowInsecureToken: true }
  ]

  it.scopedLive.each(taken)("%j is taken", (options) => Effect.asVoid(tasksOver(options)))

  it.scopedLive("with a path in front, as a proxy wants it", () =>
    Effect.gen(function*() {
      const peer = yield* Peer.serve((stream) => Peer.answer(stream, empty))
      const tasks = yield* tasksOver({ url: `${peer.url}/behind/` })
      assert.isTrue(Option.isNone(yield* tasks.get("t")))
      assert.strictEqual(peer.calls[0]?.path, "/behind/solti.v1.SoltiApi/GetTaskStatus")
    }))

  it.scopedLive("as host and port without a scheme", () =>
    Effect.gen(function*() {
      const peer = yield* Peer.serve((stream) => Peer.answer(stream, empty))
      const tasks = yield* tasksOver({ url: `127.0.0.1:${peer.port}` })
      assert.isTrue(Option.isNone(yield* tasks.get("t")))
    }))

  it.scopedLive("never to where a redirect points", () =>
    Effect.gen(function*() {
      const other = yield* Peer.serve((stream) => Peer.answer(stream, empty))
      const peer = yield* Peer.serve((stream) => Peer.plain(stream, 307, { location: `${other.url}/stolen` }))
      const tasks = yield* tasksOver({ url: peer.url, token })
      for (const call of [tasks.get("t"), tasks.submit(spec), Stream.runDrain(tasks.logs("t"))]) {
        const error = yield* Effect.flip<unknown, Solti.LogError | Solti.SubmitError, never>(call)
        assert.strictEqual(error._tag, "UnexpectedStatus")
        assert.strictEqual(error.status, 307)
      }
      assert.strictEqual(other.calls.length, 0)
      yield* eventually(() => other.connections.made === 0)
    }))
})
