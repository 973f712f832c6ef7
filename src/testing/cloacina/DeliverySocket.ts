/**
 * The delivery socket (contract 6.3): welcome, pushes, acks, and who throws whom off.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Api from "../../schemas/cloacina/api/Sockets.js"
import { read as readJson, type Reader } from "../../schemas/core/StrictJson.js"
import type { Connection, ConnectionClosed, Frame } from "../../streams/core/Connection.js"
import * as Body from "./Body.js"
import { type Handler, handler } from "./Handler.js"
import type { Outbox, Sink } from "./Outbox.js"
import * as Socket from "./Socket.js"
import type { World } from "./World.js"

/**
 * What happens to delivery connections, for who wants to know.
 *
 * - `onListen`: a connection for the pair is there and has been welcomed
 *
 * @since 0.1.0
 * @category models
 */
export interface Listeners {
  readonly onListen: (recipient: string, tenant: string | undefined) => Effect.Effect<void>
}

/**
 * @since 0.1.0
 * @category models
 */
export interface DeliverySocket {
  readonly handler: Handler
  /** How many connections are open, of this recipient or of all. */
  readonly connections: (recipient?: string) => number
  /** Breaks off the connections of this recipient, or all, without a close frame; says how many there were. */
  readonly drop: (recipient?: string) => Effect.Effect<number>
}

const welcome = `{"type":"welcome","protocol_version":1,"max_known_id":0}`

const invalidFrame: Socket.End = { code: 4400, reason: "invalid client frame" }

const unsupportedVersion: Socket.End = { code: 4426, reason: "unsupported protocol_version" }

/** Frames on their way to one connection. They count only while its client does not read. */
class Channel implements Sink {
  frames: Array<string> = []
  isSending = false
  isClosed = false
  isDetached = false
  readonly changed = Effect.unsafeMakeLatch(false)
  constructor(private readonly depth: number) {}

  readonly offer = (frame: string): boolean => {
    if (this.isClosed || this.isSending && this.frames.length >= this.depth) return false
    this.frames.push(frame)
    this.changed.unsafeOpen()
    return true
  }

  /** What is in it is still sent. */
  readonly close = (): void => {
    this.isClosed = true
    this.changed.unsafeOpen()
  }
}

/** Whether a number of a frame is a whole one in this range; those written with a fraction or an exponent are not. */
const isInteger = (value: unknown, min: bigint, max: bigint): value is bigint =>
  typeof value === "bigint" && value >= min && value <= max

const isVersion = (value: unknown): value is bigint => isInteger(value, 0n, 2n ** 32n - 1n)

const isId = (value: unknown): value is bigint => isInteger(value, -(2n ** 63n), 2n ** 63n - 1n)

interface Fields {
  readonly type?: unknown
  readonly protocol_version?: unknown
  readonly id?: unknown
  readonly since_id?: unknown
}

const isField = (name: string): name is keyof Fields =>
  name === "type" || name === "protocol_version" || name === "id" || name === "since_id"

const readValue = (reader: Reader): unknown => {
  if (reader.peek() !== "number") return Body.any.read(reader)
  const token = Body.numberToken(reader)
  return Body.isWhole(token) ? BigInt(token) : Number(token)
}

/** An object, or its values one behind the other: type, version, and the id or the cursor. */
const readFields = (reader: Reader): Fields => {
  const fields: { -readonly [Name in keyof Fields]: unknown } = {}
  if (reader.peek() !== "array") {
    reader.object((name) => {
      if (!isField(name)) return void readValue(reader)
      if (Object.hasOwn(fields, name)) return reader.failMember("duplicate field")
      fields[name] = readValue(reader)
    })
    return fields
  }
  const values: Array<unknown> = []
  reader.array(() => values.push(readValue(reader)))
  const [type, version, last] = values
  return values.length === 3
    ? { type, protocol_version: version, ...(type === "ack" ? { id: last } : { since_id: last }) }
    : {}
}

