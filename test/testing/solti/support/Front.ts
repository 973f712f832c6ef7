/** Requests to a front without a socket, answered as a client of a socket would see it. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Front, FrontRequest } from "../../../../src/server/core/Front.js"
import { BodyTooLarge, pump } from "../../../../src/server/core/Front.js"
import { neutral } from "../../../fixtures/solti/Differences.js"
import * as Golden from "../../../fixtures/solti/Golden.js"
import * as Replay from "../../../fixtures/solti/Replay.js"

const length = (text: string | Uint8Array) => String(Buffer.byteLength(text))

/** The front as what a player plays to. Heads are completed as `node:http` does. */
export const ask = (front: Front): Replay.Ask => (recorded) => {
  const body = Option.getOrElse(Golden.requestBody(recorded), () => new Uint8Array())
  const request: FrontRequest = {
    method: recorded.method,
    target: recorded.path,
    headers: { ...recorded.headers, ...(body.length === 0 ? {} : { "content-length": String(body.length) }) },
    bytes: (limit) => body.length > limit ? new BodyTooLarge({ limit }) : Effect.succeed(body)
  }
  return Effect.gen(function*() {
    const { body, headers, status } = yield* front(request)
    if (typeof body === "object" && "stream" in body) {
      const chunks: Array<string> = []
      const write = (pieces: Iterable<string | Uint8Array>) => {
        for (const piece of pieces) chunks.push(typeof piece === "string" ? piece : new TextDecoder().decode(piece))
        return true
      }
      const complete = yield* Effect.match(pump(body, { write, drained: Effect.void }), {
        onFailure: () => false,
        onSuccess: () => true
      })
      return { status, headers: { ...headers, "transfer-encoding": "chunked" }, body: chunks.join(""), complete }
    }
    const content = status === 204 ? {} : { "content-length": length(body ?? "") }
    const sent = recorded.method === "HEAD" ? "" : Buffer.from(body ?? "").toString("utf8")
    return { status, headers: { ...content, ...headers }, body: sent, complete: true }
  }).pipe(Effect.scoped, Effect.catchTag("Hangup", () => new Replay.ReplayFailed({ reason: "hung up" })))
}

/**
 * An answer in the form in which it can be compared, beyond what `Replay` sees through: without the differences that
 * are listed with their reasons; a length has to be the length of its own body.
 */
export const comparable = (exchange: Replay.Exchange, answer: Replay.Answer): unknown => {
  const { "content-length": claimed, ...headers } = answer.headers
  const fits = exchange.request.method === "HEAD" ? Number(claimed) > 0 : claimed === length(answer.body)
  return Replay.comparable(exchange.kind, {
    ...answer,
    body: neutral(answer.body),
    headers: claimed === undefined ? headers : { ...headers, "content-length": fits ? "fits" : "does not fit" }
  })
}
