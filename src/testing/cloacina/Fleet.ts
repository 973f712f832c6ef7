/**
 * Agents, limits, scale and builds as REST shows them (contract 4.12).
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Api from "../../schemas/cloacina/api/Fleet.js"
import { livenessMs } from "./Agents.js"
import * as Body from "./Body.js"
import { type Access, answer, answerList, type Handler, handler, refuse, tenantAdmin } from "./Handler.js"
import type { Agent, PackageStats, World } from "./World.js"

const SetLimit = Body.object<{ readonly max_agents: number }>("SetAgentLimitRequest", {
  max_agents: Body.integer("u32")
})

const tenantRead: Access = { _tag: "tenant", level: "read", database: false }

/**
 * Whether an agent has reported recently enough.
 *
 * @since 0.1.0
 * @category utils
 */
export const isAlive = ({ lastHeartbeat }: Agent, now: number): boolean => now - lastHeartbeat <= livenessMs

/**
 * An agent as the wire has it.
 *
 * @since 0.1.0
 * @category utils
 */
export const agentInfo = (agent: Agent, now: number) => ({
  agent_id: agent.agentId,
  target_triple: agent.targetTriple,
  max_concurrency: agent.maxConcurrency,
  in_flight: agent.inFlight,
  available_capacity: agent.availableCapacity,
  seconds_since_heartbeat: Math.floor((now - agent.lastHeartbeat) / 1000),
  capabilities: agent.capabilities,
  tenant_id: agent.tenant ?? null
})

/**
 * The builds of a tenant as the wire has them.
 *
 * @since 0.1.0
 * @category utils
 */
export const compilerStatus = (
  { building, lastFailureAt, lastSuccessAt, pending }: PackageStats
) => ({
  status: building > 0 ? "building" : pending > 0 ? "backlogged" : "idle",
  pending,
  building,
  seconds_since_heartbeat: null,
  last_success_at: lastSuccessAt ?? null,
  last_failure_at: lastFailureAt ?? null
})

const noPackages: PackageStats = {
  pending: 0,
  building: 0,
  lastSuccessAt: undefined,
  lastFailureAt: undefined,
  built: 0,
  failed: 0
}

/**
 * What is known of the packages of a tenant.
 *
 * @since 0.1.0
 * @category utils
 */
export const packageStats = ({ packages }: World, tenant: string): PackageStats =>
  packages.get(tenant)?.stats() ?? noPackages

/**
 * @since 0.1.0
 * @category constructors
 */
export const make = (world: World): ReadonlyArray<Handler> => {
  const { agents, hooks, now, options, tenants } = world
  const defaultLimit = options.defaultMaxAgents ?? 4
  const initial = Math.min(options.initialAgents ?? 1, defaultLimit)
  const overrides = new Map<string, number>()
  const desired = new Map(tenants.names().map((name) => [name, initial]))
  hooks.onTenantCreated.push((tenant) => Effect.sync(() => void desired.set(tenant, initial)))

  const alive = (time: number, isVisible: (tenant: string | undefined) => boolean) =>
    [...agents.values()].filter((agent) => isAlive(agent, time) && isVisible(agent.tenant))

  const limitOf = (tenant: string) => overrides.get(tenant) ?? defaultLimit

  const answerLimit = (tenant: string) =>
    answer({
      tenant_id: tenant,
      default_max_agents: defaultLimit,
      tenant_override: overrides.get(tenant) ?? null,
      effective_limit: limitOf(tenant)
    })

  const answerScale = (tenant: string) =>
    Effect.map(now, (time) =>
      answer({
        tenant_id: tenant,
        desired_count: desired.get(tenant) ?? 0,
        actual_count: alive(time, (its) => its === tenant).length,
        effective_limit: limitOf(tenant),
        default_max_agents: defaultLimit
      }))

  return [
    handler(Api.listAgents, { _tag: "any", level: "admin" }, ({ identity }) =>
      Effect.map(now, (time) =>
        answerList(
          alive(time, (its) => identity.isGod || its === identity.tenant).map((agent) => agentInfo(agent, time))
        ))),
    handler(
      Api.compiler,
      { _tag: "platform" },
      () => Effect.sync(() => answer(compilerStatus(packageStats(world, "public"))))
    ),
    handler(Api.getLimit, tenantRead, ({ tenant }) => Effect.sync(() => answerLimit(tenant))),
    handler(Api.setLimit, { _tag: "platform" }, (call) =>
      Effect.map(Body.read(call, SetLimit), ({ max_agents }) => {
        overrides.set(call.param("tenant_id"), max_agents)
        return answerLimit(call.param("tenant_id"))
      })),
    handler(Api.removeLimit, { _tag: "platform" }, ({ param }) =>
      Effect.sync(() => {
        overrides.delete(param("tenant_id"))
        return answerLimit(param("tenant_id"))
      })),
    handler(Api.getFleet, tenantRead, ({ tenant }) => answerScale(tenant)),
    handler(Api.provision, tenantAdmin, ({ tenant }) =>
      Effect.suspend(() => {
        const count = desired.get(tenant) ?? 0
        if (count >= limitOf(tenant)) {
          return refuse(409, "at_capacity", "desired agent count is at the effective limit")
        }
        desired.set(tenant, count + 1)
        return answerScale(tenant)
      })),
    handler(Api.deprovision, tenantAdmin, ({ tenant }) =>
      Effect.suspend(() => {
        desired.set(tenant, Math.max(0, (desired.get(tenant) ?? 0) - 1))
        return answerScale(tenant)
      }))
  ]
}
