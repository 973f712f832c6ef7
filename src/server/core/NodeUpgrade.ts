/**
 * One upgrade request and its answer: a WebSocket connection, or an ordinary response on the same socket.
 *
 * @since 0.1.0
 */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { IncomingMessage } from "node:http"
import { ServerResponse } from "node:http"
import type { Socket } from "node:net"
import { WebSocketServer } from "ws"
import { NodeConnection, NodeSocket, socketOptions } from "../../streams/core/NodeConnection.js"
import type { FrontResponse } from "./Front.js"
import { NodeExchange } from "./NodeExchange.js"
import { serve } from "./Upgrade.js"

/** How many frames of a client wait for the front before nothing more is read from it. */
const highWater = 64

/** How many packets of a client are kept while the front thinks about its request. */
const maxEarly = 8

/** The longest frame that is taken, in bytes. */
const maxFrame = 64 * 1024 * 1024

/**
 * What accepts the upgrades of one server: no extension, no subprotocol.
 *
 * @internal
 */
export const makeAcceptor = () => {
  const headers = new WeakMap<IncomingMessage, FrontResponse["headers"]>()
  const server = new WebSocketServer({
    ...socketOptions,
    noServer: true,
    clientTracking: false,
    maxPayload: maxFrame,
    handleProtocols: () => false,
    WebSocket: NodeSocket
  })
  server.on("headers", (lines, request) => {
    for (const [name, value] of Object.entries(headers.get(request) ?? {})) lines.push(`${name}: ${value}`)
  })
  return (
    request: IncomingMessage,
    socket: Socket,
    head: Buffer,
    response: FrontResponse,
    onOpen: (ws: NodeSocket) => void
  ): void => {
    headers.set(request, response.headers)
    server.handleUpgrade(request, socket, head, onOpen)
  }
}

/**
 * An upgrade request as fronts see it, and the way to answer it.
 *
 * @internal
 */
export class NodeUpgrade extends NodeExchange {
  private accepted = false
  /** What has come behind the request: the first frames of a client that does not wait. */
  private readonly early: Array<Uint8Array>

  private constructor(
    private readonly upgradeRequest: IncomingMessage,
    head: Uint8Array,
    private readonly upgradeResponse: ServerResponse,
    private readonly accept: ReturnType<typeof makeAcceptor>
  ) {
    super(upgradeRequest, upgradeResponse, false)
    this.early = [head]
    // Only who reads sees that a client goes away.
    this.socket.on("data", this.onData).on("end", this.onEnd)
  }

  static make(request: IncomingMessage, head: Buffer, accept: ReturnType<typeof makeAcceptor>): NodeUpgrade {
    const { socket } = request
    const response = new ServerResponse(request)
    response.shouldKeepAlive = false
    response.assignSocket(socket)
    response.on("finish", () => socket.destroySoon())
    return new NodeUpgrade(request, head, response, accept)
  }

  private readonly onData = (piece: Uint8Array): void => {
    this.early.push(piece)
    if (this.early.length > maxEarly) this.socket.pause()
  }

  private readonly onEnd = (): void => void this.socket.destroy()

  override get streaming(): boolean {
    return this.accepted || super.streaming
  }

  override onClose(listener: () => void): void {
    this.socket.on("close", () => {
      if (!this.accepted) listener()
    })
  }

  /** An upgrade has no body; what follows are frames. */
  override bytes(): Effect.Effect<Uint8Array> {
    return Effect.succeed(new Uint8Array(0))
  }

  override respond(response: FrontResponse): Effect.Effect<void, unknown, Scope.Scope> {
    const { upgrade } = response
    if (upgrade === undefined) return super.respond(response)
    return Effect.acquireUseRelease(
      Effect.sync(() => this.open(response)),
      // Without a connection `ws` has found the request wanting, answered, and closed the socket.
      (connection) => connection === undefined ? Effect.void : serve(upgrade, connection, connection.inbox),
      (connection) => connection?.inbox.closed === undefined ? connection?.drop ?? Effect.void : Effect.void
    )
  }

  override abandon(cause: Cause.Cause<unknown>): void {
    if (!this.accepted) super.abandon(cause)
  }

  private open(response: FrontResponse): NodeConnection | undefined {
    const { early, socket, upgradeRequest, upgradeResponse } = this
    let connection: NodeConnection | undefined
    upgradeResponse.detachSocket(socket)
    socket.off("data", this.onData).off("end", this.onEnd)
    this.accept(upgradeRequest, socket, Buffer.concat(early), response, (ws) => {
      this.accepted = true
      ws.answersClose = response.answersClose ?? true
      connection = new NodeConnection(ws, { highWater })
      connection.attach(socket)
    })
    socket.resume()
    return connection
  }
}
