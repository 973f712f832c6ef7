/**
 * Logins, sessions and who a key belongs to (contract 4.3, 5.2).
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { nullable } from "../core/Wire.js"
import { Timestamp } from "./Common.js"
import { KeySecret, Role } from "./Keys.js"

/**
 * A login with a local account. Without a tenant only global accounts match, and nothing makes those.
 *
 * @since 0.1.0
 * @category schemas
 */
export const LocalLogin = Schema.Struct({
  username: Schema.String,
  password: KeySecret,
  tenant: Schema.optional(Schema.String)
})

/**
 * @since 0.1.0
 * @category models
 */
export interface LocalLogin extends Schema.Schema.Type<typeof LocalLogin> {}

/**
 * A key that a login or a refresh made: 15 minutes, with the role and tenant of the account.
 *
 * @since 0.1.0
 * @category schemas
 */
export const LoginKey = Schema.Struct({
  key: KeySecret,
  tenant_id: nullable(Schema.String),
  role: Role,
  expires_at: nullable(Timestamp)
})

/**
 * @since 0.1.0
 * @category models
 */
export interface LoginKey extends Schema.Schema.Type<typeof LoginKey> {}

/**
 * @since 0.1.0
 * @category schemas
 */
export const LoggedOut = Schema.Struct({
  status: Schema.String
})

/**
 * @since 0.1.0
 * @category models
 */
export interface LoggedOut extends Schema.Schema.Type<typeof LoggedOut> {}

/**
 * Whose key this is. `tenant_id` is null for a god key; `name` of a minted key is `local:<account>` or
 * `oidc:<issuer>:<subject>`.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Whoami = Schema.Struct({
  tenant_id: nullable(Schema.String),
  role: Role,
  is_admin: Schema.Boolean,
  name: Schema.String
})

/**
 * @since 0.1.0
 * @category models
 */
export interface Whoami extends Schema.Schema.Type<typeof Whoami> {}

/**
 * One tenant that an OIDC login opens, with its key; `tenant` is empty for a rule without one. It lives 15 minutes.
 *
 * @since 0.1.0
 * @category schemas
 */
export const OidcMembership = Schema.Struct({
  key: KeySecret,
  tenant: Schema.String,
  role: Role
})

/**
 * @since 0.1.0
 * @category models
 */
export interface OidcMembership extends Schema.Schema.Type<typeof OidcMembership> {}
