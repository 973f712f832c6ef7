/**
 * The accumulator socket: events go in, nothing comes back.
 *
 * Source: contract 6.6.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { IngestInterrupted } from "../../schemas/cloacina/Delivery.js"
import type { CallFields } from "../../schemas/core/Errors.js"
import type { Connection, ConnectionClosed } from "../core/Connection.js"
import type * as Feed from "../core/Feed.js"
import type { DeliveryError, Failed } from "./Delivery.js"
import * as Link from "./Link.js"

/**
 * What sending an event can end with.
 *
 * @since 0.1.0
 * @category errors
 */
export type IngestError = DeliveryError | IngestInterrupted

/**
 * Writes events, each exactly as often as `write` is called with it: at most once on the wire.
 *
 * @internal
 */
export interface Ingest {
  readonly write: (events: ReadonlyArray<Uint8Array>) => Effect.Effect<void, IngestError>
  /** Waits, and fails if the connection has ended by then. */
  readonly verify: (patience: Duration.DurationInput) => Effect.Effect<void, IngestInterrupted>
}

/**
 * Events over one connection at a time, which is open when this is done. The end of a connection that events were handed
 * over to is told once, to whoever writes next; then another opens.
 *
 * @internal
 */
export const make = (options: {
  readonly open: Effect.Effect<Connection, Failed, Scope.Scope>
  readonly info: Pick<CallFields, "operation" | "method" | "route">
  /** Whether the accumulator is there at all, asked when nobody took an event (4404). */
  readonly check: Effect.Effect<void, Failed>
  readonly policy?: Partial<Feed.Policy> | undefined
}): Effect.Effect<Ingest, DeliveryError, Scope.Scope> =>
  Effect.gen(function*() {
    const links = yield* Link.make({
      open: options.open,
      beforeReopen: ({ code }) => code === 4404 ? options.check : Effect.void,
      policy: options.policy
    })
    const lock = yield* Effect.makeSemaphore(1)
    yield* links.current

    const interrupted = ({ code, reason }: ConnectionClosed, handedOver: number, uncertain: number) =>
      Effect.zipRight(
        links.discard,
        Effect.fail(
          new IngestInterrupted({
            ...options.info,
            code: String(code),
            closeCode: code,
            handedOver,
            uncertain,
            detail: `the connection ended${
              reason === "" ? "" : ` (${reason.slice(0, 200)})`
            } behind ${handedOver} events${uncertain === 0 ? "" : ` and inside a write of ${uncertain}`}`
          })
        )
      )

    /** The end of the last connection, if events were handed over to it. */
    const look: Effect.Effect<void, IngestInterrupted> = Effect.suspend(() => {
      const last = links.last()
      return last?.closed === undefined || last.handedOver === 0
        ? Effect.void
        : interrupted(last.closed, last.handedOver, 0)
    })

    return {
      write: (events) =>
        lock.withPermits(1)(look.pipe(
          Effect.zipRight(links.current),
          Effect.flatMap((link) =>
            Effect.matchEffect(link.connection.send(events), {
              onFailure: (closed) => interrupted(closed, link.handedOver, events.length),
              onSuccess: () =>
                Effect.sync(() => {
                  link.handedOver += events.length
                })
            })
          )
        )),
      verify: (patience) => Effect.zipRight(Effect.sleep(patience), lock.withPermits(1)(look))
    }
  })
