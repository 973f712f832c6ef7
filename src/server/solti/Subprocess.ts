/**
 * The runner for tasks of kind `subprocess`: commands and scripts as processes of this machine. POSIX only.
 *
 * Every attempt is a process group of its own, and none of its members outlives the attempt: not a cancelled one, not a
 * timed-out one, and not one that has ended and left background processes behind. What leaves the group lives on: a
 * daemon that opens a session (`setsid`), but also the jobs of a shell with job control and what runs under
 * `timeout(1)`, which both open groups. It cannot hold the attempt: pipes that it keeps open are waited for 5 s.
 *
 * Source: contract 8.5–8.9, as intended.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import { tmpdir } from "node:os"
import type { KeyValue, ScriptMode, SubprocessTask } from "../../schemas/solti/Tasks.js"
import { ApiError } from "./ApiHandler.js"
import type { Command, ExitStatus, Process, Reaped } from "./NodeProcess.js"
import * as NodeProcess from "./NodeProcess.js"
import * as Output from "./Output.js"
import type { Attempt, AttemptContext, Runner } from "./Runner.js"
import { AttemptFailed } from "./Runner.js"
import * as Sandbox from "./Sandbox.js"
import * as ScriptFile from "./ScriptFile.js"

/** What the entry points read secrets from. */
const secrets = ["SOLTI_TOKEN", "SOLTI_TLS_KEY"]

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** The first part of the ids of its tasks. Default `default`, as in the reference agent. */
  readonly name?: string | undefined
  /** Environment of every attempt; wins over the task's own entries. */
  readonly env?: Readonly<Record<string, string>> | undefined
  /** Variables of the server that attempts do not inherit, besides `SOLTI_TOKEN` and `SOLTI_TLS_KEY`, which they never do. */
  readonly hiddenEnv?: ReadonlyArray<string> | undefined
  /** Where script files are written. Default: the system's directory for temp files. */
  readonly tempDirectory?: string | undefined
  /** How long to wait for output behind the exit of the process while somebody holds a pipe. Default 5 seconds. */
  readonly drain?: Duration.DurationInput | undefined
  /** Caps of a line of output. Default 65,536 bytes and 4,096 characters. */
  readonly caps?: Output.Caps | undefined
  /** Limits of the attempts. Default: those of the server. */
  readonly sandbox?: Sandbox.Options | undefined
}

// How long a kill and what it leaves in the pipes may take.
const patience = "1 second"

/**
 * What an exit means: failed for every code but 0 and for every signal, where the task has `failOnNonZero`; otherwise
 * a success.
 *
 * @since 0.1.0
 * @category exits
 */
export const evaluate = (status: ExitStatus, failOnNonZero: boolean): Effect.Effect<void, AttemptFailed> => {
  if (!failOnNonZero || status.code === 0) return Effect.void
  return status.code === null
    ? new AttemptFailed({
      reason: "execution failed: process terminated by signal",
      exitCode: Option.none(),
      fatal: false
    })
    : new AttemptFailed({
      reason: `execution failed: process exited with non-zero code: ${status.code}`,
      exitCode: Option.some(status.code),
      fatal: false
    })
}

interface Settings {
  readonly drain: Duration.DurationInput
  readonly caps: Output.Caps
  readonly failOnNonZero: boolean
}

/** Waits until the pipes have been read to their end, but no longer than `limit`. */
const drain = (child: Process, limit: Duration.DurationInput): Effect.Effect<void> =>
  Effect.asVoid(Effect.timeoutOption(Effect.interruptible(child.drained.await), limit))

/** What is left to do when a process has not simply come and gone. */
const windUp = (child: Process, waited: Exit.Exit<Reaped>, settings: Settings): Effect.Effect<ExitStatus> =>
  Effect.gen(function*() {
    if (!child.isReaped()) NodeProcess.killGroup(child.pid)
    const reaped = yield* child.ended.await
    const drained: Exit.Exit<unknown> = Exit.isFailure(waited)
      ? waited
      : yield* Effect.exit(Effect.interruptible(drain(child, settings.drain)))
    if (reaped.leavesSurvivors) yield* NodeProcess.killSurvivors(child.pid, patience)
    // What the dead have written is in the pipes; only a process that has left the group can keep them open now.
    if (reaped.leavesSurvivors || Exit.isFailure(drained)) yield* drain(child, patience)
    child.abandon()
    return Exit.isFailure(waited) && reaped.signal === "SIGKILL" ? yield* waited : reaped
  })

/**
 * One process from its start to the end of its group.
 *
 * It waits interruptibly and cleans up uninterruptibly, wherever it is run. So a caller that runs it in an
 * uninterruptible region and interrupts it learns how it ended: a process that had exited before the interruption
 * reached it keeps its status; only one that the interruption killed ends as interrupted.
 */
