/**
 * The query string of a list request (contract 3.3, 4.3).
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import { isBlank } from "../../schemas/solti/Rules.js"
import { TaskStatus } from "../../schemas/solti/Tasks.js"
import type { ApiError, TaskQuery } from "./ApiHandler.js"
import { invalid, limitOf } from "./Input.js"

/**
 * The query does not fit the types of the parameters, or repeats one. It is answered in plain text, not as an envelope.
 *
 * @since 0.1.0
 * @category errors
 */
export class MalformedQuery extends Data.TaggedError("MalformedQuery")<{ readonly detail: string }> {
  override get message() {
    return `Failed to deserialize query string: ${this.detail}`
  }
}

const names = ["slot", "status", "limit", "offset"] as const

const maxUInt32 = 4294967295

const uint32 = (name: string, text: string): Either.Either<number, MalformedQuery> => {
  const refuse = (reason: string) => Either.left(new MalformedQuery({ detail: `${name}: ${reason}` }))
  if (text === "") return refuse("cannot parse integer from empty string")
  if (!/^\+?\d+$/.test(text)) return refuse("invalid digit found in string")
  const value = Number(text)
  return value <= maxUInt32 ? Either.right(value) : refuse("number too large to fit in target type")
}

/** `running` ↔ `TASK_STATUS_RUNNING`, without the unspecified one. */
const statuses = new Map(
  TaskStatus.known.slice(1).map((known) => [known.slice("TASK_STATUS_".length).toLowerCase(), known])
)

/**
 * Decodes the query of a list request, still encoded, without its question mark. Unknown parameters are ignored;
 * `limit` is 100 where it is absent or 0, and at most 1000.
 *
 * @since 0.1.0
 * @category decoding
 */
export const parse = (query: string): Either.Either<TaskQuery, MalformedQuery | ApiError> =>
  Either.gen(function*() {
    const given = new URLSearchParams(query)
    for (const name of names) {
      if (given.getAll(name).length > 1) {
        return yield* Either.left(new MalformedQuery({ detail: `duplicate field \`${name}\`` }))
      }
    }
    const limit = yield* uint32("limit", given.get("limit") ?? "0")
    const offset = yield* uint32("offset", given.get("offset") ?? "0")
    const slot = Option.fromNullable(given.get("slot"))
    if (Option.exists(slot, isBlank)) return yield* Either.left(invalid("slot cannot be empty"))
    const filter = Option.fromNullable(given.get("status"))
    const status = Option.flatMapNullable(filter, (name) => statuses.get(name.trim().toLowerCase()))
    if (Option.isSome(filter) && Option.isNone(status)) {
      return yield* Either.left(
        invalid(`invalid status: '${filter.value}' (valid: ${[...statuses.keys()].join(", ")})`)
      )
    }
    return { slot, status, limit: limitOf(limit), offset }
  })
