/**
 * Slots and the global limit: who may run, who waits, and who is next (contract 8.2, 8.3).
 *
 * @since 0.1.0
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import type { TaskId } from "../../schemas/solti/Tasks.js"
import type { Draft } from "./Draft.js"
import { change, close } from "./Draft.js"
import * as Fifo from "./Fifo.js"
import type { Lane, Live } from "./Machine.js"
import type { EndedAttempt, Status, TaskEnd } from "./Semantics.js"

const running: Status = { phase: "TASK_STATUS_RUNNING", error: Option.none(), exitCode: Option.none() }

/**
 * The end of a task that was stopped.
 *
 * @since 0.1.0
 * @category constructors
 */
export const canceled = (reason = ""): TaskEnd => ({ outcome: "canceled", reason, exitCode: Option.none() })

const start = (draft: Draft, live: Live): void => {
  const { id, isLimited, spec } = live.plan
  const attempt = live.attempt + 1
  if (isLimited) draft.running++
  const started: Live = { ...live, stage: "running", attempt, isStopping: false, hasTimedOut: false }
  draft.set(change(draft, started, running, 2, false))
  draft.changes.push({ _tag: "RunOpened", id, attempt, at: draft.now, keep: draft.config.keepRuns })
  draft.actions.push(
    { _tag: "Mark", id, event: { type: "runStarted", attempt, startedAt: draft.now } },
    { _tag: "Start", id, attempt, timeoutMs: Number(spec.timeoutMs) }
  )
}

/**
 * The task may run: at once, or when the global limit lets it.
 *
 * @since 0.1.0
 * @category transitions
 */
export const begin = (draft: Draft, live: Live): void => {
  const { maxConcurrent } = draft.config
  if (!live.plan.isLimited || maxConcurrent === 0 || draft.running < maxConcurrent) return start(draft, live)
  const [waiting, ticket] = Fifo.append(draft.waiting, live.plan.id)
  draft.waiting = waiting
  draft.set({ ...live, stage: "waiting", ticket })
}

/**
 * An attempt has given back its part of the global limit.
 *
 * @since 0.1.0
 * @category transitions
 */
export const yieldPermit = (draft: Draft): void => {
  draft.running--
  const next = Option.flatMap(Fifo.head(draft.waiting), (id) => HashMap.get(draft.tasks, id))
  if (Option.isNone(next)) return
  draft.waiting = Fifo.leave(draft.waiting, next.value.ticket)
  start(draft, next.value)
}

/** The slot has lost its task: the head of its queue gets it. */
const promote = (draft: Draft, key: string, lane: Lane): void => {
  const next = Option.flatMap(Fifo.head(lane.queue), (id) => HashMap.get(draft.tasks, id))
  if (Option.isNone(next)) {
    draft.lanes = HashMap.remove(draft.lanes, key)
    return
  }
  const { plan, ticket } = next.value
  draft.lanes = HashMap.set(draft.lanes, key, { owner: plan.id, queue: Fifo.leave(lane.queue, ticket) })
  begin(draft, next.value)
}

/**
 * The task has ended, and its slot goes to the next.
 *
 * @since 0.1.0
 * @category transitions
 */
export const end = (
  draft: Draft,
  live: Live,
  task: TaskEnd,
  attempt: Option.Option<EndedAttempt> = Option.none()
): void => {
  const { isDeleted, plan: { id } } = live
  close(draft, live, attempt, Option.some(task))
  draft.tasks = HashMap.remove(draft.tasks, id)
  if (isDeleted) draft.changes.push({ _tag: "TaskPurged", id })
  else if (draft.config.semantics.vanishes) draft.changes.push({ _tag: "TaskDropped", id })
  draft.actions.push({ _tag: "Release", id, evict: isDeleted })
  if (isDeleted) draft.actions.push({ _tag: "Confirm", id })
  if (Option.contains(draft.blocker, id)) draft.blocker = Option.none()
  const key = draft.laneOf(live.plan)
  const lane = HashMap.get(draft.lanes, key)
  if (Option.isSome(lane) && lane.value.owner === id) promote(draft, key, lane.value)
}

/**
 * Stops a task for good. One that runs ends when its attempt has ended; it is interrupted once.
 *
 * @since 0.1.0
 * @category transitions
 */
export const cancel = (draft: Draft, live: Live, reason = ""): void => {
  const id = live.plan.id
  switch (live.stage) {
    case "running": {
      if (!live.isStopping) draft.actions.push({ _tag: "Interrupt", id })
      draft.set({ ...live, isStopping: true, isCanceled: true })
      return
    }
    case "queued": {
      const key = draft.laneOf(live.plan)
      draft.lanes = HashMap.modify(
        draft.lanes,
        key,
        (lane) => ({ ...lane, queue: Fifo.leave(lane.queue, live.ticket) })
      )
      return end(draft, live, canceled(reason))
    }
    case "waiting": {
      draft.waiting = Fifo.leave(draft.waiting, live.ticket)
      return end(draft, live, canceled(reason))
    }
    case "sleeping": {
      draft.actions.push({ _tag: "Wake", id })
      return end(draft, live, canceled(reason))
    }
    case "accepted":
      return end(draft, live, canceled(reason))
  }
}

const enqueue = (
  draft: Draft,
  live: Live,
  lane: Lane,
  take: typeof Fifo.append<TaskId>
): void => {
  const [queue, ticket] = take(lane.queue, live.plan.id)
  draft.lanes = HashMap.set(draft.lanes, draft.laneOf(live.plan), { ...lane, queue })
  draft.set({ ...live, stage: "queued", ticket })
}

/** The new task takes the head of the queue from whoever has it, and the slot as soon as its task is gone. */
const replace = (draft: Draft, live: Live, key: string, lane: Lane): void => {
  const replaced = Option.flatMap(Fifo.head(lane.queue), (id) => HashMap.get(draft.tasks, id))
  if (Option.isSome(replaced)) cancel(draft, replaced.value, `superseded by ${live.plan.id}`)
  enqueue(draft, live, HashMap.unsafeGet(draft.lanes, key), Fifo.prepend)
  const owner = HashMap.get(draft.tasks, lane.owner)
  if (Option.isSome(owner) && !owner.value.isCanceled) cancel(draft, owner.value)
}

/**
 * A task asks for its slot.
 *
 * @since 0.1.0
 * @category transitions
 */
export const admit = (draft: Draft, live: Live): void => {
  const { queueLimit } = draft.config
  const key = draft.laneOf(live.plan)
  const lane = Option.getOrUndefined(HashMap.get(draft.lanes, key))
  if (lane === undefined) {
    draft.lanes = HashMap.set(draft.lanes, key, { owner: live.plan.id, queue: Fifo.empty })
    return begin(draft, live)
  }
  switch (live.plan.spec.admission) {
    case "ADMISSION_STRATEGY_QUEUE": {
      const length = Fifo.size(lane.queue)
      if (length < queueLimit) return enqueue(draft, live, lane, Fifo.append)
      const reason = `queue_full: ${length}/${queueLimit}`
      return end(draft, live, { outcome: "dead", reason, exitCode: Option.none() })
    }
    case "ADMISSION_STRATEGY_REPLACE":
      return replace(draft, live, key, lane)
    default: {
      const isTerminating = Option.exists(HashMap.get(draft.tasks, lane.owner), (owner) => owner.isCanceled)
      const reason = `dropped: slot busy (status=${isTerminating ? "terminating" : "running"})`
      return end(draft, live, canceled(reason))
    }
  }
}
