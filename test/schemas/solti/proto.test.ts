import type { DescEnum, DescField, DescMessage, JsonValue } from "@bufbuild/protobuf"
import { create, fromBinary, fromJson, ScalarType, toBinary, toJson } from "@bufbuild/protobuf"
import { BinaryWriter } from "@bufbuild/protobuf/wire"
import { assert, describe, it } from "@effect/vitest"
// `assert.deepStrictEqual` takes every `Some` for a `None`; this one does not.
import { deepStrictEqual } from "@effect/vitest/utils"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { UInt64 } from "../../../src/schemas/core/Wire.js"
import * as Pb from "../../../src/schemas/gen/solti/v1/api_pb.js"
import * as Types from "../../../src/schemas/gen/solti/v1/types_pb.js"
import { LogEvent, OutputStream } from "../../../src/schemas/solti/Logs.js"
import * as Proto from "../../../src/schemas/solti/Proto.js"
import * as Rules from "../../../src/schemas/solti/Rules.js"
import * as Tasks from "../../../src/schemas/solti/Tasks.js"
import * as ProtoJson from "../../../src/server/solti/ProtoJson.js"
import * as Golden from "../../fixtures/solti/Golden.js"
import * as Arbitraries from "./support/Arbitraries.js"
import * as Contract from "./support/Contract.js"

/** As it comes out of the wire. */
const received = <Desc extends DescMessage>(schema: Desc, message: Parameters<typeof toBinary<Desc>>[1]) =>
  fromBinary(schema, toBinary(schema, message))

const sentSpec = (spec: Tasks.CreateSpec) =>
  received(Types.CreateSpecSchema, Either.getOrThrowWith(Proto.encodeSpec(spec), (issue) => new Error(issue.path)))

const receivedEvent = (event: LogEvent) =>
  Proto.decodeEvent(received(Pb.OutputEventProtoSchema, Proto.encodeEvent(event)))

const backoff = { jitter: "JITTER_STRATEGY_FULL", firstMs: 1n, maxMs: 2n, factor: 1 } as const

const process = { env: [], cwd: Option.none(), failOnNonZero: false }

const spec: Tasks.CreateSpec = {
  slot: "s",
  kind: { subprocess: { ...process, command: { command: "true", args: [] } } },
  timeoutMs: 1n,
  restart: "RESTART_STRATEGY_ALWAYS",
  restartIntervalMs: Option.some(0n),
  backoff,
  admission: "ADMISSION_STRATEGY_QUEUE",
  labels: {}
}

const task: Tasks.Task = {
  metadata: { id: Tasks.TaskId.make("default-s-1"), createdAt: 1n, updatedAt: 2n, resourceVersion: 3n },
  spec,
  status: { phase: "TASK_STATUS_PENDING", attempt: 0, error: Option.none(), exitCode: Option.none() }
}

describe("the descriptors", () => {
  const nameOf = (field: DescField): string =>
    field.message?.name ?? field.enum?.name ??
      (field.scalar === undefined ? "" : ScalarType[field.scalar].toLowerCase())
  const typeOf = (field: DescField): string =>
    field.fieldKind === "map"
      ? `map<${ScalarType[field.mapKey].toLowerCase()}, ${nameOf(field)}>`
      : `${field.fieldKind === "list" ? "repeated " : ""}${nameOf(field)}`
  const written = (message: DescMessage): ReadonlyArray<string> =>
    message.fields.map((field) =>
      `${field.oneof === undefined ? "" : `oneof ${field.oneof.name}: `}${field.number}: ${field.name} ${
        field.proto.proto3Optional ? "optional " : ""
      }${typeOf(field)}`
    )
  const files = [Pb.file_solti_v1_api, Types.file_solti_v1_types]

  it("have the messages and fields of the contract", () => {
    const found = files.flatMap((file) => file.messages)
    assert.strictEqual(found.length, 30)
    deepStrictEqual(Object.fromEntries(found.map((message) => [message.name, written(message)])), {
      ...Contract.messages
    })
    assert.isTrue(found.every((message) => message.typeName === `solti.v1.${message.name}`))
  })

  it("have the enums of the contract", () => {
    const found = files.flatMap((file) => file.enums)
    assert.strictEqual(found.length, 6)
    deepStrictEqual(
      Object.fromEntries(
        found.map(({ name, values }) => [name, values.map((value) => `${value.name}(${value.number})`)])
      ),
      { ...Contract.enums }
    )
  })

  it("have the methods of the contract", () => {
    assert.strictEqual(Pb.SoltiApi.typeName, "solti.v1.SoltiApi")
    deepStrictEqual(
      Object.fromEntries(Pb.SoltiApi.methods.map(({ input, methodKind, name, output }) => [
        name,
        `${input.name} → ${methodKind === "server_streaming" ? "stream " : ""}${output.name}`
      ])),
      { ...Contract.methods }
    )
  })
})

