import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FastCheck from "effect/FastCheck"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { ExecutionEvent, ExecutionStatus } from "../../../src/schemas/cloacina/Executions.js"
import * as Follow from "../../../src/streams/cloacina/Follow.js"

const event = (sequence_num: number, event_type = "task_completed"): ExecutionEvent =>
  Schema.decodeSync(ExecutionEvent)({
    id: `e${sequence_num}`,
    event_type,
    event_data: "{}",
    task_name: "north::p::w::t",
    created_at: "2026-11-22T21:08:23.757347+00:00",
    sequence_num
  })

const statusOf = Schema.decodeSync(ExecutionStatus)

/** `1 3 2! end` for short: `!` is late. */
const short = (items: Iterable<Follow.Logged | Follow.Ended<unknown>>): string =>
  Array.from(
    items,
    (item) =>
      item.type === "ended" ? `end(${String(item.outcome)})` : `${item.event.sequence_num}${item.late ? "!" : ""}`
  ).join(
    " "
  )

interface World {
  /** The number of the reading in which each event appears, by its place in the order of the log. */
  readonly visible: ReadonlyArray<number>
  /** The reading in which the status is final for the first time. */
  readonly final: number
  readonly status: Follow.FinalStatus
  /** Whether the log says how the workflow ended. */
  readonly tells: boolean
}

/** Reads a world to its end; answers are in any order and say things twice. */
const readAll = ({ final, status, tells, visible }: World, shuffle: (n: number) => number, settles = true) => {
  const merge = Follow.makeMerger({ settles })
  const log = visible.map((_, i) =>
    event(
      10 + i * 3,
      tells && i === visible.length - 1 ? status === "Failed" ? "workflow_failed" : "workflow_completed" : undefined
    )
  )
  const out: Array<Follow.Logged> = []
  for (let reading = 0; reading < 500; reading++) {
    const seen = log.filter((_, i) => (visible[i] ?? 0) <= reading)
    const answer = [...seen, ...seen.slice(0, 2)].sort(() => shuffle(3) - 1)
    const step = merge(reading >= final ? status : statusOf("Running"), answer)
    for (const item of step.items) out.push(item)
    if (Option.isSome(step.end)) return { log, out, end: step.end.value, readings: reading + 1 }
  }
  throw new Error("it never ends")
}

const shuffler = (seed: number) => {
  let state = seed
  return (n: number) => {
    state = (state * 1103515245 + 12345) % 2147483648
    return state % n
  }
}

/** Worlds in which everything is committed when the status is final, or goes on appearing for a few readings. */
const worlds = FastCheck.record({
  count: FastCheck.integer({ min: 1, max: 12 }),
  final: FastCheck.integer({ min: 0, max: 12 }),
  lag: FastCheck.integer({ min: 0, max: 4 }),
  places: FastCheck.array(FastCheck.nat(1000), { minLength: 12, maxLength: 12 }),
  failed: FastCheck.boolean(),
  seed: FastCheck.nat()
}).map(({ count, failed, final, lag, places, seed }) => ({
  seed,
  world: {
    visible: Array.from(
      { length: count },
      (_, i) => i === count - 1 ? final + lag : (places[i] ?? 0) % (final + lag + 1)
    ),
    final,
    status: failed ? "Failed" as const : "Completed" as const,
    tells: true
  }
}))

