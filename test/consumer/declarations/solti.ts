import * as Solti from "effect-switchyard/solti"

export const live = Solti.layer({ url: "http://127.0.0.1:8085" })
export const configured = Solti.layerConfig()
export const spec = Solti.command("make", [], { slot: "build", timeout: "1 minute" })
