import * as HttpClient from "@effect/platform/HttpClient"
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { AccumulatorSockets } from "../../../src/services/cloacina/AccumulatorSockets.js"
import * as Client from "../../../src/services/cloacina/Client.js"
import { Delivery, runForEachAcked } from "../../../src/services/cloacina/Delivery.js"
import { OpsWatch } from "../../../src/services/cloacina/OpsWatch.js"
import { ReactorSockets } from "../../../src/services/cloacina/ReactorSockets.js"
import { withOptions } from "../../../src/services/core/CallOptions.js"
import type { OpenRequest, Refusal } from "../../../src/services/core/WebSockets.js"
import { OpenError, WebSockets } from "../../../src/services/core/WebSockets.js"
import { acks, base64, eventOf, FakeSocket, leftBehind, push, recipient, welcome } from "../../streams/cloacina/Fake.js"
import * as Memory from "../support/Memory.js"
import { running, settle } from "../support/Memory.js"
import * as Observe from "../support/Observe.js"

const secret = "clk_k3VYpQ0sT1mH8xq2vJzR7bNwLd5aGfEcU9iXoSyZr4A"

type Answer = void | Refusal | "unreachable" | Effect.Effect<void>

const refusal = (status: number, code: string, error: string, headers: Refusal["headers"] = {}): Refusal => ({
  status,
  headers: { "content-type": "application/json", "x-request-id": "req-1", ...headers },
  body: JSON.stringify({ error, code })
})

/** A server: tickets and lists over HTTP, and what happens to each upgrade. */
const world = (
  onOpen: (socket: FakeSocket, index: number, request: OpenRequest) => Answer,
  options?: {
    readonly client?: Partial<Client.Options>
    readonly sendsHeaders?: boolean
    readonly reply?: (request: Memory.Sent, index: number) => Memory.Reply | undefined
  }
) => {
  const sockets: Array<FakeSocket> = []
  const requests: Array<OpenRequest> = []
  let tickets = 0
  const { client, sent } = Memory.make((request, index) => {
    const given = options?.reply?.(request, index)
    if (given !== undefined) return given
    if (!request.path.endsWith("/v1/auth/ws-ticket")) return Memory.json(404, {})
    return Memory.json(200, { ticket: `ticket/${++tickets}`, expires_in_seconds: 60 })
  })
  const webSockets: WebSockets.Service = {
    sendsHeaders: options?.sendsHeaders ?? true,
    open: (request) =>
      Effect.flatMap(
        Effect.acquireRelease(Effect.sync(() => new FakeSocket()), ({ connection }) => connection.close(1000)),
        (socket) => {
          requests.push(request)
          const answer = onOpen(socket, sockets.push(socket) - 1, request)
          if (answer === undefined) return Effect.succeed(socket.connection)
          if (Effect.isEffect(answer)) return Effect.as(answer, socket.connection)
          return Effect.fail(
            new OpenError({
              reason: answer === "unreachable" ? "unreachable" : "refused",
              detail: `no luck with ${request.url}`,
              refusal: answer === "unreachable" ? Option.none() : Option.some(answer)
            })
          )
        }
      )
  }
  const layer = Layer.mergeAll(Delivery.layer, OpsWatch.layer, ReactorSockets.layer, AccumulatorSockets.layer).pipe(
    Layer.provideMerge(Client.layer({
      url: "http://127.0.0.1:8080/base/",
      key: Redacted.make(secret),
      options: { retry: { maxRetries: 0 } },
      ...options?.client
    })),
    Layer.provide(Layer.merge(
      Layer.succeed(HttpClient.HttpClient, client),
      Layer.succeed(WebSockets, webSockets)
    ))
  )
  return { layer, sockets, requests, sent }
}

const greets = (...frames: ReadonlyArray<string>) => (socket: FakeSocket) => socket.say(welcome, ...frames)

const subscribe = (to = recipient, options?: Parameters<Delivery.Service["subscribe"]>[1]) =>
  Stream.unwrap(Effect.map(Delivery, (delivery) => delivery.subscribe(to, options)))

const failed = <A, E, R>(stream: Stream.Stream<A, E, R>) => running(Effect.flip(Stream.runDrain(stream)))

