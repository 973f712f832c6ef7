/** Scripts: what is written down for workflows. */
import { describe, it } from "@effect/vitest"
import { assert } from "vitest"
import { faultsOf, param, secret, task, triesOf } from "../../../src/testing/cloacina/Script.js"
import { slotOf } from "../../../src/testing/cloacina/Slots.js"

describe("a parameter", () => {
  it("is required unless it has a default or says otherwise", () => {
    assert.deepStrictEqual(slotOf(param("a", "string")), {
      name: "a",
      schema: { type: "string" },
      required: true,
      encrypted: false
    })
    assert.deepStrictEqual(slotOf(param("a", "integer", { default: 5 })), {
      name: "a",
      schema: { type: "integer" },
      required: false,
      default: 5,
      encrypted: false
    })
    assert.strictEqual(param("a", "string", { required: false }).required, false)
    assert.isFalse("default" in param("a", "string", { default: undefined }))
    assert.isTrue("default" in param("a", "null", { default: null }))
  })

  it("may have a whole schema, and may be a secret", () => {
    assert.deepStrictEqual(param("a", { type: "integer", format: "int64" }).schema, {
      type: "integer",
      format: "int64"
    })
    assert.deepStrictEqual(slotOf(secret("w")), { name: "w", schema: {}, required: true, encrypted: true })
  })
})

describe("tasks", () => {
  it("without retries are tried once", () => {
    assert.deepStrictEqual([undefined, 0, 1, 4].map((maxAttempts) => triesOf(task("t", { maxAttempts }))), [3, 1, 1, 4])
  })

  it("must be a graph without circles", () => {
    assert.deepStrictEqual(faultsOf([]), [])
    assert.deepStrictEqual(faultsOf([task("b", { after: ["a"] }), task("a")]), [])
    assert.deepStrictEqual(faultsOf([task("a", { after: ["x"] })]), ["task 'a' waits for 'x', which does not exist"])
    assert.deepStrictEqual(faultsOf([task("a"), task("a")]), ["two tasks have the id 'a'"])
    assert.deepStrictEqual(faultsOf([task("a", { after: ["b"] }), task("b", { after: ["a"] })]), [
      "tasks wait for each other in a circle"
    ])
    assert.deepStrictEqual(faultsOf([task("a", { after: ["a"] })]), ["tasks wait for each other in a circle"])
  })
})
