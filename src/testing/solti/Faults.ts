/**
 * The faults of the Solti emulator, by the operations that they hit.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Api from "../../schemas/solti/Api.js"
import type { ErrorLabel } from "../../schemas/solti/Errors.js"
import { statusOf } from "../../schemas/solti/Errors.js"
import type { FrontRequest, FrontResponse } from "../../server/core/Front.js"
import { frame } from "../../server/core/GrpcFrames.js"
import { isGrpc, toTrailers, trailersOnly } from "../../server/core/GrpcStatus.js"
import { ApiError } from "../../server/solti/ApiHandler.js"
import { toStatus } from "../../server/solti/GrpcError.js"
import * as ProtoJson from "../../server/solti/ProtoJson.js"
import * as Sse from "../../streams/core/Sse.js"
import * as Fault from "../core/Fault.js"
import * as Core from "../core/Faults.js"
import type { Mode } from "./Mode.js"
import { settings } from "./Mode.js"

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

const ofEndpoint = Core.operations(endpoints)

/** The same over gRPC, by the name of the method. */
const ofMethod: Readonly<Record<string, Operation>> = {
  SubmitTask: "submit",
  ApplyTask: "apply",
  GetTaskStatus: "get",
  ListTasks: "list",
  ListTaskRuns: "runs",
  DeleteTask: "delete",
  StreamTaskLogs: "logs"
}

/**
 * What a request asks a server of this mode for, over HTTP or gRPC. A service that it does not have is asked for nothing:
 * clients try both names, and a fault is for the one that would have answered.
 *
 * @since 0.1.0
 * @category utils
 */
export const operationOf = (mode: Mode) => (request: FrontRequest): Operation | undefined => {
  if (!isGrpc(request)) return ofEndpoint(request)
  const [, service, name = ""] = /^\/([\w.]+)\/(\w+)$/.exec(request.target) ?? []
  return service === settings[mode].grpc.service && Object.hasOwn(ofMethod, name) ? ofMethod[name] : undefined
}

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
   * The control for a server of this mode (default `intended`), with the rules that are in force from the start.
   *
   * @since 0.1.0
   */
  static readonly layer = (rules: ReadonlyArray<Rule> = [], mode: Mode = "intended"): Layer.Layer<Faults> =>
    Layer.effect(Faults, Core.make(operationOf(mode), rules))
}

/** Over gRPC seconds stand where the server puts them; a date has no place of its own there. */
const refusal = (label: ErrorLabel, detail: string, retryAfter: number | string | undefined): FrontResponse => {
  const seconds = Number(retryAfter)
  const retryAfterSeconds = Number.isFinite(seconds) ? seconds : undefined
  return trailersOnly(
    toTrailers(toStatus(new ApiError({ label, detail, retryAfterSeconds }))),
    retryAfter === undefined || retryAfterSeconds !== undefined ? {} : { "retry-after": String(retryAfter) }
  )
}

const injected = "injected by a test"

/**
 * The server refuses in its own way: over HTTP with its envelope, where status and body go with the label, over gRPC with
 * the code of the label. There the code of `PayloadTooLarge` stands for other shortages as well: its text has to speak of
 * the payload.
 *
 * @since 0.1.0
 * @category faults
 */
export const refuse = (
  label: ErrorLabel,
  message = label === "PayloadTooLarge" ? `the payload is too large: ${injected}` : injected,
  options: { readonly retryAfter?: number | string | undefined } = {}
): Fault.Fault =>
(next, request) =>
  isGrpc(request)
    ? Effect.succeed(refusal(label, message, options.retryAfter))
    : Fault.status(statusOf[label], {
      ...options,
      headers: { "content-type": "application/json" },
      body: ProtoJson.encodeError(label, message)
    })(next, request)

/** `OutputEventProto { lagged: { skipped } }`, by hand: this runs without protobuf as well. */
const laggedMessage = (skipped: number): Uint8Array => {
  const varint: Array<number> = []
  let left = BigInt(Math.min(Number.MAX_SAFE_INTEGER, Math.max(0, Math.trunc(skipped) || 0)))
  do {
    const seven = Number(left & 127n)
    left >>= 7n
    varint.push(left > 0n ? seven | 128 : seven)
  } while (left > 0n)
  return Uint8Array.of(0x22, varint.length + 1, 0x08, ...varint)
}

/**
 * The reader of a log is told, ahead of the event at `at` (counted from 0), that so many events were skipped.
 *
 * @since 0.1.0
 * @category faults
 */
export const lagged = (skipped: number, at = 0): Fault.Fault => (next, request) =>
  Fault.insert(
    at,
    isGrpc(request)
      ? frame(laggedMessage(skipped))
      : Sse.encode({ event: "lagged", data: JSON.stringify({ type: "lagged", skipped }) })
  )(next, request)