describe("opening a socket", () => {
  it.effect("takes a ticket each time, and puts recipient and ticket into the URL as data", () =>
    Effect.gen(function*() {
      const { layer, requests, sent } = world((socket, index) => {
        greets(push(index))(socket)
        socket.end(1006)
      })
      yield* running(Stream.runDrain(Stream.take(subscribe("a/b:c %'ü"), 2))).pipe(Effect.provide(layer))
      assert.deepStrictEqual(sent.map(({ method, path }) => `${method} ${path}`), [
        "POST /base/v1/auth/ws-ticket",
        "POST /base/v1/auth/ws-ticket"
      ])
      assert.deepStrictEqual(sent.map(({ headers }) => headers["authorization"]), Array(2).fill(`Bearer ${secret}`))
      assert.deepStrictEqual(requests.map(({ headers, url }) => [url, headers]), [
        ["ws://127.0.0.1:8080/base/v1/ws/delivery/a%2Fb%3Ac%20%25'%C3%BC?token=ticket%2F1", {}],
        ["ws://127.0.0.1:8080/base/v1/ws/delivery/a%2Fb%3Ac%20%25'%C3%BC?token=ticket%2F2", {}]
      ])
    }))

  it.effect("uses wss behind https, sends the headers of the options, and the key in one where that is asked for", () =>
    Effect.gen(function*() {
      const options = { client: { url: "https://cloacina.test" } }
      const header = world(greets(push(1)), options)
      const stream = Stream.take(subscribe(recipient, { authorization: "header", headers: { "x-proxy": "p" } }), 1)
      yield* Stream.runDrain(stream).pipe(Effect.provide(header.layer))
      assert.strictEqual(header.sent.length, 0)
      assert.deepStrictEqual(
        header.requests.map(({ headers, url }) => [url.slice(0, 20), url.includes("token"), headers]),
        [
          ["wss://cloacina.test/", false, { "x-proxy": "p", authorization: `Bearer ${secret}` }]
        ]
      )
      const browser = world(greets(push(1)), { ...options, sendsHeaders: false })
      yield* Stream.runDrain(stream).pipe(withOptions({ headers: { "x-more": "m" } }), Effect.provide(browser.layer))
      assert.strictEqual(browser.sent.length, 1)
      assert.deepStrictEqual(browser.requests[0]?.headers, {})
    }))

  it.effect("lets 1024 frames wait, or as many as it is told to", () =>
    Effect.gen(function*() {
      const { layer, requests } = world(greets(push(1)))
      for (const options of [undefined, { highWater: 8 }]) {
        yield* Stream.runDrain(Stream.take(subscribe(recipient, options), 1)).pipe(Effect.provide(layer))
      }
      assert.deepStrictEqual(requests.map(({ highWater }) => highWater), [1024, 8])
    }))

  for (const bad of ["", " ", ".", "..", "\ud800"]) {
    it.effect(`refuses ${JSON.stringify(bad)} before any request`, () =>
      Effect.gen(function*() {
        const { layer, requests, sent } = world(greets())
        assert.strictEqual((yield* failed(subscribe(bad)).pipe(Effect.provide(layer)))._tag, "InvalidInput")
        assert.deepStrictEqual([requests.length, sent.length], [0, 0])
      }))
  }

  it.effect("says so when there is no WebSocket, or no key", () =>
    Effect.gen(function*() {
      const { layer } = world(greets())
      const none = Layer.effect(
        Client.Client,
        Effect.map(Client.Client, (client) => ({ ...client, webSockets: Option.none() }))
      )
      const error = yield* failed(subscribe()).pipe(
        Effect.provide(Layer.fresh(Delivery.layer).pipe(Layer.provide(none), Layer.provide(layer)))
      )
      assert.strictEqual(error._tag === "TransportError" && error.code, "NO_WEB_SOCKET")
      const keyless = world(greets(), { client: { key: undefined } })
      for (const authorization of ["ticket", "header"] as const) {
        const error = yield* failed(subscribe(recipient, { authorization })).pipe(Effect.provide(keyless.layer))
        assert.strictEqual(error._tag, "Unauthorized")
      }
      assert.deepStrictEqual([keyless.sent.length, keyless.requests.length], [0, 0])
    }))

  for (const status of [401, 403]) {
    it.effect(`fails at once when the ticket request is answered ${status}`, () =>
      Effect.gen(function*() {
        const { layer, requests, sent } = world(greets(), {
          reply: () => Memory.json(status, { error: "no", code: "nope" }, { "x-request-id": "req-9" })
        })
        const error = yield* failed(subscribe()).pipe(Effect.provide(layer))
        assert.strictEqual(error._tag, status === 401 ? "Unauthorized" : "Forbidden")
        assert.strictEqual("requestId" in error && error.requestId, "req-9")
        assert.deepStrictEqual([requests.length, sent.length], [0, 1])
      }))
  }

  it.effect("asks for a ticket again when that fails in passing", () =>
    Effect.gen(function*() {
      const { layer, sent } = world(greets(push(1)), {
        reply: (_, index) => index === 0 ? "reset" : index === 1 ? Memory.json(503, {}) : undefined
      })
      yield* running(Stream.runDrain(Stream.take(subscribe(), 1))).pipe(Effect.provide(layer))
      assert.strictEqual(sent.length, 3)
    }))

  for (
    const [what, answer, tag, upgrades, code] of [
      [
        "a refused ticket",
        refusal(401, "unauthorized", "invalid or expired WebSocket ticket"),
        "Unauthorized",
        4,
        "unauthorized"
      ],
      ["403", refusal(403, "endpoint_access_denied", "no"), "Forbidden", 1, "endpoint_access_denied"],
      ["404", refusal(404, "not_found", "no"), "VersionMismatch", 1, "not_found"],
      ["426", { status: 426, headers: {}, body: "upgrade" }, "UnexpectedStatus", 1, undefined],
      [
        "a redirect",
        { status: 307, headers: { location: "http://127.0.0.1:1/v1/" }, body: "" },
        "UnexpectedStatus",
        1,
        undefined
      ],
      ["503", refusal(503, "x", "later"), "StreamInterrupted", 3, "x"],
      ["no server", "unreachable", "StreamInterrupted", 3, undefined]
    ] as const
  ) {
    it.effect(`an upgrade that ends in ${what} is ${tag}`, () =>
      Effect.gen(function*() {
        const { layer, requests } = world(() => answer)
        const reconnect = what === "a refused ticket" ? { maxReconnects: Infinity } : { maxReconnects: 2 }
        const error = yield* failed(subscribe(recipient, { reconnect })).pipe(Effect.provide(layer))
        assert.strictEqual(error._tag, tag)
        assert.strictEqual(requests.length, upgrades)
        assert.strictEqual("code" in error ? error.code : undefined, code)
        if (typeof answer === "object" && "x-request-id" in answer.headers) {
          assert.strictEqual("requestId" in error && error.requestId, "req-1")
        }
      }))
  }

  it.effect("takes the new key for the next connection, and leaves the open one alone", () =>
    Effect.gen(function*() {
      const { layer, sent, sockets } = world((socket, index) => greets(push(index))(socket))
      yield* Effect.gen(function*() {
        const client = yield* Client.Client
        const fiber = yield* Effect.fork(Stream.runDrain(subscribe()))
        yield* settle
        yield* client.credential.replace(() => Effect.succeedSome(Redacted.make("clk_other")))
        const second = yield* Effect.fork(Stream.runDrain(subscribe()))
        yield* settle
        assert.strictEqual(sockets.length, 1)
        sockets[0]?.end(1006)
        yield* settle
        yield* TestClock.adjust("1 second")
        yield* settle
        assert.deepStrictEqual(sent.map(({ headers }) => headers["authorization"]), [
          `Bearer ${secret}`,
          "Bearer clk_other"
        ])
        assert.strictEqual(sockets.length, 2)
        yield* Fiber.interruptAll([fiber, second])
      }).pipe(Effect.provide(layer))
    }))

  it.effect("shares the socket with a client for another tenant of the same credential", () =>
    Effect.gen(function*() {
      const { layer, sockets } = world(greets())
      const north = Layer.fresh(Delivery.layer).pipe(
        Layer.provide(Client.layerForTenant("north")),
        Layer.provideMerge(layer)
      )
      yield* Effect.gen(function*() {
        const one = yield* Effect.fork(Effect.provide(Stream.runDrain(subscribe()), Delivery.layer))
        const two = yield* Effect.fork(Stream.runDrain(subscribe()))
        const other = yield* Effect.fork(Stream.runDrain(subscribe("agent:other")))
        yield* settle
        assert.strictEqual(sockets.length, 2)
        yield* Fiber.interruptAll([one, two, other])
        assert.isTrue(sockets.every(({ clientClosed }) => clientClosed === 1000))
      }).pipe(Effect.provide(north))
    }))

  it.effect("stops at once while the ticket is being fetched", () =>
    Effect.gen(function*() {
      const { layer, sent } = world(greets(), { reply: () => "silent" })
      const left = yield* leftBehind(Effect.gen(function*() {
        const fiber = yield* Effect.fork(Stream.runDrain(subscribe()))
        yield* settle
        yield* Fiber.interrupt(fiber)
      })).pipe(Effect.provide(layer))
      assert.deepStrictEqual([left, sent.length], [0, 1])
    }))

  it.effect("shows neither key nor ticket, whatever goes wrong", () =>
    Effect.gen(function*() {
      const leaks = (request: OpenRequest): Refusal =>
        refusal(403, "x", `${request.url} ${decodeURIComponent(request.url)} ${JSON.stringify(request.headers)}`)
      const shown: Array<string> = []
      const observer = Observe.make()
      for (const authorization of ["ticket", "header"] as const) {
        for (const answer of ["leak", "unreachable", "close"] as const) {
          const { layer, requests } = world((socket, _, request) => {
            if (answer === "leak") return leaks(request)
            if (answer === "unreachable") return answer
            return socket.end(4400, "bad frame")
          })
          const program = Effect.gen(function*() {
            const exit = yield* Effect.exit(Stream.runDrain(subscribe(recipient, { authorization, reconnect: false })))
            assert.isTrue(Exit.isFailure(exit))
            if (Exit.isFailure(exit)) {
              shown.push(Cause.pretty(exit.cause), Observe.shown(Cause.squash(exit.cause)))
              yield* Effect.logError("failed", exit.cause)
            }
          })
          yield* observer.observe(program).pipe(Effect.provide(layer))
          assert.strictEqual(requests.length, 1)
        }
      }
      shown.push(Observe.printed(observer.spans), Observe.printed(observer.lines))
      assert.isTrue(observer.spans.some(({ name }) => name === "cloacina.Delivery.subscribe"))
      for (const needle of [secret, "ticket/1", "ticket%2F1"]) assert.notInclude(shown.join("\n"), needle)
    }))
})

