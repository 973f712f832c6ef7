import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { CreateSpec, TaskStatus } from "../../../../src/schemas/solti/Tasks.js"
import { TaskId } from "../../../../src/schemas/solti/Tasks.js"
import type { TaskQuery } from "../../../../src/server/solti/ApiHandler.js"
import type { Attempt, Runner } from "../../../../src/server/solti/Runner.js"
import { AttemptFailed } from "../../../../src/server/solti/Runner.js"

export const taskId = (id: string): TaskId => TaskId.make(id)

/** A valid spec: slot `s`, no restart, QUEUE, a time limit of 1 s, back-off 100 ms doubled up to 1 s without jitter. */
export const makeSpec = (options: Partial<CreateSpec> = {}): CreateSpec => ({
  slot: "s",
  kind: { subprocess: { command: { command: "x", args: [] }, env: [], cwd: Option.none(), failOnNonZero: true } },
  timeoutMs: 1000n,
  restart: "RESTART_STRATEGY_NEVER",
  restartIntervalMs: Option.none(),
  backoff: { jitter: "JITTER_STRATEGY_NONE", firstMs: 100n, maxMs: 1000n, factor: 2 },
  admission: "ADMISSION_STRATEGY_QUEUE",
  labels: {},
  ...options
})

export const everything: TaskQuery = { slot: Option.none(), status: Option.none(), limit: 1000, offset: 0 }

/** A runner of the name `default` whose attempts all do the same. */
export const runnerOf = (attempt: Attempt): Runner => ({
  name: "default",
  supports: (spec) => "subprocess" in spec.kind,
  build: () => Effect.succeed(attempt)
})

export const failed = (reason: string, exitCode?: number): AttemptFailed =>
  new AttemptFailed({ reason, exitCode: Option.fromNullable(exitCode), fatal: false })

export const isTerminal = (phase: TaskStatus): boolean =>
  phase !== "TASK_STATUS_PENDING" && phase !== "TASK_STATUS_RUNNING" && phase !== "TASK_STATUS_UNSPECIFIED"
