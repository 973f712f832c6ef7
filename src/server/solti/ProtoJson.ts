/**
 * The bodies of the HTTP front: strict decoding of requests, encoding of responses, both in the JSON form of the
 * protobuf messages (contract 5.1).
 *
 * @since 0.1.0
 */
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import { read, type Reader, shown } from "../../schemas/core/StrictJson.js"
import type { OpenEnum, OpenEnumSchema } from "../../schemas/core/Wire.js"
import * as Rules from "../../schemas/solti/Rules.js"
import {
  AdmissionStrategy,
  type BackoffStrategy,
  type CommandMode,
  type ContainerTask,
  type CreateSpec,
  type CustomRuntime,
  JitterStrategy,
  type KeyValue,
  RestartStrategy,
  type ScriptMode,
  ScriptRuntime,
  type SubprocessTask,
  type Task,
  type TaskKind,
  type TaskPage,
  type TaskRun,
  type WasmTask
} from "../../schemas/solti/Tasks.js"

type Decoder<A> = (reader: Reader) => A

const string: Decoder<string> = (reader) => reader.string()

const boolean: Decoder<boolean> = (reader) => reader.boolean()

const list = <A>(item: Decoder<A>): Decoder<ReadonlyArray<A>> => (reader) => {
  const items: Array<A> = []
  reader.array(() => items.push(item(reader)))
  return items
}

const labels: Decoder<Readonly<Record<string, string>>> = (reader) => {
  const entries: Array<[string, string]> = []
  reader.object((name) => entries.push([name, reader.string()]))
  return Object.fromEntries(entries)
}

const maxUInt64 = 18446744073709551615n

const uint64: Decoder<bigint> = (reader) => {
  const kind = reader.peek()
  if (kind === "number") {
    const token = reader.number()
    if (!/^\d{1,20}$/.test(token)) reader.fail("expected an unsigned 64-bit integer")
    const value = BigInt(token)
    return value <= maxUInt64 ? value : reader.fail("number too large to fit in target type")
  }
  const text = reader.string("a number or a string")
  if (text === "") reader.fail("cannot parse integer from empty string")
  if (!/^\+?\d+$/.test(text)) reader.fail("invalid digit found in string")
  const significant = text.replace(/^\+?0*/, "")
  const value = significant.length > 20 ? maxUInt64 + 1n : BigInt(significant)
  return value <= maxUInt64 ? value : reader.fail("number too large to fit in target type")
}

const double: Decoder<number> = (reader) => {
  if (reader.peek() === "number") {
    const value = Number(reader.number())
    return Number.isFinite(value) ? value : reader.fail("number out of range")
  }
  const text = reader.string("a number or a string")
  if (/^[+-]?(?:nan|inf|infinity)$/i.test(text)) {
    return /nan/i.test(text) ? NaN : text.startsWith("-") ? -Infinity : Infinity
  }
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text) ? Number(text) : reader.fail("invalid float literal")
}

const enumeration = <Known extends string>(schema: OpenEnumSchema<Known>): Decoder<OpenEnum<Known>> => (reader) => {
  if (reader.peek() === "number") {
    const token = reader.number()
    const value = /^\d{1,10}$/.test(token) ? schema.known[Number(token)] : undefined
    return value ?? reader.fail(`invalid value: ${shown(token)}, expected one of: ${schema.known.join(", ")}`)
  }
  const name = reader.string("a name or an integer")
  if (schema.is(name)) return name
  return reader.fail(
    `unknown variant \`${shown(name)}\`, expected one of ${schema.known.map((known) => `\`${known}\``).join(", ")}`
  )
}

/** Members of messages, alternatives of a oneof: `null` is as good as absent. */
const nullable = <A>(decoder: Decoder<A>): Decoder<A | undefined> => (reader) =>
  reader.isNull() ? undefined : decoder(reader)

const optional = <A>(decoder: Decoder<A>): Decoder<Option.Option<A>> => (reader) =>
  reader.isNull() ? Option.none() : Option.some(decoder(reader))

const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** “`a`”, “`a` or `b`”, “one of `a`, `b`, `c`”, in both spellings. */
const expectation = (names: ReadonlyArray<string>): string => {
  const quoted = names.flatMap((name) =>
    snakeCase(name) === name ? [`\`${name}\``] : [`\`${snakeCase(name)}\``, `\`${name}\``]
  )
  return quoted.length > 2 ? `one of ${quoted.join(", ")}` : quoted.join(" or ")
}

