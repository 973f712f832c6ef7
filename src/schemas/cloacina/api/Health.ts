/**
 * Health and readiness (contract 4.1).
 *
 * @since 0.1.0
 */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import { declare } from "../../core/Endpoint.js"
import { HealthStatus, NotReadyBody, ReadyBody } from "../Health.js"

/**
 * `GET /health`: alive.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const health = declare(
  HttpApiEndpoint.get("health", "/health").addSuccess(HealthStatus),
  { repeat: "safe", errors: [], isPublic: true }
)

/**
 * `GET /ready`: 200 when ready, 503 with a reason when not.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const ready = declare(
  HttpApiEndpoint.get("ready", "/ready").addSuccess(ReadyBody).addSuccess(NotReadyBody, { status: 503 }),
  { repeat: "safe", errors: [], isPublic: true }
)
