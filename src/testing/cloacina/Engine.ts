/**
 * The engine of the emulator: packages, executions, instances, triggers, with scripts in place of builds and tasks
 * (contract 4.7 to 4.10).
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type * as Scope from "effect/Scope"
import * as Executions from "./Executions.js"
import { type Handler, type Refusal, refuse } from "./Handler.js"
import * as Instances from "./Instances.js"
import * as EngineState from "./internal/EngineState.js"
import type { Values } from "./Script.js"
import * as Triggers from "./Triggers.js"
import * as Workflows from "./Workflows.js"
import type { World } from "./World.js"

/**
 * The engine: its routes, and what can be done to it without a call.
 *
 * @since 0.1.0
 * @category models
 */
export interface Engine {
  readonly handlers: ReadonlyArray<Handler>
  /** Starts a workflow as the execute route does, with the same refusals; the id of the execution. */
  readonly execute: (tenant: string, workflow: string, context?: Values) => Effect.Effect<string, Refusal>
}

/**
 * An engine with the workflows of the world's options. Its timers end with the scope. An execution from the start that is
 * refused is a defect: the `Refusal`, which says which one.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (world: World): Effect.Effect<Engine, never, Scope.Scope> =>
  Effect.gen(function*() {
    const state = yield* EngineState.make(world)
    const execute: Engine["execute"] = (tenant, workflow, context) =>
      Effect.flatten(state.machine.run(() =>
        Either.map(
          Executions.execute(
            state.tenantOf(tenant),
            workflow,
            context === undefined ? undefined : { value: context, floats: new Set() }
          ),
          ({ id }) => id
        )
      ))
    for (const [at, { context, tenant, workflow }] of (world.options.executions ?? []).entries()) {
      yield* execute(tenant, workflow, context).pipe(
        Effect.catchAll(({ code, message, status }) =>
          Effect.die(refuse(status, code, `executions[${at}]: '${workflow}' in '${tenant}' is refused: ${message}`))
        )
      )
    }
    return {
      handlers: [
        ...Executions.make(state),
        ...Instances.make(state),
        ...Triggers.make(state),
        // Last: its path of a version would match those of the others.
        ...Workflows.make(state)
      ],
      execute
    }
  })
