import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberRef from "effect/FiberRef"
import * as HashMap from "effect/HashMap"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import type { LogEvent } from "../../../src/schemas/solti/Logs.js"
import type { CreateSpec, TaskId } from "../../../src/schemas/solti/Tasks.js"
import { ApiError } from "../../../src/server/solti/ApiHandler.js"
import * as MemoryStore from "../../../src/server/solti/MemoryStore.js"
import type { Attempt } from "../../../src/server/solti/Runner.js"
import { AttemptFailed } from "../../../src/server/solti/Runner.js"
import { TaskStore } from "../../../src/server/solti/Store.js"
import type { Options } from "../../../src/server/solti/Supervisor.js"
import { make, Supervisor } from "../../../src/server/solti/Supervisor.js"
import * as SupervisorMetrics from "../../../src/server/solti/SupervisorMetrics.js"
import { everything, failed, makeSpec, runnerOf, taskId } from "./support/tasks.js"

const supervisor = (attempt: Attempt, options: Omit<Options, "runners"> = {}) =>
  Effect.provide(make({ ...options, runners: [runnerOf(attempt)] }), MemoryStore.layer)

const seldomSwept: Omit<Options, "runners"> = { runTtl: "1000 days", taskTtl: "1000 days", sweepInterval: "1000 days" }

/** Lets everything run that can run without time passing. */
const settle = TestClock.adjust(0)

const phaseOf = (self: Supervisor.Service, id: TaskId) =>
  Effect.map(
    self.get(id),
    (stored) =>
      Option.match(stored, { onNone: () => "absent", onSome: ({ task }) => String(task.status.phase).slice(12) })
  )

const errorOf = (self: Supervisor.Service, id: TaskId) =>
  Effect.map(self.get(id), (stored) => Option.getOrUndefined(Option.flatMap(stored, ({ task }) => task.status.error)))

/** Attempt, status and start of each run. */
const runsOf = (self: Supervisor.Service, id: TaskId) =>
  Effect.map(
    self.runs(id),
    (runs) => runs.map(({ attempt, startedAt, status }) => `${attempt} ${String(status).slice(12)} ${startedAt}`)
  )

const onFailure = makeSpec({ restart: "RESTART_STRATEGY_ON_FAILURE" })
const always = makeSpec({ restart: "RESTART_STRATEGY_ALWAYS" })

const show = (event: LogEvent): string => {
  switch (event.type) {
    case "chunk":
      return `${event.attempt} ${event.stream} ${event.seq} @${event.ts} ${event.line}`
    case "runStarted":
      return `+${event.attempt} @${event.startedAt}`
    case "runFinished":
      return `-${event.attempt} @${event.finishedAt}`
    case "lagged":
      return `lagged ${event.skipped}`
  }
}

