/**
 * The protobuf messages of the Solti task API (contract 5.8, 6.2) to and from the models of `Tasks`, `Logs` and `Rules`.
 *
 * Messages are made as plain objects of the generated types: `create` makes the same, several times slower. A message
 * and the model it came from share their labels, and a model the lists of strings of its message: nobody writes to them.
 *
 * @since 0.1.0
 */
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type { InputIssue } from "../core/Errors.js"
import type { OutputEventProto } from "../gen/solti/v1/api_pb.js"
import type * as Pb from "../gen/solti/v1/types_pb.js"
import * as events from "./internal/protoEvents.js"
import { specIssue } from "./internal/protoIssue.js"
import {
  admissions,
  int32,
  int64,
  jitters,
  restarts,
  runtimes,
  statuses,
  uint32,
  uint64
} from "./internal/protoNumbers.js"
import type { LogEvent } from "./Logs.js"
import type * as Rules from "./Rules.js"
import {
  type BackoffStrategy,
  type CommandMode,
  type CreateSpec,
  type KeyValue,
  type ScriptMode,
  type SubprocessTask,
  type Task,
  TaskId,
  type TaskKind,
  type TaskRun,
  type TaskStatus
} from "./Tasks.js"

/**
 * Where a message is not what it has to be: a member that must be there is missing.
 *
 * @since 0.1.0
 * @category models
 */
export interface Misfit {
  readonly path: string
  readonly expected: string
}

/**
 * The numbers of phases (contract 5.6), as the filter of a list takes them. A phase that this SDK does not know has the
 * number that it was received as, and none if that was a name.
 *
 * @since 0.1.0
 * @category enums
 */
export const taskStatus: {
  readonly toNumber: (status: TaskStatus) => number | undefined
  readonly fromNumber: (number: number) => TaskStatus
} = statuses

const keyValueMessage = ({ key, value }: KeyValue): Pb.KeyValue => ({ $typeName: "solti.v1.KeyValue", key, value })

const commandMessage = ({ args, command }: CommandMode): Pb.CommandMode => ({
  $typeName: "solti.v1.CommandMode",
  command,
  args: args.slice()
})

const runtimeMessage = (script: ScriptMode): Pb.ScriptMode["runtime"] =>
  "custom" in script
    ? {
      case: "custom",
      value: { $typeName: "solti.v1.CustomRuntime", command: script.custom.command, flag: script.custom.flag }
    }
    : { case: "wellKnown", value: runtimes.toNumber(script.wellKnown) ?? 0 }

const scriptMessage = (script: ScriptMode): Pb.ScriptMode => ({
  $typeName: "solti.v1.ScriptMode",
  runtime: runtimeMessage(script),
  body: script.body,
  args: script.args.slice()
})

const subprocessMessage = (task: SubprocessTask): Pb.SubprocessTask => ({
  $typeName: "solti.v1.SubprocessTask",
  mode: "command" in task
    ? { case: "command", value: commandMessage(task.command) }
    : { case: "script", value: scriptMessage(task.script) },
  env: task.env.map(keyValueMessage),
  cwd: Option.getOrUndefined(task.cwd),
  failOnNonZero: task.failOnNonZero
})

const alternativeMessage = (kind: TaskKind): Pb.TaskKind["kind"] => {
  if ("subprocess" in kind) return { case: "subprocess", value: subprocessMessage(kind.subprocess) }
  if ("wasm" in kind) {
    const { args, env, module } = kind.wasm
    return {
      case: "wasm",
      value: { $typeName: "solti.v1.WasmTask", module, args: args.slice(), env: env.map(keyValueMessage) }
    }
  }
  if ("unknown" in kind) return { case: undefined }
  const { args, command, env, image } = kind.container
  return {
    case: "container",
    value: {
      $typeName: "solti.v1.ContainerTask",
      image,
      command: command.slice(),
      args: args.slice(),
      env: env.map(keyValueMessage)
    }
  }
}

