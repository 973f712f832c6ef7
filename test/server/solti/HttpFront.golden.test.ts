import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { ErrorEnvelope } from "../../../src/schemas/solti/Errors.js"
import { LogEvent } from "../../../src/schemas/solti/Logs.js"
import { Task, TaskId, TaskPage, TaskRun } from "../../../src/schemas/solti/Tasks.js"
import * as NodeServer from "../../../src/server/core/NodeServer.js"
import { ApiError, ApiHandler } from "../../../src/server/solti/ApiHandler.js"
import * as HttpFront from "../../../src/server/solti/HttpFront.js"
import { neutral } from "../../fixtures/solti/Differences.js"
import * as Golden from "../../fixtures/solti/Golden.js"
import { chunksOf, send } from "../core/Raw.js"

type Recorded = Golden.Http | Golden.Sse

const bodyOf = (recorded: Recorded): string => recorded.kind === "http" ? recorded.response.body : ""

const read = <A, I>(schema: Schema.Schema<A, I>, recorded: Recorded): A =>
  Schema.decodeUnknownSync(Schema.parseJson(schema))(bodyOf(recorded))

const eventsOf = (recorded: Golden.Sse): ReadonlyArray<LogEvent> =>
  recorded.response.chunks
    .filter(({ text }) => text.startsWith("event: "))
    .map(({ text }) => Schema.decodeUnknownSync(Schema.parseJson(LogEvent))(text.slice(text.indexOf("data: ") + 6)))

const Label = Schema.Literal("InvalidRequest", "TaskNotFound", "Internal")

/** A handler that behaves as the recorded server did behind its front, and dies where the front has to answer itself. */
const scripted = (recorded: Recorded): ApiHandler.Service => {
  const answer = <A>(success: () => A): Effect.Effect<A, ApiError> =>
    Effect.suspend(() => {
      const { status } = recorded.response
      if (status < 300) return Effect.succeed(success())
      const envelope = read(ErrorEnvelope, recorded)
      const isEmbedded = envelope.message?.startsWith("embedded tasks") === true
      if (status === 400 && !isEmbedded) return Effect.dieMessage("the front should have refused this")
      const label = Schema.decodeUnknownSync(Label)(envelope.error)
      return Effect.fail(new ApiError({ label, detail: envelope.message ?? "" }))
    })
  return ApiHandler.make({
    submitTask: () => answer(() => read(Schema.Struct({ taskId: TaskId }), recorded).taskId),
    getTaskStatus: () =>
      answer(() => read(Schema.Struct({ task: Schema.optionalWith(Task, { as: "Option" }) }), recorded).task),
    queryTasks: () =>
      answer(() => recorded.request.method === "HEAD" ? { tasks: [], total: 0 } : read(TaskPage, recorded)),
    listTaskRuns: () => answer(() => read(Schema.Struct({ runs: Schema.Array(TaskRun) }), recorded).runs),
    deleteTask: () => answer(() => undefined),
    streamTaskLogs: () => answer(() => recorded.kind === "sse" ? Stream.fromIterable(eventsOf(recorded)) : Stream.empty)
  })
}

const headersOf = (headers: Readonly<Record<string, string>>, withLength: boolean) =>
  Object.fromEntries(
    Object.entries(headers).filter(([name]) =>
      !["date", "connection", "keep-alive"].includes(name) && (withLength || name !== "content-length")
    )
  )

describe("the HTTP front answers as recorded", () => {
  for (const recordedCase of Golden.cases) {
    const exchanges = recordedCase.exchanges.filter((exchange) => exchange.kind === "http" || exchange.kind === "sse")
    if (exchanges.length === 0) continue
    it.scopedLive(recordedCase.name, () =>
      Effect.forEach(exchanges, (recorded) =>
        Effect.gen(function*() {
          const { headers, method, path } = recorded.request
          const front = yield* HttpFront.make({ submitLimit: 2 * 1024 * 1024 })
          const { port } = yield* NodeServer.listen(front)
          const body = Option.getOrUndefined(Golden.requestBody(recorded.request))
          const answer = yield* send(port, {
            method,
            path,
            body,
            headers: body === undefined ? headers : { ...headers, "content-length": String(body.length) }
          })
          assert.strictEqual(answer.status, recorded.response.status)
          if (recorded.kind === "sse") {
            assert.deepStrictEqual(
              yield* chunksOf(port, path),
              recorded.response.chunks.map(({ text }) => text).filter((text) => text !== ":\n\n")
            )
            assert.deepStrictEqual(headersOf(answer.headers, true), recorded.response.headers)
          } else {
            assert.deepStrictEqual(neutral(answer.body), neutral(recorded.response.body))
            const same = answer.body === recorded.response.body
            assert.deepStrictEqual(headersOf(answer.headers, same), headersOf(recorded.response.headers, same))
          }
        }).pipe(Effect.provideService(ApiHandler, scripted(recorded)), Effect.scoped), { discard: true }))
  }
})
