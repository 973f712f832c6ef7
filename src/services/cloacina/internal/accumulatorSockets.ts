import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Sink from "effect/Sink"
import * as Stream from "effect/Stream"
import { listAccumulators } from "../../../schemas/cloacina/api/Graphs.js"
import { accumulator as endpoint } from "../../../schemas/cloacina/api/Sockets.js"
import type { IngestInterrupted } from "../../../schemas/cloacina/Delivery.js"
import type { InvalidInput } from "../../../schemas/core/Errors.js"
import { Forbidden } from "../../../schemas/core/Errors.js"
import type { IngestError } from "../../../streams/cloacina/Accumulator.js"
import * as Accumulator from "../../../streams/cloacina/Accumulator.js"
import { jsonOf } from "../../../streams/cloacina/Boundary.js"
import type { Failed } from "../../../streams/cloacina/Delivery.js"
import { isPassing } from "../../../streams/cloacina/Delivery.js"
import * as Telemetry from "../../core/Telemetry.js"
import * as Transport from "../../core/Transport.js"
import type { AccumulatorSocket, AccumulatorSockets } from "../AccumulatorSockets.js"
import type { Client } from "../Client.js"
import { invalid } from "./calls.js"
import * as Sockets from "./sockets.js"

export const make = (client: Client.Service): AccumulatorSockets.Service => {
  const { info, open } = Sockets.opener(client, "AccumulatorSockets", "ingest", endpoint, { followsOwner: true })
  const callList = Transport.make(client, "AccumulatorSockets").unary("check", listAccumulators)
  const metrics = Telemetry.streamMetrics(info.operation)
  const spanOptions = Telemetry.spanOptions(info.method, info.route)
  const encoder = new TextEncoder()

  const encode = (events: Chunk.Chunk<unknown>): Either.Either<ReadonlyArray<Uint8Array>, InvalidInput> => {
    const out: Array<Uint8Array> = []
    for (const event of events) {
      const text = Option.getOrUndefined(jsonOf(event))
      if (text === undefined) return Either.left(invalid(info, "event", "must be JSON"))
      out.push(encoder.encode(text))
    }
    return Either.right(out)
  }

  return {
    ingest: (name, options) =>
      Effect.gen(function*() {
        const span = yield* Effect.makeSpanScoped(info.operation, spanOptions)
        let handedOver = 0
        yield* Effect.addFinalizer(() => Effect.sync(() => Telemetry.annotate(span, "switchyard.events", handedOver)))

        const check = callList({}, options).pipe(
          Effect.mapError((error): Failed => ({ error, verdict: isPassing(error) ? "reconnect" : "fail" })),
          Effect.flatMap(({ items }): Effect.Effect<void, Failed> =>
            items.some((accumulator) => accumulator.name === name) ? Effect.void : Effect.fail({
              error: new Forbidden({ ...info, detail: "the accumulator is no longer registered, or not for this key" }),
              verdict: "fail"
            })
          )
        )
        const ingest = yield* Accumulator.make({
          open: Effect.withParentSpan(open({ path: { name } }, options), span),
          info,
          check: Effect.withParentSpan(check, span),
          policy: options?.reconnect
        })

        const write = (events: Chunk.Chunk<unknown>): Effect.Effect<void, IngestError> => {
          if (Chunk.isEmpty(events)) return Effect.void
          const frames = encode(events)
          if (Either.isLeft(frames)) return Effect.fail(frames.left)
          return Effect.map(ingest.write(frames.right), () => {
            handedOver += events.length
            metrics.delivered(events.length)
          })
        }

        const sendAll: AccumulatorSocket["sendAll"] = <E, R, E2 = never, R2 = never>(
          events: Stream.Stream<unknown, E, R>,
          options?: { readonly onInterrupted?: ((error: IngestInterrupted) => Effect.Effect<void, E2, R2>) | undefined }
        ) => {
          const onInterrupted = options?.onInterrupted
          const deliver = (chunk: Chunk.Chunk<unknown>): Effect.Effect<number, IngestError | E2, R2> =>
            Effect.as(write(chunk), chunk.length).pipe(
              Effect.catchTag("IngestInterrupted", (error) => {
                if (onInterrupted === undefined) return Effect.fail(error)
                const goOn = error.uncertain === 0 ? Effect.suspend(() => deliver(chunk)) : Effect.succeed(0)
                return Effect.zipRight(onInterrupted(error), goOn)
              })
            )
          return Stream.runFoldEffect(
            Stream.chunks(events),
            0,
            (sum, chunk) => Effect.map(deliver(chunk), (count) => sum + count)
          )
        }

        return {
          send: (event) => write(Chunk.of(event)),
          sendAll,
          sink: Sink.foldLeftChunksEffect(0, (count, events: Chunk.Chunk<unknown>) =>
            Effect.as(write(events), count + events.length)),
          verify: ingest.verify
        }
      })
  }
}
