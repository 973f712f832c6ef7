import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as NodePath from "node:path"
import type { Limits, Options } from "../../../src/server/solti/Sandbox.js"
import * as Sandbox from "../../../src/server/solti/Sandbox.js"
import { makeRunner } from "../../../src/server/solti/Subprocess.js"
import { command, executable, failing, run, sh, tempDirectory } from "./support/subprocesses.js"

const path = process.env["PATH"]

const rejection = (options: Options, searched = path) => Effect.flip(Sandbox.make(options, searched))

const limited = (limits: Limits) => ({ sandbox: { limits } })

describe("Sandbox", () => {
  it.live("sets the limits of every process of an attempt, and nothing else", () =>
    Effect.gen(function*() {
      const task = sh("ulimit -n; ulimit -H -n; ulimit -c; sh -c 'ulimit -n'")
      const limits = { maxOpenFiles: 123, disableCoreDumps: true }
      assert.deepStrictEqual((yield* run(task, limited(limits))).stdout, ["123", "123", "0", "123"])
      const [bare] = (yield* run(task, limited({ disableCoreDumps: false }))).stdout
      assert.notStrictEqual(bare, "123")
    }))

  it.scopedLive("ends a process that writes a larger file than it may", () =>
    Effect.gen(function*() {
      const directory = yield* tempDirectory
      const task = sh("head -c 5000 /dev/zero > file; wc -c < file", { cwd: directory, failOnNonZero: false })
      assert.deepStrictEqual((yield* run(task, limited({ maxFileSizeBytes: 4096 }))).stdout, ["4096"])
      assert.deepStrictEqual((yield* run(task, limited({ maxFileSizeBytes: 8192 }))).stdout, ["5000"])
    }))

  it.live("leaves command, arguments, environment and process id as they are", () =>
    Effect.gen(function*() {
      const env = [{ key: "a-b", value: "1" }, { key: "X=Y", value: "2" }]
      const bare = yield* run(command("env", [], { env }))
      const confined = yield* run(command("env", [], { env }), limited({ disableCoreDumps: true }))
      assert.deepStrictEqual(confined.stdout, bare.stdout)
      const group = sh("kill -0 -$$ && echo leads \"$0\" \"$@\"")
      assert.deepStrictEqual((yield* run(group, limited({ disableCoreDumps: true }))).stdout, ["leads /bin/sh"])
    }))

  it.scopedLive("still tells what cannot be started from what ends badly", () =>
    Effect.gen(function*() {
      const directory = yield* tempDirectory
      yield* executable(NodePath.join(directory, "here"), "exit 127")
      const options = limited({ disableCoreDumps: true })
      const notFound = {
        reason: "fatal error (no retry): spawn failed: No such file or directory (os error 2)",
        exitCode: undefined,
        fatal: true
      }
      assert.deepStrictEqual(yield* failing(command("no-such-command-here", []), options), notFound)
      assert.deepStrictEqual(yield* failing(command("here", []), options), notFound)
      assert.deepStrictEqual(yield* failing(command("", []), options), notFound)
      assert.deepStrictEqual(yield* failing(sh("true", { cwd: "/no/such/directory" }), options), notFound)
      assert.strictEqual((yield* failing(command("./here", [], { cwd: directory }), options)).exitCode, 127)
      const env = [{ key: "PATH", value: directory }]
      assert.strictEqual((yield* failing(command("here", [], { env }), options)).exitCode, 127)
    }))

  it.scopedLive("does not take the tool from the PATH of the task", () =>
    Effect.gen(function*() {
      const directory = yield* tempDirectory
      yield* executable(NodePath.join(directory, "prlimit"), "echo fake")
      const env = [{ key: "PATH", value: `${directory}:${path}` }]
      assert.deepStrictEqual((yield* run(sh("ulimit -n", { env }), limited({ maxOpenFiles: 50 }))).stdout, ["50"])
    }))

  it.live("is not there when nothing is limited", () =>
    Effect.gen(function*() {
      assert.isTrue(Option.isNone(yield* Sandbox.make({}, path)))
      assert.isTrue(Option.isNone(yield* Sandbox.make({ limits: { disableCoreDumps: false } }, "/nonexistent")))
    }))

  it.live("refuses what this platform does not give, by name", () =>
    Effect.gen(function*() {
      const cgroup = yield* rejection({ cgroup: { memoryBytes: 1 }, limits: { maxOpenFiles: 64 } })
      assert.strictEqual(cgroup.option, "cgroup")
      assert.strictEqual((yield* rejection({ security: { noNewPrivileges: true } })).option, "security")
      const missing = yield* rejection({ limits: { maxFileSizeBytes: 1 } }, "/nonexistent")
      assert.strictEqual(missing.option, "limits.maxFileSizeBytes")
      assert.include(missing.message, "prlimit")
    }))

  it.live("refuses numbers that are none, and limits that nobody may set", () =>
    Effect.gen(function*() {
      for (const maxOpenFiles of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
        assert.strictEqual((yield* rejection({ limits: { maxOpenFiles } })).option, "limits.maxOpenFiles")
      }
      const limits = { disableCoreDumps: true, maxOpenFiles: Number.MAX_SAFE_INTEGER }
      const above = yield* Effect.flip(makeRunner(limited(limits)))
      assert.strictEqual(above.option, "limits.maxOpenFiles")
      assert.include(above.reason, "NOFILE")
      assert.strictEqual((yield* rejection({ limits: { maxOpenFiles: 0 } })).option, "limits.maxOpenFiles")
    }))
})
