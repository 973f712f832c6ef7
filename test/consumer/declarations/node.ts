import * as Node from "effect-switchyard/node"

export const transport = Node.layerTransport()
export const http = Node.layerHttpClient()
