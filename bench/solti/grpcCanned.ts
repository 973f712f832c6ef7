/**
 * A gRPC server in a process of its own that writes bytes made in advance, so that a benchmark measures the client alone.
 *
 * Run as a child: prints its port, serves one task, and a log of N events for the id `N`.
 */
import { fromBinary, toBinary } from "@bufbuild/protobuf"
import * as Option from "effect/Option"
import * as Http2 from "node:http2"
import {
  GetTaskStatusResponseSchema,
  OutputEventProtoSchema,
  StreamTaskLogsRequestSchema
} from "../../src/schemas/gen/solti/v1/api_pb.js"
import * as Proto from "../../src/schemas/solti/Proto.js"
import type { LogEvent, Task } from "../../src/solti.js"
import { TaskId } from "../../src/solti.js"

const envelope = (message: Uint8Array): Buffer => {
  const bytes = Buffer.alloc(5 + message.length)
  bytes.writeUInt32BE(message.length, 1)
  bytes.set(message, 5)
  return bytes
}

/** The task of `core/canned.ts`. */
const task: Task = {
  metadata: {
    id: TaskId.make("default-bench-1"),
    createdAt: 1795388128188n,
    updatedAt: 1795388128189n,
    resourceVersion: 3n
  },
  spec: {
    slot: "bench",
    kind: {
      subprocess: {
        env: [{ key: "MODE", value: "fast" }],
        cwd: Option.none(),
        failOnNonZero: true,
        command: { command: "make", args: ["-k"] }
      }
    },
    timeoutMs: 45000n,
    restart: "RESTART_STRATEGY_ALWAYS",
    restartIntervalMs: Option.some(5000n),
    backoff: { jitter: "JITTER_STRATEGY_EQUAL", firstMs: 500n, maxMs: 8000n, factor: 1.5 },
    admission: "ADMISSION_STRATEGY_QUEUE",
    labels: { team: "infra" }
  },
  status: { phase: "TASK_STATUS_RUNNING", attempt: 1, error: Option.none(), exitCode: Option.none() }
}

const answer = envelope(toBinary(GetTaskStatusResponseSchema, {
  $typeName: "solti.v1.GetTaskStatusResponse",
  task: Proto.encodeTask(task)
}))

const event = (seq: number): LogEvent => ({
  type: "chunk",
  attempt: 1,
  stream: "stdout",
  seq,
  ts: 1795380919322,
  line: "compiled module 0042 in 12 ms, 3 warnings"
})

const batch = 500
const frames = Array.from(
  { length: batch },
  (_, index) => envelope(toBinary(OutputEventProtoSchema, Proto.encodeEvent(event(100_000 + index))))
)
const block = Buffer.concat(frames)

const idOf = async (stream: Http2.ServerHttp2Stream): Promise<number> => {
  const pieces: Array<Buffer> = []
  for await (const piece of stream as AsyncIterable<Buffer>) pieces.push(piece)
  return Number(fromBinary(StreamTaskLogsRequestSchema, Buffer.concat(pieces).subarray(5)).taskId)
}

const server = Http2.createServer()
server.on("stream", (stream, headers) => {
  // Readers leave before the end.
  stream.on("error", () => undefined)
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true })
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }))
  if (headers[":path"] === "/solti.v1.SoltiApi/GetTaskStatus") {
    stream.resume()
    stream.end(answer)
    return
  }
  void idOf(stream).then((count) => {
    let left = count
    const write = () => {
      while (left >= batch) {
        left -= batch
        if (!stream.write(block)) {
          stream.once("drain", write)
          return
        }
      }
      stream.end(Buffer.concat(frames.slice(0, left)))
    }
    write()
  })
})

server.listen(0, "127.0.0.1", () => {
  const address = server.address()
  process.stdout.write(`${typeof address === "object" && address !== null ? address.port : 0}\n`)
})
process.on("disconnect", () => process.exit(0))
