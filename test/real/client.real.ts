/**
 * The client against the published server, over both of its wires.
 */
import { layerHttpClient } from "effect-switchyard/node"
import * as Solti from "effect-switchyard/solti"
import * as SoltiGrpc from "effect-switchyard/solti/grpc"
import * as Layer from "effect/Layer"
import { clientSuite } from "../solti/clientSuite.js"

const http = Solti.layer({ url: process.env["SOLTI_REAL_URL"] ?? "" })

// The published server reads 2 MiB (contract 3.4), and is gone before it has read 4.
const large = Solti.script("bash", `#${"x".repeat(1_600_000)}`, { slot: "client", timeout: "20 seconds" })

clientSuite("the client on a published 0.0.2 server over HTTP", Layer.provide(http, layerHttpClient()), large)

clientSuite(
  "the client on a published 0.0.2 server over gRPC",
  SoltiGrpc.layer({ url: process.env["SOLTI_REAL_GRPC"] ?? "" })
)