/**
 * A message: members that are absent keep their defaults, unknown members are refused, and so is a member that comes
 * twice, in whichever spelling, or that is of a oneof of which another one came before.
 */
const message = <A extends object>(
  name: string,
  defaults: A,
  decoders: { readonly [K in keyof A]-?: Decoder<A[K]> },
  oneof: ReadonlyArray<keyof A> = []
): Decoder<A> => {
  const members = new Map<string, keyof A>()
  for (const member in decoders) members.set(member, member).set(snakeCase(member), member)
  const expected = expectation(Object.keys(decoders))
  const group = new Set<keyof A>(oneof)
  return (reader) => {
    const value = { ...defaults }
    const seen = new Set<keyof A>()
    const assign = <K extends keyof A>(member: K): void => {
      value[member] = decoders[member](reader)
    }
    reader.object((spelling) => {
      const member = members.get(spelling)
      if (member === undefined) return reader.fail(`unknown field \`${shown(spelling)}\`, expected ${expected}`)
      if (seen.has(member) || (group.has(member) && oneof.some((other) => seen.has(other)))) {
        return reader.failMember(`duplicate field \`${String(member)}\``)
      }
      seen.add(member)
      assign(member)
    }, `struct solti.v1.${name}`)
    return value
  }
}

const strings = list(string)

const keyValue = message<KeyValue>("KeyValue", { key: "", value: "" }, { key: string, value: string })

const command = message<CommandMode>("CommandMode", { command: "", args: [] }, { command: string, args: strings })

const custom = message<CustomRuntime>("CustomRuntime", { command: "", flag: "" }, { command: string, flag: string })

const script = message<Rules.ScriptDraft>("ScriptMode", { body: "", args: [] }, {
  body: string,
  args: strings,
  wellKnown: nullable(enumeration(ScriptRuntime)),
  custom: nullable(custom)
}, ["wellKnown", "custom"])

const subprocess = message<Rules.SubprocessDraft>(
  "SubprocessTask",
  { env: [], cwd: Option.none(), failOnNonZero: false },
  {
    env: list(keyValue),
    cwd: optional(string),
    failOnNonZero: boolean,
    command: nullable(command),
    script: nullable(script)
  },
  ["command", "script"]
)

const wasm = message<WasmTask>("WasmTask", { module: "", args: [], env: [] }, {
  module: string,
  args: strings,
  env: list(keyValue)
})

const container = message<ContainerTask>("ContainerTask", { image: "", command: [], args: [], env: [] }, {
  image: string,
  command: strings,
  args: strings,
  env: list(keyValue)
})

const kind = message<Omit<Rules.KindDraft, "unknown">>("TaskKind", {}, {
  subprocess: nullable(subprocess),
  wasm: nullable(wasm),
  container: nullable(container)
}, ["subprocess", "wasm", "container"])

const backoff = message<BackoffStrategy>(
  "BackoffStrategy",
  { jitter: "JITTER_STRATEGY_UNSPECIFIED", firstMs: 0n, maxMs: 0n, factor: 0 },
  { jitter: enumeration(JitterStrategy), firstMs: uint64, maxMs: uint64, factor: double }
)

const spec = message<Rules.SpecDraft>("CreateSpec", {
  slot: "",
  timeoutMs: 0n,
  restart: "RESTART_STRATEGY_UNSPECIFIED",
  restartIntervalMs: Option.none(),
  admission: "ADMISSION_STRATEGY_UNSPECIFIED",
  labels: {}
}, {
  slot: string,
  kind: nullable(kind),
  timeoutMs: uint64,
  restart: enumeration(RestartStrategy),
  restartIntervalMs: optional(uint64),
  backoff: nullable(backoff),
  admission: enumeration(AdmissionStrategy),
  labels
})

const submitRequest = message<{ readonly spec?: Rules.SpecDraft | undefined }>("SubmitTaskRequest", {}, {
  spec: nullable(spec)
})

