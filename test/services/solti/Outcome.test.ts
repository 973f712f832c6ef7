import { assert, describe, it } from "@effect/vitest"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { Task, TaskId, TaskRun } from "../../../src/schemas/solti/Tasks.js"
import * as Outcome from "../../../src/services/solti/Outcome.js"
import * as Models from "../support/Models.js"

const task = (...args: Parameters<typeof Models.task>) => Schema.decodeUnknownSync(Task)(Models.task(...args))
const run = (...args: Parameters<typeof Models.run>) => Schema.decodeUnknownSync(TaskRun)(Models.run(...args))

type Finality = ReturnType<typeof Outcome.finality>

describe("finality (contract chapter 7)", () => {
  const rows: ReadonlyArray<readonly [phase: string, never: Finality, onFailure: Finality, always: Finality]> = [
    ["UNSPECIFIED", "open", "open", "open"],
    ["PENDING", "open", "open", "open"],
    ["RUNNING", "open", "open", "open"],
    ["SUCCEEDED", "final", "final", "ambiguous"],
    ["FAILED", "final", "ambiguous", "ambiguous"],
    ["TIMEOUT", "final", "ambiguous", "ambiguous"],
    ["CANCELED", "final", "final", "final"],
    ["EXHAUSTED", "final", "final", "final"],
    ["PAUSED", "open", "open", "open"]
  ]

  it.each(rows)("%s", (phase, ...expected: ReadonlyArray<Finality>) => {
    const of = (["NEVER", "ON_FAILURE", "ALWAYS"] as const).map((restart) =>
      Outcome.finality(task("t", phase, { restart }))
    )
    assert.deepStrictEqual(of, expected)
  })

  it("is never sure with a restart policy that this SDK does not know", () => {
    const odd = (phase: string) => Outcome.finality(task("t", phase, { spec: { restart: "RESTART_STRATEGY_WEEKLY" } }))
    assert.deepStrictEqual(["SUCCEEDED", "FAILED", "TIMEOUT", "CANCELED"].map(odd), [
      "ambiguous",
      "ambiguous",
      "ambiguous",
      "final"
    ])
  })
})

describe("an outcome", () => {
  it("has the status of the last run and the phase of the entry", () => {
    const outcome = Outcome.fromTask(
      task("t", "EXHAUSTED", { attempt: 2, error: "max_retries_exceeded(1/1)", exitCode: 9 }),
      [run(1, "FAILED"), run(2, "TIMEOUT", { error: "timeout" })]
    )
    assert.strictEqual(outcome.status, "timeout")
    assert.deepStrictEqual(outcome.phase, Option.some("exhausted"))
    assert.strictEqual(outcome.attempts, 2)
    assert.deepStrictEqual(outcome.error, Option.some("timeout"))
    assert.deepStrictEqual(outcome.exitCode, Option.some(9))
  })

  it("is made of the entry alone when there are no runs", () => {
    const outcome = Outcome.fromTask(task("t", "FAILED", { attempt: 0, error: "queue_full: 100/100" }), [])
    assert.strictEqual(outcome.status, "failed")
    assert.deepStrictEqual(outcome.error, Option.some("queue_full: 100/100"))
    assert.deepStrictEqual(outcome.runs, [])
  })

  it("exhausted with another error than success is no success", () => {
    const outcome = Outcome.fromTask(task("t", "EXHAUSTED", { error: "x" }), [])
    assert.deepStrictEqual(outcome.phase, Option.some("exhausted"))
    assert.isFalse(Outcome.isSuccess(outcome))
  })

  it("is made of runs alone when there is no entry", () => {
    const runs = [run(1, "FAILED"), run(2, "SUCCEEDED")]
    const last = runs[1]
    assert.isDefined(last)
    const outcome = Outcome.fromRuns(TaskId.make("t"), runs, last)
    assert.strictEqual(outcome.status, "succeeded")
    assert.strictEqual(outcome.attempts, 2)
    assert.isTrue(Outcome.isSuccess(outcome))
  })

  it("keeps a status that this SDK does not know as unknown", () => {
    assert.strictEqual(Outcome.fromTask(task("t", "CANCELED"), [run(1, "PAUSED")]).status, "unknown")
  })
})
