import * as HttpClient from "@effect/platform/HttpClient"
import { describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { assert } from "vitest"
import { layerHttpClient } from "../../../src/node.js"
import * as Front from "../../../src/server/core/Front.js"
import { TestServer } from "../../../src/testing/core/TestServer.js"

class Greeting extends Context.Tag("test/Greeting")<Greeting, string>() {}

const front = Effect.map(Greeting, (greeting): Front.Front => () => Effect.succeed(Front.text(200, greeting)))

describe("a server of a test", () => {
  it.scopedLive("listens on loopback for as long as its layer lives", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const layer = Layer.provide(TestServer.layer(front), Layer.succeed(Greeting, "hello"))
      const { host, port, url } = Context.get(yield* Layer.buildWithScope(layer, scope), TestServer)
      assert.strictEqual(host, "127.0.0.1")
      assert.strictEqual(url, `http://127.0.0.1:${port}`)
      const get = Effect.flatMap(HttpClient.get(url), (response) => response.text)
      assert.strictEqual(yield* get, "hello")
      yield* Scope.close(scope, yield* Effect.exit(Effect.void))
      assert.strictEqual((yield* Effect.flip(get))._tag, "RequestError")
    }).pipe(Effect.provide(layerHttpClient())))

  it.scopedLive("says when it cannot listen", () =>
    Effect.gen(function*() {
      const greeted = Layer.succeed(Greeting, "hello")
      const first = yield* Layer.build(Layer.provide(TestServer.layer(front), greeted))
      const { port } = Context.get(first, TestServer)
      const error = yield* Effect.flip(Layer.build(Layer.provide(TestServer.layer(front, { port }), greeted)))
      assert.strictEqual(error._tag, "ListenError")
      assert.strictEqual(error.reason, "PortInUse")
    }))
})
