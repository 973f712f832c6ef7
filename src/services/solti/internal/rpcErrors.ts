import type { CommonError, InputIssue } from "../../../schemas/core/Errors.js"
import {
  Conflict,
  DecodeError,
  Forbidden,
  Internal,
  InvalidInput,
  PayloadTooLarge,
  RateLimited,
  Unauthorized,
  Unavailable,
  UnexpectedStatus,
  VersionMismatch
} from "../../../schemas/core/Errors.js"
import { TaskNotFound } from "../../../schemas/solti/Errors.js"
import type { Resolved } from "../../core/CallOptions.js"
import { timedOut } from "../../core/Failure.js"
import { fieldsOf, type RpcAnswer } from "../../core/RpcAnswers.js"

export type SoltiError = InvalidInput | TaskNotFound | Conflict | PayloadTooLarge

const expected = "solti.v1.SoltiApi (0.0.2) or solti.task.v1.TaskService (0.0.3)"

/** Whether a text speaks of a number of requests: what else runs out is room for a message (contract 3.5). */
const isAboutRate = (text: string): boolean => /\brate\b|\bquota\b|too many/i.test(text)

/** An answer of a proxy: it has an HTTP status and no gRPC status. */
const fromStatus = (answer: RpcAnswer, status: number): SoltiError | CommonError => {
  const fields = (detail: string) => fieldsOf(answer, `${detail} (HTTP ${status})`)
  switch (status) {
    case 401:
      return new Unauthorized(fields("no access without another token"))
    case 403:
      return new Forbidden(fields("the token does not allow this"))
    case 404:
    case 405:
    case 415:
    case 505:
      return new VersionMismatch({ ...fields("there is no gRPC service here"), expected })
    case 413:
      return new PayloadTooLarge(fields("the message is too large"))
    case 429:
      return new RateLimited({ ...fields("too many requests"), retryAfterMs: answer.retryAfterMs })
    case 500:
      return new Internal(fields("the server failed"))
    case 502:
    case 503:
    case 504:
      return new Unavailable({ ...fields("the server is not available"), retryAfterMs: answer.retryAfterMs })
    default:
      return new UnexpectedStatus(fields("an answer that is not gRPC"))
  }
}

const taskIdOf = (message: object): string =>
  "taskId" in message && typeof message.taskId === "string" ? message.taskId : ""

/** What a status of a Solti server means (contract 3.5, 3.6). */
export const toError = (answer: RpcAnswer, limits: Resolved, message: object): SoltiError | CommonError => {
  if (answer.status !== undefined) return fromStatus(answer, answer.status)
  const { retryAfterMs, text, violations } = answer
  const fields = (fallback: string) => fieldsOf(answer, fallback)
  switch (answer.code) {
    case "INVALID_ARGUMENT": {
      const issues: ReadonlyArray<InputIssue> = violations.length > 0 ? violations : [{ path: "", message: text }]
      return new InvalidInput({ ...fields("the server refuses the request"), issues })
    }
    case "UNAUTHENTICATED":
      return new Unauthorized(fields("the server does not accept the token, or wants one"))
    case "PERMISSION_DENIED":
      return new Forbidden(fields("the token does not allow this"))
    case "NOT_FOUND":
      return new TaskNotFound({
        ...fields("no such task"),
        detail: "no such task, or none with a live log",
        taskId: taskIdOf(message)
      })
    case "UNIMPLEMENTED":
      return new VersionMismatch({
        ...fields("the server does not have this service or operation: another version of the API"),
        expected: answer.operation === "solti.Tasks.apply" ? "0.0.3" : expected
      })
    case "ALREADY_EXISTS":
    case "ABORTED":
      return new Conflict(fields("conflict"))
    case "OUT_OF_RANGE":
    case "RESOURCE_EXHAUSTED":
      if (retryAfterMs !== undefined || answer.code === "RESOURCE_EXHAUSTED" && isAboutRate(text)) {
        return new RateLimited({ ...fields("the server has no room for this now"), retryAfterMs })
      }
      return "spec" in message
        ? new PayloadTooLarge(fields("the spec is too large for the server"))
        : new DecodeError({
          ...fields("the answer is too large for the server to send"),
          // Not the reason: `isTooLarge` asks for it.
          code: answer.code,
          path: "",
          expected: "an answer within the server's limit"
        })
    case "DEADLINE_EXCEEDED":
      return timedOut(answer, "total", limits.totalMs)
    case "FAILED_PRECONDITION":
    case "UNAVAILABLE":
    case "CANCELLED":
      return new Unavailable({ ...fields("the server is not available"), retryAfterMs })
    case "INTERNAL":
    case "UNKNOWN":
    case "DATA_LOSS":
      return new Internal(fields("the server failed"))
  }
}

/** Whether an answer did not fit into a message. */
export const isTooLarge = (error: { readonly _tag: string; readonly code?: string | undefined }): boolean =>
  error._tag === "DecodeError" && (error.code === "RESOURCE_EXHAUSTED" || error.code === "OUT_OF_RANGE")
