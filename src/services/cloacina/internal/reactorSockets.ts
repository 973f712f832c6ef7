import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { reactor as endpoint } from "../../../schemas/cloacina/api/Sockets.js"
import { decodeState, encodeBoundary } from "../../../streams/cloacina/Boundary.js"
import * as Reactor from "../../../streams/cloacina/Reactor.js"
import type { CallInfo } from "../../core/Plane.js"
import * as Telemetry from "../../core/Telemetry.js"
import * as Transport from "../../core/Transport.js"
import type { Client } from "../Client.js"
import type { ReactorSockets } from "../ReactorSockets.js"
import { invalid } from "./calls.js"
import * as Sockets from "./sockets.js"

/** A call of the SDK that is no request: its span and its metrics. */
const observed = (info: CallInfo) => {
  const metrics = Telemetry.callMetrics(info.operation)
  const spanOptions = Telemetry.spanOptions(info.method, info.route)
  return <A, E extends { readonly _tag: string }, R>(call: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.flatMap(Clock.currentTimeMillis, (start) =>
      call.pipe(
        Effect.onExit((exit) =>
          Effect.map(Clock.currentTimeMillis, (end) => metrics.ended(Telemetry.outcomeOf(exit), end - start))
        ),
        Effect.withSpan(info.operation, spanOptions)
      ))
}

export const make = (client: Client.Service): ReactorSockets.Service => {
  const { info, open } = Sockets.opener(client, "ReactorSockets", "connect", endpoint)
  const connecting = observed(info)
  const commandOf = (name: string) => {
    const own = Transport.callInfo(client, "ReactorSockets", name, endpoint)
    return { info: own, observed: observed(own) }
  }
  const forceFire = commandOf("forceFire")
  const fireWith = commandOf("fireWith")
  const getState = commandOf("getState")
  const pause = commandOf("pause")
  const resume = commandOf("resume")

  return {
    connect: (name, options) =>
      Effect.map(
        connecting(Reactor.make({
          open: open({ path: { name } }, options),
          answerTimeout: options?.answerTimeout ?? "30 seconds",
          policy: options?.reconnect
        })),
        ({ run }) => ({
          forceFire: Effect.asVoid(forceFire.observed(run(forceFire.info, `{"command":"force_fire"}`, "fired"))),
          fireWith: (inputs) =>
            fireWith.observed(Effect.suspend(() => {
              const cache: Array<[string, ReadonlyArray<number>]> = []
              for (const [source, value] of Object.entries(inputs)) {
                const frame = encodeBoundary(value)
                if (Option.isNone(frame)) return Effect.fail(invalid(fireWith.info, source, "must be JSON"))
                cache.push([source, Array.from(frame.value)])
              }
              const command = JSON.stringify({ command: "fire_with", cache: Object.fromEntries(cache) })
              return Effect.asVoid(run(fireWith.info, command, "fired"))
            })),
          getState: getState.observed(Effect.map(
            run(getState.info, `{"command":"get_state"}`, "state"),
            ({ cache }) =>
              Object.fromEntries(Object.entries(cache).map(([source, value]) => [source, decodeState(value)]))
          )),
          pause: Effect.asVoid(pause.observed(run(pause.info, `{"command":"pause"}`, "paused"))),
          resume: Effect.asVoid(resume.observed(run(resume.info, `{"command":"resume"}`, "resumed")))
        })
      )
  }
}
