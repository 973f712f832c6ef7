/** Whole stories over the emulator, where several services and times have to fit together. */
import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as Cloacina from "../../../src/cloacina.js"
import * as CloacinaTesting from "../../../src/cloacina/testing.js"
import * as Golden from "../../fixtures/cloacina/Golden.js"

const { task, workflow } = CloacinaTesting

const slow = workflow("slow", {
  tenant: "north",
  tasks: [task("a", { takes: "5 seconds" }), task("b", { after: ["a"], takes: "5 seconds" })]
})

/** The package of a recorded upload that built. */
const recorded = () => {
  const { exchanges } = Golden.get("upload-same-version-other-bytes")
  const data = exchanges.flatMap(({ request, response }) =>
    response.status === 201 && request.multipart?.data !== undefined ? [request.multipart.data] : []
  )
  return data[0] ?? assert.fail("no package was recorded")
}

describe("deploying", () => {
  it.effect("ends with a workflow that can be executed", () =>
    Effect.gen(function*() {
      const workflows = yield* Cloacina.Workflows
      const executions = yield* Cloacina.Executions
      const first = yield* workflows.deploy(recorded())
      assert.strictEqual(first._tag, "Deployed")
      const again = yield* workflows.deploy(recorded())
      assert.strictEqual(again._tag, "AlreadyKnown")
      assert.strictEqual(again.packageId, first.packageId)
      const outcome = yield* executions.executeAndAwait(first.workflow, { waitUntilLoaded: "10 seconds" })
      assert.isAbove(outcome.tasks.length, 0)
    }).pipe(Effect.provide(CloacinaTesting.layer({ tenant: "north" }))))
})

describe("following", () => {
  for (const mode of ["faithful", "documented"] as const) {
    for (const hint of [undefined, "socket"] as const) {
      it.effect(`gives the same, ${mode} server, hint: ${hint ?? "none"}`, () =>
        Effect.gen(function*() {
          const executions = yield* Cloacina.Executions
          const items = Chunk.toReadonlyArray(
            yield* Stream.runCollect(
              executions.executeAndFollow("slow", { hint, waitUntilLoaded: "10 seconds" })
            )
          )
          assert.deepStrictEqual(
            items.map((item) => item.type === "event" ? item.event.event_type : item.type),
            [
              "started",
              "task_marked_ready",
              "task_completed",
              "task_marked_ready",
              "task_completed",
              "workflow_completed",
              "ended"
            ]
          )
          assert.isFalse(items.some((item) => item.type === "event" && item.late))
        }).pipe(Effect.provide(CloacinaTesting.layer({ tenant: "north", workflows: [slow], mode }))))
    }
  }
})

describe("a session", () => {
  it.effect("outlives its first key", () =>
    Effect.gen(function*() {
      const sessions = yield* Cloacina.Sessions
      const executions = yield* Cloacina.Executions
      yield* Effect.scoped(Effect.gen(function*() {
        const session = yield* sessions.session({ username: "mira", password: "pw" })
        assert.strictEqual((yield* sessions.whoami()).is_admin, false)
        yield* Effect.sleep("40 minutes")
        assert.strictEqual((yield* session.status)._tag, "Active")
        const outcome = yield* executions.executeAndAwait("slow", { waitUntilLoaded: "10 seconds" })
        assert.strictEqual(outcome._tag, "Completed")
      }))
      assert.strictEqual((yield* sessions.whoami()).is_admin, true)
    }).pipe(Effect.provide(CloacinaTesting.layer({
      tenant: "north",
      workflows: [slow],
      accounts: [{ username: "mira", password: Redacted.make("pw"), role: "write", tenant: "north" }]
    }))))
})
