/**
 * The protocol of execution agents (contract 4.13, 5.10).
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { defaulted, Integer, nullable } from "../core/Wire.js"
import { ExecutionId } from "./Common.js"

/**
 * The version of the agent protocol that this SDK speaks.
 *
 * @since 0.1.0
 * @category constants
 */
export const AGENT_PROTOCOL_VERSION = 1

/**
 * A public key (X25519, base64) for one packet with secrets.
 *
 * @since 0.1.0
 * @category schemas
 */
export const EphemeralKey = Schema.Struct({
  key_id: Schema.String,
  public_key_b64: Schema.String
})

/**
 * @since 0.1.0
 * @category models
 */
export interface EphemeralKey extends Schema.Schema.Type<typeof EphemeralKey> {}

/**
 * @since 0.1.0
 * @category schemas
 */
export const AgentRegister = Schema.Struct({
  protocol_version: Integer,
  agent_id: nullable(Schema.String),
  max_concurrency: Integer,
  target_triple: Schema.String,
  capabilities: defaulted(Schema.Array(Schema.String), () => []),
  ephemeral_public_key: nullable(Schema.String),
  ephemeral_key_pool: defaulted(Schema.Array(EphemeralKey), () => [])
})

/**
 * @since 0.1.0
 * @category models
 */
export interface AgentRegister extends Schema.Schema.Type<typeof AgentRegister> {}

/**
 * @since 0.1.0
 * @category schemas
 */
export const AgentRegistered = Schema.Struct({
  protocol_version: Integer,
  agent_id: Schema.String,
  heartbeat_interval_seconds: Integer
})

/**
 * @since 0.1.0
 * @category models
 */
export interface AgentRegistered extends Schema.Schema.Type<typeof AgentRegistered> {}

/**
 * @since 0.1.0
 * @category schemas
 */
export const AgentHeartbeat = Schema.Struct({
  protocol_version: Integer,
  agent_id: Schema.String,
  in_flight: Integer,
  available_capacity: Integer
})

/**
 * @since 0.1.0
 * @category models
 */
export interface AgentHeartbeat extends Schema.Schema.Type<typeof AgentHeartbeat> {}

/**
 * `replenish_keys` is how many keys the server would like.
 *
 * @since 0.1.0
 * @category schemas
 */
export const AgentHeartbeatAnswer = Schema.Struct({
  protocol_version: Integer,
  replenish_keys: Integer
})

/**
 * @since 0.1.0
 * @category models
 */
export interface AgentHeartbeatAnswer extends Schema.Schema.Type<typeof AgentHeartbeatAnswer> {}

/**
 * @since 0.1.0
 * @category schemas
 */
export const AgentReplenish = Schema.Struct({
  protocol_version: Integer,
  agent_id: Schema.String,
  keys: Schema.Array(EphemeralKey)
})

/**
 * @since 0.1.0
 * @category models
 */
export interface AgentReplenish extends Schema.Schema.Type<typeof AgentReplenish> {}

/**
 * @since 0.1.0
 * @category schemas
 */
export const AgentReplenished = Schema.Struct({
  protocol_version: Integer,
  accepted: Integer
})

/**
 * @since 0.1.0
 * @category models
 */
export interface AgentReplenished extends Schema.Schema.Type<typeof AgentReplenished> {}

/**
 * How the work ended.
 *
 * @since 0.1.0
 * @category schemas
 */
export const AgentOutcome = Schema.Union(
  Schema.Struct({ kind: Schema.Literal("success"), context: Schema.Unknown }),
  Schema.Struct({
    kind: Schema.Literal("failure"),
    message: Schema.String,
    classification: Schema.Literal("task_error", "transient", "validation", "timeout")
  }),
  Schema.Struct({
    kind: Schema.Literal("refused"),
    reason: Schema.Literal(
      "target_triple_mismatch",
      "artifact_fetch_failed",
      "runtime_load_failed",
      "shutdown",
      "tenant_mismatch"
    ),
    message: Schema.String
  })
)

