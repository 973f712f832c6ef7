/**
 * A server of deliveries in a process of its own: each socket gets so many pushes, as fast as it takes them.
 *
 * Prints its URL. `{ pushes }` says how many the next socket gets; the answer comes when all have been acknowledged, and
 * tells whether each was, once.
 */
import * as Http from "node:http"
import type { WebSocket } from "ws"
import { WebSocketServer } from "ws"

interface Message {
  readonly pushes: number
}

const execution = "0b9f4c1e-2a7d-4c55-b0a3-7d2e9c6f1a44"

/** Payloads of 600 bytes. */
const payloads = Array.from({ length: 64 }, (_, i) => {
  const event = {
    created_at: "2026-09-03T08:15:04.221907+00:00",
    event_data: "",
    event_type: "task_completed",
    id: `5f0c1b7e-93a4-4f0e-8a55-0d2f6b1c7a${10 + i}`,
    task_execution_id: "c2a7d0b4-6f1e-4a39-9d3b-1e8f7a5c4b22",
    workflow_execution_id: execution
  }
  event.event_data = "x".repeat(600 - JSON.stringify(event).length)
  return Buffer.from(JSON.stringify(event)).toString("base64")
})

const push = (id: number): string =>
  `{"type":"push","protocol_version":1,"id":${id},"kind":"execution_event","recipient":"exec_events:${execution}",` +
  `"tenant_id":null,"payload_b64":"${payloads[id % payloads.length]}"}`

const highWater = 1024 * 1024

let pushes = 0

const serve = (socket: WebSocket) => {
  const total = pushes
  let next = 1
  let acks = 0
  let sum = 0
  socket.on("message", (data: Buffer) => {
    const frame = JSON.parse(data.toString("latin1")) as { type: string; id: number }
    if (frame.type !== "ack") return
    acks += 1
    sum += frame.id
    if (acks === total) process.send?.({ ok: sum === total * (total + 1) / 2 })
  })
  socket.send(`{"type":"welcome","protocol_version":1,"max_known_id":0}`)
  const pump = () => {
    while (next <= total && socket.bufferedAmount < highWater) {
      for (let i = 0; i < 64 && next <= total; i++) socket.send(push(next++))
    }
    if (next <= total) setImmediate(pump)
  }
  pump()
}

const server = Http.createServer((_, response) => {
  const body = JSON.stringify({ ticket: "7b1d6a52-0b5e-4f37-8a0a-6f2f5d3c9e10", expires_in_seconds: 60 })
  response.writeHead(200, { "content-type": "application/json", "content-length": body.length }).end(body)
})
const sockets = new WebSocketServer({ server, perMessageDeflate: false })
sockets.on("connection", (socket) => serve(socket))

process.on("message", (message: Message) => {
  pushes = message.pushes
})
process.on("disconnect", () => process.exit(0))

server.listen(0, "127.0.0.1", () => {
  const address = server.address()
  process.stdout.write(`http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}\n`)
})
