/**
 * The Solti task models as they are on the wire (proto3 JSON), members under their wire names.
 *
 * 64-bit integers are `bigint`, members that may be absent are `Option`, enums and unions keep unknown values raw.
 * Source: contract chapter 5.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { absent, defaulted, Int64, openEnum, UInt64 } from "../core/Wire.js"

/**
 * The id of a task, as the server made it: `{runner}-{slot}-{number}`.
 *
 * @since 0.1.0
 * @category schemas
 */
export const TaskId = Schema.String.pipe(Schema.brand("solti/TaskId"))

/**
 * @since 0.1.0
 * @category models
 */
export type TaskId = typeof TaskId.Type

/**
 * Phase of a task, status of a run (contract 5.6). Later names `TASK_PHASE_*` decode to these.
 *
 * @since 0.1.0
 * @category schemas
 */
export const TaskStatus = openEnum("TaskStatus", [
  "TASK_STATUS_UNSPECIFIED",
  "TASK_STATUS_PENDING",
  "TASK_STATUS_RUNNING",
  "TASK_STATUS_SUCCEEDED",
  "TASK_STATUS_FAILED",
  "TASK_STATUS_TIMEOUT",
  "TASK_STATUS_CANCELED",
  "TASK_STATUS_EXHAUSTED"
], {
  protoNumbers: true,
  synonyms: {
    TASK_PHASE_UNSPECIFIED: "TASK_STATUS_UNSPECIFIED",
    TASK_PHASE_PENDING: "TASK_STATUS_PENDING",
    TASK_PHASE_RUNNING: "TASK_STATUS_RUNNING",
    TASK_PHASE_SUCCEEDED: "TASK_STATUS_SUCCEEDED",
    TASK_PHASE_FAILED: "TASK_STATUS_FAILED",
    TASK_PHASE_TIMEOUT: "TASK_STATUS_TIMEOUT",
    TASK_PHASE_CANCELED: "TASK_STATUS_CANCELED",
    TASK_PHASE_EXHAUSTED: "TASK_STATUS_EXHAUSTED"
  }
})

/**
 * @since 0.1.0
 * @category models
 */
export type TaskStatus = typeof TaskStatus.Type

/**
 * What happens after an attempt has ended (contract 5.6, 8.3).
 *
 * @since 0.1.0
 * @category schemas
 */
export const RestartStrategy = openEnum("RestartStrategy", [
  "RESTART_STRATEGY_UNSPECIFIED",
  "RESTART_STRATEGY_NEVER",
  "RESTART_STRATEGY_ON_FAILURE",
  "RESTART_STRATEGY_ALWAYS"
], {
  protoNumbers: true,
  synonyms: {
    RESTART_POLICY_UNSPECIFIED: "RESTART_STRATEGY_UNSPECIFIED",
    RESTART_POLICY_NEVER: "RESTART_STRATEGY_NEVER",
    RESTART_POLICY_ON_FAILURE: "RESTART_STRATEGY_ON_FAILURE",
    RESTART_POLICY_ALWAYS: "RESTART_STRATEGY_ALWAYS"
  }
})

/**
 * @since 0.1.0
 * @category models
 */
export type RestartStrategy = typeof RestartStrategy.Type

/**
 * How back-off delays are spread (contract 8.4).
 *
 * @since 0.1.0
 * @category schemas
 */
export const JitterStrategy = openEnum("JitterStrategy", [
  "JITTER_STRATEGY_UNSPECIFIED",
  "JITTER_STRATEGY_NONE",
  "JITTER_STRATEGY_FULL",
  "JITTER_STRATEGY_EQUAL",
  "JITTER_STRATEGY_DECORRELATED"
], {
  protoNumbers: true,
  synonyms: {
    JITTER_POLICY_UNSPECIFIED: "JITTER_STRATEGY_UNSPECIFIED",
    JITTER_POLICY_NONE: "JITTER_STRATEGY_NONE",
    JITTER_POLICY_FULL: "JITTER_STRATEGY_FULL",
    JITTER_POLICY_EQUAL: "JITTER_STRATEGY_EQUAL",
    JITTER_POLICY_DECORRELATED: "JITTER_STRATEGY_DECORRELATED"
  }
})

/**
 * @since 0.1.0
 * @category models
 */
export type JitterStrategy = typeof JitterStrategy.Type

/**
 * What happens when the slot is busy (contract 8.2).
 *
 * @since 0.1.0
 * @category schemas
 */
