/**
 * Local accounts of a tenant: who may log in.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type { Account, AccountAction } from "../../schemas/cloacina/Accounts.js"
import * as Api from "../../schemas/cloacina/api/Accounts.js"
import type { CallError } from "../../schemas/cloacina/Errors.js"
import type { KeyRole } from "../../schemas/cloacina/Keys.js"
import type { NotFound, PayloadTooLarge } from "../../schemas/core/Errors.js"
import type { TenantOptions } from "./Client.js"
import { Client } from "./Client.js"
import * as Calls from "./internal/calls.js"

/**
 * An account to make. The server takes any text as a role, and any but `write` and `admin` acts as `read`: here it is
 * one of the three.
 *
 * @since 0.1.0
 * @category models
 */
export interface NewAccount {
  /** Unique in its tenant. */
  readonly username: string
  readonly password: string | Redacted.Redacted
  readonly role: KeyRole
}

/**
 * Local accounts. All calls need an admin key of the tenant.
 *
 * @since 0.1.0
 * @category context
 */
export class Accounts extends Context.Tag("effect-switchyard/cloacina/Accounts")<Accounts, Accounts.Service>() {
  /**
   * The service over HTTP.
   *
   * @since 0.1.0
   */
  static readonly layer: Layer.Layer<Accounts, never, Client> = Layer.effect(
    this,
    Effect.map(Client, (client) => make(client))
  )
}

/**
 * @since 0.1.0
 */
export declare namespace Accounts {
  /**
   * @since 0.1.0
   * @category models
   */
  export interface Service {
    /**
     * Makes an account (`POST /v1/tenants/{tenant_id}/accounts`, contract 4.4). A name that is taken is `Internal`: the
     * server does not tell it from other failures.
     */
    readonly create: (
      account: NewAccount,
      options?: TenantOptions
    ) => Effect.Effect<Account, PayloadTooLarge | CallError>
    /** All accounts, newest first, disabled ones included (`GET /v1/tenants/{tenant_id}/accounts`, contract 4.4). */
    readonly list: (options?: TenantOptions) => Effect.Effect<ReadonlyArray<Account>, CallError>
    /**
     * Disables an account for good (`DELETE /v1/tenants/{tenant_id}/accounts/{account_id}`, contract 4.4). Keys of its
     * logins live on until they expire. Repeating it is a success.
     */
    readonly disable: (accountId: string, options?: TenantOptions) => Effect.Effect<AccountAction, NotFound | CallError>
    /**
     * Sets another password (`POST /v1/tenants/{tenant_id}/accounts/{account_id}/password`, contract 4.4). Keys of its
     * logins live on.
     */
    readonly resetPassword: (
      accountId: string,
      password: string | Redacted.Redacted,
      options?: TenantOptions
    ) => Effect.Effect<AccountAction, NotFound | PayloadTooLarge | CallError>
  }
}

const passwordOf = (input: { readonly payload: { readonly password: Redacted.Redacted } }) => [
  Redacted.value(input.payload.password)
]

const make = (client: Client.Service): Accounts.Service => {
  const calls = Calls.make(client, "Accounts")
  const create = calls.tenant("create", Api.create, { secrets: passwordOf })
  const list = calls.tenant("list", Api.listAll)
  const disable = calls.tenant("disable", Api.disable)
  const resetPassword = calls.tenant("resetPassword", Api.resetPassword, { secrets: passwordOf })
  return {
    create: ({ password, role, username }, options) =>
      calls.withRole(
        calls.info("create", Api.create),
        role,
        create(
          (tenant_id) => ({ path: { tenant_id }, payload: { username, password: Calls.redacted(password), role } }),
          options
        )
      ),
    list: (options) => Effect.map(list((tenant_id) => ({ path: { tenant_id } }), options), Calls.itemsOf),
    disable: (account_id, options) => disable((tenant_id) => ({ path: { tenant_id, account_id } }), options),
    resetPassword: (account_id, password, options) =>
      resetPassword(
        (tenant_id) => ({ path: { tenant_id, account_id }, payload: { password: Calls.redacted(password) } }),
        options
      )
  }
}
