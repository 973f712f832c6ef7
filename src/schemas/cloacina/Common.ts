/**
 * What the models of Cloacina share: times, lists, ids (contract 2.5, 2.10).
 *
 * @since 0.1.0
 */
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { Integer } from "../core/Wire.js"

/**
 * A point in time as the server wrote it: RFC 3339 with a numeric offset or `Z`, zero to nine fractional digits, all
 * of them kept. `timestampToDateTime` reads it.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Timestamp = Schema.String.pipe(Schema.brand("effect-switchyard/cloacina/Timestamp"))

/**
 * @since 0.1.0
 * @category models
 */
export type Timestamp = typeof Timestamp.Type

/**
 * A timestamp as a `DateTime`, with milliseconds; `None` when it is none. Further digits are in the string only.
 *
 * @since 0.1.0
 * @category utils
 */
export const timestampToDateTime = (timestamp: string): Option.Option<DateTime.Utc> =>
  /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/.test(timestamp)
    ? DateTime.make(timestamp)
    : Option.none()

/**
 * The id of an execution, a UUID.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ExecutionId = Schema.String.pipe(Schema.brand("effect-switchyard/cloacina/ExecutionId"))

/**
 * @since 0.1.0
 * @category models
 */
export type ExecutionId = typeof ExecutionId.Type

/**
 * The id of one upload of a package, a UUID.
 *
 * @since 0.1.0
 * @category schemas
 */
export const PackageId = Schema.String.pipe(Schema.brand("effect-switchyard/cloacina/PackageId"))

/**
 * @since 0.1.0
 * @category models
 */
export type PackageId = typeof PackageId.Type

/**
 * An integer in a query. What is none is left to the server, which refuses it.
 *
 * @since 0.1.0
 * @category schemas
 */
export const QueryInteger = Schema.NumberFromString.annotations({ jsonSchema: { type: "integer" } })

/**
 * A list: `total` is the length of this page, never a count of all (contract 2.5).
 *
 * @since 0.1.0
 * @category constructors
 */
export const list = <A, I>(item: Schema.Schema<A, I>) => Schema.Struct({ items: Schema.Array(item), total: Integer })

/**
 * A list of one tenant, which it names.
 *
 * @since 0.1.0
 * @category constructors
 */
export const tenantList = <A, I>(item: Schema.Schema<A, I>) =>
  Schema.Struct({ tenant_id: Schema.String, items: Schema.Array(item), total: Integer })
