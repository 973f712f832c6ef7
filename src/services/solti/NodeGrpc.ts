/**
 * How to reach a Solti server over gRPC.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import type * as ConfigError from "effect/ConfigError"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import type { InputIssue } from "../../schemas/core/Errors.js"
import { InvalidOptions } from "../../schemas/core/Errors.js"
import { maxMessageBytes } from "../../schemas/solti/Limits.js"
import * as BaseUrl from "../core/BaseUrl.js"
import type { ConnectionOptions } from "../core/NodeRpc.js"
import * as NodeRpc from "../core/NodeRpc.js"
import type { ClientTls } from "../core/NodeTls.js"
import * as NodeTls from "../core/NodeTls.js"
import * as Client from "./Client.js"
import * as Rpc from "./internal/rpc.js"
import * as internal from "./internal/tasks.js"
import { Tasks } from "./Tasks.js"

/**
 * Those of `Solti.layer`, and what is the business of gRPC alone.
 *
 * - `url`: `https://agent:50052`, `http://…` for plain text, or `host:port`: https where `tls` is given, else http
 * - `tls`: the authorities that are trusted, and the certificate of the client for mTLS; without it, those of Node
 * - `allowPlaintext`: plain text goes to loopback only, unless this, or `allowInsecureToken`, says otherwise. Default false
 *
 * @since 0.1.0
 * @category models
 */
export interface Options extends Client.Options, ConnectionOptions {
  readonly tls?: ClientTls | undefined
  readonly allowPlaintext?: boolean | undefined
}

const hasScheme = (url: string): boolean => /^[a-z][a-z0-9+.-]*:\/\//i.test(url)

/** A host, or an address in brackets, and a port. */
const isAuthority = (text: string): boolean => /^(?:\[[^\]]+\]|[^:/?#@\s]+):\d{1,5}$/.test(text)

/** A pause of nothing would be a flood of pings, a time-out of nothing no time at all. */
const issuesOf = (options: ConnectionOptions): ReadonlyArray<InputIssue> =>
  (["connectTimeout", "pingInterval", "pingTimeout"] as const).flatMap((path) => {
    const value = options[path]
    return value === undefined || Duration.toMillis(value) > 0 ? [] : [{ path, message: "must be longer than 0" }]
  })

const baseUrlOf = (options: Options): Either.Either<string, InputIssue> => {
  const allowInsecure = options.allowInsecureToken === true
  const { tls, url: given } = options
  if (!hasScheme(given) && !isAuthority(given)) {
    return Either.left({ path: "url", message: "must be host:port, or an http or https URL" })
  }
  const parsed = BaseUrl.parse(hasScheme(given) ? given : `${tls === undefined ? "http" : "https"}://${given}`, {
    secret: options.token === undefined ? undefined : "token",
    allowInsecure,
    allowName: "allowInsecureToken"
  })
  if (Either.isLeft(parsed)) return Either.left({ path: "url", message: parsed.left })
  const url = new URL(parsed.right)
  if (url.protocol === "http:" && tls !== undefined) {
    return Either.left({ path: "tls", message: "needs an https URL" })
  }
  return allowInsecure || options.allowPlaintext === true || BaseUrl.maySend(url, false)
    ? Either.right(parsed.right)
    : Either.left({ path: "url", message: "must be https to reach another host (or set allowPlaintext)" })
}

/**
 * The tasks of a server over gRPC (`solti.v1.SoltiApi`, or `solti.task.v1.TaskService` of 0.0.3, whichever it has). Fails
 * with `InvalidOptions` when the options cannot work, certificates included.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: Options): Layer.Layer<Tasks, InvalidOptions> =>
  Layer.scoped(
    Tasks,
    Effect.gen(function*() {
      const invalid = (issues: ReadonlyArray<InputIssue>) => new InvalidOptions({ plane: "solti", issues })
      const issues = issuesOf(options)
      if (issues.length > 0) return yield* invalid(issues)
      const baseUrl = yield* Either.mapLeft(baseUrlOf(options), (issue) => invalid([issue]))
      const tls = yield* Effect.mapError(NodeTls.loadClient(options.tls ?? {}), invalid)
      return internal.make(Rpc.make({
        connection: yield* NodeRpc.make(baseUrl, tls, maxMessageBytes, options),
        ...Client.shared(options)
      }))
    })
  )

/**
 * The options from the environment: `SOLTI_GRPC` (`host:port` or URL), `SOLTI_TOKEN` where the server asks for one, and
 * for TLS `SOLTI_TLS_CA`, `SOLTI_TLS_CERT` and `SOLTI_TLS_KEY`, each a PEM text, or with `_FILE` behind the name the path
 * of a file, and `SOLTI_TLS_SERVER_NAME`.
 *
 * @since 0.1.0
 * @category config
 */
export const config: Config.Config<Options> = Config.all({
  url: Config.nonEmptyString("SOLTI_GRPC"),
  token: Client.token,
  tls: NodeTls.clientConfig("SOLTI_TLS")
})

/**
 * The tasks of a server over gRPC, configured from the environment: see {@link config}.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig = (
  options: Config.Config<Options> = config
): Layer.Layer<Tasks, ConfigError.ConfigError | InvalidOptions> => Layer.unwrapEffect(Effect.map(options, layer))
