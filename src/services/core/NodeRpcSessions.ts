/**
 * HTTP/2 connections to one server, as connect-es asks for them: one at a time, made with the first call, and made anew
 * when it is gone.
 *
 * The manager that connect-node has takes its listeners off a session that still has an error to tell, which ends the
 * process, and waits for ever for a ping whose connection was closed.
 *
 * @since 0.1.0
 */
import { Code, ConnectError } from "@connectrpc/connect"
import type { GrpcTransportOptions } from "@connectrpc/connect-node"
import * as Http2 from "node:http2"
import type { Duplex } from "node:stream"
import { closedEarly } from "./RpcAnswers.js"
import * as RpcMetadata from "./RpcMetadata.js"

/**
 * How connections are made and kept; times in ms, `Infinity` for none.
 *
 * @internal
 */
export interface Options {
  readonly dial: () => Duplex
  /** For all of a connection: TCP, TLS, and the first frame of the server. */
  readonly connectMs: number
  /** How often a connection with calls under way is asked for a sign of life, and one without ahead of a call. */
  readonly pingIntervalMs: number
  readonly pingTimeoutMs: number
}

type SessionManager = NonNullable<GrpcTransportOptions["sessionManager"]>

/** @internal */
export interface Sessions extends SessionManager {
  /** Breaks all connections, and refuses new ones. */
  readonly abort: () => void
}

interface Session {
  readonly http2: Http2.ClientHttp2Session
  readonly socket: Duplex
  aliveAt: number
  check: Promise<boolean> | undefined
  streams: number
  /** The next ping while there are streams, else the end of an idle connection. */
  cancel: () => void
}

/** A connection without streams is closed after so many ms. */
const idleMs = 15 * 60_000

/** How often a call is put on a connection that goes away in the same moment. */
const maxTries = 5

/** What a connection may hold, in MB. Node's own 10 MB make it refuse the answers to a few thousand calls at once. */
const maxSessionMemory = 1000

/** A peer that finds pings too many is asked no more seldom than this, in ms. */
const longestPingInterval = 5 * 60_000

const coded = (code: string, message: string) => Object.assign(new Error(message), { code })

/** The error of what is under way when the layer of the client is released. */
const aborted = () => coded("CLIENT_CLOSED", "the client has been released")

const none = () => undefined

/** Timers do not keep the process alive: the socket of a call does. */
const after = (ms: number, run: () => void): () => void => {
  if (ms === Infinity) return none
  const timer = setTimeout(run, Math.min(ms, 0x7fffffff))
  timer.unref()
  return () => clearTimeout(timer)
}

/** Breaks a connection and its streams. One that is at it already waits for a peer that may never read. */
const destroy = ({ http2, socket }: Session, error: Error): void => {
  if (http2.destroyed) socket.destroy(error)
  else http2.destroy(error, Http2.constants.NGHTTP2_CANCEL)
}

