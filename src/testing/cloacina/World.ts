/**
 * What the stores of the emulator share: options, time and ids, who may call, and word of what happens.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { FrontRequest } from "../../server/core/Front.js"
import * as Clockwork from "./Clockwork.js"
import type { GraphScript } from "./GraphScript.js"
import type { Identity, Level, Refusal } from "./Handler.js"
import { check, InvalidEmulatorOptions, lineOf } from "./internal/Check.js"
import * as KeyStore from "./KeyStore.js"
import type { Options as OutboxOptions } from "./Outbox.js"
import type { Workflow } from "./Script.js"
import * as TenantStore from "./TenantStore.js"

/**
 * A key that is there from the start. `key` is made up by default; without a `tenant` it belongs to `public`.
 *
 * @since 0.1.0
 * @category models
 */
export interface SeedKey {
  readonly name: string
  readonly role: Level
  readonly tenant?: string | undefined
  readonly key?: Redacted.Redacted | undefined
}

/**
 * A local account that is there from the start. `role` is free text, as on the wire. Without a `tenant` the account is
 * global: no endpoint can create such a one.
 *
 * @since 0.1.0
 * @category models
 */
export interface SeedAccount {
  readonly username: string
  readonly password: Redacted.Redacted
  readonly role: string
  readonly tenant?: string | undefined
}

/**
 * A secret that is there from the start.
 *
 * @since 0.1.0
 * @category models
 */
export interface SeedSecret {
  readonly tenant: string
  readonly name: string
  readonly fields: Readonly<Record<string, Redacted.Redacted>>
}

/**
 * An execution from the start, with the values of its context.
 *
 * @since 0.1.0
 * @category models
 */
export interface SeedExecution {
  readonly tenant: string
  readonly workflow: string
  readonly context?: Readonly<Record<string, unknown>> | undefined
}

/**
 * Browsers of which origins may call (contract 2.7).
 *
 * - `origins`: exact, or `*` for all
 * - `methods`: default `GET`, `POST`, `DELETE`, `OPTIONS`; rotating secrets needs `PUT`
 * - `headers`: default `authorization`, `content-type`
 *
 * @since 0.1.0
 * @category models
 */
export interface CorsOptions {
  readonly origins: ReadonlyArray<string>
  readonly methods?: ReadonlyArray<string> | undefined
  readonly headers?: ReadonlyArray<string> | undefined
}

/**
 * When failed logins lock (contract 4.3).
 *
 * - `user`: more failures of one user than this lock; default 5, 0 for never
 * - `address`: the same for one address; default 50
 * - `baseLock`: how long the first lock of a user lasts, doubling with every further failure; default 30 s
 * - `maxLock`: the longest lock, and that of addresses; default 900 s
 * - `trustProxyHeaders`: take the address from `X-Forwarded-For`; default `false`: all calls come from one address
 *
 * @since 0.1.0
 * @category models
 */
export interface ThrottleOptions {
  readonly user?: number | undefined
  readonly address?: number | undefined
  readonly baseLock?: Duration.DurationInput | undefined
  readonly maxLock?: Duration.DurationInput | undefined
  readonly trustProxyHeaders?: boolean | undefined
}

/**
 * What the identity provider says about who comes with a code: the subject, and the tenants and roles that the server's
 * rules give it. No memberships: the rules match nobody. `tenant` `""` is a membership without one.
 *
 * @since 0.1.0
 * @category models
 */
export interface OidcIdentity {
  readonly subject: string
  readonly memberships: ReadonlyArray<{ readonly tenant: string; readonly role: string }>
}

/**
 * Login with an identity provider, which the emulator plays (contract 4.3).
 *
 * - `codes`: who comes with a code, `"refused"` for codes whose exchange fails
 * - `issuer`: default `https://login.example.com`
 * - `clientId`: default `flows`
 * - `redirectUri`: default `https://flows.example.com/v1/auth/callback`
 * - `scopes`: default `openid email profile groups`
 * - `successRedirect`: where a login ends, with the keys in the fragment; default: they are answered as JSON
 * - `sessionMaxAge`: how long a login can be refreshed; default 8 hours
 *
 * @since 0.1.0
 * @category models
 */
export interface OidcOptions {
  readonly codes: Readonly<Record<string, OidcIdentity | "refused">>
  readonly issuer?: string | undefined
  readonly clientId?: string | undefined
  readonly redirectUri?: string | undefined
  readonly scopes?: string | undefined
  readonly successRedirect?: string | undefined
  readonly sessionMaxAge?: Duration.DurationInput | undefined
}

