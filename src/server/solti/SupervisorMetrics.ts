/**
 * What a supervisor counts, as Effect metrics.
 *
 * @since 0.1.0
 */
import * as Metric from "effect/Metric"
import type { TaskId } from "../../schemas/solti/Tasks.js"
import type { Decision } from "./Machine.js"

/**
 * Attempts under way.
 *
 * @since 0.1.0
 * @category metrics
 */
export const running = Metric.gauge("solti_attempts_running", { description: "Attempts under way" })

/**
 * Live tasks without an attempt under way: waiting for a slot or the global limit, or pausing between attempts.
 *
 * @since 0.1.0
 * @category metrics
 */
export const queued = Metric.gauge("solti_tasks_queued", { description: "Live tasks without an attempt under way" })

/**
 * Attempts that have ended, by `status`, for example `TASK_STATUS_SUCCEEDED`.
 *
 * @since 0.1.0
 * @category metrics
 */
export const attempts = Metric.counter("solti_attempts_total", {
  description: "Attempts that have ended",
  incremental: true
})

const byStatus = new Map<string, Metric.Metric.Counter<number>>()

const attemptsOf = (status: string): Metric.Metric.Counter<number> => {
  const known = byStatus.get(status)
  if (known !== undefined) return known
  const tagged = Metric.tagged(attempts, "status", status)
  byStatus.set(status, tagged)
  return tagged
}

/**
 * Counts a decision that is about to be carried out. The host's functions do not count.
 *
 * @since 0.1.0
 * @category utils
 */
export const count = ({ actions, changes }: Decision, isFunction: (id: TaskId) => boolean): void => {
  let started = 0
  let grown = 0
  for (const change of changes) {
    if (change._tag === "TaskAdded") {
      if (!change.stored.isFunction) grown++
    } else if (change._tag === "RunOpened") {
      if (!isFunction(change.id)) started++
    } else if (change._tag === "RunClosed" && !isFunction(change.id)) {
      started--
      attemptsOf(String(change.status.phase)).unsafeUpdate(1, [])
    }
  }
  for (const action of actions) {
    if (action._tag === "Release" && !isFunction(action.id)) grown--
  }
  if (started !== 0) running.unsafeModify(started, [])
  if (grown !== started) queued.unsafeModify(grown - started, [])
}
