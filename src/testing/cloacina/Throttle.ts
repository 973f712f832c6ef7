/**
 * The throttle of local logins: a counter for each user and one for each address (contract 4.3).
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import type { ThrottleOptions } from "./World.js"

interface Counter {
  failures: number
  last: number
  lockedUntil: number
}

/** A counter that nothing was added to for longer starts again, in ms. */
const idle = 900_000

/** Who tries: the account and the address. */
interface Attempt {
  readonly user: string
  readonly address: string
}

/**
 * Times are in ms since 1970.
 *
 * @since 0.1.0
 * @category models
 */
export interface Throttle {
  /** The seconds to wait, for `Retry-After`; `undefined` when the attempt may go on. */
  readonly locked: (attempt: Attempt, now: number) => number | undefined
  /** Counts a failure; the seconds to wait when it locks. */
  readonly failed: (attempt: Attempt, now: number) => number | undefined
  readonly succeeded: (attempt: Attempt) => void
}

/**
 * No failures yet.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: ThrottleOptions = {}): Throttle => {
  const users = new Map<string, Counter>()
  const addresses = new Map<string, Counter>()
  const baseLock = Duration.toMillis(options.baseLock ?? "30 seconds")
  const maxLock = Duration.toMillis(options.maxLock ?? "900 seconds")

  const count = (
    counters: Map<string, Counter>,
    name: string,
    now: number,
    threshold: number,
    lockOf: (excess: number) => number
  ): number => {
    if (threshold === 0) return 0
    const known = counters.get(name)
    const counter = known !== undefined && now - known.last <= idle ? known : { failures: 0, last: now, lockedUntil: 0 }
    counters.set(name, counter)
    counter.failures++
    counter.last = now
    if (counter.failures <= threshold) return 0
    const lock = lockOf(counter.failures - threshold)
    counter.lockedUntil = now + lock
    return lock
  }

  return {
    locked: ({ address, user }, now) => {
      const until = Math.max(users.get(user)?.lockedUntil ?? 0, addresses.get(address)?.lockedUntil ?? 0)
      // Time has passed since the lock, however little: the server rounds what is left of its seconds down.
      return until > now ? Math.max(1, Math.ceil((until - now) / 1000) - 1) : undefined
    },
    failed: ({ address, user }, now) => {
      const lock = Math.max(
        count(users, user, now, options.user ?? 5, (excess) => Math.min(maxLock, baseLock * 2 ** (excess - 1))),
        count(addresses, address, now, options.address ?? 50, () => maxLock)
      )
      return lock === 0 ? undefined : Math.max(1, Math.floor(lock / 1000))
    },
    succeeded: ({ user }) => void users.delete(user)
  }
}
