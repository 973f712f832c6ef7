/**
 * Secrets of a tenant: values go in and never come out.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Record from "effect/Record"
import * as Redacted from "effect/Redacted"
import * as Api from "../../schemas/cloacina/api/Secrets.js"
import type { CallError } from "../../schemas/cloacina/Errors.js"
import type { SecretDeleted, SecretFields, SecretInfo } from "../../schemas/cloacina/Secrets.js"
import type { Conflict, NotFound, PayloadTooLarge } from "../../schemas/core/Errors.js"
import type { TenantOptions } from "./Client.js"
import { Client } from "./Client.js"
import * as Calls from "./internal/calls.js"

/**
 * The fields of a secret, by name.
 *
 * @since 0.1.0
 * @category models
 */
export interface SecretValues {
  readonly [field: string]: string | Redacted.Redacted
}

/**
 * A secret to make.
 *
 * @since 0.1.0
 * @category models
 */
export interface NewSecret {
  readonly name: string
  readonly fields: SecretValues
}

/**
 * Secrets. All calls need an admin key of the tenant, and fail with `Unavailable` (code `secrets_not_configured`) where
 * the server has no key to encrypt them with.
 *
 * @example
 * ```ts
 * import * as Cloacina from "effect-switchyard/cloacina"
 * import * as Config from "effect/Config"
 * import * as Effect from "effect/Effect"
 *
 * export const keep = Effect.gen(function*() {
 *   const secrets = yield* Cloacina.Secrets
 *   const password = yield* Config.redacted("WAREHOUSE_PASSWORD")
 *   return yield* secrets.create({ name: "warehouse", fields: { user: "etl", password } })
 * })
 * ```
 *
 * @since 0.1.0
 * @category context
 */
export class Secrets extends Context.Tag("effect-switchyard/cloacina/Secrets")<Secrets, Secrets.Service>() {
  /**
   * The service over HTTP.
   *
   * @since 0.1.0
   */
  static readonly layer: Layer.Layer<Secrets, never, Client> = Layer.effect(
    this,
    Effect.map(Client, (client) => make(client))
  )
}

/**
 * @since 0.1.0
 */
export declare namespace Secrets {
  /**
   * @since 0.1.0
   * @category models
   */
  export interface Service {
    /**
     * Makes a secret (`POST /v1/tenants/{tenant_id}/secrets`, contract 4.6). `Conflict` (`secret_exists`) when the name
     * is taken.
     */
    readonly create: (
      secret: NewSecret,
      options?: TenantOptions
    ) => Effect.Effect<SecretInfo, Conflict | PayloadTooLarge | CallError>
    /** What may be known of all secrets, in no order (`GET /v1/tenants/{tenant_id}/secrets`, contract 4.6). */
    readonly list: (options?: TenantOptions) => Effect.Effect<ReadonlyArray<SecretInfo>, CallError>
    /** What may be known of one secret (`GET /v1/tenants/{tenant_id}/secrets/{name}`, contract 4.6). */
    readonly get: (name: string, options?: TenantOptions) => Effect.Effect<SecretInfo, NotFound | CallError>
    /**
     * Puts other fields in place of all (`PUT /v1/tenants/{tenant_id}/secrets/{name}`, contract 4.6): those that are not
     * given are gone. In a browser the server must allow `PUT` (contract 2.7).
     */
    readonly rotate: (
      name: string,
      fields: SecretValues,
      options?: TenantOptions
    ) => Effect.Effect<SecretInfo, NotFound | PayloadTooLarge | CallError>
    /** Deletes a secret (`DELETE /v1/tenants/{tenant_id}/secrets/{name}`, contract 4.6). A second time is `NotFound`. */
    readonly remove: (name: string, options?: TenantOptions) => Effect.Effect<SecretDeleted, NotFound | CallError>
  }
}

const valuesOf = (input: { readonly payload: { readonly fields: SecretFields } }) =>
  Object.values(input.payload.fields).map(Redacted.value)

const make = (client: Client.Service): Secrets.Service => {
  const calls = Calls.make(client, "Secrets")
  const create = calls.tenant("create", Api.create, { secrets: valuesOf })
  const list = calls.tenant("list", Api.listAll)
  const get = calls.tenant("get", Api.get)
  const rotate = calls.tenant("rotate", Api.rotate, { secrets: valuesOf })
  const remove = calls.tenant("remove", Api.remove)
  return {
    create: ({ fields, name }, options) =>
      create(
        (tenant_id) => ({ path: { tenant_id }, payload: { name, fields: Record.map(fields, Calls.redacted) } }),
        options
      ),
    list: (options) => Effect.map(list((tenant_id) => ({ path: { tenant_id } }), options), Calls.itemsOf),
    get: (name, options) => get((tenant_id) => ({ path: { tenant_id, name } }), options),
    rotate: (name, fields, options) =>
      rotate(
        (tenant_id) => ({ path: { tenant_id, name }, payload: { fields: Record.map(fields, Calls.redacted) } }),
        options
      ),
    remove: (name, options) => remove((tenant_id) => ({ path: { tenant_id, name } }), options)
  }
}
