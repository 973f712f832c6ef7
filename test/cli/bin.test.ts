import * as Esbuild from "esbuild"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { serve, start } from "./support.js"

/** The package as it is installed: `bin` and `dist`, and the packages that a test gives it. */
let installed: string

beforeAll(async () => {
  installed = Fs.mkdtempSync(Path.join(Os.tmpdir(), "switchyard-bin-"))
  Fs.cpSync("package.json", Path.join(installed, "package.json"))
  Fs.cpSync("bin", Path.join(installed, "bin"), { recursive: true })
  await Esbuild.build({
    entryPoints: ["src/cli/main.ts"],
    outdir: Path.join(installed, "dist", "cli"),
    bundle: true,
    // As in the package, what is imported when it is needed is a module of its own.
    splitting: true,
    platform: "node",
    format: "esm",
    packages: "external"
  })
})

afterAll(() => Fs.rmSync(installed, { recursive: true, force: true }))

const { dependencies, peerDependencies, version } = JSON.parse(Fs.readFileSync("package.json", "utf8"))

/** What the command line needs. */
const packages = [
  ...["effect", "@effect/platform", "undici", "@effect/cli", "@effect/platform-node", "@effect/printer"],
  "@effect/printer-ansi",
  ...Object.keys(dependencies)
]

const install = (names: ReadonlyArray<string>) => {
  const modules = Path.join(installed, "node_modules")
  Fs.rmSync(modules, { recursive: true, force: true })
  for (const name of names) {
    const link = Path.join(modules, name)
    Fs.mkdirSync(Path.dirname(link), { recursive: true })
    Fs.symlinkSync(Path.resolve("node_modules", name), link)
  }
}

const switchyard = {
  start: (args: ReadonlyArray<string>, options?: Parameters<typeof start>[2]) =>
    start(process.execPath, [Path.join(installed, "bin", "switchyard.js"), ...args], options)
}

const run = (...args: ReadonlyArray<string>) => switchyard.start(args).ended

const wanted = (names: ReadonlyArray<string>) => names.map((name) => `"${name}@${peerDependencies[name]}"`).join(" ")

describe("bin", () => {
  it("says in one line what to install when optional peers are missing", async () => {
    install(["effect", "@effect/platform", "undici"])
    const { code, stderr, stdout } = await run("--version")
    assert.deepStrictEqual([code, stdout], [1, ""])
    const missing = wanted(["@effect/cli", "@effect/platform-node", "@effect/printer", "@effect/printer-ansi"])
    assert.strictEqual(
      stderr,
      `switchyard: the command line needs packages that are not installed: npm install ${missing}\n`
    )
  })

  it("runs when they are there", async () => {
    install(packages)
    assert.deepStrictEqual(await run("--version"), { code: 0, stdout: `${version}\n`, stderr: "" })
  })

  it("needs the packages of gRPC for gRPC only, and says in one line what to install", async () => {
    const grpc = ["@bufbuild/protobuf", "@connectrpc/connect", "@connectrpc/connect-node"]
    install(packages)
    const server = await serve(switchyard)
    const overHttp = await run("solti", "list", "--url", server.hello.url)
    const overGrpc = await run("solti", "list", "--grpc", "127.0.0.1:1")
    const serving = await run("serve", "solti", "--grpc-port", "0")
    await server.stop()
    assert.deepStrictEqual(overHttp, { code: 0, stdout: "", stderr: "no tasks\n" })
    const said = (names: ReadonlyArray<string>) => ({
      code: 2,
      stdout: "",
      stderr: `switchyard: gRPC needs packages that are not installed, or not in this version: npm install ${
        wanted(names)
      }\n`
    })
    assert.deepStrictEqual(overGrpc, said(grpc))
    assert.deepStrictEqual(serving, said(grpc.slice(0, 1)))

    install([...packages, ...grpc.slice(0, 1)])
    const served = await serve(switchyard, ["--grpc-port", "0"])
    assert.deepStrictEqual(await run("solti", "list", "--grpc", served.hello.grpc ?? ""), said(grpc))
    await served.stop()

    install([...packages, ...grpc])
    const { code, stderr } = await run("solti", "list", "--grpc", "127.0.0.1:1")
    assert.strictEqual(code, 5)
    assert.include(stderr, "ECONNREFUSED")
  })
})
