/**
 * Executions and deployments as lines for people.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { ExecutionEvent } from "../../schemas/cloacina/Executions.js"
import { eventData, taskLocalName } from "../../schemas/cloacina/Executions.js"
import { escapeControls } from "../core/Text.js"
import type { ExecutionItem, ExecutionStarted } from "./Executions.js"
import type { Outcome } from "./Outcome.js"
import type { DeployPhase } from "./Workflows.js"

/**
 * How an execution ended, in one line: `failed after 312ms: 1 task(s) failed, 2 completed, 0 skipped; boom: disk full`.
 *
 * @since 0.1.0
 * @category conversions
 */
export const renderOutcome = (outcome: Outcome): string => {
  const after = Option.match(outcome.duration, {
    onNone: () => "",
    onSome: (duration) => ` after ${Duration.format(duration)}`
  })
  if (outcome._tag !== "Failed") return `${outcome._tag.toLowerCase()}${after}`
  const parts = [
    ...Option.toArray(outcome.reason),
    ...outcome.failures.map(({ error, task }) => `${task}: ${Option.getOrElse(error, () => "no error was kept")}`)
  ]
  return escapeControls(`failed${after}${parts.length === 0 ? "" : `: ${parts.join("; ")}`}`)
}

const dataOf = Schema.decodeUnknownOption(Schema.Struct({
  error: Schema.optional(Schema.String),
  reason: Schema.optional(Schema.String),
  attempt: Schema.optional(Schema.Number),
  retry_at: Schema.optional(Schema.String)
}))

/** What the data of an event says, as far as it is known. */
const detailOf = (event: ExecutionEvent): string =>
  Option.match(Option.flatMap(eventData(event), dataOf), {
    onNone: () => "",
    onSome: ({ attempt, error, reason, retry_at }) => {
      const said = error ?? reason
      const retry = attempt === undefined ? "" : ` attempt ${attempt}${retry_at === undefined ? "" : ` at ${retry_at}`}`
      return `${retry}${said === undefined ? "" : `: ${said}`}`
    }
  })

/**
 * An item of a followed execution in one line, with control characters made visible: `load task_failed: disk full`.
 *
 * @since 0.1.0
 * @category conversions
 */
export const render = (item: ExecutionStarted | ExecutionItem): string => {
  switch (item.type) {
    case "started":
      return `started ${item.executionId}`
    case "ended":
      return `= ${renderOutcome(item.outcome)}`
    case "event": {
      const { event, late } = item
      const task = Option.match(event.task_name, { onNone: () => "", onSome: (name) => `${taskLocalName(name)} ` })
      return escapeControls(`${task}${event.event_type}${detailOf(event)}${late ? " (late)" : ""}`)
    }
  }
}

/**
 * A phase of a deployment in one line.
 *
 * @since 0.1.0
 * @category conversions
 */
export const renderPhase = (phase: DeployPhase): string => {
  switch (phase.type) {
    case "uploading":
      return `uploading ${phase.sent} of ${phase.total} bytes`
    case "uploaded":
      return `uploaded ${phase.packageId}`
    case "building":
      return `build ${escapeControls(String(phase.status))}`
    case "built":
      return `built ${escapeControls(`${phase.detail.package_name} ${phase.detail.version}`)}`
    case "loading":
      return `loading ${escapeControls(phase.workflow)}`
    case "ready": {
      const { deployment } = phase
      const loading = { observed: "loaded", unobservable: "built", notObserved: "built, not seen to be loaded" }
      const known = deployment._tag === "AlreadyKnown" ? ", nothing has changed" : ""
      return escapeControls(
        `ready: ${deployment.workflow} ${deployment.version} (${loading[deployment.loading]}${known})`
      )
    }
  }
}
