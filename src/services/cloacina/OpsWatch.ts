/**
 * The state of a Cloacina server as it changes.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Stream from "effect/Stream"
import type { OpsMetrics } from "../../schemas/cloacina/Delivery.js"
import type { DeliveryError } from "../../streams/cloacina/Delivery.js"
import { Client } from "./Client.js"
import type { SubscribeOptions } from "./Delivery.js"
import * as internal from "./internal/delivery.js"

/**
 * Operations metrics, pushed.
 *
 * @since 0.1.0
 * @category context
 */
export class OpsWatch extends Context.Tag("effect-switchyard/cloacina/OpsWatch")<OpsWatch, OpsWatch.Service>() {
  /**
   * The service over WebSockets.
   *
   * @since 0.1.0
   */
  static readonly layer: Layer.Layer<OpsWatch, never, Client> = Layer.effect(
    this,
    Effect.map(Client, internal.makeOpsWatch)
  )
}

/**
 * @since 0.1.0
 */
export declare namespace OpsWatch {
  /**
   * @since 0.1.0
   * @category models
   */
  export interface Service {
    /**
     * Snapshots of the control plane, as far as the key may see it: the first within about a second, then every 5 s
     * (recipient `ops_metrics:global`, contract 6.4). Neither remembered nor acknowledged, since their ids are not those
     * of outbox rows. A slow consumer gets the newest. Reconnects and fails as `Delivery.subscribe` does.
     */
    readonly watch: (options?: Omit<SubscribeOptions, "bufferSize">) => Stream.Stream<OpsMetrics, DeliveryError>
  }
}