describe("enums", () => {
  const models: ReadonlyArray<readonly [DescEnum, { readonly known: ReadonlyArray<string> }]> = [
    [Types.TaskStatusSchema, Tasks.TaskStatus],
    [Types.RestartStrategySchema, Tasks.RestartStrategy],
    [Types.JitterStrategySchema, Tasks.JitterStrategy],
    [Types.AdmissionStrategySchema, Tasks.AdmissionStrategy],
    [Types.ScriptRuntimeSchema, Tasks.ScriptRuntime]
  ]

  it("have their names at the places of their numbers", () => {
    for (const [desc, { known }] of models) {
      deepStrictEqual(desc.values.map(({ name, number }) => [name, number]), known.map((name, at) => [name, at]))
    }
  })

  it("of phases have numbers, for filters", () => {
    for (const [number, name] of Tasks.TaskStatus.known.entries()) {
      assert.strictEqual(Proto.taskStatus.toNumber(name), number)
      assert.strictEqual(Proto.taskStatus.fromNumber(number), name)
    }
    const later = Proto.taskStatus.fromNumber(99)
    assert.isFalse(Tasks.TaskStatus.is(later))
    assert.strictEqual<unknown>(later, 99)
    assert.strictEqual(Proto.taskStatus.toNumber(later), 99)
    const status = Schema.decodeSync(Tasks.TaskStatus)
    for (const none of ["TASK_STATUS_PAUSED", "99", 1.5, 2 ** 31, -(2 ** 31) - 1, NaN]) {
      assert.isUndefined(Proto.taskStatus.toNumber(status(none)), String(none))
    }
  })

  it("of streams have the numbers of OutputStreamKind", () => {
    const streamOf = (stream: number) =>
      Proto.decodeEvent(create(Pb.OutputEventProtoSchema, { kind: { case: "chunk", value: { stream } } }))
    for (const [number, stream] of [[0, 0], [1, "stdout"], [2, "stderr"], [3, 3], [-1, -1]] as const) {
      assert.deepInclude(streamOf(number), { stream: Schema.decodeSync(OutputStream)(stream) })
    }
    const event = { type: "chunk", attempt: 1, seq: 0, ts: 0, line: "" } as const
    const sent = (stream: OutputStream) => {
      const { kind } = Proto.encodeEvent({ ...event, stream })
      return kind.case === "chunk" ? kind.value.stream : undefined
    }
    assert.strictEqual(sent("stdout"), Pb.OutputStreamKind.STDOUT)
    assert.strictEqual(sent("stderr"), Pb.OutputStreamKind.STDERR)
    assert.strictEqual(sent(Schema.decodeSync(OutputStream)("console")), Pb.OutputStreamKind.UNSPECIFIED)
  })
})

