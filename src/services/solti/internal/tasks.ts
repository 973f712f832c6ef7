import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { CommonError } from "../../../schemas/core/Errors.js"
import { DecodeError, InvalidInput, isTransient, TransportError, Unavailable } from "../../../schemas/core/Errors.js"
import * as Api from "../../../schemas/solti/Api.js"
import { TaskNotFound } from "../../../schemas/solti/Errors.js"
import * as Rules from "../../../schemas/solti/Rules.js"
import type { CreateSpec, Task, TaskRun } from "../../../schemas/solti/Tasks.js"
import { TaskId } from "../../../schemas/solti/Tasks.js"
import * as Feed from "../../../streams/core/Feed.js"
import * as Paginate from "../../../streams/core/Paginate.js"
import * as Poll from "../../../streams/core/Poll.js"
import * as Follow from "../../../streams/solti/Follow.js"
import * as Logs from "../../../streams/solti/Logs.js"
import type { CallOptions } from "../../core/CallOptions.js"
import type { CallInfo } from "../../core/Plane.js"
import * as StreamTelemetry from "../../core/StreamTelemetry.js"
import * as Transport from "../../core/Transport.js"
import type { Client } from "../Client.js"
import * as Outcome from "../Outcome.js"
import { scriptText } from "../Spec.js"
import type { ListQuery, SubmitOptions, Tasks } from "../Tasks.js"

/** One page is enough for nearly every server; a smaller one could be all agent-internal tasks (contract chapter 7). */
const pageSize = 1000

/** Below this, a short page is the last: an agent has a handful of internal tasks that take places in it. */
const lastBelow = 900

/** How often a task that is gone is asked for, while a run of it is still open. */
const vanishedLimit = 5

const deleteLimit = 10

/** What a read is repeated after. */
const isPassing = (error: { readonly _tag: string }): boolean => isTransient(error) || error._tag === "Internal"

const secretsOf = (spec: CreateSpec): ReadonlyArray<string> => {
  const { kind } = spec
  if ("wasm" in kind) return kind.wasm.env.map(({ value }) => value)
  if ("container" in kind) return kind.container.env.map(({ value }) => value)
  if ("unknown" in kind) return []
  const values = kind.subprocess.env.map(({ value }) => value)
  if ("command" in kind.subprocess) return values
  const { script } = kind.subprocess
  return [...values, script.body, ...Option.toArray(scriptText(script))]
}

