/**
 * A Solti server for tests: the HTTP front and the state machine of the real one, with scripts in place of processes.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import type { Front } from "../../server/core/Front.js"
import { ApiHandler } from "../../server/solti/ApiHandler.js"
import * as HttpFront from "../../server/solti/HttpFront.js"
import type { Options as SupervisorOptions } from "../../server/solti/Supervisor.js"
import { Supervisor } from "../../server/solti/Supervisor.js"
import * as SupervisorApiAdapter from "../../server/solti/SupervisorApiAdapter.js"
import { Recorder } from "../core/Recorder.js"
import * as VirtualTime from "../core/VirtualTime.js"
import type { Rule } from "./Faults.js"
import { Faults } from "./Faults.js"
import type { Mode } from "./Mode.js"
import { settings } from "./Mode.js"
import type { Script } from "./Script.js"
import * as ScriptRunner from "./ScriptRunner.js"
import * as Survivors from "./Survivors.js"

/**
 * What the front of an emulator, or of a handler under test, is made of.
 *
 * - `mode`: default `intended`
 * - `faults`: in force from the start; more can be injected while a test runs
 * - `token`: asked for as a bearer token; default none
 * - `keepAlive`: after how much silence a log stream sends a comment; default 15 s
 *
 * @since 0.1.0
 * @category models
 */
export interface FrontOptions {
  readonly mode?: Mode | undefined
  readonly faults?: ReadonlyArray<Rule> | undefined
  readonly token?: Redacted.Redacted | undefined
  readonly keepAlive?: Duration.DurationInput | undefined
}

/**
 * - `scripts`: what tasks do; the first that matches is played. Without one, a subprocess succeeds at once
 * - `supervisor`: limits and times of the supervisor, as for the real one; nothing is ever too old unless this says so
 *
 * @since 0.1.0
 * @category models
 */
export interface Options extends FrontOptions {
  readonly scripts?: ReadonlyArray<Script> | undefined
  readonly supervisor?: Omit<SupervisorOptions, "runners" | "semantics"> | undefined
}

/**
 * The control of an emulator.
 *
 * @since 0.1.0
 * @category context
 */
export class Emulator extends Context.Tag("effect-switchyard/solti/testing/Emulator")<Emulator, Emulator.Service>() {}

/**
 * @since 0.1.0
 */
export declare namespace Emulator {
  /**
   * @since 0.1.0
   * @category models
   */
  export interface Service {
    readonly mode: Mode
    /** Adds a script, which is asked before those that are there. Tasks that have been submitted keep theirs. */
    readonly script: (script: Script) => Effect.Effect<void>
  }
}

/** In-process tasks have no place on the wire, so a test reaches them here. */
type Parts = Emulator | Supervisor | ApiHandler

/**
 * The emulator behind its front.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: Options = {}): Layer.Layer<Parts> => {
  const mode = options.mode ?? "intended"
  const { behavior, semantics } = settings[mode]
  return Layer.unwrapScoped(Effect.gen(function*() {
    const survivors = yield* Survivors.make
    const scripted = yield* ScriptRunner.make(options.scripts ?? [], behavior, survivors)
    const supervisor = Supervisor.layer({
      runTtl: Duration.infinity,
      taskTtl: Duration.infinity,
      ...options.supervisor,
      runners: [scripted.runner],
      semantics
    })
    // Before the supervisor is released: it would wait for what lives on, and for a clock that nobody turns any more.
    const release = Effect.zipRight(survivors.close, Scope.extend(VirtualTime.passing(), yield* Effect.scope))
    const emulator = Layer.scoped(
      Emulator,
      Effect.as(
        Effect.zipRight(Supervisor, Effect.addFinalizer(() => release)),
        { mode, script: (script) => Effect.sync(() => scripted.add(script)) }
      )
    )
    const handler = Layer.effect(
      ApiHandler,
      Effect.map(Supervisor, (supervisor) => {
        const adapter = SupervisorApiAdapter.make(supervisor)
        if (behavior === "intended") return adapter
        return {
          ...adapter,
          streamTaskLogs: (id) => Effect.flatMap(supervisor.logs(id), (log) => survivors.join(id, log))
        }
      })
    )
    return Layer.provideMerge(Layer.merge(emulator, handler), supervisor)
  }))
}

/**
 * A front that is recorded, with the faults of the context.
 *
 * @since 0.1.0
 * @category combinators
 */
export const underControl = <R>(
  front: Effect.Effect<Front, never, R>
): Effect.Effect<Front, never, R | Faults | Recorder> =>
  Effect.map(Effect.all([front, Faults, Recorder]), ([front, faults, recorder]) => recorder.front(faults.wrap(front)))

/**
 * The front of the handler in the context, in the form that the mode gives it, recorded and with its faults.
 *
 * @since 0.1.0
 * @category constructors
 */
export const makeFront = (
  options: FrontOptions = {}
): Effect.Effect<Front, never, ApiHandler | Faults | Recorder> => {
  const { apply, submitLimit } = settings[options.mode ?? "intended"]
  const { keepAlive, token } = options
  return underControl(HttpFront.make({ apply, submitLimit, keepAlive, token }))
}
