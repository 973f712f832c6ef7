/**
 * Every quality gate, in the order of their cost. `npm test` runs all of them; `npm test -- --only lint,types` runs some
 * with what they need; `npm test -- --list` names them. The last line is `N passed, N failed`.
 */
import * as Fs from "node:fs"
import * as Path from "node:path"
import { parseArgs } from "node:util"
import { consumer, size } from "./gates/consumer.js"
import { docExamples } from "./gates/docs.js"
import { examples } from "./gates/examples.js"
import type { Gate, Outcome } from "./gates/gate.js"
import { command, verdict } from "./gates/gate.js"
import { generated } from "./gates/generated.js"
import { attw, pack, publint } from "./gates/package.js"
import { bin, run, tsx } from "./gates/run.js"
import { suite, typeTests } from "./gates/tests.js"

interface Locked {
  readonly resolved?: string
  readonly integrity?: string
  readonly optionalDependencies?: Record<string, string>
}

/** The lock file works everywhere: no registry's address in it, the hash of every package, all platforms' packages. */
const lockfile = async (): Promise<Outcome> => {
  const lock: { packages: Record<string, Locked> } = JSON.parse(Fs.readFileSync("package-lock.json", "utf8"))
  const packages = Object.entries(lock.packages).filter(([path]) => path !== "")
  const names = new Set(packages.map(([path]) => path.slice(path.lastIndexOf("node_modules/") + 13)))
  const problems = packages.flatMap(([path, { integrity, optionalDependencies = {}, resolved }]) => [
    ...(resolved === undefined ? [] : [`holds an address: ${path}`]),
    ...(integrity === undefined ? [`has no integrity: ${path}`] : []),
    ...Object.keys(optionalDependencies).filter((name) => !names.has(name)).map((name) => `is not locked: ${name}`)
  ])
  return verdict(problems.length === 0, `${packages.length} packages`, problems.join("\n"))
}

const gates: ReadonlyArray<Gate> = [
  { name: "lockfile", run: lockfile },
  { name: "generated", run: generated },
  {
    name: "lint",
    run: async () =>
      command(await bin("eslint", [".", "--max-warnings=0", "--cache", "--cache-location=.cache/eslint"]))
  },
  { name: "types", run: async () => command(await bin("tsc", ["-p", "tsconfig.json", "--pretty", "false"])) },
  {
    name: "effect",
    run: async () =>
      command(
        await bin("effect-language-service", [
          "diagnostics",
          "--project",
          "tsconfig.json",
          "--format",
          "text",
          "--strict"
        ])
      )
  },
  { name: "test", run: suite },
  { name: "type-tests", run: typeTests },
  { name: "docs", run: docExamples },
  { name: "examples", run: examples },
  { name: "build", run: async () => command(await run("npm", ["run", "--silent", "build"])) },
  { name: "pack", needs: ["build"], run: pack },
  { name: "publint", needs: ["pack"], run: publint },
  { name: "attw", needs: ["pack"], run: attw },
  { name: "knip", run: async () => command(await bin("knip", ["--no-progress", "--treat-config-hints-as-errors"])) },
  { name: "consumer", needs: ["pack"], run: consumer },
  { name: "size", needs: ["consumer"], run: size },
  {
    name: "bench",
    run: async () => command(await tsx(Path.join("bench", "main.ts"), ["--smoke"], { tidy: true }))
  }
]

const { values } = parseArgs({ options: { list: { type: "boolean" }, only: { type: "string" } } })

const withNeeds = (name: string): Array<string> => {
  const gate = gates.find((gate) => gate.name === name)
  if (gate === undefined) {
    process.stderr.write(`No gate ${name}. There are: ${gates.map((gate) => gate.name).join(", ")}\n`)
    process.exit(2)
  }
  return [...(gate.needs ?? []).flatMap(withNeeds), name]
}

if (values.list === true) {
  process.stdout.write(gates.map((gate) => gate.name).join("\n") + "\n")
  process.exit(0)
}

const selected = new Set((values.only?.split(",") ?? gates.map((gate) => gate.name)).flatMap(withNeeds))
const notPassed = new Set<string>()
let passed = 0
let failed = 0

const attempt = async (gate: Gate): Promise<Outcome> => {
  const missing = gate.needs?.find((name) => notPassed.has(name))
  if (missing !== undefined) {
    return verdict(false, `not run: ${missing} failed`, "")
  }
  try {
    return await gate.run()
  } catch (error) {
    return verdict(false, "", error instanceof Error ? error.stack ?? error.message : String(error))
  }
}

for (const gate of gates.filter(({ name }) => selected.has(name))) {
  const started = performance.now()
  const outcome = await attempt(gate)
  const seconds = ((performance.now() - started) / 1000).toFixed(1).padStart(6)
  const ok = outcome.failed === 0
  passed += outcome.passed
  failed += outcome.failed
  if (!ok) {
    notPassed.add(gate.name)
    process.stdout.write(outcome.output === "" ? "" : `${outcome.output}\n`)
  }
  process.stdout.write(`${ok ? "pass" : "FAIL"} ${gate.name.padEnd(10)} ${seconds} s  ${outcome.note}`.trimEnd() + "\n")
}

process.stdout.write(`${passed} passed, ${failed} failed\n`)
process.exitCode = failed === 0 ? 0 : 1
