/**
 * The emulator in the mode `strict-0.0.2`, asked over gRPC what the recorded server was asked, at the same times: code, text
 * and messages have to be the recorded ones. The exchanges over HTTP of the same session are made as well, since both wires
 * have the same tasks. Every recorded exchange over gRPC is played; `notReproducible` lists what may differ.
 */
import { describe, layer } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/TestClock"
import { assert, it } from "vitest"
import { ApiHandler } from "../../../src/server/solti/ApiHandler.js"
import * as SoltiTesting from "../../../src/solti/testing.js"
import { passing } from "../../../src/testing/core/VirtualTime.js"
import { makeFront } from "../../../src/testing/solti/Emulator.js"
import * as GrpcEmulator from "../../../src/testing/solti/GrpcEmulator.js"
import type * as Golden from "../../fixtures/solti/Golden.js"
import * as Replay from "../../fixtures/solti/Replay.js"
import { scriptOf } from "./support/Commands.js"
import * as Front from "./support/Front.js"
import * as GrpcReplay from "./support/GrpcReplay.js"

/** When the recording was made: times on the wire have 13 digits. */
const recordedAt = 1_795_380_900_000

/** Exchanges whose answer may be another one, by case and position among all of the case. None is, at present. */
const notReproducible: ReadonlyArray<{ readonly name: string; readonly position: number; readonly reason: string }> = []

class Player extends Context.Tag("test/GrpcPlayer")<Player, GrpcReplay.Player>() {}

/** A handler that leaves the logs to the interface's own default. */
const withoutLogs = ({ streamTaskLogs: _, ...handler }: ApiHandler.Service) => ApiHandler.make(handler)

const layerPlayer = (settings: Replay.Session["settings"]) => {
  const mode = "strict-0.0.2"
  const player = Effect.gen(function*() {
    const handler = yield* ApiHandler
    const [http, grpc] = yield* Effect.zip(makeFront({ mode }), GrpcEmulator.makeFront({ mode })).pipe(
      Effect.provideService(ApiHandler, "SOLTI_DEFAULT_LOGS" in settings ? withoutLogs(handler) : handler)
    )
    return GrpcReplay.makePlayer(Front.ask(http), grpc)
  })
  return Layer.effect(Player, player).pipe(
    // Nothing happens between the cases of a session.
    Layer.provideMerge(SoltiTesting.layer({ mode, time: "manual" })),
    Layer.provideMerge(Layer.effectDiscard(TestClock.setTime(recordedAt)))
  )
}

const hasGrpc = ({ exchanges }: Golden.Case): boolean => exchanges.some(GrpcReplay.isGrpc)

/** The cases over gRPC, each with those over HTTP alone that were recorded ahead of it: they submit tasks, too. */
const stepsOf = ({ cases }: Replay.Session) => {
  const steps: Array<{ readonly before: ReadonlyArray<Golden.Case>; readonly recorded: Golden.Case }> = []
  let before: Array<Golden.Case> = []
  for (const recorded of cases) {
    if (hasGrpc(recorded)) {
      steps.push({ before, recorded })
      before = []
    } else before.push(recorded)
  }
  return steps
}

const play = (recorded: Golden.Case) =>
  Effect.gen(function*() {
    const player = yield* Player
    const emulator = yield* SoltiTesting.Emulator
    yield* emulator.script(scriptOf(recorded.name))
    const { count } = yield* SoltiTesting.Recorder
    return yield* Effect.scoped(Effect.zipRight(passing(count), player.play(recorded)))
  })

describe("the strict emulator answers over gRPC as recorded", () => {
  for (const session of Replay.sessions) {
    const steps = stepsOf(session)
    if (steps.length === 0) continue
    const name = Object.entries(session.settings).map(([name, value]) => `${name}=${value}`).join(" ")
    layer(layerPlayer(session.settings))(name, (it) => {
      for (const { before, recorded } of steps) {
        it.effect(recorded.name, () =>
          Effect.gen(function*() {
            yield* Effect.forEach(before, play, { discard: true })
            const answers = yield* play(recorded)
            recorded.exchanges.forEach((exchange, position) => {
              if (notReproducible.some((it) => it.name === recorded.name && it.position === position)) return
              const answer = answers[position]
              if (GrpcReplay.isGrpc(exchange)) {
                if (answer?._tag !== "Grpc") return assert.fail("no answer over gRPC")
                assert.deepStrictEqual(
                  GrpcReplay.comparable(exchange, answer.answer),
                  GrpcReplay.comparable(exchange, GrpcReplay.recordedAnswer(exchange)),
                  `exchange ${position}: ${exchange.method}`
                )
              } else {
                if (answer?._tag !== "Http") return assert.fail("no answer over HTTP")
                assert.deepStrictEqual(
                  Front.comparable(exchange, answer.answer),
                  Front.comparable(exchange, Replay.recordedAnswer(exchange)),
                  `exchange ${position}: ${exchange.request.method} ${exchange.request.path}`
                )
              }
            })
          }), 30_000)
      }
    })
  }

  it("in all cases that have an exchange over gRPC", () => {
    const played = Replay.sessions.flatMap(stepsOf).map(({ recorded }) => recorded.name)
    assert.deepStrictEqual(
      played,
      Replay.sessions.flatMap(({ cases }) => cases.filter(hasGrpc)).map(({ name }) => name)
    )
    assert.includeMembers(played, [
      "grpc-absent",
      "grpc-delete-running-twice",
      "grpc-invalid",
      "grpc-list",
      "grpc-list-errors",
      "grpc-logs-success",
      "grpc-protocol-errors",
      "grpc-submit-and-logs",
      "grpc-submit-script",
      "grpc-too-large",
      "logs-default-handler"
    ])
  })
})
