import { describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { assert } from "vitest"
import * as Solti from "../../../src/solti.js"
import * as SoltiTesting from "../../../src/solti/testing.js"

const command = (name: string, options: Partial<Solti.ProcessOptions> = {}) =>
  Solti.command(name, [], { slot: name, timeout: "1 minute", ...options })

const submit = (spec: Solti.CreateSpec) => Effect.flatMap(Solti.Tasks, (tasks) => tasks.submit(spec))

const run = (spec: Solti.CreateSpec) =>
  Effect.flatMap(Solti.Tasks, (tasks) => Effect.flatMap(tasks.submit(spec), (id) => tasks.await(id)))

const followed = (spec: Solti.CreateSpec) =>
  Effect.flatMap(
    Solti.Tasks,
    (tasks) =>
      Effect.map(Stream.runCollect(tasks.submitAndFollow(spec)), (events) =>
        Chunk.toReadonlyArray(events).map(Solti.render))
  )

describe("the emulator under virtual time", () => {
  it.effect("lets a task succeed at once, without a script and without a turn of the clock", () =>
    Effect.gen(function*() {
      const outcome = yield* run(command("true"))
      assert.deepInclude(outcome, { status: "succeeded", attempts: 1, taskId: "default-true-1" })
    }).pipe(Effect.provide(SoltiTesting.layer())))

  it.effect("plays what a script says, line by line", () =>
    Effect.gen(function*() {
      const lines = yield* followed(command("make"))
      assert.deepStrictEqual(lines, [
        "submitted default-make-1",
        "1 > started",
        "1 | cc main.c",
        "1 ! warning",
        "1 < finished with exit code 2",
        "= failed after 1 attempt, exit code 2: execution failed: process exited with non-zero code: 2"
      ])
      assert.isAtLeast(yield* Clock.currentTimeMillis, 5 * 60_000)
    }).pipe(Effect.provide(SoltiTesting.layer({
      scripts: [
        SoltiTesting.command(
          "make",
          SoltiTesting.exits(2, ["cc main.c", SoltiTesting.stderr("warning", { after: "30 seconds" })], {
            takes: "50 seconds"
          })
        )
      ]
    }))))
})
