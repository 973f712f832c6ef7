/**
 * The Cloacina plane: where it is, how to get in, whose tenant is meant, and what its answers mean.
 *
 * @since 0.1.0
 */
import * as HttpClient from "@effect/platform/HttpClient"
import * as Config from "effect/Config"
import type * as ConfigError from "effect/ConfigError"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as FiberRef from "effect/FiberRef"
import { dual } from "effect/Function"
import { globalValue } from "effect/GlobalValue"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { InvalidOptions } from "../../schemas/core/Errors.js"
import * as BaseUrl from "../core/BaseUrl.js"
import type { CallOptions } from "../core/CallOptions.js"
import type { Plane } from "../core/Plane.js"
import { WebSockets } from "../core/WebSockets.js"
import * as Credential from "./Credential.js"
import type { CloacinaError } from "./internal/answers.js"
import { toError } from "./internal/answers.js"

/**
 * How to reach a Cloacina server.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** For example `http://127.0.0.1:8080`; a path is kept as a prefix of every route. */
  readonly url: string
  /**
   * The API key. An effect is run again for every attempt, so that it may rotate. Without one only `Health`,
   * `Operations` and `Sessions.login` work; other calls fail with `Unauthorized` and send nothing.
   */
  readonly key?: Redacted.Redacted | Effect.Effect<Redacted.Redacted> | undefined
  /** The tenant of calls that name none. Default `public`. */
  readonly tenant?: string | undefined
  /** A key travels over plain `http` to loopback only, unless this says otherwise. Default false. */
  readonly allowInsecureKey?: boolean | undefined
  /** Time-outs, retries and headers of all calls. */
  readonly options?: CallOptions | undefined
  /** Whether `traceparent` and `b3` are sent; servers of this plane do not read them. Default false. */
  readonly propagateTrace?: boolean | undefined
}

/**
 * Options of a call that belongs to a tenant.
 *
 * @since 0.1.0
 * @category models
 */
export interface TenantOptions extends CallOptions {
  /** In place of the region's and the client's tenant. */
  readonly tenant?: string | undefined
}

/**
 * Which page of a list (contract 2.5).
 *
 * @since 0.1.0
 * @category models
 */
export interface PageQuery {
  /** 1–1000; the server's default is 100. */
  readonly limit?: number | undefined
  /** How many rows are skipped. */
  readonly offset?: number | undefined
}

/**
 * Options of reading a paged list to its end.
 *
 * @since 0.1.0
 * @category models
 */
export interface IterateOptions extends TenantOptions {
  /** Rows a request, 1–1000; `InvalidInput` before any request otherwise. Default 100. */
  readonly pageSize?: number | undefined
}

/**
 * The connection that the services of the plane share.
 *
 * @since 0.1.0
 * @category context
 */
export class Client extends Context.Tag("effect-switchyard/cloacina/Client")<Client, Client.Service>() {}

/**
 * @since 0.1.0
 */
export declare namespace Client {
  /**
   * @since 0.1.0
   * @category models
   */
  export interface Service extends Plane<CloacinaError> {
    /** The tenant of calls that name none, neither themselves nor by their region. */
    readonly tenant: string
    /** Whether a password may travel to this URL: `https`, loopback, or allowed by `allowInsecureKey`. */
    readonly allowsSecrets: boolean
    /** The key of REST calls and tickets; a session replaces it. */
    readonly credential: Credential.Credential
    /** What opens sockets; `None` where the layer found neither `WebSockets` nor a global `WebSocket`. */
    readonly webSockets: Option.Option<WebSockets.Service>
  }
}

const currentTenant: FiberRef.FiberRef<Option.Option<string>> = globalValue(
  "effect-switchyard/cloacina/currentTenant",
  () => FiberRef.unsafeMake(Option.none<string>())
)

/**
 * Makes every call of an effect that names no tenant itself go to this one. A stream belongs to the region that runs it,
 * not to the one that made it.
 *
 * @example
 * ```ts
 * import * as Cloacina from "effect-switchyard/cloacina"
 * import * as Effect from "effect/Effect"
 *
 * export const north = Effect.flatMap(Cloacina.Workflows, (workflows) => workflows.list()).pipe(
 *   Cloacina.withTenant("north")
 * )
 * ```
 *
 * @since 0.1.0
 * @category combinators
 */
