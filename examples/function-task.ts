/**
 * Function tasks: effects of the host itself under the same supervisor as processes – slots, restarts, back-off,
 * time-outs – with the host's services at hand. Clients do not see them.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { layerHttpClient } from "effect-switchyard/node"
import * as Solti from "effect-switchyard/solti"
import * as SoltiServer from "effect-switchyard/solti/server"
import * as Console from "effect/Console"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as Schedule from "effect/Schedule"

class Heartbeats extends Context.Tag("host/Heartbeats")<Heartbeats, Ref.Ref<number>>() {}

class NoAnswer extends Data.TaggedError("NoAnswer")<{ readonly message: string }> {}

/** The control plane is not there at first: an attempt that fails is repeated with growing pauses. */
const heartbeat = Effect.gen(function*() {
  const beats = yield* Ref.updateAndGet(yield* Heartbeats, (count) => count + 1)
  if (beats < 3) return yield* new NoAnswer({ message: "the control plane does not answer" })
  yield* Console.log(`heartbeat ${beats} got through`)
})

const program = Effect.gen(function*() {
  const supervisor = yield* SoltiServer.Supervisor
  const id = yield* supervisor.submitFunction({
    name: "heartbeat",
    run: heartbeat,
    timeout: "2 seconds",
    restart: "RESTART_STRATEGY_ON_FAILURE",
    backoff: { jitter: "JITTER_STRATEGY_NONE", firstMs: 50n, maxMs: 1000n, factor: 2 }
  })
  const isOver = Effect.map(
    supervisor.get(id),
    Option.exists(({ task }) => task.status.phase === "TASK_STATUS_SUCCEEDED")
  )
  yield* Effect.repeat(isOver, { until: (over) => over, schedule: Schedule.spaced("50 millis") })
  for (const run of yield* supervisor.runs(id)) {
    yield* Console.log(`attempt ${run.attempt}: ${Solti.phaseName(run.status)}`)
  }
  const tasks = yield* Solti.Tasks
  yield* Console.log(`clients see ${(yield* tasks.list()).total} tasks`)
})

const SoltiLive = Layer.unwrapEffect(Effect.map(SoltiServer.SoltiServer, ({ url }) => Solti.layer({ url })))

program.pipe(
  Effect.provide(SoltiLive.pipe(Layer.provideMerge(SoltiServer.layer()), Layer.provide(layerHttpClient()))),
  Effect.provideServiceEffect(Heartbeats, Ref.make(0)),
  NodeRuntime.runMain
)
