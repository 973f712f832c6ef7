/**
 * The three sockets (contract 4.14, 6). They are not in the published OpenAPI document.
 *
 * @since 0.1.0
 */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as Schema from "effect/Schema"
import { declare } from "../../core/Endpoint.js"

const named = Schema.Struct({ name: Schema.String })

/**
 * `GET /v1/ws/delivery/{recipient}`: pushes to a recipient.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const delivery = declare(
  HttpApiEndpoint.get("delivery", "/v1/ws/delivery/:recipient").setPath(Schema.Struct({ recipient: Schema.String })),
  { repeat: "never", errors: [] }
)

/**
 * `GET /v1/ws/reactor/{name}`: commands to a reactor.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const reactor = declare(
  HttpApiEndpoint.get("reactor", "/v1/ws/reactor/:name").setPath(named),
  { repeat: "never", errors: [] }
)

/**
 * `GET /v1/ws/accumulator/{name}`: events into an accumulator.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const accumulator = declare(
  HttpApiEndpoint.get("accumulator", "/v1/ws/accumulator/:name").setPath(named),
  { repeat: "never", errors: [] }
)
