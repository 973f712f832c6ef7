/**
 * The clockwork of the engine: everything that is due, in one queue, run in order of time by one fiber. State changes
 * are plain functions of the logical time, so that a thousand executions cost no fibers, and what a request sees depends
 * on the clock alone: whatever is due by then has happened before it is answered.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import * as Utils from "effect/Utils"
import { formatMicros, uuidOf } from "../Clockwork.js"
import { Heap } from "./Heap.js"

export interface Machine {
  /** Logical time in ms since 1970: when what runs was due. */
  readonly now: () => number
  /** Microseconds since 1970, a number that nobody has had before. */
  readonly micros: () => number
  readonly uuid: () => string
  /** From 0 to 1. */
  readonly random: () => number
  /** Runs the action at that time; what is due at the same time runs in the order it was asked for. */
  readonly at: (ms: number, action: () => void) => void
  /** Runs the effect when the state is consistent again. */
  readonly tell: (effect: Effect.Effect<void>) => void
  /** Looks at the state, or changes it, as of now. */
  readonly run: <A>(body: () => A) => Effect.Effect<A>
}

interface Due {
  readonly ms: number
  readonly order: number
  readonly action: () => void
}

const isBefore = (a: Due, b: Due): boolean => a.ms < b.ms || a.ms === b.ms && a.order < b.order

/** From a generator that is seeded once: engines make tens of thousands of them. */
const makeUuids = (generator: Utils.PCGRandom) => (): string => {
  const word = () => Math.floor(generator.number() * 0x1_0000_0000)
  return uuidOf(word(), word(), word(), word())
}

export const make: Effect.Effect<Machine, never, Scope.Scope> = Effect.gen(function*() {
  const word = Random.nextIntBetween(0, 0x1_0000_0000)
  const generator = new Utils.PCGRandom(yield* word, yield* word)
  const queue = new Heap<Due>(isBefore)
  const told: Array<Effect.Effect<void>> = []
  const changed = yield* Effect.makeLatch(false)
  let logical = yield* Clock.currentTimeMillis
  let micros = 0
  let order = 0

  /** Everything that is due by then, in order. */
  const drain = (clock: Clock.Clock): void => {
    const until = clock.unsafeCurrentTimeMillis()
    for (let due = queue.first; due !== undefined && due.ms <= until; due = queue.first) {
      queue.pop()
      logical = Math.max(logical, due.ms)
      due.action()
    }
    logical = Math.max(logical, until)
  }

  const flush: Effect.Effect<void> = Effect.suspend(() => {
    const next = told.shift()
    return next === undefined ? Effect.void : Effect.zipRight(next, flush)
  })

  const wait: Effect.Effect<void> = Effect.clockWith((clock) => {
    const due = queue.first
    if (due === undefined) return changed.await
    const sleep = clock.sleep(Duration.millis(Math.max(0, due.ms - clock.unsafeCurrentTimeMillis())))
    return Effect.raceFirst(sleep, changed.await)
  })

  yield* Effect.forkScoped(Effect.forever(
    Effect.clockWith((clock) => {
      changed.unsafeClose()
      drain(clock)
      return Effect.zipRight(flush, wait)
    })
  ))

  return {
    now: () => logical,
    micros: () => micros = Math.max(logical * 1000, micros + 1),
    uuid: makeUuids(generator),
    random: () => generator.number(),
    at: (ms, action) => {
      if (ms === Infinity) return
      const { first } = queue
      queue.push({ ms, order: order++, action })
      if (first === undefined || ms < first.ms) changed.unsafeOpen()
    },
    tell: (effect) => void told.push(effect),
    run: (body) =>
      Effect.clockWith((clock) => {
        drain(clock)
        const result = body()
        return told.length === 0 ? Effect.succeed(result) : Effect.as(flush, result)
      })
  }
})

/** A time of the machine as the server writes it, null where there is none. */
export const stamp = (micros: number | undefined): string | null => micros === undefined ? null : formatMicros(micros)
