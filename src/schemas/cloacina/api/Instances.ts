/**
 * Instances (contract 4.8).
 *
 * @since 0.1.0
 */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as Schema from "effect/Schema"
import { declare } from "../../core/Endpoint.js"
import { Conflict, NotFound, PayloadTooLarge } from "../../core/Errors.js"
import { QueryInteger, tenantList } from "../Common.js"
import { CreateInstance, InstanceDeleted, WorkflowInstance } from "../Instances.js"

/**
 * `POST /v1/tenants/{tenant_id}/workflows/{name}/instances`: of a workflow name, known or not.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const create = declare(
  HttpApiEndpoint.post("create", "/v1/tenants/:tenant_id/workflows/:name/instances").setPath(
    Schema.Struct({ tenant_id: Schema.String, name: Schema.String })
  ).setPayload(CreateInstance).addSuccess(WorkflowInstance),
  { repeat: "never", errors: [Conflict, PayloadTooLarge] }
)

/**
 * `GET /v1/tenants/{tenant_id}/workflows/{name}/instances`: newest first.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const listAll = declare(
  HttpApiEndpoint.get("listAll", "/v1/tenants/:tenant_id/workflows/:name/instances").setPath(
    Schema.Struct({ tenant_id: Schema.String, name: Schema.String })
  ).setUrlParams(
    Schema.Struct({ limit: Schema.optional(QueryInteger), offset: Schema.optional(QueryInteger) })
  ).addSuccess(tenantList(WorkflowInstance)),
  { repeat: "safe", errors: [] }
)

/**
 * `GET /v1/tenants/{tenant_id}/workflows/{name}/instances/{instance}`: one instance.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const get = declare(
  HttpApiEndpoint.get("get", "/v1/tenants/:tenant_id/workflows/:name/instances/:instance").setPath(
    Schema.Struct({ tenant_id: Schema.String, name: Schema.String, instance: Schema.String })
  ).addSuccess(WorkflowInstance),
  { repeat: "safe", errors: [NotFound] }
)

/**
 * `DELETE /v1/tenants/{tenant_id}/workflows/{name}/instances/{instance}`: a second deletion is 404.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const remove = declare(
  HttpApiEndpoint.del("remove", "/v1/tenants/:tenant_id/workflows/:name/instances/:instance").setPath(
    Schema.Struct({ tenant_id: Schema.String, name: Schema.String, instance: Schema.String })
  ).addSuccess(InstanceDeleted),
  { repeat: "never", errors: [NotFound] }
)
