import { Code, ConnectError, createClient } from "@connectrpc/connect"
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Runtime from "effect/Runtime"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { readFileSync } from "node:fs"
import type { ClientSessionOptions, SecureClientSessionOptions } from "node:http2"
import {
  Health,
  HealthCheckResponse_ServingStatus as ServingStatus
} from "../../../src/schemas/gen/grpc/health/v1/health_pb.js"
import { ServerReflection } from "../../../src/schemas/gen/grpc/reflection/v1/reflection_pb.js"
import { TaskService } from "../../../src/schemas/gen/solti/task/v1/api_pb.js"
import { SoltiApi } from "../../../src/schemas/gen/solti/v1/api_pb.js"
import type { LogEvent } from "../../../src/schemas/solti/Logs.js"
import * as Proto from "../../../src/schemas/solti/Proto.js"
import { TaskId } from "../../../src/schemas/solti/Tasks.js"
import { ApiError, ApiHandler } from "../../../src/server/solti/ApiHandler.js"
import { GrpcServer } from "../../../src/server/solti/GrpcServer.js"
import { makeSpec } from "./support/tasks.js"

const quiet: ApiHandler.Service = ApiHandler.make({
  submitTask: ({ slot }) => Effect.succeed(TaskId.make(`default-${slot}-1`)),
  getTaskStatus: () => Effect.succeed(Option.none()),
  queryTasks: () => Effect.succeed({ tasks: [], total: 0 }),
  listTaskRuns: () => Effect.succeed([]),
  deleteTask: () => Effect.void
})

type Options = Parameters<typeof GrpcServer.layer>[0]

const serve = (options?: Options, handler: Partial<ApiHandler.Service> = {}) =>
  Effect.map(
    Layer.build(Layer.provide(GrpcServer.layer(options), Layer.succeed(ApiHandler, { ...quiet, ...handler }))),
    (context) => Context.get(context, GrpcServer)
  )

/** Clients on one connection, which is dropped with the scope. */
const clientsOf = (baseUrl: string, nodeOptions: ClientSessionOptions | SecureClientSessionOptions = {}) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => new Http2SessionManager(baseUrl, {}, nodeOptions)),
      (sessionManager) => Effect.sync(() => sessionManager.abort())
    ),
    (sessionManager) => {
      const transport = createGrpcTransport({ baseUrl, sessionManager })
      return {
        tasks: createClient(SoltiApi, transport),
        later: createClient(TaskService, transport),
        health: createClient(Health, transport),
        reflection: createClient(ServerReflection, transport)
      }
    }
  )

const call = <A>(promise: (signal: AbortSignal) => Promise<A>) =>
  Effect.tryPromise({ try: promise, catch: (cause) => ConnectError.from(cause) })

/** All messages of a stream, each shown as it comes. */
const collect = <A>(
  messages: (signal: AbortSignal) => AsyncIterable<A>,
  onMessage?: (message: A) => Effect.Effect<unknown>
) =>
  Effect.flatMap(Effect.runtime<never>(), (runtime) =>
    call(async (signal) => {
      const seen: Array<A> = []
      for await (const message of messages(signal)) {
        seen.push(message)
        if (onMessage !== undefined) await Runtime.runPromise(runtime)(onMessage(message))
      }
      return seen
    }))

const specMessage = Option.getOrThrow(Option.getRight(Proto.encodeSpec(makeSpec())))

const pem = (name: string) => readFileSync(new URL(`../../fixtures/tls/${name}`, import.meta.url), "utf8")

const tls = { cert: pem("server.pem"), key: Redacted.make(pem("server.key")) }

const ca = pem("ca.pem")