/** @internal */
export const make = (authority: string, { connectMs, dial, pingTimeoutMs, ...options }: Options): Sessions => {
  const open = new Map<Http2.Http2Session, Session>()
  let pingIntervalMs = options.pingIntervalMs
  let current: Promise<Session> | undefined
  let isAborted = false

  /** Whether the peer answers a ping; if it does not, the connection is broken. */
  const isAlive = (session: Session): Promise<boolean> =>
    session.check ??= new Promise<boolean>((resolve) => {
      const { http2 } = session
      const done = (alive: boolean) => {
        cancel()
        session.check = undefined
        if (alive) session.aliveAt = Date.now()
        if (session.streams === 0) http2.unref()
        resolve(alive)
      }
      const cancel = after(pingTimeoutMs, () => {
        destroy(session, new ConnectError("PING timed out", Code.Unavailable))
        done(false)
      })
      http2.ref()
      // A session that is destroyed calls back, with an error.
      if (http2.destroyed || !http2.ping((error) => done(error === null))) done(false)
    })

  const watch = (session: Session, ms: number): void => {
    session.cancel()
    session.cancel = after(ms, () => {
      const left = session.aliveAt + pingIntervalMs - Date.now()
      if (left > 0) return watch(session, left)
      void isAlive(session).then((alive) => {
        if (alive && session.streams > 0) watch(session, pingIntervalMs)
      })
    })
  }

  const connect = (): Promise<Session> => {
    const made = new Promise<Session>((resolve, reject) => {
      const socket = dial()
      const http2 = Http2.connect(authority, {
        createConnection: () => socket,
        settings: { enablePush: false },
        maxSessionMemory
      })
      const session: Session = { http2, socket, aliveAt: Date.now(), check: undefined, streams: 0, cancel: none }
      let isMade = false
      open.set(http2, session)
      const cancel = after(
        connectMs,
        () => destroy(session, coded("SWITCHYARD_CONNECT_TIMEOUT", `no connection within ${connectMs} ms`))
      )
      // How many streams the server takes is known from here on.
      http2.once("remoteSettings", () => {
        isMade = true
        cancel()
        session.aliveAt = Date.now()
        http2.unref()
        rest(session)
        resolve(session)
      })
      http2.on("goaway", (_code, _last, data) => {
        retire(made)
        if (data !== undefined && Buffer.from(data).equals(Buffer.from("too_many_pings"))) {
          pingIntervalMs = Math.max(pingIntervalMs, Math.min(pingIntervalMs * 2, longestPingInterval))
        }
        if (session.streams === 0) http2.destroy()
      })
      const fail = (error: Error) => {
        retire(made)
        reject(error)
      }
      // These stay to the end: a session may have more than one error to tell.
      http2.on("error", fail)
      // One that could not say good-bye, after a TLS alert for example, never tells its own.
      socket.once("error", fail)
      socket.once("close", () => {
        cancel()
        session.cancel()
        open.delete(http2)
        fail(coded("ECONNRESET", isMade ? "the connection was closed" : closedEarly))
      })
    })
    return made
  }

  const retire = (made: Promise<Session>): void => {
    if (current === made) current = undefined
  }

  const rest = (session: Session): void => {
    session.cancel()
    session.cancel = after(idleMs, () => session.http2.close())
  }

  /** A connection for a call. */
  const ready = async (): Promise<Session> => {
    for (;;) {
      if (isAborted) throw aborted()
      const made = current ??= connect()
      const session = await made.catch((error: unknown) => {
        retire(made)
        throw error
      })
      const isFresh = Date.now() - session.aliveAt <= pingIntervalMs
      if (!session.http2.closed && !session.http2.destroyed && (isFresh || await isAlive(session))) return session
      retire(made)
    }
  }

  const track = (session: Session, stream: Http2.ClientHttp2Stream): void => {
    let isAnswered = false
    session.streams += 1
    if (session.streams === 1) {
      session.http2.ref()
      watch(session, pingIntervalMs)
    }
    stream.on("response", (headers) => {
      isAnswered = true
      session.aliveAt = Date.now()
      RpcMetadata.mend(headers)
    })
    stream.on("trailers", RpcMetadata.mend)
    stream.once("close", () => {
      session.streams -= 1
      if (session.streams === 0) {
        session.http2.unref()
        rest(session)
      }
      // A reset that claims to be no error is none for Node either: nobody would hear that there is no answer.
      if (!isAnswered && stream.rstCode === Http2.constants.NGHTTP2_NO_ERROR) {
        stream.emit("error", coded("NO_ERROR", "the stream was closed without an answer"))
      }
    })
  }

  return {
    authority,
    request: async (method, path, headers, options) => {
      for (let tries = 1;; tries++) {
        const session = await ready()
        const { http2 } = session
        try {
          const stream = http2.request({ ...headers, ":method": method, ":path": path }, options)
          track(session, stream)
          return stream
        } catch (error) {
          if (tries === maxTries || !http2.closed && !http2.destroyed) throw error
        }
      }
    },
    notifyResponseByteRead: (stream) => {
      const session = stream.session === undefined ? undefined : open.get(stream.session)
      if (session !== undefined) session.aliveAt = Date.now()
    },
    abort: () => {
      isAborted = true
      current = undefined
      for (const session of open.values()) destroy(session, aborted())
    }
  }
}
