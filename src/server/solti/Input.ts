/**
 * What the operations accept beside a spec, whichever wire it came over (contract 4.3, 5.7).
 *
 * @since 0.1.0
 */
import * as Either from "effect/Either"
import { isBlank } from "../../schemas/solti/Rules.js"
import { TaskId } from "../../schemas/solti/Tasks.js"
import { ApiError } from "./ApiHandler.js"

/**
 * A request that breaks a rule, in the rule's words.
 *
 * @since 0.1.0
 * @category errors
 */
export const invalid = (detail: string): ApiError => new ApiError({ label: "InvalidRequest", detail })

/**
 * The id of a per-id call: anything but blanks.
 *
 * @since 0.1.0
 * @category decoding
 */
export const readId = (id: string): Either.Either<TaskId, ApiError> =>
  isBlank(id) ? Either.left(invalid("task_id cannot be empty")) : Either.right(TaskId.make(id))

/**
 * How many tasks a page has: 100 where nothing or 0 is asked for, and never more than 1000.
 *
 * @since 0.1.0
 * @category decoding
 */
export const limitOf = (asked: number): number => asked === 0 ? 100 : Math.min(asked, 1000)
