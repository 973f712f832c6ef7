/**
 * The computation graphs that are loaded: what their accumulators and reactors hold, when they fire, and who sees them
 * (contract 4.11, 6.5, 6.6). State of one server process.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as GraphScript from "./GraphScript.js"
import { GraphFailure } from "./GraphScript.js"
import type { Identity } from "./Handler.js"
import { describe, normalise, toBytes, unwrap, wrap } from "./internal/Boundary.js"

/** A fire, as on the wire but for its time, in ms since 1970. */
interface Fire {
  readonly firedAt: number
  readonly ok: boolean
  readonly error: string | null
  readonly durationMs: number
  readonly inputs: GraphScript.Inputs
  readonly outputs: ReadonlyArray<unknown>
  readonly manual: boolean
}

/**
 * What an accumulator says about its source.
 *
 * @since 0.1.0
 * @category models
 */
export type AccumulatorState = "starting" | "connecting" | "live" | "disconnected" | "socket_only"

/** How a reactor is, as on the wire. */
type Health =
  | { readonly state: "warming"; readonly healthy: ReadonlyArray<string>; readonly waiting: ReadonlyArray<string> }
  | { readonly state: "live" }
  | { readonly state: "degraded"; readonly disconnected: ReadonlyArray<string> }

/**
 * An accumulator that is there. Times are in ms since 1970.
 *
 * @since 0.1.0
 * @category models
 */
export interface Accumulator {
  readonly script: GraphScript.Accumulator
  readonly tenant: string | undefined
  readonly reactor: Reactor
  /** JSON texts. */
  readonly window: Array<string>
  /** What it has not taken yet, while it is held. */
  readonly queue: Array<Uint8Array>
  state: AccumulatorState
  isHeld: boolean
  events: number
  lastEventAt: number | undefined
  injects: number
  lastInjectAt: number | undefined
}

/**
 * A reactor that is there.
 *
 * @since 0.1.0
 * @category models
 */
export interface Reactor {
  readonly name: string
  readonly tenant: string | undefined
  readonly graphs: Array<Graph>
  readonly accumulators: ReadonlyArray<Accumulator>
  /** What it holds: frames, by source. */
  cache: Map<string, Uint8Array>
  readonly dirty: Map<string, boolean>
  /** Frames that come one by one with the strategy `sequential`. */
  readonly queue: Array<readonly [source: string, frame: Uint8Array]>
  /** Why to look whether to fire. */
  readonly signals: Array<"boundary" | "manual">
  readonly recent: Array<Fire>
  /** Fires by minute since 1970. */
  readonly minutes: Map<number, number>
  isRunning: boolean
  isPaused: boolean
  health: Health
  fires: number
  lastFiredAt: number | undefined
}

/**
 * A graph that is there.
 *
 * @since 0.1.0
 * @category models
 */
export interface Graph {
  readonly script: GraphScript.GraphScript
  readonly tenant: string | undefined
  readonly package: string | undefined
  readonly reactor: Reactor
  isCrashed: boolean
}

/**
 * @since 0.1.0
 * @category models
 */
export interface GraphStore {
  readonly graphs: () => ReadonlyArray<Graph>
  readonly accumulators: () => ReadonlyArray<Accumulator>
  readonly reactors: () => ReadonlyArray<Reactor>
  /** Graphs that another replica runs. */
  readonly elsewhere: () => ReadonlyArray<Graph>
  readonly accumulator: (identity: Identity, name: string) => Accumulator | undefined
  readonly reactor: (identity: Identity, name: string) => Reactor | undefined
  /** Starts a graph in a tenant. */
  readonly start: (
    script: GraphScript.GraphScript,
    tenant: string | undefined,
    packageName: string | undefined
  ) => void
  readonly stop: (which: (graph: Graph) => boolean) => void
  /** An event for an accumulator; `false` if it has no room. */
  readonly push: (accumulator: Accumulator, event: Uint8Array) => Effect.Effect<boolean>
  /** Asks a reactor to fire, with these frames in place of all that it holds, or with what it holds. */
  readonly fire: (reactor: Reactor, cache?: Map<string, Uint8Array>) => Effect.Effect<void>
  /** Held accumulators take nothing until they are released; 64 events wait. */
  readonly hold: (accumulator: Accumulator, isHeld: boolean) => Effect.Effect<void>
  readonly setState: (accumulator: Accumulator, state: AccumulatorState) => void
}

/** How many events wait for an accumulator. */
const queueDepth = 64

/** How many fires are kept. */
const keptFires = 200

/**
 * How many minutes of fires are told.
 *
 * @since 0.1.0
 * @category constants
 */
export const toldMinutes = 60

const isWell = ({ state }: Accumulator): boolean => state === "live" || state === "socket_only"

const namesOf = (accumulators: ReadonlyArray<Accumulator>): ReadonlyArray<string> =>
  accumulators.map(({ script }) => script.name)

