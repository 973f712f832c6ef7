/**
 * A Solti server in a process of its own: prints its URL, and answers each message with its resident memory in bytes,
 * after a collection. With the message `"peak"` it is the most that was resident since the message before.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as SoltiServer from "effect-switchyard/solti/server"
import * as Effect from "effect/Effect"

const disconnected = Effect.async<void>((resume) => {
  process.once("disconnect", () => resume(Effect.void))
})

const main = Effect.gen(function*() {
  const { url } = yield* SoltiServer.SoltiServer
  process.on("message", () => {
    globalThis.gc?.()
    process.send?.(process.memoryUsage.rss())
  })
  process.stdout.write(`${url}\n`)
  yield* disconnected
})

NodeRuntime.runMain(Effect.provide(main, SoltiServer.layer()))
