/**
 * An emulator on a socket, over either wire.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Front } from "../../server/core/Front.js"
import type { ListenError, ListenOptions } from "../../server/core/NodeServer.js"
import type { ApiHandler } from "../../server/solti/ApiHandler.js"
import { Supervisor } from "../../server/solti/Supervisor.js"
import type { Recorder } from "../core/Recorder.js"
import type { TestServer } from "../core/TestServer.js"
import * as Control from "./Control.js"
import type { Emulator, Options as EmulatorOptions } from "./Emulator.js"
import { layer as layerEmulator } from "./Emulator.js"
import { Faults } from "./Faults.js"

/**
 * `host`: default loopback; `port`: default 0, a free one.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options extends EmulatorOptions, Pick<ListenOptions, "host" | "port"> {}

type Parts = ApiHandler | Faults | Recorder

/**
 * The emulator behind the front of a wire, on a server of it. When it is released, the log streams end properly, except in
 * the mode `strict-0.0.2`: there they break off.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options: Options,
  makeFront: (options: Options) => Effect.Effect<Front, never, Parts>,
  serve: (
    front: Effect.Effect<Front, never, Parts>,
    options: ListenOptions
  ) => Layer.Layer<TestServer, ListenError, Parts>
): Layer.Layer<TestServer | Emulator | Supervisor | Parts, ListenError> =>
  Layer.unwrapEffect(
    Effect.map(Effect.zip(Supervisor, Faults), ([supervisor, faults]) =>
      serve(makeFront(options), {
        host: options.host,
        port: options.port,
        drain: options.mode === "strict-0.0.2" ? Effect.asVoid(faults.disconnect) : supervisor.shutdown
      }))
  ).pipe(
    Layer.provideMerge(layerEmulator(options)),
    Layer.provideMerge(Control.layerLive(options))
  )
