import { assert, describe, it } from "@effect/vitest"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import type { CreateSpec } from "../../../src/schemas/solti/Tasks.js"
import { ends, World } from "./support/World.js"

const replace: Partial<CreateSpec> = { admission: "ADMISSION_STRATEGY_REPLACE" }
const drop: Partial<CreateSpec> = { admission: "ADMISSION_STRATEGY_DROP_IF_RUNNING" }
const onFailure: Partial<CreateSpec> = { restart: "RESTART_STRATEGY_ON_FAILURE" }
const always: Partial<CreateSpec> = { restart: "RESTART_STRATEGY_ALWAYS" }
const everyHalfSecond: Partial<CreateSpec> = { ...always, restartIntervalMs: Option.some(500n) }

describe("Machine: outcomes (contract 9.2)", () => {
  it("counts resourceVersion 1 pending, 3n while attempt n runs, 3n + 1 behind it", () => {
    const world = new World({ maxConcurrent: 1 })
    const first = world.submit({ slot: "a", ...everyHalfSecond })
    const second = world.submit({ slot: "b" })
    assert.strictEqual(world.show(second), "pending 0 v1")
    assert.strictEqual(world.show(first), "running 1 v3")
    world.finish(first)
    assert.strictEqual(world.show(first), "succeeded 1 v4")
    assert.strictEqual(world.show(second), "running 1 v3")
    world.finish(second)
    world.wake(first)
    assert.strictEqual(world.show(first), "running 2 v6")
    world.timeOut(first)
    world.finish(first)
    assert.strictEqual(world.show(first), "timeout 2 v7 task attempt timed out after 1000 ms")
  })

  it("ends a success", () => {
    const world = new World()
    const id = world.submit()
    world.finish(id)
    assert.strictEqual(world.show(id), "succeeded 1 v4")
    assert.deepStrictEqual(world.showRuns(id), ["1 succeeded"])
    assert.strictEqual(world.marks(id), "+1 -1")
    assert.strictEqual(world.isFinal(id), true)
    assert.deepStrictEqual(world.released.get(id), { evict: false })
  })

  it("exhausts a failure, with its reason and exit code", () => {
    const world = new World()
    const id = world.submit()
    world.finish(id, ends.failed)
    assert.strictEqual(world.show(id), "exhausted 1 v4 exit 3 3")
    assert.deepStrictEqual(world.showRuns(id), ["1 failed exit 3 3"])
    assert.strictEqual(world.marks(id), "+1 -1(3)")
  })

  it("calls a failure without reason unknown", () => {
    const world = new World()
    const id = world.submit()
    world.finish(id, { ...ends.failed, reason: "", exitCode: Option.none() })
    assert.strictEqual(world.show(id), "exhausted 1 v4 unknown")
    assert.deepStrictEqual(world.showRuns(id), ["1 failed unknown"])
  })

  it("exhausts a time-out in one step, whatever the attempt says at its end", () => {
    const world = new World()
    for (const end of [ends.canceled, ends.succeeded, ends.failed]) {
      const id = world.submit({ timeoutMs: 300n })
      world.timeOut(id)
      world.timeOut(id)
      assert.strictEqual(world.attempts.get(id)?.interrupts, 1)
      assert.strictEqual(world.show(id), "running 1 v3")
      world.finish(id, end)
      assert.strictEqual(world.show(id), "exhausted 1 v4 task attempt timed out after 300 ms")
      assert.deepStrictEqual(world.showRuns(id), ["1 timeout task attempt timed out after 300 ms"])
      assert.strictEqual(world.marks(id), "+1 -1")
    }
  })

  it("never retries a fatal failure", () => {
    const world = new World()
    for (const restart of [{}, onFailure, always]) {
      const id = world.submit(restart)
      world.finish(id, ends.fatal)
      assert.strictEqual(world.show(id), "failed 1 v4 spawn failed")
      assert.deepStrictEqual(world.showRuns(id), ["1 failed spawn failed"])
      assert.strictEqual(world.isFinal(id), true)
    }
  })

  it("ends a task whose attempt was interrupted by somebody else as canceled", () => {
    const world = new World()
    const id = world.submit(always)
    world.finish(id, ends.canceled)
    assert.strictEqual(world.show(id), "canceled 1 v4")
    assert.deepStrictEqual(world.showRuns(id), ["1 canceled"])
  })

  it("clears error and exit code when the next attempt starts", () => {
    const world = new World()
    const id = world.submit(onFailure)
    world.finish(id, ends.failed)
    assert.strictEqual(world.show(id), "failed 1 v4 exit 3 3")
    assert.strictEqual(world.isFinal(id), false)
    world.wake(id)
    assert.strictEqual(world.show(id), "running 2 v6")
    world.finish(id)
    assert.strictEqual(world.show(id), "succeeded 2 v7")
    assert.deepStrictEqual(world.showRuns(id), ["1 failed exit 3 3", "2 succeeded"])
    assert.strictEqual(world.marks(id), "+1 -1(3) +2 -2")
  })

  it("ignores what comes from attempts and pauses that are over", () => {
    const world = new World()
    const id = world.submit(onFailure)
    world.finish(id, ends.failed)
    world.wake(id)
    const before = world.state
    world.tell({ _tag: "Ended", id, attempt: 1, end: ends.succeeded })
    world.tell({ _tag: "TimedOut", id, attempt: 1 })
    world.tell({ _tag: "Woken", id, attempt: 1 })
    world.tell({ _tag: "Registered", id })
    assert.deepStrictEqual(world.state, before)
    assert.strictEqual(world.show(id), "running 2 v6")
  })
})

