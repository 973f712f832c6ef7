import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import { execFile } from "node:child_process"
import * as NodeFs from "node:fs"
import * as NodePath from "node:path"
import { makeRunner } from "../../../src/server/solti/Subprocess.js"
import {
  command,
  escape,
  eventually,
  executable,
  failing,
  isAlive,
  kill,
  pids,
  run,
  sh,
  start,
  tempDirectory
} from "./support/subprocesses.js"
import { makeSpec } from "./support/tasks.js"

const notFound = {
  reason: "fatal error (no retry): spawn failed: No such file or directory (os error 2)",
  exitCode: undefined,
  fatal: true
}

const nul = { ...notFound, reason: "fatal error (no retry): spawn failed: nul byte found in provided data" }

describe("Subprocess", () => {
  it.live("runs a command with its arguments, and tells its streams apart", () =>
    Effect.gen(function*() {
      const { exit, stderr, stdout } = yield* run(
        command("sh", ["-c", "echo out \"$1\"; echo err >&2; printf 'no end'", "sh", "two words  "])
      )
      assert.isTrue(Exit.isSuccess(exit))
      assert.deepStrictEqual(stdout, ["out two words  ", "no end"])
      assert.deepStrictEqual(stderr, ["err"])
    }))

  it.live("takes subprocesses only, and is called default", () =>
    Effect.gen(function*() {
      const runner = yield* makeRunner()
      const wasm = makeSpec({ kind: { wasm: { module: "m", args: [], env: [] } } })
      assert.strictEqual(runner.name, "default")
      assert.isTrue(runner.supports(makeSpec()))
      assert.isFalse(runner.supports(wasm))
      assert.strictEqual(Either.getOrThrow(Either.flip(yield* Effect.either(runner.build(wasm)))).label, "Internal")
      assert.strictEqual((yield* makeRunner({ name: "other" })).name, "other")
    }))

  it.live("fails an exit code and a signal only where the task says so", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* failing(sh("exit 3")), {
        reason: "execution failed: process exited with non-zero code: 3",
        exitCode: 3,
        fatal: false
      })
      assert.deepStrictEqual(yield* failing(sh("kill -9 $$")), {
        reason: "execution failed: process terminated by signal",
        exitCode: undefined,
        fatal: false
      })
      assert.isTrue(Exit.isSuccess((yield* run(sh("exit 3", { failOnNonZero: false }))).exit))
      assert.isTrue(Exit.isSuccess((yield* run(sh("kill -9 $$", { failOnNonZero: false }))).exit))
    }))

  it.live("notices a kill from outside", () =>
    Effect.gen(function*() {
      const running = yield* start(sh("echo $$; exec sleep 1000"))
      const [pid = 0] = yield* pids(running, 1)
      process.kill(pid, "SIGKILL")
      const failure = yield* Effect.flip(running.fiber)
      assert.strictEqual(failure.reason, "execution failed: process terminated by signal")
    }))

  it.live("reads stdin from the null device", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual((yield* run(sh("cat; echo end"))).stdout, ["end"])
    }))

  it.scopedLive("works where the task says, otherwise where the server does", () =>
    Effect.gen(function*() {
      const directory = NodeFs.realpathSync(yield* tempDirectory)
      assert.deepStrictEqual((yield* run(sh("pwd -P", { cwd: directory }))).stdout, [directory])
      assert.deepStrictEqual((yield* run(sh("pwd -P"))).stdout, [NodeFs.realpathSync(process.cwd())])
    }))

  it.live("cannot start what does not exist, in a place that does not exist, or with a NUL", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* failing(command("no-such-command-here", [])), notFound)
      assert.deepStrictEqual(yield* failing(command("", [])), notFound)
      assert.deepStrictEqual(yield* failing(sh("true", { cwd: "/no/such/directory" })), notFound)
      assert.deepStrictEqual(yield* failing(sh("true", { cwd: "" })), notFound)
      assert.deepStrictEqual(yield* failing(command("echo", ["a\0b"])), nul)
      assert.deepStrictEqual(yield* failing(sh("true", { cwd: "/\0" })), nul)
      assert.deepStrictEqual(yield* failing(sh("true", { env: [{ key: "A", value: "a\0b" }] })), nul)
      assert.deepStrictEqual(yield* failing(sh("true", { env: [{ key: "A\0", value: "" }] })), nul)
    }))

  it.scopedLive("cannot start a file that is not executable, nor in a file, nor with too much to say", () =>
    Effect.gen(function*() {
      const file = NodePath.join(yield* tempDirectory, "plain")
      NodeFs.writeFileSync(file, "", { mode: 0o644 })
      const reason = (text: string) => ({ ...notFound, reason: `fatal error (no retry): spawn failed: ${text}` })
      assert.deepStrictEqual(yield* failing(command(file, [])), reason("Permission denied (os error 13)"))
      assert.deepStrictEqual(yield* failing(sh("true", { cwd: file })), reason("Not a directory (os error 20)"))
      assert.deepStrictEqual(
        yield* failing(command("true", ["x".repeat(8_000_000)])),
        reason("Argument list too long (os error 7)")
      )
    }))

  it.scopedLive("looks commands up in the PATH that the task has", () =>
    Effect.gen(function*() {
      const directory = yield* tempDirectory
      yield* executable(NodePath.join(directory, "greet"), "echo hello \"$1\"")
      const env = [{ key: "PATH", value: `${directory}:/usr/bin:/bin` }]
      assert.deepStrictEqual((yield* run(command("greet", ["you"], { env }))).stdout, ["hello you"])
      assert.deepStrictEqual(yield* failing(command("greet", ["you"])), notFound)
      assert.deepStrictEqual((yield* run(command("./greet", ["me"], { cwd: directory }))).stdout, ["hello me"])
    }))

  it.live("merges environments: the server's, the task's over it, the runner's over both; the last entry counts", () =>
    Effect.gen(function*() {
      process.env["SWITCHYARD_TEST"] = "server"
      yield* Effect.addFinalizer(() => Effect.sync(() => delete process.env["SWITCHYARD_TEST"]))
      const env = [
        { key: "A", value: "1" },
        { key: "A", value: "2" },
        { key: "BOTH", value: "task" },
        { key: "", value: "nothing" },
        { key: "X=Y", value: "1" },
        { key: "__proto__", value: "plain" },
        { key: "EMPTY", value: "" }
      ]
      const printed = new Set(
        (yield* run(command("env", [], { env }), { env: { BOTH: "runner", OWN: "runner" } })).stdout
      )
      for (
        const entry of [
          "A=2",
          "BOTH=runner",
          "OWN=runner",
          "X=Y=1",
          "__proto__=plain",
          "EMPTY=",
          "SWITCHYARD_TEST=server"
        ]
      ) {
        assert.isTrue(printed.has(entry), entry)
      }
      assert.isFalse(printed.has("=nothing"))
      assert.isTrue(
        (yield* run(sh("echo $SWITCHYARD_TEST", { env: [{ key: "SWITCHYARD_TEST", value: "task" }] }))).stdout
          .includes("task")
      )
    }).pipe(Effect.scoped))

  it.live("never hands the server's token to a process, nor what else is hidden", () =>
    Effect.gen(function*() {
      process.env["SOLTI_TOKEN"] = "planted-token"
      process.env["SWITCHYARD_HIDDEN"] = "planted-secret"
      yield* Effect.addFinalizer(() =>
        Effect.sync(() => {
          delete process.env["SOLTI_TOKEN"]
          delete process.env["SWITCHYARD_HIDDEN"]
        })
      )
      const shown = (yield* run(command("env", []))).stdout.join("\n")
      assert.notInclude(shown, "planted-token")
      assert.include(shown, "planted-secret")
      const hidden = (yield* run(command("env", []), { hiddenEnv: ["SWITCHYARD_HIDDEN"] })).stdout.join("\n")
      assert.notInclude(hidden, "planted")
      // A task may well have a token of its own.
      const env = [{ key: "SOLTI_TOKEN", value: "of-the-task" }]
      assert.deepStrictEqual((yield* run(sh("echo $SOLTI_TOKEN", { env }))).stdout, ["of-the-task"])
    }).pipe(Effect.scoped))

  it.live("loses nothing of much output", () =>
    Effect.gen(function*() {
      const { stdout } = yield* run(sh("i=0; while [ $i -lt 20 ]; do seq 1 5000; i=$((i+1)); done"))
      assert.lengthOf(stdout, 100_000)
      assert.isTrue(stdout.every((line, index) => line === String(index % 5000 + 1)))
    }))

  it.live("reads 200 MiB without LF in bounded memory, and what comes behind", () =>
    Effect.gen(function*() {
      const before = process.memoryUsage().arrayBuffers
      let most = 0
      const running = yield* start(sh("head -c 209715200 /dev/zero | tr '\\0' x; echo; echo after"))
      yield* eventually(() => {
        most = Math.max(most, process.memoryUsage().arrayBuffers)
        return running.fiber.unsafePoll() !== null
      })
      assert.deepStrictEqual(running.lines.map(({ line }) => line), [
        `${"x".repeat(4096)}... (truncated 61482 bytes)`,
        "after"
      ])
      // Chunks that have been read wait for the collector.
      assert.isBelow(most - before, 100 * 1024 * 1024)
    }))

  it.live("replaces what is not UTF-8, byte by byte as it comes", () =>
    Effect.gen(function*() {
      const bytes = "[103,114,195,188,110,32,226,152,131,32,240,159,152,128,32,255,254,32,195,10]"
      const write = `const bytes = ${bytes}; const next = () => bytes.length > 0 &&
        process.stdout.write(Buffer.of(bytes.shift()), () => setTimeout(next, 1)); next()`
      assert.deepStrictEqual((yield* run(command(process.execPath, ["-e", write]))).stdout, [
        "grün ☃ 😀 \ufffd\ufffd \ufffd"
      ])
    }))

  it.live("takes other caps", () =>
    Effect.gen(function*() {
      const options = { caps: { lineBytes: 100, lineCharacters: 10 } }
      assert.deepStrictEqual((yield* run(sh("echo 0123456789abc"), options)).stdout, [
        "0123456789... (truncated 3 bytes)"
      ])
    }))

  it.live("delivers the last line of a stream that ends long before its process", () =>
    Effect.gen(function*() {
      const running = yield* start(sh("echo $$; printf unfinished >&2; exec 2>&-; exec sleep 1000"))
      const [pid = 0] = yield* pids(running, 1)
      yield* eventually(() => running.lines.length === 2)
      assert.deepStrictEqual(running.lines[1], { stream: "stderr", line: "unfinished" })
      assert.isTrue(isAlive(pid))
      yield* running.fiber.interruptAsFork(running.fiber.id())
      yield* running.fiber.await
    }))

  it.live("lets a process that has left the group live, and reads the pipes that it keeps no longer than agreed", () =>
    Effect.gen(function*() {
      const running = yield* start(sh(escape("echo from outside; sleep 1000")), { drain: "300 millis" })
      const exit = yield* running.fiber.await
      const daemon = Number(running.lines.find(({ line }) => /^\d+$/.test(line))?.line)
      assert.isTrue(Exit.isSuccess(exit))
      assert.isTrue(isAlive(daemon))
      assert.isTrue(running.lines.some(({ line }) => line === "from outside"))
      yield* kill(daemon)
    }))

  it.live("fails an attempt for want of descriptors, and lets it be retried", () =>
    Effect.gen(function*() {
      const program = NodePath.resolve("test/server/solti/support/exhausted.ts")
      const run = "ulimit -n 256; exec \"$0\" --import tsx \"$1\""
      const printed = yield* Effect.async<string, Error>((resume) => {
        execFile("/bin/sh", ["-c", run, process.execPath, program], (error, stdout) =>
          resume(error === null ? Effect.succeed(stdout) : Effect.fail(error)))
      })
      const shortage = (what: string) => ({
        reason: `execution failed: ${what}: Too many open files (os error 24)`,
        fatal: false
      })
      assert.deepStrictEqual(JSON.parse(printed), {
        exhausted: [shortage("spawn failed"), shortage("script file failed")],
        relieved: ["succeeded", "succeeded"]
      })
    }))

  it.live("answers an unknown script runtime when the task is built", () =>
    Effect.gen(function*() {
      const runner = yield* makeRunner()
      const script = { wellKnown: "SCRIPT_RUNTIME_UNSPECIFIED", body: "eA==", args: [] } as const
      const kind = { subprocess: { env: [], cwd: Option.none(), failOnNonZero: true, script } }
      assert.strictEqual((yield* Effect.flip(runner.build(makeSpec({ kind })))).label, "InvalidRequest")
    }))
})
