/**
 * A connection over `ws`, on either side.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { Socket } from "node:net"
import { WebSocket } from "ws"
import type { Connection } from "./Connection.js"
import { canSendCode, fitReason, Inbox, Signal } from "./Inbox.js"

/** How much may wait to be sent before `send` waits, in bytes. */
const outHighWater = 256 * 1024

/**
 * What `ws` is told on both sides. `closeTimeout` (ms) is how long it waits for the peer to end a connection that is being
 * closed.
 *
 * @internal
 */
export const socketOptions = { perMessageDeflate: false, closeTimeout: 500 }

/**
 * A longer one would run off at once, in ms.
 *
 * @internal
 */
export const longestTimer = 2 ** 31 - 1

const codes: Readonly<Record<string, number>> = {
  WS_ERR_INVALID_UTF8: 1007,
  WS_ERR_TOO_MANY_BUFFERED_PARTS: 1008,
  WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH: 1009,
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: 1009
}

/** The code that `ws` closes with after an error of the peer. */
const codeOf = (error: NodeJS.ErrnoException): number => {
  const { code = "" } = error
  return codes[code] ?? (code.startsWith("WS_ERR_") ? 1002 : 1006)
}

/**
 * A socket of `ws` that may end the connection instead of answering a close frame.
 *
 * @internal
 */
export class NodeSocket extends WebSocket {
  answersClose = true

  /** `ws` itself calls this when a close frame has come, or one that it does not understand. */
  override close(code?: number, reason?: string | Buffer): void {
    if (this.answersClose) super.close(code, reason)
    else this.terminate()
  }

  sendClose(code: number, reason: string): void {
    super.close(code, reason)
  }
}

/**
 * Listens from its construction on; `attach` says which TCP or TLS socket carries the frames, before the first one comes.
 *
 * - `highWater`: how many frames wait for `receive` before the peer is stopped; what its last packet held comes on top
 * - `keepAliveMs`: a peer that sends nothing between two pings is dead
 *
 * @internal
 */
export class NodeConnection implements Connection {
  readonly inbox: Inbox
  readonly receive: Connection["receive"]
  private readonly room = new Signal()
  private socket: Socket | undefined
  private paused = false
  private corked = false

  constructor(
    private readonly ws: NodeSocket,
    private readonly options: { readonly highWater: number; readonly keepAliveMs?: number | undefined }
  ) {
    this.inbox = new Inbox(() => this.resume())
    this.receive = this.inbox.receive
    ws.on("message", (data, isBinary) => {
      // A copy: what comes from the socket is a view of a much larger buffer.
      if (Buffer.isBuffer(data)) this.inbox.push(isBinary ? new Uint8Array(data) : data.toString())
      if (!this.paused && this.inbox.closed === undefined && this.inbox.size >= options.highWater) {
        this.paused = true
        ws.pause()
      }
    })
    ws.on("error", (error) => this.inbox.close(codeOf(error), error.message, "here"))
    ws.on("close", (code, reason) => {
      this.inbox.close(code, reason.toString(), "peer")
      this.room.wake()
    })
  }

  attach(socket: Socket): void {
    this.socket = socket
    socket.on("drain", () => this.room.wake())
    const { keepAliveMs } = this.options
    if (keepAliveMs === undefined || keepAliveMs === Infinity) return
    let seen = -1
    const timer = setInterval(() => {
      if (this.paused) {
        seen = -1
      } else if (seen === socket.bytesRead) {
        this.inbox.close(1006, "the peer answers no ping", "peer")
        this.ws.terminate()
      } else {
        seen = socket.bytesRead
        this.ws.ping()
      }
    }, Math.min(keepAliveMs, longestTimer))
    this.ws.once("close", () => clearInterval(timer))
  }

  readonly send: Connection["send"] = (frames) =>
    Effect.suspend(() => {
      let at = 0
      const go = (): ReturnType<Connection["send"]> => {
        for (;;) {
          if (this.inbox.closed !== undefined) return Effect.fail(this.inbox.closed)
          const frame = frames[at]
          if (frame === undefined) return Effect.void
          if (this.isFull) {
            this.uncork()
            return Effect.zipRight(
              this.room.until(() => !this.isFull || this.inbox.closed !== undefined),
              Effect.suspend(go)
            )
          }
          at++
          this.cork()
          this.ws.send(frame)
        }
      }
      return go()
    })

  readonly close: Connection["close"] = (code, reason = "") =>
    Effect.sync(() => {
      if (this.inbox.closed !== undefined) return
      const fitting = fitReason(reason)
      this.inbox.close(code, fitting, "here")
      this.room.wake()
      if (canSendCode(code)) this.ws.sendClose(code, fitting)
      this.uncork()
      if (canSendCode(code)) this.resume()
      else this.ws.terminate()
    })

  readonly drop: Effect.Effect<void> = Effect.sync(() => {
    this.inbox.close(1006, "", "here")
    this.room.wake()
    this.uncork()
    this.ws.terminate()
  })

  private get isFull(): boolean {
    return this.socket !== undefined && this.socket.writableLength >= outHighWater
  }

  /** All that is written until the next tick goes out at once. */
  private cork(): void {
    const { socket } = this
    if (this.corked || socket === undefined) return
    this.corked = true
    socket.cork()
    process.nextTick(() => this.uncork())
  }

  private uncork(): void {
    if (!this.corked) return
    this.corked = false
    this.socket?.uncork()
  }

  private resume(): void {
    if (!this.paused) return
    this.paused = false
    this.ws.resume()
  }
}
