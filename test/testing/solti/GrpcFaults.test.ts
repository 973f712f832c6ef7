/** What a program sees over gRPC of the faults that a test injects: in memory, and on a socket. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { CallOptions } from "../../../src/services/core/CallOptions.js"
import * as Solti from "../../../src/solti.js"
import * as SoltiGrpc from "../../../src/solti/grpc.js"
import * as SoltiGrpcTesting from "../../../src/solti/grpc/testing.js"
import * as SoltiTesting from "../../../src/solti/testing.js"
import { operationOf } from "../../../src/testing/solti/Faults.js"
import * as GrpcEmulator from "../../../src/testing/solti/GrpcEmulator.js"
import * as GrpcCall from "../../server/core/GrpcCall.js"
import * as Http2Client from "../../server/core/Http2Client.js"

const { Fault, hangs, lagged, otherwise, refuse, stdout, succeeds } = SoltiTesting

const spec = Solti.command("x", [], { slot: "x", timeout: "1 minute" })

const scripts = [otherwise(succeeds([stdout("a", { after: "150 millis" }), stdout("b", { after: "20 millis" }), "c"]))]

/** Nothing is sent again. */
const once = { retry: { maxRetries: 0 }, reconnect: { maxReconnects: 0 } } as const

/** How a call ended: in a socket, and in memory, connections break with codes of their own. */
const tagOf = Effect.match({
  onFailure: ({ _tag, code = "" }: { readonly _tag: string; readonly code?: string | undefined }) =>
    `${_tag} ${code}`.replace(/ (?:|CANCEL|ECONNRESET)$/, ""),
  onSuccess: () => "OK"
})

/** The log of a new task in words, with the error behind it. */
const log = (options: Solti.LogOptions = once) =>
  Effect.gen(function*() {
    const tasks = yield* Solti.Tasks
    const words: Array<string> = []
    const id = yield* tasks.submit(spec)
    const end = yield* tasks.logs(id, options).pipe(
      Stream.runForEach((event) => Effect.sync(() => words.push(event.type === "chunk" ? event.line : event.type))),
      tagOf
    )
    return [...words, end].join(" ")
  })

const list = (options: CallOptions = once) => Effect.flatMap(Solti.Tasks, (tasks) => tagOf(tasks.list({}, options)))

const submit = Effect.flatMap(Solti.Tasks, (tasks) => tagOf(tasks.submit(spec, once)))

const wholeLog = "runStarted a b c runFinished OK"

const short = { ...once, timeouts: { total: "200 millis", firstByte: "200 millis" } } as const

/** A message of these bytes, as the body has it. */
const framed = (...bytes: ReadonlyArray<number>) => GrpcCall.framed(Uint8Array.from(bytes))

/** The fault, the call that it hits, and what that comes to. */
const cases: ReadonlyArray<
  readonly [
    name: string,
    on: SoltiTesting.Operation,
    fault: SoltiTesting.Fault.Fault,
    call: Effect.Effect<string, Solti.SubmitError, Solti.Tasks>,
    expected: string
  ]
