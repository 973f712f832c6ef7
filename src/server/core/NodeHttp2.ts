/**
 * Puts a front on a TCP port with `node:http2`: in plain text for clients that know it is HTTP/2, or over TLS.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Runtime from "effect/Runtime"
import type * as Scope from "effect/Scope"
import * as Http2 from "node:http2"
import type { Server, Socket } from "node:net"
import type { ServerTls } from "../../services/core/NodeTls.js"
import { InvalidTls, loadServer } from "../../services/core/NodeTls.js"
import { longestTimer } from "../../streams/core/NodeConnection.js"
import type { Front } from "./Front.js"
import { NodeHttp2Exchange } from "./NodeHttp2Exchange.js"
import { NodeHttp2Session, type Timeouts } from "./NodeHttp2Session.js"
import type { Address, ListenError, ListenOptions as Http1Options } from "./NodeServer.js"
import { bind } from "./NodeServer.js"

/**
 * As for HTTP/1, with these differences:
 *
 * - `headersTimeout`: how long a client may take, from its connection to its first frame (default 15 s)
 * - `requestTimeout`: how long the body of a request may take to come (default 60 s), unless it is read piece by piece
 * - `keepAliveTimeout`: how long a connection without a request is kept (default 30 min: gRPC clients keep theirs)
 * - `tls`: listens on TLS, with HTTP/2 only (ALPN `h2`)
 * - `pingInterval`: how often the client of a connection is asked whether it is there (default 30 s)
 * - `pingTimeout`: how long its answer may take (default 15 s); then the connection is dropped
 *
 * @since 0.1.0
 * @category models
 */
export interface ListenOptions extends Http1Options {
  readonly tls?: ServerTls | undefined
  readonly pingInterval?: Duration.DurationInput | undefined
  readonly pingTimeout?: Duration.DurationInput | undefined
}

/** Beyond what `node:http2` limits by itself: resets per second, header sizes, pings and settings under way. */
const limits: Http2.ServerOptions = {
  settings: {
    // Requests at a time on one connection. Each follower of a log is one.
    maxConcurrentStreams: 1000,
    // What a client may send of one body before anybody reads it, in bytes.
    initialWindowSize: 256 * 1024
  },
  // What a connection may hold of responses that its client does not take, in MB. Beyond it, it is dropped.
  maxSessionMemory: 64
}

/** What a client may have under way on one connection, in bytes; the default of 64 KiB is slow over long distances. */
const connectionWindow = 1024 * 1024

interface Active {
  readonly exchange: NodeHttp2Exchange
  readonly fiber: Fiber.RuntimeFiber<void, unknown>
}

/** The connections of a server and what runs on them. */
interface Live {
  readonly active: Set<Active>
  readonly sockets: Set<Socket>
  readonly sessions: Set<NodeHttp2Session>
  ending: boolean
}

/** As `NodeServer` does it; connections are told that no request will be taken any more before `drain` runs. */
const shutDown = (server: Server, live: Live, options: ListenOptions): Effect.Effect<void> =>
  Effect.gen(function*() {
    const closed = yield* Deferred.make<void>()
    server.close(() => Deferred.unsafeDone(closed, Effect.void))
    live.ending = true
    for (const session of live.sessions) session.close()
    const fibers = (streaming: boolean) =>
      [...live.active].filter(({ exchange }) => exchange.streaming || !streaming).map(({ fiber }) => fiber)
    const stop = (streaming: boolean) =>
      Effect.suspend(() => {
        for (const { exchange } of live.active) exchange.ending = true
        return Fiber.interruptAll(fibers(streaming))
      })
    yield* options.drain ?? stop(true)
    yield* Effect.timeoutOption(Effect.suspend(() => Fiber.awaitAll(fibers(false))), options.grace ?? "5 seconds")
    yield* stop(false)
    // Clients may still be reading the end of their responses.
    yield* Effect.timeoutOption(Deferred.await(closed), "1 second")
    for (const socket of live.sockets) socket.destroy()
    yield* stop(false)
    yield* Deferred.await(closed)
  }).pipe(Effect.interruptible, Effect.forkDaemon, Effect.flatMap(Fiber.await))

