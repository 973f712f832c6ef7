/**
 * Watches the control plane: the state of server, compiler and fleet as it is pushed, three snapshots of it.
 *
 *     CLOACINA_SERVER_URL=http://127.0.0.1:8080 CLOACINA_API_KEY=… npx tsx examples/cloacina-watch.ts
 *
 * Without CLOACINA_SERVER_URL it brings an emulator along, with one package that builds and one that does not.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Cloacina from "effect-switchyard/cloacina"
import * as CloacinaTesting from "effect-switchyard/cloacina/testing"
import { layerTransport } from "effect-switchyard/node"
import * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"

const watch = Effect.gen(function*() {
  const operations = yield* Cloacina.Operations
  const ops = yield* Cloacina.OpsWatch
  yield* Console.log(`cloacina-server ${yield* operations.version()}`)
  yield* ops.watch().pipe(
    Stream.take(3),
    Stream.runForEach(({ compiler, fleet, reconciler, server, ts }) =>
      Console.log(
        `${ts}  ${server.ready ? "ready" : `not ready: ${Option.getOrElse(server.reason, () => "no reason")}`}  ` +
          `compiler ${compiler.status}, ${compiler.pending} waiting  ` +
          `${reconciler.built} built, ${reconciler.failed} failed  ${fleet.length} agents`
      )
    )
  )
})

const server = Effect.gen(function*() {
  const named = yield* Config.option(Cloacina.config)
  if (Option.isSome(named)) return named.value
  const { workflow } = CloacinaTesting
  const emulator = yield* Layer.build(CloacinaTesting.layerServer({
    workflows: [
      workflow("close_month", { tenant: "public" }),
      workflow("open_month", { tenant: "public", build: { fails: "error: expected expression" } })
    ]
  }))
  const { url } = Context.get(emulator, CloacinaTesting.TestServer)
  const { key } = Context.get(emulator, CloacinaTesting.Emulator)
  return { url, key }
})

watch.pipe(
  Effect.provide(Layer.unwrapScoped(Effect.map(server, Cloacina.layer))),
  Effect.provide(layerTransport()),
  NodeRuntime.runMain
)
