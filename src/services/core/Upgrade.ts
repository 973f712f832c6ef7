/**
 * Opening a WebSocket of a plane: the upgrade as a declared endpoint, and what its refusal means.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type { Declared } from "../../schemas/core/Endpoint.js"
import type { CommonError, InvalidInput } from "../../schemas/core/Errors.js"
import { Timeout, TransportError } from "../../schemas/core/Errors.js"
import type { Connection } from "../../streams/core/Connection.js"
import * as Answers from "./Answers.js"
import * as Codec from "./Codec.js"
import type { CallInfo, Plane } from "./Plane.js"
import { excerpt, redact } from "./Redaction.js"
import type { Refusal, WebSockets } from "./WebSockets.js"

/**
 * Why a connection did not come to be: `refusal` is the answer of the server, where there was one and the platform
 * shows it.
 *
 * @internal
 */
export interface Failed<E> {
  readonly error: E
  readonly refusal: Option.Option<Refusal>
}

/**
 * One attempt to open a connection.
 *
 * @internal
 */
export interface Attempt {
  /** `http:` or `https:`, as {@link make} gives it, with whatever query it needs. */
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly openTimeout: Duration.DurationInput
  readonly keepAlive: Duration.DurationInput
  readonly highWater: number
  /** What must not be in an error. */
  readonly secrets: ReadonlyArray<string>
}

const socketUrl = (url: string): string => url.replace(/^http/, "ws")

/**
 * What opens the connections of a declared endpoint.
 *
 * @internal
 */
export const make = <
  PlaneError extends { readonly _tag: string },
  Endpoint extends Codec.AnyEndpoint,
  E extends { readonly _tag: string }
>(
  plane: Plane<PlaneError>,
  info: CallInfo,
  declared: Declared<Endpoint, E>
) => {
  type Error = E | CommonError | InvalidInput
  const codec = Codec.make(declared.endpoint, info, plane.baseUrl)
  const answers = Answers.make<PlaneError, E>(plane, info, declared.errors)

  return {
    /** The URL of an input, or what is wrong with it. */
    url: (input: Codec.InputOf<Endpoint> & Codec.Input): Either.Either<string, InvalidInput> =>
      Either.map(codec.request(input, {}), (request) => request.url),
    /** Opens one connection, which is closed with 1000 when the scope closes. */
    open: (
      webSockets: WebSockets.Service,
      attempt: Attempt
    ): Effect.Effect<Connection, Failed<Error>, Scope.Scope> =>
      Effect.catchAll(
        webSockets.open({
          url: socketUrl(attempt.url),
          headers: attempt.headers,
          openTimeout: attempt.openTimeout,
          keepAlive: attempt.keepAlive,
          highWater: attempt.highWater
        }),
        ({ detail, reason, refusal }): Effect.Effect<never, Failed<Error>> => {
          if (Option.isSome(refusal)) {
            return Effect.mapError(
              answers.refuse(refusal.value, {}, attempt.secrets),
              (error): Failed<Error> => ({ error, refusal })
            )
          }
          const limitMs = Duration.toMillis(attempt.openTimeout)
          const error = reason === "timeout"
            ? new Timeout({
              ...info,
              kind: "connect",
              limitMs,
              detail: `the connection was not open after ${limitMs} ms`
            })
            : new TransportError({
              ...info,
              phase: "request",
              detail: excerpt(redact(`the connection could not be opened: ${detail}`, attempt.secrets), 1000)
            })
          return Effect.fail({ error, refusal })
        }
      )
  }
}