describe("makeMerger", () => {
  it.prop("loses nothing, doubles nothing and marks what is out of order", [worlds], ([{ seed, world }]) => {
    for (const settles of [true, false]) {
      const { end, log, out } = readAll(world, shuffler(seed), settles)
      assert.strictEqual(end, world.status)
      assert.deepStrictEqual(out.map(({ event }) => event.id).sort(), log.map(({ id }) => id).sort())
      let highest = -1
      for (const { event, late } of out) {
        assert.strictEqual(late, event.sequence_num < highest)
        highest = Math.max(highest, event.sequence_num)
      }
    }
  }, { fastCheck: { numRuns: 500 } })

  it.prop("keeps the order when a lower number appears one reading later", [
    FastCheck.array(FastCheck.integer({ min: 0, max: 6 }), { minLength: 1, maxLength: 12 }),
    FastCheck.array(FastCheck.boolean(), { minLength: 12, maxLength: 12 }),
    FastCheck.nat()
  ], ([steps, delays, seed]) => {
    // Numbers are given out in this order; each commit is in time, or misses exactly one reading.
    let reading = 0
    const visible = steps.map((step, i) => {
      reading += step % 2
      return reading + (delays[i] === true && i < steps.length - 1 ? 1 : 0)
    })
    const final = Math.max(...visible)
    const { log, out } = readAll({ visible, final, status: "Completed", tells: true }, shuffler(seed))
    assert.deepStrictEqual(out.map(({ event }) => event.id), log.map(({ id }) => id))
    assert.isFalse(out.some(({ late }) => late))
  }, { fastCheck: { numRuns: 500 } })

  it("waits for the event that belongs to an end, and not for ever", () => {
    const { end, readings } = readAll({ visible: [0], final: 1, status: "Completed", tells: false }, shuffler(1))
    assert.strictEqual(end, "Completed")
    assert.strictEqual(readings, 6)
  })

  it("knows no event of a cancellation", () => {
    const { end, readings } = readAll({ visible: [0], final: 1, status: "Cancelled", tells: false }, shuffler(1))
    assert.strictEqual(end, "Cancelled")
    assert.strictEqual(readings, 2)
  })

  it("ends by the log when the status says nothing that it knows", () => {
    const merge = Follow.makeMerger()
    const steps = Array.from({ length: 8 }, () => merge(statusOf("Archived"), [event(1), event(2, "pipeline_failed")]))
    const ends = steps.map((step) => step.end)
    assert.deepStrictEqual(ends.findIndex(Option.isSome), 5)
    assert.deepStrictEqual(ends[5], Option.some("Failed"))
  })
})

/** A server whose log and status change with time, in ms. */
const server = (
  entries: ReadonlyArray<readonly [at: number, event: ExecutionEvent]>,
  statuses: ReadonlyArray<readonly [at: number, status: string]>,
  failing: (reading: number) => string | undefined = () => undefined
) => {
  const readings: Array<number> = []
  const source: Follow.Source<string, string, string, never> = {
    status: Effect.flatMap(Clock.currentTimeMillis, (now) => {
      readings.push(now)
      const error = failing(readings.length - 1)
      if (error !== undefined) return Effect.fail(error)
      return Effect.succeed(statusOf(statuses.filter(([at]) => at <= now).at(-1)?.[1] ?? "Pending"))
    }),
    events: Effect.map(
      Clock.currentTimeMillis,
      (now) => entries.filter(([at]) => at <= now).map(([, event]) => event)
    ),
    outcome: (status, log) => Effect.succeed(`${status} ${log.length}`),
    isTransient: (error) => error === "passing",
    interrupted: (attempts) => `interrupted ${attempts}`
  }
  return { source, readings }
}

const collect = <E>(stream: Stream.Stream<Follow.Logged | Follow.Ended<string>, E>, forMs: number) =>
  Effect.gen(function*() {
    const fiber = yield* Effect.fork(Stream.runCollect(stream))
    yield* TestClock.adjust(forMs)
    return yield* Effect.map(Fiber.join(fiber), (items) => short(Chunk.toReadonlyArray(items)))
  })

