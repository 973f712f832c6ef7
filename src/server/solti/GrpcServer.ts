/**
 * A Solti server that speaks gRPC on a TCP port.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Health } from "../../schemas/gen/grpc/health/v1/health_pb.js"
import type { InvalidTls } from "../../services/core/NodeTls.js"
import * as GrpcHealth from "../core/GrpcHealth.js"
import * as GrpcReflection from "../core/GrpcReflection.js"
import { isLoopback } from "../core/Loopback.js"
import * as NodeHttp2 from "../core/NodeHttp2.js"
import type * as NodeServer from "../core/NodeServer.js"
import type { ApiHandler } from "./ApiHandler.js"
import * as GrpcFront from "./GrpcFront.js"
import { UnprotectedBind } from "./SoltiServer.js"

/**
 * The server would have sent everything in clear text over a network: tokens, and the environments of tasks.
 *
 * @since 0.1.0
 * @category errors
 */
export class PlaintextBind extends Data.TaggedError("PlaintextBind")<{ readonly host: string }> {
  override get message() {
    return `refusing to listen on ${this.host} without TLS: set \`tls\`, or allow plain text explicitly with \`allowPlaintext\``
  }
}

/**
 * - `tls`: the certificate of the server; with `clientCa` only clients with a certificate of it are let in. Without it
 *   the server speaks plain text
 * - `allowUnauthenticated`: listen on a host that is not loopback even without `token` and `tls.clientCa`; default
 *   `false`
 * - `allowPlaintext`: listen on a host that is not loopback even without `tls`; default `false`
 * - `reflection`: answer what services there are, and their `.proto` files; default `true`
 *
 * @since 0.1.0
 * @category models
 */
export interface Options extends Omit<GrpcFront.Options, "methods">, NodeHttp2.ListenOptions {
  readonly allowUnauthenticated?: boolean | undefined
  readonly allowPlaintext?: boolean | undefined
  readonly reflection?: boolean | undefined
}

/**
 * Where a server listens: `authority` is `host:port` as gRPC clients take it, `url` the same with its scheme; a
 * wildcard host is shown as loopback in both.
 *
 * @since 0.1.0
 * @category models
 */
export interface Address extends NodeServer.Address {
  readonly authority: string
}

const refusalOf = (host: string, options: Options): UnprotectedBind | PlaintextBind | undefined => {
  if (isLoopback(host)) return undefined
  const isProtected = options.token !== undefined || options.tls?.clientCa !== undefined
  if (!isProtected && options.allowUnauthenticated !== true) return new UnprotectedBind({ host })
  return options.tls === undefined && options.allowPlaintext !== true ? new PlaintextBind({ host }) : undefined
}

/**
 * A running server: where it listens.
 *
 * @since 0.1.0
 * @category context
 */
export class GrpcServer extends Context.Tag("effect-switchyard/solti/grpc/server/GrpcServer")<GrpcServer, Address>() {
  /**
   * Serves the `ApiHandler` until the layer is released; by default on a free port of the loopback interface. Health
   * and reflection are served beside it. From the start of the end on, health is `NOT_SERVING`.
   *
   * @since 0.1.0
   */
  static readonly layer = (
    options: Options = {}
  ): Layer.Layer<GrpcServer, NodeServer.ListenError | UnprotectedBind | PlaintextBind | InvalidTls, ApiHandler> =>
    Layer.scoped(
      GrpcServer,
      Effect.gen(function*() {
        const { host = "127.0.0.1" } = options
        const refusal = refusalOf(host, options)
        if (refusal !== undefined) return yield* refusal
        const services = GrpcFront.servicesOf(options)
        const health = yield* GrpcHealth.make(services.map(({ typeName }) => typeName))
        const reflection = options.reflection === false ? [] : GrpcReflection.make([...services, Health], health.closed)
        const front = yield* GrpcFront.make({ ...options, methods: new Map([...health.methods, ...reflection]) })
        const address = yield* NodeHttp2.listen(front, { ...options, host })
        // Finalizers run backwards: the health changes before anything is stopped.
        yield* Effect.addFinalizer(() => health.close)
        return { ...address, authority: address.url.slice(address.url.indexOf("//") + 2) }
      })
    )
}
