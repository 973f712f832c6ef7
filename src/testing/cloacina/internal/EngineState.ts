/** What the routes of the engine share: the tenants, as of now. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type * as Scope from "effect/Scope"
import type { FrontResponse } from "../../../server/core/Front.js"
import * as Body from "../Body.js"
import { type Call, type Refusal, refuse, type Rejection } from "../Handler.js"
import type { Options, World } from "../World.js"
import * as Machine from "./Machine.js"
import * as Tenant from "./Tenant.js"

export interface EngineState {
  readonly options: Options
  readonly machine: Machine.Machine
  /** Answers a call from the state of its tenant. */
  readonly withTenant: <E>(
    call: Call,
    body: (tenant: Tenant.Tenant) => Either.Either<FrontResponse, E>
  ) => Effect.Effect<FrontResponse, E>
  readonly tenantOf: (name: string) => Tenant.Tenant
}

export const make = (world: World): Effect.Effect<EngineState, never, Scope.Scope> =>
  Effect.gen(function*() {
    const machine = yield* Machine.make
    const tenants = new Map<string, Tenant.Tenant>()
    const tenantOf = (name: string): Tenant.Tenant => {
      const found = tenants.get(name) ?? Tenant.make(machine, world, name)
      tenants.set(name, found)
      return found
    }
    const mentioned = (world.options.workflows ?? []).flatMap(({ tenant = [] }) => tenant)
    for (const name of new Set(["public", ...mentioned])) {
      if (name !== "public" && !world.tenants.exists(name)) world.tenants.create(name)
      tenantOf(name)
    }
    const within = (name: string, body: (tenant: Tenant.Tenant) => void) =>
      Effect.suspend(() => {
        const tenant = tenants.get(name)
        return tenant === undefined ? Effect.void : machine.run(() => body(tenant))
      })
    world.hooks.onRunnerEvicted.push((name) => within(name, (tenant) => tenant.evict()))
    world.hooks.onTenantRemoved.push((name) =>
      within(name, (tenant) => {
        tenant.stop()
        tenants.delete(name)
      })
    )
    // Word of what was loaded from the start.
    yield* machine.run(() => undefined)
    return {
      options: world.options,
      machine,
      tenantOf,
      withTenant: (call, body) => Effect.flatten(machine.run(() => body(tenantOf(call.tenant))))
    }
  })

/** Which part of a list is asked for (contract 2.5). */
export interface Page {
  readonly limit: number
  readonly offset: number
}

/** The page that a query asks for; 400 for what is no number, or out of range. */
export const pageOf = (call: Call): Either.Either<Page, Refusal | Rejection> =>
  Either.gen(function*() {
    const limit = (yield* Body.queryInteger(call, "limit", "i64")) ?? 100
    const offset = (yield* Body.queryInteger(call, "offset", "i64")) ?? 0
    if (limit < 1 || limit > 1000) {
      return yield* Either.left(refuse(400, "invalid_pagination", "limit must be 1..=1000"))
    }
    if (offset < 0) return yield* Either.left(refuse(400, "invalid_pagination", "offset must be >= 0"))
    return { limit, offset }
  })
