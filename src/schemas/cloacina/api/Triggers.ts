/**
 * Triggers and schedules (contract 4.10).
 *
 * @since 0.1.0
 */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as Schema from "effect/Schema"
import { declare } from "../../core/Endpoint.js"
import { NotFound, PayloadTooLarge } from "../../core/Errors.js"
import { QueryInteger, tenantList } from "../Common.js"
import { DeclaredSurface } from "../Slots.js"
import { FireTrigger, TriggerDetail, TriggerFired, TriggerPaused, TriggerSchedule } from "../Triggers.js"

/**
 * `GET /v1/tenants/{tenant_id}/triggers`: all schedules, instances included, newest first.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const listAll = declare(
  HttpApiEndpoint.get("listAll", "/v1/tenants/:tenant_id/triggers").setPath(Schema.Struct({ tenant_id: Schema.String }))
    .setUrlParams(
      Schema.Struct({
        limit: Schema.optional(QueryInteger),
        offset: Schema.optional(QueryInteger)
      })
    ).addSuccess(tenantList(TriggerSchedule)),
  { repeat: "safe", errors: [] }
)

/**
 * `GET /v1/tenants/{tenant_id}/triggers/{name}`: by trigger or workflow name.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const get = declare(
  HttpApiEndpoint.get("get", "/v1/tenants/:tenant_id/triggers/:name").setPath(
    Schema.Struct({ tenant_id: Schema.String, name: Schema.String })
  ).addSuccess(TriggerDetail),
  { repeat: "safe", errors: [NotFound] }
)

/**
 * `POST /v1/tenants/{tenant_id}/triggers/{name}/pause`: the newest schedule of that name.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const pause = declare(
  HttpApiEndpoint.post("pause", "/v1/tenants/:tenant_id/triggers/:name/pause").setPath(
    Schema.Struct({ tenant_id: Schema.String, name: Schema.String })
  ).addSuccess(TriggerPaused),
  { repeat: "never", errors: [NotFound] }
)

/**
 * `POST /v1/tenants/{tenant_id}/triggers/{name}/resume`: the newest schedule of that name.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const resume = declare(
  HttpApiEndpoint.post("resume", "/v1/tenants/:tenant_id/triggers/:name/resume").setPath(
    Schema.Struct({ tenant_id: Schema.String, name: Schema.String })
  ).addSuccess(TriggerPaused),
  { repeat: "never", errors: [NotFound] }
)

/**
 * `POST /v1/tenants/{tenant_id}/triggers/{name}/fire`: by trigger name only, paused or not.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const fire = declare(
  HttpApiEndpoint.post("fire", "/v1/tenants/:tenant_id/triggers/:name/fire").setPath(
    Schema.Struct({ tenant_id: Schema.String, name: Schema.String })
  ).setPayload(FireTrigger).addSuccess(TriggerFired),
  { repeat: "never", errors: [NotFound, PayloadTooLarge] }
)

/**
 * `GET /v1/tenants/{tenant_id}/triggers/{name}/interface`: what its subscribers take.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const surface = declare(
  HttpApiEndpoint.get("surface", "/v1/tenants/:tenant_id/triggers/:name/interface").setPath(
    Schema.Struct({ tenant_id: Schema.String, name: Schema.String })
  ).addSuccess(DeclaredSurface),
  { repeat: "safe", errors: [] }
)
