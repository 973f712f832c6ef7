/**
 * Builders of task specs, with the defaults of the server's own model (contract 5.4).
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Encoding from "effect/Encoding"
import * as Option from "effect/Option"
import type {
  AdmissionStrategy,
  BackoffStrategy,
  CreateSpec,
  JitterStrategy,
  KeyValue,
  RestartStrategy,
  ScriptMode,
  TaskKind
} from "../../schemas/solti/Tasks.js"

/**
 * An interpreter: one that servers know by name, or any other command. Stock servers ignore the flag of a custom one.
 *
 * @since 0.1.0
 * @category models
 */
export type Runtime = "bash" | "python" | "node" | { readonly command: string; readonly flag?: string | undefined }

/**
 * Delays after failures: `first` (1 s), times `factor` (2) each time, up to `max` (30 s), spread by `jitter` (full).
 *
 * @since 0.1.0
 * @category models
 */
export interface BackoffOptions {
  readonly jitter?: "none" | "full" | "equal" | "decorrelated" | undefined
  readonly first?: Duration.DurationInput | undefined
  readonly max?: Duration.DurationInput | undefined
  readonly factor?: number | undefined
}

/**
 * What every task has.
 *
 * @since 0.1.0
 * @category models
 */
export interface SpecOptions {
  /** The lane: at most one task of a slot runs at a time. 1–64 of `A-Z a-z 0-9 . _ -`. */
  readonly slot: string
  /** Hard limit of one attempt, rounded up to whole ms. */
  readonly timeout: Duration.DurationInput
  /** Default `never`. */
  readonly restart?: "never" | "onFailure" | "always" | undefined
  /** Pause between successful attempts of `always`. */
  readonly restartInterval?: Duration.DurationInput | undefined
  readonly backoff?: BackoffOptions | undefined
  /** What happens when the slot is busy. Default `dropIfRunning`. */
  readonly admission?: "dropIfRunning" | "replace" | "queue" | undefined
  readonly labels?: Readonly<Record<string, string>> | undefined
}

/**
 * What every process has beside {@link SpecOptions}.
 *
 * @since 0.1.0
 * @category models
 */
export interface ProcessOptions extends SpecOptions {
  /** Extra environment. */
  readonly env?: Readonly<Record<string, string>> | undefined
  /** Working directory; the server's own when left out. */
  readonly cwd?: string | undefined
  /** Whether a non-zero exit or a signal fails the attempt. Default true (the wire's own default is false). */
  readonly failOnNonZero?: boolean | undefined
}

const maxUInt64 = 18446744073709551615n

/** Rounded up; what is no duration gives 0, which validation names. */
const toMs = (input: Duration.DurationInput): bigint =>
  Option.match(Duration.decodeUnknown(input), {
    onNone: () => 0n,
    onSome: (duration) => {
      const ms = Duration.toMillis(duration)
      return ms >= Number(maxUInt64) ? maxUInt64 : BigInt(Math.ceil(ms))
    }
  })

/**
 * An environment from a record, in the record's order.
 *
 * @since 0.1.0
 * @category constructors
 */
export const envFromRecord = (env: Readonly<Record<string, string>>): ReadonlyArray<KeyValue> =>
  Object.entries(env).map(([key, value]) => ({ key, value }))

const restarts = {
  never: "RESTART_STRATEGY_NEVER",
  onFailure: "RESTART_STRATEGY_ON_FAILURE",
  always: "RESTART_STRATEGY_ALWAYS"
} as const satisfies Record<string, RestartStrategy>

const admissions = {
  dropIfRunning: "ADMISSION_STRATEGY_DROP_IF_RUNNING",
  replace: "ADMISSION_STRATEGY_REPLACE",
  queue: "ADMISSION_STRATEGY_QUEUE"
} as const satisfies Record<string, AdmissionStrategy>

const jitters = {
  none: "JITTER_STRATEGY_NONE",
  full: "JITTER_STRATEGY_FULL",
  equal: "JITTER_STRATEGY_EQUAL",
  decorrelated: "JITTER_STRATEGY_DECORRELATED"
} as const satisfies Record<string, JitterStrategy>

