import * as NodeSdk from "@effect/opentelemetry/NodeSdk"
import { assert, describe, it } from "@effect/vitest"
import { SpanKind, SpanStatusCode } from "@opentelemetry/api"
import type { ReadableSpan } from "@opentelemetry/sdk-trace-base"
import { InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as Tracer from "effect/Tracer"
import { outcomeOf } from "../../../src/services/core/Telemetry.js"
import * as Solti from "../../../src/solti.js"
import * as Memory from "../support/Memory.js"
import { growth } from "../support/Metrics.js"
import * as Models from "../support/Models.js"
import { transports } from "../support/Transports.js"
import { json, serve } from "../support/Wire.js"

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

const allowed = [
  "http.request.method",
  "http.response.status_code",
  "http.route",
  "switchyard.attempts",
  "switchyard.events",
  "switchyard.reconnects",
  "switchyard.request_id"
]

const assertAllowed = (all: ReadonlyArray<ReadableSpan>) => {
  for (const { attributes, name } of all) {
    assert.match(name, /^solti\.Tasks\.[a-zA-Z]+$/)
    for (const key of Object.keys(attributes)) assert.include(allowed, key)
  }
}

const spec = Solti.command("true", [], { slot: "s", timeout: 1 })

describe("the span of a call", () => {
  it.effect("is one, with what may be told", () =>
    Effect.gen(function*() {
      const { tasks } = Memory.solti(
        () => Memory.json(200, { task: Models.task("t-secret", "RUNNING") }, { "x-request-id": "r-1", "x-other": "o" }),
        {
          url: "http://127.0.0.1:8085/prefix",
          token: Redacted.make("a-token"),
          options: { headers: { "x-mine": "m" } }
        }
      )
      const { get } = yield* tasks
      const [span, ...others] = yield* exported(get("t-secret"))
      assert.deepStrictEqual(others, [])
      assert.strictEqual(span?.name, "solti.Tasks.get")
      assert.strictEqual(span?.kind, SpanKind.CLIENT)
      assert.strictEqual(span?.status.code, SpanStatusCode.OK)
      assert.deepStrictEqual({ ...span?.attributes }, {
        "http.request.method": "GET",
        "http.route": "/api/v1/tasks/{id}",
        "http.response.status_code": 200,
        "switchyard.attempts": 1,
        "switchyard.request_id": "r-1"
      })
    }))

  it.effect("is one over all attempts, and ends as an error when the call does", () =>
    Effect.gen(function*() {
      const { tasks } = Memory.solti((_, index) =>
        index === 0 ? "reset" : Memory.json(503, { error: "E", message: "m" })
      )
      const service = yield* tasks
      const [span, ...others] = yield* exported(Memory.running(service.get("t")))
      assert.deepStrictEqual(others, [])
      assert.strictEqual(span?.attributes["switchyard.attempts"], 3)
      assert.strictEqual(span?.attributes["http.response.status_code"], 503)
      assert.strictEqual(span?.status.code, SpanStatusCode.ERROR)
      assert.strictEqual(span?.status.message, "solti.Tasks.get: m (503 E) – GET /api/v1/tasks/{id}")
    }))

  it.effect("is there for a call that sent nothing, and for one that is interrupted", () =>
    Effect.gen(function*() {
      const { tasks } = Memory.solti(() => "silent")
      const service = yield* tasks
      const [refused] = yield* exported(service.get(".."))
      assert.strictEqual(refused?.attributes["switchyard.attempts"], 1)
      assert.strictEqual(refused?.attributes["http.response.status_code"], undefined)
      const [interrupted] = yield* exported(
        Effect.flatMap(Effect.fork(service.get("t")), (fiber) => Effect.zipRight(Memory.settle, Fiber.interrupt(fiber)))
      )
      assert.strictEqual(interrupted?.name, "solti.Tasks.get")
    }))

  it.effect("of every method has its name, method and route, and nothing that is not allowed", () =>
    Effect.gen(function*() {
      const { tasks } = Memory.solti(({ method }) =>
        Memory.json(method === "POST" ? 201 : 200, { taskId: "t", tasks: [], total: 0, runs: [] })
      )
      const service = yield* tasks
      const all = yield* exported(Effect.all([
        service.submit(spec),
        service.apply(spec),
        service.get("t"),
        service.list({ slot: "s", limit: 5 }),
        service.runs("t"),
        service.delete("t")
      ]))
      assertAllowed(all)
      assert.deepStrictEqual(
        all.map(({ attributes, name }) => [name, attributes["http.request.method"], attributes["http.route"]]),
        [
          ["solti.Tasks.submit", "POST", "/api/v1/tasks"],
          ["solti.Tasks.apply", "PUT", "/api/v1/tasks"],
          ["solti.Tasks.get", "GET", "/api/v1/tasks/{id}"],
          ["solti.Tasks.list", "GET", "/api/v1/tasks"],
          ["solti.Tasks.runs", "GET", "/api/v1/tasks/{id}/runs"],
          ["solti.Tasks.delete", "DELETE", "/api/v1/tasks/{id}"]
        ]
      )
    }))

  it.effect("belongs to the span around the call", () =>
    Effect.gen(function*() {
      const { tasks } = Memory.solti(() => Memory.json(200, {}))
      const service = yield* tasks
      const [call, outer] = yield* exported(Effect.withSpan(service.get("t"), "mine"))
      assert.strictEqual(outer?.name, "mine")
      assert.strictEqual(call?.parentSpanContext?.spanId, outer?.spanContext().spanId)
    }))

  it.scopedLive.each(transports)(
    "is the only one over $name, and no trace header is sent",
    ({ layer }) =>
      Effect.gen(function*() {
        const server = yield* serve((request, response) => {
          if (!request.path.endsWith("/logs")) json(response, 200, {})
          else response.writeHead(200, { "content-type": "text/event-stream" }).end()
        })
        const all = yield* exported(Effect.scoped(Effect.gen(function*() {
          const context = yield* Layer.build(Layer.provide(Solti.layer({ url: server.url }), layer))
          const tasks = yield* Effect.provide(Solti.Tasks, context)
          yield* tasks.get("t")
          yield* Stream.runDrain(tasks.logs("t"))
        })))
        assert.deepStrictEqual(all.map(({ name }) => name), ["solti.Tasks.get", "solti.Tasks.logs"])
        assertAllowed(all)
        assert.strictEqual(server.requests.length, 2)
        for (const { headers } of server.requests) {
          for (const name of ["traceparent", "tracestate", "b3", "x-b3-traceid"]) assert.notProperty(headers, name)
        }
      })
  )
})

describe("the span of a stream", () => {
  it.effect("is one over all its connections, with counts", () =>
    Effect.gen(function*() {
      const replies = [
        Memory.sse([Memory.frame(Memory.chunk(1, 0, "a")), Memory.frame(Memory.chunk(1, 1, "b"))], "break"),
        Memory.sse([Memory.frame(Memory.chunk(1, 2, "c"))])
      ]
      const { tasks } = Memory.solti((_, index) => replies[index] ?? "silent")
      const service = yield* tasks
      const all = yield* exported(Memory.running(Stream.runDrain(service.logs("t"))))
      assert.strictEqual(all.length, 1)
      assertAllowed(all)
      assert.strictEqual(all[0]?.name, "solti.Tasks.logs")
      assert.strictEqual(all[0]?.status.code, SpanStatusCode.OK)
      assert.deepStrictEqual({ ...all[0]?.attributes }, {
        "http.request.method": "GET",
        "http.route": "/api/v1/tasks/{id}/logs",
        "switchyard.events": 4,
        "switchyard.reconnects": 1
      })
    }))

  it.effect("ends as an error when the stream fails, and well when the consumer has enough", () =>
    Effect.gen(function*() {
      const refused = yield* Memory.solti(() => Memory.json(403, {})).tasks
      const [failed] = yield* exported(Stream.runDrain(refused.logs("t")))
      assert.strictEqual(failed?.status.code, SpanStatusCode.ERROR)
      assert.include(failed?.status.message, "(403)")
      const chatty = yield* Memory.solti(() => Memory.sse([Memory.frame(Memory.chunk(1, 0, "a"))], "silent")).tasks
      const [enough] = yield* exported(Stream.runDrain(Stream.take(chatty.logs("t"), 1)))
      assert.strictEqual(enough?.status.code, SpanStatusCode.OK)
      assert.strictEqual(enough?.attributes["switchyard.events"], 1)
    }))

  it.effect("is a new one for each run", () =>
    Effect.gen(function*() {
      const tasks = yield* Memory.solti(() => Memory.sse([])).tasks
      const log = tasks.logs("t")
      const all = yield* exported(Effect.zipRight(Stream.runDrain(log), Stream.runDrain(log)))
      assert.strictEqual(new Set(all.map((span) => span.spanContext().spanId)).size, 2)
    }))
})

describe("trace headers", () => {
  it.effect("name the span of the call or the stream, where they are turned on", () =>
    Effect.gen(function*() {
      const { sent, tasks } = Memory.solti(
        ({ path }) => path.endsWith("/logs") ? Memory.sse([]) : Memory.json(200, {}),
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
})

describe("metrics", () => {
  it.effect("count calls by outcome, their durations and retries", () =>
    Effect.gen(function*() {
      const replies = ["reset", "reset", Memory.json(200, {}), Memory.json(400, {})] as const
      const service = yield* Memory.solti((_, index) => replies[index] ?? "silent").tasks
      const operation = "solti.Tasks.get"
      const metrics = [
        ["switchyard_calls_total", { operation, outcome: "success" }],
        ["switchyard_calls_total", { operation, outcome: "InvalidInput" }],
        ["switchyard_calls_total", { operation, outcome: "interrupted" }],
        ["switchyard_call_duration_ms", { operation }],
        ["switchyard_retries_total", { operation }],
        ["switchyard_calls_total", { operation: "solti.Tasks.submit" }]
      ] as const
      assert.deepStrictEqual(yield* growth(Memory.running(service.get("t")), metrics), [1, 0, 0, 1, 2, 0])
      assert.deepStrictEqual(yield* growth(service.get("t"), metrics), [0, 1, 0, 1, 0, 0])
      const interrupted = Effect.flatMap(Effect.fork(service.get("t")), (fiber) =>
        Effect.zipRight(Memory.settle, Fiber.interrupt(fiber)))
      assert.deepStrictEqual(yield* growth(interrupted, metrics), [0, 0, 1, 1, 0, 0])
    }))

  it.effect("count events and reconnects of streams", () =>
    Effect.gen(function*() {
      const replies = [
        Memory.sse([Memory.frame(Memory.chunk(1, 0, "a"))], "break"),
        Memory.sse([Memory.frame(Memory.chunk(1, 1, "b"))])
      ]
      const service = yield* Memory.solti((_, index) => replies[index] ?? "silent").tasks
      const operation = "solti.Tasks.logs"
      assert.deepStrictEqual(
        yield* growth(Memory.running(Stream.runDrain(service.logs("t"))), [
          ["switchyard_events_total", { operation }],
          ["switchyard_reconnects_total", { operation }]
        ]),
        [3, 1]
      )
    }))

  it.effect("know a defect from a failure", () =>
    Effect.gen(function*() {
      assert.strictEqual(outcomeOf(yield* Effect.exit(Effect.succeed(1))), "success")
      assert.strictEqual(outcomeOf(yield* Effect.exit(Effect.fail({ _tag: "Mine" }))), "Mine")
      assert.strictEqual(outcomeOf(yield* Effect.exit(Effect.die("bug"))), "defect")
      assert.strictEqual(outcomeOf(yield* Effect.exit(Effect.interrupt)), "interrupted")
    }))
})

describe("without a tracer", () => {
  it.effect("calls work all the same", () =>
    Effect.gen(function*() {
      const service = yield* Memory.solti(() => Memory.json(200, {}), { propagateTrace: true }).tasks
      const off = Effect.withTracerEnabled(service.get("t"), false)
      assert.isTrue(Option.isNone(yield* off))
      assert.isTrue(
        Option.isNone(
          yield* Effect.provideService(
            service.get("t"),
            Tracer.ParentSpan,
            Tracer.externalSpan({
              spanId: "0000000000000001",
              traceId: "00000000000000000000000000000001"
            })
          )
        )
      )
    }))
})
