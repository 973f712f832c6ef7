import * as SoltiTesting from "effect-switchyard/solti/testing"

export const memory = SoltiTesting.layer()
export const client = SoltiTesting.layerHttpClient()
export const handler = SoltiTesting.layerHandler()
export const socket = SoltiTesting.layerServer()
export const script = SoltiTesting.command("make", SoltiTesting.succeeds())