/** A reactor warms up until all its accumulators have been well once. */
const healthOf = ({ accumulators, health }: Reactor): Health => {
  const waiting = accumulators.filter((each) => !isWell(each))
  if (health.state === "warming") {
    return waiting.length === 0
      ? { state: "live" }
      : { state: "warming", healthy: namesOf(accumulators.filter(isWell)), waiting: namesOf(waiting) }
  }
  const disconnected = namesOf(accumulators.filter(({ state }) => state === "disconnected"))
  return disconnected.length === 0 ? { state: "live" } : { state: "degraded", disconnected }
}

/**
 * What a caller means by a name: what its own tenant has, else what has no tenant, else, for god keys, what only one
 * tenant has.
 */
const resolve = <A extends { readonly tenant: string | undefined }>(
  named: ReadonlyArray<A>,
  identity: Identity
): A | undefined => {
  const own = identity.tenant === undefined ? undefined : named.find(({ tenant }) => tenant === identity.tenant)
  const found = own ?? named.find(({ tenant }) => tenant === undefined)
  return found ?? (identity.isGod && named.length === 1 ? named[0] : undefined)
}

/**
 * Whether a caller sees what belongs to a tenant, or to none.
 *
 * @since 0.1.0
 * @category utils
 */
export const isVisible = (identity: Identity, { tenant }: { readonly tenant: string | undefined }): boolean =>
  identity.isGod || tenant === undefined || tenant === identity.tenant

const runGraphs = (reactor: Reactor, inputs: GraphScript.Inputs): ReadonlyArray<unknown> | GraphFailure => {
  const outputs: Array<unknown> = []
  for (const { script } of reactor.graphs) {
    try {
      const result = script.run?.(inputs) ?? []
      if (result instanceof GraphFailure) return result
      for (const output of result) outputs.push(output)
    } catch (error) {
      return new GraphFailure({ message: error instanceof Error ? error.message : String(error) })
    }
  }
  return outputs
}

const keep = (reactor: Reactor, fire: Fire): void => {
  const { minutes, recent } = reactor
  recent.push(fire)
  if (recent.length > keptFires) recent.shift()
  const minute = Math.floor(fire.firedAt / 60_000)
  minutes.set(minute, (minutes.get(minute) ?? 0) + 1)
  for (const old of minutes.keys()) if (old <= minute - toldMinutes) minutes.delete(old)
  reactor.lastFiredAt = fire.firedAt
  if (fire.ok) reactor.fires++
}

