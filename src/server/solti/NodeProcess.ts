/**
 * Operating-system processes in groups of their own: the adapter over `node:child_process` and `kill(2)`.
 *
 * Source: contract 8.6. POSIX only.
 *
 * @since 0.1.0
 */
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberId from "effect/FiberId"
import * as Schedule from "effect/Schedule"
import type { Buffer } from "node:buffer"
import type { ChildProcess } from "node:child_process"
import * as NodeChildProcess from "node:child_process"
import * as NodeFs from "node:fs"
import { constants } from "node:os"
import type { Readable } from "node:stream"
import type { Splitter } from "./Output.js"
import type { AttemptFailed } from "./Runner.js"
import * as SystemFailure from "./SystemFailure.js"

/**
 * What to start. `file` is looked up in the `PATH` of `env`, relative to `cwd`; without `cwd` it runs where the server
 * runs. `env` is the whole environment.
 *
 * @since 0.1.0
 * @category models
 */
export interface Command {
  readonly file: string
  readonly args: ReadonlyArray<string>
  readonly cwd: string | undefined
  readonly env: Readonly<Record<string, string>>
}

/**
 * How a process ended: `code` is `null` exactly when `signal` killed it.
 *
 * @since 0.1.0
 * @category models
 */
export interface ExitStatus {
  readonly code: number | null
  readonly signal: string | null
}

/**
 * A reaped process: how it ended, and whether anybody else was in its group then.
 *
 * @since 0.1.0
 * @category models
 */
export interface Reaped extends ExitStatus {
  readonly leavesSurvivors: boolean
}

/**
 * Something that happens once: what came of it, or `undefined` so far, and an effect that waits for it.
 */
interface Outcome<A> {
  readonly get: () => A | undefined
  readonly await: Effect.Effect<A>
}

/**
 * A started process. Its id is also the id of its group (and of its session).
 *
 * `isReaped`: its number may be given away again once its group is empty. `ended`: it has been reaped, and pipes that
 * nobody else has open have been read. `drained`: both pipes have come to their end, whoever had them open. `abandon`
 * closes our ends of the pipes and ends the splitters.
 *
 * @since 0.1.0
 * @category models
 */
export interface Process {
  readonly pid: number
  readonly isReaped: () => boolean
  readonly ended: Outcome<Reaped>
  readonly drained: Outcome<true>
  readonly abandon: () => void
}

/**
 * The environment of the server itself, without the names in `hidden`.
 *
 * @since 0.1.0
 * @category environment
 */
export const serverEnvironment = (hidden: ReadonlySet<string>): Effect.Effect<Readonly<Record<string, string>>> =>
  Effect.sync(() => {
    const entries: Array<[string, string]> = []
    for (const [key, value] of Object.entries(process.env)) {
      if (value !== undefined && !hidden.has(key)) entries.push([key, value])
    }
    return Object.fromEntries(entries)
  })

/** Whether there was anything to signal. A member that belongs to somebody else (`EPERM`) is there all the same. */
const signal = (target: number, number: number): boolean => {
  try {
    return process.kill(target, number)
  } catch (error) {
    return !(error instanceof Error && "code" in error && error.code === "ESRCH")
  }
}

/**
 * Kills the group of a process that has not been reaped. Until then its number cannot belong to anybody else.
 *
 * @since 0.1.0
 * @category process groups
 */
export const killGroup = (pid: number): void => {
  signal(-pid, constants.signals.SIGKILL)
}

/**
 * Whether the group of a reaped process still has members.
 *
 * The kernel gives a number away again only when no process and no group has it. So a *process* of this number is a
 * stranger, and the group has gone; without one, a group of this number is the one that was asked about.
 *
 * @since 0.1.0
 * @category process groups
 */
export const hasSurvivors = (pid: number): boolean => signal(-pid, 0) && !signal(pid, 0)

const what = "spawn failed"

const start = (command: Command): ChildProcess =>
  NodeChildProcess.spawn(command.file, command.args, {
    ...(command.cwd === undefined ? {} : { cwd: command.cwd }),
    env: command.env,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"]
  })

/** An outcome with its setter. A Deferred does the same and costs several times as much to make. */
const makeOutcome = <A>(): Outcome<A> & { readonly set: (value: A) => void } => {
  let outcome: A | undefined
  const waiting = new Set<(value: Effect.Effect<A>) => void>()
  return {
    get: () => outcome,
    await: Effect.async((resume) => {
      if (outcome !== undefined) return resume(Effect.succeed(outcome))
      waiting.add(resume)
      return Effect.sync(() => waiting.delete(resume))
    }),
    set: (value) => {
      if (outcome !== undefined) return
      outcome = value
      waiting.forEach((resume) => resume(Effect.succeed(value)))
    }
  }
}

// What libuv reads at once; a chunk of this size means that more is waiting.
const fullRead = 65_536

