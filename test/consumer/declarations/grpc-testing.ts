import * as SoltiGrpcTesting from "effect-switchyard/solti/grpc/testing"

export const memory = SoltiGrpcTesting.layer()
export const handler = SoltiGrpcTesting.layerHandler()
export const socket = SoltiGrpcTesting.layerServer()
