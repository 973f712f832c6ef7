import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FastCheck from "effect/FastCheck"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Stream from "effect/Stream"
import * as Supervisor from "effect/Supervisor"
import * as TestClock from "effect/TestClock"
import * as Feed from "../../../src/streams/core/Feed.js"
import { running, settle } from "../../services/support/Memory.js"

class GaveUp {
  readonly _tag = "GaveUp"
  constructor(readonly attempts: number, readonly last: Option.Option<string>) {}
}

const interrupted = (attempts: number, last: Option.Option<string>) => new GaveUp(attempts, last)

/** What one connection does: chunks of items, then it breaks, ends, or stays open; or it is refused at once. */
interface Script<Item> {
  readonly refuse?: string
  readonly chunks?: ReadonlyArray<ReadonlyArray<Item>>
  readonly then?: "break" | "end" | "open" | "fatal"
  /** How long it stays open behind its chunks, in ms. */
  readonly openMs?: number
}

/** Connections that follow their scripts one after the other, and what happened to them. */
const scripted = <Item>(scripts: ReadonlyArray<Script<Item>>) => {
  const log = { connects: Array<number>(), opened: 0, closed: 0, most: 0, pulled: 0 }
  const connect = Effect.gen(function*() {
    const now = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
    const script = scripts[log.connects.length] ?? { refuse: "no more scripts" }
    log.connects.push(now)
    yield* Effect.acquireRelease(
      Effect.sync(() => {
        log.opened += 1
        log.most = Math.max(log.most, log.opened - log.closed)
      }),
      () => Effect.sync(() => log.closed += 1)
    )
    if (script.refuse !== undefined) return yield* Effect.fail(script.refuse)
    const chunks = Stream.fromChunks(...(script.chunks ?? []).map((items) => Chunk.fromIterable(items))).pipe(
      Stream.chunks,
      Stream.tap(() => Effect.sync(() => log.pulled += 1)),
      Stream.flattenChunks
    )
    const last: Stream.Stream<never, string> = script.then === "open"
      ? Stream.never
      : script.then === "end"
      ? Stream.empty
      : Stream.fail(script.then === "fatal" ? "fatal" : "broken")
    return Stream.concat(chunks, Stream.drain(Stream.fromEffect(Effect.sleep(script.openMs ?? 0)))).pipe(
      Stream.concat(last)
    )
  })
  return { log, connect }
}

const classify = (error: string): Feed.Verdict => error === "fatal" ? "fail" : "reconnect"

const live = <Item>(
  scripts: ReadonlyArray<Script<Item>>,
  source: Partial<Feed.Source<Item, never, string, never>> = {},
  policy: Partial<Feed.Policy> = {}
) => {
  const { connect, log } = scripted(scripts)
  const feed = Feed.make<Item, never, string, GaveUp, never>(
    { connect: () => connect, classify, onEnd: "end", ...source },
    { policy, interrupted }
  )
  return { feed, log }
}

const collect = <A, E>(feed: Stream.Stream<A, E>) => Effect.map(Stream.runCollect(feed), Chunk.toReadonlyArray)

/** No jitter. */
const steady = Effect.withRandom(Random.fixed([0]))

/** The pauses in ms in front of every connection but the first. */
const pauses = ({ connects }: { readonly connects: ReadonlyArray<number> }) =>
  connects.slice(1).map((at, i) => at - (connects[i] ?? 0))

const chunksOf = (max: number) => FastCheck.array(FastCheck.integer({ min: 1, max: 4 }), { maxLength: max })

/** What happens to a connection to a source with a position: refused, or cut behind so many items. */
type Fault = "refused" | {
  readonly items: number
  readonly sizes: ReadonlyArray<number>
  readonly repeats: number
  readonly cut: "break" | "end"
}

