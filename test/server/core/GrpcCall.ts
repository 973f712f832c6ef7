/** Calls a gRPC front directly: what a client sees, without a connection. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { BodyTooLarge, type Front, type FrontRequest } from "../../../src/server/core/Front.js"
import * as Bytes from "../../../src/services/core/Bytes.js"

export interface Answer {
  readonly code: number
  readonly detail: string
  readonly messages: ReadonlyArray<Uint8Array>
  /** Headers and trailers. */
  readonly metadata: Readonly<Record<string, string>>
}

/** Messages as gRPC puts them into a body. */
export const framed = (...messages: ReadonlyArray<Uint8Array>): Uint8Array =>
  Bytes.concat(messages.flatMap((message) => {
    const head = new Uint8Array(5)
    new DataView(head.buffer).setUint32(1, message.length)
    return [head, message]
  }))

export const unframed = (body: Uint8Array): ReadonlyArray<Uint8Array> => {
  const messages: Array<Uint8Array> = []
  for (let at = 0; at < body.length;) {
    const length = new DataView(body.buffer, body.byteOffset).getUint32(at + 1)
    messages.push(body.subarray(at + 5, at + 5 + length))
    at += 5 + length
  }
  return messages
}

export const requestOf = (
  target: string,
  body: Uint8Array,
  headers: Readonly<Record<string, string>> = {}
): FrontRequest => ({
  method: "POST",
  target,
  headers: { "content-type": "application/grpc", te: "trailers", ...headers },
  bytes: (limit, accept) =>
    Effect.suspend(() =>
      accept?.(body) === false || body.length > limit
        ? Effect.fail(new BodyTooLarge({ limit }))
        : Effect.succeed(body)
    ),
  pieces: Stream.make(body)
})

/** Sends a request whose body is these bytes, and waits for the end of the answer. */
export const send = (
  front: Front,
  request: FrontRequest,
  onMessage: (message: Uint8Array) => Effect.Effect<void> = () => Effect.void
): Effect.Effect<Answer> =>
  Effect.scoped(Effect.gen(function*() {
    const { body, headers, status, trailers } = yield* Effect.orDie(front(request))
    if (status !== 200) return yield* Effect.dieMessage(`HTTP ${status}`)
    const whole = body instanceof Uint8Array ? unframed(body) : []
    const messages: Array<Uint8Array> = [...whole]
    if (typeof body === "object" && "stream" in body) {
      yield* Effect.orDieWith(
        Stream.runForEach(body.stream, (piece) => {
          const [message] = typeof piece === "string" ? [] : unframed(piece)
          if (message === undefined) return Effect.void
          messages.push(message)
          return onMessage(message)
        }),
        () => new Error("the body broke off")
      )
    }
    const metadata = { ...headers, ...(trailers === undefined ? {} : yield* trailers) }
    return {
      code: Number(metadata["grpc-status"]),
      detail: decodeURIComponent(metadata["grpc-message"] ?? ""),
      messages,
      metadata
    }
  }))

/** A call with one message in its request. */
export const call = (
  front: Front,
  path: string,
  message: Uint8Array,
  headers?: Readonly<Record<string, string>>
): Effect.Effect<Answer> => send(front, requestOf(path, framed(message), headers))
