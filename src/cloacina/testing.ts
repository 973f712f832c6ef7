/**
 * Tests of programs that use Cloacina: an emulator of the server as a Layer, with scripted workflows, faults on demand
 * and virtual time.
 *
 * @example
 * ```ts
 * import { it } from "@effect/vitest"
 * import * as Cloacina from "effect-switchyard/cloacina"
 * import * as CloacinaTesting from "effect-switchyard/cloacina/testing"
 * import * as Effect from "effect/Effect"
 * import { assert } from "vitest"
 *
 * const { fails, succeeds, task, workflow } = CloacinaTesting
 *
 * it.effect("closes the month at the second attempt", () =>
 *   Effect.gen(function*() {
 *     const executions = yield* Cloacina.Executions
 *     const outcome = yield* executions.executeAndAwait("close_month", { context: { region: "eu" } })
 *     assert.strictEqual(outcome._tag, "Completed")
 *   }).pipe(Effect.provide(CloacinaTesting.layer({
 *     tenant: "north",
 *     workflows: [
 *       workflow("close_month", {
 *         tenant: "north",
 *         tasks: [task("load", { attempts: [fails("disk full"), succeeds()], takes: "5 minutes" })]
 *       })
 *     ]
 *   }))))
 * ```
 *
 * @since 0.1.0
 */
import type * as HttpClient from "@effect/platform/HttpClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as InMemory from "../server/core/InMemory.js"
import type { ListenError, ListenOptions } from "../server/core/NodeServer.js"
import * as Client from "../services/cloacina/Client.js"
import type { Services } from "../services/cloacina/Services.js"
import { layerServices } from "../services/cloacina/Services.js"
import type { CallOptions } from "../services/core/CallOptions.js"
import type { WebSockets } from "../services/core/WebSockets.js"
import * as Emulator from "../testing/cloacina/Emulator.js"
import { Faults } from "../testing/cloacina/Faults.js"
import type { Deliveries, GraphControl } from "../testing/cloacina/Sockets.js"
import { Recorder } from "../testing/core/Recorder.js"
import { TestServer } from "../testing/core/TestServer.js"
import * as VirtualTime from "../testing/core/VirtualTime.js"

export { type Address, ListenError } from "../server/core/NodeServer.js"
export * from "../testing/cloacina/Doubles.js"
export { Emulator, type Options } from "../testing/cloacina/Emulator.js"
export { Faults, type Operation, refuse, type Rule } from "../testing/cloacina/Faults.js"
export {
  type Accumulator,
  type AccumulatorOptions,
  type Edge,
  graph,
  graphFails,
  type GraphFailure,
  type GraphOptions,
  type GraphScript,
  type Inputs,
  type Node,
  passthrough,
  state
} from "../testing/cloacina/GraphScript.js"
export { type AccumulatorState } from "../testing/cloacina/GraphStore.js"
export {
  type Counts,
  type NewRow,
  type Options as OutboxOptions,
  type RowState,
  type RowStatus
} from "../testing/cloacina/Outbox.js"
export {
  type Attempt,
  type Attempts,
  cron,
  type Cue,
  fails,
  type Param,
  param,
  type Poll,
  type RetryOptions,
  secret,
  succeeds,
  type Task,
  task,
  type TaskOptions,
  type Trigger,
  trigger,
  type Values,
  type Workflow,
  workflow,
  type WorkflowOptions
} from "../testing/cloacina/Script.js"
export { decode as decodeSeed, InvalidSeed, Seed } from "../testing/cloacina/Seed.js"
export { Deliveries, GraphControl } from "../testing/cloacina/Sockets.js"
export {
  type CorsOptions,
  type OidcIdentity,
  type OidcOptions,
  type SeedAccount,
  type SeedExecution,
  type SeedKey,
  type SeedSecret,
  type ThrottleOptions
} from "../testing/cloacina/World.js"
/**
 * What can go wrong between a client and a server, for `Faults` and for the option `faults`.
 *
 * @since 0.1.0
 */
export * as Fault from "../testing/core/Fault.js"
export { type Injected } from "../testing/core/Faults.js"
export { type Recorded, Recorder, UnexpectedRequests } from "../testing/core/Recorder.js"
/**
 * What can go wrong on an open WebSocket, as faults like those of `Fault`.
 *
 * @since 0.1.0
 */
export * as SocketFault from "../testing/core/SocketFault.js"
export { TestServer } from "../testing/core/TestServer.js"
export { advance } from "../testing/core/VirtualTime.js"

