/**
 * The schedules of one tenant: cron, polling triggers and instances, which are rows of one table (contract 4.8, 4.10).
 */
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import { formatMicros } from "../Clockwork.js"
import type * as Script from "../Script.js"
import * as Slots from "../Slots.js"
import * as Cron from "./Cron.js"
import { type Machine, stamp } from "./Machine.js"

/** A start by a schedule; times in microseconds, `scheduledTime` in ms. */
export interface ScheduleRun {
  readonly id: string
  readonly scheduledTime: number | undefined
  readonly startedAt: number
  completedAt: number | undefined
}

/** A row; times in microseconds, `nextRunAt` in ms. */
export interface Schedule {
  readonly id: string
  readonly type: "cron" | "trigger"
  readonly workflow: string
  readonly instance: string | undefined
  readonly params: unknown
  readonly timetable: Cron.Timetable | undefined
  readonly timezone: string
  readonly triggerName: string | undefined
  readonly pollInterval: number | undefined
  readonly fires: ((poll: Script.Poll) => boolean | Script.Values) | undefined
  readonly createdAt: number
  readonly enabled: boolean
  readonly runs: Array<ScheduleRun>
  /** Of the package that declared it, while its code is loaded; instances need none. */
  live: boolean
  nextRunAt: number | undefined
  lastRunAt: number | undefined
  pausedAt: number | undefined
  polls: number
  /** When polling began or went on, in ms, and the last poll before that. */
  pollingSince: number
  lastPollBefore: number | undefined
  /** Timers that were set before a pause are void. */
  generation: number
}

/** Starts a workflow; `undefined` when it is not loaded. `onEnd` runs when the execution is final. */
type StartWorkflow = (workflow: string, bound: Slots.Bound, onEnd: () => void) => string | undefined

export interface Schedules {
  /** Newest first, those that were deleted left out. */
  readonly all: () => ReadonlyArray<Schedule>
  readonly create: (options: {
    readonly workflow: string
    readonly instance: string
    readonly params: unknown
    readonly timetable: Cron.Timetable | undefined
    readonly timezone: string
    readonly enabled: boolean
    readonly nextRunAt: number | undefined
  }) => Schedule
  readonly remove: (schedule: Schedule) => void
  readonly setPaused: (schedule: Schedule, paused: boolean) => void
  /** What a package declares, when its code is loaded. */
  readonly load: (workflow: string, triggers: ReadonlyArray<Script.Trigger>) => void
  /** What a package declares, when its code is dropped: the rows stay, polling stops. */
  readonly unload: (workflow: string, triggers: ReadonlyArray<Script.Trigger>) => void
  /** Whether the tenant has a runner: without one nothing fires. */
  readonly setRunning: (running: boolean) => void
  /** In microseconds. */
  readonly lastPollAt: (schedule: Schedule) => number | undefined
}

export interface SchedulesOptions {
  readonly start: StartWorkflow
  /** Workflows that subscribe to a trigger. */
  readonly subscribers: (trigger: string) => ReadonlyArray<string>
}

/** What a trigger answers; one that throws does not fire. */
const answerOf = (fires: NonNullable<Schedule["fires"]>, poll: Script.Poll): boolean | Script.Values => {
  try {
    return fires(poll)
  } catch {
    return false
  }
}

/** How many starts a schedule remembers. */
const remembered = 10