/**
 * An empty store. Runs that take their time end with the scope.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make: Effect.Effect<GraphStore, never, Scope.Scope> = Effect.gen(function*() {
  const scope = yield* Effect.scope
  const clock = yield* Effect.clock
  let graphs: Array<Graph> = []
  const live = () => graphs.filter(({ script }) => script.elsewhere === undefined)
  const reactors = () => [...new Set(live().map(({ reactor }) => reactor))]
  const accumulators = () => reactors().flatMap((reactor) => reactor.accumulators)

  const makeReactor = (script: GraphScript.GraphScript, tenant: string | undefined): Reactor => {
    const own: Array<Accumulator> = []
    const reactor: Reactor = {
      name: script.reactor,
      tenant,
      graphs: [],
      accumulators: own,
      cache: new Map(),
      dirty: new Map(script.accumulators.map(({ name }) => [name, false])),
      queue: [],
      signals: [],
      recent: [],
      minutes: new Map(),
      isRunning: false,
      isPaused: false,
      health: { state: "live" },
      fires: 0,
      lastFiredAt: undefined
    }
    for (const each of script.accumulators) {
      own.push({
        script: each,
        tenant,
        reactor,
        window: [],
        queue: [],
        state: "socket_only",
        isHeld: false,
        events: 0,
        lastEventAt: undefined,
        injects: 0,
        lastInjectAt: undefined
      })
    }
    return reactor
  }

  /** One run with what the reactor holds. */
  const run = (reactor: Reactor, manual: boolean): Effect.Effect<void> =>
    Effect.suspend(() => {
      const started = clock.unsafeCurrentTimeMillis()
      const cache = [...reactor.cache]
      const takes = Math.max(0, ...reactor.graphs.map(({ script }) => Duration.toMillis(script.takes ?? 0)))
      const result = runGraphs(reactor, Object.fromEntries(cache.map(([source, frame]) => [source, unwrap(frame)])))
      const failed = result instanceof GraphFailure ? result : undefined
      const end = Effect.sync(() => {
        const firedAt = clock.unsafeCurrentTimeMillis()
        keep(reactor, {
          firedAt,
          ok: failed === undefined,
          error: failed?.message ?? null,
          durationMs: firedAt - started,
          inputs: Object.fromEntries(cache.map(([source, frame]) => [source, describe(frame)])),
          outputs: result instanceof GraphFailure ? [] : result,
          manual
        })
      })
      return takes === 0 ? end : Effect.delay(end, takes)
    })

  const isDue = ({ dirty, graphs: [graph] }: Reactor): boolean => {
    const flags = [...dirty.values()]
    return graph?.script.reactionMode === "when_all" ? flags.every(Boolean) : flags.some(Boolean)
  }

  /** Fires as long as there is reason to. What a paused reactor is asked to do is not made up for later. */
  const settle = (reactor: Reactor): Effect.Effect<void> =>
    Effect.suspend(() => {
      const isSequential = reactor.graphs[0]?.script.inputStrategy === "sequential"
      const signal = reactor.signals.shift()
      if (signal === undefined || reactor.isPaused) return Effect.void
      if (!isSequential) {
        if (signal === "boundary" && !isDue(reactor)) return Effect.void
        for (const source of reactor.dirty.keys()) reactor.dirty.set(source, false)
        return run(reactor, signal === "manual")
      }
      return Effect.whileLoop({
        while: () => reactor.queue.length > 0,
        body: () => {
          const [source, frame] = reactor.queue.shift() ?? ["", new Uint8Array(0)]
          reactor.cache.set(source, frame)
          return run(reactor, signal === "manual")
        },
        step: () => undefined
      })
    })

  const wake = (reactor: Reactor, signal: "boundary" | "manual"): Effect.Effect<void> =>
    Effect.suspend(() => {
      // A second look at the same inputs finds nothing more.
      if (signal === "manual" || reactor.signals.at(-1) !== "boundary") reactor.signals.push(signal)
      if (reactor.isRunning) return Effect.void
      reactor.isRunning = true
      const all = Effect.ensuring(
        Effect.whileLoop({
          while: () => reactor.signals.length > 0,
          body: () => settle(reactor),
          step: () => undefined
        }),
        Effect.sync(() => {
          reactor.isRunning = false
        })
      )
      const takesTime = reactor.graphs.some(({ script }) => Duration.toMillis(script.takes ?? 0) > 0)
      return takesTime ? Effect.asVoid(Effect.forkIn(Effect.interruptible(all), scope)) : all
    })

  /** What the accumulator makes of an event. One with state ignores what is no JSON. */
  const digest = ({ script, window }: Accumulator, event: Uint8Array): Uint8Array | undefined => {
    if (!script.keepsState) return wrap(event)
    const json = normalise(event)
    if (json === undefined) return undefined
    window.push(json)
    if (script.window !== undefined && window.length > script.window) window.shift()
    return wrap(toBytes(`[${window.join(",")}]`))
  }

  const take = (accumulator: Accumulator, event: Uint8Array): Effect.Effect<void> => {
    const { reactor, script } = accumulator
    const frame = digest(accumulator, event)
    if (frame === undefined) return Effect.void
    accumulator.events++
    accumulator.lastEventAt = clock.unsafeCurrentTimeMillis()
    if (reactor.graphs[0]?.script.inputStrategy === "sequential") {
      reactor.queue.push([script.name, frame])
    } else {
      reactor.cache.set(script.name, frame)
      reactor.dirty.set(script.name, true)
    }
    return wake(reactor, "boundary")
  }

  return {
    graphs: live,
    accumulators,
    reactors,
    elsewhere: () => graphs.filter(({ script }) => script.elsewhere !== undefined),
    accumulator: (identity, name) => resolve(accumulators().filter(({ script }) => script.name === name), identity),
    reactor: (identity, name) => resolve(reactors().filter((reactor) => reactor.name === name), identity),
    start: (script, tenant, packageName) => {
      const shared = reactors().find((each) => each.name === script.reactor && each.tenant === tenant)
      const reactor = shared ?? makeReactor(script, tenant)
      const graph: Graph = { script, tenant, package: packageName, reactor, isCrashed: false }
      reactor.graphs.push(graph)
      graphs.push(graph)
    },
    stop: (which) => {
      for (const graph of graphs.filter(which)) graph.reactor.graphs.splice(graph.reactor.graphs.indexOf(graph), 1)
      graphs = graphs.filter((graph) => !which(graph))
    },
    push: (accumulator, event) =>
      Effect.suspend(() => {
        if (!accumulator.isHeld) return Effect.as(take(accumulator, event), true)
        if (accumulator.queue.length >= queueDepth) return Effect.succeed(false)
        accumulator.queue.push(event)
        return Effect.succeed(true)
      }),
    fire: (reactor, cache) =>
      Effect.suspend(() => {
        if (cache !== undefined) reactor.cache = cache
        return wake(reactor, "manual")
      }),
    hold: (accumulator, isHeld) =>
      Effect.suspend(() => {
        accumulator.isHeld = isHeld
        const waiting = isHeld ? [] : accumulator.queue.splice(0)
        return Effect.forEach(waiting, (event) => take(accumulator, event), { discard: true })
      }),
    setState: (accumulator, state) => {
      const { reactor } = accumulator
      const wasStarting = reactor.recent.length === 0 && (state === "starting" || state === "connecting")
      accumulator.state = state
      if (wasStarting) reactor.health = { state: "warming", healthy: [], waiting: [] }
      reactor.health = healthOf(reactor)
    }
  }
})
