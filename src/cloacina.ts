/**
 * The Cloacina plane: a client for workflow servers (cloacina-server 0.12) over HTTP and WebSocket.
 *
 * @example
 * ```ts
 * import { NodeHttpClient, NodeRuntime } from "@effect/platform-node"
 * import * as Cloacina from "effect-switchyard/cloacina"
 * import * as Console from "effect/Console"
 * import * as Effect from "effect/Effect"
 *
 * const program = Effect.gen(function*() {
 *   const { fired } = yield* (yield* Cloacina.Triggers).fire("ledger_closed", { region: "eu" })
 *   yield* Console.log(`${fired} workflows started`)
 * })
 *
 * program.pipe(
 *   Effect.provide(Cloacina.layerConfig()),
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
import * as Client from "./services/cloacina/Client.js"
import type { Services } from "./services/cloacina/Services.js"
import { layerServices } from "./services/cloacina/Services.js"

export * from "./schemas/cloacina/Accounts.js"
export * from "./schemas/cloacina/AgentProtocol.js"
export { ExecutionId, PackageId, Timestamp, timestampToDateTime } from "./schemas/cloacina/Common.js"
export {
  DELIVERY_PROTOCOL_VERSION,
  ExecutionEventPush,
  IngestInterrupted,
  OpsMetrics,
  type Push,
  type PushOf,
  Reconciler,
  ReconcilerState,
  ServerHealth,
  type UnknownPush
} from "./schemas/cloacina/Delivery.js"
export * from "./schemas/cloacina/Errors.js"
export * from "./schemas/cloacina/Executions.js"
export * from "./schemas/cloacina/Fleet.js"
export * from "./schemas/cloacina/Graphs.js"
export * from "./schemas/cloacina/Health.js"
export * from "./schemas/cloacina/Instances.js"
export * from "./schemas/cloacina/Keys.js"
export * from "./schemas/cloacina/Secrets.js"
export * from "./schemas/cloacina/Sessions.js"
export * from "./schemas/cloacina/Slots.js"
export * from "./schemas/cloacina/Tenants.js"
export * from "./schemas/cloacina/Triggers.js"
export * from "./schemas/cloacina/Workflows.js"
export * from "./schemas/core/Errors.js"
export { type OpenEnum, type UnknownValue } from "./schemas/core/Wire.js"
export * from "./services/cloacina/Accounts.js"
export * from "./services/cloacina/AccumulatorSockets.js"
export * from "./services/cloacina/Agents.js"
export {
  Client,
  config,
  type IterateOptions,
  type Options,
  type PageQuery,
  type TenantOptions,
  withTenant
} from "./services/cloacina/Client.js"
export * from "./services/cloacina/Delivery.js"
export * from "./services/cloacina/Executions.js"
export * from "./services/cloacina/Fleet.js"
export * from "./services/cloacina/Graphs.js"
export * from "./services/cloacina/Health.js"
export * from "./services/cloacina/Instances.js"
export * from "./services/cloacina/Keys.js"
export * from "./services/cloacina/Operations.js"
export * from "./services/cloacina/OpsWatch.js"
export {
  type Cancelled,
  type Completed,
  type Ending,
  ExecutionFailed,
  type Failed,
  isCompleted,
  type Outcome,
  type TaskFailure
} from "./services/cloacina/Outcome.js"
export * from "./services/cloacina/ReactorSockets.js"
export * from "./services/cloacina/Render.js"
export * from "./services/cloacina/Requests.js"
export * from "./services/cloacina/Roles.js"
export * from "./services/cloacina/Secrets.js"
export * from "./services/cloacina/Services.js"
export * from "./services/cloacina/Sessions.js"
export * from "./services/cloacina/SocketOptions.js"
export * from "./services/cloacina/Tenants.js"
export * from "./services/cloacina/Triggers.js"
export * from "./services/cloacina/Workflows.js"
export { escapeControls } from "./services/core/Text.js"
export type { IngestError } from "./streams/cloacina/Accumulator.js"
export type { DeliveryError } from "./streams/cloacina/Delivery.js"
export type { Ended, FinalStatus, Logged, Settings as FollowSettings } from "./streams/cloacina/Follow.js"
export type { CommandError } from "./streams/cloacina/Reactor.js"
export type { Acked } from "./streams/cloacina/Shared.js"

/**
 * Every service of the plane, over one connection. Fails with `InvalidOptions` when the options cannot work.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options: Client.Options
): Layer.Layer<Services | Client.Client, InvalidOptions, HttpClient.HttpClient> =>
  Layer.provideMerge(layerServices, Client.layer(options))

/**
 * Every service of the plane, configured from the environment: `CLOACINA_SERVER_URL`, and where they are set
 * `CLOACINA_API_KEY` and `CLOACINA_TENANT`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig = (
  options?: Config.Config<Client.Options>
): Layer.Layer<Services | Client.Client, ConfigError.ConfigError | InvalidOptions, HttpClient.HttpClient> =>
  Layer.provideMerge(layerServices, Client.layerConfig(options))

/**
 * Every service of the plane for another tenant: over the connection of the context, with its key. A session of it that
 * replaces its key replaces this one's too.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerForTenant = (tenant: string): Layer.Layer<Services | Client.Client, never, Client.Client> =>
  Layer.provideMerge(layerServices, Client.layerForTenant(tenant))