/**
 * Decodes and validates the body of a submit. The text on the left is the `message` of a 400 `InvalidRequest`: path,
 * reason and position for what is wrong with the JSON, the text of the rule for what is wrong with the spec. It never
 * shows a value, other than that of an enum.
 *
 * @since 0.1.0
 * @category decoding
 */
export const decodeSubmit = (body: string): Either.Either<CreateSpec, string> =>
  Either.flatMap(
    Either.mapLeft(read(body, submitRequest), (refused) => refused.message),
    (request) =>
      request.spec === undefined
        ? Either.left("missing spec")
        : Either.mapLeft(Rules.parse(request.spec), (issue) => issue.message)
  )

/** `undefined` members are left out by `JSON.stringify`. */
const orLeftOut = <A>(option: Option.Option<A>): A | undefined => option._tag === "Some" ? option.value : undefined

const scriptJson = (script: ScriptMode) => {
  const common = { body: script.body, args: script.args }
  return "custom" in script ? { ...common, custom: script.custom } : { ...common, wellKnown: script.wellKnown }
}

const subprocessJson = (task: SubprocessTask) => {
  const common = { env: task.env, cwd: orLeftOut(task.cwd), failOnNonZero: task.failOnNonZero }
  return "command" in task ? { ...common, command: task.command } : { ...common, script: scriptJson(task.script) }
}

const kindJson = (kind: TaskKind) => {
  if ("subprocess" in kind) return { subprocess: subprocessJson(kind.subprocess) }
  return "unknown" in kind ? kind.unknown : kind
}

const specJson = (spec: CreateSpec) => ({
  slot: spec.slot,
  kind: kindJson(spec.kind),
  timeoutMs: String(spec.timeoutMs),
  restart: spec.restart,
  restartIntervalMs: spec.restartIntervalMs._tag === "Some" ? String(spec.restartIntervalMs.value) : undefined,
  backoff: {
    jitter: spec.backoff.jitter,
    firstMs: String(spec.backoff.firstMs),
    maxMs: String(spec.backoff.maxMs),
    factor: spec.backoff.factor
  },
  admission: spec.admission,
  labels: spec.labels
})

const taskJson = ({ metadata, spec, status }: Task) => ({
  metadata: {
    id: metadata.id,
    createdAt: String(metadata.createdAt),
    updatedAt: String(metadata.updatedAt),
    resourceVersion: String(metadata.resourceVersion)
  },
  spec: specJson(spec),
  status: {
    phase: status.phase,
    attempt: status.attempt,
    error: orLeftOut(status.error),
    exitCode: orLeftOut(status.exitCode)
  }
})

const runJson = (run: TaskRun) => ({
  attempt: run.attempt,
  status: run.status,
  startedAt: String(run.startedAt),
  finishedAt: run.finishedAt._tag === "Some" ? String(run.finishedAt.value) : undefined,
  error: orLeftOut(run.error),
  exitCode: orLeftOut(run.exitCode)
})

/**
 * `{"taskId": …}`.
 *
 * @since 0.1.0
 * @category encoding
 */
export const encodeSubmitted = (taskId: string): string => JSON.stringify({ taskId })

/**
 * `{"task": …}`, or `{}` for none.
 *
 * @since 0.1.0
 * @category encoding
 */
export const encodeTask = (task: Option.Option<Task>): string =>
  task._tag === "Some" ? JSON.stringify({ task: taskJson(task.value) }) : "{}"

/**
 * `{"tasks": …, "total": …}`.
 *
 * @since 0.1.0
 * @category encoding
 */
export const encodePage = (page: TaskPage): string =>
  JSON.stringify({ tasks: page.tasks.map(taskJson), total: page.total })

/**
 * `{"runs": …}`, in the order given.
 *
 * @since 0.1.0
 * @category encoding
 */
export const encodeRuns = (runs: ReadonlyArray<TaskRun>): string => JSON.stringify({ runs: runs.map(runJson) })

/**
 * The error envelope (contract 3.1).
 *
 * @since 0.1.0
 * @category encoding
 */
export const encodeError = (error: string, message: string): string => JSON.stringify({ error, message })
