import * as CloacinaTesting from "effect-switchyard/cloacina/testing"

export const memory = CloacinaTesting.layer()
export const socket = CloacinaTesting.layerServer()