describe("Machine: restarts (contract 8.3)", () => {
  it("counts consecutive failures for the back-off, and forgets them at a success", () => {
    const world = new World()
    const id = world.submit(everyHalfSecond)
    const pauses = [ends.failed, ends.failed, ends.succeeded, ends.failed].map((end) => {
      world.finish(id, end)
      const pause = world.pauses.get(id)?.pause
      world.wake(id)
      return pause?._tag === "Backoff" ? pause.failures : pause?.ms
    })
    assert.deepStrictEqual(pauses, [0, 1, 500, 0])
  })

  it("restarts at once without an interval", () => {
    const world = new World()
    const id = world.submit(always)
    world.finish(id)
    assert.strictEqual(world.show(id), "running 2 v6")
    assert.strictEqual(world.marks(id), "+1 -1 +2")
  })

  it("ends after so many failed retries in a row", () => {
    const world = new World()
    const id = world.submit(always, { maxRetries: 2 })
    for (const end of [ends.failed, ends.failed, ends.succeeded, ends.failed, ends.failed]) {
      world.finish(id, end)
      if (world.pauses.has(id)) world.wake(id)
    }
    assert.strictEqual(world.show(id), "running 6 v18")
    world.finish(id, ends.failed)
    assert.strictEqual(world.show(id), "exhausted 6 v19 max_retries_exceeded(2/2): exit 3 3")
  })

  it("keeps so many runs, and the open one always", () => {
    const world = new World({ keepRuns: 3 })
    const id = world.submit(always)
    for (let n = 1; n < 6; n++) world.finish(id)
    assert.deepStrictEqual(world.showRuns(id), ["4 succeeded", "5 succeeded", "6 running"])
  })
})

