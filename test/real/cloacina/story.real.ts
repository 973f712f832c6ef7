import * as NodeContext from "@effect/platform-node/NodeContext"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import { assert, describe, it } from "@effect/vitest"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as CloacinaTesting from "../../../src/cloacina/testing.js"
import * as NodeWebSockets from "../../../src/services/core/NodeWebSockets.js"
import * as Scripts from "../../fixtures/cloacina/Scripts.js"
import { differences, known } from "./compare.js"
import * as Player from "./player.js"
import * as RealServer from "./server.js"
import type { Chapter } from "./story.js"
import { chapters } from "./story.js"

const told = (chapter: Chapter, options: Parameters<typeof Player.make>[0]) =>
  Effect.gen(function*() {
    const player = yield* Player.make(options)
    yield* chapter.tell(player)
    return yield* player.moments
  }).pipe(Effect.provide([FetchHttpClient.layer, NodeWebSockets.layer()]))

const onRealServer = (chapter: Chapter) =>
  Effect.gen(function*() {
    const [url, key, run] = yield* Config.all([
      Config.string("CLOACINA_REAL_URL"),
      Config.string("CLOACINA_REAL_KEY"),
      Config.string("CLOACINA_REAL_RUN")
    ])
    return yield* told(chapter, {
      url,
      key,
      compile: (tenant) => RealServer.compile({ run }, tenant).pipe(Effect.orDie, Effect.provide(NodeContext.layer))
    })
  })

const key = "clk_EmulatorBootstrapKey00000000000000000000000"

const onEmulator = (chapter: Chapter) =>
  Effect.gen(function*() {
    const { url } = yield* CloacinaTesting.TestServer
    return yield* told(chapter, { url, key, compile: () => Effect.void })
  }).pipe(Effect.provide(CloacinaTesting.layerServer({
    key: Redacted.make(key),
    workflows: [...Scripts.uploaded, ...Scripts.graphPackages.map((workflow) => ({ ...workflow, tenant: undefined }))],
    graphs: Scripts.graphs.map((graph) => ({ ...graph, tenant: undefined }))
  })))

describe("a story told to the real server and to the emulator", () => {
  it.live.each(chapters.map((chapter) => ({ ...chapter })))("$name", (chapter) =>
    Effect.gen(function*() {
      const [real, emulated] = yield* Effect.all([onRealServer(chapter), onEmulator(chapter)], {
        concurrency: "unbounded"
      })
      const expected = known.filter((entry) => entry.chapter === chapter.name).map(({ what }) => what)
      const found = differences(real, emulated)
      assert.deepStrictEqual(found.filter(({ what }) => !expected.includes(what)), [])
      const left = new Set(found.map(({ what }) => what))
      assert.deepStrictEqual(expected.filter((what) => !left.has(what)), [], "these do not differ any more")
      assert.strictEqual(emulated.length, real.length)
    }), 120_000)
})
