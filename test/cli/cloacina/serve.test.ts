import * as CloacinaTesting from "effect-switchyard/cloacina/testing"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { once } from "node:events"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { WebSocket } from "ws"
import * as InProcess from "../inProcess.js"
import { cli, serve } from "../support.js"

const switchyard = cli()
let directory: string

beforeAll(() => {
  directory = Fs.mkdtempSync(Path.join(Os.tmpdir(), "switchyard-serve-cloacina-"))
})

afterAll(() => Fs.rmSync(directory, { recursive: true, force: true }))

const start = (...args: ReadonlyArray<string>) => serve(switchyard, args, {}, "cloacina")

const authorization = (key: string) => ({ headers: { authorization: `Bearer ${key}` } })

/** Ends at once: for what never comes to listen. */
const run = (args: ReadonlyArray<string>, stdin = "") =>
  Effect.runPromise(InProcess.switchyard(["serve", "cloacina", ...args], { stdin }))

describe("serve cloacina", () => {
  it("says where it listens and with which key, and leaves nothing behind when it is stopped", async () => {
    const server = await start("--key", "any text, even this")
    const { hello } = server
    assert.deepStrictEqual(Object.keys(hello), ["plane", "url", "auth", "key", "pid"])
    assert.deepInclude(hello, { plane: "cloacina", auth: true, key: "any text, even this" })
    assert.strictEqual(hello.pid, server.child.pid)
    assert.match(hello.url, /^http:\/\/127\.0\.0\.1:\d+$/)
    const tenants = await fetch(`${hello.url}/v1/tenants`, authorization("any text, even this"))
    assert.deepStrictEqual(await tenants.json(), { items: [], total: 0 })
    assert.strictEqual((await fetch(`${hello.url}/v1/tenants`, authorization("another"))).status, 401)

    const { port } = new URL(hello.url)
    const second = await switchyard.run(["serve", "cloacina", "--port", port])
    assert.deepStrictEqual(second, {
      code: 1,
      stdout: "",
      stderr: `switchyard: cannot listen on 127.0.0.1:${port}: the port is in use\n`
    })

    // A client that stays connected does not hold it up.
    const response = await fetch(`${hello.url}/v1/auth/ws-ticket`, {
      method: "POST",
      ...authorization("any text, even this")
    })
    const { ticket }: { readonly ticket: string } = await response.json()
    const socket = new WebSocket(`${hello.url.replace("http", "ws")}/v1/ws/delivery/agent:a?token=${ticket}`)
    await new Promise((resolve, reject) => {
      socket.once("open", resolve).once("error", reject)
    })
    const closed = once(socket, "close")
    const ended = await server.stop()
    await closed
    assert.strictEqual(ended.code, 0)
    assert.strictEqual(ended.stdout, `${JSON.stringify(hello)}\n`)
    assert.match(ended.stderr, /level=INFO .*listens on http/)
    assert.notInclude(ended.stderr, "any text, even this")
    assert.notInclude(ended.stderr, ticket)

    const again = await start("--port", port)
    assert.strictEqual(new URL(again.hello.url).port, port)
    assert.match(again.hello.key, /^clk_/)
    again.child.kill("SIGINT")
    assert.strictEqual((await again.ended).code, 0)
  })

  it("has what the seed says, under what the command line says", async () => {
    const seed = Path.join(directory, "seed.json")
    const file = Path.join(directory, "key")
    Fs.writeFileSync(file, "key-of-the-file\n")
    Fs.writeFileSync(
      seed,
      JSON.stringify({
        key: "key-of-the-seed",
        tenants: ["north"],
        keys: [{ name: "ci", role: "write", tenant: "north", key: "key-of-ci" }],
        workflows: [{
          name: "close_month",
          tenant: "north",
          tasks: [{ id: "load", attempts: [{ fails: "disk full" }], maxAttempts: 1 }]
        }]
      })
    )
    const server = await start("--seed", seed, "--key-file", file, "--cors-origin", "http://localhost:5173")
    assert.strictEqual(server.hello.key, "key-of-the-file")
    const env = { CLOACINA_SERVER_URL: server.hello.url, CLOACINA_API_KEY: "key-of-ci", CLOACINA_TENANT: "north" }
    const execute = await Effect.runPromise(InProcess.switchyard(["cloacina", "execute", "close_month"], { env }))
    const logged = await Promise.all([
      switchyard.run(["--log-level", "all", "cloacina", "execute", "close_month"], { env }),
      switchyard.run(["--log-level", "all", "cloacina", "tenants", "list", "--json"], { env })
    ])
    const preflight = await fetch(`${server.hello.url}/v1/tenants`, {
      method: "OPTIONS",
      headers: { origin: "http://localhost:5173", "access-control-request-method": "GET" }
    })
    assert.strictEqual((await server.stop()).code, 0)
    assert.strictEqual(execute.code, 1)
    assert.match(execute.stdout, /load: .*disk full\n$/)
    assert.deepStrictEqual(logged.map(({ code }) => code), [1, 4])
    for (const { stderr, stdout } of logged) assert.notInclude(stdout + stderr, "key-of-ci")
    assert.strictEqual(preflight.headers.get("access-control-allow-origin"), "http://localhost:5173")
  })

  const wrong: ReadonlyArray<readonly [name: string, seed: string, message: RegExp]> = [
    ["no JSON", "{planted", /^switchyard: - is not JSON\n$/],
    ["no object", "[]", /^switchyard: -: expected a seed\n$/],
    ["an unknown member", "{\"workflow\":[]}", /: workflow: is unexpected/],
    [
      "a wrong value",
      "{\"keys\":[{\"name\":\"a\",\"role\":\"god\"}]}",
      /: keys\[0\]\.role: expected "read", "write" or "admin"\n$/
    ],
    [
      "a secret that is none",
      "{\"accounts\":[{\"username\":\"a\",\"password\":5123,\"role\":\"read\"}]}",
      /password: expected/
    ],
    ["a wrong duration", "{\"buildTime\":\"soon\"}", /: buildTime: expected milliseconds or a text/],
    [
      "tasks that wait for none",
      "{\"workflows\":[{\"name\":\"a\",\"tasks\":[{\"id\":\"x\",\"after\":[\"y\"]}]}]}",
      /: workflows\[0\]\.tasks: task 'x' waits for 'y', which does not exist/
    ],
    [
      "an execution of nothing",
      "{\"executions\":[{\"tenant\":\"public\",\"workflow\":\"nope\"}]}",
      /: executions\[0\]\.workflow: there is no workflow 'nope' in the tenant 'public'/
    ],
    [
      "an execution that is refused",
      JSON.stringify({
        workflows: [{ name: "a", tenant: "north", paused: true }],
        executions: [{ tenant: "north", workflow: "a" }]
      }),
      /: executions\[0\]: 'a' in 'north' is refused: workflow 'a' is paused; resume it before executing\n$/
    ]
  ]

  for (const [name, seed, message] of wrong) {
    it(`refuses a seed with ${name} in one line`, async () => {
      const { code, stderr, stdout } = await run(["--seed", "-"], seed)
      assert.deepStrictEqual([code, stdout], [2, ""])
      assert.match(stderr, message)
      assert.match(stderr, /^switchyard: [^\n]+\n$/)
      assert.notMatch(stderr, /planted|5123/)
    })
  }

  it("refuses a god key that the seed gives to somebody else", async () => {
    const seed = JSON.stringify({ keys: [{ name: "ci", role: "read", key: "planted" }] })
    const { code, stderr } = await run(["--seed", "-", "--key", "planted"], seed)
    assert.deepStrictEqual([code, stderr], [2, "switchyard: -: keys[0].key: another key has this text\n"])
  })

  it("refuses what cannot be its settings", async () => {
    const empty = Path.join(directory, "empty")
    Fs.writeFileSync(empty, " \n")
    const cases = [
      [["--seed", "/nowhere.json"], /cannot read \/nowhere\.json: NotFound/],
      [["--key", ""], /the key is empty/],
      [["--key-file", empty], /the key is empty/],
      [["--key", "a", "--key-file", empty], /--key or --key-file, not both/]
    ] as const
    for (const [args, message] of cases) {
      const { code, stderr } = await run(args)
      assert.strictEqual(code, 2)
      assert.match(stderr, message)
    }
  })

  it("takes the seed that the documentation shows", () => {
    const blocks = Fs.readFileSync("docs/command-line.md", "utf8").matchAll(/```json\n(.*?)```/gs)
    const seeds = Array.from(blocks, ([, text = ""]) => text).filter((text) => text.includes("\"workflows\""))
    assert.lengthOf(seeds, 1)
    for (const seed of seeds) assert.isTrue(Either.isRight(CloacinaTesting.decodeSeed(JSON.parse(seed))))
  })

  it("writes the schema of seed files", async () => {
    const { code, stdout } = await run(["--print-seed-schema"])
    assert.strictEqual(code, 0)
    const schema = JSON.parse(stdout)
    const seed = schema.$defs[decodeURIComponent(schema.$ref).replace("#/$defs/", "")]
    assert.includeMembers(Object.keys(seed.properties), ["tenants", "keys", "workflows", "graphs", "mode"])
    assert.strictEqual(seed.additionalProperties, false)
  })
})
