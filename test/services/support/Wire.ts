/** Plain servers of Node on a free port of the loopback interface, which do exactly what a test says, on the wire. */
import * as Effect from "effect/Effect"
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http"
import * as Http from "node:http"
import * as Https from "node:https"
import * as Net from "node:net"
import { selfSigned } from "./Certificate.js"

/** A request as it arrived; header names in lower case. */
export interface Received {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
  readonly body: string
}

interface Connections {
  made: number
  open: number
  busy: number
}

export interface Server {
  readonly url: string
  readonly port: number
  /** In the order of their arrival. */
  readonly requests: Array<Received>
  /** How many connections were made so far, how many are open, and on how many an answer is awaited or under way. */
  readonly connections: Connections
}

/** Answers a request; `index` counts requests from 0. */
export type Handler = (request: Received, response: ServerResponse, index: number) => void

const noConnections = (): Connections => ({ made: 0, open: 0, busy: 0 })

const listening = (server: Net.Server, scheme: string, requests: Array<Received>, connections: Connections) =>
  Effect.acquireRelease(
    Effect.async<Server & { readonly sockets: Set<Net.Socket> }>((resume) => {
      const sockets = new Set<Net.Socket>()
      server.on("connection", (socket) => {
        connections.made += 1
        connections.open += 1
        sockets.add(socket)
        socket.on("error", () => {})
        socket.on("close", () => {
          connections.open -= 1
          sockets.delete(socket)
        })
      })
      server.listen(0, "127.0.0.1", () => {
        const address = server.address()
        const port = typeof address === "object" && address !== null ? address.port : 0
        resume(Effect.succeed({ url: `${scheme}://127.0.0.1:${port}`, port, requests, connections, sockets }))
      })
    }),
    ({ sockets }) =>
      Effect.async<void>((resume) => {
        server.close(() => resume(Effect.void))
        for (const socket of sockets) socket.destroy()
      })
  )

const listener = (handler: Handler, requests: Array<Received>, connections: Connections): RequestListener =>
(
  request: IncomingMessage,
  response
) => {
  const parts: Array<Uint8Array> = []
  connections.busy += 1
  response.on("close", () => connections.busy -= 1)
  request.on("data", (part) => parts.push(part))
  request.on("end", () => {
    const received = {
      method: request.method ?? "",
      path: request.url ?? "",
      headers: request.headers,
      body: Buffer.concat(parts).toString("utf8")
    }
    requests.push(received)
    handler(received, response, requests.length - 1)
  })
}

/** An HTTP server. */
export const serve = (handler: Handler) =>
  Effect.suspend(() => {
    const requests: Array<Received> = []
    const connections = noConnections()
    return listening(Http.createServer(listener(handler, requests, connections)), "http", requests, connections)
  })

/** A server that writes its own bytes; `index` counts connections from 0. */
export const serveRaw = (onSocket: (socket: Net.Socket, index: number) => void) =>
  Effect.suspend(() => {
    let index = 0
    return listening(Net.createServer((socket) => onSocket(socket, index++)), "http", [], noConnections())
  })

/** An HTTPS server with a certificate that nobody else knows. */
export const serveTls = (handler: Handler) =>
  Effect.suspend(() => {
    const { cert, key } = selfSigned()
    const requests: Array<Received> = []
    const connections = noConnections()
    const server = Https.createServer({ key, cert }, listener(handler, requests, connections))
    return Effect.map(listening(server, "https", requests, connections), (server) => ({ ...server, cert }))
  })

/** Answers with JSON. */
export const json = (response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}) =>
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body))
