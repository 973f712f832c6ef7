/**
 * API keys and tickets (contract 4.2).
 *
 * @since 0.1.0
 */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as Schema from "effect/Schema"
import { declare } from "../../core/Endpoint.js"
import { NotFound, PayloadTooLarge } from "../../core/Errors.js"
import { list } from "../Common.js"
import { CreateKey, KeyCreated, KeyInfo, KeyRevoked, WsTicket } from "../Keys.js"

/**
 * `POST /v1/auth/keys`: a key of tenant `public`, never a global one.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const create = declare(
  HttpApiEndpoint.post("create", "/v1/auth/keys").setPayload(CreateKey).addSuccess(KeyCreated, { status: 201 }),
  { repeat: "never", errors: [PayloadTooLarge] }
)

/**
 * `GET /v1/auth/keys`: all keys of all tenants, newest first.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const listAll = declare(
  HttpApiEndpoint.get("listAll", "/v1/auth/keys").addSuccess(list(KeyInfo)),
  { repeat: "safe", errors: [] }
)

/**
 * `DELETE /v1/auth/keys/{key_id}`: a second revocation is 404.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const revoke = declare(
  HttpApiEndpoint.del("revoke", "/v1/auth/keys/:key_id").setPath(Schema.Struct({ key_id: Schema.String })).addSuccess(
    KeyRevoked
  ),
  { repeat: "never", errors: [NotFound] }
)

/**
 * `POST /v1/tenants/{tenant_id}/keys`: a key of the tenant.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const createInTenant = declare(
  HttpApiEndpoint.post("createInTenant", "/v1/tenants/:tenant_id/keys").setPath(
    Schema.Struct({ tenant_id: Schema.String })
  ).setPayload(CreateKey).addSuccess(KeyCreated, { status: 201 }),
  { repeat: "never", errors: [PayloadTooLarge] }
)

/**
 * `GET /v1/tenants/{tenant_id}/keys`: the keys of the tenant, newest first.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const listInTenant = declare(
  HttpApiEndpoint.get("listInTenant", "/v1/tenants/:tenant_id/keys").setPath(
    Schema.Struct({ tenant_id: Schema.String })
  ).addSuccess(list(KeyInfo)),
  { repeat: "safe", errors: [] }
)

/**
 * `DELETE /v1/tenants/{tenant_id}/keys/{key_id}`: a key of another tenant is 404.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const revokeInTenant = declare(
  HttpApiEndpoint.del("revokeInTenant", "/v1/tenants/:tenant_id/keys/:key_id").setPath(
    Schema.Struct({ tenant_id: Schema.String, key_id: Schema.String })
  ).addSuccess(KeyRevoked),
  { repeat: "never", errors: [NotFound] }
)

/**
 * `POST /v1/auth/ws-ticket`: a ticket for one socket, valid 60 s.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const ticket = declare(
  HttpApiEndpoint.post("ticket", "/v1/auth/ws-ticket").addSuccess(WsTicket),
  { repeat: "never", errors: [] }
)
