/**
 * The protocol of execution agents (contract 4.13).
 *
 * @since 0.1.0
 */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import * as Schema from "effect/Schema"
import { declare } from "../../core/Endpoint.js"
import { NotFound, PayloadTooLarge } from "../../core/Errors.js"
import {
  AgentHeartbeat,
  AgentHeartbeatAnswer,
  AgentProviders,
  AgentRegister,
  AgentRegistered,
  AgentReplenish,
  AgentReplenished,
  AgentResult,
  AgentResultAnswer
} from "../AgentProtocol.js"

/**
 * `POST /v1/agent/register`: an agent of the tenant of the key.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const register = declare(
  HttpApiEndpoint.post("register", "/v1/agent/register").setPayload(AgentRegister).addSuccess(AgentRegistered),
  { repeat: "never", errors: [PayloadTooLarge] }
)

/**
 * `POST /v1/agent/heartbeat`: 404: register again.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const heartbeat = declare(
  HttpApiEndpoint.post("heartbeat", "/v1/agent/heartbeat").setPayload(AgentHeartbeat).addSuccess(AgentHeartbeatAnswer),
  { repeat: "never", errors: [NotFound, PayloadTooLarge] }
)

/**
 * `POST /v1/agent/keys`: refused by every server so far (403).
 *
 * @since 0.1.0
 * @category endpoints
 */
export const replenish = declare(
  HttpApiEndpoint.post("replenish", "/v1/agent/keys").setPayload(AgentReplenish).addSuccess(AgentReplenished),
  { repeat: "never", errors: [NotFound, PayloadTooLarge] }
)

/**
 * `POST /v1/agent/result`: unknown ids succeed.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const result = declare(
  HttpApiEndpoint.post("result", "/v1/agent/result").setPayload(AgentResult).addSuccess(AgentResultAnswer),
  { repeat: "never", errors: [PayloadTooLarge] }
)

/**
 * `GET /v1/agent/artifact/{digest}`: the built library; empty for Python.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const artifact = declare(
  HttpApiEndpoint.get("artifact", "/v1/agent/artifact/:digest").setPath(Schema.Struct({ digest: Schema.String }))
    .addSuccess(Schema.Uint8ArrayFromSelf.pipe(
      HttpApiSchema.withEncoding({ kind: "Uint8Array", contentType: "application/octet-stream" })
    )),
  { repeat: "safe", errors: [NotFound] }
)

/**
 * `GET /v1/agent/source/{digest}`: the package.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const source = declare(
  HttpApiEndpoint.get("source", "/v1/agent/source/:digest").setPath(Schema.Struct({ digest: Schema.String }))
    .addSuccess(Schema.Uint8ArrayFromSelf.pipe(
      HttpApiSchema.withEncoding({ kind: "Uint8Array", contentType: "application/octet-stream" })
    )),
  { repeat: "safe", errors: [NotFound] }
)

/**
 * `GET /v1/agent/providers/{digest}`: what the package brings along.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const providers = declare(
  HttpApiEndpoint.get("providers", "/v1/agent/providers/:digest").setPath(Schema.Struct({ digest: Schema.String }))
    .setUrlParams(Schema.Struct({ target_triple: Schema.String })).addSuccess(AgentProviders),
  { repeat: "safe", errors: [NotFound] }
)
