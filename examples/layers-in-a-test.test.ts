/**
 * Tests by layers: the program under test is the one that runs in production, over an emulator in memory. No server, no
 * process, no waiting: under the TestClock a minute passes at once.
 */
import { it } from "@effect/vitest"
import * as Solti from "effect-switchyard/solti"
import * as SoltiTesting from "effect-switchyard/solti/testing"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { assert } from "vitest"

/** Deploys, and rolls back when the deployment does not get through. */
const deploy = Effect.gen(function*() {
  const tasks = yield* Solti.Tasks
  const id = yield* tasks.submit(
    Solti.command("./deploy", ["production"], { slot: "deploy", admission: "queue", timeout: "1 minute" })
  )
  const outcome = yield* tasks.await(id)
  if (Solti.isSuccess(outcome)) return "deployed"
  const back = yield* tasks.submit(Solti.command("./rollback", [], { slot: "deploy", timeout: "1 minute" }))
  return Solti.isSuccess(yield* tasks.await(back)) ? "rolled back" : "broken"
})

const { command, exits, hangs, succeeds } = SoltiTesting

it.effect("deploys", () =>
  Effect.gen(function*() {
    assert.strictEqual(yield* deploy, "deployed")
  }).pipe(Effect.provide(SoltiTesting.layer({
    scripts: [command("./deploy", succeeds(["pushing", "done"], { takes: "20 seconds" }))]
  }))))

it.effect("rolls back what hangs until its time-out", () =>
  Effect.gen(function*() {
    assert.strictEqual(yield* deploy, "rolled back")
    const tasks = yield* Solti.Tasks
    const phases = (yield* tasks.list({ slot: "deploy" })).tasks.map(({ status }) => Solti.phaseName(status.phase))
    assert.deepStrictEqual(phases, ["exhausted", "succeeded"])
  }).pipe(Effect.provide(SoltiTesting.layer({
    scripts: [command("./deploy", hangs()), command("./rollback", succeeds())]
  }))))

it.effect("says when nothing helped", () =>
  Effect.gen(function*() {
    assert.strictEqual(yield* deploy, "broken")
  }).pipe(Effect.provide(SoltiTesting.layer({
    scripts: [command("./deploy", exits(1)), command("./rollback", exits(2))]
  }))))

it.effect("survives a server that is away for a moment", () =>
  Effect.gen(function*() {
    assert.strictEqual(yield* deploy, "deployed")
  }).pipe(Effect.provide(SoltiTesting.layer({
    scripts: [command("./deploy", succeeds())],
    faults: [{ on: "get", times: 2, fault: SoltiTesting.refuse("Unavailable") }]
  }))))

it.effect("is tested with three lines where only one call matters", () =>
  Effect.gen(function*() {
    const tasks = yield* Solti.Tasks
    assert.isTrue(Option.isNone(yield* tasks.get("default-deploy-1")))
  }).pipe(Effect.provide(SoltiTesting.tasks({ get: () => Effect.succeed(Option.none()) }))))
