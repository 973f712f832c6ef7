import * as HttpBody from "@effect/platform/HttpBody"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type { HttpMethod } from "@effect/platform/HttpMethod"
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { inspect } from "node:util"
import type { ErrorLabel } from "../../../src/schemas/solti/Errors.js"
import type { LogEvent } from "../../../src/schemas/solti/Logs.js"
import type { CreateSpec } from "../../../src/schemas/solti/Tasks.js"
import { TaskId } from "../../../src/schemas/solti/Tasks.js"
import * as InMemory from "../../../src/server/core/InMemory.js"
import * as NodeServer from "../../../src/server/core/NodeServer.js"
import type { TaskQuery } from "../../../src/server/solti/ApiHandler.js"
import { ApiError, ApiHandler } from "../../../src/server/solti/ApiHandler.js"
import type { RequestDone } from "../../../src/server/solti/ApiMetrics.js"
import { ApiMetrics } from "../../../src/server/solti/ApiMetrics.js"
import * as HttpFront from "../../../src/server/solti/HttpFront.js"
import { chunksOf, send } from "../core/Raw.js"

const quiet: ApiHandler.Service = ApiHandler.make({
  submitTask: () => Effect.succeed(TaskId.make("default-t-1")),
  getTaskStatus: () => Effect.succeed(Option.none()),
  queryTasks: () => Effect.succeed({ tasks: [], total: 0 }),
  listTaskRuns: () => Effect.succeed([]),
  deleteTask: () => Effect.void
})

interface Setup {
  readonly handler?: Partial<ApiHandler.Service> | undefined
  readonly options?: HttpFront.Options | undefined
}

const front = ({ handler, options }: Setup) =>
  Effect.provideService(HttpFront.make(options), ApiHandler, { ...quiet, ...handler })

/** Asks in memory; answers status, headers and text. */
const asking = (setup: Setup) =>
  Effect.map(Effect.flatMap(front(setup), InMemory.client), (client) => {
    return (method: HttpMethod, path: string, headers?: Record<string, string>, body?: string | Uint8Array) =>
      HttpClientRequest.make(method)(`http://solti${path}`, {
        headers,
        ...(body === undefined
          ? {}
          : { body: typeof body === "string" ? HttpBody.text(body) : HttpBody.uint8Array(body) })
      }).pipe(
        HttpClientRequest.setHeaders(headers ?? {}),
        client.execute,
        Effect.flatMap((response) =>
          Effect.map(response.text, (text) => ({ status: response.status, headers: response.headers, text }))
        )
      )
  })

const json = { "content-type": "application/json" }

const spec = {
  slot: "t",
  kind: { subprocess: { command: { command: "x" } } },
  timeoutMs: "5",
  restart: "RESTART_STRATEGY_NEVER",
  backoff: { jitter: 1, firstMs: 1, maxMs: 1, factor: 1 },
  admission: "ADMISSION_STRATEGY_QUEUE"
}

/** The body of a submit, with blanks up to this number of bytes. */
const submitOf = (bytes: number) => JSON.stringify({ spec }).padEnd(bytes)

const envelope = (error: string, message: string) => JSON.stringify({ error, message })

const capturing = (logged: Array<unknown>) =>
  Logger.replace(Logger.defaultLogger, Logger.make(({ cause, message }) => logged.push([message, cause])))

