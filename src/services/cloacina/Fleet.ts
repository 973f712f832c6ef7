/**
 * The fleet: agents, their limits and number, and the compiler.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Api from "../../schemas/cloacina/api/Fleet.js"
import type { CallError } from "../../schemas/cloacina/Errors.js"
import type { Agent, AgentLimit, CompilerStatus, FleetScale } from "../../schemas/cloacina/Fleet.js"
import type { Conflict, PayloadTooLarge } from "../../schemas/core/Errors.js"
import type { CallOptions } from "../core/CallOptions.js"
import type { TenantOptions } from "./Client.js"
import { Client } from "./Client.js"
import * as Calls from "./internal/calls.js"

/**
 * Agents and the compiler.
 *
 * @since 0.1.0
 * @category context
 */
export class Fleet extends Context.Tag("effect-switchyard/cloacina/Fleet")<Fleet, Fleet.Service>() {
  /**
   * The service over HTTP.
   *
   * @since 0.1.0
   */
  static readonly layer: Layer.Layer<Fleet, never, Client> = Layer.effect(
    this,
    Effect.map(Client, (client) => make(client))
  )
}

/**
 * @since 0.1.0
 */
export declare namespace Fleet {
  /**
   * @since 0.1.0
   * @category models
   */
  export interface Service {
    /** Agents with a heartbeat, of the key's tenant or of all for a god key, in no order (`GET /v1/agents`, contract 4.12). */
    readonly agents: (options?: CallOptions) => Effect.Effect<ReadonlyArray<Agent>, CallError>
    /** Builds of tenant `public`, with a god key (`GET /v1/compiler/status`, contract 4.12). */
    readonly compilerStatus: (options?: CallOptions) => Effect.Effect<CompilerStatus, CallError>
    /** How many agents the tenant may have (`GET /v1/tenants/{tenant_id}/limits`, contract 4.12). */
    readonly limit: (options?: TenantOptions) => Effect.Effect<AgentLimit, CallError>
    /** Sets the tenant's own limit, with a god key (`POST /v1/tenants/{tenant_id}/limits`, contract 4.12). */
    readonly setLimit: (
      maxAgents: number,
      options?: TenantOptions
    ) => Effect.Effect<AgentLimit, PayloadTooLarge | CallError>
    /** Back to the default limit, with a god key (`DELETE /v1/tenants/{tenant_id}/limits`, contract 4.12). */
    readonly removeLimit: (options?: TenantOptions) => Effect.Effect<AgentLimit, CallError>
    /** How many agents the tenant wants and has (`GET /v1/tenants/{tenant_id}/fleet`, contract 4.12). */
    readonly scale: (options?: TenantOptions) => Effect.Effect<FleetScale, CallError>
    /**
     * One agent more (`POST /v1/tenants/{tenant_id}/fleet/provision`, contract 4.12). `Conflict` (`at_capacity`) at the
     * limit. Calls at the same time may lose one. Never sent twice.
     */
    readonly provision: (options?: TenantOptions) => Effect.Effect<FleetScale, Conflict | CallError>
    /** One agent less, never below none (`POST /v1/tenants/{tenant_id}/fleet/deprovision`, contract 4.12). */
    readonly deprovision: (options?: TenantOptions) => Effect.Effect<FleetScale, CallError>
  }
}

const make = (client: Client.Service): Fleet.Service => {
  const calls = Calls.make(client, "Fleet")
  const agents = calls.unary("agents", Api.listAgents)
  const compilerStatus = calls.unary("compilerStatus", Api.compiler)
  const limit = calls.tenant("limit", Api.getLimit)
  const setLimit = calls.tenant("setLimit", Api.setLimit)
  const removeLimit = calls.tenant("removeLimit", Api.removeLimit)
  const scale = calls.tenant("scale", Api.getFleet)
  const provision = calls.tenant("provision", Api.provision)
  const deprovision = calls.tenant("deprovision", Api.deprovision)
  return {
    agents: (options) => Effect.map(agents({}, options), Calls.itemsOf),
    compilerStatus: (options) => compilerStatus({}, options),
    limit: (options) => limit((tenant_id) => ({ path: { tenant_id } }), options),
    setLimit: (max_agents, options) =>
      setLimit((tenant_id) => ({ path: { tenant_id }, payload: { max_agents } }), options),
    removeLimit: (options) => removeLimit((tenant_id) => ({ path: { tenant_id } }), options),
    scale: (options) => scale((tenant_id) => ({ path: { tenant_id } }), options),
    provision: (options) => provision((tenant_id) => ({ path: { tenant_id } }), options),
    deprovision: (options) => deprovision((tenant_id) => ({ path: { tenant_id } }), options)
  }
}
