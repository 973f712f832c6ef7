/** Every transport that the SDK runs on in Node, and the Tasks service over one of them. */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import type * as HttpClient from "@effect/platform/HttpClient"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { layerHttpClient } from "../../../src/node.js"
import * as Solti from "../../../src/solti.js"

export const transports: ReadonlyArray<{
  readonly name: string
  readonly layer: Layer.Layer<HttpClient.HttpClient>
}> = [
  { name: "layerHttpClient (undici)", layer: layerHttpClient() },
  { name: "NodeHttpClient.layerUndici", layer: NodeHttpClient.layerUndici },
  { name: "fetch", layer: FetchHttpClient.layer }
]

/** The Tasks service, as long as the scope is open. */
export const tasksOver = <E>(
  transport: Layer.Layer<HttpClient.HttpClient, E>,
  options: Solti.Options
) =>
  Effect.map(
    Layer.build(Layer.provide(Solti.layer(options), transport)),
    (context) => Context.get(context, Solti.Tasks)
  )

/** Options under which nothing is sent twice. */
export const once: Solti.Options["options"] = { retry: { maxRetries: 0 } }
