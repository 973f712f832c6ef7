/**
 * WebSocket connections over `ws`, for Node.
 *
 * @since 0.1.0
 */
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberId from "effect/FiberId"
import * as Layer from "effect/Layer"
import type { IncomingMessage } from "node:http"
import type { Socket } from "node:net"
import { longestTimer, NodeConnection, NodeSocket, socketOptions } from "../../streams/core/NodeConnection.js"
import type { Attempt, OpenError, OpenRequest, Refusal } from "./WebSockets.js"
import { openAttempt, openError, WebSockets } from "./WebSockets.js"

/**
 * - `maxFrame`: the longest frame that is taken, in bytes; a longer one ends the connection with 1009. Default 16 MiB
 * - `ca`: TLS: certificates that are trusted in place of the system's, in PEM
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  readonly maxFrame?: number | undefined
  readonly ca?: string | ReadonlyArray<string> | undefined
}

/** How much of the body of a refusal is kept, in bytes. */
const maxBody = 4096

const headersOf = ({ headers }: IncomingMessage): Refusal["headers"] =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : value])
  )

/** What `ws` and `node:net` say about an attempt that failed; of addresses that were all tried, only the code says it. */
const detailOf = (error: NodeJS.ErrnoException): string =>
  error.message === "" ? error.code ?? error.name : error.message

const makeAttempt = (request: OpenRequest, options: Options): Attempt => {
  const { ca, maxFrame = 16 * 1024 * 1024 } = options
  const ws = new NodeSocket(request.url, {
    ...socketOptions,
    headers: { ...request.headers },
    maxPayload: maxFrame,
    ...(ca === undefined ? {} : { ca: typeof ca === "string" ? ca : [...ca] })
  })
  const opened = Deferred.unsafeMake<void, OpenError>(FiberId.none)
  const connection = new NodeConnection(ws, {
    highWater: request.highWater,
    keepAliveMs: Duration.toMillis(request.keepAlive)
  })
  const giveUp = (error: OpenError): void => {
    clearTimeout(timer)
    Deferred.unsafeDone(opened, Effect.fail(error))
    ws.terminate()
  }
  const limitMs = Math.min(Duration.toMillis(request.openTimeout), longestTimer)
  let onTimeout = () => giveUp(openError("timeout", `no connection within ${limitMs} ms`))
  const timer = setTimeout(() => onTimeout(), limitMs)
  let socket: Socket | undefined
  ws.once("upgrade", (response) => {
    socket = response.socket
  })
  ws.once("open", () => {
    clearTimeout(timer)
    if (socket !== undefined) connection.attach(socket)
    Deferred.unsafeDone(opened, Effect.void)
  })
  ws.once("error", (error) => {
    giveUp(openError(socket === undefined ? "unreachable" : "refused", detailOf(error)))
  })
  ws.once("unexpected-response", (_, response) => {
    const pieces: Array<Uint8Array> = []
    let size = 0
    const done = () => {
      const status = response.statusCode ?? 0
      const body = Buffer.concat(pieces).subarray(0, maxBody).toString()
      giveUp(openError("refused", `the answer was ${status}`, { status, headers: headersOf(response), body }))
    }
    onTimeout = done
    response.on("data", (piece: Uint8Array) => {
      pieces.push(piece)
      size += piece.length
      if (size >= maxBody) done()
    })
    response.on("error", () => undefined)
    response.on("close", done)
  })
  return {
    connection,
    opened: Deferred.await(opened),
    release: Effect.suspend(() => {
      clearTimeout(timer)
      if (ws.readyState !== NodeSocket.CONNECTING) return connection.close(1000)
      ws.terminate()
      return Effect.void
    })
  }
}

/**
 * The service over `ws`.
 *
 * A refused upgrade keeps its status, its headers and the first 4 KiB of its body; redirects are not followed. While
 * `highWater` frames wait, nothing is read from the peer. Pings go out every `keepAlive`; a peer that sends nothing until
 * the next one is dropped (1006). Extensions and subprotocols are not offered.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: Options = {}): WebSockets.Service => ({
  sendsHeaders: true,
  open: (request) =>
    openAttempt(Effect.try({
      try: () => makeAttempt(request, options),
      // What is thrown may hold the URL, or a header.
      catch: (error) =>
        openError("unreachable", `no request can be made of this URL and headers (${Object(error).name})`)
    }))
})

/**
 * @since 0.1.0
 * @category layers
 */
export const layer = (options?: Options): Layer.Layer<WebSockets> => Layer.sync(WebSockets, () => make(options))
