/** Sockets without a network: what a server does on them is written down in the test. */
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Supervisor from "effect/Supervisor"
import type { Failed, Source } from "../../../src/streams/cloacina/Delivery.js"
import type { Listening } from "../../../src/streams/cloacina/Shared.js"
import type { Connection, Frame } from "../../../src/streams/core/Connection.js"
import { ConnectionClosed } from "../../../src/streams/core/Connection.js"

export const info = { operation: "cloacina.Delivery.subscribe", method: "GET", route: "/v1/ws/delivery/{recipient}" }

/** One connection, from the server's side. */
export class FakeSocket {
  /** What the client has sent. */
  readonly sent: Array<Frame> = []
  /** How many writes it took. */
  writes = 0
  /** The code that the client closed with. */
  clientClosed: number | undefined
  /** A client that is not read waits in `send`. */
  isStuck = false
  onFrame: (frame: Frame) => void = () => {}
  private waiting: Array<Frame> = []
  private ended: ConnectionClosed | undefined
  private wake: (() => void) | undefined

  private signal() {
    const { wake } = this
    this.wake = undefined
    wake?.()
  }

  get isOpen(): boolean {
    return this.ended === undefined
  }

  /** How many frames the client has not read. */
  get unread(): number {
    return this.waiting.length
  }

  say(...frames: ReadonlyArray<Frame>) {
    if (this.ended !== undefined) return
    for (const frame of frames) this.waiting.push(frame)
    this.signal()
  }

  end(code: number, reason = "", by: "peer" | "here" = "peer") {
    this.ended ??= new ConnectionClosed({ code, reason, by })
    this.signal()
  }

  readonly connection: Connection = {
    receive: Effect.suspend(() => {
      if (this.waiting.length > 0) {
        const frames = Chunk.unsafeFromArray(this.waiting)
        this.waiting = []
        return Effect.succeed(frames)
      }
      if (this.ended !== undefined) return Effect.fail(this.ended)
      return Effect.zipRight(
        Effect.async<void>((resume) => {
          this.wake = () => resume(Effect.void)
        }),
        this.connection.receive
      )
    }),
    send: (frames) =>
      Effect.suspend(() => {
        if (this.isStuck) return Effect.never
        this.writes += 1
        for (const frame of frames) {
          if (this.ended !== undefined) return Effect.fail(this.ended)
          this.sent.push(frame)
          this.onFrame(frame)
        }
        return Effect.void
      }),
    close: (code) =>
      Effect.sync(() => {
        if (this.ended !== undefined) return
        this.clientClosed = code
        this.end(code, "", "here")
      }),
    drop: Effect.sync(() => this.end(1006, "", "here"))
  }
}

/** What becomes of an attempt to connect: a failure, something that takes time, or a socket. */
export type OnOpen = (socket: FakeSocket, index: number) => void | Failed | Effect.Effect<void, Failed, Scope.Scope>

const isFailed = (value: object): value is Failed => "verdict" in value

/** A server that does `onOpen` with each connection. */
export const server = (onOpen: OnOpen) => {
  const sockets: Array<FakeSocket> = []
  const at: Array<number> = []
  const open: Source["open"] = Effect.flatMap(
    Effect.clockWith((clock) => clock.currentTimeMillis),
    (now) =>
      Effect.flatMap(
        Effect.acquireRelease(
          Effect.sync(() => new FakeSocket()),
          ({ connection }) => connection.close(1000)
        ),
        (socket) => {
          at.push(now)
          const index = sockets.push(socket) - 1
          const done = onOpen(socket, index)
          if (done === undefined) return Effect.succeed(socket.connection)
          if (Effect.isEffect(done)) return Effect.as(done, socket.connection)
          return isFailed(done) ? Effect.fail(done) : Effect.succeed(socket.connection)
        }
      )
  )
  return { sockets, at, open }
}

export const welcome = JSON.stringify({ type: "welcome", protocol_version: 1, max_known_id: 0 })
export const hello = `{"type":"hello","protocol_version":1,"since_id":null}`

export const base64 = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64")

export const eventOf = (id: number) => ({
  created_at: "2026-09-03T08:15:04.221907+00:00",
  event_data: id % 2 === 0 ? null : `{"n":${id}}`,
  event_type: "task_completed",
  id: `event-${id}`,
  task_execution_id: null,
  workflow_execution_id: "0b9f4c1e-2a7d-4c55-b0a3-7d2e9c6f1a44"
})

export const recipient = "exec_events:0b9f4c1e-2a7d-4c55-b0a3-7d2e9c6f1a44"

export const push = (id: number, fields?: Record<string, unknown>): string =>
  JSON.stringify({
    type: "push",
    protocol_version: 1,
    id,
    kind: "execution_event",
    recipient,
    tenant_id: null,
    payload_b64: base64(eventOf(id)),
    ...fields
  })

/** The ids that a client acknowledged on a connection, in order. */
export const acks = ({ sent }: FakeSocket): ReadonlyArray<number> =>
  sent.flatMap((frame) => {
    const json = JSON.parse(String(frame)) as { type: string; id: number }
    return json.type === "ack" ? [json.id] : []
  })

const source = (open: Source["open"], fields?: Partial<Source>): Source => ({
  open,
  info,
  welcomeTimeout: "10 seconds",
  ...fields
})

export const listening = (open: Source["open"], fields?: Partial<Listening>): Listening => ({
  holder: {},
  key: "recipient",
  source: source(open),
  capacity: 16,
  maxReconnects: 20,
  observer: { reconnected: () => {}, delivered: () => {} },
  ...fields
})

/** Runs an effect and counts the fibers that it left behind. */
export const leftBehind = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<number, E, R> =>
  Effect.gen(function*() {
    const supervisor = yield* Supervisor.track
    yield* Effect.supervised(effect, supervisor)
    yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
    return (yield* supervisor.value).length
  })
