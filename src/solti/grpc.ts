/**
 * The Solti plane over gRPC, on Node: the same `Tasks` as over HTTP. Swap `Solti.layer` for `SoltiGrpc.layer`, and nothing
 * else changes: models, errors, streams, retries, time-outs, telemetry.
 *
 * It needs `@connectrpc/connect`, `@connectrpc/connect-node` and `@bufbuild/protobuf`.
 *
 * - A time-out of a call is also the deadline that the server sees (`grpc-timeout`); the token travels as metadata.
 * - Connections are asked with pings whether the peer is there, so a silent log has no idle time-out.
 * - Messages have at most 4 MiB, either way: `PayloadTooLarge` for a spec that is longer, `DecodeError` for an answer.
 * - Errors carry the name of the gRPC status as `code` (`NOT_FOUND`), or the reason of the server's `ErrorInfo`; `status` is
 *   there only where a proxy answered with one of HTTP.
 *
 * @example
 * ```ts
 * import { NodeRuntime } from "@effect/platform-node"
 * import * as Solti from "effect-switchyard/solti"
 * import * as SoltiGrpc from "effect-switchyard/solti/grpc"
 * import * as Effect from "effect/Effect"
 *
 * const program = Effect.gen(function*() {
 *   const tasks = yield* Solti.Tasks
 *   const id = yield* tasks.submit(Solti.command("uname", ["-a"], { slot: "probe", timeout: "10 seconds" }))
 *   return yield* tasks.await(id)
 * })
 *
 * program.pipe(
 *   Effect.provide(SoltiGrpc.layer({ url: "127.0.0.1:50052" })),
 *   NodeRuntime.runMain
 * )
 * ```
 *
 * @since 0.1.0
 */
export { InvalidOptions } from "../schemas/core/Errors.js"
export { type ConnectionOptions } from "../services/core/NodeRpc.js"
export { type ClientTls, type Pem } from "../services/core/NodeTls.js"
export { config, layer, layerConfig, type Options } from "../services/solti/NodeGrpc.js"
export { Tasks } from "../services/solti/Tasks.js"