describe("Machine: slots (contract 8.2)", () => {
  it("runs one task of a slot at a time, in the order of submission, and slots beside each other", () => {
    const world = new World()
    const [first, second, third] = [world.submit(), world.submit(), world.submit()]
    const other = world.submit({ slot: "other" })
    assert.deepStrictEqual([...world.attempts.keys()], [first, other])
    world.finish(first)
    assert.deepStrictEqual([...world.attempts.keys()], [other, second])
    world.finish(second, ends.failed)
    assert.deepStrictEqual(world.started, [first, other, second, third])
    world.finish(third)
    world.finish(other)
    assert.isTrue(HashMap.isEmpty(world.state.lanes))
  })

  it("keeps the slot during pauses", () => {
    const world = new World()
    const first = world.submit(everyHalfSecond)
    const second = world.submit()
    world.finish(first)
    assert.strictEqual(world.show(second), "pending 0 v1")
    world.wake(first)
    assert.strictEqual(world.show(first), "running 2 v6")
  })

  it("fails what does not fit into the queue", () => {
    const world = new World({ queueLimit: 2 })
    const ids = [1, 2, 3, 4].map(() => world.submit())
    assert.deepStrictEqual(ids.map((id) => world.show(id)), [
      "running 1 v3",
      "pending 0 v1",
      "pending 0 v1",
      "failed 0 v2 queue_full: 2/2"
    ])
  })

  it("takes 100 into the queue", () => {
    const world = new World()
    const ids = Array.from({ length: 102 }, () => world.submit())
    assert.deepStrictEqual(ids.slice(100).map((id) => world.show(id)), [
      "pending 0 v1",
      "failed 0 v2 queue_full: 100/100"
    ])
  })

  it("drops a task when the slot is busy, and ends its log", () => {
    const world = new World()
    const first = world.submit()
    const dropped = world.submit(drop)
    assert.strictEqual(world.show(dropped), "canceled 0 v2 dropped: slot busy (status=running)")
    assert.deepStrictEqual(world.released.get(dropped), { evict: false })
    world.submit(replace)
    assert.strictEqual(world.show(world.submit(drop)), "canceled 0 v2 dropped: slot busy (status=terminating)")
    assert.strictEqual(world.show(first), "running 1 v3")
    assert.strictEqual(world.show(world.submit({ ...drop, slot: "free" })), "running 1 v3")
  })

  it("replaces: cancels the running task once, starts only when it is gone, overwrites the head of the queue", () => {
    const world = new World()
    const running = world.submit()
    const first = world.submit(replace)
    assert.strictEqual(world.attempts.get(running)?.interrupts, 1)
    assert.strictEqual(world.show(first), "pending 0 v1")
    const second = world.submit(replace)
    const queued = world.submit()
    const third = world.submit(replace)
    assert.strictEqual(world.attempts.get(running)?.interrupts, 1)
    assert.strictEqual(world.show(first), `canceled 0 v2 superseded by ${second}`)
    assert.strictEqual(world.show(second), `canceled 0 v2 superseded by ${third}`)
    world.finish(running)
    assert.strictEqual(world.show(running), "canceled 1 v4")
    assert.deepStrictEqual([...world.attempts.keys()], [third])
    world.finish(third)
    assert.deepStrictEqual([...world.attempts.keys()], [queued])
  })

  it("replaces a queued task too", () => {
    const world = new World()
    const [running, head, last] = [world.submit(), world.submit(), world.submit()]
    const replacement = world.submit(replace)
    assert.strictEqual(world.show(head), `canceled 0 v2 superseded by ${replacement}`)
    world.finish(running)
    world.finish(replacement)
    assert.deepStrictEqual([...world.attempts.keys()], [last])
  })

  it("replaces a task that pauses at once", () => {
    const world = new World()
    const pausing = world.submit(everyHalfSecond)
    world.finish(pausing, ends.failed)
    const replacement = world.submit(replace)
    assert.strictEqual(world.show(pausing), "canceled 1 v5")
    assert.strictEqual(world.pauses.size, 0)
    assert.strictEqual(world.show(replacement), "running 1 v3")
  })

  it("lets the exit of a replaced attempt win, but does not go on with its task", () => {
    const world = new World()
    const outcomes = [{}, onFailure, always].flatMap((restart) =>
      [ends.succeeded, ends.failed].map((end) => {
        const id = world.submit(restart)
        const replacement = world.submit(replace)
        world.finish(id, end)
        world.finish(replacement)
        return [world.show(id), ...world.showRuns(id)].join(", ")
      })
    )
    assert.deepStrictEqual(outcomes, [
      "succeeded 1 v4, 1 succeeded",
      "exhausted 1 v4 exit 3 3, 1 failed exit 3 3",
      "succeeded 1 v4, 1 succeeded",
      "canceled 1 v4, 1 failed exit 3 3",
      "canceled 1 v4, 1 succeeded",
      "canceled 1 v4, 1 failed exit 3 3"
    ])
  })

  it("keeps functions and tasks of the wire apart", () => {
    const world = new World()
    const host = world.submit({ slot: "s" }, { isFunction: true })
    const wire = world.submit({ slot: "s", ...replace })
    assert.deepStrictEqual([...world.attempts.values()].map(({ interrupts }) => interrupts), [0, 0])
    assert.deepStrictEqual([...world.attempts.keys()], [host, wire])
  })
})

describe("Machine: the global limit (contract 8.3)", () => {
  it("runs so many attempts at a time, first come, first served", () => {
    const world = new World({ maxConcurrent: 2 })
    const ids = ["a", "b", "c", "d"].map((slot) => world.submit({ slot, ...always }))
    const [a, b, c, d] = ids
    assert.deepStrictEqual([...world.attempts.keys()], [a, b])
    if (a !== undefined) world.finish(a)
    assert.deepStrictEqual([...world.attempts.keys()], [b, c], "the restarted task goes to the end of the line")
    if (b !== undefined) world.finish(b)
    assert.deepStrictEqual([...world.attempts.keys()], [c, d])
    if (c !== undefined) world.finish(c)
    assert.deepStrictEqual([...world.attempts.keys()], [d, a])
  })

  it("does not count functions of the host that are free of it", () => {
    const world = new World({ maxConcurrent: 1 })
    const wire = world.submit({ slot: "a" })
    const host = world.submit({ slot: "b" }, { isFunction: true })
    assert.deepStrictEqual([...world.attempts.keys()], [wire, host])
    assert.strictEqual(world.state.running, 1)
    world.finish(host)
    assert.strictEqual(world.state.running, 1)
  })

  it("keeps the slot while it waits for the limit", () => {
    const world = new World({ maxConcurrent: 1 })
    const first = world.submit({ slot: "a" })
    const waiting = world.submit({ slot: "b" })
    const dropped = world.submit({ slot: "b", ...drop })
    assert.strictEqual(world.show(dropped), "canceled 0 v2 dropped: slot busy (status=running)")
    const replacement = world.submit({ slot: "b", ...replace })
    assert.strictEqual(world.show(waiting), "canceled 0 v2")
    world.finish(first)
    assert.deepStrictEqual([...world.attempts.keys()], [replacement])
  })
})

