/**
 * What opens WebSocket connections: the browser's `WebSocket`, `ws` on Node (`effect-switchyard/node`), or an emulator in
 * memory.
 *
 * @since 0.1.0
 */
import * as Socket from "@effect/platform/Socket"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberId from "effect/FiberId"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type { Connection, Frame } from "../../streams/core/Connection.js"
import { canSendCode, fitReason, Inbox } from "../../streams/core/Inbox.js"

/**
 * An answer to an upgrade request that is no upgrade. `body` holds at most 4 KiB; names of headers are in lower case.
 *
 * @since 0.1.0
 * @category models
 */
export interface Refusal {
  readonly status: number
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: string
}

/**
 * No connection came to be. `refusal` is what the server answered instead, where the platform shows it.
 *
 * - `refused`: something else than an upgrade was answered
 * - `unreachable`: nothing was answered
 * - `timeout`: no upgrade within `openTimeout`
 * - `unknown`: one of the former; browsers do not tell which, and show no answer
 *
 * @since 0.1.0
 * @category errors
 */
export class OpenError extends Data.TaggedError("OpenError")<{
  readonly reason: "refused" | "unreachable" | "timeout" | "unknown"
  /** For people; never the URL. */
  readonly detail: string
  readonly refusal: Option.Option<Refusal>
}> {
  override get message() {
    return this.detail
  }
}

/**
 * - `url`: `ws:` or `wss:`; it may hold a ticket, so it is not part of any error
 * - `headers`: of the upgrade request; left out where `sendsHeaders` is false
 * - `openTimeout`: until the upgrade is there
 * - `keepAlive`: how often a ping is sent where the platform can; a peer that does not answer until the next one is dead
 * - `highWater`: how many frames wait for `receive` before the peer is stopped, or, where that cannot be, the connection
 *   is closed with 1000
 *
 * @since 0.1.0
 * @category models
 */
export interface OpenRequest {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly openTimeout: Duration.DurationInput
  readonly keepAlive: Duration.DurationInput
  readonly highWater: number
}

/**
 * The platform has no `WebSocket` of its own, and nobody has provided another.
 *
 * @since 0.1.0
 * @category errors
 */
export class WebSocketMissing extends Data.TaggedError("WebSocketMissing") {
  override get message() {
    return "there is no global WebSocket: provide layerWebSockets of effect-switchyard/node, or layerConstructor with " +
      "a WebSocketConstructor of your own"
  }
}

/**
 * The service.
 *
 * @since 0.1.0
 * @category context
 */
export class WebSockets extends Context.Tag("effect-switchyard/WebSockets")<WebSockets, WebSockets.Service>() {
  /**
   * Over the global `WebSocket` of browsers and of Node from 22 on; `None` where there is none.
   *
   * @since 0.1.0
   */
  static readonly global = (): Option.Option<WebSockets.Service> =>
    typeof globalThis.WebSocket === "function"
      ? Option.some(fromConstructor((url, protocols) => new globalThis.WebSocket(url, protocols)))
      : Option.none()
}

/**
 * @since 0.1.0
 */
export declare namespace WebSockets {
  /**
   * @since 0.1.0
   * @category models
   */
  export interface Service {
    /** Whether the platform can send headers with the upgrade request. */
    readonly sendsHeaders: boolean
    /**
     * Opens a connection that is closed with 1000 when the scope closes. An attempt that is interrupted is given up at
     * once.
     */
    readonly open: (request: OpenRequest) => Effect.Effect<Connection, OpenError, Scope.Scope>
  }
}

/**
 * An attempt to open a connection.
 *
 * @internal
 */
export interface Attempt {
  readonly connection: Connection
  readonly opened: Effect.Effect<void, OpenError>
  /** Closes the connection with 1000, or gives the attempt up. */
  readonly release: Effect.Effect<void>
}

/**
 * Waits for an attempt. It is begun before anything can be interrupted, so whatever happens, it is released.
 *
 * @internal
 */
export const openAttempt = (
  start: Effect.Effect<Attempt, OpenError>
): Effect.Effect<Connection, OpenError, Scope.Scope> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(start, ({ connection, opened, release }) =>
      restore(opened).pipe(
        Effect.onError(() => release),
        Effect.zipRight(Effect.addFinalizer(() => release)),
        Effect.as(connection)
      ))
  )

/** @internal */
export const openError = (reason: OpenError["reason"], detail: string, refusal?: Refusal): OpenError =>
  new OpenError({ reason, detail, refusal: Option.fromNullable(refusal) })

/** @internal */
export const unknownReason = openError(
  "unknown",
  "the server refused the connection or could not be reached; the platform does not say which"
)

/**
 * For platforms that keep no time themselves.
 *
 * @internal
 */
