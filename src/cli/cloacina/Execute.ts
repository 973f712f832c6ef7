/**
 * `switchyard cloacina execute`
 *
 * @since 0.1.0
 */
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Cloacina from "../../cloacina.js"
import * as Durations from "../core/Durations.js"
import * as Screen from "../core/Screen.js"
import * as Context from "./Context.js"
import * as FollowView from "./FollowView.js"
import * as Part from "./Part.js"

const options = {
  given: Options.all(Context.options("context")),
  secrets: Context.secrets,
  noFollow: Options.boolean("no-follow").pipe(
    Options.withDescription("Start it and show its id, instead of following it to its end.")
  ),
  waitUntilLoaded: Durations.option("wait-until-loaded").pipe(
    Options.optional,
    Options.withDescription(
      "How long to go on asking while the server has not loaded the workflow: up to 5s after an upload. Default: 0s."
    )
  )
}

const encodeAccepted = Schema.encode(Cloacina.ExecuteAccepted)

/**
 * @since 0.1.0
 * @category commands
 */
export const part = Part.make(
  {
    name: "execute",
    summary: "Executes a workflow and follows it to its end.",
    text: [
      "Exits with 0 when the execution completed, and with 1 when it did not. Ctrl-C leaves it alone: nothing in the " +
      "server's API ends an execution.",
      "Its events are lines on stdout, and how many of its tasks are done is on stderr."
    ],
    words: [["workflow", "The workflow name, as workflows list shows it."]],
    examples: [
      "execute close_month --param region=eu --param year=2026",
      "execute close_month --context-file month.json --wait-until-loaded 10s",
      "execute close_month --no-follow --json | jq -r .execution_id"
    ]
  },
  Options.all(options),
  ({ given, noFollow, secrets, waitUntilLoaded }, [workflow = ""], json) =>
    Effect.gen(function*() {
      const executions = yield* Cloacina.Executions
      const accepted = yield* executions.execute(workflow, {
        context: yield* Context.read("context", given, secrets),
        waitUntilLoaded: Option.getOrUndefined(waitUntilLoaded)
      })
      const { execution_id: executionId } = accepted
      if (noFollow) {
        return yield* json
          ? Effect.flatMap(Effect.orDie(encodeAccepted(accepted)), Screen.json)
          : Screen.out(executionId)
      }
      const started: Cloacina.ExecutionStarted = { type: "started", executionId }
      yield* json ? Screen.json(started) : Screen.out(Cloacina.render(started))
      yield* FollowView.follow(executionId, executions.follow(executionId), json).pipe(
        // Nothing in the API ends an execution: one that nobody follows any more goes on.
        Effect.onInterrupt(() =>
          Screen.err(`switchyard: ${executionId} goes on: see switchyard cloacina executions follow ${executionId}`)
        )
      )
    })
)
