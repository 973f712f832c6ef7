import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FastCheck from "effect/FastCheck"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import type { LogEvent } from "../../../src/schemas/solti/Logs.js"
import * as LogHub from "../../../src/server/solti/LogHub.js"
import { taskId } from "./support/tasks.js"

const id = taskId("default-s-1")

const event = (seq: number): LogEvent => ({ type: "chunk", attempt: 1, stream: "stdout", seq, ts: 0, line: `${seq}` })

const make = (options: Partial<LogHub.Options> = {}) =>
  LogHub.make({ capacity: 4, replay: true, lingerMs: 2000, ...options })

/** A hub with one open log, into which `count` events from `from` on are published by `publish`. */
const withLog = (options: Partial<LogHub.Options> = {}) =>
  Effect.map(make(options), (hub) => {
    hub.open(id)
    let next = 0
    const publish = (count: number) => {
      for (let n = 0; n < count; n++) hub.publish(id, event(next++))
    }
    return { hub, publish }
  })

/** Sequence numbers, and what was lost as negative numbers. */
const show = (events: Iterable<LogEvent>): ReadonlyArray<number> =>
  [...events].map((event) => event.type === "lagged" ? -event.skipped : event.type === "chunk" ? event.seq : NaN)

const collect = <E>(stream: Stream.Stream<LogEvent, E>) => Effect.map(Stream.runCollect(stream), show)

const isGone = (hub: LogHub.LogHub) => Effect.map(Effect.exit(Effect.scoped(hub.subscribe(id))), Exit.isFailure)

describe("LogHub: who gets what", () => {
  it.scoped("the first subscriber gets the log from its start, a later one only what is new", () =>
    Effect.gen(function*() {
      const { hub, publish } = yield* withLog()
      publish(2)
      const first = yield* hub.subscribe(id)
      const second = yield* hub.subscribe(id)
      publish(1)
      hub.end(id)
      assert.deepStrictEqual(yield* collect(first), [0, 1, 2])
      assert.deepStrictEqual(yield* collect(second), [2])
    }))

  it.scoped("the first subscriber of a log longer than the ring is told what it missed", () =>
    Effect.gen(function*() {
      const { hub, publish } = yield* withLog()
      publish(10)
      const stream = yield* hub.subscribe(id)
      hub.end(id)
      assert.deepStrictEqual(yield* collect(stream), [-6, 6, 7, 8, 9])
    }))

  it.scoped("without replay everybody gets only what is new", () =>
    Effect.gen(function*() {
      const { hub, publish } = yield* withLog({ replay: false })
      publish(2)
      const stream = yield* hub.subscribe(id)
      publish(1)
      hub.end(id)
      assert.deepStrictEqual(yield* collect(stream), [2])
    }))

  it.scoped("the subscription stands before the first pull", () =>
    Effect.gen(function*() {
      const { hub, publish } = yield* withLog()
      yield* Effect.asVoid(hub.subscribe(id))
      const later = yield* hub.subscribe(id)
      publish(3)
      hub.end(id)
      assert.deepStrictEqual(yield* collect(later), [0, 1, 2])
    }))

  it.scoped("events come as they are published, and the stream ends at the end of the log, not before", () =>
    Effect.gen(function*() {
      const { hub, publish } = yield* withLog()
      let seen: ReadonlyArray<number> = []
      const fiber = yield* Effect.fork(
        Stream.runForEachChunk(yield* hub.subscribe(id), (events) =>
          Effect.sync(() => {
            seen = seen.concat(show(events))
          }))
      )
      const settle = Effect.zipRight(Effect.yieldNow(), TestClock.adjust(1))
      for (const count of [1, 0, 3]) {
        publish(count)
        yield* settle
      }
      assert.deepStrictEqual(seen, [0, 1, 2, 3])
      assert.isNull(fiber.unsafePoll())
      hub.end(id)
      yield* Fiber.join(fiber)
    }))

  it.scoped("the end of the scope ends a stream that waits", () =>
    Effect.gen(function*() {
      const { hub, publish } = yield* withLog()
      publish(1)
      const scope = yield* Scope.make()
      const fiber = yield* Effect.fork(collect(yield* Scope.extend(hub.subscribe(id), scope)))
      yield* TestClock.adjust(1)
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(yield* Fiber.join(fiber), [0])
    }))

  it.scoped("knows only logs that are open", () =>
    Effect.gen(function*() {
      const hub = yield* make()
      hub.publish(id, event(0))
      hub.end(id)
      hub.evict(id)
      const error = yield* Effect.flip(hub.subscribe(id))
      assert.deepStrictEqual([error.label, error.detail], ["TaskNotFound", id])
    }))
})

