import * as Effect from "effect/Effect"
import type { CommonError } from "../../../schemas/core/Errors.js"
import { DecodeError, TransportError } from "../../../schemas/core/Errors.js"
import * as Api from "../../../schemas/solti/Api.js"
import type { CreateSpec } from "../../../schemas/solti/Tasks.js"
import * as Logs from "../../../streams/solti/Logs.js"
import * as Transport from "../../core/Transport.js"
import type { Client } from "../Client.js"
import type { Wire } from "./wire.js"
import { deleteTotal, secretsOf } from "./wire.js"

const routes = { submit: Api.submit, apply: Api.apply, get: Api.get, logs: Api.logs, delete: Api.remove }

/** The plane over HTTP. */
export const make = (plane: typeof Client.Service): Wire => {
  const transport = Transport.make(plane, "Tasks")
  const submitSettings = { secrets: (input: { payload: { spec: CreateSpec } }) => secretsOf(input.payload.spec) }
  const callSubmit = transport.unary("submit", Api.submit, submitSettings)
  const callApply = transport.unary("apply", Api.apply, submitSettings)
  const callGet = transport.unary("get", Api.get)
  const callList = transport.unary("list", Api.list)
  const callRuns = transport.unary("runs", Api.runs)
  const callDelete = transport.unary("delete", Api.remove, { total: deleteTotal })
  const callProbeApply = transport.unary("version", Api.probeApply)
  const callProbeLater = transport.unary("version", Api.probeLater)
  const openBody = transport.open("logs", Api.logs, "text/event-stream")

  const info: Wire["info"] = (method, route) => Transport.callInfo(plane, "Tasks", method, routes[route])
  const logsInfo = info("logs", "logs")

  const list: Wire["list"] = (query, options) => callList({ urlParams: query }, options)

  return {
    info,
    submit: (spec, options) => Effect.map(callSubmit({ payload: { spec } }, options), ({ taskId }) => taskId),
    apply: (spec, options) => Effect.map(callApply({ payload: { spec } }, options), ({ taskId }) => taskId),
    get: (id, options) => Effect.map(callGet({ path: { id } }, options), ({ task }) => task),
    list,
    page: (query, options) => Effect.map(list(query, options), ({ tasks }) => tasks),
    runs: (id, options) => Effect.map(callRuns({ path: { id } }, options), ({ runs }) => runs),
    delete: (id, options) => callDelete({ path: { id } }, options),
    openLogs: (id, options) =>
      Effect.map(openBody({ path: { id } }, options), (body) =>
        Logs.decode(body, {
          broken: (): CommonError =>
            new TransportError({ ...logsInfo, phase: "response", detail: "the body ended inside an event" }),
          tooLarge: (limit): CommonError =>
            new DecodeError({
              ...logsInfo,
              path: "",
              expected: `an event of at most ${limit} characters`,
              detail: "an event of the log is too large"
            })
        })),
    version: (options) =>
      Effect.matchEffect(list({ limit: 1 }, options), {
        onSuccess: () =>
          callProbeApply({ payload: {} }, options).pipe(
            Effect.as("0.0.3" as const),
            Effect.catchTag("InvalidInput", () => Effect.succeed("0.0.3" as const)),
            Effect.catchIf(
              (error) => error._tag === "VersionMismatch" && error.status === 405,
              () => Effect.succeed("0.0.2" as const)
            )
          ),
        onFailure: (error) =>
          error._tag === "VersionMismatch" && error.status === 404
            ? Effect.as(callProbeLater({ urlParams: { limit: 1 } }, options), "0.0.4" as const)
            : Effect.fail(error)
      })
  }
}
