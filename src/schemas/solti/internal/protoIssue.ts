/**
 * What no message can say of a spec.
 */
import type { InputIssue } from "../../core/Errors.js"
import type { BackoffStrategy, CreateSpec, KeyValue, ScriptMode, SubprocessTask, TaskKind } from "../Tasks.js"
import { admissions, jitters, maxUInt64, restarts, runtimes } from "./protoNumbers.js"

const lone = /[\ud800-\udfff]/u

const illFormed = (path: string): InputIssue => ({ path, message: "must be well-formed Unicode" })

const text = (path: string, value: string): InputIssue | undefined => lone.test(value) ? illFormed(path) : undefined

const texts = (path: string, values: ReadonlyArray<string>): InputIssue | undefined => {
  const index = values.findIndex((value) => lone.test(value))
  return index === -1 ? undefined : illFormed(`${path}.${index}`)
}

const environment = (path: string, entries: ReadonlyArray<KeyValue>): InputIssue | undefined => {
  const index = entries.findIndex(({ key, value }) => lone.test(key) || lone.test(value))
  const entry = entries[index]
  return entry === undefined ? undefined : illFormed(`${path}.${index}.${lone.test(entry.key) ? "key" : "value"}`)
}

const labelTexts = (labels: Readonly<Record<string, string>>): InputIssue | undefined => {
  for (const [name, value] of Object.entries(labels)) {
    // A name that is not text is none to show.
    if (lone.test(name)) return illFormed("spec.labels")
    if (lone.test(value)) return illFormed(`spec.labels.${name}`)
  }
  return undefined
}

const unsigned = (path: string, value: bigint): InputIssue | undefined =>
  value < 0n || value > maxUInt64 ? { path, message: "must be an unsigned 64-bit integer" } : undefined

const numbered = <A>(
  path: string,
  schema: { readonly known: ReadonlyArray<string>; readonly toNumber: (value: A) => number | undefined },
  value: A
): InputIssue | undefined =>
  schema.toNumber(value) === undefined
    ? { path, message: `must be one of ${schema.known.join(", ")}, or the 32-bit number of a later value` }
    : undefined

const scriptIssue = (path: string, script: ScriptMode): InputIssue | undefined =>
  ("custom" in script
    ? text(`${path}.custom.command`, script.custom.command) ?? text(`${path}.custom.flag`, script.custom.flag)
    : numbered(`${path}.wellKnown`, runtimes, script.wellKnown)) ??
    text(`${path}.body`, script.body) ??
    texts(`${path}.args`, script.args)

const subprocessIssue = (path: string, task: SubprocessTask): InputIssue | undefined =>
  ("command" in task
    ? text(`${path}.command.command`, task.command.command) ?? texts(`${path}.command.args`, task.command.args)
    : scriptIssue(`${path}.script`, task.script)) ??
    environment(`${path}.env`, task.env) ??
    (task.cwd._tag === "Some" ? text(`${path}.cwd`, task.cwd.value) : undefined)

const kindIssue = (path: string, kind: TaskKind): InputIssue | undefined => {
  if ("subprocess" in kind) return subprocessIssue(`${path}.subprocess`, kind.subprocess)
  if ("wasm" in kind) {
    const { args, env, module } = kind.wasm
    return text(`${path}.wasm.module`, module) ?? texts(`${path}.wasm.args`, args) ??
      environment(`${path}.wasm.env`, env)
  }
  if ("unknown" in kind) return { path, message: "must be one of subprocess, wasm, container" }
  const { args, command, env, image } = kind.container
  return text(`${path}.container.image`, image) ??
    texts(`${path}.container.command`, command) ??
    texts(`${path}.container.args`, args) ??
    environment(`${path}.container.env`, env)
}

const backoffIssue = (path: string, backoff: BackoffStrategy): InputIssue | undefined =>
  numbered(`${path}.jitter`, jitters, backoff.jitter) ??
    unsigned(`${path}.firstMs`, backoff.firstMs) ??
    unsigned(`${path}.maxMs`, backoff.maxMs)

/** The first member that does not survive as it is; nothing if there is none. */
export const specIssue = (spec: CreateSpec): InputIssue | undefined =>
  text("spec.slot", spec.slot) ??
    kindIssue("spec.kind", spec.kind) ??
    unsigned("spec.timeoutMs", spec.timeoutMs) ??
    numbered("spec.restart", restarts, spec.restart) ??
    (spec.restartIntervalMs._tag === "Some"
      ? unsigned("spec.restartIntervalMs", spec.restartIntervalMs.value)
      : undefined) ??
    backoffIssue("spec.backoff", spec.backoff) ??
    numbered("spec.admission", admissions, spec.admission) ??
    labelTexts(spec.labels)