/** Runs requests: each in a fiber of its own. */
const makeRunner = <R>(front: Front<R>, runtime: Runtime.Runtime<Exclude<R, Scope.Scope>>, active: Set<Active>) => {
  const runFork = Runtime.runFork(runtime)

  const settle = (exchange: NodeHttp2Exchange, exit: Exit.Exit<void, unknown>): void => {
    if (exit._tag === "Success") return
    exchange.abandon(exit.cause)
    if (Cause.isDie(exit.cause)) runFork(Effect.logError("A request ended with a defect", exit.cause))
  }

  return (exchange: NodeHttp2Exchange): void => {
    const fiber = runFork(Effect.scoped(Effect.flatMap(front(exchange), (response) => exchange.respond(response))))
    const exit = fiber.unsafePoll()
    if (exit !== null) return settle(exchange, exit)
    const entry = { exchange, fiber }
    active.add(entry)
    exchange.onClose(() => fiber.unsafeInterruptAsFork(FiberId.none))
    fiber.addObserver((exit) => {
      active.delete(entry)
      settle(exchange, exit)
    })
  }
}

const makeServer = (tls: ServerTls | undefined, handshakeTimeout: number) =>
  tls === undefined
    ? Effect.sync(() => Http2.createServer(limits))
    : Effect.mapBoth(loadServer(tls), {
      onFailure: (issues) => new InvalidTls({ issues }),
      onSuccess: (loaded) => Http2.createSecureServer({ ...limits, ...loaded, handshakeTimeout })
    })

const toMillis = (input: Duration.DurationInput): number => Math.min(Duration.toMillis(input), longestTimer)

/**
 * Listens until the scope closes.
 *
 * A fiber of its own runs each request from its headers to the end of its response. A client that cancels or disconnects
 * interrupts its fiber. A streamed body that fails resets its request; a {@link Front} that hangs up, or a body that
 * fails with `Hangup`, breaks the connection off. Defects are logged and answered with an empty 500, or a reset once
 * the response has begun.
 *
 * At the end clients are told to go elsewhere. What `drain` and `grace` have not brought to its end is interrupted:
 * streams end properly, with their trailers, and requests that have no answer get 503, over gRPC UNAVAILABLE.
 *
 * Fails with `InvalidTls` when certificate and key cannot work, before the port is taken.
 *
 * @since 0.1.0
 * @category constructors
 */
export const listen = <R>(
  front: Front<R>,
  options: ListenOptions = {}
): Effect.Effect<Address, ListenError | InvalidTls, Exclude<R, Scope.Scope> | Scope.Scope> =>
  Effect.gen(function*() {
    const runtime = yield* Effect.runtime<Exclude<R, Scope.Scope>>()
    const runFork = Runtime.runFork(runtime)
    const timeouts: Timeouts = {
      settingsMs: toMillis(options.headersTimeout ?? "15 seconds"),
      idleMs: toMillis(options.keepAliveTimeout ?? "30 minutes"),
      pingIntervalMs: toMillis(options.pingInterval ?? "30 seconds"),
      pingTimeoutMs: toMillis(options.pingTimeout ?? "15 seconds")
    }
    const requestTimeoutMs = toMillis(options.requestTimeout ?? "60 seconds")
    const live: Live = { active: new Set(), sockets: new Set(), sessions: new Set(), ending: false }
    const serve = makeRunner(front, runtime, live.active)
    const server = yield* makeServer(options.tls, timeouts.settingsMs)

    server.on("connection", (socket: Socket) => {
      live.sockets.add(socket)
      socket.once("close", () => live.sockets.delete(socket))
    })
    // Sessions are made, and announced, while their socket is: this listener comes first.
    let carrier: Socket | undefined
    server.prependListener(options.tls === undefined ? "connection" : "secureConnection", (socket: Socket) => {
      carrier = socket
    })
    server.on("session", (session: Http2.ServerHttp2Session) => {
      if (carrier === undefined) return session.destroy()
      const watched = new NodeHttp2Session(session, carrier, timeouts)
      live.sessions.add(watched)
      session.once("close", () => live.sessions.delete(watched))
      session.once("connect", () => {
        if (!session.destroyed) session.setLocalWindowSize(connectionWindow)
      })
      session.on("stream", (stream, headers) => {
        serve(new NodeHttp2Exchange(stream, headers, requestTimeoutMs, () => watched.hangUp()))
      })
      if (live.ending) watched.close()
    })
    // Failures to accept, such as too many open files, come here; the server lives on.
    const warn = (error: Error) => runFork(Effect.logWarning("A connection was not accepted", error))
    server.on("tlsClientError", (error: Error) => {
      runFork(Effect.logDebug("A TLS handshake failed", error))
    })
    return yield* Effect.acquireRelease(
      Effect.tap(
        bind(server, options.host ?? "127.0.0.1", options.port ?? 0, options.tls === undefined ? "http" : "https"),
        () => {
          server.on("error", warn)
        }
      ),
      () => shutDown(server, live, options)
    )
  })
