import * as HttpClient from "@effect/platform/HttpClient"
import type * as HttpClientError from "@effect/platform/HttpClientError"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import { describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { assert } from "vitest"
import { layerHttpClient } from "../../../src/node.js"
import * as Front from "../../../src/server/core/Front.js"
import * as InMemory from "../../../src/server/core/InMemory.js"
import * as NodeServer from "../../../src/server/core/NodeServer.js"
import * as Fault from "../../../src/testing/core/Fault.js"
import { advance } from "../../../src/testing/core/VirtualTime.js"

const frames = ["one\n", "two\n", "three\n"]

interface Seen {
  readonly status: number
  readonly headers: Readonly<Record<string, string | undefined>>
  /** Chunk by chunk. */
  readonly body: ReadonlyArray<string>
  readonly end: "proper" | "broken"
}

/** `/stream` answers in frames, everything else with JSON; counts what it has handled. */
const makeServer = (fault: Fault.Fault) => {
  let handled = 0
  const plain: Front.Front = (request) =>
    Effect.sync(() => {
      handled++
      return request.target === "/stream"
        ? { status: 200, headers: {}, body: new Front.StreamBody({ stream: Stream.fromIterable(frames) }) }
        : Front.json(200, "{\"a\":12345}")
    })
  const front: Front.Front = (request) => fault(plain(request), request)
  return { front, handled: () => handled }
}

const look = (response: HttpClientResponse.HttpClientResponse): Effect.Effect<Seen> =>
  Effect.suspend(() => {
    const body: Array<string> = []
    return response.stream.pipe(
      Stream.runForEach((bytes) => Effect.sync(() => body.push(new TextDecoder().decode(bytes)))),
      Effect.match({ onFailure: () => "broken" as const, onSuccess: () => "proper" as const }),
      Effect.map((end) => ({ status: response.status, headers: response.headers, body, end }))
    )
  })

type Ask = (
  fault: Fault.Fault,
  path: string
) => Effect.Effect<{ readonly seen: Seen; readonly handled: number }, HttpClientError.HttpClientError>

const inMemory: Ask = (fault, path) =>
  Effect.gen(function*() {
    const { front, handled } = makeServer(fault)
    const client = yield* InMemory.client(front)
    const seen = yield* Effect.flatMap(client.get(`http://test${path}`), look)
    return { seen, handled: handled() }
  })

const overSocket: Ask = (fault, path) =>
  Effect.gen(function*() {
    const { front, handled } = makeServer(fault)
    const { url } = yield* Effect.orDie(NodeServer.listen(front))
    const seen = yield* Effect.flatMap(HttpClient.get(url + path), look)
    return { seen, handled: handled() }
  }).pipe(Effect.scoped, Effect.provide(layerHttpClient()))

for (const [where, ask] of [["in memory", inMemory], ["on a socket", overSocket]] as const) {
  const bodyOf = (fault: Fault.Fault, path: string) =>
    Effect.map(ask(fault, path), ({ seen: { body, end } }) => ({ text: body.join(""), end }))

  describe(`faults ${where}`, () => {
    it.live("a status in place of the server's answer", () =>
      Effect.gen(function*() {
        const fault = Fault.status(503, { retryAfter: 7, headers: { "content-type": "text/plain" }, body: "busy" })
        const { handled, seen } = yield* ask(fault, "/")
        assert.strictEqual(handled, 0)
        assert.strictEqual(seen.status, 503)
        assert.deepInclude(seen.headers, { "retry-after": "7", "content-type": "text/plain" })
        assert.deepStrictEqual(seen.body, ["busy"])
      }))

    it.live("a page of a proxy", () =>
      Effect.gen(function*() {
        const { seen } = yield* ask(Fault.html(200), "/")
        assert.strictEqual(seen.status, 200)
        assert.strictEqual(seen.headers["content-type"], "text/html; charset=utf-8")
        assert.match(seen.body.join(""), /^<!doctype html>/)
      }))

    it.live("no answer, with and without the work", () =>
      Effect.gen(function*() {
        let handled = 0
        const counting: Fault.Fault = (next, request) =>
          Fault.hangUp({ handled: true })(Effect.tap(next, () => Effect.sync(() => handled++)), request)
        const lost = yield* Effect.flip(ask(counting, "/"))
        assert.strictEqual(lost._tag, "RequestError")
        assert.strictEqual(handled, 1)
        const refused = yield* Effect.flip(
          ask((next, request) => Fault.hangUp()(Effect.tap(next, () => Effect.sync(() => handled++)), request), "/")
        )
        assert.strictEqual(refused._tag, "RequestError")
        assert.strictEqual(handled, 1)
      }))

    it.live("a body that breaks off behind so many bytes, or frames, or inside a frame", () =>
      Effect.gen(function*() {
        assert.deepStrictEqual(yield* bodyOf(Fault.cut({ bytes: 3 }), "/"), { text: "{\"a", end: "broken" })
        assert.deepStrictEqual(yield* bodyOf(Fault.cut({}), "/stream"), { text: "", end: "broken" })
        assert.deepStrictEqual(yield* bodyOf(Fault.cut({ pieces: 2 }), "/stream"), {
          text: "one\ntwo\n",
          end: "broken"
        })
        assert.deepStrictEqual(
          yield* bodyOf(Fault.cut({ pieces: 1, bytes: 2 }), "/stream"),
          { text: "one\ntw", end: "broken" }
        )
        assert.deepStrictEqual(
          yield* bodyOf(Fault.cut({ bytes: 6 }), "/stream"),
          { text: "one\ntw", end: "broken" }
        )
        assert.deepStrictEqual(
          yield* bodyOf(Fault.cut({ bytes: 1000 }), "/stream"),
          { text: frames.join(""), end: "broken" }
        )
      }))

    it.live("a body that ends too early, but properly", () =>
      Effect.gen(function*() {
        assert.deepStrictEqual(yield* bodyOf(Fault.truncate({ bytes: 7 }), "/"), { text: "{\"a\":12", end: "proper" })
        assert.deepStrictEqual(
          yield* bodyOf(Fault.truncate({ pieces: 1 }), "/stream"),
          { text: "one\n", end: "proper" }
        )
      }))

    it.live("frames that come twice, and frames that nobody sent", () =>
      Effect.gen(function*() {
        assert.deepStrictEqual(
          yield* bodyOf(Fault.duplicate(), "/stream"),
          { text: "one\none\ntwo\ntwo\nthree\nthree\n", end: "proper" }
        )
        assert.deepStrictEqual(
          yield* bodyOf(Fault.duplicate({ piece: 1 }), "/stream"),
          { text: "one\ntwo\ntwo\nthree\n", end: "proper" }
        )
        assert.deepStrictEqual(
          yield* bodyOf(Fault.insert(2, "extra\n"), "/stream"),
          { text: "one\ntwo\nextra\nthree\n", end: "proper" }
        )
      }))

    it.live("several at once", () =>
      Effect.gen(function*() {
        const fault = Fault.all(Fault.cut({ pieces: 3 }), Fault.duplicate({ piece: 0 }))
        assert.deepStrictEqual(yield* bodyOf(fault, "/stream"), { text: "one\none\ntwo\n", end: "broken" })
      }))
  })
}

describe("faults of time", () => {
  const during = (fault: Fault.Fault) =>
    Effect.gen(function*() {
      const began = yield* Deferred.make<number>()
      const { front } = makeServer((next, request) =>
        fault(
          Effect.zipRight(Effect.flatMap(Clock.currentTimeMillis, (now) => Deferred.succeed(began, now)), next),
          request
        )
      )
      const client = yield* InMemory.client(front)
      const asked = yield* Effect.fork(Effect.zipRight(client.get("http://test/"), Clock.currentTimeMillis))
      return { began, asked }
    })

  it.effect("a request that reaches the server late", () =>
    Effect.gen(function*() {
      const { asked, began } = yield* during(Fault.delay("3 seconds"))
      yield* advance("5 seconds")
      assert.strictEqual(yield* Deferred.await(began), 3000)
      assert.strictEqual(yield* Fiber.join(asked), 3000)
    }))

  it.effect("an answer that comes late", () =>
    Effect.gen(function*() {
      const { asked, began } = yield* during(Fault.delayAnswer("3 seconds"))
      yield* advance("5 seconds")
      assert.strictEqual(yield* Deferred.await(began), 0)
      assert.strictEqual(yield* Fiber.join(asked), 3000)
    }))

  it.effect("an answer that never comes", () =>
    Effect.gen(function*() {
      const { asked, began } = yield* during(Fault.silence)
      yield* advance("1 day")
      assert.isFalse(yield* Deferred.isDone(began))
      assert.isTrue(Option.isNone(yield* Fiber.poll(asked)))
      yield* Fiber.interrupt(asked)
    }))
})