> = [
  ["a status of a proxy", "list", Fault.status(503), list(), "Unavailable"],
  ["a status of a proxy that says when", "list", Fault.status(429, { retryAfter: 1 }), list(), "RateLimited"],
  ["a status of a proxy that failed", "list", Fault.status(500), list(), "Internal"],
  ["a status that wants a token", "list", Fault.status(401), list(), "Unauthorized"],
  ["a status that nobody expects", "list", Fault.status(418), list(), "UnexpectedStatus"],
  ["a status without a body", "list", Fault.status(204), list(), "UnexpectedStatus"],
  ["a page", "list", Fault.html(), list(), "Unavailable"],
  ["a page that says 200", "list", Fault.html(200), list(), "DecodeError"],
  ["a request that comes late", "list", Fault.delay("30 millis"), list(), "OK"],
  ["a request that comes too late", "list", Fault.delay("1 minute"), list(short), "Timeout"],
  ["an answer that comes late", "list", Fault.delayAnswer("30 millis"), list(), "OK"],
  ["an answer that comes too late", "list", Fault.delayAnswer("1 minute"), list(short), "Timeout"],
  ["silence", "list", Fault.silence, list(short), "Timeout"],
  ["no answer", "list", Fault.hangUp(), list(), "TransportError"],
  ["no answer behind the work", "list", Fault.hangUp({ handled: true }), list(), "TransportError"],
  ["a break ahead of the message", "list", Fault.cut({}), list(), "TransportError"],
  ["a break inside the message", "list", Fault.cut({ bytes: 3 }), list(), "TransportError"],
  ["a break behind the message", "list", Fault.cut({ pieces: 1 }), list(), "TransportError"],
  ["an end ahead of the message", "list", Fault.truncate({}), list(), "DecodeError"],
  ["an end inside the message", "list", Fault.truncate({ bytes: 3 }), list(), "TransportError"],
  ["an end where it belongs", "list", Fault.truncate({ pieces: 1 }), list(), "OK"],
  ["an answer that comes twice", "list", Fault.duplicate(), list(), "DecodeError"],
  ["a message that is none", "list", Fault.insert(0, framed(0xff, 0xff)), list(), "DecodeError"],
  ["text between messages", "list", Fault.insert(0, "junk"), list(), "DecodeError RESOURCE_EXHAUSTED"],

  ["a status of a proxy", "logs", Fault.status(503), log(), "StreamInterrupted"],
  ["a page", "logs", Fault.html(), log(), "StreamInterrupted"],
  ["a page that says 200", "logs", Fault.html(200), log(), "DecodeError"],
  ["a request that comes late", "logs", Fault.delay("30 millis"), log(), wholeLog],
  ["an answer that comes late", "logs", Fault.delayAnswer("30 millis"), log(), wholeLog],
  ["an answer that comes too late", "logs", Fault.delayAnswer("1 minute"), log(short), "StreamInterrupted"],
  ["silence", "logs", Fault.silence, log(short), "StreamInterrupted"],
  ["no answer", "logs", Fault.hangUp(), log(), "StreamInterrupted"],
  ["a break ahead of all", "logs", Fault.cut({}), log(), "StreamInterrupted"],
  ["a break between events", "logs", Fault.cut({ pieces: 2 }), log(), "runStarted a StreamInterrupted"],
  ["a break inside an event", "logs", Fault.cut({ pieces: 2, bytes: 3 }), log(), "runStarted a StreamInterrupted"],
  ["an end ahead of all", "logs", Fault.truncate({}), log(), "OK"],
  ["an end between events", "logs", Fault.truncate({ pieces: 2 }), log(), "runStarted a OK"],
  ["an end inside an event", "logs", Fault.truncate({ pieces: 2, bytes: 3 }), log(), "runStarted a StreamInterrupted"],
  ["an end that does not come", "logs", Fault.truncate({ pieces: 99 }), log(), wholeLog],
  [
    "events that come twice",
    "logs",
    Fault.duplicate(),
    log(),
    "runStarted runStarted a a b b c c runFinished runFinished OK"
  ],
  ["an event that comes twice", "logs", Fault.duplicate({ piece: 1 }), log(), "runStarted a a b c runFinished OK"],
  ["an event of a later server", "logs", Fault.insert(1, framed(0x7a, 0)), log(), wholeLog],
  ["a message that is none", "logs", Fault.insert(1, framed(0xff, 0xff)), log(), "runStarted DecodeError"],
  ["a reader that is too slow", "logs", lagged(17, 1), log(), "runStarted lagged a b c runFinished OK"],
  [
    "several at once",
    "logs",
    Fault.all(Fault.delay("20 millis"), lagged(17, 1), Fault.duplicate({ piece: 0 })),
    log(),
    "runStarted lagged runStarted a b c runFinished OK"
  ],

  ["InvalidRequest", "submit", refuse("InvalidRequest"), submit, "InvalidInput INVALID_ARGUMENT"],
  ["Unauthenticated", "submit", refuse("Unauthenticated"), submit, "Unauthorized UNAUTHENTICATED"],
  ["TaskNotFound", "logs", refuse("TaskNotFound"), log(), "TaskNotFound NOT_FOUND"],
  ["AlreadyExists", "submit", refuse("AlreadyExists"), submit, "Conflict ALREADY_EXISTS"],
  ["PayloadTooLarge", "submit", refuse("PayloadTooLarge"), submit, "PayloadTooLarge RESOURCE_EXHAUSTED"],
  ["Internal", "submit", refuse("Internal"), submit, "Internal INTERNAL"],
  ["Unavailable", "submit", refuse("Unavailable"), submit, "Unavailable UNAVAILABLE"]
]

