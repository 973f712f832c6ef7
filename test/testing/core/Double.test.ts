import { describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { assert } from "vitest"
import * as Double from "../../../src/testing/core/Double.js"

describe("a method that nobody is to call", () => {
  const calls = {
    effect: Double.effect("plane.Area.method")(),
    stream: Stream.runDrain(Double.stream("plane.Area.method")())
  }

  for (const [kind, call] of Object.entries(calls)) {
    it.effect(`dies, as ${kind}, and says which it is`, () =>
      Effect.gen(function*() {
        // No handler of failures can take it for an answer.
        const exit = yield* Effect.exit(Effect.catchAll(call, () => Effect.void))
        const defect = Option.getOrUndefined(Exit.isFailure(exit) ? Cause.dieOption(exit.cause) : Option.none())
        assert.instanceOf(defect, Double.UnexpectedCall)
        assert.strictEqual(defect.method, "plane.Area.method")
        assert.match(defect.message, /^plane\.Area\.method was called/)
      }))
  }
})
