/**
 * The routes of computation graphs (contract 4.11).
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Api from "../../schemas/cloacina/api/Graphs.js"
import { empty } from "../../server/core/Front.js"
import * as Body from "./Body.js"
import type { Accumulator, Graph, GraphStore, Reactor } from "./GraphStore.js"
import { isVisible, toldMinutes } from "./GraphStore.js"
import { answer, answerList, anyKey, type Handler, handler, type Identity, refuse } from "./Handler.js"
import { jsonText, toBytes, wrap } from "./internal/Boundary.js"
import { faultsOf, type Slot, typeFault } from "./Slots.js"

/** As the server writes times that it keeps in milliseconds: without a fraction for whole seconds. */
const time = (ms: number | undefined): string | null =>
  ms === undefined ? null : `${new Date(ms).toISOString().replace(/\.000Z$/, "Z").slice(0, -1)}+00:00`

/** What the list says of one accumulator; for god keys the parts that are looked up by name may be somebody else's. */
const describeAccumulator = (accumulator: Accumulator, named: Accumulator | undefined): unknown => {
  const { events, lastEventAt, script, state, window } = accumulator
  return {
    name: script.name,
    status: state,
    reactor: named?.reactor.name ?? null,
    tenant_id: named?.tenant ?? null,
    state,
    last_event_at: time(lastEventAt),
    events_total: events,
    buffer_depth: window.length,
    buffer_capacity: script.window ?? null,
    error: null,
    operator_injects: named?.injects ?? 0,
    last_operator_inject_at: time(named?.lastInjectAt)
  }
}

const describeReactor = (reactor: Reactor): unknown => {
  const [graph] = reactor.graphs
  return {
    name: reactor.name,
    health: reactor.health,
    accumulators: reactor.accumulators.map(({ script }) => script.name),
    reaction_mode: graph?.script.reactionMode ?? "when_any",
    input_strategy: graph?.script.inputStrategy ?? "latest",
    bound_graphs: reactor.graphs.map(({ script }) => script.name),
    paused: reactor.isPaused,
    fires: reactor.fires,
    last_fired_at: time(reactor.lastFiredAt)
  }
}

const describeGraph = ({ reactor, script }: Graph, sourcePackage: string | null): unknown => ({
  name: script.name,
  health: reactor.health,
  accumulators: script.accumulators.map(({ name }) => name),
  paused: reactor.isPaused,
  topology: {
    nodes: script.nodes ?? [{ id: script.name, inputs: script.accumulators.map(({ name }) => name) }],
    edges: script.edges ?? []
  },
  reactor: script.reactor,
  reaction_mode: script.reactionMode ?? "when_any",
  input_strategy: script.inputStrategy ?? "latest",
  fires: reactor.fires,
  last_fired_at: time(reactor.lastFiredAt),
  source_package: sourcePackage
})

/** Whether the JSON text of a number has a fraction: it is no integer then. */
const isFloat = (text: string): boolean => /^-?\d+[.e]/.test(text)

const inputFaults = (slots: ReadonlyArray<Slot>, inputs: Readonly<Record<string, string>>): ReadonlyArray<string> => {
  const texts = Object.entries(inputs)
  return faultsOf(slots, {
    value: Object.fromEntries(texts.map(([source, text]) => [source, JSON.parse(text)])),
    floats: new Set(texts.flatMap(([source, text]) => isFloat(text) ? [source] : []))
  })
}

const injectBody = Body.object<{ readonly event: string }>("InjectAccumulatorRequest", { event: jsonText })

interface FireBody {
  readonly mode: "force_fire" | "fire_with"
  readonly inputs: Readonly<Record<string, string>>
}

const fireBody = Body.object<FireBody>("FireReactorRequest", {
  mode: Body.withDefault(Body.oneOf("force_fire", "fire_with"), "force_fire"),
  inputs: Body.withDefault(Body.record(jsonText), {})
})

/**
 * Where another replica owns the accumulator that a caller means: its address, `""` if nobody knows it; `undefined` if
 * it is not elsewhere, or nothing that the caller may know.
 *
 * @since 0.1.0
 * @category utils
 */
export const elsewhere = (store: GraphStore, { isGod, tenant }: Identity, name: string): string | undefined => {
  const named = store.elsewhere().filter(({ script }) => script.accumulators.some((each) => each.name === name))
  const own = named.find((graph) => graph.tenant === tenant)
  const found = own ?? (tenant === undefined && named.length === 1 ? named[0] : undefined)
  if (found === undefined || !isGod && tenant !== undefined && tenant !== found.tenant) return undefined
  return (found.script.elsewhere?.address ?? "").replace(/\/+$/, "")
}

/**
 * @since 0.1.0
 * @category constructors
 */
