/**
 * The transport for Node: undici with connections that are kept and time-outs that cost nothing, and WebSocket
 * connections over `ws`.
 *
 * @since 0.1.0
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as HttpClient from "@effect/platform/HttpClient"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Undici from "undici"
import * as NodeWebSockets from "./services/core/NodeWebSockets.js"
import type { Limit, Limits } from "./services/core/TransportTimeouts.js"
import { register } from "./services/core/TransportTimeouts.js"
import type { WebSockets } from "./services/core/WebSockets.js"

export { WebSockets } from "./services/core/WebSockets.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** How long making a connection may take, TLS included. Default 10 s. A call then fails with `Timeout` (`connect`). */
  readonly connectTimeout?: Duration.DurationInput | undefined
  /** How many connections are opened to one server; further calls wait. Default no limit. */
  readonly connections?: number | undefined
  /** TLS: certificates that are trusted in place of those that Node comes with, in PEM. */
  readonly ca?: string | ReadonlyArray<string> | undefined
}

const limitsKey = Symbol.for("effect-switchyard/node/limits")

interface LimitedOptions extends Partial<Undici.Dispatcher.RequestOptions> {
  readonly [limitsKey]?: Limits
}

/** What undici is told to abort with: it hands it on as the failure of the request, and its code says which it is. */
const totalTimeout = (limitMs: number) =>
  Object.assign(new Error(`no complete answer within ${limitMs} ms`), { code: "SWITCHYARD_TOTAL_TIMEOUT" })

/** Undici reads 0 as "no limit". */
const orNone = (limitMs: number): number => limitMs === Infinity ? 0 : Math.max(1, limitMs)

/**
 * An agent that keeps the limits it finds in a request's options. `NodeHttpClient` turns undici's own time-outs off: they
 * are put back here.
 */
class LimitingAgent extends Undici.Agent {
  // undici declares `request` over a type parameter for its opaque value, of which the SDK makes no use.
  override request(options: Undici.Dispatcher.RequestOptions & LimitedOptions): Promise<Undici.Dispatcher.ResponseData>
  override request(options: Undici.Dispatcher.RequestOptions & LimitedOptions) {
    const limits = options[limitsKey]
    if (limits === undefined) return super.request(options)
    const limited = { ...options, headersTimeout: orNone(limits.firstByteMs), bodyTimeout: orNone(limits.idleMs) }
    return limits.totalMs === Infinity ? super.request(limited) : this.#within(limited, limits.totalMs)
  }

  async #within(options: Undici.Dispatcher.RequestOptions, totalMs: number): Promise<Undici.Dispatcher.ResponseData> {
    const controller = new AbortController()
    const outer = options.signal
    const abort = () => controller.abort()
    if (outer instanceof AbortSignal) {
      if (outer.aborted) abort()
      else outer.addEventListener("abort", abort, { once: true })
    }
    const timer = setTimeout(
      () => controller.abort(totalTimeout(totalMs)),
      totalMs
    )
    const done = () => {
      clearTimeout(timer)
      if (outer instanceof AbortSignal) outer.removeEventListener("abort", abort)
    }
    try {
      const response = await super.request({ ...options, signal: controller.signal })
      response.body.once("close", done)
      return response
    } catch (error) {
      done()
      throw error
    }
  }
}

const limit: Limit = (context, limits) => {
  const key = NodeHttpClient.UndiciRequestOptions.key
  return Context.unsafeMake(
    new Map(context.unsafeMap).set(key, { ...context.unsafeMap.get(key), [limitsKey]: limits })
  )
}

/**
 * An `HttpClient` for the planes on Node. Any other `HttpClient` works too; this one keeps the SDK's time-outs in the
 * transport, where they cost a tenth of a race of fibers, lets you say how long connecting may take, and closes its
 * connections with its scope.
 *
 * @example
 * ```ts
 * import { layerHttpClient } from "effect-switchyard/node"
 * import * as Solti from "effect-switchyard/solti"
 * import * as Layer from "effect/Layer"
 *
 * export const SoltiLive = Solti.layerConfig().pipe(Layer.provide(layerHttpClient({ connectTimeout: "2 seconds" })))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerHttpClient = (options?: Options): Layer.Layer<HttpClient.HttpClient> =>
  NodeHttpClient.layerUndiciWithoutDispatcher.pipe(
    Layer.provide(Layer.scoped(
      NodeHttpClient.Dispatcher,
      Effect.acquireRelease(
        Effect.sync(() =>
          new LimitingAgent({
            connect: {
              timeout: Duration.toMillis(options?.connectTimeout ?? "10 seconds"),
              ...(options?.ca === undefined
                ? {}
                : { ca: typeof options.ca === "string" ? options.ca : [...options.ca] })
            },
            ...(options?.connections === undefined ? {} : { connections: options.connections })
          })
        ),
        (agent) => Effect.promise(() => agent.destroy())
      )
    )),
    Layer.map((context) =>
      Context.make(HttpClient.HttpClient, register(Context.get(context, HttpClient.HttpClient), limit))
    )
  )

/**
 * WebSocket connections for the planes on Node, over `ws`: with headers of their own, pings, and what a server answered
 * that refused. Beside `layerHttpClient`, or both as `layerTransport`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerWebSockets: (options?: NodeWebSockets.Options) => Layer.Layer<WebSockets> = NodeWebSockets.layer

/**
 * All that the planes need on Node: `layerHttpClient` and `layerWebSockets`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerTransport = (
  options?: Options & NodeWebSockets.Options
): Layer.Layer<HttpClient.HttpClient | WebSockets> => Layer.merge(layerHttpClient(options), layerWebSockets(options))
