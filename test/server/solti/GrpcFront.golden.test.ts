import { fromBinary, toBinary } from "@bufbuild/protobuf"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Pb from "../../../src/schemas/gen/solti/v1/api_pb.js"
import type { ErrorLabel } from "../../../src/schemas/solti/Errors.js"
import * as Proto from "../../../src/schemas/solti/Proto.js"
import { TaskId } from "../../../src/schemas/solti/Tasks.js"
import * as NodeHttp2 from "../../../src/server/core/NodeHttp2.js"
import { ApiError, ApiHandler } from "../../../src/server/solti/ApiHandler.js"
import * as GrpcFront from "../../../src/server/solti/GrpcFront.js"
import * as Golden from "../../fixtures/solti/Golden.js"
import { framed, unframed } from "../core/GrpcCall.js"
import { connect, send } from "../core/Http2Client.js"

type Recorded = Extract<Golden.Exchange, { readonly kind: "grpc" | "grpc-stream" }>

const isGrpc = (exchange: Golden.Exchange): exchange is Recorded =>
  exchange.kind === "grpc" || exchange.kind === "grpc-stream"

/** A submit of a short script, as it was recorded; longer ones were recorded as words. */
const shortScript = fromBinary(
  Pb.SubmitTaskRequestSchema,
  Either.getOrThrow(Encoding.decodeBase64("Ci0KAXQSDQoLEgcIARoDISEhKAEYsOoBIAEyEQgBEMgBGMgBIQAAAAAAAPA/OAM="))
)

const submitOf = (bytes: number): Uint8Array => {
  const { spec } = shortScript
  const subprocess = spec?.kind?.kind.case === "subprocess" ? spec.kind.kind.value : undefined
  if (subprocess?.mode.case !== "script") throw new Error("the recorded request is another one")
  subprocess.mode.value.body = Encoding.encodeBase64("#".repeat(bytes))
  return toBinary(Pb.SubmitTaskRequestSchema, shortScript)
}

const requestOf = ({ request }: Recorded): Uint8Array => {
  const described = /^script of (\d+) bytes '#'$/.exec(request.describe ?? "")?.[1]
  if (described !== undefined) return submitOf(Number(described))
  assert.isDefined(request.bytes)
  return request.bytes ?? new Uint8Array(0)
}

const messagesOf = (recorded: Recorded): ReadonlyArray<Uint8Array> =>
  recorded.kind === "grpc"
    ? recorded.response === undefined ? [] : [recorded.response.bytes]
    : recorded.responses.map(({ bytes }) => bytes)

/** What the front cannot know, and the handler has to say. */
const labelOf = ({ code, statusMessage = "" }: Recorded): ErrorLabel | undefined =>
  code === 5
    ? "TaskNotFound"
    : code === 13
    ? "Internal"
    : statusMessage.startsWith("embedded tasks")
    ? "InvalidRequest"
    : undefined

/** A handler that behaves as the recorded server did behind its front, and dies where the front has to answer itself. */
const scripted = (recorded: Recorded): ApiHandler.Service => {
  const first = messagesOf(recorded)[0] ?? new Uint8Array(0)
  const answer = <A>(success: () => A): Effect.Effect<A, ApiError> =>
    Effect.suspend(() => {
      if (recorded.code === 0) return Effect.succeed(success())
      const label = labelOf(recorded)
      return label === undefined
        ? Effect.dieMessage("the front should have refused this")
        : Effect.fail(new ApiError({ label, detail: recorded.statusMessage ?? "" }))
    })
  const task = (message: Parameters<typeof Proto.decodeTask>[0]) => Either.getOrThrow(Proto.decodeTask(message))
  return ApiHandler.make({
    submitTask: () => answer(() => TaskId.make(fromBinary(Pb.SubmitTaskResponseSchema, first).taskId)),
    getTaskStatus: () =>
      answer(() => Option.map(Option.fromNullable(fromBinary(Pb.GetTaskStatusResponseSchema, first).task), task)),
    queryTasks: () =>
      answer(() => {
        const page = fromBinary(Pb.ListTasksResponseSchema, first)
        return { tasks: page.tasks.map(task), total: page.total }
      }),
    listTaskRuns: () => answer(() => fromBinary(Pb.ListTaskRunsResponseSchema, first).runs.map(Proto.decodeRun)),
    deleteTask: () => answer(() => undefined),
    streamTaskLogs: () =>
      answer(() =>
        Stream.filterMap(
          Stream.fromIterable(messagesOf(recorded)),
          (message) => Option.fromNullable(Proto.decodeEvent(fromBinary(Pb.OutputEventProtoSchema, message)))
        )
      )
  })
}

/**
 * One form for the two of a label with an empty key, which may be left out: the recorded server does, ours does not. No
 * other recording changes by this.
 */
const withKeys = ({ method }: Recorded, bytes: Uint8Array): Uint8Array =>
  method.endsWith("/GetTaskStatus")
    ? toBinary(Pb.GetTaskStatusResponseSchema, fromBinary(Pb.GetTaskStatusResponseSchema, bytes))
    : bytes

describe("the gRPC front answers as recorded", () => {
  for (const { exchanges, name } of Golden.cases) {
    const recordings = exchanges.filter(isGrpc)
    if (recordings.length === 0) continue
    it.scopedLive(name, () =>
      Effect.forEach(recordings, (recorded) =>
        Effect.gen(function*() {
          const front = yield* GrpcFront.make({ tooLargeCode: 11 })
          const { url } = yield* NodeHttp2.listen(front)
          const session = yield* connect(url)
          const headers = { ":path": recorded.method, "content-type": "application/grpc", te: "trailers" }
          const answer = yield* send(session, headers, framed(requestOf(recorded)))
          const metadata = { ...answer.headers, ...answer.trailers }
          const message = metadata["grpc-message"]
          assert.deepStrictEqual({
            http: metadata[":status"],
            code: metadata["grpc-status"],
            message: decodeURIComponent(typeof message === "string" ? message : ""),
            messages: unframed(answer.body).map(Encoding.encodeBase64)
          }, {
            http: 200,
            code: String(recorded.code),
            message: recorded.statusMessage ?? "",
            messages: messagesOf(recorded)
              .map((bytes) => withKeys(recorded, bytes))
              .map(Encoding.encodeBase64)
          })
        }).pipe(Effect.provideService(ApiHandler, scripted(recorded)), Effect.scoped), { discard: true }))
  }

  it("all of them", () => {
    assert.isAbove(Golden.cases.flatMap(({ exchanges }) => exchanges.filter(isGrpc)).length, 50)
  })
})
