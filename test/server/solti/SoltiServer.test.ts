import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { TaskId } from "../../../src/schemas/solti/Tasks.js"
import { ApiHandler } from "../../../src/server/solti/ApiHandler.js"
import { SoltiServer } from "../../../src/server/solti/SoltiServer.js"
import { send } from "../core/Raw.js"

const handler = Layer.succeed(
  ApiHandler,
  ApiHandler.make({
    submitTask: () => Effect.succeed(TaskId.make("made")),
    getTaskStatus: () => Effect.succeed(Option.none()),
    queryTasks: () => Effect.succeed({ tasks: [], total: 0 }),
    listTaskRuns: () => Effect.succeed([]),
    deleteTask: () => Effect.void
  })
)

const serve = (options?: Parameters<typeof SoltiServer.layer>[0]) =>
  Effect.map(
    Layer.build(Layer.provide(SoltiServer.layer(options), handler)),
    (context) => Context.get(context, SoltiServer)
  )

describe("SoltiServer", () => {
  it.scopedLive("listens on a free port of the loopback interface", () =>
    Effect.gen(function*() {
      const { host, port, url } = yield* serve()
      assert.strictEqual(host, "127.0.0.1")
      assert.strictEqual(url, `http://127.0.0.1:${port}`)
      assert.deepInclude(yield* send(port, { path: "/api/v1/tasks" }), { status: 200 })
    }))

  it.live("frees its port when it is released", () =>
    Effect.gen(function*() {
      const port = yield* Effect.scoped(Effect.map(serve(), (address) => address.port))
      const again = yield* Effect.scoped(Effect.map(serve({ port }), (address) => address.port))
      assert.strictEqual(again, port)
    }))

  it.scopedLive("is not open to the network without a token, unless told so", () =>
    Effect.gen(function*() {
      for (const host of ["0.0.0.0", "::", "192.0.2.1", "example.com", "127.0.0.1.example.com", "128.0.0.1", ""]) {
        const refused = yield* Effect.flip(serve({ host }))
        assert.deepInclude(refused, { _tag: "UnprotectedBind", host })
        assert.include(refused.message, "without a token")
      }
      const open = yield* serve({ host: "0.0.0.0", allowUnauthenticated: true })
      assert.strictEqual(open.url, `http://127.0.0.1:${open.port}`)
      assert.strictEqual((yield* send(open.port, { path: "/api/v1/tasks" })).status, 200)
      const guarded = yield* serve({ host: "0.0.0.0", token: Redacted.make("t") })
      assert.strictEqual((yield* send(guarded.port, { path: "/api/v1/tasks" })).status, 401)
    }))

  it.scopedLive("answers no web page of another host, unless it asks for a token or is told so", () =>
    Effect.gen(function*() {
      const statusOf = (port: number, headers: Readonly<Record<string, string>>) =>
        Effect.map(send(port, { path: "/api/v1/tasks", headers }), ({ status }) => status)
      const { port } = yield* serve()
      const browser = { "user-agent": "Mozilla/5.0 (X11; Linux x86_64)" }
      for (
        const host of [`127.0.0.1:${port}`, `localhost:${port}`, "[::1]", "agent.localhost", "LOCALHOST", "127.9.9.9"]
      ) {
        assert.strictEqual(yield* statusOf(port, { ...browser, host }), 200, host)
      }
      for (const host of ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "a b", "192.0.2.1"]) {
        assert.strictEqual(yield* statusOf(port, { ...browser, host }), 403, host)
        // A program is no page, whatever it calls the host.
        assert.strictEqual(yield* statusOf(port, { host }), 200, host)
      }
      assert.strictEqual(yield* statusOf(port, { origin: "http://localhost:3000" }), 200)
      for (const origin of ["http://evil.example", "null", "https://127.0.0.1.evil.example"]) {
        assert.strictEqual(yield* statusOf(port, { origin }), 403, origin)
      }
      const open = yield* serve({ allowUnauthenticated: true })
      assert.strictEqual(yield* statusOf(open.port, { origin: "http://agent.example" }), 200)
      const guarded = yield* serve({ token: Redacted.make("t") })
      assert.strictEqual(
        yield* statusOf(guarded.port, { origin: "http://agent.example", authorization: "Bearer t" }),
        200
      )
    }))

  it.scopedLive("needs no token on the loopback interface", () =>
    Effect.gen(function*() {
      for (const host of ["127.0.0.1", "localhost", "127.9.9.9"]) {
        assert.strictEqual((yield* serve({ host })).host, host)
      }
    }))

  it.scopedLive("says that its port is in use", () =>
    Effect.gen(function*() {
      const { port } = yield* serve()
      assert.deepInclude(yield* Effect.flip(serve({ port })), { _tag: "ListenError", reason: "PortInUse", port })
    }))
})
