/**
 * The tenants of the emulator: schemas and roles of a database, as far as the wire shows them (contract 3.6, 4.5, 9.2,
 * 9.3).
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"

/**
 * The store. `public` is always there and never listed.
 *
 * @since 0.1.0
 * @category models
 */
export interface TenantStore {
  /** By name. */
  readonly names: () => ReadonlyArray<string>
  /** Whether the name, spelled like this, has a schema. */
  readonly exists: (name: string) => boolean
  /** Adds schema and role, in lower case as the database folds them; a text when that cannot be. */
  readonly create: (name: string) => string | undefined
  /** Removes schema and role. */
  readonly drop: (name: string) => void
  /** What is wrong with a name, in the words of the server. */
  readonly invalid: (name: string) => string | undefined
  /** Why a query in the schema would fail, in the words of the server. */
  readonly fault: (name: string) => string | undefined
  /** Tenants whose database connections the server has opened since they were last dropped. */
  readonly databases: Set<string>
  /** Tenants whose runner lives. */
  readonly runners: Set<string>
}

const reserved = new Set([
  "public",
  "pg_catalog",
  "information_schema",
  "pg_temp",
  "postgres",
  "pg_monitor",
  "pg_read_all_settings",
  "pg_read_all_stats",
  "pg_stat_scan_tables",
  "pg_signal_backend",
  "pg_read_server_files",
  "pg_write_server_files",
  "pg_execute_server_program"
])

const invalid = (name: string): string | undefined => {
  if (name === "" || name.length > 63) return `Schema name length invalid: '${name}' (must be 1-63 characters)`
  if (!/^[A-Za-z_]/.test(name)) return `Schema name must start with a letter or underscore: '${name}'`
  if (!/^\w+$/.test(name)) {
    return `Schema name contains invalid characters (only alphanumeric and underscore allowed): '${name}'`
  }
  return reserved.has(name.toLowerCase()) ? `Schema name is reserved: '${name}'` : undefined
}

/**
 * Why there can be no tenant of this name from the start; one in upper case would be there under another name.
 *
 * @internal
 */
export const faultOf = (name: string): string | undefined => {
  const folded = name.toLowerCase()
  return invalid(name) ??
    (folded.startsWith("pg_") ? `unacceptable schema name "${folded}"` : undefined) ??
    (folded === name ? undefined : `'${name}' has upper case, which the database folds: '${folded}'`)
}

/**
 * A store with these tenants.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (names: ReadonlyArray<string>): Effect.Effect<TenantStore> =>
  Effect.sync(() => {
    const schemas = new Set(names.map((name) => name.toLowerCase()).filter((name) => name !== "public"))
    const exists = (name: string) => name === "public" || schemas.has(name)
    return {
      names: () => [...schemas].sort(),
      exists,
      create: (name) => {
        const folded = name.toLowerCase()
        if (schemas.has(folded)) return `Failed to create user '${name}': role "${folded}" already exists`
        if (folded.startsWith("pg_")) {
          return `Failed to create schema '${name}': unacceptable schema name "${folded}"`
        }
        schemas.add(folded)
        return undefined
      },
      drop: (name) => void schemas.delete(name.toLowerCase()),
      invalid,
      fault: (name) => {
        if (exists(name)) return undefined
        const found = schemas.has(name.toLowerCase()) ? name.toLowerCase() : "public"
        return "Error occurred while creating a new object: Failed to ping database: " +
          `search_path setup failed for tenant '${name}': search_path mismatch: ` +
          `expected '${name}', got Some("${found}") (CLOACI-T-0582)`
      },
      databases: new Set(),
      runners: new Set()
    }
  })
