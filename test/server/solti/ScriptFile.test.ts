import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { execFile } from "node:child_process"
import * as NodeFs from "node:fs"
import * as NodePath from "node:path"
import type { ScriptMode } from "../../../src/schemas/solti/Tasks.js"
import {
  base64,
  executable,
  failing,
  isAlive,
  pids,
  run,
  script,
  start,
  tempDirectory
} from "./support/subprocesses.js"

const shell = (body: string, args: ReadonlyArray<string> = []): ScriptMode => ({
  custom: { command: "/bin/sh", flag: "-ignored" },
  body: base64(body),
  args
})

describe("ScriptFile", () => {
  it.scopedLive("runs a script from a file of mode 0600 in the temp directory, with its arguments", () =>
    Effect.gen(function*() {
      const directory = yield* tempDirectory
      const body = "echo \"$0\"\nls -l \"$0\" | cut -c1-10\necho \"$#:$1:$2\"\necho grün ☃"
      const { exit, stdout } = yield* run(script(shell(body, ["a b", "c"])), { tempDirectory: directory })
      assert.isTrue(Exit.isSuccess(exit))
      const [path = "", ...rest] = stdout
      assert.strictEqual(NodePath.dirname(path), directory)
      assert.match(NodePath.basename(path), /^solti-script-/)
      assert.deepStrictEqual(rest, ["-rw-------", "2:a b:c", "grün ☃"])
      assert.deepStrictEqual(NodeFs.readdirSync(directory), [])
    }))

  it.scopedLive("calls the interpreters by name, from the PATH of the task", () =>
    Effect.gen(function*() {
      const directory = yield* tempDirectory
      const names = { BASH: "bash", PYTHON: "python3", NODE: "node" } as const
      for (const name of Object.values(names)) {
        yield* executable(NodePath.join(directory, name), `echo ${name} "$2"; cat "$1"`)
      }
      const env = [{ key: "PATH", value: `${directory}:/usr/bin:/bin` }]
      for (const runtime of ["BASH", "PYTHON", "NODE"] as const) {
        const mode: ScriptMode = { wellKnown: `SCRIPT_RUNTIME_${runtime}`, body: base64("the body"), args: ["arg"] }
        assert.deepStrictEqual((yield* run(script(mode, { env }))).stdout, [`${names[runtime]} arg`, "the body"])
      }
    }))

  it.scopedLive("writes a new file for every attempt, all of a body of 2 MiB", () =>
    Effect.gen(function*() {
      const directory = yield* tempDirectory
      const body = `echo "$0"; wc -c < "$0"\n#${"x".repeat(2 * 1024 * 1024 - 26)}`
      const task = script(shell(body))
      const first = yield* run(task, { tempDirectory: directory })
      const second = yield* run(task, { tempDirectory: directory })
      assert.notStrictEqual(first.stdout[0], second.stdout[0])
      assert.strictEqual(Number(first.stdout[1]), body.length)
    }))

  it.scopedLive("removes the file of an attempt that fails or cannot be started", () =>
    Effect.gen(function*() {
      const directory = yield* tempDirectory
      const options = { tempDirectory: directory }
      assert.strictEqual((yield* failing(script(shell("exit 4")), options)).exitCode, 4)
      assert.deepStrictEqual(
        yield* failing(
          script({ custom: { command: "no-such-interpreter", flag: "-c" }, body: base64("x"), args: [] }),
          options
        ),
        {
          reason: "fatal error (no retry): spawn failed: No such file or directory (os error 2)",
          exitCode: undefined,
          fatal: true
        }
      )
      assert.deepStrictEqual(NodeFs.readdirSync(directory), [])
    }))

  it.scopedLive("removes the file of an attempt that is interrupted, when nothing runs any more", () =>
    Effect.gen(function*() {
      const directory = yield* tempDirectory
      const running = yield* start(script(shell("echo $$; sleep 1000 & echo $!; wait")), { tempDirectory: directory })
      const members = yield* pids(running, 2)
      assert.lengthOf(NodeFs.readdirSync(directory), 1)
      yield* Fiber.interrupt(running.fiber)
      assert.deepStrictEqual(members.filter(isAlive), [])
      assert.deepStrictEqual(NodeFs.readdirSync(directory), [])
    }))

  it.scopedLive("does not mind a script that removes itself", () =>
    Effect.gen(function*() {
      const directory = yield* tempDirectory
      const { exit } = yield* run(script(shell("rm \"$0\"")), { tempDirectory: directory })
      assert.isTrue(Exit.isSuccess(exit))
    }))

  it.scopedLive("fails for good where it cannot write", () =>
    Effect.gen(function*() {
      const directory = yield* tempDirectory
      const file = NodePath.join(directory, "file")
      NodeFs.writeFileSync(file, "")
      const reason = (why: string) => ({
        reason: `fatal error (no retry): script file failed: ${why}`,
        exitCode: undefined,
        fatal: true
      })
      assert.deepStrictEqual(
        yield* failing(script(shell("true")), { tempDirectory: NodePath.join(directory, "missing") }),
        reason("No such file or directory (os error 2)")
      )
      assert.deepStrictEqual(
        yield* failing(script(shell("true")), { tempDirectory: file }),
        reason("Not a directory (os error 20)")
      )
    }))

  it.scopedLive("leaves no half of a file where the disk takes no more", () =>
    Effect.gen(function*() {
      const directory = yield* tempDirectory
      const program = NodePath.resolve("test/server/solti/support/overfull.ts")
      // A limit of the size of files stands for the full disk: the file is created, its writing fails.
      const limited = "ulimit -f 16; exec \"$0\" --import tsx \"$1\" \"$2\""
      const printed = yield* Effect.async<string, Error>((resume) => {
        const env = { ...process.env, TSX_DISABLE_CACHE: "1" }
        execFile("/bin/sh", ["-c", limited, process.execPath, program, directory], { env }, (error, stdout) =>
          resume(error === null ? Effect.succeed(stdout) : Effect.fail(error)))
      })
      assert.strictEqual(printed, "fatal error (no retry): script file failed: File too large (os error 27)")
      assert.deepStrictEqual(NodeFs.readdirSync(directory), [])
    }))
})
