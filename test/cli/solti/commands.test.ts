import * as Fs from "node:fs"
import { once } from "node:events"
import { createServer } from "node:http"
import * as Os from "node:os"
import * as Path from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import type { Serving } from "../support.js"
import { cli, freePort, lives, serve, start, uniqueSeconds, until } from "../support.js"

const switchyard = cli()
let server: Serving
let directory: string

beforeAll(async () => {
  directory = Fs.mkdtempSync(Path.join(Os.tmpdir(), "switchyard-solti-"))
  server = await serve(switchyard)
})

afterAll(async () => {
  await server.stop()
  Fs.rmSync(directory, { recursive: true, force: true })
})

interface Options {
  readonly env?: Readonly<Record<string, string>>
  readonly input?: string
}

const solti = (args: ReadonlyArray<string>, { env = {}, input = "" }: Options = {}) =>
  switchyard.run(["solti", ...args], { env: { SOLTI_URL: server.hello.url, ...env }, input })

const objects = (stdout: string): ReadonlyArray<any> => stdout.trim().split("\n").map((line) => JSON.parse(line))

const oneLine = /^switchyard: [^\n]+\n$/

describe("run", () => {
  it("hands on the output of the task, and says the rest on stderr", async () => {
    const { code, stderr, stdout } = await solti(["run", "--", "bash", "-c", "echo out; echo err >&2; printf 'a\\033[31mb\\n'"])
    assert.strictEqual(code, 0)
    assert.strictEqual(stdout, "out\na\u001b[31mb\n")
    const lines = stderr.trimEnd().split("\n")
    assert.match(lines[0] ?? "", /^submitted default-cli-\d+$/)
    assert.includeMembers(lines, ["1 > started", "err", "1 < finished", "= succeeded after 1 attempt"])
  })

  it("exits with 1 when the task does not succeed", async () => {
    const failed = await solti(["run", "--", "bash", "-c", "exit 7"])
    assert.strictEqual(failed.code, 1)
    assert.include(failed.stderr, "failed after 1 attempt, exit code 7")
    const slow = await solti(["run", "--timeout", "200ms", "--", "sleep", uniqueSeconds()])
    assert.strictEqual(slow.code, 1)
    assert.include(slow.stderr, "timeout after 1 attempt")
    const ignored = await solti(["run", "--ignore-exit-code", "--", "bash", "-c", "exit 7"])
    assert.strictEqual(ignored.code, 0)
  })

  it("writes one object a line with --json", async () => {
    const { code, stderr, stdout } = await solti(["run", "--json", "--", "bash", "-c", "echo hi; exit 3"])
    assert.strictEqual(code, 1)
    assert.strictEqual(stderr, "")
    const events = objects(stdout)
    assert.deepStrictEqual(events.map(({ type }) => type), ["submitted", "runStarted", "chunk", "runFinished", "ended"])
    const [submitted, , chunk, finished, ended] = events
    assert.deepInclude(chunk, { attempt: 1, stream: "stdout", seq: 0, line: "hi" })
    assert.deepInclude(finished, { attempt: 1, exitCode: 3 })
    assert.deepInclude(ended.outcome, {
      taskId: submitted.taskId,
      status: "failed",
      phase: "exhausted",
      attempts: 1,
      exitCode: 3
    })
    assert.deepInclude(ended.outcome.runs[0], { attempt: 1, status: "TASK_STATUS_FAILED", exitCode: 3 })
  })

  it("runs scripts from stdin and from files, by their ending", async () => {
    const fromStdin = await solti(["run", "--script", "-", "--", "one", "two three"], { input: "printf '<%s>' \"$@\"" })
    assert.strictEqual(fromStdin.stdout, "<one><two three>\n")
    const file = Path.join(directory, "hello.mjs")
    Fs.writeFileSync(file, "console.log(typeof process.version)")
    assert.strictEqual((await solti(["run", "--script", file])).stdout, "string\n")
    const custom = await solti(["run", "--script", "-", "--runtime", "cat"], { input: "not a program\n" })
    assert.strictEqual(custom.stdout, "not a program\n")
  })

  it("sets environment and working directory", async () => {
    const { stdout } = await solti(
      ["run", "-e", "GIVEN=a=b", "--env", "MINE", "--cwd", directory, "--", "bash", "-c", "echo $GIVEN $MINE $PWD"],
      { env: { MINE: "from here" } }
    )
    assert.strictEqual(stdout, `a=b from here ${Fs.realpathSync(directory)}\n`)
    const unset = await solti(["run", "--env", "NOT_SET_ANYWHERE", "--", "true"])
    assert.strictEqual(unset.code, 2)
    assert.match(unset.stderr, oneLine)
  })

  it("restarts with back-off until the task succeeds", async () => {
    const counter = Path.join(directory, "counter")
    const { code, stderr, stdout } = await solti([
      ...["run", "--restart", "on-failure", "--backoff-first", "20ms", "--backoff-max", "50ms", "--backoff-jitter", "none"],
      ...["--backoff-factor", "1.5", "--", "bash", "-c", `echo x >> ${counter}; wc -l < ${counter}; [ $(wc -l < ${counter}) = 3 ]`]
    ])
    assert.strictEqual(code, 0)
    assert.deepStrictEqual(stdout.split("\n").map((line) => line.trim()), ["1", "2", "3", ""])
    assert.include(stderr, "= succeeded after 3 attempts")
  })

  it("says when the slot was busy", async () => {
    const first = await solti(["submit", "--slot", "busy", "--", "sleep", uniqueSeconds()])
    const second = await solti(["run", "--slot", "busy", "--admission", "drop-if-running", "--", "true"])
    assert.strictEqual(second.code, 1)
    assert.include(second.stderr, "canceled after 0 attempts: dropped: slot busy")
    assert.strictEqual((await solti(["delete", first.stdout.trim()])).code, 0)
  })

  it("stops the task when it is interrupted, and leaves nothing behind", async () => {
    for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
      const seconds = uniqueSeconds()
      const run = switchyard.start(["solti", "run", "--", "bash", "-c", `echo up; sleep ${seconds}`], {
        env: { SOLTI_URL: server.hello.url }
      })
      await until(() => run.seen.stdout.includes("up"), "the task runs")
      assert.isTrue(lives(seconds))
      run.child.kill(signal)
      const ended = await run.ended
      assert.strictEqual(ended.code, code)
      assert.match(ended.stderr, /switchyard: stopped default-cli-\d+\n$/)
      assert.isFalse(lives(seconds))
    }
  })
})

