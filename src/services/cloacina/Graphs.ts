/**
 * Computation graphs over REST: their health, events into accumulators, fires of reactors.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Api from "../../schemas/cloacina/api/Graphs.js"
import type { CallError } from "../../schemas/cloacina/Errors.js"
import type {
  AccumulatorInjected,
  AccumulatorStatus,
  GraphStatus,
  ReactorFire,
  ReactorFired,
  ReactorStatus
} from "../../schemas/cloacina/Graphs.js"
import type { DeclaredSurface } from "../../schemas/cloacina/Slots.js"
import type { NotFound, PayloadTooLarge } from "../../schemas/core/Errors.js"
import type { CallOptions } from "../core/CallOptions.js"
import { Client } from "./Client.js"
import * as Calls from "./internal/calls.js"

/**
 * Computation graphs of the tenant of the key, of all tenants for a god key. All state is that of one server process: it
 * is gone after a restart, and only the replica that owns a reactor shows it.
 *
 * @since 0.1.0
 * @category context
 */
export class Graphs extends Context.Tag("effect-switchyard/cloacina/Graphs")<Graphs, Graphs.Service>() {
  /**
   * The service over HTTP.
   *
   * @since 0.1.0
   */
  static readonly layer: Layer.Layer<Graphs, never, Client> = Layer.effect(
    this,
    Effect.map(Client, (client) => make(client))
  )
}

/**
 * @since 0.1.0
 */
export declare namespace Graphs {
  /**
   * @since 0.1.0
   * @category models
   */
  export interface Service {
    /** All graphs, in no order, without their packages (`GET /v1/health/graphs`, contract 4.11). */
    readonly list: (options?: CallOptions) => Effect.Effect<ReadonlyArray<GraphStatus>, CallError>
    /** One graph, with its package (`GET /v1/health/graphs/{name}`, contract 4.11). */
    readonly get: (name: string, options?: CallOptions) => Effect.Effect<GraphStatus, NotFound | CallError>
    /** All accumulators, in no order (`GET /v1/health/accumulators`, contract 4.11). */
    readonly accumulators: (options?: CallOptions) => Effect.Effect<ReadonlyArray<AccumulatorStatus>, CallError>
    /**
     * Gives an accumulator an event: any JSON, `null` included (`POST /v1/health/accumulators/{name}/inject`, contract
     * 4.11). An unknown accumulator is `Forbidden`; `NotFound` when nothing could be delivered. Never sent twice.
     *
     * A replica that does not own the accumulator redirects to the one that does: that is followed with the key, to the
     * same path over `https`, or from plain `http` to loopback (`allowInsecureKey` lifts that), three times at most.
     * Browsers do not show where a redirect leads, so there it is `UnexpectedStatus`.
     */
    readonly inject: (
      accumulator: string,
      event: unknown,
      options?: CallOptions
    ) => Effect.Effect<AccumulatorInjected, NotFound | PayloadTooLarge | CallError>
    /**
     * What an accumulator takes; no slots for unknown ones, and for those outside `public` (`GET
     * /v1/health/accumulators/{name}/interface`, contract 4.11).
     */
    readonly accumulatorInterface: (name: string, options?: CallOptions) => Effect.Effect<DeclaredSurface, CallError>
    /** All reactors, in no order (`GET /v1/health/reactors`, contract 4.11). */
    readonly reactors: (options?: CallOptions) => Effect.Effect<ReadonlyArray<ReactorStatus>, CallError>
    /**
     * Fires a reactor with what it holds (`POST /v1/health/reactors/{name}/fire`, contract 4.11). The answer says that the
     * command was queued: a paused reactor ignores it. An unknown reactor is `Forbidden`. Never sent twice.
     */
    readonly forceFire: (
      reactor: string,
      options?: CallOptions
    ) => Effect.Effect<ReactorFired, NotFound | PayloadTooLarge | CallError>
    /**
     * Fires a reactor with these inputs, by accumulator, which take the place of **all** it holds (same route). Without
     * any it is `InvalidInput` (`empty_inputs`).
     */
    readonly fireWith: (
      reactor: string,
      inputs: Readonly<Record<string, unknown>>,
      options?: CallOptions
    ) => Effect.Effect<ReactorFired, NotFound | PayloadTooLarge | CallError>
    /**
     * The last fires, newest first: 50, or `limit`, at most 200 (`GET /v1/health/reactors/{name}/fires`, contract 4.11).
     */
    readonly fires: (
      reactor: string,
      query?: { readonly limit?: number | undefined },
      options?: CallOptions
    ) => Effect.Effect<ReadonlyArray<ReactorFire>, NotFound | CallError>
    /**
     * How often a reactor fired in each of the last 60 minutes, oldest first, failed fires included (`GET
     * /v1/health/reactors/{name}/fires/timeseries`, contract 4.11).
     */
    readonly timeseries: (
      reactor: string,
      options?: CallOptions
    ) => Effect.Effect<ReadonlyArray<number>, NotFound | CallError>
    /** What a reactor takes; see `accumulatorInterface` (`GET /v1/health/reactors/{name}/interface`, contract 4.11). */
    readonly reactorInterface: (name: string, options?: CallOptions) => Effect.Effect<DeclaredSurface, CallError>
  }
}

const make = (client: Client.Service): Graphs.Service => {
  const { unary } = Calls.make(client, "Graphs")
  const list = unary("list", Api.listGraphs)
  const get = unary("get", Api.getGraph)
  const accumulators = unary("accumulators", Api.listAccumulators)
  const inject = unary("inject", Api.inject)
  const accumulatorInterface = unary("accumulatorInterface", Api.accumulatorSurface)
  const reactors = unary("reactors", Api.listReactors)
  const forceFire = unary("forceFire", Api.fire)
  const fireWith = unary("fireWith", Api.fire)
  const fires = unary("fires", Api.fires)
  const timeseries = unary("timeseries", Api.timeseries)
  const reactorInterface = unary("reactorInterface", Api.reactorSurface)
  return {
    list: (options) => Effect.map(list({}, options), Calls.itemsOf),
    get: (name, options) => get({ path: { name } }, options),
    accumulators: (options) => Effect.map(accumulators({}, options), Calls.itemsOf),
    // The member must be there, and `undefined` is no JSON.
    inject: (name, event, options) => inject({ path: { name }, payload: { event: event ?? null } }, options),
    accumulatorInterface: (name, options) => accumulatorInterface({ path: { name } }, options),
    reactors: (options) => Effect.map(reactors({}, options), Calls.itemsOf),
    forceFire: (name, options) => forceFire({ path: { name }, payload: { mode: "force_fire" } }, options),
    fireWith: (name, inputs, options) => fireWith({ path: { name }, payload: { mode: "fire_with", inputs } }, options),
    fires: (name, urlParams = {}, options) => Effect.map(fires({ path: { name }, urlParams }, options), Calls.itemsOf),
    timeseries: (name, options) => Effect.map(timeseries({ path: { name } }, options), ({ buckets }) => buckets),
    reactorInterface: (name, options) => reactorInterface({ path: { name } }, options)
  }
}
