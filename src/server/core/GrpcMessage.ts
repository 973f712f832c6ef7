/**
 * Messages to and from their bytes; what cannot be read is refused in words that show nothing of it.
 *
 * @since 0.1.0
 */
import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary
} from "@bufbuild/protobuf"
import * as Either from "effect/Either"
import { codes } from "../../schemas/core/Grpc.js"
import { GrpcStatus } from "./GrpcStatus.js"

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
 * The message of a request. What does not decode is `INTERNAL` (contract 3.5 of Solti), with no byte of it in the text.
 * Fields that are not known are passed over: a later client may have them.
 *
 * @since 0.1.0
 * @category decoding
 */
export const decode = <Desc extends DescMessage>(
  schema: Desc,
  bytes: Uint8Array
): Either.Either<MessageShape<Desc>, GrpcStatus> =>
  Either.try({
    try: () => fromBinary(schema, bytes, { readUnknownFields: false }),
    catch: (cause) =>
      new GrpcStatus({ code: codes.INTERNAL, detail: `failed to decode Protobuf message: ${reasonOf(cause, bytes)}` })
  })

/**
 * The bytes of an answer.
 *
 * @since 0.1.0
 * @category encoding
 */
export const encode = <Desc extends DescMessage>(schema: Desc, message: MessageInitShape<Desc>): Uint8Array =>
  toBinary(schema, create(schema, message))