describe("make", () => {
  it.effect("reads what is over in two readings and the end", () =>
    Effect.gen(function*() {
      const { readings, source } = server([[0, event(5)], [0, event(9, "workflow_completed")]], [[0, "Completed"]])
      assert.strictEqual(yield* collect(Follow.make(source), 1000), "5 9 end(Completed 2)")
      assert.deepStrictEqual(readings, [0, 100])
    }))

  it.effect("holds an event back until lower ones of the same moment are there", () =>
    Effect.gen(function*() {
      const { source } = server(
        [[0, event(4)], [0, event(6)], [90, event(5)], [700, event(7, "workflow_completed")]],
        [[0, "Running"], [700, "Completed"]]
      )
      assert.strictEqual(yield* collect(Follow.make(source), 5000), "4 5 6 7 end(Completed 4)")
    }))

  it.effect("delivers what is committed later still, and says so", () =>
    Effect.gen(function*() {
      const { source } = server(
        [[0, event(4)], [0, event(6)], [1500, event(5)], [3000, event(7, "workflow_failed")]],
        [[0, "Running"], [3000, "Failed"]]
      )
      assert.strictEqual(yield* collect(Follow.make(source), 10_000), "4 6 5! 7 end(Failed 4)")
    }))

  it.effect("asks at a growing distance up to 5 s, and goes on with every status that is not final", () =>
    Effect.gen(function*() {
      const { readings, source } = server([], [[0, "Running"], [9000, "Hibernating"], [60_000, "Cancelled"]])
      assert.strictEqual(yield* collect(Follow.make(source), 70_000), "end(Cancelled 0)")
      const pauses = readings.slice(1).map((at, i) => at - (readings[i] ?? 0))
      assert.deepStrictEqual(pauses.slice(0, 5).map(Math.round), [250, 375, 563, 844, 1266])
      assert.deepStrictEqual(pauses.slice(8, 12), [5000, 5000, 5000, 5000])
    }))

  it.effect("is woken by a hint, and hints in a crowd are one", () =>
    Effect.gen(function*() {
      const { readings, source } = server(
        [[20_000, event(1)], [20_000, event(2, "workflow_completed")]],
        [[0, "Running"], [20_000, "Completed"]]
      )
      const hints = yield* Queue.unbounded<void>()
      const fiber = yield* Effect.fork(Stream.runCollect(Follow.make(source, undefined, Stream.fromQueue(hints))))
      yield* TestClock.adjust(20_000)
      const before = readings.length
      yield* Queue.offerAll(hints, Array.from({ length: 1000 }, () => undefined))
      yield* TestClock.adjust(250)
      assert.strictEqual(short(yield* Fiber.join(fiber)), "1 2 end(Completed 2)")
      assert.isAtMost(readings.length - before, 3)
    }))

  it.effect("does not need its hints", () =>
    Effect.gen(function*() {
      for (const hint of [Stream.fail("no socket"), Stream.empty, Stream.never]) {
        const { source } = server([[500, event(1, "workflow_completed")]], [[500, "Completed"]])
        const items = yield* collect(Follow.make(source, undefined, hint), 5000)
        assert.strictEqual(items, "1 end(Completed 1)")
      }
    }))

  it.effect("goes on where it was after failures in passing", () =>
    Effect.gen(function*() {
      const { source } = server(
        [[0, event(1)], [2000, event(2)], [9000, event(3, "workflow_completed")]],
        [[0, "Running"], [9000, "Completed"]],
        (reading) => reading % 3 === 1 ? "passing" : undefined
      )
      assert.strictEqual(yield* collect(Follow.make(source), 60_000), "1 2 3 end(Completed 3)")
    }))

  it.effect("fails at once with a failure that stays", () =>
    Effect.gen(function*() {
      const { readings, source } = server([], [], () => "not found")
      assert.deepStrictEqual(
        yield* Effect.exit(Stream.runDrain(Follow.make(source))),
        Exit.fail("not found")
      )
      assert.strictEqual(readings.length, 1)
    }))

  it.effect("gives up after as many failures in a row as it may have", () =>
    Effect.gen(function*() {
      const { source } = server([[0, event(1)]], [[0, "Running"]], (reading) => reading > 2 ? "passing" : undefined)
      const fiber = yield* Effect.fork(Effect.exit(Stream.runDrain(
        Follow.make(source, { reconnect: { maxReconnects: 3 } })
      )))
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* Fiber.join(fiber), Exit.fail("interrupted 4"))
    }))

  it.effect("keeps the events of a reading whose outcome cannot be read yet", () =>
    Effect.gen(function*() {
      const { source } = server([[0, event(1)], [0, event(2, "workflow_completed")]], [[0, "Completed"]])
      let asked = 0
      const items = yield* collect(
        Follow.make({
          ...source,
          outcome: (status, log) =>
            Effect.suspend(() => (asked += 1) < 3 ? Effect.fail("passing") : source.outcome(status, log))
        }),
        60_000
      )
      assert.strictEqual(items, "1 2 end(Completed 2)")
    }))
})
