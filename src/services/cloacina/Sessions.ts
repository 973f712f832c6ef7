/**
 * Logins and sessions: keys that live for 15 minutes, and what keeps them alive.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { Timestamp } from "../../schemas/cloacina/Common.js"
import type { CallError } from "../../schemas/cloacina/Errors.js"
import type { Role } from "../../schemas/cloacina/Keys.js"
import type { LoggedOut, LoginKey, OidcMembership, Whoami } from "../../schemas/cloacina/Sessions.js"
import type { InvalidInput, NotImplemented, PayloadTooLarge } from "../../schemas/core/Errors.js"
import type { CallOptions } from "../core/CallOptions.js"
import { Client } from "./Client.js"
import * as oidc from "./internal/oidc.js"
import * as internal from "./internal/sessions.js"

/**
 * What a login can end with. `Unauthorized` does not tell an unknown user from a wrong password or a disabled account;
 * `RateLimited` (`login_throttled`) says with `retryAfterMs` how long the right password is refused too.
 *
 * @since 0.1.0
 * @category errors
 */
export type LoginError = PayloadTooLarge | CallError

/**
 * What a refresh can end with: `InvalidInput` (`not_refreshable`) for a key that no login made, `Unauthorized` for one
 * that has expired and for an account that is no longer active.
 *
 * @since 0.1.0
 * @category errors
 */
export type RefreshError = NotImplemented | CallError

/**
 * A local account. Without a tenant it is that of the region or the client: accounts belong to tenants.
 *
 * @since 0.1.0
 * @category models
 */
