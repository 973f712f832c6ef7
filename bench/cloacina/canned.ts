/**
 * A Cloacina server in a process of its own that writes bytes made in advance, so that a benchmark measures the client
 * alone.
 *
 * Prints its URL. Serves one execution under every id, and pages of a list of so many executions as its argument says;
 * every message is answered with the number of pages asked for since the one before.
 */
import * as Http from "node:http"
import { execution, executionsFrom } from "./samples.js"

const all = Number(process.argv[2] ?? 0)
const single = JSON.stringify(execution)

const pageOf = (offset: number, limit: number): string =>
  JSON.stringify(executionsFrom(offset, Math.max(0, Math.min(limit, all - offset))))

let pages = 0

const server = Http.createServer((request, response) => {
  const url = new URL(request.url ?? "/", "http://localhost")
  const isList = url.pathname.endsWith("/executions")
  if (isList) pages += 1
  const body = isList
    ? pageOf(Number(url.searchParams.get("offset") ?? 0), Number(url.searchParams.get("limit") ?? 100))
    : single
  response.writeHead(200, {
    "content-type": "application/json",
    "x-request-id": "1303c91a-a56e-4681-80e1-d7efe76b541e",
    "content-length": body.length
  })
  response.end(body)
})

process.on("message", () => {
  process.send?.(pages)
  pages = 0
})
process.on("disconnect", () => process.exit(0))

server.listen(0, "127.0.0.1", () => {
  const address = server.address()
  process.stdout.write(`http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}\n`)
})
