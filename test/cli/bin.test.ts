import * as Esbuild from "esbuild"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { start } from "./support.js"

/** The package as it is installed: `bin` and `dist`, and the packages that a test gives it. */
let installed: string

beforeAll(async () => {
  installed = Fs.mkdtempSync(Path.join(Os.tmpdir(), "switchyard-bin-"))
  Fs.cpSync("package.json", Path.join(installed, "package.json"))
  Fs.cpSync("bin", Path.join(installed, "bin"), { recursive: true })
  await Esbuild.build({
    entryPoints: ["src/cli/main.ts"],
    outfile: Path.join(installed, "dist", "cli", "main.js"),
    bundle: true,
    platform: "node",
    format: "esm",
    packages: "external"
  })
})

afterAll(() => Fs.rmSync(installed, { recursive: true, force: true }))

const withPackages = (names: ReadonlyArray<string>) => {
  const modules = Path.join(installed, "node_modules")
  Fs.rmSync(modules, { recursive: true, force: true })
  for (const name of names) {
    const link = Path.join(modules, name)
    Fs.mkdirSync(Path.dirname(link), { recursive: true })
    Fs.symlinkSync(Path.resolve("node_modules", name), link)
  }
  return start(process.execPath, [Path.join(installed, "bin", "switchyard.js"), "--version"]).ended
}

describe("bin", () => {
  it("says in one line what to install when optional peers are missing", async () => {
    const { code, stderr, stdout } = await withPackages(["effect", "@effect/platform", "undici"])
    assert.deepStrictEqual([code, stdout], [1, ""])
    const { peerDependencies } = JSON.parse(Fs.readFileSync("package.json", "utf8"))
    const packages = ["@effect/cli", "@effect/platform-node", "@effect/printer", "@effect/printer-ansi"].map((name) =>
      `"${name}@${peerDependencies[name]}"`
    )
    assert.strictEqual(
      stderr,
      `switchyard: the command line needs packages that are not installed: npm install ${packages.join(" ")}\n`
    )
  })

  it("runs when they are there", async () => {
    const needed = ["effect", "@effect/platform", "@effect/cli", "@effect/platform-node", "@effect/printer"]
    const { dependencies, version } = JSON.parse(Fs.readFileSync("package.json", "utf8"))
    const { code, stderr, stdout } = await withPackages([
      ...needed,
      "@effect/printer-ansi",
      "undici",
      ...Object.keys(dependencies)
    ])
    assert.deepStrictEqual([code, stdout, stderr], [0, `${version}\n`, ""])
  })
})