const fault: FastCheck.Arbitrary<Fault> = FastCheck.oneof(
  FastCheck.constant("refused" as const),
  FastCheck.record({
    items: FastCheck.integer({ min: 0, max: 6 }),
    sizes: chunksOf(6),
    repeats: FastCheck.integer({ min: 0, max: 3 }),
    cut: FastCheck.constantFrom("break" as const, "end" as const)
  })
)

describe("a feed with a cursor", () => {
  /** A source of the numbers 0 … count-1, the last of which is terminal, under faults and then none. */
  const resumed = (count: number, faults: ReadonlyArray<Fault>) => {
    let connections = 0
    let open = 0
    const asked: Array<number> = []
    const connect = (cursor: Option.Option<number>) =>
      Effect.gen(function*() {
        const next = Option.match(cursor, { onNone: () => 0, onSome: (last) => last + 1 })
        asked.push(next)
        yield* Effect.acquireRelease(Effect.sync(() => open += 1), () => Effect.sync(() => open -= 1))
        assert.strictEqual(open, 1)
        const kind = faults[connections++]
        if (kind === "refused") return yield* Effect.fail("refused")
        const from = Math.max(0, next - (kind?.repeats ?? 0))
        const to = kind === undefined ? count : Math.min(count, next + kind.items)
        const items = Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i)
        const sizes = kind?.sizes.length ? kind.sizes : [3]
        const chunks: Array<Chunk.Chunk<number>> = []
        for (let at = 0, i = 0; at < items.length; i++) {
          const size = sizes[i % sizes.length] ?? 1
          chunks.push(Chunk.fromIterable(items.slice(at, at + size)))
          at += size
        }
        const end: Stream.Stream<never, string> = kind?.cut === "end" ? Stream.empty : Stream.fail("cut")
        return Stream.concat(Stream.fromChunks(...chunks), end)
      })
    const feed = Feed.make<number, number, string, GaveUp, never>({
      connect,
      classify: () => "reconnect",
      onEnd: "reconnect",
      cursorOf: Option.some,
      isDuplicate: (item, cursor) => Option.exists(cursor, (last) => item <= last),
      isTerminal: (item) => item === count - 1
    }, { policy: { base: 0, maxReconnects: Infinity }, interrupted })
    return { feed, asked, isClosed: () => open === 0 }
  }

  it.effect.prop(
    "loses nothing and doubles nothing, wherever connections are cut and whatever is sent again",
    [FastCheck.integer({ min: 1, max: 30 }), FastCheck.array(fault, { maxLength: 20 })],
    ([count, faults]) =>
      Effect.gen(function*() {
        const { asked, feed, isClosed } = resumed(count, faults)
        const items = yield* collect(feed)
        assert.deepStrictEqual(items, Array.from({ length: count }, (_, i) => i))
        assert.isTrue(isClosed())
        assert.deepStrictEqual(asked, [...asked].sort((a, b) => a - b))
      }),
    { fastCheck: { numRuns: 100 } }
  )

  it.effect.prop(
    "keeps its place in every prefix that a consumer takes",
    [FastCheck.integer({ min: 1, max: 20 }), FastCheck.array(fault, { maxLength: 10 }), FastCheck.nat({ max: 25 })],
    ([count, faults, taken]) =>
      Effect.gen(function*() {
        const { feed, isClosed } = resumed(count, faults)
        const items = yield* collect(Stream.take(feed, taken))
        assert.deepStrictEqual(items, Array.from({ length: Math.min(taken, count) }, (_, i) => i))
        assert.isTrue(isClosed())
      })
  )

  it.effect("gives what stands in front of a terminal item and nothing of what stands behind it", () =>
    Effect.gen(function*() {
      const { feed, log } = live([{ chunks: [[1, 2], [3, 9, 4], [5]], then: "break" }], { isTerminal: (n) => n === 9 })
      assert.deepStrictEqual(yield* collect(feed), [1, 2, 3, 9])
      assert.strictEqual(log.connects.length, 1)
      assert.strictEqual(log.closed, 1)
    }))
})

