import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { LogEvent } from "../../../src/schemas/solti/Logs.js"
import * as Phase from "../../../src/schemas/solti/Phase.js"
import * as Tasks from "../../../src/schemas/solti/Tasks.js"
import * as Models from "../../services/support/Models.js"

const encodeKind = Schema.encodeSync(Tasks.TaskKind)
const decodeKind = Schema.decodeUnknownSync(Tasks.TaskKind)
/** What goes on the wire. */
const sent = (encoded: unknown): unknown => JSON.parse(JSON.stringify(encoded))

describe("task kinds", () => {
  const kinds: ReadonlyArray<readonly [name: string, wire: unknown]> = [
    ["command", { subprocess: { command: { command: "make", args: ["-k"] }, env: [], cwd: "/", failOnNonZero: true } }],
    ["script, known runtime", {
      subprocess: {
        script: { wellKnown: "SCRIPT_RUNTIME_NODE", body: "MQ==", args: [] },
        env: [{ key: "A", value: "" }],
        failOnNonZero: false
      }
    }],
    ["script, other runtime", {
      subprocess: {
        script: { custom: { command: "perl", flag: "-e" }, body: "MQ==", args: ["x"] },
        env: [],
        failOnNonZero: false
      }
    }],
    ["wasm", { wasm: { module: "a.wasm", args: [], env: [] } }],
    ["container", { container: { image: "busybox", command: ["sh"], args: ["-c"], env: [{ key: "A", value: "B" }] } }],
    ["a kind of a later server", { lambda: { arn: "x", nested: [1, { y: null }] } }],
    ["a mode of a later server", { subprocess: { shell: "x" } }],
    ["nothing", {}]
  ]

  it.each(kinds)("%s decodes and encodes to the same", (_, wire) => {
    assert.deepStrictEqual(sent(encodeKind(decodeKind(wire))), wire)
  })

  it("have defaults where a sender left something out", () => {
    assert.deepStrictEqual(decodeKind({ subprocess: { command: { command: "a" } } }), {
      subprocess: { command: { command: "a", args: [] }, env: [], cwd: Option.none(), failOnNonZero: false }
    })
    assert.deepStrictEqual(decodeKind({ container: { image: "i" } }), {
      container: { image: "i", command: [], args: [], env: [] }
    })
  })

  it("of known kinds that are broken are refused, not taken for unknown", () => {
    for (
      const wire of [{ wasm: {} }, { container: 1 }, { subprocess: { command: {} } }, {
        subprocess: { script: { body: "x" } }
      }]
    ) {
      assert.isTrue(Either.isLeft(Schema.decodeUnknownEither(Tasks.TaskKind)(wire)), JSON.stringify(wire))
    }
  })
})

describe("enums of bodies", () => {
  const enums = [
    [Tasks.TaskStatus, "TASK_STATUS_", "TASK_PHASE_", 8],
    [Tasks.RestartStrategy, "RESTART_STRATEGY_", "RESTART_POLICY_", 4],
    [Tasks.JitterStrategy, "JITTER_STRATEGY_", "JITTER_POLICY_", 5],
    [Tasks.AdmissionStrategy, "ADMISSION_STRATEGY_", "ADMISSION_POLICY_", 4],
    [Tasks.ScriptRuntime, "SCRIPT_RUNTIME_", "SCRIPT_RUNTIME_", 4]
  ] as const

  it.each(enums)("%# have names, numbers and the names of later servers", (schema, prefix, later, count) => {
    assert.strictEqual(schema.known.length, count)
    schema.known.forEach((name, number) => {
      assert.isTrue(name.startsWith(prefix))
      for (const raw of [name, number, name.replace(prefix, later)]) {
        assert.strictEqual(String(Schema.decodeUnknownSync(Schema.make<unknown, unknown>(schema.ast))(raw)), name)
      }
    })
  })
})

