import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import type { Socket } from "node:net"
import { layerHttpClient } from "../../../src/node.js"
import * as CallOptions from "../../../src/services/core/CallOptions.js"
import * as Solti from "../../../src/solti.js"
import { eventually } from "../support/Sockets.js"
import { once, tasksOver, transports } from "../support/Transports.js"
import { json, serve, serveRaw, serveTls } from "../support/Wire.js"

const spec = Solti.command("true", [], { slot: "s", timeout: "1 second" })
const quick = { base: "1 millis", cap: "1 millis" } as const
const noReconnect = { reconnect: { maxReconnects: 0 } }
const html = "<html><body>Bad gateway</body></html>"

/** One answer as bytes, then what happens to the connection. */
const raw = (text: string, then: (socket: Socket) => void) =>
  serveRaw((socket) => {
    socket.once("data", () => socket.write(text, () => then(socket)))
  })

const tagOf = (error: { readonly _tag: string }) => error._tag

describe.each(transports)("Transport over $name: what is sent", ({ layer }) => {
  it.scopedLive("method, path under the prefix, query, accept, content type and body", () =>
    Effect.gen(function*() {
      const server = yield* serve((request, response) =>
        json(response, 200, request.method === "POST" ? { taskId: "t-1" } : { tasks: [], total: 0 })
      )
      const tasks = yield* tasksOver(layer, { url: `${server.url}/behind/a proxy/` })
      yield* tasks.list({ slot: "a&b=c d", status: "running", limit: 5, offset: 10 })
      yield* tasks.submit(spec)
      const [listed, submitted] = server.requests
      assert.strictEqual(listed?.method, "GET")
      assert.strictEqual(
        listed?.path,
        "/behind/a%20proxy/api/v1/tasks?slot=a%26b%3Dc%20d&status=running&limit=5&offset=10"
      )
      assert.strictEqual(listed?.headers["accept"], "application/json")
      assert.strictEqual(listed?.headers["authorization"], undefined)
      assert.strictEqual(listed?.body, "")
      assert.strictEqual(submitted?.method, "POST")
      assert.strictEqual(submitted?.path, "/behind/a%20proxy/api/v1/tasks")
      assert.strictEqual(submitted?.headers["content-type"], "application/json")
      assert.strictEqual(JSON.parse(submitted?.body ?? "").spec.slot, "s")
      for (const name of ["traceparent", "b3"]) {
        assert.strictEqual(listed?.headers[name], undefined)
        assert.strictEqual(submitted?.headers[name], undefined)
      }
    }))

  it.scopedLive("an id as one path segment", () =>
    Effect.gen(function*() {
      const server = yield* serve((_, response) => json(response, 200, {}))
      const tasks = yield* tasksOver(layer, { url: server.url })
      yield* tasks.get("a/b?c#d%2F é")
      yield* tasks.runs("...")
      assert.deepStrictEqual(server.requests.map(({ path }) => path), [
        "/api/v1/tasks/a%2Fb%3Fc%23d%252F%20%C3%A9",
        "/api/v1/tasks/.../runs"
      ])
      for (const id of ["", " ", ".", "..", "\ud800"]) {
        const error = yield* Effect.flip(tasks.get(id))
        assert.strictEqual(error._tag, "InvalidInput")
        assert.strictEqual(error.status, undefined)
        if (error._tag === "InvalidInput") assert.strictEqual(error.issues[0]?.path, "id")
      }
      assert.strictEqual(server.requests.length, 2)
    }))

  it.scopedLive("headers of layer, region and call, the nearest winning whatever its case; never over the SDK's own", () =>
    Effect.gen(function*() {
      const server = yield* serve((_, response) => json(response, 200, {}))
      const tasks = yield* tasksOver(layer, {
        url: server.url,
        token: Redacted.make("the-token"),
        options: { headers: { "X-Layer": "layer", "x-region": "layer", "x-call": "layer", accept: "text/plain" } }
      })
      yield* tasks.get("t", {
        headers: { "x-call": "call", Authorization: "mine", "x-secret": Redacted.make("s3cret-value") }
      }).pipe(CallOptions.withOptions({ headers: { "X-Region": "region", "X-CALL": "region" } }))
      const headers = server.requests[0]?.headers
      assert.strictEqual(headers?.["x-layer"], "layer")
      assert.strictEqual(headers?.["x-region"], "region")
      assert.strictEqual(headers?.["x-call"], "call")
      assert.strictEqual(headers?.["x-secret"], "s3cret-value")
      assert.strictEqual(headers?.["accept"], "application/json")
      assert.strictEqual(headers?.["authorization"], "Bearer the-token")
    }))

  it.scopedLive("the token of the moment with every attempt, of streams too", () =>
    Effect.gen(function*() {
      const server = yield* serve((request, response, index) => {
        if (request.path.endsWith("/logs") && index > 3) json(response, 404, { error: "TaskNotFound", message: "t" })
        else if (request.path.endsWith("/logs")) response.writeHead(503).end()
        else if (index === 0) response.writeHead(503).end()
        else json(response, 200, {})
      })
      let reads = 0
      const tasks = yield* tasksOver(layer, {
        url: server.url,
        token: Effect.sync(() => Redacted.make(`token-${++reads}`)),
        options: { retry: quick }
      })
      yield* tasks.get("t")
      yield* Effect.flip(Stream.runDrain(tasks.logs("t", { reconnect: { base: "1 millis", cap: "1 millis" } })))
      assert.deepStrictEqual(
        server.requests.map(({ headers }) => headers["authorization"]),
        [1, 2, 3, 4, 5].map((n) => `Bearer token-${n}`)
      )
      assert.strictEqual(server.requests[2]?.headers["accept"], "text/event-stream")
    }))
})

