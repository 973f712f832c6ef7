import * as HttpBody from "@effect/platform/HttpBody"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import type { Front } from "../../../src/server/core/Front.js"
import { Hangup, json, StreamBody, text } from "../../../src/server/core/Front.js"
import * as InMemory from "../../../src/server/core/InMemory.js"

const streaming = (body: ConstructorParameters<typeof StreamBody>[0]) => ({
  status: 200,
  headers: { "content-type": "text/plain" },
  body: new StreamBody(body)
})

const decode = (piece: Uint8Array) => new TextDecoder().decode(piece)

const echo: Front = (request) =>
  Effect.match(request.bytes(20), {
    onFailure: ({ _tag }) => text(413, _tag),
    onSuccess: (bytes) =>
      json(
        200,
        JSON.stringify({
          method: request.method,
          target: request.target,
          type: request.headers["content-type"],
          length: request.headers["content-length"],
          host: request.headers["host"],
          body: decode(bytes)
        })
      )
  })

describe("InMemory", () => {
  it.effect("hands over requests, with bodies of all kinds", () =>
    Effect.gen(function*() {
      const client = yield* InMemory.client(echo)
      const url = "http://any.host:1/a/%2F%20b?x=1&y=%2B"
      const plain = yield* Effect.flatMap(client.get(url), (response) => response.json)
      assert.deepStrictEqual(plain, { method: "GET", target: "/a/%2F%20b?x=1&y=%2B", host: "any.host:1", body: "" })
      const body = { body: "{\"a\":1}", length: "7", type: "application/json" }
      const bodies = [
        HttpBody.unsafeJson({ a: 1 }),
        HttpBody.stream(Stream.make("{\"a\"", ":1}").pipe(Stream.encodeText), "application/json", 7),
        HttpBody.raw("{\"a\":1}", { contentType: "application/json", contentLength: 7 })
      ]
      for (const sent of bodies) {
        const answer = yield* Effect.flatMap(client.post(url, { body: sent }), (response) => response.json)
        assert.deepInclude(answer, { method: "POST", ...body })
      }
      const form = HttpClientRequest.post(url).pipe(HttpClientRequest.bodyFormDataRecord({ a: "b" }))
      const refused = yield* client.execute(form)
      assert.strictEqual(refused.status, 413)
      assert.strictEqual(yield* refused.text, "BodyTooLarge")
    }))

  it.effect("reads a response more than once", () =>
    Effect.gen(function*() {
      const client = yield* InMemory.client(() =>
        Effect.succeed(json(200, "{\"a\":1}", { "set-cookie": "c=d; Path=/" }))
      )
      const response = yield* client.get("http://x/")
      assert.deepStrictEqual(yield* response.json, { a: 1 })
      assert.strictEqual(yield* response.text, "{\"a\":1}")
      assert.strictEqual(response.headers["content-type"], "application/json")
      assert.include(JSON.stringify(response), "\"status\":200")
    }))

  it.effect("runs the front in its own context", () =>
    Effect.gen(function*() {
      const Name = Context.GenericTag<"Name", string>("Name")
      const front: Front<"Name"> = () => Effect.map(Name, (name) => text(200, name))
      const client = yield* Effect.provideService(InMemory.client(front), Name, "inner")
      const response = yield* client.get("http://x/")
      assert.strictEqual(yield* response.text, "inner")
    }))

  it.effect("delivers the pieces of a stream as they were sent, under the clock of the test", () =>
    Effect.gen(function*() {
      const stream = Stream.make("one").pipe(
        Stream.concat(Stream.drain(Stream.fromEffect(Effect.sleep("1 hour")))),
        Stream.concat(Stream.make("two", "three"))
      )
      const client = yield* InMemory.client(() => Effect.succeed(streaming({ stream })))
      const reading = yield* client.get("http://x/").pipe(
        Effect.flatMap((response) => Stream.runCollect(response.stream)),
        Effect.fork
      )
      yield* TestClock.adjust("59 minutes")
      assert.isNull(yield* Fiber.poll(reading).pipe(Effect.map((exit) => exit._tag === "None" ? null : exit)))
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual((yield* Fiber.join(reading)).pipe(Chunk.map(decode), Chunk.toReadonlyArray), [
        "one",
        "two",
        "three"
      ])
    }))

  it.effect("sends the idle piece after each silence", () =>
    Effect.gen(function*() {
      const stream = Stream.fromEffect(Effect.sleep("20 seconds")).pipe(
        Stream.as("a"),
        Stream.concat(Stream.drain(Stream.fromEffect(Effect.sleep("40 seconds"))))
      )
      const client = yield* InMemory.client(() =>
        Effect.succeed(streaming({ stream, idle: { after: "15 seconds", piece: ":" } }))
      )
      const reading = yield* Effect.fork(Effect.flatMap(client.get("http://x/"), (response) => response.text))
      yield* TestClock.adjust("60 seconds")
      // At 15, then 15 s behind the piece of 20: at 35 and 50.
      assert.strictEqual(yield* Fiber.join(reading), ":a::")
    }))

  it.effect("pulls a stream only as far as the reader has room", () =>
    Effect.gen(function*() {
      let pulled = 0
      const stream = Stream.repeatEffect(Effect.sync(() => String(pulled++))).pipe(Stream.rechunk(1))
      const client = yield* InMemory.client(() => Effect.succeed(streaming({ stream })))
      const response = yield* client.get("http://x/")
      yield* Effect.yieldNow()
      assert.strictEqual(pulled, 16)
      const taken = yield* response.stream.pipe(Stream.map(decode), Stream.take(40), Stream.runCollect)
      assert.deepStrictEqual(Chunk.toReadonlyArray(taken), Array.from({ length: 40 }, (_, index) => String(index)))
    }))

  it.effect("interrupts the front when the reader leaves a body, and when a call is interrupted", () =>
    Effect.gen(function*() {
      const closed = yield* Deferred.make<Exit.Exit<unknown, unknown>>()
      const client = yield* InMemory.client(() =>
        Effect.as(
          Effect.addFinalizer((exit) => Deferred.succeed(closed, exit)),
          streaming({ stream: Stream.concat(Stream.make("a"), Stream.never) })
        )
      )
      const response = yield* client.get("http://x/")
      yield* Stream.runDrain(Stream.take(response.stream, 1))
      assert.isTrue(Exit.isInterrupted(yield* Deferred.await(closed)))

      const started = yield* Deferred.make<void>()
      const interrupted = yield* Deferred.make<void>()
      const silent = yield* InMemory.client(() =>
        Deferred.succeed(started, undefined).pipe(
          Effect.zipRight(Effect.never),
          Effect.onInterrupt(() => Deferred.succeed(interrupted, undefined))
        )
      )
      const call = yield* Effect.fork(silent.get("http://x/"))
      yield* Deferred.await(started)
      yield* Fiber.interrupt(call)
      yield* Deferred.await(interrupted)
    }))

  it.effect("fails as a transport does where the front hangs up or breaks off", () =>
    Effect.gen(function*() {
      const hungUp = yield* InMemory.client(() => new Hangup())
      const refused = yield* Effect.flip(hungUp.get("http://x/"))
      assert.deepInclude(refused, { _tag: "RequestError", reason: "Transport" })

      const broken = yield* InMemory.client(() =>
        Effect.succeed(streaming({ stream: Stream.concat(Stream.make("a"), Stream.fail("broken")) }))
      )
      const response = yield* broken.get("http://x/")
      const pieces: Array<string> = []
      const failure = yield* response.stream.pipe(
        Stream.runForEach((piece) => Effect.sync(() => pieces.push(decode(piece)))),
        Effect.flip
      )
      assert.deepStrictEqual(pieces, ["a"])
      assert.strictEqual(failure._tag, "ResponseError")
    }))
})
