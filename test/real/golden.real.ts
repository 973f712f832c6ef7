import { describe, layer } from "@effect/vitest"
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { assert } from "vitest"
import * as Replay from "../fixtures/solti/Replay.js"
import * as RealServer from "./server.js"

class Player extends Context.Tag("test/real/Player")<Player, Replay.Player>() {
  static readonly layer = (settings: RealServer.Settings) =>
    Layer.scoped(
      Player,
      Effect.gen(function*() {
        const server = yield* RealServer.start(yield* Config.string("SOLTI_REAL_BINARY"), settings)
        return yield* Replay.makePlayer(server.url)
      })
    )
}

describe("golden recordings on the real server", () => {
  for (const session of Replay.sessions) {
    const settings = Object.entries(session.settings).map(([name, value]) => `${name}=${value}`).join(" ")
    layer(Player.layer(session.settings), { excludeTestServices: true })(settings, (it) => {
      for (
        const recorded of session.cases.filter((recorded) =>
          Replay.playable(recorded).some((_, position) => Replay.isReproducible(recorded, position))
        )
      ) {
        it.effect(recorded.name, () =>
          Effect.gen(function*() {
            const player = yield* Player
            const answers = yield* player.play(recorded)
            Replay.playable(recorded).forEach((exchange, position) => {
              if (!Replay.isReproducible(recorded, position)) {
                return
              }
              const answer = answers[position]
              assert.isDefined(answer)
              assert.deepStrictEqual(
                Replay.comparable(exchange.kind, answer),
                Replay.comparable(exchange.kind, Replay.recordedAnswer(exchange)),
                `exchange ${position}: ${exchange.request.method} ${exchange.request.path}`
              )
            })
          }))
      }
    })
  }
})
