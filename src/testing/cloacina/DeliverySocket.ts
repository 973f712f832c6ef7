/**
 * The delivery socket (contract 6.3): welcome, pushes, acks, and who throws whom off.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Api from "../../schemas/cloacina/api/Sockets.js"
import type { Connection, ConnectionClosed, Frame } from "../../streams/core/Connection.js"
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

const isInteger = (value: unknown, min: number, max: number): value is number =>
  typeof value === "number" && Number.isInteger(value) && value >= min && value <= max

const isVersion = (value: unknown): value is number => isInteger(value, 0, 0xffff_ffff)

const isId = (value: unknown): value is number => isInteger(value, -(2 ** 63), 2 ** 63)

type Fields = { readonly [name: string]: unknown }

const isFields = (value: unknown): value is Fields => typeof value === "object" && value !== null

const parse = (text: string): Fields | undefined => {
  try {
    const value: unknown = JSON.parse(text)
    return isFields(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** Acts on a frame of the client; what it ends the connection with, if it does. */
const take = (outbox: Outbox, frame: Frame): Socket.End | undefined => {
  if (typeof frame !== "string") return undefined
  const message = parse(frame)
  if (message === undefined || !isVersion(message["protocol_version"])) return invalidFrame
  if (message["type"] === "ack" && isId(message["id"])) {
    outbox.ack(message["id"])
    return undefined
  }
  const since = message["since_id"]
  if (message["type"] !== "hello" || !(since === undefined || since === null || isId(since))) return invalidFrame
  return message["protocol_version"] === 1 ? undefined : unsupportedVersion
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
