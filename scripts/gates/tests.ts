/** The test suite and the type tests, counted case by case. */
import * as Fs from "node:fs"
import type { Outcome } from "./gate.js"
import { bin } from "./run.js"

interface Report {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  readonly numTodoTests: number
  readonly testResults: ReadonlyArray<unknown>
}

const vitest = async (name: string, args: ReadonlyArray<string>): Promise<Outcome> => {
  const file = `.cache/${name}.json`
  Fs.rmSync(file, { force: true })
  const ran = await bin(
    "vitest",
    ["run", ...args, "--reporter=default", "--reporter=json", `--outputFile.json=${file}`],
    { timeoutMs: 720_000, tidy: true }
  )
  if (!Fs.existsSync(file)) {
    return { passed: 0, failed: 1, note: "no report", output: ran.output }
  }
  const report: Report = JSON.parse(Fs.readFileSync(file, "utf8"))
  const skipped = report.numPendingTests + report.numTodoTests
  // A case may depend on the developer's machine; in CI every one runs.
  const forbidden = process.env["CI"] === undefined ? 0 : skipped
  const failed = report.numFailedTests + forbidden
  return {
    passed: report.numPassedTests,
    // A file that does not load and an error outside a test have no failed case.
    failed: failed === 0 && !ran.ok ? 1 : failed,
    note: `${report.numPassedTests} cases in ${report.testResults.length} files${
      skipped > 0 ? `, ${skipped} skipped` : ""
    }`,
    output: ran.output
  }
}

export const suite = (): Promise<Outcome> => vitest("test", [])

export const typeTests = (): Promise<Outcome> => vitest("type-tests", ["--typecheck.only"])
