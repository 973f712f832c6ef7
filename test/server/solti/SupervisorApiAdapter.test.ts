import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { ApiHandler } from "../../../src/server/solti/ApiHandler.js"
import type { Attempt } from "../../../src/server/solti/Runner.js"
import { published } from "../../../src/server/solti/Semantics.js"
import type { Options } from "../../../src/server/solti/Supervisor.js"
import { Supervisor } from "../../../src/server/solti/Supervisor.js"
import * as SupervisorApiAdapter from "../../../src/server/solti/SupervisorApiAdapter.js"
import { everything, failed, makeSpec, runnerOf, taskId } from "./support/tasks.js"

const both = (attempt: Attempt, options: Omit<Options, "runners"> = {}) => {
  const supervisor = Supervisor.layer({ ...options, runners: [runnerOf(attempt)] })
  return Effect.map(
    Layer.build(Layer.provideMerge(SupervisorApiAdapter.layer, supervisor)),
    (context) => ({
      handler: Effect.provide(ApiHandler, context),
      supervisor: Effect.provide(Supervisor, context)
    })
  ).pipe(Effect.flatMap(Effect.all))
}

const strict = { semantics: published }

const collect = (stream: Stream.Stream<{ readonly type: string }, unknown>) =>
  Effect.map(Stream.runCollect(stream), (events) => Chunk.toReadonlyArray(events).map(({ type }) => type))

describe("SupervisorApiAdapter: intended", () => {
  it.scoped("submits, shows, lists, follows and deletes a task", () =>
    Effect.gen(function*() {
      const { handler } = yield* both(({ emit }) =>
        Effect.zipRight(Effect.sleep(5), Effect.sync(() => emit("stdout", "x")))
      )
      const id = yield* handler.submitTask(makeSpec())
      const follower = yield* Effect.fork(collect(yield* handler.streamTaskLogs(id)))
      yield* TestClock.adjust(5)
      assert.deepStrictEqual(yield* Fiber.join(follower), ["runStarted", "chunk", "runFinished"])
      const task = Option.getOrThrow(yield* handler.getTaskStatus(id))
      assert.deepStrictEqual(task.metadata, { id, createdAt: 0n, updatedAt: 5n, resourceVersion: 4n })
      assert.deepStrictEqual(task.spec, makeSpec())
      assert.deepStrictEqual(task.status, {
        phase: "TASK_STATUS_SUCCEEDED",
        attempt: 1,
        error: Option.none(),
        exitCode: Option.none()
      })
      assert.deepStrictEqual(yield* handler.queryTasks(everything), { tasks: [task], total: 1 })
      assert.deepStrictEqual(yield* handler.listTaskRuns(id), [{
        attempt: 1,
        status: "TASK_STATUS_SUCCEEDED",
        startedAt: 0n,
        finishedAt: Option.some(5n),
        error: Option.none(),
        exitCode: Option.none()
      }])
      yield* handler.deleteTask(id)
      assert.deepStrictEqual(yield* handler.getTaskStatus(id), Option.none())
      assert.deepStrictEqual(yield* handler.listTaskRuns(id), [])
    }))

  it.scoped("counts all matches", () =>
    Effect.gen(function*() {
      const { handler } = yield* both(() => Effect.never)
      yield* Effect.forEach(["a", "b", "c"], (slot) => handler.submitTask(makeSpec({ slot })))
      const page = yield* handler.queryTasks({ ...everything, limit: 2, offset: 1 })
      assert.deepStrictEqual(page.tasks.map(({ metadata }) => metadata.id), ["default-b-2", "default-c-3"].map(taskId))
      assert.strictEqual(page.total, 3)
    }))

  it.scoped("gives a restart interval back only where it means something", () =>
    Effect.gen(function*() {
      const { handler } = yield* both(() => Effect.never)
      const restartIntervalMs = Option.some(5n)
      const policies = ["RESTART_STRATEGY_ALWAYS", "RESTART_STRATEGY_ON_FAILURE", "RESTART_STRATEGY_NEVER"] as const
      const kept = yield* Effect.forEach(policies, (restart) =>
        handler.submitTask(makeSpec({ restart, restartIntervalMs })).pipe(
          Effect.flatMap(handler.getTaskStatus),
          Effect.map((task) =>
            Option.getOrThrow(task).spec.restartIntervalMs
          )
        ))
      assert.deepStrictEqual(kept, [Option.some(5n), Option.none(), Option.none()])
    }))

  it.scoped("shows nothing of functions, and lets nobody stop them", () =>
    Effect.gen(function*() {
      const { handler, supervisor } = yield* both(() => Effect.never)
      const id = yield* supervisor.submitFunction({ name: "host", run: Effect.never })
      yield* handler.submitTask(makeSpec())
      assert.deepStrictEqual(yield* handler.getTaskStatus(id), Option.none())
      assert.deepStrictEqual(yield* handler.listTaskRuns(id), [])
      assert.strictEqual((yield* Effect.flip(handler.streamTaskLogs(id))).label, "TaskNotFound")
      yield* handler.deleteTask(id)
      yield* handler.deleteTask(taskId("solti-state-sweep"))
      const page = yield* handler.queryTasks({ ...everything, limit: 1 })
      assert.deepStrictEqual([page.tasks.length, page.total], [1, 1])
      yield* TestClock.adjust("5 minutes")
      assert.strictEqual((yield* supervisor.runs(id)).length, 1)
      assert.strictEqual((yield* supervisor.runs(taskId("solti-state-sweep"))).length, 2)
    }))
})