describe("Supervisor: submit", () => {
  it.scoped("numbers tasks over all runners and slots, and takes the first runner that fits", () =>
    Effect.gen(function*() {
      const runner = (name: string, slot: string) => ({
        ...runnerOf(() => Effect.void),
        name,
        supports: (spec: CreateSpec) => spec.slot === slot
      })
      const self = yield* Effect.provide(
        make({ runners: [runner("one", "a"), runner("two", "a"), runner("three", "b")] }),
        MemoryStore.layer
      )
      const ids = yield* Effect.forEach(["a", "b", "a"], (slot) => self.submit(makeSpec({ slot })))
      assert.deepStrictEqual(ids, ["one-a-1", "three-b-2", "one-a-3"].map(taskId))
    }))

  it.scoped("refuses kinds that no runner supports", () =>
    Effect.gen(function*() {
      const self = yield* supervisor(() => Effect.void)
      const kinds: ReadonlyArray<CreateSpec["kind"]> = [
        { wasm: { module: "m", args: [], env: [] } },
        { container: { image: "i", command: [], args: [], env: [] } },
        { unknown: { later: {} } }
      ]
      const errors = yield* Effect.forEach(kinds, (kind) => Effect.flip(self.submit(makeSpec({ kind }))))
      assert.deepStrictEqual(errors.map(({ detail, label }) => `${label}: ${detail}`), [
        "Internal: runner error: no suitable runner for task kind: wasm",
        "Internal: runner error: no suitable runner for task kind: container",
        "Internal: runner error: no suitable runner for task kind: later"
      ])
    }))

  it.scoped("fails with what the runner cannot build, and keeps nothing of it", () =>
    Effect.gen(function*() {
      const refusal = new ApiError({ label: "Internal", detail: "runner error: disk full" })
      const runner = { ...runnerOf(() => Effect.void), build: () => Effect.fail(refusal) }
      const self = yield* Effect.provide(make({ runners: [runner] }), MemoryStore.layer)
      assert.strictEqual(yield* Effect.flip(self.submit(makeSpec())), refusal)
      assert.strictEqual((yield* self.list({ ...everything, functions: false })).total, 0)
    }))

  it.scoped("is done when the task is visible", () =>
    Effect.gen(function*() {
      const self = yield* supervisor(() => Effect.never)
      assert.strictEqual(yield* phaseOf(self, yield* self.submit(makeSpec())), "RUNNING")
      assert.strictEqual(yield* phaseOf(self, yield* self.submit(makeSpec())), "PENDING")
    }))

  it.scoped("the attempts belong to the supervisor, not to who submits", () =>
    Effect.gen(function*() {
      const seen = yield* Deferred.make<number>()
      const gate = yield* Deferred.make<void>()
      const self = yield* supervisor(() =>
        Effect.gen(function*() {
          yield* Deferred.succeed(seen, HashMap.size(yield* FiberRef.get(FiberRef.currentLogAnnotations)))
          yield* Deferred.await(gate)
        })
      )
      const submitter = yield* self.submit(makeSpec()).pipe(
        Effect.annotateLogs("of", "the submitter"),
        Effect.tap(Effect.never),
        Effect.fork
      )
      assert.strictEqual(yield* Deferred.await(seen), 0)
      yield* Fiber.interrupt(submitter)
      assert.deepStrictEqual(yield* runsOf(self, taskId("default-s-1")), ["1 RUNNING 0"])
    }))
})

