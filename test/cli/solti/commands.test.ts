import type { Vitest } from "@effect/vitest"
import { describe, it, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Fs from "node:fs"
import * as Http from "node:http"
import * as Os from "node:os"
import * as Path from "node:path"
import { afterAll, assert, beforeAll } from "vitest"
import { solti, start, switchyard, until, Wire } from "../inProcess.js"
import { freePort, lives, uniqueSeconds } from "../support.js"

let directory: string

beforeAll(() => {
  directory = Fs.mkdtempSync(Path.join(Os.tmpdir(), "switchyard-solti-"))
})

afterAll(() => Fs.rmSync(directory, { recursive: true, force: true }))

const oneLine = /^switchyard: [^\n]+\n$/

const objects = (stdout: string) => stdout.trim().split("\n").map((line) => JSON.parse(line))

const submit = (...args: ReadonlyArray<string>) => Effect.map(solti(["submit", ...args]), ({ stdout }) => stdout.trim())

/** What is the same on every wire. */
const commands = (it: Vitest.MethodsNonLive<Wire, true>): void => {
  describe("run", () => {
    it.effect("hands on the output of the task, and says the rest on stderr", () =>
      Effect.gen(function*() {
        const script = "echo out; echo err >&2; printf 'a\\033[31mb\\n'"
        const { code, stderr, stdout } = yield* solti(["run", "--", "bash", "-c", script])
        assert.strictEqual(code, 0)
        assert.strictEqual(stdout, "out\na\u001b[31mb\n")
        const lines = stderr.trimEnd().split("\n")
        assert.match(lines[0] ?? "", /^submitted default-cli-\d+$/)
        assert.includeMembers(lines, ["1 > started", "err", "1 < finished", "= succeeded after 1 attempt"])
      }))

    it.effect("says on a terminal what is what, and lets no control character through", () =>
      Effect.gen(function*() {
        const script = "echo out; echo err >&2; printf 'a\\033[31mb\\n'"
        const { stderr, stdout } = yield* solti(["run", "--", "bash", "-c", script], { terminal: 80 })
        assert.strictEqual(stderr, "")
        assert.includeMembers(stdout.split("\n"), ["1 | out", "1 ! err", "1 | a\\u001b[31mb"])
      }))

    it.effect("exits with 1 when the task does not succeed", () =>
      Effect.gen(function*() {
        const failed = yield* solti(["run", "--", "bash", "-c", "exit 7"])
        assert.strictEqual(failed.code, 1)
        assert.include(failed.stderr, "failed after 1 attempt, exit code 7")
        const slow = yield* solti(["run", "--timeout", "100ms", "--", "sleep", uniqueSeconds()])
        assert.strictEqual(slow.code, 1)
        assert.include(slow.stderr, "timeout after 1 attempt")
        const ignored = yield* solti(["run", "--ignore-exit-code", "--", "bash", "-c", "exit 7"])
        assert.strictEqual(ignored.code, 0)
      }))

    it.effect("writes one object a line with --json", () =>
      Effect.gen(function*() {
        const script = "printf 'hi\\302\\233\\n'; exit 3"
        const { code, stderr, stdout } = yield* solti(["run", "--json", "--", "bash", "-c", script])
        assert.deepStrictEqual([code, stderr], [1, ""])
        assert.include(stdout, "\"line\":\"hi\\u009b\"")
        const events = objects(stdout)
        assert.sameMembers(events.map(({ type }) => type), ["submitted", "runStarted", "chunk", "runFinished", "ended"])
        const [{ taskId }] = events
        const [chunk, finished, ended] = ["chunk", "runFinished", "ended"].map((name) =>
          events.find(({ type }) => type === name)
        )
        assert.deepInclude(chunk, { attempt: 1, stream: "stdout", seq: 0, line: "hi\u009b" })
        assert.deepInclude(finished, { attempt: 1, exitCode: 3 })
        const expected = { taskId, status: "failed", phase: "exhausted", attempts: 1, exitCode: 3 }
        assert.deepInclude(ended.outcome, expected)
        assert.deepInclude(ended.outcome.runs[0], { attempt: 1, status: "TASK_STATUS_FAILED", exitCode: 3 })
      }))

    it.effect("runs scripts from stdin and from files, by their ending", () =>
      Effect.gen(function*() {
        const given = ["run", "--script", "-", "--", "one", "two three"]
        const fromStdin = yield* solti(given, { stdin: "printf '<%s>' \"$@\"" })
        assert.strictEqual(fromStdin.stdout, "<one><two three>\n")
        const file = Path.join(directory, "hello.mjs")
        Fs.writeFileSync(file, "console.log(typeof process.version)")
        assert.strictEqual((yield* solti(["run", "--script", file])).stdout, "string\n")
        const custom = yield* solti(["run", "--script", "-", "--runtime", "cat"], { stdin: "not a program\n" })
        assert.strictEqual(custom.stdout, "not a program\n")
      }))

    it.effect("sets environment and working directory", () =>
      Effect.gen(function*() {
        const args = ["-e", "GIVEN=a=b", "--env", "MINE", "--cwd", directory, "--"]
        const { stdout } = yield* solti(["run", ...args, "bash", "-c", "echo $GIVEN $MINE $PWD"], {
          env: { MINE: "from here" }
        })
        assert.strictEqual(stdout, `a=b from here ${Fs.realpathSync(directory)}\n`)
      }))

    it.effect("restarts with back-off until the task succeeds", () =>
      Effect.gen(function*() {
        const counter = Path.join(Fs.mkdtempSync(Path.join(directory, "restarts-")), "counter")
        const script = `echo x >> ${counter}; wc -l < ${counter}; [ $(wc -l < ${counter}) = 3 ]`
        const backoff = ["--backoff-first", "20ms", "--backoff-max", "50ms", "--backoff-factor", "1.5"]
        const args = ["--restart", "on-failure", "--backoff-jitter", "none", ...backoff, "--", "bash", "-c", script]
        const { code, stderr, stdout } = yield* solti(["run", ...args])
        assert.strictEqual(code, 0)
        assert.deepStrictEqual(stdout.split("\n").map((line) => line.trim()), ["1", "2", "3", ""])
        assert.include(stderr, "= succeeded after 3 attempts")
      }))

    it.effect("says when the slot was busy", () =>
      Effect.gen(function*() {
        const first = yield* submit("--slot", "busy", "--", "sleep", uniqueSeconds())
        const second = yield* solti(["run", "--slot", "busy", "--admission", "drop-if-running", "--", "true"])
        assert.strictEqual(second.code, 1)
        assert.include(second.stderr, "canceled after 0 attempts: dropped: slot busy")
        assert.strictEqual((yield* solti(["delete", first])).code, 0)
      }))

    it.effect("leaves words behind -- alone", () =>
      Effect.gen(function*() {
        const words = ["--help", "--version", "--log-level", "debug", "--", "x"]
        const { stdout } = yield* solti(["run", "--log-level", "info", "--", "echo", ...words])
        assert.strictEqual(stdout, "--help --version --log-level debug -- x\n")
      }))

    it.effect("stops the task when a signal comes", () =>
      Effect.gen(function*() {
        for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143], ["SIGPIPE", 141]] as const) {
          const seconds = uniqueSeconds()
          const run = yield* start(["run", "--", "bash", "-c", `echo up; sleep ${seconds}`])
          yield* until(() => run.seen.stdout.includes("up"))
          assert.isTrue(lives(seconds))
          yield* run.send(signal)
          const ended = yield* Fiber.join(run.fiber)
          assert.strictEqual(ended.code, code)
          assert.match(ended.stderr, /switchyard: stopped default-cli-\d+\n$/)
          assert.isFalse(lives(seconds))
        }
      }))
  })

  describe("submit, get, list, runs, logs, delete", () => {
    it.effect("follow a task through its life", () =>
      Effect.gen(function*() {
        const seconds = uniqueSeconds()
        const options = ["--slot", "life", "--label", "team=infra", "--env", "KEY=planted-secret", "--timeout", "5m"]
        const script = `echo up; sleep ${seconds}`
        const submitted = yield* solti(["submit", "--json", ...options, "--", "bash", "-c", script])
        assert.strictEqual(submitted.code, 0)
        const { taskId } = JSON.parse(submitted.stdout)

        const logs = yield* start(["logs", taskId, "--json"])
        yield* until(() => logs.seen.stdout.includes("up"))

        const get = yield* solti(["get", taskId])
        assert.strictEqual(get.code, 0)
        assert.match(get.stdout, /^phase +running$/m)
        assert.match(get.stdout, /^slot +life \(queue\)$/m)
        assert.match(get.stdout, /^timeout +5m$/m)
        assert.match(get.stdout, /^env +KEY \(values hidden\)$/m)
        assert.match(get.stdout, /^label +team=infra$/m)
        assert.notInclude(get.stdout, "planted-secret")

        const list = yield* solti(["list", "--slot", "life"])
        const [header = "", row = "", ...rest] = list.stdout.trimEnd().split("\n")
        assert.deepStrictEqual(header.split(/ +/), ["ID", "SLOT", "PHASE", "ATTEMPT", "EXIT", "AGE", "RUNS"])
        assert.deepStrictEqual(row.split(/ +/).slice(0, 5), [taskId, "life", "running", "1", "-"])
        assert.deepStrictEqual(rest, [])
        const narrow = yield* solti(["list", "--slot", "life"], { terminal: 70 })
        for (const line of narrow.stdout.split("\n")) assert.isAtMost(line.length, 70)
        assert.include(narrow.stdout, "…")

        const runs = yield* solti(["runs", taskId, "--json"])
        assert.deepInclude(objects(runs.stdout)[0], { attempt: 1, status: "TASK_STATUS_RUNNING" })
        const table = yield* solti(["runs", taskId])
        assert.match(table.stdout, /^ATTEMPT +STATUS .*\n +1 +running +- +\d{4}-\d\d-\d\dT/)

        const deleted = yield* solti(["delete", taskId, "default-life-unknown"])
        assert.deepStrictEqual(deleted, {
          code: 0,
          stdout: `deleted ${taskId}\ndeleted default-life-unknown\n`,
          stderr: ""
        })
        const followed = yield* Fiber.join(logs.fiber)
        assert.strictEqual(followed.code, 0)
        assert.deepStrictEqual(objects(followed.stdout).map(({ type }) => type), ["runStarted", "chunk", "runFinished"])
        assert.isFalse(lives(seconds))

        for (const command of ["get", "runs", "logs"]) {
          const gone = yield* solti([command, taskId])
          assert.deepStrictEqual([gone.code, gone.stdout], [3, ""], command)
          assert.match(gone.stderr, oneLine)
        }
      }))

    it.effect("show secrets only when asked for, and read a spec back", () =>
      Effect.gen(function*() {
        const taskId = yield* submit("--env", "KEY=planted-secret", "--", "bash", "-c", "echo \"got $KEY\"")
        const hidden = yield* solti(["get", taskId, "--json"])
        assert.notInclude(hidden.stdout, "planted-secret")
        assert.notInclude((yield* solti(["list", "--json"])).stdout, "planted-secret")
        const shown = yield* solti(["get", taskId, "--json", "--show-secrets"])
        assert.strictEqual(JSON.parse(shown.stdout).spec.kind.subprocess.env[0].value, "planted-secret")

        const file = Path.join(directory, "spec.json")
        Fs.writeFileSync(file, shown.stdout)
        assert.strictEqual((yield* solti(["run", "--file", file])).stdout, "got planted-secret\n")
        Fs.writeFileSync(file, hidden.stdout)
        const incomplete = yield* solti(["run", "--file", file])
        assert.strictEqual(incomplete.code, 2)
        assert.include(incomplete.stderr, "--show-secrets")
      }))

    it.effect("limit a list", () =>
      Effect.gen(function*() {
        yield* Effect.forEach([1, 2, 3], () => submit("--slot", "many", "--", "true"))
        const { stdout } = yield* solti(["list", "--slot", "many", "--limit", "2", "--json"])
        assert.lengthOf(objects(stdout), 2)
        const none = yield* solti(["list", "--slot", "nothing-here"])
        assert.deepStrictEqual(none, { code: 0, stdout: "", stderr: "no tasks\n" })
      }))

    it.effect("leave a task alone when its log is interrupted", () =>
      Effect.gen(function*() {
        const seconds = uniqueSeconds()
        const taskId = yield* submit("--", "bash", "-c", `echo up; sleep ${seconds}`)
        const logs = yield* start(["logs", taskId])
        yield* until(() => logs.seen.stdout.includes("up"))
        yield* logs.send("SIGINT")
        assert.strictEqual((yield* Fiber.join(logs.fiber)).code, 130)
        assert.isTrue(lives(seconds))
        yield* solti(["delete", taskId])
        assert.isFalse(lives(seconds))
      }))
  })

  describe("what cannot work is said in one line", () => {
    const wrong: ReadonlyArray<readonly [name: string, args: ReadonlyArray<string>, message: RegExp]> = [
      ["nothing to run", ["run"], /nothing to run/],
      ["an unknown option", ["run", "--slto", "x", "--", "true"], /--slto/],
      ["an unknown option behind a word", ["run", "ls", "-la"], /unknown option -la .*behind --/],
      ["a wrong duration", ["run", "--timeout", "soon", "--", "true"], /--timeout wants a duration/],
      ["a wrong choice", ["run", "--restart", "often", "--", "true"], /never, on-failure, always/],
      ["a wrong number", ["list", "--limit", "0"], /--limit/],
      ["a slot that the server refuses", ["run", "--slot", "a/b", "--", "true"], /spec\.slot: .*forbidden byte/],
      ["a back-off that it refuses", ["run", "--backoff-factor", "0.5", "--", "true"], /spec\.backoff\.factor/],
      ["a pair without a value", ["run", "--label", "x", "--", "true"], /--label wants KEY=VALUE/],
      ["a variable that is not set", ["run", "--env", "NOT_SET", "--", "true"], /no such variable/],
      ["a runtime without a script", ["run", "--runtime", "bash", "--", "true"], /--runtime goes with --script/],
      ["a script that is not there", ["run", "--script", "/nowhere.sh"], /cannot read \/nowhere\.sh/],
      ["a missing id", ["get"], /missing <id>/],
      ["too many ids", ["get", "a", "b"], /one <id> only/],
      ["no id to delete", ["delete"], /missing <id>/],
      ["a file beside other options", ["run", "--file", "x.json", "--slot", "a"], /--file is the whole spec/],
      ["a file beside a command", ["run", "--file", "x.json", "--", "true"], /--file is the whole spec/]
    ]

    for (const [name, args, message] of wrong) {
      it.effect(name, () =>
        Effect.gen(function*() {
          const { code, stderr, stdout } = yield* solti(args)
          assert.match(stderr, message)
          assert.match(stderr, oneLine)
          assert.deepStrictEqual([code, stdout], [2, ""])
        }))
    }

    it.effect("a spec file, by member and rule, never by value", () =>
      Effect.gen(function*() {
        const fine = {
          slot: "s",
          kind: { subprocess: { command: { command: "true" }, failOnNonZero: true } },
          timeoutMs: "1000",
          restart: "RESTART_STRATEGY_NEVER",
          backoff: { jitter: "JITTER_STRATEGY_NONE", firstMs: "1", maxMs: "1", factor: 1 },
          admission: "ADMISSION_STRATEGY_QUEUE"
        }
        const { timeoutMs: _, ...incomplete } = fine
        const secret = { subprocess: { command: { command: "true" }, env: [{ key: "K", value: 5123 }] } }
        const cases = [
          [{ ...fine, kind: secret }, /kind/],
          [incomplete, /timeoutMs is missing/],
          [{ spec: { ...fine, retries: 3 } }, /no retries/],
          [{ ...fine, timeoutMs: "soon" }, /timeoutMs has to be uint64/],
          [{ ...fine, timeoutMs: "0" }, /timeout_ms cannot be zero/]
        ] as const
        for (const [content, message] of cases) {
          const { code, stderr } = yield* solti(["run", "--file", "-"], { stdin: JSON.stringify(content) })
          assert.strictEqual(code, 2)
          assert.match(stderr, message)
          assert.match(stderr, oneLine)
          assert.notInclude(stderr, "5123")
        }
        const broken = yield* solti(["run", "--file", "-"], { stdin: "{" })
        assert.deepStrictEqual(broken, { code: 2, stdout: "", stderr: "switchyard: - is not JSON\n" })
        assert.strictEqual((yield* solti(["run", "--file", "-"], { stdin: JSON.stringify(fine) })).code, 0)
      }))
  })
}

