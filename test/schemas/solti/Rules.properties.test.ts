import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Rules from "../../../src/schemas/solti/Rules.js"
import type { CreateSpec } from "../../../src/schemas/solti/Tasks.js"
import { RestartStrategy, ScriptRuntime } from "../../../src/schemas/solti/Tasks.js"

const backoff = { jitter: "JITTER_STRATEGY_FULL", firstMs: 1n, maxMs: 1n, factor: 1 } as const

const spec: CreateSpec = {
  slot: "nightly",
  kind: { subprocess: { command: { command: "make", args: [] }, env: [], cwd: Option.none(), failOnNonZero: true } },
  timeoutMs: 1n,
  restart: "RESTART_STRATEGY_ALWAYS",
  restartIntervalMs: Option.some(5n),
  backoff,
  admission: "ADMISSION_STRATEGY_QUEUE",
  labels: {}
}

const script = (body: string, wellKnown: ScriptRuntime = "SCRIPT_RUNTIME_BASH"): Rules.SpecDraft => ({
  ...spec,
  kind: { subprocess: { env: [], cwd: Option.none(), failOnNonZero: false, script: { wellKnown, body, args: [] } } }
})

const base64 = (text: string) => Buffer.from(text).toString("base64")

const found = (draft: Rules.SpecDraft) => Rules.check(draft).map(({ path, rule }) => `${rule} ${path}`)

describe("rules, over many inputs", () => {
  it.prop("accept every script that is text", [FastCheck.fullUnicodeString({ minLength: 1 })], ([text]) => {
    assert.deepStrictEqual(Rules.check(script(base64(text))), [])
  })

  it.prop("refuse every body that is not padded standard base64", [
    FastCheck.string({ unit: FastCheck.constantFrom(..."Ab9+/=-_ \n"), minLength: 1, maxLength: 12 })
  ], ([body]) => {
    const isStandard = Buffer.from(body, "base64").toString("base64") === body
    assert.strictEqual(found(script(body))[0] === "10 spec.kind.subprocess.script.body", !isStandard)
  })

  it("name the member as it is on the wire", () => {
    assert.deepStrictEqual(found({ ...spec, backoff: { ...backoff, firstMs: 2n, factor: 0.5 } }), [
      "21 spec.backoff.maxMs",
      "21 spec.backoff.factor"
    ])
    assert.deepStrictEqual(found(script("", "SCRIPT_RUNTIME_UNSPECIFIED")), [
      "7 spec.kind.subprocess.script.wellKnown",
      "9 spec.kind.subprocess.script.body"
    ])
  })

  it("refuse enum values of later servers", () => {
    const restart = Schema.decodeUnknownSync(RestartStrategy)("RESTART_STRATEGY_SOMETIMES")
    assert.deepStrictEqual(Rules.check({ ...spec, restart }), [
      { rule: 15, path: "spec.restart", message: "invalid restart strategy" }
    ])
    assert.deepStrictEqual(found(script("eA==", Schema.decodeUnknownSync(ScriptRuntime)(9))), [
      "7 spec.kind.subprocess.script.wellKnown"
    ])
    assert.deepStrictEqual(found({ ...spec, kind: { unknown: { vm: {} } } }), ["4 spec.kind"])
  })

  it("refuse numbers that do not fit into the wire's 64 bits", () => {
    for (const timeoutMs of [-1n, 2n ** 64n]) {
      assert.deepStrictEqual(found({ ...spec, timeoutMs }), ["17 spec.timeoutMs"])
    }
  })

  it("see blanks and bytes as the server does", () => {
    assert.deepStrictEqual(found({ ...spec, slot: "\u0085\u2003" }), ["2 spec.slot"])
    // A byte order mark is no white space.
    assert.include(Rules.check({ ...spec, slot: "\ufeff" })[0]?.message, "forbidden byte 0xef at position 0")
    assert.include(Rules.check({ ...spec, slot: "a\u{1f600}" })[0]?.message, "forbidden byte 0xf0 at position 1")
  })
})