/**
 * What an emulator is and has from the start. Options that cannot be – a name twice, tasks that are no graph, a cron
 * expression that nobody understands, a tenant that neither `tenants` nor a workflow names – are a defect as it starts,
 * which says where and why.
 *
 * - `key`: the god key; made up by default
 * - `tenants`: in addition to `public` and to those that workflows name, in lower case
 * - `storedSecrets`: secrets that are there from the start
 * - `secrets`: whether the server has a key-encryption key; default `true`; without one all secret routes answer 503
 * - `requireSignatures`: uploads are refused (403), since nothing is signed; default `false`
 * - `defaultMaxAgents`: agents a tenant may have, default 4
 * - `initialAgents`: agents a new tenant wants, default 1
 * - `workflows`: what workflows do wherever they are uploaded; those with a `tenant` are there from the start
 * - `executions`: workflows that are there from the start and executed at once; what is refused is a defect
 * - `buildTime`: how long the build of an uploaded package takes once a compiler has it, default 100 ms
 * - `mode`: `faithful` (default) keeps the server's silence on `exec_events` (contract 9.1); `documented` pushes them
 * - `delivery`: how the outbox works, the server's way by default
 * - `graphs`: computation graphs, from the start or with their packages
 * - `tenantDeletion`: `faithful` (default) leaves schema and role behind (contract 9.2); `documented` removes them
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  readonly key?: Redacted.Redacted | undefined
  readonly tenants?: ReadonlyArray<string> | undefined
  readonly keys?: ReadonlyArray<SeedKey> | undefined
  readonly accounts?: ReadonlyArray<SeedAccount> | undefined
  readonly cors?: CorsOptions | undefined
  readonly storedSecrets?: ReadonlyArray<SeedSecret> | undefined
  readonly secrets?: boolean | undefined
  readonly oidc?: OidcOptions | undefined
  readonly throttle?: ThrottleOptions | undefined
  readonly requireSignatures?: boolean | undefined
  readonly defaultMaxAgents?: number | undefined
  readonly initialAgents?: number | undefined
  readonly workflows?: ReadonlyArray<Workflow> | undefined
  readonly executions?: ReadonlyArray<SeedExecution> | undefined
  readonly buildTime?: Duration.DurationInput | undefined
  readonly mode?: "faithful" | "documented" | undefined
  readonly delivery?: OutboxOptions | undefined
  readonly graphs?: ReadonlyArray<GraphScript> | undefined
  readonly tenantDeletion?: "faithful" | "documented" | undefined
}

/**
 * A registered agent. `lastHeartbeat` is in ms since 1970.
 *
 * @since 0.1.0
 * @category models
 */
export interface Agent {
  readonly agentId: string
  readonly tenant: string | undefined
  readonly targetTriple: string
  readonly maxConcurrency: number
  readonly inFlight: number
  readonly availableCapacity: number
  readonly capabilities: ReadonlyArray<string>
  readonly lastHeartbeat: number
}

/**
 * A secret with its values, times as on the wire.
 *
 * @since 0.1.0
 * @category models
 */
export interface Secret {
  readonly id: string
  readonly name: string
  readonly fields: Readonly<Record<string, string>>
  readonly createdAt: string
  readonly updatedAt: string
}

/**
 * What operations metrics say of the packages of one tenant, times as on the wire.
 *
 * @since 0.1.0
 * @category models
 */
export interface PackageStats {
  readonly pending: number
  readonly building: number
  readonly lastSuccessAt: string | undefined
  readonly lastFailureAt: string | undefined
  readonly built: number
  readonly failed: number
}

/**
 * The packages of one tenant, for who does not run them. `archives` are those that are built, as they were uploaded.
 */
interface PackagesView {
  readonly stats: () => PackageStats
  readonly archives: () => ReadonlyArray<Uint8Array>
}

/**
 * An entry of the log of an execution, as the events endpoint answers it.
 *
 * @since 0.1.0
 * @category models
 */
export interface ExecutionEvent {
  readonly tenant: string
  readonly executionId: string
  /** Of the task that the event is about. */
  readonly taskExecutionId?: string | undefined
  readonly event: {
    readonly id: string
    readonly event_type: string
    readonly event_data: string | null
    readonly task_name: string | null
    readonly created_at: string
    readonly sequence_num: number
  }
}

/**
 * A package whose code a tenant's loader has taken in, or dropped.
 *
 * @since 0.1.0
 * @category models
 */
export interface PackageEvent {
  readonly tenant: string
  readonly packageId: string
  readonly packageName: string
  readonly version: string
}

/**
 * Called, in order, when something happens.
 *
 * @since 0.1.0
 * @category models
 */
export type Hook<A> = Array<(value: A) => Effect.Effect<void>>

