/** HTTP as it is on the wire, for tests: a client that normalises nothing, and plain sockets. */
import * as Effect from "effect/Effect"
import type { ClientRequest } from "node:http"
import { request as sendRequest } from "node:http"
import { connect } from "node:net"

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** False where the body broke off. */
  readonly complete: boolean
}

export interface Question {
  readonly method?: string | undefined
  readonly path: string
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly body?: string | Uint8Array | undefined
}

/** One request on a connection of its own; fails with the error of the socket where there is no answer. */
export const send = (
  port: number,
  { body, headers = {}, method = "GET", path }: Question
): Effect.Effect<Answer, NodeJS.ErrnoException> =>
  Effect.async((resume) => {
    const request: ClientRequest = sendRequest({ host: "127.0.0.1", port, method, path, headers, agent: false })
    request.on("error", (error: NodeJS.ErrnoException) => resume(Effect.fail(error)))
    request.on("response", (response) => {
      let body = ""
      response.setEncoding("utf8")
      response.on("data", (chunk: string) => {
        body += chunk
      })
      response.on("error", () => undefined)
      response.on("close", () =>
        resume(Effect.succeed({
          status: response.statusCode ?? 0,
          headers: Object.fromEntries(
            Object.entries(response.headers).map(([name, value]) => [name, String(value)])
          ),
          body,
          complete: response.complete
        })))
    })
    request.end(body)
    return Effect.sync(() => {
      request.destroy()
    })
  })

/** Writes text to a socket and reads until the server closes it, as Latin-1; a reset ends the text as well. */
export const exchange = (port: number, text: string): Effect.Effect<string> =>
  Effect.async((resume) => {
    const socket = connect(port, "127.0.0.1")
    let received = ""
    socket.setEncoding("latin1")
    socket.on("data", (chunk) => {
      received += String(chunk)
    })
    socket.on("error", () => undefined)
    socket.on("close", () => resume(Effect.succeed(received)))
    socket.write(text)
    return Effect.sync(() => {
      socket.destroy()
    })
  })

/** The chunks of a chunked body, exactly as they were sent. */
export const chunksOf = (port: number, path: string): Effect.Effect<ReadonlyArray<string>> =>
  Effect.map(exchange(port, `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`), (received) => {
    const chunks: Array<string> = []
    let at = received.indexOf("\r\n\r\n") + 4
    for (;;) {
      const line = received.indexOf("\r\n", at)
      const length = Number.parseInt(received.slice(at, line), 16)
      if (!(length > 0)) return chunks
      chunks.push(Buffer.from(received.slice(line + 2, line + 2 + length), "latin1").toString("utf8"))
      at = line + 4 + length
    }
  })
