/**
 * Frames of the delivery socket: read with guards by hand, since a Schema per frame halves what a socket can carry.
 *
 * Source: contract 5.11, 6.3.
 *
 * @since 0.1.0
 */
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import type * as Schema from "effect/Schema"
import { GraphWorkPacket, WorkPacket } from "../../schemas/cloacina/AgentProtocol.js"
import type { ExecutionId, Timestamp } from "../../schemas/cloacina/Common.js"
import type { ExecutionEventPush, Push, PushOf } from "../../schemas/cloacina/Delivery.js"
import { DELIVERY_PROTOCOL_VERSION, OpsMetrics } from "../../schemas/cloacina/Delivery.js"
import type { EventType } from "../../schemas/cloacina/Executions.js"
import * as Base64 from "../core/Base64.js"

/**
 * The first frame of the server.
 *
 * @internal
 */
export class Welcome {
  constructor(readonly version: number) {}
}

/**
 * A push that is not what it promises to be: `path` says where, `expected` what. `raw` is the push as one of a kind that
 * nobody knows, where its bytes can be read.
 *
 * @internal
 */
export class Undecodable {
  constructor(
    readonly id: number,
    readonly path: string,
    readonly expected: string,
    readonly raw?: Push
  ) {}
}

/**
 * What a frame of the server is. `undefined`: nothing that this version knows, to be ignored.
 *
 * @internal
 */
export type Incoming = Push | Welcome | Undecodable | undefined

/** A member that is not what it should be: its name, and what it should be. */
type Broken = readonly [path: string, expected: string]

type Guarded<A> = { readonly value: A } | Broken

const isBroken = <A>(value: A | Broken): value is Broken => Array.isArray(value)

const isRecord = (u: unknown): u is Readonly<Record<string, unknown>> =>
  typeof u === "object" && u !== null && !Array.isArray(u)
const isExecutionId = (u: unknown): u is ExecutionId => typeof u === "string"
const isTimestamp = (u: unknown): u is Timestamp => typeof u === "string"
const isEventType = (u: unknown): u is EventType => typeof u === "string"

const isNullableString = (u: unknown): u is string | null | undefined =>
  typeof u === "string" || u === null || u === undefined

const executionEvent = (json: unknown): Guarded<ExecutionEventPush> => {
  if (!isRecord(json)) return ["", "an object"]
  const { created_at, event_data, event_type, id, task_execution_id, workflow_execution_id } = json
  if (typeof id !== "string") return ["id", "string"]
  if (!isExecutionId(workflow_execution_id)) return ["workflow_execution_id", "string"]
  if (!isNullableString(task_execution_id)) return ["task_execution_id", "string or null"]
  if (!isEventType(event_type)) return ["event_type", "string"]
  if (!isNullableString(event_data)) return ["event_data", "string or null"]
  if (!isTimestamp(created_at)) return ["created_at", "string"]
  return {
    value: {
      id,
      workflow_execution_id,
      task_execution_id: Option.fromNullable(task_execution_id),
      event_type,
      event_data: Option.fromNullable(event_data),
      created_at
    }
  }
}

/** Rare kinds (a snapshot every 5 s, a packet a task) are read with their schema. */
const bySchema = <A, I>(schema: Schema.Schema<A, I>): (json: unknown) => Guarded<A> => {
  const decode = ParseResult.decodeUnknownEither(schema)
  return (json) =>
    Either.match(decode(json), {
      onRight: (value): Guarded<A> => ({ value }),
      onLeft: (issue) => [
        ParseResult.ArrayFormatter.formatIssueSync(issue)[0]?.path.map(String).join(".") ?? "",
        "what the schema of the kind says"
      ]
    })
}

type Read = (
  id: number,
  recipient: string,
  tenant_id: Option.Option<string>,
  json: unknown
) => Push | Broken

const known = <K extends string, A>(
  kind: K,
  decode: (json: unknown) => Guarded<A>
): readonly [K, (...from: Parameters<Read>) => PushOf<K, A> | Broken] => [
  kind,
  (id, recipient, tenant_id, json) => {
    const guarded = decode(json)
    return isBroken(guarded) ? guarded : { id, kind, recipient, tenant_id, payload: guarded.value }
  }
]

const kinds = new Map<string, Read>([
  known("execution_event", executionEvent),
  known("ops_metrics", bySchema(OpsMetrics)),
  known("agent_work", bySchema(WorkPacket)),
  known("agent_graph", bySchema(GraphWorkPacket))
])

const parse = (text: string): { readonly json: unknown } | undefined => {
  try {
    return { json: JSON.parse(text) }
  } catch {
    return undefined
  }
}

const decodePush = (frame: Readonly<Record<string, unknown>>): Incoming => {
  const { id, kind, payload_b64, recipient, tenant_id } = frame
  // Without them it cannot be said which row this is, nor what: as good as no frame.
  if (typeof id !== "number" || !Number.isSafeInteger(id) || typeof kind !== "string") return undefined
  if (typeof recipient !== "string") return new Undecodable(id, "recipient", "string")
  if (!isNullableString(tenant_id)) return new Undecodable(id, "tenant_id", "string or null")
  if (typeof payload_b64 !== "string") return new Undecodable(id, "payload_b64", "base64")
  const tenant = Option.fromNullable(tenant_id)
  const raw = (): Push | undefined => {
    const payload = Base64.decodeBytes(payload_b64)
    return payload && { id, kind: "unknown", unknownKind: kind, recipient, tenant_id: tenant, payload }
  }
  const read = kinds.get(kind)
  if (read === undefined) return raw() ?? new Undecodable(id, "payload_b64", "base64")
  const text = Base64.decodeText(payload_b64)
  if (text === undefined) return new Undecodable(id, "payload_b64", "base64 of UTF-8", raw())
  const parsed = parse(text)
  if (parsed === undefined) return new Undecodable(id, "payload_b64", "base64 of JSON", raw())
  const push = read(id, recipient, tenant, parsed.json)
  return isBroken(push) ? new Undecodable(id, push[0], push[1], raw()) : push
}

/**
 * Reads a text frame of the server.
 *
 * @internal
 */
export const decode = (text: string): Incoming => {
  const frame = parse(text)?.json
  if (!isRecord(frame)) return undefined
  if (frame["type"] === "push") return decodePush(frame)
  return frame["type"] === "welcome" && typeof frame["protocol_version"] === "number"
    ? new Welcome(frame["protocol_version"])
    : undefined
}

/**
 * @internal
 */
export const hello = `{"type":"hello","protocol_version":${DELIVERY_PROTOCOL_VERSION},"since_id":null}`

/**
 * @internal
 */
export const ack = (id: number): string => `{"type":"ack","protocol_version":${DELIVERY_PROTOCOL_VERSION},"id":${id}}`
