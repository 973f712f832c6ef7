/**
 * What browsers of other origins are told (contract 2.7).
 *
 * @since 0.1.0
 */
import { empty, type FrontRequest, type FrontResponse } from "../../server/core/Front.js"
import type { CorsOptions } from "./World.js"

const originHeaders = ({ origins }: CorsOptions, request: FrontRequest): Readonly<Record<string, string>> => {
  if (origins.includes("*")) return { "access-control-allow-origin": "*" }
  const { origin } = request.headers
  return origin !== undefined && origins.includes(origin) ? { "access-control-allow-origin": origin } : {}
}

/**
 * The answer to a preflight: 200 for everybody, with the allowed origin or without. `allow` names the methods of the
 * path, `undefined` where there is none.
 *
 * @since 0.1.0
 * @category utils
 */
export const preflight = (options: CorsOptions, request: FrontRequest, allow: string | undefined): FrontResponse =>
  empty(200, {
    vary: "origin",
    "access-control-allow-methods": (options.methods ?? ["GET", "POST", "DELETE", "OPTIONS"]).join(","),
    "access-control-allow-headers": (options.headers ?? ["authorization", "content-type"]).join(","),
    ...originHeaders(options, request),
    ...(allow === undefined ? {} : { allow })
  })

/**
 * An answer with the headers for its origin.
 *
 * @since 0.1.0
 * @category utils
 */
export const decorate = (options: CorsOptions, request: FrontRequest, response: FrontResponse): FrontResponse => ({
  ...response,
  headers: { ...response.headers, vary: "origin", ...originHeaders(options, request) }
})
