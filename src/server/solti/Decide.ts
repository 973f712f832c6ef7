/**
 * The transitions of the machine; see Machine for what its events and actions mean.
 *
 * @since 0.1.0
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import type { TaskId } from "../../schemas/solti/Tasks.js"
import { close, Draft } from "./Draft.js"
import type { Config, Decision, Event, Live, Pause, Plan, State } from "./Machine.js"
import type { AttemptEnd, Status, TaskEnd } from "./Semantics.js"
import { admit, begin, cancel, canceled, end, yieldPermit } from "./Slots.js"

const forced = "force_terminated_after_grace"

const isAlways = ({ spec }: Plan): boolean => spec.restart === "RESTART_STRATEGY_ALWAYS"

const isRetrying = (plan: Plan): boolean => isAlways(plan) || plan.spec.restart === "RESTART_STRATEGY_ON_FAILURE"

const pending: Status = { phase: "TASK_STATUS_PENDING", error: Option.none(), exitCode: Option.none() }

const submitted = (draft: Draft, plan: Plan): void => {
  const at = BigInt(draft.now)
  draft.changes.push({
    _tag: "TaskAdded",
    stored: {
      task: {
        metadata: { id: plan.id, createdAt: at, updatedAt: at, resourceVersion: 1n },
        spec: plan.spec,
        status: { ...pending, attempt: 0 }
      },
      isFunction: plan.isFunction,
      isFinal: false
    }
  })
  const live = draft.set({
    plan,
    stage: "accepted",
    attempt: 0,
    failures: 0,
    version: 1,
    ticket: 0,
    isStopping: false,
    hasTimedOut: false,
    isCanceled: false,
    isDeleted: false
  })
  const ms = draft.config.semantics.registrationMs
  if (Option.isNone(ms)) return admit(draft, live)
  draft.actions.push({ _tag: "Register", id: plan.id, ms: ms.value })
}

/** Whether and how the task ends with this attempt. */
const verdict = ({ failures, isCanceled, plan }: Live, end: AttemptEnd): Option.Option<TaskEnd> => {
  const { exitCode, reason } = end
  const onward = isCanceled ? Option.some(canceled()) : Option.none()
  switch (end.outcome) {
    case "canceled":
      return Option.some(canceled(reason))
    case "succeeded":
      return isAlways(plan) ? onward : Option.some({ outcome: "completed", reason: "", exitCode: Option.none() })
    case "failed":
    case "timedOut": {
      if (end.fatal) return Option.some({ outcome: "dead", reason, exitCode })
      if (!isRetrying(plan)) return Option.some({ outcome: "exhausted", reason, exitCode })
      const max = plan.maxRetries
      if (max === 0 || failures < max) return onward
      return Option.some({ outcome: "exhausted", reason: `max_retries_exceeded(${max}/${max}): ${reason}`, exitCode })
    }
  }
}

const goOn = (draft: Draft, live: Live, end: AttemptEnd): void => {
  const sleep = (next: Live, pause: Pause): void => {
    draft.set({ ...next, stage: "sleeping" })
    draft.actions.push({ _tag: "Sleep", id: live.plan.id, attempt: live.attempt, pause })
  }
  if (end.outcome !== "succeeded") {
    const { failures, plan: { spec } } = live
    return sleep({ ...live, failures: failures + 1 }, { _tag: "Backoff", strategy: spec.backoff, failures })
  }
  const interval = live.plan.spec.restartIntervalMs
  if (Option.isNone(interval)) return begin(draft, { ...live, failures: 0 })
  sleep({ ...live, failures: 0 }, { _tag: "Interval", ms: Number(interval.value) })
}

const timeOut = ({ semantics }: Config, { spec }: Plan): AttemptEnd => ({
  outcome: "timedOut",
  reason: semantics.timeoutText(Number(spec.timeoutMs)),
  exitCode: Option.none(),
  fatal: false
})