describe("SupervisorApiAdapter: published", () => {
  it.scoped("counts the page, in which functions take places", () =>
    Effect.gen(function*() {
      const { handler, supervisor } = yield* both(() => Effect.never, strict)
      yield* Effect.forEach(["a", "z"], (name) => supervisor.submitFunction({ name, run: Effect.never }))
      yield* Effect.forEach(["a", "b"], (slot) => handler.submitTask(makeSpec({ slot })))
      const pages = yield* Effect.forEach(
        [0, 2, 4],
        (offset) => handler.queryTasks({ ...everything, limit: 2, offset })
      )
      assert.deepStrictEqual(
        pages.map(({ tasks, total }) => [tasks.map(({ metadata }) => metadata.id), total]),
        [[["default-a-1"], 1], [["default-b-2"], 1], [[], 0]]
      )
    }))

  it.scoped("knows functions: get is refused, runs are shown, delete stops them", () =>
    Effect.gen(function*() {
      let stopped = false
      const { handler, supervisor } = yield* both(() => Effect.never, strict)
      const run = Effect.onInterrupt(Effect.never, () => Effect.sync(() => (stopped = true)))
      const id = yield* supervisor.submitFunction({ name: "host", run })
      yield* TestClock.adjust(1)
      const error = yield* Effect.flip(handler.getTaskStatus(id))
      assert.deepStrictEqual([error.label, error.detail], [
        "InvalidRequest",
        "embedded tasks have no wire representation and cannot cross the API boundary"
      ])
      assert.strictEqual((yield* handler.listTaskRuns(taskId("solti-state-sweep"))).length, 1)
      yield* handler.deleteTask(id)
      assert.isTrue(stopped)
    }))

  it.scoped("a function that ignores its cancel makes the delete fail; the next one succeeds", () =>
    Effect.gen(function*() {
      const { handler, supervisor } = yield* both(() => Effect.never, { ...strict, grace: 500 })
      const run = Effect.onInterrupt(Effect.never, () => Effect.sleep("10 seconds"))
      const id = yield* supervisor.submitFunction({ name: "embedded-stubborn", run })
      yield* TestClock.adjust(1)
      const removal = yield* Effect.fork(Effect.flip(handler.deleteTask(id)))
      const late = yield* handler.submitTask(makeSpec())
      yield* TestClock.adjust(500)
      const error = yield* Fiber.join(removal)
      assert.deepStrictEqual([error.label, error.detail], [
        "Internal",
        "supervisor error: cancel failed: timeout waiting for task 'embedded-stubborn' removal after 500ms"
      ])
      yield* handler.deleteTask(id)
      const status = Effect.map(handler.getTaskStatus(late), (task) => Option.getOrThrow(task).status.phase)
      assert.strictEqual(yield* status, "TASK_STATUS_PENDING", "the agent is blocked")
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* status, "TASK_STATUS_RUNNING")
    }))

  it.scoped("finished tasks vanish, their log is gone at once, their runs stay until they are swept", () =>
    Effect.gen(function*() {
      const { handler } = yield* both(() => failed("execution failed: 3", 3), strict)
      const id = yield* handler.submitTask(makeSpec())
      const follower = yield* Effect.fork(collect(yield* handler.streamTaskLogs(id)))
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(yield* Fiber.join(follower), ["runStarted", "runFinished", "runFinished"])
      assert.deepStrictEqual(yield* handler.getTaskStatus(id), Option.none())
      assert.strictEqual((yield* Effect.flip(handler.streamTaskLogs(id))).label, "TaskNotFound")
      assert.strictEqual((yield* handler.listTaskRuns(id)).length, 1)
      yield* TestClock.adjust("59 minutes")
      assert.strictEqual((yield* handler.listTaskRuns(id)).length, 1)
      yield* TestClock.adjust("5 minutes")
      assert.strictEqual((yield* handler.listTaskRuns(id)).length, 0)
    }))

  it.scoped("whoever subscribes behind the start misses the start", () =>
    Effect.gen(function*() {
      const { handler } = yield* both(() => Effect.sleep(10), strict)
      const id = yield* handler.submitTask(makeSpec())
      yield* TestClock.adjust(1)
      const follower = yield* Effect.fork(collect(yield* handler.streamTaskLogs(id)))
      yield* TestClock.adjust(10)
      assert.deepStrictEqual(yield* Fiber.join(follower), ["runFinished", "runFinished"])
    }))

  it.scoped("a delete right behind the submission lets the task run unseen until the next one", () =>
    Effect.gen(function*() {
      let alive = 0
      const { handler } = yield* both(
        () =>
          Effect.acquireUseRelease(Effect.sync(() => alive++), () => Effect.never, () => Effect.sync(() => alive--)),
        strict
      )
      const id = yield* handler.submitTask(makeSpec())
      yield* handler.deleteTask(id)
      yield* TestClock.adjust(1)
      assert.strictEqual(alive, 1)
      assert.deepStrictEqual(yield* handler.getTaskStatus(id), Option.none())
      assert.deepStrictEqual(yield* handler.listTaskRuns(id), [])
      yield* Effect.asVoid(handler.streamTaskLogs(id))
      yield* handler.deleteTask(id)
      assert.strictEqual(alive, 0)
      assert.strictEqual((yield* Effect.flip(handler.streamTaskLogs(id))).label, "TaskNotFound")
    }))
})
