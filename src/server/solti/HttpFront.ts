/**
 * The HTTP face of a Solti server: six routes over an `ApiHandler`, with the statuses, envelopes, limits and plain-text
 * answers of the wire (contract chapters 3, 4 and 6).
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Api from "../../schemas/solti/Api.js"
import { statusOf } from "../../schemas/solti/Errors.js"
import { maxMessageBytes } from "../../schemas/solti/Limits.js"
import type { LogEvent } from "../../schemas/solti/Logs.js"
import type { CreateSpec } from "../../schemas/solti/Tasks.js"
import * as Sse from "../../streams/core/Sse.js"
import * as Bearer from "../core/Bearer.js"
import {
  empty,
  type Front,
  type FrontRequest,
  type FrontResponse,
  json,
  pathOf,
  queryOf,
  StreamBody,
  text
} from "../core/Front.js"
import * as Router from "../core/Router.js"
import { ApiError, ApiHandler } from "./ApiHandler.js"
import { ApiMetrics } from "./ApiMetrics.js"
import { invalid, readId } from "./Input.js"
import * as ListQuery from "./ListQuery.js"
import * as ProtoJson from "./ProtoJson.js"

/**
 * The longest request body of any method, in bytes; what the text of a 413 names.
 *
 * @since 0.1.0
 * @category constants
 */
export const maxRequestBytes = maxMessageBytes

/**
 * - `token`: asked for as `Authorization: Bearer <token>` on every request; without it everyone may do everything
 * - `submitLimit`: the longest body of a submit, in bytes; default {@link maxRequestBytes}, which is also its upper bound
 *   (0.0.2 reads 2 MiB only)
 * - `keepAlive`: after how much silence a log stream sends a comment; default 15 s
 * - `apply`: also answer `PUT /api/v1/tasks`, as 0.0.3 does; default `false`: 405
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  readonly token?: Redacted.Redacted | undefined
  readonly submitLimit?: number | undefined
  readonly keepAlive?: Duration.DurationInput | undefined
  readonly apply?: boolean | undefined
}

const answerError = ({ detail, label, retryAfterSeconds }: ApiError): FrontResponse =>
  json(
    statusOf[label],
    ProtoJson.encodeError(label, detail),
    retryAfterSeconds === undefined ? undefined : { "retry-after": String(retryAfterSeconds) }
  )

const tooLarge = () =>
  new ApiError({ label: "PayloadTooLarge", detail: `request body exceeds the maximum of ${maxRequestBytes} bytes` })

/** `application/json` or `application/…+json`, in any case, with or without parameters (contract 5.1). */
const isJson = (contentType: string | undefined): boolean =>
  /^application\/(?:json|[^\s;]+\+json)\s*(?:;|$)/i.test(contentType ?? "")

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

const decodeText = (bytes: Uint8Array): Either.Either<string, ApiError> =>
  Either.try({ try: () => utf8.decode(bytes), catch: () => invalid("request body is not valid UTF-8") })

const readSpec = (request: FrontRequest, limit: number): Effect.Effect<CreateSpec, ApiError> => {
  if (!isJson(request.headers["content-type"])) {
    return Effect.fail(invalid("Expected request with `Content-Type: application/json`"))
  }
  return Effect.flatMap(
    Effect.catchTags(request.bytes(limit), {
      BodyTooLarge: () => Effect.fail(tooLarge()),
      // The client has gone, or has been answered by the time-out: nobody sees this.
      BodyAborted: () => Effect.fail(invalid("request body is incomplete"))
    }),
    (bytes) => Either.flatMap(decodeText(bytes), (body) => Either.mapLeft(ProtoJson.decodeSubmit(body), invalid))
  )
}

const eventNames = { chunk: "chunk", runStarted: "run-started", runFinished: "run-finished", lagged: "lagged" }

/** A frame of a log stream (contract 6.1). */
const encodeEvent = (event: LogEvent): string =>
  Sse.encode({
    event: eventNames[event.type],
    data: JSON.stringify(
      event.type === "runFinished" ? { ...event, exitCode: Option.getOrUndefined(event.exitCode) } : event
    )
  })

const logHeaders = { "content-type": "text/event-stream", "cache-control": "no-cache" }