describe("what is sent comes back", () => {
  it.prop("of specs", [Arbitraries.spec], ([sent]) => {
    deepStrictEqual(Proto.decodeSpec(sentSpec(sent)), sent)
  })

  it.prop("of tasks", [Arbitraries.task], ([sent]) => {
    const back = Proto.decodeTask(received(Types.TaskDataSchema, Proto.encodeTask(sent)))
    deepStrictEqual(back, Either.right(sent))
  })

  it.prop("of runs", [Arbitraries.run], ([sent]) => {
    deepStrictEqual(Proto.decodeRun(received(Types.TaskRunInfoSchema, Proto.encodeRun(sent))), sent)
  })

  it.prop("of events", [Arbitraries.event], ([sent]) => {
    deepStrictEqual(receivedEvent(sent), sent)
  })

  it("with labels of any name as their own", () => {
    const labels = Object.fromEntries([["__proto__", "p"], ["constructor", ""], ["", "é"]])
    const back = Proto.decodeSpec(sentSpec({ ...spec, labels })).labels
    deepStrictEqual(Object.entries(back), [["__proto__", "p"], ["constructor", ""], ["", "é"]])
    assert.strictEqual(Object.getPrototypeOf(back), Object.prototype)
  })

  it("with what is there and empty, or zero", () => {
    const env = [{ key: "", value: "" }]
    const empty: Tasks.Task = {
      ...task,
      spec: {
        ...spec,
        kind: { subprocess: { ...process, command: { command: "", args: [""] }, cwd: Option.some(""), env } },
        restartIntervalMs: Option.some(0n),
        labels: { "": "" }
      },
      status: { ...task.status, error: Option.some(""), exitCode: Option.some(0) }
    }
    const back = Proto.decodeTask(received(Types.TaskDataSchema, Proto.encodeTask(empty)))
    deepStrictEqual(back, Either.right(empty))
    const run: Tasks.TaskRun = {
      attempt: 0,
      status: "TASK_STATUS_UNSPECIFIED",
      startedAt: 0n,
      finishedAt: Option.some(0n),
      error: Option.some(""),
      exitCode: Option.some(0)
    }
    deepStrictEqual(Proto.decodeRun(received(Types.TaskRunInfoSchema, Proto.encodeRun(run))), run)
    const event = { type: "runFinished", attempt: 0, exitCode: Option.some(0), finishedAt: 0 } as const
    deepStrictEqual(receivedEvent(event), event)
  })

  it.prop("of what messages cannot say everything, or it is refused", [Arbitraries.anySpec], ([sent]) => {
    Either.match(Proto.encodeSpec(sent), {
      onLeft: (issue) => assert.match(issue.path, /^spec\./),
      onRight: (message) => deepStrictEqual(Proto.decodeSpec(received(Types.CreateSpecSchema, message)), { ...sent })
    })
  })
})

describe("a server always has an answer", () => {
  it.prop("for tasks", [Arbitraries.anyTask], ([any]) => {
    const once = Proto.decodeTask(received(Types.TaskDataSchema, Proto.encodeTask(any)))
    // What was made to fit fits.
    const kept = Either.getOrThrow(once)
    deepStrictEqual(Proto.decodeTask(received(Types.TaskDataSchema, Proto.encodeTask(kept))), once)
  })

  it.prop("for runs", [Arbitraries.anyRun], ([any]) => {
    const kept = Proto.decodeRun(received(Types.TaskRunInfoSchema, Proto.encodeRun(any)))
    deepStrictEqual(Proto.decodeRun(received(Types.TaskRunInfoSchema, Proto.encodeRun(kept))), kept)
  })

  it.prop("for events", [Arbitraries.anyEvent], ([any]) => {
    const kept = receivedEvent(any)
    assert.isDefined(kept)
    if (kept !== undefined) deepStrictEqual(receivedEvent(kept), kept)
  })

  it("that is the nearest to what it has", () => {
    const restart = Schema.decodeSync(Tasks.RestartStrategy)("RESTART_STRATEGY_SOMETIMES")
    const phase = Schema.decodeSync(Tasks.TaskStatus)("TASK_STATUS_PAUSED")
    const message = Proto.encodeTask({
      metadata: { ...task.metadata, createdAt: -(2n ** 70n), updatedAt: 2n ** 63n, resourceVersion: 2n ** 64n },
      spec: { ...spec, restart, timeoutMs: -1n, kind: { unknown: { vm: {} } } },
      status: { phase, attempt: 1.5, error: Option.some("\ud800"), exitCode: Option.some(2 ** 40) }
    })
    assert.deepInclude(message.metadata, {
      createdAt: -(2n ** 63n),
      updatedAt: 2n ** 63n - 1n,
      resourceVersion: 2n ** 64n - 1n
    })
    assert.deepInclude(message.spec, { restart: 0, timeoutMs: 0n })
    assert.isUndefined(message.spec?.kind?.kind.case)
    assert.deepInclude(message.status, { phase: 0, attempt: 1, exitCode: 2 ** 31 - 1 })
    assert.strictEqual(received(Types.TaskDataSchema, message).status?.error, "\ufffd")
  })
})

