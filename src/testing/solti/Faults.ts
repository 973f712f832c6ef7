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
import type { FrontRequest } from "../../server/core/Front.js"
import * as ProtoJson from "../../server/solti/ProtoJson.js"
import * as Sse from "../../streams/core/Sse.js"
import * as Fault from "../core/Fault.js"
import * as Core from "../core/Faults.js"
import type { Mode } from "./Mode.js"

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

const isGrpc = ({ headers }: FrontRequest): boolean => headers["content-type"]?.startsWith("application/grpc") === true

/** The service that has the operations, by its name before 0.0.3 and since. */
const pathBefore = /^\/solti\.v1\.SoltiApi\/(\w+)$/

const pathSince = /^\/solti\.task\.v1\.TaskService\/(\w+)$/

/**
 * What a request asks a server of this mode for, over HTTP or gRPC. A service that it does not have is asked for nothing:
 * clients try both names, and a fault is for the one that would have answered.
 *
 * @since 0.1.0
 * @category utils
 */
export const operationOf = (mode: Mode) => (request: FrontRequest): Operation | undefined => {
  if (!isGrpc(request)) return ofEndpoint(request)
  const name = (mode === "0.0.3" ? pathSince : pathBefore).exec(request.target)?.[1] ?? ""
  return Object.hasOwn(ofMethod, name) ? ofMethod[name] : undefined
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

/** The code that goes with a label (contract 3.5). */
const codeOf: Readonly<Record<ErrorLabel, number>> = {
  InvalidRequest: 3,
  Unauthenticated: 16,
  TaskNotFound: 5,
  AlreadyExists: 6,
  PayloadTooLarge: 8,
  Internal: 13,
  Unavailable: 14
}

/** Over gRPC seconds stand where the server puts them; a date has no place of its own there. */
const waitOf = (retryAfter: number | string | undefined): Readonly<Record<string, string>> =>
  retryAfter === undefined
    ? {}
    : Number.isFinite(Number(retryAfter))
    ? { "grpc-retry-pushback-ms": String(Math.ceil(Number(retryAfter) * 1000)) }
    : { "retry-after": String(retryAfter) }

/** What is no Unicode comes as U+FFFD, as from the server. */
const percentEncoded = (text: string): string =>
  encodeURIComponent(new TextDecoder().decode(new TextEncoder().encode(text)))

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
    ? Fault.status(200, {
      headers: {
        "content-type": "application/grpc",
        "grpc-status": String(codeOf[label]),
        "grpc-message": percentEncoded(message),
        ...waitOf(options.retryAfter)
      }
    })(next, request)
    : Fault.status(statusOf[label], {
      ...options,
      headers: { "content-type": "application/json" },
      body: ProtoJson.encodeError(label, message)
    })(next, request)

/** `OutputEventProto { lagged: { skipped } }` behind the head of its length, by hand: this runs without protobuf as well. */
const laggedMessage = (skipped: number): Uint8Array => {
  const varint: Array<number> = []
  let left = BigInt(Math.min(Number.MAX_SAFE_INTEGER, Math.max(0, Math.trunc(skipped) || 0)))
  do {
    const seven = Number(left & 127n)
    left >>= 7n
    varint.push(left > 0n ? seven | 128 : seven)
  } while (left > 0n)
  const field = [0x22, varint.length + 1, 0x08, ...varint]
  return Uint8Array.of(0, 0, 0, 0, field.length, ...field)
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
      ? laggedMessage(skipped)
      : Sse.encode({ event: "lagged", data: JSON.stringify({ type: "lagged", skipped }) })
  )(next, request)