describe("a live feed", () => {
  const script = FastCheck.oneof(
    FastCheck.constant<Script<number>>({ refuse: "refused" }),
    FastCheck.array(FastCheck.array(FastCheck.nat(), { maxLength: 3 }), { maxLength: 3 }).map(
      (chunks): Script<number> => ({ chunks, then: "break" })
    )
  )

  it.effect.prop(
    "marks each broken connection once, ahead of what follows",
    [FastCheck.array(script, { maxLength: 12 }), FastCheck.constantFrom("end" as const, "fatal" as const)],
    ([scripts, last]) =>
      Effect.gen(function*() {
        const all = [...scripts, { chunks: [[7]], then: last }]
        const { feed, log } = live(all, { gap: () => -1 }, { base: 0, maxReconnects: Infinity })
        const items: Array<number> = []
        const exit = yield* Effect.exit(Stream.runForEach(feed, (item) => Effect.sync(() => items.push(item))))
        let isBroken = false
        const expected: Array<number> = []
        for (const { chunks, refuse, then } of all) {
          if (refuse !== undefined) continue
          if (isBroken) expected.push(-1)
          for (const item of (chunks ?? []).flat()) expected.push(item)
          isBroken = then === "break"
        }
        assert.deepStrictEqual(items, expected)
        assert.strictEqual(Exit.isSuccess(exit), last === "end")
        assert.strictEqual(log.closed, all.length)
        assert.strictEqual(log.most, 1)
      }),
    { fastCheck: { numRuns: 60 } }
  )

  it.effect("marks a break in front of its end, when the end is all that follows", () =>
    Effect.gen(function*() {
      const { feed } = live([{ chunks: [[1]], then: "break" }, { refuse: "gone" }], {
        gap: () => -1,
        classify: (error, connected) => error === "gone" && connected ? "end" : "reconnect"
      }, { base: 0 })
      assert.deepStrictEqual(yield* collect(feed), [1, -1])
    }))

  it.effect("has no mark for connections that were never open, and none in front of its failure", () =>
    Effect.gen(function*() {
      const refused = live([{ refuse: "x" }, { refuse: "x" }, { chunks: [[1]], then: "end" }], { gap: () => -1 }, {
        base: 0
      })
      assert.deepStrictEqual(yield* collect(refused.feed), [1])
      const failed = live([{ chunks: [[1]], then: "break" }, { refuse: "fatal" }], { gap: () => -1 }, { base: 0 })
      const items: Array<number> = []
      yield* Effect.flip(Stream.runForEach(failed.feed, (item) => Effect.sync(() => items.push(item))))
      assert.deepStrictEqual(items, [1])
    }))

  it.effect("tells its classifier whether it has ever been connected", () =>
    Effect.gen(function*() {
      const told: Array<boolean> = []
      const { feed } = live([{ refuse: "a" }, { then: "break" }, { refuse: "b" }, { then: "end" }], {
        classify: (_, connected) => {
          told.push(connected)
          return "reconnect"
        }
      }, { base: 0 })
      yield* collect(feed)
      assert.deepStrictEqual(told, [false, true, true])
    }))

  it.effect("fails at once where another try is no use, with the failure itself", () =>
    Effect.gen(function*() {
      const { feed, log } = live([{ refuse: "fatal" }])
      assert.strictEqual(yield* Effect.flip(collect(feed)), "fatal")
      assert.strictEqual(log.connects.length, 1)
      assert.strictEqual(log.closed, 1)
    }))

  it.effect("reads an end as the source says", () =>
    Effect.gen(function*() {
      const scripts: ReadonlyArray<Script<number>> = [{ chunks: [[1]], then: "end" }, { chunks: [[2]], then: "end" }]
      assert.deepStrictEqual(yield* collect(live(scripts).feed), [1])
      const { feed } = live(scripts, { onEnd: "reconnect" }, { base: 0 })
      assert.deepStrictEqual(yield* collect(Stream.take(feed, 2)), [1, 2])
    }))

  it.effect("passes a defect of its source on, and closes the connection", () =>
    Effect.gen(function*() {
      let closed = 0
      const feed = Feed.make<number, never, string, GaveUp, never>({
        connect: () => Effect.zipRight(Effect.addFinalizer(() => Effect.sync(() => closed += 1)), Effect.die("bug")),
        classify,
        onEnd: "end"
      }, { interrupted })
      const exit = yield* Effect.exit(collect(feed))
      assert.isTrue(Exit.isFailure(exit))
      assert.strictEqual(closed, 1)
    }))

  it.effect("reads nothing ahead of its consumer", () =>
    Effect.gen(function*() {
      const { feed, log } = live([{ chunks: [[1], [2], [3], [4]], then: "open" }])
      yield* Effect.scoped(Effect.gen(function*() {
        const pull = yield* Stream.toPull(feed)
        assert.strictEqual(log.connects.length, 0)
        yield* pull
        yield* settle
        assert.strictEqual(log.pulled, 1)
        yield* pull
        yield* settle
        assert.strictEqual(log.pulled, 2)
      }))
      assert.strictEqual(log.closed, 1)
    }))

  it.effect("tells its observer what it delivered and when it connected again", () =>
    Effect.gen(function*() {
      const seen = { delivered: 0, reconnected: 0 }
      const { feed } = live(
        [{ refuse: "x" }, { chunks: [[1, 2], [3]], then: "break" }, { chunks: [[4]], then: "end" }],
        {
          gap: () => -1,
          observer: {
            delivered: (count) => void (seen.delivered += count),
            reconnected: () => void (seen.reconnected += 1)
          }
        },
        { base: 0 }
      )
      assert.strictEqual((yield* collect(feed)).length, 5)
      assert.deepStrictEqual(seen, { delivered: 5, reconnected: 2 })
    }))
})

