/**
 * Every value that the models of Solti have and protobuf can say, with the ends of its ranges, and values that protobuf
 * cannot say.
 */
import * as FastCheck from "effect/FastCheck"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { OpenEnum, OpenEnumSchema } from "../../../../src/schemas/core/Wire.js"
import type { LogEvent } from "../../../../src/schemas/solti/Logs.js"
import { OutputStream } from "../../../../src/schemas/solti/Logs.js"
import type { CreateSpec, Task, TaskKind, TaskRun } from "../../../../src/schemas/solti/Tasks.js"
import {
  AdmissionStrategy,
  JitterStrategy,
  RestartStrategy,
  ScriptRuntime,
  TaskId,
  TaskStatus
} from "../../../../src/schemas/solti/Tasks.js"

const option = <A>(arbitrary: FastCheck.Arbitrary<A>) => FastCheck.option(arbitrary).map(Option.fromNullable)

const maxUInt64 = 2n ** 64n - 1n

/** What a model is made of. */
interface Parts {
  readonly text: FastCheck.Arbitrary<string>
  readonly uint64: FastCheck.Arbitrary<bigint>
  readonly int64: FastCheck.Arbitrary<bigint>
  readonly uint32: FastCheck.Arbitrary<number>
  readonly int32: FastCheck.Arbitrary<number>
  /** An integer beyond 2^53 is the nearest number here: those that come back from 64 bits. */
  readonly uint64Number: FastCheck.Arbitrary<number>
  readonly int64Number: FastCheck.Arbitrary<number>
  readonly open: <Known extends string>(schema: OpenEnumSchema<Known>) => FastCheck.Arbitrary<OpenEnum<Known>>
  readonly unknownKind: FastCheck.Arbitrary<TaskKind>
}

const raw = <Known extends string>(schema: OpenEnumSchema<Known>) => Schema.decodeSync(schema)

/** What protobuf can say, all of it. */
const sayable: Parts = {
  text: FastCheck.oneof(
    FastCheck.string({ unit: "binary", maxLength: 12 }),
    FastCheck.string({ maxLength: 200 }),
    FastCheck.constantFrom("", "\ufeff", "\ufeffline", "a\0b", "\u{1f600}", "\u{10ffff}", "\ufffd", "é".repeat(130))
  ),
  uint64: FastCheck.oneof(
    FastCheck.constantFrom(0n, 1n, 2n ** 53n + 1n, 2n ** 63n - 1n, 2n ** 63n, maxUInt64),
    FastCheck.bigInt({ min: 0n, max: maxUInt64 })
  ),
  int64: FastCheck.oneof(
    FastCheck.constantFrom(0n, -1n, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n)),
    FastCheck.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
  ),
  uint32: FastCheck.oneof(FastCheck.constantFrom(0, 1, 2 ** 32 - 1), FastCheck.nat(2 ** 32 - 1)),
  int32: FastCheck.oneof(FastCheck.constantFrom(0, -1, 2 ** 31 - 1, -(2 ** 31)), FastCheck.integer()),
  uint64Number: FastCheck.oneof(FastCheck.constantFrom(0, 2 ** 53 - 1, 2 ** 63, 2 ** 64), FastCheck.maxSafeNat()),
  int64Number: FastCheck.oneof(FastCheck.constantFrom(0, 2 ** 63, -(2 ** 63)), FastCheck.maxSafeInteger()),
  open: (schema) =>
    FastCheck.oneof(
      FastCheck.constantFrom(...schema.known),
      // Beyond what any enum has; that 1 and 2 are streams is not to be seen from its schema.
      FastCheck.oneof(FastCheck.constantFrom(-1, 9, 2 ** 31 - 1, -(2 ** 31)), FastCheck.integer({ min: 9 }))
        .map((number) => raw(schema)(number))
    ),
  unknownKind: FastCheck.constant({ unknown: {} })
}

const orElse = <A>(arbitrary: FastCheck.Arbitrary<A>, ...others: ReadonlyArray<A>) =>
  FastCheck.oneof({ arbitrary, weight: 60 }, { arbitrary: FastCheck.constantFrom(...others), weight: 1 })

const oddNumbers = [NaN, Infinity, -Infinity, -1, -0, 0.5, -0.5, 2 ** 31, 2 ** 32, 2 ** 64 + 2 ** 12, 1e300, -1e300]

const oddBigints = [-1n, maxUInt64 + 1n, -(2n ** 63n) - 1n, 2n ** 200n, -(2n ** 200n)]

