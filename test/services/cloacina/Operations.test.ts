import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Cloacina from "../../../src/cloacina.js"
import { answer, cloacina, refusal } from "../support/Cloacina.js"
import { suite } from "./support/Calls.js"

const document = { openapi: "3.1.0", info: { title: "cloacina-server API", version: "0.12.0" }, paths: {} }

suite(Cloacina.Operations, [
  {
    name: "openapi",
    call: (operations) => operations.openapi(),
    request: () => "GET /openapi.json",
    answer: document,
    gives: document,
    isPublic: true
  },
  {
    name: "version",
    call: (operations) => operations.version(),
    request: () => "GET /openapi.json",
    answer: document,
    gives: "0.12.0",
    isPublic: true
  }
])

describe("version", () => {
  it.effect("is part of the document, or the document is none", () =>
    Effect.gen(function*() {
      for (const other of [{ openapi: "3.1.0" }, { info: { version: 12 } }, {}]) {
        const { layer } = cloacina(() => answer(200, other))
        const error = yield* Effect.flip(
          Effect.provide(Effect.flatMap(Cloacina.Operations, (operations) => operations.version()), layer)
        )
        assert.strictEqual(error._tag === "DecodeError" && error.path, "info.version")
      }
    }))
})

describe("metrics", () => {
  const metrics = (reply: () => Response) => {
    const { layer, sent } = cloacina(reply)
    return {
      sent,
      text: Effect.provide(Effect.flatMap(Cloacina.Operations, (operations) => operations.metrics()), layer)
    }
  }

  it.effect("are text, asked for without a key", () =>
    Effect.gen(function*() {
      const body = "# HELP cloacina_active_tasks x\ncloacina_active_tasks 0\n"
      const { sent, text } = metrics(() =>
        new Response(body, { headers: { "content-type": "text/plain; version=0.0.4; charset=utf-8" } })
      )
      assert.strictEqual(yield* text, body)
      assert.strictEqual(sent[0]?.path, "/metrics")
      assert.strictEqual(sent[0]?.headers["authorization"], undefined)
      assert.strictEqual(sent[0]?.headers["accept"], "text/plain")
    }))

  it.effect("are not the page of a proxy, nor JSON", () =>
    Effect.gen(function*() {
      const pages = [
        () => new Response("<html>", { headers: { "content-type": "text/html" } }),
        () => answer(200, {}),
        () => new Response(new Uint8Array([1]))
      ]
      for (const page of pages) {
        const error = yield* Effect.flip(metrics(page).text)
        assert.strictEqual(error._tag, "DecodeError")
      }
      assert.strictEqual((yield* Effect.flip(metrics(() => refusal(500, "internal_error")).text))._tag, "Internal")
    }))
})