export const withinOpenTimeout = ({ openTimeout }: OpenRequest) =>
  Effect.timeoutFail({
    duration: openTimeout,
    onTimeout: () => openError("timeout", `no connection within ${Duration.toMillis(openTimeout)} ms`)
  })

/** How much may wait to be sent before `send` waits, in bytes, and how long it then looks away. */
const outHighWater = 1024 * 1024
const lookAgain = "10 millis"

/** Codes that a browser lets a page send. */
const isForPages = (code: number): boolean => code === 1000 || code >= 3000 && code <= 4999

const makeAttempt = (socket: WebSocket, { highWater }: OpenRequest): Attempt => {
  const inbox = new Inbox()
  const open = Deferred.unsafeMake<void, OpenError>(FiberId.none)
  socket.binaryType = "arraybuffer"

  const shut = (code: number, reason: string): void => {
    if (inbox.closed !== undefined) return
    const fitting = fitReason(reason)
    inbox.close(code, fitting, "here")
    if (isForPages(code) && canSendCode(code)) socket.close(code, fitting)
    else socket.close()
  }
  const onOpen = () => Deferred.unsafeDone(open, Effect.void)
  const onMessage = ({ data }: MessageEvent<unknown>) => {
    if (typeof data === "string") inbox.push(data)
    else if (data instanceof ArrayBuffer) inbox.push(new Uint8Array(data))
    if (inbox.size > highWater) shut(1000, "client backpressure")
  }
  // The event of an error says nothing, and a close follows. But `ws` throws where nobody listens.
  const onError = () => undefined
  const onClose = ({ code, reason }: CloseEvent) => {
    Deferred.unsafeDone(open, Effect.fail(unknownReason))
    inbox.close(code, reason, "peer")
    socket.removeEventListener("open", onOpen)
    socket.removeEventListener("message", onMessage)
    socket.removeEventListener("close", onClose)
  }
  socket.addEventListener("open", onOpen)
  socket.addEventListener("message", onMessage)
  socket.addEventListener("error", onError)
  socket.addEventListener("close", onClose)

  const send = (frames: ReadonlyArray<Frame>): ReturnType<Connection["send"]> =>
    Effect.suspend(() => {
      let at = 0
      const go = (): ReturnType<Connection["send"]> => {
        for (;;) {
          if (inbox.closed !== undefined) return Effect.fail(inbox.closed)
          const frame = frames[at]
          if (frame === undefined) return Effect.void
          if (socket.bufferedAmount >= outHighWater) {
            return Effect.zipRight(Effect.raceFirst(Effect.sleep(lookAgain), inbox.ended), Effect.suspend(go))
          }
          at++
          socket.send(typeof frame === "string" ? frame : new Uint8Array(frame))
        }
      }
      return go()
    })

  return {
    connection: {
      receive: inbox.receive,
      send,
      close: (code, reason = "") => Effect.sync(() => shut(code, reason)),
      drop: Effect.sync(() => {
        if (inbox.closed !== undefined) return
        inbox.close(1006, "", "here")
        socket.close()
      })
    },
    opened: Deferred.await(open),
    release: Effect.sync(() => shut(1000, ""))
  }
}

/**
 * Over a `WebSocket` as browsers have it.
 *
 * What it cannot do: send headers, or say why no connection came to be (`OpenError` with `unknown`); send pings; be
 * paused – when more than `highWater` frames wait, it is closed with 1000 `client backpressure`; end without a close
 * frame – `drop` closes without a code; send codes other than 1000 and 3000 to 4999 – the close frame then has no code.
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromConstructor = (
  makeSocket: (url: string, protocols?: string | Array<string>) => WebSocket
): WebSockets.Service => ({
  sendsHeaders: false,
  open: (request) =>
    openAttempt(Effect.try({
      try: () => makeAttempt(makeSocket(request.url), request),
      // What is thrown may hold the URL.
      catch: (error) => openError("unreachable", `the platform takes no such URL (${Object(error).name})`)
    })).pipe(withinOpenTimeout(request))
})

/**
 * Over the global `WebSocket`; fails with `WebSocketMissing` where there is none, as on Node before 22.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerGlobal: Layer.Layer<WebSockets, WebSocketMissing> = Layer.effect(
  WebSockets,
  Effect.flatMap(
    Effect.sync(WebSockets.global),
    Option.match({ onNone: () => new WebSocketMissing(), onSome: Effect.succeed })
  )
)

/**
 * Over the `WebSocketConstructor` of `@effect/platform/Socket`, for platforms and tests that bring one.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConstructor: Layer.Layer<WebSockets, never, Socket.WebSocketConstructor> = Layer.effect(
  WebSockets,
  Effect.map(Socket.WebSocketConstructor, (makeSocket) => fromConstructor(makeSocket))
)
