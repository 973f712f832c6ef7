/**
 * The calls of the task API over gRPC, from the bytes of a request to those of its answer (contract 3.5, 5.7, 5.8,
 * 6.2).
 *
 * @since 0.1.0
 */
import { create, type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf"
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { ApplyTaskRequestSchema, ApplyTaskResponseSchema, TaskService } from "../../schemas/gen/solti/task/v1/api_pb.js"
import * as Pb from "../../schemas/gen/solti/v1/api_pb.js"
import { type CreateSpec as PbCreateSpec, TaskDataSchema } from "../../schemas/gen/solti/v1/types_pb.js"
import type { ErrorLabel } from "../../schemas/solti/Errors.js"
import * as Proto from "../../schemas/solti/Proto.js"
import * as Rules from "../../schemas/solti/Rules.js"
import { type CreateSpec, type TaskPage, TaskStatus } from "../../schemas/solti/Tasks.js"
import * as Grpc from "../core/Grpc.js"
import { undecodable } from "../core/GrpcMessage.js"
import type { ApiError, ApiHandler, TaskQuery } from "./ApiHandler.js"
import * as GrpcEvents from "./GrpcEvents.js"
import { invalid, limitOf, readId } from "./Input.js"

const codeOf: Readonly<Record<ErrorLabel, number>> = {
  InvalidRequest: Grpc.codes.INVALID_ARGUMENT,
  Unauthenticated: Grpc.codes.UNAUTHENTICATED,
  TaskNotFound: Grpc.codes.NOT_FOUND,
  AlreadyExists: Grpc.codes.ALREADY_EXISTS,
  PayloadTooLarge: Grpc.codes.RESOURCE_EXHAUSTED,
  Internal: Grpc.codes.INTERNAL,
  Unavailable: Grpc.codes.UNAVAILABLE
}

const toStatus = (failure: ApiError | Grpc.GrpcStatus): Grpc.GrpcStatus =>
  failure._tag === "GrpcStatus" ? failure : new Grpc.GrpcStatus({
    code: codeOf[failure.label],
    detail: failure.detail,
    retryAfterSeconds: failure.retryAfterSeconds
  })

const readSpec = (spec: PbCreateSpec | undefined): Either.Either<CreateSpec, ApiError> =>
  spec === undefined
    ? Either.left(invalid("missing spec"))
    : Either.mapLeft(Rules.parse(Proto.decodeSpec(spec)), ({ message }) => invalid(message))

const readQuery = (request: Pb.ListTasksRequest): Either.Either<TaskQuery, ApiError> => {
  const slot = Option.fromNullable(request.slot)
  if (Option.exists(slot, Rules.isBlank)) return Either.left(invalid("slot cannot be empty"))
  if (request.status === 0) return Either.left(invalid("status cannot be unspecified"))
  const status = Option.map(Option.fromNullable(request.status), Proto.taskStatus.fromNumber)
  if (Option.exists(status, (it) => !TaskStatus.is(it))) {
    return Either.left(invalid(`invalid status value: ${request.status}`))
  }
  return Either.right({ slot, status, limit: limitOf(request.limit), offset: request.offset })
}

const { tasks: tasksField, total: totalField } = Pb.ListTasksResponseSchema.field

/** Stops as soon as the page is too long: one of the longest scripts would have gigabytes. */
const encodePage = (
  { tasks, total }: TaskPage,
  { maxMessageBytes, tooLargeCode }: Limits
): Either.Either<Uint8Array, Grpc.GrpcStatus> => {
  const writer = new BinaryWriter()
  let length = 0
  for (const task of tasks) {
    const bytes = toBinary(TaskDataSchema, Proto.encodeTask(task))
    length += bytes.length
    if (length > maxMessageBytes) {
      const detail =
        `Error, encoded message length too large: the limit is: ${maxMessageBytes} bytes; ask for fewer tasks`
      return Either.left(new Grpc.GrpcStatus({ code: tooLargeCode, detail }))
    }
    writer.tag(tasksField.number, WireType.LengthDelimited).bytes(bytes)
  }
  if (total > 0) writer.tag(totalField.number, WireType.Varint).uint32(total)
  return Either.right(writer.finish())
}

/** Fields that are not known are passed over: a later client may have them (contract 3.5). */
const read = <Desc extends DescMessage>(
  schema: Desc,
  bytes: Uint8Array
): Either.Either<MessageShape<Desc>, Grpc.GrpcStatus> =>
  Either.try({
    try: () => fromBinary(schema, bytes, { readUnknownFields: false }),
    catch: (cause) => undecodable(cause, bytes)
  })

/**
 * - `maxMessageBytes`: the longest message in both directions, in bytes
 * - `tooLargeCode`: the code of what is longer
 *
 * @since 0.1.0
 * @category models
 */
export interface Limits {
  readonly maxMessageBytes: number
  readonly tooLargeCode: number
}

/** What a call does with the bytes of its one request. */
interface Call<out A, out R = never> {
  (request: Uint8Array): Effect.Effect<A, Grpc.GrpcStatus, R>
}

/**
 * All calls of a handler: those with one answer by their names, and the log, as frames.
 *
 * @since 0.1.0
 * @category models
 */
export interface Calls {
  readonly unary: ReadonlyMap<string, Call<Uint8Array>>
  readonly streamTaskLogs: Call<Stream.Stream<Uint8Array, Grpc.GrpcStatus>, Scope.Scope>
}

const call = <Desc extends DescMessage, A, R>(
  schema: Desc,
  handle: (request: MessageShape<Desc>) => Effect.Effect<A, ApiError | Grpc.GrpcStatus, R>
): Call<A, R> =>
(bytes) => Effect.mapError(Effect.flatMap(read(schema, bytes), handle), toStatus)

const empty = new Uint8Array(0)

/**
 * The calls of a handler. Every failure is a status with the bare text.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (handler: ApiHandler.Service, limits: Limits): Calls => {
  const v1 = Pb.SoltiApi.method
  const framed = GrpcEvents.makeFramer()
  return {
    unary: new Map([
      [
        v1.submitTask.name,
        call(Pb.SubmitTaskRequestSchema, ({ spec }) =>
          Effect.map(
            Effect.flatMap(readSpec(spec), handler.submitTask),
            (taskId) => toBinary(Pb.SubmitTaskResponseSchema, create(Pb.SubmitTaskResponseSchema, { taskId }))
          ))
      ],
      [
        TaskService.method.applyTask.name,
        call(ApplyTaskRequestSchema, ({ spec }) =>
          Effect.map(
            Effect.flatMap(
              readSpec(spec),
              (given) => handler.submitTask({ ...given, admission: "ADMISSION_STRATEGY_REPLACE" })
            ),
            (taskId) => toBinary(ApplyTaskResponseSchema, create(ApplyTaskResponseSchema, { taskId }))
          ))
      ],
      [
        v1.getTaskStatus.name,
        call(Pb.GetTaskStatusRequestSchema, ({ taskId }) =>
          Effect.map(
            Effect.flatMap(readId(taskId), handler.getTaskStatus),
            Option.match({
              onNone: () => empty,
              onSome: (task) =>
                toBinary(
                  Pb.GetTaskStatusResponseSchema,
                  create(Pb.GetTaskStatusResponseSchema, { task: Proto.encodeTask(task) })
                )
            })
          ))
      ],
      [
        v1.listTasks.name,
        call(Pb.ListTasksRequestSchema, (request) =>
          Effect.flatMap(
            Effect.flatMap(readQuery(request), handler.queryTasks),
            (page) => encodePage(page, limits)
          ))
      ],
      [
        v1.listTaskRuns.name,
        call(Pb.ListTaskRunsRequestSchema, ({ taskId }) =>
          Effect.map(
            Effect.flatMap(readId(taskId), handler.listTaskRuns),
            (runs) =>
              toBinary(
                Pb.ListTaskRunsResponseSchema,
                create(Pb.ListTaskRunsResponseSchema, { runs: runs.map(Proto.encodeRun) })
              )
          ))
      ],
      [
        v1.deleteTask.name,
        call(
          Pb.DeleteTaskRequestSchema,
          ({ taskId }) => Effect.as(Effect.flatMap(readId(taskId), handler.deleteTask), empty)
        )
      ]
    ]),
    streamTaskLogs: call(Pb.StreamTaskLogsRequestSchema, ({ taskId }) =>
      Effect.map(
        Effect.flatMap(readId(taskId), handler.streamTaskLogs),
        (events) => Stream.mapError(Stream.map(events, framed), toStatus)
      ))
  }
}
