/**
 * `switchyard solti submit`
 *
 * @since 0.1.0
 */
import * as Command from "@effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Help from "../core/Help.js"
import * as Screen from "../core/Screen.js"
import * as Words from "../core/Words.js"
import * as Connection from "./Connection.js"
import * as SpecOptions from "./SpecOptions.js"

const summary = "Submits a task and shows its id."

/**
 * @since 0.1.0
 * @category commands
 */
export const command = Command.make(
  "submit",
  { ...SpecOptions.options, ...Connection.options, words: SpecOptions.words },
  ({ words, ...parsed }) =>
    Connection.withTasks(parsed, (tasks) =>
      Effect.gen(function*() {
        const taskId = yield* tasks.submit(yield* SpecOptions.read(parsed, yield* Words.all(words)))
        yield* parsed.json ? Screen.json({ taskId }) : Screen.out(taskId)
      }))
).pipe(Command.withDescription(summary))

/**
 * @since 0.1.0
 * @category help
 */
export const page: Help.Page = Help.page(command, {
  name: "submit",
  summary,
  usage: "[options] -- <command> [argument...]",
  text: [
    "The server has the task then; whether its slot takes it and how it ends, get and runs show later."
  ],
  examples: [
    "switchyard solti submit --slot nightly --timeout 10m -- make -k all",
    "switchyard solti submit --script backup.sh --restart on-failure --backoff-first 5s",
    "switchyard solti submit --file spec.json"
  ]
})
