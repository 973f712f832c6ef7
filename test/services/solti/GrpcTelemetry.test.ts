import * as NodeSdk from "@effect/opentelemetry/NodeSdk"
import { assert, describe, it } from "@effect/vitest"
import { SpanKind, SpanStatusCode } from "@opentelemetry/api"
import type { ReadableSpan } from "@opentelemetry/sdk-trace-base"
import { InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as Pb from "../../../src/schemas/gen/solti/v1/api_pb.js"
import * as Client from "../support/GrpcClient.js"
import { spec, status, success, tasksOver } from "../support/GrpcClient.js"
import * as Peer from "../support/GrpcPeer.js"
import { chunk, running, settle } from "../support/Memory.js"
import { growth } from "../support/Metrics.js"

/** The spans that an effect gives to OpenTelemetry, in the order in which they end. */
const exported = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<ReadonlyArray<ReadableSpan>> =>
  Effect.suspend(() => {
    const exporter = new InMemorySpanExporter()
    return Effect.exit(effect).pipe(
      Effect.zipRight(Effect.sync(() => [...exporter.getFinishedSpans()])),
      Effect.provide(NodeSdk.layer(() => ({
        resource: { serviceName: "test" },
        spanProcessor: new SimpleSpanProcessor(exporter)
      })))
    )
  })

const empty = Peer.encoded(Pb.GetTaskStatusResponseSchema, {})
const event = (seq: number) => Peer.eventBytes(chunk(1, seq, "x"))
const broken = { "grpc-status": "14" }

const allowed = [
  "http.request.method",
  "http.response.status_code",
  "http.route",
  "rpc.grpc.status_code",
  "switchyard.attempts",
  "switchyard.events",
  "switchyard.reconnects",
  "switchyard.request_id"
]

const v1 = "/solti.v1.SoltiApi/"

describe("the span of a call", () => {
  it.effect("is one, with what may be told", () =>
    Effect.gen(function*() {
      const places = [
        success(empty, { "x-request-id": "r-1", "x-other": "o" }),
        success(empty, {}, { "grpc-status": "0", "x-request-id": "r-1" })
      ]
      for (const reply of places) {
        const { tasks } = Client.inMemory(() => reply, {
          token: Redacted.make("a-token"),
          options: { headers: { "x-mine": "m" } }
        })
        const { get } = yield* tasks
        const [span, ...others] = yield* exported(get("t-secret"))
        assert.deepStrictEqual(others, [])
        assert.strictEqual(span?.name, "solti.Tasks.get")
        assert.strictEqual(span?.kind, SpanKind.CLIENT)
        assert.strictEqual(span?.status.code, SpanStatusCode.OK)
        assert.deepStrictEqual({ ...span?.attributes }, {
          "http.request.method": "POST",
          "http.route": `${v1}GetTaskStatus`,
          "rpc.grpc.status_code": 0,
          "switchyard.attempts": 1,
          "switchyard.request_id": "r-1"
        })
      }
    }))

  it.effect("is one over all attempts, and ends as an error when the call does", () =>
    Effect.gen(function*() {
      const { tasks } = Client.inMemory((_, index) =>
        index === 0 ? "reset" : status(14, "m", { "x-request-id": "r-2" })
      )
      const service = yield* tasks
      const [span, ...others] = yield* exported(running(service.get("t")))
      assert.deepStrictEqual(others, [])
      assert.deepStrictEqual({ ...span?.attributes }, {
        "http.request.method": "POST",
        "http.route": `${v1}GetTaskStatus`,
        "rpc.grpc.status_code": 14,
        "switchyard.attempts": 3,
        "switchyard.request_id": "r-2"
      })
      assert.strictEqual(span?.status.code, SpanStatusCode.ERROR)
      assert.include(span?.status.message, "solti.Tasks.get: m")
      assert.include(span?.status.message, "r-2")
    }))

  it.effect("has the number of every status, and the HTTP status of a proxy in its place", () =>
    Effect.gen(function*() {
      for (let code = 1; code <= 16; code++) {
        const { tasks } = Client.inMemory(() => status(code, "x", { "grpc-retry-pushback-ms": "-1" }))
        const [span] = yield* exported((yield* tasks).submit(spec))
        assert.strictEqual(span?.attributes["rpc.grpc.status_code"], code)
        assert.notProperty(span?.attributes, "http.response.status_code")
      }
      const { tasks } = Client.inMemory(() => ({ status: 403, headers: {}, body: "" }))
      const [span] = yield* exported((yield* tasks).get("t"))
      assert.strictEqual(span?.attributes["http.response.status_code"], 403)
      assert.notProperty(span?.attributes, "rpc.grpc.status_code")
    }))

  it.effect("is there for a call that sent nothing, and for one that is interrupted", () =>
    Effect.gen(function*() {
      const { tasks } = Client.inMemory(() => "silent", { token: Redacted.make("\u{1f600}") })
      const [refused] = yield* exported((yield* tasks).get("t"))
      assert.strictEqual(refused?.name, "solti.Tasks.get")
      assert.notProperty(refused?.attributes, "rpc.grpc.status_code")
      const service = yield* Client.inMemory(() => "silent").tasks
      const [interrupted] = yield* exported(
        Effect.flatMap(Effect.fork(service.get("t")), (fiber) => Effect.zipRight(settle, Fiber.interrupt(fiber)))
      )
      assert.strictEqual(interrupted?.name, "solti.Tasks.get")
    }))

  it.effect("of every method has its name and route, and nothing that is not allowed", () =>
    Effect.gen(function*() {
      const { tasks } = Client.inMemory(({ path }) =>
        path.endsWith("SubmitTask")
          ? success(Peer.encoded(Pb.SubmitTaskResponseSchema, { taskId: "t" }))
          : success(empty)
      )
      const service = yield* tasks
      const all = yield* exported(Effect.all([
        service.submit(spec),
        service.get("t"),
        service.list({ slot: "s", limit: 5 }),
        service.runs("t"),
        service.delete("t")
      ]))
      for (const { attributes, kind } of all) {
        assert.strictEqual(kind, SpanKind.CLIENT)
        for (const key of Object.keys(attributes)) assert.include(allowed, key)
        assert.strictEqual(attributes["http.request.method"], "POST")
      }
      assert.deepStrictEqual(all.map(({ attributes, name }) => [name, attributes["http.route"]]), [
        ["solti.Tasks.submit", `${v1}SubmitTask`],
        ["solti.Tasks.get", `${v1}GetTaskStatus`],
        ["solti.Tasks.list", `${v1}ListTasks`],
        ["solti.Tasks.runs", `${v1}ListTaskRuns`],
        ["solti.Tasks.delete", `${v1}DeleteTask`]
      ])
    }))

  it.scopedLive("is the only one over a socket, belongs to the one around it, and no trace header is sent", () =>
    Effect.gen(function*() {
      const peer = yield* Peer.serve((stream, { path }) =>
        Peer.answer(stream, path.endsWith("StreamTaskLogs") ? Buffer.alloc(0) : empty)
      )
      const tasks = yield* tasksOver({ url: peer.url })
      const all = yield* exported(
        Effect.withSpan(Effect.zipRight(tasks.get("t"), Stream.runDrain(tasks.logs("t"))), "mine")
      )
      assert.deepStrictEqual(all.map(({ name }) => name), ["solti.Tasks.get", "solti.Tasks.logs", "mine"])
      const outer = all[2]?.spanContext().spanId
      for (const span of all.slice(0, 2)) assert.strictEqual(span.parentSpanContext?.spanId, outer)
      assert.strictEqual(peer.calls.length, 2)
      for (const { headers } of peer.calls) {
        for (const name of ["traceparent", "tracestate", "b3", "x-b3-traceid"]) assert.notProperty(headers, name)
      }
    }))
})

describe("the span of a log", () => {
  it.effect("is one over all its connections, with counts", () =>
    Effect.gen(function*() {
      const replies = [success(Buffer.concat([event(0), event(1)]), {}, broken), success(event(2))]
      const { tasks } = Client.inMemory((_, index) => replies[index] ?? "silent")
      const service = yield* tasks
      const all = yield* exported(running(Stream.runDrain(service.logs("t"))))
      assert.strictEqual(all.length, 1)
      assert.strictEqual(all[0]?.status.code, SpanStatusCode.OK)
      assert.deepStrictEqual({ ...all[0]?.attributes }, {
        "http.request.method": "POST",
        "http.route": `${v1}StreamTaskLogs`,
        "switchyard.events": 4,
        "switchyard.reconnects": 1
      })
    }))

  it.effect("ends as an error when the log fails", () =>
    Effect.gen(function*() {
      const { tasks } = Client.inMemory(() => status(7, "not you"))
      const [failed] = yield* exported(Stream.runDrain((yield* tasks).logs("t")))
      assert.strictEqual(failed?.status.code, SpanStatusCode.ERROR)
      assert.include(failed?.status.message, "not you")
    }))
})

describe("trace headers", () => {
  it.effect("name the span of the call or the log, where they are turned on", () =>
    Effect.gen(function*() {
      const { sent, tasks } = Client.inMemory(
        ({ path }) => success(path.endsWith("StreamTaskLogs") ? "" : empty),
        { propagateTrace: true }
      )
      const service = yield* tasks
      const all = yield* exported(Effect.zipRight(service.get("t"), Stream.runDrain(service.logs("t"))))
      assert.strictEqual(sent.length, 2)
      sent.forEach(({ headers }, i) => {
        const { spanId, traceId } = all[i]?.spanContext() ?? { spanId: "", traceId: "" }
        assert.strictEqual(headers["traceparent"], `00-${traceId}-${spanId}-01`)
        assert.include(headers["b3"], spanId)
      })
    }))

  it.effect("do no harm without a tracer", () =>
    Effect.gen(function*() {
      const { tasks } = Client.inMemory(
        ({ path }) => success(path.endsWith("StreamTaskLogs") ? "" : empty),
        { propagateTrace: true }
      )
      const service = yield* tasks
      assert.isTrue(Option.isNone(yield* Effect.withTracerEnabled(service.get("t"), false)))
      yield* Effect.withTracerEnabled(Stream.runDrain(service.logs("t")), false)
    }))
})

describe("metrics", () => {
  it.effect("count calls by outcome, their durations and retries", () =>
    Effect.gen(function*() {
      const replies = ["reset", status(14), success(empty), status(3)] as const
      const service = yield* Client.inMemory((_, index) => replies[index] ?? "silent").tasks
      const operation = "solti.Tasks.get"
      const metrics = [
        ["switchyard_calls_total", { operation, outcome: "success" }],
        ["switchyard_calls_total", { operation, outcome: "InvalidInput" }],
        ["switchyard_calls_total", { operation, outcome: "interrupted" }],
        ["switchyard_call_duration_ms", { operation }],
        ["switchyard_retries_total", { operation }],
        ["switchyard_calls_total", { operation: "solti.Tasks.submit" }]
      ] as const
      assert.deepStrictEqual(yield* growth(running(service.get("t")), metrics), [1, 0, 0, 1, 2, 0])
      assert.deepStrictEqual(yield* growth(service.get("t"), metrics), [0, 1, 0, 1, 0, 0])
      const interrupted = Effect.flatMap(Effect.fork(service.get("t")), (fiber) =>
        Effect.zipRight(settle, Fiber.interrupt(fiber)))
      assert.deepStrictEqual(yield* growth(interrupted, metrics), [0, 0, 1, 1, 0, 0])
    }))

  it.effect("count events and reconnects of logs", () =>
    Effect.gen(function*() {
      const replies = [success(event(0), {}, broken), success(event(1))]
      const service = yield* Client.inMemory((_, index) => replies[index] ?? "silent").tasks
      const operation = "solti.Tasks.logs"
      assert.deepStrictEqual(
        yield* growth(running(Stream.runDrain(service.logs("t"))), [
          ["switchyard_events_total", { operation }],
          ["switchyard_reconnects_total", { operation }]
        ]),
        [3, 1]
      )
    }))
})
