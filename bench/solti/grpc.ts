/**
 * gRPC: a small call and a flood of log events on the client's side, many followers on the server's.
 */
import { fromBinary, toBinary } from "@bufbuild/protobuf"
import { once } from "node:events"
import * as Http2 from "node:http2"
import * as Url from "node:url"
import { OutputEventProtoSchema, StreamTaskLogsRequestSchema } from "../../src/schemas/gen/solti/v1/api_pb.js"
import type { Suite } from "../core/measure.js"
import { atLeast, atMost, child, median, peakRss } from "../core/measure.js"
import type { Get, LogCosts, Logs } from "./grpcClient.js"
import { line, prepare } from "./load.js"

const pathOf = (relative: string) => Url.fileURLToPath(new URL(relative, import.meta.url))

const clients = ["connect", "grpc", "http"] as const

/** CPU in µs of a call of each client, each in a process of its own, taking turns. */
const getting = async (work: Omit<Get, "get">, rounds: number) => {
  const costs: Record<Get["get"], Array<number>> = { connect: [], grpc: [], http: [] }
  for (let round = 0; round < rounds; round++) {
    for (const get of round % 2 === 0 ? clients : [...clients].reverse()) {
      const client = await child(pathOf("grpcClient.ts"))
      costs[get].push(Number(await client.ask({ ...work, get } satisfies Get)))
      await client.stop()
    }
  }
  return { connect: median(costs.connect), grpc: median(costs.grpc), http: median(costs.http) }
}

export const grpc: Suite = {
  name: "grpc",
  run: async (smoke) => {
    const http = await child(pathOf("../core/canned.ts"))
    const server = await child(pathOf("grpcCanned.ts"))
    const reader = await child(pathOf("grpcClient.ts"))
    try {
      const authority = `127.0.0.1:${server.line}`
      const get = await getting(
        { grpc: authority, http: `http://127.0.0.1:${http.line}`, calls: smoke ? 100 : 6000 },
        smoke ? 1 : 5
      )
      const work: Logs = {
        logs: authority,
        rounds: smoke ? 2 : 8,
        events: smoke ? 5000 : 50_000,
        long: smoke ? 20_000 : 1_000_000
      }
      const logs = await reader.ask(work) as LogCosts
      return [
        atMost(
          "gRPC: get, decoded, deadline and span : bare connect client",
          get.grpc / get.connect,
          1.3,
          smoke,
          ` (${get.grpc.toFixed(0)} µs a call)`
        ),
        {
          work: "gRPC: get, decoded : the same over HTTP",
          measured: `${(get.grpc / get.http).toFixed(2)} × (${get.http.toFixed(0)} µs a call)`,
          goal: "",
          ok: undefined
        },
        atLeast(
          "gRPC: log events a second of one core : bare connect client",
          logs.connect / logs.grpc,
          0.8,
          smoke,
          ` (${Math.round(1e6 / logs.grpc).toLocaleString("en")})`
        ),
        {
          work: `gRPC: client memory over ${work.long.toLocaleString("en")} log events`,
          measured: `${logs.longMiB.toFixed(0)} MiB`,
          goal: "flat (< 32 MiB)",
          ok: smoke ? undefined : logs.longMiB < 32
        },
        {
          work: `gRPC: client memory, slow consumer on a flood (${logs.slowEvents.toLocaleString("en")} events in 3 s)`,
          measured: `${logs.slowMiB.toFixed(0)} MiB`,
          goal: "flat (< 32 MiB)",
          ok: smoke ? undefined : logs.slowMiB < 32
        }
      ]
    } finally {
      await reader.stop()
      await server.stop()
      await http.stop()
    }
  }
}

/** How many streams a connection has. */
const perConnection = 100

const logsPath = "/solti.v1.SoltiApi/StreamTaskLogs"

/** The first byte of a `lagged` event. */
const laggedTag = 0x22

/** Follows a log over a stream; done when the server has answered. What comes is counted, and decoded where it must be. */
const follow = async (session: Http2.ClientHttp2Session, id: string) => {
  const stream = session.request({ ":method": "POST", ":path": logsPath, "content-type": "application/grpc" })
  const request = toBinary(StreamTaskLogsRequestSchema, { $typeName: "solti.v1.StreamTaskLogsRequest", taskId: id })
  stream.end(Buffer.concat([Buffer.of(0, 0, 0, 0, request.length), request]))
  await once(stream, "response")
  const read = async () => {
    let rest: Buffer = Buffer.alloc(0)
    let seen = 0
    let skipped = 0
    for await (const piece of stream as AsyncIterable<Buffer>) {
      const bytes = rest.length === 0 ? piece : Buffer.concat([rest, piece])
      let at = 0
      while (bytes.length >= at + 5) {
        const end = at + 5 + bytes.readUInt32BE(at + 1)
        if (bytes.length < end) break
        if (bytes[at + 5] === laggedTag) {
          const { kind } = fromBinary(OutputEventProtoSchema, bytes.subarray(at + 5, end))
          if (kind.case === "lagged") skipped += Number(kind.value.skipped)
        } else {
          seen += 1
        }
        at = end
      }
      rest = bytes.subarray(at)
    }
    return { seen, skipped }
  }
  return { ended: read() }
}

export const grpcFollowers: Suite = {
  name: "grpcFollowers",
  run: async (smoke) => {
    const server = await child(pathOf("grpcServing.ts"))
    try {
      const [url = "", authority = ""] = server.line.split(" ")
      const count = smoke ? 20 : 500
      const bursts = smoke ? 4 : 40
      const lines = bursts * 100
      const script = `i=0; while [ $i -lt ${bursts} ]; do seq -f '${line}' 100; sleep 0.05; i=$((i+1)); done`
      const [id, start] = await prepare(url, script)
      const sessions = Array.from(
        { length: Math.ceil(count / perConnection) },
        () => Http2.connect(`http://${authority}`)
      )
      const followers = await Promise.all(
        Array.from({ length: count }, (_, index) => {
          const session = sessions[index % sessions.length]
          if (session === undefined) throw new Error("no session")
          return follow(session, id)
        })
      )
      const before = Number(await server.ask("memory"))
      const peak = peakRss(server.pid)
      await start()
      const accounts = await Promise.all(followers.map(({ ended }) => ended))
      const grown = (peak() - before) / 1024
      for (const session of sessions) session.close()
      for (const { seen, skipped } of accounts) {
        // Beside the lines there are the markers of the start and the end.
        if (seen + skipped !== lines + 2) throw new Error(`${seen} events seen, ${skipped} lagged, of ${lines + 2}`)
      }
      const skipped = accounts.reduce((sum, account) => sum + account.skipped, 0)
      return [
        {
          work: `gRPC: ${count} followers of a task of ${lines.toLocaleString("en")} lines`,
          measured: `all accounted for (${(skipped / count / lines * 100).toFixed(1)} % lagged)`,
          goal: "line or lagged",
          ok: smoke ? undefined : true
        },
        {
          work: "gRPC: memory of a follower at most",
          measured: `${(grown / count).toFixed(0)} KiB`,
          goal: "< 256 KiB",
          ok: smoke ? undefined : grown / count < 256
        }
      ]
    } finally {
      await server.stop()
    }
  }
}
