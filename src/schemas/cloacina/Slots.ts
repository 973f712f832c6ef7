/**
 * Declared inputs of workflows, triggers, accumulators and reactors (contract 5.4).
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { defaulted, openEnum } from "../core/Wire.js"

/**
 * A declared input. `default` is missing when there is none, which is not the same as null; an `encrypted` slot takes
 * a reference to a secret only (`secretRef`).
 *
 * @since 0.1.0
 * @category schemas
 */
export const InputSlot = Schema.Struct({
  name: Schema.String,
  schema: Schema.Unknown,
  required: Schema.Boolean,
  default: Schema.optionalWith(Schema.Unknown, { exact: true }),
  encrypted: defaulted(Schema.Boolean, () => false)
})

/**
 * @since 0.1.0
 * @category models
 */
export interface InputSlot extends Schema.Schema.Type<typeof InputSlot> {}

/**
 * @since 0.1.0
 * @category schemas
 */
export const SurfaceKind = openEnum("SurfaceKind", ["reactor", "accumulator", "trigger", "graph"])

/**
 * @since 0.1.0
 * @category models
 */
export type SurfaceKind = typeof SurfaceKind.Type

/**
 * What something takes. Unknown names have no slots.
 *
 * @since 0.1.0
 * @category schemas
 */
export const DeclaredSurface = Schema.Struct({
  kind: SurfaceKind,
  name: Schema.String,
  slots: Schema.Array(InputSlot)
})

/**
 * @since 0.1.0
 * @category models
 */
export interface DeclaredSurface extends Schema.Schema.Type<typeof DeclaredSurface> {}
