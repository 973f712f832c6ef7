/**
 * The reactor socket (contract 6.5): one answer for each command, in order.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"
import * as Api from "../../schemas/cloacina/api/Sockets.js"
import type { Reader } from "../../schemas/core/StrictJson.js"
import { read as readJson } from "../../schemas/core/StrictJson.js"
import * as Body from "./Body.js"
import type { GraphStore, Reactor } from "./GraphStore.js"
import { type Handler, handler, type Identity, refuse } from "./Handler.js"
import { jsonText } from "./internal/Boundary.js"
import * as Socket from "./Socket.js"
import type { World } from "./World.js"

const operations = {
  force_fire: "ForceFire",
  fire_with: "FireWith",
  get_state: "GetState",
  pause: "Pause",
  resume: "Resume"
} as const

interface Command {
  readonly command: keyof typeof operations
  readonly cache: Map<string, Uint8Array>
}

const commandField = Body.oneOf("force_fire", "fire_with", "get_state", "pause", "resume")

const cacheField = Body.record(Body.array(Body.integer("u8")))

/** What is wrong in the cache is told without its place: the server has read the whole command by then. */
const cacheOf = (text: string | undefined): Either.Either<Map<string, Uint8Array>, string> =>
  text === undefined
    ? Either.left("missing field `cache`")
    : Either.mapBoth(readJson(text, cacheField.read), {
      onLeft: ({ detail }) => detail,
      onRight: (cache) => new Map(Object.entries(cache).map(([source, bytes]) => [source, Uint8Array.from(bytes)]))
    })

const readName = (reader: Reader): Command["command"] =>
  reader.peek() === "string" ? commandField.read(reader) : Body.failType(reader, "variant identifier")

/** The name of a command and the text of its cache: in an object, or one behind the other in an array. */
const readCommand = (reader: Reader): readonly [command: Command["command"], cache: string | undefined] => {
  let command: Command["command"] | undefined
  let cache: string | undefined
  const kind = reader.peek()
  if (kind === "array") {
    reader.array((index) => {
      if (index === 0) command = readName(reader)
      else cache = jsonText.read(reader)
    })
  } else if (kind === "object") {
    reader.object((name) => {
      if (name === "command" && command !== undefined || name === "cache" && cache !== undefined) {
        return reader.fail(`duplicate field \`${name}\``)
      }
      if (name === "command") command = readName(reader)
      else if (name === "cache") cache = jsonText.read(reader)
      else jsonText.read(reader)
    })
  } else return Body.failType(reader, "internally tagged enum ReactorCommand")
  return [command ?? reader.fail("missing field `command`"), cache]
}

const parse = (text: string): Either.Either<Command, string> =>
  Either.flatMap(
    Either.mapLeft(readJson(text, readCommand, Body.widthOf), ({ column, detail, line }) =>
      `${detail} at line ${line} column ${column}`),
    ([command, cache]): Either.Either<Command, string> =>
      command === "fire_with"
        ? Either.map(cacheOf(cache), (frames) => ({ command, cache: frames }))
        : Either.right({ command, cache: new Map() })
  )

const error = (message: string) => ({ type: "error", message })

/**
 * @since 0.1.0
 * @category constructors
 */
export const make = (world: World, store: GraphStore): Handler => {
  /** `handle` is what the name meant when the socket was opened; a reload leaves it with the reactor of before. */
  const obey = (
    identity: Identity,
    name: string,
    handle: Reactor,
    { cache, command }: Command
  ): Effect.Effect<unknown> =>
    Effect.suspend(() => {
      const reactor = store.reactor(identity, name)
      if (reactor === undefined) {
        return Effect.succeed(error(`operation ${operations[command]} not permitted on reactor '${name}'`))
      }
      switch (command) {
        case "force_fire":
          return Effect.as(store.fire(reactor), { type: "fired" })
        case "fire_with":
          return Effect.as(store.fire(reactor, cache), { type: "fired" })
        case "get_state": {
          const held = [...handle.cache].map(([source, frame]) => [source, Encoding.encodeHex(frame)] as const)
          return Effect.succeed({ type: "state", cache: Object.fromEntries(held) })
        }
        case "pause":
        case "resume":
          handle.isPaused = command === "pause"
          return Effect.succeed({ type: `${command}d` })
      }
    })

  return handler(
    Api.reactor,
    { _tag: "socket" },
    (call) =>
      Effect.flatMap(Socket.admit(world, Socket.graphGate, call), (identity) => {
        const name = call.param("name")
        const handle = store.reactor(identity, name)
        if (handle === undefined) {
          return refuse(403, "endpoint_access_denied", `not authorized for reactor '${name}'`)
        }
        return Effect.succeed(Socket.accept((connection) =>
          Socket.read(connection, (frames) =>
            Socket.each(frames, (frame) => {
              if (typeof frame !== "string") return Effect.succeed(undefined)
              const answer = Either.match(parse(frame), {
                onLeft: (fault) => Effect.succeed<unknown>(error(`invalid command: ${fault}`)),
                onRight: (command) => obey(identity, name, handle, command)
              })
              return Effect.as(Effect.flatMap(answer, (body) => connection.send([JSON.stringify(body)])), undefined)
            }))
        ))
      })
  )
}
