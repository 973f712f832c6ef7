/**
 * Tasks and their attempts, for people and for programs.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Solti from "../../solti.js"
import * as Durations from "../core/Durations.js"
import type { Column } from "../core/Table.js"
import { pairs } from "../core/Table.js"

const visible = Solti.escapeControls

const orDash = (value: Option.Option<string | number>): string =>
  Option.match(value, { onNone: () => "-", onSome: (value) => visible(String(value)) })

const instant = (ms: bigint): string =>
  Option.match(DateTime.make(Number(ms)), { onNone: () => String(ms), onSome: DateTime.formatIso })

const short = (value: string | number, prefix: string): string =>
  visible(String(value).replace(prefix, "").toLowerCase().replaceAll("_", "-"))

const scriptSize = (script: Solti.ScriptMode): string =>
  Option.match(Solti.scriptText(script), { onNone: () => "", onSome: (text) => ` of ${text.length} characters` })

const quoted = (word: string): string => /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`

const line = (words: ReadonlyArray<string>): string => words.map((word) => visible(quoted(word))).join(" ")

/** What a task runs, in one line; never the text of a script. */
const what = (kind: Solti.TaskKind): string => {
  if ("wasm" in kind) return `wasm ${line([kind.wasm.module, ...kind.wasm.args])}`
  if ("container" in kind) {
    return `container ${line([kind.container.image, ...kind.container.command, ...kind.container.args])}`
  }
  if ("unknown" in kind) return `unknown kind ${visible(Object.keys(kind.unknown).join(", "))}`
  if ("command" in kind.subprocess) return line([kind.subprocess.command.command, ...kind.subprocess.command.args])
  const { script } = kind.subprocess
  const runtime = "custom" in script ? visible(script.custom.command) : short(script.wellKnown, "SCRIPT_RUNTIME_")
  const args = script.args.length === 0 ? "" : ` ${line(script.args)}`
  return `${runtime} script${scriptSize(script)}${args}`
}

/**
 * The environment of a task, whatever its kind.
 *
 * @since 0.1.0
 * @category accessors
 */
export const envOf = (kind: Solti.TaskKind): ReadonlyArray<Solti.KeyValue> => {
  if ("wasm" in kind) return kind.wasm.env
  if ("container" in kind) return kind.container.env
  return "unknown" in kind ? [] : kind.subprocess.env
}

/**
 * The columns of a list of tasks.
 *
 * @since 0.1.0
 * @category views
 */
export const taskColumns: ReadonlyArray<Column> = [
  { header: "ID" },
  { header: "SLOT", shrinks: true },
  { header: "PHASE" },
  { header: "ATTEMPT", align: "right" },
  { header: "EXIT", align: "right" },
  { header: "AGE", align: "right" },
  { header: "RUNS", shrinks: true }
]

/**
 * A row of a list of tasks.
 *
 * @since 0.1.0
 * @category views
 */
export const taskRow = (task: Solti.Task, now: number): ReadonlyArray<string> => [
  visible(task.metadata.id),
  visible(task.spec.slot),
  Solti.phaseName(task.status.phase),
  String(task.status.attempt),
  orDash(task.status.exitCode),
  Durations.render(now - Number(task.metadata.createdAt)),
  what(task.spec.kind)
]

/**
 * The columns of the attempts of a task.
 *
 * @since 0.1.0
 * @category views
 */
export const runColumns: ReadonlyArray<Column> = [
  { header: "ATTEMPT", align: "right" },
  { header: "STATUS" },
  { header: "EXIT", align: "right" },
  { header: "STARTED" },
  { header: "TOOK", align: "right" },
  { header: "ERROR", shrinks: true }
]

/**
 * A row of the attempts of a task.
 *
 * @since 0.1.0
 * @category views
 */
export const runRow = (run: Solti.TaskRun, now: number): ReadonlyArray<string> => [
  String(run.attempt),
  Solti.phaseName(run.status),
  orDash(run.exitCode),
  instant(run.startedAt),
  Durations.render(Option.match(run.finishedAt, { onNone: () => now, onSome: Number }) - Number(run.startedAt)),
  orDash(run.error)
]

const ms = (value: bigint): string => Durations.render(Number(value))

/**
 * A task in full, values of its environment and text of its script left out.
 *
 * @since 0.1.0
 * @category views
 */
