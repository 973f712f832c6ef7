/**
 * Pushes of execution events as the server's documents promise them: the mode `documented`. The server itself pushes
 * none (contract 9.1).
 *
 * The server matches rows with the tenant of the key that listens. Since either a key of the execution's tenant or a god
 * key may follow, events wait here until somebody does, and become rows for those who do then. So what nobody listens to
 * does not keep the relay from everything else.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { Outbox } from "./Outbox.js"
import type { ExecutionEvent, World } from "./World.js"

/** How many events wait in all; the oldest are dropped. */
const capacity = 100_000

const prefix = "exec_events:"

const payloadOf = ({ event, executionId, taskExecutionId }: ExecutionEvent): unknown => ({
  created_at: event.created_at,
  event_data: event.event_data,
  event_type: event.event_type,
  id: event.id,
  task_execution_id: taskExecutionId ?? null,
  workflow_execution_id: executionId
})

/**
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  world: World,
  outbox: Outbox
): { readonly listen: (recipient: string, tenant: string | undefined) => Effect.Effect<void> } => {
  const waiting = new Map<string, Array<ExecutionEvent>>()
  let count = 0

  const push = (events: ReadonlyArray<ExecutionEvent>, tenant: string | undefined): Effect.Effect<void> =>
    Effect.asVoid(outbox.insert(events.map((event) => ({
      recipient: prefix + event.executionId,
      kind: "execution_event",
      tenant,
      payload: payloadOf(event)
    }))))

  const wait = (event: ExecutionEvent): void => {
    const events = waiting.get(event.executionId)
    if (events === undefined) waiting.set(event.executionId, [event])
    else events.push(event)
    if (++count <= capacity) return
    for (const [oldest, dropped] of waiting) {
      waiting.delete(oldest)
      count -= dropped.length
      break
    }
  }

  if (world.options.mode === "documented") {
    world.hooks.onExecutionEvent.push((event) =>
      Effect.suspend(() => {
        const tenants = [event.tenant, undefined].filter((tenant) =>
          outbox.sinkOf(prefix + event.executionId, tenant) !== undefined
        )
        if (tenants.length === 0) wait(event)
        return Effect.forEach(tenants, (tenant) => push([event], tenant), { discard: true })
      })
    )
  }

  return {
    listen: (recipient, tenant) =>
      Effect.suspend(() => {
        const id = recipient.slice(prefix.length)
        const events = recipient.startsWith(prefix) ? waiting.get(id) : undefined
        if (events === undefined || tenant !== undefined && tenant !== events[0]?.tenant) return Effect.void
        waiting.delete(id)
        count -= events.length
        return push(events, tenant)
      })
  }
}