export const AdmissionStrategy = openEnum("AdmissionStrategy", [
  "ADMISSION_STRATEGY_UNSPECIFIED",
  "ADMISSION_STRATEGY_DROP_IF_RUNNING",
  "ADMISSION_STRATEGY_REPLACE",
  "ADMISSION_STRATEGY_QUEUE"
], {
  protoNumbers: true,
  synonyms: {
    ADMISSION_POLICY_UNSPECIFIED: "ADMISSION_STRATEGY_UNSPECIFIED",
    ADMISSION_POLICY_DROP_IF_RUNNING: "ADMISSION_STRATEGY_DROP_IF_RUNNING",
    ADMISSION_POLICY_REPLACE: "ADMISSION_STRATEGY_REPLACE",
    ADMISSION_POLICY_QUEUE: "ADMISSION_STRATEGY_QUEUE"
  }
})

/**
 * @since 0.1.0
 * @category models
 */
export type AdmissionStrategy = typeof AdmissionStrategy.Type

/**
 * The interpreters that a server knows by name (contract 5.3).
 *
 * @since 0.1.0
 * @category schemas
 */
export const ScriptRuntime = openEnum("ScriptRuntime", [
  "SCRIPT_RUNTIME_UNSPECIFIED",
  "SCRIPT_RUNTIME_BASH",
  "SCRIPT_RUNTIME_PYTHON",
  "SCRIPT_RUNTIME_NODE"
], { protoNumbers: true })

/**
 * @since 0.1.0
 * @category models
 */
export type ScriptRuntime = typeof ScriptRuntime.Type

const Strings = defaulted(Schema.Array(Schema.String), () => [])

/**
 * One entry of an environment. Values may be secret: the SDK never prints them.
 *
 * @since 0.1.0
 * @category schemas
 */
export const KeyValue = Schema.Struct({ key: Schema.String, value: Schema.String })

/**
 * @since 0.1.0
 * @category models
 */
export interface KeyValue extends Schema.Schema.Type<typeof KeyValue> {}

const Env = defaulted(Schema.Array(KeyValue), () => [])

/**
 * Direct execution: `command` is looked up in the server's `PATH`.
 *
 * @since 0.1.0
 * @category schemas
 */
export const CommandMode = Schema.Struct({ command: Schema.String, args: Strings })

/**
 * @since 0.1.0
 * @category models
 */
export interface CommandMode extends Schema.Schema.Type<typeof CommandMode> {}

/**
 * An interpreter that the server does not know by name. The stock runner requires and ignores `flag`.
 *
 * @since 0.1.0
 * @category schemas
 */
export const CustomRuntime = Schema.Struct({ command: Schema.String, flag: Schema.String })

/**
 * @since 0.1.0
 * @category models
 */
export interface CustomRuntime extends Schema.Schema.Type<typeof CustomRuntime> {}

/**
 * A script run through an interpreter. `body` is padded standard base64 of UTF-8 text, at most 2 MiB decoded.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ScriptMode = Schema.Union(
  Schema.Struct({ wellKnown: ScriptRuntime, body: Schema.String, args: Strings }),
  Schema.Struct({ custom: CustomRuntime, body: Schema.String, args: Strings })
)

/**
 * @since 0.1.0
 * @category models
 */
export type ScriptMode = typeof ScriptMode.Type

const processFields = {
  env: Env,
  cwd: absent(Schema.String),
  failOnNonZero: defaulted(Schema.Boolean, () => false)
}

/**
 * An operating-system process: exactly one of `command` and `script`.
 *
 * With `failOnNonZero: false` (the wire's default) every exit counts as success.
 *
 * @since 0.1.0
 * @category schemas
 */
export const SubprocessTask = Schema.Union(
  Schema.Struct({ ...processFields, command: CommandMode }),
  Schema.Struct({ ...processFields, script: ScriptMode })
)

/**
 * @since 0.1.0
 * @category models
 */
export type SubprocessTask = typeof SubprocessTask.Type

/**
 * A WebAssembly module. Stock 0.0.2 servers accept the spec and answer 500: they have no runner for it.
 *
 * @since 0.1.0
 * @category schemas
 */
export const WasmTask = Schema.Struct({ module: Schema.String, args: Strings, env: Env })

/**
 * @since 0.1.0
 * @category models
 */
export interface WasmTask extends Schema.Schema.Type<typeof WasmTask> {}

/**
 * A container image. Stock 0.0.2 servers accept the spec and answer 500: they have no runner for it.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ContainerTask = Schema.Struct({ image: Schema.String, command: Strings, args: Strings, env: Env })

/**
 * @since 0.1.0
 * @category models
 */
export interface ContainerTask extends Schema.Schema.Type<typeof ContainerTask> {}

const isRecord = (u: unknown): u is Readonly<Record<string, unknown>> => typeof u === "object" && u !== null

