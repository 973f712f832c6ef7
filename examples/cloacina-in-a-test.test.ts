/**
 * Tests by layers: the program under test is the one that runs in production, over an emulator of the server in memory.
 * Under the TestClock nobody waits: what passes by itself costs some ms for each time that somebody wakes.
 */
import { it } from "@effect/vitest"
import * as Cloacina from "effect-switchyard/cloacina"
import * as CloacinaTesting from "effect-switchyard/cloacina/testing"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { assert } from "vitest"

/** Closes the month, and says who is to be woken when that did not work. */
const closeMonth = Effect.gen(function*() {
  const executions = yield* Cloacina.Executions
  const outcome = yield* executions.executeAndAwait("close_month", { context: { region: "eu" } })
  if (Cloacina.isCompleted(outcome)) return "closed"
  return outcome._tag === "Failed" ? `wake the owner of ${outcome.failures.map(({ task }) => task)}` : "cancelled"
}).pipe(Effect.catchTag("Conflict", () => Effect.succeed("paused")))

const { fails, param, succeeds, task, workflow } = CloacinaTesting

const withTasks = (...tasks: ReadonlyArray<CloacinaTesting.Task>) =>
  CloacinaTesting.layer({
    workflows: [workflow("close_month", { tenant: "public", params: [param("region", "string")], tasks })]
  })

it.effect("closes the month", () =>
  Effect.gen(function*() {
    assert.strictEqual(yield* closeMonth, "closed")
  }).pipe(Effect.provide(withTasks(
    task("extract", { takes: "20 minutes" }),
    task("load", { after: ["extract"], attempts: [fails("RuntimeError: locked"), succeeds()] })
  ))))

it.effect("names the task that failed, not those behind it", () =>
  Effect.gen(function*() {
    assert.strictEqual(yield* closeMonth, "wake the owner of load")
  }).pipe(Effect.provide(withTasks(
    task("extract"),
    task("load", { after: ["extract"], attempts: fails("RuntimeError: disk full") }),
    task("report", { after: ["load"] })
  ))))

it.effect("does nothing while the workflow is paused", () =>
  Effect.gen(function*() {
    yield* (yield* Cloacina.Workflows).pause("close_month")
    assert.strictEqual(yield* closeMonth, "paused")
  }).pipe(Effect.provide(withTasks(task("extract")))))

it.effect("survives a server that is away for a moment", () =>
  Effect.gen(function*() {
    const faults = yield* CloacinaTesting.Faults
    const away = yield* faults.inject({ on: "Executions.get", times: 2, fault: CloacinaTesting.Fault.status(503) })
    assert.strictEqual(yield* closeMonth, "closed")
    assert.strictEqual(yield* away.hits, 2)
  }).pipe(Effect.provide(withTasks(task("extract")))))

it.effect("runs every night by itself", () =>
  Effect.gen(function*() {
    const executions = yield* Cloacina.Executions
    yield* CloacinaTesting.advance("3 days")
    const nights = yield* executions.list({ workflow: "close_month" })
    assert.strictEqual(nights.length, 3)
    assert.isTrue(nights.every(({ trigger_origin }) => Option.isNone(trigger_origin)))
  }).pipe(Effect.provide(CloacinaTesting.layer({
    workflows: [workflow("close_month", { tenant: "public", triggers: [CloacinaTesting.cron("30 2 * * *")] })]
  }))))
