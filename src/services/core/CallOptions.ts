/**
 * What a caller may change for one call, or for all calls of a region: time-outs, retry, headers.
 *
 * Precedence, per member: the call's own options, then the region's, then the layer's, then the defaults.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import { dual } from "effect/Function"
import { globalValue } from "effect/GlobalValue"
import type * as Redacted from "effect/Redacted"

/**
 * How failed calls are repeated. Delays grow from `base` by doubling up to `cap`, each shortened at random by up to a
 * quarter; a server's `Retry-After` of at most `maxRetryAfter` takes their place, a longer one ends the retries.
 *
 * @since 0.1.0
 * @category models
 */
export interface RetryPolicy {
  /** How many times a call is sent again; 0 turns retries off. Default 2. */
  readonly maxRetries?: number | undefined
  /** Delay before the first retry. Default 500 ms. */
  readonly base?: Duration.DurationInput | undefined
  /** Longest delay of the back-off. Default 8 s. */
  readonly cap?: Duration.DurationInput | undefined
  /** Longest `Retry-After` that is waited out. Default 60 s. */
  readonly maxRetryAfter?: Duration.DurationInput | undefined
}

/**
 * Time-outs of one attempt. `Duration.infinity` turns one off. The connect time-out belongs to the transport: see
 * `effect-switchyard/node`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Timeouts {
  /** Until the headers of the answer are there. Unary calls: off (the total covers it), streams: 30 s. */
  readonly firstByte?: Duration.DurationInput | undefined
  /** The longest silence between two pieces of a body. Unary calls: off, streams: 45 s. Not over gRPC, where pings ask. */
  readonly idle?: Duration.DurationInput | undefined
  /** The whole attempt of a unary call, body included. Default 10 s, Cloacina 30 s. Streams have none. */
  readonly total?: Duration.DurationInput | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface CallOptions {
  readonly timeouts?: Timeouts | undefined
  readonly retry?: RetryPolicy | undefined
  /** Sent with every attempt. A header of the SDK itself (`accept`, `content-type`, `authorization`) is not replaced. */
  readonly headers?: Readonly<Record<string, string | Redacted.Redacted | undefined>> | undefined
}

/**
 * The options of the region that the fiber is in.
 *
 * @since 0.1.0
 * @category fiber refs
 */
export const currentCallOptions: FiberRef.FiberRef<CallOptions> = globalValue(
  "effect-switchyard/CallOptions/currentCallOptions",
  () => FiberRef.unsafeMake<CallOptions>({})
)

/** A member that is `undefined` decides nothing. */
const lay = <A extends object>(under: A | undefined, over: A | undefined): A | undefined => {
  if (under === undefined || over === undefined) return over ?? under
  const out = { ...under }
  for (const key in over) if (over[key] !== undefined) out[key] = over[key]
  return out
}

/** Names of headers are the same in every case. */
const lowerCased = (headers: CallOptions["headers"]): CallOptions["headers"] =>
  headers && Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))

/**
 * Lays `over` on top of `under`, member by member.
 *
 * @since 0.1.0
 * @category combining
 */
export const merge = (under: CallOptions, over: CallOptions): CallOptions => ({
  timeouts: lay(under.timeouts, over.timeouts),
  retry: lay(under.retry, over.retry),
  headers: lay(lowerCased(under.headers), lowerCased(over.headers))
})

/**
 * Applies options to every call that the effect makes, on all planes.
 *
 * @example
 * ```ts
 * import { CallOptions } from "effect-switchyard/core"
 * import * as Solti from "effect-switchyard/solti"
 * import * as Effect from "effect/Effect"
 *
 * const program = Effect.flatMap(Solti.Tasks, (tasks) => tasks.list())
 *
 * export const patient = program.pipe(
 *   CallOptions.withOptions({ timeouts: { total: "1 minute" }, retry: { maxRetries: 5 } })
 * )
 * ```
 *
 * @since 0.1.0
 * @category combinators
 */
export const withOptions: {
  (options: CallOptions): <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  <A, E, R>(self: Effect.Effect<A, E, R>, options: CallOptions): Effect.Effect<A, E, R>
} = dual(
  2,
  <A, E, R>(self: Effect.Effect<A, E, R>, options: CallOptions): Effect.Effect<A, E, R> =>
    Effect.locallyWith(self, currentCallOptions, (current) => merge(current, options))
)

/**
 * Options with every member decided, in milliseconds (`Infinity`: off).
 *
 * @internal
 */
export interface Resolved {
  readonly firstByteMs: number
  readonly idleMs: number
  readonly totalMs: number
  readonly maxRetries: number
  readonly baseMs: number
  readonly capMs: number
  readonly maxRetryAfterMs: number
  readonly headers: Readonly<Record<string, string | Redacted.Redacted | undefined>>
}

/** @internal */
export const resolve = (options: CallOptions, defaults: Timeouts): Resolved => ({
  firstByteMs: Duration.toMillis(options.timeouts?.firstByte ?? defaults.firstByte ?? Duration.infinity),
  idleMs: Duration.toMillis(options.timeouts?.idle ?? defaults.idle ?? Duration.infinity),
  totalMs: Duration.toMillis(options.timeouts?.total ?? defaults.total ?? Duration.infinity),
  maxRetries: options.retry?.maxRetries ?? 2,
  baseMs: Duration.toMillis(options.retry?.base ?? 500),
  capMs: Duration.toMillis(options.retry?.cap ?? 8000),
  maxRetryAfterMs: Duration.toMillis(options.retry?.maxRetryAfter ?? 60_000),
  headers: options.headers ?? {}
})

/**
 * What the options of the layer, of the region and of the call come to. Nearly all calls are made with the same: they are
 * kept.
 *
 * @internal
 */
export const resolver = (layer: CallOptions) => {
  const known = new WeakMap<CallOptions, Map<Timeouts, Resolved>>()
  return (region: CallOptions, own: CallOptions | undefined, defaults: Timeouts): Resolved => {
    if (own !== undefined) return resolve(merge(merge(layer, region), own), defaults)
    let ofRegion = known.get(region)
    if (ofRegion === undefined) known.set(region, ofRegion = new Map())
    let resolved = ofRegion.get(defaults)
    if (resolved === undefined) ofRegion.set(defaults, resolved = resolve(merge(layer, region), defaults))
    return resolved
  }
}
