/**
 * Secrets of a tenant: values go in and never come out (contract 4.6, 5.3).
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { Timestamp } from "./Common.js"
import { KeySecret } from "./Keys.js"

/**
 * The fields of a secret. Whoever prints them sees `<redacted>`.
 *
 * @since 0.1.0
 * @category schemas
 */
export const SecretFields = Schema.Record({ key: Schema.String, value: KeySecret })

/**
 * @since 0.1.0
 * @category models
 */
export type SecretFields = typeof SecretFields.Type

/**
 * A value that stands for a secret of the tenant, in contexts of executions and in parameters of instances. Events of
 * triggers do not resolve it (contract 4.10).
 *
 * @since 0.1.0
 * @category schemas
 */
export const SecretRef = Schema.Struct({ $secret: Schema.NonEmptyString })

/**
 * @since 0.1.0
 * @category models
 */
export interface SecretRef extends Schema.Schema.Type<typeof SecretRef> {}

/**
 * `{"$secret": name}`. Throws a `ParseError` when the name is empty: no secret has such a name.
 *
 * @example
 * ```ts
 * import * as Cloacina from "effect-switchyard/cloacina"
 *
 * export const context = { region: "eu", warehouse: Cloacina.secretRef("warehouse") }
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const secretRef = (name: string): SecretRef => SecretRef.make({ $secret: name })

/**
 * @since 0.1.0
 * @category schemas
 */
export const CreateSecret = Schema.Struct({
  name: Schema.String,
  fields: SecretFields
})

/**
 * @since 0.1.0
 * @category models
 */
export interface CreateSecret extends Schema.Schema.Type<typeof CreateSecret> {}

/**
 * Takes the place of all fields; those not sent are gone.
 *
 * @since 0.1.0
 * @category schemas
 */
export const RotateSecret = Schema.Struct({
  fields: SecretFields
})

/**
 * @since 0.1.0
 * @category models
 */
export interface RotateSecret extends Schema.Schema.Type<typeof RotateSecret> {}

/**
 * What may be known of a secret: its name and the names of its fields, sorted.
 *
 * @since 0.1.0
 * @category schemas
 */
export const SecretInfo = Schema.Struct({
  id: Schema.String,
  name: Schema.String,
  field_names: Schema.Array(Schema.String),
  created_at: Timestamp,
  updated_at: Timestamp
})

/**
 * @since 0.1.0
 * @category models
 */
export interface SecretInfo extends Schema.Schema.Type<typeof SecretInfo> {}

/**
 * @since 0.1.0
 * @category schemas
 */
export const SecretDeleted = Schema.Struct({
  status: Schema.String,
  name: Schema.String
})

/**
 * @since 0.1.0
 * @category models
 */
export interface SecretDeleted extends Schema.Schema.Type<typeof SecretDeleted> {}
