/**
 * What the Solti commands have for gRPC: options, settings of TLS, and its modules, which are loaded when they are needed
 * only: the packages that they stand on are optional.
 *
 * @since 0.1.0
 */
import * as Options from "@effect/cli/Options"
import type * as Config from "effect/Config"
import * as ConfigError from "effect/ConfigError"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Stop } from "../core/Failure.js"
import { usage } from "../core/Failure.js"
import { Host } from "../core/Host.js"
import * as Listen from "../core/Listen.js"

const file = (name: string, about: string) =>
  Options.text(name).pipe(
    Options.withPseudoName("file"),
    Options.filterMap((path) => path === "" ? Option.none() : Option.some(path), `--${name} wants the path of a file`),
    Options.optional,
    Options.withDescription(about)
  )

/**
 * The options of a client.
 *
 * @since 0.1.0
 * @category options
 */
export const clientOptions = {
  grpc: Options.text("grpc").pipe(
    Options.withPseudoName("host:port"),
    Options.optional,
    Options.withDescription(
      "Where the server is, over gRPC instead: 127.0.0.1:50052, or https://host:port for TLS with the " +
        "authorities of Node. Default: SOLTI_GRPC."
    )
  ),
  tlsCa: file("tls-ca", "gRPC over TLS: PEM of the authorities to trust. Default: SOLTI_TLS_CA."),
  tlsCert: file("tls-cert", "gRPC over TLS: PEM of the client's certificate, for mTLS. Default: SOLTI_TLS_CERT."),
  tlsKey: file("tls-key", "gRPC over TLS: PEM of the key of --tls-cert. Default: SOLTI_TLS_KEY."),
  allowPlaintext: Options.boolean("allow-plaintext").pipe(
    Options.withDescription("gRPC without TLS to another host, where all of it can be read on its way.")
  )
}

/**
 * The options of a server.
 *
 * @since 0.1.0
 * @category options
 */
export const serverOptions = {
  grpcPort: Listen.natural("grpc-port").pipe(
    Options.filterMap(
      (port) => port < 65_536 ? Option.some(port) : Option.none(),
      "--grpc-port wants a number below 65536"
    ),
    Options.optional,
    Options.withDescription("Serve gRPC as well, on this port; 0 takes a free one. Without it there is no gRPC.")
  ),
  tlsCert: file("tls-cert", "TLS for gRPC (HTTP has none): PEM of the server's certificate. Default: SOLTI_TLS_CERT."),
  tlsKey: file("tls-key", "PEM of the key of --tls-cert. Default: SOLTI_TLS_KEY."),
  tlsClientCa: file(
    "tls-client-ca",
    "mTLS for gRPC: PEM of the authorities whose clients are let in, and no others. Default: SOLTI_TLS_CLIENT_CA."
  ),
  allowPlaintext: Options.boolean("allow-plaintext").pipe(
    Options.withDescription("Serve gRPC without TLS beyond loopback, where all of it can be read on its way.")
  )
}

/**
 * Values of the options of TLS.
 *
 * @since 0.1.0
 * @category models
 */
export interface TlsOptions {
  readonly tlsCa?: Option.Option<string>
  readonly tlsCert: Option.Option<string>
  readonly tlsKey: Option.Option<string>
  readonly tlsClientCa?: Option.Option<string>
  readonly allowPlaintext: boolean
}

const filesOf = (options: TlsOptions): ReadonlyArray<readonly [name: string, file: string]> => {
  const { tlsCa = Option.none(), tlsCert, tlsClientCa = Option.none(), tlsKey } = options
  const all = [["ca", tlsCa], ["cert", tlsCert], ["key", tlsKey], ["client-ca", tlsClientCa]] as const
  return all.flatMap(([name, given]) => Option.isSome(given) ? [[name, given.value] as const] : [])
}

/**
 * Refuses options that nothing comes of without gRPC. `partner` is the option that they go with.
 *
 * @since 0.1.0
 * @category combinators
 */