const isKnownKind = (raw: Readonly<Record<string, unknown>>): boolean => {
  if ("wasm" in raw || "container" in raw) return true
  const subprocess = raw["subprocess"]
  return isRecord(subprocess) && ("command" in subprocess || "script" in subprocess)
}

const UnknownTaskKind = Schema.transform(
  Schema.Record({ key: Schema.String, value: Schema.Unknown }).pipe(Schema.filter((raw) => !isKnownKind(raw))),
  Schema.Struct({ unknown: Schema.Record({ key: Schema.String, value: Schema.Unknown }) }),
  { strict: true, decode: (unknown) => ({ unknown }), encode: (kind) => kind.unknown }
)

/**
 * What to run: exactly one of `subprocess`, `wasm`, `container`; a kind of a later server arrives under `unknown`.
 *
 * @since 0.1.0
 * @category schemas
 */
export const TaskKind = Schema.Union(
  Schema.Struct({ subprocess: SubprocessTask }),
  Schema.Struct({ wasm: WasmTask }),
  Schema.Struct({ container: ContainerTask }),
  UnknownTaskKind
)

/**
 * @since 0.1.0
 * @category models
 */
export type TaskKind = typeof TaskKind.Type

/**
 * Delays after failed attempts, in milliseconds (contract 5.4, 8.4).
 *
 * @since 0.1.0
 * @category schemas
 */
export const BackoffStrategy = Schema.Struct({
  jitter: JitterStrategy,
  firstMs: UInt64,
  maxMs: UInt64,
  factor: Schema.Number
})

/**
 * @since 0.1.0
 * @category models
 */
export interface BackoffStrategy extends Schema.Schema.Type<typeof BackoffStrategy> {}

/**
 * Everything that a submitter says about a task (contract 5.2). Use the builders `command`, `script`, … to make one.
 *
 * @since 0.1.0
 * @category schemas
 */
export const CreateSpec = Schema.Struct({
  slot: Schema.String,
  kind: TaskKind,
  timeoutMs: UInt64,
  restart: RestartStrategy,
  restartIntervalMs: absent(UInt64),
  backoff: BackoffStrategy,
  admission: AdmissionStrategy,
  labels: defaulted(Schema.Record({ key: Schema.String, value: Schema.String }), () => ({}))
})

/**
 * @since 0.1.0
 * @category models
 */
export interface CreateSpec extends Schema.Schema.Type<typeof CreateSpec> {}

/**
 * Identity and times of a task; times in Unix milliseconds.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ObjectMeta = Schema.Struct({
  id: TaskId,
  createdAt: Int64,
  updatedAt: Int64,
  resourceVersion: UInt64
})

/**
 * @since 0.1.0
 * @category models
 */
export interface ObjectMeta extends Schema.Schema.Type<typeof ObjectMeta> {}

/**
 * Where a task stands. `attempt` is 0 before the first start; a success carries no exit code.
 *
 * @since 0.1.0
 * @category schemas
 */
export const TaskStatusInfo = Schema.Struct({
  phase: TaskStatus,
  attempt: Schema.Number,
  error: absent(Schema.String),
  exitCode: absent(Schema.Number)
})

/**
 * @since 0.1.0
 * @category models
 */
export interface TaskStatusInfo extends Schema.Schema.Type<typeof TaskStatusInfo> {}

/**
 * A task (`TaskData` of the contract). It is secret-bearing: `env` and script bodies come back in clear text.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Task = Schema.Struct({ metadata: ObjectMeta, spec: CreateSpec, status: TaskStatusInfo })

/**
 * @since 0.1.0
 * @category models
 */
export interface Task extends Schema.Schema.Type<typeof Task> {}

/**
 * One attempt of a task (`TaskRunInfo`); times in Unix milliseconds. `finishedAt` is absent while it runs.
 *
 * @since 0.1.0
 * @category schemas
 */
export const TaskRun = Schema.Struct({
  attempt: Schema.Number,
  status: TaskStatus,
  startedAt: Int64,
  finishedAt: absent(Int64),
  error: absent(Schema.String),
  exitCode: absent(Schema.Number)
})

/**
 * @since 0.1.0
 * @category models
 */
export interface TaskRun extends Schema.Schema.Type<typeof TaskRun> {}

/**
 * One page of a list. In 0.0.2 `total` is the number of tasks in this page, later the number of all matches.
 *
 * @since 0.1.0
 * @category schemas
 */
export const TaskPage = Schema.Struct({
  tasks: Schema.Array(Task),
  total: Schema.Number
})

/**
 * @since 0.1.0
 * @category models
 */
export interface TaskPage extends Schema.Schema.Type<typeof TaskPage> {}
