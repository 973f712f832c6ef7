/**
 * The Solti plane: a client for task supervisors that speak the Solti task API (0.0.2, 0.0.3) over HTTP.
 *
 * @example
 * ```ts
 * import { NodeHttpClient, NodeRuntime } from "@effect/platform-node"
 * import * as Solti from "effect-switchyard/solti"
 * import * as Console from "effect/Console"
 * import * as Effect from "effect/Effect"
 * import * as Stream from "effect/Stream"
 *
 * const program = Effect.gen(function*() {
 *   const tasks = yield* Solti.Tasks
 *   const id = yield* tasks.submit(Solti.command("sha256sum", ["package.json"], { slot: "hash", timeout: "30 seconds" }))
 *   yield* tasks.follow(id).pipe(Stream.runForEach((event) => Console.log(Solti.render(event))))
 *   return yield* tasks.await(id)
 * })
 *
 * program.pipe(
 *   Effect.provide(Solti.layerConfig()),
 *   Effect.provide(NodeHttpClient.layerUndici),
 *   NodeRuntime.runMain
 * )
 * ```
 *
 * @since 0.1.0
 */
import type * as HttpClient from "@effect/platform/HttpClient"
import type * as Config from "effect/Config"
import type * as ConfigError from "effect/ConfigError"
import * as Layer from "effect/Layer"
import type { InvalidOptions } from "./schemas/core/Errors.js"
import * as Client from "./services/solti/Client.js"
import { Tasks } from "./services/solti/Tasks.js"

export * from "./schemas/core/Errors.js"
export { type OpenEnum, type UnknownValue } from "./schemas/core/Wire.js"
export * from "./schemas/solti/Errors.js"
export * from "./schemas/solti/Logs.js"
export * from "./schemas/solti/Phase.js"
export * from "./schemas/solti/Tasks.js"
export { escapeControls } from "./services/core/Text.js"
export { Client, config, type Options } from "./services/solti/Client.js"
export { isSuccess, type Outcome } from "./services/solti/Outcome.js"
export * from "./services/solti/Render.js"
export * from "./services/solti/Spec.js"
export * from "./services/solti/Tasks.js"
export { type AttemptLog, collectAttempts } from "./streams/solti/Attempts.js"
export { type FollowedEvent, type HeadGap, tidy } from "./streams/solti/Follow.js"
export { type Gap } from "./streams/solti/Logs.js"

/**
 * Every service of the plane, over one connection. Fails with `InvalidOptions` when the options cannot work.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options: Client.Options
): Layer.Layer<Tasks | Client.Client, InvalidOptions, HttpClient.HttpClient> =>
  Layer.provideMerge(Tasks.layer, Client.layer(options))

/**
 * Every service of the plane, configured from the environment: `SOLTI_URL`, and `SOLTI_TOKEN` where the server asks for
 * one.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig = (
  options?: Config.Config<Client.Options>
): Layer.Layer<Tasks | Client.Client, ConfigError.ConfigError | InvalidOptions, HttpClient.HttpClient> =>
  Layer.provideMerge(Tasks.layer, Client.layerConfig(options))
