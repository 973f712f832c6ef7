/**
 * The gRPC interface of a Solti server, with TLS and mTLS, the standard health service and reflection. It serves the
 * same handler as `effect-switchyard/solti/server`, which has the supervisor and the HTTP interface; both may run over
 * one.
 *
 * Needs Node and the package `@bufbuild/protobuf`.
 *
 * Whoever reaches the server can run commands as its user. It listens on the loopback interface unless `host` says
 * otherwise; elsewhere only with a `token` or certificates of clients, and only with TLS.
 *
 * @example
 * ```ts
 * import { NodeRuntime } from "@effect/platform-node"
 * import * as SoltiGrpcServer from "effect-switchyard/solti/grpc/server"
 * import * as SoltiServer from "effect-switchyard/solti/server"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 *
 * // Tasks that are submitted over one wire are seen over the other.
 * const Live = Layer.provideMerge(
 *   SoltiGrpcServer.layer({ port: 50052 }),
 *   SoltiServer.layer({ port: 8085 })
 * )
 *
 * const announce = Effect.gen(function*() {
 *   const http = yield* SoltiServer.SoltiServer
 *   const grpc = yield* SoltiGrpcServer.GrpcServer
 *   yield* Effect.logInfo(`listening on ${http.url} and ${grpc.authority}`)
 * })
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
import type { ListenError } from "../../server/core/NodeServer.js"
import type { ApiHandler } from "../../server/solti/ApiHandler.js"
import { GrpcServer, type Options as ServerOptions, type PlaintextBind } from "../../server/solti/GrpcServer.js"
import type { UnprotectedBind } from "../../server/solti/SoltiServer.js"
import { Supervisor } from "../../server/solti/Supervisor.js"
import { type InvalidTls, serverConfig } from "../../services/core/NodeTls.js"
import { token } from "../../services/solti/Client.js"

export { maxMessageBytes } from "../../schemas/solti/Limits.js"
export { ListenError } from "../../server/core/NodeServer.js"
export { ApiError, ApiHandler, type TaskQuery } from "../../server/solti/ApiHandler.js"
export { ApiMetrics, type RequestDone } from "../../server/solti/ApiMetrics.js"
export { type ServiceName } from "../../server/solti/GrpcFront.js"
export {
  type Address,
  GrpcServer,
  type Options as ServerOptions,
  PlaintextBind
} from "../../server/solti/GrpcServer.js"
export { UnprotectedBind } from "../../server/solti/SoltiServer.js"
export { Supervisor } from "../../server/solti/Supervisor.js"
export { InvalidTls, type Pem, type ServerTls } from "../../services/core/NodeTls.js"

/**
 * Why a server did not come up: it cannot listen (`ListenError`), it would be open to the network without saying who
 * may call it (`UnprotectedBind`) or in clear text (`PlaintextBind`), or its certificates cannot work (`InvalidTls`).
 *
 * @since 0.1.0
 * @category errors
 */
export type StartError = ListenError | UnprotectedBind | PlaintextBind | InvalidTls

/**
 * Where a server listens, whom it lets in, and how.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options extends Omit<ServerOptions, "drain"> {}

/**
 * A server for the handler in the context, whatever is behind it. When it is released, health says so first, then it
 * takes no more connections; logs are ended at once unless there is a `drain`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerServer = (options?: ServerOptions): Layer.Layer<GrpcServer, StartError, ApiHandler> =>
  GrpcServer.layer(options)

/**
 * A server for the handler and the supervisor in the context: those of `SoltiServer.layer`, or of its parts. When it is
 * released it shuts the supervisor down, so that logs end properly, and waits for that.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: Options = {}): Layer.Layer<GrpcServer, StartError, ApiHandler | Supervisor> =>
  Layer.unwrapEffect(Effect.map(Supervisor, ({ shutdown }) => layerServer({ ...options, drain: shutdown })))

/**
 * The secrets of a server from the environment, all of them optional: `SOLTI_TOKEN`, and for TLS `SOLTI_TLS_CERT`,
 * `SOLTI_TLS_KEY` and `SOLTI_TLS_CLIENT_CA`, which hold PEM; with `_FILE` behind the name they hold the path of a file.
 *
 * @since 0.1.0
 * @category config
 */
export const config: Config.Config<Pick<Options, "tls" | "token">> = Config.all({
  token,
  tls: serverConfig("SOLTI_TLS")
})

/**
 * {@link layer} with options from configuration, by default those of {@link config}.
 *
 * @example
 * ```ts
 * import * as SoltiGrpcServer from "effect-switchyard/solti/grpc/server"
 * import * as Config from "effect/Config"
 *
 * export const Live = SoltiGrpcServer.layerConfig(
 *   Config.map(SoltiGrpcServer.config, (secrets) => ({ ...secrets, host: "0.0.0.0", port: 50052 }))
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig = (
  options: Config.Config<Options> = config
): Layer.Layer<GrpcServer, StartError | ConfigError.ConfigError, ApiHandler | Supervisor> =>
  Layer.unwrapEffect(Effect.map(options, layer))