describe("the back-off of a feed", () => {
  const refused = (count: number): ReadonlyArray<Script<number>> =>
    Array.from({ length: count }, () => ({ refuse: "no" }))
  const done: Script<number> = { then: "end" }

  const pausesOf = (
    scripts: ReadonlyArray<Script<number>>,
    policy?: Partial<Feed.Policy>,
    source?: Partial<Feed.Source<number, never, string, never>>
  ) =>
    Effect.gen(function*() {
      const { feed, log } = live(scripts, source, policy)
      yield* steady(running(Effect.exit(Stream.runDrain(feed))))
      return pauses(log)
    })

  it.effect("doubles from half a second to eight", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* pausesOf([...refused(7), done]), [500, 1000, 2000, 4000, 8000, 8000, 8000])
    }))

  it.effect("is shortened at random by up to a quarter", () =>
    Effect.gen(function*() {
      const { feed, log } = live([...refused(4), done])
      yield* running(Effect.withRandom(Stream.runDrain(feed), Random.fixed([0.5])))
      assert.deepStrictEqual(pauses(log), [438, 875, 1750, 3500])
    }))

  it.effect("goes on behind connections that only opened", () =>
    Effect.gen(function*() {
      const opened = Array.from({ length: 4 }, (): Script<number> => ({ then: "break" }))
      assert.deepStrictEqual(yield* pausesOf([...opened, done]), [500, 1000, 2000, 4000])
    }))

  it.effect("begins again behind an item", () =>
    Effect.gen(function*() {
      const scripts: ReadonlyArray<Script<number>> = [
        ...refused(3),
        { chunks: [[1]], then: "break" },
        ...refused(1),
        done
      ]
      assert.deepStrictEqual(yield* pausesOf(scripts), [500, 1000, 2000, 500, 1000])
    }))

  it.effect("does not begin again behind an empty chunk", () =>
    Effect.gen(function*() {
      const scripts: ReadonlyArray<Script<number>> = [...refused(2), { chunks: [[]], then: "break" }, done]
      assert.deepStrictEqual(yield* pausesOf(scripts), [500, 1000, 2000])
    }))

  it.effect("begins again behind ten quiet seconds, not before", () =>
    Effect.gen(function*() {
      const withQuiet = (openMs: number) => pausesOf([...refused(2), { openMs, then: "break" }, done])
      assert.deepStrictEqual(yield* withQuiet(9999), [500, 1000, 9999 + 2000])
      assert.deepStrictEqual(yield* withQuiet(10_000), [500, 1000, 10_000 + 500])
      const policy = { quiet: "1 second" } as const
      assert.deepStrictEqual(yield* pausesOf([...refused(1), { openMs: 1000, then: "break" }, done], policy), [
        500,
        1500
      ])
    }))

  it.effect("waits at least as long as the failure asks for", () =>
    Effect.gen(function*() {
      const scripts = [{ refuse: "3000" }, { refuse: "1" }, done]
      const waitOf = (error: string) => Number(error)
      assert.deepStrictEqual(yield* pausesOf(scripts, {}, { waitOf }), [3000, 1000])
    }))

  it.effect("takes base and cap from the policy", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(
        yield* pausesOf([...refused(4), done], { base: "10 millis", cap: "30 millis" }),
        [10, 20, 30, 30]
      )
    }))

  it.effect("ends in a failure behind too many connections in a row", () =>
    Effect.gen(function*() {
      const givesUp = (
        scripts: ReadonlyArray<Script<number>>,
        policy: Partial<Feed.Policy>,
        onEnd: "end" | "reconnect" = "end"
      ) =>
        Effect.gen(function*() {
          const { feed, log } = live(scripts, { onEnd }, { base: 0, ...policy })
          const error = yield* Effect.flip(Stream.runDrain(feed))
          assert.strictEqual(log.closed, log.connects.length)
          assert.isTrue(error instanceof GaveUp)
          return error instanceof GaveUp ? [log.connects.length, error.attempts, Option.getOrNull(error.last)] : error
        })
      assert.deepStrictEqual(yield* givesUp(refused(9), { maxReconnects: 0 }), [1, 1, "no"])
      assert.deepStrictEqual(yield* givesUp(refused(9), { maxReconnects: 3 }), [4, 4, "no"])
      assert.deepStrictEqual(yield* givesUp(refused(9), { maxReconnects: NaN }), [1, 1, "no"])
      assert.deepStrictEqual(yield* givesUp(refused(30), {}), [21, 21, "no"])
      const item: Script<number> = { chunks: [[1]], then: "break" }
      assert.deepStrictEqual(yield* givesUp([item, item, ...refused(9)], { maxReconnects: 1 }), [3, 2, "no"])
      assert.deepStrictEqual(yield* givesUp([done, done, done], { maxReconnects: 2 }, "reconnect"), [3, 3, null])
    }))
})

