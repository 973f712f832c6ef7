/**
 * A Solti server on a TCP port.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { isLoopback } from "../core/Loopback.js"
import * as NodeServer from "../core/NodeServer.js"
import type { ApiHandler } from "./ApiHandler.js"
import * as HttpFront from "./HttpFront.js"

/**
 * The server would have been open to the network without a token: whoever reaches it can run commands as its user.
 *
 * @since 0.1.0
 * @category errors
 */
export class UnprotectedBind extends Data.TaggedError("UnprotectedBind")<{ readonly host: string }> {
  override get message() {
    return `refusing to listen on ${this.host} without a token: set a token, or allow unauthenticated access explicitly`
  }
}

/**
 * `allowUnauthenticated`: listen on a host that is not loopback even without a token; default `false`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options extends HttpFront.Options, NodeServer.ListenOptions {
  readonly allowUnauthenticated?: boolean | undefined
}

/**
 * A running server: where it listens.
 *
 * @since 0.1.0
 * @category context
 */
export class SoltiServer extends Context.Tag("effect-switchyard/solti/server/SoltiServer")<
  SoltiServer,
  NodeServer.Address
>() {
  /**
   * Serves the `ApiHandler` until the layer is released; by default on a free port of the loopback interface.
   *
   * @since 0.1.0
   */
  static readonly layer = (
    options: Options = {}
  ): Layer.Layer<SoltiServer, NodeServer.ListenError | UnprotectedBind, ApiHandler> =>
    Layer.scoped(
      SoltiServer,
      Effect.gen(function*() {
        const { allowUnauthenticated = false, host = "127.0.0.1", token } = options
        if (token === undefined && !allowUnauthenticated && !isLoopback(host)) {
          return yield* new UnprotectedBind({ host })
        }
        return yield* NodeServer.listen(yield* HttpFront.make(options), { ...options, host })
      })
    )
}
