/**
 * Triggers and schedules: what starts workflows.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Stream from "effect/Stream"
import * as Api from "../../schemas/cloacina/api/Triggers.js"
import type { CallError } from "../../schemas/cloacina/Errors.js"
import type { DeclaredSurface } from "../../schemas/cloacina/Slots.js"
import type { TriggerDetail, TriggerFired, TriggerPaused, TriggerSchedule } from "../../schemas/cloacina/Triggers.js"
import type { NotFound, PayloadTooLarge } from "../../schemas/core/Errors.js"
import type { IterateOptions, PageQuery, TenantOptions } from "./Client.js"
import { Client } from "./Client.js"
import * as Calls from "./internal/calls.js"

/**
 * Triggers and schedules. Which name a method takes differs (contract 9.4): cron triggers of packages have no name of
 * their own, and are found by the name of their workflow.
 *
 * @since 0.1.0
 * @category context
 */
export class Triggers extends Context.Tag("effect-switchyard/cloacina/Triggers")<Triggers, Triggers.Service>() {
  /**
   * The service over HTTP.
   *
   * @since 0.1.0
   */
  static readonly layer: Layer.Layer<Triggers, never, Client> = Layer.effect(
    this,
    Effect.map(Client, (client) => make(client))
  )
}

/**
 * @since 0.1.0
 */
export declare namespace Triggers {
  /**
   * @since 0.1.0
   * @category models
   */
  export interface Service {
    /**
     * One page of all schedules, instances included, newest first (`GET /v1/tenants/{tenant_id}/triggers`, contract
     * 4.10).
     */
    readonly list: (
      query?: PageQuery,
      options?: TenantOptions
    ) => Effect.Effect<ReadonlyArray<TriggerSchedule>, CallError>
    /**
     * All schedules, page by page as they are consumed, each once as far as the latest 10,000 ids tell; not
     * a snapshot (contract 2.5).
     */
    readonly iterate: (options?: IterateOptions) => Stream.Stream<TriggerSchedule, CallError>
    /**
     * The newest schedule of a trigger or workflow name, and its ten newest starts (`GET
     * /v1/tenants/{tenant_id}/triggers/{name}`, contract 4.10). The ids of starts are none of executions.
     */
    readonly get: (name: string, options?: TenantOptions) => Effect.Effect<TriggerDetail, NotFound | CallError>
    /**
     * Pauses the newest schedule of a trigger or workflow name (`POST /v1/tenants/{tenant_id}/triggers/{name}/pause`,
     * contract 4.10). Repeating it is a success.
     */
    readonly pause: (name: string, options?: TenantOptions) => Effect.Effect<TriggerPaused, NotFound | CallError>
    /**
     * Ends a pause (`POST /v1/tenants/{tenant_id}/triggers/{name}/resume`, contract 4.10). What was missed is not made
     * up for.
     */
    readonly resume: (name: string, options?: TenantOptions) => Effect.Effect<TriggerPaused, NotFound | CallError>
    /**
     * Starts every workflow that a trigger drives, by trigger name only, paused or not (`POST
     * /v1/tenants/{tenant_id}/triggers/{name}/fire`, contract 4.10). The members of `event` become part of their context;
     * references to secrets are **not** resolved. Workflows that could not start are left out of the answer: `fired` may
     * be 0. Never sent twice.
     */
    readonly fire: (
      name: string,
      event?: Readonly<Record<string, unknown>>,
      options?: TenantOptions
    ) => Effect.Effect<TriggerFired, NotFound | PayloadTooLarge | CallError>
    /**
     * What the subscribers of a trigger take; no slots for an unknown one (`GET
     * /v1/tenants/{tenant_id}/triggers/{name}/interface`, contract 4.10).
     */
    readonly interface: (name: string, options?: TenantOptions) => Effect.Effect<DeclaredSurface, CallError>
  }
}

const make = (client: Client.Service): Triggers.Service => {
  const calls = Calls.make(client, "Triggers")
  const list = calls.tenant("list", Api.listAll)
  const pages = calls.tenant("iterate", Api.listAll)
  const get = calls.tenant("get", Api.get)
  const pause = calls.tenant("pause", Api.pause)
  const resume = calls.tenant("resume", Api.resume)
  const fire = calls.tenant("fire", Api.fire)
  const surface = calls.tenant("interface", Api.surface)
  return {
    list: (urlParams = {}, options) =>
      Effect.map(list((tenant_id) => ({ path: { tenant_id }, urlParams }), options), Calls.itemsOf),
    iterate: (options) =>
      Calls.iterate(calls.info("iterate", Api.listAll), {
        pageSize: options?.pageSize,
        fetch: (urlParams) =>
          Effect.map(pages((tenant_id) => ({ path: { tenant_id }, urlParams }), options), Calls.itemsOf),
        keyOf: (schedule) => schedule.id
      }),
    get: (name, options) => get((tenant_id) => ({ path: { tenant_id, name } }), options),
    pause: (name, options) => pause((tenant_id) => ({ path: { tenant_id, name } }), options),
    resume: (name, options) => resume((tenant_id) => ({ path: { tenant_id, name } }), options),
    fire: (name, event, options) => fire((tenant_id) => ({ path: { tenant_id, name }, payload: { event } }), options),
    interface: (name, options) => surface((tenant_id) => ({ path: { tenant_id, name } }), options)
  }
}