describe.each(transports)("Transport over $name: time-outs", ({ layer }) => {
  const patient = { ...once, timeouts: { total: "20 seconds" } } as const

  it.scopedLive("firstByte: no headers in time; the connection is closed", () =>
    Effect.gen(function*() {
      const server = yield* serve(() => {})
      const tasks = yield* tasksOver(layer, { url: server.url, options: patient })
      const error = yield* Effect.flip(tasks.get("t", { timeouts: { firstByte: "50 millis" } }))
      assert.strictEqual(error._tag, "Timeout")
      if (error._tag === "Timeout") {
        assert.strictEqual(error.kind, "firstByte")
        assert.strictEqual(error.limitMs, 50)
      }
      yield* eventually(() => server.connections.busy === 0)
    }))

  it.scopedLive("idle: silence inside a body; pieces that keep coming are fine", () =>
    Effect.gen(function*() {
      const server = yield* serve((_, response, index) => {
        response.writeHead(200, { "content-type": "application/json" })
        if (index === 0) {
          response.write("{")
          return
        }
        const pieces = ["{", " ", " ", " ", " ", "}"]
        const next = () => {
          const piece = pieces.shift()
          if (piece === undefined) response.end()
          else response.write(piece, () => setTimeout(next, 40))
        }
        next()
      })
      const tasks = yield* tasksOver(layer, { url: server.url, options: patient })
      const error = yield* Effect.flip(tasks.get("t", { timeouts: { idle: "100 millis" } }))
      assert.strictEqual(error._tag, "Timeout")
      if (error._tag === "Timeout") assert.strictEqual(error.kind, "idle")
      assert.isTrue(Option.isNone(yield* tasks.get("t", { timeouts: { idle: "150 millis" } })))
    }))

  it.scopedLive("total: headers, and then a body without an end", () =>
    Effect.gen(function*() {
      const server = yield* serve((_, response) => {
        response.writeHead(200, { "content-type": "application/json" }).write("{")
      })
      const tasks = yield* tasksOver(layer, { url: server.url, options: once })
      const error = yield* Effect.flip(tasks.get("t", { timeouts: { total: "80 millis" } }))
      assert.strictEqual(error._tag, "Timeout")
      if (error._tag === "Timeout") {
        assert.strictEqual(error.kind, "total")
        assert.strictEqual(error.limitMs, 80)
      }
      yield* eventually(() => server.connections.busy === 0)
    }))

  it.scopedLive("total: nothing at all", () =>
    Effect.gen(function*() {
      const server = yield* serve(() => {})
      const tasks = yield* tasksOver(layer, { url: server.url, options: { ...once, timeouts: { total: "50 millis" } } })
      const error = yield* Effect.flip(tasks.submit(spec))
      assert.strictEqual(error._tag, "Timeout")
      if (error._tag === "Timeout") assert.strictEqual(error.kind, "total")
      assert.strictEqual(error.operation, "solti.Tasks.submit")
      yield* eventually(() => server.connections.busy === 0)
    }))

  it.scopedLive("streams: firstByte and idle, no total", () =>
    Effect.gen(function*() {
      const server = yield* serve((_, response, index) => {
        if (index === 0) return
        response.writeHead(200, { "content-type": "text/event-stream" })
        response.write("event: run-started\ndata: {\"type\":\"runStarted\",\"attempt\":1,\"startedAt\":1}\n\n")
      })
      const tasks = yield* tasksOver(layer, { url: server.url, options: { timeouts: { total: "1 millis" } } })
      const silent = yield* Effect.flip(
        Stream.runDrain(tasks.logs("t", { ...noReconnect, timeouts: { firstByte: "50 millis" } }))
      )
      assert.strictEqual(silent._tag, "StreamInterrupted")
      assert.include(silent.detail, "Timeout")
      const events: Array<string> = []
      const stalled = yield* tasks.logs("t", { ...noReconnect, timeouts: { idle: "60 millis" } }).pipe(
        Stream.runForEach((event) => Effect.sync(() => events.push(event.type))),
        Effect.flip
      )
      assert.strictEqual(stalled._tag, "StreamInterrupted")
      assert.include(stalled.detail, "Timeout")
      assert.deepStrictEqual(events, ["runStarted"])
      yield* eventually(() => server.connections.busy === 0)
    }))

  it.scopedLive("streams: an error whose body never ends is still an error", () =>
    Effect.gen(function*() {
      const server = yield* serve((_, response) => {
        response.writeHead(403, { "content-type": "text/plain" }).write("no")
      })
      const tasks = yield* tasksOver(layer, { url: server.url })
      const error = yield* Effect.flip(Stream.runDrain(tasks.logs("t", { timeouts: { idle: "50 millis" } })))
      assert.strictEqual(error._tag, "Forbidden")
    }))

  it.scopedLive("of the call before those of the region before those of the layer", () =>
    Effect.gen(function*() {
      const server = yield* serve(() => {})
      const tasks = yield* tasksOver(layer, {
        url: server.url,
        options: { ...once, timeouts: { total: "40 millis" } }
      })
      const limit = (options?: CallOptions.CallOptions) =>
        Effect.map(
          Effect.flip(tasks.get("t", options)),
          (error) => error._tag === "Timeout" ? error.limitMs : error._tag
        )
      const region = CallOptions.withOptions({ timeouts: { total: "50 millis" } })
      assert.strictEqual(yield* limit(), 40)
      assert.strictEqual(yield* region(limit()), 50)
      assert.strictEqual(yield* region(limit({ timeouts: { total: "60 millis" } })), 60)
      assert.strictEqual(yield* region(limit({ timeouts: { total: undefined } })), 50)
      assert.strictEqual(yield* limit({ headers: { "x-a": "b" } }), 40)
    }))
})

