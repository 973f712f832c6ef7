/**
 * The live log of a task: bytes to events, connections to one stream.
 *
 * Source: contract chapter 6.
 *
 * @since 0.1.0
 */
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { LogEvent } from "../../schemas/solti/Logs.js"
import * as Feed from "../core/Feed.js"
import * as Sse from "../core/Sse.js"

/**
 * The connection broke and another stands in its place: what was written in between is lost. A log has no position to
 * resume from (contract 6.4).
 *
 * @since 0.1.0
 * @category models
 */
export interface Gap {
  readonly type: "gap"
}

const decodeEvent = Schema.decodeUnknownEither(LogEvent)

/** Events of later servers and events that a server failed to write are skipped (contract 6.1). */
const eventsOf = (frames: Chunk.Chunk<Sse.Frame>): Chunk.Chunk<LogEvent> => {
  const events: Array<LogEvent> = []
  for (const frame of frames) {
    if (frame._tag !== "Event") continue
    let json: unknown
    try {
      json = JSON.parse(frame.data)
    } catch {
      continue
    }
    const event = decodeEvent(json)
    if (Either.isRight(event)) events.push(event.right)
  }
  return Chunk.unsafeFromArray(events)
}

/**
 * Decodes the body of a log. `broken` makes the failure of a body that ends inside an event, `tooLarge` that of an
 * event of more than `limit` UTF-16 code units.
 *
 * @since 0.1.0
 * @category decoding
 */
export const decode = <E, E2, R>(body: Stream.Stream<Uint8Array, E, R>, errors: {
  readonly broken: () => E2
  readonly tooLarge: (limit: number) => E2
}): Stream.Stream<LogEvent, E | E2, R> =>
  Stream.suspend(() => {
    let isTruncated = false
    return body.pipe(
      Sse.decode(),
      Stream.mapError((error) => error instanceof Sse.SseEventTooLarge ? errors.tooLarge(error.limit) : error),
      Stream.mapChunks((frames) => {
        isTruncated = Chunk.some(frames, (frame) => frame._tag === "Truncated")
        return eventsOf(frames)
      }),
      Stream.concat(Stream.suspend(() => isTruncated ? Stream.fail(errors.broken()) : Stream.empty))
    )
  })

/**
 * The log over as many connections as it takes. A proper end of the body is the end; a broken one is a {@link Gap} and
 * a reconnect; "no live log" behind a connection is the end too, and a failure before the first.
 *
 * @since 0.1.0
 * @category constructors
 */
export const feed = <E extends { readonly _tag: string }, E2>(options: {
  readonly connect: Effect.Effect<Stream.Stream<LogEvent, E>, E, Scope.Scope>
  readonly interrupted: (attempts: number, last: Option.Option<E>) => E2
  readonly isTransient: (error: E) => boolean
  readonly policy?: Feed.Policy | undefined
  readonly observer?: Feed.Source<LogEvent | Gap, never, E, never>["observer"]
}): Stream.Stream<LogEvent | Gap, E | E2> =>
  Stream.suspend(() => {
    // A connection alone says nothing: over gRPC, "no live log" may come behind the head of an answer.
    let wasLive = false
    return Feed.make<LogEvent | Gap, never, E, E2, never>({
      connect: () =>
        Effect.map(options.connect, (log) =>
          Stream.mapChunks(log, (events) => {
            wasLive = true
            return events
          })),
      classify: (error, connected) => {
        if (error._tag === "TaskNotFound") return wasLive ? "end" : "fail"
        wasLive ||= connected
        return options.isTransient(error) ? "reconnect" : "fail"
      },
      onEnd: "end",
      gap: () => ({ type: "gap" }),
      waitOf: Feed.waitOf,
      observer: options.observer
    }, { policy: options.policy, interrupted: options.interrupted })
  })
