/**
 * `switchyard cloacina ops`
 *
 * @since 0.1.0
 */
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Cloacina from "../../cloacina.js"
import * as Durations from "../core/Durations.js"
import * as Group from "../core/Group.js"
import { natural } from "../core/Listen.js"
import * as Live from "../core/Live.js"
import * as Screen from "../core/Screen.js"
import * as Table from "../core/Table.js"
import * as Part from "./Part.js"
import * as View from "./View.js"

const seconds = (count: number): string => Durations.render(count * 1000)

const server = ({ alive, ready, reason }: Cloacina.ServerHealth): string =>
  View.visible(
    `${alive ? "alive" : "down"}, ${ready ? "ready" : "not ready"}${
      Option.match(reason, {
        onNone: () => "",
        onSome: (reason) => `: ${reason}`
      })
    }`
  )

const compiler = ({ building, pending, seconds_since_heartbeat, status }: Cloacina.CompilerStatus): string =>
  View.visible(
    `${status}, ${building} building, ${pending} waiting${
      Option.match(seconds_since_heartbeat, {
        onNone: () => "",
        onSome: (count) => `, seen ${seconds(count)} ago`
      })
    }`
  )

const reconciler = ({ built, failed, status }: Cloacina.Reconciler): string =>
  View.visible(`${status}, ${built} built, ${failed} failed`)

const agentColumns: ReadonlyArray<Table.Column> = [
  { header: "AGENT", shrinks: true },
  { header: "TENANT" },
  { header: "BUSY", align: "right" },
  { header: "SEEN", align: "right" },
  { header: "TARGET", shrinks: true }
]

const agentRow = (agent: Cloacina.Agent): ReadonlyArray<string> => [
  View.visible(agent.agent_id),
  View.orDash(agent.tenant_id),
  `${agent.in_flight}/${agent.max_concurrency}`,
  `${seconds(agent.seconds_since_heartbeat)} ago`,
  View.visible(agent.target_triple)
]

/** A snapshot that fills the terminal. */
const table = (metrics: Cloacina.OpsMetrics, width: number): ReadonlyArray<string> => [
  ...Table.pairs([
    ["time", View.visible(metrics.ts)],
    ["server", server(metrics.server)],
    ["compiler", compiler(metrics.compiler)],
    ["packages", reconciler(metrics.reconciler)],
    ["agents", String(metrics.fleet.length)]
  ]),
  ...(metrics.fleet.length === 0 ? [] : ["", ...Table.render(agentColumns, metrics.fleet.map(agentRow), width)])
]

/** A snapshot in one line. */
const line = (metrics: Cloacina.OpsMetrics): string => {
  const busy = metrics.fleet.reduce((sum, agent) => sum + agent.in_flight, 0)
  return `${View.visible(metrics.ts)}  server ${server(metrics.server)}; compiler ${compiler(metrics.compiler)}; ` +
    `packages ${reconciler(metrics.reconciler)}; agents ${metrics.fleet.length}, ${busy} busy`
}

const count = natural("count").pipe(
  Options.withDefault(0),
  Options.withDescription("End after so many snapshots; 0, the default, goes on until Ctrl-C.")
)

const encode = Schema.encode(Cloacina.OpsMetrics)

const watch = Part.make(
  {
    name: "watch",
    path: "ops",
    summary: "Shows the state of the server as it changes: builds, packages, agents.",
    text: [
      "A snapshot about every 5 seconds. On a terminal a table that stays in its place, elsewhere a line a snapshot. " +
      "Agents of other tenants are shown to a god key only."
    ],
    examples: ["watch", "watch --count 1 --json | jq .compiler"]
  },
  count,
  (count, _, json) =>
    Effect.scoped(Effect.gen(function*() {
      const screen = yield* Screen.Screen
      const live = yield* Live.make("out", "keep")
      const all = (yield* Cloacina.OpsWatch).watch()
      yield* Stream.runForEach(count === 0 ? all : Stream.take(all, count), (metrics) => {
        if (json) return Effect.flatMap(Effect.orDie(encode(metrics)), Screen.json)
        return screen.isOutTerminal
          ? Effect.flatMap(screen.columns, (width) => live.draw(table(metrics, width)))
          : screen.out(line(metrics))
      })
    }))
)

/**
 * @since 0.1.0
 * @category commands
 */
export const { command, page } = Group.make({
  name: "ops",
  summary: "The server itself, while it works.",
  examples: ["switchyard cloacina ops watch"]
}, [watch])
