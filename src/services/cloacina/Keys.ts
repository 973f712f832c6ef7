/**
 * API keys of a tenant and of the whole server, and tickets for sockets.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Api from "../../schemas/cloacina/api/Keys.js"
import type { CallError } from "../../schemas/cloacina/Errors.js"
import type { KeyCreated, KeyInfo, KeyRevoked, KeyRole, WsTicket } from "../../schemas/cloacina/Keys.js"
import type { NotFound, PayloadTooLarge } from "../../schemas/core/Errors.js"
import type { CallOptions } from "../core/CallOptions.js"
import type { TenantOptions } from "./Client.js"
import { Client } from "./Client.js"
import * as Calls from "./internal/calls.js"

/**
 * A key to make. The role has no default here: the server's is `admin`.
 *
 * @since 0.1.0
 * @category models
 */
export interface NewKey {
  /** Need not be unique. */
  readonly name: string
  readonly role: KeyRole
}

/**
 * Keys and tickets.
 *
 * @example
 * ```ts
 * import * as Cloacina from "effect-switchyard/cloacina"
 * import * as Effect from "effect/Effect"
 *
 * export const loader = Effect.flatMap(
 *   Cloacina.Keys,
 *   (keys) => keys.create({ name: "loader", role: "write" }, { tenant: "north" })
 * )
 * ```
 *
 * @since 0.1.0
 * @category context
 */
export class Keys extends Context.Tag("effect-switchyard/cloacina/Keys")<Keys, Keys.Service>() {
  /**
   * The service over HTTP.
   *
   * @since 0.1.0
   */
  static readonly layer: Layer.Layer<Keys, never, Client> = Layer.effect(
    this,
    Effect.map(Client, (client) => make(client))
  )
}

/**
 * @since 0.1.0
 */
export declare namespace Keys {
  /**
   * @since 0.1.0
   * @category models
   */
  export interface Service {
    /**
     * Makes a key of the tenant (`POST /v1/tenants/{tenant_id}/keys`, contract 4.2). Its plaintext, `key`, is in this
     * answer only. Keys do not expire. The tenant need not exist.
     */
    readonly create: (
      key: NewKey,
      options?: TenantOptions
    ) => Effect.Effect<KeyCreated, PayloadTooLarge | CallError>
    /**
     * The keys of the tenant, newest first, revoked ones and those of logins included (`GET
     * /v1/tenants/{tenant_id}/keys`, contract 4.2).
     */
    readonly list: (options?: TenantOptions) => Effect.Effect<ReadonlyArray<KeyInfo>, CallError>
    /**
     * Revokes a key of the tenant (`DELETE /v1/tenants/{tenant_id}/keys/{key_id}`, contract 4.2). `NotFound` also for a
     * key that is revoked already or belongs to another tenant. Other replicas may take the key for 30 more seconds.
     */
    readonly revoke: (keyId: string, options?: TenantOptions) => Effect.Effect<KeyRevoked, NotFound | CallError>
    /** Makes a key of tenant `public`, with a god key (`POST /v1/auth/keys`, contract 4.2). Never a god key itself. */
    readonly createPublic: (
      key: NewKey,
      options?: CallOptions
    ) => Effect.Effect<KeyCreated, PayloadTooLarge | CallError>
    /** All keys of all tenants, newest first, with a god key (`GET /v1/auth/keys`, contract 4.2). */
    readonly listAll: (options?: CallOptions) => Effect.Effect<ReadonlyArray<KeyInfo>, CallError>
    /**
     * Revokes any key, with a god key (`DELETE /v1/auth/keys/{key_id}`, contract 4.2); the bootstrap key too. `NotFound`
     * also for a key that is revoked already.
     */
    readonly revokeAny: (keyId: string, options?: CallOptions) => Effect.Effect<KeyRevoked, NotFound | CallError>
    /**
     * A ticket that opens one socket, once, within 60 s, with the rights of the client's key (`POST /v1/auth/ws-ticket`,
     * contract 4.2). Sockets of the SDK get their own.
     */
    readonly ticket: (options?: CallOptions) => Effect.Effect<WsTicket, CallError>
  }
}

const make = (client: Client.Service): Keys.Service => {
  const calls = Calls.make(client, "Keys")
  const create = calls.tenant("create", Api.createInTenant)
  const list = calls.tenant("list", Api.listInTenant)
  const revoke = calls.tenant("revoke", Api.revokeInTenant)
  const createPublic = calls.unary("createPublic", Api.create)
  const listAll = calls.unary("listAll", Api.listAll)
  const revokeAny = calls.unary("revokeAny", Api.revoke)
  const ticket = calls.unary("ticket", Api.ticket)
  return {
    create: (key, options) =>
      calls.withRole(
        calls.info("create", Api.createInTenant),
        key.role,
        create((tenant_id) => ({ path: { tenant_id }, payload: key }), options)
      ),
    list: (options) => Effect.map(list((tenant_id) => ({ path: { tenant_id } }), options), Calls.itemsOf),
    revoke: (key_id, options) => revoke((tenant_id) => ({ path: { tenant_id, key_id } }), options),
    createPublic: (key, options) =>
      calls.withRole(calls.info("createPublic", Api.create), key.role, createPublic({ payload: key }, options)),
    listAll: (options) => Effect.map(listAll({}, options), Calls.itemsOf),
    revokeAny: (key_id, options) => revokeAny({ path: { key_id } }, options),
    ticket: (options) => ticket({}, options)
  }
}