const ended = (draft: Draft, live: Live, reported: AttemptEnd): void => {
  if (live.plan.isLimited) yieldPermit(draft)
  const actual = live.hasTimedOut ? timeOut(draft.config, live.plan) : reported
  const attempt = Option.some({ attempt: live.attempt, end: actual })
  const task = verdict(live, actual)
  if (Option.isSome(task)) return end(draft, live, task.value, attempt)
  goOn(draft, close(draft, live, attempt, Option.none()), actual)
}

const deleted = (draft: Draft, id: TaskId): void => {
  const { deleteAgainPurges, removalBlocks } = draft.config.semantics
  const live = Option.getOrUndefined(HashMap.get(draft.tasks, id))
  // Not known to the runtime: whatever is visible of it goes, and if it was accepted, it will run unseen.
  const isUnknown = live === undefined || live.stage === "accepted"
  if (isUnknown || live.isDeleted && deleteAgainPurges) {
    draft.changes.push({ _tag: "TaskPurged", id })
    draft.actions.push({ _tag: "Confirm", id })
    return
  }
  if (live.isDeleted) return
  cancel(draft, { ...live, isDeleted: true })
  if (removalBlocks && HashMap.has(draft.tasks, id)) draft.blocker = Option.some(id)
}

/** Those that wait first: nothing is to start because something else has stopped. */
const stages = ["accepted", "queued", "waiting", "sleeping", "running"] as const

const shutdown = (draft: Draft): void => {
  const tasks = [...HashMap.values(draft.tasks)]
  for (const stage of stages) {
    for (const live of tasks) {
      if (live.stage === stage) cancel(draft, live, live.attempt === 0 ? "supervisor is shutting down" : "")
    }
  }
}

const force = (draft: Draft): void => {
  shutdown(draft)
  draft.running = 0
  const attemptEnd: AttemptEnd = { ...canceled(forced), outcome: "canceled", fatal: false }
  for (const live of [...HashMap.values(draft.tasks)]) {
    end(draft, live, canceled(forced), Option.some({ attempt: live.attempt, end: attemptEnd }))
  }
}

const apply = (draft: Draft, event: Event): void => {
  switch (event._tag) {
    case "Submitted":
      return submitted(draft, event.plan)
    case "Deleted":
      return deleted(draft, event.id)
    case "Shutdown":
      return shutdown(draft)
    case "Force":
      return force(draft)
  }
  const live = Option.getOrUndefined(HashMap.get(draft.tasks, event.id))
  if (live === undefined) return
  switch (event._tag) {
    case "Registered":
      return live.stage === "accepted" ? admit(draft, live) : undefined
    case "Woken":
      return live.stage === "sleeping" && live.attempt === event.attempt ? begin(draft, live) : undefined
    case "Ended":
      return live.stage === "running" && live.attempt === event.attempt ? ended(draft, live, event.end) : undefined
    case "TimedOut": {
      if (live.stage !== "running" || live.attempt !== event.attempt || live.isStopping) return
      draft.actions.push({ _tag: "Interrupt", id: event.id })
      draft.set({ ...live, isStopping: true, hasTimedOut: true })
    }
  }
}

const isHeldBack = (draft: Draft, event: Event): boolean => {
  if (Option.isNone(draft.blocker)) return false
  if (event._tag === "Registered") return true
  return event._tag === "Deleted" && event.id !== draft.blocker.value &&
    Option.exists(HashMap.get(draft.tasks, event.id), (live) => live.stage !== "accepted")
}

/**
 * What becomes of `state` by an event at the time `now` (Unix milliseconds).
 *
 * @since 0.1.0
 * @category transitions
 */
export const decide = (config: Config, state: State, event: Event, now: number): Decision => {
  const draft = new Draft(config, now, state)
  if (isHeldBack(draft, event)) {
    draft.deferred = [...draft.deferred, event]
    return draft.done()
  }
  apply(draft, event)
  while (Option.isNone(draft.blocker)) {
    const [next, ...rest] = draft.deferred
    if (next === undefined) break
    draft.deferred = rest
    apply(draft, next)
  }
  return draft.done()
}
