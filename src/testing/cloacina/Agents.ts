/**
 * The protocol of execution agents (contract 4.13): who is there, and what packages they fetch. No work is given out.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"
import * as Option from "effect/Option"
import * as Api from "../../schemas/cloacina/api/Agents.js"
import type { Reader } from "../../schemas/core/StrictJson.js"
import type { FrontResponse } from "../../server/core/Front.js"
import * as Body from "./Body.js"
import { parseUuid } from "./Clockwork.js"
import { answer, anyKey, type Handler, handler, type Identity, type Refusal, refuse } from "./Handler.js"
import type { World } from "./World.js"

/** How often agents are told to report, in seconds. */
const heartbeatSeconds = 15

/**
 * How long an agent lives without a report, in ms: three of them may fail.
 *
 * @since 0.1.0
 * @category constants
 */
export const livenessMs = 3 * heartbeatSeconds * 1000

/** How many keys for packets with secrets the server would like to have. */
const wantedKeys = 32

interface Versioned {
  readonly protocol_version: number
}

interface Key {
  readonly key_id: string
  readonly public_key_b64: string
}

interface Register extends Versioned {
  readonly agent_id: string | undefined
  readonly max_concurrency: number
  readonly target_triple: string
  readonly capabilities: ReadonlyArray<string>
  readonly ephemeral_public_key: string | undefined
  readonly ephemeral_key_pool: ReadonlyArray<Key>
}

interface Heartbeat extends Versioned {
  readonly agent_id: string
  readonly in_flight: number
  readonly available_capacity: number
}

interface Result extends Versioned {
  readonly agent_id: string
  readonly task_execution_id: string
  readonly attempt: number
  readonly duration_ms: number
  readonly outcome: unknown
}

const u32 = Body.integer("u32")

const registerBody = Body.object<Register>("AgentRegisterRequest", {
  protocol_version: u32,
  agent_id: Body.optional(Body.string),
  max_concurrency: u32,
  target_triple: Body.string,
  capabilities: Body.withDefault(Body.array(Body.string), []),
  ephemeral_public_key: Body.optional(Body.string),
  ephemeral_key_pool: Body.withDefault(
    Body.array(Body.object<Key>("EphemeralKeyEntry", { key_id: Body.string, public_key_b64: Body.string })),
    []
  )
})

const heartbeatBody = Body.object<Heartbeat>("AgentHeartbeatRequest", {
  protocol_version: u32,
  agent_id: Body.string,
  in_flight: u32,
  available_capacity: u32
})

const outcomes: Readonly<Record<string, ReadonlyArray<readonly [member: string, values: ReadonlyArray<string>]>>> = {
  success: [["context", []]],
  failure: [["message", []], ["classification", ["task_error", "transient", "validation", "timeout"]]],
  refused: [
    [
      "reason",
      ["target_triple_mismatch", "artifact_fetch_failed", "runtime_load_failed", "shutdown", "tenant_mismatch"]
    ],
    ["message", []]
  ]
}

const variants = (names: ReadonlyArray<string>) => names.map((name) => `\`${name}\``).join(", ")

const readOutcome = (reader: Reader): unknown => {
  const value = Body.record(Body.any).read(reader)
  const { kind } = value
  if (kind === undefined) return reader.fail("missing field `kind`")
  const members = typeof kind === "string" && Object.hasOwn(outcomes, kind) ? outcomes[kind] : undefined
  if (members === undefined) {
    return reader.fail(`unknown variant \`${String(kind)}\`, expected one of ${variants(Object.keys(outcomes))}`)
  }
  for (const [member, values] of members) {
    const given = value[member]
    if (given === undefined) return reader.fail(`missing field \`${member}\``)
    if (values.length > 0 && !values.some((known) => known === given)) {
      return reader.fail(`unknown variant \`${String(given)}\`, expected one of ${variants(values)}`)
    }
  }
  return value
}

const resultBody = Body.object<Result>("AgentResultRequest", {
  protocol_version: u32,
  agent_id: Body.string,
  task_execution_id: Body.string,
  attempt: Body.integer("i32"),
  duration_ms: Body.integer("u64"),
  outcome: { read: readOutcome, absent: undefined }
})

const checkVersion = ({ protocol_version: version }: Versioned): Effect.Effect<void, Refusal> =>
  version === 1 ? Effect.void : refuse(
    400,
    "protocol_version_mismatch",
    `agent protocol_version ${version} not supported (server speaks 1)`
  )

const download = (body: Uint8Array, headers: Readonly<Record<string, string>> = {}): FrontResponse => ({
  status: 200,
  headers: {
    "content-type": "application/octet-stream",
    "cache-control": "public, max-age=31536000, immutable",
    ...headers
  },
  body
})

/**
 * @since 0.1.0
 * @category constructors
 */
