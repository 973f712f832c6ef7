import * as SoltiGrpcServer from "effect-switchyard/solti/grpc/server"

export const live = SoltiGrpcServer.layer()
export const server = SoltiGrpcServer.layerServer()
export const configured = SoltiGrpcServer.layerConfig()
