/**
 * What a Cloacina server says about itself: metrics, its API document, its version. Needs no key.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Api from "../../schemas/cloacina/api/Operations.js"
import type { CallError } from "../../schemas/cloacina/Errors.js"
import { DecodeError } from "../../schemas/core/Errors.js"
import type { CallOptions } from "../core/CallOptions.js"
import { Client } from "./Client.js"
import * as Calls from "./internal/calls.js"

/**
 * What the server says about itself.
 *
 * @since 0.1.0
 * @category context
 */
export class Operations extends Context.Tag("effect-switchyard/cloacina/Operations")<Operations, Operations.Service>() {
  /**
   * The service over HTTP.
   *
   * @since 0.1.0
   */
  static readonly layer: Layer.Layer<Operations, never, Client> = Layer.effect(
    this,
    Effect.map(Client, (client) => make(client))
  )
}

/**
 * @since 0.1.0
 */
export declare namespace Operations {
  /**
   * @since 0.1.0
   * @category models
   */
  export interface Service {
    /** The metrics in Prometheus text format (`GET /metrics`, contract 4.1). */
    readonly metrics: (options?: CallOptions) => Effect.Effect<string, CallError>
    /** The OpenAPI document (`GET /openapi.json`, contract 4.1, 4.15). */
    readonly openapi: (options?: CallOptions) => Effect.Effect<Readonly<Record<string, unknown>>, CallError>
    /**
     * The version of the server, for example `0.12.0` (`info.version` of `GET /openapi.json`, contract 2.8). Fails with
     * `DecodeError` when the document has none.
     */
    readonly version: (options?: CallOptions) => Effect.Effect<string, CallError>
  }
}

const decodeVersion = Schema.decodeUnknown(Schema.Struct({ info: Schema.Struct({ version: Schema.String }) }))

const make = (client: Client.Service): Operations.Service => {
  const calls = Calls.make(client, "Operations")
  const metrics = calls.unary("metrics", Api.metrics)
  const openapi = calls.unary("openapi", Api.openapi)
  const document = calls.unary("version", Api.openapi)
  return {
    metrics: (options) => metrics({}, options),
    openapi: (options) => openapi({}, options),
    version: (options) =>
      Effect.flatMap(document({}, options), (document) =>
        Effect.mapBoth(decodeVersion(document), {
          onSuccess: ({ info }) => info.version,
          onFailure: () =>
            new DecodeError({
              ...calls.info("version", Api.openapi),
              path: "info.version",
              expected: "string",
              detail: "the document does not say the version of the server"
            })
        }))
  }
}
