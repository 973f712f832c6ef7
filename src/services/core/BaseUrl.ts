/**
 * Where a plane is.
 *
 * @since 0.1.0
 */
import * as Either from "effect/Either"
import * as Option from "effect/Option"

const isLoopback = (hostname: string): boolean =>
  hostname === "localhost" || hostname.endsWith(".localhost") || hostname === "[::1]" ||
  /^127(\.\d{1,3}){3}$/.test(hostname)

const parseUrl = Option.liftThrowable((url: string) => new URL(url))

/**
 * Whether a secret may travel to a URL: over `https`, or over plain `http` to loopback, or where that is allowed.
 *
 * @internal
 */
export const maySend = (url: URL, allowInsecure: boolean): boolean =>
  url.protocol === "https:" || url.protocol === "http:" && (isLoopback(url.hostname) || allowInsecure)

/**
 * A base URL without its trailing slashes, or what is wrong with it. A secret travels over plain `http` to loopback
 * only, unless that is allowed.
 *
 * @internal
 */
export const parse = (
  text: string,
  options: {
    /** What the secret is called, where there is one. */
    readonly secret: string | undefined
    readonly allowInsecure: boolean
    /** The option that allows it. */
    readonly allowName: string
  }
): Either.Either<string, string> => {
  const url = Option.getOrUndefined(parseUrl(text))
  if (url === undefined) return Either.left("must be an absolute URL")
  if (url.protocol !== "http:" && url.protocol !== "https:") return Either.left("must begin with http:// or https://")
  const { allowInsecure, allowName, secret } = options
  if (url.username !== "" || url.password !== "") {
    return Either.left(`must not hold credentials: use the ${secret ?? "token"}`)
  }
  if (url.search !== "" || url.hash !== "") return Either.left("must not have a query or a fragment")
  if (secret !== undefined && !maySend(url, allowInsecure)) {
    return Either.left(`must be https to send a ${secret} to another host (or set ${allowName})`)
  }
  return Either.right(url.origin + url.pathname.replace(/\/+$/, ""))
}
