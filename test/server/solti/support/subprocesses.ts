import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as TestServices from "effect/TestServices"
import { Buffer } from "node:buffer"
import * as NodeFs from "node:fs"
import { tmpdir } from "node:os"
import * as NodePath from "node:path"
import type { KeyValue, ScriptMode, SubprocessTask } from "../../../../src/schemas/solti/Tasks.js"
import type { Attempt, AttemptFailed } from "../../../../src/server/solti/Runner.js"
import type { Options } from "../../../../src/server/solti/Subprocess.js"
import { makeRunner } from "../../../../src/server/solti/Subprocess.js"
import { makeSpec, taskId } from "./tasks.js"

interface Settings {
  readonly env?: ReadonlyArray<KeyValue>
  readonly cwd?: string
  readonly failOnNonZero?: boolean
}

const fields = ({ cwd, env = [], failOnNonZero = true }: Settings) => ({
  env,
  cwd: Option.fromNullable(cwd),
  failOnNonZero
})

export const command = (command: string, args: ReadonlyArray<string>, settings: Settings = {}): SubprocessTask => ({
  ...fields(settings),
  command: { command, args }
})

/** A line of POSIX shell. */
export const sh = (line: string, settings: Settings = {}): SubprocessTask => command("/bin/sh", ["-c", line], settings)

export const base64 = (body: string): string => Buffer.from(body).toString("base64")

export const script = (script: ScriptMode, settings: Settings = {}): SubprocessTask => ({ ...fields(settings), script })

/** A shell command that runs what follows in a session of its own, and prints its process id. */
export const escape = (line: string): string =>
  `"${process.execPath}" -e '
    const options = { detached: true, stdio: ["ignore", "inherit", "inherit"] }
    const child = require("child_process").spawn("/bin/sh", ["-c", ${JSON.stringify(line)}], options)
    console.log(child.pid)
    child.unref()'`

interface Line {
  readonly stream: string
  readonly line: string
}

export interface Running {
  readonly lines: ReadonlyArray<Line>
  readonly fiber: Fiber.RuntimeFiber<void, AttemptFailed>
}

export const build = (task: SubprocessTask, options: Options = {}): Effect.Effect<Attempt> =>
  makeRunner(options).pipe(
    Effect.flatMap((runner) => runner.build(makeSpec({ kind: { subprocess: task } }))),
    Effect.orDie
  )

/** Starts an attempt; its end is up to the test. `settled` runs it in an uninterruptible region. */
export const start = (task: SubprocessTask, options: Options & { readonly settled?: boolean } = {}) =>
  Effect.gen(function*() {
    const attempt = yield* build(task, options)
    const lines: Array<Line> = []
    const run = attempt({
      taskId: taskId("default-s-1"),
      attempt: 1,
      emit: (stream, line) => lines.push({ stream, line })
    })
    const fiber =
      yield* (options.settled === true ? Effect.uninterruptible(Effect.forkDaemon(run)) : Effect.forkDaemon(run))
    return { lines, fiber } satisfies Running
  })

/** Runs an attempt to its end. */
export const run = (task: SubprocessTask, options: Options = {}) =>
  Effect.gen(function*() {
    const { fiber, lines } = yield* start(task, options)
    const exit = yield* Fiber.await(fiber)
    const of = (wanted: string) => lines.filter(({ stream }) => stream === wanted).map(({ line }) => line)
    return { exit, stdout: of("stdout"), stderr: of("stderr") }
  })

/** Runs an attempt that has to fail. */
export const failing = (task: SubprocessTask, options: Options = {}) =>
  start(task, options).pipe(
    Effect.flatMap(({ fiber }) => Effect.orDieWith(Effect.flip(Fiber.join(fiber)), () => new Error("it succeeded"))),
    Effect.map(({ exitCode, fatal, reason }) => ({ reason, exitCode: Option.getOrUndefined(exitCode), fatal }))
  )

/** Waits for something that the real world brings about, on the real clock. */
export const eventually = (is: () => boolean) =>
  TestServices.provideLive(
    Effect.suspend(() => is() ? Effect.void : Effect.fail("not yet")).pipe(
      Effect.retry(Schedule.spaced("5 millis").pipe(Schedule.upTo("20 seconds"))),
      Effect.orDieWith(() => new Error("it never came about"))
    )
  )

/** Waits until the attempt has written so many lines, and reads them as process ids. */
export const pids = (running: Running, count: number) =>
  Effect.map(
    eventually(() => running.lines.length >= count),
    () => running.lines.slice(0, count).map(({ line }) => Number(line))
  )

/** Whether the process runs; a zombie that only waits to be reaped does not. */
export const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  const stat = `/proc/${pid}/stat`
  return !(NodeFs.existsSync(stat) && /\) [ZX]/.test(NodeFs.readFileSync(stat, "utf8")))
}

/** Kills the group of a process that was let live on purpose. */
export const kill = (pid: number) =>
  Effect.andThen(Effect.sync(() => process.kill(-pid, "SIGKILL")), eventually(() => !isAlive(pid)))

export const tempDirectory = Effect.acquireRelease(
  Effect.sync(() => NodeFs.mkdtempSync(NodePath.join(tmpdir(), "switchyard-test-"))),
  (path) => Effect.sync(() => NodeFs.rmSync(path, { recursive: true, force: true }))
)

/** Writes an executable shell script. */
export const executable = (path: string, body: string) =>
  Effect.sync(() => NodeFs.writeFileSync(path, `#!/bin/sh\n${body}\n`, { mode: 0o755 }))
