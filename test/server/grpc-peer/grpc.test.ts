/** Our Solti server as a gRPC client in Python sees it (grpcio, its core in C): calls, refusals, streams, protocol. */
import { describe } from "vitest"
import { register } from "../peer/Peer.js"

describe("a Solti server over gRPC, from outside", () => register(new URL(".", import.meta.url)))