describe("Supervisor: attempts", () => {
  it.scoped("puts lines on the log with seq per stream and attempt, and exactly one end per attempt", () =>
    Effect.gen(function*() {
      const self = yield* supervisor(({ attempt, emit }) =>
        Effect.gen(function*() {
          emit("stdout", "a")
          emit("stderr", "b")
          yield* Effect.sleep(10)
          emit("stdout", "c")
          if (attempt === 1) return yield* failed("once", 7)
        })
      )
      const id = yield* self.submit(onFailure)
      const stream = yield* self.logs(id)
      const follower = yield* Effect.fork(Stream.runCollect(stream))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(Chunk.toReadonlyArray(yield* Fiber.join(follower)).map(show), [
        "+1 @0",
        "1 stdout 0 @0 a",
        "1 stderr 0 @0 b",
        "1 stdout 1 @10 c",
        "-1 @10",
        "+2 @110",
        "2 stdout 0 @110 a",
        "2 stderr 0 @110 b",
        "2 stdout 1 @120 c",
        "-2 @120"
      ])
      const error = yield* Effect.flip(self.logs(id))
      assert.deepStrictEqual([error.label, error.detail], ["TaskNotFound", id])
    }))

  it.scoped("has no line behind the end of its attempt", () =>
    Effect.gen(function*() {
      let late: (() => void) | undefined
      const self = yield* supervisor(({ emit }) =>
        Effect.sync(() => {
          late = () => emit("stdout", "late")
        })
      )
      const id = yield* self.submit(
        makeSpec({ restart: "RESTART_STRATEGY_ALWAYS", restartIntervalMs: Option.some(1000n) })
      )
      yield* settle
      late?.()
      const follower = yield* Effect.fork(Stream.runCollect(yield* self.logs(id)))
      yield* self.remove(id)
      assert.deepStrictEqual(Chunk.toReadonlyArray(yield* Fiber.join(follower)).map(show), ["+1 @0", "-1 @0"])
    }))

  it.scoped("backs off after failures, from the start again behind a success", () =>
    Effect.gen(function*() {
      const self = yield* supervisor(({ attempt }) => attempt === 4 ? Effect.void : failed("no"))
      const id = yield* self.submit(always)
      yield* TestClock.adjust(899)
      assert.deepStrictEqual(yield* runsOf(self, id), [
        "1 FAILED 0",
        "2 FAILED 100",
        "3 FAILED 300",
        "4 SUCCEEDED 700",
        "5 FAILED 700",
        "6 FAILED 800"
      ])
    }))

  it.scoped("pauses between successes, also longer than a timer of the platform can", () =>
    Effect.gen(function*() {
      const self = yield* supervisor(() => Effect.void, seldomSwept)
      const sixtyDays = 60n * 86_400_000n
      const id = yield* self.submit({ ...always, restartIntervalMs: Option.some(sixtyDays) })
      yield* TestClock.adjust("59 days")
      assert.strictEqual((yield* runsOf(self, id)).length, 1)
      assert.strictEqual(yield* phaseOf(self, id), "SUCCEEDED")
      yield* TestClock.adjust("1 day")
      assert.strictEqual((yield* runsOf(self, id)).length, 2)
    }))

  it.scoped("ends after so many failed retries", () =>
    Effect.gen(function*() {
      const self = yield* supervisor(() => failed("no", 1))
      const id = yield* self.submit(always, { maxRetries: 2 })
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* runsOf(self, id)).length, 3)
      assert.strictEqual(yield* errorOf(self, id), "max_retries_exceeded(2/2): no")
    }))

  it.scoped("interrupts an attempt that takes too long", () =>
    Effect.gen(function*() {
      const stopped: Array<number> = []
      const self = yield* supervisor(({ attempt }) =>
        Effect.onInterrupt(Effect.never, () => Effect.sync(() => stopped.push(attempt)))
      )
      const id = yield* self.submit({ ...onFailure, timeoutMs: 300n })
      yield* TestClock.adjust(299)
      assert.deepStrictEqual(stopped, [])
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(stopped, [1])
      assert.strictEqual(yield* phaseOf(self, id), "TIMEOUT")
      assert.strictEqual(yield* errorOf(self, id), "task attempt timed out after 300 ms")
      yield* TestClock.adjust(400)
      assert.deepStrictEqual(yield* runsOf(self, id), ["1 TIMEOUT 0", "2 TIMEOUT 400"])
    }))

  it.scoped("ends a timed-out attempt when its interruption has finished", () =>
    Effect.gen(function*() {
      const self = yield* supervisor(() => Effect.onInterrupt(Effect.never, () => Effect.sleep(50)))
      const id = yield* self.submit(makeSpec({ timeoutMs: 300n }))
      yield* TestClock.adjust(349)
      assert.strictEqual(yield* phaseOf(self, id), "RUNNING")
      yield* TestClock.adjust(1)
      assert.strictEqual(yield* phaseOf(self, id), "EXHAUSTED")
    }))

  it.scoped("does not take a time limit for over that no timer can hold", () =>
    Effect.gen(function*() {
      const self = yield* supervisor(() => Effect.never, seldomSwept)
      const id = yield* self.submit(makeSpec({ timeoutMs: 18446744073709551615n }))
      yield* settle
      // The platform's timers go up to 2^31 - 1 ms, and would never fire for more.
      assert.isTrue(Chunk.some(yield* TestClock.sleeps(), (at) => at === 2_147_483_647))
      assert.isFalse(Chunk.some(yield* TestClock.sleeps(), (at) => at > 2_147_483_647 && at !== 1000 * 86_400_000))
      yield* TestClock.adjust("1000 days")
      assert.strictEqual(yield* phaseOf(self, id), "RUNNING")
    }))

  it.scoped("leaves no timer behind", () =>
    Effect.gen(function*() {
      const clock = yield* Effect.clock
      let asleep = 0
      const counting: Clock.Clock = {
        [Clock.ClockTypeId]: Clock.ClockTypeId,
        unsafeCurrentTimeMillis: () => clock.unsafeCurrentTimeMillis(),
        unsafeCurrentTimeNanos: () => clock.unsafeCurrentTimeNanos(),
        currentTimeMillis: clock.currentTimeMillis,
        currentTimeNanos: clock.currentTimeNanos,
        sleep: (duration) =>
          Effect.acquireUseRelease(Effect.sync(() => asleep++), () =>
            clock.sleep(duration), () =>
            Effect.sync(() => asleep--))
      }
      const attempts: Attempt = ({ attempt }) =>
        attempt === 1 ? Effect.zipRight(Effect.yieldNow(), failed("once")) : Effect.never
      const self = yield* Effect.withClock(supervisor(attempts), counting)
      yield* settle
      assert.strictEqual(asleep, 1, "the sweep")
      const retried = yield* self.submit(onFailure)
      yield* settle
      assert.strictEqual(asleep, 2, "and the back-off")
      yield* TestClock.adjust(100)
      assert.strictEqual(asleep, 2, "and the time limit")
      yield* self.remove(retried)
      const pausing = yield* self.submit(onFailure)
      yield* settle
      assert.strictEqual(asleep, 2, "and the back-off of another")
      yield* self.remove(pausing)
      yield* settle
      assert.strictEqual(asleep, 1, "and nothing")
    }))

  it.scoped("a fatal failure, a defect and an interruption of its own end a task for good", () =>
    Effect.gen(function*() {
      const attempts: ReadonlyArray<Attempt> = [
        () => new AttemptFailed({ reason: "spawn failed", exitCode: Option.none(), fatal: true }),
        () => Effect.die("boom"),
        () => {
          throw new Error("boom")
        },
        () => Effect.interrupt
      ]
      const seen = yield* Effect.forEach(attempts, (attempt) =>
        Effect.gen(function*() {
          const self = yield* supervisor(attempt)
          const id = yield* self.submit(always)
          yield* TestClock.adjust("1 minute")
          return [yield* phaseOf(self, id), yield* errorOf(self, id), (yield* runsOf(self, id)).length]
        }))
      assert.deepStrictEqual(seen, [
        ["FAILED", "spawn failed", 1],
        ["FAILED", "actor panicked", 1],
        ["FAILED", "actor panicked", 1],
        ["CANCELED", undefined, 1]
      ])
    }))

  it.scoped("runs no more attempts at a time than allowed, and starts who waits as soon as there is room", () =>
    Effect.gen(function*() {
      let running = 0
      let most = 0
      const self = yield* supervisor(() =>
        Effect.acquireUseRelease(
          Effect.sync(() => {
            most = Math.max(most, ++running)
          }),
          () => Effect.sleep(100),
          () => Effect.sync(() => running--)
        ), { maxConcurrent: 3 })
      const ids = yield* Effect.forEach(
        Array.from({ length: 10 }, (_, n) => `slot${n}`),
        (slot) => self.submit(makeSpec({ slot }))
      )
      yield* TestClock.adjust(400)
      assert.strictEqual(most, 3)
      const starts = yield* Effect.forEach(ids, (id) => runsOf(self, id))
      assert.deepStrictEqual(starts.map(([run]) => Number(run?.split(" ")[2])), [
        0,
        0,
        0,
        100,
        100,
        100,
        200,
        200,
        200,
        300
      ])
    }))
})

