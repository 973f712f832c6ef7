/** The services of Cloacina over an `HttpClient` without sockets. */
import * as HttpClient from "@effect/platform/HttpClient"
import type * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Cloacina from "../../../src/cloacina.js"
import * as Memory from "./Memory.js"

export const key = "clk_k3VYpQ0sT1mH8xq2vJzR7bNwLd5aGfEcU9iXoSyZr4A"
export const requestId = "7b1d6a52-0b5e-4f37-8a0a-6f2f5d3c9e10"

/** Every service, with `reply` as the server; `sent` lists the requests. */
export const cloacina = (
  reply: (request: Memory.Sent, index: number) => Memory.Reply | Effect.Effect<Memory.Reply>,
  options?: Partial<Cloacina.Options>
) => {
  const { client, sent } = Memory.make(reply)
  const layer = Cloacina.layer({
    url: "http://127.0.0.1:8080",
    key: Redacted.make(key),
    options: { retry: { maxRetries: 0 } },
    ...options
  }).pipe(Layer.provide(Layer.succeed(HttpClient.HttpClient, client)))
  return { layer, sent }
}

/** An answer of the server, with its request id. */
export const answer = (status: number, body: unknown, headers?: Record<string, string>): Response =>
  status === 204
    ? new Response(null, { status })
    : Memory.json(status, body, { "x-request-id": requestId, ...headers })

/** An error in the format of the server. */
export const refusal = (status: number, code: string, error = "no", headers?: Record<string, string>): Response =>
  answer(status, { error, code }, headers)

/** An error of its framework. */
export const plain = (status: number, text: string): Response =>
  new Response(text, { status, headers: { "content-type": "text/plain; charset=utf-8", "x-request-id": requestId } })
