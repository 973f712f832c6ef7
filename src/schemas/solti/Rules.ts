/**
 * The validation rules of a task spec, in the order and with the texts of the server (contract 5.7). The server applies
 * them to what it has decoded, the client to what it is about to send.
 *
 * @since 0.1.0
 */
import * as Either from "effect/Either"
import * as Option from "effect/Option"
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
  ScriptRuntime,
  type TaskKind,
  type WasmTask
} from "./Tasks.js"

const maxScriptBytes = 2 * 1024 * 1024

const maxSlotBytes = 64

/**
 * A broken rule: its number in contract 5.7, where (`spec.backoff.firstMs`), and the server's text.
 *
 * @since 0.1.0
 * @category models
 */
export interface Issue {
  readonly rule: number
  readonly path: string
  readonly message: string
}

/**
 * A script before the rules: no runtime, or both, may be set.
 *
 * @since 0.1.0
 * @category models
 */
export interface ScriptDraft {
  readonly wellKnown?: ScriptRuntime | undefined
  readonly custom?: CustomRuntime | undefined
  readonly body: string
  readonly args: ReadonlyArray<string>
}

/**
 * A subprocess before the rules: it may have no mode.
 *
 * @since 0.1.0
 * @category models
 */
export interface SubprocessDraft {
  readonly command?: CommandMode | undefined
  readonly script?: ScriptDraft | undefined
  readonly env: ReadonlyArray<KeyValue>
  readonly cwd: Option.Option<string>
  readonly failOnNonZero: boolean
}

/**
 * A kind before the rules: it may have no alternative.
 *
 * @since 0.1.0
 * @category models
 */
export interface KindDraft {
  readonly subprocess?: SubprocessDraft | undefined
  readonly wasm?: WasmTask | undefined
  readonly container?: ContainerTask | undefined
  readonly unknown?: unknown
}

/**
 * A spec as a message of any transport has it, before the rules: whatever may be missing on the wire may be missing
 * here, and has its default otherwise. Every `CreateSpec` is a draft.
 *
 * @since 0.1.0
 * @category models
 */
export interface SpecDraft {
  readonly slot: string
  readonly kind?: KindDraft | undefined
  readonly timeoutMs: bigint
  readonly restart: RestartStrategy
  readonly restartIntervalMs: Option.Option<bigint>
  readonly backoff?: BackoffStrategy | undefined
  readonly admission: AdmissionStrategy
  readonly labels: Readonly<Record<string, string>>
}

/** Yields the broken rules; the value returned stands for what was checked. */
type Check<A> = Generator<Issue, A, void>

const blank = /^\p{White_Space}*$/u

/**
 * Whether a text has nothing but white space (Unicode), as the server's trimming sees it.
 *
 * @since 0.1.0
 * @category guards
 */
export const isBlank = (text: string): boolean => blank.test(text)

const maxUInt64 = 18446744073709551615n

const model = (message: string): string => `invalid model: ${message}`

function* positive(rule: number, path: string, name: string, value: bigint): Check<void> {
  if (value === 0n) {
    yield { rule, path, message: `${name} cannot be zero` }
  } else if (value < 0n || value > maxUInt64) {
    yield { rule, path, message: `${name} must be an unsigned 64-bit integer` }
  }
}

function* strategy<A>(
  rule: number,
  path: string,
  name: string,
  schema: { readonly is: (value: unknown) => boolean; readonly known: ReadonlyArray<A> },
  value: A
): Check<void> {
  if (!schema.is(value)) {
    yield { rule, path, message: `invalid ${name} strategy` }
  } else if (value === schema.known[0]) {
    yield { rule, path, message: `${name} strategy not specified` }
  }
}

