/** The table at the end. */
import * as Solti from "effect-switchyard/solti"
import * as Arr from "effect/Array"
import * as Option from "effect/Option"
import { seconds, table } from "../terminal/Text.js"
import { isExpected, Result } from "./Run.js"

/** From the start of the first attempt to the end of the last, pauses between them included. */
const duration = (runs: ReadonlyArray<Solti.TaskRun>): string =>
  Option.match(
    Option.all({ first: Arr.head(runs), end: Option.flatMap(Arr.last(runs), ({ finishedAt }) => finishedAt) }),
    { onNone: () => "-", onSome: ({ end, first }) => seconds(Number(end - first.startedAt), 2) }
  )

/** Which attempts failed, and how: `1: exit code 2, 2: timeout`. */
const failures = (runs: ReadonlyArray<Solti.TaskRun>): string =>
  runs.flatMap(({ attempt, error, exitCode, status }) => {
    const phase = Solti.phaseName(status)
    if (phase === "succeeded" || phase === "running") return []
    const what = Option.match(exitCode, {
      onNone: () => phase === "failed" ? Option.getOrElse(error, () => phase) : phase,
      onSome: (code) => `exit code ${code}`
    })
    return [`${attempt}: ${what}`]
  }).join(", ")

const cellsOf = Result.$match({
  Ended: ({ outcome: { attempts, error, exitCode, phase, runs, status } }) => [
    Option.getOrElse(phase, () => status),
    String(attempts),
    duration(runs),
    // The runner counts an exit as a success only when its code is 0, and then the server does not repeat it.
    status === "succeeded" ? "0" : Option.match(exitCode, { onNone: () => "-", onSome: String }),
    failures(runs) || (runs.length === 0 ? Option.getOrElse(error, () => "") : "")
  ],
  Stopped: ({ job }) => ["stopped", "-", "-", "-", `not over within ${job.deadline}`],
  Lost: ({ reason }) => ["unknown", "-", "-", "-", reason]
})

const columns = [
  { header: "JOB" },
  { header: "PHASE" },
  { header: "ATTEMPTS", isNumeric: true },
  { header: "DURATION", isNumeric: true },
  { header: "EXIT CODE", isNumeric: true },
  { header: "FAILURES" }
]

/** The lines of the table, and what it comes to. */
export const render = (results: ReadonlyArray<Result>): ReadonlyArray<string> => {
  const rows = results.map((result) => {
    const mark = isExpected(result) ? result.job.expect === "succeeded" ? "" : " (as expected)" : " (!)"
    const [phase = "", ...rest] = cellsOf(result)
    return [result.job.name, phase + mark, ...rest].map(Solti.escapeControls)
  })
  const wrong = results.filter((result) => !isExpected(result))
  return [
    ...table(columns, rows),
    "",
    wrong.length === 0
      ? `${results.length} jobs, all as expected`
      : `${wrong.length} of ${results.length} jobs not as expected: ${
        wrong.map(({ job }) => `${job.name} (expected ${job.expect})`).join(", ")
      }`
  ]
}
