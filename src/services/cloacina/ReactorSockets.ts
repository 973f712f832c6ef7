/**
 * Commands to reactors over their socket.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { CommandError } from "../../streams/cloacina/Reactor.js"
import type * as Feed from "../../streams/core/Feed.js"
import { Client } from "./Client.js"
import * as internal from "./internal/reactorSockets.js"
import type { SocketOptions } from "./SocketOptions.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface ReactorSocketOptions extends SocketOptions {
  /** How long a command waits for its answer: a fire waits until the reactor has room for it. Default 30 s. */
  readonly answerTimeout?: Duration.DurationInput | undefined
  /**
   * How opening is repeated: pauses from 100 ms, doubling up to 30 s, at most five times more (`maxReconnects`). A lost
   * connection opens again in front of the next command.
   */
  readonly reconnect?: Partial<Feed.Policy> | undefined
}

/**
 * A reactor that listens. Commands may be given concurrently: they are sent one at a time, in order, and each gets its
 * own answer. A command is never sent twice: `TransportError` (phase `response`) and `Timeout` (kind `total`) say that
 * the answer did not come, and that the command may have been carried out.
 *
 * All commands fail with `Forbidden` when the key may not do this, and `NotFound` when the reactor is gone.
 *
 * @since 0.1.0
 * @category models
 */
export interface ReactorSocket {
  /** Fires with what the reactor has. Done when the reactor has the command: a paused one then does nothing with it. */
  readonly forceFire: Effect.Effect<void, CommandError>
  /** Replaces the cache by `inputs`, values by source, and fires. Fails with `InvalidInput` when a value is not JSON. */
  readonly fireWith: (inputs: Readonly<Record<string, unknown>>) => Effect.Effect<void, CommandError>
  /** The cache: values by source, as the text that was sent where one cannot be read. */
  readonly getState: Effect.Effect<Readonly<Record<string, unknown>>, CommandError>
  /** Stops the reactor from running its graphs; it still takes events. Twice is the same as once. */
  readonly pause: Effect.Effect<void, CommandError>
  /** Twice is the same as once. */
  readonly resume: Effect.Effect<void, CommandError>
}

/**
 * The reactor socket.
 *
 * @example
 * ```ts
 * import * as Cloacina from "effect-switchyard/cloacina"
 * import * as Effect from "effect/Effect"
 *
 * export const program = Effect.scoped(Effect.gen(function*() {
 *   const reactor = yield* Effect.flatMap(Cloacina.ReactorSockets, (sockets) => sockets.connect("pricing"))
 *   yield* reactor.fireWith({ ticks: { px: 7 } })
 *   return yield* reactor.getState
 * }))
 * ```
 *
 * @since 0.1.0
 * @category context
 */
export class ReactorSockets
  extends Context.Tag("effect-switchyard/cloacina/ReactorSockets")<ReactorSockets, ReactorSockets.Service>()
{
  /**
   * The service over WebSockets.
   *
   * @since 0.1.0
   */
  static readonly layer: Layer.Layer<ReactorSockets, never, Client> = Layer.effect(
    this,
    Effect.map(Client, internal.make)
  )
}

/**
 * @since 0.1.0
 */
export declare namespace ReactorSockets {
  /**
   * @since 0.1.0
   * @category models
   */
  export interface Service {
    /**
     * Opens a socket to a reactor (`GET /v1/ws/reactor/{name}`, contract 6.5), which closes with the scope. Fails with
     * `Forbidden` when the name is unknown, or not for this key.
     */
    readonly connect: (
      name: string,
      options?: ReactorSocketOptions
    ) => Effect.Effect<ReactorSocket, CommandError, Scope.Scope>
  }
}
