/**
 * Messages that cannot be read, in words that show nothing of them.
 *
 * @since 0.1.0
 */
import { codes, GrpcStatus } from "./Grpc.js"

/** Texts of the decoder, and those that stand for them on the wire; the former have numbers of the message in them. */
const reasons: ReadonlyArray<readonly [RegExp, string]> = [
  [/varint/i, "invalid varint"],
  [/illegal tag|skip wire type/i, "invalid tag"],
  [/end group/i, "unexpected end group tag"],
  [/recursion/i, "recursion limit reached"],
  [/utf-?8|encoded data/i, "invalid string value: data is not UTF-8 encoded"]
]

const reasonOf = (cause: unknown, message: Uint8Array): string => {
  // The decoder has one error for all messages that end too early. A number whose last byte says that it goes on is one.
  if (cause instanceof RangeError) return (message.at(-1) ?? 0) >= 0x80 ? "invalid varint" : "buffer underflow"
  const text = cause instanceof Error ? cause.message : ""
  return reasons.find(([pattern]) => pattern.test(text))?.[1] ?? "malformed message"
}

/**
 * The status of a request message that the decoder has refused (contract 3.5). The text has no byte of the message.
 *
 * @since 0.1.0
 * @category errors
 */
export const undecodable = (cause: unknown, message: Uint8Array): GrpcStatus =>
  new GrpcStatus({ code: codes.INTERNAL, detail: `failed to decode Protobuf message: ${reasonOf(cause, message)}` })
