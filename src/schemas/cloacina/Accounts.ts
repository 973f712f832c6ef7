/**
 * Local accounts of a tenant (contract 4.4, 5.2).
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { openEnum } from "../core/Wire.js"
import { KeySecret, Role } from "./Keys.js"

/**
 * A new account. `role` is free text: anything but `write` and `admin` acts as `read`.
 *
 * @since 0.1.0
 * @category schemas
 */
export const CreateAccount = Schema.Struct({
  username: Schema.String,
  password: KeySecret,
  role: Schema.String
})

/**
 * @since 0.1.0
 * @category models
 */
export interface CreateAccount extends Schema.Schema.Type<typeof CreateAccount> {}

/**
 * @since 0.1.0
 * @category schemas
 */
export const ResetPassword = Schema.Struct({
  password: KeySecret
})

/**
 * @since 0.1.0
 * @category models
 */
export interface ResetPassword extends Schema.Schema.Type<typeof ResetPassword> {}

/**
 * @since 0.1.0
 * @category schemas
 */
export const AccountStatus = openEnum("AccountStatus", ["active", "disabled"])

/**
 * @since 0.1.0
 * @category models
 */
export type AccountStatus = typeof AccountStatus.Type

/**
 * @since 0.1.0
 * @category schemas
 */
export const Account = Schema.Struct({
  id: Schema.String,
  username: Schema.String,
  role: Role,
  status: AccountStatus
})

/**
 * @since 0.1.0
 * @category models
 */
export interface Account extends Schema.Schema.Type<typeof Account> {}

/**
 * What was done: `disabled` or `password_reset`.
 *
 * @since 0.1.0
 * @category schemas
 */
export const AccountAction = Schema.Struct({
  status: Schema.String,
  id: Schema.String
})

/**
 * @since 0.1.0
 * @category models
 */
export interface AccountAction extends Schema.Schema.Type<typeof AccountAction> {}
