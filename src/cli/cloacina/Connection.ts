/**
 * How the Cloacina commands reach their server.
 *
 * @since 0.1.0
 */
import * as Options from "@effect/cli/Options"
import type * as FileSystem from "@effect/platform/FileSystem"
import type * as Path from "@effect/platform/Path"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Cloacina from "../../cloacina.js"
import { profileOptions } from "../../cloacina/node.js"
import { layerTransport } from "../../node.js"
import type { LibraryError, Stop } from "../core/Failure.js"
import { usage } from "../core/Failure.js"
import { handle, json } from "../core/Handler.js"
import { Host, variable } from "../core/Host.js"
import type { Screen } from "../core/Screen.js"
import type { Signals } from "../core/Signals.js"
import * as Token from "../core/Token.js"

/**
 * The options that every Cloacina command has.
 *
 * @since 0.1.0
 * @category options
 */
export const options = {
  url: Options.text("url").pipe(
    Options.optional,
    Options.withDescription(
      "Where the server is: http://127.0.0.1:8080 for example. Default: CLOACINA_SERVER_URL, else the default profile."
    )
  ),
  keyFile: Options.text("key-file").pipe(
    Options.withPseudoName("file"),
    Options.optional,
    Options.withDescription("A file with the API key. Default: CLOACINA_API_KEY, or that of the profile.")
  ),
  tenant: Options.text("tenant").pipe(
    Options.optional,
    Options.withDescription("Whose workflows and executions. Default: CLOACINA_TENANT, else public.")
  ),
  profile: Options.text("profile").pipe(
    Options.withPseudoName("name"),
    Options.optional,
    Options.withDescription(
      "Server and key as this profile of ~/.cloacina/config.toml has them; --url and --key-file win over it."
    )
  ),
  allowInsecureKey: Options.boolean("allow-insecure-key").pipe(
    Options.withDescription("Send the key over plain http to another host, where it can be read on its way.")
  ),
  json
}

/**
 * The values of {@link options}.
 *
 * @since 0.1.0
 * @category models
 */
export interface Connection {
  readonly url: Option.Option<string>
  readonly keyFile: Option.Option<string>
  readonly tenant: Option.Option<string>
  readonly profile: Option.Option<string>
  readonly allowInsecureKey: boolean
  readonly json: boolean
}

/**
 * What a command may use of the plane.
 *
 * @since 0.1.0
 * @category models
 */
export type Plane = Cloacina.Services | Cloacina.Client

/**
 * What a command needs besides: the process around it.
 *
 * @since 0.1.0
 * @category models
 */
export type Surroundings = FileSystem.FileSystem | Path.Path | Host | Screen

/** A profile, its environment that of the host. */
const readProfile = (profile: string | undefined) =>
  Effect.flatMap(Host, ({ environment }) => {
    const entries = Object.entries(environment).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value] as const]
    )
    const provider = ConfigProvider.fromMap(new Map(entries), { pathDelim: "\u0000" })
    return Effect.withConfigProvider(profileOptions({ profile }), provider)
  })

const settings = (connection: Connection) =>
  Effect.gen(function*() {
    const url = Option.getOrUndefined(connection.url) ?? (yield* variable("CLOACINA_SERVER_URL"))
    const tenant = Option.getOrUndefined(connection.tenant) ?? (yield* variable("CLOACINA_TENANT"))
    const common = { tenant, allowInsecureKey: connection.allowInsecureKey }
    if (Option.isNone(connection.profile) && url !== undefined) {
      const key = yield* Token.read(connection.keyFile, "CLOACINA_API_KEY", "key")
      return { ...common, url, key: Option.getOrUndefined(key) }
    }
    const profile = yield* Effect.catchIf(
      readProfile(Option.getOrUndefined(connection.profile)),
      (error) =>
        Option.isNone(connection.profile) && error.issues.some(({ path }) => path === "config.toml" || path === "home"),
      () => usage("no server: give --url or --profile, or set CLOACINA_SERVER_URL")
    )
    const key = Option.isNone(connection.keyFile)
      ? profile.key
      : yield* Token.fromFile(connection.keyFile.value, "key")
    return { ...common, url: Option.getOrElse(connection.url, () => profile.url), key }
  })

/**
 * Runs a command with the services of the plane.
 *
 * @since 0.1.0
 * @category combinators
 */
export const withPlane = <E extends LibraryError | Stop, R>(
  connection: Connection,
  command: Effect.Effect<void, E, R>
): Effect.Effect<void, Stop, Exclude<R, Plane> | Surroundings | Signals> =>
  Effect.flatMap(
    handle(settings(connection), connection),
    (options) =>
      handle(Effect.provide(command, Layer.provide(Cloacina.layer(options), layerTransport())), {
        json: connection.json,
        where: options.url
      })
  )