describe("Supervisor: slots", () => {
  it.scoped("replaces a running task: the new one starts when the old one is really gone", () =>
    Effect.gen(function*() {
      const self = yield* supervisor(({ taskId }) =>
        Effect.onInterrupt(Effect.never, () => taskId === "default-s-1" ? Effect.sleep(70) : Effect.void)
      )
      const old = yield* self.submit(makeSpec())
      const next = yield* self.submit(makeSpec({ admission: "ADMISSION_STRATEGY_REPLACE" }))
      yield* TestClock.adjust(69)
      assert.deepStrictEqual([yield* phaseOf(self, old), yield* phaseOf(self, next)], ["RUNNING", "PENDING"])
      yield* TestClock.adjust(1)
      assert.deepStrictEqual([yield* phaseOf(self, old), yield* phaseOf(self, next)], ["CANCELED", "RUNNING"])
      assert.deepStrictEqual(yield* runsOf(self, next), ["1 RUNNING 70"])
    }))

  it.scoped("the log of a dropped task is empty and ends", () =>
    Effect.gen(function*() {
      const self = yield* supervisor(() => Effect.never)
      yield* self.submit(makeSpec())
      const dropped = yield* self.submit(makeSpec({ admission: "ADMISSION_STRATEGY_DROP_IF_RUNNING" }))
      assert.strictEqual(yield* errorOf(self, dropped), "dropped: slot busy (status=running)")
      assert.deepStrictEqual(Chunk.toReadonlyArray(yield* Stream.runCollect(yield* self.logs(dropped))), [])
    }))

  it.scoped("10,000 queued tasks over 100 slots all finish, each slot in its order", () =>
    Effect.gen(function*() {
      const gate = yield* Deferred.make<void>()
      const all = yield* Deferred.make<void>()
      const order: Array<TaskId> = []
      const self = yield* supervisor(({ taskId }) =>
        Effect.zipRight(
          Deferred.await(gate),
          Effect.suspend(() => order.push(taskId) === 10_000 ? Deferred.succeed(all, undefined) : Effect.void)
        )
      )
      const ids = yield* Effect.forEach(Array.from({ length: 10_000 }, (_, n) => `s${n % 100}`), (slot) =>
        self.submit(makeSpec({ slot })))
      const pending = { ...everything, status: Option.some("TASK_STATUS_PENDING" as const), functions: false }
      const page = yield* self.list(pending)
      assert.deepStrictEqual([page.tasks.length, page.total], [1000, 9900])
      yield* Deferred.succeed(gate, undefined)
      yield* Deferred.await(all)
      yield* settle
      const succeeded = { ...pending, status: Option.some("TASK_STATUS_SUCCEEDED" as const) }
      assert.strictEqual((yield* self.list(succeeded)).total, 10_000)
      const slotOf = (id: TaskId) =>
        id.split("-")[1] ?? ""
      assert.deepStrictEqual(Arr.groupBy(order, slotOf), Arr.groupBy(ids, slotOf))
    }))
})

