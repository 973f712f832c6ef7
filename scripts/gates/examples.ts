/**
 * Runs every example to its end: `examples/*.ts` and `examples/<name>/main.ts`, each without arguments, on embedded
 * servers. Examples that are test files (`*.test.ts`) are part of the test suite.
 */
import * as Fs from "node:fs"
import * as Path from "node:path"
import type { Outcome } from "./gate.js"
import { verdict } from "./gate.js"
import { tsx } from "./run.js"

const find = (): Array<string> =>
  Fs.readdirSync("examples", { withFileTypes: true }).flatMap((entry) => {
    if (entry.isFile()) {
      return entry.name.endsWith(".ts") && !entry.name.endsWith(".test.ts") ? [Path.join("examples", entry.name)] : []
    }
    const main = Path.join("examples", entry.name, "main.ts")
    return Fs.existsSync(main) ? [main] : []
  })

export const examples = async (): Promise<Outcome> => {
  const files = find()
  const output: Array<string> = files.length === 0 ? ["No example found."] : []
  for (const file of files) {
    const ran = await tsx(file, [], { timeoutMs: 120_000, tidy: true })
    if (!ran.ok) {
      output.push(`--- ${file}\n${ran.output}`)
    }
  }
  return verdict(output.length === 0, `${files.length} programs`, output.join("\n"))
}
