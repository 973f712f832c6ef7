/**
 * A Solti server over both wires in a process of its own: prints URL and `host:port`, and answers every message with its
 * resident memory in bytes, after a collection.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as SoltiGrpcServer from "effect-switchyard/solti/grpc/server"
import * as SoltiServer from "effect-switchyard/solti/server"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

const disconnected = Effect.async<void>((resume) => {
  process.once("disconnect", () => resume(Effect.void))
})

const main = Effect.gen(function*() {
  const { url } = yield* SoltiServer.SoltiServer
  const { authority } = yield* SoltiGrpcServer.GrpcServer
  process.on("message", () => {
    globalThis.gc?.()
    process.send?.(process.memoryUsage.rss())
  })
  process.stdout.write(`${url} ${authority}\n`)
  yield* disconnected
})

NodeRuntime.runMain(Effect.provide(main, Layer.provideMerge(SoltiGrpcServer.layer(), SoltiServer.layer())))