describe("tasks, runs and events", () => {
  it("have times in ms that are dates on demand", () => {
    const run = Schema.decodeUnknownSync(Tasks.TaskRun)(Models.run(1, "SUCCEEDED"))
    assert.strictEqual(DateTime.formatIso(DateTime.unsafeMake(Number(run.startedAt))), "2025-12-06T05:46:40.000Z")
  })

  it("keep 64-bit numbers that no double holds", () => {
    const task = Models.task("t", "RUNNING", { spec: { timeoutMs: "18446744073709551615" } })
    const decoded = Schema.decodeUnknownSync(Tasks.Task)({
      ...task,
      metadata: { ...task.metadata, resourceVersion: "9007199254740993" }
    })
    assert.strictEqual(decoded.spec.timeoutMs, 18446744073709551615n)
    assert.strictEqual(decoded.metadata.resourceVersion, 9007199254740993n)
  })

  it("have plain numbers in events, and unknown members do no harm", () => {
    const event = Schema.decodeUnknownSync(LogEvent)({
      type: "runFinished",
      attempt: 1,
      exitCode: -9,
      finishedAt: 1765000000000,
      generation: 2
    })
    assert.deepStrictEqual(event, {
      type: "runFinished",
      attempt: 1,
      exitCode: Option.some(-9),
      finishedAt: 1765000000000
    })
  })

  it.prop("decode to what was encoded", [
    FastCheck.record({
      slot: FastCheck.string(),
      timeoutMs: FastCheck.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      restartIntervalMs: FastCheck.option(FastCheck.bigInt({ min: 0n, max: 2n ** 64n - 1n })).map(Option.fromNullable),
      labels: FastCheck.dictionary(FastCheck.string().filter((key) => key !== "__proto__"), FastCheck.string()),
      args: FastCheck.array(FastCheck.string()),
      env: FastCheck.array(FastCheck.record({ key: FastCheck.string(), value: FastCheck.string() })),
      cwd: FastCheck.option(FastCheck.string()).map(Option.fromNullable),
      failOnNonZero: FastCheck.boolean(),
      factor: FastCheck.double({ min: 1, max: 1e6, noNaN: true })
    })
  ], ({ 0: { args, cwd, env, factor, failOnNonZero, labels, restartIntervalMs, slot, timeoutMs } }) => {
    const spec: Tasks.CreateSpec = {
      slot,
      kind: { subprocess: { command: { command: "c", args }, env, cwd, failOnNonZero } },
      timeoutMs,
      restart: "RESTART_STRATEGY_ALWAYS",
      restartIntervalMs,
      backoff: { jitter: "JITTER_STRATEGY_DECORRELATED", firstMs: 1n, maxMs: timeoutMs, factor },
      admission: "ADMISSION_STRATEGY_REPLACE",
      labels: { ...labels }
    }
    const wire = sent(Schema.encodeSync(Tasks.CreateSpec)(spec))
    assert.notInclude(JSON.stringify(wire).replaceAll(/"(?:[^"\\]|\\.)*"/g, ""), "null")
    assert.deepStrictEqual(Schema.decodeUnknownSync(Tasks.CreateSpec)(wire), spec)
  })
})

describe("phases", () => {
  const names = ["pending", "running", "succeeded", "failed", "timeout", "canceled", "exhausted"] as const

  it("have a short name each, and back", () => {
    for (const name of names) {
      assert.strictEqual(Phase.phaseName(Phase.fromPhaseName(name)), name)
      assert.strictEqual(Phase.fromPhaseName(name), `TASK_STATUS_${name.toUpperCase()}`)
    }
  })

  it("are unknown when this SDK does not know them", () => {
    for (const raw of ["TASK_STATUS_UNSPECIFIED", "TASK_STATUS_PAUSED", "succeeded", "TASK_STATUS_succeeded", "", 99]) {
      const status = Schema.decodeUnknownSync(Tasks.TaskStatus)(raw)
      assert.strictEqual(Phase.phaseName(status), "unknown", String(raw))
      assert.isFalse(Phase.isTerminal(status))
    }
  })

  it("are terminal for the attempt, or not", () => {
    assert.deepStrictEqual(names.map((name) => Phase.isTerminal(Phase.fromPhaseName(name))), [
      false,
      false,
      true,
      true,
      true,
      true,
      true
    ])
  })
})
