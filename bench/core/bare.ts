/**
 * What Node itself reaches: the baselines of the server, in a process of their own.
 *
 * - `{ spawn, inFlight }`: starts that many processes `true`, with pipes and in groups of their own, and waits for all;
 *   answers the time in ms
 * - `{ body, headers }`: answers every request on the printed port with these bytes from now on
 */
import * as ChildProcess from "node:child_process"
import * as Http from "node:http"

type Message =
  | { readonly spawn: number; readonly inFlight: number }
  | { readonly body: string; readonly headers: Record<string, string> }

const runOne = () =>
  new Promise<void>((resolve, reject) => {
    const child = ChildProcess.spawn("true", [], { detached: true, stdio: ["ignore", "pipe", "pipe"] })
    child.stdout.on("data", () => undefined)
    child.stderr.on("data", () => undefined)
    child.once("error", reject).once("close", () => resolve())
  })

const runAll = async (count: number, inFlight: number): Promise<number> => {
  const start = performance.now()
  let left = count
  await Promise.all(Array.from({ length: inFlight }, async () => {
    while (left-- > 0) await runOne()
  }))
  return performance.now() - start
}

let body = ""
let headers: Record<string, string> = {}

const server = Http.createServer((_, response) => {
  response.writeHead(200, { ...headers, "content-length": Buffer.byteLength(body) }).end(body)
})

process.on("message", (message: Message) => {
  if ("spawn" in message) {
    void runAll(message.spawn, message.inFlight).then((ms) => process.send?.(ms))
  } else {
    body = message.body
    headers = message.headers
    process.send?.("ready")
  }
})
process.on("disconnect", () => process.exit(0))

server.listen(0, "127.0.0.1", () => {
  const address = server.address()
  process.stdout.write(`http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}\n`)
})