describe("streams of pushes", () => {
  it.effect("acknowledge behind the effect of a push, and not behind one that failed", () =>
    Effect.gen(function*() {
      const { layer, sockets } = world(greets(push(1), push(2), push(3)))
      const error = yield* Effect.flatMap(Delivery, (delivery) =>
        Effect.flip(
          delivery.subscribeAcked(recipient).pipe(
            runForEachAcked(({ id }) => id === 2 ? Effect.fail("no") : Effect.void)
          )
        )).pipe(Effect.provide(layer))
      assert.strictEqual(error, "no")
      assert.deepStrictEqual(sockets.map(acks), [[1]])
    }))

  it.effect("give the events of an execution", () =>
    Effect.gen(function*() {
      const { layer, requests } = world(greets(push(1), push(2, { kind: "rumour" }), push(3)))
      const events = yield* Effect.flatMap(Delivery, (delivery) =>
        Stream.runCollect(Stream.take(delivery.executionEvents("0b9f"), 2))).pipe(Effect.provide(layer))
      assert.deepStrictEqual(
        Chunk.toReadonlyArray(events).map(({ id }) =>
          id
        ),
        [eventOf(1).id, eventOf(3).id]
      )
      assert.include(requests[0]?.url, "/v1/ws/delivery/exec_events%3A0b9f?")
    }))

  it.effect("hint, never fail, and give up behind two connections in a row", () =>
    Effect.gen(function*() {
      const { layer, sockets } = world((socket, index) => {
        greets(...index === 0 ? [push(1), push(2)] : [])(socket)
        if (index > 0) socket.end(1006)
      })
      yield* Effect.gen(function*() {
        const delivery = yield* Delivery
        let hints = 0
        const fiber = yield* Effect.fork(Stream.runForEach(delivery.hints("0b9f"), () => Effect.sync(() => hints += 1)))
        yield* settle
        assert.isAtLeast(hints, 1)
        assert.deepStrictEqual(sockets[0] && acks(sockets[0]), [1, 2])
        sockets[0]?.end(1006)
        yield* running(Fiber.join(fiber))
        assert.strictEqual(sockets.length, 2)
        yield* Stream.runDrain(delivery.hints(""))
      }).pipe(Effect.provide(layer))
    }))

  it.effect("watch operations: the newest, over reconnects, without acknowledgements", () =>
    Effect.gen(function*() {
      const metrics = (built: number) => ({
        server: { alive: true, ready: true, reason: null },
        compiler: {
          status: "idle",
          pending: 0,
          building: 0,
          seconds_since_heartbeat: null,
          last_success_at: null,
          last_failure_at: null
        },
        fleet: [],
        reconciler: { status: "ok", built, failed: 0, last_built_at: null },
        ts: "2026-09-03T08:15:10.5+00:00"
      })
      const snapshot = (id: number, built: number) =>
        push(id, { kind: "ops_metrics", recipient: "ops_metrics:global", payload_b64: base64(metrics(built)) })
      const { layer, sockets } = world((socket, index) => {
        greets(snapshot(1, index * 10 + 1), snapshot(1, index * 10 + 2))(socket)
      })
      yield* Effect.gen(function*() {
        const built: Array<number> = []
        const watch = yield* OpsWatch
        const fiber = yield* Effect.fork(
          Stream.runForEach(watch.watch(), ({ reconciler }) => Effect.sync(() => built.push(reconciler.built)))
        )
        yield* settle
        sockets[0]?.end(1006)
        yield* settle
        yield* TestClock.adjust("1 second")
        yield* settle
        assert.deepStrictEqual(built.filter((n) => n % 10 === 2), [2, 12])
        yield* Fiber.interrupt(fiber)
        assert.deepStrictEqual(sockets.map(acks), [[], []])
      }).pipe(Effect.provide(layer))
    }))
})

