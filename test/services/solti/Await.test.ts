import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import type * as Solti from "../../../src/solti.js"
import * as Memory from "../support/Memory.js"
import * as Models from "../support/Models.js"

type Runs = ReadonlyArray<ReturnType<typeof Models.run>>

/** What a server shows of a task, moment after moment; the last one stays. */
interface Moment {
  readonly task: ReturnType<typeof Models.task> | "gone"
  readonly runs?: Runs
  /** What opening the log gives; `live` when left out. */
  readonly log?: "live" | "gone" | "empty" | Memory.Reply
}

/** Each question for the task is the next moment; runs and log are those of the moment. */
const server = (moments: ReadonlyArray<Moment>) => {
  let at = -1
  return Memory.solti(({ path }) => {
    if (path === "/api/v1/tasks/t") at = Math.min(at + 1, moments.length - 1)
    const { log = "live", runs = [], task } = moments[Math.max(at, 0)] ?? { task: "gone" }
    if (path.endsWith("/runs")) return Memory.json(200, { runs })
    if (!path.endsWith("/logs")) return Memory.json(200, task === "gone" ? {} : { task })
    if (log === "gone") return Memory.notFound("t")
    if (log === "empty") return Memory.sse([])
    return log === "live" ? Memory.sse([], "silent") : log
  })
}

const awaited = (moments: ReadonlyArray<Moment>, options?: Solti.AwaitOptions) => {
  const { sent, tasks } = server(moments)
  const outcome = Effect.flatMap(tasks, (service) => Memory.running(service.await("t", options)))
  return { outcome, sent, paths: () => sent.map(({ path }) => path.replace("/api/v1/tasks/", "")).join(" ") }
}

const { run, task } = Models

describe("await on a 0.0.2 server, where finished tasks vanish", () => {
  it.effect("reads the outcome of a vanished task from its last run", () =>
    Effect.gen(function*() {
      const { outcome, paths } = awaited([
        { task: task("t", "PENDING", { attempt: 0 }) },
        { task: task("t", "RUNNING"), runs: [run(1, "RUNNING", { open: true })] },
        { task: "gone", runs: [run(1, "SUCCEEDED")] }
      ])
      const result = yield* outcome
      assert.strictEqual(result.taskId, "t")
      assert.strictEqual(result.status, "succeeded")
      assert.deepStrictEqual(result.phase, Option.none())
      assert.strictEqual(result.attempts, 1)
      assert.deepStrictEqual(result.exitCode, Option.none())
      assert.strictEqual(result.runs.length, 1)
      assert.strictEqual(paths(), "t t t t/runs")
    }))

  it.effect("has number, code and text of the last attempt", () =>
    Effect.gen(function*() {
      const { outcome } = awaited([{
        task: "gone",
        runs: [run(1, "FAILED", { exitCode: 1, error: "one" }), run(2, "FAILED", { exitCode: 3, error: "two" })]
      }])
      const result = yield* outcome
      assert.strictEqual(result.status, "failed")
      assert.strictEqual(result.attempts, 2)
      assert.deepStrictEqual(result.exitCode, Option.some(3))
      assert.deepStrictEqual(result.error, Option.some("two"))
    }))

  it.effect("takes exhausted by success for success", () =>
    Effect.gen(function*() {
      const { outcome } = awaited([
        { task: task("t", "EXHAUSTED", { error: "policy_exhausted_success" }), runs: [run(1, "SUCCEEDED")] }
      ])
      const result = yield* outcome
      assert.strictEqual(result.status, "succeeded")
      assert.deepStrictEqual(result.phase, Option.some("succeeded"))
      assert.deepStrictEqual(result.error, Option.none())
    }))

  it.effect("asks again while the last run of a vanished task is still open, and not for ever", () =>
    Effect.gen(function*() {
      const open = { task: "gone", runs: [run(1, "RUNNING", { open: true })] } as const
      const closed = awaited([open, open, { task: "gone", runs: [run(1, "TIMEOUT", { error: "timeout" })] }])
      assert.strictEqual((yield* closed.outcome).status, "timeout")
      const never = awaited([open])
      const error = yield* Effect.flip(never.outcome)
      assert.strictEqual(error._tag, "TaskNotFound")
      if (error._tag === "TaskNotFound") assert.strictEqual(error.operation, "solti.Tasks.await")
      assert.strictEqual(never.sent.length, 10)
    }))

  it.effect("fails for a task of which nothing is known", () =>
    Effect.gen(function*() {
      const { outcome, paths } = awaited([{ task: "gone" }])
      const error = yield* Effect.flip(outcome)
      assert.strictEqual(error._tag, "TaskNotFound")
      if (error._tag === "TaskNotFound") assert.strictEqual(error.taskId, "t")
      assert.strictEqual(paths(), "t t/runs")
    }))
})