describe("a consumer that stops", () => {
  const stopped = (feed: Stream.Stream<number, string | GaveUp>, before: Effect.Effect<void>) =>
    Effect.gen(function*() {
      const supervisor = yield* Supervisor.track
      const fiber = yield* Effect.fork(Effect.supervised(Stream.runDrain(feed), supervisor))
      yield* before
      yield* Fiber.interrupt(fiber)
      const left = yield* supervisor.value
      assert.deepStrictEqual(left.filter((one) => one.id() !== fiber.id()), [])
    })

  it.effect("while a connection is being opened", () =>
    Effect.gen(function*() {
      const log = { opened: 0, closed: 0 }
      const feed = Feed.make<number, never, string, GaveUp, never>({
        connect: () =>
          Effect.zipRight(
            Effect.acquireRelease(Effect.sync(() => log.opened += 1), () => Effect.sync(() => log.closed += 1)),
            Effect.never
          ),
        classify,
        onEnd: "end"
      }, { interrupted })
      yield* stopped(feed, TestClock.adjust("1 second"))
      assert.deepStrictEqual(log, { opened: 1, closed: 1 })
    }))

  it.effect("while the feed waits to connect again", () =>
    Effect.gen(function*() {
      const { feed, log } = live<number>([{ refuse: "no" }, { refuse: "no" }])
      yield* stopped(feed, TestClock.adjust("100 millis"))
      assert.strictEqual(log.connects.length, 1)
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(log.connects.length, 1)
      assert.strictEqual(log.closed, 1)
    }))

  it.effect("while a connection is open and silent", () =>
    Effect.gen(function*() {
      const { feed, log } = live([{ chunks: [[1]], then: "open" }])
      yield* stopped(feed, TestClock.adjust("1 second"))
      assert.strictEqual(log.closed, 1)
    }))

  it.effect("because it has enough", () =>
    Effect.gen(function*() {
      const { feed, log } = live([{ chunks: [[1], [2]], then: "open" }])
      assert.deepStrictEqual(yield* collect(Stream.take(feed, 1)), [1])
      assert.strictEqual(log.closed, 1)
    }))

  it.effect("because it fails", () =>
    Effect.gen(function*() {
      const { feed, log } = live([{ chunks: [[1], [2]], then: "open" }])
      assert.strictEqual(yield* Effect.flip(Stream.runForEach(feed, () => Effect.fail("mine"))), "mine")
      assert.strictEqual(log.closed, 1)
    }))

  it.effect("while a broken connection is being closed: every finalizer of it still runs", () =>
    Effect.gen(function*() {
      const closing = yield* Deferred.make<void>()
      const release = yield* Deferred.make<void>()
      const closed: Array<string> = []
      const feed = Feed.make<number, never, string, GaveUp, never>({
        connect: () =>
          Effect.gen(function*() {
            yield* Effect.addFinalizer(() => Effect.sync(() => closed.push("socket")))
            yield* Effect.addFinalizer(() =>
              Effect.zipRight(Deferred.succeed(closing, undefined), Deferred.await(release)).pipe(
                Effect.zipRight(Effect.sync(() => closed.push("slow")))
              )
            )
            return Stream.fail("broken")
          }),
        classify,
        onEnd: "end"
      }, { interrupted })
      const fiber = yield* Effect.fork(Stream.runDrain(feed))
      yield* Deferred.await(closing)
      const stopping = yield* Effect.fork(Fiber.interrupt(fiber))
      yield* settle
      yield* Deferred.succeed(release, undefined)
      yield* Fiber.join(stopping)
      assert.deepStrictEqual(closed, ["slow", "socket"])
    }))

  it.live("leaves no timer behind", () =>
    Effect.gen(function*() {
      const timers = Effect.sync(() => process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length)
      const { feed, log } = live<number>([{ refuse: "no" }])
      const fiber = yield* Effect.fork(Stream.runDrain(feed))
      while (log.connects.length === 0) yield* settle
      yield* settle
      const waiting = yield* timers
      yield* Fiber.interrupt(fiber)
      assert.isBelow(yield* timers, waiting)
    }))
})

describe("the runs of a feed", () => {
  it.effect("know nothing of one another", () =>
    Effect.gen(function*() {
      const asked: Array<Option.Option<number>> = []
      const feed = Feed.make<number, number, string, GaveUp, never>({
        connect: (cursor) =>
          Effect.sync(() => {
            asked.push(cursor)
            return Stream.make(1, 2)
          }),
        classify,
        onEnd: "end",
        cursorOf: Option.some
      }, { interrupted })
      assert.deepStrictEqual(yield* collect(feed), [1, 2])
      assert.deepStrictEqual(yield* collect(feed), [1, 2])
      assert.deepStrictEqual(asked, [Option.none(), Option.none()])
    }))
})
