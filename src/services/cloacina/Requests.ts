/**
 * Requests to any route: for those of later servers, which have no method yet.
 *
 * @since 0.1.0
 */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { CallError } from "../../schemas/cloacina/Errors.js"
import { declare } from "../../schemas/core/Endpoint.js"
import type { InvalidInput } from "../../schemas/core/Errors.js"
import { Conflict, NotFound, NotImplemented, PayloadTooLarge } from "../../schemas/core/Errors.js"
import type { TenantOptions } from "./Client.js"
import { Client, tenantOf } from "./Client.js"
import * as Calls from "./internal/calls.js"

/**
 * What a request to any route can end with.
 *
 * @since 0.1.0
 * @category errors
 */
export type RequestError = NotFound | Conflict | PayloadTooLarge | NotImplemented | CallError

/**
 * - `path`: the values of `{…}` in the template; `{tenant_id}` is the tenant of the call when it is not given
 * - `query`: the parameters; those that are `undefined` are not sent
 * - `secrets`: what errors must not show, beside the key
 *
 * @since 0.1.0
 * @category models
 */
export interface RequestOptions extends TenantOptions {
  readonly path?: Readonly<Record<string, string>> | undefined
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>> | undefined
  readonly secrets?: ReadonlyArray<Redacted.Redacted> | undefined
}

/**
 * Requests to any route of the server, with the key and the errors of the plane, JSON in and out. Routes are templates,
 * `/v1/tenants/{tenant_id}/limits`: values are encoded, and errors and spans show the template only.
 *
 * @example
 * ```ts
 * import * as Cloacina from "effect-switchyard/cloacina"
 * import * as Effect from "effect/Effect"
 *
 * export const limits = Effect.flatMap(
 *   Cloacina.Requests,
 *   (requests) => requests.get("/v1/tenants/{tenant_id}/limits", { tenant: "north" })
 * )
 * ```
 *
 * @since 0.1.0
 * @category context
 */
export class Requests extends Context.Tag("effect-switchyard/cloacina/Requests")<Requests, Requests.Service>() {
  /**
   * The service over HTTP.
   *
   * @since 0.1.0
   */
  static readonly layer: Layer.Layer<Requests, never, Client> = Layer.effect(
    this,
    Effect.map(Client, (client) => make(client))
  )
}

/**
 * @since 0.1.0
 */
export declare namespace Requests {
  /**
   * Every method fails with `InvalidInput` before any request when the template or a value in it cannot be a path.
   *
   * @since 0.1.0
   * @category models
   */
  export interface Service {
    /** A `GET`, repeated after passing failures. */
    readonly get: (route: string, options?: RequestOptions) => Effect.Effect<unknown, RequestError>
    /** A `POST` with a JSON body, without one when `body` is `undefined`. Never sent twice. */
    readonly post: (route: string, body?: unknown, options?: RequestOptions) => Effect.Effect<unknown, RequestError>
    /** A `PUT` with a JSON body. Never sent twice. */
    readonly put: (route: string, body?: unknown, options?: RequestOptions) => Effect.Effect<unknown, RequestError>
    /** A `DELETE`. Never sent twice. */
    readonly delete: (route: string, options?: RequestOptions) => Effect.Effect<unknown, RequestError>
  }
}

const Values = Schema.Record({ key: Schema.String, value: Schema.String })
const Query = Schema.Record({ key: Schema.String, value: Schema.String })

const placeholder = /^\{(\w+)\}$/
const decoded = Option.liftThrowable(decodeURIComponent)

/** What may stand in a template as it is: what a path may hold, and no dot segment in any spelling. */
const isLiteral = (segment: string): boolean =>
  /^[\w\-.~!$&'()*+,;=@%][\w\-.~!$&'()*+,;=:@%]*$|^$/.test(segment) &&
  Option.exists(decoded(segment), (text) => text !== "." && text !== "..")

const make = (client: Client.Service): Requests.Service => {
  const { unary } = Calls.make(client, "Requests")

  const request = (
    name: "get" | "post" | "put" | "delete",
    method: "GET" | "POST" | "PUT" | "DELETE",
    route: string,
    body: unknown,
    options: RequestOptions = {}
  ): Effect.Effect<unknown, RequestError> => {
    const refuse = (path: string, message: string): Either.Either<never, InvalidInput> =>
      Either.left(Calls.invalid({ operation: `cloacina.Requests.${name}`, method, route }, path, message))

    const pathOf = (values: Readonly<Record<string, string>>): Either.Either<`/${string}`, InvalidInput> => {
      if (!route.startsWith("/")) return refuse("route", "must begin with a slash")
      const parts: Array<string> = []
      for (const segment of route.slice(1).split("/")) {
        const value = placeholder.exec(segment)?.[1]
        if (value === undefined && !isLiteral(segment)) return refuse("route", "must be a path, with values as {name}")
        if (value !== undefined && !Object.hasOwn(values, value)) return refuse(`path.${value}`, "is missing")
        parts.push(value === undefined ? segment : `:${value}`)
      }
      return Either.right<`/${string}`>(`/${parts.join("/")}`)
    }

    return Effect.gen(function*() {
      const values = { tenant_id: yield* tenantOf(client, options), ...options.path }
      const path = yield* pathOf(values)
      const endpoint = HttpApiEndpoint.make(method)(name, path).setPath(Values).setUrlParams(Query)
        .addSuccess(Schema.Unknown)
      const rules = {
        repeat: method === "GET" ? "safe" : "never",
        errors: [NotFound, Conflict, PayloadTooLarge, NotImplemented]
      } as const
      const urlParams = Object.fromEntries(
        Object.entries(options.query ?? {}).flatMap(([key, value]) => value === undefined ? [] : [[key, String(value)]])
      )
      const secrets = () => (options.secrets ?? []).map(Redacted.value)
      return yield* body === undefined
        ? unary(name, declare(endpoint, rules), { secrets })({ path: values, urlParams }, options)
        : unary(name, declare(endpoint.setPayload(Schema.Unknown), rules), { secrets })(
          { path: values, urlParams, payload: body },
          options
        )
    })
  }

  return {
    get: (route, options) => request("get", "GET", route, undefined, options),
    post: (route, body, options) => request("post", "POST", route, body, options),
    put: (route, body, options) => request("put", "PUT", route, body, options),
    delete: (route, options) => request("delete", "DELETE", route, undefined, options)
  }
}
