/** A proxy in front of an HTTP/2 server that knows frames, and does to them what a test says. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Net from "node:net"

export const types = { data: 0, headers: 1, settings: 4, ping: 6, goaway: 7 } as const

/** A frame on its way; `connection` counts from 0, `data` the DATA frames of this connection and direction before it. */
export interface Frame {
  readonly connection: number
  readonly from: "client" | "server"
  readonly type: number
  readonly flags: number
  readonly stream: number
  readonly data: number
  /** How many bytes of this connection and direction are in front of it. */
  readonly offset: number
  readonly bytes: Buffer
}

/**
 * What becomes of a frame: passed on, swallowed, these bytes in its place; or the connection is cut behind these bytes,
 * with an end that looks proper or a reset.
 */
export type Action = "pass" | "swallow" | Buffer | { readonly cut: Buffer; readonly by: "end" | "reset" }

/** A frame, made by hand. */
export const frame = (type: number, flags: number, stream: number, payload: Uint8Array = new Uint8Array(0)): Buffer => {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

export const goaway = (last: number, code: number, debug = ""): Buffer =>
  frame(types.goaway, 0, 0, Buffer.concat([uint32(last), uint32(code), Buffer.from(debug)]))

const prefaceLength = 24

export interface Proxy {
  readonly url: string
  readonly connections: { made: number; open: number }
  /** Breaks all connections. */
  readonly cut: () => void
}

/** Hands whole frames to `forward`. */
const splitter = (
  from: Frame["from"],
  connection: number,
  forward: (frame: Frame) => void,
  preface: (bytes: Buffer) => void
) => {
  let pending = Buffer.alloc(0)
  let data = 0
  let offset = 0
  let isPrefaced = from === "server"
  return (piece: Buffer) => {
    pending = Buffer.concat([pending, piece])
    if (!isPrefaced) {
      if (pending.length < prefaceLength) return
      isPrefaced = true
      preface(pending.subarray(0, prefaceLength))
      pending = pending.subarray(prefaceLength)
    }
    while (pending.length >= 9) {
      const length = 9 + pending.readUIntBE(0, 3)
      if (pending.length < length) return
      const bytes = pending.subarray(0, length)
      pending = pending.subarray(length)
      const type = bytes.readUInt8(3)
      forward({
        connection,
        from,
        type,
        flags: bytes.readUInt8(4),
        stream: bytes.readUInt32BE(5) & 0x7fffffff,
        data,
        offset,
        bytes
      })
      if (type === types.data) data += 1
      offset += length
    }
  }
}

/** A proxy to a port of the loopback interface. */
export const make = (port: number, act: (frame: Frame) => Action): Effect.Effect<Proxy, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.async<Proxy & { readonly server: Net.Server }>((resume) => {
      const sockets = new Set<Net.Socket>()
      const connections = { made: 0, open: 0 }
      const server = Net.createServer((client) => {
        const connection = connections.made++
        connections.open += 1
        const upstream = Net.connect(port, "127.0.0.1")
        let isCut = false
        const both = [client, upstream]
        for (const socket of both) {
          socket.setNoDelay(true)
          sockets.add(socket)
          socket.on("error", () => undefined)
          socket.on("close", () => {
            sockets.delete(socket)
            if (!isCut) { for (const other of both) other.destroy() }
          })
        }
        client.on("close", () => connections.open -= 1)
        const to = { client: upstream, server: client }
        const forward = (frame: Frame) => {
          if (isCut) return
          const action = act(frame)
          const target = to[frame.from]
          if (action === "pass") target.write(frame.bytes)
          else if (Buffer.isBuffer(action)) target.write(action)
          else if (action !== "swallow") {
            isCut = true
            upstream.destroy()
            if (action.by === "end") client.end(action.cut)
            else client.write(action.cut, () => client.resetAndDestroy())
          }
        }
        client.on("data", splitter("client", connection, forward, (bytes) => upstream.write(bytes)))
        upstream.on("data", splitter("server", connection, forward, () => undefined))
      })
      server.listen(0, "127.0.0.1", () => {
        const address = server.address()
        const own = typeof address === "object" && address !== null ? address.port : 0
        const cut = () => {
          for (const socket of sockets) socket.destroy()
        }
        resume(Effect.succeed({ url: `http://127.0.0.1:${own}`, connections, cut, server }))
      })
    }),
    ({ cut, server }) =>
      Effect.async<void>((resume) => {
        server.close(() => resume(Effect.void))
        cut()
      })
  )
