/**
 * The protocol of execution agents: for programs that run the work, not for those that start it.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type {
  AgentHeartbeat,
  AgentHeartbeatAnswer,
  AgentProvider,
  AgentRegister,
  AgentRegistered,
  AgentReplenish,
  AgentReplenished,
  AgentResult,
  AgentResultAnswer
} from "../../schemas/cloacina/AgentProtocol.js"
import { AGENT_PROTOCOL_VERSION } from "../../schemas/cloacina/AgentProtocol.js"
import * as Api from "../../schemas/cloacina/api/Agents.js"
import type { CallError } from "../../schemas/cloacina/Errors.js"
import type { NotFound, PayloadTooLarge } from "../../schemas/core/Errors.js"
import type { CallOptions } from "../core/CallOptions.js"
import type { Download } from "../core/Transport.js"
import { Client } from "./Client.js"
import * as Calls from "./internal/calls.js"

/**
 * A message of an agent, without the version of the protocol, which the SDK adds.
 *
 * @since 0.1.0
 * @category models
 */
export type Versionless<Message> = Omit<Message, "protocol_version">

/**
 * An agent that makes itself known. Without an `agent_id` the server makes one up.
 *
 * @since 0.1.0
 * @category models
 */
export interface NewAgent extends Pick<AgentRegister, "max_concurrency" | "target_triple"> {
  readonly agent_id?: string | undefined
  readonly capabilities?: AgentRegister["capabilities"] | undefined
  /** Public keys for packets with secrets, one packet each. */
  readonly ephemeral_key_pool?: AgentRegister["ephemeral_key_pool"] | undefined
}

/**
 * What was downloaded. The two headers are there where the platform shows them: browsers hide them across origins.
 *
 * @since 0.1.0
 * @category models
 */
export interface AgentDownload {
  readonly bytes: Uint8Array
  /** `x-build-target-triple` of an artifact, for example `x86_64-linux`. */
  readonly buildTargetTriple: Option.Option<string>
  /** A digest names one content for ever: `public, max-age=31536000, immutable`. */
  readonly cacheControl: Option.Option<string>
}

/**
 * The protocol of execution agents. An agent belongs to the tenant of the key; any role will do.
 *
 * @since 0.1.0
 * @category context
 */
export class Agents extends Context.Tag("effect-switchyard/cloacina/Agents")<Agents, Agents.Service>() {
  /**
   * The service over HTTP.
   *
   * @since 0.1.0
   */
  static readonly layer: Layer.Layer<Agents, never, Client> = Layer.effect(
    this,
    Effect.map(Client, (client) => make(client))
  )
}

/**
 * @since 0.1.0
 */
export declare namespace Agents {
  /**
   * @since 0.1.0
   * @category models
   */
  export interface Service {
    /** Makes an agent known (`POST /v1/agent/register`, contract 4.13). An id that exists is taken over. */
    readonly register: (
      agent: NewAgent,
      options?: CallOptions
    ) => Effect.Effect<AgentRegistered, PayloadTooLarge | CallError>
    /** A sign of life (`POST /v1/agent/heartbeat`, contract 4.13). `NotFound`: register again. */
    readonly heartbeat: (
      heartbeat: Versionless<AgentHeartbeat>,
      options?: CallOptions
    ) => Effect.Effect<AgentHeartbeatAnswer, NotFound | PayloadTooLarge | CallError>
    /**
     * More public keys (`POST /v1/agent/keys`, contract 4.13). Servers so far refuse it to everybody: `Forbidden`
     * (`authz_unclassified`).
     */
    readonly replenish: (
      keys: Versionless<AgentReplenish>,
      options?: CallOptions
    ) => Effect.Effect<AgentReplenished, NotFound | PayloadTooLarge | CallError>
    /** How work ended (`POST /v1/agent/result`, contract 4.13). Unknown work is a success. Never sent twice. */
    readonly result: (
      result: Versionless<AgentResult>,
      options?: CallOptions
    ) => Effect.Effect<AgentResultAnswer, PayloadTooLarge | CallError>
    /**
     * The built library of a package; no bytes for a Python one (`GET /v1/agent/artifact/{digest}`, contract 4.13). Its
     * time-out is 5 minutes.
     */
    readonly artifact: (digest: string, options?: CallOptions) => Effect.Effect<AgentDownload, NotFound | CallError>
    /**
     * The package itself, where it also lies in `public` (`GET /v1/agent/source/{digest}`, contract 4.13). Its time-out
     * is 5 minutes.
     */
    readonly source: (digest: string, options?: CallOptions) => Effect.Effect<AgentDownload, NotFound | CallError>
    /**
     * What a package brings along for a platform (`GET /v1/agent/providers/{digest}`, contract 4.13); `data` is base64.
     */
    readonly providers: (
      digest: string,
      targetTriple: string,
      options?: CallOptions
    ) => Effect.Effect<ReadonlyArray<AgentProvider>, NotFound | CallError>
  }
}

const downloadTimeout = "5 minutes"

const fromDownload = ({ bytes, headers }: Download): AgentDownload => ({
  bytes,
  buildTargetTriple: Option.fromNullable(headers["x-build-target-triple"]),
  cacheControl: Option.fromNullable(headers["cache-control"])
})

const make = (client: Client.Service): Agents.Service => {
  const { download, unary } = Calls.make(client, "Agents")
  const register = unary("register", Api.register)
  const heartbeat = unary("heartbeat", Api.heartbeat)
  const replenish = unary("replenish", Api.replenish)
  const result = unary("result", Api.result)
  const artifact = download("artifact", Api.artifact, { total: downloadTimeout })
  const source = download("source", Api.source, { total: downloadTimeout })
  const providers = unary("providers", Api.providers)
  const protocol_version = AGENT_PROTOCOL_VERSION
  return {
    register: ({ agent_id, capabilities = [], ephemeral_key_pool = [], max_concurrency, target_triple }, options) =>
      register({
        payload: {
          protocol_version,
          agent_id: Option.fromNullable(agent_id),
          max_concurrency,
          target_triple,
          capabilities,
          ephemeral_public_key: Option.none(),
          ephemeral_key_pool
        }
      }, options),
    heartbeat: (payload, options) => heartbeat({ payload: { protocol_version, ...payload } }, options),
    replenish: (payload, options) => replenish({ payload: { protocol_version, ...payload } }, options),
    result: (payload, options) => result({ payload: { protocol_version, ...payload } }, options),
    artifact: (digest, options) => Effect.map(artifact({ path: { digest } }, options), fromDownload),
    source: (digest, options) => Effect.map(source({ path: { digest } }, options), fromDownload),
    providers: (digest, target_triple, options) =>
      Effect.map(providers({ path: { digest }, urlParams: { target_triple } }, options), ({ providers }) => providers)
  }
}
