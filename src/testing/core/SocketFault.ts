/**
 * What can go wrong on a WebSocket connection: faults for answers that accept an upgrade. Other answers pass. They can be
 * put together with each other and with those of `Fault`.
 *
 * Frames are counted from 0, for each direction of a connection.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Connection, ConnectionClosed, Frame } from "../../streams/core/Connection.js"
import { Inbox } from "../../streams/core/Inbox.js"
import type { Fault } from "./Fault.js"

/**
 * Where a frame goes to.
 *
 * @since 0.1.0
 * @category models
 */
export type Direction = "toClient" | "toServer"

/**
 * Which way is at fault; default what the server sends.
 *
 * @since 0.1.0
 * @category models
 */
export interface Way {
  readonly direction?: Direction | undefined
}

/**
 * What becomes of a frame of one direction of one connection. `emit` hands a frame on; `connection` is the one to the
 * client, which it may close or drop.
 *
 * @since 0.1.0
 * @category models
 */
export interface Step {
  (frame: Frame, index: number, to: {
    readonly emit: (frame: Frame) => Effect.Effect<void, ConnectionClosed>
    readonly connection: Connection
  }): Effect.Effect<void, ConnectionClosed>
}

/**
 * Changes connections, as the server sees them: gets the one to the client, gives the one that the server works with.
 *
 * @since 0.1.0
 * @category constructors
 */
export const connection =
  (change: (connection: Connection) => Effect.Effect<Connection, never, Scope.Scope>): Fault => (next) =>
    Effect.map(next, (response) => {
      const { upgrade } = response
      return upgrade === undefined
        ? response
        : { ...response, upgrade: (connection) => Effect.flatMap(change(connection), upgrade) }
    })

/** How many frames of the client are read ahead of the server. */
const window = 16

const withSends = (connection: Connection, step: Step): Connection => {
  const to = { connection, emit: (frame: Frame) => connection.send([frame]) }
  let index = 0
  return {
    ...connection,
    send: (frames) =>
      frames.length === 0
        ? connection.send(frames)
        : Effect.forEach(frames, (frame) => Effect.suspend(() => step(frame, index++, to)), { discard: true })
  }
}

/** Reads on its own, so that who receives may be interrupted at any time without losing a frame. */
const withReceives = (connection: Connection, step: Step): Effect.Effect<Connection, never, Scope.Scope> =>
  Effect.gen(function*() {
    const inbox = new Inbox()
    const to = {
      connection,
      emit: (frame: Frame) =>
        Effect.zipRight(
          inbox.taken.until(() => inbox.size < window),
          Effect.sync(() => inbox.push(frame))
        )
    }
    let index = 0
    yield* connection.receive.pipe(
      Effect.flatMap(Effect.forEach((frame) => Effect.suspend(() => step(frame, index++, to)), { discard: true })),
      Effect.forever,
      Effect.catchAll(({ by, code, reason }) => Effect.sync(() => inbox.close(code, reason, by))),
      Effect.forkScoped
    )
    return { ...connection, receive: inbox.receive }
  })

/**
 * Passes the frames of one direction through a step; `make` runs for each connection, so that a step may have a state.
 *
 * @since 0.1.0
 * @category constructors
 */
export const frames = (make: () => Step, { direction = "toClient" }: Way = {}): Fault =>
  connection((connection) =>
    Effect.suspend(() =>
      direction === "toServer" ? withReceives(connection, make()) : Effect.succeed(withSends(connection, make()))
    )
  )

/**
 * How a connection ends: with a close frame of this code, or without one.
 *
 * @since 0.1.0
 * @category models
 */
export interface Ending extends Way {
  readonly code?: number | undefined
  readonly reason?: string | undefined
}

/**
 * The connection ends behind so many frames; behind 0 as soon as it is open. Without a `code` it breaks off (1006).
 *
 * @since 0.1.0
 * @category faults
 */
export const cut = (after: number, { code, direction, reason }: Ending = {}): Fault => {
  const end = (connection: Connection) => code === undefined ? connection.drop : connection.close(code, reason)
  if (after <= 0) return connection((connection) => Effect.as(end(connection), connection))
  const step: Step = (frame, index, { connection, emit }) => {
    // Says that the connection has ended.
    if (index >= after) return connection.send([])
    return index === after - 1 ? Effect.zipLeft(emit(frame), end(connection)) : emit(frame)
  }
  return frames(() => step, { direction })
}

/**
 * Which frames of a direction: the one at `frame`, by default all.
 *
 * @since 0.1.0
 * @category models
 */
export interface Which extends Way {
  readonly frame?: number | undefined
}

const at = (which: Which, change: Step): Fault =>
  frames(
    () => (frame, index, to) =>
      which.frame === undefined || which.frame === index ? change(frame, index, to) : to.emit(frame),
    which
  )

/**
 * Frames come twice.
 *
 * @since 0.1.0
 * @category faults
 */
export const duplicate = (which: Which = {}): Fault =>
  at(which, (frame, _, { emit }) => Effect.zipRight(emit(frame), emit(frame)))

/**
 * Frames get lost.
 *
 * @since 0.1.0
 * @category faults
 */
export const swallow = (which: Which = {}): Fault => at(which, () => Effect.void)

/**
 * Frames come late, and hold up those behind them; whoever sends them waits meanwhile.
 *
 * @since 0.1.0
 * @category faults
 */
export const delay = (duration: Duration.DurationInput, which: Which = {}): Fault =>
  at(which, (frame, _, { emit }) => Effect.delay(emit(frame), duration))

/**
 * Puts a frame that nobody sent ahead of the one at `index`.
 *
 * @since 0.1.0
 * @category faults
 */
export const insert = (index: number, inserted: Frame, way: Way = {}): Fault =>
  at({ ...way, frame: index }, (frame, _, { emit }) => Effect.zipRight(emit(inserted), emit(frame)))

/**
 * Puts a binary frame that means nothing ahead of the one at `index`.
 *
 * @since 0.1.0
 * @category faults
 */
export const garbage = (index: number, way: Way = {}): Fault =>
  insert(index, new Uint8Array([0xff, 0x00, 0xfe, 0x80, 0x7b]), way)

/**
 * The frame at `index` and so many behind it (default 1) come in the opposite order, once the last of them is there.
 *
 * @since 0.1.0
 * @category faults
 */
export const reorder = (index: number, options: Way & { readonly count?: number | undefined } = {}): Fault =>
  frames(() => {
    const last = index + (options.count ?? 1)
    const held: Array<Frame> = []
    return (frame, at, { emit }) => {
      if (at < index || at > last) return emit(frame)
      held.unshift(frame)
      return at < last ? Effect.void : Effect.forEach(held, emit, { discard: true })
    }
  }, options)
