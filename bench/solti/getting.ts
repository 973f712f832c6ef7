/**
 * One small call in a process of its own, bundled as programs are: tsx would name every closure when it is made.
 * `{ url, calls, rounds }` is answered with the costs of a round of calls.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { CallOptions } from "../../src/core.js"
import { layerHttpClient } from "../../src/node.js"
import * as Solti from "../../src/solti.js"
import { cpuOf } from "../core/measure.js"

export interface Calls {
  readonly url: string
  readonly calls: number
  readonly rounds: number
}

const call = async ({ calls, rounds, url }: Calls) => {
  const runtime = ManagedRuntime.make(Layer.provide(Solti.layer({ url }), layerHttpClient()))
  const sdk = Effect.gen(function*() {
    const tasks = yield* Solti.Tasks
    for (let call = 0; call < calls; call++) yield* tasks.get("default-bench-1")
  })
  const bare = sdk.pipe(
    CallOptions.withOptions({ timeouts: { total: Duration.infinity } }),
    Effect.withTracerEnabled(false)
  )
  const cpu = await cpuOf({
    fetch: async () => {
      for (let call = 0; call < calls; call++) {
        JSON.parse(await (await fetch(`${url}/api/v1/tasks/default-bench-1`)).text())
      }
    },
    bare: () => runtime.runPromise(bare),
    sdk: () => runtime.runPromise(sdk)
  }, rounds)
  await runtime.dispose()
  return cpu
}

process.on("message", (message: Calls) => void call(message).then((cpu) => process.send?.(cpu)))
process.on("disconnect", () => process.exit(0))
process.stdout.write("ready\n")
