/**
 * Watches over one HTTP/2 connection, so that none stays that nobody uses.
 *
 * @since 0.1.0
 */
import type { ServerHttp2Session, ServerHttp2Stream } from "node:http2"
import type { Socket } from "node:net"

/**
 * How long what may take, in ms.
 *
 * @internal
 */
export interface Timeouts {
  /** From the connection to the client's settings, which are the first that it sends. */
  readonly settingsMs: number
  /** Without a request. */
  readonly idleMs: number
  /** From ping to ping, and from a ping to its answer. */
  readonly pingIntervalMs: number
  readonly pingTimeoutMs: number
}

/** How long a client may take to close its side of a connection that is done, or that it has broken, in ms. */
const lingerMs = 5000
const brokenMs = 1000

/**
 * One connection.
 *
 * @internal
 */
export class NodeHttp2Session {
  private readonly streams = new Set<ServerHttp2Stream>()
  private pong: NodeJS.Timeout | undefined

  constructor(
    private readonly session: ServerHttp2Session,
    /** What carries the session: its own `socket` cannot be closed without a farewell. */
    private readonly socket: Socket,
    timeouts: Timeouts
  ) {
    const settings = setTimeout(() => this.cut(), timeouts.settingsMs)
    session.once("remoteSettings", () => clearTimeout(settings))
    const idle = setTimeout(() => {
      if (this.streams.size === 0) this.close()
    }, timeouts.idleMs)
    // Idle ones as well: one that the client has broken is found in no other way.
    const ping = setInterval(() => {
      this.sweep()
      this.ping(timeouts.pingTimeoutMs)
    }, timeouts.pingIntervalMs)
    session.on("stream", (stream) => this.watch(stream, idle))
    // Node says goodbye, and then waits for a client that may never answer.
    session.once("error", () => this.linger(brokenMs))
    session.once("close", () => {
      clearTimeout(settings)
      clearTimeout(idle)
      clearInterval(ping)
      clearTimeout(this.pong)
    })
    for (const timer of [settings, idle, ping]) timer.unref()
  }

  private watch(stream: ServerHttp2Stream, idle: NodeJS.Timeout): void {
    this.streams.add(stream)
    stream.once("close", () => {
      this.streams.delete(stream)
      if (this.streams.size > 0) return
      if (this.session.closed) this.linger(lingerMs)
      else idle.refresh()
    })
  }

  private linger(ms: number): void {
    const timer = setTimeout(() => this.cut(), ms)
    timer.unref()
    this.socket.once("close", () => clearTimeout(timer))
  }

  /** A stream that the client has closed before it was answered may wait for somebody to read the rest of its body. */
  private sweep(): void {
    for (const stream of this.streams) if (stream.closed) stream.destroy()
  }

  private ping(pingTimeoutMs: number): void {
    if (this.pong !== undefined) return
    this.pong = setTimeout(() => this.cut(), pingTimeoutMs)
    this.session.ping((error) => {
      clearTimeout(this.pong)
      this.pong = undefined
      // Of a client that has broken the protocol nothing is taken any more, while its connection stays.
      if (error !== null && !this.session.destroyed && !this.session.closed) this.cut()
    })
  }

  /** Takes no more requests, and closes once there is none. */
  close(): void {
    this.session.close()
    if (this.streams.size === 0) this.linger(lingerMs)
  }

  /** Drops the connection as it is. */
  cut(): void {
    this.socket.destroy()
  }

  /** Breaks the connection off, behind what has been written. */
  hangUp(): void {
    this.socket.destroySoon()
  }
}
