/**
 * Failures as one line for people, one object for programs, and an exit code.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import type { CallFields, InputIssue } from "../../schemas/core/Errors.js"
import { ExitCode } from "./ExitCode.js"

/**
 * Ends the command with an exit code. An empty `message` says nothing: it has been said already.
 *
 * @since 0.1.0
 * @category errors
 */
export class Stop extends Data.TaggedError("Stop")<{ readonly code: number; readonly message: string }> {}

/**
 * Ends the command because it was called in a way that cannot work.
 *
 * @since 0.1.0
 * @category constructors
 */
export const usage = (message: string): Stop => new Stop({ code: ExitCode.usage, message })

/** The errors of all planes; what is not found ends in `NotFound`. */
const codes = {
  InvalidInput: ExitCode.usage,
  InvalidOptions: ExitCode.usage,
  PayloadTooLarge: ExitCode.usage,
  PackageUnreadable: ExitCode.usage,
  Conflict: ExitCode.failed,
  VersionTaken: ExitCode.failed,
  BuildFailed: ExitCode.failed,
  Superseded: ExitCode.failed,
  ExecutionFailed: ExitCode.failed,
  Unauthorized: ExitCode.auth,
  Forbidden: ExitCode.auth,
  RateLimited: ExitCode.unavailable,
  Unavailable: ExitCode.unavailable,
  Internal: ExitCode.unavailable,
  TransportError: ExitCode.unavailable,
  Timeout: ExitCode.unavailable,
  StreamInterrupted: ExitCode.unavailable,
  VersionMismatch: ExitCode.mismatch,
  NotImplemented: ExitCode.mismatch,
  UnexpectedStatus: ExitCode.mismatch,
  DecodeError: ExitCode.mismatch
} as const

/**
 * An error of the library that a command may end with: the compiler refuses one that has no exit code.
 *
 * @since 0.1.0
 * @category models
 */
export interface LibraryError extends Partial<CallFields> {
  readonly _tag: keyof typeof codes | `${string}NotFound`
  readonly message: string
  readonly issues?: ReadonlyArray<InputIssue>
}

/**
 * What a failed command says, and its exit code. With `--json` it is one JSON object on stderr.
 *
 * @since 0.1.0
 * @category models
 */
export interface Failure {
  readonly error: string
  readonly message: string
  readonly exitCode: number
  readonly status?: number | undefined
  readonly code?: string | undefined
  readonly requestId?: string | undefined
}

const isShared = (tag: string): tag is keyof typeof codes => Object.hasOwn(codes, tag)

const oneLine = (text: string): string => text.replace(/\s+/g, " ").trim()

const told = (error: LibraryError): string => {
  if (error.issues !== undefined && error.issues.length > 0) {
    return error.issues.map(({ message, path }) => path === "" ? message : `${path}: ${message}`).join("; ")
  }
  return error.detail ?? error.message
}

/**
 * The failure of a command. `where` names the server in errors about reaching it.
 *
 * @since 0.1.0
 * @category conversions
 */
export const fromError = (error: Stop | LibraryError, where?: string): Failure => {
  if (error._tag === "Stop") return { error: error._tag, message: error.message, exitCode: error.code }
  const { code, requestId, status } = error
  const exitCode = isShared(error._tag) ? codes[error._tag] : ExitCode.notFound
  const place = where !== undefined && exitCode === ExitCode.unavailable ? `${where}: ` : ""
  return { error: error._tag, message: oneLine(place + told(error)), exitCode, status, code, requestId }
}

/**
 * The line that a person reads.
 *
 * @since 0.1.0
 * @category conversions
 */
export const render = (failure: Failure): string => {
  const facts = [
    ...(failure.status === undefined ? [] : [`HTTP ${failure.status}`]),
    ...(failure.requestId === undefined ? [] : [`request ${failure.requestId}`])
  ]
  return `switchyard: ${failure.message}${facts.length === 0 ? "" : ` (${facts.join(", ")})`}`
}
