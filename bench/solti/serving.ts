/**
 * A Solti server in a process of its own: prints its URL.
 *
 * - `{ spawn: { count, inFlight } }`: runs that many processes beside the server, and answers when all have ended
 * - any other message: answers its resident memory in bytes, after a collection
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as SoltiServer from "effect-switchyard/solti/server"
import * as Effect from "effect/Effect"
import { spawnAll } from "../core/spawn.js"

const disconnected = Effect.async<void>((resume) => {
  process.once("disconnect", () => resume(Effect.void))
})

const main = Effect.gen(function*() {
  const { url } = yield* SoltiServer.SoltiServer
  process.on("message", (message: { readonly spawn?: Parameters<typeof spawnAll>[0] }) => {
    if (message.spawn !== undefined) {
      void spawnAll(message.spawn).then(() => process.send?.("done"))
      return
    }
    globalThis.gc?.()
    process.send?.(process.memoryUsage.rss())
  })
  process.stdout.write(`${url}\n`)
  yield* disconnected
})

NodeRuntime.runMain(Effect.provide(main, SoltiServer.layer()))
