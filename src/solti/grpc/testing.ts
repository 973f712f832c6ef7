/**
 * Tests of programs that use Solti over gRPC: the emulator of `effect-switchyard/solti/testing` behind the other wire. Its
 * scripts, faults, recorder and virtual time are those of that entry point.
 *
 * A program that only uses `Tasks` is tested as well over HTTP. This is for what only gRPC has: status codes, metadata,
 * deadlines, another name of the service.
 *
 * @example
 * ```ts
 * import { it } from "@effect/vitest"
 * import * as Solti from "effect-switchyard/solti"
 * import * as SoltiGrpcTesting from "effect-switchyard/solti/grpc/testing"
 * import * as SoltiTesting from "effect-switchyard/solti/testing"
 * import * as Effect from "effect/Effect"
 * import { assert } from "vitest"
 *
 * it.effect("asks again", () =>
 *   Effect.gen(function*() {
 *     const tasks = yield* Solti.Tasks
 *     const faults = yield* SoltiTesting.Faults
 *     const busy = yield* faults.inject({ on: "list", fault: SoltiTesting.refuse("Unavailable") })
 *     yield* tasks.list()
 *     assert.strictEqual(yield* busy.hits, 1)
 *   }).pipe(Effect.provide(SoltiGrpcTesting.layer({ mode: "0.0.3" }))))
 * ```
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { maxMessageBytes } from "../../schemas/solti/Limits.js"
import * as InMemoryGrpc from "../../server/core/InMemoryGrpc.js"
import type { ListenError } from "../../server/core/NodeServer.js"
import type { ApiHandler } from "../../server/solti/ApiHandler.js"
import type { Supervisor } from "../../server/solti/Supervisor.js"
import * as Client from "../../services/solti/Client.js"
import * as Rpc from "../../services/solti/internal/rpc.js"
import * as internal from "../../services/solti/internal/tasks.js"
import { Tasks } from "../../services/solti/Tasks.js"
import type { Recorder } from "../../testing/core/Recorder.js"
import { TestServer } from "../../testing/core/TestServer.js"
import type { TimeOptions } from "../../testing/solti/Control.js"
import * as Control from "../../testing/solti/Control.js"
import type { Emulator, FrontOptions, Options } from "../../testing/solti/Emulator.js"
import { layer as layerEmulator } from "../../testing/solti/Emulator.js"
import type { Faults } from "../../testing/solti/Faults.js"
import { makeFront } from "../../testing/solti/GrpcEmulator.js"
import * as OnSocket from "../../testing/solti/OnSocket.js"

export { type Address, ListenError } from "../../server/core/NodeServer.js"
export { ApiHandler } from "../../server/solti/ApiHandler.js"
export { Supervisor } from "../../server/solti/Supervisor.js"
export { Tasks } from "../../services/solti/Tasks.js"
export { Recorder } from "../../testing/core/Recorder.js"
export { TestServer } from "../../testing/core/TestServer.js"
export { Emulator } from "../../testing/solti/Emulator.js"
export { Faults } from "../../testing/solti/Faults.js"

const layerPlane = (options: FrontOptions): Layer.Layer<Tasks, never, ApiHandler | Faults | Recorder> =>
  Layer.effect(
    Tasks,
    Effect.gen(function*() {
      const front = yield* makeFront(options)
      return internal.make(Rpc.make({
        connection: yield* InMemoryGrpc.connection(front, maxMessageBytes),
        ...Client.shared(options)
      }))
    })
  )

/**
 * The services of the plane over an emulator that they call by gRPC, in memory. `mode: "0.0.3"` has the service under its
 * later name only (contract 12.1). `keepAlive` says nothing here: a gRPC log sends nothing while it is silent.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options: Options & TimeOptions = {}
): Layer.Layer<Tasks | Emulator | Faults | Recorder | Supervisor | ApiHandler> =>
  layerPlane(options).pipe(
    Layer.provideMerge(layerEmulator(options)),
    Layer.provideMerge(Control.layer(options))
  )

/**
 * The services of the plane over the handler in the context, by gRPC, in memory: to test a handler of one's own from the
 * call of a client to its answer.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerHandler = (
  options: FrontOptions & TimeOptions = {}
): Layer.Layer<Tasks | Faults | Recorder, never, ApiHandler> =>
  Layer.provideMerge(layerPlane(options), Control.layer(options))

/**
 * The emulator on a socket that speaks gRPC in plain text, for clients in other languages and processes: `TestServer` says
 * where. Needs the real clock (`it.live`, `it.scopedLive`).
 *
 * When it is released, the log streams end properly, except in the mode `strict-0.0.2`: there they break off.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerServer = (
  options: OnSocket.Options = {}
): Layer.Layer<TestServer | Emulator | Faults | Recorder | Supervisor | ApiHandler, ListenError> =>
  OnSocket.layer(options, makeFront, TestServer.layerHttp2)
