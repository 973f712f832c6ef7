/** The table at the end. */
import * as Cloacina from "effect-switchyard/cloacina"
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import { seconds, table } from "../terminal/Text.js"
import type { Result } from "./Run.js"
import { attemptsOf } from "./View.js"

const columns = [
  { header: "TASK" },
  { header: "STATE" },
  { header: "ATTEMPTS", isNumeric: true },
  { header: "DURATION", isNumeric: true },
  { header: "ERROR" }
]

/** Of the last attempt: the server keeps no times of those before. */
const duration = ({ completed_at, started_at }: Cloacina.TaskExecution): string =>
  Option.match(
    Option.all({
      start: Option.flatMap(started_at, Cloacina.timestampToDateTime),
      end: Option.flatMap(completed_at, Cloacina.timestampToDateTime)
    }),
    { onNone: () => "-", onSome: ({ end, start }) => seconds(DateTime.distance(start, end), 2) }
  )

const endOf = ({ completed_at, updated_at }: Cloacina.TaskExecution): string =>
  Option.getOrElse(completed_at, () => updated_at)

/** The lines of the table, in the order in which the tasks ended, and what it comes to. */
export const render = ({ outcome, workflow }: Result): ReadonlyArray<string> => {
  const rows = [...outcome.tasks].sort((a, b) => endOf(a) < endOf(b) ? -1 : 1).map((task) =>
    [
      Cloacina.taskLocalName(task.task_name),
      String(task.status).toLowerCase(),
      attemptsOf(task),
      duration(task),
      Option.getOrElse(Option.orElse(task.last_error, () => task.error_details), () => "")
    ].map(Cloacina.escapeControls)
  )
  return [...table(columns, rows), "", `${Cloacina.escapeControls(workflow)} ${Cloacina.renderOutcome(outcome)}`]
}
