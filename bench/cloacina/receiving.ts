/**
 * A client of deliveries in a process of its own. `{ url, pushes }` makes it listen; the answer says what the first so many
 * pushes have cost.
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as Client from "../../src/services/cloacina/Client.js"
import { Delivery } from "../../src/services/cloacina/Delivery.js"
import * as NodeWebSockets from "../../src/services/core/NodeWebSockets.js"
import { rssMiB } from "../core/measure.js"

interface Message {
  readonly url: string
  readonly pushes: number
}

/** CPU and wall time of all pushes behind the first tenth, in µs a push, and how far memory grew meanwhile, in MiB. */
export interface Taken {
  readonly cpu: number
  readonly wall: number
  readonly grown: number
}

const listen = ({ pushes, url }: Message): Promise<void> => {
  const warm = Math.floor(pushes / 10)
  const counted = pushes - warm
  let count = 0
  let cpu = process.cpuUsage()
  let start = process.hrtime.bigint()
  let before = 0
  const take = Effect.sync(() => {
    count += 1
    if (count === warm) {
      before = rssMiB()
      cpu = process.cpuUsage()
      start = process.hrtime.bigint()
    } else if (count === pushes) {
      const used = process.cpuUsage(cpu)
      const wall = Number(process.hrtime.bigint() - start) / 1000
      process.send?.(
        {
          cpu: (used.user + used.system) / counted,
          wall: wall / counted,
          grown: rssMiB() - before
        } satisfies Taken
      )
    }
  })
  return Effect.flatMap(
    Delivery,
    (delivery) => Stream.runForEach(delivery.subscribe("exec_events:0b9f4c1e-2a7d-4c55-b0a3-7d2e9c6f1a44"), () => take)
  ).pipe(
    Effect.provide(Delivery.layer.pipe(
      Layer.provide(Client.layer({ url, key: Redacted.make("clk_bench") })),
      Layer.provide(Layer.merge(NodeHttpClient.layer, NodeWebSockets.layer()))
    )),
    Effect.runPromise
  )
}

process.on("message", (message: Message) => void listen(message))
process.on("disconnect", () => process.exit(0))
process.stdout.write("ready\n")
