import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as Cloacina from "../../../src/cloacina.js"
import * as Outcome from "../../../src/services/cloacina/Outcome.js"
import * as Golden from "../../fixtures/cloacina/Golden.js"

const bodyOf = (name: string, end: string) =>
  Golden.get(name).exchanges.filter(({ request }) => request.path.endsWith(end)).at(-1)?.response.body

const runOf = (name: string) => {
  const { events, execution_id } = Schema.decodeUnknownSync(Cloacina.ExecutionEvents)(bodyOf(name, "/events"))
  const { tasks } = Schema.decodeUnknownSync(Cloacina.ExecutionTasks)(bodyOf(name, "/tasks"))
  return { events, tasks, id: execution_id }
}

const lines = (name: string, end: Cloacina.FinalStatus) => {
  const { events, id, tasks } = runOf(name)
  return [
    Cloacina.render({ type: "started", executionId: id }).replace(id, "ID"),
    ...events.map((event) => Cloacina.render({ type: "event", event, late: false })),
    Cloacina.render({ type: "ended", outcome: Outcome.make(end, id, tasks, events) })
  ]
}

describe("render", () => {
  it("shows a run that failed", () => {
    const error = "Task execution error: Task execution failed: Python task execution failed: RuntimeError: disk full"
    assert.deepStrictEqual(lines("run-failed", "Failed"), [
      "started ID",
      "first task_marked_ready",
      "first task_completed",
      "boom task_marked_ready",
      `boom task_failed: ${error}`,
      "after task_marked_ready",
      "after task_completed",
      "workflow_failed: 1 task(s) failed, 2 completed, 0 skipped",
      `= failed after 241ms: 1 task(s) failed, 2 completed, 0 skipped; boom: ${error}`
    ])
  })

  it("shows retries and what was skipped", () => {
    assert.include(lines("run-retry", "Completed").join("\n"), "flaky task_retry_scheduled attempt 2 at 2026-")
    assert.include(lines("run-skipped", "Completed").join("\n"), "audit task_skipped: Trigger rules not satisfied")
  })

  it("lets nobody move the cursor", () => {
    const { events: [event] } = runOf("run-failed")
    if (event === undefined) return assert.fail("no event")
    const hostile = Schema.decodeUnknownSync(Cloacina.ExecutionEvent)({
      ...Schema.encodeSync(Cloacina.ExecutionEvent)(event),
      event_type: "task_\u001b[2Jodd",
      event_data: JSON.stringify({ error: "a\u0007\nb" }),
      task_name: "t::\u009b1m"
    })
    const line = Cloacina.render({ type: "event", event: hostile, late: true })
    // eslint-disable-next-line no-control-regex -- that there are none is what is tested
    assert.notMatch(line, /[\u0000-\u001f\u007f-\u009f]/)
    assert.match(line, /\(late\)$/)
  })

  it("does not stumble over data that is none", () => {
    const { events: [event] } = runOf("run-failed")
    if (event === undefined) return assert.fail("no event")
    for (const event_data of ["", "no json", "[1]", "\"x\"", null]) {
      const odd = Schema.decodeUnknownSync(Cloacina.ExecutionEvent)({
        ...Schema.encodeSync(Cloacina.ExecutionEvent)(event),
        event_data
      })
      assert.strictEqual(Cloacina.render({ type: "event", event: odd, late: false }), "first task_marked_ready")
    }
  })
})

describe("renderPhase", () => {
  it("shows how far a deployment is", () => {
    const detail = Schema.decodeUnknownSync(Cloacina.WorkflowDetail)(bodyOf("workflow-detail-loaded", "flow-diamond"))
    const packageId = detail.id
    const phases: ReadonlyArray<readonly [phase: Cloacina.DeployPhase, line: string]> = [
      [{ type: "uploading", sent: 5, total: 10 }, "uploading 5 of 10 bytes"],
      [{ type: "uploaded", packageId }, `uploaded ${packageId}`],
      [{ type: "building", packageId, status: "pending" }, "build pending"],
      [{ type: "built", detail }, "built flow-diamond 1.0.0"],
      [{ type: "loading", workflow: "flow_diamond" }, "loading flow_diamond"]
    ]
    for (const [phase, line] of phases) assert.strictEqual(Cloacina.renderPhase(phase), line)
  })
})
