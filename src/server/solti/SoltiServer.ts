/**
 * A Solti server on a TCP port.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { type Front, type FrontRequest, text } from "../core/Front.js"
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
 * `allowUnauthenticated`: without a token, listen on a host that is not loopback, and answer the web pages of other hosts
 * (else 403); default `false`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options extends HttpFront.Options, NodeServer.ListenOptions {
  readonly allowUnauthenticated?: boolean | undefined
}

const hostnameOf = Option.liftThrowable((authority: string) => new URL(authority).hostname)

const isLocal = (url: string): boolean =>
  Option.exists(hostnameOf(url), (name) => isLoopback(name.replace(/^\[(.*)\]$/, "$1")) || name.endsWith(".localhost"))

/**
 * Whether a browser asks for the page of another host, or for a host whose name leads to loopback (DNS rebinding). Programs
 * may name the host as they like.
 */
const isForeign = ({ headers: { host, origin, "user-agent": agent } }: FrontRequest): boolean =>
  origin !== undefined && !isLocal(origin) ||
  host !== undefined && agent?.startsWith("Mozilla/") === true && !isLocal(`http://${host}`)

/** A server that asks for no token is for the programs of this machine, and not for the web pages in its browser. */
const localOnly = (front: Front): Front => (request) =>
  isForeign(request)
    ? Effect.succeed(text(403, "without a token this server answers no web page of another host"))
    : front(request)

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
        const front = yield* HttpFront.make(options)
        const isOpen = token !== undefined || allowUnauthenticated
        return yield* NodeServer.listen(isOpen ? front : localOnly(front), { ...options, host })
      })
    )
}
