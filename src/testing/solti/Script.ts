/**
 * What a scripted task does in place of a process: what it writes and when, how long it takes, how it ends.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import type { TaskId } from "../../schemas/solti/Tasks.js"
import type { CreateSpec } from "../../schemas/solti/Tasks.js"

/**
 * Something that a process writes to one of its pipes, `after` a pause behind what it wrote before.
 *
 * @since 0.1.0
 * @category models
 */
export interface Write {
  readonly stream: "stdout" | "stderr"
  readonly bytes: Uint8Array
  readonly after: Duration.DurationInput
}

/**
 * What a process writes, in order; plain text is a line on stdout.
 *
 * @since 0.1.0
 * @category models
 */
export type Output = ReadonlyArray<string | Write>

/**
 * How the process of an attempt ends: by itself, with a code or by a signal; not at all, until it is killed; or it could
 * not be started in the first place, which is never retried.
 *
 * @since 0.1.0
 * @category models
 */
export type End =
  | { readonly _tag: "Exit"; readonly code: number }
  | { readonly _tag: "Signal" }
  | { readonly _tag: "Endless" }
  | { readonly _tag: "SpawnFailure"; readonly reason: string }

/**
 * A background process that an attempt leaves behind, with its pipes. It starts with the attempt; `lives` and the pauses
 * of its `output` count from there.
 *
 * Its group is killed with its attempt, unless it is `detached` (a session of its own: `setsid`). What that does to the
 * attempt is what the servers differ in: see contract 8.5 to 8.8.
 *
 * @since 0.1.0
 * @category models
 */
export interface Survivor {
  readonly lives: Duration.DurationInput
  readonly output?: Output | undefined
  readonly detached?: boolean | undefined
}

/**
 * One attempt of a scripted task.
 *
 * @since 0.1.0
 * @category models
 */
export interface Attempt {
  readonly output: Output
  readonly takes: Duration.DurationInput
  readonly end: End
  readonly survivor: Survivor | undefined
}

/**
 * - `takes`: how long the attempt takes at least; it never takes less than its output
 * - `leaves`: a process that it leaves behind
 *
 * @since 0.1.0
 * @category models
 */
export interface AttemptOptions {
  readonly takes?: Duration.DurationInput | undefined
  readonly leaves?: Survivor | undefined
}

/**
 * What a script is asked with when an attempt begins: `attempt` counts from 1.
 *
 * @since 0.1.0
 * @category models
 */
export interface Cue {
  readonly spec: CreateSpec
  readonly taskId: TaskId
  readonly attempt: number
}

/**
 * The attempts of a task: the first one, the second one, and so on; the last is repeated for all that follow. Or a
 * function that says what an attempt does when it begins.
 *
 * @since 0.1.0
 * @category models
 */
export type Plot = readonly [Attempt, ...ReadonlyArray<Attempt>] | readonly [(cue: Cue) => Attempt]

/**
 * A plot with the tasks that play it. After `times` tasks it is used up (default: never).
 *
 * @since 0.1.0
 * @category models
 */
export interface Script {
  readonly matches: (spec: CreateSpec) => boolean
  readonly plot: Plot
  readonly times: number
}

const encoder = new TextEncoder()

/**
 * A line on stdout, `after` a pause.
 *
 * @since 0.1.0
 * @category output
 */
export const stdout = (line: string, options: { readonly after?: Duration.DurationInput | undefined } = {}): Write => ({
  stream: "stdout",
  bytes: encoder.encode(`${line}\n`),
  after: options.after ?? 0
})

/**
 * A line on stderr, `after` a pause.
 *
 * @since 0.1.0
 * @category output
 */
export const stderr = (line: string, options: { readonly after?: Duration.DurationInput | undefined } = {}): Write => ({
  ...stdout(line, options),
  stream: "stderr"
})

/**
 * Bytes as they are: half a line, no UTF-8, a line of a megabyte. They go through the same splitting and the same caps
 * as the output of a process.
 *
 * @since 0.1.0
 * @category output
 */