const runtimes = {
  bash: "SCRIPT_RUNTIME_BASH",
  python: "SCRIPT_RUNTIME_PYTHON",
  node: "SCRIPT_RUNTIME_NODE"
} as const

const backoffOf = (options: BackoffOptions = {}): BackoffStrategy => ({
  jitter: jitters[options.jitter ?? "full"],
  firstMs: toMs(options.first ?? "1 second"),
  maxMs: toMs(options.max ?? "30 seconds"),
  factor: options.factor ?? 2
})

/**
 * A spec around any kind of task.
 *
 * @since 0.1.0
 * @category constructors
 */
export const spec = (kind: TaskKind, options: SpecOptions): CreateSpec => ({
  slot: options.slot,
  kind,
  timeoutMs: toMs(options.timeout),
  restart: restarts[options.restart ?? "never"],
  restartIntervalMs: Option.map(Option.fromNullable(options.restartInterval), toMs),
  backoff: backoffOf(options.backoff),
  admission: admissions[options.admission ?? "dropIfRunning"],
  labels: options.labels ?? {}
})

const processOf = (options: ProcessOptions) => ({
  env: envFromRecord(options.env ?? {}),
  cwd: Option.fromNullable(options.cwd),
  failOnNonZero: options.failOnNonZero ?? true
})

/**
 * A process run directly.
 *
 * @example
 * ```ts
 * import * as Solti from "effect-switchyard/solti"
 *
 * export const hash = Solti.command("sha256sum", ["package.json"], { slot: "hash", timeout: "30 seconds" })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const command = (command: string, args: ReadonlyArray<string>, options: ProcessOptions): CreateSpec =>
  spec({ subprocess: { ...processOf(options), command: { command, args } } }, options)

const scriptMode = (runtime: Runtime, text: string, args: ReadonlyArray<string>): ScriptMode => {
  const body = Encoding.encodeBase64(text)
  return typeof runtime === "string"
    ? { wellKnown: runtimes[runtime], body, args }
    // The flag is required on the wire although stock servers run scripts from a file and ignore it.
    : { custom: { command: runtime.command, flag: runtime.flag ?? "-c" }, body, args }
}

/**
 * A script run through an interpreter, from its text (UTF-8, at most 2 MiB; about 1.5 MiB over HTTP to a 0.0.2 server).
 *
 * @example
 * ```ts
 * import * as Solti from "effect-switchyard/solti"
 *
 * export const greet = Solti.script("bash", "echo hello $1", { slot: "greet", timeout: "5 seconds", args: ["world"] })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const script = (
  runtime: Runtime,
  text: string,
  options: ProcessOptions & { readonly args?: ReadonlyArray<string> | undefined }
): CreateSpec =>
  spec({ subprocess: { ...processOf(options), script: scriptMode(runtime, text, options.args ?? []) } }, options)

/**
 * The text of a script task; `None` when the body is not base64.
 *
 * @since 0.1.0
 * @category conversions
 */
export const scriptText = (mode: ScriptMode): Option.Option<string> =>
  Option.getRight(Encoding.decodeBase64String(mode.body))

/**
 * A WebAssembly module. Stock 0.0.2 servers answer `Internal`: they have no runner for it.
 *
 * @since 0.1.0
 * @category constructors
 */
export const wasm = (
  module: string,
  args: ReadonlyArray<string>,
  options: SpecOptions & Pick<ProcessOptions, "env">
): CreateSpec => spec({ wasm: { module, args, env: envFromRecord(options.env ?? {}) } }, options)

/**
 * A container. `command` empty is the image's own. Stock 0.0.2 servers answer `Internal`: they have no runner for it.
 *
 * @since 0.1.0
 * @category constructors
 */
export const container = (
  image: string,
  options: SpecOptions & Pick<ProcessOptions, "env"> & {
    readonly command?: ReadonlyArray<string> | undefined
    readonly args?: ReadonlyArray<string> | undefined
  }
): CreateSpec =>
  spec({
    container: {
      image,
      command: options.command ?? [],
      args: options.args ?? [],
      env: envFromRecord(options.env ?? {})
    }
  }, options)