const specMessage = (spec: CreateSpec): Pb.CreateSpec => ({
  $typeName: "solti.v1.CreateSpec",
  slot: spec.slot,
  kind: { $typeName: "solti.v1.TaskKind", kind: alternativeMessage(spec.kind) },
  timeoutMs: uint64(spec.timeoutMs),
  restart: restarts.toNumber(spec.restart) ?? 0,
  restartIntervalMs: spec.restartIntervalMs._tag === "Some" ? uint64(spec.restartIntervalMs.value) : undefined,
  backoff: {
    $typeName: "solti.v1.BackoffStrategy",
    jitter: jitters.toNumber(spec.backoff.jitter) ?? 0,
    firstMs: uint64(spec.backoff.firstMs),
    maxMs: uint64(spec.backoff.maxMs),
    factor: spec.backoff.factor
  },
  admission: admissions.toNumber(spec.admission) ?? 0,
  labels: spec.labels
})

const exitCodeMessage = (exitCode: Option.Option<number>): number | undefined =>
  exitCode._tag === "Some" ? int32(exitCode.value) : undefined

/**
 * The message of a task. It always has one: what protobuf has no room for becomes what is nearest to it. Enum names
 * that have no number are 0 (`…_UNSPECIFIED`), as the server says it (contract 5.6), kinds that are not known are left
 * out, numbers that are out of range are the least or the greatest.
 *
 * @since 0.1.0
 * @category encoding
 */
export const encodeTask = ({ metadata, spec, status }: Task): Pb.TaskData => ({
  $typeName: "solti.v1.TaskData",
  metadata: {
    $typeName: "solti.v1.ObjectMeta",
    id: metadata.id,
    createdAt: int64(metadata.createdAt),
    updatedAt: int64(metadata.updatedAt),
    resourceVersion: uint64(metadata.resourceVersion)
  },
  spec: specMessage(spec),
  status: {
    $typeName: "solti.v1.TaskStatusInfo",
    phase: statuses.toNumber(status.phase) ?? 0,
    attempt: uint32(status.attempt),
    error: Option.getOrUndefined(status.error),
    exitCode: exitCodeMessage(status.exitCode)
  }
})

/**
 * The message of a run. It always has one, in the way of {@link encodeTask}.
 *
 * @since 0.1.0
 * @category encoding
 */
export const encodeRun = (run: TaskRun): Pb.TaskRunInfo => ({
  $typeName: "solti.v1.TaskRunInfo",
  attempt: uint32(run.attempt),
  status: statuses.toNumber(run.status) ?? 0,
  startedAt: int64(run.startedAt),
  finishedAt: run.finishedAt._tag === "Some" ? int64(run.finishedAt.value) : undefined,
  error: Option.getOrUndefined(run.error),
  exitCode: exitCodeMessage(run.exitCode)
})

/**
 * The message of an event of a log (contract 6.2). It always has one, in the way of {@link encodeTask}.
 *
 * @since 0.1.0
 * @category encoding
 */
export const encodeEvent: (event: LogEvent) => OutputEventProto = events.encodeEvent

/**
 * The message of a spec that is about to be sent. The rules of the server are not looked at here (see `Rules`), only
 * whether a message says exactly what the spec says. On the left is the first member that none can: a kind or the name
 * of an enum value that this SDK does not know, an integer that is not an unsigned 64-bit one, a text with lone
 * surrogates, which would arrive as another text.
 *
 * @since 0.1.0
 * @category encoding
 */
export const encodeSpec = (spec: CreateSpec): Either.Either<Pb.CreateSpec, InputIssue> => {
  const issue = specIssue(spec)
  return issue === undefined ? Either.right(specMessage(spec)) : Either.left(issue)
}

const toKeyValue = ({ key, value }: Pb.KeyValue): KeyValue => ({ key, value })

const toScript = ({ args, body, runtime }: Pb.ScriptMode): Rules.ScriptDraft => {
  switch (runtime.case) {
    case "wellKnown":
      return { wellKnown: runtimes.fromNumber(runtime.value), body, args }
    case "custom":
      return { custom: { command: runtime.value.command, flag: runtime.value.flag }, body, args }
    default:
      return { body, args }
  }
}

const toSubprocess = (task: Pb.SubprocessTask): Rules.SubprocessDraft => {
  const { failOnNonZero, mode } = task
  const env = task.env.map(toKeyValue)
  const cwd = Option.fromNullable(task.cwd)
  switch (mode.case) {
    case "command":
      return { env, cwd, failOnNonZero, command: { command: mode.value.command, args: mode.value.args } }
    case "script":
      return { env, cwd, failOnNonZero, script: toScript(mode.value) }
    default:
      return { env, cwd, failOnNonZero }
  }
}

