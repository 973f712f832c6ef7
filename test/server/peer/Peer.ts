/** Runs the checks of a peer in Python as test cases: `python3 <directory>` reports each as one line of JSON. */
import * as ChildProcess from "node:child_process"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { assert, beforeAll, it } from "vitest"

interface Report {
  readonly name: string
  readonly failure: string | null
}

/** Bounds what a hang costs; on a quiet machine all checks take a sixth of it. */
const patienceMs = 180_000

const python = "python3"

/** The checks of a directory; what is compiled of them is not kept beside them. */
const command = (directory: string, ...args: ReadonlyArray<string>) => ["-B", directory, ...args]

const namesOf = (directory: string): ReadonlyArray<string> =>
  JSON.parse(ChildProcess.execFileSync(python, command(directory, "--list"), { encoding: "utf8" }))

/** Runs all checks and collects their reports by name. It ends with this process, and takes its servers along. */
const run = (directory: string, reports: Map<string, Report>): Promise<string> =>
  new Promise((resolve, reject) => {
    const child = ChildProcess.spawn(python, command(directory), {
      env: { ...process.env, PEER_NODE: process.execPath },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: patienceMs
    })
    let errors = ""
    child.stderr.setEncoding("utf8").on("data", (text: string) => errors += text)
    createInterface({ input: child.stdout }).on("line", (line) => {
      const report: Report = JSON.parse(line)
      reports.set(report.name, report)
    })
    child.on("error", reject)
    child.on("close", () => resolve(errors))
  })

/** Registers the checks of `directory` (its URL) as test cases of the calling file. */
export const register = (url: URL): void => {
  const directory = fileURLToPath(url)
  const reports = new Map<string, Report>()
  let errors = ""

  beforeAll(async () => {
    errors = await run(directory, reports)
  }, patienceMs + 10_000)

  for (const name of namesOf(directory)) {
    it(name, () => {
      const report = reports.get(name)
      assert(report !== undefined, `not reported: ${errors}`)
      assert.isNull(report.failure, report.failure ?? "")
    })
  }
}
