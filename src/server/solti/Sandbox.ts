/**
 * Limits that every attempt of a runner gets, and what this platform cannot give.
 *
 * Node runs no code between fork and exec, so limits are set by `prlimit(1)` (util-linux), which becomes the command:
 * the ids of process and group stay as they are. It starts with the environment of the task; an environment that loads
 * code into every program (`LD_PRELOAD`) therefore runs it before the limits. They guard against accidents, not against
 * people who may submit tasks: those run as the server's user in any case.
 *
 * Source: contract 8.9.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as NodeChildProcess from "node:child_process"
import * as NodeFs from "node:fs"
import { constants } from "node:os"
import * as NodePath from "node:path"
import type { Command } from "./NodeProcess.js"
import type { AttemptFailed } from "./Runner.js"
import * as SystemFailure from "./SystemFailure.js"

/**
 * Limits of each process of an attempt, soft and hard.
 *
 * @since 0.1.0
 * @category models
 */
export interface Limits {
  /** Most file descriptors that a process may have open. */
  readonly maxOpenFiles?: number | undefined
  /** Largest file that a process may write, in bytes. */
  readonly maxFileSizeBytes?: number | undefined
  /** `true`: a crash leaves no core file. */
  readonly disableCoreDumps?: boolean | undefined
}

/**
 * The sandbox options of a stock agent. `cgroup` and `security` are refused when the runner is made: start the server
 * itself in a control group or without the capabilities, its attempts inherit both.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  readonly limits?: Limits | undefined
  readonly cgroup?: Readonly<Record<string, unknown>> | undefined
  readonly security?: Readonly<Record<string, unknown>> | undefined
}

/**
 * The platform does not give what is configured. `option` names it by its path, `limits.maxOpenFiles` for one.
 *
 * @since 0.1.0
 * @category errors
 */
export class SandboxRejected extends Data.TaggedError("SandboxRejected")<{
  readonly option: string
  readonly reason: string
}> {
  override get message() {
    return `sandbox option ${this.option} refused: ${this.reason}`
  }
}

/**
 * Turns a command into the same command within the limits. Fails where the bare command could not be started.
 *
 * @since 0.1.0
 * @category models
 */
export type Confine = (command: Command) => Effect.Effect<Command, AttemptFailed>

const isExecutableFile = (path: string): boolean => {
  try {
    NodeFs.accessSync(path, NodeFs.constants.X_OK)
    return NodeFs.statSync(path).isFile()
  } catch {
    return false
  }
}

// What execvp(3) falls back to.
const defaultPath = "/bin:/usr/bin"

/** The path of a program, looked up as execvp(3) would. */
const lookUp = (file: string, path: string | undefined, cwd: string): Option.Option<string> => {
  const directories = file.includes("/") ? [""] : (path ?? defaultPath).split(":")
  const candidates = directories.map((directory) => NodePath.resolve(cwd, directory, file))
  return Option.fromNullable(candidates.find(isExecutableFile))
}

interface Flag {
  readonly option: string
  readonly value: number
  readonly flag: string
}

const flagsOf = (limits: Limits): ReadonlyArray<Flag> => [
  ...(limits.maxOpenFiles === undefined
    ? []
    : [{ option: "limits.maxOpenFiles", value: limits.maxOpenFiles, flag: "--nofile" }]),
  ...(limits.maxFileSizeBytes === undefined
    ? []
    : [{ option: "limits.maxFileSizeBytes", value: limits.maxFileSizeBytes, flag: "--fsize" }]),
  ...(limits.disableCoreDumps === true ? [{ option: "limits.disableCoreDumps", value: 0, flag: "--core" }] : [])
]

const argument = ({ flag, value }: Flag) => `${flag}=${value}:${value}`

/** Sets one limit for a process that does nothing else. */
const probe = (prlimit: string, flag: Flag): Effect.Effect<void, SandboxRejected> =>
  Effect.async((resume) => {
    NodeChildProcess.execFile(prlimit, [argument(flag), "--", "true"], (error, _, stderr) => {
      const reason = stderr.trim() === "" ? error?.message ?? "" : stderr.trim()
      resume(error === null ? Effect.void : Effect.fail(new SandboxRejected({ option: flag.option, reason })))
    })
  })

const inherited = (option: string) =>
  new SandboxRejected({
    option,
    reason: "Node.js runs no code between fork and exec; start the server itself so confined, its attempts inherit it"
  })

/**
 * Checks the options against this machine: each limit is really set once, by the `prlimit` of the server's `path` (no
 * task can put another in its place). `None` when nothing is limited.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  options: Options,
  path: string | undefined
): Effect.Effect<Option.Option<Confine>, SandboxRejected> =>
  Effect.gen(function*() {
    if (options.cgroup !== undefined) return yield* inherited("cgroup")
    if (options.security !== undefined) return yield* inherited("security")
    const flags = flagsOf(options.limits ?? {})
    const [first] = flags
    if (first === undefined) return Option.none()
    const odd = flags.find(({ value }) => !Number.isSafeInteger(value) || value < 0)
    if (odd !== undefined) {
      return yield* new SandboxRejected({ option: odd.option, reason: "must be a whole number, 0 or more" })
    }
    const found = lookUp("prlimit", path, NodePath.resolve())
    if (Option.isNone(found)) {
      return yield* new SandboxRejected({ option: first.option, reason: "this machine has no prlimit(1)" })
    }
    yield* Effect.forEach(flags, (flag) => probe(found.value, flag), { discard: true })
    return Option.some(confine(found.value, flags.map(argument)))
  })

const confine = (prlimit: string, flags: ReadonlyArray<string>): Confine => (command) =>
  Effect.suspend(() => {
    const cwd = NodePath.resolve(command.cwd ?? "")
    // With the wrapper in front a missing program would be an exit code, and no longer a failure to start.
    return Option.isSome(lookUp(command.file, command.env["PATH"], cwd))
      ? Effect.succeed({ ...command, file: prlimit, args: [...flags, "--", command.file, ...command.args] })
      : Effect.fail(SystemFailure.fatal("spawn failed", SystemFailure.describe(-constants.errno.ENOENT, "ENOENT")))
  })