describe("a spec that no message can say is refused", () => {
  const bad = "a\ud800"
  const uint64 = "must be an unsigned 64-bit integer"
  const unicode = "must be well-formed Unicode"
  const later = (known: ReadonlyArray<string>) =>
    `must be one of ${known.join(", ")}, or the 32-bit number of a later value`
  const subprocess = (members: object, kind: Tasks.SubprocessTask): Tasks.CreateSpec => ({
    ...spec,
    kind: { subprocess: { ...kind, ...members } }
  })
  const command = { ...process, command: { command: "c", args: [] } }
  const script = (script: Tasks.ScriptMode) => subprocess({}, { ...process, script })
  const wellKnown = { wellKnown: "SCRIPT_RUNTIME_BASH", body: "eA==", args: [] } as const
  const custom = { custom: { command: "perl", flag: "-e" }, body: "eA==", args: [] }
  const wasm = { module: "m", args: [], env: [] }
  const container = { image: "i", command: [], args: [], env: [] }
  const env = [{ key: "A", value: "ok" }, { key: "B", value: bad }]
  const restart = Schema.decodeSync(Tasks.RestartStrategy)

  const refusals: ReadonlyArray<readonly [path: string, message: string, spec: Tasks.CreateSpec]> = [
    ["spec.slot", unicode, { ...spec, slot: bad }],
    ["spec.kind", "must be one of subprocess, wasm, container", { ...spec, kind: { unknown: { vm: {} } } }],
    ["spec.kind", "must be one of subprocess, wasm, container", { ...spec, kind: { unknown: {} } }],
    ["spec.kind.subprocess.command.command", unicode, subprocess({ command: { command: bad, args: [] } }, command)],
    [
      "spec.kind.subprocess.command.args.1",
      unicode,
      subprocess({ command: { command: "c", args: ["", bad] } }, command)
    ],
    ["spec.kind.subprocess.env.1.value", unicode, subprocess({ env }, command)],
    ["spec.kind.subprocess.env.0.key", unicode, subprocess({ env: [{ key: bad, value: bad }] }, command)],
    ["spec.kind.subprocess.cwd", unicode, subprocess({ cwd: Option.some(bad) }, command)],
    [
      "spec.kind.subprocess.script.wellKnown",
      later(Tasks.ScriptRuntime.known),
      script({ ...wellKnown, wellKnown: Schema.decodeSync(Tasks.ScriptRuntime)("SCRIPT_RUNTIME_RUBY") })
    ],
    ["spec.kind.subprocess.script.custom.command", unicode, script({ ...custom, custom: { command: bad, flag: "" } })],
    ["spec.kind.subprocess.script.custom.flag", unicode, script({ ...custom, custom: { command: "", flag: bad } })],
    ["spec.kind.subprocess.script.body", unicode, script({ ...wellKnown, body: bad })],
    ["spec.kind.subprocess.script.body", unicode, script({ ...custom, body: bad })],
    ["spec.kind.subprocess.script.args.0", unicode, script({ ...custom, args: [bad] })],
    ["spec.kind.wasm.module", unicode, { ...spec, kind: { wasm: { ...wasm, module: bad } } }],
    ["spec.kind.wasm.args.0", unicode, { ...spec, kind: { wasm: { ...wasm, args: [bad] } } }],
    ["spec.kind.wasm.env.1.value", unicode, { ...spec, kind: { wasm: { ...wasm, env } } }],
    ["spec.kind.container.image", unicode, { ...spec, kind: { container: { ...container, image: bad } } }],
    ["spec.kind.container.command.0", unicode, { ...spec, kind: { container: { ...container, command: [bad] } } }],
    ["spec.kind.container.args.0", unicode, { ...spec, kind: { container: { ...container, args: [bad] } } }],
    ["spec.kind.container.env.1.value", unicode, { ...spec, kind: { container: { ...container, env } } }],
    ["spec.timeoutMs", uint64, { ...spec, timeoutMs: -1n }],
    ["spec.timeoutMs", uint64, { ...spec, timeoutMs: 2n ** 64n }],
    ["spec.restart", later(Tasks.RestartStrategy.known), { ...spec, restart: restart("RESTART_STRATEGY_SOMETIMES") }],
    ["spec.restart", later(Tasks.RestartStrategy.known), { ...spec, restart: restart(2 ** 31) }],
    ["spec.restart", later(Tasks.RestartStrategy.known), { ...spec, restart: restart(1.5) }],
    ["spec.restartIntervalMs", uint64, { ...spec, restartIntervalMs: Option.some(-1n) }],
    [
      "spec.backoff.jitter",
      later(Tasks.JitterStrategy.known),
      { ...spec, backoff: { ...backoff, jitter: Schema.decodeSync(Tasks.JitterStrategy)("JITTER_STRATEGY_SOME") } }
    ],
    ["spec.backoff.firstMs", uint64, { ...spec, backoff: { ...backoff, firstMs: -1n } }],
    ["spec.backoff.maxMs", uint64, { ...spec, backoff: { ...backoff, maxMs: 2n ** 64n } }],
    [
      "spec.admission",
      later(Tasks.AdmissionStrategy.known),
      { ...spec, admission: Schema.decodeSync(Tasks.AdmissionStrategy)("ADMISSION_STRATEGY_LATER") }
    ],
    ["spec.labels", unicode, { ...spec, labels: { [bad]: "" } }],
    ["spec.labels.team", unicode, { ...spec, labels: { a: "", team: bad } }]
  ]

  it.each(refusals)("%s %s", (path, message, refused) => {
    deepStrictEqual(Proto.encodeSpec(refused), Either.left({ path, message }))
  })

  it("and nothing else: what only the rules forbid is sent", () => {
    const forbidden: ReadonlyArray<Tasks.CreateSpec> = [
      { ...spec, slot: "", timeoutMs: 0n, restart: "RESTART_STRATEGY_UNSPECIFIED" },
      { ...spec, restart: restart(99), backoff: { ...backoff, factor: NaN, firstMs: 2n ** 64n - 1n } },
      { ...spec, backoff: { ...backoff, factor: -Infinity } },
      script({ ...wellKnown, body: "", wellKnown: Schema.decodeSync(Tasks.ScriptRuntime)(-1) })
    ]
    for (const sent of forbidden) deepStrictEqual(Proto.decodeSpec(sentSpec(sent)), { ...sent })
  })
})

