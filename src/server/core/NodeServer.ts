/**
 * Puts a front on a TCP port with `node:http`.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Option from "effect/Option"
import * as Runtime from "effect/Runtime"
import type * as Scope from "effect/Scope"
import * as Http from "node:http"
import type { Server, Socket } from "node:net"
import type { Front } from "./Front.js"
import { NodeExchange } from "./NodeExchange.js"
import { makeAcceptor, NodeUpgrade } from "./NodeUpgrade.js"
import { isUpgrade } from "./Upgrade.js"

/**
 * The server could not listen. `reason` is for programs, `message` one line for people.
 *
 * @since 0.1.0
 * @category errors
 */
export class ListenError extends Data.TaggedError("ListenError")<{
  readonly reason: "PortInUse" | "PermissionDenied" | "AddressNotAvailable" | "Other"
  readonly host: string
  readonly port: number
  readonly code: string
}> {
  override get message() {
    const why = {
      PortInUse: "the port is in use",
      PermissionDenied: "permission denied",
      AddressNotAvailable: "the address is not available",
      Other: this.code
    }
    return `cannot listen on ${authority(this.host, this.port)}: ${why[this.reason]}`
  }
}

/**
 * Where a server listens. `url` has no trailing slash; a wildcard host is shown as loopback in it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Address {
  readonly host: string
  readonly port: number
  readonly url: string
}

/**
 * - `host`: default `127.0.0.1`
 * - `port`: default 0, a free one
 * - `headersTimeout`, `requestTimeout`: how long a client may take to send its headers (default 15 s) and its whole
 *   request (default 60 s); then 408
 * - `keepAliveTimeout`: how long an idle connection is kept (default 65 s)
 * - `drain`: run at the end, once no new connection is taken: makes open streams end by themselves
 * - `grace`: at the end, how long requests, and streams if there is a `drain`, may take to finish (default 5 s); then
 *   streams are ended and the rest is cut off
 *
 * @since 0.1.0
 * @category models
 */
export interface ListenOptions {
  readonly host?: string | undefined
  readonly port?: number | undefined
  readonly headersTimeout?: Duration.DurationInput | undefined
  readonly requestTimeout?: Duration.DurationInput | undefined
  readonly keepAliveTimeout?: Duration.DurationInput | undefined
  readonly drain?: Effect.Effect<void> | undefined
  readonly grace?: Duration.DurationInput | undefined
}

/** How many pipelined requests may wait on one connection. */
const maxPipelined = 1024

const authority = (host: string, port: number): string => `${host.includes(":") ? `[${host}]` : host}:${port}`

const reasons: Readonly<Record<string, ListenError["reason"]>> = {
  EADDRINUSE: "PortInUse",
  EACCES: "PermissionDenied",
  EADDRNOTAVAIL: "AddressNotAvailable",
  ENOTFOUND: "AddressNotAvailable"
}

/**
 * Makes a server listen.
 *
 * @internal
 */
export const bind = (
  server: Server,
  host: string,
  port: number,
  scheme: "http" | "https"
): Effect.Effect<Address, ListenError> =>
  Effect.async((resume) => {
    const onError = (error: NodeJS.ErrnoException) => {
      const code = error.code ?? error.message
      resume(Effect.fail(new ListenError({ reason: reasons[code] ?? "Other", host, port, code })))
    }
    server.once("error", onError)
    server.listen({ host, port }, () => {
      server.off("error", onError)
      const address = server.address()
      const bound = typeof address === "object" && address !== null ? address.port : port
      const shown = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host
      resume(Effect.succeed({ host, port: bound, url: `${scheme}://${authority(shown, bound)}` }))
    })
  })

interface Active {
  readonly exchange: NodeExchange
  readonly fiber: Fiber.RuntimeFiber<void, unknown>
}

/**
 * Ends what is under way, as `ListenOptions.drain` and `grace` say, and waits until no connection is left.
 *
 * It runs in a fiber of its own: the one that closes the scope may be interrupted already, and could wait for nothing.
 */
const shutDown = (
  server: Http.Server,
  active: ReadonlySet<Active>,
  upgraded: ReadonlySet<Socket>,
  options: ListenOptions
): Effect.Effect<void> =>
  Effect.gen(function*() {
    const closed = yield* Deferred.make<void>()
    server.close(() => Deferred.unsafeDone(closed, Effect.void))
    const fibers = (streaming: boolean) =>
      [...active].filter(({ exchange }) => exchange.streaming || !streaming).map(({ fiber }) => fiber)
    const stop = (streaming: boolean) =>
      Effect.suspend(() => {
        for (const { exchange } of active) exchange.ending = true
        return Fiber.interruptAll(fibers(streaming))
      })
    yield* options.drain ?? stop(true)
    yield* Effect.timeoutOption(Effect.suspend(() => Fiber.awaitAll(fibers(false))), options.grace ?? "5 seconds")
    yield* stop(false)
    // A connection is idle only once the client has got the end of its last response.
    const closeIdle = Effect.forever(Effect.zipRight(
      Effect.sync(() => server.closeIdleConnections()),
      Effect.sleep("20 millis")
    ))
    yield* Effect.timeoutOption(Effect.raceFirst(Deferred.await(closed), closeIdle), "1 second")
    server.closeAllConnections()
    // Sockets that were upgraded are no connections of the server any more.
    for (const socket of upgraded) socket.destroy()
    yield* stop(false)
    yield* Deferred.await(closed)
  }).pipe(Effect.interruptible, Effect.forkDaemon, Effect.flatMap(Fiber.await))

