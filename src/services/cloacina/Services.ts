/**
 * All services of the plane together.
 *
 * @since 0.1.0
 */
import * as Layer from "effect/Layer"
import { Accounts } from "./Accounts.js"
import { AccumulatorSockets } from "./AccumulatorSockets.js"
import { Agents } from "./Agents.js"
import type { Client } from "./Client.js"
import { Delivery } from "./Delivery.js"
import { Executions } from "./Executions.js"
import { Fleet } from "./Fleet.js"
import { Graphs } from "./Graphs.js"
import { Health } from "./Health.js"
import { Instances } from "./Instances.js"
import { Keys } from "./Keys.js"
import { Operations } from "./Operations.js"
import { OpsWatch } from "./OpsWatch.js"
import { ReactorSockets } from "./ReactorSockets.js"
import { Requests } from "./Requests.js"
import { Secrets } from "./Secrets.js"
import { Sessions } from "./Sessions.js"
import { Tenants } from "./Tenants.js"
import { Triggers } from "./Triggers.js"
import { Workflows } from "./Workflows.js"

/**
 * Every service of the plane, beside its `Client`.
 *
 * @since 0.1.0
 * @category models
 */
export type Services =
  | Accounts
  | AccumulatorSockets
  | Agents
  | Delivery
  | Executions
  | Fleet
  | Graphs
  | Health
  | Instances
  | Keys
  | Operations
  | OpsWatch
  | ReactorSockets
  | Requests
  | Secrets
  | Sessions
  | Tenants
  | Triggers
  | Workflows

/**
 * Every service over the `Client` of the context. It is made anew wherever it is used: services of two clients in one
 * program do not get mixed up.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerServices: Layer.Layer<Services, never, Client> = Layer.fresh(Layer.mergeAll(
  Accounts.layer,
  AccumulatorSockets.layer,
  Agents.layer,
  Delivery.layer,
  Executions.layer,
  Fleet.layer,
  Graphs.layer,
  Health.layer,
  Instances.layer,
  Keys.layer,
  Operations.layer,
  OpsWatch.layer,
  ReactorSockets.layer,
  Requests.layer,
  Secrets.layer,
  Sessions.layer,
  Tenants.layer,
  Triggers.layer,
  Workflows.layer
))