/** What the models can say, whether protobuf can or not. */
const anything: Parts = {
  text: orElse(sayable.text, "\ud800", "a\udc00", "\ude00\ud83d"),
  uint64: orElse(sayable.uint64, ...oddBigints),
  int64: orElse(sayable.int64, ...oddBigints),
  uint32: orElse(sayable.uint32, ...oddNumbers),
  int32: orElse(sayable.int32, ...oddNumbers),
  uint64Number: orElse(sayable.uint64Number, ...oddNumbers),
  int64Number: orElse(sayable.int64Number, ...oddNumbers),
  open: (schema) => orElse(sayable.open(schema), raw(schema)("A_LATER_NAME"), raw(schema)(0.5), raw(schema)(2 ** 31)),
  unknownKind: FastCheck.constant({ unknown: { vm: { image: "x" } } })
}

const kindOf = ({ open, text, unknownKind }: Parts, withUnknown: boolean): FastCheck.Arbitrary<TaskKind> => {
  const strings = FastCheck.array(text, { maxLength: 3 })
  const env = FastCheck.array(FastCheck.record({ key: text, value: text }), { maxLength: 3 })
  const process = { env, cwd: option(text), failOnNonZero: FastCheck.boolean() }
  const known = [
    FastCheck.record({ ...process, command: FastCheck.record({ command: text, args: strings }) })
      .map((subprocess) => ({ subprocess })),
    FastCheck.record({
      ...process,
      script: FastCheck.oneof(
        FastCheck.record({ wellKnown: open(ScriptRuntime), body: text, args: strings }),
        FastCheck.record({ custom: FastCheck.record({ command: text, flag: text }), body: text, args: strings })
      )
    }).map((subprocess) => ({ subprocess })),
    FastCheck.record({ module: text, args: strings, env }).map((wasm) => ({ wasm })),
    FastCheck.record({ image: text, command: strings, args: strings, env }).map((container) => ({ container }))
  ]
  return withUnknown ? FastCheck.oneof(...known, unknownKind) : FastCheck.oneof(...known)
}

const specOf = (parts: Parts, withUnknown: boolean): FastCheck.Arbitrary<CreateSpec> => {
  const { open, text, uint64 } = parts
  const name = FastCheck.oneof({ arbitrary: text, weight: 5 }, FastCheck.constantFrom("__proto__", "constructor", "1"))
  return FastCheck.record({
    slot: text,
    kind: kindOf(parts, withUnknown),
    timeoutMs: uint64,
    restart: open(RestartStrategy),
    restartIntervalMs: option(uint64),
    backoff: FastCheck.record({
      jitter: open(JitterStrategy),
      firstMs: uint64,
      maxMs: uint64,
      factor: FastCheck.oneof(FastCheck.double(), FastCheck.constantFrom(0, -0, NaN, Infinity, -Infinity))
    }),
    admission: open(AdmissionStrategy),
    labels: FastCheck.array(FastCheck.tuple(name, text), { maxLength: 4 }).map((entries) => Object.fromEntries(entries))
  })
}

const taskOf = (parts: Parts): FastCheck.Arbitrary<Task> =>
  FastCheck.record({
    metadata: FastCheck.record({
      id: parts.text.map((id) => TaskId.make(id)),
      createdAt: parts.int64,
      updatedAt: parts.int64,
      resourceVersion: parts.uint64
    }),
    spec: specOf(parts, true),
    status: FastCheck.record({
      phase: parts.open(TaskStatus),
      attempt: parts.uint32,
      error: option(parts.text),
      exitCode: option(parts.int32)
    })
  })

const runOf = ({ int32, int64, open, text, uint32 }: Parts): FastCheck.Arbitrary<TaskRun> =>
  FastCheck.record({
    attempt: uint32,
    status: open(TaskStatus),
    startedAt: int64,
    finishedAt: option(int64),
    error: option(text),
    exitCode: option(int32)
  })

const eventOf = ({ int32, int64Number, open, text, uint32, uint64Number }: Parts): FastCheck.Arbitrary<LogEvent> =>
  FastCheck.oneof(
    FastCheck.record({
      type: FastCheck.constant("chunk" as const),
      attempt: uint32,
      stream: open(OutputStream),
      seq: uint64Number,
      ts: int64Number,
      line: FastCheck.oneof(text, text.map((line) => line + "é".repeat(1100)))
    }),
    FastCheck.record({ type: FastCheck.constant("runStarted" as const), attempt: uint32, startedAt: int64Number }),
    FastCheck.record({
      type: FastCheck.constant("runFinished" as const),
      attempt: uint32,
      exitCode: option(int32),
      finishedAt: int64Number
    }),
    FastCheck.record({ type: FastCheck.constant("lagged" as const), skipped: uint64Number })
  )

/** Models that a message says exactly; specs have a kind that is known. */
export const spec = specOf(sayable, false)
export const task = taskOf(sayable)
export const run = runOf(sayable)
export const event = eventOf(sayable)

/** Models of which some are nothing that a message could say. */
export const anySpec = specOf(anything, true)
export const anyTask = taskOf(anything)
export const anyRun = runOf(anything)
export const anyEvent = eventOf(anything)