layer(Wire.http, { excludeTestServices: true })("solti over HTTP", commands)

layer(Wire.grpc, { excludeTestServices: true })("solti over gRPC", commands)

describe("what cannot work with a URL is said in one line", () => {
  it.live("a server that is not there", () =>
    Effect.gen(function*() {
      const url = `http://127.0.0.1:${yield* Effect.promise(freePort)}`
      const person = yield* switchyard(["solti", "submit", "--url", url, "--", "true"])
      assert.strictEqual(person.code, 5)
      assert.strictEqual(person.stderr, `switchyard: ${url}: the request could not be sent: ECONNREFUSED\n`)
      const machine = yield* switchyard(["solti", "submit", "--json", "--url", url, "--", "true"])
      assert.deepInclude(JSON.parse(machine.stderr), { error: "TransportError", exitCode: 5, code: "ECONNREFUSED" })
    }))

  it.scopedLive("a server that speaks something else", () =>
    Effect.gen(function*() {
      const other = yield* Effect.acquireRelease(
        Effect.async<Http.Server>((resume) => {
          const server = Http.createServer((_, response) => response.end("<html>welcome</html>"))
          server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
        }),
        (server) => Effect.sync(() => server.close())
      )
      const address = other.address()
      const port = typeof address === "object" && address !== null ? address.port : 0
      const { code, stderr } = yield* switchyard(["solti", "list", "--url", `http://127.0.0.1:${port}`])
      assert.strictEqual(code, 6)
      assert.match(stderr, oneLine)
    }))

  const wrong: ReadonlyArray<readonly [name: string, args: ReadonlyArray<string>, message: RegExp]> = [
    ["text that is no URL", ["list", "--url", "nonsense"], /absolute URL/],
    ["credentials in it", ["list", "--url", "http://user:planted@127.0.0.1"], /must not hold credentials/],
    ["a token over plain http", ["list", "--url", "http://solti.invalid"], /https .*--allow-insecure-token/],
    ["an id that cannot be in a path", ["get", "..", "--url", "http://127.0.0.1:1"], /id/]
  ]

  for (const [name, args, message] of wrong) {
    it.live(name, () =>
      Effect.gen(function*() {
        const { code, stderr } = yield* switchyard(["solti", ...args], { env: { SOLTI_TOKEN: "planted" } })
        assert.strictEqual(code, 2)
        assert.match(stderr, message)
        assert.match(stderr, oneLine)
        assert.notInclude(stderr, "planted")
      }))
  }
})
