import { assert, describe, it } from "@effect/vitest"
import type { CreateSpec } from "../../../src/schemas/solti/Tasks.js"
import { durationText, published } from "../../../src/server/solti/Semantics.js"
import { ends, World } from "./support/World.js"

const onFailure: Partial<CreateSpec> = { restart: "RESTART_STRATEGY_ON_FAILURE" }
const always: Partial<CreateSpec> = { restart: "RESTART_STRATEGY_ALWAYS" }

const strict = (maxConcurrent = 0) => new World({ maxConcurrent }, published)

const running = (world: World, spec: Partial<CreateSpec> = {}) => {
  const id = world.submit(spec)
  world.register(id)
  return id
}

/** What the published server shows (contract 8.2, 8.8, 9.3–9.5). */
describe("published semantics", () => {
  it("prints durations as the published server does", () => {
    assert.deepStrictEqual([300, 999, 1000, 1500, 60_000].map(durationText), ["300ms", "999ms", "1s", "1.5s", "60s"])
  })

  it("has the marker sequences of contract 9.4", () => {
    const world = strict()
    const sequences = {
      exit0: () => {
        const id = running(world)
        world.finish(id)
        return id
      },
      exit3: () => {
        const id = running(world)
        world.finish(id, ends.failed)
        return id
      },
      timeout: () => {
        const id = running(world)
        world.timeOut(id)
        world.finish(id)
        return id
      },
      retried: () => {
        const id = running(world, onFailure)
        world.finish(id, ends.failed)
        world.wake(id)
        world.finish(id)
        return id
      },
      deletedWhileRunning: () => {
        const id = running(world)
        world.remove(id)
        world.finish(id)
        return id
      },
      deletedDuringBackoff: () => {
        const id = running(world, onFailure)
        world.finish(id, ends.failed)
        world.remove(id)
        return id
      },
      alwaysSucceeding: () => {
        const id = running(world, always)
        world.finish(id)
        world.finish(id)
        return id
      },
      alwaysFailing: () => {
        const id = running(world, always)
        world.finish(id, ends.failed)
        world.wake(id)
        return id
      },
      alwaysTimingOut: () => {
        const id = running(world, always)
        world.timeOut(id)
        world.finish(id)
        world.wake(id)
        return id
      },
      spawnFailure: () => {
        const id = running(world)
        world.finish(id, ends.fatal)
        return id
      }
    }
    const seen = Object.fromEntries(Object.entries(sequences).map(([name, play]) => [name, world.marks(play())]))
    assert.deepStrictEqual(seen, {
      exit0: "+1 -0 -1",
      exit3: "+1 -1(3) -1(3)",
      timeout: "+1 -1 -1 -1",
      retried: "+1 -1(3) +2 -0 -2",
      deletedWhileRunning: "+1 -0",
      deletedDuringBackoff: "+1 -1(3)",
      alwaysSucceeding: "+1 -0 +2 -0 +3",
      alwaysFailing: "+1 -1(3) +2",
      alwaysTimingOut: "+1 -1 -1 +2",
      spawnFailure: "+1 -1 -1"
    })
  })

  it("lets finished tasks vanish and keeps their runs", () => {
    const world = strict()
    const ids = [ends.succeeded, ends.failed, ends.fatal].map((end) => {
      const id = running(world)
      world.finish(id, end)
      return id
    })
    assert.deepStrictEqual(ids.map((id) => world.show(id)), ["absent", "absent", "absent"])
    assert.deepStrictEqual(ids.map((id) => world.showRuns(id).join()), [
      "1 succeeded",
      "1 failed exit 3 3",
      "1 failed spawn failed"
    ])
  })

  it("tells a time-out in two steps: the run has timed out, the task has failed", () => {
    const world = strict()
    const id = running(world, { ...always, timeoutMs: 300n })
    world.timeOut(id)
    world.finish(id)
    assert.strictEqual(world.show(id), "failed 1 v5 timed out after 300ms")
    assert.deepStrictEqual(world.showRuns(id), ["1 timeout timeout"])
    world.wake(id)
    assert.strictEqual(world.show(id), "running 2 v7")
  })

  it("counts a canceled run as succeeded", () => {
    const world = strict()
    const id = running(world, always)
    world.finish(id, ends.canceled)
    assert.deepStrictEqual(world.showRuns(id), ["1 succeeded"])
  })

  it("has no slots: tasks of one slot run beside each other, whatever their admission", () => {
    const world = strict()
    const admissions = ["QUEUE", "REPLACE", "DROP_IF_RUNNING", "DROP_IF_RUNNING"] as const
    const ids = admissions.map((admission) => running(world, { admission: `ADMISSION_STRATEGY_${admission}` }))
    assert.deepStrictEqual([...world.attempts.keys()], ids)
  })

  it("lets a task run unseen that was deleted before its registration; a second delete stops it", () => {
    const world = strict()
    const id = world.submit()
    assert.strictEqual(world.show(id), "pending 0 v1")
    world.remove(id)
    assert.deepStrictEqual(world.confirmed, [id])
    assert.strictEqual(world.show(id), "absent")
    world.register(id)
    assert.deepStrictEqual([...world.attempts.keys()], [id])
    assert.deepStrictEqual([world.show(id), ...world.showRuns(id)], ["absent"])
    assert.strictEqual(world.marks(id), "+1")
    assert.isFalse(world.released.has(id))
    world.remove(id)
    assert.strictEqual(world.attempts.get(id)?.interrupts, 1)
    world.finish(id)
    assert.deepStrictEqual(world.confirmed, [id, id])
    assert.isTrue(world.released.has(id))
  })

  it("registers nothing and removes nothing else while a removal is under way", () => {
    const world = strict()
    const [stuck, other] = [running(world), running(world)]
    world.remove(stuck)
    world.remove(other)
    const late = running(world)
    assert.strictEqual(world.show(late), "pending 0 v1")
    assert.strictEqual(world.attempts.get(other)?.interrupts, 0)
    assert.deepStrictEqual(world.confirmed, [])
    world.finish(stuck)
    assert.strictEqual(world.attempts.get(other)?.interrupts, 1)
    assert.strictEqual(world.show(late), "pending 0 v1", "the next removal blocks as well")
    world.finish(other)
    assert.strictEqual(world.show(late), "running 1 v3")
    assert.deepStrictEqual(world.confirmed, [stuck, other])
    assert.strictEqual(world.state.deferred.length, 0)
  })

  it("purges at the second delete what the first one waits for", () => {
    const world = strict()
    const id = running(world)
    world.remove(id)
    assert.deepStrictEqual([world.show(id), ...world.showRuns(id)], ["running 1 v3", "1 running"])
    world.remove(id)
    assert.deepStrictEqual([world.show(id), ...world.showRuns(id)], ["absent"])
    assert.deepStrictEqual(world.confirmed, [id])
  })

  it("deletes a task that waits for the global limit at once", () => {
    const world = strict(1)
    running(world)
    const waiting = running(world)
    assert.strictEqual(world.show(waiting), "pending 0 v1")
    world.remove(waiting)
    assert.strictEqual(world.show(waiting), "absent")
    assert.deepStrictEqual(world.confirmed, [waiting])
  })
})
