import { describe, it, layer } from "@effect/vitest"
import * as SoltiGrpcServer from "effect-switchyard/solti/grpc/server"
import * as SoltiServer from "effect-switchyard/solti/server"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Fs from "node:fs"
import * as Http from "node:http"
import * as Os from "node:os"
import * as Path from "node:path"
import { afterAll, assert, beforeAll } from "vitest"
import { missing } from "../../../src/cli/solti/Grpc.js"
import { switchyard } from "../inProcess.js"
import { freePort } from "../support.js"

const oneLine = /^switchyard: [^\n]+\n$/

const pem = (name: string) => Path.resolve("test/fixtures/tls", name)

const text = (name: string) => Fs.readFileSync(pem(name), "utf8")

let tokenFile: string

beforeAll(() => {
  tokenFile = Path.join(Fs.mkdtempSync(Path.join(Os.tmpdir(), "switchyard-grpc-")), "token")
  Fs.writeFileSync(tokenFile, "planted-t0ken\n")
})

afterAll(() => Fs.rmSync(Path.dirname(tokenFile), { recursive: true, force: true }))

const list = (args: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}) =>
  switchyard(["solti", "list", ...args], { env })

const served = (options: SoltiGrpcServer.Options) =>
  Layer.provideMerge(SoltiGrpcServer.layer(options), SoltiServer.layer())

describe("what cannot work with gRPC is said in one line", () => {
  const url = ["--url", "http://127.0.0.1:1"]
  const grpc = ["--grpc", "127.0.0.1:1"]
  const wrong: ReadonlyArray<
    readonly [name: string, args: ReadonlyArray<string>, message: RegExp, env?: Readonly<Record<string, string>>]
  > = [
    ["no server at all", [], /no server: give --url or --grpc, or set SOLTI_URL or SOLTI_GRPC$/m],
    ["variables that are empty", [], /no server/, { SOLTI_URL: "", SOLTI_GRPC: "" }],
    ["two servers", [...url, ...grpc], /--url and --grpc exclude each other/],
    ["authorities for HTTP", [...url, "--tls-ca", "ca.pem"], /--tls-ca goes with --grpc/],
    ["a certificate for HTTP", [...url, "--tls-cert", "a", "--tls-key", "b"], /--tls-cert goes with --grpc/],
    ["plain text for HTTP", ["--allow-plaintext"], /--allow-plaintext goes with --grpc/, { SOLTI_URL: "http://x" }],
    ["a certificate without its key", [...grpc, "--tls-cert", "a"], /--tls-cert and --tls-key go together/],
    ["an option without its value", [...grpc, "--tls-ca", ""], /--tls-ca wants the path of a file/],
    ["a file that is not there", [...grpc, "--tls-ca", "/nowhere"], /tls\.ca: cannot be read: ENOENT/],
    ["a file of another kind", [...grpc, "--tls-ca", pem("client.key")], /tls\.ca: .*no certificate/],
    [
      "a key of another certificate",
      [...grpc, "--tls-cert", pem("client.pem"), "--tls-key", pem("server.key")],
      /tls\.key/
    ],
    [
      "TLS to a server in plain text",
      ["--grpc", "http://127.0.0.1:1", "--tls-ca", pem("ca.pem")],
      /tls: needs an https/
    ],
    ["another host in plain text", ["--grpc", "solti.invalid:1"], /grpc: must be https .*or set --allow-plaintext/],
    ["credentials", ["--grpc", "http://user:planted@127.0.0.1:1"], /grpc: must not hold credentials/],
    ["no address", ["--grpc", "a b:c"], /grpc: /],
    ["a variable twice", grpc, /SOLTI_TLS_CA is set, and SOLTI_TLS_CA_FILE/, {
      SOLTI_TLS_CA: "planted",
      SOLTI_TLS_CA_FILE: "b"
    }],
    ["a variable alone", grpc, /SOLTI_TLS_CERT is needed with SOLTI_TLS_KEY/, { SOLTI_TLS_KEY: "planted" }],
    ["a variable that is no PEM", grpc, /tls\.ca: is not PEM/, { SOLTI_TLS_CA: "planted" }],
    [
      "a token in plain text to another host",
      ["--grpc", "solti.invalid:1", "--allow-plaintext"],
      /grpc: must be https .*or set --allow-insecure-token/,
      { SOLTI_TOKEN: "planted" }
    ]
  ]

  for (const [name, args, message, env] of wrong) {
    it.live(name, () =>
      Effect.gen(function*() {
        const { code, stderr, stdout } = yield* list(args, env)
        assert.match(stderr, message)
        assert.match(stderr, oneLine)
        assert.notInclude(stderr, "planted")
        assert.deepStrictEqual([code, stdout], [2, ""])
      }))
  }

  it.live("a server that is not there, by its address", () =>
    Effect.gen(function*() {
      const address = `127.0.0.1:${yield* Effect.promise(freePort)}`
      const person = yield* list(["--grpc", address])
      assert.strictEqual(person.code, 5)
      assert.strictEqual(person.stderr, `switchyard: ${address}: the request could not be sent: ECONNREFUSED\n`)
      const machine = yield* list(["--grpc", address, "--json"])
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
      const { code, stderr } = yield* list(["--grpc", `127.0.0.1:${port}`])
      assert.include([5, 6], code)
      assert.match(stderr, oneLine)
    }))

  it("packages that are missing", () => {
    const needed = ["@one/a@^1.2.0", "b@2"]
    const failure = (code: string, message: string) => Object.assign(new Error(message), { code })
    for (
      const cause of [
        failure("ERR_MODULE_NOT_FOUND", "Cannot find package '@one/a' imported from /x/grpc.js"),
        failure("MODULE_NOT_FOUND", "Cannot find module 'b'\nRequire stack:\n- /x/grpc.js"),
        failure(
          "ERR_PACKAGE_PATH_NOT_EXPORTED",
          "Package subpath './v2' is not defined in /x/node_modules/@one/a/package.json"
        )
      ]
    ) {
      const found = missing(cause, needed)
      assert.strictEqual(found._tag, "Some")
      if (found._tag === "None") continue
      assert.strictEqual(found.value.code, 2)
      assert.match(found.value.message, /not installed.*: npm install "@one\/a@\^1\.2\.0" "b@2"$/)
    }
    for (
      const cause of [
        failure("ERR_MODULE_NOT_FOUND", "Cannot find package 'c' imported from /x/grpc.js"),
        failure("EACCES", "'@one/a' cannot be read"),
        new Error("@one/a"),
        "@one/a"
      ]
    ) assert.strictEqual(missing(cause, needed)._tag, "None")
  })
})