describe("await on a server that keeps finished tasks", () => {
  type Restart = "NEVER" | "ON_FAILURE" | "ALWAYS"
  const final: ReadonlyArray<readonly [phase: string, restart: Restart]> = [
    ["CANCELED", "NEVER"],
    ["CANCELED", "ON_FAILURE"],
    ["CANCELED", "ALWAYS"],
    ["EXHAUSTED", "NEVER"],
    ["EXHAUSTED", "ON_FAILURE"],
    ["EXHAUSTED", "ALWAYS"],
    ["SUCCEEDED", "NEVER"],
    ["FAILED", "NEVER"],
    ["TIMEOUT", "NEVER"],
    ["SUCCEEDED", "ON_FAILURE"]
  ]
  const ambiguous: ReadonlyArray<readonly [phase: string, restart: Restart]> = [
    ["FAILED", "ON_FAILURE"],
    ["FAILED", "ALWAYS"],
    ["TIMEOUT", "ON_FAILURE"],
    ["TIMEOUT", "ALWAYS"],
    ["SUCCEEDED", "ALWAYS"]
  ]

  it.effect.each(final)(
    "%s with %s is the end, without a look at the log",
    ([phase, restart]) =>
      Effect.gen(function*() {
        const { outcome, paths } = awaited([{
          task: task("t", phase, { restart }),
          runs: [run(1, "FAILED", { exitCode: 4 })]
        }])
        const result = yield* outcome
        assert.deepStrictEqual(result.phase, Option.some(phase.toLowerCase()))
        assert.strictEqual(result.status, "failed")
        assert.deepStrictEqual(result.exitCode, Option.some(4))
        assert.strictEqual(paths(), "t t/runs")
      })
  )

  it.effect.each(ambiguous)(
    "%s with %s is the end when there is no live log",
    ([phase, restart]) =>
      Effect.gen(function*() {
        for (const log of ["gone", "empty"] as const) {
          const { outcome, paths } = awaited([{ task: task("t", phase, { restart }), runs: [run(1, phase)], log }])
          assert.strictEqual((yield* outcome).status, phase.toLowerCase())
          assert.strictEqual(paths(), "t t/logs t/runs")
        }
      })
  )

  it.effect.each(ambiguous)("%s with %s is a pause while there is one", ([phase, restart]) =>
    Effect.gen(function*() {
      const pause: Moment = { task: task("t", phase, { restart }), log: "live" }
      const { outcome, paths } = awaited([
        pause,
        pause,
        { task: task("t", "RUNNING", { restart, attempt: 2 }) },
        { task: task("t", "CANCELED", { restart, attempt: 2 }), runs: [run(1, phase), run(2, "CANCELED")] }
      ])
      const result = yield* outcome
      assert.strictEqual(result.attempts, 2)
      assert.strictEqual(result.status, "canceled")
      assert.strictEqual(paths(), "t t/logs t t/logs t t t/runs")
    }))

  it.effect("a log with output is a live one", () =>
    Effect.gen(function*() {
      const failed = task("t", "FAILED", { restart: "ALWAYS" })
      const { outcome, paths } = awaited([
        { task: failed, log: Memory.sse([":\n\n"], "silent") },
        { task: failed, log: "gone" }
      ])
      yield* outcome
      assert.strictEqual(paths(), "t t/logs t t/logs t/runs")
    }))

  it.effect("an unknown phase or restart policy is not the end", () =>
    Effect.gen(function*() {
      const odd = task("t", "SUCCEEDED", { spec: { restart: "RESTART_STRATEGY_WEEKLY" } })
      const { outcome, paths } = awaited([
        { task: task("t", "PAUSED") },
        { task: task("t", "UNSPECIFIED") },
        { task: odd, log: "live" },
        { task: odd, log: "gone" }
      ])
      assert.strictEqual((yield* outcome).status, "succeeded")
      assert.strictEqual(paths(), "t t t t/logs t t/logs t/runs")
    }))

  it.effect("a task that its slot refused has an outcome without attempts", () =>
    Effect.gen(function*() {
      for (const [phase, status] of [["CANCELED", "canceled"], ["FAILED", "failed"]] as const) {
        const { outcome } = awaited([{ task: task("t", phase, { attempt: 0, error: "dropped: slot busy" }) }])
        const result = yield* outcome
        assert.strictEqual(result.status, status)
        assert.strictEqual(result.attempts, 0)
        assert.deepStrictEqual(result.error, Option.some("dropped: slot busy"))
        assert.deepStrictEqual(result.runs, [])
      }
    }))

  it.effect("a look that fails in passing is taken again, as often as a read", () =>
    Effect.gen(function*() {
      const failed = task("t", "FAILED", { restart: "ALWAYS" })
      const broken: Moment = { task: failed, log: "reset" }
      const healed = awaited([broken, { task: failed, log: Memory.json(503, {}) }, { task: failed, log: "gone" }])
      assert.strictEqual((yield* healed.outcome).status, "failed")
      const down = awaited([broken])
      assert.strictEqual((yield* Effect.flip(down.outcome))._tag, "TransportError")
      assert.strictEqual(down.paths(), "t t/logs t t/logs t t/logs")
      const once = awaited([broken], { retry: { maxRetries: 0 } })
      yield* Effect.flip(once.outcome)
      assert.strictEqual(once.paths(), "t t/logs")
      const refused = awaited([{ task: failed, log: Memory.json(403, {}) }])
      assert.strictEqual((yield* Effect.flip(refused.outcome))._tag, "Forbidden")
    }))
})