export const raw = (
  bytes: Uint8Array | string,
  options: { readonly stream?: "stdout" | "stderr" | undefined; readonly after?: Duration.DurationInput | undefined } =
    {}
): Write => ({
  stream: options.stream ?? "stdout",
  bytes: typeof bytes === "string" ? encoder.encode(bytes) : bytes,
  after: options.after ?? 0
})

/**
 * What is written, with plain text as lines.
 *
 * @internal
 */
export const writesOf = (output: Output): ReadonlyArray<Write> =>
  output.map((write) => typeof write === "string" ? stdout(write) : write)

/**
 * How long an attempt takes if nobody stops it; `Infinity` for one that does not end by itself.
 *
 * @internal
 */
export const durationOf = ({ end, output, takes }: Attempt): number => {
  if (end._tag === "Endless") return Infinity
  const writing = writesOf(output).reduce((sum, { after }) => sum + Duration.toMillis(after), 0)
  return Math.max(writing, Duration.toMillis(takes))
}

const attempt = (end: End, output: Output = [], options: AttemptOptions = {}): Attempt => ({
  output,
  takes: options.takes ?? 0,
  end,
  survivor: options.leaves
})

/**
 * The process exits with 0.
 *
 * @since 0.1.0
 * @category attempts
 */
export const succeeds = (output?: Output, options?: AttemptOptions): Attempt =>
  attempt({ _tag: "Exit", code: 0 }, output, options)

/**
 * The process exits with this code: other than 0 fails the attempt if its task has `failOnNonZero`.
 *
 * @since 0.1.0
 * @category attempts
 */
export const exits = (code: number, output?: Output, options?: AttemptOptions): Attempt =>
  attempt({ _tag: "Exit", code }, output, options)

/**
 * A signal kills the process: fails the attempt if its task has `failOnNonZero`.
 *
 * @since 0.1.0
 * @category attempts
 */
export const killed = (output?: Output, options?: AttemptOptions): Attempt =>
  attempt({ _tag: "Signal" }, output, options)

/**
 * The process does not end by itself: the time-out of its task ends the attempt, or somebody who deletes the task.
 *
 * @since 0.1.0
 * @category attempts
 */
export const hangs = (output?: Output, options?: AttemptOptions): Attempt =>
  attempt({ _tag: "Endless" }, output, options)

/**
 * The process cannot be started, as where the command does not exist. Such a task is never tried again.
 *
 * @since 0.1.0
 * @category attempts
 */
export const cannotStart = (reason = "No such file or directory (os error 2)"): Attempt =>
  attempt({ _tag: "SpawnFailure", reason })

/**
 * A script for the tasks that `matches` wants.
 *
 * @since 0.1.0
 * @category scripts
 */
export const when = (matches: (spec: CreateSpec) => boolean, ...plot: Plot): Script => ({
  matches,
  plot,
  times: Infinity
})

/**
 * A script for all tasks of a slot.
 *
 * @since 0.1.0
 * @category scripts
 */
export const slot = (slot: string, ...plot: Plot): Script => when((spec) => spec.slot === slot, ...plot)

const commandOf = ({ kind }: CreateSpec): string | undefined =>
  "subprocess" in kind && "command" in kind.subprocess ? kind.subprocess.command.command : undefined

/**
 * A script for all tasks that run this command, whatever its arguments.
 *
 * @since 0.1.0
 * @category scripts
 */
export const command = (command: string, ...plot: Plot): Script => when((spec) => commandOf(spec) === command, ...plot)

/**
 * A script for all tasks that no other script is for.
 *
 * @since 0.1.0
 * @category scripts
 */
export const otherwise = (...plot: Plot): Script => when(() => true, ...plot)

/**
 * The script for so many tasks only; the next one that matches is for those that follow.
 *
 * @since 0.1.0
 * @category scripts
 */
export const times = (times: number, script: Script): Script => ({ ...script, times })
