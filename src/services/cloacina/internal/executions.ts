import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Api from "../../../schemas/cloacina/api/Executions.js"
import { ExecutionId } from "../../../schemas/cloacina/Common.js"
import type { CallError } from "../../../schemas/cloacina/Errors.js"
import { isTerminal } from "../../../schemas/cloacina/Executions.js"
import { InvalidInput, type NotFound } from "../../../schemas/core/Errors.js"
import { isPassing } from "../../../streams/cloacina/Delivery.js"
import * as Follow from "../../../streams/cloacina/Follow.js"
import * as Feed from "../../../streams/core/Feed.js"
import * as Poll from "../../../streams/core/Poll.js"
import * as StreamTelemetry from "../../core/StreamTelemetry.js"
import type { Client, TenantOptions } from "../Client.js"
import type { ExecuteError, ExecutionQuery, Executions } from "../Executions.js"
import * as Outcome from "../Outcome.js"
import * as Calls from "./calls.js"

/** What the server says about a workflow that its loader has not seen yet, or never will (contract 9.6). */
const isNotLoaded = (error: ExecuteError): boolean =>
  error instanceof InvalidInput && error.code === "execution_failed" && error.detail.includes("not found in registry")

/** How many questions in a row a wait may lose: some minutes of a server that is away. */
const mostLost = 20

/**
 * Whether waiting and following go on. An execution that was there does not go away: the server answers 404 for any
 * trouble with its database too (contract 3.4).
 */
const goesOn = (error: NotFound | CallError, wasRead: boolean): boolean =>
  isPassing(error) || wasRead && error._tag === "NotFound"

const paramsOf = ({ limit, offset, status, workflow }: ExecutionQuery) => ({
  status: status === undefined ? undefined : String(status),
  workflow,
  limit,
  offset
})

/** What wakes a follower of an execution. */
export type Hints = (id: string, options: TenantOptions | undefined) => Stream.Stream<unknown, unknown>

/** The call that starts a workflow, for whoever needs no more than that. */
export const makeExecute = (client: Client.Service): Executions.Service["execute"] => {
  const call = Calls.make(client, "Executions").tenant("execute", Api.execute)
  return (workflow, options) => {
    const start = call((tenant_id) => ({
      path: { tenant_id, name: workflow },
      payload: { context: options?.context ?? {} }
    }), options)
    const within = options?.waitUntilLoaded
    return within === undefined ? start : untilLoaded(start, within)
  }
}

/**
 * Repeats a start that was refused because the workflow is not loaded: nothing has been started then. The last refusal
 * is the failure when the time is over.
 */
const untilLoaded = <A>(
  start: Effect.Effect<A, ExecuteError>,
  within: Duration.DurationInput
): Effect.Effect<A, ExecuteError> =>
  Effect.suspend(() => {
    let leftMs = Duration.toMillis(within)
    const go = (pauseMs: number): Effect.Effect<A, ExecuteError> =>
      Effect.catchIf(start, (error) => isNotLoaded(error) && leftMs > 0, () => {
        const wait = Math.min(pauseMs, leftMs)
        leftMs -= wait
        return Effect.zipRight(Effect.sleep(wait), Effect.suspend(() => go(Math.min(1000, pauseMs * 1.5))))
      })
    return go(250)
  })

export const make = (client: Client.Service, hints?: Hints): Executions.Service => {
  const { info, tenant } = Calls.make(client, "Executions")
  const callList = tenant("list", Api.listAll)
  const callPages = tenant("iterate", Api.listAll)
  const callGet = tenant("get", Api.get)
  const callEvents = tenant("events", Api.events)
  const callTasks = tenant("tasks", Api.tasks)

  const execute = makeExecute(client)
  const followInfo = info("follow", Api.events)

  const listWith = (call: typeof callList) => (query: ExecutionQuery, options: TenantOptions | undefined) =>
    Effect.map(call((tenant_id) => ({ path: { tenant_id }, urlParams: paramsOf(query) }), options), Calls.itemsOf)
  const list = listWith(callList)
  const pages = listWith(callPages)

  const get: Executions.Service["get"] = (id, options) =>
    callGet((tenant_id) => ({ path: { tenant_id, exec_id: id } }), options)

  const events: Executions.Service["events"] = (id, options) =>
    Effect.map(callEvents((tenant_id) => ({ path: { tenant_id, exec_id: id } }), options), (log) => log.events)

  const tasks: Executions.Service["tasks"] = (id, options) =>
    Effect.map(callTasks((tenant_id) => ({ path: { tenant_id, exec_id: id } }), options), (page) => page.tasks)

  const awaitOutcome: Executions.Service["await"] = (id, options) =>
    Effect.gen(function*() {
      let wasRead = false
      let lost = 0
      const read = get(id, options).pipe(
        Effect.map(({ status }) => {
          wasRead = true
          lost = 0
          return isTerminal(status) ? Option.some(status) : Option.none()
        }),
        Effect.catchAll((error) => {
          if (!wasRead || lost === mostLost || !goesOn(error, wasRead)) return Effect.fail(error)
          lost += 1
          return Effect.succeedNone
        })
      )
      const status = yield* Poll.until(read, options?.interval)
      const log = status === "Failed" ? yield* events(id, options) : []
      return Outcome.make(status, ExecutionId.make(id), yield* tasks(id, options), log)
    })

  const follow: Executions.Service["follow"] = (id, options) =>
    StreamTelemetry.observed(followInfo, (observer, span) =>
      Follow.make(
        {
          status: Effect.withParentSpan(Effect.map(get(id, options), ({ status }) => status), span),
          events: Effect.withParentSpan(events(id, options), span),
          outcome: (status, log) =>
            Effect.map(
              Effect.withParentSpan(tasks(id, options), span),
              (tasks) => Outcome.make(status, ExecutionId.make(id), tasks, log)
            ),
          isTransient: goesOn,
          waitOf: Feed.waitOf,
          interrupted: Feed.gaveUp(followInfo, "readings"),
          observer
        },
        options,
        options?.hint === "socket" ? hints?.(id, options) : undefined
      ))

  return {
    execute,
    list: (query = {}, options) => list(query, options),
    iterate: (filter, options) =>
      Calls.iterate(info("iterate", Api.listAll), {
        pageSize: options?.pageSize,
        fetch: (page) => pages({ ...filter, ...page }, options),
        keyOf: ({ id }) => id
      }),
    get,
    events,
    tasks,
    await: awaitOutcome,
    awaitCompleted: (id, options) =>
      Effect.flatMap(awaitOutcome(id, options), (outcome) =>
        Outcome.isCompleted(outcome)
          ? Effect.succeed(outcome)
          : Effect.fail(new Outcome.ExecutionFailed({ executionId: outcome.executionId, outcome }))),
    follow,
    executeAndAwait: (workflow, options) =>
      Effect.flatMap(execute(workflow, options), ({ execution_id }) => awaitOutcome(execution_id, options)),
    executeAndFollow: (workflow, options) =>
      Stream.unwrap(
        Effect.map(execute(workflow, options), ({ execution_id: executionId }) =>
          Stream.concat(Stream.make({ type: "started", executionId } as const), follow(executionId, options)))
      )
  }
}
