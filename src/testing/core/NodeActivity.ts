/**
 * What a Node process is in the middle of.
 *
 * @since 0.1.0
 */

/** Requests that come to an end by themselves; not sockets and pipes, which stay open while nothing happens on them. */
const passingBy = /Req|TCPConnect|Process|Job$/

/**
 * Whether something real is under way that will end by itself: work on files, on names of hosts, a child process. Always
 * `false` outside Node.
 *
 * @since 0.1.0
 * @category utils
 */
export const isBusy = (): boolean =>
  typeof process !== "undefined" && typeof process.getActiveResourcesInfo === "function" &&
  process.getActiveResourcesInfo().some((resource) => passingBy.test(resource))
