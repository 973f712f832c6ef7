/**
 * The events of a log as messages (contract 6.2), fast enough for logs of millions of lines.
 *
 * @since 0.1.0
 */
import { toBinary } from "@bufbuild/protobuf"
import { OutputEventProtoSchema, OutputStreamKind } from "../../schemas/gen/solti/v1/api_pb.js"
import type { Chunk, LogEvent } from "../../schemas/solti/Logs.js"
import * as Proto from "../../schemas/solti/Proto.js"
import { frame } from "../core/GrpcFrames.js"

const utf8 = new TextEncoder()

/** The room for everything of a line but its text: six tags, four numbers and two lengths at most, in bytes. */
const room = 64

/** The longest line that is written directly, in UTF-16 code units; each has three bytes of UTF-8 at most. */
const maxLine = 4096

/** An event in the making: its text is put behind the room, and what stands before the text is moved up to it. */
const buffer = new Uint8Array(room + maxLine * 3)

const textBuffer = buffer.subarray(room)

const head = new Uint8Array(room)

const putVarint = (at: number, value: number): number => {
  let rest = value
  while (rest >= 0x80) {
    head[at++] = rest % 0x80 | 0x80
    rest = Math.floor(rest / 0x80)
  }
  head[at++] = rest
  return at
}

/** A number that is 0 is not on the wire. */
const putNumber = (at: number, tag: number, value: number): number => {
  if (value === 0) return at
  head[at] = tag
  return putVarint(at + 1, value)
}

const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0

/** A line whose numbers need no correction, which is every line of a server that counts. */
const isPlain = ({ attempt, line, seq, stream, ts }: Chunk): boolean =>
  line.length <= maxLine && isCount(attempt) && attempt <= 0xffffffff && isCount(seq) && isCount(ts) &&
  (stream === "stdout" || stream === "stderr")

// Tags: the number of the field, then three bits for how it is written: 0 a varint, 2 with a length.
const encodeLine = ({ attempt, line, seq, stream, ts }: Chunk): Uint8Array => {
  const { written } = utf8.encodeInto(line, textBuffer)
  let end = putNumber(0, 1 << 3, attempt)
  end = putNumber(end, 2 << 3, stream === "stdout" ? OutputStreamKind.STDOUT : OutputStreamKind.STDERR)
  end = putNumber(end, 3 << 3, seq)
  end = putNumber(end, 4 << 3, ts)
  end = putNumber(end, 5 << 3 | 2, written)
  let at = room - end
  for (let index = 0; index < end; index++) buffer[at + index] = head[index] ?? 0
  const around = putNumber(0, 1 << 3 | 2, end + written)
  at -= around
  for (let index = 0; index < around; index++) buffer[at + index] = head[index] ?? 0
  return buffer.slice(at, room + written)
}

/**
 * The bytes of an event: those of `Proto.encodeEvent`. Lines, nearly all there is, are written directly: that takes a
 * small part of the time of the general writer.
 *
 * @since 0.1.0
 * @category encoding
 */
export const encode = (event: LogEvent): Uint8Array =>
  event.type === "chunk" && isPlain(event)
    ? encodeLine(event)
    : toBinary(OutputEventProtoSchema, Proto.encodeEvent(event))

/** More than a ring of a log holds (contract 8.7): its followers are less than that apart. */
const remembered = 2048

/** A frame that is longer is made for each follower, so that what is remembered stays within 16 MiB. */
const maxRemembered = 8192

/**
 * Makes frames of events, each once for all who follow a log: they are given the same event, and a copy for each of
 * hundreds of followers would be most of what a server with them does.
 *
 * @since 0.1.0
 * @category encoding
 */
export const makeFramer = (): (event: LogEvent) => Uint8Array => {
  const events: Array<LogEvent | undefined> = Array.from({ length: remembered })
  const frames: Array<Uint8Array | undefined> = Array.from({ length: remembered })
  return (event) => {
    if (event.type !== "chunk") return frame(encode(event))
    const at = event.seq % remembered
    const known = frames[at]
    if (known !== undefined && events[at] === event) return known
    const framed = frame(encode(event))
    if (framed.length <= maxRemembered) {
      events[at] = event
      frames[at] = framed
    }
    return framed
  }
}
