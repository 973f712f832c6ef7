import { create } from "@bufbuild/protobuf"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type { CommonError, InputIssue } from "../../../schemas/core/Errors.js"
import { DecodeError, InvalidInput, VersionMismatch } from "../../../schemas/core/Errors.js"
import { ApplyTaskRequestSchema, TaskService } from "../../../schemas/gen/solti/task/v1/api_pb.js"
import * as Pb from "../../../schemas/gen/solti/v1/api_pb.js"
import * as Api from "../../../schemas/solti/Api.js"
import type { LogEvent } from "../../../schemas/solti/Logs.js"
import { fromPhaseName, isPhaseName } from "../../../schemas/solti/Phase.js"
import * as Proto from "../../../schemas/solti/Proto.js"
import * as Rules from "../../../schemas/solti/Rules.js"
import type { CreateSpec, Task } from "../../../schemas/solti/Tasks.js"
import type { CallOptions } from "../../core/CallOptions.js"
import type { Selection } from "../../core/Messages.js"
import type { CallInfo } from "../../core/Plane.js"
import { percentEncode } from "../../core/Redaction.js"
import * as Rpc from "../../core/Rpc.js"
import type * as Client from "../Client.js"
import type { ListQuery } from "../Tasks.js"
import { isTooLarge, type SoltiError, toError } from "./rpcErrors.js"
import type { Wire } from "./wire.js"
import { deleteTotal, secretsOf } from "./wire.js"

const maxUInt32 = 4294967295

/** Events of later servers are skipped, as over HTTP (contract 6.1). */
const events: Selection<Pb.OutputEventProto, LogEvent> = {
  select: Proto.decodeEvent,
  weigh: (event) => event.type === "chunk" ? event.line.length : 0
}

/** The calls of a task, by the name of both the method and the route. */
type ById = "get" | "runs" | "logs" | "delete"

