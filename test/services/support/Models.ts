/** Bodies of a Solti server, with only what a test cares about spelled out. */

const spec = {
  slot: "s",
  kind: { subprocess: { command: { command: "true", args: [] }, env: [], failOnNonZero: true } },
  timeoutMs: "1000",
  restart: "RESTART_STRATEGY_NEVER",
  backoff: { jitter: "JITTER_STRATEGY_NONE", firstMs: "1", maxMs: "1", factor: 1 },
  admission: "ADMISSION_STRATEGY_QUEUE",
  labels: {}
}

/** A task on the wire: `phase` and `restart` without their prefixes. */
export const task = (
  id: string,
  phase: string,
  options: {
    readonly restart?: "NEVER" | "ON_FAILURE" | "ALWAYS"
    readonly attempt?: number
    readonly error?: string
    readonly exitCode?: number
    readonly spec?: Readonly<Record<string, unknown>>
  } = {}
) => ({
  metadata: { id, createdAt: "1765000000000", updatedAt: "1765000000100", resourceVersion: "3" },
  spec: { ...spec, restart: `RESTART_STRATEGY_${options.restart ?? "NEVER"}`, ...options.spec },
  status: {
    phase: `TASK_STATUS_${phase}`,
    attempt: options.attempt ?? 1,
    ...(options.error === undefined ? {} : { error: options.error }),
    ...(options.exitCode === undefined ? {} : { exitCode: options.exitCode })
  }
})

/** A run on the wire, open without a `finishedAt`. */
export const run = (
  attempt: number,
  status: string,
  options: { readonly open?: boolean; readonly error?: string; readonly exitCode?: number } = {}
) => ({
  attempt,
  status: `TASK_STATUS_${status}`,
  startedAt: "1765000000000",
  ...(options.open === true ? {} : { finishedAt: "1765000000100" }),
  ...(options.error === undefined ? {} : { error: options.error }),
  ...(options.exitCode === undefined ? {} : { exitCode: options.exitCode })
})