/** The emulator on a socket, with the client on it. */
const onSocket = (
  options: Parameters<typeof SoltiGrpcTesting.layerServer>[0],
  clientOptions: Omit<SoltiGrpc.Options, "url"> = {}
) =>
  Layer.provideMerge(
    Layer.unwrapEffect(
      Effect.map(SoltiTesting.TestServer, ({ url }) => Layer.orDie(SoltiGrpc.layer({ url, ...clientOptions })))
    ),
    Layer.orDie(SoltiGrpcTesting.layerServer(options))
  )

const inject = (rule: SoltiTesting.Rule) => Effect.flatMap(SoltiTesting.Faults, (faults) => faults.inject(rule))

describe("a call that is hit", () => {
  for (const [name, on, fault, call, expected] of cases) {
    const hit = Effect.gen(function*() {
      const rule = yield* inject({ on, fault })
      assert.strictEqual(yield* call, expected)
      assert.strictEqual(yield* rule.hits, 1)
      // The server lives on.
      assert.strictEqual(yield* list(), "OK")
    })
    it.effect(`${on}: ${name}, in memory`, () => hit.pipe(Effect.provide(SoltiGrpcTesting.layer({ scripts }))))
    it.live(`${on}: ${name}, on a socket`, () => hit.pipe(Effect.provide(onSocket({ scripts }))))
  }
})