export const make = (world: World): ReadonlyArray<Handler> => {
  const digests = new WeakMap<Uint8Array, string>()

  /** The SHA-256 of an archive is what its package goes by here. */
  const digestOf = (archive: Uint8Array): Effect.Effect<string> =>
    Effect.suspend(() => {
      const known = digests.get(archive)
      if (known !== undefined) return Effect.succeed(known)
      return Effect.map(Effect.promise(() => crypto.subtle.digest("SHA-256", new Uint8Array(archive))), (hash) => {
        const digest = Encoding.encodeHex(new Uint8Array(hash))
        digests.set(archive, digest)
        return digest
      })
    })

  const find = (tenant: string, digest: string): Effect.Effect<Uint8Array | undefined> =>
    Effect.map(
      Effect.findFirst(
        world.packages.get(tenant)?.archives() ?? [],
        (archive) => Effect.map(digestOf(archive), (each) => each === digest)
      ),
      Option.getOrUndefined
    )

  /** Ids of unused keys, by agent. */
  const keys = new Map<string, Set<string>>()

  /** Who has not reported for too long is gone. */
  const lookUp = (agentId: string) =>
    Effect.map(world.now, (now) => {
      const agent = world.agents.get(agentId)
      if (agent === undefined || now - agent.lastHeartbeat <= livenessMs) return agent
      world.agents.delete(agentId)
      keys.delete(agentId)
      return undefined
    })

  /** The agent of a call; it is not there for a key of another tenant. */
  const agentOf = (identity: Identity, agentId: string) =>
    Effect.flatMap(
      lookUp(agentId),
      (agent) =>
        agent !== undefined && !identity.isGod && agent.tenant !== identity.tenant
          ? refuse(403, "tenant_access_denied", "agent belongs to a different tenant")
          : Effect.succeed(agent)
    )

  return [
    handler(Api.register, anyKey, (call) =>
      Effect.gen(function*() {
        const body = yield* Body.read(call, registerBody)
        yield* checkVersion(body)
        const agentId = body.agent_id ?? (yield* world.uuid)
        const pool = body.ephemeral_key_pool.map(({ key_id }) => key_id)
        if (pool.length === 0 && body.ephemeral_public_key !== undefined) pool.push(`legacy-${agentId}`)
        keys.set(agentId, new Set(pool))
        world.agents.set(agentId, {
          agentId,
          tenant: call.identity.tenant,
          targetTriple: body.target_triple,
          maxConcurrency: body.max_concurrency,
          inFlight: 0,
          availableCapacity: body.max_concurrency,
          capabilities: body.capabilities,
          lastHeartbeat: yield* world.now
        })
        return answer({ protocol_version: 1, agent_id: agentId, heartbeat_interval_seconds: heartbeatSeconds })
      })),
    handler(Api.heartbeat, anyKey, (call) =>
      Effect.gen(function*() {
        const body = yield* Body.read(call, heartbeatBody)
        yield* checkVersion(body)
        const { agent_id: agentId, available_capacity: availableCapacity, in_flight: inFlight } = body
        const agent = yield* agentOf(call.identity, agentId)
        if (agent === undefined) {
          return yield* refuse(404, "agent_not_registered", `agent not registered: ${agentId} (re-register)`)
        }
        world.agents.set(agentId, { ...agent, inFlight, availableCapacity, lastHeartbeat: yield* world.now })
        const unused = keys.get(agentId)?.size ?? 0
        return answer({ protocol_version: 1, replenish_keys: Math.max(0, wantedKeys - unused) })
      })),
    handler(Api.replenish, { _tag: "unclassified" }, () => refuse(403, "authz_unclassified", "route not authorized")),
    handler(Api.result, anyKey, (call) =>
      Effect.gen(function*() {
        const body = yield* Body.read(call, resultBody)
        yield* checkVersion(body)
        yield* agentOf(call.identity, body.agent_id)
        const id = body.task_execution_id
        if (parseUuid(id) === undefined) {
          return yield* refuse(400, "invalid_task_execution_id", `task_execution_id is not a valid UUID: ${id}`)
        }
        return answer({ protocol_version: 1 })
      })),
    // What is built of a package is nothing here, as for Python.
    handler(
      Api.artifact,
      anyKey,
      ({ identity, param }) =>
        Effect.flatMap(find(identity.tenant ?? "public", param("digest")), (archive) =>
          archive === undefined
            ? refuse(404, "artifact_not_found", `no successfully-compiled artifact with digest ${param("digest")}`)
            : Effect.succeed(download(new Uint8Array(0), { "x-build-target-triple": "x86_64-linux" })))
    ),
    handler(
      Api.source,
      anyKey,
      ({ param }) =>
        Effect.flatMap(find("public", param("digest")), (archive) =>
          archive === undefined
            ? refuse(404, "source_not_found", `no package source archive with digest ${param("digest")}`)
            : Effect.succeed(download(archive)))
    ),
    handler(
      Api.providers,
      anyKey,
      ({ param }) =>
        Effect.flatMap(find("public", param("digest")), (archive) =>
          archive === undefined
            ? refuse(404, "package_not_found", `no successfully-built package with digest ${param("digest")}`)
            : Effect.succeed(answer({ providers: [] })))
    )
  ]
}
