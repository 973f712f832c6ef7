/** What a person sees while jobs run: all logs as they come, and on a terminal below them how the jobs stand. */
import type * as Terminal from "@effect/platform/Terminal"
import * as Solti from "effect-switchyard/solti"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Screen from "../terminal/Screen.js"
import * as Text from "../terminal/Text.js"
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

/** More would push the logs off the screen. */
const mostRows = 8

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
    const standings = new Map<string, Standing>()
    const width = Math.max(...jobs.map(({ name }) => name.length))
    let finished = 0

    const { isTerminal, write } = yield* Screen.make((now, spinner) => {
      const live = Array.from(standings).filter(([, { isLive }]) => isLive)
      const rows = live.slice(0, mostRows).map(([name, { since, state }]) =>
        `${spinner} ${name.padEnd(width)}  ${state}, ${Text.seconds(now - since, 1)}`
      )
      const more = live.length > mostRows ? [`  and ${live.length - mostRows} more`] : []
      return [...rows, ...more, Text.bar(finished, jobs.length)]
    })

    const say = (job: Job, text: string) => write([`${job.name.padEnd(width)} ${text}`])

    const stand = (job: Job, state: string) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        const standing = standings.get(job.name)
        if (standing?.state !== state) standings.set(job.name, { state, since: now, isLive: true })
      })

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
        return isTerminal ? write([]) : say(job, `- ${finished} of ${jobs.length} jobs are over`)
      }
    })
  })
