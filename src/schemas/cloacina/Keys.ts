/**
 * API keys and WebSocket tickets (contract 4.2, 5.2).
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { Integer, nullable, openEnum } from "../core/Wire.js"
import { Timestamp } from "./Common.js"

/**
 * What a key may do in its tenant, in a request: `read` < `write` < `admin`.
 *
 * @since 0.1.0
 * @category schemas
 */
export const KeyRole = Schema.Literal("read", "write", "admin")

/**
 * @since 0.1.0
 * @category models
 */
export type KeyRole = typeof KeyRole.Type

/**
 * A role in an answer. One that is none of the three counts as `read` on the server.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Role = openEnum("Role", ["read", "write", "admin"])

/**
 * @since 0.1.0
 * @category models
 */
export type Role = typeof Role.Type

/**
 * The plaintext of a key: shown once, never again, and never printed.
 *
 * @since 0.1.0
 * @category schemas
 */
export const KeySecret = Schema.Redacted(Schema.String)

/**
 * A new key. Without a role the server makes an **admin** key.
 *
 * @since 0.1.0
 * @category schemas
 */
export const CreateKey = Schema.Struct({
  name: Schema.String,
  role: Schema.optional(KeyRole)
})

/**
 * @since 0.1.0
 * @category models
 */
export interface CreateKey extends Schema.Schema.Type<typeof CreateKey> {}

/**
 * A key just made. `key` is its only copy; `permissions` is the role.
 *
 * @since 0.1.0
 * @category schemas
 */
export const KeyCreated = Schema.Struct({
  id: Schema.String,
  name: Schema.String,
  key: KeySecret,
  permissions: Role,
  tenant_id: nullable(Schema.String),
  is_admin: Schema.Boolean,
  created_at: Timestamp
})

/**
 * @since 0.1.0
 * @category models
 */
export interface KeyCreated extends Schema.Schema.Type<typeof KeyCreated> {}

/**
 * A key in a list, without its plaintext. `tenant_id` is null for the bootstrap key and for OIDC keys without a
 * tenant; keys made by logins are listed too.
 *
 * @since 0.1.0
 * @category schemas
 */
export const KeyInfo = Schema.Struct({
  id: Schema.String,
  name: Schema.String,
  permissions: Role,
  tenant_id: nullable(Schema.String),
  is_admin: Schema.Boolean,
  created_at: Timestamp,
  revoked: Schema.Boolean
})

/**
 * @since 0.1.0
 * @category models
 */
export interface KeyInfo extends Schema.Schema.Type<typeof KeyInfo> {}

/**
 * @since 0.1.0
 * @category schemas
 */
export const KeyRevoked = Schema.Struct({
  status: Schema.String,
  id: Schema.String
})

/**
 * @since 0.1.0
 * @category models
 */
export interface KeyRevoked extends Schema.Schema.Type<typeof KeyRevoked> {}

/**
 * A ticket opens one socket, once, within `expires_in_seconds` (60).
 *
 * @since 0.1.0
 * @category schemas
 */
export const WsTicket = Schema.Struct({
  ticket: KeySecret,
  expires_in_seconds: Integer
})

/**
 * @since 0.1.0
 * @category models
 */
export interface WsTicket extends Schema.Schema.Type<typeof WsTicket> {}