describe("Supervisor: remove", () => {
  it.scoped("waits until the attempt has really ended, and leaves nothing", () =>
    Effect.gen(function*() {
      const self = yield* supervisor(() => Effect.onInterrupt(Effect.never, () => Effect.sleep(100)))
      const id = yield* self.submit(always)
      const follower = yield* Effect.fork(Stream.runCollect(yield* self.logs(id)))
      const removal = yield* Effect.fork(self.remove(id))
      yield* TestClock.adjust(99)
      assert.isNull(removal.unsafePoll())
      yield* TestClock.adjust(1)
      yield* Fiber.join(removal)
      assert.deepStrictEqual([yield* phaseOf(self, id), ...(yield* runsOf(self, id))], ["absent"])
      assert.deepStrictEqual(Chunk.toReadonlyArray(yield* Fiber.join(follower)).map(show), ["+1 @0", "-1 @100"])
      assert.strictEqual((yield* Effect.flip(self.logs(id))).label, "TaskNotFound")
      yield* self.remove(id)
      yield* self.remove(taskId("never-was-1"))
    }))

  it.scoped("fails when the attempt does not end within the grace time, and blocks nobody meanwhile", () =>
    Effect.gen(function*() {
      const release = yield* Deferred.make<void>()
      const self = yield* supervisor(({ taskId }) =>
        taskId === "default-stuck-1" ? Effect.uninterruptible(Deferred.await(release)) : Effect.never
      )
      const stuck = yield* self.submit(makeSpec({ slot: "stuck" }))
      const removal = yield* Effect.fork(Effect.flip(self.remove(stuck)))
      const queued = yield* self.submit(makeSpec({ slot: "stuck" }))
      const other = yield* self.submit(makeSpec({ slot: "other" }))
      yield* self.remove(queued)
      yield* self.remove(other)
      assert.deepStrictEqual([yield* phaseOf(self, queued), yield* phaseOf(self, other)], ["absent", "absent"])
      yield* TestClock.adjust("59999 millis")
      assert.isNull(removal.unsafePoll())
      yield* TestClock.adjust("1 millis")
      const error = yield* Fiber.join(removal)
      assert.strictEqual(error.label, "Internal")
      assert.strictEqual(
        error.detail,
        "supervisor error: cancel failed: timeout waiting for task 'default-stuck-1' removal after 60s"
      )
      assert.deepStrictEqual(yield* runsOf(self, stuck), ["1 RUNNING 0"])
      // The next one waits as well, and the task is purged when it ends after all.
      const again = yield* Effect.fork(self.remove(stuck))
      yield* settle
      assert.isNull(again.unsafePoll())
      yield* Deferred.succeed(release, undefined)
      yield* Fiber.join(again)
      assert.strictEqual(yield* phaseOf(self, stuck), "absent")
    }))

  it.scoped("a removal right behind the submission never lets the task run unseen", () =>
    Effect.gen(function*() {
      let alive = 0
      const self = yield* supervisor(() =>
        Effect.acquireUseRelease(Effect.sync(() => alive++), () => Effect.never, () => Effect.sync(() => alive--))
      )
      yield* Effect.forEach(
        Array.from({ length: 100 }, (_, n) => n + 1),
        (n) =>
          Effect.all([self.submit(makeSpec({ slot: `s${n}` })), self.remove(taskId(`default-s${n}-${n}`))], {
            concurrency: 2
          }),
        { discard: true }
      )
      yield* settle
      assert.strictEqual((yield* self.list({ ...everything, functions: false })).total, alive)
      const pairs = Array.from({ length: 100 }, () => Effect.flatMap(self.submit(makeSpec()), self.remove))
      yield* Effect.all(pairs, { concurrency: "unbounded" })
      assert.strictEqual((yield* self.list({ ...everything, functions: false })).total, alive)
    }))

  it.scoped("goes on when who asked for it does not wait", () =>
    Effect.gen(function*() {
      const self = yield* supervisor(() => Effect.onInterrupt(Effect.never, () => Effect.sleep(100)))
      const id = yield* self.submit(makeSpec())
      const removal = yield* Effect.fork(self.remove(id))
      yield* settle
      yield* Fiber.interrupt(removal)
      yield* TestClock.adjust(100)
      assert.strictEqual(yield* phaseOf(self, id), "absent")
    }))
})

