/**
 * What surrounds one attempt: the context that its runner gets, and what its exit means to the machine.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import type * as Clock from "effect/Clock"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type { TaskId } from "../../schemas/solti/Tasks.js"
import type { LogHub } from "./LogHub.js"
import type { AttemptContext, AttemptFailed } from "./Runner.js"
import type { AttemptEnd } from "./Semantics.js"

/**
 * A context that puts lines on the task's log, with `seq` per stream and the time of the call, until it is closed: what
 * comes later would stand behind the attempt's `run-finished`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const makeContext = (
  logs: LogHub,
  clock: Clock.Clock,
  taskId: TaskId,
  attempt: number
): { readonly context: AttemptContext; readonly close: () => void } => {
  const next = { stdout: 0, stderr: 0 }
  let isOpen = true
  return {
    context: {
      taskId,
      attempt,
      emit: (stream, line) => {
        if (!isOpen) return
        const ts = Math.floor(clock.unsafeCurrentTimeMillis())
        logs.publish(taskId, { type: "chunk", attempt, stream, seq: next[stream]++, ts, line })
      }
    },
    close: () => {
      isOpen = false
    }
  }
}

const none = Option.none<number>()

/**
 * What the exit of an attempt means. A defect is a failure that is never retried.
 *
 * @since 0.1.0
 * @category conversions
 */
export const endOf = (exit: Exit.Exit<void, AttemptFailed>): AttemptEnd => {
  if (Exit.isSuccess(exit)) return { outcome: "succeeded", reason: "", exitCode: none, fatal: false }
  const failure = Cause.failureOption(exit.cause)
  if (Option.isSome(failure)) {
    const { exitCode, fatal, reason } = failure.value
    return { outcome: "failed", reason, exitCode, fatal }
  }
  return Cause.isInterrupted(exit.cause)
    ? { outcome: "canceled", reason: "", exitCode: none, fatal: false }
    : { outcome: "failed", reason: "actor panicked", exitCode: none, fatal: true }
}
