/**
 * The emulator over gRPC: the same supervisor, scripts, faults and recorder behind the other front.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type { Front } from "../../server/core/Front.js"
import type { ApiHandler } from "../../server/solti/ApiHandler.js"
import * as GrpcFront from "../../server/solti/GrpcFront.js"
import type { Recorder } from "../core/Recorder.js"
import { type FrontOptions, underControl } from "./Emulator.js"
import type { Faults } from "./Faults.js"
import { settings } from "./Mode.js"

/**
 * The front of the handler in the context, in the form that the mode gives it, recorded and with its faults.
 *
 * @since 0.1.0
 * @category constructors
 */
export const makeFront = (
  options: Omit<FrontOptions, "keepAlive"> = {}
): Effect.Effect<Front, never, ApiHandler | Faults | Recorder> => {
  const { apply, grpc: { service, tooLargeCode } } = settings[options.mode ?? "intended"]
  return underControl(GrpcFront.make({ apply, services: [service], tooLargeCode, token: options.token }))
}
