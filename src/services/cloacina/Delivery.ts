/**
 * Pushes of a Cloacina server: at least once on the wire, once to the program.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import type { ExecutionEventPush, Push } from "../../schemas/cloacina/Delivery.js"
import type { DeliveryError } from "../../streams/cloacina/Delivery.js"
import type { Acked } from "../../streams/cloacina/Shared.js"
import type * as Feed from "../../streams/core/Feed.js"
import { Client } from "./Client.js"
import * as internal from "./internal/delivery.js"
import type { SocketOptions } from "./SocketOptions.js"

/**
 * How a subscription is served. A recipient has one socket in a process, however many listen to it: how it is opened
 * and how long it pauses is decided by whoever opened it; `bufferSize` and when to give up are each consumer's own.
 *
 * @since 0.1.0
 * @category models
 */
export interface SubscribeOptions extends SocketOptions {
  /**
   * How the socket reconnects: pauses from 100 ms, doubling up to 30 s; the subscription gives up with
   * `StreamInterrupted` when more than 20 connections in a row have failed (`maxReconnects`). `false`: with the first.
   */
  readonly reconnect?: Partial<Feed.Policy> | false | undefined
  /** How many pushes wait for this consumer before the socket is no longer read. Default 256. */
  readonly bufferSize?: number | undefined
  /**
   * What becomes of a push whose payload is not what its kind promises. `fail` (default): the stream ends with
   * `DecodeError`, as does every later one until the row is gone from the server, since it is not acknowledged. `raw`: it
   * comes as one of kind `unknown`, with its bytes; acknowledging it is the end of it.
   */
  readonly undecodable?: "fail" | "raw" | undefined
  /** How long a server may take to say welcome. Default 10 s. */
  readonly welcomeTimeout?: Duration.DurationInput | undefined
}

/**
 * The delivery socket.
 *
 * @example
 * ```ts
 * import * as Cloacina from "effect-switchyard/cloacina"
 * import * as Effect from "effect/Effect"
 *
 * export const program = Effect.gen(function*() {
 *   const delivery = yield* Cloacina.Delivery
 *   yield* delivery.subscribeAcked("agent:ag-17").pipe(
 *     Cloacina.runForEachAcked((push) => Effect.log(`push ${push.id}`))
 *   )
 * })
 * ```
 *
 * @since 0.1.0
 * @category context
 */
export class Delivery extends Context.Tag("effect-switchyard/cloacina/Delivery")<Delivery, Delivery.Service>() {
  /**
   * The service over WebSockets.
   *
   * @since 0.1.0
   */
  static readonly layer: Layer.Layer<Delivery, never, Client> = Layer.effect(this, Effect.map(Client, internal.make))
}

/**
 * @since 0.1.0
 */
export declare namespace Delivery {
  /**
   * All streams reconnect by themselves and end with: `InvalidInput` (a recipient that no URL can carry, or close 4400),
   * `Unauthorized` or `Forbidden` (when the ticket is asked for, or when tickets are refused four times in a row),
   * `VersionMismatch` (close 4426 or a welcome of another version, whatever `reconnect` says), `DecodeError` (a push that
   * is not what its kind promises; it is not acknowledged and comes again), `StreamInterrupted` (gave up). Stopping one
   * closes the socket at once when nobody else listens to the recipient.
   *
   * @since 0.1.0
   * @category models
   */
  export interface Service {
    /**
     * The pushes to a recipient (`GET /v1/ws/delivery/{recipient}`, contract 6.3), each once as far as the latest 10,000
     * ids tell. One is acknowledged when the next one is asked for; the one in hand when the stream stops comes again.
     *
     * Nothing tells a wrong name from a silent one, and the order is not guaranteed. A push of an unknown kind has bytes.
     */
    readonly subscribe: (recipient: string, options?: SubscribeOptions) => Stream.Stream<Push, DeliveryError>
    /**
     * As `subscribe`, with the acknowledgement left to the consumer: what it does not acknowledge comes again, on a later
     * subscription. See {@link runForEachAcked}. Behind 8,192 pushes that are not acknowledged no further one is given
     * until one of them is.
     */
    readonly subscribeAcked: (
      recipient: string,
      options?: SubscribeOptions
    ) => Stream.Stream<Acked<Push>, DeliveryError>
    /**
     * The events of an execution as they are pushed (recipient `exec_events:<id>`). It never ends by itself, and servers
     * up to 0.12.0 push none (contract 6.4): `Executions.follow` is what works everywhere.
     */
    readonly executionEvents: (
      executionId: string,
      options?: SubscribeOptions
    ) => Stream.Stream<ExecutionEventPush, DeliveryError>
    /**
     * Says when something may have happened to an execution, for whoever asks for it by REST. Never fails: it ends when
     * two connections in a row have failed, since two followers with keys of one tenant throw each other off.
     */
    readonly hints: (executionId: string, options?: SocketOptions) => Stream.Stream<void>
  }
}

/**
 * Runs an effect for each push and acknowledges it when that has succeeded: what was not dealt with comes again.
 *
 * @since 0.1.0
 * @category combinators
 */
export const runForEachAcked =
  <A, X, E2, R2>(f: (push: A) => Effect.Effect<X, E2, R2>) =>
  <E, R>(stream: Stream.Stream<Acked<A>, E, R>): Effect.Effect<void, E | E2, R | R2> =>
    Stream.runForEach(stream, ({ ack, push }) => Effect.zipRight(f(push), ack))
