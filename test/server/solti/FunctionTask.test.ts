import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import type { FunctionTask } from "../../../src/server/solti/FunctionTask.js"
import * as MemoryStore from "../../../src/server/solti/MemoryStore.js"
import { AttemptFailed } from "../../../src/server/solti/Runner.js"
import type { Supervisor } from "../../../src/server/solti/Supervisor.js"
import { make } from "../../../src/server/solti/Supervisor.js"
import { makeSpec, runnerOf, taskId } from "./support/tasks.js"

const supervisor = (maxConcurrent = 0) =>
  Effect.provide(make({ runners: [runnerOf(() => Effect.never)], maxConcurrent }), MemoryStore.layer)

class Heart extends Context.Tag("test/Heart")<Heart, { readonly beat: Effect.Effect<void> }>() {}

class Broken extends Data.TaggedError("Broken")<{ readonly message: string }> {}

const statusOf = (self: Supervisor.Service, name: string) =>
  Effect.map(self.get(taskId(name)), (stored) => Option.getOrThrow(stored).task.status)

describe("FunctionTask", () => {
  it.scoped("runs a function with what it needs, again and again", () =>
    Effect.gen(function*() {
      const self = yield* supervisor()
      let beats = 0
      const id = yield* self.submitFunction({
        name: "heartbeat",
        run: Effect.flatMap(Heart, (heart) => heart.beat),
        restart: "RESTART_STRATEGY_ALWAYS",
        interval: "10 seconds"
      }).pipe(Effect.provideService(Heart, { beat: Effect.sync(() => beats++) }))
      assert.strictEqual(id, taskId("heartbeat"))
      yield* TestClock.adjust("35 seconds")
      assert.strictEqual(beats, 4)
      assert.strictEqual((yield* self.runs(id)).length, 4)
      yield* self.remove(id)
      yield* TestClock.adjust("35 seconds")
      assert.strictEqual(beats, 4)
    }))

  it.scoped("says why it failed", () =>
    Effect.gen(function*() {
      const self = yield* supervisor()
      const reasons: ReadonlyArray<Effect.Effect<never, unknown>> = [
        Effect.fail(new Broken({ message: "no pulse" })),
        Effect.fail("just text"),
        Effect.fail(new AttemptFailed({ reason: "with code", exitCode: Option.some(4), fatal: true }))
      ]
      const seen = yield* Effect.forEach(reasons, (run, n) =>
        Effect.gen(function*() {
          yield* self.submitFunction({ name: `f${n}`, run, restart: "RESTART_STRATEGY_ON_FAILURE", maxRetries: 1 })
          yield* TestClock.adjust("1 minute")
          const { error, exitCode, phase } = yield* statusOf(self, `f${n}`)
          return [phase, Option.getOrUndefined(error), Option.getOrUndefined(exitCode)]
        }))
      assert.deepStrictEqual(seen, [
        ["TASK_STATUS_EXHAUSTED", "max_retries_exceeded(1/1): no pulse", undefined],
        ["TASK_STATUS_EXHAUSTED", "max_retries_exceeded(1/1): just text", undefined],
        ["TASK_STATUS_FAILED", "with code", 4]
      ])
    }))

  it.scoped("has time without limit by default, and a limit if it is given one", () =>
    Effect.gen(function*() {
      const self = yield* supervisor()
      yield* self.submitFunction({ name: "free", run: Effect.never })
      yield* self.submitFunction({ name: "limited", run: Effect.never, timeout: "1 second" })
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* statusOf(self, "free")).phase, "TASK_STATUS_RUNNING")
      assert.deepStrictEqual((yield* self.runs(taskId("limited"))).map(({ status }) => status), ["TASK_STATUS_TIMEOUT"])
    }))

  it.scoped("is one of its name while it lives, and may come again behind its end", () =>
    Effect.gen(function*() {
      const self = yield* supervisor()
      const task: FunctionTask = { name: "once", run: Effect.sleep("1 second") }
      yield* self.submitFunction(task)
      assert.strictEqual((yield* Effect.flip(self.submitFunction(task))).label, "AlreadyExists")
      yield* TestClock.adjust("1 second")
      yield* self.submitFunction(task)
      assert.deepStrictEqual((yield* self.runs(taskId("once"))).map(({ status }) => status), ["TASK_STATUS_RUNNING"])
    }))

  it.scoped("shares slots with functions, not with tasks of the wire", () =>
    Effect.gen(function*() {
      const self = yield* supervisor()
      yield* self.submitFunction({ name: "a", slot: "shared", run: Effect.never })
      yield* self.submitFunction({ name: "b", slot: "shared", run: Effect.never })
      yield* self.submit(makeSpec({ slot: "shared", admission: "ADMISSION_STRATEGY_REPLACE" }))
      yield* TestClock.adjust(0)
      assert.strictEqual((yield* statusOf(self, "a")).phase, "TASK_STATUS_RUNNING")
      assert.deepStrictEqual(
        (yield* statusOf(self, "b")).error,
        Option.some("dropped: slot busy (status=running)")
      )
    }))

  it.scoped("counts towards the global limit; the supervisor's own sweep does not", () =>
    Effect.gen(function*() {
      const self = yield* supervisor(1)
      const id = yield* self.submit(makeSpec({ timeoutMs: 3_600_000n }))
      yield* self.submitFunction({ name: "patient", run: Effect.void })
      yield* TestClock.adjust("5 minutes")
      assert.strictEqual((yield* statusOf(self, "patient")).phase, "TASK_STATUS_PENDING")
      assert.strictEqual((yield* statusOf(self, "solti-state-sweep")).attempt, 2)
      yield* self.remove(id)
      yield* TestClock.adjust(0)
      assert.strictEqual((yield* statusOf(self, "patient")).phase, "TASK_STATUS_SUCCEEDED")
    }))

  it.scoped("has no log", () =>
    Effect.gen(function*() {
      const self = yield* supervisor()
      const id = yield* self.submitFunction({ name: "silent", run: Effect.never })
      assert.strictEqual((yield* Effect.flip(self.logs(id))).label, "TaskNotFound")
    }))
})