/** Hands the stream to the splitter; `onEnd` is called once, when the last of it has been handed over. */
const feed = (stream: Readable | null, splitter: Splitter, onEnd: () => void) => {
  if (stream === null) return onEnd()
  let hasEnded = false
  const end = () => {
    if (hasEnded) return
    hasEnded = true
    splitter.end()
    onEnd()
  }
  stream.on("data", (chunk: Buffer) => {
    splitter.push(chunk)
    // Up to 32 reads follow one another before anything else gets its turn; whoever floods waits for the others.
    if (chunk.length < fullRead) return
    stream.pause()
    setImmediate(() => stream.resume())
  })
  // A pipe that breaks is a pipe that ends. `close` alone comes when we close it.
  stream.on("end", end).on("error", end).on("close", end)
}

/** The error of a process that was not started. Listens at once: Node emits it in the next tick. */
const failed = (child: ChildProcess): Effect.Effect<never, AttemptFailed> => {
  const failure = Deferred.unsafeMake<never, AttemptFailed>(FiberId.none)
  child.once("error", (error) => Deferred.unsafeDone(failure, Exit.fail(SystemFailure.fromError(what, error))))
  child.stdout?.destroy()
  child.stderr?.destroy()
  return Deferred.await(failure)
}

/**
 * Starts a process in a new group, its stdin the null device, its output fed to the splitters as fast as it comes.
 *
 * Fails as `SystemFailure.fromError` says when nothing was started; an empty file or `cwd` does not exist.
 *
 * @since 0.1.0
 * @category constructors
 */
export const spawn = (
  command: Command,
  stdout: Splitter,
  stderr: Splitter
): Effect.Effect<Process, AttemptFailed> =>
  Effect.suspend(() => {
    if (command.file === "" || command.cwd === "") {
      return Effect.fail(SystemFailure.fatal(what, SystemFailure.describe(-constants.errno.ENOENT, "ENOENT")))
    }
    let child: ChildProcess
    try {
      child = start(command)
    } catch (error) {
      return Effect.fail(SystemFailure.fromError(what, error))
    }
    const { pid } = child
    if (pid === undefined) return failed(child)
    const ended = makeOutcome<Reaped>()
    const drained = makeOutcome<true>()
    let open = 2
    let reaped: Reaped | undefined
    const onEnd = () => {
      open -= 1
      if (open > 0) return
      drained.set(true)
      if (reaped !== undefined) ended.set(reaped)
    }
    feed(child.stdout, stdout, onEnd)
    feed(child.stderr, stderr, onEnd)
    child.on("exit", (code, signal) => {
      const exit = { code, signal, leavesSurvivors: hasSurvivors(pid) }
      reaped = exit
      // The ends of the pipes often come a turn later: not polled yet when the process was already dead.
      if (open === 0) ended.set(exit)
      else setImmediate(() => setImmediate(() => ended.set(exit)))
    })
    const abandon = () => {
      child.stdout?.destroy()
      child.stderr?.destroy()
      stdout.end()
      stderr.end()
    }
    return Effect.succeed({ pid, isReaped: () => reaped !== undefined, ended, drained, abandon })
  })

/** Whether the process runs and belongs to the group. A zombie has ended: it only waits for somebody to reap it. */
const isMember = (group: number) => (pid: string): boolean => {
  try {
    const stat = NodeFs.readFileSync(`/proc/${pid}/stat`, "latin1")
    // `pid (name) state parent group …`; the name may contain anything.
    const [state, , pgrp] = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
    return Number(pgrp) === group && state !== "Z" && state !== "X"
  } catch {
    return false
  }
}

/** The running members of a group, or none where the system does not show its processes under `/proc`. */
const membersOf = (group: number): ReadonlyArray<string> => {
  try {
    return NodeFs.readdirSync("/proc").filter((name) => /^\d+$/.test(name)).filter(isMember(group))
  } catch {
    return []
  }
}

/**
 * Kills what is left of the group of a reaped process, and waits until it has gone, at most `patience`: a member in an
 * uninterruptible system call, or one that may not be signalled, outlives that. Without `/proc` (not on Linux) the kill
 * is sent and not waited for.
 *
 * @since 0.1.0
 * @category process groups
 */
export const killSurvivors = (pid: number, patience: Duration.DurationInput): Effect.Effect<void> =>
  Effect.suspend(() => {
    if (!hasSurvivors(pid)) return Effect.void
    killGroup(pid)
    // Nobody joins a group that has been killed. In a container whose first process does not care for orphans their
    // zombies stay for good, and the group with them: so its members are looked at, where there is a way to.
    const members = membersOf(pid)
    return Effect.sync(() => members.some(isMember(pid))).pipe(
      Effect.repeat({
        while: (survive) => survive,
        schedule: Schedule.exponential(Duration.millis(1), 1.5).pipe(Schedule.upTo(patience))
      }),
      Effect.asVoid
    )
  })
