/**
 * Tenants (contract 4.5).
 *
 * @since 0.1.0
 */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as Schema from "effect/Schema"
import { declare } from "../../core/Endpoint.js"
import { PayloadTooLarge } from "../../core/Errors.js"
import { list } from "../Common.js"
import { CreateTenant, Tenant, TenantCreated, TenantRemoved } from "../Tenants.js"

/**
 * `POST /v1/tenants`: schema, role and tables.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const create = declare(
  HttpApiEndpoint.post("create", "/v1/tenants").setPayload(CreateTenant).addSuccess(TenantCreated, { status: 201 }),
  { repeat: "never", errors: [PayloadTooLarge] }
)

/**
 * `GET /v1/tenants`: all but `public`, by name.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const listAll = declare(
  HttpApiEndpoint.get("listAll", "/v1/tenants").addSuccess(list(Tenant)),
  { repeat: "safe", errors: [] }
)

/**
 * `DELETE /v1/tenants/{schema_name}`: unknown tenants succeed.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const remove = declare(
  HttpApiEndpoint.del("remove", "/v1/tenants/:schema_name").setPath(Schema.Struct({ schema_name: Schema.String }))
    .addSuccess(TenantRemoved),
  { repeat: "idempotent", errors: [] }
)
