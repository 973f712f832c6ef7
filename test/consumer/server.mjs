// Runs with the peers of the Node side and without those of gRPC: nothing of gRPC may be reached from here.
import * as SoltiServer from "effect-switchyard/solti/server"
import * as SoltiTesting from "effect-switchyard/solti/testing"
import * as Effect from "effect/Effect"
import * as assert from "node:assert/strict"

const url = Effect.map(SoltiServer.SoltiServer, ({ url }) => url).pipe(Effect.provide(SoltiServer.layer()))
assert.match(await Effect.runPromise(url), /^http:/)
assert.ok(Object.keys(SoltiTesting).length > 0)
await assert.rejects(import("effect-switchyard/solti/grpc"), { code: "ERR_MODULE_NOT_FOUND" })
