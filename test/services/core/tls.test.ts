import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import * as Path from "node:path"
import { fileURLToPath } from "node:url"
import { inspect } from "node:util"
import * as NodeTls from "../../../src/services/core/NodeTls.js"

const fileOf = (name: string) => fileURLToPath(new URL(`../../fixtures/tls/${name}`, import.meta.url))
const textOf = (name: string) => readFileSync(fileOf(name), "utf8")

const cert = textOf("server.pem")
const key = textOf("server.key")
const ca = textOf("ca.pem")

const server = (tls: NodeTls.ServerTls) => Effect.flip(NodeTls.loadServer(tls))
const client = (tls: NodeTls.ClientTls) => Effect.flip(NodeTls.loadClient(tls))

const withVariables = <A, E>(variables: Record<string, string>, effect: Effect.Effect<A, E>) =>
  Effect.withConfigProvider(effect, ConfigProvider.fromMap(new Map(Object.entries(variables))))

describe("NodeTls", () => {
  it.effect("takes texts, secrets and files alike", () =>
    Effect.gen(function*() {
      const expected = { cert, key, requestCert: false, rejectUnauthorized: false }
      assert.deepStrictEqual(yield* NodeTls.loadServer({ cert, key }), expected)
      assert.deepStrictEqual(yield* NodeTls.loadServer({ cert, key: Redacted.make(key) }), expected)
      const files = { cert: { file: fileOf("server.pem") }, key: { file: fileOf("server.key") } }
      assert.deepStrictEqual(yield* NodeTls.loadServer(files), expected)
    }))

  it.effect("takes texts of environment variables, where the end of a line is written out", () =>
    Effect.gen(function*() {
      const loaded = yield* NodeTls.loadServer({
        cert: cert.replaceAll("\n", "\\n"),
        key: Redacted.make(key.replaceAll("\n", "\\r\\n"))
      })
      assert.strictEqual(loaded.cert, cert)
      assert.strictEqual(loaded.key, key)
    }))

  it.effect("asks clients for a certificate when there is an authority for them", () =>
    Effect.gen(function*() {
      const loaded = yield* NodeTls.loadServer({ cert, key, clientCa: [ca, { file: fileOf("other-ca.pem") }] })
      assert.deepStrictEqual(loaded.ca, [ca, textOf("other-ca.pem")])
      assert.isTrue(loaded.requestCert && loaded.rejectUnauthorized)
    }))

  it.effect("loads nothing for a client that asks for nothing", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* NodeTls.loadClient({}), {})
      assert.deepStrictEqual(
        yield* NodeTls.loadClient({ ca, cert: textOf("client.pem"), key: textOf("client.key"), serverName: "x.test" }),
        { ca: [ca], cert: textOf("client.pem"), key: textOf("client.key"), servername: "x.test" }
      )
    }))

  it.effect("names the option and the reason of a file that cannot be read", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* server({ cert, key: { file: fileOf("nobody.key") } }), [
        { path: "tls.key", message: "cannot be read: ENOENT" }
      ])
      assert.deepStrictEqual(yield* client({ ca: [ca, { file: fileOf("") }] }), [
        { path: "tls.ca[1]", message: "cannot be read: not a file" }
      ])
    }))

  it.scoped("does not read a file without end", () =>
    Effect.gen(function*() {
      const directory = yield* Effect.acquireRelease(
        Effect.sync(() => mkdtempSync(Path.join(tmpdir(), "switchyard-tls-"))),
        (path) => Effect.sync(() => rmSync(path, { recursive: true }))
      )
      const file = Path.join(directory, "large.pem")
      writeFileSync(file, ca.repeat(2000))
      assert.deepStrictEqual(yield* client({ ca: { file } }), [
        { path: "tls.ca", message: "cannot be read: longer than 1048576 bytes" }
      ])
    }))

  it.effect("says everything that is wrong at once", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* server({ cert: key, key: "/etc/server.key", clientCa: [] }), [
        { path: "tls.cert", message: "is PEM, but holds no certificate" },
        {
          path: "tls.key",
          message: "is not PEM (the path of a file is given as { file }, or in a variable whose name ends in _FILE)"
        },
        { path: "tls.clientCa", message: "must hold a certificate" }
      ])
    }))

  it.effect("finds the broken one of several certificates", () =>
    Effect.gen(function*() {
      const broken = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
      assert.deepStrictEqual(yield* client({ ca: ca + broken }), [
        { path: "tls.ca", message: "certificate 2 cannot be parsed" }
      ])
    }))

  it.effect("wants certificate and key, or neither, and that they belong together", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* client({ cert }), [
        { path: "tls.key", message: "is missing: `tls.cert` is given" }
      ])
      assert.deepStrictEqual(yield* client({ key }), [
        { path: "tls.cert", message: "is missing: `tls.key` is given" }
      ])
      assert.deepStrictEqual(yield* server({ cert, key: textOf("client.key") }), [
        { path: "tls.key", message: "does not belong to the certificate of `tls.cert`" }
      ])
    }))

  it.effect("refuses a key that needs a passphrase, and an empty server name", () =>
    Effect.gen(function*() {
      const encrypted = key.replaceAll("PRIVATE KEY", "ENCRYPTED PRIVATE KEY")
      assert.deepStrictEqual(yield* server({ cert, key: encrypted }), [
        { path: "tls.key", message: "is encrypted: a key without passphrase is needed" }
      ])
      assert.deepStrictEqual(yield* client({ serverName: " " }), [
        { path: "tls.serverName", message: "must not be empty" }
      ])
    }))

  it.effect("never shows what it was given", () =>
    Effect.gen(function*() {
      const secret = "MIGHAgEAMBMGByqGSM49"
      const broken = `-----BEGIN PRIVATE KEY-----\n${secret}\n-----END PRIVATE KEY-----`
      const issues = [
        ...(yield* server({ cert, key: broken })),
        ...(yield* server({ cert, key: { file: broken } })),
        ...(yield* server({ cert: broken, key })),
        ...(yield* server({ cert, key: Redacted.make(secret) }))
      ]
      const error = new NodeTls.InvalidTls({ issues })
      const shown = inspect(error, { depth: 9 }) + JSON.stringify(error) + error.message +
        Cause.pretty(Cause.fail(error))
      assert.strictEqual(issues.length, 4)
      assert.notInclude(shown, secret)
    }))

  it.effect("comes from variables, as texts or files", () =>
    Effect.gen(function*() {
      const variables = {
        SOLTI_TLS_CA_FILE: fileOf("ca.pem"),
        SOLTI_TLS_CERT: textOf("client.pem"),
        SOLTI_TLS_KEY: textOf("client.key").replaceAll("\n", "\\n"),
        SOLTI_TLS_SERVER_NAME: "switchyard.test"
      }
      const tls = yield* withVariables(variables, NodeTls.clientConfig("SOLTI_TLS"))
      assert.isTrue(Redacted.isRedacted(tls?.key))
      assert.deepStrictEqual(yield* NodeTls.loadClient(tls ?? {}), {
        ca: [ca],
        cert: textOf("client.pem"),
        key: textOf("client.key"),
        servername: "switchyard.test"
      })
      const own = { SOLTI_TLS_CERT_FILE: fileOf("server.pem"), SOLTI_TLS_KEY_FILE: fileOf("server.key") }
      const plain = yield* withVariables(own, NodeTls.serverConfig("SOLTI_TLS"))
      assert.deepStrictEqual(plain, {
        cert: { file: fileOf("server.pem") },
        key: { file: fileOf("server.key") },
        clientCa: undefined
      })
      const mutual = yield* withVariables(
        { ...own, SOLTI_TLS_CLIENT_CA: ca },
        NodeTls.serverConfig("SOLTI_TLS")
      )
      assert.strictEqual(mutual?.clientCa, ca)
    }))

  it.effect("is no TLS where no variable is set, or all are empty", () =>
    Effect.gen(function*() {
      assert.isUndefined(yield* withVariables({}, NodeTls.clientConfig("SOLTI_TLS")))
      assert.isUndefined(yield* withVariables({ SOLTI_TLS_CERT: "" }, NodeTls.serverConfig("SOLTI_TLS")))
    }))

  it.effect("names the variable that is missing, or one too many", () =>
    Effect.gen(function*() {
      const messageOf = (variables: Record<string, string>, side: "client" | "server") =>
        Effect.map(
          Effect.flip(withVariables(
            variables,
            side === "client"
              ? Effect.asVoid(NodeTls.clientConfig("SOLTI_TLS"))
              : Effect.asVoid(NodeTls.serverConfig("SOLTI_TLS"))
          )),
          String
        )
      assert.match(yield* messageOf({ SOLTI_TLS_CERT: cert }, "client"), /SOLTI_TLS_KEY.*SOLTI_TLS_KEY_FILE/)
      assert.match(yield* messageOf({ SOLTI_TLS_KEY: key }, "server"), /SOLTI_TLS_CERT/)
      assert.match(yield* messageOf({ SOLTI_TLS_CLIENT_CA: ca }, "server"), /SOLTI_TLS_CERT.*SOLTI_TLS_CLIENT_CA/)
      const both = yield* messageOf({ SOLTI_TLS_KEY: key, SOLTI_TLS_KEY_FILE: "/x" }, "client")
      assert.match(both, /SOLTI_TLS_KEY_FILE/)
      assert.notInclude(both, "BEGIN")
    }))
})
