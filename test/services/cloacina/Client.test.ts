import * as HttpClient from "@effect/platform/HttpClient"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Cloacina from "../../../src/cloacina.js"
import { answer, cloacina, key } from "../support/Cloacina.js"
import * as Memory from "../support/Memory.js"

const items = () => answer(200, { items: [], total: 0 })
const list = Effect.flatMap(Cloacina.Secrets, (secrets) => secrets.list())

const issueOf = (options: Cloacina.Options) =>
  Effect.gen(function*() {
    const { client, sent } = Memory.make(items)
    const error = yield* Effect.flip(
      list.pipe(Effect.provide(Cloacina.layer(options)), Effect.provideService(HttpClient.HttpClient, client))
    )
    assert.strictEqual(sent.length, 0)
    return error._tag === "InvalidOptions" ? error.issues[0]?.path : error._tag
  })

describe("options", () => {
  it.effect("that cannot work are refused before any request", () =>
    Effect.gen(function*() {
      const secret = Redacted.make(key)
      for (
        const url of [
          "",
          "127.0.0.1:8080",
          "ftp://host",
          "http://u:p@host",
          "http://host?x=1",
          "http://[",
          "http://host#a"
        ]
      ) {
        assert.strictEqual(yield* issueOf({ url }), "url", url)
      }
      assert.strictEqual(yield* issueOf({ url: "http://flows.example.org", key: secret }), "url")
      assert.strictEqual(yield* issueOf({ url: "http://127.0.0.1", key: secret, tenant: " " }), "tenant")
      assert.strictEqual(yield* issueOf({ url: "http://127.0.0.1", key: Redacted.make(" ") }), "key")
    }))

  it.effect("may send the key in clear text to loopback, and elsewhere when told so", () =>
    Effect.gen(function*() {
      const places = [
        { url: "http://127.0.0.1:8080" },
        { url: "http://localhost" },
        { url: "http://[::1]:8080" },
        { url: "https://flows.example.org" },
        { url: "http://flows.example.org", allowInsecureKey: true }
      ]
      for (const place of places) {
        const { layer, sent } = cloacina(items, place)
        yield* Effect.provide(list, layer)
        assert.strictEqual(sent[0]?.headers["authorization"], `Bearer ${key}`, place.url)
      }
    }))

  it.effect("take a path as a prefix, without its trailing slashes", () =>
    Effect.gen(function*() {
      const { layer, sent } = cloacina(items, { url: "http://127.0.0.1:8080/flows//" })
      yield* Effect.provide(list, layer)
      assert.strictEqual(sent[0]?.path, "/flows/v1/tenants/public/secrets")
    }))
})

describe("the key", () => {
  it.effect("is needed, except on public routes: nothing is sent without one", () =>
    Effect.gen(function*() {
      const { layer, sent } = cloacina(() => answer(200, { status: "ok" }), { key: undefined })
      const error = yield* Effect.flip(Effect.provide(list, layer))
      assert.strictEqual(error._tag, "Unauthorized")
      assert.strictEqual(sent.length, 0)
      yield* Effect.provide(Effect.flatMap(Cloacina.Health, (health) => health.check()), layer)
      assert.strictEqual(sent[0]?.headers["authorization"], undefined)
    }))

  it.effect("is read again for every attempt when it is an effect", () =>
    Effect.gen(function*() {
      let count = 0
      const rotating = Effect.sync(() => Redacted.make(`clk_key-${++count}`))
      const { layer, sent } = cloacina(items, { key: rotating })
      yield* Effect.provide(Effect.zipRight(list, list), layer)
      assert.deepStrictEqual(sent.map(({ headers }) => headers["authorization"]), [
        "Bearer clk_key-1",
        "Bearer clk_key-2"
      ])
    }))
})

describe("a call", () => {
  it.effect("may take 30 s, unless it is told otherwise", () =>
    Effect.gen(function*() {
      const { client } = Memory.make(() => "silent")
      const took = (options?: Cloacina.Options["options"]) =>
        Effect.gen(function*() {
          const from = yield* Clock.currentTimeMillis
          const error = yield* Memory.running(Effect.flip(
            list.pipe(
              Effect.provide(Cloacina.layer({ url: "http://127.0.0.1:8080", key: Redacted.make(key), options })),
              Effect.provideService(HttpClient.HttpClient, client)
            )
          ))
          assert.strictEqual(error._tag, "Timeout")
          return (yield* Clock.currentTimeMillis) - from
        })
      assert.strictEqual(yield* took({ retry: { maxRetries: 0 } }), 30_000)
      assert.strictEqual(yield* took({ retry: { maxRetries: 0 }, timeouts: { total: "3 seconds" } }), 3000)
    }))
})

describe("layers", () => {
  it.effect("of two servers in one program do not get mixed up", () =>
    Effect.gen(function*() {
      const { client, sent } = Memory.make(items)
      const list = Effect.flatMap(Cloacina.Secrets, (secrets) => secrets.list())
      class North extends Context.Tag("North")<North, Effect.Effect<unknown, unknown>>() {}
      class South extends Context.Tag("South")<South, Effect.Effect<unknown, unknown>>() {}
      const calling = <I>(tag: Context.Tag<I, Effect.Effect<unknown, unknown>>, tenant: string) =>
        Layer.effect(tag, Effect.map(Effect.context<Cloacina.Secrets>(), (context) => Effect.provide(list, context)))
          .pipe(
            Layer.provide(Cloacina.layer({ url: "http://127.0.0.1:8080", key: Redacted.make(key), tenant }))
          )
      yield* Effect.gen(function*() {
        yield* yield* North
        yield* yield* South
      }).pipe(
        Effect.provide(Layer.merge(calling(North, "north"), calling(South, "south"))),
        Effect.provideService(HttpClient.HttpClient, client)
      )
      assert.deepStrictEqual(sent.map(({ path }) => path.split("/")[3]), ["north", "south"])
    }))

  const fromEnv = (env: ReadonlyArray<readonly [string, string]>, options?: Config.Config<Cloacina.Options>) =>
    Effect.gen(function*() {
      const { client, sent } = Memory.make(items)
      const result = yield* Effect.either(
        list.pipe(Effect.provide(Cloacina.layerConfig(options)), Effect.provideService(HttpClient.HttpClient, client))
      )
      return { sent, result }
    }).pipe(Effect.withConfigProvider(ConfigProvider.fromMap(new Map(env))))

  it.effect("read the environment", () =>
    Effect.gen(function*() {
      const { sent } = yield* fromEnv([
        ["CLOACINA_SERVER_URL", "http://127.0.0.1:8080/"],
        ["CLOACINA_API_KEY", "clk_env"],
        ["CLOACINA_TENANT", "north"]
      ])
      assert.strictEqual(sent[0]?.path, "/v1/tenants/north/secrets")
      assert.strictEqual(sent[0]?.headers["authorization"], "Bearer clk_env")
      const { result } = yield* fromEnv([["CLOACINA_SERVER_URL", "http://127.0.0.1:8080/"]])
      assert.strictEqual(result._tag === "Left" && "_tag" in result.left && result.left._tag, "Unauthorized")
      const nowhere = yield* fromEnv([])
      assert.strictEqual(nowhere.result._tag, "Left")
      const own = yield* fromEnv([], Config.succeed({ url: "http://127.0.0.1", key: Redacted.make("clk_own") }))
      assert.strictEqual(own.sent[0]?.headers["authorization"], "Bearer clk_own")
    }))
})
