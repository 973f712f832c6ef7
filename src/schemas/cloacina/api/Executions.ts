/**
 * Executions (contract 4.9).
 *
 * @since 0.1.0
 */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as Schema from "effect/Schema"
import { declare } from "../../core/Endpoint.js"
import { Conflict, NotFound, PayloadTooLarge } from "../../core/Errors.js"
import { QueryInteger, tenantList } from "../Common.js"
import {
  ExecuteAccepted,
  ExecuteRequest,
  ExecutionDetail,
  ExecutionEvents,
  ExecutionSummary,
  ExecutionTasks
} from "../Executions.js"

/**
 * `POST /v1/tenants/{tenant_id}/workflows/{name}/execute`: by workflow name.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const execute = declare(
  HttpApiEndpoint.post("execute", "/v1/tenants/:tenant_id/workflows/:name/execute").setPath(
    Schema.Struct({ tenant_id: Schema.String, name: Schema.String })
  ).setPayload(ExecuteRequest).addSuccess(ExecuteAccepted, { status: 202 }),
  { repeat: "never", errors: [NotFound, Conflict, PayloadTooLarge] }
)

/**
 * `GET /v1/tenants/{tenant_id}/executions`: newest first.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const listAll = declare(
  HttpApiEndpoint.get("listAll", "/v1/tenants/:tenant_id/executions").setPath(
    Schema.Struct({ tenant_id: Schema.String })
  ).setUrlParams(Schema.Struct({
    status: Schema.optional(Schema.String),
    workflow: Schema.optional(Schema.String),
    limit: Schema.optional(QueryInteger),
    offset: Schema.optional(QueryInteger)
  })).addSuccess(tenantList(ExecutionSummary)),
  { repeat: "safe", errors: [] }
)

/**
 * `GET /v1/tenants/{tenant_id}/executions/{exec_id}`: the status of one.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const get = declare(
  HttpApiEndpoint.get("get", "/v1/tenants/:tenant_id/executions/:exec_id").setPath(
    Schema.Struct({ tenant_id: Schema.String, exec_id: Schema.String })
  ).addSuccess(ExecutionDetail),
  { repeat: "safe", errors: [NotFound] }
)

/**
 * `GET /v1/tenants/{tenant_id}/executions/{exec_id}/events`: the whole log; empty for unknown ids.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const events = declare(
  HttpApiEndpoint.get("events", "/v1/tenants/:tenant_id/executions/:exec_id/events").setPath(
    Schema.Struct({ tenant_id: Schema.String, exec_id: Schema.String })
  ).addSuccess(ExecutionEvents),
  { repeat: "safe", errors: [] }
)

/**
 * `GET /v1/tenants/{tenant_id}/executions/{exec_id}/tasks`: its tasks, in no order; empty for unknown ids.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const tasks = declare(
  HttpApiEndpoint.get("tasks", "/v1/tenants/:tenant_id/executions/:exec_id/tasks").setPath(
    Schema.Struct({ tenant_id: Schema.String, exec_id: Schema.String })
  ).addSuccess(ExecutionTasks),
  { repeat: "safe", errors: [] }
)