describe("operations", () => {
  const methods = [
    ["SubmitTask", "submit"],
    ["ApplyTask", "apply"],
    ["GetTaskStatus", "get"],
    ["ListTasks", "list"],
    ["ListTaskRuns", "runs"],
    ["DeleteTask", "delete"],
    ["StreamTaskLogs", "logs"]
  ] as const

  const named = (mode: SoltiTesting.Mode, target: string, headers?: Readonly<Record<string, string>>) =>
    operationOf(mode)(GrpcCall.requestOf(target, new Uint8Array(), headers))

  it("are named by the methods of the service that the mode has", () => {
    for (const [method, operation] of methods) {
      const before = `/solti.v1.SoltiApi/${method}`
      const since = `/solti.task.v1.TaskService/${method}`
      assert.strictEqual(named("intended", before), operation)
      assert.strictEqual(named("strict-0.0.2", before), operation)
      assert.strictEqual(named("0.0.3", since), operation)
      assert.isUndefined(named("0.0.3", before))
      assert.isUndefined(named("intended", since))
      assert.isUndefined(named("intended", `/other.Service/${method}`))
      assert.isUndefined(named("intended", before, { "content-type": "application/json" }))
    }
    for (const target of ["/solti.v1.SoltiApi/toString", "/solti.v1.SoltiApi/", "/grpc.health.v1.Health/Check", "/"]) {
      assert.isUndefined(named("intended", target))
    }
  })

  const every: ReadonlyArray<
    readonly [
      SoltiTesting.Operation,
      (tasks: Solti.Tasks.Service) => Effect.Effect<unknown, Solti.LogError | Solti.SubmitError>
    ]
  > = [
    ["submit", (tasks) => tasks.submit(spec, once)],
    ["apply", (tasks) => tasks.apply(spec, once)],
    ["get", (tasks) => tasks.get("x", once)],
    ["list", (tasks) => tasks.list({}, once)],
    ["runs", (tasks) => tasks.runs("x", once)],
    ["delete", (tasks) => tasks.delete("x", once)],
    ["logs", (tasks) => Stream.runDrain(tasks.logs("x", once))]
  ]

  for (const [operation, call] of every) {
    it.effect(`are hit by their own rules only: ${operation}`, () =>
      Effect.gen(function*() {
        const tasks = yield* Solti.Tasks
        // So that the client knows the service, and asks no more.
        yield* tasks.list()
        const rule = yield* inject({ on: operation, times: Infinity, fault: refuse("Unauthenticated") })
        const refused: Array<string> = []
        for (const [other, call] of every) {
          if ((yield* tagOf(call(tasks))).startsWith("Unauthorized")) refused.push(other)
        }
        // What asks for the service ahead of an apply is a get.
        assert.deepStrictEqual(refused, operation === "get" ? ["apply", "get"] : [operation])
        yield* rule.remove
        assert.notInclude(yield* tagOf(call(tasks)), "Unauthorized")
      }).pipe(Effect.provide(SoltiGrpcTesting.layer({ mode: "0.0.3" }))))
  }

  it.effect("are hit where they are, not where a client looks for them first", () =>
    Effect.gen(function*() {
      const tasks = yield* Solti.Tasks
      const rule = yield* inject({ on: "list", fault: Fault.truncate({}) })
      assert.strictEqual(yield* tagOf(tasks.list({}, once)), "DecodeError")
      assert.strictEqual(yield* rule.hits, 1)
    }).pipe(Effect.provide(SoltiGrpcTesting.layer({ mode: "0.0.3" }))))

  it.effect("are hit all, whatever they are, by a rule for all", () =>
    Effect.gen(function*() {
      const rule = yield* inject({ fault: Fault.hangUp() })
      assert.strictEqual(yield* list(), "TransportError")
      assert.strictEqual(yield* rule.hits, 1)
      yield* (yield* SoltiTesting.Recorder).expect(["POST /solti.v1.SoltiApi/ListTasks -"])
    }).pipe(Effect.provide(SoltiGrpcTesting.layer({ mode: "0.0.3" }))))

  it.effect("are hit one by one, in the order of the rules", () =>
    Effect.gen(function*() {
      const tasks = yield* Solti.Tasks
      yield* inject({ on: ["get", "runs"], skip: 1, times: 2, fault: refuse("Internal") })
      const seen = [
        yield* tagOf(tasks.get("a", once)),
        yield* tagOf(tasks.list({}, once)),
        yield* tagOf(tasks.get("a", once)),
        yield* tagOf(tasks.runs("a", once)),
        yield* tagOf(tasks.get("a", once))
      ]
      assert.deepStrictEqual(seen, ["OK", "OK", "Internal INTERNAL", "Internal INTERNAL", "OK"])
      assert.strictEqual(yield* tagOf(tasks.apply(spec, once)), "VersionMismatch UNIMPLEMENTED")
      const all = yield* inject({ times: Infinity, fault: refuse("Unavailable") })
      assert.strictEqual(yield* tagOf(tasks.delete("a", once)), "Unavailable UNAVAILABLE")
      assert.strictEqual(yield* tagOf(tasks.apply(spec, once)), "Unavailable UNAVAILABLE")
      yield* all.remove
      assert.strictEqual(yield* tagOf(tasks.delete("a", once)), "OK")
      yield* inject({ fault: refuse("Unavailable") })
      yield* (yield* SoltiTesting.Faults).clear
      assert.strictEqual(yield* tagOf(tasks.delete("a", once)), "OK")
    }).pipe(Effect.provide(SoltiGrpcTesting.layer())))
})