describe("what is absent or of a later version", () => {
  const bare = { metadata: { id: "t" }, spec: { kind: {}, backoff: {} }, status: {} }
  const decodeTask = (init: Parameters<typeof create<typeof Types.TaskDataSchema>>[1]) =>
    Proto.decodeTask(create(Types.TaskDataSchema, init))
  const decodeKind = (kind: Parameters<typeof create<typeof Types.TaskKindSchema>>[1]) =>
    Proto.decodeSpec(create(Types.CreateSpecSchema, { kind: create(Types.TaskKindSchema, kind) })).kind

  it("stays absent in a draft, for the rules", () => {
    const draft = Proto.decodeSpec(create(Types.CreateSpecSchema))
    deepStrictEqual(draft, {
      slot: "",
      kind: undefined,
      timeoutMs: 0n,
      restart: "RESTART_STRATEGY_UNSPECIFIED",
      restartIntervalMs: Option.none(),
      backoff: undefined,
      admission: "ADMISSION_STRATEGY_UNSPECIFIED",
      labels: {}
    })
    deepStrictEqual(decodeKind({}), {})
    deepStrictEqual(decodeKind({ kind: { case: "subprocess", value: {} } }), { subprocess: { ...process } })
    deepStrictEqual(
      decodeKind({ kind: { case: "subprocess", value: { mode: { case: "script", value: {} } } } }),
      { subprocess: { ...process, script: { body: "", args: [] } } }
    )
    deepStrictEqual(
      Proto.decodeSpec(create(Types.CreateSpecSchema, { restartIntervalMs: 0n })).restartIntervalMs,
      Option.some(0n)
    )
  })

  it("of a task is a misfit where every server has it", () => {
    const misfit = (path: string, expected: string) =>
      Either.left({ path, expected: `${expected}, but the member is missing` })
    assert.isTrue(Either.isRight(decodeTask(bare)))
    deepStrictEqual(decodeTask({}), misfit("metadata", "ObjectMeta"))
    deepStrictEqual(decodeTask({ metadata: {}, status: {} }), misfit("spec", "CreateSpec"))
    deepStrictEqual(decodeTask({ ...bare, spec: {} }), misfit("spec.backoff", "BackoffStrategy"))
    deepStrictEqual(decodeTask({ metadata: {}, spec: bare.spec }), misfit("status", "TaskStatusInfo"))
  })

  it.each<readonly [name: string, kind: Parameters<typeof create<typeof Types.TaskKindSchema>>[1] | undefined]>([
    ["no kind", undefined],
    ["a later kind", {}],
    ["a later mode", { kind: { case: "subprocess", value: { env: [{ key: "A", value: "B" }] } } }],
    ["a later runtime", { kind: { case: "subprocess", value: { mode: { case: "script", value: { body: "x" } } } } }]
  ])("of a task is an unknown kind: %s", (_, kind) => {
    const message = create(Types.TaskDataSchema, { ...bare, spec: { backoff: {} } })
    if (kind !== undefined && message.spec !== undefined) message.spec.kind = create(Types.TaskKindSchema, kind)
    deepStrictEqual(Either.getOrThrow(Proto.decodeTask(message)).spec.kind, { unknown: {} })
  })

  it("in events is skipped", () => {
    assert.isUndefined(Proto.decodeEvent(create(Pb.OutputEventProtoSchema)))
    const later = new BinaryWriter().tag(9, 2).bytes(Uint8Array.of(8, 1)).finish()
    assert.isUndefined(Proto.decodeEvent(fromBinary(Pb.OutputEventProtoSchema, later)))
  })

  it("is ignored beside what is known", () => {
    const later = new BinaryWriter().tag(99, 2).string("later").finish()
    const behind = (bytes: Uint8Array) => Uint8Array.from([...bytes, ...later])
    const bytes = toBinary(Types.TaskDataSchema, Proto.encodeTask(task))
    deepStrictEqual(Proto.decodeTask(fromBinary(Types.TaskDataSchema, behind(bytes))), Either.right(task))
    const specBytes = toBinary(Types.CreateSpecSchema, sentSpec(spec))
    deepStrictEqual(Proto.decodeSpec(fromBinary(Types.CreateSpecSchema, behind(specBytes))), { ...spec })
  })
})

