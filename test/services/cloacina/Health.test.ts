import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Cloacina from "../../../src/cloacina.js"
import { answer, cloacina, plain } from "../support/Cloacina.js"
import * as Memory from "../support/Memory.js"
import { suite } from "./support/Calls.js"

suite(Cloacina.Health, [
  {
    name: "check",
    call: (health) => health.check(),
    request: () => "GET /health",
    answer: { status: "ok" },
    gives: { status: "ok" },
    isPublic: true
  },
  {
    name: "ready",
    call: (health) => health.ready(),
    request: () => "GET /ready",
    answer: { status: "ready" },
    isPublic: true
  }
])

const ready = (reply: (request: Memory.Sent, index: number) => Memory.Reply) => {
  const { layer, sent } = cloacina(reply, { options: {} })
  return { sent, readiness: Effect.provide(Effect.flatMap(Cloacina.Health, (health) => health.ready()), layer) }
}

describe("readiness", () => {
  it.effect("is yes", () =>
    Effect.gen(function*() {
      const { readiness } = ready(() => answer(200, { status: "ready" }))
      assert.deepStrictEqual(yield* readiness, { ready: true, reason: Option.none() })
    }))

  it.effect("is no with a reason: an answer, which is not asked for again", () =>
    Effect.gen(function*() {
      const { readiness, sent } = ready(() => answer(503, { status: "not ready", reason: "database unreachable" }))
      assert.deepStrictEqual(yield* readiness, { ready: false, reason: Option.some("database unreachable") })
      assert.strictEqual(sent.length, 1)
    }))

  it.effect("is an error, after more tries, when a proxy says 503", () =>
    Effect.gen(function*() {
      const others = [
        () => plain(503, "upstream connect error"),
        () => new Response(null, { status: 503 }),
        () => answer(503, { status: "error" }),
        () => answer(503, { status: 503, reason: "x" })
      ]
      for (const other of others) {
        const { readiness, sent } = ready(other)
        const error = yield* Memory.running(Effect.flip(readiness))
        assert.strictEqual(error._tag, "Unavailable")
        assert.strictEqual(sent.length, 3)
      }
    }))

  it.effect("is no after a proxy has said 503 in passing", () =>
    Effect.gen(function*() {
      const { readiness, sent } = ready((_, index) =>
        index === 0 ? plain(503, "") : answer(503, { status: "not ready", reason: "x" })
      )
      assert.strictEqual((yield* Memory.running(readiness)).ready, false)
      assert.strictEqual(sent.length, 2)
    }))
})
