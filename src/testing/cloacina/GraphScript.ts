/**
 * What computation graphs of the emulator do in place of code: their accumulators, their reactor, and what a run gives
 * (contract 4.11).
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import type * as Duration from "effect/Duration"
import type { Values } from "./Script.js"
import type { Slot } from "./Slots.js"

/**
 * An accumulator. One with a `window` gives its last events as a list, and at most so many; any other gives each event
 * by itself.
 *
 * @since 0.1.0
 * @category models
 */
export interface Accumulator {
  readonly name: string
  readonly keepsState: boolean
  readonly window: number | undefined
  readonly slot: Slot | undefined
}

/**
 * `schema`: what events look like, as JSON Schema. Only the type at its top is looked at.
 *
 * @since 0.1.0
 * @category models
 */
export interface AccumulatorOptions {
  readonly schema?: Values | undefined
}

const slotOf = (name: string, { schema }: AccumulatorOptions): Slot | undefined =>
  schema === undefined ? undefined : { name, schema, required: false, encrypted: false }

/**
 * An accumulator that passes on what comes.
 *
 * @since 0.1.0
 * @category constructors
 */
export const passthrough = (name: string, options: AccumulatorOptions = {}): Accumulator => ({
  name,
  keepsState: false,
  window: undefined,
  slot: slotOf(name, options)
})

/**
 * An accumulator that gives its last events, oldest first: `window` of them, default all.
 *
 * @since 0.1.0
 * @category constructors
 */
export const state = (
  name: string,
  options: AccumulatorOptions & { readonly window?: number | undefined } = {}
): Accumulator => ({ name, keepsState: true, window: options.window, slot: slotOf(name, options) })

/**
 * A run that fails. Python nodes that raise are no failures for the server: their fires are `ok` (contract 9.11).
 *
 * @since 0.1.0
 * @category models
 */
export class GraphFailure extends Data.Class<{ readonly message: string }> {}

/**
 * A run that fails, as one of a Rust node does.
 *
 * @since 0.1.0
 * @category constructors
 */
export const graphFails = (message: string): GraphFailure =>
  new GraphFailure({ message: `node execution failed: ${message}` })

/**
 * The inputs of a run, by accumulator. One that cannot be decoded is `null`.
 *
 * @since 0.1.0
 * @category models
 */
export type Inputs = Values

/**
 * @since 0.1.0
 * @category models
 */
export interface Node {
  readonly id: string
  readonly inputs: ReadonlyArray<string>
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Edge {
  readonly from: string
  readonly to: string
  readonly label: string | null
}

/**
 * - `reactor`: graphs of one tenant may share one
 * - `accumulators`: names are for `passthrough`
 * - `reactionMode`: default `when_any`
 * - `inputStrategy`: default `latest`
 * - `nodes`, `edges`: the topology; default one node that takes everything
 * - `package`: the graph is there while this package is loaded; default: from the start, without a package
 * - `tenant`: default `public`, for a graph of a package every tenant that loads it; `null` for no tenant at all
 * - `slots`: the declared inputs of the reactor, for fires with inputs; Python reactors have none
 * - `run`: what a run gives, default nothing, as Python graphs do. One that throws fails
 * - `takes`: how long a run takes; default no time
 * - `elsewhere`: another replica owns the reactor; `address` is what it is reached at, if that is known
 *
 * @since 0.1.0
 * @category models
 */
export interface GraphOptions {
  readonly reactor: string
  readonly accumulators: ReadonlyArray<Accumulator | string>
  readonly reactionMode?: "when_any" | "when_all" | undefined
  readonly inputStrategy?: "latest" | "sequential" | undefined
  readonly nodes?: ReadonlyArray<Node> | undefined
  readonly edges?: ReadonlyArray<Edge> | undefined
  readonly package?: string | undefined
  readonly tenant?: string | null | undefined
  readonly slots?: ReadonlyArray<Slot> | undefined
  readonly run?: ((inputs: Inputs) => ReadonlyArray<unknown> | GraphFailure) | undefined
  readonly takes?: Duration.DurationInput | undefined
  readonly elsewhere?: { readonly address?: string | undefined } | undefined
}

/**
 * A computation graph.
 *
 * @since 0.1.0
 * @category models
 */
export interface GraphScript extends Omit<GraphOptions, "accumulators"> {
  readonly name: string
  readonly accumulators: ReadonlyArray<Accumulator>
}

/**
 * A computation graph.
 *
 * @example
 * ```ts
 * import * as CloacinaTesting from "effect-switchyard/cloacina/testing"
 *
 * export const spread = CloacinaTesting.graph("graph_ticks", {
 *   reactor: "ticks_rx",
 *   accumulators: [CloacinaTesting.passthrough("ticks", { schema: { type: "object" } })],
 *   run: ({ ticks }) => ticks === null ? CloacinaTesting.graphFails("no data") : [{ seen: ticks }]
 * })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const graph = (name: string, options: GraphOptions): GraphScript => ({
  ...options,
  name,
  accumulators: options.accumulators.map((each) => typeof each === "string" ? passthrough(each) : each)
})
