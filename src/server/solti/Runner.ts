/**
 * How attempts are executed: the port between the supervisor and what really runs (processes, functions, scripts of a
 * test).
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { OutputStream } from "../../schemas/solti/Logs.js"
import type { CreateSpec, TaskId } from "../../schemas/solti/Tasks.js"
import type { ApiError } from "./ApiHandler.js"

/**
 * An attempt has failed. `fatal` failures are never retried (spawn errors; contract 8.3).
 *
 * @since 0.1.0
 * @category errors
 */
export class AttemptFailed extends Data.TaggedError("AttemptFailed")<{
  readonly reason: string
  readonly exitCode: Option.Option<number>
  readonly fatal: boolean
}> {
  override get message() {
    return this.reason
  }
}

/**
 * What an attempt gets. `emit` takes one finished line; it never waits and never fails.
 *
 * @since 0.1.0
 * @category models
 */
export interface AttemptContext {
  readonly taskId: TaskId
  readonly attempt: number
  readonly emit: (stream: Extract<OutputStream, "stdout" | "stderr">, line: string) => void
}

/**
 * One attempt. Interrupting it is the cancel and the time-out: when the interruption has finished, nothing of the
 * attempt is alive any more.
 *
 * @since 0.1.0
 * @category models
 */
export type Attempt = (context: AttemptContext) => Effect.Effect<void, AttemptFailed>

/**
 * A runner: `name` is the first part of the ids of its tasks. `build` is called once a task, at submit; a failure there
 * fails the submit.
 *
 * @since 0.1.0
 * @category models
 */
export interface Runner {
  readonly name: string
  readonly supports: (spec: CreateSpec) => boolean
  readonly build: (spec: CreateSpec) => Effect.Effect<Attempt, ApiError>
}
