import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import { describe, it } from "@effect/vitest"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import { connect } from "node:http2"
import { assert } from "vitest"
import * as Golden from "../fixtures/solti/Golden.js"
import * as RealServer from "./server.js"

/** The gRPC status of a call of an unknown method: an answer that only a gRPC server gives. */
const grpcStatus = (authority: string) =>
  Effect.async<string>((resume) => {
    const session = connect(`http://${authority}`)
    const call = session.request({
      ":method": "POST",
      ":path": "/solti.v1.SoltiApi/NoSuchCall",
      "content-type": "application/grpc",
      te: "trailers"
    })
    call.on("response", (headers) => {
      session.close()
      resume(Effect.succeed(String(headers["grpc-status"])))
    })
    call.end()
  })

describe("the real server", () => {
  it.live("of this run answers over HTTP and gRPC", () =>
    Effect.gen(function*() {
      const recorded = Golden.ofKind(Golden.get("absent"), "http")
      assert.isNotEmpty(recorded)
      const url = yield* Config.string("SOLTI_REAL_URL")
      for (const { request, response } of recorded.filter(({ request }) => request.method === "GET")) {
        const answer = yield* HttpClient.get(url + request.path)
        assert.strictEqual(answer.status, response.status)
        assert.strictEqual(yield* answer.text, response.body)
      }
      assert.strictEqual(yield* grpcStatus(yield* Config.string("SOLTI_REAL_GRPC")), "12")
    }).pipe(Effect.provide(FetchHttpClient.layer)))

  it.live("can be started with settings, and is gone when its scope is closed", () =>
    Effect.gen(function*() {
      const binary = yield* Config.string("SOLTI_REAL_BINARY")
      const submit = Golden.ofKind(Golden.get("submit-minimal"), "http")[0]
      const url = yield* Effect.scoped(Effect.gen(function*() {
        const server = yield* RealServer.start(binary, { SOLTI_RUNNER_NAME: "edge" })
        const answer = yield* HttpClientRequest.post(`${server.url}/api/v1/tasks`).pipe(
          HttpClientRequest.bodyText(submit?.request.body ?? "", "application/json"),
          HttpClient.execute
        )
        assert.strictEqual(answer.status, 201)
        assert.match(yield* answer.text, /^\{"taskId":"edge-[^"]+-1"\}$/)
        return server.url
      }))
      const refused = yield* Effect.flip(HttpClient.get(url))
      assert.strictEqual(refused._tag, "RequestError")
    }).pipe(Effect.provide(FetchHttpClient.layer)))

  it.live("is killed when it does not stop", () =>
    Effect.gen(function*() {
      const binary = yield* Config.string("SOLTI_REAL_BINARY")
      const settings = { SOLTI_EMBEDDED: "1", SOLTI_STOP_MS: "600000" }
      const { url } = yield* Effect.scoped(RealServer.start(binary, settings))
      const refused = yield* Effect.flip(HttpClient.get(url))
      assert.strictEqual(refused._tag, "RequestError")
    }).pipe(Effect.provide(FetchHttpClient.layer)))

  it.live("that does not start is an error", () =>
    Effect.gen(function*() {
      const binary = yield* Config.string("SOLTI_REAL_BINARY")
      const error = yield* RealServer.start(binary, { SOLTI_GRACE_MS: "soon" }).pipe(Effect.scoped, Effect.flip)
      assert.strictEqual(error._tag, "NotReady")
    }).pipe(Effect.provide(FetchHttpClient.layer)))
})
