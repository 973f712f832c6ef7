import * as SoltiServer from "effect-switchyard/solti/server"

export const live = SoltiServer.layer()
export const configured = SoltiServer.layerConfig()
export const supervisor = SoltiServer.layerSupervisor()
