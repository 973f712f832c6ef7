/**
 * What a server says of a failure, put right before it is read.
 *
 * connect-es gives up a status for a text or for details that it cannot decode. gRPC wants it the other way around: the
 * status holds, whatever stands next to it ("implementations must not error or throw away the message").
 *
 * @since 0.1.0
 */
import { Code, decodeBinaryHeader } from "@connectrpc/connect"
import * as Option from "effect/Option"
import { StatusSchema } from "../../schemas/gen/google/rpc/status_pb.js"

/** Headers or trailers; only texts are looked at. */
type Metadata = Record<string, unknown>

const decoded = Option.liftThrowable(decodeURIComponent)
const detailed = Option.liftThrowable((value: string) => decodeBinaryHeader(value, StatusSchema))

/** A text with what is encoded right decoded, and everything else as it is: bytes that Node takes for Latin-1. */
const lenient = (text: string): string => {
  const bytes: Array<number> = []
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    const hex = /^%[\da-f]{2}/i.exec(text.slice(at, at + 3))
    if (hex !== null) at += 2
    bytes.push(hex === null ? code & 0xff : parseInt(hex[0].slice(1), 16))
  }
  return new TextDecoder().decode(Uint8Array.from(bytes))
}

/** The number of a status: `UNKNOWN` for what is none, 0 for OK. */
const numberOf = (value: string): number => {
  const number = /^\d{1,2}$/.test(value) ? Number(value) : Code.Unknown
  return number > Code.Unauthenticated ? Code.Unknown : number
}

/**
 * Makes of a failure what can be read: another status than those of gRPC is `UNKNOWN`, a text keeps what can be decoded
 * of it, details that do not decode or belong to another status are left out, and what has a status of gRPC is an answer
 * of gRPC, whatever its HTTP status.
 *
 * @internal
 */
export const mend = (metadata: Metadata): void => {
  const given = metadata["grpc-status"]
  if (typeof given !== "string") return
  const number = numberOf(given)
  metadata["grpc-status"] = String(number)
  const type = metadata["content-type"]
  if (":status" in metadata && typeof type === "string" && type.startsWith("application/grpc")) {
    metadata[":status"] = 200
  }
  const text = metadata["grpc-message"]
  if (typeof text === "string" && (Option.isNone(decoded(text)) || /[^ -~]/.test(text))) {
    metadata["grpc-message"] = encodeURIComponent(lenient(text))
  }
  const details = metadata["grpc-status-details-bin"]
  if (typeof details !== "string") return
  const status = Option.getOrUndefined(detailed(details))
  if (status?.code !== number) delete metadata["grpc-status-details-bin"]
}
