/**
 * Events of a task's live log, as they are in the SSE data: flat, camelCase, discriminated by `type`, plain numbers.
 *
 * Source: contract 6.1.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { absent, openEnum } from "../core/Wire.js"

/**
 * Which pipe of the process a line came from.
 *
 * @since 0.1.0
 * @category schemas
 */
export const OutputStream = openEnum("OutputStream", ["stdout", "stderr"])

/**
 * @since 0.1.0
 * @category models
 */
export type OutputStream = typeof OutputStream.Type

/**
 * One line of output, without its terminator. `seq` counts each stream of each attempt from 0; `ts` is Unix ms.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Chunk = Schema.Struct({
  type: Schema.Literal("chunk"),
  attempt: Schema.Number,
  stream: OutputStream,
  seq: Schema.Number,
  ts: Schema.Number,
  line: Schema.String
})

/**
 * @since 0.1.0
 * @category models
 */
export interface Chunk extends Schema.Schema.Type<typeof Chunk> {}

/**
 * An attempt has started; may arrive behind its first lines, and is often missed for attempt 1 on 0.0.2.
 *
 * @since 0.1.0
 * @category schemas
 */
export const RunStarted = Schema.Struct({
  type: Schema.Literal("runStarted"),
  attempt: Schema.Number,
  startedAt: Schema.Number
})

/**
 * @since 0.1.0
 * @category models
 */
export interface RunStarted extends Schema.Schema.Type<typeof RunStarted> {}

/**
 * An attempt has ended. On 0.0.2 it may come several times, and with `attempt: 0` for "the current one".
 * No exit code means success, signal, time-out or cancel: the runs tell them apart.
 *
 * @since 0.1.0
 * @category schemas
 */
export const RunFinished = Schema.Struct({
  type: Schema.Literal("runFinished"),
  attempt: Schema.Number,
  exitCode: absent(Schema.Number),
  finishedAt: Schema.Number
})

/**
 * @since 0.1.0
 * @category models
 */
export interface RunFinished extends Schema.Schema.Type<typeof RunFinished> {}

/**
 * The reader fell behind the server's ring: exactly `skipped` events are lost.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Lagged = Schema.Struct({ type: Schema.Literal("lagged"), skipped: Schema.Number })

/**
 * @since 0.1.0
 * @category models
 */
export interface Lagged extends Schema.Schema.Type<typeof Lagged> {}

/**
 * An event of the log.
 *
 * @since 0.1.0
 * @category schemas
 */
export const LogEvent = Schema.Union(Chunk, RunStarted, RunFinished, Lagged)

/**
 * @since 0.1.0
 * @category models
 */
export type LogEvent = typeof LogEvent.Type