describe("lines", () => {
  const lineOf = (...bytes: ReadonlyArray<number>) => {
    const event = Proto.decodeEvent(
      create(Pb.OutputEventProtoSchema, { kind: { case: "chunk", value: { line: Uint8Array.from(bytes) } } })
    )
    return event?.type === "chunk" ? event.line : undefined
  }

  it("are text, with U+FFFD for what is none", () => {
    assert.strictEqual(lineOf(0x62, 0xff, 0x63), "b\ufffdc")
    assert.strictEqual(lineOf(0xef, 0xbb, 0xbf, 0x61), "\ufeffa")
    assert.strictEqual(lineOf(0xf0, 0x9f, 0x98), "\ufffd")
    assert.strictEqual(lineOf(0x00, 0x1b), "\0\u001b")
    // The decoder keeps nothing of the line before.
    assert.strictEqual(lineOf(0x80, 0x61), "\ufffda")
  })

  it("have bytes of their own, also where they follow each other", () => {
    const chunk = { type: "chunk", attempt: 1, stream: "stdout", seq: 0, ts: 0 } as const
    const lines = ["first", "2", "€".repeat(1024), "€".repeat(1025), ""]
    const messages = lines.map((line) => Proto.encodeEvent({ ...chunk, line }))
    const texts = messages.map(({ kind }) => kind.case === "chunk" ? new TextDecoder().decode(kind.value.line) : "")
    deepStrictEqual(texts, lines)
  })
})

