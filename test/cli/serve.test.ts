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

  it("serves the same tasks over gRPC, with the same token, and ends both well", async () => {
    const token = "planted-t0ken-value"
    const file = Path.join(directory, "shared-token")
    Fs.writeFileSync(file, token)
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      const { child, ended, hello } = await serve(switchyard, ["--grpc-port", "0", "--token-file", file])
      assert.deepStrictEqual(Object.keys(hello), ["plane", "url", "grpc", "auth", "pid"])
      const { grpc = "", url } = hello
      assert.match(grpc, /^127\.0\.0\.1:\d+$/)
      assert.strictEqual(hello.auth, true)
      const overGrpc = { SOLTI_URL: "", SOLTI_GRPC: grpc, SOLTI_TOKEN: token }
      const solti = client(url)
      assert.strictEqual((await solti(["list"], { ...overGrpc, SOLTI_TOKEN: "" })).code, 4)
      const seconds = uniqueSeconds()
      const start = (slot: string, env: Readonly<Record<string, string>>) =>
        switchyard.start(["solti", "run", "--slot", slot, "--", "bash", "-c", `echo up; sleep ${seconds}`], { env })
      const runs = [start("a", overGrpc), start("b", { SOLTI_URL: url, SOLTI_TOKEN: token })]
      for (const { seen } of runs) await until(() => seen.stdout.includes("up"), "the task runs")
      const list = await solti(["list", "--status", "running", "--json"], overGrpc)
      assert.lengthOf(list.stdout.trim().split("\n"), 2)
      child.kill(signal)
      const { code, stderr, stdout } = await ended
      assert.deepStrictEqual([code, stdout], [0, `${JSON.stringify(hello)}\n`])
      assert.include(stderr, grpc)
      assert.notInclude(stderr, token)
      assert.isFalse(lives(seconds))
      for (const { ended } of runs) {
        const { code, stderr } = await ended
        // Canceled, or the server was gone before it could be asked.
        assert.include([1, 5], code)
        assert.include(stderr, "1 < finished")
      }
    }
  })

  it("serves gRPC over TLS, to clients with a certificate only where it is asked for", async () => {
    const pem = (name: string) => Path.resolve("test/fixtures/tls", name)
    const identity = (name: string) => ["--tls-cert", pem(`${name}.pem`), "--tls-key", pem(`${name}.key`)]
    const variables = {
      SOLTI_TLS_CERT_FILE: pem("server.pem"),
      SOLTI_TLS_KEY: Fs.readFileSync(pem("server.key"), "utf8"),
      SOLTI_TLS_CLIENT_CA_FILE: pem("ca.pem")
    }
    const ways = [
      { args: [...identity("server"), "--tls-client-ca", pem("ca.pem")], env: {} },
      { args: [], env: variables }
    ]
    for (const { args, env } of ways) {
      const server = await serve(switchyard, ["--grpc-port", "0", ...args], { env })
      const grpc = ["--grpc", server.hello.grpc ?? "", "--tls-ca", pem("ca.pem")]
      const solti = client(server.hello.url)
      const known = await solti(["run", ...grpc, ...identity("client"), "--", "env"])
      const unknown = await solti(["list", ...grpc])
      const overHttp = await solti(["list", "--json"])
      await server.stop()
      assert.strictEqual(known.code, 0)
      assert.notInclude(known.stdout, "PRIVATE KEY")
      assert.strictEqual(unknown.code, 5)
      assert.strictEqual(overHttp.code, 0)
    }
  })

  it("says which of both ports is in use", async () => {
    const server = await serve(switchyard, ["--grpc-port", "0"])
    const [http, grpc] = [new URL(server.hello.url).port, `${server.hello.grpc?.split(":")[1]}`]
    const onHttp = await switchyard.run(["serve", "solti", "--port", http, "--grpc-port", "0"])
    const onGrpc = await switchyard.run(["serve", "solti", "--grpc-port", grpc])
    await server.stop()
    for (const [ended, name, port] of [[onHttp, "HTTP", http], [onGrpc, "gRPC", grpc]] as const) {
      const stderr = `switchyard: ${name}: cannot listen on 127.0.0.1:${port}: the port is in use\n`
      assert.deepStrictEqual(ended, { code: 1, stdout: "", stderr })
    }
  })

  it("refuses options of gRPC that cannot work", async () => {
    const grpc = ["--grpc-port", "0"]
    const pem = (name: string) => Path.resolve("test/fixtures/tls", name)
    const open = ["--host", "0.0.0.0", "--allow-unauthenticated"]
    const wrong: ReadonlyArray<readonly [args: ReadonlyArray<string>, message: RegExp]> = [
      [["--grpc-port", "70000"], /--grpc-port wants a number below 65536/],
      [["--tls-cert", "a", "--tls-key", "b"], /--tls-cert goes with --grpc-port/],
      [["--tls-client-ca", "a"], /--tls-client-ca goes with --grpc-port/],
      [["--allow-plaintext"], /--allow-plaintext goes with --grpc-port/],
      [[...grpc, "--tls-key", "a"], /--tls-cert and --tls-key go together/],
      [[...grpc, "--tls-client-ca", "a"], /--tls-client-ca goes with --tls-cert and --tls-key/],
      [[...grpc, "--tls-cert", "/nowhere", "--tls-key", pem("server.key")], /tls\.cert: cannot be read: ENOENT/],
      [[...grpc, "--tls-cert", pem("server.pem"), "--tls-key", pem("client.key")], /tls\.key: does not belong/],
      [[...grpc, "--host", "0.0.0.0"], /without a token.*--token-file, --allow-unauthenticated/],
      [[...grpc, ...open], /0\.0\.0\.0 for gRPC without TLS \(--tls-cert and --tls-key, --allow-plaintext\)/]
    ]
    for (const [args, message] of wrong) {
      const { code, stderr, stdout } = await Effect.runPromise(InProcess.switchyard(["serve", "solti", ...args]))
      assert.match(stderr, message)
      assert.match(stderr, /^switchyard: [^\n]+\n$/)
      assert.deepStrictEqual([code, stdout], [2, ""])
    }
    const allowed = await serve(switchyard, [...grpc, ...open, "--allow-plaintext"])
    assert.match(allowed.hello.grpc ?? "", /^127\.0\.0\.1:\d+$/)
    assert.strictEqual((await allowed.stop()).code, 0)
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