describe("Supervisor: shutdown", () => {
  it.scoped("refuses new tasks, stops all others, and ends their logs", () =>
    Effect.gen(function*() {
      let alive = 0
      const self = yield* supervisor(() =>
        Effect.acquireUseRelease(Effect.sync(() => alive++), () => Effect.never, () => Effect.sync(() => alive--))
      )
      const ids = yield* Effect.all([
        self.submit(makeSpec()),
        self.submit(makeSpec()),
        self.submit(makeSpec({ slot: "b" }))
      ])
      const followers = yield* Effect.forEach(ids, (id) =>
        Effect.flatMap(self.logs(id), (stream) => Effect.fork(Stream.runCollect(stream))))
      yield* settle
      assert.strictEqual(alive, 2)
      yield* self.shutdown
      assert.strictEqual(alive, 0)
      const logs = yield* Effect.forEach(followers, Fiber.join)
      assert.deepStrictEqual(
        logs.map((events) =>
          Chunk.toReadonlyArray(events).map(show).join()
        ),
        ["+1 @0,-1 @0", "", "+1 @0,-1 @0"]
      )
      assert.deepStrictEqual(
        yield* Effect.forEach(ids, (id) => phaseOf(self, id)),
        ["CANCELED", "CANCELED", "CANCELED"]
      )
      const errors = [
        yield* Effect.flip(self.submit(makeSpec())),
        yield* Effect.flip(self.submitFunction({ name: "f", run: Effect.void }))
      ]
      assert.deepStrictEqual(errors.map(({ label }) => label), ["Unavailable", "Unavailable"])
      yield* self.shutdown
      yield* Effect.forEach(ids, self.remove)
      assert.deepStrictEqual(yield* Effect.forEach(ids, (id) => phaseOf(self, id)), ["absent", "absent", "absent"])
    }))

  it.scoped("is what the end of the scope does", () =>
    Effect.gen(function*() {
      let alive = 0
      const scope = yield* Scope.make()
      const self = yield* Scope.extend(
        supervisor(() =>
          Effect.acquireUseRelease(Effect.sync(() => alive++), () => Effect.never, () => Effect.sync(() => alive--))
        ),
        scope
      )
      const id = yield* self.submit(makeSpec())
      const follower = yield* Effect.fork(Stream.runCollect(yield* self.logs(id)))
      yield* settle
      assert.strictEqual(alive, 1)
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual(alive, 0)
      assert.strictEqual(Chunk.size(yield* Fiber.join(follower)), 2)
    }))

  it.scoped("gives up on attempts that do not end within the grace time", () =>
    Effect.gen(function*() {
      const release = yield* Deferred.make<void>()
      const self = yield* supervisor(() => Effect.uninterruptible(Deferred.await(release)), { grace: "5 seconds" })
      const id = yield* self.submit(makeSpec())
      const follower = yield* Effect.fork(Stream.runCollect(yield* self.logs(id)))
      const shutdown = yield* Effect.fork(self.shutdown)
      yield* TestClock.adjust(4999)
      assert.isNull(shutdown.unsafePoll())
      yield* TestClock.adjust(1)
      yield* Fiber.join(shutdown)
      assert.strictEqual(yield* phaseOf(self, id), "CANCELED")
      assert.strictEqual(yield* errorOf(self, id), "force_terminated_after_grace")
      assert.deepStrictEqual(Chunk.toReadonlyArray(yield* Fiber.join(follower)).map(show), ["+1 @0", "-1 @5000"])
      yield* Deferred.succeed(release, undefined)
    }))

  it.scoped("does not accept what was built while it began", () =>
    Effect.gen(function*() {
      const built = yield* Deferred.make<void>()
      const runner = {
        ...runnerOf(() => Effect.void),
        build: () => Effect.as(Deferred.await(built), () => Effect.void)
      }
      const self = yield* Effect.provide(make({ runners: [runner] }), MemoryStore.layer)
      const submission = yield* Effect.fork(Effect.flip(self.submit(makeSpec())))
      yield* settle
      yield* self.shutdown
      yield* Deferred.succeed(built, undefined)
      assert.strictEqual((yield* Fiber.join(submission)).label, "Unavailable")
    }))
})