describe("a reactor socket", () => {
  it.scoped("sends the five commands and reads their answers", () =>
    Effect.gen(function*() {
      const { layer, requests, sockets } = world((socket) => {
        socket.onFrame = (frame) => {
          const { command } = JSON.parse(String(frame)) as { command: string }
          socket.say(
            command === "get_state"
              ? JSON.stringify({ type: "state", cache: { ticks: "08000000000000007b227078223a377d", raw: "??" } })
              : JSON.stringify({ type: { pause: "paused", resume: "resumed" }[command] ?? "fired" })
          )
        }
      })
      yield* Effect.gen(function*() {
        const reactor = yield* Effect.flatMap(ReactorSockets, (sockets) => sockets.connect("pricing/1"))
        yield* reactor.forceFire
        yield* reactor.fireWith({ ticks: { px: 7 } })
        yield* reactor.pause
        yield* reactor.resume
        assert.deepStrictEqual(yield* reactor.getState, { ticks: { px: 7 }, raw: "??" })
        const error = yield* Effect.flip(reactor.fireWith({ ticks: () => 1 }))
        assert.strictEqual(error._tag === "InvalidInput" && error.issues[0]?.path, "ticks")
        assert.strictEqual(error.operation, "cloacina.ReactorSockets.fireWith")
      }).pipe(Effect.provide(layer))
      assert.include(requests[0]?.url, "/v1/ws/reactor/pricing%2F1?token=")
      assert.deepStrictEqual(sockets[0]?.sent.map(String), [
        `{"command":"force_fire"}`,
        `{"command":"fire_with","cache":{"ticks":[8,0,0,0,0,0,0,0,123,34,112,120,34,58,55,125]}}`,
        `{"command":"pause"}`,
        `{"command":"resume"}`,
        `{"command":"get_state"}`
      ])
    }))

  it.scoped("is forbidden where the server says so", () =>
    Effect.gen(function*() {
      const { layer } = world(() => refusal(403, "endpoint_access_denied", "not authorized for reactor 'nope'"))
      const error = yield* Effect.flatMap(ReactorSockets, (sockets) => Effect.flip(sockets.connect("nope"))).pipe(
        Effect.provide(layer)
      )
      assert.strictEqual(error._tag, "Forbidden")
      assert.deepStrictEqual([error.status, error.code, error.requestId], [403, "endpoint_access_denied", "req-1"])
    }))
})

