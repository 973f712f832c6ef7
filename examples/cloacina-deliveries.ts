/**
 * A service of an application that reacts to deliveries: each push is acknowledged once the effect that deals with it has
 * succeeded, so that what was not dealt with comes again, over reconnects and restarts.
 *
 * It brings an emulator along, in memory, which pushes four rows and loses the connection between them.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Cloacina from "effect-switchyard/cloacina"
import * as CloacinaTesting from "effect-switchyard/cloacina/testing"
import * as Console from "effect/Console"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"

class LedgerBusy extends Data.TaggedError("LedgerBusy") {}

/** What the application does with a push; the first try of every other one finds the ledger busy. */
class Ledger extends Context.Tag("app/Ledger")<Ledger, {
  readonly book: (event: Cloacina.ExecutionEventPush) => Effect.Effect<void, LedgerBusy>
  readonly booked: Effect.Effect<number>
}>() {
  static readonly layer = Layer.sync(Ledger, () => {
    let tries = 0
    let booked = 0
    return {
      book: (event) =>
        Effect.suspend(() => {
          tries += 1
          if (tries % 2 === 1) return new LedgerBusy()
          booked += 1
          return Console.log(`booked ${event.event_type}`)
        }),
      booked: Effect.sync(() => booked)
    }
  })
}

/** Runs until it is interrupted: a failure that no retry mends leaves the push unacknowledged. */
const reactions = (executionId: string) =>
  Effect.gen(function*() {
    const delivery = yield* Cloacina.Delivery
    const ledger = yield* Ledger
    yield* delivery.subscribeAcked(`exec_events:${executionId}`).pipe(
      Cloacina.runForEachAcked((push) =>
        push.kind === "execution_event"
          ? Effect.retry(ledger.book(push.payload), Schedule.recurs(3))
          : Effect.logWarning(`nobody deals with pushes of kind ${push.kind}`)
      )
    )
  })

const executionId = "0b9f4c1e-2a7d-4c55-b0a3-7d2e9c6f1a44"

const row = (event_type: string, id: string): CloacinaTesting.NewRow => ({
  recipient: `exec_events:${executionId}`,
  kind: "execution_event",
  payload: {
    id,
    workflow_execution_id: executionId,
    task_execution_id: null,
    event_type,
    event_data: null,
    created_at: "2026-09-03T08:15:04.221907+00:00"
  }
})

const program = Effect.gen(function*() {
  const deliveries = yield* CloacinaTesting.Deliveries
  const ledger = yield* Ledger
  yield* deliveries.insertAll([row("task_marked_ready", "e-1"), row("task_completed", "e-2")])
  yield* Effect.repeat(ledger.booked, { until: (booked) => booked === 2, schedule: Schedule.spaced("20 millis") })
  yield* Console.log(`${yield* deliveries.drop()} connection lost`)
  yield* deliveries.insertAll([row("task_marked_ready", "e-3"), row("workflow_completed", "e-4")])
  const isAcked = Effect.map(deliveries.counts, ({ acked }) => acked === 4)
  yield* Effect.repeat(isAcked, { until: (done) => done, schedule: Schedule.spaced("20 millis") })
  yield* Console.log("all four acknowledged")
})

// A service that nobody watches dies unseen: the program ends with it.
Effect.raceFirst(program, reactions(executionId)).pipe(
  Effect.provide(Layer.merge(Ledger.layer, CloacinaTesting.layer())),
  NodeRuntime.runMain
)
