/**
 * Instances: named bindings of a workflow to parameters, on a schedule or not.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Stream from "effect/Stream"
import * as Api from "../../schemas/cloacina/api/Instances.js"
import type { CallError } from "../../schemas/cloacina/Errors.js"
import type { CreateInstance, InstanceDeleted, WorkflowInstance } from "../../schemas/cloacina/Instances.js"
import type { Conflict, NotFound, PayloadTooLarge } from "../../schemas/core/Errors.js"
import type { IterateOptions, PageQuery, TenantOptions } from "./Client.js"
import { Client } from "./Client.js"
import * as Calls from "./internal/calls.js"

/**
 * Instances of workflows. Everywhere the **workflow** name is meant: an instance of a package name never fires.
 *
 * @example
 * ```ts
 * import * as Cloacina from "effect-switchyard/cloacina"
 * import * as Effect from "effect/Effect"
 *
 * export const nightly = Effect.flatMap(Cloacina.Instances, (instances) =>
 *   instances.create("close_month", {
 *     instance_name: "eu-nightly",
 *     params: { region: "eu", warehouse: Cloacina.secretRef("warehouse") },
 *     cron: "30 2 * * *",
 *     timezone: "Europe/Berlin"
 *   }))
 * ```
 *
 * @since 0.1.0
 * @category context
 */
export class Instances extends Context.Tag("effect-switchyard/cloacina/Instances")<Instances, Instances.Service>() {
  /**
   * The service over HTTP.
   *
   * @since 0.1.0
   */
  static readonly layer: Layer.Layer<Instances, never, Client> = Layer.effect(
    this,
    Effect.map(Client, (client) => make(client))
  )
}

/**
 * @since 0.1.0
 */
export declare namespace Instances {
  /**
   * @since 0.1.0
   * @category models
   */
  export interface Service {
    /**
     * Makes an instance (`POST /v1/tenants/{tenant_id}/workflows/{name}/instances`, contract 4.8). The workflow need not
     * exist. `Conflict` (`instance_exists`) when the name is taken; `InvalidInput` for parameters that the workflow does
     * not take, and for a schedule that is none.
     */
    readonly create: (
      workflow: string,
      instance: CreateInstance,
      options?: TenantOptions
    ) => Effect.Effect<WorkflowInstance, Conflict | PayloadTooLarge | CallError>
    /**
     * One page, newest first; empty for an unknown workflow (`GET /v1/tenants/{tenant_id}/workflows/{name}/instances`,
     * contract 4.8).
     */
    readonly list: (
      workflow: string,
      query?: PageQuery,
      options?: TenantOptions
    ) => Effect.Effect<ReadonlyArray<WorkflowInstance>, CallError>
    /**
     * All instances, page by page as they are consumed, each once as far as the latest 10,000 ids tell; not
     * a snapshot (contract 2.5).
     */
    readonly iterate: (workflow: string, options?: IterateOptions) => Stream.Stream<WorkflowInstance, CallError>
    /** One instance (`GET /v1/tenants/{tenant_id}/workflows/{name}/instances/{instance}`, contract 4.8). */
    readonly get: (
      workflow: string,
      instance: string,
      options?: TenantOptions
    ) => Effect.Effect<WorkflowInstance, NotFound | CallError>
    /**
     * Deletes an instance (`DELETE /v1/tenants/{tenant_id}/workflows/{name}/instances/{instance}`, contract 4.8). A second
     * time is `NotFound`.
     */
    readonly remove: (
      workflow: string,
      instance: string,
      options?: TenantOptions
    ) => Effect.Effect<InstanceDeleted, NotFound | CallError>
  }
}

const make = (client: Client.Service): Instances.Service => {
  const calls = Calls.make(client, "Instances")
  const create = calls.tenant("create", Api.create)
  const list = calls.tenant("list", Api.listAll)
  const pages = calls.tenant("iterate", Api.listAll)
  const get = calls.tenant("get", Api.get)
  const remove = calls.tenant("remove", Api.remove)
  return {
    create: (name, payload, options) => create((tenant_id) => ({ path: { tenant_id, name }, payload }), options),
    list: (name, urlParams = {}, options) =>
      Effect.map(list((tenant_id) => ({ path: { tenant_id, name }, urlParams }), options), Calls.itemsOf),
    iterate: (name, options) =>
      Calls.iterate(calls.info("iterate", Api.listAll), {
        pageSize: options?.pageSize,
        fetch: (urlParams) =>
          Effect.map(pages((tenant_id) => ({ path: { tenant_id, name }, urlParams }), options), Calls.itemsOf),
        keyOf: (instance) => instance.id
      }),
    get: (name, instance, options) => get((tenant_id) => ({ path: { tenant_id, name, instance } }), options),
    remove: (name, instance, options) => remove((tenant_id) => ({ path: { tenant_id, name, instance } }), options)
  }
}
