/**
 * Starts a workflow, shows its log while it runs, and ends with its outcome. It runs on an emulator in memory; for a real
 * server put `Cloacina.layerConfig()` and an HTTP client in place of the last layer.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Cloacina from "effect-switchyard/cloacina"
import * as CloacinaTesting from "effect-switchyard/cloacina/testing"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"

const program = Effect.gen(function*() {
  const executions = yield* Cloacina.Executions
  const run = (workflow: string) =>
    executions.executeAndFollow(workflow, {
      context: { region: "eu", warehouse: Cloacina.secretRef("warehouse") },
      waitUntilLoaded: "10 seconds"
    }).pipe(
      Stream.tap((item) => Console.log(Cloacina.render(item))),
      Stream.runDrain
    )
  yield* run("close_month")

  // Where only completion will do, the failure says which task it was.
  yield* executions.execute("open_month", { waitUntilLoaded: "10 seconds" }).pipe(
    Effect.flatMap(({ execution_id }) => executions.awaitCompleted(execution_id)),
    Effect.catchTag("ExecutionFailed", ({ outcome }) => Console.log(Cloacina.renderOutcome(outcome)))
  )
}).pipe(Cloacina.withTenant("north"))

const { fails, param, secret, succeeds, task, workflow } = CloacinaTesting

const emulator = CloacinaTesting.layer({
  tenants: ["north"],
  workflows: [
    workflow("close_month", {
      tenant: "north",
      params: [param("region", { type: "string" }), secret("warehouse")],
      tasks: [
        task("extract", { takes: "1 second" }),
        task("load", { after: ["extract"], attempts: [fails("RuntimeError: disk full"), succeeds()] })
      ]
    }),
    workflow("open_month", { tenant: "north", tasks: [task("post", { attempts: fails("ValueError: no books") })] })
  ],
  storedSecrets: [{ tenant: "north", name: "warehouse", fields: { password: Redacted.make("example") } }]
})

program.pipe(Effect.provide(emulator), NodeRuntime.runMain)
