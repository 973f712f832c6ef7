/** Sockets of an emulator in memory, by hand. */
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as CloacinaTesting from "../../../../src/cloacina/testing.js"
import { WebSockets } from "../../../../src/services/core/WebSockets.js"
import type { Connection, ConnectionClosed, Frame } from "../../../../src/streams/core/Connection.js"

/** How a socket is opened. `highWater`: how many frames the client lets wait before the server has to. */
export interface Opening {
  readonly key?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly highWater?: number
}

export const open = (path: string, { headers = {}, highWater = 1000, key }: Opening = {}) =>
  Effect.flatMap(WebSockets, (webSockets) =>
    webSockets.open({
      url: `ws://127.0.0.1:8080${path}`,
      headers: key === undefined ? headers : { ...headers, authorization: `Bearer ${key}` },
      openTimeout: "10 seconds",
      keepAlive: "1 day",
      highWater
    }))

/** What an upgrade is refused with: status and body. */
export const refusal = (path: string, opening?: Opening) =>
  open(path, opening).pipe(
    Effect.scoped,
    Effect.flip,
    Effect.map(({ refusal }) =>
      Option.match(refusal, {
        onNone: (): ReadonlyArray<unknown> => [],
        onSome: ({ body, status }) => [status, body]
      })
    )
  )

/** A connection whose frames are read as they come. */
export interface Listener {
  readonly connection: Connection
  readonly frames: Array<Frame>
  closed: ConnectionClosed | undefined
}

export const listen = (path: string, opening?: Opening) =>
  Effect.gen(function*() {
    const connection = yield* open(path, opening)
    const listener: Listener = { connection, frames: [], closed: undefined }
    yield* connection.receive.pipe(
      Effect.map(Chunk.forEach((frame) => {
        listener.frames.push(frame)
      })),
      Effect.forever,
      Effect.catchAll((closed) =>
        Effect.sync(() => {
          listener.closed = closed
        })
      ),
      Effect.forkScoped
    )
    yield* settle
    return listener
  })

/** Until nobody can go on. */
export const settle = CloacinaTesting.advance(0)

export const send = ({ connection }: Listener, ...frames: ReadonlyArray<unknown>) =>
  Effect.zipRight(
    connection.send(
      frames.map((frame) => typeof frame === "string" || frame instanceof Uint8Array ? frame : JSON.stringify(frame))
    ),
    settle
  )

/** The frames that are JSON. */
export const messages = ({ frames }: Listener): ReadonlyArray<Readonly<Record<string, unknown>>> =>
  frames.map((frame) => typeof frame === "string" ? JSON.parse(frame) : {})

/** The ids of what was pushed. */
export const pushed = (listener: Listener): ReadonlyArray<unknown> =>
  messages(listener).filter(({ type }) => type === "push").map(({ id }) => id)

export const payloads = (listener: Listener): ReadonlyArray<Readonly<Record<string, unknown>>> =>
  messages(listener).filter(({ type }) => type === "push").map(({ payload_b64: text }) =>
    JSON.parse(atob(String(text)))
  )

/** Code, reason, and who. */
export const endOf = ({ closed }: Listener): ReadonlyArray<unknown> | undefined =>
  closed === undefined ? undefined : [closed.code, closed.reason, closed.by]