describe("GrpcServer", () => {
  it.scopedLive("listens on a free port of the loopback interface, and answers the calls of a stock client", () =>
    Effect.gen(function*() {
      const { authority, host, port, url } = yield* serve()
      assert.strictEqual(host, "127.0.0.1")
      assert.strictEqual(authority, `127.0.0.1:${port}`)
      assert.strictEqual(url, `http://${authority}`)
      const { tasks } = yield* clientsOf(url)
      const submitted = yield* call((signal) => tasks.submitTask({ spec: specMessage }, { signal }))
      assert.strictEqual(submitted.taskId, "default-s-1")
      const status = yield* call((signal) => tasks.getTaskStatus({ taskId: "x" }, { signal }))
      assert.isUndefined(status.task)
      assert.deepInclude(yield* call((signal) => tasks.listTasks({}, { signal })), { tasks: [], total: 0 })
      assert.deepInclude(yield* call((signal) => tasks.listTaskRuns({ taskId: "x" }, { signal })), { runs: [] })
      yield* call((signal) => tasks.deleteTask({ taskId: "x" }, { signal }))
      const refused = yield* Effect.flip(call((signal) => tasks.deleteTask({ taskId: " " }, { signal })))
      assert.deepInclude(refused, { code: Code.InvalidArgument, rawMessage: "task_id cannot be empty" })
    }))

  it.live("frees its port when it is released", () =>
    Effect.gen(function*() {
      const port = yield* Effect.scoped(Effect.map(serve(), (address) => address.port))
      assert.strictEqual(yield* Effect.scoped(Effect.map(serve({ port }), (address) => address.port)), port)
    }))

  it.scopedLive("says that its port is in use", () =>
    Effect.gen(function*() {
      const { port } = yield* serve()
      assert.deepInclude(yield* Effect.flip(serve({ port })), { _tag: "ListenError", reason: "PortInUse", port })
    }))

  it.scopedLive("streams a log as it comes, to a stock client", () =>
    Effect.gen(function*() {
      const next = yield* Deferred.make<void>()
      const events: ReadonlyArray<LogEvent> = [
        { type: "runStarted", attempt: 1, startedAt: 1 },
        { type: "chunk", attempt: 1, stream: "stdout", seq: 0, ts: 2, line: "hello €" }
      ]
      const finished: LogEvent = { type: "runFinished", attempt: 1, exitCode: Option.none(), finishedAt: 3 }
      const log = Stream.concat(
        Stream.fromIterable(events),
        Stream.fromEffect(Effect.as(Deferred.await(next), finished))
      )
      const { url } = yield* serve({}, { streamTaskLogs: () => Effect.succeed(log) })
      const { tasks } = yield* clientsOf(url)
      const messages = yield* collect(
        (signal) => tasks.streamTaskLogs({ taskId: "x" }, { signal }),
        ({ kind }) => kind.case === "chunk" ? Deferred.succeed(next, undefined) : Effect.void
      )
      assert.deepStrictEqual<ReadonlyArray<unknown>>(messages.map(Proto.decodeEvent), [...events, finished])
    }))

  it.scopedLive("answers under both names with `apply`", () =>
    Effect.gen(function*() {
      const { later, tasks } = yield* clientsOf((yield* serve({ apply: true })).url)
      const { taskId } = yield* call((signal) => later.applyTask({ spec: specMessage }, { signal }))
      assert.strictEqual(taskId, "default-s-1")
      yield* call((signal) => tasks.deleteTask({ taskId }, { signal }))
      const old = yield* clientsOf((yield* serve()).url)
      const error = yield* Effect.flip(call((signal) => old.later.applyTask({ spec: specMessage }, { signal })))
      assert.strictEqual(error.code, Code.Unimplemented)
    }))

  describe("protection", () => {
    const everywhere = ["0.0.0.0", "::", "192.0.2.1", "example.com", "127.0.0.1.example.com", "128.0.0.1", ""]

    it.scopedLive("is not open to the network without a token or certificates of clients, unless told so", () =>
      Effect.gen(function*() {
        for (const host of everywhere) {
          for (const options of [{}, { tls }, { allowPlaintext: true }]) {
            const refused = yield* Effect.flip(serve({ host, ...options }))
            assert.deepInclude(refused, { _tag: "UnprotectedBind", host })
          }
        }
      }))

    it.scopedLive("does not speak plain text to the network, unless told so", () =>
      Effect.gen(function*() {
        for (const host of everywhere) {
          for (const options of [{ token: Redacted.make("t") }, { allowUnauthenticated: true }]) {
            const refused = yield* Effect.flip(serve({ host, ...options }))
            assert.deepInclude(refused, { _tag: "PlaintextBind", host })
            assert.include(refused.message, "without TLS")
          }
        }
        const host = "0.0.0.0"
        const open: ReadonlyArray<Options> = [
          { host, allowPlaintext: true, allowUnauthenticated: true },
          { host, allowPlaintext: true, token: Redacted.make("t") }
        ]
        for (const options of open) {
          const { authority, port, url } = yield* serve(options)
          assert.deepStrictEqual([authority, url], [`127.0.0.1:${port}`, `http://127.0.0.1:${port}`])
        }
      }))

    it.scopedLive("takes a certificate of the client for an answer, and TLS with a token", () =>
      Effect.gen(function*() {
        const host = "0.0.0.0"
        const open: ReadonlyArray<Options> = [
          { host, tls: { ...tls, clientCa: ca } },
          { host, tls, token: Redacted.make("t") },
          { host, tls, allowUnauthenticated: true }
        ]
        for (const options of open) {
          assert.strictEqual((yield* serve(options)).url.slice(0, 18), "https://127.0.0.1:")
        }
      }))

    it.scopedLive("has no empty list of authorities for one", () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(serve({ host: "0.0.0.0", tls: { ...tls, clientCa: [] } }))
        assert.strictEqual(error._tag, "InvalidTls")
      }))

    it.scopedLive("says which option of TLS cannot work, and shows no key", () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(serve({ tls: { ...tls, key: Redacted.make(pem("client.key")) } }))
        assert.strictEqual(error._tag, "InvalidTls")
        assert.include(error.message, "tls.key")
        assert.notInclude(error.message, "BEGIN")
      }))

    it.scopedLive("lets in over TLS who trusts it, and over mTLS who has a certificate of the authority", () =>
      Effect.gen(function*() {
        const open = yield* serve({ tls })
        const mutual = yield* serve({ tls: { ...tls, clientCa: ca } })
        const list = (url: string, nodeOptions: SecureClientSessionOptions) =>
          Effect.flatMap(
            clientsOf(url, nodeOptions),
            ({ tasks }) => Effect.either(call((signal) => tasks.listTasks({}, { signal, timeoutMs: 10_000 })))
          )
        assert.strictEqual((yield* list(open.url, { ca }))._tag, "Right")
        assert.strictEqual((yield* list(open.url, { ca: pem("other-ca.pem") }))._tag, "Left")
        const own = { ca, cert: pem("client.pem"), key: pem("client.key") }
        assert.strictEqual((yield* list(mutual.url, own))._tag, "Right")
        const other = { ca, cert: pem("other-client.pem"), key: pem("other-client.key") }
        assert.strictEqual((yield* list(mutual.url, other))._tag, "Left")
        assert.strictEqual((yield* list(mutual.url, { ca }))._tag, "Left")
      }))

    it.scopedLive("asks for its token on every call, and not for health", () =>
      Effect.gen(function*() {
        const { url } = yield* serve({ token: Redacted.make("right") })
        const { health, reflection, tasks } = yield* clientsOf(url)
        const list = (authorization?: string) =>
          call((signal) =>
            tasks.listTasks({}, { signal, ...(authorization === undefined ? {} : { headers: { authorization } }) })
          )
        assert.deepInclude(yield* list("Bearer right"), { total: 0 })
        for (const authorization of [undefined, "Bearer wrong", "Basic right"]) {
          assert.deepInclude(yield* Effect.flip(list(authorization)), {
            code: Code.Unauthenticated,
            rawMessage: "missing or invalid bearer token"
          })
        }
        assert.deepInclude(yield* call((signal) => health.check({}, { signal })), { status: ServingStatus.SERVING })
        const error = yield* Effect.flip(collect((signal) => reflection.serverReflectionInfo(asks(), { signal })))
        assert.strictEqual(error.code, Code.Unauthenticated)
      }))
  })

  describe("reflection", () => {
    const listed = (options: Options) =>
      Effect.gen(function*() {
        const { reflection } = yield* clientsOf((yield* serve(options)).url)
        const [answer] = yield* collect((signal) => reflection.serverReflectionInfo(asks(), { signal }))
        return answer?.messageResponse.case === "listServicesResponse"
          ? answer.messageResponse.value.service.map(({ name }) => name)
          : []
      })

    it.scopedLive("lists what is served", () =>
      Effect.gen(function*() {
        const others = ["grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection"]
        assert.deepStrictEqual(yield* listed({}), ["solti.v1.SoltiApi", ...others])
        const both = yield* listed({ apply: true })
        assert.deepStrictEqual(both, ["solti.v1.SoltiApi", "solti.task.v1.TaskService", ...others])
      }))

    it.scopedLive("may be left out", () =>
      Effect.gen(function*() {
        assert.deepInclude(yield* Effect.flip(listed({ reflection: false })), { code: Code.Unimplemented })
      }))
  })

  describe("the end", () => {
    /** A server in a scope of its own. */
    const started = (options?: Options, handler?: Partial<ApiHandler.Service>) =>
      Effect.gen(function*() {
        const scope = yield* Scope.make()
        const address = yield* Scope.extend(serve(options, handler), scope)
        return { ...(yield* clientsOf(address.url)), close: Scope.close(scope, Exit.void) }
      })

    it.scopedLive("health says so first, to those who watch; calls are finished", () =>
      Effect.gen(function*() {
        const waiting = yield* Deferred.make<void>()
        const draining = yield* Deferred.make<void>()
        const go = yield* Deferred.make<void>()
        const { close, health, tasks } = yield* started({
          drain: Effect.zipRight(Deferred.succeed(draining, undefined), Deferred.await(go))
        }, {
          deleteTask: () => Effect.zipRight(Deferred.succeed(waiting, undefined), Deferred.await(go))
        })
        const watching = yield* Deferred.make<void>()
        const watch = yield* Effect.fork(collect(
          (signal) => health.watch({ service: "solti.v1.SoltiApi" }, { signal }),
          () => Deferred.succeed(watching, undefined)
        ))
        yield* Deferred.await(watching)
        const deletion = yield* Effect.fork(call((signal) => tasks.deleteTask({ taskId: "x" }, { signal })))
        yield* Deferred.await(waiting)
        const closing = yield* Effect.fork(close)
        const seen = yield* Fiber.join(watch)
        assert.deepStrictEqual(seen.map(({ status }) => status), [ServingStatus.SERVING, ServingStatus.NOT_SERVING])
        yield* Deferred.await(draining)
        yield* Deferred.succeed(go, undefined)
        yield* Fiber.join(deletion)
        yield* Fiber.join(closing)
        const gone = yield* Effect.flip(call((signal) => health.check({}, { signal })))
        assert.strictEqual(gone.code, Code.Unavailable)
      }))

    it.scopedLive("those who watch are told, and let go, also where logs are cut off at once", () =>
      Effect.gen(function*() {
        const { close, health } = yield* started()
        const watches = yield* Effect.forEach(["", "solti.v1.SoltiApi"], (service) =>
          Effect.gen(function*() {
            const watching = yield* Deferred.make<void>()
            const watch = yield* Effect.fork(collect(
              (signal) => health.watch({ service }, { signal }),
              () => Deferred.succeed(watching, undefined)
            ))
            yield* Deferred.await(watching)
            return watch
          }))
        yield* close
        for (const watch of watches) {
          const seen = yield* Fiber.join(watch)
          assert.deepStrictEqual(seen.map(({ status }) => status), [ServingStatus.SERVING, ServingStatus.NOT_SERVING])
        }
      }))

    it.scopedLive("who asks what there is holds nothing up", () =>
      Effect.gen(function*() {
        const { close, reflection } = yield* started({ drain: Effect.void, grace: "1 minute" })
        const answered = yield* Deferred.make<void>()
        async function* patient() {
          yield* asks()
          await new Promise(() => undefined)
        }
        const asking = yield* Effect.fork(collect(
          (signal) => reflection.serverReflectionInfo(patient(), { signal }),
          () => Deferred.succeed(answered, undefined)
        ))
        yield* Deferred.await(answered)
        yield* close
        assert.lengthOf(yield* Fiber.join(asking), 1)
      }))

    it.scopedLive("logs end with a status, calls that do not end in time with UNAVAILABLE", () =>
      Effect.gen(function*() {
        const open = yield* Deferred.make<void>()
        const waiting = yield* Deferred.make<void>()
        const first: LogEvent = { type: "runStarted", attempt: 1, startedAt: 1 }
        const { close, tasks } = yield* started({ grace: "50 millis" }, {
          streamTaskLogs: () => Effect.succeed(Stream.concat(Stream.make(first), Stream.never)),
          deleteTask: () => Effect.zipRight(Deferred.succeed(waiting, undefined), Effect.never)
        })
        const log = yield* Effect.fork(Effect.flip(collect(
          (signal) => tasks.streamTaskLogs({ taskId: "x" }, { signal }),
          () => Deferred.succeed(open, undefined)
        )))
        const deletion = yield* Effect.fork(
          Effect.flip(call((signal) => tasks.deleteTask({ taskId: "x" }, { signal })))
        )
        yield* Deferred.await(open)
        yield* Deferred.await(waiting)
        yield* close
        assert.strictEqual((yield* Fiber.join(log)).code, Code.Unavailable)
        assert.strictEqual((yield* Fiber.join(deletion)).code, Code.Unavailable)
      }))
  })

  it.scopedLive("tells when to try again", () =>
    Effect.gen(function*() {
      const { url } = yield* serve({}, {
        submitTask: () => new ApiError({ label: "Unavailable", detail: "no room", retryAfterSeconds: 3 })
      })
      const { tasks } = yield* clientsOf(url)
      const error = yield* Effect.flip(call((signal) => tasks.submitTask({ spec: specMessage }, { signal })))
      assert.deepInclude(error, { code: Code.Unavailable, rawMessage: "no room" })
      assert.strictEqual(error.metadata.get("grpc-retry-pushback-ms"), "3000")
    }))
})

async function* asks() {
  yield { messageRequest: { case: "listServices" as const, value: "" } }
}
