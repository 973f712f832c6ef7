/**
 * A route table over declared endpoints. Paths are matched as they are on the wire, segment by segment, and only
 * parameters are decoded: an id with an encoded slash is one segment, `..` is an id like any other.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { FrontRequest, FrontResponse } from "./Front.js"

/**
 * A method and a path with what answers them. `template` has its parameters in braces, as metrics and documents do.
 * `handle` asks for the decoded parameters by name; a name that is not in the template is `""`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Route<out E, out R> {
  readonly method: string
  readonly template: string
  readonly handle: (
    request: FrontRequest,
    param: (name: string) => string
  ) => Effect.Effect<FrontResponse, E, R | Scope.Scope>
}

/**
 * What a route table says about a method and a path.
 *
 * `allow` lists the methods of the path in the order of the table, `HEAD` behind `GET`. `BadParam` names a parameter
 * that is not UTF-8 once decoded.
 *
 * @since 0.1.0
 * @category models
 */
export type Match<E, R> =
  | { readonly _tag: "Found"; readonly route: Route<E, R>; readonly param: (name: string) => string }
  | { readonly _tag: "NotFound" }
  | { readonly _tag: "MethodNotAllowed"; readonly template: string; readonly allow: string }
  | { readonly _tag: "BadParam"; readonly template: string; readonly name: string }

/**
 * The members of a declared endpoint that a route is made of.
 *
 * @since 0.1.0
 * @category models
 */
export interface RouteSource<Path> {
  readonly endpoint: {
    readonly method: string
    readonly path: string
    readonly pathSchema: Option.Option<Schema.Schema<Path, unknown>>
  }
}

/**
 * A route for a declared endpoint: its method, its path and the names of its parameters.
 *
 * @since 0.1.0
 * @category constructors
 */
export const route = <Path, E, R>(
  source: RouteSource<Path>,
  handle: (
    request: FrontRequest,
    param: (name: Extract<keyof Path, string>) => string
  ) => Effect.Effect<FrontResponse, E, R | Scope.Scope>
): Route<E, R> => ({
  method: source.endpoint.method,
  template: source.endpoint.path.replace(/:(\w+)/g, "{$1}"),
  handle
})

interface Path<E, R> {
  readonly template: string
  readonly segments: ReadonlyArray<string>
  /** Where the parameters are, by name. */
  readonly params: ReadonlyMap<string, number>
  readonly routes: Map<string, Route<E, R>>
}

const group = <E, R>(routes: ReadonlyArray<Route<E, R>>): ReadonlyArray<Path<E, R>> => {
  const paths = new Map<string, Path<E, R>>()
  for (const route of routes) {
    let path = paths.get(route.template)
    if (path === undefined) {
      const segments = route.template.split("/")
      const params = segments.flatMap((segment, index): ReadonlyArray<readonly [string, number]> =>
        segment.startsWith("{") ? [[segment.slice(1, -1), index]] : []
      )
      path = { template: route.template, segments, params: new Map(params), routes: new Map() }
      paths.set(route.template, path)
    }
    path.routes.set(route.method, route)
  }
  return [...paths.values()]
}

/** A parameter may be empty between slashes, but not at the end: `/tasks//runs` has an empty id, `/tasks/` is no path. */
const fits = <E, R>(path: Path<E, R>, segments: ReadonlyArray<string>): boolean =>
  path.segments.length === segments.length &&
  path.segments.every((expected, index) =>
    expected.startsWith("{") ? segments[index] !== "" || index < segments.length - 1 : expected === segments[index]
  )

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

/**
 * Decodes one path segment; `undefined` if the outcome is not UTF-8. A percent sign that encodes nothing stays.
 *
 * @since 0.1.0
 * @category utils
 */
export const decodeSegment = (segment: string): string | undefined => {
  if (/^[\x21-\x24\x26-\x7e]*$/.test(segment)) return segment
  const bytes = new Uint8Array(segment.length)
  let length = 0
  for (let at = 0; at < segment.length; at++) {
    const hex = segment.slice(at + 1, at + 3)
    if (segment[at] === "%" && /^[0-9a-f]{2}$/i.test(hex)) {
      bytes[length++] = Number.parseInt(hex, 16)
      at += 2
    } else {
      // Node hands out the bytes of a request line as Latin-1.
      bytes[length++] = segment.charCodeAt(at)
    }
  }
  try {
    return utf8.decode(bytes.subarray(0, length))
  } catch {
    return undefined
  }
}

const notFound = { _tag: "NotFound" } as const

/**
 * The lookup of a route table: method and encoded path in, {@link Match} out. `HEAD` finds the route of `GET`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = <E, R>(routes: ReadonlyArray<Route<E, R>>): (method: string, path: string) => Match<E, R> => {
  const paths = group(routes)
  return (method, target) => {
    const segments = target.split("/")
    const path = paths.find((candidate) => fits(candidate, segments))
    if (path === undefined) return notFound
    const route = path.routes.get(method) ?? (method === "HEAD" ? path.routes.get("GET") : undefined)
    if (route === undefined) {
      const methods = [...path.routes.keys()].flatMap((name) => name === "GET" ? [name, "HEAD"] : [name])
      return { _tag: "MethodNotAllowed", template: path.template, allow: methods.join(",") }
    }
    const values = new Map<string, string>()
    for (const [name, index] of path.params) {
      const value = decodeSegment(segments[index] ?? "")
      if (value === undefined) return { _tag: "BadParam", template: path.template, name }
      values.set(name, value)
    }
    return { _tag: "Found", route, param: (name) => values.get(name) ?? "" }
  }
}
