import * as SoltiGrpc from "effect-switchyard/solti/grpc"

export const live = SoltiGrpc.layer({ url: "127.0.0.1:50052" })
export const configured = SoltiGrpc.layerConfig()
