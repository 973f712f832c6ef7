/**
 * Events as lines for people.
 *
 * @since 0.1.0
 */
import * as Option from "effect/Option"
import { escapeControls, plural } from "../core/Text.js"
import type { Outcome } from "./Outcome.js"
import type { FollowEvent, Submitted } from "./Tasks.js"

/**
 * How a task ended, in one line.
 *
 * @since 0.1.0
 * @category conversions
 */
export const renderOutcome = (outcome: Outcome): string => {
  const code = Option.match(outcome.exitCode, { onNone: () => "", onSome: (code) => `, exit code ${code}` })
  const error = Option.match(outcome.error, { onNone: () => "", onSome: (text) => `: ${escapeControls(text)}` })
  return `${outcome.status} after ${plural(outcome.attempts, "attempt")}${code}${error}`
}

/**
 * An event of a followed task in one line, with control characters made visible.
 *
 * @since 0.1.0
 * @category conversions
 */
export const render = (event: Submitted | FollowEvent): string => {
  switch (event.type) {
    case "submitted":
      return `submitted ${event.taskId}`
    case "chunk":
      return `${event.attempt} ${event.stream === "stderr" ? "!" : "|"} ${escapeControls(event.line)}`
    case "runStarted":
      return `${event.attempt} > started`
    case "runFinished":
      return `${event.attempt} < finished${
        Option.match(event.exitCode, { onNone: () => "", onSome: (code) => ` with exit code ${code}` })
      }`
    case "lagged":
      return `- ${plural(event.skipped, "event")} skipped: read too slowly`
    case "gap":
      return "- reconnected: what was written in between is lost"
    case "headGap":
      return `- joined late: the first ${plural(event.missed, "line")} of ${event.stream} missed`
    case "logMissed":
      return "- the task was over before its log could be opened"
    case "ended":
      return `= ${renderOutcome(event.outcome)}`
  }
}
