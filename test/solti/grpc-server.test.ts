/** The composed gRPC server, as a user of the package gets it; its parts have tests of their own. */
import { Code, ConnectError, createClient } from "@connectrpc/connect"
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node"
import { assert, describe, it } from "@effect/vitest"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import { readFileSync } from "node:fs"
import type { ClientSessionOptions, SecureClientSessionOptions } from "node:http2"
import { fileURLToPath } from "node:url"
import { layerHttpClient } from "../../src/node.js"
import { SoltiApi } from "../../src/schemas/gen/solti/v1/api_pb.js"
import * as Proto from "../../src/schemas/solti/Proto.js"
import * as Solti from "../../src/solti.js"
import * as SoltiGrpcServer from "../../src/solti/grpc/server.js"
import * as SoltiServer from "../../src/solti/server.js"

/** A client on a connection of its own, which is dropped with the scope. */
const clientOf = (baseUrl: string, nodeOptions: ClientSessionOptions | SecureClientSessionOptions = {}) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => new Http2SessionManager(baseUrl, {}, nodeOptions)),
      (sessionManager) => Effect.sync(() => sessionManager.abort())
    ),
    (sessionManager) => createClient(SoltiApi, createGrpcTransport({ baseUrl, sessionManager }))
  )

const call = <A>(promise: (signal: AbortSignal) => Promise<A>) =>
  Effect.tryPromise({ try: promise, catch: (cause) => ConnectError.from(cause) })

const sh = (script: string) =>
  Solti.command("sh", ["-c", script], { slot: "test", timeout: "20 seconds", admission: "queue" })

