/**
 * One program, two wires: it runs over HTTP and over gRPC, on a server that speaks both, and nothing in it changes.
 *
 *     SOLTI_GRPC=127.0.0.1:50052 npx tsx examples/solti-grpc.ts
 *
 * Without SOLTI_GRPC it brings a server of its own.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { layerHttpClient } from "effect-switchyard/node"
import * as Solti from "effect-switchyard/solti"
import * as SoltiGrpc from "effect-switchyard/solti/grpc"
import * as SoltiGrpcServer from "effect-switchyard/solti/grpc/server"
import * as SoltiServer from "effect-switchyard/solti/server"
import * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"

const program = (wire: string) =>
  Effect.gen(function*() {
    const tasks = yield* Solti.Tasks
    yield* Console.log(`over ${wire}, a server that is ${yield* tasks.version()}`)
    const spec = Solti.script("bash", "echo to stdout; echo to stderr >&2; exit 3", {
      slot: wire,
      timeout: "10 seconds"
    })
    yield* tasks.submitAndFollow(spec).pipe(Stream.runForEach((event) => Console.log(`  ${Solti.render(event)}`)))
    const gone = yield* Effect.flip(Stream.runDrain(tasks.logs("nobody-knows-1")))
    yield* Console.log(`  ${gone._tag}: ${gone.detail}`)
  })

const elsewhere = program("gRPC").pipe(Effect.provide(SoltiGrpc.layerConfig()))

/** Both fronts stand on one supervisor: a task that came over one wire is seen over the other. */
const Servers = Layer.provideMerge(SoltiGrpcServer.layer(), SoltiServer.layer())

const here = Effect.gen(function*() {
  const { url } = yield* SoltiServer.SoltiServer
  const { authority } = yield* SoltiGrpcServer.GrpcServer
  yield* Effect.provide(program("HTTP"), Layer.provide(Solti.layer({ url }), layerHttpClient()))
  yield* Effect.provide(program("gRPC"), SoltiGrpc.layer({ url: authority }))
}).pipe(Effect.provide(Servers))

const isNamed = Effect.map(Config.option(SoltiGrpc.config), Option.isSome)

NodeRuntime.runMain(Effect.if(isNamed, { onTrue: () => elsewhere, onFalse: () => here }))
