/**
 * The Solti server: a supervisor that runs tasks as processes of this machine, behind the HTTP interface of the task API.
 * And its parts, to build another one: a handler of one's own behind the same interface, other runners, another store,
 * tasks that are functions of the host.
 *
 * Whoever reaches the server can run commands as its user. It listens on the loopback interface unless `host` says
 * otherwise, and elsewhere only with a `token`.
 *
 * @example
 * ```ts
 * import { NodeRuntime } from "@effect/platform-node"
 * import * as SoltiServer from "effect-switchyard/solti/server"
 * import * as Config from "effect/Config"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 *
 * const Live = Layer.unwrapEffect(Effect.map(
 *   Config.redacted("SOLTI_TOKEN"),
 *   (token) => SoltiServer.layer({ host: "0.0.0.0", port: 8085, token, maxConcurrent: 8 })
 * ))
 *
 * const announce = Effect.flatMap(SoltiServer.SoltiServer, ({ url }) => Effect.logInfo(`listening on ${url}`))
 *
 * Layer.launch(Layer.provide(Layer.effectDiscard(announce), Live)).pipe(NodeRuntime.runMain)
 * ```
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import type * as ConfigError from "effect/ConfigError"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { ListenError } from "../server/core/NodeServer.js"
import type { ApiHandler } from "../server/solti/ApiHandler.js"
import type { Runner } from "../server/solti/Runner.js"
import type { SandboxRejected } from "../server/solti/Sandbox.js"
import { type Options as ServerOptions, SoltiServer, type UnprotectedBind } from "../server/solti/SoltiServer.js"
import * as Subprocess from "../server/solti/Subprocess.js"
import { type Options as AnySupervisorOptions, Supervisor } from "../server/solti/Supervisor.js"
import * as SupervisorApiAdapter from "../server/solti/SupervisorApiAdapter.js"
import { token } from "../services/solti/Client.js"

export { type Address, ListenError } from "../server/core/NodeServer.js"
export { ApiError, ApiHandler, type TaskQuery } from "../server/solti/ApiHandler.js"
export { ApiMetrics, type RequestDone } from "../server/solti/ApiMetrics.js"
export { type FunctionTask } from "../server/solti/FunctionTask.js"
export { maxRequestBytes } from "../server/solti/HttpFront.js"
export { type Caps } from "../server/solti/Output.js"
export { type Attempt, type AttemptContext, AttemptFailed, type Runner } from "../server/solti/Runner.js"
export { type Options as SandboxOptions, SandboxRejected } from "../server/solti/Sandbox.js"
export { type Options as ServerOptions, SoltiServer, UnprotectedBind } from "../server/solti/SoltiServer.js"
export { type Change, type Retention, type StoredTask, TaskStore } from "../server/solti/Store.js"
/**
 * The runner for processes.
 *
 * @since 0.1.0
 */
export * as Subprocess from "../server/solti/Subprocess.js"
export { Supervisor } from "../server/solti/Supervisor.js"

/**
 * What a supervisor is made of.
 *
 * - `runners`: asked before the one for processes; the first that supports a task runs it
 * - `subprocess`: how processes are run
 *
 * The rest are limits and times; see the supervisor.
 *
 * @since 0.1.0
 * @category models
 */
export interface SupervisorOptions extends Omit<AnySupervisorOptions, "runners" | "semantics"> {
  readonly runners?: ReadonlyArray<Runner> | undefined
  readonly subprocess?: Subprocess.Options | undefined
}

/**
 * A whole server: where it listens and whom it lets in, and what it does with tasks. `grace` is how long a delete, and
 * the end of the server, wait for attempts to end.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options extends SupervisorOptions, Omit<ServerOptions, "drain" | "grace"> {}

/**
 * A supervisor that runs processes, and functions of the host. Its end stops all of them.
 *
 * Fails with `SandboxRejected` when this platform does not give the limits that `subprocess` asks for.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerSupervisor = (options: SupervisorOptions = {}): Layer.Layer<Supervisor, SandboxRejected> =>
  Layer.unwrapEffect(Effect.map(
    Subprocess.makeRunner(options.subprocess),
    (subprocess) => Supervisor.layer({ ...options, runners: [...options.runners ?? [], subprocess] })
  ))

/**
 * The handler of the supervisor: what of it is seen on the wire. Wrap it to put rules of your own around it.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerHandler: Layer.Layer<ApiHandler, never, Supervisor> = SupervisorApiAdapter.layer

/**
 * A server for the handler in the context.
 *
 * Fails with `ListenError` when it cannot listen, and with `UnprotectedBind` when it would listen beyond the loopback
 * interface without a token and without `allowUnauthenticated`.
 *
 * @example
 * ```ts
 * import * as SoltiServer from "effect-switchyard/solti/server"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 *
 * // The handler of the supervisor, and a word in the log about every task that is submitted.
 * const Audited = Layer.effect(
 *   SoltiServer.ApiHandler,
 *   Effect.map(SoltiServer.ApiHandler, (handler) => ({
 *     ...handler,
 *     submitTask: (spec) =>
 *       Effect.tap(handler.submitTask(spec), (id) => Effect.logInfo("accepted").pipe(Effect.annotateLogs({ id })))
 *   }))
 * )
 *
 * export const Live = SoltiServer.layerServer({ port: 8085 }).pipe(
 *   Layer.provide(Audited),
 *   Layer.provide(SoltiServer.layerHandler),
 *   Layer.provide(SoltiServer.layerSupervisor())
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerServer = (
  options?: ServerOptions
): Layer.Layer<SoltiServer, ListenError | UnprotectedBind, ApiHandler> => SoltiServer.layer(options)

/**
 * A whole server. When it is released it takes no more tasks, kills all attempts with their process groups, ends the logs
 * properly, and waits until all that is done.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options: Options = {}
): Layer.Layer<SoltiServer | Supervisor | ApiHandler, ListenError | UnprotectedBind | SandboxRejected> => {
  const { grace: _, ...serverOptions } = options
  return Layer.unwrapEffect(
    Effect.map(Supervisor, ({ shutdown }) => layerServer({ ...serverOptions, drain: shutdown }))
  ).pipe(
    Layer.provideMerge(layerHandler),
    Layer.provideMerge(layerSupervisor(options))
  )
}

/**
 * The secret of a server from the environment: `SOLTI_TOKEN`, where it is set. `effect-switchyard/solti/grpc/server` reads it
 * as well, so that both wires ask for the same.
 *
 * @since 0.1.0
 * @category config
 */
export const config: Config.Config<Pick<Options, "token">> = Config.all({ token })

/**
 * {@link layer} with options from configuration, by default those of {@link config}.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig = (options: Config.Config<Options> = config): Layer.Layer<
  SoltiServer | Supervisor | ApiHandler,
  ListenError | UnprotectedBind | SandboxRejected | ConfigError.ConfigError
> => Layer.unwrapEffect(Effect.map(options, layer))
