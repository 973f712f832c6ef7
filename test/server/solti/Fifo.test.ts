import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import * as Option from "effect/Option"
import * as Fifo from "../../../src/server/solti/Fifo.js"

const steps = FastCheck.array(FastCheck.tuple(FastCheck.constantFrom("append", "prepend", "leave"), FastCheck.nat()))

describe("Fifo", () => {
  it.prop("is a list whose members may leave from anywhere", [steps], ([steps]) => {
    let fifo: Fifo.Fifo<number> = Fifo.empty
    let model: Array<{ readonly value: number; readonly ticket: number }> = []
    steps.forEach(([step, n], value) => {
      if (step === "append") {
        const [next, ticket] = Fifo.append(fifo, value)
        fifo = next
        model.push({ value, ticket })
      } else if (step === "prepend") {
        const [next, ticket] = Fifo.prepend(fifo, value)
        fifo = next
        model.unshift({ value, ticket })
      } else if (model.length > 0) {
        const leaver = model[n % model.length]
        if (leaver !== undefined) fifo = Fifo.leave(fifo, leaver.ticket)
        model = model.filter((member) => member !== leaver)
      }
      assert.strictEqual(Fifo.size(fifo), model.length)
      assert.strictEqual(Option.getOrUndefined(Fifo.head(fifo)), model[0]?.value)
    })
    for (const { ticket, value } of model) {
      assert.deepStrictEqual(Fifo.head(fifo), Option.some(value))
      fifo = Fifo.leave(fifo, ticket)
    }
    assert.deepStrictEqual(Fifo.head(fifo), Option.none())
  })
})
