import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import type { CreateSpec, TaskId } from "../../../src/schemas/solti/Tasks.js"
import * as Fifo from "../../../src/server/solti/Fifo.js"
import { intended, published } from "../../../src/server/solti/Semantics.js"
import { isTerminal } from "./support/tasks.js"
import { ends, World } from "./support/World.js"

type Step =
  | { readonly _tag: "submit"; readonly spec: Partial<CreateSpec>; readonly maxRetries: number }
  | { readonly _tag: "finish"; readonly nth: number; readonly end: keyof typeof ends | "asTold" }
  | { readonly _tag: "timeOut" | "wake" | "register" | "remove"; readonly nth: number }

const spec: FastCheck.Arbitrary<Partial<CreateSpec>> = FastCheck.record({
  slot: FastCheck.constantFrom("a", "b", "c"),
  admission: FastCheck.constantFrom<CreateSpec["admission"]>(
    "ADMISSION_STRATEGY_QUEUE",
    "ADMISSION_STRATEGY_QUEUE",
    "ADMISSION_STRATEGY_REPLACE",
    "ADMISSION_STRATEGY_DROP_IF_RUNNING"
  ),
  restart: FastCheck.constantFrom<CreateSpec["restart"]>(
    "RESTART_STRATEGY_NEVER",
    "RESTART_STRATEGY_ON_FAILURE",
    "RESTART_STRATEGY_ALWAYS"
  ),
  restartIntervalMs: FastCheck.constantFrom(Option.none(), Option.some(500n))
})

const nth = FastCheck.nat({ max: 50 })

const step: FastCheck.Arbitrary<Step> = FastCheck.oneof(
  {
    weight: 5,
    arbitrary: FastCheck.record({
      _tag: FastCheck.constant("submit" as const),
      spec,
      maxRetries: FastCheck.nat({ max: 2 })
    })
  },
  {
    weight: 6,
    arbitrary: FastCheck.record({
      _tag: FastCheck.constant("finish" as const),
      nth,
      end: FastCheck.constantFrom(
        "asTold" as const,
        "succeeded" as const,
        "failed" as const,
        "fatal" as const,
        "canceled" as const
      )
    })
  },
  {
    weight: 6,
    arbitrary: FastCheck.record({
      _tag: FastCheck.constantFrom(
        "timeOut" as const,
        "wake" as const,
        "wake" as const,
        "register" as const,
        "remove" as const
      ),
      nth
    })
  }
)

const steps = FastCheck.array(step, { maxLength: 120 })

const limits = FastCheck.record({
  maxConcurrent: FastCheck.nat({ max: 3 }),
  queueLimit: FastCheck.integer({ min: 1, max: 4 })
})

const pick = <A>(candidates: Iterable<A>, nth: number): A | undefined => {
  const all = [...candidates]
  return all[nth % Math.max(1, all.length)]
}

const play = (world: World, step: Step): void => {
  switch (step._tag) {
    case "submit":
      world.submit(step.spec, { maxRetries: step.maxRetries })
      return
    case "finish": {
      const id = pick(world.attempts.keys(), step.nth)
      if (id !== undefined) world.finish(id, step.end === "asTold" ? undefined : ends[step.end])
      return
    }
    case "timeOut": {
      const id = pick(world.attempts.keys(), step.nth)
      if (id !== undefined) world.timeOut(id)
      return
    }
    case "wake": {
      const id = pick(world.pauses.keys(), step.nth)
      if (id !== undefined) world.wake(id)
      return
    }
    case "register": {
      const id = pick(world.registrations, step.nth)
      if (id !== undefined) world.register(id)
      return
    }
    case "remove": {
      const id = pick(world.submitted, step.nth)
      if (id !== undefined) world.remove(id)
    }
  }
}

const laneOf = (world: World, id: TaskId): string => world.task(id)?.spec.slot ?? id.split("-")[1] ?? ""

const settle = (world: World): void => {
  for (let rounds = 0; world.lives.length > 0; rounds++) {
    assert.isBelow(rounds, 1000, "some task does not end")
    for (const id of [...world.registrations]) world.register(id)
    for (const id of [...world.pauses.keys()]) world.wake(id)
    for (const [id, { interrupts }] of [...world.attempts]) {
      world.finish(id)
      // What restarts would do so for ever.
      if (interrupts === 0 && world.live(id) !== undefined) world.remove(id)
    }
  }
}

const members = (fifo: Fifo.Fifo<TaskId>): ReadonlyArray<TaskId> =>
  Array.from({ length: fifo.next - fifo.first }, (_, n) => HashMap.get(fifo.places, fifo.first + n)).flatMap(
    Option.toArray
  )

/** Everything has its place: each live task is in exactly the lists that its stage says. */
const checkPlaces = (world: World): void => {
  const { lanes, running, tasks, waiting } = world.state
  const owners = new Set<TaskId>()
  for (const [key, lane] of lanes) {
    owners.add(lane.owner)
    assert.isTrue(HashMap.has(tasks, lane.owner), `${key} belongs to ${lane.owner}, which has ended`)
  }
  const queued = [...HashMap.values(lanes)].flatMap((lane) => members(lane.queue))
  const of = (stage: string) => world.lives.filter((live) => live.stage === stage).map(({ plan }) => plan.id)
  assert.sameMembers(queued, of("queued"))
  assert.sameMembers([...members(waiting)], of("waiting"))
  assert.sameMembers([...world.attempts.keys()], of("running"))
  assert.sameMembers([...world.pauses.keys()], of("sleeping"))
  assert.sameMembers(
    [...owners],
    world.lives.filter(({ stage }) => stage !== "queued" && stage !== "accepted").map(({ plan }) => plan.id)
  )
  const { maxConcurrent } = world.config
  assert.strictEqual(running, world.attempts.size)
  if (maxConcurrent > 0) {
    assert.isAtMost(running, maxConcurrent)
    assert.isTrue(running === maxConcurrent || Fifo.size(waiting) === 0, "somebody waits though there is room")
  }
}