/**
 * How time passes in an emulator without a socket.
 *
 * - `time`: under a `TestClock`, `auto` (default) turns the clock by itself whenever the program and the emulator wait,
 *   so that waiting costs nothing; `manual` leaves that to the test: see `advance`. Under the real clock (`it.live`)
 *   time passes as it does.
 *
 * @since 0.1.0
 * @category models
 */
export interface TimeOptions {
  readonly time?: "auto" | "manual" | undefined
}

/**
 * How the services of a test call their emulator.
 *
 * - `tenant`: that of calls that name none, and there from the start; default `public`
 * - `call`: time-outs and retries of all calls
 *
 * They use the god key; for another one, see `layerHttpClient`.
 *
 * @since 0.1.0
 * @category models
 */
export interface ClientOptions {
  readonly tenant?: string | undefined
  readonly call?: CallOptions | undefined
}

/** What comes with every emulator. */
type Parts = Emulator.Emulator | Deliveries | GraphControl | Faults | Recorder

/** Nobody listens there: requests never leave the process. */
const url = "http://127.0.0.1:8080"

const layerTime = ({ time = "auto" }: TimeOptions): Layer.Layer<never, never, Recorder> =>
  time === "manual" ? Layer.empty : Layer.scopedDiscard(
    Effect.flatMap(Recorder, (recorder) => VirtualTime.passing(recorder.count))
  )

/** Time first, so that it passes until everything that may wait for it has been released. */
const layerControl = (options: Emulator.Options, time: Layer.Layer<never, never, Recorder>) =>
  Layer.provideMerge(
    Layer.merge(time, Faults.layer(options.faults)),
    Layer.effect(Recorder, Recorder.make)
  )

const layerEmulator = (options: Emulator.Options & TimeOptions) =>
  Layer.provideMerge(Emulator.layer(options), layerControl(options, layerTime(options)))

/** The tenants of the options, with that of the calls. */
const withTenant = ({ tenant, tenants = [] }: Emulator.Options & ClientOptions): ReadonlyArray<string> =>
  tenant === undefined || tenants.includes(tenant) ? tenants : [...tenants, tenant]

/** Calls and sockets, which reach the emulator alike. */
const layerTransport: Layer.Layer<
  HttpClient.HttpClient | WebSockets,
  never,
  Emulator.Emulator | Faults | Recorder
> = Layer.merge(InMemory.layer(Emulator.makeFront), InMemory.layerWebSockets(Emulator.makeFront))

const layerPlane = (
  options: ClientOptions
): Layer.Layer<Services | Client.Client, never, Emulator.Emulator | HttpClient.HttpClient> =>
  Layer.provideMerge(
    layerServices,
    Layer.unwrapEffect(Effect.map(
      Emulator.Emulator,
      ({ key }) => Layer.orDie(Client.layer({ url, key, tenant: options.tenant, options: options.call }))
    ))
  )

/**
 * The services of the plane over an emulator, in memory.
 *
 * Everything else that a test may want comes with them: `Emulator` (keys, and what happens to the server), `Deliveries`
 * (rows of the outbox), `GraphControl` (computation graphs), `Faults` (what goes wrong, and when) and `Recorder` (what was
 * sent).
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options: Emulator.Options & TimeOptions & ClientOptions = {}
): Layer.Layer<Services | Client.Client | Parts> =>
  layerPlane(options).pipe(
    Layer.provide(layerTransport),
    Layer.provideMerge(layerEmulator({
      ...options,
      tenants: withTenant(options)
    }))
  )

/**
 * As `layer`, with an `HttpClient` and `WebSockets` in place of the services: whatever they are asked for, the emulator
 * answers. For programs that bring their own layers of the plane, and for requests that no client would send.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerHttpClient = (
  options: Emulator.Options & TimeOptions = {}
): Layer.Layer<HttpClient.HttpClient | WebSockets | Parts> => Layer.provideMerge(layerTransport, layerEmulator(options))

/**
 * The emulator on a socket, for clients in other languages and processes: `TestServer` says where. Needs the real clock
 * (`it.live`, `it.scopedLive`).
 *
 * @since 0.1.0
 * @category layers
 */
export const layerServer = (
  options: Emulator.Options & Pick<ListenOptions, "host" | "port"> = {}
): Layer.Layer<TestServer | Parts, ListenError> =>
  Layer.provideMerge(
    Layer.unwrapEffect(Effect.map(Faults, (faults) =>
      TestServer.layer(Emulator.makeFront, {
        host: options.host,
        port: options.port,
        // The server does not say goodbye to sockets.
        drain: Effect.asVoid(faults.disconnect)
      }))),
    Layer.provideMerge(Emulator.layer(options), layerControl(options, Layer.empty))
  )
