/**
 * What goes wrong when a route asks the database of a tenant that has none (contract 3.6, 9.3).
 *
 * @since 0.1.0
 */
import { type Refusal, refuse } from "./Handler.js"
import type { World } from "./World.js"

/**
 * Who asks: `registry` for packages, `execution` for one execution, `rows` for everything else. They say it in other
 * words.
 *
 * @since 0.1.0
 * @category models
 */
export type Asker = "registry" | "execution" | "rows"

/**
 * The error of a query, `undefined` when the tenant has its schema.
 *
 * @since 0.1.0
 * @category utils
 */
export const fault = ({ tenants }: World, tenant: string, asker: Asker): Refusal | undefined => {
  const invalid = tenant === "public" ? undefined : tenants.invalid(tenant)
  if (invalid !== undefined) {
    return refuse(500, "internal_error", `tenant database error: Schema validation failed: ${invalid}`)
  }
  tenants.databases.add(tenant)
  const detail = tenants.fault(tenant)
  if (detail === undefined) return undefined
  return asker === "execution"
    ? refuse(404, "execution_not_found", `Database error: ${detail}`)
    : refuse(500, "internal_error", `${asker === "registry" ? "Database error: " : ""}Database error: ${detail}`)
}
