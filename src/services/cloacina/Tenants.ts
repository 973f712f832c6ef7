/**
 * Tenants of a Cloacina server.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Api from "../../schemas/cloacina/api/Tenants.js"
import type { CallError } from "../../schemas/cloacina/Errors.js"
import type { Tenant, TenantCreated, TenantRemoved } from "../../schemas/cloacina/Tenants.js"
import { tenantNameIssue } from "../../schemas/cloacina/Tenants.js"
import type { PayloadTooLarge } from "../../schemas/core/Errors.js"
import type { CallOptions } from "../core/CallOptions.js"
import { Client } from "./Client.js"
import * as Calls from "./internal/calls.js"

/**
 * A tenant to make.
 *
 * @since 0.1.0
 * @category models
 */
export interface NewTenant {
  /** 1–63 lower-case letters, digits and `_`, no digit first. */
  readonly name: string
  /** Echoed in the answer, and kept nowhere. */
  readonly description?: string | undefined
  /** Of the tenant's database role; the server makes one up when absent. */
  readonly password?: string | Redacted.Redacted | undefined
}

/**
 * Tenants. All calls need a god key.
 *
 * @since 0.1.0
 * @category context
 */
export class Tenants extends Context.Tag("effect-switchyard/cloacina/Tenants")<Tenants, Tenants.Service>() {
  /**
   * The service over HTTP.
   *
   * @since 0.1.0
   */
  static readonly layer: Layer.Layer<Tenants, never, Client> = Layer.effect(
    this,
    Effect.map(Client, (client) => make(client))
  )
}

/**
 * @since 0.1.0
 */
export declare namespace Tenants {
  /**
   * @since 0.1.0
   * @category models
   */
  export interface Service {
    /**
     * Makes a tenant: schema, database role, tables (`POST /v1/tenants`, contract 4.5). Its time-out is 70 s.
     *
     * Fails with `InvalidInput` before any request for a name that the server refuses, or that it takes and could not
     * use afterwards (upper case, contract 9.3), and after it for one that is taken.
     */
    readonly create: (
      tenant: NewTenant,
      options?: CallOptions
    ) => Effect.Effect<TenantCreated, PayloadTooLarge | CallError>
    /** All tenants but `public`, by name; schemas that are no tenants appear too (`GET /v1/tenants`, contract 4.5). */
    readonly list: (options?: CallOptions) => Effect.Effect<ReadonlyArray<Tenant>, CallError>
    /**
     * Revokes the keys of a tenant and shuts its runner down (`DELETE /v1/tenants/{schema_name}`, contract 4.5). Unknown
     * tenants succeed. The schema of a tenant made over the API stays, and so does its name (contract 9.2). Its time-out
     * is 70 s, since the runner gets 30.
     */
    readonly remove: (name: string, options?: CallOptions) => Effect.Effect<TenantRemoved, CallError>
  }
}

const make = (client: Client.Service): Tenants.Service => {
  const calls = Calls.make(client, "Tenants")
  const create = calls.unary("create", Api.create, {
    total: "70 seconds",
    secrets: ({ payload }) => payload.password === undefined ? [] : [Redacted.value(payload.password)]
  })
  const list = calls.unary("list", Api.listAll)
  const remove = calls.unary("remove", Api.remove, { total: "70 seconds" })
  return {
    create: ({ description, name, password }, options) =>
      Option.match(tenantNameIssue(name), {
        onNone: () =>
          create({
            payload: { name, description, password: password === undefined ? undefined : Calls.redacted(password) }
          }, options),
        onSome: (issue) =>
          Effect.fail(
            Calls.invalid(calls.info("create", Api.create), "name", issue)
          )
      }),
    list: (options) => Effect.map(list({}, options), Calls.itemsOf),
    remove: (schema_name, options) => remove({ path: { schema_name } }, options)
  }
}
