/**
 * Workflow packages (contract 4.7).
 *
 * @since 0.1.0
 */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as Schema from "effect/Schema"
import { declare } from "../../core/Endpoint.js"
import { NotFound, PayloadTooLarge } from "../../core/Errors.js"
import { tenantList } from "../Common.js"
import {
  PackageForm,
  WorkflowDeleted,
  WorkflowDetail,
  WorkflowPaused,
  WorkflowSource,
  WorkflowSummary,
  WorkflowUploaded
} from "../Workflows.js"

/**
 * `POST /v1/tenants/{tenant_id}/workflows`: a package as the part `file` of a form. The server says 400 to one that is too
 * large, a proxy 413.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const upload = declare(
  HttpApiEndpoint.post("upload", "/v1/tenants/:tenant_id/workflows").setPath(
    Schema.Struct({ tenant_id: Schema.String })
  ).setPayload(PackageForm).addSuccess(WorkflowUploaded, { status: 201 }),
  { repeat: "never", errors: [PayloadTooLarge] }
)

/**
 * `GET /v1/tenants/{tenant_id}/workflows`: built packages, in no order.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const listAll = declare(
  HttpApiEndpoint.get("listAll", "/v1/tenants/:tenant_id/workflows").setPath(
    Schema.Struct({ tenant_id: Schema.String })
  ).addSuccess(tenantList(WorkflowSummary)),
  { repeat: "safe", errors: [] }
)

/**
 * `GET /v1/tenants/{tenant_id}/workflows/{name}`: by package name or id.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const get = declare(
  HttpApiEndpoint.get("get", "/v1/tenants/:tenant_id/workflows/:name").setPath(
    Schema.Struct({ tenant_id: Schema.String, name: Schema.String })
  ).addSuccess(WorkflowDetail),
  { repeat: "safe", errors: [NotFound] }
)

/**
 * `GET /v1/tenants/{tenant_id}/workflows/{name}/source`: text files, by package name or id.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const source = declare(
  HttpApiEndpoint.get("source", "/v1/tenants/:tenant_id/workflows/:name/source").setPath(
    Schema.Struct({ tenant_id: Schema.String, name: Schema.String })
  ).addSuccess(WorkflowSource),
  { repeat: "safe", errors: [NotFound] }
)

/**
 * `POST /v1/tenants/{tenant_id}/workflows/{name}/pause`: by workflow or package name.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const pause = declare(
  HttpApiEndpoint.post("pause", "/v1/tenants/:tenant_id/workflows/:name/pause").setPath(
    Schema.Struct({ tenant_id: Schema.String, name: Schema.String })
  ).addSuccess(WorkflowPaused),
  { repeat: "never", errors: [NotFound] }
)

/**
 * `POST /v1/tenants/{tenant_id}/workflows/{name}/resume`: by workflow or package name.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const resume = declare(
  HttpApiEndpoint.post("resume", "/v1/tenants/:tenant_id/workflows/:name/resume").setPath(
    Schema.Struct({ tenant_id: Schema.String, name: Schema.String })
  ).addSuccess(WorkflowPaused),
  { repeat: "never", errors: [NotFound] }
)

/**
 * `DELETE /v1/tenants/{tenant_id}/workflows/{name}/{version}`: by package name; what is not there is deleted too.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const remove = declare(
  HttpApiEndpoint.del("remove", "/v1/tenants/:tenant_id/workflows/:name/:version").setPath(
    Schema.Struct({ tenant_id: Schema.String, name: Schema.String, version: Schema.String })
  ).addSuccess(WorkflowDeleted),
  { repeat: "idempotent", errors: [NotFound] }
)