/** The value of each base64 digit by its character code, 64 for everything else. */
const digits = new Uint8Array(128).fill(64)
for (const [value, digit] of [..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"].entries()) {
  digits[digit.charCodeAt(0)] = value
}

const digitAt = (text: string, at: number): number => digits[text.charCodeAt(at)] ?? 64

/** Decodes padded standard base64; a string says what is wrong with it. */
const decodeBase64 = (text: string): Uint8Array | string => {
  const length = text.endsWith("==") ? text.length - 2 : text.endsWith("=") ? text.length - 1 : text.length
  const bytes = new Uint8Array(Math.floor(length * 3 / 4))
  let written = 0
  let bits = 0
  for (let at = 0; at < length; at++) {
    const digit = digitAt(text, at)
    if (digit === 64) return `Invalid symbol ${text.codePointAt(at) ?? 0}, offset ${at}.`
    bits = (bits << 6 | digit) & 0xffffff
    if (at % 4 === 0) continue
    bytes[written++] = bits >> 2 * (3 - at % 4) & 0xff
  }
  if (text.length % 4 !== 0) return "Invalid padding"
  const unused = (1 << 2 * (text.length - length)) - 1
  return (bits & unused) === 0 ? bytes : `Invalid last symbol ${text.charCodeAt(length - 1)}, offset ${length - 1}.`
}

const utf8 = new TextDecoder("utf-8", { fatal: true })

function* scriptBody(path: string, body: string): Check<void> {
  if (body === "") return yield { rule: 9, path, message: model("script body cannot be empty") }
  const bytes = decodeBase64(body)
  if (typeof bytes === "string") return yield { rule: 10, path, message: model(`invalid base64 body: ${bytes}`) }
  if (bytes.length > maxScriptBytes) {
    const message = model(`script body is ${bytes.length} bytes (decoded), maximum allowed is ${maxScriptBytes} bytes`)
    return yield { rule: 11, path, message }
  }
  try {
    utf8.decode(bytes)
  } catch {
    yield { rule: 12, path, message: model("script body is not valid UTF-8") }
  }
}

function* subprocess(draft: SubprocessDraft): Check<TaskKind> {
  const path = "spec.kind.subprocess"
  const { command, cwd, env, failOnNonZero, script } = draft
  const common = { env, cwd, failOnNonZero }
  if (command !== undefined) {
    if (isBlank(command.command)) {
      yield { rule: 8, path: `${path}.command.command`, message: model("subprocess command cannot be empty") }
    }
    return { subprocess: { ...common, command } }
  }
  if (script === undefined) {
    yield { rule: 5, path, message: "missing subprocess mode" }
    return { unknown: {} }
  }
  const { args, body, custom, wellKnown } = script
  if (wellKnown !== undefined) {
    if (!ScriptRuntime.is(wellKnown) || wellKnown === "SCRIPT_RUNTIME_UNSPECIFIED") {
      yield { rule: 7, path: `${path}.script.wellKnown`, message: "unknown or unspecified script runtime" }
    }
  } else if (custom === undefined) {
    yield { rule: 6, path: `${path}.script`, message: "missing script runtime" }
  }
  yield* scriptBody(`${path}.script.body`, body)
  if (wellKnown !== undefined) return { subprocess: { ...common, script: { wellKnown, body, args } } }
  if (custom === undefined) return { unknown: {} }
  if (isBlank(custom.command)) {
    const message = model("custom runtime command cannot be empty")
    yield { rule: 13, path: `${path}.script.custom.command`, message }
  }
  if (isBlank(custom.flag)) {
    yield { rule: 13, path: `${path}.script.custom.flag`, message: model("custom runtime flag cannot be empty") }
  }
  return { subprocess: { ...common, script: { custom, body, args } } }
}

function* kindOf(draft: KindDraft | undefined): Check<TaskKind> {
  if (draft === undefined) {
    yield { rule: 3, path: "spec.kind", message: "missing task kind" }
    return { unknown: {} }
  }
  const { container, wasm } = draft
  if (draft.subprocess !== undefined) return yield* subprocess(draft.subprocess)
  if (wasm !== undefined) {
    if (isBlank(wasm.module)) yield { rule: 14, path: "spec.kind.wasm.module", message: "wasm module path is empty" }
    return { wasm }
  }
  if (container !== undefined) {
    if (isBlank(container.image)) {
      yield { rule: 14, path: "spec.kind.container.image", message: "container image is empty" }
    }
    return { container }
  }
  yield { rule: 4, path: "spec.kind", message: "missing task kind variant" }
  return { unknown: {} }
}

const notSpecified: BackoffStrategy = { jitter: "JITTER_STRATEGY_UNSPECIFIED", firstMs: 0n, maxMs: 0n, factor: 0 }

function* backoffOf(backoff: BackoffStrategy): Check<void> {
  const path = "spec.backoff"
  yield* strategy(18, `${path}.jitter`, "jitter", JitterStrategy, backoff.jitter)
  yield* positive(19, `${path}.firstMs`, "backoff first_ms", backoff.firstMs)
  yield* positive(19, `${path}.maxMs`, "backoff max_ms", backoff.maxMs)
  if (!(backoff.factor > 0 && backoff.factor < Infinity)) {
    yield { rule: 19, path: `${path}.factor`, message: "backoff factor must be a finite positive number" }
  }
}

function* slotName(slot: string): Check<void> {
  const path = "spec.slot"
  const position = slot.search(/[^A-Za-z0-9._-]/)
  if (position !== -1) {
    const [byte = 0] = new TextEncoder().encode(String.fromCodePoint(slot.codePointAt(position) ?? 0))
    const message = `slot contains forbidden byte 0x${byte.toString(16).padStart(2, "0")} at position ${position}`
    yield { rule: 21, path, message: model(`${message} (allowed: [A-Za-z0-9._-])`) }
  } else if (slot.length > maxSlotBytes) {
    yield { rule: 21, path, message: model(`slot length ${slot.length} exceeds max ${maxSlotBytes}`) }
  } else if (slot === "." || slot === "..") {
    yield { rule: 21, path, message: model("slot cannot be '.' or '..'") }
  }
}

function* spec(draft: SpecDraft): Check<CreateSpec> {
  const { admission, backoff, labels, restart, slot, timeoutMs } = draft
  const blankSlot = isBlank(slot)
  if (blankSlot) yield { rule: 2, path: "spec.slot", message: "slot cannot be empty" }
  const kind = yield* kindOf(draft.kind)
  yield* strategy(15, "spec.restart", "restart", RestartStrategy, restart)
  if (backoff === undefined) yield { rule: 16, path: "spec.backoff", message: "missing backoff strategy" }
  yield* positive(17, "spec.timeoutMs", "timeout_ms", timeoutMs)
  if (backoff !== undefined) yield* backoffOf(backoff)
  yield* strategy(20, "spec.admission", "admission", AdmissionStrategy, admission)
  if (!blankSlot) yield* slotName(slot)
  if (backoff !== undefined && backoff.maxMs < backoff.firstMs) {
    yield { rule: 21, path: "spec.backoff.maxMs", message: model("backoff max_ms must be >= first_ms") }
  }
  if (backoff !== undefined && backoff.factor < 1) {
    yield { rule: 21, path: "spec.backoff.factor", message: model("backoff factor must be finite and >= 1.0") }
  }
  // The interval belongs to ALWAYS; with the other policies the server forgets it (contract 5.2).
  const restartIntervalMs = restart === "RESTART_STRATEGY_ALWAYS" ? draft.restartIntervalMs : Option.none<bigint>()
  return { slot, kind, timeoutMs, restart, restartIntervalMs, backoff: backoff ?? notSpecified, admission, labels }
}

/**
 * All broken rules, in order. Rules that only make sense once another one holds are not reported beside it.
 *
 * @since 0.1.0
 * @category validation
 */
export const check = (draft: SpecDraft): ReadonlyArray<Issue> => [...spec(draft)]

/**
 * The first broken rule, as the server reports it, or the complete spec as the server keeps it: `restartIntervalMs` only
 * with `RESTART_STRATEGY_ALWAYS`.
 *
 * @since 0.1.0
 * @category validation
 */
export const parse = (draft: SpecDraft): Either.Either<CreateSpec, Issue> => {
  const first = spec(draft).next()
  return first.done === true ? Either.right(first.value) : Either.left(first.value)
}
