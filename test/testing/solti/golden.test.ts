/**
 * The emulator in the mode `strict-0.0.2` is asked everything that the recorded server was asked, at the same times, and
 * has to answer the same. Time is virtual; what the processes did is scripted. Which cases are left out, and which words
 * may differ, is listed with the reasons in `Replay.notReproducible` and in `Differences`.
 */
import { describe, layer } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/TestClock"
import { assert } from "vitest"
import { ApiHandler } from "../../../src/server/solti/ApiHandler.js"
import { Supervisor } from "../../../src/server/solti/Supervisor.js"
import * as SoltiTesting from "../../../src/solti/testing.js"
import { passing } from "../../../src/testing/core/VirtualTime.js"
import { makeFront } from "../../../src/testing/solti/Emulator.js"
import * as Replay from "../../fixtures/solti/Replay.js"
import { scriptOf } from "./support/Commands.js"
import * as Front from "./support/Front.js"

/** When the recording was made: times on the wire have 13 digits. */
const recordedAt = 1_795_380_900_000

class Player extends Context.Tag("test/Player")<Player, Replay.Player>() {}

/** The two in-process tasks of the recorded server: one that ends when it is told to, and one that does not. */
const embedded = Effect.flatMap(Supervisor, (supervisor) =>
  Effect.forEach([
    { name: "embedded-polite", run: Effect.never },
    { name: "embedded-stubborn", run: Effect.uninterruptible(Effect.never) }
  ], supervisor.submitFunction))

/** A handler that leaves the logs to the interface's own default. */
const withoutLogs = ({ streamTaskLogs: _, ...handler }: ApiHandler.Service) => ApiHandler.make(handler)

const layerPlayer = (settings: Replay.Session["settings"]) => {
  const ms = (name: string) => Duration.millis(Number(settings[name]))
  const emulator = SoltiTesting.layer({
    mode: "strict-0.0.2",
    // Nothing happens between the cases of a session.
    time: "manual",
    supervisor: {
      ...("SOLTI_MAX_CONCURRENT" in settings ? { maxConcurrent: Number(settings["SOLTI_MAX_CONCURRENT"]) } : {}),
      ...("SOLTI_RUN_TTL_MS" in settings
        ? {
          runTtl: ms("SOLTI_RUN_TTL_MS"),
          taskTtl: ms("SOLTI_TASK_TTL_MS"),
          sweepInterval: ms("SOLTI_SWEEP_MS"),
          grace: ms("SOLTI_GRACE_MS")
        }
        : {})
    }
  })
  const player = Effect.gen(function*() {
    const handler = yield* ApiHandler
    const front = yield* makeFront({ mode: "strict-0.0.2" }).pipe(
      Effect.provideService(ApiHandler, "SOLTI_DEFAULT_LOGS" in settings ? withoutLogs(handler) : handler)
    )
    if ("SOLTI_EMBEDDED" in settings) yield* embedded
    return yield* Replay.makePlayerOver(Front.ask(front))
  })
  return Layer.effect(Player, player).pipe(
    Layer.provideMerge(emulator),
    Layer.provideMerge(Layer.effectDiscard(TestClock.setTime(recordedAt)))
  )
}

/** Single positions are left out where a real server has to be quick: virtual time is exact. */
const leftOut = new Set(
  Replay.notReproducible.filter(({ positions }) => positions === undefined).map(({ name }) => name)
)

const isAskedFor = (recorded: Replay.Session["cases"][number]): boolean =>
  Replay.playable(recorded).length > 0 && !leftOut.has(recorded.name)

describe("the strict emulator answers as recorded", () => {
  for (const session of Replay.sessions) {
    const name = Object.entries(session.settings).map(([name, value]) => `${name}=${value}`).join(" ")
    layer(layerPlayer(session.settings))(name, (it) => {
      for (const recorded of session.cases.filter(isAskedFor)) {
        it.effect(recorded.name, () =>
          Effect.gen(function*() {
            const player = yield* Player
            const emulator = yield* SoltiTesting.Emulator
            yield* emulator.script(scriptOf(recorded.name))
            const { count } = yield* SoltiTesting.Recorder
            const answers = yield* Effect.scoped(Effect.zipRight(passing(count), player.play(recorded)))
            Replay.playable(recorded).forEach((exchange, position) => {
              const answer = answers[position]
              assert.isDefined(answer)
              assert.deepStrictEqual(
                Front.comparable(exchange, answer),
                Front.comparable(exchange, Replay.recordedAnswer(exchange)),
                `exchange ${position}: ${exchange.request.method} ${exchange.request.path}`
              )
            })
          }))
      }
    })
  }
})