const execute = (command: Command, context: AttemptContext, settings: Settings): Effect.Effect<void, AttemptFailed> =>
  Effect.suspend(() => {
    const stdout = Output.makeSplitter((line) => context.emit("stdout", line), settings.caps)
    const stderr = Output.makeSplitter((line) => context.emit("stderr", line), settings.caps)
    return Effect.flatMap(
      NodeProcess.spawn(command, stdout, stderr),
      (child) =>
        Effect.flatMap(
          Effect.exit(Effect.interruptible(child.ended.await)),
          (waited) =>
            Exit.isSuccess(waited) && child.drained.get() === true && !waited.value.leavesSurvivors
              ? evaluate(waited.value, settings.failOnNonZero)
              : Effect.flatMap(windUp(child, waited, settings), (status) => evaluate(status, settings.failOnNonZero))
        )
    )
  }).pipe(Effect.uninterruptible)

const wellKnown: Readonly<Record<string, string>> = {
  SCRIPT_RUNTIME_BASH: "bash",
  SCRIPT_RUNTIME_PYTHON: "python3",
  SCRIPT_RUNTIME_NODE: "node"
}

const interpreterOf = (script: ScriptMode): Option.Option<string> =>
  "custom" in script ? Option.some(script.custom.command) : Option.fromNullable(wellKnown[script.wellKnown])

/** The last of several entries wins; an entry without a name has no effect. */
const merge = (
  inherited: Readonly<Record<string, string>>,
  task: ReadonlyArray<KeyValue>,
  own: Readonly<Record<string, string>>
): Readonly<Record<string, string>> => {
  const merged = new Map(Object.entries(inherited))
  for (const { key, value } of task) merged.set(key, value)
  for (const [key, value] of Object.entries(own)) merged.set(key, value)
  merged.delete("")
  return Object.fromEntries(merged)
}

/**
 * Makes the runner. The server's environment is read once, here.
 *
 * An attempt fails with `execution failed: process exited with non-zero code: 3` (and the code) or `execution failed:
 * process terminated by signal` where the task has `failOnNonZero`; every exit is a success where it has not. What
 * cannot be started fails for good: `fatal error (no retry): spawn failed: No such file or directory (os error 2)` –
 * except for a shortage of descriptors, processes or memory, which may be retried.
 *
 * Fails with `SandboxRejected` when this platform does not give what `sandbox` asks for.
 *
 * @since 0.1.0
 * @category constructors
 */
export const makeRunner = (options: Options = {}): Effect.Effect<Runner, Sandbox.SandboxRejected> =>
  Effect.gen(function*() {
    const { env: own = {}, tempDirectory = tmpdir() } = options
    const inherited = yield* NodeProcess.serverEnvironment(new Set([...secrets, ...options.hiddenEnv ?? []]))
    const confine = yield* Sandbox.make(options.sandbox ?? {}, inherited["PATH"])
    const plain = merge(inherited, [], own)

    const attemptOf = (task: SubprocessTask, file: string, args: ReadonlyArray<string>, context: AttemptContext) =>
      Effect.suspend(() => {
        const command: Command = {
          file,
          args,
          cwd: Option.getOrUndefined(task.cwd),
          env: task.env.length === 0 ? plain : merge(inherited, task.env, own)
        }
        const settings: Settings = {
          drain: options.drain ?? "5 seconds",
          caps: options.caps ?? Output.defaultCaps,
          failOnNonZero: task.failOnNonZero
        }
        return Option.match(confine, {
          onNone: () => execute(command, context, settings),
          onSome: (confine) => Effect.flatMap(confine(command), (confined) => execute(confined, context, settings))
        })
      })

    const build = (task: SubprocessTask): Effect.Effect<Attempt, ApiError> => {
      if ("command" in task) {
        const { args, command } = task.command
        return Effect.succeed((context) => attemptOf(task, command, args, context))
      }
      const { args, body } = task.script
      return Option.match(interpreterOf(task.script), {
        onNone: () => Effect.fail(new ApiError({ label: "InvalidRequest", detail: "unknown script runtime" })),
        onSome: (interpreter) =>
          Effect.succeed((context) =>
            ScriptFile.withScriptFile(
              tempDirectory,
              body,
              (path) => attemptOf(task, interpreter, [path, ...args], context)
            )
          )
      })
    }

    return {
      name: options.name ?? "default",
      supports: (spec) => "subprocess" in spec.kind,
      build: (spec) =>
        "subprocess" in spec.kind
          ? build(spec.kind.subprocess)
          : new ApiError({ label: "Internal", detail: "this runner runs subprocesses only" })
    }
  })
