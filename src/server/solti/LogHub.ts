/**
 * The live logs: per task a ring of its latest events, one channel for all attempts (contract 6.3, 6.4, 8.7).
 *
 * Publishing never waits. A subscriber that falls behind the ring gets one `lagged` with the exact number of events it
 * lost and goes on with the oldest event still there. Events are shared by all subscribers, and so are the chunks of
 * those that keep pace with each other.
 *
 * The first subscriber of a log gets the ring from its start, later ones get new events only. A log that has ended is
 * gone as soon as somebody has attached; if nobody has, it lingers.
 *
 * @since 0.1.0
 */
import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Mailbox from "effect/Mailbox"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { LogEvent } from "../../schemas/solti/Logs.js"
import type { TaskId } from "../../schemas/solti/Tasks.js"
import { ApiError } from "./ApiHandler.js"

interface Piece {
  readonly from: number
  readonly to: number
  readonly chunk: Chunk.Chunk<LogEvent>
}

const nothing: Array<LogEvent> = []

/** Events a subscriber takes at once: bounds what a slow one keeps alive of the past. */
const chunkSize = 256

/**
 * - `capacity`: events kept per task
 * - `replay`: whether the first subscriber gets the ring from its start
 * - `lingerMs`: how long a log that nobody has opened stays behind its end
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  readonly capacity: number
  readonly replay: boolean
  readonly lingerMs: number
}

/**
 * The methods without `Effect` never wait and are safe to call from callbacks.
 *
 * @since 0.1.0
 * @category models
 */
export interface LogHub {
  /** Opens an empty log. */
  readonly open: (id: TaskId) => void
  /** Adds an event; nothing if the log is not open. */
  readonly publish: (id: TaskId, event: LogEvent) => void
  /** No more events will come: subscribers get what is left and then the end. */
  readonly end: (id: TaskId) => void
  /** Ends the log and forgets it at once, whoever may still want it. */
  readonly evict: (id: TaskId) => void
  /**
   * Subscribes; the subscription stands when the effect is done and ends with the scope. Fails with `TaskNotFound` and
   * the id where there is no log. A first subscriber that ends without having asked for events (HEAD) was none.
   */
  readonly subscribe: (id: TaskId) => Effect.Effect<Stream.Stream<LogEvent>, ApiError, Scope.Scope>
}

/** Thousands of logs may be open and empty, so what only a busy one needs is made when it is needed. */
class Channel {
  /** The latest events; event number n of the log lies at `n % capacity` once the ring is full. */
  private ring: Array<LogEvent> = nothing
  private waiting: Set<() => void> | undefined
  private latest: Piece | undefined
  published = 0
  isAttached = false
  hasEnded = false
  isEvicted = false

  constructor(private readonly capacity: number) {}

  get oldest(): number {
    return this.published - this.ring.length
  }

  publish(event: LogEvent): void {
    if (this.hasEnded) return
    if (this.ring === nothing) this.ring = []
    if (this.ring.length < this.capacity) this.ring.push(event)
    else this.ring[this.published % this.capacity] = event
    this.published++
    this.wake()
  }

  end(): void {
    this.hasEnded = true
    this.wake()
  }

  /** Events `from` to `to - 1`, which are in the ring. Followers that keep pace ask for the same piece. */
  slice(from: number, to: number): Chunk.Chunk<LogEvent> {
    if (this.latest !== undefined && this.latest.from === from && this.latest.to === to) return this.latest.chunk
    const start = from % this.capacity
    const beyond = start + to - from - this.capacity
    const events = this.ring.slice(start, start + to - from)
    const chunk = Chunk.unsafeFromArray(beyond <= 0 ? events : events.concat(this.ring.slice(0, beyond)))
    this.latest = { from, to, chunk }
    return chunk
  }

