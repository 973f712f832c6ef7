/**
 * `switchyard cloacina triggers`
 *
 * @since 0.1.0
 */
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Cloacina from "../../cloacina.js"
import * as Group from "../core/Group.js"
import * as Table from "../core/Table.js"
import * as Context from "./Context.js"
import * as Part from "./Part.js"
import * as View from "./View.js"

const path = "triggers"

const words = [["name", "The name of a trigger, or of the workflow that a schedule starts."]] as const

const list = Part.list(
  {
    name: "list",
    path,
    summary: "Lists what starts workflows, newest first: cron schedules, polling triggers, instances.",
    examples: ["list"]
  },
  Options.none,
  {
    ...View.schedules,
    items: () => Stream.unwrap(Effect.map(Cloacina.Triggers, (triggers) => triggers.iterate()))
  }
)

const get = Part.answer(
  { name: "get", path, summary: "Shows a schedule and its newest starts.", words, examples: ["get ledger_closed"] },
  Options.none,
  {
    schema: Cloacina.TriggerDetail,
    ask: ([name = ""]) => Effect.flatMap(Cloacina.Triggers, (triggers) => triggers.get(name)),
    lines: (detail) => Table.pairs(View.trigger(detail))
  }
)

const fire = Part.answer(
  {
    name: "fire",
    path,
    summary: "Starts every workflow that a trigger drives, paused or not.",
    text: [
      "Workflows that could not start are left out by the server: none may be left. References to secrets are not " +
      "resolved here."
    ],
    words: [["trigger", "Its trigger name; a workflow name does not work here."]],
    examples: ["fire ledger_closed --param region=eu"]
  },
  Options.all(Context.options("event")),
  {
    schema: Cloacina.TriggerFired,
    ask: ([name = ""], given) =>
      Effect.gen(function*() {
        const event = yield* Context.read("event", given)
        return yield* (yield* Cloacina.Triggers).fire(name, event)
      }),
    lines: ({ executions, fired, trigger }) => [
      `${View.visible(trigger)}: ${fired} started`,
      ...executions.map(({ execution_id, workflow_name }) => `${execution_id}  ${View.visible(workflow_name)}`)
    ]
  }
)

const pausing = (name: "pause" | "resume", summary: string) =>
  Part.answer(
    { name, path, summary, words, examples: [`${name} ledger_closed`] },
    Options.none,
    {
      schema: Cloacina.TriggerPaused,
      ask: ([trigger = ""]) => Effect.flatMap(Cloacina.Triggers, (triggers) => triggers[name](trigger)),
      lines: (answer) => [`${View.visible(answer.status)} ${View.visible(answer.name)}`]
    }
  )

/**
 * @since 0.1.0
 * @category commands
 */
export const { command, page } = Group.make({
  name: path,
  summary: "Triggers and schedules of a tenant.",
  examples: ["switchyard cloacina triggers list", "switchyard cloacina triggers fire ledger_closed --param region=eu"]
}, [
  list,
  get,
  fire,
  pausing("pause", "Pauses a schedule."),
  pausing("resume", "Ends a pause; what was missed is not made up for.")
])
