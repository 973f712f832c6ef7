/**
 * What a key may do, from `whoami` (contract 2.11). For showing and hiding: the server decides.
 *
 * A role that is none of the three counts as `read`, as on the server; a god key may do everything; who is not known
 * (`undefined`, because `whoami` failed) may do nothing.
 *
 * @since 0.1.0
 */
import type { Whoami } from "../../schemas/cloacina/Sessions.js"

/**
 * What `whoami` says about rights.
 *
 * @since 0.1.0
 * @category models
 */
export interface Rights extends Pick<Whoami, "role" | "is_admin"> {}

/**
 * Whether the key may look at things. `read` is not harmless: it may fire reactors and inject events (contract 8.6).
 *
 * @since 0.1.0
 * @category guards
 */
export const canRead = (whoami: Rights | undefined): boolean => whoami !== undefined

/**
 * Whether the key may change workflows, instances, triggers and executions of its tenant.
 *
 * @since 0.1.0
 * @category guards
 */
export const canWrite = (whoami: Rights | undefined): boolean =>
  whoami !== undefined && (whoami.is_admin || whoami.role === "write" || whoami.role === "admin")

/**
 * Whether the key may manage keys, accounts and secrets of its tenant.
 *
 * @since 0.1.0
 * @category guards
 */
export const canAdmin = (whoami: Rights | undefined): boolean =>
  whoami !== undefined && (whoami.is_admin || whoami.role === "admin")
