/**
 * A server in a process of its own that writes bytes made in advance, so that a benchmark measures the client alone.
 *
 * Run as a child: prints its port, serves one task, and a log of `?events=N` at `/api/v1/tasks/N/logs`.
 */
import * as Http from "node:http"

const task = JSON.stringify({
  task: {
    metadata: { id: "default-bench-1", createdAt: "1795388128188", updatedAt: "1795388128189", resourceVersion: "3" },
    spec: {
      slot: "bench",
      kind: {
        subprocess: {
          env: [{ key: "MODE", value: "fast" }],
          failOnNonZero: true,
          command: { command: "make", args: ["-k"] }
        }
      },
      timeoutMs: "45000",
      restart: "RESTART_STRATEGY_ALWAYS",
      restartIntervalMs: "5000",
      backoff: { jitter: "JITTER_STRATEGY_EQUAL", firstMs: "500", maxMs: "8000", factor: 1.5 },
      admission: "ADMISSION_STRATEGY_QUEUE",
      labels: { team: "infra" }
    },
    status: { phase: "TASK_STATUS_RUNNING", attempt: 1 }
  }
})

const frame = (seq: number) =>
  `event: chunk\ndata: ${
    JSON.stringify({
      type: "chunk",
      attempt: 1,
      stream: "stdout",
      seq,
      ts: 1795380919322,
      line: "compiled module 0042 in 12 ms, 3 warnings"
    })
  }\n\n`

const batch = 500
const frames = Array.from({ length: batch }, (_, index) => frame(100_000 + index))
const block = Buffer.from(frames.join(""))

const server = Http.createServer((request, response) => {
  const logs = /\/tasks\/(\d+)\/logs$/.exec(request.url ?? "")
  if (logs === null) {
    response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(task) })
    response.end(task)
    return
  }
  let left = Number(logs[1])
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" })
  const write = () => {
    while (left >= batch) {
      left -= batch
      if (!response.write(block)) {
        response.once("drain", write)
        return
      }
    }
    response.end(frames.slice(0, left).join(""))
  }
  write()
})

server.listen(0, "127.0.0.1", () => {
  const address = server.address()
  process.stdout.write(`${typeof address === "object" && address !== null ? address.port : 0}\n`)
})
process.on("disconnect", () => process.exit(0))
