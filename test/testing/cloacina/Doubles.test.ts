import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Cloacina from "../../../src/cloacina.js"
import * as Doubles from "../../../src/testing/cloacina/Doubles.js"
import { UnexpectedCall } from "../../../src/testing/core/Double.js"

const dead = (effect: Effect.Effect<unknown, unknown>) =>
  Effect.map(Effect.sandbox(effect).pipe(Effect.flip), (cause) => Option.getOrUndefined(Cause.dieOption(cause)))

describe("doubles", () => {
  it.effect("answer what they are given, and nothing else", () =>
    Effect.gen(function*() {
      const layer = Doubles.triggers({
        fire: (trigger) => Effect.succeed({ tenant_id: "public", trigger, fired: 0, executions: [] })
      })
      const triggers = yield* Effect.provide(Cloacina.Triggers, layer)
      assert.strictEqual((yield* triggers.fire("ledger_closed")).trigger, "ledger_closed")
      for (
        const [name, call] of [
          ["get", triggers.get("x")],
          ["iterate", Stream.runDrain(triggers.iterate())]
        ] as const
      ) {
        const defect = yield* dead(call)
        assert.isTrue(defect instanceof UnexpectedCall && defect.method === `cloacina.Triggers.${name}`)
      }
    }))

  it.effect("are there for every service, with every method by its own name", () =>
    Effect.gen(function*() {
      const services = Object.entries(Doubles)
      assert.isAtLeast(services.length, 15)
      for (const [name, double] of services) {
        const layer: Layer.Layer<never> = double({})
        const context: Context.Context<never> = yield* Effect.scoped(Layer.build(layer))
        for (const [key, service] of context.unsafeMap) {
          const area = key.split("/").at(-1)
          assert.strictEqual(area?.toLowerCase(), name.toLowerCase())
          for (const [method, call] of Object.entries<() => Effect.Effect<never> | Stream.Stream<never>>(service)) {
            const made = call()
            const defect = yield* dead(Effect.isEffect(made) ? made : Stream.runDrain(made))
            assert.isTrue(defect instanceof UnexpectedCall && defect.method === `cloacina.${area}.${method}`)
          }
        }
      }
    }))
})