layer(served({}), { excludeTestServices: true })("which wire is taken", (it) => {
  it.effect("options win over variables, and of these HTTP over gRPC", () =>
    Effect.gen(function*() {
      const { url } = yield* SoltiServer.SoltiServer
      const { authority } = yield* SoltiGrpcServer.GrpcServer
      const nowhere = `127.0.0.1:${yield* Effect.promise(freePort)}`
      const taken: ReadonlyArray<readonly [args: ReadonlyArray<string>, env: Readonly<Record<string, string>>]> = [
        [["--grpc", authority], { SOLTI_URL: `http://${nowhere}`, SOLTI_GRPC: nowhere }],
        [["--url", url], { SOLTI_URL: `http://${nowhere}`, SOLTI_GRPC: nowhere }],
        [[], { SOLTI_URL: url, SOLTI_GRPC: nowhere }],
        [[], { SOLTI_URL: "", SOLTI_GRPC: authority }],
        [[], { SOLTI_URL: url, SOLTI_TLS_CA_FILE: "/nowhere" }],
        [["--grpc", `http://${authority}`], {}]
      ]
      for (const [args, env] of taken) {
        assert.deepStrictEqual(yield* list(args, env), { code: 0, stdout: "", stderr: "no tasks\n" })
      }
    }))

  it.effect("both see the same tasks", () =>
    Effect.gen(function*() {
      const { url } = yield* SoltiServer.SoltiServer
      const { authority } = yield* SoltiGrpcServer.GrpcServer
      const submitted = yield* switchyard(["solti", "submit", "--grpc", authority, "--", "true"])
      const taskId = submitted.stdout.trim()
      const seen = yield* switchyard(["solti", "get", taskId, "--url", url, "--json"])
      assert.strictEqual(JSON.parse(seen.stdout).metadata.id, taskId)
      assert.strictEqual((yield* switchyard(["solti", "delete", taskId, "--url", url])).code, 0)
      assert.strictEqual((yield* switchyard(["solti", "get", taskId, "--grpc", authority])).code, 3)
    }))
})

