/**
 * `switchyard solti logs`
 *
 * @since 0.1.0
 */
import * as Command from "@effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Solti from "../../solti.js"
import * as Help from "../core/Help.js"
import * as Words from "../core/Words.js"
import * as Connection from "./Connection.js"
import * as LogView from "./LogView.js"

const summary = "Follows the live log of a task until the task is over."

/**
 * @since 0.1.0
 * @category commands
 */
export const command = Command.make(
  "logs",
  { ...Connection.options, ids: Words.words("id", "The id that submit has shown.") },
  ({ ids, ...parsed }) =>
    Connection.withTasks(
      parsed,
      (tasks) =>
        Effect.flatMap(Words.one(ids, "id"), (id) =>
          Stream.runForEach(Solti.tidy(tasks.logs(id)), (event) => LogView.write(event, parsed.json)))
    )
).pipe(Command.withDescription(summary))

/**
 * @since 0.1.0
 * @category help
 */
export const page: Help.Page = Help.page(command, {
  name: "logs",
  summary,
  usage: "[options] <id>",
  text: [
    "A log is live only: what was written before somebody looked is gone (a server of this package keeps it for the " +
    "first who looks). What a broken connection may have lost is said. Ctrl-C leaves the task alone."
  ],
  examples: ["switchyard solti logs default-nightly-7", "switchyard solti logs default-nightly-7 --json | jq -r .line"]
})
