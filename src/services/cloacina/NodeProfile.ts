/**
 * Connections from the profiles of the command line tool `cloacinactl` (contract 7.5): `config.toml`, by default in
 * `~/.cloacina`.
 *
 * ```toml
 * default_profile = "lab"
 *
 * [profiles.lab]
 * server = "https://flows.example.org"
 * api_key = "env:FLOWS_KEY"
 * ```
 *
 * @since 0.1.0
 */
import * as FileSystem from "@effect/platform/FileSystem"
import type * as HttpClient from "@effect/platform/HttpClient"
import * as Path from "@effect/platform/Path"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { parse } from "smol-toml"
import { InvalidOptions } from "../../schemas/core/Errors.js"
import * as Client from "./Client.js"
import type { Services } from "./Services.js"
import { layerServices } from "./Services.js"

/**
 * Which profile.
 *
 * @since 0.1.0
 * @category models
 */
export interface ProfileOptions {
  /** The directory of `config.toml`. Default `~/.cloacina`, by the variable `HOME` (`USERPROFILE` on Windows). */
  readonly home?: string | undefined
  /** Its name. Default the file's `default_profile`. */
  readonly profile?: string | undefined
  /** The tenant of calls that name none: a profile has none. Default `public`. */
  readonly tenant?: string | undefined
}

const ConfigFile = Schema.Struct({
  default_profile: Schema.optional(Schema.String),
  profiles: Schema.optional(Schema.Record({ key: Schema.String, value: Schema.Unknown }))
})
const decodeFile = Schema.decodeUnknownOption(ConfigFile)

const Profile = Schema.Record({ key: Schema.String, value: Schema.Unknown })
const decodeProfile = Schema.decodeUnknownOption(Profile)

const invalid = (path: string, message: string): InvalidOptions =>
  new InvalidOptions({ plane: "cloacina", issues: [{ path, message }] })

const toml = Option.liftThrowable((text: string): unknown => parse(text))

const homeOf = Effect.gen(function*() {
  const path = yield* Path.Path
  const home = yield* Effect.option(
    Config.nonEmptyString("HOME").pipe(Config.orElse(() => Config.nonEmptyString("USERPROFILE")))
  )
  return yield* Option.match(home, {
    onNone: () => Effect.fail(invalid("home", "is not given, and neither HOME nor USERPROFILE is set")),
    onSome: (home) => Effect.succeed(path.join(home, ".cloacina"))
  })
})

/** The key that an `api_key` stands for; what is wrong never shows the text, which may be the key itself. */
const keyOf = (field: string, text: string) =>
  Effect.gen(function*() {
    if (text.startsWith("keyring:")) return yield* invalid(field, "keyring: is not supported; use env: or file:")
    if (text.startsWith("env:")) {
      const name = text.slice("env:".length)
      return yield* Effect.mapError(
        Config.redacted(name),
        () => invalid(field, "the environment variable that env: names is not set")
      )
    }
    if (text.startsWith("file:")) {
      const files = yield* FileSystem.FileSystem
      const content = yield* Effect.mapError(
        files.readFileString(text.slice("file:".length)),
        () => invalid(field, "the file that file: names cannot be read")
      )
      const line = content.split(/\r?\n/).map((line) => line.trim()).find((line) => line !== "")
      return line === undefined
        ? yield* invalid(field, "the file that file: names is empty")
        : Redacted.make(line)
    }
    return Redacted.make(text)
  })

/**
 * The options of a profile. Fails with `InvalidOptions` that name the field: the file is missing or no TOML
 * (`config.toml`), there is no such profile (`profile`, `default_profile`), or a field of it is missing or cannot be
 * resolved (`profiles.<name>.server`, `profiles.<name>.api_key`).
 *
 * An `api_key` is `env:NAME` (a variable), `file:PATH` (the first line of the file that is not blank, trimmed), or the
 * key itself; `keyring:` is refused.
 *
 * @since 0.1.0
 * @category constructors
 */
export const profileOptions = (
  options: ProfileOptions = {}
): Effect.Effect<Client.Options, InvalidOptions, FileSystem.FileSystem | Path.Path> =>
  Effect.gen(function*() {
    const files = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    const home = options.home ?? (yield* homeOf)
    const text = yield* Effect.mapError(
      files.readFileString(path.join(home, "config.toml")),
      () => invalid("config.toml", "cannot be read")
    )
    const file = Option.getOrUndefined(Option.flatMap(toml(text), decodeFile))
    if (file === undefined) return yield* invalid("config.toml", "is no TOML file with profiles")
    const name = options.profile ?? file.default_profile
    if (name === undefined) return yield* invalid("default_profile", "is missing, and no profile is given")
    const profiles = file.profiles ?? {}
    const profile = Object.hasOwn(profiles, name)
      ? Option.getOrUndefined(decodeProfile(profiles[name]))
      : undefined
    if (profile === undefined) {
      return yield* invalid(
        options.profile === undefined ? "default_profile" : "profile",
        `there is no profile ${name}`
      )
    }
    const { api_key, server } = profile
    if (typeof server !== "string") return yield* invalid(`profiles.${name}.server`, "is missing, or no text")
    if (typeof api_key !== "string") return yield* invalid(`profiles.${name}.api_key`, "is missing, or no text")
    return { url: server, key: yield* keyOf(`profiles.${name}.api_key`, api_key), tenant: options.tenant }
  })

/**
 * Every service of the plane, connected as a profile says. Fails like `profileOptions`, and when the options cannot work
 * (`url`, `tenant`).
 *
 * @example
 * ```ts
 * import * as NodeContext from "@effect/platform-node/NodeContext"
 * import { layerProfile } from "effect-switchyard/cloacina/node"
 * import { layerHttpClient } from "effect-switchyard/node"
 * import * as Layer from "effect/Layer"
 *
 * export const CloacinaLive = layerProfile({ profile: "lab", tenant: "north" }).pipe(
 *   Layer.provide([layerHttpClient(), NodeContext.layer])
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerProfile = (
  options?: ProfileOptions
): Layer.Layer<
  Services | Client.Client,
  InvalidOptions,
  HttpClient.HttpClient | FileSystem.FileSystem | Path.Path
> => Layer.provideMerge(layerServices, Layer.unwrapEffect(Effect.map(profileOptions(options), Client.layer)))
