/**
 * The log of an execution while it grows, read over and over, as one stream that ends with the execution.
 *
 * The server pushes nothing for real executions (contract 6.4): the log is read whole, and what is new in it delivered.
 * Its numbers are given out when a transaction begins and seen when it commits, so that a lower one may appear after a
 * higher one. An event therefore waits for a second reading, `settle` later, and goes out behind everything lower that
 * either of them showed. What commits later still is delivered when it is seen, marked as late: nothing is lost.
 *
 * @since 0.1.0
 */
import * as Chunk from "effect/Chunk"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import type { ExecutionEvent, ExecutionStatus } from "../../schemas/cloacina/Executions.js"
import { isTerminal } from "../../schemas/cloacina/Executions.js"
import * as Feed from "../core/Feed.js"
import type * as Poll from "../core/Poll.js"

/**
 * An event of the log, by ascending `sequence_num`. `late`: it became visible behind one with a higher number that was
 * delivered already.
 *
 * @since 0.1.0
 * @category models
 */
export interface Logged {
  readonly type: "event"
  readonly event: ExecutionEvent
  readonly late: boolean
}

/**
 * The last item of following: how the execution ended.
 *
 * @since 0.1.0
 * @category models
 */
export interface Ended<Outcome> {
  readonly type: "ended"
  readonly outcome: Outcome
}

/**
 * A status that does not change any more.
 *
 * @since 0.1.0
 * @category models
 */
export type FinalStatus = "Completed" | "Failed" | "Cancelled"

/**
 * What one reading leads to: what is delivered, whether the next one comes soon (`settle`), and the end.
 *
 * @since 0.1.0
 * @category models
 */
export interface Step {
  readonly items: ReadonlyArray<Logged>
  readonly next: "settle" | "rest"
  readonly end: Option.Option<FinalStatus>
}

/** How many readings without anything new an end waits for the status or the event that belongs to it. */
const patience = 5

const endOf = ({ event_type }: ExecutionEvent): FinalStatus | undefined => {
  switch (event_type) {
    case "workflow_completed":
    case "pipeline_completed":
      return "Completed"
    case "workflow_failed":
    case "pipeline_failed":
      return "Failed"
    default:
      return undefined
  }
}

/**
 * Merges readings of a log. A status must have been read before the events that come with it. What it keeps are the ids
 * of one log.
 *
 * @since 0.1.0
 * @category constructors
 */
export const makeMerger = (options?: { readonly settles?: boolean | undefined }) => {
  const settles = options?.settles !== false
  const seen = new Set<string>()
  let waiting: Array<ExecutionEvent> = []
  let mark = -Infinity
  let delivered = -Infinity
  let idle = 0
  let told: FinalStatus | undefined

  return (status: ExecutionStatus, events: ReadonlyArray<ExecutionEvent>): Step => {
    let highest = mark
    let isNews = false
    for (const event of events) {
      if (seen.has(event.id)) continue
      seen.add(event.id)
      waiting.push(event)
      isNews = true
      told = endOf(event) ?? told
      highest = Math.max(highest, event.sequence_num)
    }
    const limit = settles ? mark : Infinity
    const ready = waiting.filter((event) => event.sequence_num <= limit)
    waiting = waiting.filter((event) => event.sequence_num > limit)
    mark = highest
    const items = ready.sort((a, b) => a.sequence_num - b.sequence_num).map((event): Logged => {
      const late = event.sequence_num < delivered
      delivered = Math.max(delivered, event.sequence_num)
      return { type: "event", event, late }
    })

    const final = isTerminal(status) ? status : undefined
    const last = final ?? told
    if (isNews || waiting.length > 0 || last === undefined) {
      idle = 0
      return { items, next: waiting.length > 0 || last !== undefined ? "settle" : "rest", end: Option.none() }
    }
    idle += 1
    // Cancelling writes no event.
    const isWhole = final !== undefined && (told !== undefined || final === "Cancelled")
    return { items, next: "settle", end: isWhole || idle >= patience ? Option.some(last) : Option.none() }
  }
}

/**
 * What a follower reads, and what its failures mean.
 *
 * @since 0.1.0
 * @category models
 */