/**
 * Word of what happens in one store for the others.
 *
 * `onTenantRemoved` says that schema and data are gone, which the real server fails to do; what it does is said by
 * `onRunnerEvicted`: nothing of the tenant runs or is loaded any more, until it is used again.
 */
interface Hooks {
  readonly onExecutionEvent: Hook<ExecutionEvent>
  readonly onPackageLoaded: Hook<PackageEvent>
  readonly onPackageUnloaded: Hook<PackageEvent>
  readonly onTenantCreated: Hook<string>
  readonly onTenantRemoved: Hook<string>
  readonly onRunnerEvicted: Hook<string>
}

/**
 * @since 0.1.0
 * @category models
 */
export interface World {
  readonly options: Options
  readonly uuid: Effect.Effect<string>
  /** ms since 1970. */
  readonly now: Effect.Effect<number>
  /** A time that no other row has, with six fractional digits. */
  readonly timestamp: Effect.Effect<string>
  readonly godKey: Redacted.Redacted
  readonly keys: KeyStore.KeyStore
  readonly tenants: TenantStore.TenantStore
  readonly access: {
    /** Who sends the request; 401 otherwise. `anyCase` also takes `bearer` in lower case. */
    readonly authenticate: (
      request: FrontRequest,
      options?: { readonly anyCase?: boolean | undefined }
    ) => Effect.Effect<Identity, Refusal>
    /** Takes a ticket; 401 for one that was never issued, has been taken, or is too old. */
    readonly redeemTicket: (ticket: string) => Effect.Effect<Identity, Refusal>
    readonly tenantExists: (name: string) => boolean
  }
  /** By tenant, then by name. */
  readonly secrets: Map<string, Map<string, Secret>>
  /** By id. */
  readonly agents: Map<string, Agent>
  /** By tenant; none where nothing was ever uploaded. */
  readonly packages: Map<string, PackagesView>
  /** Why the server is not ready; `undefined` while it is. */
  readonly health: { notReady: string | undefined }
  /** How many tasks and workflows run, and how many tasks have been claimed, for `/metrics`. */
  readonly active: { tasks: number; workflows: number; claimed: number }
  readonly hooks: Hooks
}

/**
 * Runs what has been hooked to a happening.
 *
 * @since 0.1.0
 * @category utils
 */
export const tell = <A>(hook: Hook<A>, value: A): Effect.Effect<void> =>
  Effect.forEach(hook, (told) => told(value), { discard: true })

/**
 * A world with the tenants and keys of the options. Options that cannot be are a defect that says where and why.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: Options): Effect.Effect<World> =>
  Effect.gen(function*() {
    const faults = check(options).map(lineOf)
    if (faults.length > 0) return yield* Effect.die(new InvalidEmulatorOptions({ faults }))
    const timestamp = yield* Clockwork.makeTimestamps
    const keys = yield* KeyStore.make(timestamp)
    const tenants = yield* TenantStore.make(options.tenants ?? [])
    const god = yield* keys.issue({
      name: "bootstrap-admin",
      role: "admin",
      tenant: undefined,
      isGod: true,
      plaintext: options.key === undefined ? undefined : Redacted.value(options.key)
    })
    for (const { key, name, role, tenant = "public" } of options.keys ?? []) {
      yield* keys.issue({ name, role, tenant, plaintext: key === undefined ? undefined : Redacted.value(key) })
    }
    const secrets = new Map<string, Map<string, Secret>>()
    for (const { fields, name, tenant } of options.storedSecrets ?? []) {
      const createdAt = yield* timestamp
      const values = Object.fromEntries(Object.entries(fields).map(([field, value]) => [field, Redacted.value(value)]))
      const ofTenant = secrets.get(tenant) ?? new Map<string, Secret>()
      secrets.set(tenant, ofTenant)
      ofTenant.set(name, { id: yield* Clockwork.uuid, name, fields: values, createdAt, updatedAt: createdAt })
    }
    return {
      options,
      uuid: Clockwork.uuid,
      now: Clock.currentTimeMillis,
      timestamp,
      godKey: Redacted.make(god.plaintext),
      keys,
      tenants,
      access: { authenticate: keys.authenticate, redeemTicket: keys.redeemTicket, tenantExists: tenants.exists },
      secrets,
      agents: new Map(),
      packages: new Map(),
      health: { notReady: undefined },
      active: { tasks: 0, workflows: 0, claimed: 0 },
      hooks: {
        onExecutionEvent: [],
        onPackageLoaded: [],
        onPackageUnloaded: [],
        onTenantCreated: [],
        onTenantRemoved: [],
        onRunnerEvicted: []
      }
    }
  })
