import * as Cloacina from "effect-switchyard/cloacina"
import * as Redacted from "effect/Redacted"

export const live = Cloacina.layer({ url: "http://127.0.0.1:8080", key: Redacted.make("clk_example") })
export const configured = Cloacina.layerConfig()
