import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { CommonError } from "../../../schemas/core/Errors.js"
import { DecodeError, InvalidInput, isTransient, Unavailable } from "../../../schemas/core/Errors.js"
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
import * as StreamTelemetry from "../../core/StreamTelemetry.js"
import * as Outcome from "../Outcome.js"
import type { SubmitError, SubmitOptions, Tasks } from "../Tasks.js"
import type { Wire } from "./wire.js"

/** One page is enough for nearly every server; a smaller one could be all agent-internal tasks (contract chapter 7). */
const pageSize = 1000

/** Below this, a short page is the last: an agent has a handful of internal tasks that take places in it. */
const lastBelow = 900

/** How often a task that is gone is asked for, while a run of it is still open. */
const vanishedLimit = 5

const deleteLimit = 10

/** What a read is repeated after. A client that has been released stays so. */
const isPassing = (error: { readonly _tag: string; readonly code?: string | undefined }): boolean =>
  (isTransient(error) || error._tag === "Internal") && error.code !== "CLIENT_CLOSED"

/** @internal */
export const make = (wire: Wire): Tasks.Service => {
  const logsInfo = wire.info("logs", "logs")

  const submitWith =
    (name: "submit" | "apply") => (spec: CreateSpec, options?: SubmitOptions): Effect.Effect<TaskId, SubmitError> =>
      Effect.suspend(() => {
        const info = wire.info(name, name)
        const broken = options?.validate === false ? [] : Rules.check(spec)
        if (Arr.isNonEmptyReadonlyArray(broken)) {
          const issues = Arr.map(broken, ({ message, path }) => ({ path, message }))
          return Effect.fail(new InvalidInput({ ...info, detail: issues[0].message, issues }))
        }
        return Effect.flatMap(wire[name](spec, options), (taskId) =>
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

  const submit = submitWith("submit")

  const get = (id: string, options?: CallOptions) =>
    Effect.catchTag(wire.get(id, options), "TaskNotFound", () => Effect.succeedNone)

  const runs = (id: string, options?: CallOptions) =>
    Effect.catchTag(
      wire.runs(id, options),
      "TaskNotFound",
      (): Effect.Effect<ReadonlyArray<TaskRun>> => Effect.succeed([])
    )

  const remove = (id: string, options?: CallOptions) =>
    Effect.catchTag(wire.delete(id, options), "TaskNotFound", () => Effect.void)

  /**
   * Whether the log is live: opened and closed again. One that ends at once is not: a handler without logs answers so
   * for every id (contract 1.1).
   */
  const isLive = (id: string, options?: CallOptions) =>
    wire.openLogs(id, options).pipe(
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
    new TaskNotFound({ ...wire.info("await", "get"), detail, taskId: id })

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
        connect: Effect.withParentSpan(wire.openLogs(id, options), span),
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
    apply: submitWith("apply"),
    get,
    list: (query = {}, options) => wire.list(query, options),
    iterate: (filter, options) =>
      Paginate.byOffset({
        fetch: (offset) => wire.page({ ...filter, limit: pageSize, offset }, options),
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
                ...wire.info("deleteConfirmed", "delete"),
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
    version: wire.version
  }
}
