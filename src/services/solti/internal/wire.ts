import * as Arr from "effect/Array"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import { toArray } from "effect/Option"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { CommonError, InvalidInput } from "../../../schemas/core/Errors.js"
import type { TaskNotFound } from "../../../schemas/solti/Errors.js"
import type { LogEvent } from "../../../schemas/solti/Logs.js"
import type { CreateSpec, Task, TaskPage, TaskRun } from "../../../schemas/solti/Tasks.js"
import type { CallOptions } from "../../core/CallOptions.js"
import type { CallInfo } from "../../core/Plane.js"
import { scriptText } from "../Spec.js"
import type { ListQuery, SubmitError, Version } from "../Tasks.js"

type ByIdError = InvalidInput | TaskNotFound | CommonError

/** Which call of the wire a failure is told of. */
type Route = "submit" | "apply" | "get" | "logs" | "delete"

/** The calls of the plane, one by one, over one of its wires. */
export interface Wire {
  /** Where a call goes, in the name of a method of the service. */
  readonly info: (method: string, route: Route) => CallInfo
  /** The id that the server gave. */
  readonly submit: (spec: CreateSpec, options?: CallOptions) => Effect.Effect<string, SubmitError>
  readonly apply: (spec: CreateSpec, options?: CallOptions) => Effect.Effect<string, SubmitError>
  readonly get: (id: string, options?: CallOptions) => Effect.Effect<Option.Option<Task>, ByIdError>
  readonly list: (query: ListQuery, options?: CallOptions) => Effect.Effect<TaskPage, InvalidInput | CommonError>
  /** As `list`, for who wants all: whatever the length of the answer. */
  readonly page: (
    query: ListQuery & { readonly offset: number; readonly limit: number },
    options?: CallOptions
  ) => Effect.Effect<ReadonlyArray<Task>, InvalidInput | CommonError>
  readonly runs: (id: string, options?: CallOptions) => Effect.Effect<ReadonlyArray<TaskRun>, ByIdError>
  readonly delete: (id: string, options?: CallOptions) => Effect.Effect<void, ByIdError>
  /** Done when the server has accepted; over gRPC it may still refuse ahead of the first event. */
  readonly openLogs: (
    id: string,
    options?: CallOptions
  ) => Effect.Effect<Stream.Stream<LogEvent, ByIdError>, ByIdError, Scope.Scope>
  readonly version: (options?: CallOptions) => Effect.Effect<Version, InvalidInput | CommonError>
}

/** How long a delete may take: the server waits for the task for up to its grace period (contract 8.8). */
export const deleteTotal = "70 seconds"

/** What of a spec must not show up in errors. */
export const secretsOf = (spec: CreateSpec): ReadonlyArray<string> => {
  const { kind } = spec
  if ("wasm" in kind) return kind.wasm.env.map(({ value }) => value)
  if ("container" in kind) return kind.container.env.map(({ value }) => value)
  if ("unknown" in kind) return []
  const values = kind.subprocess.env.map(({ value }) => value)
  if ("command" in kind.subprocess) return values
  const { script } = kind.subprocess
  return Arr.appendAll([...values, script.body], toArray(scriptText(script)))
}