describe.each(transports)("Transport over $name: answers that are not what was promised", ({ layer }) => {
  const only = (status: number, headers: Record<string, string>, body: string) =>
    Effect.gen(function*() {
      const server = yield* serve((_, response) => response.writeHead(status, headers).end(body))
      return { server, tasks: yield* tasksOver(layer, { url: server.url, options: once }) }
    })

  it.scopedLive("HTML with 200: DecodeError, from submit, get and logs", () =>
    Effect.gen(function*() {
      const { tasks } = yield* only(200, { "content-type": "text/html", "x-request-id": "r-7" }, html)
      const failures = [tasks.submit(spec), tasks.get("t"), Stream.runDrain(tasks.logs("t"))]
      for (
        const error of yield* Effect.all(
          failures.map((failure) => Effect.flip<unknown, Solti.LogError | Solti.SubmitError, never>(failure))
        )
      ) {
        assert.strictEqual(error._tag, "DecodeError")
        assert.strictEqual(error.status, 200)
        assert.strictEqual(error.requestId, "r-7")
        assert.strictEqual(error.excerpt, html)
        assert.include(error.detail, "text/html")
      }
    }))

  it.scopedLive("HTML with 502: Unavailable", () =>
    Effect.gen(function*() {
      const { tasks } = yield* only(502, { "content-type": "text/html", "x-request-id": "r-8" }, html)
      const error = yield* Effect.flip(tasks.get("t"))
      assert.strictEqual(error._tag, "Unavailable")
      assert.strictEqual(error.status, 502)
      assert.strictEqual(error.requestId, "r-8")
      assert.strictEqual(error.excerpt, html)
      assert.strictEqual(error.operation, "solti.Tasks.get")
      assert.strictEqual(error.method, "GET")
      assert.strictEqual(error.route, "/api/v1/tasks/{id}")
    }))

  it.scopedLive("an empty body with 200", () =>
    Effect.gen(function*() {
      const { tasks } = yield* only(200, { "content-type": "application/json" }, "")
      const error = yield* Effect.flip(tasks.get("t"))
      assert.strictEqual(error._tag, "DecodeError")
      assert.include(error.detail, "empty body")
      assert.strictEqual(error.excerpt, undefined)
    }))

  it.scopedLive("JSON that is cut off: DecodeError without a piece of it", () =>
    Effect.gen(function*() {
      const { tasks } = yield* only(
        200,
        { "content-type": "application/json" },
        "{\"task\":{\"metadata\":{\"id\":\"secr"
      )
      const error = yield* Effect.flip(tasks.get("t"))
      assert.strictEqual(error._tag, "DecodeError")
      assert.notInclude(JSON.stringify(error), "secr")
    }))

  it.scopedLive("a status that no endpoint has", () =>
    Effect.gen(function*() {
      const { tasks } = yield* only(418, { "content-type": "text/plain" }, "tea".repeat(3000))
      const error = yield* Effect.flip(tasks.get("t"))
      assert.strictEqual(error._tag, "UnexpectedStatus")
      assert.strictEqual(error.status, 418)
      assert.strictEqual(error.excerpt?.length, 4096)
    }))

  it.scopedLive("a success with another status than the declared one decodes", () =>
    Effect.gen(function*() {
      const { tasks } = yield* only(200, { "content-type": "application/json" }, "{\"taskId\":\"t-9\",\"later\":1}")
      assert.strictEqual(yield* tasks.submit(spec), "t-9")
      yield* tasks.delete("t")
    }))

  it.scopedLive("a body shorter than its content-length", () =>
    Effect.gen(function*() {
      const server = yield* raw(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{",
        (s) => s.end()
      )
      const tasks = yield* tasksOver(layer, { url: server.url, options: once })
      const error = yield* Effect.flip(tasks.get("t"))
      assert.strictEqual(error._tag, "TransportError")
      if (error._tag === "TransportError") assert.strictEqual(error.phase, "response")
    }))

  it.scopedLive("bytes that are not HTTP", () =>
    Effect.gen(function*() {
      const server = yield* raw("220 mail.example.org ESMTP\r\n", () => {})
      const tasks = yield* tasksOver(layer, { url: server.url, options: once })
      const error = yield* Effect.flip(tasks.get("t"))
      assert.strictEqual(error._tag, "TransportError")
    }))
})

describe.each(transports)("Transport over $name: connections that break", ({ layer }) => {
  it.scopedLive("a reset before the headers: GET is sent three times, POST once", () =>
    Effect.gen(function*() {
      let seen = 0
      const server = yield* serveRaw((socket) => {
        socket.once("data", () => {
          seen += 1
          socket.resetAndDestroy()
        })
      })
      const tasks = yield* tasksOver(layer, { url: server.url, options: { retry: quick } })
      const error = yield* Effect.flip(tasks.get("t"))
      assert.strictEqual(error._tag, "TransportError")
      if (error._tag === "TransportError") assert.strictEqual(error.phase, "request")
      assert.strictEqual(seen, 3)
      assert.strictEqual(tagOf(yield* Effect.flip(tasks.submit(spec))), "TransportError")
      assert.strictEqual(seen, 4)
      assert.strictEqual(tagOf(yield* Effect.flip(tasks.delete("t"))), "TransportError")
      assert.strictEqual(seen, 7)
    }))

  it.scopedLive("a reset inside a body", () =>
    Effect.gen(function*() {
      const server = yield* raw(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{\r\n",
        (socket) => setTimeout(() => socket.resetAndDestroy(), 30)
      )
      const tasks = yield* tasksOver(layer, { url: server.url, options: once })
      const error = yield* Effect.flip(tasks.get("t"))
      assert.strictEqual(error._tag, "TransportError")
      if (error._tag === "TransportError") assert.strictEqual(error.phase, "response")
    }))

  it.scopedLive("nobody listens", () =>
    Effect.gen(function*() {
      const { url } = yield* Effect.scoped(serve(() => {}))
      const tasks = yield* tasksOver(layer, { url, options: once })
      const error = yield* Effect.flip(tasks.get("t"))
      assert.strictEqual(error._tag, "TransportError")
      assert.strictEqual(error.code, "ECONNREFUSED")
    }))

  it.scopedLive("the host has no address", () =>
    Effect.gen(function*() {
      const tasks = yield* tasksOver(layer, { url: "http://solti.invalid:8085", options: once })
      const error = yield* Effect.flip(tasks.get("t"))
      assert.strictEqual(error._tag, "TransportError")
      assert.match(error.code ?? "", /^(ENOTFOUND|EAI_AGAIN)$/)
      assert.notInclude(error.message, "solti.invalid")
    }))

  it.scopedLive("a header that cannot be sent is a typed failure that does not show it", () =>
    Effect.gen(function*() {
      const server = yield* serve((_, response) => json(response, 200, {}))
      const tasks = yield* tasksOver(layer, {
        url: server.url,
        token: Redacted.make("line\nbreak-s3cret"),
        options: once
      })
      const error = yield* Effect.flip(tasks.get("t"))
      assert.notInclude(JSON.stringify(error) + error.message, "s3cret")
      assert.strictEqual(server.requests.length, 0)
    }))
})

describe.each(transports)("Transport over $name: redirects", ({ layer }) => {
  it.scopedLive("are never followed, and take no token with them", () =>
    Effect.gen(function*() {
      const other = yield* serve((_, response) => json(response, 200, {}))
      for (const status of [301, 302, 303, 307, 308]) {
        const server = yield* serve((_, response) =>
          response.writeHead(status, { location: `${other.url}/stolen` }).end()
        )
        const tasks = yield* tasksOver(layer, {
          url: server.url,
          token: Redacted.make("a-token"),
          options: { retry: quick }
        })
        for (const call of [tasks.get("t"), tasks.submit(spec), Stream.runDrain(tasks.logs("t"))]) {
          const error = yield* Effect.flip<unknown, Solti.LogError | Solti.SubmitError, never>(call)
          assert.strictEqual(error._tag, "UnexpectedStatus")
          assert.strictEqual(error.status, status)
          assert.include(error.detail, "redirect")
        }
        assert.strictEqual(server.requests.length, 3)
      }
      assert.strictEqual(other.requests.length, 0)
    }))
})

describe.each(transports)("Transport over $name: interruption", ({ layer }) => {
  it.scopedLive("closes the connection of a call at once", () =>
    Effect.gen(function*() {
      const server = yield* serve((_, response, index) => {
        if (index === 1) response.writeHead(200, { "content-type": "application/json" }).write("{")
      })
      const tasks = yield* tasksOver(layer, { url: server.url })
      for (const requests of [1, 2]) {
        const fiber = yield* Effect.fork(tasks.get("t"))
        yield* eventually(() => server.requests.length === requests)
        yield* Effect.sleep("30 millis")
        assert.strictEqual(server.connections.busy, 1)
        yield* fiber.interruptAsFork(fiber.id())
        yield* eventually(() => server.connections.busy === 0)
      }
      assert.strictEqual(server.requests.length, 2)
    }))

  it.scopedLive("by an AbortSignal is the same", () =>
    Effect.gen(function*() {
      const server = yield* serve(() => {})
      const tasks = yield* tasksOver(layer, { url: server.url })
      const controller = new AbortController()
      const call = yield* Effect.fork(
        Effect.promise(() => Effect.runPromiseExit(tasks.get("t"), { signal: controller.signal }))
      )
      yield* eventually(() => server.requests.length === 1)
      controller.abort()
      assert.isTrue(Exit.isInterrupted(yield* Fiber.join(call)))
      yield* eventually(() => server.connections.busy === 0)
    }))

  it.scopedLive("closes the connection of a log at once: before its headers, and when the consumer has enough", () =>
    Effect.gen(function*() {
      const server = yield* serve((_, response, index) => {
        if (index === 0) return
        response.writeHead(200, { "content-type": "text/event-stream" })
        response.write("data: {\"type\":\"lagged\",\"skipped\":1}\n\ndata: {\"type\":\"lagged\",\"skipped\":2}\n\n")
      })
      const tasks = yield* tasksOver(layer, { url: server.url })
      const fiber = yield* Effect.fork(Stream.runDrain(tasks.logs("t")))
      yield* eventually(() => server.requests.length === 1)
      yield* fiber.interruptAsFork(fiber.id())
      yield* eventually(() => server.connections.busy === 0)
      const first = yield* Stream.runHead(tasks.logs("t"))
      assert.strictEqual(Option.getOrUndefined(first)?.type, "lagged")
      yield* eventually(() => server.connections.busy === 0)
      assert.strictEqual(server.requests.length, 2)
    }))
})

describe.each(transports)("Transport over $name: a consumer that is slow", ({ layer }) => {
  it.scopedLive("gets everything, and no time-out while it is the one that others wait for", () =>
    Effect.gen(function*() {
      const line = "x".repeat(1000)
      const count = 8000
      const server = yield* serve((_, response) => {
        response.writeHead(200, { "content-type": "text/event-stream" })
        for (let seq = 0; seq < count; seq++) {
          response.write(
            `data: {"type":"chunk","attempt":1,"stream":"stdout","seq":${seq},"ts":1,"line":"${line}"}\n\n`
          )
        }
        response.end()
      })
      const tasks = yield* tasksOver(layer, { url: server.url })
      let next = 0
      yield* tasks.logs("t", { ...noReconnect, timeouts: { idle: "200 millis" } }).pipe(
        Stream.runForEachChunk((events) =>
          Effect.suspend(() => {
            for (const event of events) {
              assert.strictEqual(event.type === "chunk" ? event.seq : event.type, next)
              next += 1
            }
            return next === events.length ? Effect.sleep("1800 millis") : Effect.void
          })
        )
      )
      assert.strictEqual(next, count)
    }))
})

describe.each(transports)("Transport over $name: connections are kept", ({ layer }) => {
  it.scopedLive("behind a log that has ended", () =>
    Effect.gen(function*() {
      const server = yield* serve((_, response, index) => {
        if (index % 2 === 0) response.writeHead(200, { "content-type": "text/event-stream" }).end(":\n\n")
        else json(response, 200, {})
      })
      const tasks = yield* tasksOver(layer, { url: server.url })
      for (let i = 0; i < 5; i++) {
        yield* Stream.runDrain(tasks.logs("t"))
        yield* tasks.get("t")
      }
      assert.strictEqual(server.requests.length, 10)
      assert.isBelow(server.connections.made, 3)
    }))

  it.scopedLive("behind successes and behind errors with small bodies", () =>
    Effect.gen(function*() {
      const statuses = [200, 500, 404, 200, 413, 400, 502, 204, 200]
      const server = yield* serve((_, response, index) => {
        const status = statuses[index] ?? 500
        if (status === 204) response.writeHead(204).end()
        else json(response, status, status === 200 ? {} : { error: "E", message: "x".repeat(500) })
      })
      const tasks = yield* tasksOver(layer, { url: server.url, options: once })
      for (const status of statuses) yield* Effect.exit(status === 204 ? tasks.delete("t") : tasks.get("t"))
      assert.strictEqual(server.requests.length, statuses.length)
      assert.isBelow(server.connections.made, 3)
    }))
})

describe("Transport over layerHttpClient", () => {
  it.scopedLive("reads 4 KiB of an endless error and gives its only connection back", () =>
    Effect.gen(function*() {
      const server = yield* serve((_, response, index) => {
        if (index === 1) json(response, 200, {})
        else response.writeHead(500, { "content-type": "text/plain" }).end(Buffer.alloc(10 * 1024 * 1024, "x"))
      })
      const tasks = yield* tasksOver(layerHttpClient({ connections: 1 }), { url: server.url, options: once })
      const error = yield* Effect.flip(tasks.get("t"))
      assert.strictEqual(error._tag, "Internal")
      assert.strictEqual(error.excerpt?.length, 4096)
      assert.isTrue(Option.isNone(yield* tasks.get("t")))
      const refused = yield* Effect.flip(Stream.runDrain(tasks.logs("t", noReconnect)))
      assert.strictEqual(refused._tag, "StreamInterrupted")
      assert.strictEqual(tagOf(yield* Effect.flip(tasks.runs("t"))), "Internal")
      yield* eventually(() => server.connections.open <= 1)
    }))

  it.scopedLive("opens no more connections than it may", () =>
    Effect.gen(function*() {
      const server = yield* serve((_, response) => void setTimeout(() => json(response, 200, {}), 10))
      const tasks = yield* tasksOver(layerHttpClient({ connections: 2 }), { url: server.url })
      yield* Effect.all(Array.from({ length: 8 }, () => tasks.get("t")), { concurrency: "unbounded" })
      assert.strictEqual(server.requests.length, 8)
      assert.strictEqual(server.connections.made, 2)
    }))

  it.scopedLive("closes its connections with its scope", () =>
    Effect.gen(function*() {
      const server = yield* serve((_, response) => json(response, 200, {}))
      yield* Effect.scoped(Effect.flatMap(tasksOver(layerHttpClient(), { url: server.url }), (tasks) => tasks.get("t")))
      yield* eventually(() => server.connections.open === 0)
      assert.strictEqual(server.connections.made, 1)
    }))

  it.scopedLive("connect: a TLS handshake that does not end", () =>
    Effect.gen(function*() {
      const server = yield* serveRaw(() => {})
      const tasks = yield* tasksOver(layerHttpClient({ connectTimeout: "60 millis" }), {
        url: server.url.replace("http:", "https:"),
        options: once
      })
      const error = yield* Effect.flip(tasks.get("t"))
      assert.strictEqual(error._tag, "Timeout")
      if (error._tag === "Timeout") assert.strictEqual(error.kind, "connect")
    }))

  it.scopedLive("https with a certificate of one's own", () =>
    Effect.gen(function*() {
      const server = yield* serveTls((_, response) => json(response, 200, {}))
      const trusting = yield* tasksOver(layerHttpClient({ ca: server.cert, connectTimeout: Infinity }), {
        url: server.url,
        token: Redacted.make("over-tls")
      })
      assert.isTrue(Option.isNone(yield* trusting.get("t")))
      assert.strictEqual(server.requests[0]?.headers["authorization"], "Bearer over-tls")
      for (const { layer } of transports) {
        const tasks = yield* tasksOver(layer, { url: server.url, options: once })
        const error = yield* Effect.flip(tasks.get("t"))
        assert.strictEqual(error._tag, "TransportError")
        assert.strictEqual(error.code, "DEPTH_ZERO_SELF_SIGNED_CERT")
      }
      assert.strictEqual(server.requests.length, 1)
    }))
})