const routesOf = (handler: ApiHandler.Service, options: Options) => {
  const limit = Math.min(options.submitLimit ?? maxRequestBytes, maxRequestBytes)
  const idle = { after: options.keepAlive ?? "15 seconds", piece: Sse.encodeComment() }
  const submit = Router.route(Api.submit, (request) =>
    Effect.map(
      Effect.flatMap(readSpec(request, limit), handler.submitTask),
      (id) => json(201, ProtoJson.encodeSubmitted(id))
    ))
  const apply = Router.route(Api.apply, (request) =>
    Effect.map(
      Effect.flatMap(
        readSpec(request, limit),
        (spec) => handler.submitTask({ ...spec, admission: "ADMISSION_STRATEGY_REPLACE" })
      ),
      (id) => json(200, ProtoJson.encodeSubmitted(id))
    ))
  return [
    submit,
    Router.route(Api.list, (request) =>
      Either.match(ListQuery.parse(queryOf(request.target)), {
        onLeft: Effect.fail,
        onRight: (query) => Effect.map(handler.queryTasks(query), (page) => json(200, ProtoJson.encodePage(page)))
      })),
    Router.route(Api.get, (_, param) =>
      Effect.map(
        Effect.flatMap(readId(param("id")), handler.getTaskStatus),
        (task) => json(200, ProtoJson.encodeTask(task))
      )),
    Router.route(
      Api.remove,
      (_, param) => Effect.as(Effect.flatMap(readId(param("id")), handler.deleteTask), empty(204))
    ),
    Router.route(Api.runs, (_, param) =>
      Effect.map(
        Effect.flatMap(readId(param("id")), handler.listTaskRuns),
        (runs) => json(200, ProtoJson.encodeRuns(runs))
      )),
    Router.route(
      Api.logs,
      (_, param) =>
        Effect.map(Effect.flatMap(readId(param("id")), handler.streamTaskLogs), (events): FrontResponse => ({
          status: 200,
          headers: logHeaders,
          body: new StreamBody({ stream: Stream.map(events, encodeEvent), idle })
        }))
    ),
    ...(options.apply === true ? [apply] : [])
  ]
}

const unmatched = "unmatched"

/**
 * The front over the handler in the context.
 *
 * Every request passes, in this order: token (401), body limit of all methods (413), route (404 and 405, empty),
 * encoding of the id (400, plain text), content type, body, validation (400), handler. Failures of the handler are
 * answered by their label; its defects are logged and answered with a 500 that says nothing about them.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: Options = {}): Effect.Effect<Front, never, ApiHandler> =>
  Effect.gen(function*() {
    const handler = yield* ApiHandler
    const metrics = yield* ApiMetrics
    const match = Router.make(routesOf(handler, options))
    const authorized = Bearer.make(options.token)

    const answerCause = (cause: Cause.Cause<ApiError | ListQuery.MalformedQuery>): Effect.Effect<FrontResponse> => {
      const failure = Cause.failureOrCause(cause)
      if (Either.isLeft(failure)) {
        return Effect.succeed(
          failure.left._tag === "ApiError" ? answerError(failure.left) : text(400, failure.left.message)
        )
      }
      return Effect.as(
        Effect.logError("The API handler failed", failure.right),
        answerError(new ApiError({ label: "Internal", detail: "internal error" }))
      )
    }

    const refuse = (request: FrontRequest): ApiError | undefined => {
      if (!authorized(request)) {
        return new ApiError({ label: "Unauthenticated", detail: Bearer.refusal })
      }
      return Number(request.headers["content-length"] ?? 0) > maxRequestBytes ? tooLarge() : undefined
    }

    const counted = (
      request: FrontRequest,
      template: string,
      answer: Effect.Effect<FrontResponse, never, Scope.Scope>
    ): Effect.Effect<FrontResponse, never, Scope.Scope> => {
      if (metrics === ApiMetrics.noop) return answer
      return Effect.acquireUseRelease(
        Effect.zipRight(metrics.inFlight("http", 1), Clock.currentTimeMillis),
        (start) =>
          Effect.tap(answer, ({ status }) =>
            Effect.flatMap(Clock.currentTimeMillis, (end) =>
              metrics.requestDone({
                transport: "http",
                method: request.method,
                path: template,
                status,
                durationMs: end - start
              }))),
        () => metrics.inFlight("http", -1)
      )
    }

    return (request) => {
      const found = match(request.method, pathOf(request.target))
      const refusal = refuse(request)
      const template = found._tag === "Found"
        ? found.route.template
        : found._tag === "NotFound"
        ? unmatched
        : found.template
      const answer = refusal !== undefined
        ? Effect.succeed(answerError(refusal))
        : found._tag === "Found"
        ? Effect.catchAllCause(Effect.suspend(() => found.route.handle(request, found.param)), answerCause)
        : Effect.succeed(
          found._tag === "NotFound"
            ? empty(404)
            : found._tag === "MethodNotAllowed"
            ? empty(405, { allow: found.allow })
            : text(400, `Invalid URL: Invalid UTF-8 in \`${found.name}\``)
        )
      return counted(request, template, answer)
    }
  })