export const withTenant: {
  (tenant: string): <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  <A, E, R>(self: Effect.Effect<A, E, R>, tenant: string): Effect.Effect<A, E, R>
} = dual(
  2,
  <A, E, R>(self: Effect.Effect<A, E, R>, tenant: string): Effect.Effect<A, E, R> =>
    Effect.locally(self, currentTenant, Option.some(tenant))
)

/**
 * The tenant of a call: its own, else the region's, else the client's.
 *
 * @internal
 */
export const tenantOf = (client: Client.Service, options: TenantOptions | undefined): Effect.Effect<string> =>
  options?.tenant === undefined
    ? Effect.map(FiberRef.get(currentTenant), Option.getOrElse(() => client.tenant))
    : Effect.succeed(options.tenant)

/**
 * The connection as a layer. Fails with `InvalidOptions` when the options cannot work.
 *
 * Sockets go over `WebSockets` where the context has it (`effect-switchyard/node`), else over the global `WebSocket`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: Options): Layer.Layer<Client, InvalidOptions, HttpClient.HttpClient> =>
  Layer.effect(
    Client,
    Effect.gen(function*() {
      const rules = { allowInsecure: options.allowInsecureKey === true, allowName: "allowInsecureKey" }
      const baseUrl = BaseUrl.parse(options.url, { ...rules, secret: options.key === undefined ? undefined : "key" })
      if (Either.isLeft(baseUrl)) {
        return yield* new InvalidOptions({ plane: "cloacina", issues: [{ path: "url", message: baseUrl.left }] })
      }
      if (Redacted.isRedacted(options.key) && Redacted.value(options.key).trim() === "") {
        return yield* new InvalidOptions({ plane: "cloacina", issues: [{ path: "key", message: "must not be empty" }] })
      }
      const tenant = options.tenant ?? "public"
      if (tenant.trim() === "") {
        return yield* new InvalidOptions({
          plane: "cloacina",
          issues: [{ path: "tenant", message: "must not be empty" }]
        })
      }
      const credential = yield* Credential.make(options.key)
      return {
        name: "cloacina",
        baseUrl: baseUrl.right,
        httpClient: yield* HttpClient.HttpClient,
        token: credential.current,
        requiresToken: true,
        isReplaced: credential.isReplaced,
        // A key that came over `https` goes on over `https`, to this machine too.
        mayFollow: (location) =>
          rules.allowInsecure ||
          BaseUrl.maySend(location, false) && (location.protocol === "https:" || baseUrl.right.startsWith("http:")),
        options: options.options ?? {},
        propagateTrace: options.propagateTrace ?? false,
        requestIdHeader: "x-request-id",
        toError,
        tenant,
        allowsSecrets: Either.isRight(BaseUrl.parse(options.url, { ...rules, secret: "password" })),
        credential,
        webSockets: Option.orElse(yield* Effect.serviceOption(WebSockets), () => WebSockets.global())
      }
    })
  )

/**
 * The connection of the context for another tenant: same key, same transport.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerForTenant = (tenant: string): Layer.Layer<Client, never, Client> =>
  Layer.effect(Client, Effect.map(Client, (client) => ({ ...client, tenant })))

/**
 * The options from the environment: `CLOACINA_SERVER_URL`, and where they are set `CLOACINA_API_KEY` and
 * `CLOACINA_TENANT`.
 *
 * @since 0.1.0
 * @category config
 */
export const config: Config.Config<Options> = Config.all({
  url: Config.nonEmptyString("CLOACINA_SERVER_URL"),
  key: Config.option(Config.redacted(Config.nonEmptyString("CLOACINA_API_KEY"))),
  tenant: Config.option(Config.nonEmptyString("CLOACINA_TENANT"))
}).pipe(Config.map(({ key, tenant, url }) => ({
  url,
  key: Option.getOrUndefined(key),
  tenant: Option.getOrUndefined(tenant)
})))

/**
 * The connection from configuration, by default from the environment.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig = (
  options: Config.Config<Options> = config
): Layer.Layer<Client, ConfigError.ConfigError | InvalidOptions, HttpClient.HttpClient> =>
  Layer.unwrapEffect(Effect.map(options, layer))
