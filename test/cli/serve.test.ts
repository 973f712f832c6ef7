import * as Effect from "effect/Effect"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import * as InProcess from "./inProcess.js"
import { cli, lives, serve, uniqueSeconds, until } from "./support.js"

const switchyard = cli()
let directory: string

beforeAll(() => {
  directory = Fs.mkdtempSync(Path.join(Os.tmpdir(), "switchyard-serve-"))
})

afterAll(() => Fs.rmSync(directory, { recursive: true, force: true }))

const client = (url: string) => (args: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}) =>
  Effect.runPromise(InProcess.switchyard(["solti", ...args], { env: { SOLTI_URL: url, ...env } }))

describe("serve solti", () => {
  it("says where it listens on its first line, and ends well on SIGTERM and SIGINT", async () => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      const { child, ended, hello, seen } = await serve(switchyard)
      assert.deepStrictEqual(Object.keys(hello), ["plane", "url", "auth", "pid"])
      assert.strictEqual(hello.plane, "solti")
      assert.match(hello.url, /^http:\/\/127\.0\.0\.1:\d+$/)
      assert.strictEqual(hello.auth, false)
      assert.strictEqual(hello.pid, child.pid)
      const response = await fetch(`${hello.url}/api/v1/tasks`)
      assert.deepStrictEqual(await response.json(), { tasks: [], total: 0 })
      child.kill(signal)
      const { code, stderr, stdout } = await ended
      assert.strictEqual(code, 0)
      assert.strictEqual(stdout, `${JSON.stringify(hello)}\n`)
      assert.include(seen.stderr, "level=INFO")
      assert.include(stderr, hello.url)
    }
  })

  it("kills what runs and ends open logs when it is stopped", async () => {
    const server = await serve(switchyard)
    const seconds = uniqueSeconds()
    const run = switchyard.start(["solti", "run", "--", "bash", "-c", `echo up; sleep ${seconds} & sleep ${seconds}`], {
      env: { SOLTI_URL: server.hello.url }
    })
    await until(() => run.seen.stdout.includes("up"), "the task runs")
    assert.isTrue(lives(seconds))
    assert.strictEqual((await server.stop()).code, 0)
    assert.isFalse(lives(seconds))
    const { code, stderr } = await run.ended
    assert.strictEqual(code, 5)
    assert.include(stderr, "1 < finished")
    assert.include(stderr, "may still be running")
  })

  it("says in one line that the port is in use", async () => {
    const server = await serve(switchyard)
    const port = new URL(server.hello.url).port
    const { code, stderr, stdout } = await switchyard.run(["serve", "solti", "--port", port])
    await server.stop()
    assert.strictEqual(code, 1)
    assert.strictEqual(stdout, "")
    assert.strictEqual(stderr, `switchyard: cannot listen on 127.0.0.1:${port}: the port is in use\n`)
  })

  it("does not open itself to the network by accident", async () => {
    const refused = await Effect.runPromise(InProcess.switchyard(["serve", "solti", "--host", "0.0.0.0"]))
    assert.strictEqual(refused.code, 2)
    assert.match(refused.stderr, /^switchyard: refusing to listen on 0\.0\.0\.0 without a token.*\n$/)
    const allowed = await serve(switchyard, ["--host", "0.0.0.0", "--allow-unauthenticated"])
    assert.strictEqual(allowed.hello.auth, false)
    assert.strictEqual((await allowed.stop()).code, 0)
    const protectedByToken = await serve(switchyard, ["--host", "0.0.0.0"], { env: { SOLTI_TOKEN: "s3cret-token" } })
    assert.strictEqual(protectedByToken.hello.auth, true)
    assert.strictEqual((await protectedByToken.stop()).code, 0)
  })

  it("asks for a token from the environment or a file, and shows it to nobody", async () => {
    const token = "planted-t0ken-value"
    const file = Path.join(directory, "token")
    Fs.writeFileSync(file, `${token}\n`)
    const ways = [
      { args: [], env: { SOLTI_TOKEN: token } },
      { args: ["--token-file", file], env: { SOLTI_TOKEN: "another-t0ken" } }
    ]
    for (const { args, env } of ways) {
      const server = await serve(switchyard, [...args, "--log-level", "all"], { env })
      assert.strictEqual(server.hello.auth, true)
      const solti = client(server.hello.url)
      const without = await solti(["list"])
      const wrong = await solti(["list"], { SOLTI_TOKEN: "wrong-t0ken" })
      const right = await solti(["run", "--token-file", file, "--", "env"])
      const failing = await solti(["get", "nobody"], { SOLTI_TOKEN: token })
      const stopped = await server.stop()
      assert.strictEqual(without.code, 4)
      assert.match(without.stderr, /^switchyard: .*HTTP 401.*\n$/)
      assert.strictEqual(wrong.code, 4)
      assert.strictEqual(right.code, 0)
      assert.include(right.stdout, "PATH=")
      assert.notInclude(right.stdout, "SOLTI_TOKEN")
      assert.strictEqual(failing.code, 3)
      for (const { stderr, stdout } of [without, wrong, right, failing, stopped]) {
        for (const secret of [token, "wrong-t0ken", "another-t0ken"]) {
          assert.notInclude(stdout, secret)
          assert.notInclude(stderr, secret)
        }
      }
    }
  })

  it("refuses token files that hold no token", async () => {
    const empty = Path.join(directory, "empty")
    const broken = Path.join(directory, "broken")
    Fs.writeFileSync(empty, " \n")
    Fs.writeFileSync(broken, "planted secret\nof two lines")
    for (
      const [file, message] of [[empty, "is empty"], [broken, "cannot have"], ["/nowhere", "cannot read"]] as const
    ) {
      const { code, stderr } = await Effect.runPromise(InProcess.switchyard(["serve", "solti", "--token-file", file]))
      assert.strictEqual(code, 2)
      assert.include(stderr, message)
      assert.notInclude(stderr, "planted")
    }
  })

  it("limits how much runs at a time", async () => {
    const server = await serve(switchyard, ["--max-concurrent", "1", "--grace", "5s"])
    const solti = client(server.hello.url)
    const first = await solti(["submit", "--slot", "a", "--", "sleep", uniqueSeconds()])
    const second = await solti(["submit", "--slot", "b", "--", "sleep", uniqueSeconds()])
    const running = await solti(["list", "--status", "running", "--json"])
    const pending = await solti(["list", "--status", "pending", "--json"])
    await server.stop()
    assert.strictEqual(JSON.parse(running.stdout).metadata.id, first.stdout.trim())
    assert.strictEqual(JSON.parse(pending.stdout).metadata.id, second.stdout.trim())
  })
})
