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

/** What serde says of a value that it has already read, without a position. */
const found = (value: unknown): string => {
  if (value === null) return "null"
  if (typeof value === "boolean") return `boolean \`${value}\``
  if (typeof value === "string") return `string ${JSON.stringify(value)}`
  if (typeof value === "number") return Number.isInteger(value) ? `integer \`${value}\`` : `floating point \`${value}\``
  return Array.isArray(value) ? "sequence" : "map"
}

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const byteFault = (value: unknown): string | undefined =>
  typeof value !== "number" || !Number.isInteger(value)
    ? `invalid type: ${found(value)}, expected u8`
    : value < 0 || value > 255
    ? `invalid value: ${found(value)}, expected u8`
    : undefined

const bytesOf = (value: unknown): Either.Either<Uint8Array, string> => {
  if (!Array.isArray(value)) return Either.left(`invalid type: ${found(value)}, expected a sequence`)
  for (const each of value) {
    const fault = byteFault(each)
    if (fault !== undefined) return Either.left(fault)
  }
  return Either.right(Uint8Array.from(value))
}

const cacheOf = (text: string | undefined): Either.Either<Map<string, Uint8Array>, string> => {
  if (text === undefined) return Either.left("missing field `cache`")
  const value: unknown = JSON.parse(text)
  if (!isMap(value)) return Either.left(`invalid type: ${found(value)}, expected a map`)
  return Either.map(
    Either.all(Object.fromEntries(Object.entries(value).map(([source, bytes]) => [source, bytesOf(bytes)]))),
    (frames) => new Map(Object.entries(frames))
  )
}

/** Refuses the next value, once it is read. */
const refuseType = (reader: Reader, expected: string): never => {
  const value: unknown = JSON.parse(jsonText.read(reader))
  return reader.fail(`invalid type: ${found(value)}, expected ${expected}`)
}

/** The tag may stand anywhere; the rest is looked at once it is known. */
const readCommand = (reader: Reader): readonly [command: Command["command"], cache: string | undefined] => {
  if (reader.peek() !== "object") return refuseType(reader, "internally tagged enum ReactorCommand")
  let command: Command["command"] | undefined
  let cache: string | undefined
  reader.object((name) => {
    if (name === "cache") cache = jsonText.read(reader)
    else if (name !== "command") jsonText.read(reader)
    else if (reader.peek() === "string") command = commandField.read(reader)
    else refuseType(reader, "variant identifier")
  })
  return [command ?? reader.fail("missing field `command`"), cache]
}

const parse = (text: string): Either.Either<Command, string> =>
  Either.flatMap(
    Either.mapLeft(readJson(text, readCommand), ({ column, detail, line }) =>
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
