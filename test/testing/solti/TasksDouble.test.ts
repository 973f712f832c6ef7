import { describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { assert } from "vitest"
import * as Solti from "../../../src/solti.js"
import * as SoltiTesting from "../../../src/solti/testing.js"
import { command } from "./support/programs.js"

const methodOf = (exit: Exit.Exit<unknown, unknown>): string => {
  const defect = Option.getOrUndefined(Exit.isFailure(exit) ? Cause.dieOption(exit.cause) : Option.none())
  return defect instanceof SoltiTesting.UnexpectedCall ? defect.method : "no unexpected call"
}

describe("a double of the tasks", () => {
  it.effect("answers what the test has an answer for", () =>
    Effect.gen(function*() {
      const tasks = yield* Solti.Tasks
      assert.strictEqual(yield* tasks.submit(command("x")), "default-x-1")
      assert.strictEqual(yield* Stream.runCount(tasks.logs("default-x-1")), 0)
    }).pipe(Effect.provide(SoltiTesting.tasks({
      submit: ({ slot }) => Effect.succeed(Solti.TaskId.make(`default-${slot}-1`)),
      logs: () => Stream.empty
    }))))

  it.effect("says of every other method that nobody expected it", () =>
    Effect.gen(function*() {
      const tasks = yield* Solti.Tasks
      const calls: Record<keyof Solti.Tasks.Service, Effect.Effect<unknown, unknown>> = {
        submit: tasks.submit(command("x")),
        apply: tasks.apply(command("x")),
        get: tasks.get("x"),
        list: tasks.list(),
        iterate: Stream.runDrain(tasks.iterate()),
        runs: tasks.runs("x"),
        delete: tasks.delete("x"),
        deleteConfirmed: tasks.deleteConfirmed("x"),
        logs: Stream.runDrain(tasks.logs("x")),
        await: tasks.await("x"),
        follow: Stream.runDrain(tasks.follow("x")),
        submitAndFollow: Stream.runDrain(tasks.submitAndFollow(command("x"))),
        version: tasks.version()
      }
      for (const [name, call] of Object.entries(calls)) {
        assert.strictEqual(methodOf(yield* Effect.exit(call)), `solti.Tasks.${name}`)
      }
    }).pipe(Effect.provide(SoltiTesting.tasks({}))))
})
