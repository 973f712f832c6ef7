/**
 * Phases under their short names, as filters and people use them.
 *
 * @since 0.1.0
 */
import type { TaskStatus } from "./Tasks.js"

/**
 * The short name of a phase: what the `status` filter takes (contract 4.3).
 *
 * @since 0.1.0
 * @category models
 */
export type PhaseName = "pending" | "running" | "succeeded" | "failed" | "timeout" | "canceled" | "exhausted"

const statuses = {
  pending: "TASK_STATUS_PENDING",
  running: "TASK_STATUS_RUNNING",
  succeeded: "TASK_STATUS_SUCCEEDED",
  failed: "TASK_STATUS_FAILED",
  timeout: "TASK_STATUS_TIMEOUT",
  canceled: "TASK_STATUS_CANCELED",
  exhausted: "TASK_STATUS_EXHAUSTED"
} as const satisfies Record<PhaseName, TaskStatus>

/**
 * The phase of a short name.
 *
 * @since 0.1.0
 * @category conversions
 */
export const fromPhaseName = <Name extends PhaseName>(name: Name): (typeof statuses)[Name] => statuses[name]

/**
 * Whether a text is the short name of a phase.
 *
 * @since 0.1.0
 * @category guards
 */
export const isPhaseName = (name: string): name is PhaseName => Object.hasOwn(statuses, name)

/**
 * The short name of a phase; `unknown` for a phase that this SDK does not know, `unspecified` included.
 *
 * @since 0.1.0
 * @category conversions
 */
export const phaseName = (status: TaskStatus): PhaseName | "unknown" => {
  const name = String(status).replace("TASK_STATUS_", "").toLowerCase()
  return isPhaseName(name) && statuses[name] === status ? name : "unknown"
}

/**
 * Whether the attempt is over. Another attempt may follow; an unknown phase is not terminal (contract 5.6).
 *
 * @since 0.1.0
 * @category guards
 */
export const isTerminal = (status: TaskStatus): boolean => {
  const name = phaseName(status)
  return name !== "pending" && name !== "running" && name !== "unknown"
}