const checkIntended = (world: World): void => {
  const busy = [...world.attempts.keys()].map((id) => laneOf(world, id))
  assert.strictEqual(new Set(busy).size, busy.length, "two attempts in one slot")
  for (const [, lane] of world.state.lanes) assert.isAtMost(Fifo.size(lane.queue), world.config.queueLimit)
  for (const { interrupts } of world.attempts.values()) assert.isAtMost(interrupts, 1)
  for (const live of world.lives) {
    const task = world.task(live.plan.id)
    if (task === undefined) throw new Error(`${live.plan.id} is live and not kept`)
    assert.strictEqual(task.metadata.resourceVersion, BigInt(live.version))
    assert.strictEqual(task.status.attempt, live.attempt)
    assert.strictEqual(world.isFinal(live.plan.id), false)
    const version = live.attempt === 0 ? 1 : 3 * live.attempt + (live.stage === "running" ? 0 : 1)
    assert.strictEqual(live.version, version)
    assert.strictEqual(task.status.phase === "TASK_STATUS_PENDING", live.attempt === 0)
    assert.strictEqual(task.status.phase === "TASK_STATUS_RUNNING", live.stage === "running")
  }
  for (const id of world.submitted) {
    const runs = world.runs(id)
    assert.deepStrictEqual(runs.map(({ attempt }) => attempt), runs.map((_, index) => index + 1), "attempts count up")
    const open = runs.filter(({ finishedAt }) => Option.isNone(finishedAt))
    assert.deepStrictEqual(open.length, world.attempts.has(id) ? 1 : 0)
    // Each attempt: one marker at its start, one at its end, in order.
    const marks = world.marks(id).replace(/\(\d+\)/g, "")
    const attempts = marks === "" ? 0 : Number(/\d+$/.exec(marks)?.[0])
    const expected = Array.from({ length: attempts }, (_, index) => `+${index + 1} -${index + 1}`).join(" ")
    assert.strictEqual(world.attempts.has(id) ? `${marks} -${attempts}` : marks, expected)
  }
}

describe("Machine: any order of events", () => {
  it.prop("intended: nobody is lost, nobody runs twice", [limits, steps], ([limits, steps]) => {
    const world = new World(limits, intended)
    for (const step of steps) {
      play(world, step)
      checkPlaces(world)
      checkIntended(world)
    }
    settle(world)
    assert.isTrue(HashMap.isEmpty(world.state.lanes))
    assert.strictEqual(world.state.running, 0)
    assert.sameMembers([...world.released.keys()], world.submitted)
    for (const task of world.tasks) {
      assert.isTrue(isTerminal(task.status.phase), String(task.status.phase))
      assert.isTrue(world.isFinal(task.metadata.id))
    }
    for (const id of world.submitted) assert.strictEqual(world.task(id) === undefined, world.confirmed.includes(id))
  }, { fastCheck: { numRuns: 300 } })

  it.prop("published: nobody is lost either", [limits, steps], ([limits, steps]) => {
    const world = new World(limits, published)
    for (const step of steps) {
      play(world, step)
      const { running, tasks } = world.state
      assert.strictEqual(running, world.attempts.size)
      for (const id of Option.toArray(world.state.blocker)) assert.isTrue(HashMap.has(tasks, id))
    }
    settle(world)
    assert.strictEqual(world.state.deferred.length, 0)
    assert.sameMembers([...world.released.keys()], world.submitted)
    assert.deepStrictEqual(world.tasks, [])
  }, { fastCheck: { numRuns: 300 } })

  it.prop("a queue is first in, first out", [
    FastCheck.array(FastCheck.tuple(FastCheck.constantFrom("a", "b"), FastCheck.boolean()), { maxLength: 60 })
  ], ([plan]) => {
    const world = new World({ maxConcurrent: 1 })
    for (const [slot, finishFirst] of plan) {
      world.submit({ slot })
      const [running] = world.attempts.keys()
      if (finishFirst && running !== undefined) world.finish(running)
    }
    settle(world)
    for (const slot of ["a", "b"]) {
      const inSlot = (id: TaskId) => laneOf(world, id) === slot
      assert.deepStrictEqual(world.started.filter(inSlot), world.submitted.filter(inSlot))
    }
  })

  it.prop("behind a shutdown nothing starts, and all ends", [limits, steps], ([limits, steps]) => {
    const world = new World(limits, intended)
    for (const step of steps) play(world, step)
    world.tell({ _tag: "Shutdown" })
    const started = world.actions.filter(({ _tag }) => _tag === "Start").length
    assert.sameMembers([...world.attempts.keys()], world.lives.map(({ plan }) => plan.id))
    for (const [id, { interrupts }] of [...world.attempts]) {
      assert.strictEqual(interrupts, 1)
      world.finish(id)
    }
    assert.deepStrictEqual(world.lives, [])
    assert.strictEqual(world.actions.filter(({ _tag }) => _tag === "Start").length, started)
  })

  it.prop("a force ends whatever is left", [limits, steps], ([limits, steps]) => {
    const world = new World(limits, intended)
    for (const step of steps) play(world, step)
    world.tell({ _tag: "Force" })
    assert.deepStrictEqual(world.lives, [])
    assert.strictEqual(world.state.running, 0)
    assert.sameMembers([...world.released.keys()], world.submitted)
    for (const task of world.tasks) assert.isTrue(isTerminal(task.status.phase))
  })
})
