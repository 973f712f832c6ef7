/**
 * Frames of the three sockets and what pushes carry (contract 5.11, 6.3–6.5).
 *
 * @since 0.1.0
 */
import type * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { callFields, messageOf } from "../core/Errors.js"
import { Integer, nullable, openEnum } from "../core/Wire.js"
import type { GraphWorkPacket, WorkPacket } from "./AgentProtocol.js"
import { ExecutionId, Timestamp } from "./Common.js"
import { EventType } from "./Executions.js"
import { Agent, CompilerStatus } from "./Fleet.js"

/**
 * The version of the delivery protocol that this SDK speaks.
 *
 * @since 0.1.0
 * @category constants
 */
export const DELIVERY_PROTOCOL_VERSION = 1

/**
 * @since 0.1.0
 * @category schemas
 */
export const Welcome = Schema.Struct({
  type: Schema.Literal("welcome"),
  protocol_version: Integer,
  max_known_id: Integer
})

/**
 * @since 0.1.0
 * @category models
 */
export interface Welcome extends Schema.Schema.Type<typeof Welcome> {}

const PushKind = openEnum("PushKind", ["execution_event", "ops_metrics", "agent_work", "agent_graph"])

/**
 * @since 0.1.0
 * @category schemas
 */
export const PushFrame = Schema.Struct({
  type: Schema.Literal("push"),
  protocol_version: Integer,
  id: Integer,
  kind: PushKind,
  recipient: Schema.String,
  tenant_id: nullable(Schema.String),
  payload_b64: Schema.String
})

/**
 * @since 0.1.0
 * @category models
 */
export interface PushFrame extends Schema.Schema.Type<typeof PushFrame> {}

/**
 * @since 0.1.0
 * @category schemas
 */
export const Hello = Schema.Struct({
  type: Schema.Literal("hello"),
  protocol_version: Integer,
  since_id: nullable(Integer)
})

/**
 * @since 0.1.0
 * @category models
 */
export interface Hello extends Schema.Schema.Type<typeof Hello> {}

/**
 * @since 0.1.0
 * @category schemas
 */
export const Ack = Schema.Struct({
  type: Schema.Literal("ack"),
  protocol_version: Integer,
  id: Integer
})

/**
 * @since 0.1.0
 * @category models
 */
export interface Ack extends Schema.Schema.Type<typeof Ack> {}

/**
 * An event of an execution as it is pushed: without `sequence_num` and `task_name`, so `id` is what it has in common
 * with the log.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ExecutionEventPush = Schema.Struct({
  id: Schema.String,
  workflow_execution_id: ExecutionId,
  task_execution_id: nullable(Schema.String),
  event_type: EventType,
  event_data: nullable(Schema.String),
  created_at: Timestamp
})

/**
 * @since 0.1.0
 * @category models
 */
export interface ExecutionEventPush extends Schema.Schema.Type<typeof ExecutionEventPush> {}

/**
 * @since 0.1.0
 * @category schemas
 */
export const ServerHealth = Schema.Struct({
  alive: Schema.Boolean,
  ready: Schema.Boolean,
  reason: nullable(Schema.String)
})

/**
 * @since 0.1.0
 * @category models
 */
export interface ServerHealth extends Schema.Schema.Type<typeof ServerHealth> {}

/**
 * @since 0.1.0
 * @category schemas
 */
export const ReconcilerState = openEnum("ReconcilerState", ["ok", "errors"])

/**
 * @since 0.1.0
 * @category models
 */
export type ReconcilerState = typeof ReconcilerState.Type

/**
 * @since 0.1.0
 * @category schemas
 */
export const Reconciler = Schema.Struct({
  status: ReconcilerState,
  built: Integer,
  failed: Integer,
  last_built_at: nullable(Timestamp)
})

/**
 * @since 0.1.0
 * @category models
 */
export interface Reconciler extends Schema.Schema.Type<typeof Reconciler> {}

/**
 * A snapshot of the control plane, every 5 s while somebody listens.
 *
 * @since 0.1.0
 * @category schemas
 */
export const OpsMetrics = Schema.Struct({
  server: ServerHealth,
  compiler: CompilerStatus,
  fleet: Schema.Array(Agent),
  reconciler: Reconciler,
  ts: Timestamp
})

/**
 * @since 0.1.0
 * @category models
 */
export interface OpsMetrics extends Schema.Schema.Type<typeof OpsMetrics> {}

/**
 * A push as the SDK gives it: its frame with the payload decoded by `kind`.
 *
 * @since 0.1.0
 * @category models
 */
export interface PushOf<Kind, Payload> {
  /** Of the outbox row: the same push again has the same. Snapshots (`ops_metrics`) count by themselves (contract 6.4). */
  readonly id: number
  readonly kind: Kind
  readonly recipient: string
  readonly tenant_id: Option.Option<string>
  readonly payload: Payload
}

/**
 * A push of a kind that this SDK does not know: what the kind is called, and the bytes of the payload.
 *
 * @since 0.1.0
 * @category models
 */
export interface UnknownPush extends PushOf<"unknown", Uint8Array> {
  readonly unknownKind: string
}

/**
 * @since 0.1.0
 * @category models
 */
export type Push =
  | PushOf<"execution_event", ExecutionEventPush>
  | PushOf<"ops_metrics", OpsMetrics>
  | PushOf<"agent_work", WorkPacket>
  | PushOf<"agent_graph", GraphWorkPacket>
  | UnknownPush

/**
 * The accumulator socket ended (contract 6.6). Nothing tells which events arrived: of the `handedOver` ones written to
 * this connection without an error, the last may be lost, and with a connection that broke (1006) any of them. Of the
 * write that failed, if one did, nothing is known: `uncertain` events. Other events were not sent.
 *
 * `closeCode` 4404: no longer registered, or nobody took the event; sending may work later.
 *
 * @since 0.1.0
 * @category errors
 */
export class IngestInterrupted
  extends Schema.TaggedError<IngestInterrupted>("effect-switchyard/cloacina/IngestInterrupted")(
    "IngestInterrupted",
    { ...callFields, closeCode: Integer, handedOver: Integer, uncertain: Integer }
  )
{
  override get message() {
    return messageOf(this)
  }
}

/**
 * A command of the reactor socket. Values of `cache` are bytes: see `encodeBoundary`.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ReactorCommand = Schema.Union(
  Schema.Struct({ command: Schema.Literal("force_fire", "get_state", "pause", "resume") }),
  Schema.Struct({
    command: Schema.Literal("fire_with"),
    cache: Schema.Record({ key: Schema.String, value: Schema.Array(Integer) })
  })
)

/**
 * @since 0.1.0
 * @category models
 */
export type ReactorCommand = typeof ReactorCommand.Type

/**
 * The answer to a command of the reactor socket.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ReactorResponse = Schema.Union(
  Schema.Struct({ type: Schema.Literal("fired", "paused", "resumed") }),
  Schema.Struct({
    type: Schema.Literal("state"),
    cache: Schema.Record({ key: Schema.String, value: Schema.String })
  }),
  Schema.Struct({ type: Schema.Literal("error"), message: Schema.String })
)

/**
 * @since 0.1.0
 * @category models
 */
export type ReactorResponse = typeof ReactorResponse.Type