const message = (spec: Solti.CreateSpec) => Either.getOrThrow(Proto.encodeSpec(spec))

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/tls/${name}`, import.meta.url))

const text = (name: string) => readFileSync(fixture(name), "utf8")

/** Both wires over one supervisor. */
const both = Layer.provideMerge(SoltiGrpcServer.layer(), SoltiServer.layer())

const layerClient = Layer.unwrapEffect(Effect.map(SoltiServer.SoltiServer, ({ url }) => Solti.layer({ url }))).pipe(
  Layer.provide(layerHttpClient())
)

describe("the gRPC server", () => {
  it.live("serves the tasks of the supervisor that the HTTP server has", () =>
    Effect.gen(function*() {
      const tasks = yield* Solti.Tasks
      const grpc = yield* clientOf((yield* SoltiGrpcServer.GrpcServer).url)
      const { taskId } = yield* call((signal) => grpc.submitTask({ spec: message(sh("exit 3")) }, { signal }))
      const outcome = yield* tasks.await(
        yield* Option.map(
          Option.fromNullable((yield* tasks.list()).tasks.find(({ metadata }) => metadata.id === taskId)),
          ({ metadata }) => metadata.id
        )
      )
      assert.strictEqual(outcome.status, "failed")
      const id = yield* tasks.submit(sh("true"))
      assert.strictEqual((yield* tasks.await(id)).status, "succeeded")
      const { task } = yield* call((signal) => grpc.getTaskStatus({ taskId: id }, { signal }))
      assert.strictEqual(task?.metadata?.id, id)
      const { runs } = yield* call((signal) => grpc.listTaskRuns({ taskId }, { signal }))
      assert.deepStrictEqual(runs.map(({ exitCode }) => exitCode), [3])
    }).pipe(Effect.scoped, Effect.provide(layerClient), Effect.provide(both)))

  it.scopedLive("ends its logs properly when it is released, and leaves no process", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(both, scope)
      const grpc = yield* clientOf(Context.get(context, SoltiGrpcServer.GrpcServer).url)
      const { taskId } = yield* call((signal) =>
        grpc.submitTask({ spec: message(sh("echo $$; sleep 60")) }, { signal })
      )
      const lines: Array<string> = []
      const log = yield* Effect.fork(call(async (signal) => {
        let last: string | undefined
        for await (const { kind } of grpc.streamTaskLogs({ taskId }, { signal })) {
          last = kind.case
          if (kind.case === "chunk") lines.push(new TextDecoder().decode(kind.value.line))
        }
        return last
      }))
      while (lines.length === 0) yield* Effect.sleep("10 millis")
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual(yield* Fiber.join(log), "runFinished")
      assert.throws(() => process.kill(Number(lines[0]), 0), /ESRCH/)
    }))

  it.scopedLive("does not open itself to the network", () =>
    Effect.gen(function*() {
      const start = (options: SoltiGrpcServer.Options) =>
        Effect.flip(Layer.build(Layer.provide(SoltiGrpcServer.layer(options), SoltiServer.layer())))
      assert.strictEqual((yield* start({ host: "0.0.0.0" }))._tag, "UnprotectedBind")
      assert.strictEqual((yield* start({ host: "0.0.0.0", token: Redacted.make("t") }))._tag, "PlaintextBind")
    }))

  it.live("stands on a handler of one's own", () => {
    const handler = Layer.succeed(
      SoltiGrpcServer.ApiHandler,
      SoltiGrpcServer.ApiHandler.make({
        submitTask: () => new SoltiGrpcServer.ApiError({ label: "Unavailable", detail: "no room" }),
        getTaskStatus: () => Effect.succeedNone,
        queryTasks: () => Effect.succeed({ tasks: [], total: 0 }),
        listTaskRuns: () => Effect.succeed([]),
        deleteTask: () => Effect.void
      })
    )
    return Effect.gen(function*() {
      const grpc = yield* clientOf((yield* SoltiGrpcServer.GrpcServer).url)
      const error = yield* Effect.flip(call((signal) => grpc.submitTask({ spec: message(sh("true")) }, { signal })))
      assert.deepInclude(error, { code: Code.Unavailable, rawMessage: "no room" })
    }).pipe(Effect.scoped, Effect.provide(Layer.provide(SoltiGrpcServer.layerServer(), handler)))
  })

  describe("from configuration", () => {
    const withVariables = (variables: Record<string, string>) =>
      Effect.withConfigProvider(ConfigProvider.fromMap(new Map(Object.entries(variables))))

    const server = Layer.provide(SoltiGrpcServer.layerConfig(), SoltiServer.layer())

    const list = (url: string, token: string, nodeOptions: SecureClientSessionOptions) =>
      Effect.flatMap(clientOf(url, nodeOptions), (grpc) =>
        Effect.either(
          call((signal) => grpc.listTasks({}, { signal, headers: { authorization: `Bearer ${token}` } }))
        ))

    it.effect("has nothing where nothing is set", () =>
      Effect.gen(function*() {
        assert.deepStrictEqual(yield* withVariables({})(SoltiGrpcServer.config), { tls: undefined, token: undefined })
      }))

    it.scopedLive("takes the token, and certificates from files", () =>
      Effect.gen(function*() {
        const context = yield* withVariables({
          SOLTI_TOKEN: "right",
          SOLTI_TLS_CERT_FILE: fixture("server.pem"),
          SOLTI_TLS_KEY_FILE: fixture("server.key")
        })(Layer.build(server))
        const { url } = Context.get(context, SoltiGrpcServer.GrpcServer)
        assert.match(url, /^https:/)
        assert.strictEqual((yield* list(url, "right", { ca: text("ca.pem") }))._tag, "Right")
        assert.strictEqual((yield* list(url, "wrong", { ca: text("ca.pem") }))._tag, "Left")
      }))

    it.scopedLive("takes certificates from values, and asks clients for theirs", () =>
      Effect.gen(function*() {
        const context = yield* withVariables({
          SOLTI_TLS_CERT: text("server.pem"),
          SOLTI_TLS_KEY: text("server.key"),
          SOLTI_TLS_CLIENT_CA: text("ca.pem")
        })(Layer.build(Layer.provide(
          SoltiGrpcServer.layerConfig(
            Config.map(SoltiGrpcServer.config, (secrets) => ({ ...secrets, host: "0.0.0.0" }))
          ),
          SoltiServer.layer()
        )))
        const { url } = Context.get(context, SoltiGrpcServer.GrpcServer)
        const own = { ca: text("ca.pem"), cert: text("client.pem"), key: text("client.key") }
        assert.strictEqual((yield* list(url, "", own))._tag, "Right")
        assert.strictEqual((yield* list(url, "", { ca: text("ca.pem") }))._tag, "Left")
      }))

    it.scopedLive("says what is missing", () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(withVariables({ SOLTI_TLS_CERT: text("server.pem") })(Layer.build(server)))
        assert.include(String(error), "SOLTI_TLS_KEY")
      }))
  })
})
