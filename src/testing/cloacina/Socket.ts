/**
 * What the three sockets have in common: who may open one, and how it ends (contract 2.2, 6.1, 6.2).
 *
 * @since 0.1.0
 */
import type * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import { type FrontResponse, upgrade } from "../../server/core/Front.js"
import type { Connection, ConnectionClosed, Frame } from "../../streams/core/Connection.js"
import * as Body from "./Body.js"
import { type Call, type Identity, type Refusal, refuse, type Rejection } from "./Handler.js"
import type { World } from "./World.js"

/**
 * How a socket asks for its credential.
 *
 * - `anyCase`: whether the scheme may be in lower case
 * - `missing`, `invalid`: what is said of no credential, and of a key that is none
 *
 * @since 0.1.0
 * @category models
 */
export interface Gate {
  readonly anyCase: boolean
  readonly missing: string
  readonly invalid: string
}

/**
 * @since 0.1.0
 * @category constants
 */
export const deliveryGate: Gate = {
  anyCase: true,
  missing: "missing credential: provide Authorization bearer header or ?token=<ticket>",
  invalid: "invalid Authorization bearer token"
}

/**
 * @since 0.1.0
 * @category constants
 */
export const graphGate: Gate = { anyCase: false, missing: "missing auth token", invalid: "invalid bearer token" }

/**
 * Who opens the socket; 401 otherwise. A well-formed header wins, and keeps the ticket; a ticket is used up even if it
 * opens nothing.
 *
 * @since 0.1.0
 * @category utils
 */
export const admit = (world: World, gate: Gate, call: Call): Effect.Effect<Identity, Refusal | Rejection> =>
  Effect.flatMap(Body.queryText(call, "token"), (ticket) => admitted(world, gate, call, ticket))

const admitted = (
  world: World,
  gate: Gate,
  { request }: Call,
  ticket: string | undefined
): Effect.Effect<Identity, Refusal> => {
  const scheme = request.headers["authorization"]?.slice(0, "Bearer ".length)
  const hasHeader = scheme === "Bearer " || gate.anyCase && scheme === "bearer "
  if (hasHeader) {
    return Effect.mapError(
      world.access.authenticate(request, { anyCase: gate.anyCase }),
      () => refuse(401, "unauthorized", gate.invalid)
    )
  }
  return ticket === undefined
    ? Effect.fail(refuse(401, "unauthorized", gate.missing))
    : world.access.redeemTicket(ticket)
}

/**
 * The close frame that the server ends a connection with.
 *
 * @since 0.1.0
 * @category models
 */
export interface End {
  readonly code: number
  readonly reason: string
}

/**
 * Takes what the client sends until it goes, or until the server closes for a reason.
 *
 * @since 0.1.0
 * @category utils
 */
export const read = (
  connection: Connection,
  take: (frames: Chunk.Chunk<Frame>) => Effect.Effect<End | undefined, ConnectionClosed>
): Effect.Effect<End | undefined, ConnectionClosed> =>
  Effect.repeat(Effect.flatMap(connection.receive, take), { until: (end) => end !== undefined })

/**
 * The acceptance of an upgrade. Where `serve` gives no close frame the connection just drops: a client that closes is
 * not answered, and a server that stops says nothing.
 *
 * @since 0.1.0
 * @category utils
 */
export const accept = (
  serve: (connection: Connection) => Effect.Effect<End | undefined, ConnectionClosed>
): FrontResponse =>
  upgrade(
    (connection) =>
      serve(connection).pipe(
        Effect.flatMap((end) => end === undefined ? Effect.void : connection.close(end.code, end.reason)),
        Effect.ignore
      ),
    { answersClose: false }
  )

/**
 * Takes frames one by one, up to the one that the server closes at.
 *
 * @since 0.1.0
 * @category utils
 */
export const each = <E>(
  frames: Chunk.Chunk<Frame>,
  take: (frame: Frame) => Effect.Effect<End | undefined, E>
): Effect.Effect<End | undefined, E> => {
  const rest = frames[Symbol.iterator]()
  let end: End | undefined
  let next = rest.next()
  return Effect.map(
    Effect.whileLoop({
      while: () => end === undefined && next.done !== true,
      body: () => next.done === true ? Effect.succeed(undefined) : take(next.value),
      step: (result) => {
        end = result
        next = rest.next()
      }
    }),
    () => end
  )
}
