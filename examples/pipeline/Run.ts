/** Runs jobs: submits them in order, follows all of them at once, and stops what is left when it is interrupted. */
import * as Solti from "effect-switchyard/solti"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { Job } from "./Jobs.js"
import { Progress } from "./Progress.js"

/**
 * What became of a job. `Ended`: the server says how. `Stopped`: its deadline passed. `Lost`: the server did not take it,
 * or nobody knows any more how it ended.
 */
export type Result = Data.TaggedEnum<{
  Ended: { readonly job: Job; readonly outcome: Solti.Outcome }
  Stopped: { readonly job: Job }
  Lost: { readonly job: Job; readonly reason: string }
}>

export const Result = Data.taggedEnum<Result>()

/** Whether the job ended as its file says. A server may have forgotten the phase: 0.0.2 keeps the attempts only. */
export const isExpected = Result.$match({
  Ended: ({ job: { expect }, outcome: { phase, status } }) =>
    status === expect || Option.contains(phase, expect) ||
    expect === "exhausted" && Option.isNone(phase) && (status === "failed" || status === "timeout"),
  Stopped: ({ job }) => job.expect === "canceled",
  Lost: () => false
})

/** A task of ours that is not over yet, as far as we have heard. */
interface Live {
  readonly job: Job
  readonly taskId: Solti.TaskId
  attempt: number
}

/** Log and end of one job. */
const follow = (tasks: Solti.Tasks.Service, live: Live) =>
  Effect.flatMap(Progress, (progress) =>
    tasks.follow(live.taskId).pipe(
      Stream.tap((event) => {
        if ("attempt" in event) live.attempt = Math.max(live.attempt, event.attempt)
        return progress.event(live.job, event)
      }),
      Stream.filterMap((event) => event.type === "ended" ? Option.some(event.outcome) : Option.none()),
      Stream.runHead,
      Effect.flatten,
      // The log is gone for good, the task is not: how it ends can still be asked for.
      Effect.catchTag("StreamInterrupted", "NoSuchElementException", () => tasks.await(live.taskId)),
      Effect.map((outcome) => Result.Ended({ job: live.job, outcome }))
    ))

/** Runs all jobs; results are in their order. When interrupted, it stops what runs and waits until it is confirmed. */
export const run = (
  jobs: ReadonlyArray<Job>,
  specOf: (job: Job) => Solti.CreateSpec
): Effect.Effect<ReadonlyArray<Result>, never, Solti.Tasks | Progress> =>
  Effect.gen(function*() {
    const tasks = yield* Solti.Tasks
    const progress = yield* Progress
    const alive = new Map<string, Live>()
    const fibers: Array<Fiber.RuntimeFiber<Result>> = []

    const remove = (live: Live) =>
      Effect.tap(tasks.deleteConfirmed(live.taskId), () => Effect.sync(() => alive.delete(live.job.name)))

    // A submit is never cut off: what the server has taken has to be known here.
    const submit = (job: Job) =>
      Effect.uninterruptible(Effect.map(tasks.submit(specOf(job)), (taskId): Live => {
        const live = { job, taskId, attempt: 0 }
        alive.set(job.name, live)
        return live
      }))

    const watch = (live: Live): Effect.Effect<Result, Solti.LogError, Progress> => {
      const { job } = live
      const watched = Effect.zipRight(
        progress.event(job, { type: "submitted", taskId: live.taskId }),
        follow(tasks, live)
      )
      return job.deadline === undefined
        ? watched
        : Effect.flatMap(
          Effect.timeoutOption(watched, job.deadline),
          Option.match({
            onNone: (): Effect.Effect<Result, Solti.ReadError> => Effect.as(remove(live), Result.Stopped({ job })),
            onSome: Effect.succeed
          })
        )
    }

    const settle = (job: Job, result: Effect.Effect<Result, Solti.SubmitError | Solti.LogError, Progress>) =>
      result.pipe(
        Effect.catchAll(({ detail }) => Effect.succeed(Result.Lost({ job, reason: detail }))),
        Effect.tap((result) => {
          alive.delete(job.name)
          return progress.done(result.job, result._tag === "Lost" ? result.reason : undefined)
        })
      )

    const stop = (live: Live) =>
      Effect.matchEffect(remove(live), {
        onFailure: ({ detail }) => progress.note(live.job, `may still be running as ${live.taskId}: ${detail}`),
        onSuccess: () => {
          const where = live.attempt === 0 ? "no attempt was seen" : `in attempt ${live.attempt}`
          return progress.done(live.job, `stopped ${live.taskId}, ${where}`)
        }
      })

    const start = Effect.forEach(jobs, (job) =>
      Effect.flatMap(Effect.either(submit(job)), (taken) =>
        Effect.map(Effect.fork(settle(job, Effect.flatMap(taken, watch))), (fiber) =>
          fibers.push(fiber))), { discard: true })

    return yield* Effect.zipRight(
      start,
      Effect.suspend(() =>
        Effect.forEach(fibers, Fiber.join)
      )
    ).pipe(
      Effect.onInterrupt(() =>
        Effect.zipRight(
          Fiber.interruptAll(fibers),
          Effect.suspend(() => Effect.forEach(alive.values(), stop, { concurrency: "unbounded", discard: true }))
        )
      )
    )
  })
