/**
 * The accumulator socket (contract 6.6): events in, nothing out.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Api from "../../schemas/cloacina/api/Sockets.js"
import { empty } from "../../server/core/Front.js"
import type { Frame } from "../../streams/core/Connection.js"
import { elsewhere } from "./GraphRoutes.js"
import type { GraphStore } from "./GraphStore.js"
import { type Handler, handler, type Identity, refuse } from "./Handler.js"
import * as Socket from "./Socket.js"
import type { World } from "./World.js"

/**
 * @since 0.1.0
 * @category constructors
 */
export const make = (world: World, store: GraphStore): Handler => {
  /** Names are looked up again for each event, since what has them may have been unloaded. */
  const take = (identity: Identity, name: string, frame: Frame): Effect.Effect<Socket.End | undefined> =>
    Effect.suspend(() => {
      if (typeof frame === "string") return Effect.succeed(undefined)
      const accumulator = store.accumulator(identity, name)
      const taken = accumulator === undefined ? Effect.succeed(false) : store.push(accumulator, frame)
      return Effect.map(
        taken,
        (isTaken) => isTaken ? undefined : { code: 4404, reason: `accumulator '${name}' not registered` }
      )
    })

  return handler(
    Api.accumulator,
    { _tag: "socket" },
    (call) =>
      Effect.flatMap(Socket.admit(world, Socket.graphGate, call), (identity) => {
        const name = call.param("name")
        const owner = elsewhere(store, identity, name)
        // The server's path for this does not exist: it has the plural.
        if (owner) return Effect.succeed(empty(307, { location: `${owner}/v1/ws/accumulators/${name}` }))
        // Without an address events are stored for the owner.
        if (owner === undefined && store.accumulator(identity, name) === undefined) {
          return refuse(403, "endpoint_access_denied", `not authorized for accumulator '${name}'`)
        }
        return Effect.succeed(Socket.accept((connection) =>
          Socket.read(connection, (frames) =>
            owner === undefined
              ? Socket.each(frames, (frame) => take(identity, name, frame))
              : Effect.succeed(undefined))
        ))
      })
  )
}
