/**
 * The client against our own server, over both of its wires.
 */
import { layerHttpClient } from "effect-switchyard/node"
import * as Solti from "effect-switchyard/solti"
import * as SoltiGrpc from "effect-switchyard/solti/grpc"
import * as SoltiGrpcServer from "effect-switchyard/solti/grpc/server"
import * as SoltiServer from "effect-switchyard/solti/server"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { clientSuite } from "./clientSuite.js"

const overHttp = Layer.unwrapEffect(
  Effect.map(SoltiServer.SoltiServer, ({ url }) => Layer.provide(Solti.layer({ url }), layerHttpClient()))
)

const overGrpc = Layer.unwrapEffect(
  Effect.map(SoltiGrpcServer.GrpcServer, ({ authority }) => SoltiGrpc.layer({ url: authority }))
)

clientSuite("the client on our server over HTTP", Layer.provide(overHttp, SoltiServer.layer()))

clientSuite(
  "the client on our server over gRPC",
  overGrpc.pipe(Layer.provide(SoltiGrpcServer.layer()), Layer.provide(SoltiServer.layer()))
)
