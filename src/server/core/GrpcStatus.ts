/**
 * What tells gRPC from other requests, what a call comes to, and how that stands in the trailers. Nothing of protobuf is
 * needed for it.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import { codes } from "../../schemas/core/Grpc.js"
import { empty, type FrontRequest, type FrontResponse } from "./Front.js"

const contentType = "application/grpc"

/**
 * The headers of every response.
 *
 * @internal
 */
export const responseHeaders = { "content-type": contentType }

/**
 * Whether a request is one of gRPC, with messages of any encoding.
 *
 * @since 0.1.0
 * @category guards
 */
export const isGrpc = ({ headers }: Pick<FrontRequest, "headers">): boolean =>
  headers["content-type"]?.startsWith(contentType) === true

/**
 * How a call ends that does not end well: `code` is one of {@link codes}, `detail` is shown to the client, and
 * `retryAfterSeconds` tells it when to try again.
 *
 * @since 0.1.0
 * @category errors
 */
export class GrpcStatus extends Data.TaggedError("GrpcStatus")<{
  readonly code: number
  readonly detail: string
  readonly retryAfterSeconds?: number | undefined
}> {
  override get message() {
    return this.detail
  }
}

/**
 * How calls end that the server cuts short because it shuts down.
 *
 * @since 0.1.0
 * @category constants
 */
export const shuttingDown = new GrpcStatus({ code: codes.UNAVAILABLE, detail: "the server is shutting down" })

/** The longest `grpc-message`, in characters before it is encoded: clients take only so much of headers. */
const maxDetail = 2048

const encoder = new TextEncoder()

/** The percent-encoding of the gRPC specification: UTF-8, of which what is printable in ASCII stays, but for the sign. */
const percentEncode = (text: string): string => {
  if (/^[\x20-\x24\x26-\x7e]*$/.test(text)) return text
  let out = ""
  for (const byte of encoder.encode(text)) {
    out += byte >= 0x20 && byte <= 0x7e && byte !== 0x25
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`
  }
  return out
}

/**
 * How long a client should wait, in ms, where the status says so.
 *
 * @internal
 */
export const retryAfterMsOf = ({ retryAfterSeconds }: GrpcStatus): number | undefined =>
  retryAfterSeconds === undefined ? undefined : Math.max(0, Math.ceil(retryAfterSeconds * 1000))

/**
 * A status as trailers, with the hint of the retry design (`grpc-retry-pushback-ms`).
 *
 * @since 0.1.0
 * @category encoding
 */
export const toTrailers = (status: GrpcStatus): Readonly<Record<string, string>> => {
  const message = status.detail.slice(0, maxDetail)
  const retryAfterMs = retryAfterMsOf(status)
  return {
    "grpc-status": String(status.code),
    ...(message === "" ? {} : { "grpc-message": percentEncode(message) }),
    ...(retryAfterMs === undefined ? {} : { "grpc-retry-pushback-ms": String(retryAfterMs) })
  }
}

/**
 * The trailers of a call that has ended well.
 *
 * @since 0.1.0
 * @category constants
 */
export const okTrailers: Readonly<Record<string, string>> = { "grpc-status": String(codes.OK) }

/**
 * A response of nothing but a status, where no message has been sent.
 *
 * @since 0.1.0
 * @category encoding
 */
export const trailersOnly = (
  trailers: Readonly<Record<string, string>>,
  headers?: Readonly<Record<string, string>>
): FrontResponse => empty(200, { ...responseHeaders, ...headers, ...trailers })
