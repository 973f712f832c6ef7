/**
 * The standard health service (`grpc.health.v1.Health`), as orchestrators and load balancers ask for it.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import { codes } from "../../schemas/core/Grpc.js"
import {
  Health,
  HealthCheckRequestSchema,
  HealthCheckResponse_ServingStatus as ServingStatus,
  HealthCheckResponseSchema
} from "../../schemas/gen/grpc/health/v1/health_pb.js"
import type * as Grpc from "./Grpc.js"
import * as GrpcMessage from "./GrpcMessage.js"
import { GrpcStatus } from "./GrpcStatus.js"

/**
 * The health of a server.
 *
 * - `methods`: `Check` and `Watch`, for `Grpc.make`
 * - `close`: the server is about to go: from now on it does not serve, and who watches is told so and let go. It is
 *   done when they are gone, after 1 s at the latest
 * - `closed`: done when `close` has begun
 *
 * @since 0.1.0
 * @category models
 */
export interface GrpcHealth {
  readonly methods: ReadonlyMap<string, Grpc.Method>
  readonly close: Effect.Effect<void>
  readonly closed: Effect.Effect<void>
}

/**
 * Whether a call is one to the health service, by its path. It says nothing about tasks, and probes carry no tokens.
 *
 * @since 0.1.0
 * @category guards
 */
export const isHealth = (path: string): boolean => path.startsWith(`/${Health.typeName}/`)

/** Nobody needs more for the name of a service, and nobody has shown a token: it is read for whoever asks, in bytes. */
const requestLimit = 4096

/** How many may watch at a time. Nobody has shown a token. */
const maxWatchers = 1000

/** How long those who watch may take to be told that the server goes. */
const closeTimeout = "1 second"

const answer = (status: ServingStatus): Uint8Array => GrpcMessage.encode(HealthCheckResponseSchema, { status })

const statusOf = (serving: boolean): ServingStatus => serving ? ServingStatus.SERVING : ServingStatus.NOT_SERVING

/**
 * The health of a server that serves from the beginning until it is closed.
 *
 * The services in `names`, and `""` for the server as a whole, share one status. For any other name `Check` is
 * `NOT_FOUND`, and `Watch` says `SERVICE_UNKNOWN` and stays open, as the protocol wants it.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (names: Iterable<string>): Effect.Effect<GrpcHealth> =>
  Effect.gen(function*() {
    const serving = yield* SubscriptionRef.make(true)
    const watching = yield* SubscriptionRef.make(0)
    const known = new Set(["", ...names])

    const check = (message: Uint8Array): Effect.Effect<Uint8Array, GrpcStatus> =>
      Effect.flatMap(GrpcMessage.decode(HealthCheckRequestSchema, message), ({ service }) =>
        known.has(service)
          ? Effect.map(SubscriptionRef.get(serving), (now) => answer(statusOf(now)))
          : Effect.fail(new GrpcStatus({ code: codes.NOT_FOUND, detail: "unknown service" })))

    const count = (by: 1 | -1) => SubscriptionRef.update(watching, (now) => now + by)

    const admitted = Effect.flatMap(SubscriptionRef.get(watching), (now) =>
      now < maxWatchers
        ? Effect.void
        : Effect.fail(new GrpcStatus({ code: codes.RESOURCE_EXHAUSTED, detail: "too many watch the health" })))

    const watch = (
      message: Uint8Array
    ): Effect.Effect<Stream.Stream<Uint8Array>, GrpcStatus, Scope.Scope> =>
      Effect.flatMap(GrpcMessage.decode(HealthCheckRequestSchema, message), ({ service }) =>
        Effect.as(
          Effect.zipRight(admitted, Effect.acquireRelease(count(1), () => count(-1))),
          serving.changes.pipe(
            Stream.takeUntil((now) => !now),
            Stream.map((now) => known.has(service) ? statusOf(now) : ServingStatus.SERVICE_UNKNOWN),
            Stream.changes,
            Stream.map(answer)
          )
        ))

    const unwatched = Stream.runDrain(Stream.takeUntil(watching.changes, (now) => now === 0))

    // In a fiber of its own: whoever shuts a server down may be interrupted already, and could wait for nothing.
    const patient = Effect.timeoutOption(unwatched, closeTimeout).pipe(
      Effect.interruptible,
      Effect.forkDaemon,
      Effect.flatMap(Fiber.await)
    )

    return {
      methods: new Map<string, Grpc.Method>([
        [`/${Health.typeName}/${Health.method.check.name}`, { _tag: "Unary", requestLimit, handle: check }],
        [`/${Health.typeName}/${Health.method.watch.name}`, { _tag: "ServerStream", requestLimit, handle: watch }]
      ]),
      closed: Stream.runDrain(Stream.takeUntil(serving.changes, (now) => !now)),
      close: Effect.zipRight(SubscriptionRef.set(serving, false), Effect.asVoid(patient))
    }
  })