/** @internal */
export const make = (plane: typeof Client.Service): Tasks.Service => {
  const transport = Transport.make(plane, "Tasks")
  const submitSettings = { secrets: (input: { payload: { spec: CreateSpec } }) => secretsOf(input.payload.spec) }
  const callSubmit = transport.unary("submit", Api.submit, submitSettings)
  const callApply = transport.unary("apply", Api.apply, submitSettings)
  const callGet = transport.unary("get", Api.get)
  const callList = transport.unary("list", Api.list)
  const callRuns = transport.unary("runs", Api.runs)
  const callDelete = transport.unary("delete", Api.remove, { total: "70 seconds" })
  const callProbeApply = transport.unary("version", Api.probeApply)
  const callProbeLater = transport.unary("version", Api.probeLater)
  const openLogs = transport.open("logs", Api.logs, "text/event-stream")

  const callInfo = (name: string, method: string, route: string): CallInfo => ({
    operation: `solti.Tasks.${name}`,
    method,
    route
  })
  const logsInfo = callInfo("logs", "GET", "/api/v1/tasks/{id}/logs")

  const submitWith =
    (name: string, method: string, call: typeof callSubmit) => (spec: CreateSpec, options?: SubmitOptions) =>
      Effect.suspend(() => {
        const info = callInfo(name, method, "/api/v1/tasks")
        const broken = options?.validate === false ? [] : Rules.check(spec)
        if (Arr.isNonEmptyReadonlyArray(broken)) {
          const issues = Arr.map(broken, ({ message, path }) => ({ path, message }))
          return Effect.fail(new InvalidInput({ ...info, detail: issues[0].message, issues }))
        }
        return Effect.flatMap(call({ payload: { spec } }, options), ({ taskId }) =>
          taskId.trim() === ""
            ? Effect.fail(
              new DecodeError({
                ...info,
                path: "taskId",
                expected: "a task id",
                detail: "the server answered an empty task id"
              })
            )
            : Effect.succeed(TaskId.make(taskId)))
      })

  const submit = submitWith("submit", "POST", callSubmit)

  const get = (id: string, options?: CallOptions) =>
    callGet({ path: { id } }, options).pipe(
      Effect.map(({ task }) => task),
      Effect.catchTag("TaskNotFound", () => Effect.succeedNone)
    )

  const runs = (id: string, options?: CallOptions) =>
    callRuns({ path: { id } }, options).pipe(
      Effect.map((page) => page.runs),
      Effect.catchTag("TaskNotFound", (): Effect.Effect<ReadonlyArray<TaskRun>> => Effect.succeed([]))
    )

  const remove = (id: string, options?: CallOptions) =>
    callDelete({ path: { id } }, options).pipe(Effect.catchTag("TaskNotFound", () => Effect.void))

  const list = (query: ListQuery = {}, options?: CallOptions) => callList({ urlParams: query }, options)

  /**
   * Whether the log is live: opened and closed again. One that ends at once is not: a handler without logs answers so
   * for every id (contract 1.1).
   */
  const isLive = (id: string, options?: CallOptions) =>
    openLogs({ path: { id } }, options).pipe(
      Effect.flatMap((body) =>
        Effect.timeoutTo(Stream.runHead(body), {
          duration: "250 millis",
          onTimeout: () => true,
          onSuccess: Option.isSome
        })
      ),
      Effect.scoped,
      Effect.catchTag("TaskNotFound", () => Effect.succeed(false))
    )

  const notFound = (id: string, detail: string) =>
    new TaskNotFound({ ...callInfo("await", "GET", "/api/v1/tasks/{id}"), detail, taskId: id })

  const awaitOutcome: Tasks.Service["await"] = (id, options) =>
    Effect.suspend(() => {
      let vanished = 0
      let unseen = 0

      // A look at the log that fails in passing is repeated with the next question, as often as a read is.
      const isOver = isLive(id, options).pipe(
        Effect.map((live) => {
          unseen = 0
          return !live
        }),
        Effect.catchIf(
          (error) => isPassing(error) && unseen < (options?.retry?.maxRetries ?? 2),
          () => {
            unseen += 1
            return Effect.succeed(false)
          }
        )
      )

      const whenGone = Effect.flatMap(runs(id, options), (runs) => {
        const last = Option.getOrUndefined(Arr.last(runs))
        if (last === undefined) return Effect.fail(notFound(id, "neither the task nor a run of it is known"))
        if (Option.isSome(last.finishedAt)) return Effect.succeedSome(Outcome.fromRuns(TaskId.make(id), runs, last))
        vanished += 1
        return vanished < vanishedLimit
          ? Effect.succeedNone
          : Effect.fail(notFound(id, "the task is gone, and its last run was never closed"))
      })

      const whenThere = (task: Task) => {
        const finality = Outcome.finality(task)
        if (finality === "open") return Effect.succeedNone
        const outcome = Effect.map(runs(id, options), (runs) => Option.some(Outcome.fromTask(task, runs)))
        if (finality === "final") return outcome
        return Effect.if(isOver, { onTrue: () => outcome, onFalse: () => Effect.succeedNone })
      }

      const read = Effect.flatMap(
        get(id, options),
        (found): Effect.Effect<Option.Option<Outcome.Outcome>, InvalidInput | CommonError | TaskNotFound> =>
          Option.isNone(found) ? whenGone : whenThere(found.value)
      )
      return Poll.until(read, options?.interval)
    })

  const logs: Tasks.Service["logs"] = (id, options) =>
    StreamTelemetry.observed(logsInfo, (observer, span) =>
      Logs.feed({
        connect: Effect.map(
          Effect.withParentSpan(openLogs({ path: { id } }, options), span),
          (body) =>
            Logs.decode(body, {
              broken: (): CommonError =>
                new TransportError({ ...logsInfo, phase: "response", detail: "the body ended inside an event" }),
              tooLarge: (limit): CommonError =>
                new DecodeError({
                  ...logsInfo,
                  path: "",
                  expected: `an event of at most ${limit} characters`,
                  detail: "an event of the log is too large"
                })
            })
        ),
        isTransient: (error) => isPassing(error),
        interrupted: (attempts, last) => Feed.gaveUp(logsInfo, "connections")(attempts, last),
        policy: options?.reconnect,
        observer
      }))

  const follow: Tasks.Service["follow"] = (id, options) => {
    const ended = Stream.fromEffect(
      Effect.map(awaitOutcome(id, options), (outcome) => ({ type: "ended", outcome }) as const)
    )
    return Follow.tidy(logs(id, options)).pipe(
      Stream.catchTag("TaskNotFound", () => Stream.make({ type: "logMissed" } as const)),
      Stream.concat(ended)
    )
  }

  return {
    submit,
    apply: submitWith("apply", "PUT", callApply),
    get,
    list,
    iterate: (filter, options) =>
      Paginate.byOffset({
        fetch: (offset) => Effect.map(list({ ...filter, limit: pageSize, offset }, options), (page) => page.tasks),
        limit: pageSize,
        isLast: (count) => count < lastBelow,
        keyOf: (task) => task.metadata.id
      }),
    runs,
    delete: remove,
    deleteConfirmed: (id, options) => {
      const go = (left: number): Effect.Effect<void, InvalidInput | CommonError> =>
        Effect.flatMap(
          Effect.zipRight(
            remove(id, options),
            Effect.catchIf(isLive(id, options), (error) => left > 1 && isPassing(error), () => Effect.succeed(true))
          ),
          (live) => {
            if (!live) return Effect.void
            if (left > 1) return Effect.zipRight(Effect.sleep("100 millis"), go(left - 1))
            return Effect.fail(
              new Unavailable({
                ...callInfo("deleteConfirmed", "DELETE", "/api/v1/tasks/{id}"),
                detail: `the task still has a live log after ${deleteLimit} deletes`
              })
            )
          }
        )
      return go(deleteLimit)
    },
    logs,
    await: awaitOutcome,
    follow,
    submitAndFollow: (spec, options) =>
      Stream.unwrap(
        Effect.map(submit(spec, options), (taskId) =>
          Stream.concat(Stream.make({ type: "submitted", taskId } as const), follow(taskId, options)))
      ),
    version: (options) =>
      Effect.matchEffect(list({ limit: 1 }, options), {
        onSuccess: () =>
          callProbeApply({ payload: {} }, options).pipe(
            Effect.as("0.0.3" as const),
            Effect.catchTag("InvalidInput", () => Effect.succeed("0.0.3" as const)),
            Effect.catchIf(
              (error) => error._tag === "VersionMismatch" && error.status === 405,
              () => Effect.succeed("0.0.2" as const)
            )
          ),
        onFailure: (error) =>
          error._tag === "VersionMismatch" && error.status === 404
            ? Effect.as(callProbeLater({ urlParams: { limit: 1 } }, options), "0.0.4" as const)
            : Effect.fail(error)
      })
  }
}
