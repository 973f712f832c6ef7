/**
 * Secrets (contract 4.6).
 *
 * @since 0.1.0
 */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as Schema from "effect/Schema"
import { declare } from "../../core/Endpoint.js"
import { Conflict, NotFound, PayloadTooLarge } from "../../core/Errors.js"
import { list } from "../Common.js"
import { CreateSecret, RotateSecret, SecretDeleted, SecretInfo } from "../Secrets.js"

/**
 * `POST /v1/tenants/{tenant_id}/secrets`: a taken name is 409.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const create = declare(
  HttpApiEndpoint.post("create", "/v1/tenants/:tenant_id/secrets").setPath(Schema.Struct({ tenant_id: Schema.String }))
    .setPayload(CreateSecret).addSuccess(SecretInfo, { status: 201 }),
  { repeat: "never", errors: [Conflict, PayloadTooLarge] }
)

/**
 * `GET /v1/tenants/{tenant_id}/secrets`: metadata of all secrets, in no order.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const listAll = declare(
  HttpApiEndpoint.get("listAll", "/v1/tenants/:tenant_id/secrets").setPath(Schema.Struct({ tenant_id: Schema.String }))
    .addSuccess(list(SecretInfo)),
  { repeat: "safe", errors: [] }
)

/**
 * `GET /v1/tenants/{tenant_id}/secrets/{name}`: metadata of one.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const get = declare(
  HttpApiEndpoint.get("get", "/v1/tenants/:tenant_id/secrets/:name").setPath(
    Schema.Struct({ tenant_id: Schema.String, name: Schema.String })
  ).addSuccess(SecretInfo),
  { repeat: "safe", errors: [NotFound] }
)

/**
 * `PUT /v1/tenants/{tenant_id}/secrets/{name}`: other fields in place of all.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const rotate = declare(
  HttpApiEndpoint.put("rotate", "/v1/tenants/:tenant_id/secrets/:name").setPath(
    Schema.Struct({ tenant_id: Schema.String, name: Schema.String })
  ).setPayload(RotateSecret).addSuccess(SecretInfo),
  { repeat: "never", errors: [NotFound, PayloadTooLarge] }
)

/**
 * `DELETE /v1/tenants/{tenant_id}/secrets/{name}`: a second deletion is 404.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const remove = declare(
  HttpApiEndpoint.del("remove", "/v1/tenants/:tenant_id/secrets/:name").setPath(
    Schema.Struct({ tenant_id: Schema.String, name: Schema.String })
  ).addSuccess(SecretDeleted),
  { repeat: "never", errors: [NotFound] }
)