describe("await", () => {
  it.effect("asks as often as it is told", () =>
    Effect.gen(function*() {
      const { sent, tasks } = server([{ task: task("t", "RUNNING") }])
      const service = yield* tasks
      const fiber = yield* Effect.fork(service.await("t", { interval: { initial: "1 second", max: "2 seconds" } }))
      const asked: Array<number> = []
      for (let second = 0; second < 7; second++) {
        yield* Memory.settle
        asked.push(sent.length)
        yield* TestClock.adjust("1 second")
      }
      yield* Fiber.interrupt(fiber)
      // At 0, 1, 2.5, 4.5 and 6.5 seconds.
      assert.deepStrictEqual(asked, [1, 2, 2, 3, 3, 4, 4])
      yield* TestClock.adjust("1 minute")
      const left = sent.length
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(sent.length, left)
    }))

  it.effect("fails as a read fails, behind its retries", () =>
    Effect.gen(function*() {
      const { sent, tasks } = Memory.solti(() => Memory.json(500, {}))
      const error = yield* Effect.flip(Effect.flatMap(tasks, (service) => Memory.running(service.await("t"))))
      assert.strictEqual(error._tag, "Internal")
      assert.strictEqual(sent.length, 3)
      const refused = Memory.solti(() => Memory.json(400, { error: "InvalidRequest", message: "embedded task" }))
      const invalid = yield* Effect.flip(Effect.flatMap(refused.tasks, (service) => Memory.running(service.await("t"))))
      assert.strictEqual(invalid._tag, "InvalidInput")
    }))

  it.effect("leaves the task alone when it is interrupted", () =>
    Effect.gen(function*() {
      const { sent, tasks } = server([{ task: task("t", "RUNNING") }])
      const fiber = yield* Effect.fork((yield* tasks).await("t"))
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(fiber)
      assert.isTrue(sent.every(({ method }) => method === "GET"))
    }))
})
