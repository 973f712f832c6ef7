/**
 * `switchyard solti runs`
 *
 * @since 0.1.0
 */
import * as Command from "@effect/cli/Command"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Help from "../core/Help.js"
import * as Screen from "../core/Screen.js"
import * as Table from "../core/Table.js"
import * as Words from "../core/Words.js"
import * as Connection from "./Connection.js"
import { notFound } from "./Get.js"
import * as View from "./View.js"

const summary = "Lists the attempts of a task, oldest first."

/**
 * @since 0.1.0
 * @category commands
 */
export const command = Command.make(
  "runs",
  { ...Connection.options, ids: Words.words("id", "The id that submit has shown.") },
  ({ ids, ...parsed }) =>
    Connection.withTasks(parsed, (tasks) =>
      Effect.gen(function*() {
        const id = yield* Words.one(ids, "id")
        const found = yield* tasks.runs(id)
        // No attempts is also what the server says of a task that it does not know.
        if (found.length === 0 && Option.isNone(yield* tasks.get(id))) return yield* notFound(id)
        if (parsed.json) {
          return yield* Effect.forEach(found, (run) => Effect.flatMap(View.runJson(run), Screen.json), {
            discard: true
          })
        }
        const screen = yield* Screen.Screen
        if (found.length === 0) return yield* screen.err("no attempt yet")
        const now = yield* Clock.currentTimeMillis
        const rows = found.map((run) => View.runRow(run, now))
        yield* Effect.forEach(Table.render(View.runColumns, rows, yield* screen.columns), screen.out, { discard: true })
      }))
).pipe(Command.withDescription(summary))

/**
 * @since 0.1.0
 * @category help
 */
export const page: Help.Page = Help.page(command, {
  name: "runs",
  summary,
  usage: "[options] <id>",
  text: ["They stay when the task is over, until the server sweeps them or the task is deleted."],
  examples: ["switchyard solti runs default-nightly-7"]
})
