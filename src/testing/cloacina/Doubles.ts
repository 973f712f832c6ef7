/**
 * Doubles of the services: for programs of which only a few calls matter. A call of a method that is not given ends the
 * program with the defect `UnexpectedCall`, which names it.
 *
 * @since 0.1.0
 */
import type * as Context from "effect/Context"
import * as Layer from "effect/Layer"
import { Accounts } from "../../services/cloacina/Accounts.js"
import { AccumulatorSockets } from "../../services/cloacina/AccumulatorSockets.js"
import { Agents } from "../../services/cloacina/Agents.js"
import { Delivery } from "../../services/cloacina/Delivery.js"
import { Executions } from "../../services/cloacina/Executions.js"
import { Fleet } from "../../services/cloacina/Fleet.js"
import { Graphs } from "../../services/cloacina/Graphs.js"
import { Health } from "../../services/cloacina/Health.js"
import { Instances } from "../../services/cloacina/Instances.js"
import { Keys } from "../../services/cloacina/Keys.js"
import { Operations } from "../../services/cloacina/Operations.js"
import { OpsWatch } from "../../services/cloacina/OpsWatch.js"
import { ReactorSockets } from "../../services/cloacina/ReactorSockets.js"
import { Requests } from "../../services/cloacina/Requests.js"
import { Secrets } from "../../services/cloacina/Secrets.js"
import { Sessions } from "../../services/cloacina/Sessions.js"
import { Tenants } from "../../services/cloacina/Tenants.js"
import { Triggers } from "../../services/cloacina/Triggers.js"
import { Workflows } from "../../services/cloacina/Workflows.js"
import * as Double from "../core/Double.js"

/** The constructor of the doubles of a service, from what it does when nobody expects a call. */
const double = <I, S extends object>(tag: Context.Tag<I, S>, unexpected: S) => (methods: Partial<S>): Layer.Layer<I> =>
  Layer.succeed(tag, { ...unexpected, ...methods })

const effect = (method: string) => Double.effect(`cloacina.${method}`)
const stream = (method: string) => Double.stream(`cloacina.${method}`)

/**
 * A double of `Accounts`.
 *
 * @since 0.1.0
 * @category layers
 */
export const accounts = double(Accounts, {
  create: effect("Accounts.create"),
  list: effect("Accounts.list"),
  disable: effect("Accounts.disable"),
  resetPassword: effect("Accounts.resetPassword")
})

/**
 * A double of `AccumulatorSockets`.
 *
 * @since 0.1.0
 * @category layers
 */
export const accumulatorSockets = double(AccumulatorSockets, {
  ingest: effect("AccumulatorSockets.ingest")
})

/**
 * A double of `Agents`.
 *
 * @since 0.1.0
 * @category layers
 */
export const agents = double(Agents, {
  register: effect("Agents.register"),
  heartbeat: effect("Agents.heartbeat"),
  replenish: effect("Agents.replenish"),
  result: effect("Agents.result"),
  artifact: effect("Agents.artifact"),
  source: effect("Agents.source"),
  providers: effect("Agents.providers")
})

/**
 * A double of `Delivery`.
 *
 * @since 0.1.0
 * @category layers
 */
export const delivery = double(Delivery, {
  subscribe: stream("Delivery.subscribe"),
  subscribeAcked: stream("Delivery.subscribeAcked"),
  executionEvents: stream("Delivery.executionEvents"),
  hints: stream("Delivery.hints")
})

/**
 * A double of `Executions`.
 *
 * @since 0.1.0
 * @category layers
 */
export const executions = double(Executions, {
  execute: effect("Executions.execute"),
  list: effect("Executions.list"),
  get: effect("Executions.get"),
  events: effect("Executions.events"),
  tasks: effect("Executions.tasks"),
  await: effect("Executions.await"),
  awaitCompleted: effect("Executions.awaitCompleted"),
  executeAndAwait: effect("Executions.executeAndAwait"),
  iterate: stream("Executions.iterate"),
  follow: stream("Executions.follow"),
  executeAndFollow: stream("Executions.executeAndFollow")
})

/**
 * A double of `Fleet`.
 *
 * @since 0.1.0
 * @category layers
 */
export const fleet = double(Fleet, {
  agents: effect("Fleet.agents"),
  compilerStatus: effect("Fleet.compilerStatus"),
  limit: effect("Fleet.limit"),
  setLimit: effect("Fleet.setLimit"),
  removeLimit: effect("Fleet.removeLimit"),
  scale: effect("Fleet.scale"),
  provision: effect("Fleet.provision"),
  deprovision: effect("Fleet.deprovision")
})

/**
 * A double of `Graphs`.
 *
 * @since 0.1.0
 * @category layers
 */