layer(served({ token: Redacted.make("planted-t0ken") }), { excludeTestServices: true })("with a token", (it) => {
  it.effect("it comes from the variable or the file, and is shown to nobody", () =>
    Effect.gen(function*() {
      const grpc = ["--grpc", (yield* SoltiGrpcServer.GrpcServer).authority]
      assert.strictEqual((yield* list([...grpc, "--token-file", tokenFile])).code, 0)
      assert.strictEqual((yield* list(grpc, { SOLTI_TOKEN: "planted-t0ken" })).code, 0)
      const verbs = [["list"], ["get", "a"], ["runs", "a"], ["logs", "a"], ["delete", "a"], ["submit", "--", "true"]]
      for (const verb of [...verbs, ["run", "--", "true"]]) {
        const [name = "", ...rest] = verb
        for (const env of [{}, { SOLTI_TOKEN: "planted-wrong" }]) {
          const { code, stderr, stdout } = yield* switchyard(["solti", name, ...grpc, ...rest], { env })
          assert.deepStrictEqual([code, stdout], [4, ""], name)
          assert.match(stderr, oneLine)
          assert.notInclude(stderr, "planted")
        }
      }
      const machine = yield* list([...grpc, "--json"])
      assert.deepInclude(JSON.parse(machine.stderr), { error: "Unauthorized", exitCode: 4, code: "UNAUTHENTICATED" })
    }))
})

const tls = { cert: { file: pem("server.pem") }, key: { file: pem("server.key") } }

layer(served({ tls }), { excludeTestServices: true })("over TLS", (it) => {
  const nothing = { code: 0, stdout: "", stderr: "no tasks\n" }

  it.effect("trusts the authorities of the option, or of the variables", () =>
    Effect.gen(function*() {
      const { authority, url } = yield* SoltiGrpcServer.GrpcServer
      assert.deepStrictEqual(yield* list(["--grpc", authority, "--tls-ca", pem("ca.pem")]), nothing)
      assert.deepStrictEqual(yield* list(["--grpc", url, "--tls-ca", pem("ca.pem")]), nothing)
      assert.deepStrictEqual(yield* list([], { SOLTI_GRPC: authority, SOLTI_TLS_CA: text("ca.pem") }), nothing)
      assert.deepStrictEqual(yield* list([], { SOLTI_GRPC: authority, SOLTI_TLS_CA_FILE: pem("ca.pem") }), nothing)
      const env = { SOLTI_TLS_CA: text("other-ca.pem"), SOLTI_TLS_SERVER_NAME: "switchyard.test" }
      assert.deepStrictEqual(yield* list(["--grpc", authority, "--tls-ca", pem("ca.pem")], env), nothing)
    }))

  it.effect("trusts no other, no other name, and no plain text", () =>
    Effect.gen(function*() {
      const { authority, url } = yield* SoltiGrpcServer.GrpcServer
      const ca = ["--tls-ca", pem("ca.pem")]
      const refused: ReadonlyArray<
        readonly [args: ReadonlyArray<string>, env: Readonly<Record<string, string>>, where: string, why: RegExp]
      > = [
        [["--grpc", authority, "--tls-ca", pem("other-ca.pem")], {}, authority, /SIGNATURE|CERT/],
        [["--grpc", url], {}, url, /VERIFY|CERT/],
        [["--grpc", authority, ...ca], { SOLTI_TLS_SERVER_NAME: "other.test" }, authority, /ALTNAME/],
        [["--grpc", authority], {}, authority, /does the server want TLS/]
      ]
      for (const [args, env, where, why] of refused) {
        const { code, stderr, stdout } = yield* list(args, env)
        assert.deepStrictEqual([code, stdout], [5, ""])
        assert.include(stderr, `switchyard: ${where}: `)
        assert.match(stderr, why)
        assert.match(stderr, oneLine)
      }
    }))
})

const clientCa = { file: pem("ca.pem") }

layer(served({ tls: { ...tls, clientCa } }), { excludeTestServices: true })("over mTLS", (it) => {
  it.effect("shows the certificate of the options, or of the variables", () =>
    Effect.gen(function*() {
      const server = ["--grpc", (yield* SoltiGrpcServer.GrpcServer).authority, "--tls-ca", pem("ca.pem")]
      const identity = (name: string) => ["--tls-cert", pem(`${name}.pem`), "--tls-key", pem(`${name}.key`)]
      const variables = (name: string) => ({
        SOLTI_TLS_CERT_FILE: pem(`${name}.pem`),
        SOLTI_TLS_KEY: text(`${name}.key`)
      })
      assert.strictEqual((yield* list([...server, ...identity("client")])).code, 0)
      assert.strictEqual((yield* list(server, variables("client"))).code, 0)
      assert.strictEqual((yield* list([...server, ...identity("client")], variables("other-client"))).code, 0)
      for (
        const [args, env] of [[server, {}], [[...server, ...identity("other-client")], variables("client")]] as const
      ) {
        const { code, stderr } = yield* list(args, env)
        assert.strictEqual(code, 5)
        assert.match(stderr, oneLine)
      }
    }))
})
