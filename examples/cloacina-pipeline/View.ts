/** What a person sees while a workflow runs: its log as it grows, and below it how its tasks stand. */
import type * as Terminal from "@effect/platform/Terminal"
import * as Cloacina from "effect-switchyard/cloacina"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Screen from "../terminal/Screen.js"
import * as Text from "../terminal/Text.js"

export class View extends Context.Tag("cloacina-pipeline/View")<View, {
  /** Shows a line above everything else. */
  readonly say: (line: string) => Effect.Effect<void>
  /** Says what is going on before there are tasks. */
  readonly busy: (what: string) => Effect.Effect<void>
  /** Shows an item of the log. */
  readonly item: (item: Cloacina.ExecutionStarted | Cloacina.ExecutionItem) => Effect.Effect<void>
  /** Shows how the tasks stand. */
  readonly tasks: (tasks: ReadonlyArray<Cloacina.TaskExecution>) => Effect.Effect<void>
}>() {
  static readonly layer: Layer.Layer<View, never, Terminal.Terminal> = Layer.scoped(View, Effect.suspend(() => make))
}

/** Where a task stands, and since when, in ms since 1970. */
interface Standing {
  readonly name: string
  readonly kind: "waiting" | "ready" | "retried" | "running" | "over"
  readonly mark: string | undefined
  readonly state: string
  readonly since: number
}

/** Events behind which a task is over. */
const ends: ReadonlySet<unknown> = new Set(["task_completed", "task_failed", "task_skipped", "task_abandoned"])

/** More would push the log off the screen. */
const mostRows = 10

export const attemptsOf = ({ attempt, max_attempts }: Cloacina.TaskExecution): string =>
  attempt > 1 ? `${attempt} of ${Math.max(attempt, max_attempts)}` : String(attempt)

/** A task with its state; one without a mark is at work. */
const standingOf = (task: Cloacina.TaskExecution): Omit<Standing, "since"> => {
  const name = Cloacina.escapeControls(Cloacina.taskLocalName(task.task_name))
  const error = Option.match(task.last_error, {
    onNone: () => "",
    onSome: (text) => `: ${Cloacina.escapeControls(text)}`
  })
  const attempt = task.attempt > 1 ? `, attempt ${attemptsOf(task)}` : ""
  switch (task.status) {
    case "Completed":
      return { name, kind: "over", mark: "✓", state: `completed${attempt}` }
    case "Failed":
      return { name, kind: "over", mark: "✗", state: `failed${attempt}${error}` }
    case "Skipped":
      return { name, kind: "over", mark: "–", state: "skipped" }
    case "Running":
      return { name, kind: "running", mark: undefined, state: `running${attempt}` }
    case "Ready":
      return task.attempt > 1
        ? { name, kind: "retried", mark: "↻", state: `to be retried${attempt}${error}` }
        : { name, kind: "ready", mark: "·", state: "ready" }
    default:
      return { name, kind: "waiting", mark: "·", state: "waiting" }
  }
}

const phrases = { running: "running", ready: "ready", retried: "to be retried" }

/** `2 running, 1 to be retried`. */
const countsOf = (standings: ReadonlyArray<Standing>): string =>
  Object.entries(phrases).flatMap(([kind, phrase]) => {
    const count = standings.filter((standing) => standing.kind === kind).length
    return count === 0 ? [] : [`${count} ${phrase}`]
  }).join(", ")

const make = Effect.gen(function*() {
  let standings: ReadonlyArray<Standing> = []
  let doing: { readonly what: string; readonly since: number } | undefined
  let ended = 0

  const { isTerminal, write } = yield* Screen.make((now, spinner) => {
    if (standings.length === 0) {
      return doing === undefined ? [] : [`${spinner} ${doing.what}, ${Text.seconds(now - doing.since, 1)}`]
    }
    const width = Math.max(...standings.map(({ name }) => name.length))
    // Those that are over make room first.
    const hidden = new Set(
      [...standings].sort((a, b) => Number(b.kind === "over") - Number(a.kind === "over") || a.since - b.since)
        .slice(0, Math.max(0, standings.length - mostRows))
    )
    const rows = standings.filter((standing) => !hidden.has(standing)).map(({ kind, mark, name, since, state }) => {
      const time = kind === "over" || kind === "waiting" ? "" : `, ${Text.seconds(now - since, 1)}`
      return `${mark ?? spinner} ${name.padEnd(width)}  ${state}${time}`
    })
    const more = hidden.size > 0 ? [`  and ${hidden.size} more`] : []
    const over = standings.filter(({ kind }) => kind === "over").length
    return [...rows, ...more, `${Text.bar(over, standings.length)}  ${countsOf(standings)}`.trimEnd()]
  })

  return View.of({
    say: (line) => write([line]),
    busy: (what) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => {
        doing = { what, since: now }
        return isTerminal ? write([]) : Effect.void
      }),
    item: (item) => {
      const line = Cloacina.render(item)
      if (isTerminal || item.type !== "event" || !ends.has(item.event.event_type)) return write([line])
      ended += 1
      return write([line, `- ${ended} of ${standings.length} tasks are over`])
    },
    tasks: (tasks) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => {
        const before = new Map(standings.map((standing) => [standing.name, standing]))
        // The server gives them in no order; they are made one behind the other.
        standings = [...tasks].sort((a, b) => a.created_at < b.created_at ? -1 : 1).map((task) => {
          const standing = standingOf(task)
          const known = before.get(standing.name)
          return known?.state === standing.state ? known : { ...standing, since: now }
        })
        return isTerminal ? write([]) : Effect.void
      })
  })
})
