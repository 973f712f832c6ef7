/**
 * What a Node process is in the middle of.
 *
 * @since 0.1.0
 */

import * as Effect from "effect/Effect"

/** What comes to an end by itself, and soon: not sockets and child processes, which may live while nothing happens. */
const passingBy = /Req|TCPConnect|Job$/

/**
 * Whether something real is under way that will end by itself: work on files, on names of hosts, on hashes. Always
 * `false` outside Node.
 *
 * @since 0.1.0
 * @category utils
 */
export const isBusy = (): boolean =>
  typeof process !== "undefined" && typeof process.getActiveResourcesInfo === "function" &&
  process.getActiveResourcesInfo().some((resource) => passingBy.test(resource))

/**
 * Lets the event loop turn once: what is ready runs. Without a timer where the platform can do without.
 *
 * @since 0.1.0
 * @category utils
 */
export const turn: Effect.Effect<void> = Effect.async((resume) => {
  const go = () => resume(Effect.void)
  if (typeof setImmediate === "function") {
    const handle = setImmediate(go)
    return Effect.sync(() => clearImmediate(handle))
  }
  const handle = setTimeout(go, 0)
  return Effect.sync(() => clearTimeout(handle))
})