/**
 * @since 0.1.0
 * @category models
 */
export type AgentOutcome = typeof AgentOutcome.Type

/**
 * @since 0.1.0
 * @category schemas
 */
export const AgentResult = Schema.Struct({
  protocol_version: Integer,
  agent_id: Schema.String,
  task_execution_id: Schema.String,
  attempt: Integer,
  duration_ms: Integer,
  outcome: AgentOutcome
})

/**
 * @since 0.1.0
 * @category models
 */
export interface AgentResult extends Schema.Schema.Type<typeof AgentResult> {}

/**
 * @since 0.1.0
 * @category schemas
 */
export const AgentResultAnswer = Schema.Struct({
  protocol_version: Integer
})

/**
 * @since 0.1.0
 * @category models
 */
export interface AgentResultAnswer extends Schema.Schema.Type<typeof AgentResultAnswer> {}

/**
 * `data` is base64.
 *
 * @since 0.1.0
 * @category schemas
 */
export const AgentProvider = Schema.Struct({
  name: Schema.String,
  data: Schema.String
})

/**
 * @since 0.1.0
 * @category models
 */
export interface AgentProvider extends Schema.Schema.Type<typeof AgentProvider> {}

/**
 * @since 0.1.0
 * @category schemas
 */
export const AgentProviders = Schema.Struct({
  providers: Schema.Array(AgentProvider)
})

/**
 * @since 0.1.0
 * @category models
 */
export interface AgentProviders extends Schema.Schema.Type<typeof AgentProviders> {}

/**
 * `fetch_url` is relative to the base URL.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ArtifactRef = Schema.Struct({
  digest: Schema.String,
  fetch_url: Schema.String,
  build_target_triple: Schema.String
})

/**
 * @since 0.1.0
 * @category models
 */
export interface ArtifactRef extends Schema.Schema.Type<typeof ArtifactRef> {}

/**
 * @since 0.1.0
 * @category schemas
 */
export const WrappedSecret = Schema.Struct({
  name: Schema.String,
  enc_b64: Schema.String,
  ciphertext_b64: Schema.String
})

/**
 * @since 0.1.0
 * @category models
 */
export interface WrappedSecret extends Schema.Schema.Type<typeof WrappedSecret> {}

/**
 * A task for an agent (push kind `agent_work`).
 *
 * @since 0.1.0
 * @category schemas
 */
export const WorkPacket = Schema.Struct({
  protocol_version: Integer,
  task_execution_id: Schema.String,
  workflow_execution_id: ExecutionId,
  task_name: Schema.String,
  attempt: Integer,
  context: Schema.Unknown,
  artifact: ArtifactRef,
  timeout_seconds: Integer,
  tenant_id: nullable(Schema.String),
  language: nullable(Schema.String),
  wrapped_secrets: defaulted(Schema.Array(WrappedSecret), () => []),
  secret_key_id: nullable(Schema.String)
})

/**
 * @since 0.1.0
 * @category models
 */
export interface WorkPacket extends Schema.Schema.Type<typeof WorkPacket> {}

/**
 * A graph for an agent (push kind `agent_graph`); values of `cache` are JSON text.
 *
 * @since 0.1.0
 * @category schemas
 */
export const GraphWorkPacket = Schema.Struct({
  protocol_version: Integer,
  firing_id: Schema.String,
  graph_name: Schema.String,
  cache: Schema.Record({ key: Schema.String, value: Schema.String }),
  artifact: ArtifactRef,
  timeout_seconds: Integer,
  tenant_id: nullable(Schema.String),
  language: nullable(Schema.String),
  wrapped_secrets: defaulted(Schema.Array(WrappedSecret), () => []),
  secret_key_id: nullable(Schema.String)
})

/**
 * @since 0.1.0
 * @category models
 */
export interface GraphWorkPacket extends Schema.Schema.Type<typeof GraphWorkPacket> {}
