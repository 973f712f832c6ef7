import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import { describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { inspect } from "node:util"
import { assert } from "vitest"
import * as Front from "../../../src/server/core/Front.js"
import * as InMemory from "../../../src/server/core/InMemory.js"
import * as Fault from "../../../src/testing/core/Fault.js"
import { Recorder } from "../../../src/testing/core/Recorder.js"
import * as VirtualTime from "../../../src/testing/core/VirtualTime.js"
import { request as socketRequest, take } from "../../services/support/Sockets.js"

const secret = "s3cr3t-value"

const request = HttpClientRequest.post("http://test/tasks/a?limit=5&access_token=s3cr3t-value&q=x").pipe(
  HttpClientRequest.setHeaders({
    authorization: `Bearer ${secret}`,
    "x-api-key": secret,
    cookie: `session=${secret}`,
    "idempotency-key": "once",
    accept: "application/json"
  }),
  HttpClientRequest.bodyText(`{"env":"${secret}"}`, "application/json")
)

const server: Front.Front = (request) =>
  Effect.as(Effect.orDie(request.bytes(1000)), Front.json(201, "{}", { "set-cookie": secret }))

/** Where requests are recorded: by the client that sends them, or by the front that gets them. */
const places = {
  client: Layer.provide(Recorder.layerClient, InMemory.layer(Effect.succeed(server))),
  front: Layer.unwrapEffect(Effect.map(Recorder.make, (recorder) =>
    Layer.merge(
      Layer.succeed(Recorder, recorder),
      InMemory.layer(Effect.succeed(recorder.front(server)))
    )))
}

for (const [place, layer] of Object.entries(places)) {
  describe(`a recorder at the ${place}`, () => {
    it.effect("keeps what was sent, without credentials", () =>
      Effect.gen(function*() {
        const recorder = yield* Recorder
        yield* HttpClient.execute(request)
        const [recorded] = yield* recorder.requests
        assert.isDefined(recorded)
        assert.strictEqual(recorded.method, "POST")
        assert.strictEqual(recorded.path, "/tasks/a?limit=5&access_token=<redacted>&q=x")
        assert.deepStrictEqual(recorded.status, Option.some(201))
        assert.strictEqual(Redacted.value(recorded.body), `{"env":"${secret}"}`)
        assert.deepInclude(recorded.headers, {
          accept: "application/json",
          authorization: "<redacted>",
          cookie: "<redacted>",
          "idempotency-key": "once",
          "x-api-key": "<redacted>"
        })
        assert.notInclude(inspect(recorded, { depth: 9 }) + JSON.stringify(recorded), secret)
        assert.strictEqual(recorder.count(), 2)
      }).pipe(Effect.provide(layer)))

    it.effect("compares what was sent with what was expected", () =>
      Effect.gen(function*() {
        const recorder = yield* Recorder
        yield* HttpClient.get("http://test/tasks")
        yield* HttpClient.del("http://test/tasks/default-a-1")
        yield* recorder.expect(["GET /tasks 201", "DELETE /tasks/* 201"])
        for (
          const other of [
            ["GET /tasks 201"],
            ["DELETE /tasks/* 201", "GET /tasks 201"],
            ["GET /tasks 201", "DELETE /tasks/* 204"],
            ["GET /tasks 201", "DELETE /*  201"],
            ["GET /tasks 201", "DELETE * 201"]
          ]
        ) {
          const error = yield* Effect.flip(recorder.expect(other))
          assert.strictEqual(error._tag, "UnexpectedRequests")
          assert.deepStrictEqual(error.actual, ["GET /tasks 201", "DELETE /tasks/default-a-1 201"])
        }
        yield* recorder.clear
        yield* recorder.expect([])
      }).pipe(Effect.provide(layer)))
  })
}

describe("a recorder", () => {
  it.effect("shows both sides when they differ", () =>
    Effect.gen(function*() {
      const recorder = yield* Recorder.make
      const error = yield* Effect.flip(recorder.expect(["GET /a 200"]))
      assert.strictEqual(error.message, "expected these requests:\n  GET /a 200\nbut these were sent:")
    }))

  it.effect("keeps a request that got no answer", () =>
    Effect.gen(function*() {
      const recorder = yield* Recorder.make
      const client = yield* InMemory.client(recorder.front((request) => Fault.hangUp()(Effect.never, request)))
      yield* Effect.flip(client.get("http://test/tasks"))
      yield* recorder.expect(["GET /tasks -"])
    }))

  it.scoped("passes upgrades through, hides their tickets, and counts what goes over the connection", () =>
    Effect.gen(function*() {
      const recorder = yield* Recorder.make
      const sockets = yield* InMemory.webSockets(
        recorder.front(() =>
          Effect.succeed(
            Front.upgrade((connection) =>
              Effect.ignore(
                Effect.forever(Effect.flatMap(connection.receive, (frames) => connection.send([...frames])))
              )
            )
          )
        )
      )
      const connection = yield* sockets.open(socketRequest(80, { path: "/v1/ws/x?token=secret&recipient=a" }))
      yield* recorder.expect(["GET /v1/ws/x?token=<redacted>&recipient=a 101"])
      const before = recorder.count()
      yield* connection.send(["a"])
      assert.deepStrictEqual(yield* take(connection, 1), ["a"])
      assert.isAtLeast(recorder.count(), before + 2)
    }))

  it.scoped("keeps time from passing while frames go to and fro", () =>
    Effect.gen(function*() {
      const recorder = yield* Recorder.make
      const sockets = yield* InMemory.webSockets(recorder.front(() =>
        Effect.succeed(Front.upgrade((connection) =>
          Effect.ignore(Effect.forever(Effect.flatMap(connection.receive, (frames) =>
            connection.send([...frames]))))
        ))
      ))
      yield* VirtualTime.passing(recorder.count)
      const sleeping = yield* Effect.fork(Effect.delay(Clock.currentTimeMillis, "1 hour"))
      const connection = yield* sockets.open(socketRequest(80))
      for (let round = 0; round < 5000; round++) {
        yield* connection.send(["ping"])
        yield* connection.receive
      }
      assert.strictEqual(yield* Clock.currentTimeMillis, 0)
      assert.strictEqual(yield* Fiber.join(sleeping), 3_600_000)
    }))
})
