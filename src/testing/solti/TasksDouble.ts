/**
 * A double of the `Tasks` service: for programs of which only a few calls matter.
 *
 * @since 0.1.0
 */
import * as Layer from "effect/Layer"
import { Tasks } from "../../services/solti/Tasks.js"
import * as Double from "../core/Double.js"

const nameOf = (method: keyof Tasks.Service): string => `solti.Tasks.${method}`

const unexpected: Tasks.Service = {
  submit: Double.effect(nameOf("submit")),
  apply: Double.effect(nameOf("apply")),
  get: Double.effect(nameOf("get")),
  list: Double.effect(nameOf("list")),
  iterate: Double.stream(nameOf("iterate")),
  runs: Double.effect(nameOf("runs")),
  delete: Double.effect(nameOf("delete")),
  deleteConfirmed: Double.effect(nameOf("deleteConfirmed")),
  logs: Double.stream(nameOf("logs")),
  await: Double.effect(nameOf("await")),
  follow: Double.stream(nameOf("follow")),
  submitAndFollow: Double.stream(nameOf("submitAndFollow")),
  version: Double.effect(nameOf("version"))
}

/**
 * The methods that are given; a call of any other one ends the program with the defect `UnexpectedCall`, which names it.
 *
 * @example
 * ```ts
 * import * as Solti from "effect-switchyard/solti"
 * import * as SoltiTesting from "effect-switchyard/solti/testing"
 * import * as Effect from "effect/Effect"
 * import * as Option from "effect/Option"
 *
 * export const program = Effect.flatMap(Solti.Tasks, (tasks) => tasks.get("default-build-7")).pipe(
 *   Effect.provide(SoltiTesting.tasks({ get: () => Effect.succeed(Option.none()) }))
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const tasks = (methods: Partial<Tasks.Service>): Layer.Layer<Tasks> =>
  Layer.succeed(Tasks, { ...unexpected, ...methods })
