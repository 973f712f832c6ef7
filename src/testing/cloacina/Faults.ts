/**
 * The faults of the Cloacina emulator, by the operations that they hit.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Layer from "effect/Layer"
import * as Accounts from "../../schemas/cloacina/api/Accounts.js"
import * as Agents from "../../schemas/cloacina/api/Agents.js"
import * as Executions from "../../schemas/cloacina/api/Executions.js"
import * as Fleet from "../../schemas/cloacina/api/Fleet.js"
import * as Graphs from "../../schemas/cloacina/api/Graphs.js"
import * as Health from "../../schemas/cloacina/api/Health.js"
import * as Instances from "../../schemas/cloacina/api/Instances.js"
import * as Keys from "../../schemas/cloacina/api/Keys.js"
import * as Operations from "../../schemas/cloacina/api/Operations.js"
import * as Secrets from "../../schemas/cloacina/api/Secrets.js"
import * as Sessions from "../../schemas/cloacina/api/Sessions.js"
import * as Sockets from "../../schemas/cloacina/api/Sockets.js"
import * as Tenants from "../../schemas/cloacina/api/Tenants.js"
import * as Triggers from "../../schemas/cloacina/api/Triggers.js"
import * as Workflows from "../../schemas/cloacina/api/Workflows.js"
import * as Fault from "../core/Fault.js"
import * as Core from "../core/Faults.js"

/** By the methods of the services that call them. */
const endpoints = {
  "Accounts.create": Accounts.create,
  "Accounts.list": Accounts.listAll,
  "Accounts.disable": Accounts.disable,
  "Accounts.resetPassword": Accounts.resetPassword,
  "Agents.register": Agents.register,
  "Agents.heartbeat": Agents.heartbeat,
  "Agents.replenish": Agents.replenish,
  "Agents.result": Agents.result,
  "Agents.artifact": Agents.artifact,
  "Agents.source": Agents.source,
  "Agents.providers": Agents.providers,
  "Executions.execute": Executions.execute,
  "Executions.list": Executions.listAll,
  "Executions.get": Executions.get,
  "Executions.events": Executions.events,
  "Executions.tasks": Executions.tasks,
  "Fleet.agents": Fleet.listAgents,
  "Fleet.compilerStatus": Fleet.compiler,
  "Fleet.limit": Fleet.getLimit,
  "Fleet.setLimit": Fleet.setLimit,
  "Fleet.removeLimit": Fleet.removeLimit,
  "Fleet.scale": Fleet.getFleet,
  "Fleet.provision": Fleet.provision,
  "Fleet.deprovision": Fleet.deprovision,
  "Graphs.list": Graphs.listGraphs,
  "Graphs.get": Graphs.getGraph,
  "Graphs.accumulators": Graphs.listAccumulators,
  "Graphs.inject": Graphs.inject,
  "Graphs.accumulatorInterface": Graphs.accumulatorSurface,
  "Graphs.reactors": Graphs.listReactors,
  "Graphs.fire": Graphs.fire,
  "Graphs.fires": Graphs.fires,
  "Graphs.timeseries": Graphs.timeseries,
  "Graphs.reactorInterface": Graphs.reactorSurface,
  "Health.check": Health.health,
  "Health.ready": Health.ready,
  "Instances.create": Instances.create,
  "Instances.list": Instances.listAll,
  "Instances.get": Instances.get,
  "Instances.remove": Instances.remove,
  "Keys.create": Keys.createInTenant,
  "Keys.list": Keys.listInTenant,
  "Keys.revoke": Keys.revokeInTenant,
  "Keys.createPublic": Keys.create,
  "Keys.listAll": Keys.listAll,
  "Keys.revokeAny": Keys.revoke,
  "Keys.ticket": Keys.ticket,
  "Operations.metrics": Operations.metrics,
  "Operations.openapi": Operations.openapi,
  "Secrets.create": Secrets.create,
  "Secrets.list": Secrets.listAll,
  "Secrets.get": Secrets.get,
  "Secrets.rotate": Secrets.rotate,
  "Secrets.remove": Secrets.remove,
  "Sessions.login": Sessions.login,
  "Sessions.refresh": Sessions.refresh,
  "Sessions.logout": Sessions.logout,
  "Sessions.whoami": Sessions.whoami,
  "Sockets.accumulator": Sockets.accumulator,
  "Sockets.delivery": Sockets.delivery,
  "Sockets.reactor": Sockets.reactor,
  "Tenants.create": Tenants.create,
  "Tenants.list": Tenants.listAll,
  "Tenants.remove": Tenants.remove,
  "Triggers.list": Triggers.listAll,
  "Triggers.get": Triggers.get,
  "Triggers.pause": Triggers.pause,
  "Triggers.resume": Triggers.resume,
  "Triggers.fire": Triggers.fire,
  "Triggers.interface": Triggers.surface,
  "Workflows.upload": Workflows.upload,
  "Workflows.list": Workflows.listAll,
  "Workflows.get": Workflows.get,
  "Workflows.source": Workflows.source,
  "Workflows.pause": Workflows.pause,
  "Workflows.resume": Workflows.resume,
  "Workflows.remove": Workflows.remove
}

/**
 * What a request may ask a Cloacina server for: service and method, as in `Executions.get`; `Graphs.fire` is both ways to
 * fire a reactor, and the sockets are under `Sockets`.
 *
 * @since 0.1.0
 * @category models
 */
export type Operation = keyof typeof endpoints

/**
 * What a request asks for.
 *
 * @since 0.1.0
 * @category utils
 */
export const operationOf = Core.operations(endpoints)

/**
 * A fault with the requests that it hits; see `Rule` of the core.
 *
 * @since 0.1.0
 * @category models
 */
export interface Rule extends Core.Rule<Operation> {}

/**
 * The control of an emulator's faults.
 *
 * @example
 * ```ts
 * import * as Cloacina from "effect-switchyard/cloacina"
 * import * as CloacinaTesting from "effect-switchyard/cloacina/testing"
 * import * as Effect from "effect/Effect"
 *
 * export const test = Effect.gen(function*() {
 *   const faults = yield* CloacinaTesting.Faults
 *   const workflows = yield* Cloacina.Workflows
 *   const broken = yield* faults.inject({
 *     on: "Workflows.list",
 *     fault: CloacinaTesting.refuse(503, "internal_error")
 *   })
 *   yield* workflows.list() // asked again a moment later
 *   return yield* broken.hits // 1
 * }).pipe(Effect.provide(CloacinaTesting.layer()))
 * ```
 *
 * @since 0.1.0
 * @category context
 */
export class Faults extends Context.Tag("effect-switchyard/cloacina/testing/Faults")<Faults, Core.Faults<Operation>>() {
  /**
   * The control, with the rules that are in force from the start.
   *
   * @since 0.1.0
   */
  static readonly layer = (rules: ReadonlyArray<Rule> = []): Layer.Layer<Faults> =>
    Layer.effect(Faults, Core.make(operationOf, rules))
}

/**
 * The server refuses, with its own envelope.
 *
 * @since 0.1.0
 * @category faults
 */
export const refuse = (
  status: number,
  code: string,
  message = "injected by a test",
  options: { readonly retryAfter?: number | string | undefined } = {}
): Fault.Fault =>
  Fault.status(status, {
    ...options,
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ error: message, code })
  })
