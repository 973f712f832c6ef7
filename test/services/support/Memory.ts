/** An `HttpClient` without sockets, for tests that turn the clock by hand. */
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientError from "@effect/platform/HttpClientError"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Chunk from "effect/Chunk"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/TestClock"
import * as Solti from "../../../src/solti.js"

/** A request that was sent. `body` is its text, `""` without one. */
export interface Sent {
  readonly method: string
  /** Path and query. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** What the server does: answer, break the connection (`reset`), or never answer (`silent`). */
export type Reply = Response | "reset" | "silent"

const textOf = (request: HttpClientRequest.HttpClientRequest): string =>
  request.body._tag === "Uint8Array" ? new TextDecoder().decode(request.body.body) : ""

/** A client whose requests go to `reply`; `sent` lists them. */
export const make = (reply: (request: Sent, index: number) => Reply | Effect.Effect<Reply>) => {
  const sent: Array<Sent> = []
  const client = HttpClient.make((request, url) =>
    Effect.suspend(() => {
      const one = {
        method: request.method,
        path: url.pathname + url.search,
        headers: request.headers,
        body: textOf(request)
      }
      sent.push(one)
      const given = reply(one, sent.length - 1)
      return Effect.flatMap(Effect.isEffect(given) ? given : Effect.succeed(given), (answer) => {
        if (answer === "silent") return Effect.never
        if (answer === "reset") {
          const cause = Object.assign(new Error("socket hang up"), { code: "ECONNRESET" })
          return Effect.fail(new HttpClientError.RequestError({ request, reason: "Transport", cause }))
        }
        return Effect.succeed(HttpClientResponse.fromWeb(request, answer))
      })
    })
  )
  return { client, sent }
}

/** The services of the plane over {@link make}. */
export const solti = (
  reply: (request: Sent, index: number) => Reply | Effect.Effect<Reply>,
  options?: Partial<Solti.Options>
) => {
  const { client, sent } = make(reply)
  const layer = Solti.layer({ url: "http://127.0.0.1:8085", ...options }).pipe(
    Layer.provide(Layer.succeed(HttpClient.HttpClient, client))
  )
  const tasks = Effect.map(Effect.scoped(Layer.build(layer)), (context) => Context.get(context, Solti.Tasks))
  return { tasks, sent }
}

export const json = (status: number, body: unknown, headers?: Record<string, string>): Response =>
  new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json", ...headers } })

/** An event of a log as text for the wire. */
export const frame = <A extends { readonly type: string }>(data: A): string =>
  `event: ${data.type.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}\ndata: ${JSON.stringify(data)}\n\n`

/** A line of a log. */
export const chunk = (
  attempt: number,
  seq: number,
  line: string,
  stream: "stdout" | "stderr" = "stdout"
): Solti.Chunk => ({
  type: "chunk",
  attempt,
  stream,
  seq,
  ts: 1_765_000_000_000 + seq,
  line
})

/** A log: frames, then a proper end, a broken connection, or silence. */
export const sse = (frames: ReadonlyArray<string>, end: "end" | "break" | "silent" = "end"): Response => {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const text of frames) controller.enqueue(new TextEncoder().encode(text))
      if (end === "end") controller.close()
    },
    // Pulled behind the last frame, so that a break does not overtake them.
    pull(controller) {
      if (end === "break") controller.error(Object.assign(new Error("terminated"), { code: "UND_ERR_SOCKET" }))
    }
  }, { highWaterMark: 0 })
  return new Response(body, { headers: { "content-type": "text/event-stream" } })
}

export const notFound = (id: string): Response => json(404, { error: "TaskNotFound", message: id })

/** One turn of the event loop, which long loops of effects owe to the test runner. */
export const turn: Effect.Effect<void> = Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))

/** Lets every fiber go on until it waits: promises of bodies take turns of the event loop that no clock knows. */
export const settle: Effect.Effect<void> = Effect.repeatN(turn, 9)

/** Moves the clock on to the next moment that something waits for, if anything does. */
const tick: Effect.Effect<void> = Effect.flatMap(
  Effect.zipRight(settle, TestClock.sleeps()),
  (moments) => Chunk.isEmpty(moments) ? Effect.void : TestClock.setTime(Math.min(...moments))
)

/** Runs an effect to its end while the clock is moved on from wait to wait. */
export const running = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.flatMap(Effect.fork(effect), (fiber) => {
    const go: Effect.Effect<A, E> = Effect.flatMap(
      Effect.zipRight(settle, Fiber.poll(fiber)),
      (exit) => exit._tag === "Some" ? Fiber.join(fiber) : Effect.zipRight(tick, go)
    )
    return go
  })
