/**
 * `switchyard solti run`
 *
 * @since 0.1.0
 */
import * as Command from "@effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Stream from "effect/Stream"
import * as Solti from "../../solti.js"
import { ExitCode } from "../core/ExitCode.js"
import { Stop } from "../core/Failure.js"
import * as Help from "../core/Help.js"
import * as Screen from "../core/Screen.js"
import * as Words from "../core/Words.js"
import * as Connection from "./Connection.js"
import * as LogView from "./LogView.js"
import * as SpecOptions from "./SpecOptions.js"

const failed = new Stop({ code: ExitCode.failed, message: "" })

/** A task that nobody waits for any more is stopped; one whose log broke off is left to itself. */
const release = (tasks: Solti.Tasks.Service, taskId: Solti.TaskId, exit: Exit.Exit<unknown, unknown>) => {
  if (Exit.isSuccess(exit)) return Effect.void
  return Exit.isInterrupted(exit)
    ? Effect.matchEffect(tasks.deleteConfirmed(taskId), {
      onFailure: (error) => Screen.err(`switchyard: ${taskId} may still be running: ${error.detail}`),
      onSuccess: () => Screen.err(`switchyard: stopped ${taskId}`)
    })
    : Screen.err(`switchyard: ${taskId} may still be running`)
}

const summary = "Runs a task: submits it, follows its log and waits for its end."

/**
 * @since 0.1.0
 * @category commands
 */
export const command = Command.make(
  "run",
  { ...SpecOptions.options, ...Connection.options, words: SpecOptions.words },
  ({ words, ...parsed }) =>
    Connection.withTasks(parsed, (tasks) =>
      Effect.gen(function*() {
        const spec = yield* SpecOptions.read(parsed, yield* Words.all(words))
        const follow = (taskId: Solti.TaskId) =>
          Stream.make<[Solti.Submitted]>({ type: "submitted", taskId }).pipe(
            Stream.concat(tasks.follow(taskId)),
            Stream.tap((event) => LogView.write(event, parsed.json)),
            Stream.runLast
          )
        const last = yield* Effect.acquireUseRelease(
          tasks.submit(spec),
          follow,
          (taskId, exit) => release(tasks, taskId, exit)
        )
        const isSuccess = last._tag === "Some" && last.value.type === "ended" && Solti.isSuccess(last.value.outcome)
        if (!isSuccess) return yield* failed
      }))
).pipe(Command.withDescription(summary))

/**
 * @since 0.1.0
 * @category help
 */
export const page: Help.Page = Help.page(command, {
  name: "run",
  summary,
  usage: "[options] -- <command> [argument...]",
  text: [
    "Exits with 0 when the task succeeded and with 1 when it did not. Ctrl-C stops the task on the server.",
    "On a terminal every line says which attempt it is of, and whether it is output (|) or error output (!). In a pipe " +
    "the task's output is on stdout and the rest on stderr."
  ],
  examples: [
    "switchyard solti run -- sha256sum package.json",
    "switchyard solti run --slot build --timeout 10m --env CI=1 --cwd /srv/app -- make -k all",
    "switchyard solti run --script flaky.py --restart on-failure --backoff-first 500ms -- --verbose",
    "echo 'date; uptime' | switchyard solti run --script -"
  ]
})
