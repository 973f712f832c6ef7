/** Servers of `ws` and plain sockets for tests of connections, and a look at what a process has open. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { createHash } from "node:crypto"
import type { AddressInfo, Server, Socket } from "node:net"
import { createServer } from "node:net"
import type { WebSocket } from "ws"
import { WebSocketServer } from "ws"
import type { OpenRequest } from "../../../src/services/core/WebSockets.js"
import type { Connection, ConnectionClosed, Frame } from "../../../src/streams/core/Connection.js"

export const request = (
  port: number,
  options: Partial<OpenRequest> & { readonly path?: string } = {}
): OpenRequest => ({
  url: `ws://127.0.0.1:${port}${options.path ?? "/"}`,
  headers: {},
  openTimeout: "5 seconds",
  keepAlive: "20 seconds",
  highWater: 64,
  ...options
})

const portOf = (server: { address: () => string | AddressInfo | null }): number => {
  const address = server.address()
  return typeof address === "object" && address !== null ? address.port : 0
}

/** A server of `ws` that gives every connection to `serve`; says its port. */
export const peer = (serve: (ws: WebSocket) => void): Effect.Effect<number, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.async<WebSocketServer>((resume) => {
      const server = new WebSocketServer({ host: "127.0.0.1", port: 0 })
      server.once("listening", () => resume(Effect.succeed(server)))
      server.on("connection", (ws) => {
        ws.on("error", () => undefined)
        serve(ws)
      })
    }),
    (server) =>
      Effect.async<void>((resume) => {
        for (const ws of server.clients) ws.terminate()
        server.close(() => resume(Effect.void))
      })
  ).pipe(Effect.map(portOf))

export interface RawPeer {
  readonly port: number
  readonly sockets: Set<Socket>
}

/** A TCP server that gives every socket to `serve`, with the head of its request once that is complete. */
export const rawPeer = (serve: (socket: Socket, head: string) => void): Effect.Effect<RawPeer, never, Scope.Scope> =>
  Effect.gen(function*() {
    const sockets = new Set<Socket>()
    const server = yield* Effect.acquireRelease(
      Effect.async<Server>((resume) => {
        const server = createServer((socket) => {
          let head = ""
          sockets.add(socket)
          socket.on("error", () => undefined)
          socket.on("close", () => sockets.delete(socket))
          const onData = (piece: Buffer) => {
            head += piece.toString("latin1")
            if (!head.includes("\r\n\r\n")) return
            socket.off("data", onData)
            serve(socket, head)
          }
          socket.on("data", onData)
        })
        server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
      }),
      (server) =>
        Effect.async<void>((resume) => {
          for (const socket of sockets) socket.destroy()
          server.close(() => resume(Effect.void))
        })
    )
    return { port: portOf(server), sockets }
  })

/** The answer to an upgrade request. */
export const accept = (head: string): string => {
  const key = /sec-websocket-key: (.*)\r\n/i.exec(head)?.[1] ?? ""
  const digest = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64")
  return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
    `Sec-WebSocket-Accept: ${digest}\r\n\r\n`
}

/** A frame of a server, unmasked, up to 125 bytes. */
export const frame = (opcode: number, payload: string | ReadonlyArray<number>, fin = true): Buffer => {
  const bytes = typeof payload === "string" ? Buffer.from(payload) : Buffer.from(payload)
  return Buffer.concat([Buffer.from([(fin ? 0x80 : 0) | opcode, bytes.length]), bytes])
}

/** Waits, for real, until something holds; a test that waits in vain times out. */
export const eventually = (holds: () => boolean, pause: Duration.DurationInput = "5 millis"): Effect.Effect<void> =>
  Effect.suspend(() => holds() ? Effect.void : Effect.zipRight(Effect.sleep(pause), eventually(holds, pause)))

/** How many sockets and timers keep this process alive. */
export const handles = (): number =>
  process.getActiveResourcesInfo().filter((name) => /TCP|TLS|Timeout|Interval/.test(name)).length

/** The next frames, however many chunks they come in. */
export const take = (
  connection: Connection,
  count: number
): Effect.Effect<ReadonlyArray<Frame>, ConnectionClosed> =>
  Effect.gen(function*() {
    let frames: ReadonlyArray<Frame> = []
    while (frames.length < count) frames = [...frames, ...(yield* connection.receive)]
    return frames
  })

/** How the connection ends, whatever it receives before. */
export const endOf = (connection: Connection) =>
  Effect.map(Effect.flip(Effect.forever(connection.receive)), ({ by, code, reason }) => ({ by, code, reason }))

/** Lets everybody go on who can without time passing, in memory. */
export const settled: Effect.Effect<void> = Effect.repeatN(Effect.yieldNow(), 50)
