/**
 * Local accounts (contract 4.4).
 *
 * @since 0.1.0
 */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as Schema from "effect/Schema"
import { declare } from "../../core/Endpoint.js"
import { NotFound, PayloadTooLarge } from "../../core/Errors.js"
import { Account, AccountAction, CreateAccount, ResetPassword } from "../Accounts.js"
import { list } from "../Common.js"

/**
 * `POST /v1/tenants/{tenant_id}/accounts`: a taken name is 500.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const create = declare(
  HttpApiEndpoint.post("create", "/v1/tenants/:tenant_id/accounts").setPath(Schema.Struct({ tenant_id: Schema.String }))
    .setPayload(CreateAccount).addSuccess(Account, { status: 201 }),
  { repeat: "never", errors: [PayloadTooLarge] }
)

/**
 * `GET /v1/tenants/{tenant_id}/accounts`: newest first, disabled ones included.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const listAll = declare(
  HttpApiEndpoint.get("listAll", "/v1/tenants/:tenant_id/accounts").setPath(Schema.Struct({ tenant_id: Schema.String }))
    .addSuccess(list(Account)),
  { repeat: "safe", errors: [] }
)

/**
 * `DELETE /v1/tenants/{tenant_id}/accounts/{account_id}`: repeating it is a success.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const disable = declare(
  HttpApiEndpoint.del("disable", "/v1/tenants/:tenant_id/accounts/:account_id").setPath(
    Schema.Struct({ tenant_id: Schema.String, account_id: Schema.String })
  ).addSuccess(AccountAction),
  { repeat: "idempotent", errors: [NotFound] }
)

/**
 * `POST /v1/tenants/{tenant_id}/accounts/{account_id}/password`: keys live on.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const resetPassword = declare(
  HttpApiEndpoint.post("resetPassword", "/v1/tenants/:tenant_id/accounts/:account_id/password").setPath(
    Schema.Struct({ tenant_id: Schema.String, account_id: Schema.String })
  ).setPayload(ResetPassword).addSuccess(AccountAction),
  { repeat: "never", errors: [NotFound, PayloadTooLarge] }
)
