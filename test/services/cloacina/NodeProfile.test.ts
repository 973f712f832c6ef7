import * as PlatformError from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import * as HttpClient from "@effect/platform/HttpClient"
import * as Path from "@effect/platform/Path"
import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Cloacina from "../../../src/cloacina.js"
import * as CloacinaNode from "../../../src/cloacina/node.js"
import { answer } from "../support/Cloacina.js"
import * as Memory from "../support/Memory.js"
import * as Observe from "../support/Observe.js"

const config = `
default_profile = "lab"
theme = "dark"

[profiles.lab]
server = "https://flows.example.org/"
api_key = "env:FLOWS_KEY"
region = "eu"

[profiles.file]
server = "http://127.0.0.1:8080"
api_key = "file:/keys/flows"

[profiles.literal]
server = "http://127.0.0.1:8080"
api_key = "clk_literal-key"

[profiles.ring]
server = "http://127.0.0.1:8080"
api_key = "keyring:flows"

[profiles.upper]
server = "http://127.0.0.1:8080"
api_key = "ENV:FLOWS_KEY"

[profiles.keyless]
server = "http://127.0.0.1:8080"

[profiles.serverless]
api_key = "clk_literal-key"

[profiles.odd]
server = 8080
api_key = "clk_literal-key"
`

const given = <A, E>(
  effect: Effect.Effect<A, E, FileSystem.FileSystem | Path.Path>,
  files: Readonly<Record<string, string>> = { "/home/mira/.cloacina/config.toml": config },
  env: ReadonlyArray<readonly [string, string]> = [["HOME", "/home/mira"], ["FLOWS_KEY", "clk_from-env"]]
) =>
  effect.pipe(
    Effect.provide(Layer.merge(
      Path.layer,
      FileSystem.layerNoop({
        readFileString: (path) => {
          const text = files[path]
          return text === undefined ? Effect.fail(missing(path)) : Effect.succeed(text)
        }
      })
    )),
    Effect.withConfigProvider(ConfigProvider.fromMap(new Map(env)))
  )

const missing = (path: string) =>
  new PlatformError.SystemError({
    reason: "NotFound",
    module: "FileSystem",
    method: "readFileString",
    pathOrDescriptor: path
  })

const keyOf = (options: Cloacina.Options) => Redacted.isRedacted(options.key) ? Redacted.value(options.key) : undefined

describe("a profile", () => {
  it.effect("is the default one of ~/.cloacina", () =>
    Effect.gen(function*() {
      const options = yield* given(CloacinaNode.profileOptions())
      assert.strictEqual(options.url, "https://flows.example.org/")
      assert.strictEqual(keyOf(options), "clk_from-env")
      assert.strictEqual(options.tenant, undefined)
      assert.notInclude(Observe.printed(options), "clk_from-env")
    }))

  it.effect("is another one, in another place, for a tenant", () =>
    Effect.gen(function*() {
      const options = yield* given(
        CloacinaNode.profileOptions({ home: "/etc/cloacina", profile: "literal", tenant: "north" }),
        { "/etc/cloacina/config.toml": config },
        []
      )
      assert.strictEqual(keyOf(options), "clk_literal-key")
      assert.strictEqual(options.tenant, "north")
    }))

  it.effect("takes its key from the first line of a file that is not blank, trimmed", () =>
    Effect.gen(function*() {
      for (const content of ["clk_from-file", "\n  \n\t clk_from-file \r\nsecond\n", "\r\nclk_from-file"]) {
        const options = yield* given(CloacinaNode.profileOptions({ profile: "file" }), {
          "/home/mira/.cloacina/config.toml": config,
          "/keys/flows": content
        })
        assert.strictEqual(keyOf(options), "clk_from-file")
      }
    }))

  it.effect("takes an empty variable, and knows schemes in lower case only", () =>
    Effect.gen(function*() {
      const empty = yield* given(CloacinaNode.profileOptions(), undefined, [["HOME", "/home/mira"], ["FLOWS_KEY", ""]])
      assert.strictEqual(keyOf(empty), "")
      assert.strictEqual(keyOf(yield* given(CloacinaNode.profileOptions({ profile: "upper" }))), "ENV:FLOWS_KEY")
    }))

  it.effect("fails naming the field, and shows no key", () =>
    Effect.gen(function*() {
      const home = "/home/mira/.cloacina/config.toml"
      const cases: ReadonlyArray<readonly [string, CloacinaNode.ProfileOptions, Parameters<typeof given>[1]?]> = [
        ["config.toml", {}, {}],
        ["config.toml", {}, { [home]: "= clk_literal-key" }],
        ["config.toml", {}, { [home]: "profiles = 3" }],
        ["default_profile", {}, { [home]: "[profiles.lab]" }],
        ["default_profile", {}, { [home]: "default_profile = \"none\"" }],
        ["profile", { profile: "none" }],
        ["profile", { profile: "toString" }],
        ["profiles.keyless.api_key", { profile: "keyless" }],
        ["profiles.serverless.server", { profile: "serverless" }],
        ["profiles.odd.server", { profile: "odd" }],
        ["profiles.ring.api_key", { profile: "ring" }],
        ["profiles.file.api_key", { profile: "file" }],
        ["profiles.file.api_key", { profile: "file" }, { [home]: config, "/keys/flows": " \n\n" }]
      ]
      for (const [path, options, files] of cases) {
        const error = yield* Effect.flip(given(CloacinaNode.profileOptions(options), files))
        assert.strictEqual(error._tag, "InvalidOptions")
        assert.strictEqual(error.issues[0]?.path, path)
        assert.notInclude(Observe.shown(error), "clk_")
      }
      const unset = yield* Effect.flip(given(CloacinaNode.profileOptions(), undefined, [["HOME", "/home/mira"]]))
      assert.strictEqual(unset.issues[0]?.path, "profiles.lab.api_key")
      const homeless = yield* Effect.flip(given(CloacinaNode.profileOptions(), undefined, []))
      assert.strictEqual(homeless.issues[0]?.path, "home")
    }))

  it.effect("connects every service", () =>
    Effect.gen(function*() {
      const { client, sent } = Memory.make(() => answer(200, { items: [], total: 0 }))
      const call = Effect.flatMap(Cloacina.Secrets, (secrets) => secrets.list()).pipe(
        Effect.provide(CloacinaNode.layerProfile({ tenant: "north" })),
        Effect.provideService(HttpClient.HttpClient, client)
      )
      yield* given(call)
      assert.strictEqual(sent[0]?.path, "/v1/tenants/north/secrets")
      assert.strictEqual(sent[0]?.headers["authorization"], "Bearer clk_from-env")
    }))
})
