/**
 * Faults on demand: which requests they hit, and when, can be said before a test and while it runs.
 *
 * @since 0.1.0
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Record from "effect/Record"
import * as Stream from "effect/Stream"
import type { Front, FrontRequest, FrontResponse } from "../../server/core/Front.js"
import { Hangup, pathOf, StreamBody } from "../../server/core/Front.js"
import type { Fault } from "./Fault.js"

/**
 * A fault with the requests that it hits.
 *
 * - `on`: the operations; default all
 * - `when`: a further condition
 * - `skip`: how many of these requests get through first; default 0
 * - `times`: how many are hit then; default 1, `Infinity` for all
 *
 * @since 0.1.0
 * @category models
 */
export interface Rule<in out Operation extends string> {
  readonly fault: Fault
  readonly on?: Operation | ReadonlyArray<Operation> | undefined
  readonly when?: ((request: FrontRequest) => boolean) | undefined
  readonly skip?: number | undefined
  readonly times?: number | undefined
}

/**
 * A rule in force: how many requests it has hit, and how to end it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Injected {
  readonly hits: Effect.Effect<number>
  readonly remove: Effect.Effect<void>
}

/**
 * The control of the faults of one front. A request is hit by one rule: the first in force that wants it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Faults<in out Operation extends string> {
  readonly inject: (rule: Rule<Operation>) => Effect.Effect<Injected>
  /** Ends all rules. */
  readonly clear: Effect.Effect<void>
  /**
   * Breaks off all streamed answers and connections that are under way, as a crash of the server would; says how many
   * there were.
   */
  readonly disconnect: Effect.Effect<number>
  /** The front with its faults. */
  readonly wrap: <R>(front: Front<R>) => Front<R>
}

interface Active<in out Operation extends string> {
  readonly rule: Rule<Operation>
  skipped: number
  hits: number
}

/**
 * Names what a request asks for, by declared endpoints with their names; `undefined` for what none of them answers.
 *
 * @since 0.1.0
 * @category constructors
 */
export const operations = <Operation extends string>(
  endpoints: Readonly<Record<Operation, { readonly endpoint: { readonly method: string; readonly path: string } }>>
): (request: FrontRequest) => Operation | undefined => {
  const patterns = Record.toEntries(endpoints).map(([name, { endpoint }]) => ({
    name,
    method: endpoint.method,
    path: new RegExp(`^${endpoint.path.replace(/:\w+/g, "[^/]+")}$`)
  }))
  return (request) => {
    const path = pathOf(request.target)
    return patterns.find((pattern) => pattern.method === request.method && pattern.path.test(path))?.name
  }
}

/**
 * Makes the control. `operationOf` names what a request asks for, `undefined` for what no operation answers.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = <Operation extends string>(
  operationOf: (request: FrontRequest) => Operation | undefined,
  rules: ReadonlyArray<Rule<Operation>> = []
): Effect.Effect<Faults<Operation>> =>
  Effect.sync(() => {
    const start = (rule: Rule<Operation>): Active<Operation> => ({ rule, skipped: 0, hits: 0 })
    const active = new Set(rules.map(start))
    const streams = new Set<Deferred.Deferred<never, Hangup>>()

    const wants = ({ on, when }: Rule<Operation>, request: FrontRequest): boolean => {
      const operation = operationOf(request)
      const isAsked = on === undefined ||
        operation !== undefined && (typeof on === "string" ? [on] : on).includes(operation)
      return isAsked && (when === undefined || when(request))
    }

    /** The first rule that hits the request; those that let it through count it. */
    const take = (request: FrontRequest): Fault | undefined => {
      for (const entry of active) {
        const { fault, skip = 0, times = 1 } = entry.rule
        if (entry.hits >= times || !wants(entry.rule, request)) continue
        if (entry.skipped < skip) {
          entry.skipped++
          continue
        }
        entry.hits++
        return fault
      }
      return undefined
    }

    const breaking = Effect.acquireRelease(
      Effect.tap(Deferred.make<never, Hangup>(), (broken) => Effect.sync(() => streams.add(broken))),
      (broken) => Effect.sync(() => streams.delete(broken))
    )

    /** The streamed answer or the connection, until it is told to break off. */
    const breakable = (response: FrontResponse): FrontResponse => {
      const { body, upgrade } = response
      if (upgrade !== undefined) {
        return {
          ...response,
          upgrade: (connection) =>
            Effect.flatMap(breaking, (broken) =>
              Effect.raceFirst(
                upgrade(connection),
                Effect.catchAll(Deferred.await(broken), () => connection.drop)
              ))
        }
      }
      if (typeof body !== "object" || !("stream" in body)) return response
      const stream = Stream.unwrapScoped(Effect.map(
        breaking,
        (broken) => Stream.interruptWhenDeferred(body.stream, broken)
      ))
      return { ...response, body: new StreamBody({ stream, idle: body.idle }) }
    }

    return {
      inject: (rule) =>
        Effect.sync(() => {
          const entry = start(rule)
          active.add(entry)
          return {
            hits: Effect.sync(() => entry.hits),
            remove: Effect.sync(() => void active.delete(entry))
          }
        }),
      clear: Effect.sync(() => active.clear()),
      disconnect: Effect.suspend(() => {
        const broken = [...streams]
        return Effect.as(
          Effect.forEach(broken, (stream) => Deferred.fail(stream, new Hangup()), { discard: true }),
          broken.length
        )
      }),
      wrap: (front) => (request) =>
        Effect.suspend(() => {
          const next = Effect.map(front(request), breakable)
          const fault = take(request)
          return fault === undefined ? next : fault(next, request)
        })
    }
  })
