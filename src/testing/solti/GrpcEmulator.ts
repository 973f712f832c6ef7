/**
 * The emulator over gRPC: the same supervisor, scripts, faults and recorder behind the other front.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { Front } from "../../server/core/Front.js"
import * as Grpc from "../../server/core/Grpc.js"
import type { ApiHandler } from "../../server/solti/ApiHandler.js"
import * as GrpcFront from "../../server/solti/GrpcFront.js"
import { Recorder } from "../core/Recorder.js"
import type { FrontOptions } from "./Emulator.js"
import { Faults } from "./Faults.js"
import type { Mode } from "./Mode.js"

/** What a mode sets over gRPC (contract 3.4, 12.1). */
const settings: Readonly<Record<Mode, GrpcFront.Options>> = {
  intended: {},
  "strict-0.0.2": { tooLargeCode: Grpc.codes.OUT_OF_RANGE },
  "0.0.3": { apply: true, services: ["solti.task.v1.TaskService"], tooLargeCode: Grpc.codes.OUT_OF_RANGE }
}

/**
 * The front of the handler in the context, in the form that the mode gives it, recorded and with its faults.
 *
 * @since 0.1.0
 * @category constructors
 */
export const makeFront = (
  options: Omit<FrontOptions, "keepAlive"> = {}
): Effect.Effect<Front, never, ApiHandler | Faults | Recorder> =>
  Effect.gen(function*() {
    const faults = yield* Faults
    const recorder = yield* Recorder
    const front = yield* GrpcFront.make({ ...settings[options.mode ?? "intended"], token: options.token })
    return recorder.front(faults.wrap(front))
  })
