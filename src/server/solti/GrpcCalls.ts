/**
 * The calls of the task API over gRPC, from the bytes of a request to those of its answer (contract 3.5, 5.7, 5.8,
 * 6.2).
 *
 * @since 0.1.0
 */
import {
  type DescMessage,
  type DescMethodUnary,
  type MessageInitShape,
  type MessageShape,
  toBinary
} from "@bufbuild/protobuf"
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { TaskService } from "../../schemas/gen/solti/task/v1/api_pb.js"
import { type ListTasksRequest, ListTasksResponseSchema, SoltiApi } from "../../schemas/gen/solti/v1/api_pb.js"
import { type CreateSpec as PbCreateSpec, TaskDataSchema } from "../../schemas/gen/solti/v1/types_pb.js"
import * as Proto from "../../schemas/solti/Proto.js"
import * as Rules from "../../schemas/solti/Rules.js"
import { type CreateSpec, type TaskPage, TaskStatus } from "../../schemas/solti/Tasks.js"
import type * as Grpc from "../core/Grpc.js"
import * as GrpcMessage from "../core/GrpcMessage.js"
import { GrpcStatus } from "../core/GrpcStatus.js"
import type { ApiError, ApiHandler, TaskQuery } from "./ApiHandler.js"
import { toStatus } from "./GrpcError.js"
import * as GrpcEvents from "./GrpcEvents.js"
import { invalid, limitOf, readId } from "./Input.js"

const statusOf = (failure: ApiError | GrpcStatus): GrpcStatus =>
  failure._tag === "GrpcStatus" ? failure : toStatus(failure)

const readSpec = (spec: PbCreateSpec | undefined): Either.Either<CreateSpec, ApiError> =>
  spec === undefined
    ? Either.left(invalid("missing spec"))
    : Either.mapLeft(Rules.parse(Proto.decodeSpec(spec)), ({ message }) => invalid(message))

const readQuery = (request: ListTasksRequest): Either.Either<TaskQuery, ApiError> => {
  const slot = Option.fromNullable(request.slot)
  if (Option.exists(slot, Rules.isBlank)) return Either.left(invalid("slot cannot be empty"))
  if (request.status === 0) return Either.left(invalid("status cannot be unspecified"))
  const status = Option.map(Option.fromNullable(request.status), Proto.taskStatus.fromNumber)
  if (Option.exists(status, (it) => !TaskStatus.is(it))) {
    return Either.left(invalid(`invalid status value: ${request.status}`))
  }
  return Either.right({ slot, status, limit: limitOf(request.limit), offset: request.offset })
}

const { tasks: tasksField, total: totalField } = ListTasksResponseSchema.field

/** Stops as soon as the page is too long: one of the longest scripts would have gigabytes. */
const encodePage = (
  { tasks, total }: TaskPage,
  { maxMessageBytes, tooLargeCode }: Limits
): Either.Either<Uint8Array, GrpcStatus> => {
  const writer = new BinaryWriter()
  let length = 0
  for (const task of tasks) {
    const bytes = toBinary(TaskDataSchema, Proto.encodeTask(task))
    length += bytes.length
    if (length > maxMessageBytes) {
      const detail =
        `Error, encoded message length too large: the limit is: ${maxMessageBytes} bytes; ask for fewer tasks`
      return Either.left(new GrpcStatus({ code: tooLargeCode, detail }))
    }
    writer.tag(tasksField.number, WireType.LengthDelimited).bytes(bytes)
  }
  if (total > 0) writer.tag(totalField.number, WireType.Varint).uint32(total)
  return Either.right(writer.finish())
}

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

const unary = <I extends DescMessage, O extends DescMessage>(
  { input, name, output }: DescMethodUnary<I, O>,
  handle: (request: MessageShape<I>) => Effect.Effect<MessageInitShape<O>, ApiError>
): readonly [string, Grpc.Method] => [
  name,
  {
    _tag: "Unary",
    handle: (bytes) =>
      Effect.mapBoth(Effect.flatMap(GrpcMessage.decode(input, bytes), handle), {
        onFailure: statusOf,
        onSuccess: (answer) => GrpcMessage.encode(output, answer)
      })
  }
]

/**
 * The calls of a handler by the names of their methods, which are the same in all services. Every failure is a status
 * with the bare text.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (handler: ApiHandler.Service, limits: Limits): ReadonlyMap<string, Grpc.Method> => {
  const { deleteTask, getTaskStatus, listTaskRuns, listTasks, streamTaskLogs, submitTask } = SoltiApi.method
  const framed = GrpcEvents.makeFramer()
  return new Map([
    unary(
      submitTask,
      ({ spec }) => Effect.map(Effect.flatMap(readSpec(spec), handler.submitTask), (taskId) => ({ taskId }))
    ),
    unary(TaskService.method.applyTask, ({ spec }) =>
      Effect.map(
        Effect.flatMap(
          readSpec(spec),
          (given) => handler.submitTask({ ...given, admission: "ADMISSION_STRATEGY_REPLACE" })
        ),
        (taskId) => ({ taskId })
      )),
    unary(getTaskStatus, ({ taskId }) =>
      Effect.map(
        Effect.flatMap(readId(taskId), handler.getTaskStatus),
        Option.match({ onNone: () => ({}), onSome: (task) => ({ task: Proto.encodeTask(task) }) })
      )),
    unary(
      listTaskRuns,
      ({ taskId }) =>
        Effect.map(
          Effect.flatMap(readId(taskId), handler.listTaskRuns),
          (runs) => ({ runs: runs.map(Proto.encodeRun) })
        )
    ),
    unary(deleteTask, ({ taskId }) => Effect.as(Effect.flatMap(readId(taskId), handler.deleteTask), {})),
    [listTasks.name, {
      _tag: "Unary",
      handle: (bytes) =>
        GrpcMessage.decode(listTasks.input, bytes).pipe(
          Effect.flatMap(readQuery),
          Effect.flatMap(handler.queryTasks),
          Effect.flatMap((page) => encodePage(page, limits)),
          Effect.mapError(statusOf)
        )
    }],
    [streamTaskLogs.name, {
      _tag: "ServerStream",
      isFramed: true,
      handle: (bytes) =>
        GrpcMessage.decode(streamTaskLogs.input, bytes).pipe(
          Effect.flatMap(({ taskId }) => readId(taskId)),
          Effect.flatMap(handler.streamTaskLogs),
          Effect.mapBoth({
            onFailure: statusOf,
            onSuccess: (events) => Stream.mapError(Stream.map(events, framed), statusOf)
          })
        )
    }]
  ])
}