  /** Done when there is something new: events, or the end. */
  wait(): Effect.Effect<void> {
    return Effect.async((resume) => {
      const waiter = () => resume(Effect.void)
      const waiting = this.waiting ??= new Set()
      waiting.add(waiter)
      return Effect.sync(() => waiting.delete(waiter))
    })
  }

  wake(): void {
    if (this.waiting === undefined) return
    const waiting = this.waiting
    this.waiting = undefined
    for (const waiter of waiting) waiter()
  }
}

const subscription = (channel: Channel, start: number) => {
  let cursor = start
  let isPulled = false
  let isClosed = false
  const pull: Effect.Effect<Chunk.Chunk<LogEvent>, Option.Option<never>> = Effect.suspend(() => {
    isPulled = true
    if (isClosed) return Effect.fail(Option.none())
    const skipped = channel.oldest - cursor
    if (skipped > 0) cursor = channel.oldest
    if (cursor < channel.published) {
      const to = Math.min(channel.published, cursor + chunkSize)
      const events = channel.slice(cursor, to)
      cursor = to
      return Effect.succeed(skipped > 0 ? Chunk.prepend(events, { type: "lagged", skipped }) : events)
    }
    return channel.hasEnded ? Effect.fail(Option.none()) : Effect.zipRight(channel.wait(), pull)
  })
  /** Whether anything has ever been asked for. */
  const close = (): boolean => {
    isClosed = true
    channel.wake()
    return isPulled
  }
  return { stream: Stream.repeatEffectChunkOption(pull), close }
}

/**
 * A hub without logs. The scope ends what is behind the lingering of logs, not the logs.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: Options): Effect.Effect<LogHub, never, Scope.Scope> =>
  Effect.gen(function*() {
    const clock = yield* Effect.clock
    const channels = new Map<TaskId, Channel>()
    const lingering = yield* Mailbox.make<{ readonly id: TaskId; readonly channel: Channel; readonly until: number }>()

    const forget = (id: TaskId, channel: Channel) => {
      if (channels.get(id) === channel) channels.delete(id)
    }

    // All linger equally long, so the one that ended first is due first: one fiber serves them all.
    yield* lingering.take.pipe(
      Effect.flatMap(({ channel, id, until }) =>
        Clock.sleep(Math.max(0, until - clock.unsafeCurrentTimeMillis())).pipe(
          Effect.map(() => forget(id, channel))
        )
      ),
      Effect.forever,
      Effect.ignore,
      Effect.forkScoped
    )

    const linger = (id: TaskId, channel: Channel) => {
      if (options.lingerMs === 0) return forget(id, channel)
      channels.set(id, channel)
      lingering.unsafeOffer({ id, channel, until: clock.unsafeCurrentTimeMillis() + options.lingerMs })
    }

    return {
      open: (id) => {
        channels.set(id, new Channel(options.capacity))
      },
      publish: (id, event) => channels.get(id)?.publish(event),
      end: (id) => {
        const channel = channels.get(id)
        if (channel === undefined || channel.hasEnded) return
        channel.end()
        if (channel.isAttached) channels.delete(id)
        else linger(id, channel)
      },
      evict: (id) => {
        const channel = channels.get(id)
        if (channel === undefined) return
        channel.isEvicted = true
        channel.end()
        channels.delete(id)
      },
      subscribe: (id) =>
        Effect.suspend(() => {
          const channel = channels.get(id)
          if (channel === undefined) return Effect.fail(new ApiError({ label: "TaskNotFound", detail: id }))
          const isFirst = !channel.isAttached
          channel.isAttached = true
          if (channel.hasEnded) forget(id, channel)
          const { close, stream } = subscription(channel, isFirst && options.replay ? 0 : channel.published)
          const release = Effect.sync(() => {
            if (close() || !isFirst) return
            // Only asked whether there is a log (HEAD): the next one is the first.
            channel.isAttached = false
            if (channel.hasEnded && !channel.isEvicted) linger(id, channel)
          })
          return Effect.as(Effect.addFinalizer(() => release), stream)
        })
    }
  })