export const graphs = double(Graphs, {
  list: effect("Graphs.list"),
  get: effect("Graphs.get"),
  accumulators: effect("Graphs.accumulators"),
  inject: effect("Graphs.inject"),
  accumulatorInterface: effect("Graphs.accumulatorInterface"),
  reactors: effect("Graphs.reactors"),
  forceFire: effect("Graphs.forceFire"),
  fireWith: effect("Graphs.fireWith"),
  fires: effect("Graphs.fires"),
  timeseries: effect("Graphs.timeseries"),
  reactorInterface: effect("Graphs.reactorInterface")
})

/**
 * A double of `Health`.
 *
 * @since 0.1.0
 * @category layers
 */
export const health = double(Health, {
  check: effect("Health.check"),
  ready: effect("Health.ready")
})

/**
 * A double of `Instances`.
 *
 * @since 0.1.0
 * @category layers
 */
export const instances = double(Instances, {
  create: effect("Instances.create"),
  list: effect("Instances.list"),
  get: effect("Instances.get"),
  remove: effect("Instances.remove"),
  iterate: stream("Instances.iterate")
})

/**
 * A double of `Keys`.
 *
 * @since 0.1.0
 * @category layers
 */
export const keys = double(Keys, {
  create: effect("Keys.create"),
  list: effect("Keys.list"),
  revoke: effect("Keys.revoke"),
  createPublic: effect("Keys.createPublic"),
  listAll: effect("Keys.listAll"),
  revokeAny: effect("Keys.revokeAny"),
  ticket: effect("Keys.ticket")
})

/**
 * A double of `Operations`.
 *
 * @since 0.1.0
 * @category layers
 */
export const operations = double(Operations, {
  metrics: effect("Operations.metrics"),
  openapi: effect("Operations.openapi"),
  version: effect("Operations.version")
})

/**
 * A double of `OpsWatch`.
 *
 * @since 0.1.0
 * @category layers
 */
export const opsWatch = double(OpsWatch, {
  watch: stream("OpsWatch.watch")
})

/**
 * A double of `ReactorSockets`.
 *
 * @since 0.1.0
 * @category layers
 */
export const reactorSockets = double(ReactorSockets, {
  connect: effect("ReactorSockets.connect")
})

/**
 * A double of `Requests`.
 *
 * @since 0.1.0
 * @category layers
 */
export const requests = double(Requests, {
  get: effect("Requests.get"),
  post: effect("Requests.post"),
  put: effect("Requests.put"),
  delete: effect("Requests.delete")
})

/**
 * A double of `Secrets`.
 *
 * @since 0.1.0
 * @category layers
 */
export const secrets = double(Secrets, {
  create: effect("Secrets.create"),
  list: effect("Secrets.list"),
  get: effect("Secrets.get"),
  rotate: effect("Secrets.rotate"),
  remove: effect("Secrets.remove")
})

/**
 * A double of `Sessions`.
 *
 * @since 0.1.0
 * @category layers
 */
export const sessions = double(Sessions, {
  login: effect("Sessions.login"),
  refresh: effect("Sessions.refresh"),
  logout: effect("Sessions.logout"),
  whoami: effect("Sessions.whoami"),
  session: effect("Sessions.session"),
  sessionOf: effect("Sessions.sessionOf")
})

/**
 * A double of `Tenants`.
 *
 * @since 0.1.0
 * @category layers
 */
export const tenants = double(Tenants, {
  create: effect("Tenants.create"),
  list: effect("Tenants.list"),
  remove: effect("Tenants.remove")
})

/**
 * A double of `Triggers`.
 *
 * @example
 * ```ts
 * import * as Cloacina from "effect-switchyard/cloacina"
 * import * as CloacinaTesting from "effect-switchyard/cloacina/testing"
 * import * as Effect from "effect/Effect"
 *
 * export const program = Effect.flatMap(Cloacina.Triggers, (triggers) => triggers.fire("ledger_closed")).pipe(
 *   Effect.provide(CloacinaTesting.triggers({
 *     fire: (trigger) => Effect.succeed({ tenant_id: "public", trigger, fired: 0, executions: [] })
 *   }))
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const triggers = double(Triggers, {
  list: effect("Triggers.list"),
  get: effect("Triggers.get"),
  pause: effect("Triggers.pause"),
  resume: effect("Triggers.resume"),
  fire: effect("Triggers.fire"),
  interface: effect("Triggers.interface"),
  iterate: stream("Triggers.iterate")
})

/**
 * A double of `Workflows`.
 *
 * @since 0.1.0
 * @category layers
 */
export const workflows = double(Workflows, {
  upload: effect("Workflows.upload"),
  list: effect("Workflows.list"),
  get: effect("Workflows.get"),
  source: effect("Workflows.source"),
  pause: effect("Workflows.pause"),
  resume: effect("Workflows.resume"),
  remove: effect("Workflows.remove"),
  build: effect("Workflows.build"),
  deploy: effect("Workflows.deploy"),
  deployPhases: stream("Workflows.deployPhases")
})
