/**
 * The engine of the emulator: how long many executions take under a virtual clock, from the first request to the end of
 * the last one, all events looked at.
 */
import * as Effect from "effect/Effect"
import * as TestClock from "effect/TestClock"
import * as TestContext from "effect/TestContext"
import * as Engine from "../../src/testing/cloacina/Engine.js"
import { task, workflow } from "../../src/testing/cloacina/Script.js"
import * as World from "../../src/testing/cloacina/World.js"
import { median, type Suite, wallOf } from "../core/measure.js"

/** Ten tasks in three layers: every one waits for all of the layer before. */
const layers = [["a"], ["b", "c", "d", "e"], ["f", "g", "h", "i"], ["j"]]

const tasks = layers.flatMap((ids, layer) =>
  ids.map((id) => task(id, { after: layers[layer - 1] ?? [], takes: "40 millis" }))
)

/** Events that so many executions write. */
const run = (executions: number): Effect.Effect<number> =>
  Effect.gen(function*() {
    const world = yield* World.make({ workflows: [workflow("ten", { tenant: "north", tasks })] })
    let events = 0
    world.hooks.onExecutionEvent.push(() => Effect.sync(() => void events++))
    const engine = yield* Engine.make(world)
    yield* Effect.replicateEffect(Effect.orDie(engine.execute("north", "ten")), executions)
    yield* TestClock.adjust("10 seconds")
    return events
  }).pipe(Effect.scoped, Effect.provide(TestContext.TestContext))

export const engine: Suite = {
  name: "engine",
  run: async (smoke) => {
    const executions = smoke ? 20 : 1000
    const expected = executions * (2 * tasks.length + 1)
    const times: Array<number> = []
    for (let round = 0; round < (smoke ? 1 : 5); round++) {
      times.push(
        await wallOf(async () => {
          const events = await Effect.runPromise(run(executions))
          if (events !== expected) throw new Error(`${events} events in place of ${expected}`)
        })
      )
    }
    const ms = median(times)
    return [{
      work: `${executions} executions of ${tasks.length} tasks under a virtual clock`,
      measured: `${ms.toFixed(0)} ms`,
      goal: "< 2000 ms",
      ok: smoke ? undefined : ms < 2000
    }]
  }
}
