/**
 * The faults of the Solti emulator, by the operations that they hit.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Layer from "effect/Layer"
import * as Api from "../../schemas/solti/Api.js"
import type { ErrorLabel } from "../../schemas/solti/Errors.js"
import { statusOf } from "../../schemas/solti/Errors.js"
import * as ProtoJson from "../../server/solti/ProtoJson.js"
import * as Sse from "../../streams/core/Sse.js"
import * as Fault from "../core/Fault.js"
import * as Core from "../core/Faults.js"

const endpoints = {
  submit: Api.submit,
  apply: Api.apply,
  get: Api.get,
  list: Api.list,
  runs: Api.runs,
  delete: Api.remove,
  logs: Api.logs
}

/**
 * What a request may ask a Solti server for.
 *
 * @since 0.1.0
 * @category models
 */
export type Operation = keyof typeof endpoints

/**
 * What a request asks for.
 *
 * @since 0.1.0
 * @category utils
 */
export const operationOf = Core.operations(endpoints)

/**
 * A fault with the requests that it hits; see `Rule` of the core.
 *
 * @since 0.1.0
 * @category models
 */
export interface Rule extends Core.Rule<Operation> {}

/**
 * The control of an emulator's faults.
 *
 * @example
 * ```ts
 * import * as Solti from "effect-switchyard/solti"
 * import * as SoltiTesting from "effect-switchyard/solti/testing"
 * import * as Effect from "effect/Effect"
 *
 * export const test = Effect.gen(function*() {
 *   const faults = yield* SoltiTesting.Faults
 *   const tasks = yield* Solti.Tasks
 *   const busy = yield* faults.inject({ on: "get", fault: SoltiTesting.Fault.status(503, { retryAfter: 1 }) })
 *   yield* tasks.get("default-build-1") // asked again a second later
 *   return yield* busy.hits // 1
 * }).pipe(Effect.provide(SoltiTesting.layer()))
 * ```
 *
 * @since 0.1.0
 * @category context
 */
export class Faults extends Context.Tag("effect-switchyard/solti/testing/Faults")<Faults, Core.Faults<Operation>>() {
  /**
   * The control, with the rules that are in force from the start.
   *
   * @since 0.1.0
   */
  static readonly layer = (rules: ReadonlyArray<Rule> = []): Layer.Layer<Faults> =>
    Layer.effect(Faults, Core.make(operationOf, rules))
}

/**
 * The server refuses, with its own envelope: status and body go with the label.
 *
 * @since 0.1.0
 * @category faults
 */
export const refuse = (
  label: ErrorLabel,
  message = "injected by a test",
  options: { readonly retryAfter?: number | string | undefined } = {}
): Fault.Fault =>
  Fault.status(statusOf[label], {
    ...options,
    headers: { "content-type": "application/json" },
    body: ProtoJson.encodeError(label, message)
  })

/**
 * The reader of a log is told, ahead of the event at `at` (counted from 0), that so many events were skipped.
 *
 * @since 0.1.0
 * @category faults
 */
export const lagged = (skipped: number, at = 0): Fault.Fault =>
  Fault.insert(at, Sse.encode({ event: "lagged", data: JSON.stringify({ type: "lagged", skipped }) }))