export const details = (task: Solti.Task): Effect.Effect<ReadonlyArray<string>> =>
  Effect.map(Clock.currentTimeMillis, (now) => {
    const { metadata, spec, status } = task
    const env = envOf(spec.kind)
    const cwd = "subprocess" in spec.kind ? spec.kind.subprocess.cwd : Option.none()
    const labels = Object.entries(spec.labels)
    return pairs([
      ["id", visible(metadata.id)],
      ["phase", Solti.phaseName(status.phase)],
      ["attempt", String(status.attempt)],
      ...Option.toArray(Option.map(status.exitCode, (code) => ["exit code", String(code)] as const)),
      ...Option.toArray(Option.map(status.error, (error) => ["error", visible(error)] as const)),
      ["created", `${instant(metadata.createdAt)} (${Durations.render(now - Number(metadata.createdAt))} ago)`],
      ["updated", `${instant(metadata.updatedAt)} (${Durations.render(now - Number(metadata.updatedAt))} ago)`],
      ["runs", what(spec.kind)],
      ...Option.toArray(Option.map(cwd, (directory) => ["in", visible(directory)] as const)),
      ...(env.length === 0
        ? []
        : [["env", `${visible(env.map(({ key }) => key).join(", "))} (values hidden)`] as const]),
      ["slot", `${visible(spec.slot)} (${short(spec.admission, "ADMISSION_STRATEGY_")})`],
      ["timeout", ms(spec.timeoutMs)],
      [
        "restart",
        short(spec.restart, "RESTART_STRATEGY_") +
        Option.match(spec.restartIntervalMs, { onNone: () => "", onSome: (value) => `, every ${ms(value)}` })
      ],
      [
        "backoff",
        `${ms(spec.backoff.firstMs)} × ${spec.backoff.factor} up to ${ms(spec.backoff.maxMs)}, jitter ${
          short(spec.backoff.jitter, "JITTER_STRATEGY_")
        }`
      ],
      ...labels.map(([key, value]) => ["label", visible(`${key}=${value}`)] as const)
    ])
  })

/**
 * What stands in the place of a value that is not shown.
 *
 * @since 0.1.0
 * @category constants
 */
export const hidden = "<hidden>"

const hideEnv = (env: ReadonlyArray<Solti.KeyValue>): ReadonlyArray<Solti.KeyValue> =>
  env.map(({ key }) => ({ key, value: hidden }))

const hideKind = (kind: Solti.TaskKind): Solti.TaskKind => {
  if ("wasm" in kind) return { wasm: { ...kind.wasm, env: hideEnv(kind.wasm.env) } }
  if ("container" in kind) return { container: { ...kind.container, env: hideEnv(kind.container.env) } }
  if ("unknown" in kind) return { unknown: Object.fromEntries(Object.keys(kind.unknown).map((key) => [key, hidden])) }
  const { subprocess } = kind
  const env = hideEnv(subprocess.env)
  return "command" in subprocess
    ? { subprocess: { ...subprocess, env } }
    : { subprocess: { ...subprocess, env, script: { ...subprocess.script, body: hidden } } }
}

const encodeTask = Schema.encode(Solti.Task)

/**
 * A task as the server writes it; values of the environment and text of the script only when asked for.
 *
 * @since 0.1.0
 * @category views
 */
export const taskJson = (task: Solti.Task, secrets: boolean): Effect.Effect<unknown> =>
  Effect.orDie(encodeTask(secrets ? task : { ...task, spec: { ...task.spec, kind: hideKind(task.spec.kind) } }))

const encodeRun = Schema.encode(Solti.TaskRun)

/**
 * An attempt as the server writes it.
 *
 * @since 0.1.0
 * @category views
 */
export const runJson = (run: Solti.TaskRun): Effect.Effect<unknown> => Effect.orDie(encodeRun(run))

/** Members without a value are left out. */
const outcomeJson = (outcome: Solti.Outcome): Effect.Effect<unknown> =>
  Effect.map(Effect.forEach(outcome.runs, runJson), (runs) => ({
    taskId: outcome.taskId,
    status: outcome.status,
    phase: Option.getOrUndefined(outcome.phase),
    attempts: outcome.attempts,
    exitCode: Option.getOrUndefined(outcome.exitCode),
    error: Option.getOrUndefined(outcome.error),
    runs
  }))

/**
 * An event of a followed task: the server's own events as the server writes them, the client's with their `type`.
 *
 * @since 0.1.0
 * @category views
 */
export const eventJson = (event: Solti.Submitted | Solti.FollowEvent): Effect.Effect<unknown> => {
  if (event.type === "ended") return Effect.map(outcomeJson(event.outcome), (outcome) => ({ type: "ended", outcome }))
  return event.type === "runFinished"
    ? Effect.succeed({ ...event, exitCode: Option.getOrUndefined(event.exitCode) })
    : Effect.succeed(event)
}