export const make = (machine: Machine, { start, subscribers }: SchedulesOptions): Schedules => {
  const rows: Array<Schedule> = []
  let running = true

  const isActive = (schedule: Schedule): boolean =>
    running && schedule.enabled && schedule.live && schedule.pausedAt === undefined

  /** Runs at that time unless the schedule was paused or deleted until then. */
  const at = (schedule: Schedule, ms: number, action: () => void): void => {
    const { generation } = schedule
    machine.at(ms, () => {
      if (schedule.generation === generation && isActive(schedule)) action()
    })
  }

  const begin = (schedule: Schedule, scheduledTime: number | undefined): ScheduleRun => {
    const run = { id: machine.uuid(), scheduledTime, startedAt: machine.micros(), completedAt: undefined }
    schedule.runs.unshift(run)
    schedule.runs.splice(remembered)
    return run
  }

  const arm = (schedule: Schedule): void => {
    const { nextRunAt, timetable } = schedule
    if (timetable === undefined || nextRunAt === undefined) return
    at(schedule, nextRunAt, () => {
      fireCron(schedule, timetable, nextRunAt)
      schedule.nextRunAt = Either.getOrUndefined(Cron.next(timetable, machine.now()))
      arm(schedule)
    })
  }

  const fireCron = (schedule: Schedule, timetable: Cron.Timetable, scheduledTime: number): void => {
    schedule.lastRunAt = machine.micros()
    const run = begin(schedule, scheduledTime)
    // Parameters that are no object, or hold a malformed reference, cannot be merged: the run is given up.
    const bound = schedule.params === undefined
      ? Either.right<Slots.Bound>({ context: {}, secrets: new Map() })
      : Slots.isObject(schedule.params)
      ? Slots.bind(schedule.params)
      : Either.left("params are no object")
    if (Either.isLeft(bound)) return
    const context = {
      ...bound.right.context,
      scheduled_time: wholeSeconds(scheduledTime),
      schedule_id: schedule.id,
      schedule_timezone: schedule.timezone,
      schedule_expression: timetable.expression
    }
    start(schedule.workflow, { context, secrets: bound.right.secrets }, () => {
      run.completedAt = machine.micros()
    })
  }

  const poll = (schedule: Schedule, name: string): void => {
    const { fires, pollInterval } = schedule
    if (fires === undefined || pollInterval === undefined) return
    at(schedule, machine.now() + pollInterval, () => {
      schedule.polls++
      const fired = answerOf(fires, { poll: schedule.polls, now: machine.now() })
      if (fired !== false) firePoll(schedule, name, fired === true ? {} : fired)
      poll(schedule, name)
    })
  }

  const firePoll = (schedule: Schedule, name: string, values: Script.Values): void => {
    const run = begin(schedule, undefined)
    const context = { ...values, trigger_name: name, triggered_at: formatMicros(machine.micros()) }
    let open = 0
    for (const workflow of new Set([schedule.workflow, ...subscribers(name)])) {
      const id = start(workflow, { context, secrets: new Map() }, () => {
        if (--open === 0) run.completedAt = machine.micros()
      })
      if (id !== undefined) open++
    }
  }

  const add = (
    options:
      & Pick<Schedule, "enabled" | "nextRunAt" | "timetable" | "timezone" | "type" | "workflow">
      & Partial<Schedule>
  ): Schedule => {
    const schedule: Schedule = {
      instance: undefined,
      params: undefined,
      triggerName: undefined,
      pollInterval: undefined,
      fires: undefined,
      ...options,
      id: machine.uuid(),
      createdAt: machine.micros(),
      runs: [],
      live: true,
      lastRunAt: undefined,
      pausedAt: undefined,
      polls: 0,
      pollingSince: machine.now(),
      lastPollBefore: undefined,
      generation: 0
    }
    rows.unshift(schedule)
    return schedule
  }

  const goOn = (schedule: Schedule): void => {
    schedule.generation++
    schedule.pollingSince = machine.now()
    if (schedule.timetable !== undefined) {
      schedule.nextRunAt = Either.getOrUndefined(Cron.next(schedule.timetable, machine.now()))
      arm(schedule)
    } else if (schedule.triggerName !== undefined) poll(schedule, schedule.triggerName)
  }

  const halt = (schedule: Schedule): void => {
    schedule.lastPollBefore = lastPollAt(schedule)
    schedule.generation++
  }

  /** When a trigger was polled is known without polling it. */
  const lastPollAt = (schedule: Schedule): number | undefined => {
    if (schedule.pollInterval === undefined) return undefined
    const polls = isActive(schedule)
      ? Math.floor((machine.now() - schedule.pollingSince) / schedule.pollInterval)
      : 0
    return polls === 0
      ? schedule.lastPollBefore
      : (schedule.pollingSince + polls * schedule.pollInterval) * 1000 + schedule.createdAt % 1000
  }

  /** The row that a trigger of a package had when it was loaded before. */
  const rowOf = (workflow: string, trigger: Script.Trigger): Schedule | undefined =>
    rows.find((row) =>
      trigger._tag === "Poll"
        ? row.triggerName === trigger.name
        : row.instance === undefined && row.workflow === workflow && row.timetable?.expression === trigger.expression
    )

  const declare = (workflow: string, trigger: Script.Trigger): void => {
    if (trigger._tag === "Poll") {
      const schedule = add({
        type: "trigger",
        workflow: trigger.on ?? workflow,
        triggerName: trigger.name,
        pollInterval: Math.max(1, Duration.toMillis(trigger.every)),
        fires: trigger.fires,
        timetable: undefined,
        timezone: "UTC",
        enabled: true,
        nextRunAt: undefined
      })
      return poll(schedule, trigger.name)
    }
    const timetable = Cron.parse(trigger.expression, trigger.timezone)
    if (Either.isLeft(timetable)) return
    arm(add({
      type: "cron",
      workflow,
      timetable: timetable.right,
      timezone: trigger.timezone,
      enabled: true,
      nextRunAt: Either.getOrUndefined(Cron.next(timetable.right, machine.now()))
    }))
  }

  return {
    all: () => rows,
    lastPollAt,
    setRunning: (now) => {
      if (now === running) return
      if (!now) rows.forEach(halt)
      running = now
      if (now) { for (const row of rows) if (row.live && row.pausedAt === undefined) goOn(row) }
    },
    create: (options) => {
      const schedule = add({ ...options, type: "cron" })
      arm(schedule)
      return schedule
    },
    remove: (schedule) => {
      schedule.generation++
      rows.splice(rows.indexOf(schedule), 1)
    },
    setPaused: (schedule, paused) => {
      if (paused === (schedule.pausedAt !== undefined)) return
      if (paused) halt(schedule)
      schedule.pausedAt = paused ? machine.micros() : undefined
      if (!paused) goOn(schedule)
    },
    load: (workflow, triggers) => {
      for (const trigger of triggers) {
        const row = rowOf(workflow, trigger)
        if (row === undefined) declare(workflow, trigger)
        else if (!row.live) {
          row.live = true
          goOn(row)
        }
      }
    },
    unload: (workflow, triggers) => {
      for (const trigger of triggers) {
        const row = rowOf(workflow, trigger)
        // Cron rows go on: they start a workflow that is not there any more.
        if (row === undefined || trigger._tag === "Cron") continue
        halt(row)
        row.live = false
      }
    }
  }
}

/** A run as the wire has it. */
export const runToJson = ({ completedAt, id, scheduledTime, startedAt }: ScheduleRun) => ({
  id,
  scheduled_time: wholeSeconds(scheduledTime),
  started_at: stamp(startedAt),
  completed_at: stamp(completedAt)
})

/** A time in ms without a fraction, as schedules have it. */
export const wholeSeconds = (ms: number | undefined): string | null =>
  ms === undefined ? null : formatMicros(ms * 1000).replace(".000000", "")