export const refuse = (options: TlsOptions, partner: string): Effect.Effect<void, Stop> => {
  const [name] = [
    ...filesOf(options).map(([name]) => `tls-${name}`),
    ...(options.allowPlaintext ? ["allow-plaintext"] : [])
  ]
  return name === undefined ? Effect.void : usage(`--${name} goes with ${partner}`)
}

/** A wrong variable, by its name and the rule. */
const tell = (error: ConfigError.ConfigError): string => {
  const place = (_: unknown, path: ReadonlyArray<string>, message: string) => `${path.join("_")} ${message}`
  const both = (_: unknown, left: string, right: string) => `${left}; ${right}`
  return ConfigError.reduceWithContext(error, undefined, {
    andCase: both,
    orCase: both,
    invalidDataCase: place,
    missingDataCase: place,
    sourceUnavailableCase: place,
    unsupportedCase: place
  })
}

/**
 * Reads settings from the variables of the host whose names begin with `SOLTI_TLS_`, with the files of the options in
 * place of theirs, and from `others`. A certificate and its key come from one place: two options, or two variables.
 *
 * @since 0.1.0
 * @category accessors
 */
export const settings = <A>(
  config: Config.Config<A>,
  options: TlsOptions,
  others: Readonly<Record<string, string>> = {}
): Effect.Effect<A, Stop, Host> =>
  Effect.gen(function*() {
    if (Option.isSome(options.tlsCert) !== Option.isSome(options.tlsKey)) {
      return yield* usage("--tls-cert and --tls-key go together")
    }
    const values = new Map(Object.entries(others))
    for (const [name, value] of Object.entries((yield* Host).environment)) {
      if (name.startsWith("SOLTI_TLS_") && value !== undefined) values.set(name, value)
    }
    for (const [name, file] of filesOf(options)) {
      const variable = `SOLTI_TLS_${name.toUpperCase().replaceAll("-", "_")}`
      values.delete(variable)
      values.set(`${variable}_FILE`, file)
    }
    const hasCertificate = [values.get("SOLTI_TLS_CERT"), values.get("SOLTI_TLS_CERT_FILE")].some(Boolean)
    if (options.tlsClientCa !== undefined && Option.isSome(options.tlsClientCa) && !hasCertificate) {
      return yield* usage("--tls-client-ca goes with --tls-cert and --tls-key")
    }
    const provider = ConfigProvider.fromMap(values, { pathDelim: "\u0000" })
    return yield* Effect.mapError(provider.load(config), (error) => usage(tell(error)))
  })

/** The packages that gRPC stands on, as the package wants them; a server needs the first only. */
const packages = ["@bufbuild/protobuf@^2.7.0", "@connectrpc/connect@~2.1.0", "@connectrpc/connect-node@~2.1.0"] as const

const absence = new Set(["ERR_MODULE_NOT_FOUND", "MODULE_NOT_FOUND", "ERR_PACKAGE_PATH_NOT_EXPORTED"])

/**
 * What to install, where modules could not be loaded for want of packages.
 *
 * @since 0.1.0
 * @category utils
 */
export const missing = (cause: unknown, needed: ReadonlyArray<string>): Option.Option<Stop> => {
  const names = needed.map((text) => text.slice(0, text.lastIndexOf("@")))
  return cause instanceof Error && "code" in cause && typeof cause.code === "string" && absence.has(cause.code) &&
      names.some((name) => cause.message.includes(name))
    ? Option.some(usage(
      "gRPC needs packages that are not installed, or not in this version: " +
        `npm install ${needed.map((text) => `"${text}"`).join(" ")}`
    ))
    : Option.none()
}

const load = <A>(modules: () => Promise<A>, needed: ReadonlyArray<string>): Effect.Effect<A, Stop> =>
  Effect.catchAll(
    Effect.tryPromise({ try: modules, catch: (cause) => cause }),
    (cause) => Option.getOrElse(Option.map(missing(cause, needed), Effect.fail), () => Effect.die(cause))
  )

/**
 * The client.
 *
 * @since 0.1.0
 * @category modules
 */
export const client = load(() => import("../../solti/grpc.js"), packages)

/**
 * The server.
 *
 * @since 0.1.0
 * @category modules
 */
export const server = load(() => import("../../solti/grpc/server.js"), packages.slice(0, 1))