describe("submit, get, list, runs, logs, delete", () => {
  it("follow a task through its life", async () => {
    const seconds = uniqueSeconds()
    const submitted = await solti([
      ...["submit", "--json", "--slot", "life", "--label", "team=infra", "--env", "KEY=planted-secret", "--timeout", "5m"],
      ...["--", "bash", "-c", `echo up; sleep ${seconds}`]
    ])
    assert.strictEqual(submitted.code, 0)
    const { taskId } = JSON.parse(submitted.stdout)

    const logs = switchyard.start(["solti", "logs", taskId, "--json"], { env: { SOLTI_URL: server.hello.url } })
    await until(() => logs.seen.stdout.includes("up"), "the log is followed")

    const get = await solti(["get", taskId])
    assert.strictEqual(get.code, 0)
    assert.match(get.stdout, /^phase +running$/m)
    assert.match(get.stdout, /^slot +life \(queue\)$/m)
    assert.match(get.stdout, /^timeout +5m$/m)
    assert.match(get.stdout, /^env +KEY \(values hidden\)$/m)
    assert.match(get.stdout, /^label +team=infra$/m)
    assert.notInclude(get.stdout, "planted-secret")

    const list = await solti(["list", "--slot", "life"])
    const [header = "", row = "", ...rest] = list.stdout.trimEnd().split("\n")
    assert.deepStrictEqual(header.split(/ +/), ["ID", "SLOT", "PHASE", "ATTEMPT", "EXIT", "AGE", "RUNS"])
    assert.deepStrictEqual(row.split(/ +/).slice(0, 5), [taskId, "life", "running", "1", "-"])
    assert.deepStrictEqual(rest, [])

    const runs = await solti(["runs", taskId, "--json"])
    assert.deepInclude(objects(runs.stdout)[0], { attempt: 1, status: "TASK_STATUS_RUNNING" })

    const deleted = await solti(["delete", taskId, "default-life-unknown"])
    assert.deepStrictEqual([deleted.code, deleted.stdout], [0, `deleted ${taskId}\ndeleted default-life-unknown\n`])
    const followed = await logs.ended
    assert.strictEqual(followed.code, 0)
    assert.deepStrictEqual(objects(followed.stdout).map(({ type }) => type), ["runStarted", "chunk", "runFinished"])
    assert.isFalse(lives(seconds))

    for (const command of ["get", "runs", "logs"]) {
      const gone = await solti([command, taskId])
      assert.strictEqual(gone.code, 3, command)
      assert.strictEqual(gone.stdout, "")
      assert.match(gone.stderr, oneLine)
    }
  })

  it("show secrets only when asked for, and read a spec back", async () => {
    const submitted = await solti(["submit", "--env", "KEY=planted-secret", "--", "bash", "-c", "echo \"got $KEY\""])
    const taskId = submitted.stdout.trim()
    const hidden = await solti(["get", taskId, "--json"])
    assert.notInclude(hidden.stdout, "planted-secret")
    assert.notInclude((await solti(["list", "--json"])).stdout, "planted-secret")
    const shown = await solti(["get", taskId, "--json", "--show-secrets"])
    assert.strictEqual(JSON.parse(shown.stdout).spec.kind.subprocess.env[0].value, "planted-secret")

    const file = Path.join(directory, "spec.json")
    Fs.writeFileSync(file, shown.stdout)
    assert.strictEqual((await solti(["run", "--file", file])).stdout, "got planted-secret\n")
    Fs.writeFileSync(file, hidden.stdout)
    const incomplete = await solti(["run", "--file", file])
    assert.strictEqual(incomplete.code, 2)
    assert.include(incomplete.stderr, "--show-secrets")
  })

  it("limit a list", async () => {
    for (const _ of [1, 2, 3]) await solti(["submit", "--slot", "many", "--", "true"])
    assert.lengthOf(objects((await solti(["list", "--slot", "many", "--limit", "2", "--json"])).stdout), 2)
    const none = await solti(["list", "--slot", "nothing-here"])
    assert.deepStrictEqual([none.code, none.stdout, none.stderr], [0, "", "no tasks\n"])
  })

  it("stop when nobody reads their output", async () => {
    const seconds = uniqueSeconds()
    const { stdout } = await solti(["submit", "--", "bash", "-c", `while true; do echo tick; sleep 0.05; done; sleep ${seconds}`])
    const taskId = stdout.trim()
    const pipe = switchyard.start(["solti", "logs", taskId], { env: { SOLTI_URL: server.hello.url } })
    await until(() => pipe.seen.stdout.includes("tick"), "the log is followed")
    pipe.child.stdout.destroy()
    assert.strictEqual((await pipe.ended).code, 141)
    await solti(["delete", taskId])
  })
})

