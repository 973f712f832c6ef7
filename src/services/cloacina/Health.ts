/**
 * Whether a Cloacina server lives and is ready. Needs no key.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Api from "../../schemas/cloacina/api/Health.js"
import type { CallError } from "../../schemas/cloacina/Errors.js"
import type { HealthStatus } from "../../schemas/cloacina/Health.js"
import type { CallOptions } from "../core/CallOptions.js"
import { Client } from "./Client.js"
import * as Calls from "./internal/calls.js"

/**
 * Whether the server takes work; `reason` says why not.
 *
 * @since 0.1.0
 * @category models
 */
export interface Readiness {
  readonly ready: boolean
  readonly reason: Option.Option<string>
}

/**
 * Whether the server lives and is ready.
 *
 * @since 0.1.0
 * @category context
 */
export class Health extends Context.Tag("effect-switchyard/cloacina/Health")<Health, Health.Service>() {
  /**
   * The service over HTTP.
   *
   * @since 0.1.0
   */
  static readonly layer: Layer.Layer<Health, never, Client> = Layer.effect(
    this,
    Effect.map(Client, (client) => make(client))
  )
}

/**
 * @since 0.1.0
 */
export declare namespace Health {
  /**
   * @since 0.1.0
   * @category models
   */
  export interface Service {
    /** `ok` from a server that answers (`GET /health`, contract 4.1). Touches nothing behind it. */
    readonly check: (options?: CallOptions) => Effect.Effect<HealthStatus, CallError>
    /**
     * Whether the server can reach its database and run workflows (`GET /ready`, contract 4.1). Not being ready is an
     * answer and is not asked again; `Unavailable` is the 503 of a proxy in front.
     */
    readonly ready: (options?: CallOptions) => Effect.Effect<Readiness, CallError>
  }
}

const make = (client: Client.Service): Health.Service => {
  const calls = Calls.make(client, "Health")
  const check = calls.unary("check", Api.health)
  const ready = calls.unary("ready", Api.ready)
  return {
    check: (options) => check({}, options),
    ready: (options) =>
      Effect.map(ready({}, options), (body) =>
        "reason" in body
          ? { ready: false, reason: Option.some(body.reason) }
          : { ready: true, reason: Option.none() })
  }
}
