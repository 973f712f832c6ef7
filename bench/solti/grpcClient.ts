/**
 * The clients over gRPC and HTTP, and connect's own, in a process of their own, bundled as programs are.
 *
 * - `{ get, … }`: CPU in µs of a call of this client, which nothing else has run beside
 * - `{ logs, … }`: what a log costs
 */
import { createClient } from "@connectrpc/connect"
import { createGrpcTransport } from "@connectrpc/connect-node"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Stream from "effect/Stream"
import { layerHttpClient } from "../../src/node.js"
import { SoltiApi } from "../../src/schemas/gen/solti/v1/api_pb.js"
import * as Solti from "../../src/solti.js"
import * as SoltiGrpc from "../../src/solti/grpc.js"
import { cpuOf, rssMiB } from "../core/measure.js"

/** A small call: over which client, where, and how often. */
export interface Get {
  readonly get: "connect" | "grpc" | "http"
  readonly grpc: string
  readonly http: string
  readonly calls: number
}

/** A log: where, how long, how often, and how long one is over which memory is looked at. */
export interface Logs {
  readonly logs: string
  readonly rounds: number
  readonly events: number
  readonly long: number
}

/** CPU in µs of an event, and MiB that were gained over a long log and by a slow reader. */
export interface LogCosts {
  readonly connect: number
  readonly grpc: number
  readonly longMiB: number
  readonly slowMiB: number
  readonly slowEvents: number
}

const connectTo = (authority: string) => createClient(SoltiApi, createGrpcTransport({ baseUrl: `http://${authority}` }))

const getting = async ({ calls, get, grpc, http }: Get): Promise<number> => {
  const connect = connectTo(grpc)
  const runtime = ManagedRuntime.make(
    get === "http" ? Layer.provide(Solti.layer({ url: http }), layerHttpClient()) : SoltiGrpc.layer({ url: grpc })
  )
  const call = get === "connect"
    ? async (count: number) => {
      for (let call = 0; call < count; call++) await connect.getTaskStatus({ taskId: "default-bench-1" })
    }
    : (count: number) =>
      runtime.runPromise(Effect.gen(function*() {
        const tasks = yield* Solti.Tasks
        for (let call = 0; call < count; call++) yield* tasks.get("default-bench-1")
      }))
  await call(calls)
  const before = process.cpuUsage()
  await call(calls)
  const { system, user } = process.cpuUsage(before)
  await runtime.dispose()
  return (user + system) / calls
}

const reading = async ({ events, logs, long, rounds }: Logs): Promise<LogCosts> => {
  const connect = connectTo(logs)
  const runtime = ManagedRuntime.make(SoltiGrpc.layer({ url: logs }))
  const read = (count: number, pause = 0) =>
    runtime.runPromise(Effect.gen(function*() {
      const tasks = yield* Solti.Tasks
      let seen = 0
      const reading = Stream.runForEachChunk(tasks.logs(String(count)), (chunk) => {
        seen += chunk.length
        return pause === 0 ? Effect.void : Effect.sleep(pause * chunk.length)
      })
      yield* pause === 0 ? reading : Effect.ignore(Effect.timeout(reading, "3 seconds"))
      return seen
    }))
  const cpu = await cpuOf({
    connect: async () => {
      let seen = 0
      for await (const event of connect.streamTaskLogs({ taskId: String(events) })) {
        if (event.kind.case === "chunk") seen += 1
      }
      if (seen !== events) throw new Error(`connect read ${seen} of ${events} events`)
    },
    grpc: () => read(events)
  }, rounds)

  await read(long / 10)
  const before = rssMiB()
  const seen = await read(long)
  if (seen !== long) throw new Error(`read ${seen} of ${long} events`)
  const longMiB = rssMiB() - before
  const calm = rssMiB()
  const slowEvents = await read(1_000_000, 1)
  const slowMiB = rssMiB() - calm
  await runtime.dispose()
  return { connect: cpu.connect / events, grpc: cpu.grpc / events, longMiB, slowMiB, slowEvents }
}

process.on("message", (work: Get | Logs) => {
  const done: Promise<number | LogCosts> = "get" in work ? getting(work) : reading(work)
  void done.then((costs) => process.send?.(costs))
})
process.on("disconnect", () => process.exit(0))
process.stdout.write("ready\n")
