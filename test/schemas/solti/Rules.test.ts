import { assert, describe, it } from "@effect/vitest"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Rules from "../../../src/schemas/solti/Rules.js"

const base: Rules.SpecDraft = {
  slot: "s",
  kind: { subprocess: { command: { command: "true", args: [] }, env: [], cwd: Option.none(), failOnNonZero: true } },
  timeoutMs: 1n,
  restart: "RESTART_STRATEGY_NEVER",
  restartIntervalMs: Option.none(),
  backoff: { jitter: "JITTER_STRATEGY_NONE", firstMs: 1n, maxMs: 1n, factor: 1 },
  admission: "ADMISSION_STRATEGY_QUEUE",
  labels: {}
}
const backoff = { jitter: "JITTER_STRATEGY_NONE", firstMs: 1n, maxMs: 1n, factor: 1 } as const
const subprocess = (mode: Partial<Rules.SubprocessDraft>): Rules.SpecDraft => ({
  ...base,
  kind: { subprocess: { env: [], cwd: Option.none(), failOnNonZero: true, ...mode } }
})
const script = (draft: Partial<Rules.ScriptDraft>) =>
  subprocess({ script: { wellKnown: "SCRIPT_RUNTIME_BASH", body: "ZWNobw==", args: [], ...draft } })
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64")

const broken: ReadonlyArray<readonly [rule: number, message: string, draft: Rules.SpecDraft]> = [
  [2, "slot cannot be empty", { ...base, slot: "" }],
  [2, "slot cannot be empty", { ...base, slot: " \t\u00a0" }],
  [3, "missing task kind", { ...base, kind: undefined }],
  [4, "missing task kind variant", { ...base, kind: {} }],
  [5, "missing subprocess mode", subprocess({})],
  [6, "missing script runtime", script({ wellKnown: undefined })],
  [7, "unknown or unspecified script runtime", script({ wellKnown: "SCRIPT_RUNTIME_UNSPECIFIED" })],
  [8, "command cannot be empty", subprocess({ command: { command: " ", args: [] } })],
  [9, "body cannot be empty", script({ body: "" })],
  [10, "invalid base64", script({ body: "not base64!" })],
  [10, "invalid base64", script({ body: "ZWNobw=" })],
  [10, "invalid base64", script({ body: "ZWNobw" })],
  [10, "invalid base64", script({ body: "ZWN_bw==" })],
  [11, "2097152", script({ body: base64(Buffer.alloc(2_097_153, "a")) })],
  [12, "not valid UTF-8", script({ body: base64(Uint8Array.of(0xff)) })],
  [13, "custom runtime command cannot be empty", script({ wellKnown: undefined, custom: { command: "", flag: "-c" } })],
  [13, "custom runtime flag cannot be empty", script({ wellKnown: undefined, custom: { command: "perl", flag: " " } })],
  [14, "wasm module path is empty", { ...base, kind: { wasm: { module: "", args: [], env: [] } } }],
  [14, "container image is empty", { ...base, kind: { container: { image: " ", command: [], args: [], env: [] } } }],
  [15, "restart strategy not specified", { ...base, restart: "RESTART_STRATEGY_UNSPECIFIED" }],
  [16, "missing backoff strategy", { ...base, backoff: undefined }],
  [17, "timeout_ms cannot be zero", { ...base, timeoutMs: 0n }],
  [18, "jitter strategy not specified", { ...base, backoff: { ...backoff, jitter: "JITTER_STRATEGY_UNSPECIFIED" } }],
  [19, "backoff first_ms cannot be zero", { ...base, backoff: { ...backoff, firstMs: 0n } }],
  [19, "backoff max_ms cannot be zero", { ...base, backoff: { ...backoff, maxMs: 0n } }],
  [19, "backoff factor must be a finite positive number", { ...base, backoff: { ...backoff, factor: 0 } }],
  [19, "backoff factor must be a finite positive number", { ...base, backoff: { ...backoff, factor: NaN } }],
  [19, "backoff factor must be a finite positive number", { ...base, backoff: { ...backoff, factor: Infinity } }],
  [20, "admission strategy not specified", { ...base, admission: "ADMISSION_STRATEGY_UNSPECIFIED" }],
  [21, "slot contains forbidden byte 0x2f at position 1 (allowed: [A-Za-z0-9._-])", { ...base, slot: "a/b" }],
  [21, "slot length 65 exceeds max 64", { ...base, slot: "a".repeat(65) }],
  [21, "slot cannot be '.' or '..'", { ...base, slot: ".." }],
  [21, "max_ms must be >= first_ms", { ...base, backoff: { ...backoff, firstMs: 2n } }],
  [21, ">= 1.0", { ...base, backoff: { ...backoff, factor: 0.5 } }]
]

describe("rules", () => {
  it.each(broken)("%i: %s", (rule, message, draft) => {
    const first = Either.getOrThrow(Either.flip(Rules.parse(draft)))
    assert.strictEqual(first.rule, rule)
    assert.include(first.message, message)
    assert.match(first.path, /^spec/)
    assert.deepStrictEqual(Rules.check(draft)[0], first)
    if (rule === 21) assert.isTrue(first.message.startsWith("invalid model: "))
  })

  it("all hold for a good spec", () => {
    const good = [
      base,
      script({}),
      script({ wellKnown: undefined, custom: { command: "perl", flag: "-e" } }),
      script({ body: base64(Buffer.alloc(2_097_152, "a")) }),
      { ...base, slot: "A-z_0.9".padEnd(64, "x"), timeoutMs: 2n ** 64n - 1n },
      { ...base, slot: "..." },
      subprocess({
        command: { command: "true", args: ["", "\0"] },
        cwd: Option.some(""),
        env: [{ key: "", value: "=" }]
      })
    ]
    for (const draft of good) assert.deepStrictEqual(Rules.check(draft), [])
  })

  it("are reported all at once, in the order of the server", () => {
    const all = Rules.check({
      ...base,
      slot: "a b",
      kind: undefined,
      restart: "RESTART_STRATEGY_UNSPECIFIED",
      timeoutMs: 0n,
      backoff: { jitter: "JITTER_STRATEGY_UNSPECIFIED", firstMs: 0n, maxMs: 0n, factor: 0.5 },
      admission: "ADMISSION_STRATEGY_UNSPECIFIED"
    })
    assert.deepStrictEqual(all.map(({ rule }) => rule), [3, 15, 17, 18, 19, 19, 20, 21, 21])
  })

  it("give the spec as the server keeps it: an interval only with ALWAYS", () => {
    const kept = (restart: Rules.SpecDraft["restart"]) =>
      Either.getOrThrow(Rules.parse({ ...base, restart, restartIntervalMs: Option.some(5n) })).restartIntervalMs
    assert.deepStrictEqual(kept("RESTART_STRATEGY_ALWAYS"), Option.some(5n))
    assert.deepStrictEqual(kept("RESTART_STRATEGY_NEVER"), Option.none())
    assert.deepStrictEqual(kept("RESTART_STRATEGY_ON_FAILURE"), Option.none())
  })
})
