/**
 * One request of a plane on its way: headers, options, limits, body.
 *
 * @since 0.1.0
 */
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpClient from "@effect/platform/HttpClient"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import type { Timeout, TransportError } from "../../schemas/core/Errors.js"
import * as Bytes from "./Bytes.js"
import * as CallOptions from "./CallOptions.js"
import { bounded, fromClientError, within } from "./Failure.js"
import type { CallInfo, Plane } from "./Plane.js"
import { headerSecrets } from "./Redaction.js"
import { limitOf } from "./TransportTimeouts.js"

/** @internal */
export type Token = Option.Option<Redacted.Redacted>

/** @internal */
export const make = <PlaneError extends { readonly _tag: string }>(plane: Plane<PlaneError>) => {
  const limit = limitOf(plane.httpClient)
  const client = HttpClient.withTracerDisabledWhen(plane.httpClient, () => true)
  const scopedClient = HttpClient.withScope(client)

  /** The context for a request: no redirects, since one would take the credential to where it points, and the limits. */
  const contextOf = (context: Context.Context<never>, options: CallOptions.Resolved): Context.Context<never> => {
    const manual = Context.add(context, FetchHttpClient.RequestInit, {
      ...Option.getOrUndefined(Context.getOption(context, FetchHttpClient.RequestInit)),
      redirect: "manual"
    })
    return Option.match(limit, { onNone: () => manual, onSome: (limit) => limit(manual, options) })
  }
  const contexts = new WeakMap<CallOptions.Resolved, readonly [Context.Context<never>, Context.Context<never>]>()

  /** Runs a request in its context, which is the same for all calls of a fiber with the same options. */
  const inContext = <A, E, R>(effect: Effect.Effect<A, E, R>, options: CallOptions.Resolved): Effect.Effect<A, E, R> =>
    Effect.mapInputContext(effect, (context: Context.Context<R>) => {
      const known = contexts.get(options)
      if (known !== undefined && known[0] === context) return Context.unsafeMake<R>(known[1].unsafeMap)
      const made = contextOf(Context.unsafeMake(context.unsafeMap), options)
      contexts.set(options, [context, made])
      return Context.unsafeMake<R>(made.unsafeMap)
    })

  const isRacing = Option.isNone(limit)
  const raced = <A, E, R>(
    effect: Effect.Effect<A, E, R>,
    info: CallInfo,
    kind: Exclude<Timeout["kind"], "connect">,
    limitMs: number
  ): Effect.Effect<A, E | Timeout, R> => isRacing ? within(effect, info, kind, limitMs) : effect

  const headersOf = (accept: string, token: Token, options: CallOptions.Resolved): Record<string, string> => {
    const headers: Record<string, string> = {}
    for (const name in options.headers) {
      const value = options.headers[name]
      if (value !== undefined) headers[name] = Redacted.isRedacted(value) ? Redacted.value(value) : value
    }
    headers["accept"] = accept
    if (Option.isSome(token)) headers["authorization"] = `Bearer ${Redacted.value(token.value)}`
    return headers
  }

  const prefix = new URL(plane.baseUrl).pathname
  const secretsOf = (token: Token, options: CallOptions.Resolved): Array<string> => [
    ...headerSecrets(token, options.headers),
    prefix
  ]

  /** The body as a stream under its time-out. */
  const bodyOf = (
    response: HttpClientResponse.HttpClientResponse,
    info: CallInfo,
    options: CallOptions.Resolved
  ): Stream.Stream<Uint8Array, TransportError | Timeout> => {
    const body = Stream.mapError(response.stream, (error) => fromClientError(info, "response", error, options))
    return isRacing ? bounded(body, info, options.idleMs) : body
  }

  const textOf = (
    response: HttpClientResponse.HttpClientResponse,
    info: CallInfo,
    options: CallOptions.Resolved
  ): Effect.Effect<string, TransportError | Timeout> =>
    isRacing && options.idleMs !== Infinity
      ? Stream.mkString(Stream.decodeText(bodyOf(response, info, options)))
      : Effect.mapError(response.text, (error) => fromClientError(info, "response", error, options))

  const bytesOf = (
    response: HttpClientResponse.HttpClientResponse,
    info: CallInfo,
    options: CallOptions.Resolved
  ): Effect.Effect<Uint8Array, TransportError | Timeout> =>
    isRacing && options.idleMs !== Infinity
      ? Effect.map(Stream.runCollect(bodyOf(response, info, options)), Bytes.concat)
      : Effect.mapBoth(response.arrayBuffer, {
        onSuccess: (buffer) => new Uint8Array(buffer),
        onFailure: (error) => fromClientError(info, "response", error, options)
      })

  const resolve = CallOptions.resolver(plane.options)

  const withOptions = <A, E, R>(
    own: CallOptions.CallOptions | undefined,
    defaults: CallOptions.Timeouts,
    f: (options: CallOptions.Resolved) => Effect.Effect<A, E, R>
  ): Effect.Effect<A, E, R> =>
    Effect.withFiberRuntime((fiber) => f(resolve(fiber.getFiberRef(CallOptions.currentCallOptions), own, defaults)))

  return { bodyOf, bytesOf, client, headersOf, inContext, raced, scopedClient, secretsOf, textOf, withOptions }
}
