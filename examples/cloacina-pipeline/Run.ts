/** Deploys a package, starts its workflow, and watches it to its end. */
import * as Cloacina from "effect-switchyard/cloacina"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import { View } from "./View.js"

export interface Result {
  readonly workflow: string
  readonly outcome: Cloacina.Outcome
}

const deploy = (source: Cloacina.PackageInput) =>
  Effect.gen(function*() {
    const workflows = yield* Cloacina.Workflows
    const view = yield* View
    // What may be left of the loading is waited for when the workflow is started.
    return yield* workflows.deployPhases(source, { loadWithin: 0 }).pipe(
      Stream.tap((phase) => {
        const line = Cloacina.renderPhase(phase)
        return phase.type === "uploading" || phase.type === "building"
          ? view.busy(line)
          : Effect.zipRight(view.say(line), view.busy("building"))
      }),
      Stream.filterMap((phase) => phase.type === "ready" ? Option.some(phase.deployment) : Option.none()),
      Stream.runHead,
      Effect.flatten
    )
  })

/**
 * Runs the workflow of a package. Nothing in the server's API cancels an execution: when this is interrupted, it goes on,
 * and that is said.
 */
export const run = (source: Cloacina.PackageInput, context: Readonly<Record<string, unknown>>) =>
  Effect.scoped(Effect.gen(function*() {
    const executions = yield* Cloacina.Executions
    const view = yield* View
    const { workflow } = yield* deploy(source)
    yield* view.busy("waiting for a runner to load it")

    // The log says how it ends; this is for the eye.
    const look = (id: string) => Effect.ignore(Effect.flatMap(executions.tasks(id), view.tasks))
    const watch = (id: string) =>
      Effect.zipRight(look(id), Effect.forkScoped(Effect.repeat(look(id), Schedule.spaced("200 millis"))))
    let executionId = ""
    const outcome = yield* executions.executeAndFollow(workflow, { context, waitUntilLoaded: "15 seconds" }).pipe(
      Stream.tap((item) => {
        if (item.type === "ended") return view.tasks(item.outcome.tasks)
        if (item.type === "event") return view.item(item)
        executionId = item.executionId
        return Effect.zipRight(view.item(item), watch(executionId))
      }),
      Stream.filterMap((item) => item.type === "ended" ? Option.some(item.outcome) : Option.none()),
      Stream.runHead,
      Effect.flatten,
      Effect.onInterrupt(() =>
        executionId === ""
          ? Effect.void
          : view.say(`- execution ${executionId} goes on: the server has no way to cancel it`)
      )
    )
    const result: Result = { workflow, outcome }
    return result
  }))
