import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Option from "effect/Option"
import type { CreateSpec, TaskId, TaskStatus } from "../../../src/schemas/solti/Tasks.js"
import * as MemoryStore from "../../../src/server/solti/MemoryStore.js"
import type { Change } from "../../../src/server/solti/Store.js"
import { everything, makeSpec, taskId } from "./support/tasks.js"

const added = (id: string, spec: Partial<CreateSpec> = {}, isFunction = false): Change => ({
  _tag: "TaskAdded",
  stored: {
    task: {
      metadata: { id: taskId(id), createdAt: 1n, updatedAt: 1n, resourceVersion: 1n },
      spec: makeSpec(spec),
      status: { phase: "TASK_STATUS_PENDING", attempt: 0, error: Option.none(), exitCode: Option.none() }
    },
    isFunction,
    isFinal: false
  }
})

const changed = (id: string, phase: TaskStatus, at: number, isFinal: boolean): Change => ({
  _tag: "TaskChanged",
  id: taskId(id),
  status: { phase, error: Option.none(), exitCode: Option.none() },
  attempt: 1,
  version: 3,
  at,
  isFinal
})

const opened = (id: string, attempt: number, at = attempt, keep = 256): Change => ({
  _tag: "RunOpened",
  id: taskId(id),
  attempt,
  at,
  keep
})

const closed = (id: string, attempt: number, at = attempt): Change => ({
  _tag: "RunClosed",
  id: taskId(id),
  attempt,
  status: { phase: "TASK_STATUS_SUCCEEDED", error: Option.none(), exitCode: Option.none() },
  at
})

const ids = (
  page: { readonly tasks: ReadonlyArray<{ readonly task: { readonly metadata: { readonly id: string } } }> }
) => page.tasks.map(({ task }) => task.metadata.id)

