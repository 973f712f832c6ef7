/**
 * Tests of programs that use Solti: an emulator as a Layer, with scripted outcomes, faults on demand and virtual time;
 * doubles of the services; and what else a test of time and wire needs.
 *
 * @example
 * ```ts
 * import { it } from "@effect/vitest"
 * import * as Solti from "effect-switchyard/solti"
 * import * as SoltiTesting from "effect-switchyard/solti/testing"
 * import * as Effect from "effect/Effect"
 * import { assert } from "vitest"
 *
 * const program = Effect.gen(function*() {
 *   const tasks = yield* Solti.Tasks
 *   const id = yield* tasks.submit(Solti.command("make", ["all"], { slot: "build", timeout: "10 minutes" }))
 *   return yield* tasks.await(id)
 * })
 *
 * it.effect("builds", () =>
 *   Effect.gen(function*() {
 *     const outcome = yield* program
 *     assert.isTrue(Solti.isSuccess(outcome))
 *   }).pipe(Effect.provide(SoltiTesting.layer({
 *     scripts: [SoltiTesting.command("make", SoltiTesting.succeeds(["cc main.c"], { takes: "5 minutes" }))]
 *   }))))
 * ```
 *
 * @since 0.1.0
 */
import type * as HttpClient from "@effect/platform/HttpClient"
import * as Layer from "effect/Layer"
import * as InMemory from "../server/core/InMemory.js"
import type { ListenError } from "../server/core/NodeServer.js"
import type { ApiHandler } from "../server/solti/ApiHandler.js"
import type { Supervisor } from "../server/solti/Supervisor.js"
import * as Client from "../services/solti/Client.js"
import { Tasks } from "../services/solti/Tasks.js"
import type { Recorder } from "../testing/core/Recorder.js"
import { TestServer } from "../testing/core/TestServer.js"
import * as Control from "../testing/solti/Control.js"
import type { TimeOptions } from "../testing/solti/Control.js"
import type { Emulator } from "../testing/solti/Emulator.js"
import { type FrontOptions, layer as layerEmulator, makeFront, type Options } from "../testing/solti/Emulator.js"
import type { Faults } from "../testing/solti/Faults.js"
import * as OnSocket from "../testing/solti/OnSocket.js"

export { type Address, ListenError } from "../server/core/NodeServer.js"
export { ApiHandler } from "../server/solti/ApiHandler.js"
export { Supervisor } from "../server/solti/Supervisor.js"
export { Client } from "../services/solti/Client.js"
export { Tasks } from "../services/solti/Tasks.js"
export { UnexpectedCall } from "../testing/core/Double.js"
/**
 * What can go wrong between a client and a server, for `Faults` and for the option `faults`.
 *
 * @since 0.1.0
 */
export * as Fault from "../testing/core/Fault.js"
export { type Injected } from "../testing/core/Faults.js"
export { type Recorded, Recorder, UnexpectedRequests } from "../testing/core/Recorder.js"
export { TestServer } from "../testing/core/TestServer.js"
export { advance } from "../testing/core/VirtualTime.js"
export { type TimeOptions } from "../testing/solti/Control.js"
export { Emulator, type FrontOptions, type Options } from "../testing/solti/Emulator.js"
export { Faults, lagged, type Operation, refuse, type Rule } from "../testing/solti/Faults.js"
export { type Mode } from "../testing/solti/Mode.js"
export * from "../testing/solti/Script.js"
export { tasks } from "../testing/solti/TasksDouble.js"

/** Nobody listens there: requests never leave the process. */
const url = "http://127.0.0.1:8085"

const layerClient = (
  options: FrontOptions
): Layer.Layer<HttpClient.HttpClient, never, ApiHandler | Faults | Recorder> => InMemory.layer(makeFront(options))

const layerPlane = (options: FrontOptions): Layer.Layer<Tasks | Client.Client, never, HttpClient.HttpClient> =>
  Layer.provideMerge(Tasks.layer, Layer.orDie(Client.layer({ url, token: options.token })))

/**
 * The services of the plane over an emulator, in memory.
 *
 * Everything else that a test may want comes with them: `Emulator` (further scripts), `Faults` (what goes wrong, and
 * when), `Recorder` (what was sent), and the `Supervisor` itself.
 *
 * @example
 * ```ts
 * import * as Solti from "effect-switchyard/solti"
 * import * as SoltiTesting from "effect-switchyard/solti/testing"
 * import * as Effect from "effect/Effect"
 *
 * export const test = Effect.gen(function*() {
 *   const tasks = yield* Solti.Tasks
 *   const backoff = { jitter: "none", first: "1 minute" } as const
 *   const id = yield* tasks.submit(
 *     Solti.script("bash", "./deploy", { slot: "deploy", timeout: "1 hour", restart: "onFailure", backoff })
 *   )
 *   const outcome = yield* tasks.await(id)
 *   return outcome.attempts // 2
 * }).pipe(
 *   Effect.provide(SoltiTesting.layer({
 *     scripts: [
 *       SoltiTesting.slot(
 *         "deploy",
 *         SoltiTesting.exits(1, ["pushing", SoltiTesting.stderr("connection lost", { after: "20 seconds" })]),
 *         SoltiTesting.succeeds(["pushing", "done"], { takes: "3 minutes" })
 *       )
 *     ]
 *   }))
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options: Options & TimeOptions = {}
): Layer.Layer<Tasks | Client.Client | Emulator | Faults | Recorder | Supervisor | ApiHandler> =>
  layerPlane(options).pipe(
    Layer.provide(layerClient(options)),
    Layer.provideMerge(layerEmulator(options)),
    Layer.provideMerge(Control.layer(options))
  )

/**
 * As `layer`, with an `HttpClient` in place of the services: whatever it is asked for, the emulator answers. For programs
 * that bring their own layers of the plane, and for requests that no client would send.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerHttpClient = (
  options: Options & TimeOptions = {}
): Layer.Layer<HttpClient.HttpClient | Emulator | Faults | Recorder | Supervisor | ApiHandler> =>
  layerClient(options).pipe(
    Layer.provideMerge(layerEmulator(options)),
    Layer.provideMerge(Control.layer(options))
  )

/**
 * The services of the plane over the handler in the context, in memory: to test a handler of one's own from the call of
 * a client to its answer.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerHandler = (
  options: FrontOptions & TimeOptions = {}
): Layer.Layer<Tasks | Client.Client | Faults | Recorder, never, ApiHandler> =>
  layerPlane(options).pipe(
    Layer.provide(layerClient(options)),
    Layer.provideMerge(Control.layer(options))
  )

/**
 * The emulator on a socket, for clients in other languages and processes: `TestServer` says where. Needs the real clock
 * (`it.live`, `it.scopedLive`).
 *
 * When it is released, the log streams end properly, except in the mode `strict-0.0.2`: there they break off.
 *
 * @example
 * ```ts
 * import * as SoltiTesting from "effect-switchyard/solti/testing"
 * import * as Console from "effect/Console"
 * import * as Effect from "effect/Effect"
 *
 * export const program = Effect.gen(function*() {
 *   const { url } = yield* SoltiTesting.TestServer
 *   yield* Console.log(`a Solti server that always answers as 0.0.2 listens on ${url}`)
 *   yield* Effect.never
 * }).pipe(Effect.provide(SoltiTesting.layerServer({ mode: "strict-0.0.2", port: 8085 })))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerServer = (
  options: OnSocket.Options = {}
): Layer.Layer<TestServer | Emulator | Faults | Recorder | Supervisor | ApiHandler, ListenError> =>
  OnSocket.layer(options, makeFront, TestServer.layer)
