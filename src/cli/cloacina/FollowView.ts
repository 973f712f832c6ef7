/**
 * An execution on the way to the terminal, to a pipe or to a program: its log, and how many of its tasks are done.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Cloacina from "../../cloacina.js"
import { ExitCode } from "../core/ExitCode.js"
import { Stop } from "../core/Failure.js"
import * as Live from "../core/Live.js"
import * as Screen from "../core/Screen.js"
import * as View from "./View.js"

/** Whose end has been told already. */
const failed = new Stop({ code: ExitCode.failed, message: "" })

const encodeTasks = Schema.encode(Schema.Array(Cloacina.TaskExecution))

const encodeEvent = Schema.encode(Cloacina.ExecutionEvent)

/** Members without a value are left out. */
const outcomeJson = (outcome: Cloacina.Outcome): Effect.Effect<unknown> =>
  Effect.map(Effect.orDie(encodeTasks(outcome.tasks)), (tasks) => ({
    executionId: outcome.executionId,
    status: outcome._tag,
    durationMs: Option.getOrUndefined(Option.map(outcome.duration, Duration.toMillis)),
    ...(outcome._tag === "Failed"
      ? {
        reason: Option.getOrUndefined(outcome.reason),
        failures: outcome.failures.map((failure) => ({ ...failure, error: Option.getOrUndefined(failure.error) }))
      }
      : {}),
    tasks
  }))

/**
 * Writes how an execution ended, and ends the command with 1 when it did not complete.
 *
 * @since 0.1.0
 * @category views
 */
export const ended = (outcome: Cloacina.Outcome, json: boolean): Effect.Effect<void, Stop, Screen.Screen> =>
  Effect.zipRight(
    json
      ? Effect.flatMap(outcomeJson(outcome), (outcome) => Screen.json({ type: "ended", outcome }))
      : Screen.out(Cloacina.render({ type: "ended", outcome })),
    Cloacina.isCompleted(outcome) ? Effect.void : failed
  )

const doneTypes = new Set(["task_completed", "task_failed", "task_skipped", "task_abandoned"])

/** Counts tasks by the log; how many there are in all, the server has to say. */
const makeCounter = (executionId: string) =>
  Effect.map(Cloacina.Executions, (executions) => {
    const done = new Set<string>()
    const ready = new Set<string>()
    let total = 0
    const ask = Effect.map(Effect.option(executions.tasks(executionId)), (tasks) => {
      total = Option.match(tasks, { onNone: () => 0, onSome: ({ length }) => length })
    })
    return {
      /** Whether this made a difference. */
      count: ({ event_type, task_name }: Cloacina.ExecutionEvent): Effect.Effect<boolean> =>
        Effect.suspend(() => {
          if (Option.isNone(task_name)) return Effect.succeed(false)
          const before = done.size
          if (doneTypes.has(String(event_type))) {
            done.add(task_name.value)
            ready.delete(task_name.value)
          } else {
            ready.add(task_name.value)
          }
          return Effect.as(total === 0 ? ask : Effect.void, done.size !== before)
        }),
      json: () => ({ done: done.size, total: Math.max(total, done.size) }),
      text: () => `${done.size} of ${Math.max(total, done.size)} tasks`,
      running: () => Array.from(ready, (name) => View.visible(Cloacina.taskLocalName(name))).join(", ")
    }
  })

type Counter = Effect.Effect.Success<ReturnType<typeof makeCounter>>

const width = 20

const bar = (counter: Counter): string => {
  const { done, total } = counter.json()
  const filled = total === 0 ? 0 : Math.floor(done / total * width)
  const running = counter.running()
  return `[${"#".repeat(filled)}${"-".repeat(width - filled)}] ${counter.text()}${running === "" ? "" : `: ${running}`}`
}

/**
 * Writes what happens to an execution, and ends the command with 1 when it does not complete.
 *
 * - With `json` an object an item on stdout; events with the count of tasks.
 * - Otherwise a line an item on stdout, and the count on stderr: on a terminal as a line that stays at the bottom,
 *   elsewhere as a line whenever it has changed.
 *
 * @since 0.1.0
 * @category views
 */
export const follow = <E, R>(
  executionId: string,
  items: Stream.Stream<Cloacina.ExecutionItem, E, R>,
  json: boolean
): Effect.Effect<void, E | Stop, R | Cloacina.Executions | Screen.Screen> =>
  Effect.scoped(Effect.gen(function*() {
    const screen = yield* Screen.Screen
    const counter = yield* makeCounter(executionId)
    const live = yield* Live.make("err", "clear")
    yield* Stream.runForEach(items, (item) =>
      Effect.gen(function*() {
        if (item.type === "ended") return yield* live.draw([], ended(item.outcome, json))
        const isNews = yield* counter.count(item.event)
        if (json) {
          const event = yield* Effect.orDie(encodeEvent(item.event))
          return yield* Screen.json({ type: item.type, event, late: item.late, tasks: counter.json() })
        }
        yield* live.draw([bar(counter)], screen.out(Cloacina.render(item)))
        if (isNews && !screen.isErrTerminal) yield* screen.err(counter.text())
      }))
  }))