describe("what cannot work", () => {
  const wrong: ReadonlyArray<readonly [name: string, args: ReadonlyArray<string>, message: RegExp]> = [
    ["nothing to run", ["run"], /nothing to run/],
    ["an unknown option", ["run", "--slto", "x", "--", "true"], /--slto/],
    ["an unknown option behind a word", ["run", "ls", "-la"], /unknown option -la .*behind --/],
    ["a wrong duration", ["run", "--timeout", "soon", "--", "true"], /--timeout wants a duration/],
    ["a wrong choice", ["run", "--restart", "often", "--", "true"], /never, on-failure, always/],
    ["a wrong number", ["list", "--limit", "0"], /--limit/],
    ["a slot that the server refuses", ["run", "--slot", "a/b", "--", "true"], /spec\.slot: .*forbidden byte/],
    ["a back-off that the server refuses", ["run", "--backoff-factor", "0.5", "--", "true"], /spec\.backoff\.factor/],
    ["a pair without a value", ["run", "--label", "x", "--", "true"], /--label wants KEY=VALUE/],
    ["a runtime without a script", ["run", "--runtime", "bash", "--", "true"], /--runtime goes with --script/],
    ["a script that is not there", ["run", "--script", "/nowhere.sh"], /cannot read \/nowhere\.sh/],
    ["a missing id", ["get"], /missing <id>/],
    ["too many ids", ["get", "a", "b"], /one <id> only/],
    ["an id that is none", ["get", " "], /task_id|id/],
    ["a URL that is none", ["list", "--url", "nonsense"], /absolute URL/],
    ["a URL with credentials", ["list", "--url", "http://user:planted@127.0.0.1"], /must not hold credentials/],
    ["a file beside other options", ["run", "--file", "x.json", "--slot", "a"], /--file is the whole spec/]
  ]

  for (const [name, args, message] of wrong) {
    it(`says so in one line: ${name}`, async () => {
      const { code, stderr, stdout } = await solti(args)
      assert.match(stderr, message)
      assert.match(stderr, oneLine)
      assert.notInclude(stderr, "planted")
      assert.deepStrictEqual([code, stdout], [2, ""])
    })
  }

  it("names what is wrong with a spec file, never its values", async () => {
    const spec = {
      slot: "s",
      kind: { subprocess: { command: { command: "true" }, env: [{ key: "K", value: 5123 }] } },
      timeoutMs: "1000",
      restart: "RESTART_STRATEGY_NEVER",
      backoff: { jitter: "JITTER_STRATEGY_NONE", firstMs: "1", maxMs: "1", factor: 1 },
      admission: "ADMISSION_STRATEGY_QUEUE"
    }
    const fine = { ...spec, kind: { subprocess: { command: { command: "true" }, failOnNonZero: true } } }
    const { timeoutMs: _, ...incomplete } = fine
    const cases = [
      [spec, /kind/],
      [incomplete, /timeoutMs is missing/],
      [{ spec: { ...fine, retries: 3 } }, /no retries/],
      [{ ...fine, timeoutMs: "soon" }, /timeoutMs has to be uint64/],
      [{ ...fine, timeoutMs: "0" }, /timeout_ms cannot be zero/]
    ] as const
    for (const [content, message] of cases) {
      const { code, stderr } = await solti(["run", "--file", "-"], { input: JSON.stringify(content) })
      assert.strictEqual(code, 2)
      assert.match(stderr, message)
      assert.match(stderr, oneLine)
      assert.notInclude(stderr, "5123")
    }
    const broken = await solti(["run", "--file", "-"], { input: "{" })
    assert.strictEqual(broken.stderr, "switchyard: - is not JSON\n")
    assert.strictEqual((await solti(["run", "--file", "-"], { input: JSON.stringify(fine) })).code, 0)
  })

  it("is 5 when the server is not there, with the server in the message", async () => {
    const url = `http://127.0.0.1:${await freePort()}`
    const person = await solti(["submit", "--url", url, "--", "true"])
    assert.strictEqual(person.code, 5)
    assert.strictEqual(person.stderr, `switchyard: ${url}: the request could not be sent: ECONNREFUSED\n`)
    const machine = await solti(["submit", "--json", "--url", url, "--", "true"])
    assert.deepInclude(JSON.parse(machine.stderr), { error: "TransportError", exitCode: 5, code: "ECONNREFUSED" })
  })

  it("is 6 when the server speaks something else", async () => {
    const other = createServer((_, response) => {
      response.writeHead(200, { "content-type": "text/html" })
      response.end("<html>welcome</html>")
    }).listen(0, "127.0.0.1")
    await once(other, "listening")
    const address = other.address()
    const port = typeof address === "object" && address !== null ? address.port : 0
    const { code, stderr } = await solti(["list", "--url", `http://127.0.0.1:${port}`])
    other.close()
    assert.strictEqual(code, 6)
    assert.match(stderr, oneLine)
  })

  it("does not send a token over plain http to another host", async () => {
    const { code, stderr } = await solti(["list", "--url", "http://solti.invalid"], { env: { SOLTI_TOKEN: "planted-token" } })
    assert.strictEqual(code, 2)
    assert.include(stderr, "https")
    assert.notInclude(stderr, "planted-token")
  })

  it("is 2 without a server", async () => {
    const { code, stderr } = await solti(["list"], { env: { SOLTI_URL: "" } })
    assert.deepStrictEqual([code, stderr], [2, "switchyard: no server: give --url, or set SOLTI_URL\n"])
  })
})