describe("an accumulator socket", () => {
  const ingest = Effect.flatMap(AccumulatorSockets, (sockets) => sockets.ingest("ticks"))
  const texts = (socket: FakeSocket | undefined) =>
    socket?.sent.map((frame) => typeof frame === "string" ? assert.fail("text") : Buffer.from(frame).toString())

  it.scoped("takes events one by one, as a stream and as a sink", () =>
    Effect.gen(function*() {
      const { layer, sockets } = world(() => {})
      yield* Effect.gen(function*() {
        const ticks = yield* ingest
        yield* ticks.send({ px: 7 })
        assert.strictEqual(yield* ticks.sendAll(Stream.make({ px: 8 }, null)), 2)
        assert.strictEqual(yield* Stream.run(Stream.make(1, "ü"), ticks.sink), 2)
        assert.strictEqual((yield* Effect.flip(ticks.send(undefined)))._tag, "InvalidInput")
      }).pipe(Effect.provide(layer))
      assert.deepStrictEqual(texts(sockets[0]), ["{\"px\":7}", "{\"px\":8}", "null", "1", "\"ü\""])
    }))

  it.scoped("goes on behind an end that the caller accepts, after asking whether the accumulator is there", () =>
    Effect.gen(function*() {
      let there = true
      const { layer, sent, sockets } = world((socket) => {
        socket.onFrame = () => socket.end(4404, "accumulator 'ticks' not registered")
      }, {
        reply: ({ path }) =>
          path === "/base/v1/health/accumulators"
            ? Memory.json(200, { items: there ? [{ name: "ticks", status: "live" }] : [], total: 1 })
            : undefined
      })
      yield* Effect.gen(function*() {
        const ticks = yield* ingest
        const ends: Array<number> = []
        const count = yield* running(ticks.sendAll(Stream.tap(Stream.make(1, 2, 3), () => settle), {
          onInterrupted: ({ handedOver }) => Effect.sync(() => ends.push(handedOver))
        }))
        assert.strictEqual(count, 3)
        assert.deepStrictEqual(sockets.flatMap((socket) => texts(socket) ?? []), ["1", "2", "3"])
        assert.deepStrictEqual(ends, [1, 1])
        assert.strictEqual(sent.filter(({ path }) => path.endsWith("/accumulators")).length, 2)
        const error = yield* Effect.flip(ticks.send(4))
        assert.strictEqual(error._tag === "IngestInterrupted" && error.closeCode, 4404)
        there = false
        assert.strictEqual((yield* running(Effect.flip(ticks.send(4))))._tag, "Forbidden")
      }).pipe(Effect.provide(layer))
    }))

  it.scoped("follows the owner of the reactor with its own path and a new ticket", () =>
    Effect.gen(function*() {
      const { layer, requests } = world(
        (_, index) =>
          index === 0
            ? { status: 307, headers: { location: "http://localhost:9090/v1/ws/accumulators/ticks" }, body: "" }
            : undefined
      )
      yield* Effect.provide(ingest, layer)
      assert.deepStrictEqual(requests.map(({ url }) => url), [
        "ws://127.0.0.1:8080/base/v1/ws/accumulator/ticks?token=ticket%2F1",
        "ws://localhost:9090/v1/ws/accumulator/ticks?token=ticket%2F2"
      ])
    }))

  for (
    const [what, location, upgrades] of [
      ["to where the key must not go", "http://replica-b.test:8080/v1/ws/accumulators/ticks", 1],
      ["nowhere", "/v1/ws/accumulators/ticks", 1],
      ["to a user", "http://u:p@localhost/v1/ws/accumulators/ticks", 1],
      ["for ever", "http://localhost:9090/v1/ws/accumulators/ticks", 4]
    ] as const
  ) {
    it.scoped(`does not follow a redirect ${what}`, () =>
      Effect.gen(function*() {
        const { layer, requests } = world(() => ({ status: 307, headers: { location }, body: "" }))
        const error = yield* Effect.flip(ingest).pipe(Effect.provide(layer))
        assert.deepStrictEqual([error._tag, "status" in error && error.status], ["UnexpectedStatus", 307])
        assert.strictEqual(requests.length, upgrades)
      }))
  }
})