/** The plane over gRPC. */
export const make = (
  plane: ReturnType<typeof Client.shared> & Pick<Rpc.RpcPlane<SoltiError>, "connection">
): Wire => {
  const rpc = Rpc.make<SoltiError>({ ...plane, toError }, "Tasks")

  /** The calls of a service; both have the same, but for `apply`. */
  const callsOf = ({ method }: Pick<typeof Pb.SoltiApi | typeof TaskService, "method">) => ({
    submit: rpc.unary("submit", method.submitTask, Api.submit),
    get: rpc.unary("get", method.getTaskStatus, Api.get),
    list: rpc.unary("list", method.listTasks, Api.list),
    runs: rpc.unary("runs", method.listTaskRuns, Api.runs),
    delete: rpc.unary("delete", method.deleteTask, { ...Api.remove, total: deleteTotal }),
    logs: rpc.open("logs", method.streamTaskLogs, Api.logs, events),
    probe: rpc.unary("version", method.getTaskStatus, Api.get),
    probeList: rpc.unary("version", method.listTasks, Api.list)
  })
  const published = callsOf(Pb.SoltiApi)
  const renamed = callsOf(TaskService)
  const callApply = rpc.unary("apply", TaskService.method.applyTask, Api.apply)
  type Calls = typeof published

  /** The service that the server has, as far as it is known: 0.0.3 has it under another name (contract 12.1). */
  let current = published

  const methods = {
    submit: "submitTask",
    get: "getTaskStatus",
    list: "listTasks",
    runs: "listTaskRuns",
    logs: "streamTaskLogs",
    delete: "deleteTask"
  } as const
  const info = (name: string, route: keyof typeof methods | "apply"): CallInfo =>
    Rpc.callInfo(
      plane,
      "Tasks",
      name,
      route === "apply"
        ? TaskService.method.applyTask
        : (current === published ? Pb.SoltiApi : TaskService).method[methods[route]]
    )

  const refuse = (info: CallInfo, issue: InputIssue): InvalidInput =>
    new InvalidInput({ ...info, detail: `${issue.path}: ${issue.message}`, issues: [issue] })

  /**
   * Whether the server has a service, with the messages that are known here: 0.0.4 has one of the same name, and not this
   * method. A blank id is refused by whoever has it, and does nothing.
   */
  const has = ({ probe }: Calls, options?: CallOptions): Effect.Effect<boolean, InvalidInput | CommonError> =>
    probe(create(Pb.GetTaskStatusRequestSchema), options).pipe(
      Effect.as(true),
      Effect.catchTags({
        // Without a code it is a request that could not be sent.
        InvalidInput: (error) => error.code === undefined ? Effect.fail(error) : Effect.succeed(true),
        TaskNotFound: () => Effect.succeed(true),
        VersionMismatch: () => Effect.succeed(false)
      })
    )

  /** Calls the service that is there: where one is not, the other is tried. */
  const calling = <A, E, R>(
    call: (calls: Calls) => Effect.Effect<A, E | CommonError | InvalidInput, R>,
    options?: CallOptions
  ): Effect.Effect<A, E | CommonError | InvalidInput, R> =>
    Effect.suspend(() => {
      const first = current
      const other = first === published ? renamed : published
      return Effect.catchIf(call(first), (error) =>
        error instanceof VersionMismatch, (error) =>
        Effect.flatMap(has(other, options), (isThere) => {
          if (!isThere) {
            return Effect.fail(error)
          }
          current = other
          return call(other)
        }))
    })

  const checked = (id: string, name: ById): Effect.Effect<string, InvalidInput> => {
    const message = Rules.isBlank(id)
      ? "must not be empty"
      : Option.isNone(percentEncode(id))
      ? "is not well-formed Unicode"
      : undefined
    return message === undefined ? Effect.succeed(id) : Effect.fail(refuse(info(name, name), { path: "id", message }))
  }

  const byId = <A, E, R>(
    id: string,
    name: ById,
    call: (calls: Calls) => Effect.Effect<A, E | CommonError | InvalidInput, R>,
    options?: CallOptions
  ) => Effect.zipRight(checked(id, name), calling(call, options))

  const undecodable = (at: CallInfo, path: string, expected: string) =>
    new DecodeError({ ...at, path, expected, detail: `the answer has no ${expected} at ${path}` })

  const encoded = (spec: CreateSpec, route: "submit" | "apply") =>
    Either.mapLeft(Proto.encodeSpec(spec), (issue) => refuse(info(route, route), issue))

  const listRequest = (query: ListQuery): Either.Either<Pb.ListTasksRequest, InvalidInput> => {
    const at = info("list", "list")
    for (const name of ["limit", "offset"] as const) {
      const value = query[name] ?? 0
      if (!Number.isInteger(value) || value < 0 || value > maxUInt32) {
        return Either.left(refuse(at, { path: name, message: `must be an integer from 0 to ${maxUInt32}` }))
      }
    }
    const { limit = 0, offset = 0, slot, status } = query
    if (status !== undefined && !isPhaseName(status)) {
      return Either.left(refuse(at, { path: "status", message: "is not a phase" }))
    }
    return Either.right(create(Pb.ListTasksRequestSchema, {
      limit,
      offset,
      ...(slot === undefined ? {} : { slot }),
      ...(status === undefined ? {} : { status: Proto.taskStatus.toNumber(fromPhaseName(status)) ?? 0 })
    }))
  }

  const list: Wire["list"] = (query, options) =>
    Effect.flatMap(
      listRequest(query),
      (request) =>
        Effect.flatMap(calling((calls) => calls.list(request, options), options), (answer) => {
          const tasks: Array<Task> = []
          for (const message of answer.tasks) {
            const task = Proto.decodeTask(message)
            if (Either.isLeft(task)) {
              const { expected, path } = task.left
              return Effect.fail(undecodable(info("list", "list"), `tasks.${tasks.length}.${path}`, expected))
            }
            tasks.push(task.right)
          }
          return Effect.succeed({ tasks, total: answer.total })
        })
    )

  /** A page that is too large for one message comes in two halves. */
  const page: Wire["page"] = (query, options) =>
    Effect.catchIf(
      Effect.map(list(query, options), ({ tasks }) => tasks),
      (error) => isTooLarge(error) && query.limit > 1,
      () => {
        const half = Math.ceil(query.limit / 2)
        return Effect.zipWith(
          page({ ...query, limit: half }, options),
          page({ ...query, offset: query.offset + half, limit: query.limit - half }, options),
          (first, second): ReadonlyArray<Task> => [...first, ...second]
        )
      }
    )

  return {
    info,
    submit: (spec, options) =>
      Effect.flatMap(encoded(spec, "submit"), (spec_) => {
        const request = create(Pb.SubmitTaskRequestSchema, { spec: spec_ })
        return Effect.map(
          calling((calls) => calls.submit(request, options, () => secretsOf(spec)), options),
          ({ taskId }) => taskId
        )
      }),
    apply: (spec, options) =>
      Effect.flatMap(encoded(spec, "apply"), (spec_) => {
        const request = create(ApplyTaskRequestSchema, { spec: spec_ })
        // Asked every time: 0.0.4 has an operation of this name that takes something else, and a server may become one.
        return Effect.flatMap(has(renamed, options), (isThere) =>
          isThere
            ? Effect.map(callApply(request, options, () => secretsOf(spec)), ({ taskId }) => taskId)
            : Effect.fail(
              new VersionMismatch({
                ...info("apply", "apply"),
                code: "UNIMPLEMENTED",
                detail: "the server does not have this operation",
                expected: "0.0.3"
              })
            ))
      }),
    get: (id, options) => {
      const request = create(Pb.GetTaskStatusRequestSchema, { taskId: id })
      return Effect.flatMap(
        byId(id, "get", (calls) => calls.get(request, options), options),
        ({ task }) =>
          task === undefined ? Effect.succeedNone : Either.mapBoth(Proto.decodeTask(task), {
            onLeft: ({ expected, path }) => undecodable(info("get", "get"), `task.${path}`, expected),
            onRight: Option.some
          })
      )
    },
    list,
    page,
    runs: (id, options) => {
      const request = create(Pb.ListTaskRunsRequestSchema, { taskId: id })
      return Effect.map(
        byId(id, "runs", (calls) => calls.runs(request, options), options),
        ({ runs }) => runs.map(Proto.decodeRun)
      )
    },
    delete: (id, options) => {
      const request = create(Pb.DeleteTaskRequestSchema, { taskId: id })
      return Effect.asVoid(byId(id, "delete", (calls) => calls.delete(request, options), options))
    },
    openLogs: (id, options) => {
      const request = create(Pb.StreamTaskLogsRequestSchema, { taskId: id })
      return byId(id, "logs", (calls) => calls.logs(request, options), options)
    },
    version: (options) => {
      const request = create(Pb.ListTasksRequestSchema, { limit: 1 })
      return Effect.flatMap(has(renamed, options), (isRenamed) =>
        isRenamed
          ? Effect.succeed("0.0.3" as const)
          : Effect.catchTag(
            Effect.as(published.probeList(request, options), "0.0.2" as const),
            "VersionMismatch",
            () =>
              renamed.probeList(request, options).pipe(
                Effect.as("0.0.4" as const),
                // Its tasks are not ours.
                Effect.catchTag("DecodeError", () => Effect.succeed("0.0.4" as const))
              )
          ))
    }
  }
}