export interface Login {
  readonly username: string
  readonly password: Redacted.Redacted | string
  readonly tenant?: string | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface SessionOptions extends CallOptions {
  /** How often the key is refreshed, at most once a second. Default after two thirds of its life, within 10 minutes. */
  readonly refreshEvery?: Duration.DurationInput | undefined
}

/**
 * How a session stands. `Ended`: its key is no longer refreshed, because of this error; it may live on for a while, then
 * calls fail with `Unauthorized`.
 *
 * @since 0.1.0
 * @category models
 */
export type SessionStatus =
  | {
    readonly _tag: "Active"
    /** `None` for a key without a tenant. */
    readonly tenant: Option.Option<string>
    readonly role: Role
    /** `None` where the server did not say: 15 minutes after its making. */
    readonly expiresAt: Option.Option<Timestamp>
  }
  | { readonly _tag: "Ended"; readonly error: RefreshError }

/**
 * A session: while its scope is open, the client's calls and tickets use its key.
 *
 * @since 0.1.0
 * @category context
 */
export class Session extends Context.Tag("effect-switchyard/cloacina/Session")<Session, Session.Service>() {}

/**
 * @since 0.1.0
 */
export declare namespace Session {
  /**
   * @since 0.1.0
   * @category models
   */
  export interface Service {
    readonly status: Effect.Effect<SessionStatus>
    /** The status of now, and every later one, until the scope of the session closes. */
    readonly changes: Stream.Stream<SessionStatus>
    /**
     * Waits for the end of the session, and fails with what ended it: to race a program with. Interrupted when the scope
     * of the session closes.
     */
    readonly ended: Effect.Effect<never, RefreshError>
  }
}

/**
 * Where a browser is sent to log in with the identity provider (contract 4.3/16); it comes back to the address that the
 * operator has set, with keys in the fragment (`oidcMemberships`). The server answers 501 where it is not set up.
 *
 * @since 0.1.0
 * @category oidc
 */
export const oidcLoginUrl = (baseUrl: string): string => `${baseUrl.replace(/\/+$/, "")}/v1/auth/oidc/login`

/**
 * The memberships that an OIDC login gives (contract 4.3/17), one for each tenant: from the address that the browser came
 * back to, its fragment (`#memberships=…`), or the JSON of the callback.
 *
 * The fragment holds live keys: take it out of the address bar and the history (`history.replaceState`) as soon as it has
 * been read. `InvalidInput` says which rule the text breaks and shows nothing of it.
 *
 * @since 0.1.0
 * @category oidc
 */
export const oidcMemberships: (
  fragmentOrJson: string
) => Either.Either<ReadonlyArray<OidcMembership>, InvalidInput> = oidc.memberships

/**
 * Logins and sessions of a Cloacina server.
 *
 * @example
 * ```ts
 * import * as Cloacina from "effect-switchyard/cloacina"
 * import * as Effect from "effect/Effect"
 * import type * as Redacted from "effect/Redacted"
 *
 * export const nightly = (password: Redacted.Redacted) =>
 *   Effect.scoped(Effect.gen(function*() {
 *     const sessions = yield* Cloacina.Sessions
 *     yield* sessions.session({ username: "mira", password, tenant: "north" })
 *     const executions = yield* Cloacina.Executions
 *     return yield* executions.executeAndAwait("close_month", { tenant: "north" })
 *   }))
 * ```
 *
 * @since 0.1.0
 * @category context
 */
export class Sessions extends Context.Tag("effect-switchyard/cloacina/Sessions")<Sessions, Sessions.Service>() {
  /**
   * The service over HTTP.
   *
   * @since 0.1.0
   */
  static readonly layer: Layer.Layer<Sessions, never, Client> = Layer.effect(this, Effect.map(Client, internal.make))
}

/**
 * @since 0.1.0
 */
export declare namespace Sessions {
  /**
   * @since 0.1.0
   * @category models
   */
  export interface Service {
    /**
     * Makes a key from a password (`POST /v1/auth/local/login`, contract 4.3/12); the client goes on with its own, see
     * `session`. Never sent twice, and not after a `RateLimited` either: that is for the caller to wait for.
     *
     * Fails with `InvalidInput` before any request when the password would travel in clear text to another host.
     */
    readonly login: (login: Login, options?: CallOptions) => Effect.Effect<LoginKey, LoginError>
    /**
     * A new key for the client's, which the server revokes at once: the client goes on with the new one
     * (`POST /v1/auth/refresh`, contract 4.3/13). A session does this by itself; inside of one it goes on with the key
     * that this gives.
     */
    readonly refresh: (options?: CallOptions) => Effect.Effect<LoginKey, RefreshError>
    /**
     * Revokes the client's key, **whatever key it is** (`POST /v1/auth/logout`, contract 4.3/14): one that lives long is
     * gone as well. A session does this by itself, with its own key.
     */
    readonly logout: (options?: CallOptions) => Effect.Effect<LoggedOut, CallError>
    /**
     * Whose key this is, and what it may do (`GET /v1/auth/whoami`, contract 4.3/15).
     */
    readonly whoami: (options?: CallOptions) => Effect.Effect<Whoami, CallError>
    /**
     * Logs in, and puts the key in place of the client's until the scope closes: then it is revoked, and the client has
     * the key that it had before. The key is refreshed meanwhile; calls that are refused while it changes are sent
     * once more. A refresh that fails in passing is tried again while the key lives; any other failure ends the session,
     * with a warning in the log. Nothing changes which tenant calls go to.
     */
    readonly session: (
      login: Login,
      options?: SessionOptions
    ) => Effect.Effect<Session.Service, LoginError, Scope.Scope>
    /**
     * The same with the key of an OIDC membership, from `oidcMemberships`.
     *
     * Fails with `InvalidInput` when the key would travel in clear text to another host.
     */
    readonly sessionOf: (
      membership: OidcMembership,
      options?: SessionOptions
    ) => Effect.Effect<Session.Service, InvalidInput, Scope.Scope>
  }
}

/**
 * A session as a layer: the calls of the client below use its key while the layer lives.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerSession = (
  login: Login,
  options?: SessionOptions
): Layer.Layer<Session, LoginError, Sessions> =>
  Layer.scoped(Session, Effect.flatMap(Sessions, (sessions) => sessions.session(login, options)))