describe("refusals", () => {
  it.effect("say when to come back, and are heard", () =>
    Effect.gen(function*() {
      const tasks = yield* Solti.Tasks
      const busy = yield* inject({ on: "get", times: 2, fault: refuse("Unavailable", "busy", { retryAfter: 20 }) })
      assert.deepStrictEqual(yield* tasks.get("x"), Option.none())
      assert.strictEqual(yield* Clock.currentTimeMillis, 40_000)
      assert.strictEqual(yield* busy.hits, 2)
      const date = "Thu, 01 Jan 1970 00:01:40 GMT"
      yield* inject({ on: "get", fault: refuse("Unavailable", "busy", { retryAfter: date }) })
      yield* tasks.get("x")
      assert.strictEqual(yield* Clock.currentTimeMillis, 100_000)
    }).pipe(Effect.provide(SoltiGrpcTesting.layer())))

  it.effect("have any text", () =>
    Effect.gen(function*() {
      const tasks = yield* Solti.Tasks
      for (
        const [text, seen] of [["100 % 灰色\n", "100 % 灰色\n"], ["half \ud800 a pair", "half \ufffd a pair"]] as const
      ) {
        yield* inject({ on: "submit", fault: refuse("Internal", text) })
        const error = yield* Effect.flip(tasks.submit(spec))
        assert.strictEqual(error.detail.trim(), seen.trim())
      }
    }).pipe(Effect.provide(SoltiGrpcTesting.layer())))

  it.effect("of a reader that is too slow have any number", () =>
    Effect.gen(function*() {
      const tasks = yield* Solti.Tasks
      const skippedOf = (skipped: number) =>
        Effect.gen(function*() {
          yield* inject({ on: "logs", fault: lagged(skipped) })
          const id = yield* tasks.submit({ ...spec, slot: `slot-${skipped}`.replace("+", "") })
          const first = yield* Stream.runHead(tasks.logs(id))
          const event = Option.getOrThrow(first)
          return event.type === "lagged" ? event.skipped : assert.fail(event.type)
        })
      for (const skipped of [0, 1, 127, 128, 300, 2 ** 32, Number.MAX_SAFE_INTEGER]) {
        assert.strictEqual(yield* skippedOf(skipped), skipped)
      }
      assert.deepStrictEqual([yield* skippedOf(-1), yield* skippedOf(NaN), yield* skippedOf(1.9)], [0, 0, 1])
    }).pipe(Effect.provide(SoltiGrpcTesting.layer({ scripts }))))
})

describe("a log that ends too early", () => {
  const message = (id: string) => new Uint8Array([0x0a, id.length, ...new TextEncoder().encode(id)])

  it.live("ends with OK in its trailers", () =>
    Effect.scoped(Effect.gen(function*() {
      const tasks = yield* Solti.Tasks
      const { url } = yield* SoltiTesting.TestServer
      yield* inject({ on: "logs", fault: Fault.truncate({ pieces: 1 }) })
      const id = yield* tasks.submit(spec)
      const session = yield* Http2Client.connect(url)
      const { body, code, trailers } = yield* Http2Client.send(
        session,
        { ":path": "/solti.v1.SoltiApi/StreamTaskLogs", "content-type": "application/grpc", te: "trailers" },
        GrpcCall.framed(message(id))
      )
      assert.lengthOf(GrpcCall.unframed(body), 1)
      assert.deepInclude(trailers, { "grpc-status": "0" })
      assert.strictEqual(code, 0)
      yield* tasks.deleteConfirmed(id)
    })).pipe(Effect.provide(onSocket({ scripts: [otherwise(hangs(["up", "and running"]))] }))))

  it.effect("keeps the status of one that fails by itself", () =>
    Effect.gen(function*() {
      const front = yield* GrpcEmulator.makeFront()
      yield* inject({ on: "logs", fault: Fault.truncate({ pieces: 5 }) })
      const answer = yield* GrpcCall.call(front, "/solti.v1.SoltiApi/StreamTaskLogs", message("default-x-9"))
      assert.deepInclude(answer, { code: 5, detail: "default-x-9" })
    }).pipe(Effect.provide(SoltiGrpcTesting.layer())))

  it.effect("is followed to the outcome all the same", () =>
    Effect.gen(function*() {
      const tasks = yield* Solti.Tasks
      yield* inject({ on: "logs", fault: Fault.truncate({ pieces: 2 }) })
      const words = yield* Stream.runCollect(tasks.submitAndFollow(spec))
      assert.deepStrictEqual([...words].map(({ type }) => type), ["submitted", "runStarted", "chunk", "ended"])
    }).pipe(Effect.provide(SoltiGrpcTesting.layer({ scripts }))))
})

