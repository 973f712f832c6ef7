/**
 * What a Node process is in the middle of.
 *
 * @since 0.1.0
 */

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