describe("help and completions", () => {
  const commands = [
    [],
    ["serve"],
    ["serve", "solti"],
    ["solti"],
    ...["run", "submit", "get", "list", "runs", "logs", "delete"].map((verb) => ["solti", verb])
  ]

  it("has a page for every command, with its own usage and examples", async () => {
    const pages = await Promise.all(commands.map((words) => switchyard.run([...words, "--help"])))
    pages.forEach(({ code, stderr, stdout }, at) => {
      assert.deepStrictEqual([code, stderr], [0, ""])
      assert.include(stdout, `Usage: ${["switchyard", ...commands[at] ?? []].join(" ")} `)
      assert.include(stdout, "Examples:\n")
      for (const line of stdout.split("\n")) assert.isAtMost(line.length, 110)
    })
    const [root, , , , run] = pages
    assert.match(root?.stdout ?? "", /^ {2}130 +interrupted/m)
    assert.match(run?.stdout ?? "", /^ {2}-f, --file spec\.json +The whole spec/m)
  })

  it("refuses commands that are none", async () => {
    const stray = await switchyard.run(["solti", "rnu"])
    assert.deepStrictEqual([stray.code, stray.stderr], [2, "switchyard: no such command: rnu (see switchyard solti --help)\n"])
    const none = await switchyard.run(["solti"])
    assert.deepStrictEqual([none.code, none.stdout], [2, ""])
    const before = await switchyard.run(["solti", "--json", "list"])
    assert.strictEqual(before.code, 2)
    assert.match(before.stderr, oneLine)
    assert.strictEqual((await switchyard.run(["--log-level", "loud", "solti", "list"])).code, 2)
    assert.strictEqual((await switchyard.run(["--version"])).stdout, "1.2.3\n")
  })

  it("leaves what is behind -- alone", async () => {
    const { stdout } = await solti(["run", "--", "echo", "--help", "--version", "--log-level", "debug", "--", "x"])
    assert.strictEqual(stdout, "--help --version --log-level debug -- x\n")
  })

  it("completes commands, options and values in bash", async () => {
    const script = await switchyard.run(["--completions", "bash"])
    const file = Path.join(directory, "completions.bash")
    Fs.writeFileSync(file, script.stdout)
    const complete = async (...words: ReadonlyArray<string>) => {
      const program = `source ${file}; COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 )); _switchyard; echo "\${COMPREPLY[*]}"`
      return (await start("bash", ["-c", program, "bash", ...words]).ended).stdout.trim()
    }
    assert.strictEqual(await complete("switchyard", ""), "serve solti --help --version --completions --log-level")
    assert.strictEqual(await complete("switchyard", "solti", "r"), "run runs")
    assert.strictEqual(await complete("switchyard", "solti", "run", "--s"), "--slot --script")
    assert.strictEqual(await complete("switchyard", "solti", "run", "--restart", ""), "never on-failure always")
    assert.strictEqual(await complete("switchyard", "solti", "run", "--slot", ""), "")
    assert.strictEqual(await complete("switchyard", "solti", "run", "--", ""), "")
    assert.strictEqual(await complete("switchyard", "--completions", "f"), "fish")
  })

  it("writes completions for zsh and fish, and for nothing else", async () => {
    const [bash, zsh, fish, other] = await Promise.all(
      ["bash", "zsh", "fish", "tcsh"].map((shell) => switchyard.run(["--completions", shell]))
    )
    assert.isTrue(zsh?.stdout.endsWith(bash?.stdout ?? "-"))
    assert.include(fish?.stdout ?? "", `complete -c switchyard -n "__switchyard_at ' solti run'" -l slot -r -d '`)
    assert.include(fish?.stdout ?? "", "-x -a 'never on-failure always'")
    assert.strictEqual(other?.code, 2)
  })
})