describe("connections that break", () => {
  const brokenOff = Effect.gen(function*() {
    const faults = yield* SoltiTesting.Faults
    const tasks = yield* Solti.Tasks
    const id = yield* tasks.submit(spec)
    const words: Array<string> = []
    const follow = yield* Effect.fork(Stream.runForEach(tasks.logs(id), (event) =>
      Effect.sync(() => {
        words.push(event.type === "chunk" ? event.line : event.type)
      })))
    while (!words.includes("a")) yield* Effect.sleep("10 millis")
    assert.strictEqual(yield* faults.disconnect, 1)
    yield* Fiber.join(follow)
    assert.deepStrictEqual(words.slice(0, 3), ["runStarted", "a", "gap"])
    assert.strictEqual(words.at(-1), "runFinished")
    assert.strictEqual(yield* faults.disconnect, 0)
  })
  const slow = [otherwise(succeeds([stdout("a", { after: "100 millis" }), stdout("b", { after: "1500 millis" })]))]

  it.effect("all at once, in memory", () => brokenOff.pipe(Effect.provide(SoltiGrpcTesting.layer({ scripts: slow }))))

  it.live("all at once, on a socket", () => brokenOff.pipe(Effect.provide(onSocket({ scripts: slow }))))

  const behindTheWork = Effect.gen(function*() {
    const tasks = yield* Solti.Tasks
    yield* inject({ on: "submit", fault: Fault.hangUp({ handled: true }) })
    assert.strictEqual(yield* tagOf(tasks.submit(spec)), "TransportError")
    assert.strictEqual((yield* tasks.list()).total, 1)
    yield* inject({ on: "submit", fault: Fault.hangUp() })
    assert.strictEqual(yield* tagOf(tasks.submit(spec)), "TransportError")
    assert.strictEqual((yield* tasks.list()).total, 1)
    yield* (yield* SoltiTesting.Recorder).expect([
      "POST /solti.v1.SoltiApi/SubmitTask -",
      "POST /solti.v1.SoltiApi/ListTasks 200",
      "POST /solti.v1.SoltiApi/SubmitTask -",
      "POST /solti.v1.SoltiApi/ListTasks 200"
    ])
  })

  it.effect("behind the work: nothing is submitted again, in memory", () =>
    behindTheWork.pipe(Effect.provide(SoltiGrpcTesting.layer())))

  it.live("behind the work: nothing is submitted again, on a socket", () =>
    behindTheWork.pipe(Effect.provide(onSocket({}))))

  /** A call that is under way while another one is hung up on. */
  const neighbour = Effect.gen(function*() {
    const tasks = yield* Solti.Tasks
    yield* tasks.list()
    yield* inject({ on: "list", fault: Fault.delay("300 millis") })
    yield* inject({ on: "get", fault: Fault.hangUp() })
    const listed = yield* Effect.fork(list())
    yield* Effect.sleep("100 millis")
    assert.strictEqual(yield* tagOf(tasks.get("x", once)), "TransportError")
    return yield* Fiber.join(listed)
  })

  it.effect("have one call in memory", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* neighbour, "OK")
    }).pipe(Effect.provide(SoltiGrpcTesting.layer())))

  it.live("have several calls on a socket, which all break", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* neighbour, "TransportError")
      assert.strictEqual(yield* list(), "OK")
    }).pipe(Effect.provide(onSocket({}))))
})

describe("a fault that fails itself", () => {
  const dying = Effect.gen(function*() {
    yield* inject({ on: "list", fault: () => Effect.dieMessage("a mistake in a test") })
    assert.strictEqual(yield* list(), "Internal")
    assert.strictEqual(yield* list(), "OK")
  })
  const quiet = Effect.provide(Logger.remove(Logger.defaultLogger))

  it.effect("is a 500, in memory", () => dying.pipe(Effect.provide(SoltiGrpcTesting.layer()), quiet))

  it.live("is a 500, on a socket", () => dying.pipe(Effect.provide(onSocket({})), quiet))
})