describe("LogHub: ends", () => {
  it.scoped("a log that nobody has opened lingers behind its end, and its first subscriber takes it along", () =>
    Effect.gen(function*() {
      const { hub, publish } = yield* withLog()
      publish(2)
      hub.end(id)
      publish(1)
      yield* TestClock.adjust("1999 millis")
      const stream = yield* hub.subscribe(id)
      assert.isTrue(yield* isGone(hub))
      assert.deepStrictEqual(yield* collect(stream), [0, 1])
    }))

  it.scoped("unopened logs go one after the other, each after its time", () =>
    Effect.gen(function*() {
      const hub = yield* make()
      for (const each of ["a", "b"]) {
        hub.open(taskId(each))
        hub.end(taskId(each))
        yield* TestClock.adjust("1500 millis")
      }
      // `a` ended 3 s ago, `b` 1.5 s.
      assert.isTrue(Exit.isFailure(yield* Effect.exit(probe(hub, "a"))))
      assert.isTrue(Exit.isSuccess(yield* Effect.exit(probe(hub, "b"))))
    }))

  it.scoped("once somebody has attached, the end is the end", () =>
    Effect.gen(function*() {
      const { hub, publish } = yield* withLog()
      publish(1)
      yield* Effect.asVoid(Effect.scoped(Effect.flatMap(hub.subscribe(id), Stream.runHead)))
      const late = yield* hub.subscribe(id)
      publish(1)
      hub.end(id)
      assert.isTrue(yield* isGone(hub))
      assert.deepStrictEqual(yield* collect(late), [1])
    }))

  it.scoped("who has only asked whether there is a log takes nothing from the first subscriber", () =>
    Effect.gen(function*() {
      const { hub, publish } = yield* withLog()
      const look = Effect.asVoid(Effect.scoped(hub.subscribe(id)))
      publish(1)
      yield* look
      hub.end(id)
      yield* look
      yield* TestClock.adjust("1999 millis")
      assert.deepStrictEqual(yield* collect(yield* hub.subscribe(id)), [0])
      assert.isTrue(yield* isGone(hub))
    }))

  it.scoped("a log that is evicted while somebody looks does not come back", () =>
    Effect.gen(function*() {
      const { hub } = yield* withLog()
      yield* Effect.scoped(Effect.zipRight(hub.subscribe(id), Effect.sync(() => hub.evict(id))))
      assert.isTrue(yield* isGone(hub))
    }))

  it.scoped("eviction ends the streams and forgets the log at once", () =>
    Effect.gen(function*() {
      const { hub, publish } = yield* withLog()
      publish(1)
      const stream = yield* hub.subscribe(id)
      hub.evict(id)
      assert.isTrue(yield* isGone(hub))
      assert.deepStrictEqual(yield* collect(stream), [0])
      hub.open(id)
      hub.evict(id)
      assert.isTrue(yield* isGone(hub), "opened or not")
    }))

  it.scoped("without a time to linger, the end is the end too", () =>
    Effect.gen(function*() {
      const { hub } = yield* withLog({ lingerMs: 0 })
      hub.end(id)
      assert.isTrue(yield* isGone(hub))
    }))
})

const probe = (hub: LogHub.LogHub, each: string) => Effect.asVoid(hub.subscribe(taskId(each)))

describe("LogHub: slow subscribers", () => {
  it.scoped("publishing waits for nobody; who falls behind is told how much, and goes on with the oldest", () =>
    Effect.gen(function*() {
      const { hub, publish } = yield* withLog()
      publish(1)
      const pull = yield* Stream.toPull(yield* hub.subscribe(id))
      const take = Effect.map(pull, show)
      assert.deepStrictEqual(yield* take, [0])
      publish(4)
      assert.deepStrictEqual(yield* take, [1, 2, 3, 4])
      publish(5)
      assert.deepStrictEqual(yield* take, [-1, 6, 7, 8, 9])
      publish(100)
      assert.deepStrictEqual(yield* take, [-96, 106, 107, 108, 109])
    }))

  it.effect.prop(
    "what arrived and what was lost add up, in order, for any pace of any number of subscribers",
    [
      FastCheck.integer({ min: 1, max: 700 }),
      FastCheck.array(
        FastCheck.oneof(
          FastCheck.record({ publish: FastCheck.nat({ max: 900 }) }),
          FastCheck.record({ pull: FastCheck.nat({ max: 3 }) })
        ),
        { maxLength: 20 }
      )
    ],
    ([capacity, steps]) =>
      Effect.scoped(Effect.gen(function*() {
        const { hub, publish } = yield* withLog({ capacity })
        const subscribers = yield* Effect.replicateEffect(
          Effect.map(
            Effect.flatMap(hub.subscribe(id), Stream.toPull),
            (pull) => ({ pull, seen: Array<number>(), behind: 0 })
          ),
          4
        )
        const takeOne = (subscriber: typeof subscribers[number]) =>
          Effect.map(subscriber.pull, (events) => {
            subscriber.seen = subscriber.seen.concat(show(events))
            subscriber.behind = 0
          })
        let published = 0
        for (const step of steps) {
          if ("publish" in step) {
            publish(step.publish)
            published += step.publish
            for (const subscriber of subscribers) subscriber.behind += step.publish
          } else {
            const subscriber = subscribers[step.pull]
            // A pull without news would wait.
            if (subscriber !== undefined && subscriber.behind > 0) yield* takeOne(subscriber)
          }
        }
        hub.end(id)
        for (const subscriber of subscribers) {
          yield* Effect.ignore(Effect.forever(takeOne(subscriber)))
          let expected = 0
          for (const number of subscriber.seen) {
            if (number < 0) expected -= number
            else assert.strictEqual(number, expected++)
            if (Object.is(number, -0)) assert.fail("a lag of nothing")
          }
          assert.strictEqual(expected, published)
        }
      }))
  )

  it.scoped("followers that keep pace share events and chunks", () =>
    Effect.gen(function*() {
      const { hub, publish } = yield* withLog({ capacity: 1024 })
      const pulls = yield* Effect.replicateEffect(Effect.flatMap(hub.subscribe(id), Stream.toPull), 3)
      for (const count of [10, 200]) {
        publish(count)
        const [first, ...others] = yield* Effect.all(pulls)
        assert.strictEqual(first && Chunk.size(first), count)
        for (const other of others) assert.strictEqual(other, first)
      }
    }))
})
