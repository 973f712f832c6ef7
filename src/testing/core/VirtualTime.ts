/**
 * Time in tests without sockets: to turn the `TestClock` when everybody waits, by hand or by itself.
 *
 * `TestClock.adjust` wakes who sleeps already. A program that is still on its way to its sleep – over a client, a server
 * and a state machine – is overtaken. What is here first lets everybody go on until nobody can.
 *
 * @since 0.1.0
 */
import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/TestClock"
import { isBusy, turn } from "./NodeActivity.js"

/** How long to look away, in ms of real time, when there is nobody to wake. */
const longestPause = 8

const realClock = Clock.make()

const realSleep = (ms: number): Effect.Effect<void> => Effect.withClock(Effect.sleep(ms), realClock)

/**
 * A timer alone is no turn of the event loop: on a busy machine the next one is due before anything else has run. Two
 * turns behind it give everybody a go who needs one to show what the other has done.
 */
const pass = realSleep(0).pipe(Effect.zipRight(turn), Effect.zipRight(turn))

const isTestClock = (clock: Clock.Clock): clock is TestClock.TestClock => "sleeps" in clock && "adjust" in clock

/**
 * Waits until nobody has gone to sleep for a turn of the event loop, `activity` has stayed the same, and no file is
 * being read or the like. `TestClock` itself lets three more turns pass before it wakes anybody.
 */
const settle = (clock: TestClock.TestClock, activity: () => number): Effect.Effect<void> => {
  const look = Effect.map(clock.sleeps, (sleeps) => `${sleeps.length} ${activity()}`)
  const go = (before: string): Effect.Effect<void> =>
    Effect.flatMap(Effect.zipRight(pass, look), (now) => now === before && !isBusy() ? Effect.void : go(now))
  return Effect.flatMap(look, go)
}

/**
 * One at a time turns a clock: while somebody turns it by hand everybody else seems to sleep, and it must not turn by
 * itself.
 */
const hands = new WeakMap<TestClock.TestClock, Effect.Semaphore>()

const handOf = (clock: TestClock.TestClock): Effect.Semaphore => {
  const known = hands.get(clock)
  if (known !== undefined) return known
  const hand = Effect.unsafeMakeSemaphore(1)
  hands.set(clock, hand)
  return hand
}

/**
 * Lets time pass: waits until everybody sleeps, then wakes in order who is due within `duration`, those who go to sleep
 * on the way included, and waits until they sleep again. Needs a `TestClock` (`it.effect`).
 *
 * It does not see who waits for a socket: use the real clock (`it.live`) there.
 *
 * @example
 * ```ts
 * import * as SoltiTesting from "effect-switchyard/solti/testing"
 * import * as Clock from "effect/Clock"
 * import * as Effect from "effect/Effect"
 * import * as Fiber from "effect/Fiber"
 *
 * export const test = Effect.gen(function*() {
 *   const fiber = yield* Effect.fork(Effect.delay(Clock.currentTimeMillis, "1 hour"))
 *   yield* SoltiTesting.advance("1 hour")
 *   return yield* Fiber.join(fiber) // 3600000
 * })
 * ```
 *
 * @since 0.1.0
 * @category combinators
 */
export const advance = (duration: Duration.DurationInput): Effect.Effect<void> =>
  TestClock.testClockWith((clock) =>
    settle(clock, () => 0).pipe(
      Effect.zipRight(clock.adjust(duration)),
      Effect.zipRight(settle(clock, () => 0)),
      handOf(clock).withPermits(1)
    )
  )

/**
 * Turns the clock by itself, until the scope closes: whenever everybody sleeps, time jumps to the next who wakes. So a
 * program that only waits comes to its end under a `TestClock`, at once and in the right order. Under any other clock
 * this does nothing.
 *
 * `activity` is a number that changes while somebody is busy who does not sleep in between.
 *
 * @since 0.1.0
 * @category combinators
 */
export const passing = (activity: () => number = () => 0): Effect.Effect<void, never, Scope.Scope> =>
  Effect.flatMap(Effect.clock, (clock) => {
    if (!isTestClock(clock)) return Effect.void
    const go = (pause: number): Effect.Effect<never> =>
      Effect.flatMap(Effect.zipRight(settle(clock, activity), clock.sleeps), (sleeps) => {
        if (Chunk.isEmpty(sleeps)) {
          return Effect.zipRight(realSleep(pause), go(Math.min(pause * 2, longestPause)))
        }
        const next = Chunk.reduce(sleeps, Infinity, (first, at) => Math.min(first, at))
        // Relative, since time must not go backwards if somebody else has turned the clock meanwhile.
        const jump = Effect.suspend(() => clock.adjust(Math.max(0, next - clock.unsafeCurrentTimeMillis())))
        return Effect.flatMap(
          handOf(clock).withPermitsIfAvailable(1)(jump),
          Option.match({ onNone: () => Effect.zipRight(realSleep(1), go(1)), onSome: () => go(1) })
        )
      })
    return Effect.asVoid(Effect.forkScoped(Effect.interruptible(go(1))))
  })