describe("MemoryStore", () => {
  it.effect("lists by id in plain string order, filters, pages, and counts all matches", () =>
    Effect.gen(function*() {
      const store = yield* MemoryStore.make
      yield* store.commit([
        added("a-10"),
        added("a-9"),
        added("B-1", { slot: "t" }),
        added("a-1"),
        changed("a-9", "TASK_STATUS_RUNNING", 2, false)
      ])
      const list = (query: Partial<typeof everything>) => store.list({ ...everything, ...query, functions: false })
      assert.deepStrictEqual(ids(yield* list({})), ["B-1", "a-1", "a-10", "a-9"])
      const page = yield* list({ limit: 2, offset: 1 })
      assert.deepStrictEqual([ids(page), page.total], [["a-1", "a-10"], 4])
      const beyond = yield* list({ offset: 9 })
      assert.deepStrictEqual([ids(beyond), beyond.total], [[], 4])
      assert.deepStrictEqual(ids(yield* list({ slot: Option.some("t") })), ["B-1"])
      assert.deepStrictEqual(ids(yield* list({ status: Option.some("TASK_STATUS_RUNNING") })), ["a-9"])
      const both = yield* list({ slot: Option.some("s"), status: Option.some("TASK_STATUS_PENDING"), limit: 1 })
      assert.deepStrictEqual([ids(both), both.total], [["a-1"], 2])
    }))

  it.effect("shows functions only where they are asked for", () =>
    Effect.gen(function*() {
      const store = yield* MemoryStore.make
      yield* store.commit([added("a"), added("host", {}, true)])
      const without = yield* store.list({ ...everything, functions: false })
      assert.deepStrictEqual([ids(without), without.total], [["a"], 1])
      const withThem = yield* store.list({ ...everything, functions: true })
      assert.deepStrictEqual([ids(withThem), withThem.total], [["a", "host"], 2])
    }))

  it.prop("the order survives any adding, dropping and listing", [
    FastCheck.array(FastCheck.tuple(FastCheck.constantFrom("add", "drop", "list"), FastCheck.nat({ max: 30 })))
  ], ([steps]) => {
    const store = Effect.runSync(MemoryStore.make)
    const list = () => ids(Effect.runSync(store.list({ ...everything, functions: true })))
    const model = new Set<string>()
    for (const [step, n] of steps) {
      if (step === "add") {
        Effect.runSync(store.commit([added(`t-${n}`)]))
        model.add(`t-${n}`)
      } else if (step === "drop") {
        Effect.runSync(store.commit([{ _tag: "TaskDropped", id: taskId(`t-${n}`) }]))
        model.delete(`t-${n}`)
      } else assert.deepStrictEqual(list(), [...model].sort())
    }
    assert.deepStrictEqual(list(), [...model].sort())
  })

  it.effect("keeps the same object as long as nothing changes, and a new one when something does", () =>
    Effect.gen(function*() {
      const store = yield* MemoryStore.make
      yield* store.commit([added("a")])
      const get = Effect.map(store.get(taskId("a")), (stored) => Option.getOrThrow(stored).task)
      const before = yield* get
      yield* store.commit([opened("a", 1)])
      assert.strictEqual(yield* get, before)
      yield* store.commit([changed("a", "TASK_STATUS_RUNNING", 7, false)])
      const after = yield* get
      assert.strictEqual(before.status.phase, "TASK_STATUS_PENDING")
      assert.strictEqual(after.status.phase, "TASK_STATUS_RUNNING")
      assert.deepStrictEqual(after.metadata, { ...before.metadata, updatedAt: 7n, resourceVersion: 3n })
    }))

  it.effect("keeps the newest runs, and never throws away an open one", () =>
    Effect.gen(function*() {
      const store = yield* MemoryStore.make
      yield* store.commit([added("a")])
      for (let n = 1; n <= 6; n++) yield* store.commit([opened("a", n, n, 3), closed("a", n)])
      yield* store.commit([opened("a", 7, 7, 1)])
      assert.deepStrictEqual((yield* store.runs(taskId("a"))).map(({ attempt }) => attempt), [7])
    }))

  it.effect("closes a run once", () =>
    Effect.gen(function*() {
      const store = yield* MemoryStore.make
      yield* store.commit([added("a"), opened("a", 1), closed("a", 1, 5), closed("a", 1, 9), closed("a", 2, 9)])
      const runs = yield* store.runs(taskId("a"))
      assert.deepStrictEqual(runs.map(({ finishedAt }) => finishedAt), [Option.some(5n)])
    }))

  it.effect("drops a task and keeps its runs, or purges both, and writes nothing for what is gone", () =>
    Effect.gen(function*() {
      const store = yield* MemoryStore.make
      const gone = ["a", "b"].map(taskId)
      const [a, b] = gone
      if (a === undefined || b === undefined) return assert.fail()
      yield* store.commit([added(a), opened(a, 1), closed(a, 1), added(b), opened(b, 1), closed(b, 1)])
      yield* store.commit([{ _tag: "TaskDropped", id: a }, { _tag: "TaskPurged", id: b }])
      yield* store.commit(gone.flatMap((id) => [changed(id, "TASK_STATUS_RUNNING", 9, false), opened(id, 2)]))
      assert.deepStrictEqual(yield* Effect.forEach(gone, store.get), [Option.none(), Option.none()])
      assert.strictEqual((yield* store.runs(a)).length, 1)
      assert.strictEqual((yield* store.runs(b)).length, 0)
    }))

  it.effect("replaces what it kept under the same id, runs included", () =>
    Effect.gen(function*() {
      const store = yield* MemoryStore.make
      yield* store.commit([added("a"), opened("a", 1), closed("a", 1), added("a", { slot: "new" })])
      assert.deepStrictEqual(yield* store.runs(taskId("a")), [])
      const page = yield* store.list({ ...everything, functions: false })
      assert.deepStrictEqual(page.tasks.map(({ task }) => task.spec.slot), ["new"])
    }))

  it.effect("sweeps finished runs, and ended tasks without runs, when they are old enough", () =>
    Effect.gen(function*() {
      const store = yield* MemoryStore.make
      const sweep = (runsBefore: number, tasksBefore: number) => store.sweep({ runsBefore, tasksBefore })
      yield* store.commit([
        added("alive"),
        opened("alive", 1, 1),
        closed("alive", 1, 10),
        changed("alive", "TASK_STATUS_FAILED", 10, false),
        added("ended"),
        opened("ended", 1, 1),
        closed("ended", 1, 10),
        opened("ended", 2, 11),
        closed("ended", 2, 20),
        changed("ended", "TASK_STATUS_SUCCEEDED", 20, true)
      ])
      const kept = Effect.map(store.list({ ...everything, functions: false }), ids)
      const attempts = (id: TaskId) => Effect.map(store.runs(id), (runs) => runs.map(({ attempt }) => attempt))
      yield* sweep(9, 100)
      assert.deepStrictEqual(yield* attempts(taskId("ended")), [1, 2])
      yield* sweep(10, 100)
      assert.deepStrictEqual(yield* attempts(taskId("alive")), [])
      assert.deepStrictEqual(yield* attempts(taskId("ended")), [2])
      assert.deepStrictEqual(yield* kept, ["alive", "ended"], "a task with runs stays")
      yield* sweep(20, 19)
      assert.deepStrictEqual(yield* kept, ["alive", "ended"], "changed too lately")
      yield* sweep(20, 20)
      assert.deepStrictEqual(yield* kept, ["alive"], "one between two attempts stays, however old")
      yield* store.commit([opened("alive", 2, 11)])
      yield* sweep(1000, 1000)
      assert.deepStrictEqual(yield* attempts(taskId("alive")), [2], "an open run stays")
    }))
})
