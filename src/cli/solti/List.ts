/**
 * `switchyard solti list`
 *
 * @since 0.1.0
 */
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Help from "../core/Help.js"
import * as Screen from "../core/Screen.js"
import * as Table from "../core/Table.js"
import * as Connection from "./Connection.js"
import { showSecrets } from "./Get.js"
import * as View from "./View.js"

const options = {
  slot: Options.text("slot").pipe(Options.optional, Options.withDescription("Only tasks of this slot.")),
  status: Options.choice(
    "status",
    ["pending", "running", "succeeded", "failed", "timeout", "canceled", "exhausted"]
  ).pipe(Options.optional, Options.withDescription("Only tasks in this phase.")),
  limit: Options.integer("limit").pipe(
    Options.filterMap((count) => count > 0 ? Option.some(count) : Option.none(), "--limit wants a number above 0"),
    Options.optional,
    Options.withDescription("At most so many. Default: all.")
  )
}

const summary = "Lists tasks, sorted by id."

/**
 * @since 0.1.0
 * @category commands
 */
export const command = Command.make(
  "list",
  { ...options, ...Connection.options, showSecrets },
  (parsed) =>
    Connection.withTasks(parsed, (tasks) =>
      Effect.gen(function*() {
        const filter = { slot: Option.getOrUndefined(parsed.slot), status: Option.getOrUndefined(parsed.status) }
        const all = tasks.iterate(filter)
        const found = Option.match(parsed.limit, { onNone: () => all, onSome: (count) => Stream.take(all, count) })
        if (parsed.json) {
          return yield* Stream.runForEach(
            found,
            (task) => Effect.flatMap(View.taskJson(task, parsed.showSecrets), Screen.json)
          )
        }
        const screen = yield* Screen.Screen
        const now = yield* Clock.currentTimeMillis
        const rows = Chunk.toReadonlyArray(
          yield* Stream.runCollect(Stream.map(found, (task) => View.taskRow(task, now)))
        )
        if (rows.length === 0) return yield* screen.err("no tasks")
        yield* Effect.forEach(Table.render(View.taskColumns, rows, yield* screen.columns), screen.out, {
          discard: true
        })
      }))
).pipe(Command.withDescription(summary))

/**
 * @since 0.1.0
 * @category help
 */
export const page: Help.Page = Help.page(command, {
  name: "list",
  summary,
  usage: "[options]",
  examples: ["switchyard solti list --status running", "switchyard solti list --slot nightly --json"]
})
