/**
 * A Cloacina server for tests: the front, the rules and the quirks of the real one, with scripts in place of builds and
 * tasks, and everything in memory.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type { Front } from "../../server/core/Front.js"
import { Recorder } from "../core/Recorder.js"
import * as Accounts from "./Accounts.js"
import * as Engine from "./Engine.js"
import * as Faults from "./Faults.js"
import * as Fleet from "./Fleet.js"
import * as CloacinaFront from "./Front.js"
import * as Keys from "./Keys.js"
import * as Operations from "./Operations.js"
import * as Secrets from "./Secrets.js"
import * as Sessions from "./Sessions.js"
import * as Sockets from "./Sockets.js"
import * as Tenants from "./Tenants.js"
import type { Options as WorldOptions, SeedKey } from "./World.js"
import * as World from "./World.js"

/**
 * What an emulator is and has from the start, and what goes wrong.
 *
 * - `faults`: in force from the start; more can be injected while a test runs
 *
 * @since 0.1.0
 * @category models
 */
export interface Options extends WorldOptions {
  readonly faults?: ReadonlyArray<Faults.Rule> | undefined
}

/**
 * The control of an emulator.
 *
 * @since 0.1.0
 * @category context
 */
export class Emulator extends Context.Tag("effect-switchyard/cloacina/testing/Emulator")<
  Emulator,
  Emulator.Service
>() {}

/**
 * @since 0.1.0
 */
export declare namespace Emulator {
  /**
   * @since 0.1.0
   * @category models
   */
  export interface Service {
    /** The god key. */
    readonly key: Redacted.Redacted
    /** Makes a key without a call; `key` of the argument is its text, made up by default. */
    readonly issueKey: (key: SeedKey) => Effect.Effect<Redacted.Redacted>
    /** Makes `/ready` answer 503 with this reason, or 200 again without one. */
    readonly setNotReady: (reason: string | undefined) => Effect.Effect<void>
    /** The server without sockets, faults and records. */
    readonly front: Front
  }
}

/**
 * The emulator.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options: Options = {}
): Layer.Layer<Emulator | Sockets.Deliveries | Sockets.GraphControl> =>
  Layer.scopedContext(
    Effect.gen(function*() {
      const world = yield* World.make(options)
      const accounts = yield* Accounts.make(world)
      const operations = Operations.make(world)
      // Ahead of the engine, whose packages bring graphs.
      const sockets = yield* Sockets.make(world)
      const engine = yield* Engine.make(world)
      const handlers = [
        ...operations.handlers,
        ...Keys.make(world),
        ...Sessions.make(world, accounts),
        ...accounts.handlers,
        ...Tenants.make(world),
        ...Secrets.make(world),
        ...Fleet.make(world),
        ...engine.handlers,
        ...sockets.handlers
      ]
      const front = CloacinaFront.make(world, handlers, operations.count)
      const emulator: Emulator.Service = {
        key: world.godKey,
        issueKey: ({ key, name, role, tenant = "public" }) =>
          Effect.map(
            world.keys.issue({ name, role, tenant, plaintext: key === undefined ? undefined : Redacted.value(key) }),
            ({ plaintext }) => Redacted.make(plaintext)
          ),
        setNotReady: (reason) =>
          Effect.sync(() => {
            world.health.notReady = reason
          }),
        front
      }
      return Context.make(Emulator, emulator).pipe(
        Context.add(Sockets.Deliveries, sockets.deliveries),
        Context.add(Sockets.GraphControl, sockets.graphs)
      )
    })
  )

/**
 * The front of the emulator in the context, recorded and with its faults.
 *
 * @since 0.1.0
 * @category constructors
 */
export const makeFront: Effect.Effect<Front, never, Emulator | Faults.Faults | Recorder> = Effect.gen(function*() {
  const { front } = yield* Emulator
  const faults = yield* Faults.Faults
  const recorder = yield* Recorder
  return recorder.front(faults.wrap(front))
})
