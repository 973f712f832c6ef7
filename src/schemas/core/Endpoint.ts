/**
 * One declaration per endpoint: an `HttpApiEndpoint` and the errors it can answer beside those of every call.
 *
 * @since 0.1.0
 */
import type * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"

/**
 * The class of a tagged error, as an endpoint names it.
 *
 * @since 0.1.0
 * @category models
 */
export interface ErrorClass<out E extends { readonly _tag: string }> {
  readonly _tag: E["_tag"]
  readonly prototype: E
}

/**
 * How often a call may be sent again after a failure.
 *
 * - `safe`: reading; any transient failure
 * - `idempotent`: writing the same twice is the same as once; transport failures (no connection in time is one) and 503
 * - `never`: sent once
 *
 * @since 0.1.0
 * @category models
 */
export type Repeat = "safe" | "idempotent" | "never"

/**
 * A declared endpoint.
 *
 * @since 0.1.0
 * @category models
 */
export interface Declared<out Endpoint, out E extends { readonly _tag: string }> {
  readonly endpoint: Endpoint
  readonly errors: ReadonlySet<string>
  readonly repeat: Repeat
  /** Whether it is answered without a credential. */
  readonly isPublic: boolean
  /** Whether a 307 to the same path of another replica is followed, with the credential. */
  readonly hasReplicas: boolean
  /** Carries the type of the errors; never read. */
  readonly _E?: E | undefined
}

/**
 * Declares an endpoint.
 *
 * @since 0.1.0
 * @category constructors
 */
export const declare = <
  Endpoint extends HttpApiEndpoint.HttpApiEndpoint.Any,
  const Errors extends ReadonlyArray<ErrorClass<{ readonly _tag: string }>>
>(
  endpoint: Endpoint,
  options: {
    readonly repeat: Repeat
    readonly errors: Errors
    readonly isPublic?: boolean
    readonly hasReplicas?: boolean
  }
): Declared<Endpoint, Errors[number]["prototype"]> => ({
  endpoint,
  errors: new Set(options.errors.map((error) => error._tag)),
  repeat: options.repeat,
  isPublic: options.isPublic ?? false,
  hasReplicas: options.hasReplicas ?? false
})