describe("time", () => {
  const elapsed = <E, R>(effect: Effect.Effect<string, E, R>) =>
    Effect.map(Effect.timed(effect), ([time, seen]) => [seen, Duration.toSeconds(time)])

  it.effect("that a call takes at most passes at once", () =>
    Effect.gen(function*() {
      const tasks = yield* Solti.Tasks
      yield* inject({ times: Infinity, fault: Fault.silence })
      assert.deepStrictEqual(yield* elapsed(submit), ["Timeout", 10])
      assert.deepStrictEqual(yield* elapsed(tagOf(tasks.get("x", once))), ["Timeout", 10])
      assert.deepStrictEqual(yield* elapsed(tagOf(tasks.delete("x", once))), ["Timeout", 70])
      assert.deepStrictEqual(
        yield* elapsed(tagOf(Stream.runDrain(tasks.logs("x", once)))),
        ["StreamInterrupted", 30]
      )
      const patient = { ...once, timeouts: { total: "1 hour" } } as const
      assert.deepStrictEqual(yield* elapsed(list(patient)), ["Timeout", 3_600])
    }).pipe(Effect.provide(SoltiGrpcTesting.layer())))

  it.effect("that a call takes is what the test says", () =>
    Effect.gen(function*() {
      const tasks = yield* Solti.Tasks
      yield* inject({ on: "delete", fault: Fault.delayAnswer("1 minute") })
      assert.deepStrictEqual(yield* elapsed(tagOf(tasks.delete("x"))), ["OK", 60])
      yield* inject({ on: "logs", fault: Fault.delay("20 seconds") })
      const logged = yield* elapsed(tagOf(Stream.runDrain(tasks.logs(yield* tasks.submit(spec)))))
      assert.deepStrictEqual(logged, ["TaskNotFound NOT_FOUND", 20])
    }).pipe(Effect.provide(SoltiGrpcTesting.layer())))

  it.effect("that the client gives is kept by the server", () =>
    Effect.gen(function*() {
      const tasks = yield* Solti.Tasks
      const front = yield* GrpcEmulator.makeFront({ mode: "strict-0.0.2" })
      const id = yield* tasks.submit(Solti.command("daemon", [], { slot: "x", timeout: "1 hour" }))
      yield* Effect.sleep("1 second")
      const deleting = GrpcCall.call(
        front,
        "/solti.v1.SoltiApi/DeleteTask",
        new Uint8Array([0x0a, id.length, ...new TextEncoder().encode(id)]),
        { "grpc-timeout": "5S" }
      )
      const [time, answer] = yield* Effect.timed(deleting)
      assert.strictEqual(answer.code, 4)
      assert.strictEqual(Duration.toSeconds(time), 5)
    }).pipe(Effect.provide(SoltiGrpcTesting.layer({
      mode: "strict-0.0.2",
      scripts: [SoltiTesting.command("daemon", hangs([], { leaves: { lives: "1 hour", detached: true } }))]
    }))))

  it.effect("of hours is nothing to wait for", () =>
    Effect.gen(function*() {
      const tasks = yield* Solti.Tasks
      const events = yield* Stream.runCollect(tasks.submitAndFollow(
        Solti.command("backup", [], {
          slot: "night",
          timeout: "1 day",
          restart: "onFailure",
          backoff: { jitter: "none", first: "1 hour", max: "1 hour" }
        }),
        { interval: { max: "10 minutes" } }
      ))
      assert.deepStrictEqual(
        [...events].map((event) => event.type === "chunk" ? event.line : event.type),
        ["submitted", "runStarted", "one", "two", "runFinished", "runStarted", "three", "runFinished", "ended"]
      )
      const last = [...events].at(-1)
      if (last?.type !== "ended") return assert.fail("no outcome")
      assert.strictEqual(last.outcome.status, "succeeded")
      assert.strictEqual(last.outcome.attempts, 2)
      assert.isAtLeast(yield* Clock.currentTimeMillis, 12 * 3_600_000)
    }).pipe(Effect.provide(SoltiGrpcTesting.layer({
      scripts: [
        SoltiTesting.command(
          "backup",
          SoltiTesting.exits(1, [stdout("one", { after: "3 hours" }), stdout("two", { after: "3 hours" })]),
          succeeds([stdout("three", { after: "5 hours" })])
        )
      ]
    }))))

  it.effect("passes by hand where the test says so", () =>
    Effect.gen(function*() {
      const tasks = yield* Solti.Tasks
      const id = yield* tasks.submit(spec)
      const outcome = yield* Effect.fork(tasks.await(id))
      yield* SoltiTesting.advance("20 seconds")
      assert.isTrue(Option.isNone(yield* Fiber.poll(outcome)))
      yield* SoltiTesting.advance("20 seconds")
      assert.strictEqual((yield* Fiber.join(outcome)).status, "succeeded")
    }).pipe(Effect.provide(SoltiGrpcTesting.layer({
      time: "manual",
      scripts: [otherwise(succeeds([], { takes: "30 seconds" }))]
    }))))
})
