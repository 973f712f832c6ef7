/**
 * A front on a socket of its own, as a Layer: for clients in other languages and processes, and to see real bytes.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { Front } from "../../server/core/Front.js"
import * as NodeHttp2 from "../../server/core/NodeHttp2.js"
import * as NodeServer from "../../server/core/NodeServer.js"

/**
 * Where the server of a test listens.
 *
 * @since 0.1.0
 * @category context
 */
export class TestServer extends Context.Tag("effect-switchyard/testing/TestServer")<
  TestServer,
  NodeServer.Address
>() {
  /**
   * Listens until the layer is released, by default on a free port of the loopback interface. Sockets know no virtual
   * time: use it under the real clock (`it.live`).
   *
   * @since 0.1.0
   */
  static readonly layer = <R, E, R2>(
    front: Effect.Effect<Front<R>, E, R2>,
    options?: NodeServer.ListenOptions
  ): Layer.Layer<TestServer, E | NodeServer.ListenError, Exclude<R | R2, Scope.Scope>> =>
    Layer.scoped(TestServer, Effect.flatMap(front, (front) => NodeServer.listen(front, options)))

  /**
   * As `layer`, over HTTP/2 in plain text: gRPC clients want that.
   *
   * @since 0.1.0
   */
  static readonly layerHttp2 = <R, E, R2>(
    front: Effect.Effect<Front<R>, E, R2>,
    options?: NodeServer.ListenOptions
  ): Layer.Layer<TestServer, E | NodeServer.ListenError, Exclude<R | R2, Scope.Scope>> =>
    Layer.scoped(
      TestServer,
      Effect.flatMap(front, (front) =>
        // Without TLS there are no certificates that could be wrong.
        Effect.catchTag(NodeHttp2.listen(front, options), "InvalidTls", Effect.die))
    )
}