export interface Source<Outcome, E, E2, R> {
  readonly status: Effect.Effect<ExecutionStatus, E, R>
  /** The whole log. */
  readonly events: Effect.Effect<ReadonlyArray<ExecutionEvent>, E, R>
  /** What the last item says; `log` is the last reading. */
  readonly outcome: (status: FinalStatus, log: ReadonlyArray<ExecutionEvent>) => Effect.Effect<Outcome, E, R>
  /** Whether reading goes on after this failure; `wasRead`: a reading has succeeded before. */
  readonly isTransient: (error: E, wasRead: boolean) => boolean
  /** The least delay in ms that a failure asks for. */
  readonly waitOf?: ((error: E) => number | undefined) | undefined
  readonly interrupted: (attempts: number, last: Option.Option<E>) => E2
  readonly observer?: Feed.Source<unknown, never, E, R>["observer"]
}

/**
 * How a log is followed.
 *
 * @since 0.1.0
 * @category models
 */
export interface Settings {
  /** How often the server is asked while nothing happens. */
  readonly interval?: Poll.Interval | undefined
  /** How long an event waits for lower numbers. Default 100 ms; 0: it does not, and more events may be late. */
  readonly settle?: Duration.DurationInput | undefined
  /** How it goes on after failures. */
  readonly reconnect?: Feed.Policy | undefined
}

/**
 * Follows a log to its end. Each element of `hint` wakes a reader that rests; whether it gives any, fails or ends makes
 * no other difference.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = <Outcome, E, E2, R, R2 = never>(
  source: Source<Outcome, E, E2, R>,
  settings?: Settings,
  hint?: Stream.Stream<unknown, unknown, R2>
): Stream.Stream<Logged | Ended<Outcome>, E | E2, R | R2> =>
  Stream.unwrapScoped(Effect.gen(function*() {
    const wake = yield* Queue.sliding<void>(1)
    if (hint !== undefined) {
      yield* Effect.forkScoped(Effect.ignore(Stream.runForEach(hint, () => Queue.offer(wake, undefined))))
    }
    const settleMs = Duration.toMillis(settings?.settle ?? 100)
    const maxMs = Duration.toMillis(settings?.interval?.max ?? 5000)
    const initialMs = Math.min(maxMs, Duration.toMillis(settings?.interval?.initial ?? 250))
    // Hints come in crowds, and each reading is a whole log.
    const leastMs = Math.min(initialMs, Math.max(settleMs, 100))
    const merge = makeMerger({ settles: settleMs > 0 })

    /** Rests, and says how long the next rest is. */
    const rest = (pauseMs: number) =>
      Effect.zipRight(
        Effect.sleep(Math.min(leastMs, pauseMs)),
        Effect.map(
          Effect.timeoutOption(Queue.take(wake), Math.max(0, pauseMs - leastMs)),
          (woken) => Option.isSome(woken) ? initialMs : Math.min(maxMs, pauseMs * 1.5)
        )
      )

    type Item = Logged | Ended<Outcome>
    type State =
      | { readonly do: "read" | Step["next"]; readonly pauseMs: number }
      | { readonly do: "end"; readonly status: FinalStatus; readonly log: ReadonlyArray<ExecutionEvent> }

    const read = (state: State) =>
      Effect.gen(function*() {
        // Apart from the reading before: what that one found is delivered by now, whatever comes of this.
        if (state.do === "end") {
          const outcome = yield* source.outcome(state.status, state.log)
          return [Chunk.of<Item>({ type: "ended", outcome }), Option.none<State>()] as const
        }
        let { pauseMs } = state
        if (state.do === "settle") yield* Effect.sleep(Math.max(settleMs, leastMs))
        if (state.do === "rest") pauseMs = yield* rest(pauseMs)
        const status = yield* source.status
        const log = yield* source.events
        const { end, items, next } = merge(status, log)
        const then: State = Option.isSome(end)
          ? { do: "end", status: end.value, log }
          : { do: next, pauseMs: items.length > 0 ? initialMs : pauseMs }
        return [Chunk.unsafeFromArray<Item>([...items]), Option.some(then)] as const
      })

    return Feed.make<Item, never, E, E2, R>({
      // A first reading that fails is a connection that was never open: a server that says nothing counts as gone.
      connect: () =>
        Effect.map(read({ do: "read", pauseMs: initialMs }), ([items, next]) =>
          Stream.concat(
            Stream.fromChunk(items),
            Option.match(next, {
              onNone: () => Stream.empty,
              onSome: (state) => Stream.paginateChunkEffect<State, Item, E, R>(state, read)
            })
          )),
      classify: (error, wasRead) => source.isTransient(error, wasRead) ? "reconnect" : "fail",
      onEnd: "end",
      isTerminal: (item) => item.type === "ended",
      waitOf: source.waitOf,
      observer: source.observer
    }, { policy: settings?.reconnect, interrupted: source.interrupted })
  }))
