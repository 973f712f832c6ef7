/**
 * A log as a person follows it: one end for each attempt, and what is missing said out loud.
 *
 * Source: contract 6.3, 9.3, 9.4.
 *
 * @since 0.1.0
 */
import * as Chunk from "effect/Chunk"
import * as Stream from "effect/Stream"
import type { LogEvent, OutputStream } from "../../schemas/solti/Logs.js"
import type { Gap } from "./Logs.js"

/**
 * The log was opened late: the first `missed` lines of this stream of this attempt were over.
 *
 * @since 0.1.0
 * @category models
 */
export interface HeadGap {
  readonly type: "headGap"
  readonly attempt: number
  readonly stream: OutputStream
  readonly missed: number
}

/**
 * What following gives for the events of the log itself.
 *
 * @since 0.1.0
 * @category models
 */
export type FollowedEvent = LogEvent | Gap | HeadGap

/**
 * Tidies a log, item by item. Repeated ends of an attempt are dropped, an end with attempt 0 gets the number of the
 * attempt that runs, and a first line with `seq` > 0 is preceded by a {@link HeadGap}, unless a gap or a lag has said so.
 *
 * It keeps three numbers, whatever the length of the log.
 *
 * @since 0.1.0
 * @category constructors
 */
export const makeTidier = (): (event: LogEvent | Gap) => ReadonlyArray<FollowedEvent> => {
  let current = 0
  let closed = 0
  let isLossKnown = false
  const begun = new Set<OutputStream>()

  const enter = (attempt: number) => {
    if (attempt <= current) return
    current = attempt
    begun.clear()
  }

  return (event) => {
    switch (event.type) {
      case "gap":
      case "lagged":
        isLossKnown = true
        return [event]
      case "runStarted":
        enter(event.attempt)
        return [event]
      case "runFinished": {
        const attempt = event.attempt === 0 ? current : event.attempt
        enter(attempt)
        if (attempt <= closed) return []
        closed = attempt
        return [attempt === event.attempt ? event : { ...event, attempt }]
      }
      case "chunk": {
        enter(event.attempt)
        const isHead = event.attempt === current && !begun.has(event.stream)
        begun.add(event.stream)
        return isHead && event.seq > 0 && !isLossKnown
          ? [{ type: "headGap", attempt: event.attempt, stream: event.stream, missed: event.seq }, event]
          : [event]
      }
    }
  }
}

/**
 * Tidies a log, see {@link makeTidier}.
 *
 * @since 0.1.0
 * @category combinators
 */
export const tidy = <E, R>(log: Stream.Stream<LogEvent | Gap, E, R>): Stream.Stream<FollowedEvent, E, R> =>
  Stream.suspend(() => {
    const next = makeTidier()
    return Stream.mapChunks(log, (events) => {
      const out: Array<FollowedEvent> = []
      for (const event of events) for (const item of next(event)) out.push(item)
      return Chunk.unsafeFromArray(out)
    })
  })
