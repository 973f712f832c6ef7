import { assert, describe, it } from "@effect/vitest"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { CreateSpec, TaskKind, TaskRun } from "../../../src/schemas/solti/Tasks.js"
import {
  AdmissionStrategy,
  JitterStrategy,
  RestartStrategy,
  Task,
  TaskId,
  TaskPage,
  TaskRun as TaskRunSchema,
  TaskStatus
} from "../../../src/schemas/solti/Tasks.js"
import * as ProtoJson from "../../../src/server/solti/ProtoJson.js"

const text = FastCheck.fullUnicodeString({ maxLength: 12 })
const word = FastCheck.string({ unit: FastCheck.constantFrom(..."abcXYZ09 "), minLength: 1 }).map((value) =>
  `w${value}`
)
const strings = FastCheck.array(text, { maxLength: 3 })
const env = FastCheck.array(FastCheck.record({ key: text, value: text }), { maxLength: 3 })
const uint64 = FastCheck.bigInt({ min: 1n, max: 2n ** 64n - 1n })
const option = <A>(arbitrary: FastCheck.Arbitrary<A>) => FastCheck.option(arbitrary).map(Option.fromNullable)
const specified = <A>(known: ReadonlyArray<A>) => FastCheck.constantFrom(...known.slice(1))
const process = { env, cwd: option(text), failOnNonZero: FastCheck.boolean() }
const body = FastCheck.fullUnicodeString({ minLength: 1 }).map((script) => Buffer.from(script).toString("base64"))

const kind: FastCheck.Arbitrary<TaskKind> = FastCheck.oneof(
  FastCheck.record({ ...process, command: FastCheck.record({ command: word, args: strings }) }).map((subprocess) => ({
    subprocess
  })),
  FastCheck.record({
    ...process,
    script: FastCheck.oneof(
      FastCheck.record({ wellKnown: FastCheck.constant("SCRIPT_RUNTIME_NODE" as const), body, args: strings }),
      FastCheck.record({ custom: FastCheck.record({ command: word, flag: word }), body, args: strings })
    )
  }).map((subprocess) => ({ subprocess })),
  FastCheck.record({ module: word, args: strings, env }).map((wasm) => ({ wasm })),
  FastCheck.record({ image: word, command: strings, args: strings, env }).map((container) => ({ container }))
)

const spec: FastCheck.Arbitrary<CreateSpec> = FastCheck.record({
  slot: FastCheck.string({ unit: FastCheck.constantFrom(..."abcXYZ09_-"), minLength: 1, maxLength: 64 }),
  kind,
  timeoutMs: uint64,
  restart: specified(RestartStrategy.known),
  restartIntervalMs: option(uint64),
  backoff: FastCheck.record({
    jitter: specified(JitterStrategy.known),
    firstMs: uint64,
    maxMs: FastCheck.constant(2n ** 64n - 1n),
    factor: FastCheck.double({ min: 1, noNaN: true, noDefaultInfinity: true })
  }),
  admission: specified(AdmissionStrategy.known),
  // Schema.Record drops `__proto__`; a test of its own has it.
  labels: FastCheck.dictionary(text.filter((name) => name !== "__proto__"), text)
}).map((made) => ({
  ...made,
  restartIntervalMs: made.restart === "RESTART_STRATEGY_ALWAYS" ? made.restartIntervalMs : Option.none()
}))

const status = specified(TaskStatus.known)
const int64 = FastCheck.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
const count = FastCheck.nat()
const exitCode = option(FastCheck.integer())

const task: FastCheck.Arbitrary<Task> = FastCheck.record({
  metadata: FastCheck.record({
    id: text.map((id) => TaskId.make(id)),
    createdAt: int64,
    updatedAt: int64,
    resourceVersion: uint64
  }),
  spec,
  status: FastCheck.record({ phase: status, attempt: count, error: option(text), exitCode })
})

const run: FastCheck.Arbitrary<TaskRun> = FastCheck.record({
  attempt: count,
  status,
  startedAt: int64,
  finishedAt: option(int64),
  error: option(text),
  exitCode
})