describe("Supervisor: retention", () => {
  it.scoped("sweeps runs and ended tasks when their time is over", () =>
    Effect.gen(function*() {
      const self = yield* supervisor(() => Effect.void)
      const id = yield* self.submit(makeSpec())
      yield* TestClock.adjust("59 minutes")
      assert.deepStrictEqual([yield* phaseOf(self, id), (yield* runsOf(self, id)).length], ["SUCCEEDED", 1])
      yield* TestClock.adjust("1 minutes")
      assert.deepStrictEqual([yield* phaseOf(self, id), (yield* runsOf(self, id)).length], ["absent", 0])
    }))

  it.scoped("by the times it was given; a task that goes on stays", () =>
    Effect.gen(function*() {
      const self = yield* supervisor(() => Effect.void, {
        runTtl: "10 seconds",
        taskTtl: "1 minute",
        sweepInterval: "1 second"
      })
      const ended = yield* self.submit(makeSpec())
      const pausing = yield* self.submit(
        makeSpec({ slot: "b", restart: "RESTART_STRATEGY_ALWAYS", restartIntervalMs: Option.some(3_600_000n) })
      )
      const look = Effect.forEach([ended, pausing], (id) =>
        Effect.zipWith(phaseOf(self, id), runsOf(self, id), (phase, runs) => `${phase} ${runs.length}`))
      yield* TestClock.adjust(9999)
      assert.deepStrictEqual(yield* look, ["SUCCEEDED 1", "SUCCEEDED 1"])
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(yield* look, ["SUCCEEDED 0", "SUCCEEDED 0"])
      yield* TestClock.adjust("50 seconds")
      assert.deepStrictEqual(yield* look, ["absent 0", "SUCCEEDED 0"])
    }))

  it.scoped("keeps 256 runs of a task by default", () =>
    Effect.gen(function*() {
      const self = yield* supervisor(() => Effect.void)
      const id = yield* self.submit({ ...always, restartIntervalMs: Option.some(1n) })
      yield* TestClock.adjust(300)
      const attempts = (yield* self.runs(id)).map(({ attempt }) => attempt)
      assert.deepStrictEqual(attempts, Array.from({ length: 256 }, (_, n) => 46 + n))
    }))
})