export const make = (store: GraphStore, now: Effect.Effect<number>): ReadonlyArray<Handler> => {
  /** Declared inputs are looked up among the packages of `public`, whoever asks. */
  const declared = (): ReadonlyArray<Graph> =>
    [...store.graphs(), ...store.elsewhere()].filter(({ tenant }) => tenant === "public")

  const accumulatorSlot = (name: string): Slot | undefined =>
    declared().flatMap((
      { script }
    ) => [...script.accumulators.flatMap(({ slot }) => slot ?? []), ...script.slots ?? []])
      .find((slot) => slot.name === name)

  const reactorSlots = (name: string): ReadonlyArray<Slot> =>
    declared().find(({ script }) => script.reactor === name)?.script.slots ?? []

  const sourcePackage = ({ script }: Graph): string | null => {
    const names = script.accumulators.map(({ name }) => name)
    const found =
      declared().find((each) => each.script.reactor === script.reactor && each.script.slots !== undefined) ??
        declared().find((each) =>
          each.script.accumulators.some(({ name, slot }) => slot !== undefined && names.includes(name))
        )
    return found?.package ?? null
  }

  const missing = (name: string) => refuse(404, "reactor_not_found", `reactor '${name}' not found`)

  const isListed = (identity: Identity, name: string): boolean =>
    store.reactors().some((reactor) => reactor.name === name && isVisible(identity, reactor))

  return [
    handler(Api.listAccumulators, anyKey, ({ identity }) =>
      Effect.sync(() =>
        answerList(
          store.accumulators().filter((each) => isVisible(identity, each))
            .map((each) => describeAccumulator(each, store.accumulator(identity, each.script.name)))
        )
      )),
    handler(Api.inject, anyKey, (call) =>
      Effect.gen(function*() {
        const { identity } = call
        const name = call.param("name")
        const { event } = yield* Body.read(call, injectBody)
        const owner = elsewhere(store, identity, name)
        if (owner === "") return answer({ accumulator: name, delivered: 0 })
        if (owner !== undefined) return empty(307, { location: `${owner}/v1/health/accumulators/${name}/inject` })
        const accumulator = store.accumulator(identity, name)
        if (accumulator === undefined) {
          return yield* refuse(403, "accumulator_access_denied", `not authorized for accumulator '${name}'`)
        }
        const fault = typeFault(accumulatorSlot(name)?.schema, JSON.parse(event), isFloat(event))
        if (fault !== undefined) {
          return yield* refuse(
            400,
            "accumulator_input_invalid",
            `invalid event for accumulator '${name}': ${fault}`
          )
        }
        if (!(yield* store.push(accumulator, toBytes(event)))) {
          const why = `failed to send to accumulator '${name}': channel closed`
          return yield* refuse(404, "accumulator_not_found", `accumulator '${name}' not available: ${why}`)
        }
        accumulator.injects++
        accumulator.lastInjectAt = yield* now
        return answer({ accumulator: name, delivered: 1 })
      })),
    handler(Api.accumulatorSurface, anyKey, ({ param }) =>
      Effect.sync(() => {
        const slot = accumulatorSlot(param("name"))
        return answer({ kind: "accumulator", name: param("name"), slots: slot === undefined ? [] : [slot] })
      })),
    handler(
      Api.listReactors,
      anyKey,
      ({ identity }) =>
        Effect.sync(() => answerList(store.reactors().filter((each) => isVisible(identity, each)).map(describeReactor)))
    ),
    handler(Api.fire, anyKey, (call) =>
      Effect.gen(function*() {
        const name = call.param("name")
        const { inputs, mode } = yield* Body.read(call, fireBody)
        const reactor = store.reactor(call.identity, name)
        if (reactor === undefined) {
          const operation = mode === "force_fire" ? "ForceFire" : "FireWith"
          return yield* refuse(
            403,
            "reactor_op_denied",
            `operation ${operation} not permitted on reactor '${name}'`
          )
        }
        const sources = Object.keys(inputs).sort()
        if (mode === "force_fire") {
          yield* store.fire(reactor)
          return answer({ reactor: name, mode, sources_injected: [] })
        }
        const faults = sources.length === 0 ? [] : inputFaults(reactorSlots(name), inputs)
        if (faults.length > 0) {
          return yield* refuse(400, "reactor_input_invalid", `invalid reactor inputs: ${faults.join("; ")}`)
        }
        if (sources.length === 0) {
          return yield* refuse(400, "empty_inputs", "mode 'fire_with' requires a non-empty 'inputs' map")
        }
        yield* store.fire(
          reactor,
          new Map(Object.entries(inputs).map(([source, text]) => [source, wrap(toBytes(text))]))
        )
        return answer({ reactor: name, mode, sources_injected: sources })
      })),
    handler(Api.fires, anyKey, (call) =>
      Effect.gen(function*() {
        const name = call.param("name")
        const limit = yield* Body.queryInteger(call, "limit", "u64")
        if (!isListed(call.identity, name)) return yield* missing(name)
        const recent = store.reactor(call.identity, name)?.recent ?? []
        return answerList(
          [...recent].reverse().slice(0, Math.min(limit ?? 50, 200)).map((fire) => ({
            fired_at: time(fire.firedAt),
            ok: fire.ok,
            error: fire.error,
            duration_ms: fire.durationMs,
            inputs: fire.inputs,
            outputs: fire.outputs,
            manual: fire.manual
          }))
        )
      })),
    handler(Api.timeseries, anyKey, ({ identity, param }) =>
      Effect.gen(function*() {
        if (!isListed(identity, param("name"))) return yield* missing(param("name"))
        const minutes = store.reactor(identity, param("name"))?.minutes
        const first = Math.floor((yield* now) / 60_000) - toldMinutes + 1
        return answer({ buckets: Array.from({ length: toldMinutes }, (_, at) => minutes?.get(first + at) ?? 0) })
      })),
    handler(
      Api.reactorSurface,
      anyKey,
      ({ param }) =>
        Effect.sync(() => answer({ kind: "reactor", name: param("name"), slots: reactorSlots(param("name")) }))
    ),
    handler(Api.listGraphs, anyKey, ({ identity }) =>
      Effect.sync(() =>
        answerList(
          store.graphs().filter((each) => isVisible(identity, each)).map((each) => describeGraph(each, null))
        )
      )),
    handler(Api.getGraph, anyKey, ({ identity, param }) =>
      Effect.suspend(() => {
        const name = param("name")
        const graph = store.graphs().find((each) => each.script.name === name && isVisible(identity, each))
        return graph === undefined
          ? refuse(404, "graph_not_found", `graph '${name}' not found`)
          : Effect.succeed(answer(describeGraph(graph, sourcePackage(graph))))
      }))
  ]
}
