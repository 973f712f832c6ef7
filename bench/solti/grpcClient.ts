/**
 * The clients over gRPC and HTTP, and connect's own, in a process of their own, bundled as programs are. `{ grpc, http, … }`
 * is answered with what they cost.
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

/** Where the servers are, and how much is asked of them. */
export interface Work {
  readonly grpc: string
  readonly http: string
  readonly calls: number
  readonly rounds: number
  readonly events: number
  readonly long: number
}

/** CPU in µs of a call and of an event, and MiB that were gained over a long log and by a slow reader. */
export interface Costs {
  readonly get: Readonly<Record<"connect" | "grpc" | "http", number>>
  readonly logs: Readonly<Record<"connect" | "grpc", number>>
  readonly longMiB: number
  readonly slowMiB: number
  readonly slowEvents: number
}

const measure = async ({ calls, events, grpc, http, long, rounds }: Work): Promise<Costs> => {
  const connect = createClient(SoltiApi, createGrpcTransport({ baseUrl: `http://${grpc}` }))
  const overGrpc = ManagedRuntime.make(SoltiGrpc.layer({ url: grpc }))
  const overHttp = ManagedRuntime.make(Layer.provide(Solti.layer({ url: http }), layerHttpClient()))
  const get = Effect.gen(function*() {
    const tasks = yield* Solti.Tasks
    for (let call = 0; call < calls; call++) yield* tasks.get("default-bench-1")
  })
  const read = (count: number, pause = 0) =>
    overGrpc.runPromise(Effect.gen(function*() {
      const tasks = yield* Solti.Tasks
      let seen = 0
      const reading = Stream.runForEachChunk(tasks.logs(String(count)), (chunk) => {
        seen += chunk.length
        return pause === 0 ? Effect.void : Effect.sleep(pause * chunk.length)
      })
      yield* pause === 0 ? reading : Effect.ignore(Effect.timeout(reading, "3 seconds"))
      return seen
    }))
  const getting = await cpuOf({
    connect: async () => {
      for (let call = 0; call < calls; call++) await connect.getTaskStatus({ taskId: "default-bench-1" })
    },
    grpc: () => overGrpc.runPromise(get),
    http: () => overHttp.runPromise(get)
  }, rounds)
  const reading = await cpuOf({
    connect: async () => {
      let seen = 0
      for await (const event of connect.streamTaskLogs({ taskId: String(events) })) {
        if (event.kind.case === "chunk") seen += 1
      }
      if (seen !== events) throw new Error(`connect read ${seen} of ${events} events`)
    },
    grpc: () => read(events)
  }, Math.max(2, Math.floor(rounds / 5)))

  await read(long / 10)
  const before = rssMiB()
  const seen = await read(long)
  if (seen !== long) throw new Error(`read ${seen} of ${long} events`)
  const longMiB = rssMiB() - before
  const calm = rssMiB()
  const slowEvents = await read(1_000_000, 1)
  const slowMiB = rssMiB() - calm
  await overGrpc.dispose()
  await overHttp.dispose()
  const per = <Name extends string>(costs: Record<Name, number>, count: number) =>
    Object.fromEntries(Object.entries<number>(costs).map(([name, cost]) => [name, cost / count])) as Record<
      Name,
      number
    >
  return { get: per(getting, calls), logs: per(reading, events), longMiB, slowMiB, slowEvents }
}

process.on("message", (work: Work) => void measure(work).then((costs) => process.send?.(costs)))
process.on("disconnect", () => process.exit(0))
process.stdout.write("ready\n")
