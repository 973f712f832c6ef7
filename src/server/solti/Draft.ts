/**
 * A decision of the machine in the making.
 *
 * @since 0.1.0
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import type { Action, Config, Decision, Live, Plan, State } from "./Machine.js"
import type { EndedAttempt, Status, TaskEnd } from "./Semantics.js"
import type { Change } from "./Store.js"

/**
 * One decision in the making: the next state so far, and what came out of it.
 *
 * @since 0.1.0
 * @category models
 */
export class Draft {
  tasks: State["tasks"]
  lanes: State["lanes"]
  running: State["running"]
  waiting: State["waiting"]
  blocker: State["blocker"]
  deferred: State["deferred"]
  readonly changes: Array<Change> = []
  readonly actions: Array<Action> = []

  constructor(readonly config: Config, readonly now: number, state: State) {
    this.tasks = state.tasks
    this.lanes = state.lanes
    this.running = state.running
    this.waiting = state.waiting
    this.blocker = state.blocker
    this.deferred = state.deferred
  }

  set(live: Live): Live {
    this.tasks = HashMap.set(this.tasks, live.plan.id, live)
    return live
  }

  laneOf({ id, isFunction, spec }: Plan): string {
    return this.config.semantics.lane({ id, isFunction, slot: spec.slot })
  }

  done(): Decision {
    const { actions, blocker, changes, deferred, lanes, running, tasks, waiting } = this
    return { state: { tasks, lanes, running, waiting, blocker, deferred }, changes, actions }
  }
}

/**
 * The task shows another status; `steps` is how much its `resourceVersion` grows.
 *
 * @since 0.1.0
 * @category transitions
 */
export const change = (draft: Draft, live: Live, status: Status, steps: number, isFinal: boolean): Live => {
  const version = live.version + steps
  draft.changes.push({
    _tag: "TaskChanged",
    id: live.plan.id,
    status,
    attempt: live.attempt,
    version,
    at: draft.now,
    isFinal
  })
  return { ...live, version }
}

/**
 * An attempt, the task, or both have ended: what is seen of it.
 *
 * @since 0.1.0
 * @category transitions
 */
export const close = (
  draft: Draft,
  live: Live,
  attempt: Option.Option<EndedAttempt>,
  task: Option.Option<TaskEnd>
): Live => {
  const { finished, run, steps } = draft.config.semantics.ending(attempt, task)
  const id = live.plan.id
  if (Option.isSome(run)) {
    draft.changes.push({ _tag: "RunClosed", id, attempt: live.attempt, status: run.value, at: draft.now })
  }
  for (const { attempt, exitCode } of finished) {
    draft.actions.push({ _tag: "Mark", id, event: { type: "runFinished", attempt, exitCode, finishedAt: draft.now } })
  }
  return steps.reduce((before, status) => change(draft, before, status, 1, Option.isSome(task)), live)
}
