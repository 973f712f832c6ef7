import { create, createFileRegistry, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf"
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Health } from "../../../src/schemas/gen/grpc/health/v1/health_pb.js"
import {
  ServerReflectionRequestSchema,
  ServerReflectionResponseSchema
} from "../../../src/schemas/gen/grpc/reflection/v1/reflection_pb.js"
import { TaskService } from "../../../src/schemas/gen/solti/task/v1/api_pb.js"
import { SoltiApi } from "../../../src/schemas/gen/solti/v1/api_pb.js"
import * as Grpc from "../../../src/server/core/Grpc.js"
import * as GrpcReflection from "../../../src/server/core/GrpcReflection.js"
import * as GrpcCall from "./GrpcCall.js"

type Question = MessageInitShape<typeof ServerReflectionRequestSchema>

const v1 = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"

const alpha = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"

const front = Grpc.make({ methods: GrpcReflection.make([SoltiApi, TaskService, Health]), maxMessageBytes: 4_194_304 })

const encode = (question: Question) =>
  toBinary(ServerReflectionRequestSchema, create(ServerReflectionRequestSchema, question))

/** Asks all questions over one stream. */
const ask = (questions: ReadonlyArray<Question>, path = v1) =>
  Effect.map(
    GrpcCall.send(front, GrpcCall.requestOf(path, GrpcCall.framed(...questions.map(encode)))),
    ({ code, messages }) => {
      assert.strictEqual(code, 0)
      return messages.map((message) => fromBinary(ServerReflectionResponseSchema, message))
    }
  )

const askOne = (messageRequest: NonNullable<Question["messageRequest"]>) =>
  Effect.map(ask([{ messageRequest }]), ([answer]) => answer?.messageResponse)

/** The names of the files that describe a symbol, the one that declares it first; or the error. */
const filesOf = (messageRequest: NonNullable<Question["messageRequest"]>) =>
  Effect.map(askOne(messageRequest), (answer) =>
    answer?.case === "fileDescriptorResponse"
      ? answer.value.fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes).name)
      : answer?.case === "errorResponse"
      ? [answer.value.errorCode, answer.value.errorMessage]
      : answer)

const symbol = (value: string) => filesOf({ case: "fileContainingSymbol", value })

describe("GrpcReflection", () => {
  it.effect("lists the services, and itself", () =>
    Effect.gen(function*() {
      const answer = yield* askOne({ case: "listServices", value: "" })
      assert.strictEqual(answer?.case, "listServicesResponse")
      assert.deepStrictEqual(
        answer?.case === "listServicesResponse" ? answer.value.service.map(({ name }) => name) : [],
        [
          "solti.v1.SoltiApi",
          "solti.task.v1.TaskService",
          "grpc.health.v1.Health",
          "grpc.reflection.v1.ServerReflection"
        ]
      )
    }))

  it.effect("finds files by name and by all that they declare, with what they import", () =>
    Effect.gen(function*() {
      const api = ["solti/v1/api.proto", "solti/v1/types.proto"]
      const types = ["solti/v1/types.proto"]
      assert.deepStrictEqual(yield* filesOf({ case: "fileByFilename", value: "solti/v1/api.proto" }), api)
      for (const name of ["SoltiApi", "SoltiApi.StreamTaskLogs", "OutputEventProto", "OutputStreamKind"]) {
        assert.deepStrictEqual(yield* symbol(`solti.v1.${name}`), api, name)
      }
      for (const name of ["TaskStatus", "CreateSpec", "CreateSpec.LabelsEntry"]) {
        assert.deepStrictEqual(yield* symbol(`solti.v1.${name}`), types, name)
      }
      const later = yield* symbol("solti.task.v1.TaskService.ApplyTask")
      assert.deepStrictEqual(later, ["solti/task/v1/api.proto", ...api])
      const nested = yield* symbol("grpc.health.v1.HealthCheckResponse.ServingStatus")
      assert.deepStrictEqual(nested, ["grpc/health/v1/health.proto"])
      assert.deepStrictEqual(yield* symbol("grpc.reflection.v1.ServerReflection"), [
        "grpc/reflection/v1/reflection.proto"
      ])
    }))

  it.effect("describes services so that a client can call them that knows nothing", () =>
    Effect.gen(function*() {
      const answer = yield* askOne({ case: "fileContainingSymbol", value: "solti.task.v1.TaskService" })
      const file = answer?.case === "fileDescriptorResponse"
        ? answer.value.fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes))
        : []
      const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: file.reverse() }))
      const service = registry.getService("solti.task.v1.TaskService")
      assert.deepStrictEqual(
        service?.methods.map((
          { input, methodKind, name, output }
        ) => [name, methodKind, input.typeName, output.typeName]),
        TaskService.methods.map(({ input, methodKind, name, output }) => [
          name,
          methodKind,
          input.typeName,
          output.typeName
        ])
      )
    }))

  it.effect("answers what it does not know with an error, and goes on", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* symbol("solti.v1.Nothing"), [5, "symbol not found"])
      assert.deepStrictEqual(yield* symbol(""), [5, "symbol not found"])
      assert.deepStrictEqual(yield* filesOf({ case: "fileByFilename", value: "../x" }), [5, "file not found"])
      const extension = { containingType: "solti.v1.CreateSpec", extensionNumber: 1 }
      assert.deepStrictEqual(yield* filesOf({ case: "fileContainingExtension", value: extension }), [
        5,
        "extension not found"
      ])
      assert.deepStrictEqual(yield* filesOf({ case: "allExtensionNumbersOfType", value: "x" }), [5, "type not found"])
      const numbers = yield* askOne({ case: "allExtensionNumbersOfType", value: "solti.v1.CreateSpec" })
      assert.deepInclude(numbers, { case: "allExtensionNumbersResponse" })
      const answers = yield* ask([
        { host: "h", messageRequest: { case: "fileByFilename", value: "x" } },
        {},
        { messageRequest: { case: "listServices", value: "*" } }
      ])
      assert.deepStrictEqual(
        answers.map(({ messageResponse }) => messageResponse.case),
        ["errorResponse", "errorResponse", "listServicesResponse"]
      )
      assert.strictEqual(answers[0]?.validHost, "h")
      assert.deepStrictEqual(answers[0]?.originalRequest?.messageRequest, { case: "fileByFilename", value: "x" })
    }))

  it.effect("gives older clients the same bytes", () =>
    Effect.gen(function*() {
      const question: Question = { messageRequest: { case: "fileContainingSymbol", value: "solti.v1.SoltiApi" } }
      assert.deepStrictEqual(yield* ask([question], alpha), yield* ask([question]))
    }))

  it.effect("ends a stream of what it cannot decode", () =>
    Effect.gen(function*() {
      const body = GrpcCall.framed(encode({ messageRequest: { case: "listServices", value: "" } }), Uint8Array.of(0xff))
      const answer = yield* GrpcCall.send(front, GrpcCall.requestOf(v1, body))
      assert.strictEqual(answer.messages.length, 1)
      assert.deepInclude(answer, { code: 13, detail: "failed to decode Protobuf message: invalid varint" })
    }))
})
