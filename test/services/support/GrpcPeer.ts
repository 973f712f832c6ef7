/** A gRPC server by hand: HTTP/2 streams that a test answers frame by frame, and what came in on them. */
import type { DescMessage, MessageInitShape } from "@bufbuild/protobuf"
import { create, toBinary } from "@bufbuild/protobuf"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Http2 from "node:http2"
import type { Server as NetServer, Socket } from "node:net"
import { type OutputEventProto, OutputEventProtoSchema } from "../../../src/schemas/gen/solti/v1/api_pb.js"
import * as Proto from "../../../src/schemas/solti/Proto.js"
import type * as Solti from "../../../src/solti.js"

/** A call as it arrived, and how it ended. */
export interface Received {
  readonly path: string
  readonly headers: Http2.IncomingHttpHeaders
  /** The message, without the head of its length. */
  readonly message: Uint8Array
  /** Which connection it came on, from 0. */
  readonly connection: number
  isClosed: boolean
  /** The code of the client's RST_STREAM, once it is closed; 0 for none. */
  code: number
}

/** Answers a call; `index` counts calls from 0. */
export type Handler = (stream: Http2.ServerHttp2Stream, call: Received, index: number) => void

export interface Peer {
  readonly url: string
  readonly port: number
  /** In the order of their arrival. */
  readonly calls: Array<Received>
  readonly connections: { made: number; open: number }
  readonly sessions: Set<Http2.ServerHttp2Session>
}

/** A message behind the head of its length. */
export const framed = (message: Uint8Array, compressed = 0): Buffer => {
  const head = Buffer.alloc(5)
  head.writeUInt8(compressed, 0)
  head.writeUInt32BE(message.length, 1)
  return Buffer.concat([head, message])
}

export const encoded = <Desc extends DescMessage>(schema: Desc, message: MessageInitShape<Desc>): Buffer =>
  framed(toBinary(schema, create(schema, message)))

/** An event of a log, as the body has it. */
export const eventBytes = (event: Solti.LogEvent): Buffer => {
  const message: OutputEventProto = Proto.encodeEvent(event)
  return framed(toBinary(OutputEventProtoSchema, message))
}

export const grpc = { ":status": 200, "content-type": "application/grpc" } as const

type Trailers = Readonly<Record<string, string | ReadonlyArray<string>>>

const given = (headers: Trailers): Http2.OutgoingHttpHeaders =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, typeof value === "string" ? value : [...value]])
  )

/** Head, body in one piece, trailers. */
export const answer = (
  stream: Http2.ServerHttp2Stream,
  body: Uint8Array,
  trailers: Trailers = { "grpc-status": "0" },
  headers: Trailers = {}
): void => {
  if (stream.destroyed) return
  stream.respond({ ...grpc, ...given(headers) }, { waitForTrailers: true })
  stream.on("wantTrailers", () => stream.sendTrailers(given(trailers)))
  stream.end(body)
}

/** A refusal in the head alone. */
export const refuse = (stream: Http2.ServerHttp2Stream, code: number, message?: string, more: Trailers = {}): void => {
  if (stream.destroyed) return
  stream.respond({
    ...grpc,
    "grpc-status": String(code),
    ...(message === undefined ? {} : { "grpc-message": encodeURIComponent(message) }),
    ...given(more)
  }, { endStream: true })
}

/** An answer of something that is not gRPC. */
export const plain = (
  stream: Http2.ServerHttp2Stream,
  status: number,
  headers: Trailers = {},
  body = ""
): void => {
  if (stream.destroyed) return
  stream.respond({ ":status": status, ...given(headers) })
  stream.end(body)
}

const closing = (server: NetServer, sockets: Set<Socket>) =>
  Effect.async<void>((resume) => {
    server.close(() => resume(Effect.void))
    for (const socket of sockets) socket.destroy()
  })

/** A server on a free port of the loopback interface. */
export const serve = (
  handler: Handler,
  options: Http2.ServerOptions & { readonly tls?: Http2.SecureServerOptions } = {}
): Effect.Effect<Peer, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.async<Peer & { readonly server: NetServer; readonly sockets: Set<Socket> }>((resume) => {
      const sockets = new Set<Socket>()
      const calls: Array<Received> = []
      const connections = { made: 0, open: 0 }
      const sessions = new Map<Http2.Http2Session, number>()
      const server = options.tls === undefined
        ? Http2.createServer(options)
        : Http2.createSecureServer({ ...options, ...options.tls })
      server.on(options.tls === undefined ? "connection" : "secureConnection", (socket: Socket) => {
        connections.made += 1
        connections.open += 1
        sockets.add(socket)
        socket.on("error", () => undefined)
        socket.on("close", () => {
          connections.open -= 1
          sockets.delete(socket)
        })
      })
      const open = new Set<Http2.ServerHttp2Session>()
      server.on("session", (session) => {
        sessions.set(session, sessions.size)
        open.add(session)
        session.on("error", () => undefined)
        session.on("close", () => open.delete(session))
      })
      server.on("sessionError", () => undefined)
      server.on("stream", (stream, headers) => {
        const pieces: Array<Buffer> = []
        stream.on("error", () => undefined)
        stream.on("data", (piece: Buffer) => pieces.push(piece))
        stream.on("end", () => {
          const call: Received = {
            path: headers[":path"] ?? "",
            headers,
            message: Buffer.concat(pieces).subarray(5),
            connection: stream.session === undefined ? -1 : sessions.get(stream.session) ?? -1,
            isClosed: false,
            code: 0
          }
          stream.on("close", () => {
            call.isClosed = true
            call.code = stream.rstCode
          })
          calls.push(call)
          handler(stream, call, calls.length - 1)
        })
      })
      server.listen(0, "127.0.0.1", () => {
        const address = server.address()
        const port = typeof address === "object" && address !== null ? address.port : 0
        const scheme = options.tls === undefined ? "http" : "https"
        const url = `${scheme}://127.0.0.1:${port}`
        resume(Effect.succeed({ url, port, calls, connections, sessions: open, server, sockets }))
      })
    }),
    ({ server, sockets }) => closing(server, sockets)
  )
