/** What a person sees while jobs run: all logs as they come, and on a terminal below them how the jobs stand. */
import * as Terminal from "@effect/platform/Terminal"
import * as Solti from "effect-switchyard/solti"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import type { Job } from "./Jobs.js"

type Event = Solti.Submitted | Solti.FollowEvent

export class Progress extends Context.Tag("pipeline/Progress")<Progress, {
  /** Shows an event of a job. */
  readonly event: (job: Job, event: Event) => Effect.Effect<void>
  /** Shows a remark about a job. */
  readonly note: (job: Job, text: string) => Effect.Effect<void>
  /** The job is over; `how` stands in for an end that the server did not tell. */
  readonly done: (job: Job, how?: string) => Effect.Effect<void>
}>() {
  static readonly layer = (jobs: ReadonlyArray<Job>): Layer.Layer<Progress, never, Terminal.Terminal> =>
    Layer.scoped(Progress, make(jobs))
}

/** Where a job stands. */
interface Standing {
  state: string
  since: number
  isLive: boolean
}

const frames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"]

/** More would push the logs off the screen. */
const mostRows = 8

const cut = (text: string, columns: number): string => text.length < columns ? text : `${text.slice(0, columns - 2)}…`

const bar = (done: number, all: number): string => {
  const filled = Math.round(24 * done / all)
  return `${"━".repeat(filled)}${"┄".repeat(24 - filled)} ${done}/${all}`
}

const stateOf = (event: Event): string | undefined => {
  switch (event.type) {
    case "submitted":
      return "waiting"
    case "chunk":
    case "runStarted":
      return `attempt ${event.attempt}`
    case "runFinished":
      return `behind attempt ${event.attempt}`
    default:
      return undefined
  }
}

const make = (jobs: ReadonlyArray<Job>) =>
  Effect.gen(function*() {
    const terminal = yield* Terminal.Terminal
    const isTerminal = yield* terminal.isTTY
    const oneAtATime = yield* Effect.makeSemaphore(1)
    const standings = new Map<string, Standing>()
    const width = Math.max(...jobs.map(({ name }) => name.length))
    let finished = 0
    let frame = 0
    let drawn = 0

    const block = (now: number, columns: number): ReadonlyArray<string> => {
      const live = Array.from(standings).filter(([, { isLive }]) => isLive)
      const rows = live.slice(0, mostRows).map(([name, { since, state }]) =>
        `${frames[frame % frames.length]} ${name.padEnd(width)}  ${state}, ${((now - since) / 1000).toFixed(1)} s`
      )
      const more = live.length > mostRows ? [`  and ${live.length - mostRows} more`] : []
      return [...rows, ...more, bar(finished, jobs.length)].map((row) => cut(row, columns))
    }

    const erase = () => drawn === 0 ? "" : `\u001b[${drawn}A\u001b[J`

    /** Writes lines above the block and draws the block again. */
    const write = (lines: ReadonlyArray<string>, keepBlock: boolean) =>
      oneAtATime.withPermits(1)(Effect.gen(function*() {
        const text = lines.map((line) => `${line}\n`).join("")
        if (!isTerminal) return yield* terminal.display(text)
        const rows = keepBlock ? block(yield* Clock.currentTimeMillis, yield* terminal.columns) : []
        const before = erase()
        drawn = rows.length
        yield* terminal.display(before + text + rows.map((row) => `${row}\n`).join(""))
      })).pipe(
        // Nobody looks any more.
        Effect.ignore
      )

    const say = (job: Job, text: string) => write([`${job.name.padEnd(width)} ${text}`], true)

    const stand = (job: Job, state: string) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        const standing = standings.get(job.name)
        if (standing?.state !== state) standings.set(job.name, { state, since: now, isLive: true })
      })

    if (isTerminal) {
      const tick = Effect.suspend(() => {
        frame += 1
        return write([], true)
      })
      yield* Effect.addFinalizer(() => write([], false))
      yield* Effect.forkScoped(Effect.repeat(tick, Schedule.spaced("100 millis")))
    }

    return Progress.of({
      event: (job, event) => {
        const state = stateOf(event)
        return Effect.zipRight(
          state === undefined ? Effect.void : stand(job, state),
          say(job, Solti.render(event))
        )
      },
      note: (job, text) => say(job, `- ${text}`),
      done: (job, how) => {
        standings.delete(job.name)
        finished += 1
        if (how !== undefined) return say(job, `- ${how}`)
        return isTerminal ? write([], true) : say(job, `- ${finished} of ${jobs.length} jobs are over`)
      }
    })
  })
