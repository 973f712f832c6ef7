/**
 * What the server says about itself (contract 4.1).
 *
 * @since 0.1.0
 */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import * as Schema from "effect/Schema"
import { declare } from "../../core/Endpoint.js"

/**
 * `GET /metrics`: Prometheus text.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const metrics = declare(
  HttpApiEndpoint.get("metrics", "/metrics").addSuccess(
    Schema.String.pipe(HttpApiSchema.withEncoding({ kind: "Text", contentType: "text/plain" }))
  ),
  { repeat: "safe", errors: [], isPublic: true }
)

/**
 * `GET /openapi.json`: the OpenAPI document.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const openapi = declare(
  HttpApiEndpoint.get("openapi", "/openapi.json").addSuccess(
    Schema.Record({ key: Schema.String, value: Schema.Unknown })
  ),
  { repeat: "safe", errors: [], isPublic: true }
)
