import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as FastCheck from "effect/FastCheck"
import * as Option from "effect/Option"
import * as Rules from "../../../src/schemas/solti/Rules.js"
import * as Solti from "../../../src/solti.js"

const base = { slot: "s", timeout: "30 seconds" } as const

describe("builders", () => {
  it("have the defaults of the server's model", () => {
    assert.deepStrictEqual(Solti.command("sha256sum", ["a"], base), {
      slot: "s",
      kind: {
        subprocess: {
          command: { command: "sha256sum", args: ["a"] },
          env: [],
          cwd: Option.none(),
          failOnNonZero: true
        }
      },
      timeoutMs: 30_000n,
      restart: "RESTART_STRATEGY_NEVER",
      restartIntervalMs: Option.none(),
      backoff: { jitter: "JITTER_STRATEGY_FULL", firstMs: 1000n, maxMs: 30_000n, factor: 2 },
      admission: "ADMISSION_STRATEGY_DROP_IF_RUNNING",
      labels: {}
    })
  })

  it("take everything that a spec has", () => {
    const spec = Solti.command("c", [], {
      ...base,
      restart: "onFailure",
      restartInterval: "2 seconds",
      backoff: { jitter: "decorrelated", first: 1, max: "1 minute", factor: 1.5 },
      admission: "replace",
      labels: { a: "b" },
      env: { B: "2", A: "1" },
      cwd: "/tmp",
      failOnNonZero: false
    })
    assert.strictEqual(spec.restart, "RESTART_STRATEGY_ON_FAILURE")
    assert.deepStrictEqual(spec.restartIntervalMs, Option.some(2000n))
    assert.deepStrictEqual(spec.backoff, {
      jitter: "JITTER_STRATEGY_DECORRELATED",
      firstMs: 1n,
      maxMs: 60_000n,
      factor: 1.5
    })
    assert.strictEqual(spec.admission, "ADMISSION_STRATEGY_REPLACE")
    assert.deepStrictEqual(spec.labels, { a: "b" })
    assert.deepStrictEqual(spec.kind, {
      subprocess: {
        command: { command: "c", args: [] },
        env: [{ key: "B", value: "2" }, { key: "A", value: "1" }],
        cwd: Option.some("/tmp"),
        failOnNonZero: false
      }
    })
  })

  it("name every policy", () => {
    const of = (options: Partial<Solti.SpecOptions>) => Solti.command("c", [], { ...base, ...options })
    assert.deepStrictEqual((["never", "onFailure", "always"] as const).map((restart) => of({ restart }).restart), [
      "RESTART_STRATEGY_NEVER",
      "RESTART_STRATEGY_ON_FAILURE",
      "RESTART_STRATEGY_ALWAYS"
    ])
    assert.deepStrictEqual(
      (["dropIfRunning", "replace", "queue"] as const).map((admission) => of({ admission }).admission),
      [
        "ADMISSION_STRATEGY_DROP_IF_RUNNING",
        "ADMISSION_STRATEGY_REPLACE",
        "ADMISSION_STRATEGY_QUEUE"
      ]
    )
    assert.deepStrictEqual(
      (["none", "full", "equal", "decorrelated"] as const).map((jitter) => of({ backoff: { jitter } }).backoff.jitter),
      ["JITTER_STRATEGY_NONE", "JITTER_STRATEGY_FULL", "JITTER_STRATEGY_EQUAL", "JITTER_STRATEGY_DECORRELATED"]
    )
  })

  it("make wasm and container tasks", () => {
    assert.deepStrictEqual(Solti.wasm("a.wasm", ["x"], { ...base, env: { A: "1" } }).kind, {
      wasm: { module: "a.wasm", args: ["x"], env: [{ key: "A", value: "1" }] }
    })
    assert.deepStrictEqual(Solti.container("busybox", { ...base, command: ["sh"], args: ["-c"] }).kind, {
      container: { image: "busybox", command: ["sh"], args: ["-c"], env: [] }
    })
    assert.deepStrictEqual(Solti.container("busybox", base).kind, {
      container: { image: "busybox", command: [], args: [], env: [] }
    })
  })
})

describe("scripts", () => {
  const modeOf = (spec: Solti.CreateSpec) =>
    "subprocess" in spec.kind && "script" in spec.kind.subprocess ? spec.kind.subprocess.script : undefined

  it("run in a known interpreter or in any other", () => {
    const known = (["bash", "python", "node"] as const).map((runtime) => modeOf(Solti.script(runtime, "1", base)))
    assert.deepStrictEqual(known.map((mode) => mode !== undefined && "wellKnown" in mode ? mode.wellKnown : ""), [
      "SCRIPT_RUNTIME_BASH",
      "SCRIPT_RUNTIME_PYTHON",
      "SCRIPT_RUNTIME_NODE"
    ])
    assert.deepStrictEqual(modeOf(Solti.script({ command: "perl", flag: "-e" }, "1", { ...base, args: ["x"] })), {
      custom: { command: "perl", flag: "-e" },
      body: "MQ==",
      args: ["x"]
    })
    // The flag is required on the wire.
    assert.deepStrictEqual(Rules.check(Solti.script({ command: "perl" }, "1", base)), [])
  })

  it.prop("are base64 on the wire and text again", [FastCheck.unicodeString()], ([text]) => {
    const mode = modeOf(Solti.script("bash", text, base))
    return mode !== undefined && Option.contains(Solti.scriptText(mode), text)
      && mode.body === Buffer.from(text, "utf8").toString("base64")
  })

  it("that are no base64 have no text", () => {
    assert.deepStrictEqual(Solti.scriptText({ wellKnown: "SCRIPT_RUNTIME_BASH", body: "%", args: [] }), Option.none())
  })

  it("are measured in bytes once decoded", () => {
    assert.deepStrictEqual(Rules.check(Solti.script("bash", "é".repeat(1_048_576), base)), [])
    assert.strictEqual(Rules.check(Solti.script("bash", "é".repeat(1_048_577), base))[0]?.rule, 11)
  })
})

describe("durations", () => {
  const timeoutOf = (timeout: Duration.DurationInput) => Solti.command("c", [], { slot: "s", timeout }).timeoutMs

  it("are whole ms, rounded up", () => {
    assert.strictEqual(timeoutOf("1 minute"), 60_000n)
    assert.strictEqual(timeoutOf(1), 1n)
    assert.strictEqual(timeoutOf(0.2), 1n)
    assert.strictEqual(timeoutOf(1.5), 2n)
    assert.strictEqual(timeoutOf("1500 micros"), 2n)
    assert.strictEqual(timeoutOf(Duration.infinity), 18446744073709551615n)
  })

  it("that are none fail the rules", () => {
    for (const timeout of [NaN, -5, 0]) {
      const spec = Solti.command("c", [], { slot: "s", timeout })
      assert.deepStrictEqual(Rules.check(spec).map(({ path }) => path), ["spec.timeoutMs"])
    }
  })
})

describe("envFromRecord", () => {
  it("keeps the order of the record", () => {
    assert.deepStrictEqual(Solti.envFromRecord({ b: "1", a: "" }), [{ key: "b", value: "1" }, { key: "a", value: "" }])
  })
})
