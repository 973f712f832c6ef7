/** A user's program on Node, with every optional peer installed. */
import * as Cloacina from "effect-switchyard/cloacina"
import * as CloacinaNode from "effect-switchyard/cloacina/node"
import * as CloacinaTesting from "effect-switchyard/cloacina/testing"
import * as Core from "effect-switchyard/core"
import * as Node from "effect-switchyard/node"
import * as Solti from "effect-switchyard/solti"
import * as SoltiGrpc from "effect-switchyard/solti/grpc"
import * as SoltiGrpcServer from "effect-switchyard/solti/grpc/server"
import * as SoltiGrpcTesting from "effect-switchyard/solti/grpc/testing"
import * as SoltiServer from "effect-switchyard/solti/server"
import * as SoltiTesting from "effect-switchyard/solti/testing"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as assert from "node:assert/strict"

for (const module of [Cloacina, CloacinaNode, CloacinaTesting, Core, Node, Solti, SoltiServer, SoltiTesting]) {
  assert.ok(Object.keys(module).length > 0)
}
assert.ok(Object.keys(SoltiGrpcTesting).length > 0)

const client = Layer.unwrapEffect(
  Effect.map(SoltiGrpcServer.GrpcServer, ({ authority }) => SoltiGrpc.layer({ url: authority }))
)
const version = Effect.flatMap(Solti.Tasks, (tasks) => tasks.version()).pipe(
  Effect.provide(client),
  Effect.provide(SoltiGrpcServer.layer()),
  Effect.provide(SoltiServer.layer())
)
assert.equal(await Effect.runPromise(version), "0.0.2")