describe("Supervisor: the store", () => {
  it.scoped("may be another one; when it dies, new tasks are refused and all others go on", () =>
    Effect.gen(function*() {
      const memory = yield* MemoryStore.make
      let isBroken = false
      const store = TaskStore.of({
        ...memory,
        commit: (changes) => isBroken ? Effect.die("no disk") : memory.commit(changes)
      })
      const context = yield* Layer.build(
        Supervisor.layerWithStore({ runners: [runnerOf(() => Effect.sleep(10))] }).pipe(
          Layer.provide(Layer.succeed(TaskStore, store))
        )
      )
      const self = yield* Effect.provide(Supervisor, context)
      const [running, queued] = [yield* self.submit(makeSpec()), yield* self.submit(makeSpec())]
      isBroken = true
      const refused = yield* Effect.exit(self.submit(makeSpec()))
      assert.isTrue(Exit.isFailure(refused) && Cause.isDie(refused.cause))
      assert.strictEqual((yield* Effect.flip(self.logs(taskId("default-s-3")))).label, "TaskNotFound")
      yield* TestClock.adjust(10)
      isBroken = false
      yield* TestClock.adjust(10)
      const last = yield* self.submit(makeSpec())
      yield* TestClock.adjust(10)
      assert.deepStrictEqual(
        yield* Effect.forEach([running, queued, last], (id) => phaseOf(self, id)),
        ["RUNNING", "SUCCEEDED", "SUCCEEDED"]
      )
      assert.isTrue(Option.isSome(yield* memory.get(last)))
    }))
})

describe("Supervisor: metrics", () => {
  it.scoped("counts attempts, and who runs and who waits", () =>
    Effect.gen(function*() {
      const values = Effect.all({
        running: Effect.map(Metric.value(SupervisorMetrics.running), ({ value }) => value),
        queued: Effect.map(Metric.value(SupervisorMetrics.queued), ({ value }) => value),
        failed: Effect.map(
          Metric.value(Metric.tagged(SupervisorMetrics.attempts, "status", "TASK_STATUS_FAILED")),
          ({ count }) => count
        )
      })
      const before = yield* values
      const grown = Effect.map(values, (now) => [
        now.running - before.running,
        now.queued - before.queued,
        now.failed - before.failed
      ])
      const self = yield* supervisor(({ attempt }) => attempt === 1 ? failed("once") : Effect.never)
      const specs = [onFailure, makeSpec(), { ...onFailure, slot: "b" }]
      const ids = yield* Effect.forEach(specs, (spec) => self.submit(spec))
      yield* settle
      assert.deepStrictEqual(yield* grown, [0, 3, 2])
      yield* TestClock.adjust(100)
      assert.deepStrictEqual(yield* grown, [2, 1, 2])
      yield* Effect.forEach(ids.reverse(), self.remove)
      yield* settle
      assert.deepStrictEqual(yield* grown, [0, 0, 2])
    }))
})
