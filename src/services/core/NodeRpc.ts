/**
 * gRPC connections on Node: HTTP/2 with pings, over TLS or in plain text.
 *
 * @since 0.1.0
 */
import type { Transport } from "@connectrpc/connect"
import { createGrpcTransport } from "@connectrpc/connect-node"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Net from "node:net"
import * as Tls from "node:tls"
import * as Sessions from "./NodeRpcSessions.js"
import type { LoadedClient } from "./NodeTls.js"
import type { RpcConnection } from "./Rpc.js"

/**
 * How connections are made and kept.
 *
 * @since 0.1.0
 * @category models
 */
export interface ConnectionOptions {
  /**
   * How long making a connection may take, TLS and the first frame of the server included. Default 10 s. A call then fails
   * with `Timeout` (`connect`).
   */
  readonly connectTimeout?: Duration.DurationInput | undefined
  /** How often a connection with calls under way is asked whether the peer is there. Default 30 s. */
  readonly pingInterval?: Duration.DurationInput | undefined
  /** How long the answer to a ping may take; then the connection breaks, and its calls with it. Default 15 s. */
  readonly pingTimeout?: Duration.DurationInput | undefined
}

/** Every HTTP/2 server takes so many streams of a connection at a time (RFC 9113, 6.5.2). */
const streamsPerConnection = 100

/** The socket of a new connection. */
const dial = (url: URL, tls: LoadedClient): Net.Socket => {
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1")
  const isSecure = url.protocol === "https:"
  const port = url.port === "" ? (isSecure ? 443 : 80) : Number(url.port)
  const socket = isSecure
    ? Tls.connect({
      host,
      port,
      ALPNProtocols: ["h2"],
      ...(Net.isIP(host) === 0 ? { servername: host } : {}),
      ...tls
    })
    : Net.connect({ host, port })
  socket.setNoDelay(true)
  return socket
}

interface Shared {
  readonly sessions: Sessions.Sessions
  readonly transport: Transport
  leases: number
}

/**
 * Connections to one server until the scope closes; the first is made with the first call. Unary calls have one of their
 * own, so that a flood of events does not hold them up.
 *
 * @internal
 */
export const make = (
  baseUrl: string,
  tls: LoadedClient,
  maxMessageBytes: number,
  options: ConnectionOptions = {}
): Effect.Effect<RpcConnection, never, Scope.Scope> =>
  Effect.gen(function*() {
    const url = new URL(baseUrl)
    const shared = (): Shared => {
      const sessions = Sessions.make(url.origin, {
        dial: () => dial(url, tls),
        connectMs: Duration.toMillis(options.connectTimeout ?? "10 seconds"),
        pingIntervalMs: Duration.toMillis(options.pingInterval ?? "30 seconds"),
        pingTimeoutMs: Duration.toMillis(options.pingTimeout ?? "15 seconds")
      })
      const transport = createGrpcTransport({
        baseUrl,
        sessionManager: sessions,
        acceptCompression: [],
        readMaxBytes: maxMessageBytes,
        writeMaxBytes: maxMessageBytes
      })
      return { sessions, transport, leases: 0 }
    }
    const close = ({ sessions }: Shared) => Effect.sync(sessions.abort)
    const unary = yield* Effect.acquireRelease(Effect.sync(shared), close)
    const streaming = yield* Effect.acquireRelease(
      Effect.sync(() => new Set<Shared>()),
      (all) => Effect.forEach(all, close, { discard: true })
    )
    const lease = Effect.acquireRelease(
      Effect.sync(() => {
        let found: Shared | undefined
        for (const one of streaming) if (one.leases < streamsPerConnection) found ??= one
        if (found === undefined) streaming.add(found = shared())
        found.leases += 1
        return found
      }),
      (one) =>
        Effect.suspend(() => {
          one.leases -= 1
          // One is kept for the next stream.
          if (one.leases > 0 || streaming.size === 1) return Effect.void
          streaming.delete(one)
          return close(one)
        })
    )
    return {
      unary: unary.transport,
      lease: Effect.map(lease, ({ transport }) => transport),
      after: (ms, run) => {
        const timer = setTimeout(run, ms)
        return () => clearTimeout(timer)
      },
      later: (run) => void setImmediate(run),
      maxMessageBytes
    }
  })
