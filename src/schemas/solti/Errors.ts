/**
 * Solti's own errors, and how each error looks on the wire.
 *
 * Source: contract chapter 3.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { callFields, messageOf } from "../core/Errors.js"

/**
 * The server knows no such task, or none with a live log. Only the log endpoint and custom handlers answer so (404):
 * `get` of an unknown task is `None`, `delete` of one is a success.
 *
 * @since 0.1.0
 * @category errors
 */
export class TaskNotFound extends Schema.TaggedError<TaskNotFound>("effect-switchyard/solti/TaskNotFound")(
  "TaskNotFound",
  { ...callFields, taskId: Schema.String }
) {
  override get message() {
    return messageOf(this)
  }
}

/**
 * The error body of the plane: a stable label and a text for people (contract 3.1). Both may be missing behind proxies.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ErrorEnvelope = Schema.Struct({
  error: Schema.optional(Schema.String),
  message: Schema.optional(Schema.String)
})

/**
 * The labels of the envelope, and the status each goes with. `Unauthenticated` is 0.0.3's, `AlreadyExists` later.
 *
 * @since 0.1.0
 * @category constants
 */
export const statusOf = {
  InvalidRequest: 400,
  Unauthenticated: 401,
  TaskNotFound: 404,
  AlreadyExists: 409,
  PayloadTooLarge: 413,
  Internal: 500,
  Unavailable: 503
} as const

/**
 * A label of the error envelope.
 *
 * @since 0.1.0
 * @category models
 */
export type ErrorLabel = keyof typeof statusOf
