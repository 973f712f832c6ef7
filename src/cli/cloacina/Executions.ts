/**
 * `switchyard cloacina executions`
 *
 * @since 0.1.0
 */
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Cloacina from "../../cloacina.js"
import * as Group from "../core/Group.js"
import * as Table from "../core/Table.js"
import * as FollowView from "./FollowView.js"
import * as Part from "./Part.js"
import * as View from "./View.js"

const path = "executions"

const words = [["id", "The id that execute and list show."]] as const

const filter = {
  status: Options.choice("status", ["Pending", "Running", "Paused", "Completed", "Failed", "Cancelled"]).pipe(
    Options.optional,
    Options.withDescription("Only executions that stand there.")
  ),
  workflow: Options.text("workflow").pipe(
    Options.withPseudoName("name"),
    Options.optional,
    Options.withDescription("Only those of the workflow with this name.")
  )
}

const list = Part.list(
  {
    name: "list",
    path,
    summary: "Lists executions, newest first.",
    examples: ["list --status Failed --limit 20", "list --workflow close_month --json"]
  },
  Options.all(filter),
  {
    ...View.executions,
    items: (_, { status, workflow }) =>
      Stream.unwrap(
        Effect.map(Cloacina.Executions, (executions) =>
          executions.iterate({ status: Option.getOrUndefined(status), workflow: Option.getOrUndefined(workflow) }))
      )
  }
)

const get = Part.answer(
  {
    name: "get",
    path,
    summary: "Shows where an execution stands: the server says no more than that.",
    words,
    examples: ["get 6f1c1f5e-8f39-4b53-9d4e-55a1f7d3c0aa"]
  },
  Options.none,
  {
    schema: Cloacina.ExecutionDetail,
    ask: ([id = ""]) => Effect.flatMap(Cloacina.Executions, (executions) => executions.get(id)),
    lines: ({ execution_id, status, tenant_id }) =>
      Table.pairs([
        ["id", View.visible(execution_id)],
        ["status", View.visible(String(status))],
        ["tenant", View.visible(tenant_id)]
      ])
  }
)

/** Nothing is also what the server says of an execution that it does not know. */
const known = <A, E>(
  id: string,
  ask: (executions: Cloacina.Executions.Service) => Effect.Effect<ReadonlyArray<A>, E>
) =>
  Stream.fromIterableEffect(
    Effect.flatMap(Cloacina.Executions, (executions) =>
      Effect.tap(ask(executions), (found) => found.length > 0 ? Effect.void : executions.get(id)))
  )

const tasks = Part.list(
  { name: "tasks", path, summary: "Lists the tasks of an execution.", words, examples: ["tasks 6f1c1f5e-…"] },
  Options.none,
  { ...View.tasks, items: ([id = ""]) => known(id, (executions) => executions.tasks(id)) }
)

const events = Part.list(
  {
    name: "events",
    path,
    summary: "Shows the log of an execution as it is now.",
    words,
    examples: ["events 6f1c1f5e-…", "events 6f1c1f5e-… --json | jq -r .event_type"]
  },
  Options.none,
  {
    schema: Cloacina.ExecutionEvent,
    nothing: "no events",
    columns: [
      View.text<Cloacina.ExecutionEvent>("TIME", ({ created_at }) => created_at),
      {
        header: "EVENT",
        shrinks: true,
        of: (event) => Cloacina.render({ type: "event", event, late: false })
      }
    ],
    items: ([id = ""]) => known(id, (executions) => executions.events(id))
  }
)

const follow = Part.make(
  {
    name: "follow",
    path,
    summary: "Follows an execution from its beginning to its end.",
    text: ["As execute does: exits with 1 when it did not complete, and leaves it alone on Ctrl-C."],
    words,
    examples: ["follow 6f1c1f5e-…"]
  },
  Options.none,
  (_, [id = ""], json) =>
    Effect.flatMap(Cloacina.Executions, (executions) => FollowView.follow(id, executions.follow(id), json))
)

const wait = Part.make(
  {
    name: "await",
    path,
    summary: "Waits for the end of an execution, and says how it ended.",
    text: ["Exits with 1 when it did not complete."],
    words,
    examples: ["await 6f1c1f5e-… && echo done"]
  },
  Options.none,
  (_, [id = ""], json) =>
    Effect.flatMap(
      Cloacina.Executions,
      (executions) => Effect.flatMap(executions.await(id), (outcome) => FollowView.ended(outcome, json))
    )
)

/**
 * @since 0.1.0
 * @category commands
 */
export const { command, page } = Group.make({
  name: path,
  summary: "Executions of workflows: where they stand, what happened.",
  examples: [
    "switchyard cloacina executions list --status Running",
    "switchyard cloacina executions follow 6f1c1f5e-8f39-4b53-9d4e-55a1f7d3c0aa"
  ]
}, [list, get, tasks, events, follow, wait])