describe("golden messages", () => {
  /** A recorded message: which it is, its JSON form where it has one, its bytes. */
  interface Recorded {
    readonly name: string
    readonly schema: DescMessage
    readonly json: JsonValue | undefined
    readonly bytes: Uint8Array
    readonly call: Golden.Exchange & { readonly kind: "grpc" | "grpc-stream" }
  }
  const asJson = (message: unknown): JsonValue | undefined =>
    message === undefined ? undefined : JSON.parse(JSON.stringify(message))
  const recordings = Golden.cases.flatMap((recorded) =>
    recorded.exchanges.flatMap((call, position): ReadonlyArray<Recorded> => {
      if (call.kind !== "grpc" && call.kind !== "grpc-stream") return []
      const method = Pb.SoltiApi.methods.find(({ name }) => `/${Pb.SoltiApi.typeName}/${name}` === call.method)
      // One request was sent because it is no message.
      if (method === undefined || call.code === 13 && call.request.message === undefined) return []
      const name = `${recorded.name} #${position} ${method.name}`
      const { bytes, message } = call.request
      const responses = call.kind === "grpc-stream"
        ? call.responses
        : call.response === undefined
        ? []
        : [call.response]
      return [
        ...bytes === undefined ? [] : [{ name, schema: method.input, json: asJson(message), bytes, call }],
        ...responses.map((response, index) => ({
          name: `${name}, answer ${index}`,
          schema: method.output,
          json: asJson(response.message),
          bytes: response.bytes,
          call
        }))
      ]
    })
  )
  const of = <Desc extends DescMessage>(schema: Desc) =>
    recordings.filter((recorded) => recorded.schema === schema).map((recorded) => ({
      ...recorded,
      message: fromBinary(schema, recorded.bytes)
    }))
  /** The JSON over HTTP: members at their defaults are written out. */
  const overHttp = <Desc extends DescMessage>(schema: Desc, message: Parameters<typeof toJson<Desc>>[1]) =>
    toJson(schema, message, { alwaysEmitImplicit: true })
  const tasks = [
    ...of(Pb.GetTaskStatusResponseSchema).flatMap(({ message, name }) =>
      message.task === undefined ? [] : [{ name, message: message.task }]
    ),
    ...of(Pb.ListTasksResponseSchema).flatMap(({ message, name }) =>
      message.tasks.map((message) => ({ name, message }))
    )
  ]
  const runs = of(Pb.ListTaskRunsResponseSchema).flatMap(({ message, name }) =>
    message.runs.map((message) => ({ name, message }))
  )
  const events = of(Pb.OutputEventProtoSchema)
  const submits = of(Pb.SubmitTaskRequestSchema)

  it("are of every kind", () => {
    assert.isAbove(recordings.length, 60)
    assert.strictEqual(tasks.length, 7)
    assert.strictEqual(runs.length, 3)
    assert.strictEqual(events.length, 9)
    assert.strictEqual(submits.length, 16)
  })

  it.each(recordings)(
    "$name: the bytes are the JSON, and mean the same when written again",
    ({ bytes, json, schema }) => {
      const message = fromBinary(schema, bytes)
      deepStrictEqual(fromBinary(schema, toBinary(schema, message)), message)
      if (json !== undefined) deepStrictEqual(fromJson(schema, json), message)
    }
  )

  it("are written to the bytes that were recorded, but for a label without a name", () => {
    // The recorded server leaves out the key of an entry that is empty; to write it means the same.
    const others = recordings.filter(({ bytes, schema }) =>
      Buffer.compare(toBinary(schema, fromBinary(schema, bytes)), bytes) !== 0
    )
    deepStrictEqual(others.map(({ name }) => name), ["submit-command-get #3 GetTaskStatus, answer 0"])
  })

  it.each(tasks)("$name: the task is the one of HTTP, and is written again", ({ message }) => {
    const decoded = Either.getOrThrow(Proto.decodeTask(message))
    const json = overHttp(Types.TaskDataSchema, message)
    deepStrictEqual(decoded, Schema.decodeUnknownSync(Tasks.Task)(json))
    deepStrictEqual(
      toBinary(Types.TaskDataSchema, Proto.encodeTask(decoded)),
      toBinary(Types.TaskDataSchema, message)
    )
  })

  it.each(runs)("$name: the run is the one of HTTP, and is written again", ({ message }) => {
    const decoded = Proto.decodeRun(message)
    const json = overHttp(Types.TaskRunInfoSchema, message)
    deepStrictEqual(decoded, Schema.decodeUnknownSync(Tasks.TaskRun)(json))
    deepStrictEqual(
      toBinary(Types.TaskRunInfoSchema, Proto.encodeRun(decoded)),
      toBinary(Types.TaskRunInfoSchema, message)
    )
  })

  it.each(events)("$name: the event says what the JSON says, and is written again", ({ bytes, message }) => {
    const decoded = Proto.decodeEvent(message)
    assert.isDefined(decoded)
    if (decoded === undefined) return
    deepStrictEqual(toBinary(Pb.OutputEventProtoSchema, Proto.encodeEvent(decoded)), bytes)
    // The members of the JSON that HTTP streams have, of which protobuf's differs in three ways.
    const { type, ...members } = Schema.encodeSync(LogEvent)(decoded)
    const expected = Object.entries(members).filter(([, value]) => value !== undefined).map(([name, value]) => [
      name,
      name === "line"
        ? Buffer.from(String(value)).toString("base64")
        : name === "stream"
        ? `OUTPUT_STREAM_KIND_${String(value).toUpperCase()}`
        : name === "attempt" || name === "exitCode"
        ? value
        : Schema.encodeSync(UInt64)(BigInt(String(value)))
    ])
    deepStrictEqual(overHttp(Pb.OutputEventProtoSchema, message), { [type]: Object.fromEntries(expected) })
  })

  it.each(submits)("$name: the spec has the verdict of the recorded server", ({ bytes, call, json, message }) => {
    if (message.spec === undefined) return assert.include([call.statusMessage], "missing spec")
    const verdict = Rules.parse(Proto.decodeSpec(message.spec))
    if (call.code === 3) {
      assert.strictEqual(Either.getOrThrow(Either.flip(verdict)).message, call.statusMessage)
    } else {
      const kept = Either.getOrThrow(verdict)
      deepStrictEqual(ProtoJson.decodeSubmit(JSON.stringify(json)), Either.right(kept))
      const again = create(Pb.SubmitTaskRequestSchema, { spec: Either.getOrThrow(Proto.encodeSpec(kept)) })
      deepStrictEqual(toBinary(Pb.SubmitTaskRequestSchema, again), bytes)
    }
  })
})
