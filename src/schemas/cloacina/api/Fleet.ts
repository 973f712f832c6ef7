/**
 * Agents, limits, scale, compiler (contract 4.12).
 *
 * @since 0.1.0
 */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as Schema from "effect/Schema"
import { declare } from "../../core/Endpoint.js"
import { Conflict, PayloadTooLarge } from "../../core/Errors.js"
import { list } from "../Common.js"
import { Agent, AgentLimit, CompilerStatus, FleetScale, SetAgentLimit } from "../Fleet.js"

/**
 * `GET /v1/agents`: live agents.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const listAgents = declare(
  HttpApiEndpoint.get("listAgents", "/v1/agents").addSuccess(list(Agent)),
  { repeat: "safe", errors: [] }
)

/**
 * `GET /v1/compiler/status`: builds of the tenant `public`.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const compiler = declare(
  HttpApiEndpoint.get("compiler", "/v1/compiler/status").addSuccess(CompilerStatus),
  { repeat: "safe", errors: [] }
)

/**
 * `GET /v1/tenants/{tenant_id}/limits`: how many agents a tenant may have.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const getLimit = declare(
  HttpApiEndpoint.get("getLimit", "/v1/tenants/:tenant_id/limits").setPath(Schema.Struct({ tenant_id: Schema.String }))
    .addSuccess(AgentLimit),
  { repeat: "safe", errors: [] }
)

/**
 * `POST /v1/tenants/{tenant_id}/limits`: an override for the tenant.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const setLimit = declare(
  HttpApiEndpoint.post("setLimit", "/v1/tenants/:tenant_id/limits").setPath(Schema.Struct({ tenant_id: Schema.String }))
    .setPayload(SetAgentLimit).addSuccess(AgentLimit),
  { repeat: "never", errors: [PayloadTooLarge] }
)

/**
 * `DELETE /v1/tenants/{tenant_id}/limits`: back to the default.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const removeLimit = declare(
  HttpApiEndpoint.del("removeLimit", "/v1/tenants/:tenant_id/limits").setPath(
    Schema.Struct({ tenant_id: Schema.String })
  ).addSuccess(AgentLimit),
  { repeat: "idempotent", errors: [] }
)

/**
 * `GET /v1/tenants/{tenant_id}/fleet`: wanted and live agents.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const getFleet = declare(
  HttpApiEndpoint.get("getFleet", "/v1/tenants/:tenant_id/fleet").setPath(Schema.Struct({ tenant_id: Schema.String }))
    .addSuccess(FleetScale),
  { repeat: "safe", errors: [] }
)

/**
 * `POST /v1/tenants/{tenant_id}/fleet/provision`: one more; 409 at the limit.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const provision = declare(
  HttpApiEndpoint.post("provision", "/v1/tenants/:tenant_id/fleet/provision").setPath(
    Schema.Struct({ tenant_id: Schema.String })
  ).addSuccess(FleetScale),
  { repeat: "never", errors: [Conflict] }
)

/**
 * `POST /v1/tenants/{tenant_id}/fleet/deprovision`: one less, never below none.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const deprovision = declare(
  HttpApiEndpoint.post("deprovision", "/v1/tenants/:tenant_id/fleet/deprovision").setPath(
    Schema.Struct({ tenant_id: Schema.String })
  ).addSuccess(FleetScale),
  { repeat: "never", errors: [] }
)