/** What clients send all the time, without a reader. */
const plainAck = /^\{"type":"ack","protocol_version":(?:0|[1-9]\d{0,8}),"id":(0|[1-9]\d{0,14})\}$/

/** Acts on a frame of the client; what it ends the connection with, if it does. */
const take = (outbox: Outbox, frame: Frame): Socket.End | undefined => {
  if (typeof frame !== "string") return undefined
  const plain = plainAck.exec(frame)
  if (plain !== null) {
    outbox.ack(Number(plain[1]))
    return undefined
  }
  const { id, protocol_version: version, since_id: since, type } = Either.getOrElse(
    readJson(frame, readFields),
    (): Fields => ({})
  )
  if (!isVersion(version)) return invalidFrame
  if (type === "ack" && isId(id)) {
    outbox.ack(Number(id))
    return undefined
  }
  if (type !== "hello" || !(since === undefined || since === null || isId(since))) return invalidFrame
  return version === 1n ? undefined : unsupportedVersion
}

/**
 * @since 0.1.0
 * @category constructors
 */
export const make = (world: World, outbox: Outbox, listeners: Listeners): DeliverySocket => {
  const { channelDepth = 32, drains = false } = world.options.delivery ?? {}
  const open = new Map<Connection, string>()

  /** Sends what comes, all of it at once, until the channel is closed. */
  const pump = (connection: Connection, channel: Channel): Effect.Effect<undefined, ConnectionClosed> =>
    Effect.suspend(() => {
      if (channel.frames.length === 0) {
        channel.changed.unsafeClose()
        return channel.changed.await
      }
      const frames = channel.frames
      channel.frames = []
      channel.isSending = true
      return Effect.map(connection.send(frames), () => {
        channel.isSending = false
        if (drains && channel.frames.length === 0) outbox.wake()
      })
    }).pipe(Effect.repeat({ until: () => channel.isClosed && channel.frames.length === 0 }), Effect.as(undefined))

  const read = (connection: Connection): Effect.Effect<Socket.End | undefined, ConnectionClosed> =>
    Socket.read(connection, (frames) => {
      for (const frame of frames) {
        const end = take(outbox, frame)
        if (end !== undefined) return Effect.succeed(end)
      }
      return Effect.succeed(undefined)
    })

  /**
   * One connection. One that takes the place of another ends together with it: on its way out the old one takes away
   * whatever is registered for the pair.
   */
  const serve = (
    connection: Connection,
    recipient: string,
    tenant: string | undefined
  ): Effect.Effect<Socket.End | undefined, ConnectionClosed> =>
    Effect.suspend(() => {
      const channel = new Channel(channelDepth)
      const before = outbox.attach(recipient, tenant, channel)
      open.set(connection, recipient)
      if (before instanceof Channel) {
        outbox.detach(recipient, tenant)
        before.isDetached = channel.isDetached = true
      }
      const leave = Effect.sync(() => {
        open.delete(connection)
        if (!channel.isDetached) outbox.detach(recipient, tenant)
        if (before instanceof Channel) before.close()
      })
      const run = before === undefined
        ? Effect.zipRight(
          listeners.onListen(recipient, tenant),
          Effect.raceFirst(pump(connection, channel), read(connection))
        )
        : Effect.raceFirst(read(connection), Effect.as(Effect.sleep("5 millis"), undefined))
      return Effect.ensuring(Effect.zipRight(connection.send([welcome]), run), leave)
    })

  return {
    handler: handler(Api.delivery, { _tag: "socket" }, (call) =>
      Effect.map(
        Socket.admit(world, Socket.deliveryGate, call),
        ({ tenant }) => Socket.accept((connection) => serve(connection, call.param("recipient"), tenant))
      )),
    connections: (recipient) =>
      recipient === undefined ? open.size : [...open.values()].filter((each) => each === recipient).length,
    drop: (recipient) =>
      Effect.suspend(() => {
        const dropped = [...open].filter(([_, each]) => recipient === undefined || each === recipient)
        return Effect.as(Effect.forEach(dropped, ([connection]) => connection.drop, { discard: true }), dropped.length)
      })
  }
}
