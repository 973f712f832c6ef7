/**
 * A log sorted by attempt: the lines of each stream in order, the times, the exit code.
 *
 * Source: contract 6.3.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { Chunk } from "../../schemas/solti/Logs.js"
import type { FollowedEvent } from "./Follow.js"
import { tidy } from "./Follow.js"
import type { Gap } from "./Logs.js"

/**
 * One attempt as its log shows it. Times are Unix ms, `None` where the marker was not seen. A line that came twice (same
 * stream and `seq`) stands once; the numbers of both streams' lines begin at 0, so a jump in `seq` is a loss.
 *
 * @since 0.1.0
 * @category models
 */
export interface AttemptLog {
  readonly attempt: number
  readonly stdout: ReadonlyArray<Chunk>
  readonly stderr: ReadonlyArray<Chunk>
  readonly startedAt: Option.Option<number>
  readonly finishedAt: Option.Option<number>
  readonly exitCode: Option.Option<number>
}

const empty = (attempt: number): AttemptLog => ({
  attempt,
  stdout: [],
  stderr: [],
  startedAt: Option.none(),
  finishedAt: Option.none(),
  exitCode: Option.none()
})

const bySeq = (lines: Map<number, Chunk>): ReadonlyArray<Chunk> =>
  Array.from(lines.values()).sort((left, right) => left.seq - right.seq)

/**
 * Reads a log to its end and sorts it. Everything is kept in memory: for logs of a known size.
 *
 * @since 0.1.0
 * @category conversions
 */
export const collectAttempts = <E, R>(
  log: Stream.Stream<Exclude<FollowedEvent, { type: "headGap" }> | Gap, E, R>
): Effect.Effect<ReadonlyArray<AttemptLog>, E, R> =>
  Effect.suspend(() => {
    const attempts = new Map<number, AttemptLog>()
    const lines = new Map<string, Map<number, Chunk>>()
    const update = (attempt: number, change: Partial<AttemptLog>) =>
      attempts.set(attempt, { ...(attempts.get(attempt) ?? empty(attempt)), ...change })
    const linesOf = (attempt: number, stream: string) => {
      const key = `${attempt}/${stream}`
      const found = lines.get(key)
      if (found !== undefined) return found
      const made = new Map<number, Chunk>()
      lines.set(key, made)
      return made
    }
    return Effect.map(
      Stream.runForEach(tidy(log), (event) =>
        Effect.sync(() => {
          switch (event.type) {
            case "chunk":
              update(event.attempt, {})
              linesOf(event.attempt, String(event.stream)).set(event.seq, event)
              break
            case "runStarted":
              update(event.attempt, { startedAt: Option.some(event.startedAt) })
              break
            case "runFinished":
              update(event.attempt, { finishedAt: Option.some(event.finishedAt), exitCode: event.exitCode })
          }
        })),
      () =>
        Array.from(attempts.values())
          .sort((left, right) => left.attempt - right.attempt)
          .map((log) => ({
            ...log,
            stdout: bySeq(linesOf(log.attempt, "stdout")),
            stderr: bySeq(linesOf(log.attempt, "stderr"))
          }))
    )
  })
