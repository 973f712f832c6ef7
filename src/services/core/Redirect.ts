/**
 * Redirects among the replicas of a server: the same path at another origin.
 *
 * @since 0.1.0
 */
import * as Option from "effect/Option"

/**
 * How many redirects of one request are followed.
 *
 * @internal
 */
export const hops = 3

const parse = Option.liftThrowable((location: string, base: string) => new URL(location, base))
const decoded = Option.liftThrowable(decodeURIComponent)

/**
 * Where a redirect leads: a URL of http or https with the path and the query of the request, and nothing else. The path
 * prefix of `baseUrl` may be gone, since a replica is reached behind the proxy that adds it.
 *
 * @internal
 */
export const target = (requestUrl: string, location: string | undefined, baseUrl: string): Option.Option<URL> =>
  Option.gen(function*() {
    if (location === undefined || location === "") return yield* Option.none()
    const from = yield* parse(requestUrl, baseUrl)
    const to = yield* parse(location, requestUrl)
    if (to.protocol !== "http:" && to.protocol !== "https:") return yield* Option.none()
    if (to.username !== "" || to.password !== "" || to.hash !== "" || to.search !== from.search) {
      return yield* Option.none()
    }
    // Servers encode fewer characters of a segment than the SDK does; a slash stays encoded on both sides.
    const segmentsOf = (path: string) =>
      path.split("/").map((segment) => Option.getOrElse(decoded(segment), () => segment))
    const own = segmentsOf(from.pathname)
    const other = segmentsOf(to.pathname)
    const dropped = own.length - other.length
    const prefix = new URL(baseUrl).pathname === "/" ? 0 : new URL(baseUrl).pathname.split("/").length - 1
    const rest = dropped === 0 ? own : dropped === prefix ? ["", ...own.slice(1 + prefix)] : []
    if (rest.length !== other.length || rest.some((segment, index) => segment !== other[index])) {
      return yield* Option.none()
    }
    return to
  })
