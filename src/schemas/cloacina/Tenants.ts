/**
 * Tenants (contract 4.5, 5.3).
 *
 * @since 0.1.0
 */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { Integer, nullable } from "../core/Wire.js"
import { KeySecret } from "./Keys.js"

const reservedTenantNames: ReadonlySet<string> = new Set(["public", "information_schema", "postgres"])

/**
 * What is wrong with the name of a new tenant, if anything (contract 4.5, 9.3): 1–63 lower-case letters, digits and `_`,
 * no digit first, none that PostgreSQL reserves. The server also takes upper case, and refuses every later call then.
 *
 * @since 0.1.0
 * @category utils
 */
export const tenantNameIssue = (name: string): Option.Option<string> => {
  if (name === "") return Option.some("must not be empty")
  if (name.length > 63) return Option.some("must have at most 63 characters")
  if (/[A-Z]/.test(name)) return Option.some("must be lower case: the server would refuse every later call")
  if (!/^[a-z_][a-z0-9_]*$/.test(name)) {
    return Option.some("must be lower-case letters, digits and _, and must not begin with a digit")
  }
  return reservedTenantNames.has(name) || name.startsWith("pg_")
    ? Option.some("is reserved by the server")
    : Option.none()
}

/**
 * A new tenant. Lower case only: with other names every later call is refused (contract 9.3). `description` is echoed
 * and not kept; `password` is that of the database role, made up when absent.
 *
 * @since 0.1.0
 * @category schemas
 */
export const CreateTenant = Schema.Struct({
  name: Schema.String,
  description: Schema.optional(Schema.String),
  password: Schema.optional(KeySecret)
})

/**
 * @since 0.1.0
 * @category models
 */
export interface CreateTenant extends Schema.Schema.Type<typeof CreateTenant> {}

/**
 * @since 0.1.0
 * @category schemas
 */
export const TenantCreated = Schema.Struct({
  name: Schema.String,
  username: Schema.String,
  description: nullable(Schema.String)
})

/**
 * @since 0.1.0
 * @category models
 */
export interface TenantCreated extends Schema.Schema.Type<typeof TenantCreated> {}

/**
 * @since 0.1.0
 * @category schemas
 */
export const Tenant = Schema.Struct({
  name: Schema.String
})

/**
 * @since 0.1.0
 * @category models
 */
export interface Tenant extends Schema.Schema.Type<typeof Tenant> {}

/**
 * What the removal found. The schema of a tenant made over the API stays (contract 9.2): use a fresh name.
 *
 * @since 0.1.0
 * @category schemas
 */
export const TenantRemoved = Schema.Struct({
  status: Schema.String,
  schema_name: Schema.String,
  revoked_keys: Integer,
  runner_evicted: Schema.Boolean,
  db_cache_evicted: Schema.Boolean
})

/**
 * @since 0.1.0
 * @category models
 */
export interface TenantRemoved extends Schema.Schema.Type<typeof TenantRemoved> {}