const good = {
  slot: "\"t\"",
  kind: "{\"subprocess\":{\"command\":{\"command\":\"x\"}}}",
  timeoutMs: "5",
  restart: "1",
  backoff: "{\"jitter\":1,\"firstMs\":1,\"maxMs\":1,\"factor\":1}",
  admission: "3"
}

const bodyOf = (members: Readonly<Record<string, string>>) =>
  `{"spec":{${Object.entries(members).map(([name, value]) => `"${name}":${value}`).join(",")}}}`

const accepted = (members: Readonly<Record<string, string>>): CreateSpec =>
  Either.getOrThrowWith(ProtoJson.decodeSubmit(bodyOf({ ...good, ...members })), (message) => new Error(message))

const refused = (members: Readonly<Record<string, string>>): string =>
  Either.match(ProtoJson.decodeSubmit(bodyOf({ ...good, ...members })), {
    onLeft: (message) => message.replace(/ at line \d+ column \d+$/, " @"),
    onRight: () => "accepted"
  })

describe("ProtoJson", () => {
  it.prop("writes tasks as the models read them", [task], ([value]) => {
    const Answer = Schema.parseJson(Schema.Struct({ task: Task }))
    assert.deepStrictEqual(Schema.decodeUnknownSync(Answer)(ProtoJson.encodeTask(Option.some(value))), { task: value })
  })

  it.prop("writes tasks as the schema writes them", [task], ([value]) => {
    const written: unknown = JSON.parse(ProtoJson.encodeTask(Option.some(value)))
    assert.deepStrictEqual(written, JSON.parse(JSON.stringify({ task: Schema.encodeSync(Task)(value) })))
  })

  it.prop("writes pages and runs as the models read them", [FastCheck.array(task), FastCheck.array(run), count], (
    [tasks, runs, total]
  ) => {
    assert.deepStrictEqual(
      Schema.decodeUnknownSync(Schema.parseJson(TaskPage))(ProtoJson.encodePage({ tasks, total })),
      { tasks, total }
    )
    const Runs = Schema.parseJson(Schema.Struct({ runs: Schema.Array(TaskRunSchema) }))
    assert.deepStrictEqual(Schema.decodeUnknownSync(Runs)(ProtoJson.encodeRuns(runs)), { runs })
  })

  it.prop("reads back every spec that it writes, in both spellings", [task], ([value]) => {
    const written = JSON.stringify({ spec: JSON.parse(ProtoJson.encodeTask(Option.some(value))).task.spec })
    assert.deepStrictEqual(ProtoJson.decodeSubmit(written), Either.right(value.spec))
    const snake = written.replace(
      /"(timeoutMs|restartIntervalMs|firstMs|maxMs|failOnNonZero|wellKnown)":/g,
      (_, name: string) => `"${name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}":`
    )
    assert.deepStrictEqual(ProtoJson.decodeSubmit(snake), Either.right(value.spec))
  })

  it("reads 64-bit integers in all their forms, and no others", () => {
    for (const form of ["7", "\"7\"", "\"+7\"", "\"0007\""]) {
      assert.strictEqual(accepted({ timeoutMs: form }).timeoutMs, 7n)
    }
    assert.strictEqual(accepted({ timeoutMs: "\"18446744073709551615\"" }).timeoutMs, 18446744073709551615n)
    assert.strictEqual(accepted({ timeoutMs: "18446744073709551615" }).timeoutMs, 18446744073709551615n)
    for (const form of ["5.0", "5e3", "-5", "-0", "\"5.0\"", "\" 5\"", "\"\"", "\"-5\"", "null", "[]", "true"]) {
      assert.match(refused({ timeoutMs: form }), /^spec\.timeoutMs: .* @$/, form)
    }
    for (const form of ["18446744073709551616", "\"18446744073709551616\"", `"${"9".repeat(10_000)}"`]) {
      assert.strictEqual(refused({ timeoutMs: form }), "spec.timeoutMs: number too large to fit in target type @")
    }
  })

  it("reads doubles as numbers and as text", () => {
    const factor = (form: string) =>
      accepted({ backoff: `{"jitter":1,"firstMs":1,"maxMs":1,"factor":${form}}` }).backoff.factor
    for (const form of ["2", "2.0", "20e-1", "\"2\"", "\"2.0e0\"", "\"+2.\"", "\"0.2E1\""]) {
      assert.strictEqual(factor(form), 2, form)
    }
    const wrong = (form: string) => refused({ backoff: `{"jitter":1,"firstMs":1,"maxMs":1,"factor":${form}}` })
    for (const form of ["\"NaN\"", "\"Infinity\"", "\"-inf\"", "\"1e999\""]) {
      assert.strictEqual(wrong(form), "backoff factor must be a finite positive number", form)
    }
    for (const form of ["\" 2\"", "\"\"", "\"0x2\"", "\"1_0\"", "null", "1e999"]) {
      assert.match(wrong(form), /^spec\.backoff\.factor: .* @$/, form)
    }
  })

  it("reads enums by name and by number", () => {
    assert.strictEqual(
      accepted({ admission: "\"ADMISSION_STRATEGY_REPLACE\"" }).admission,
      "ADMISSION_STRATEGY_REPLACE"
    )
    assert.strictEqual(accepted({ admission: "2" }).admission, "ADMISSION_STRATEGY_REPLACE")
    for (
      const form of [
        "4",
        "-1",
        "1.0",
        "\"1\"",
        "\"replace\"",
        "\"ADMISSION_POLICY_QUEUE\"",
        "null",
        "true",
        "99999999999"
      ]
    ) {
      assert.match(refused({ admission: form }), /^spec\.admission: .* @$/, form)
    }
    assert.isBelow(refused({ admission: `"${"x".repeat(1000)}"` }).length, 400)
  })

  it("takes null for what may be absent, and for nothing else", () => {
    assert.deepStrictEqual(accepted({ restartIntervalMs: "null" }).restartIntervalMs, Option.none())
    assert.strictEqual(refused({ kind: "null" }), "missing task kind")
    assert.strictEqual(refused({ backoff: "null" }), "missing backoff strategy")
    assert.strictEqual(refused({ kind: "{\"subprocess\":null}" }), "missing task kind variant")
    assert.strictEqual(refused({ kind: "{\"subprocess\":{\"command\":null}}" }), "missing subprocess mode")
    assert.strictEqual(
      refused({ kind: "{\"subprocess\":{\"script\":{\"wellKnown\":null,\"body\":\"eA==\"}}}" }),
      "missing script runtime"
    )
    assert.strictEqual(refused({ kind: "{\"subprocess\":null,\"wasm\":null}" }), "spec.kind: duplicate field `wasm` @")
  })

  it("refuses members that come twice, in either spelling", () => {
    assert.strictEqual(refused({ timeout_ms: "5" }), "spec: duplicate field `timeoutMs` @")
    const env =
      "{\"subprocess\":{\"command\":{\"command\":\"x\"},\"env\":[{\"key\":\"a\",\"key\":\"b\",\"value\":\"\"}]}}"
    assert.strictEqual(refused({ kind: env }), "spec.kind.subprocess.env[0]: duplicate field `key` @")
  })

  it("keeps the last of two labels", () => {
    assert.deepStrictEqual(accepted({ labels: "{\"a\":\"1\",\"__proto__\":\"2\",\"a\":\"3\"}" }).labels, {
      a: "3",
      ["__proto__"]: "2"
    })
  })

  it("never shows what may be secret", () => {
    const env = (value: string) =>
      refused({ kind: `{"subprocess":{"command":{"command":"x"},"env":[{"key":"K","value":${value}}]}}` })
    for (const secret of ["12345", "[\"s3cret\"]", "{\"s3cret\":1}", "true"]) {
      assert.notMatch(env(secret), /s3cret|12345/)
    }
    assert.notMatch(refused({ slot: "\"t\"", labels: "\"s3cret\"" }), /s3cret/)
  })

  it("encodes absence", () => {
    assert.strictEqual(ProtoJson.encodeTask(Option.none()), "{}")
    assert.strictEqual(ProtoJson.encodeRuns([]), "{\"runs\":[]}")
    assert.strictEqual(ProtoJson.encodePage({ tasks: [], total: 0 }), "{\"tasks\":[],\"total\":0}")
  })
})
