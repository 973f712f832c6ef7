/**
 * `switchyard solti get`
 *
 * @since 0.1.0
 */
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { ExitCode } from "../core/ExitCode.js"
import { Stop } from "../core/Failure.js"
import * as Help from "../core/Help.js"
import * as Screen from "../core/Screen.js"
import * as Words from "../core/Words.js"
import * as Connection from "./Connection.js"
import * as View from "./View.js"

/**
 * `--show-secrets`
 *
 * @since 0.1.0
 * @category options
 */
export const showSecrets = Options.boolean("show-secrets").pipe(
  Options.withDescription("With --json: values of the environment and texts of scripts as well.")
)

/**
 * Ends the command because the server knows no such task.
 *
 * @since 0.1.0
 * @category constructors
 */
export const notFound = (id: string): Stop => new Stop({ code: ExitCode.notFound, message: `no such task: ${id}` })

const summary = "Shows a task."

/**
 * @since 0.1.0
 * @category commands
 */
export const command = Command.make(
  "get",
  { ...Connection.options, showSecrets, ids: Words.words("id", "The id that submit has shown.") },
  ({ ids, ...parsed }) =>
    Connection.withTasks(parsed, (tasks) =>
      Effect.gen(function*() {
        const id = yield* Words.one(ids, "id")
        const task = yield* Effect.flatMap(
          tasks.get(id),
          Option.match({ onNone: () => notFound(id), onSome: Effect.succeed })
        )
        if (parsed.json) return yield* Screen.json(yield* View.taskJson(task, parsed.showSecrets))
        yield* Effect.forEach(yield* View.details(task), Screen.out, { discard: true })
      }))
).pipe(Command.withDescription(summary))

/**
 * @since 0.1.0
 * @category help
 */
export const page: Help.Page = Help.page(command, {
  name: "get",
  summary,
  usage: "[options] <id>",
  text: [
    "A 0.0.2 server forgets a task as soon as it is over; its attempts stay, see runs."
  ],
  examples: [
    "switchyard solti get default-nightly-7",
    "switchyard solti get default-nightly-7 --json --show-secrets > task.json"
  ]
})
