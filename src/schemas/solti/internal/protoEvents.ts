/**
 * The messages of a log's events, to and from the models.
 */
import * as Option from "effect/Option"
import type { OutputEventProto } from "../../gen/solti/v1/api_pb.js"
import type { LogEvent } from "../Logs.js"
import { big, int32, int64, streams, uint32, uint64 } from "./protoNumbers.js"

const encoder = new TextEncoder()

const eventMessage = (event: LogEvent): OutputEventProto["kind"] => {
  switch (event.type) {
    case "chunk":
      return {
        case: "chunk",
        value: {
          $typeName: "solti.v1.OutputChunkProto",
          attempt: uint32(event.attempt),
          stream: streams.toNumber(event.stream) ?? 0,
          seq: uint64(big(event.seq)),
          ts: int64(big(event.ts)),
          line: encoder.encode(event.line)
        }
      }
    case "runStarted":
      return {
        case: "runStarted",
        value: {
          $typeName: "solti.v1.RunStartedProto",
          attempt: uint32(event.attempt),
          startedAt: int64(big(event.startedAt))
        }
      }
    case "runFinished":
      return {
        case: "runFinished",
        value: {
          $typeName: "solti.v1.RunFinishedProto",
          attempt: uint32(event.attempt),
          exitCode: event.exitCode._tag === "Some" ? int32(event.exitCode.value) : undefined,
          finishedAt: int64(big(event.finishedAt))
        }
      }
    case "lagged":
      return {
        case: "lagged",
        value: { $typeName: "solti.v1.LaggedProto", skipped: uint64(big(event.skipped)) }
      }
  }
}

export const encodeEvent = (event: LogEvent): OutputEventProto => ({
  $typeName: "solti.v1.OutputEventProto",
  kind: eventMessage(event)
})

// A byte order mark is the beginning of a line like any other text. Bytes that are no UTF-8 become U+FFFD.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true })

export const decodeEvent = ({ kind }: OutputEventProto): LogEvent | undefined => {
  switch (kind.case) {
    case "chunk": {
      const { attempt, line, seq, stream, ts } = kind.value
      return {
        type: "chunk",
        attempt,
        stream: streams.fromNumber(stream),
        seq: Number(seq),
        ts: Number(ts),
        line: decoder.decode(line)
      }
    }
    case "runStarted":
      return { type: "runStarted", attempt: kind.value.attempt, startedAt: Number(kind.value.startedAt) }
    case "runFinished": {
      const { attempt, exitCode, finishedAt } = kind.value
      return {
        type: "runFinished",
        attempt,
        exitCode: Option.fromNullable(exitCode),
        finishedAt: Number(finishedAt)
      }
    }
    case "lagged":
      return { type: "lagged", skipped: Number(kind.value.skipped) }
    default:
      return undefined
  }
}
