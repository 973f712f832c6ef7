/**
 * Events into accumulators over their socket.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type * as Sink from "effect/Sink"
import type * as Stream from "effect/Stream"
import type { IngestInterrupted } from "../../schemas/cloacina/Delivery.js"
import type { IngestError } from "../../streams/cloacina/Accumulator.js"
import type { DeliveryError } from "../../streams/cloacina/Delivery.js"
import type * as Feed from "../../streams/core/Feed.js"
import { Client } from "./Client.js"
import * as internal from "./internal/accumulatorSockets.js"
import type { SocketOptions } from "./SocketOptions.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface AccumulatorSocketOptions extends SocketOptions {
  /** How opening is repeated: pauses from 100 ms, doubling up to 30 s, at most five times more (`maxReconnects`). */
  readonly reconnect?: Partial<Feed.Policy> | undefined
}

/**
 * An accumulator that listens. Delivery is at most once and nobody says what arrived (contract 6.6): an event is handed
 * over to the connection, no more. Events are JSON; one that is none fails with `InvalidInput`.
 *
 * When a connection has ended, the next call fails with `IngestInterrupted`, which says how many events it had been given;
 * the events of that call itself were then not sent (`uncertain` 0), or may have been (`uncertain` > 0). The call after
 * that opens another connection, behind a pause; after 4404 it asks first whether the accumulator is still there, and
 * fails with `Forbidden` when it is not.
 *
 * @since 0.1.0
 * @category models
 */
export interface AccumulatorSocket {
  readonly send: (event: unknown) => Effect.Effect<void, IngestError>
  /**
   * Sends all events, those of a chunk in one write; gives how many were handed over. With `onInterrupted` it goes on
   * behind an `IngestInterrupted` that this effect succeeds on: with the same events where they were not sent, else with
   * the next ones.
   */
  readonly sendAll: <E, R, E2 = never, R2 = never>(
    events: Stream.Stream<unknown, E, R>,
    options?: { readonly onInterrupted?: ((error: IngestInterrupted) => Effect.Effect<void, E2, R2>) | undefined }
  ) => Effect.Effect<number, IngestError | E | E2, R | R2>
  /** Sends what comes in; gives how many were handed over. */
  readonly sink: Sink.Sink<number, unknown, never, IngestError>
  /**
   * Waits, and fails if the connection has ended by then: that nobody took an event (4404) is known only some time after
   * it was handed over.
   */
  readonly verify: (patience: Duration.DurationInput) => Effect.Effect<void, IngestInterrupted>
}

/**
 * The accumulator socket.
 *
 * @example
 * ```ts
 * import * as Cloacina from "effect-switchyard/cloacina"
 * import * as Effect from "effect/Effect"
 * import * as Stream from "effect/Stream"
 *
 * export const program = Effect.scoped(Effect.gen(function*() {
 *   const ticks = yield* Effect.flatMap(Cloacina.AccumulatorSockets, (sockets) => sockets.ingest("ticks"))
 *   yield* ticks.sendAll(Stream.make({ px: 7 }, { px: 8 }))
 *   yield* ticks.verify("200 millis")
 * }))
 * ```
 *
 * @since 0.1.0
 * @category context
 */
export class AccumulatorSockets
  extends Context.Tag("effect-switchyard/cloacina/AccumulatorSockets")<AccumulatorSockets, AccumulatorSockets.Service>()
{
  /**
   * The service over WebSockets.
   *
   * @since 0.1.0
   */
  static readonly layer: Layer.Layer<AccumulatorSockets, never, Client> = Layer.effect(
    this,
    Effect.map(Client, internal.make)
  )
}

/**
 * @since 0.1.0
 */
export declare namespace AccumulatorSockets {
  /**
   * @since 0.1.0
   * @category models
   */
  export interface Service {
    /**
     * Opens a socket to an accumulator (`GET /v1/ws/accumulator/{name}`, contract 6.6), which closes with the scope. A
     * replica that does not own the reactor names the one that does: followed where the platform shows it and the key may
     * be sent there. Fails with `Forbidden` when the name is unknown, or not for this key.
     */
    readonly ingest: (
      name: string,
      options?: AccumulatorSocketOptions
    ) => Effect.Effect<AccumulatorSocket, DeliveryError, Scope.Scope>
  }
}
