import { assert, describe, it } from "@effect/vitest"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Cloacina from "../../../src/cloacina.js"

const status = Schema.decodeUnknownSync(Cloacina.ExecutionStatus)
const taskStatus = Schema.decodeUnknownSync(Cloacina.TaskStatus)

describe("the end of an execution", () => {
  it("is one of three statuses, and none that is not known", () => {
    const ends = ["Pending", "Running", "Paused", "Completed", "Failed", "Cancelled", "completed", "Archived"].filter((
      name
    ) => Cloacina.isTerminal(status(name)))
    assert.deepStrictEqual(ends, ["Completed", "Failed", "Cancelled"])
  })

  it("is one of three for its tasks", () => {
    const all = ["NotStarted", "Pending", "Ready", "Running", "Completed", "Failed", "Skipped", "Lost"]
    assert.deepStrictEqual(all.filter((name) => Cloacina.isTaskTerminal(taskStatus(name))), [
      "Completed",
      "Failed",
      "Skipped"
    ])
  })
})

describe("the data of an event", () => {
  it("is what the text holds, and nothing when it is no JSON", () => {
    const data = (text: string | undefined) => Cloacina.eventData({ event_data: Option.fromNullable(text) })
    assert.deepStrictEqual(data("{\"error\":\"disk full\"}"), Option.some({ error: "disk full" }))
    assert.deepStrictEqual(data("null"), Option.some(null))
    for (const text of [undefined, "", "{", "disk full"]) assert.isTrue(Option.isNone(data(text)))
  })
})

describe("the local name of a task", () => {
  it("is the last part", () => {
    assert.strictEqual(Cloacina.taskLocalName("north::close-books::close_month::load"), "load")
    assert.strictEqual(Cloacina.taskLocalName("load"), "load")
    assert.strictEqual(Cloacina.taskLocalName(""), "")
  })
})