describe("HttpFront", () => {
  describe("requests", () => {
    it.effect("hands the decoded spec to the handler", () =>
      Effect.gen(function*() {
        const specs: Array<CreateSpec> = []
        const submitTask = (given: CreateSpec) =>
          Effect.sync(() => {
            specs.push(given)
            return TaskId.make("made")
          })
        const ask = yield* asking({ handler: { submitTask } })
        const answer = yield* ask("POST", "/api/v1/tasks", json, submitOf(0))
        assert.deepInclude(answer, { status: 201, text: "{\"taskId\":\"made\"}" })
        assert.deepInclude(specs[0], { slot: "t", timeoutMs: 5n, restartIntervalMs: Option.none() })
      }))

    it.effect("hands a complete query to the handler", () =>
      Effect.gen(function*() {
        const queries: Array<TaskQuery> = []
        const queryTasks = (query: TaskQuery) =>
          Effect.sync(() => {
            queries.push(query)
            return { tasks: [], total: 7 }
          })
        const ask = yield* asking({ handler: { queryTasks } })
        const answer = yield* ask("GET", "/api/v1/tasks")
        assert.strictEqual(answer.text, "{\"tasks\":[],\"total\":7}")
        yield* ask("GET", "/api/v1/tasks?limit=0&offset=%2B010&slot=a+b%20c&status=%20TimeOut&x=1")
        yield* ask("GET", "/api/v1/tasks?limit=4294967295&slot=%ff")
        const none: TaskQuery = { slot: Option.none(), status: Option.none(), limit: 100, offset: 0 }
        assert.deepStrictEqual<ReadonlyArray<TaskQuery>>(queries, [
          none,
          { slot: Option.some("a b c"), status: Option.some("TASK_STATUS_TIMEOUT"), limit: 100, offset: 10 },
          { ...none, slot: Option.some("\ufffd"), limit: 1000 }
        ])
      }))

    it.scopedLive("hands over ids as they are: encoded slashes, dots, thousands of characters", () =>
      Effect.gen(function*() {
        const ids: Array<string> = []
        const getTaskStatus = (id: TaskId) => Effect.as(Effect.sync(() => ids.push(id)), Option.none())
        const { port } = yield* Effect.flatMap(front({ handler: { getTaskStatus } }), NodeServer.listen)
        const long = "x".repeat(3000)
        for (const id of ["a%2Fb", "..", ".", "%2e%2e", long, "%E2%82%AC"]) {
          const answer = yield* send(port, { path: `/api/v1/tasks/${id}` })
          assert.deepInclude(answer, { status: 200, body: "{}" })
        }
        assert.deepStrictEqual(ids, ["a/b", "..", ".", "..", long, "€"])
      }))

    it.effect("takes a body at the limit and refuses one byte more, with a text that names 4 MiB", () =>
      Effect.gen(function*() {
        const refused = envelope("PayloadTooLarge", "request body exceeds the maximum of 4194304 bytes")
        for (const [limit, options] of [[4_194_304, {}], [2_097_152, { submitLimit: 2_097_152 }]] as const) {
          const ask = yield* asking({ options })
          assert.strictEqual((yield* ask("POST", "/api/v1/tasks", json, submitOf(limit))).status, 201)
          assert.deepInclude(yield* ask("POST", "/api/v1/tasks", json, submitOf(limit + 1)), {
            status: 413,
            text: refused
          })
        }
        const ask = yield* asking({})
        assert.strictEqual((yield* ask("DELETE", "/api/v1/tasks/x", json, new Uint8Array(4_194_304))).status, 204)
        assert.strictEqual((yield* ask("DELETE", "/api/v1/tasks/x", json, new Uint8Array(4_194_305))).status, 413)
      }))

    it.scopedLive("refuses a long body of unknown length", () =>
      Effect.gen(function*() {
        const { port } = yield* Effect.flatMap(front({ options: { submitLimit: 1000 } }), NodeServer.listen)
        const question = { method: "POST", path: "/api/v1/tasks", headers: { ...json, "transfer-encoding": "chunked" } }
        assert.strictEqual((yield* send(port, { ...question, body: submitOf(1000) })).status, 201)
        assert.strictEqual((yield* send(port, { ...question, body: submitOf(1001) })).status, 413)
      }))

    it.effect("refuses bodies that are not UTF-8 or begin with a byte order mark", () =>
      Effect.gen(function*() {
        const ask = yield* asking({})
        const latin1 = Uint8Array.from(submitOf(0).replace("\"t\"", "\"\u00e9\""), (letter) => letter.charCodeAt(0))
        assert.deepInclude(yield* ask("POST", "/api/v1/tasks", json, latin1), {
          status: 400,
          text: envelope("InvalidRequest", "request body is not valid UTF-8")
        })
        assert.deepInclude(yield* ask("POST", "/api/v1/tasks", json, `\ufeff${submitOf(0)}`), {
          status: 400,
          text: envelope("InvalidRequest", "expected value at line 1 column 1")
        })
      }))

    it.effect("looks at the content type before the body", () =>
      Effect.gen(function*() {
        const ask = yield* asking({})
        const type = (value: string) => ask("POST", "/api/v1/tasks", { "content-type": value }, submitOf(0))
        for (const good of ["application/json", "Application/JSON ; charset=x", "application/a.b+json;q=1"]) {
          assert.strictEqual((yield* type(good)).status, 201, good)
        }
        for (const bad of ["text/json", "application/jsonx", "application/+json", "application/x+jsonp", "json"]) {
          assert.include((yield* type(bad)).text, "Content-Type: application/json", bad)
        }
      }))
  })

  describe("answers", () => {
    const labels: ReadonlyArray<readonly [ErrorLabel, number]> = [
      ["InvalidRequest", 400],
      ["Unauthenticated", 401],
      ["TaskNotFound", 404],
      ["AlreadyExists", 409],
      ["PayloadTooLarge", 413],
      ["Internal", 500],
      ["Unavailable", 503]
    ]
    it.effect.each(labels)("%s of a handler is %i", ([label, status]) =>
      Effect.gen(function*() {
        const deleteTask = () => new ApiError({ label, detail: "why \"not\"", retryAfterSeconds: 7 })
        const ask = yield* asking({ handler: { deleteTask } })
        const answer = yield* ask("DELETE", "/api/v1/tasks/x")
        assert.deepInclude(answer, { status, text: envelope(label, "why \"not\"") })
        assert.strictEqual(answer.headers["retry-after"], "7")
      }))

    it.effect("a defect of a handler is a 500 that says nothing, and a line in the log", () =>
      Effect.gen(function*() {
        const broken: ReadonlyArray<ApiHandler.Service["deleteTask"]> = [
          () => Effect.dieMessage("secret"),
          () => {
            throw new Error("secret")
          },
          () => Effect.interrupt
        ]
        for (const deleteTask of broken) {
          const logged: Array<unknown> = []
          const answer = yield* asking({ handler: { deleteTask } }).pipe(
            Effect.flatMap((ask) => ask("DELETE", "/api/v1/tasks/x")),
            Effect.provide(capturing(logged))
          )
          assert.deepInclude(answer, { status: 500, text: envelope("Internal", "internal error") })
          assert.strictEqual(logged.length, 1)
        }
      }))

    it.effect("HEAD is GET without a body; PUT is refused", () =>
      Effect.gen(function*() {
        const ask = yield* asking({})
        assert.deepInclude(yield* ask("HEAD", "/api/v1/tasks/x"), { status: 200, text: "" })
        const refused = yield* ask("PUT", "/api/v1/tasks", json, submitOf(0))
        assert.deepInclude(refused, { status: 405, text: "" })
        assert.strictEqual(refused.headers["allow"], "POST,GET,HEAD")
      }))

    it.effect("PUT applies where 0.0.3 is asked for: 200, and REPLACE whatever the spec says", () =>
      Effect.gen(function*() {
        const admissions: Array<unknown> = []
        const submitTask = ({ admission }: CreateSpec) =>
          Effect.as(Effect.sync(() => admissions.push(admission)), TaskId.make("made"))
        const ask = yield* asking({ handler: { submitTask }, options: { apply: true } })
        const answer = yield* ask("PUT", "/api/v1/tasks", json, submitOf(0))
        assert.deepInclude(answer, { status: 200, text: "{\"taskId\":\"made\"}" })
        assert.deepStrictEqual(admissions, ["ADMISSION_STRATEGY_REPLACE"])
        assert.deepInclude(yield* ask("PUT", "/api/v1/tasks", json, "{}"), {
          status: 400,
          text: envelope("InvalidRequest", "missing spec")
        })
      }))
  })

  describe("the token", () => {
    const token = Redacted.make("s3cret-token")

    it.effect("is asked for before anything else", () =>
      Effect.gen(function*() {
        const ask = yield* asking({ options: { token } })
        const refused = envelope("Unauthenticated", "missing or invalid bearer token")
        const given = [
          undefined,
          "",
          "Bearer",
          "Bearer ",
          "Bearer s3cret-toke",
          "Bearer s3cret-token2",
          "Bearer S3CRET-TOKEN",
          "BEARER s3cret-token",
          "Basic s3cret-token",
          "s3cret-token"
        ]
        for (const authorization of given) {
          const headers = authorization === undefined ? undefined : { authorization }
          assert.deepInclude(yield* ask("GET", "/api/v1/tasks", headers), { status: 401, text: refused }, authorization)
        }
        for (const path of ["/", "/api/v1/tasks/%ff", "/api/v1/tasks?limit=abc", "/api/v1/tasks/x/logs"]) {
          assert.strictEqual((yield* ask("GET", path)).status, 401, path)
        }
        const tooLong = yield* ask("POST", "/api/v1/tasks", json, new Uint8Array(4_194_305))
        assert.strictEqual(tooLong.status, 401)
        assert.strictEqual((yield* ask("PATCH", "/api/v1/tasks/x")).status, 401)
      }))

    it.effect("lets in whoever has it", () =>
      Effect.gen(function*() {
        const ask = yield* asking({ options: { token } })
        for (const authorization of ["Bearer s3cret-token", "bearer s3cret-token"]) {
          assert.strictEqual((yield* ask("GET", "/api/v1/tasks", { authorization })).status, 200)
        }
      }))

    it.effect("shows nowhere", () =>
      Effect.gen(function*() {
        const logged: Array<unknown> = []
        const options = { token }
        const deleteTask = () => Effect.dieMessage("broken")
        const answers = yield* asking({ handler: { deleteTask }, options }).pipe(
          Effect.flatMap((ask) =>
            Effect.all([
              ask("DELETE", "/api/v1/tasks/x", { authorization: "Bearer s3cret-token" }),
              ask("GET", "/api/v1/tasks", { authorization: "Bearer other" })
            ])
          ),
          Effect.provide(capturing(logged))
        )
        assert.strictEqual(logged.length, 1)
        assert.notInclude(inspect([logged, answers, options], { depth: 20 }), "s3cret")
      }))
  })

  describe("logs", () => {
    const events: ReadonlyArray<LogEvent> = [
      { type: "runStarted", attempt: 1, startedAt: 1 },
      { type: "chunk", attempt: 1, stream: "stderr", seq: 0, ts: 2, line: "a\u001b[0m \"b\"\u2028" },
      { type: "lagged", skipped: 3 },
      { type: "runFinished", attempt: 1, exitCode: Option.none(), finishedAt: 4 },
      { type: "runFinished", attempt: 2, exitCode: Option.some(0), finishedAt: 5 }
    ]
    const frames = [
      "event: run-started\ndata: {\"type\":\"runStarted\",\"attempt\":1,\"startedAt\":1}\n\n",
      "event: chunk\ndata: {\"type\":\"chunk\",\"attempt\":1,\"stream\":\"stderr\",\"seq\":0,\"ts\":2,\"line\":\"a\\u001b[0m \\\"b\\\"\u2028\"}\n\n",
      "event: lagged\ndata: {\"type\":\"lagged\",\"skipped\":3}\n\n",
      "event: run-finished\ndata: {\"type\":\"runFinished\",\"attempt\":1,\"finishedAt\":4}\n\n",
      "event: run-finished\ndata: {\"type\":\"runFinished\",\"attempt\":2,\"exitCode\":0,\"finishedAt\":5}\n\n"
    ]

    it.scopedLive("are one frame and one chunk an event, and end properly", () =>
      Effect.gen(function*() {
        const streamTaskLogs = () => Effect.succeed(Stream.fromIterable(events))
        const { port } = yield* Effect.flatMap(front({ handler: { streamTaskLogs } }), NodeServer.listen)
        const answer = yield* send(port, { path: "/api/v1/tasks/x/logs" })
        assert.deepStrictEqual(yield* chunksOf(port, "/api/v1/tasks/x/logs"), frames)
        assert.deepInclude(answer, { status: 200, complete: true })
        assert.deepInclude(answer.headers, {
          "content-type": "text/event-stream",
          "cache-control": "no-cache",
          "transfer-encoding": "chunked"
        })
      }))

    it.effect("are empty for every id where the handler does not provide them", () =>
      Effect.gen(function*() {
        const ask = yield* asking({})
        assert.deepInclude(yield* ask("GET", "/api/v1/tasks/any/logs"), { status: 200, text: "" })
      }))

    it.effect("have a comment after 15 s of silence, each time", () =>
      Effect.gen(function*() {
        const streamTaskLogs = () =>
          Effect.succeed(
            Stream.fromIterable(events).pipe(
              Stream.take(1),
              Stream.concat(Stream.drain(Stream.fromEffect(Effect.sleep("31 seconds"))))
            )
          )
        const ask = yield* asking({ handler: { streamTaskLogs } })
        const answer = yield* Effect.fork(ask("GET", "/api/v1/tasks/x/logs"))
        yield* TestClock.adjust("40 seconds")
        assert.strictEqual((yield* Fiber.join(answer)).text, `${frames[0]}:\n\n:\n\n`)
      }))

    it.scopedLive("break off where the handler's stream fails", () =>
      Effect.gen(function*() {
        const streamTaskLogs = () =>
          Effect.succeed(Stream.concat(
            Stream.fromIterable(events),
            Stream.fail(new ApiError({ label: "Internal", detail: "lost" }))
          ))
        const { port } = yield* Effect.flatMap(front({ handler: { streamTaskLogs } }), NodeServer.listen)
        const answer = yield* send(port, { path: "/api/v1/tasks/x/logs" })
        assert.deepInclude(answer, { status: 200, complete: false, body: frames.join("") })
      }))

    it.scopedLive("hold their subscription exactly as long as the connection", () =>
      Effect.gen(function*() {
        const subscribed = yield* Deferred.make<void>()
        const released = yield* Deferred.make<Exit.Exit<unknown, unknown>>()
        const streamTaskLogs = () =>
          Effect.addFinalizer((exit) => Deferred.succeed(released, exit)).pipe(
            Effect.zipRight(Deferred.succeed(subscribed, undefined)),
            Effect.as(Stream.never)
          )
        const { port } = yield* Effect.flatMap(front({ handler: { streamTaskLogs } }), NodeServer.listen)
        const client = yield* Effect.fork(send(port, { path: "/api/v1/tasks/x/logs" }))
        yield* Deferred.await(subscribed)
        assert.isFalse(yield* Deferred.isDone(released))
        yield* Fiber.interrupt(client)
        assert.isTrue(Exit.isInterrupted(yield* Deferred.await(released)))
      }))
  })

  describe("metrics", () => {
    it.effect("are told of each request, with its template, and of what is in flight", () =>
      Effect.gen(function*() {
        const done: Array<Omit<RequestDone, "transport">> = []
        let inFlight = 0
        let most = 0
        const metrics: ApiMetrics.Service = {
          requestDone: ({ transport: _, ...request }) => Effect.sync(() => done.push(request)),
          inFlight: (_, delta) =>
            Effect.sync(() => {
              inFlight += delta
              most = Math.max(most, inFlight)
            })
        }
        const listTaskRuns = () => Effect.as(Effect.sleep("250 millis"), [])
        const streamTaskLogs = () => Effect.succeed(Stream.never)
        const server = yield* Effect.provideService(
          front({ handler: { listTaskRuns, streamTaskLogs } }),
          ApiMetrics,
          metrics
        )
        const client = yield* InMemory.client(server)
        const slow = yield* Effect.fork(client.get("http://x/api/v1/tasks/a%2Fb/runs"))
        yield* TestClock.adjust("250 millis")
        yield* Fiber.join(slow)
        yield* client.del("http://x/api/v1/tasks/a")
        yield* client.get("http://x/api/v1/tasks/a/logs")
        yield* client.get("http://x/secret/path")
        yield* client.put("http://x/api/v1/tasks")
        assert.deepStrictEqual(done, [
          { method: "GET", path: "/api/v1/tasks/{id}/runs", status: 200, durationMs: 250 },
          { method: "DELETE", path: "/api/v1/tasks/{id}", status: 204, durationMs: 0 },
          { method: "GET", path: "/api/v1/tasks/{id}/logs", status: 200, durationMs: 0 },
          { method: "GET", path: "unmatched", status: 404, durationMs: 0 },
          { method: "PUT", path: "/api/v1/tasks", status: 405, durationMs: 0 }
        ])
        assert.deepStrictEqual([inFlight, most], [0, 1])
      }))

    it.effect("count in Effect's own registry", () =>
      Effect.gen(function*() {
        const server = yield* Effect.provide(front({}), ApiMetrics.layerEffect)
        const client = yield* InMemory.client(server)
        yield* client.get("http://x/api/v1/tasks/a")
        yield* client.get("http://x/api/v1/tasks/b")
        const requests = Metric.counter("solti_api_requests_total", { incremental: true }).pipe(
          Metric.tagged("transport", "http"),
          Metric.tagged("method", "GET"),
          Metric.tagged("path", "/api/v1/tasks/{id}"),
          Metric.tagged("status", "200")
        )
        assert.strictEqual((yield* Metric.value(requests)).count, 2)
        const inFlight = Metric.tagged(Metric.counter("solti_api_requests_in_flight"), "transport", "http")
        assert.strictEqual((yield* Metric.value(inFlight)).count, 0)
      }))
  })
})
