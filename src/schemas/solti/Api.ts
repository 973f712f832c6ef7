/**
 * The six operations of the Solti task API over HTTP (contract chapter 4), declared once for client and servers.
 *
 * @since 0.1.0
 */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import * as Schema from "effect/Schema"
import { declare } from "../core/Endpoint.js"
import { Conflict, InvalidInput, PayloadTooLarge } from "../core/Errors.js"
import { absent, defaulted } from "../core/Wire.js"
import { TaskNotFound } from "./Errors.js"
import { CreateSpec, Task, TaskPage, TaskRun } from "./Tasks.js"

const maxUInt32 = 4294967295

// One filter instead of `int` and `between`, so that a refusal names the whole rule.
const UInt32FromString = Schema.NumberFromString.pipe(
  Schema.filter((n) => Number.isInteger(n) && n >= 0 && n <= maxUInt32, {
    title: `an integer from 0 to ${maxUInt32}`,
    jsonSchema: { type: "integer", minimum: 0, maximum: maxUInt32 }
  })
)

const ById = Schema.Struct({ id: Schema.String })

/**
 * `POST /api/v1/tasks`: each accepted call makes a new task (contract 4.1).
 *
 * @since 0.1.0
 * @category endpoints
 */
export const submit = declare(
  HttpApiEndpoint.post("submit", "/api/v1/tasks")
    .setPayload(Schema.Struct({ spec: CreateSpec }))
    .addSuccess(Schema.Struct({ taskId: Schema.String }), { status: 201 }),
  { repeat: "never", errors: [InvalidInput, PayloadTooLarge, Conflict] }
)

/**
 * `GET /api/v1/tasks/{id}`: absence is `{}` (contract 4.2).
 *
 * @since 0.1.0
 * @category endpoints
 */
export const get = declare(
  HttpApiEndpoint.get("get", "/api/v1/tasks/:id").setPath(ById).addSuccess(Schema.Struct({ task: absent(Task) })),
  { repeat: "safe", errors: [InvalidInput, TaskNotFound] }
)

/**
 * `GET /api/v1/tasks` (contract 4.3). `limit` 0 or absent is 100, above 1000 is 1000.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const list = declare(
  HttpApiEndpoint.get("list", "/api/v1/tasks")
    .setUrlParams(Schema.Struct({
      slot: Schema.optional(Schema.String),
      status: Schema.optional(Schema.String),
      limit: Schema.optional(UInt32FromString),
      offset: Schema.optional(UInt32FromString)
    }))
    .addSuccess(TaskPage),
  { repeat: "safe", errors: [InvalidInput] }
)

/**
 * `GET /api/v1/tasks/{id}/runs`: oldest first, empty for unknown ids (contract 4.4).
 *
 * @since 0.1.0
 * @category endpoints
 */
export const runs = declare(
  HttpApiEndpoint.get("runs", "/api/v1/tasks/:id/runs")
    .setPath(ById)
    .addSuccess(Schema.Struct({ runs: defaulted(Schema.Array(TaskRun), () => []) })),
  { repeat: "safe", errors: [InvalidInput, TaskNotFound] }
)

/**
 * `DELETE /api/v1/tasks/{id}`: stops and purges; unknown ids succeed (contract 4.5).
 *
 * @since 0.1.0
 * @category endpoints
 */
export const remove = declare(
  HttpApiEndpoint.del("delete", "/api/v1/tasks/:id").setPath(ById).addSuccess(HttpApiSchema.NoContent),
  { repeat: "idempotent", errors: [InvalidInput, TaskNotFound] }
)

/**
 * `GET /api/v1/tasks/{id}/logs`: Server-Sent Events (contract chapter 6); 404 where no log is live.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const logs = declare(
  HttpApiEndpoint.get("logs", "/api/v1/tasks/:id/logs")
    .setPath(ById)
    .addSuccess(Schema.String.pipe(HttpApiSchema.withEncoding({ kind: "Text", contentType: "text/event-stream" }))),
  { repeat: "safe", errors: [InvalidInput, TaskNotFound] }
)

/**
 * `PUT /api/v1/tasks`: submit with admission REPLACE; servers from 0.0.3 (contract 12.1).
 *
 * @since 0.1.0
 * @category endpoints
 */
export const apply = declare(
  HttpApiEndpoint.put("apply", "/api/v1/tasks")
    .setPayload(Schema.Struct({ spec: CreateSpec }))
    .addSuccess(Schema.Struct({ taskId: Schema.String })),
  { repeat: "never", errors: [InvalidInput, PayloadTooLarge, Conflict] }
)

/**
 * `PUT /api/v1/tasks` with an empty body: 405 before 0.0.3, 400 from it on, no side effect (contract 12.3).
 *
 * @since 0.1.0
 * @category endpoints
 */
export const probeApply = declare(
  HttpApiEndpoint.put("version", "/api/v1/tasks").setPayload(Schema.Struct({})).addSuccess(Schema.Unknown),
  { repeat: "safe", errors: [InvalidInput] }
)

/**
 * `GET /apis/solti.io/v1/tasks`: the list of 0.0.4 and later (contract 12.3).
 *
 * @since 0.1.0
 * @category endpoints
 */
export const probeLater = declare(
  HttpApiEndpoint.get("version", "/apis/solti.io/v1/tasks")
    .setUrlParams(Schema.Struct({ limit: Schema.optional(UInt32FromString) }))
    .addSuccess(Schema.Struct({ kind: Schema.Literal("TaskList") })),
  { repeat: "safe", errors: [InvalidInput] }
)
