/**
 * What Node itself reaches: the baselines of the server, in a process of their own.
 *
 * - `{ spawn: { count, inFlight } }`: runs that many processes, and answers when all have ended
 * - `{ body, headers }`: answers every request on the printed port with these bytes from now on
 */
import * as Http from "node:http"
import { spawnAll } from "./spawn.js"

type Message =
  | { readonly spawn: Parameters<typeof spawnAll>[0] }
  | { readonly body: string; readonly headers: Record<string, string> }

let body = ""
let headers: Record<string, string> = {}

const server = Http.createServer((_, response) => {
  response.writeHead(200, { ...headers, "content-length": Buffer.byteLength(body) }).end(body)
})

process.on("message", (message: Message) => {
  if ("spawn" in message) {
    void spawnAll(message.spawn).then(() => process.send?.("done"))
  } else {
    body = message.body
    headers = message.headers
    process.send?.("done")
  }
})
process.on("disconnect", () => process.exit(0))

server.listen(0, "127.0.0.1", () => {
  const address = server.address()
  process.stdout.write(`http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}\n`)
})