/** Runs requests: each in a fiber of its own, those of one connection one after the other. */
const makeRunner = <R>(front: Front<R>, runtime: Runtime.Runtime<Exclude<R, Scope.Scope>>, active: Set<Active>) => {
  const runFork = Runtime.runFork(runtime)
  const queues = new WeakMap<Socket, Array<NodeExchange>>()

  const settle = (exchange: NodeExchange, exit: Exit.Exit<void, unknown>): void => {
    if (exit._tag === "Success") return
    exchange.abandon(exit.cause)
    if (Option.isSome(Cause.dieOption(exit.cause))) {
      runFork(Effect.logError("A request ended with a defect", exit.cause))
    }
  }

  /** Whether it is still running; most requests are answered at once. */
  const start = (exchange: NodeExchange, queue: Array<NodeExchange> | undefined): boolean => {
    const fiber = runFork(Effect.scoped(Effect.flatMap(front(exchange), (response) => exchange.respond(response))))
    const exit = fiber.unsafePoll()
    if (exit !== null) {
      settle(exchange, exit)
      return false
    }
    const behind = queue ?? []
    queues.set(exchange.socket, behind)
    const entry = { exchange, fiber }
    active.add(entry)
    exchange.onClose(() => fiber.unsafeInterruptAsFork(FiberId.none))
    fiber.addObserver((exit) => {
      active.delete(entry)
      settle(exchange, exit)
      let next: NodeExchange | undefined
      while ((next = behind.shift()) !== undefined) {
        if (!next.socket.destroyed && start(next, behind)) return
      }
      queues.delete(exchange.socket)
    })
    return true
  }

  return (exchange: NodeExchange): void => {
    const queue = queues.get(exchange.socket)
    if (queue === undefined) {
      start(exchange, undefined)
    } else if (queue.length < maxPipelined) {
      queue.push(exchange)
    } else {
      exchange.socket.destroy()
    }
  }
}

/**
 * Makes an ordinary request of one that asks for another protocol than WebSocket, as servers do that know no other: HTTP/2
 * is offered like this. So it is with HTTP/1.0, whatever it asks for. Node reads no further once there is a listener for upgrades.
 */
const handBack = (server: Http.Server, request: Http.IncomingMessage, head: Buffer): void => {
  const { rawHeaders, socket } = request
  const lines = [`${request.method} ${request.url} HTTP/${request.httpVersion}`]
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    if (!/^(?:connection|upgrade)$/i.test(rawHeaders[at] ?? "")) lines.push(`${rawHeaders[at]}: ${rawHeaders[at + 1]}`)
  }
  const says = (word: string) =>
    new RegExp(`(?:^|[\\s,])${word}(?:$|[\\s,])`, "i").test(request.headers.connection ?? "")
  // HTTP/1.0 keeps connections only when it is asked to.
  const isKept = request.httpVersion === "1.0" ? says("keep-alive") : !says("close")
  lines.push(`connection: ${isKept ? "keep-alive" : "close"}`, "", "")
  socket.unshift(Buffer.concat([Buffer.from(lines.join("\r\n"), "latin1"), head]))
  server.emit("connection", socket)
}

/**
 * Listens until the scope closes.
 *
 * A fiber of its own runs each request from its headers to the end of its response; requests of one connection run one
 * after the other, pipelined or not. A client that disconnects interrupts its fiber. Defects are logged and answered
 * with an empty 500; once the response has begun they cut the connection.
 *
 * WebSocket connections end with the server: they are dropped, after `drain` and `grace`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const listen = <R>(
  front: Front<R>,
  options: ListenOptions = {}
): Effect.Effect<Address, ListenError, Exclude<R, Scope.Scope> | Scope.Scope> =>
  Effect.gen(function*() {
    const runtime = yield* Effect.runtime<Exclude<R, Scope.Scope>>()
    const active = new Set<Active>()
    const serve = makeRunner(front, runtime, active)
    const requestTimeout = Duration.toMillis(options.requestTimeout ?? "60 seconds")
    const server = Http.createServer({
      // Node refuses headers that may take longer than their request.
      headersTimeout: Math.min(Duration.toMillis(options.headersTimeout ?? "15 seconds"), requestTimeout),
      requestTimeout,
      keepAliveTimeout: Duration.toMillis(options.keepAliveTimeout ?? "65 seconds"),
      connectionsCheckingInterval: 500
    })
    server.on("request", (request, response) => serve(new NodeExchange(request, response, false)))
    server.on("checkContinue", (request, response) => serve(new NodeExchange(request, response, true)))
    const accept = makeAcceptor()
    const upgraded = new Set<Socket>()
    server.on("upgrade", (request, _, head) => {
      const { socket } = request
      // HTTP/1.0 knows no upgrades (RFC 9110, 7.8).
      if (!isUpgrade(request) || request.httpVersion === "1.0") return handBack(server, request, head)
      // Node has taken its own listener away.
      socket.on("error", () => socket.destroy())
      upgraded.add(socket)
      socket.on("close", () => upgraded.delete(socket))
      serve(NodeUpgrade.make(request, head, accept))
    })
    // Failures to accept, such as too many open files, come here; the server lives on.
    const warn = (error: Error) => Runtime.runFork(runtime)(Effect.logWarning("A connection was not accepted", error))
    return yield* Effect.acquireRelease(
      Effect.tap(bind(server, options.host ?? "127.0.0.1", options.port ?? 0, "http"), () => {
        server.on("error", warn)
      }),
      () => shutDown(server, active, upgraded, options)
    )
  })
