/**
 * The sockets of the emulator, what feeds them, and the routes of graphs and agents (contract 4.11, 4.13, 4.14, 6).
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as AccumulatorSocket from "./AccumulatorSocket.js"
import * as Agents from "./Agents.js"
import * as DeliverySocket from "./DeliverySocket.js"
import * as ExecutionPushes from "./ExecutionPushes.js"
import * as GraphRoutes from "./GraphRoutes.js"
import type { GraphScript } from "./GraphScript.js"
import type { Accumulator, AccumulatorState } from "./GraphStore.js"
import * as GraphStore from "./GraphStore.js"
import type { Handler } from "./Handler.js"
import * as OpsMetrics from "./OpsMetrics.js"
import type { Counts, NewRow, RowStatus } from "./Outbox.js"
import * as Outbox from "./Outbox.js"
import * as ReactorSocket from "./ReactorSocket.js"
import type { World } from "./World.js"

/**
 * The outbox of an emulator and the connections that it feeds. On the real server tests write such rows with SQL, since
 * executions push nothing.
 *
 * @since 0.1.0
 * @category context
 */
export class Deliveries extends Context.Tag("effect-switchyard/cloacina/testing/Deliveries")<
  Deliveries,
  Deliveries.Service
>() {}

/**
 * @since 0.1.0
 */
export declare namespace Deliveries {
  /**
   * @since 0.1.0
   * @category models
   */
  export interface Service {
    /** Inserts a row, which is pushed at once if its recipient listens. Gives its id. */
    readonly insert: (row: NewRow) => Effect.Effect<number>
    /** Inserts rows at once. Gives their ids. */
    readonly insertAll: (rows: Iterable<NewRow>) => Effect.Effect<ReadonlyArray<number>>
    /** A row that is open, or was acknowledged lately: the last 1,000 are kept. */
    readonly row: (id: number) => Effect.Effect<Option.Option<RowStatus>>
    /** All rows that are open, and those acknowledged lately, by id. */
    readonly rows: Effect.Effect<ReadonlyArray<RowStatus>>
    readonly counts: Effect.Effect<Counts>
    /** How many delivery connections are open, of this recipient or of all. */
    readonly connections: (recipient?: string) => Effect.Effect<number>
    /** Breaks off the delivery connections of this recipient, or all, without a close frame; says how many. */
    readonly drop: (recipient?: string) => Effect.Effect<number>
  }
}

/**
 * What a test does to the computation graphs of an emulator. Names mean the first that has them, in any tenant.
 *
 * @since 0.1.0
 * @category context
 */
export class GraphControl extends Context.Tag("effect-switchyard/cloacina/testing/GraphControl")<
  GraphControl,
  GraphControl.Service
>() {}

/**
 * @since 0.1.0
 */
export declare namespace GraphControl {
  /**
   * @since 0.1.0
   * @category models
   */
  export interface Service {
    /** Adds a graph: at once, or when its package is loaded next. */
    readonly add: (script: GraphScript) => Effect.Effect<void>
    /** Unloads the graphs of this name, with their reactors and accumulators. */
    readonly remove: (graph: string) => Effect.Effect<void>
    /** Lets an accumulator take nothing: 64 events wait, and more are refused as undeliverable. */
    readonly hold: (accumulator: string) => Effect.Effect<void>
    /** Ends `hold`. */
    readonly release: (accumulator: string) => Effect.Effect<void>
    /** Says how an accumulator is; the health of its reactor follows. */
    readonly setState: (accumulator: string, state: AccumulatorState) => Effect.Effect<void>
    /** Lets a graph be crashed, which operations metrics show. */
    readonly crash: (graph: string) => Effect.Effect<void>
  }
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Sockets {
  readonly handlers: ReadonlyArray<Handler>
  readonly deliveries: Deliveries.Service
  readonly graphs: GraphControl.Service
}

const hookGraphs = (world: World, store: GraphStore.GraphStore, scripts: ReadonlyArray<GraphScript>): void => {
  world.hooks.onPackageLoaded.push(({ packageName, tenant }) =>
    Effect.sync(() => {
      for (const script of scripts) {
        if (script.package !== packageName || (script.tenant ?? tenant) !== tenant) continue
        store.start(script, script.tenant === null ? undefined : tenant, packageName)
      }
    })
  )
  world.hooks.onPackageUnloaded.push(({ packageName, tenant }) =>
    Effect.sync(() => store.stop((graph) => graph.package === packageName && (graph.tenant ?? tenant) === tenant))
  )
  world.hooks.onRunnerEvicted.push((tenant) => Effect.sync(() => store.stop((graph) => graph.tenant === tenant)))
}

/**
 * The sockets of a world.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (world: World): Effect.Effect<Sockets, never, Scope.Scope> =>
  Effect.gen(function*() {
    const outbox = yield* Outbox.make(world.options.delivery)
    const store = yield* GraphStore.make
    const ops = yield* OpsMetrics.make(world, outbox, store)
    const pushes = ExecutionPushes.make(world, outbox)
    const delivery = DeliverySocket.make(world, outbox, {
      onListen: (recipient, tenant) =>
        recipient === OpsMetrics.recipient ? ops.listen(tenant) : pushes.listen(recipient, tenant)
    })

    const scripts: Array<GraphScript> = []
    const add = (script: GraphScript): void => {
      scripts.push(script)
      if (script.package !== undefined) return
      store.start(script, script.tenant === null ? undefined : script.tenant ?? "public", undefined)
    }
    for (const script of world.options.graphs ?? []) add(script)
    hookGraphs(world, store, scripts)

    const withAccumulator = (name: string, act: (accumulator: Accumulator) => Effect.Effect<void>) =>
      Effect.suspend(() => {
        const found = store.accumulators().find(({ script }) => script.name === name)
        return found === undefined ? Effect.void : act(found)
      })

    return {
      handlers: [
        delivery.handler,
        AccumulatorSocket.make(world, store),
        ReactorSocket.make(world, store),
        ...GraphRoutes.make(store, world.now),
        ...Agents.make(world)
      ],
      deliveries: {
        insert: (row) => Effect.map(outbox.insert([row]), ([id = 0]) => id),
        insertAll: outbox.insert,
        row: (id) => Effect.sync(() => Option.fromNullable(outbox.row(id))),
        rows: Effect.sync(outbox.rows),
        counts: Effect.sync(outbox.counts),
        connections: (recipient) => Effect.sync(() => delivery.connections(recipient)),
        drop: delivery.drop
      },
      graphs: {
        add: (script) => Effect.sync(() => add(script)),
        remove: (name) => Effect.sync(() => store.stop(({ script }) => script.name === name)),
        hold: (name) => withAccumulator(name, (accumulator) => store.hold(accumulator, true)),
        release: (name) => withAccumulator(name, (accumulator) => store.hold(accumulator, false)),
        setState: (name, state) =>
          withAccumulator(name, (accumulator) => Effect.sync(() => store.setState(accumulator, state))),
        crash: (name) =>
          Effect.sync(() => {
            for (const graph of store.graphs()) if (graph.script.name === name) graph.isCrashed = true
          })
      }
    }
  })
