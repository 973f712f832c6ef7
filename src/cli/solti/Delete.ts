/**
 * `switchyard solti delete`
 *
 * @since 0.1.0
 */
import * as Command from "@effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Help from "../core/Help.js"
import * as Screen from "../core/Screen.js"
import * as Words from "../core/Words.js"
import * as Connection from "./Connection.js"

const summary = "Stops tasks and forgets them, with their attempts."

/**
 * @since 0.1.0
 * @category commands
 */
export const command = Command.make(
  "delete",
  { ...Connection.options, ids: Words.words("id", "The ids that submit has shown.") },
  ({ ids, ...parsed }) =>
    Connection.withTasks(parsed, (tasks) =>
      Effect.gen(function*() {
        for (const taskId of yield* Words.some(ids, "id")) {
          yield* tasks.deleteConfirmed(taskId)
          yield* parsed.json ? Screen.json({ taskId, deleted: true }) : Screen.out(`deleted ${taskId}`)
        }
      }))
).pipe(Command.withDescription(summary))

/**
 * @since 0.1.0
 * @category help
 */
export const page: Help.Page = Help.page(command, {
  name: "delete",
  summary,
  usage: "[options] <id>...",
  text: [
    "It is done when the server says that nothing of the task is alive: that may take as long as the server gives its " +
    "tasks to end. An id that the server does not know is a success."
  ],
  examples: ["switchyard solti delete default-nightly-7 default-nightly-8"]
})