const toKind = ({ kind }: Pb.TaskKind): Rules.KindDraft => {
  switch (kind.case) {
    case "subprocess":
      return { subprocess: toSubprocess(kind.value) }
    case "wasm": {
      const { args, env, module } = kind.value
      return { wasm: { module, args, env: env.map(toKeyValue) } }
    }
    case "container": {
      const { args, command, env, image } = kind.value
      return { container: { image, command, args, env: env.map(toKeyValue) } }
    }
    default:
      return {}
  }
}

const toBackoff = ({ factor, firstMs, jitter, maxMs }: Pb.BackoffStrategy): BackoffStrategy => ({
  jitter: jitters.fromNumber(jitter),
  firstMs,
  maxMs,
  factor
})

/**
 * What a message says of a spec, for the rules of the server (see `Rules.parse`): what is absent stays absent, numbers
 * of enums that are not known stay numbers. Fields that are not known are left out (contract 3.5).
 *
 * @since 0.1.0
 * @category decoding
 */
export const decodeSpec = (message: Pb.CreateSpec): Rules.SpecDraft => ({
  slot: message.slot,
  kind: message.kind === undefined ? undefined : toKind(message.kind),
  timeoutMs: message.timeoutMs,
  restart: restarts.fromNumber(message.restart),
  restartIntervalMs: Option.fromNullable(message.restartIntervalMs),
  backoff: message.backoff === undefined ? undefined : toBackoff(message.backoff),
  admission: admissions.fromNumber(message.admission),
  labels: message.labels
})

// Drafts that come from here have only the members that were set.
const isTaskKind = (draft: Rules.KindDraft): draft is TaskKind => {
  const { container, subprocess, wasm } = draft
  if (subprocess === undefined) return wasm !== undefined || container !== undefined
  const { command, script } = subprocess
  return command !== undefined || script?.wellKnown !== undefined || script?.custom !== undefined
}

const missing = (path: string, expected: string): Either.Either<never, Misfit> =>
  Either.left({ path, expected: `${expected}, but the member is missing` })

/**
 * A task as a server says it. What a later version may say otherwise is no failure: a kind, a mode or a runtime that is
 * not known makes the kind `{ unknown: {} }`, an enum value that is not known stays a number. On the left is what every
 * server must say and this one does not: metadata, spec with its back-off, status (contract 5.5).
 *
 * @since 0.1.0
 * @category decoding
 */
export const decodeTask = ({ metadata, spec, status }: Pb.TaskData): Either.Either<Task, Misfit> => {
  if (metadata === undefined) return missing("metadata", "ObjectMeta")
  if (spec === undefined) return missing("spec", "CreateSpec")
  const draft = decodeSpec(spec)
  const { backoff, kind = {} } = draft
  if (backoff === undefined) return missing("spec.backoff", "BackoffStrategy")
  if (status === undefined) return missing("status", "TaskStatusInfo")
  return Either.right({
    metadata: {
      id: TaskId.make(metadata.id),
      createdAt: metadata.createdAt,
      updatedAt: metadata.updatedAt,
      resourceVersion: metadata.resourceVersion
    },
    spec: { ...draft, kind: isTaskKind(kind) ? kind : { unknown: {} }, backoff },
    status: {
      phase: statuses.fromNumber(status.phase),
      attempt: status.attempt,
      error: Option.fromNullable(status.error),
      exitCode: Option.fromNullable(status.exitCode)
    }
  })
}

/**
 * A run as a server says it.
 *
 * @since 0.1.0
 * @category decoding
 */
export const decodeRun = (message: Pb.TaskRunInfo): TaskRun => ({
  attempt: message.attempt,
  status: statuses.fromNumber(message.status),
  startedAt: message.startedAt,
  finishedAt: Option.fromNullable(message.finishedAt),
  error: Option.fromNullable(message.error),
  exitCode: Option.fromNullable(message.exitCode)
})

/**
 * An event of a log, times in Unix milliseconds; `undefined` is an event of a later server, to be skipped. A line that is
 * no UTF-8 has U+FFFD where it is none; integers beyond 2^53 are the nearest number, as over HTTP.
 *
 * @since 0.1.0
 * @category decoding
 */
export const decodeEvent: (message: OutputEventProto) => LogEvent | undefined = events.decodeEvent