describe("Machine: delete, shutdown, force (contract 8.8)", () => {
  it("interrupts a running task once, and confirms when it has ended and nothing of it is left", () => {
    const world = new World()
    const id = world.submit(always)
    const next = world.submit()
    world.remove(id)
    world.remove(id)
    assert.strictEqual(world.attempts.get(id)?.interrupts, 1)
    assert.strictEqual(world.show(id), "running 1 v3")
    assert.deepStrictEqual(world.confirmed, [])
    world.finish(id)
    assert.deepStrictEqual(world.confirmed, [id])
    assert.deepStrictEqual([world.show(id), ...world.showRuns(id)], ["absent"])
    assert.strictEqual(world.marks(id), "+1 -1")
    assert.deepStrictEqual(world.released.get(id), { evict: true })
    assert.deepStrictEqual([...world.attempts.keys()], [next])
  })

  it("removes what does not run at once", () => {
    const world = new World({ maxConcurrent: 1 })
    const pausing = world.submit({ slot: "a", ...onFailure })
    world.finish(pausing, ends.failed)
    world.submit({ slot: "b" })
    const queued = world.submit({ slot: "b" })
    const waiting = world.submit({ slot: "c" })
    for (const id of [pausing, queued, waiting]) {
      world.remove(id)
      assert.deepStrictEqual([world.show(id), ...world.showRuns(id)], ["absent"])
    }
    assert.deepStrictEqual(world.confirmed, [pausing, queued, waiting])
    assert.strictEqual(world.pauses.size, 0)
    assert.strictEqual(world.attempts.size, 1)
  })

  it("purges ended tasks, and confirms unknown ones", () => {
    const world = new World()
    const id = world.submit()
    world.finish(id)
    world.remove(id)
    world.remove(id)
    assert.deepStrictEqual([world.show(id), ...world.showRuns(id)], ["absent"])
    assert.deepStrictEqual(world.confirmed, [id, id])
  })

  it("never lets a task run that was removed right behind its submission", () => {
    const world = new World()
    const id = world.submit()
    world.remove(id)
    assert.strictEqual(world.attempts.get(id)?.interrupts, 1)
  })

  it("cancels everything at shutdown and starts nothing any more", () => {
    const world = new World({ maxConcurrent: 2 })
    const running = world.submit({ slot: "a", ...always })
    const queued = world.submit({ slot: "a" })
    const other = world.submit({ slot: "b" })
    const waiting = world.submit({ slot: "c" })
    const pausing = world.submit({ slot: "d", ...everyHalfSecond })
    world.finish(other)
    world.finish(waiting)
    world.finish(pausing)
    const behindLimit = [world.submit({ slot: "e" }), world.submit({ slot: "f" })]
    world.tell({ _tag: "Shutdown" })
    assert.deepStrictEqual([running, queued, pausing, ...behindLimit].map((id) => world.show(id)), [
      "running 1 v3",
      "canceled 0 v2 supervisor is shutting down",
      "canceled 1 v5",
      "running 1 v3",
      "canceled 0 v2 supervisor is shutting down"
    ])
    const count = world.started.length
    for (const id of [...world.attempts.keys()]) world.finish(id)
    assert.strictEqual(world.started.length, count)
    assert.strictEqual(world.show(running), "canceled 1 v4")
    assert.isTrue(HashMap.isEmpty(world.state.tasks))
    assert.strictEqual(world.state.running, 0)
  })

  it("gives up on attempts that do not end", () => {
    const world = new World()
    const id = world.submit()
    const removed = world.submit({ slot: "b" })
    world.remove(removed)
    world.tell({ _tag: "Shutdown" })
    world.tell({ _tag: "Force" })
    assert.strictEqual(world.show(id), "canceled 1 v4 force_terminated_after_grace")
    assert.deepStrictEqual(world.showRuns(id), ["1 canceled force_terminated_after_grace"])
    assert.strictEqual(world.marks(id), "+1 -1")
    assert.deepStrictEqual(world.confirmed, [removed])
    world.finish(id)
    assert.strictEqual(world.show(id), "canceled 1 v4 force_terminated_after_grace")
    assert.strictEqual(world.state.running, 0)
  })
})
