/**
 * Events as lines for people.
 *
 * @since 0.1.0
 */
import * as Option from "effect/Option"
import type { Outcome } from "./Outcome.js"
import type { FollowEvent, Submitted } from "./Tasks.js"

/**
 * Makes untrusted text safe for a terminal: every control character but tab becomes a visible escape. What a task
 * writes may hold sequences that move the cursor, rename the window or hide text (contract 10.4).
 *
 * @since 0.1.0
 * @category utils
 */
export const escapeControls = (text: string): string =>
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  text.replace(/[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, (character) =>
    `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`)

const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`

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
