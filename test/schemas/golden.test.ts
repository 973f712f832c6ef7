import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Api from "../../src/schemas/solti/Api.js"
import { ErrorEnvelope, statusOf } from "../../src/schemas/solti/Errors.js"
import { LogEvent } from "../../src/schemas/solti/Logs.js"
import * as Sse from "../../src/streams/core/Sse.js"
import * as Golden from "../fixtures/solti/Golden.js"

const Envelope = Schema.parseJson(Schema.Struct({ error: Schema.String, message: Schema.String }))
const decodeEnvelope = Schema.decodeUnknownOption(Envelope, { onExcessProperty: "error" })

/** The declared answer of the route that a recorded request went to. */
const successOf = ({ method, path }: Golden.HttpRequest): Option.Option<Schema.Schema<unknown, unknown>> => {
  const route = `${method} ${path.replace(/\?.*/, "").replace(/^(\/api\/v1\/tasks\/)[^/]+/, "$1{id}")}`
  switch (route) {
    case "POST /api/v1/tasks":
      return Option.some(Schema.make(Api.submit.endpoint.successSchema.ast))
    case "GET /api/v1/tasks":
      return Option.some(Schema.make(Api.list.endpoint.successSchema.ast))
    case "GET /api/v1/tasks/{id}":
      return Option.some(Schema.make(Api.get.endpoint.successSchema.ast))
    case "GET /api/v1/tasks/{id}/runs":
      return Option.some(Schema.make(Api.runs.endpoint.successSchema.ast))
    default:
      return Option.none()
  }
}

/** What goes on the wire. */
const sent = (encoded: unknown): unknown => JSON.parse(JSON.stringify(encoded))

const http = Golden.cases.flatMap((recorded) =>
  Golden.ofKind(recorded, "http").map((exchange, position) => ({
    ...exchange,
    name: `${recorded.name} #${position} ${exchange.request.method} ${exchange.request.path.slice(0, 60)}`
  }))
)
const withBody = http.filter(({ response }) => response.status < 300 && response.body !== "")
const refused = http.filter(({ response }) => response.status >= 400)
const streams = Golden.cases.flatMap((recorded) =>
  Golden.ofKind(recorded, "sse").map((stream, position) => ({ name: `${recorded.name} #${position}`, stream }))
)

describe("golden answers", () => {
  it("are of every kind", () => {
    assert.isAbove(withBody.length, 100)
    assert.isAbove(refused.length, 100)
    assert.isAbove(streams.length, 15)
  })

  it.each(withBody)("$name decodes, and encodes to what was received", ({ request, response }) => {
    const json: unknown = JSON.parse(response.body)
    const schema = Option.getOrThrow(successOf(request))
    const decoded = Schema.decodeUnknownSync(schema)(json)
    assert.deepStrictEqual(sent(Schema.encodeUnknownSync(schema)(decoded)), json)
  })

  it("of success without a body are those of DELETE and HEAD", () => {
    const bodiless = http.filter(({ response }) => response.status < 300 && response.body === "")
    assert.deepStrictEqual(Array.from(new Set(bodiless.map(({ request }) => request.method))).sort(), [
      "DELETE",
      "HEAD"
    ])
    for (const { request, response } of bodiless) {
      assert.strictEqual(response.status, request.method === "HEAD" ? 200 : 204)
    }
  })

  it.each(refused)("$name is an envelope or none, as the contract says", ({ response }) => {
    const envelope = decodeEnvelope(response.body)
    if (Option.isSome(envelope)) {
      const { error } = envelope.value
      const known = Object.entries(statusOf).find(([label]) => label === error)
      assert.strictEqual(known?.[1], response.status)
      assert.isTrue(Schema.is(Schema.parseJson(Schema.typeSchema(ErrorEnvelope)))(JSON.parse(response.body)))
    } else {
      assert.include([400, 404, 405], response.status)
      if (response.status === 400) assert.include(response.headers["content-type"] ?? "", "text/plain")
      else assert.strictEqual(response.body, "")
    }
  })
})

describe("golden log streams", () => {
  it.effect.each(streams)(
    "$name: every event decodes, and encodes to what was received",
    ({ stream }) =>
      Effect.gen(function*() {
        const frames = yield* Stream.fromIterable(stream.response.chunks).pipe(
          Stream.map(({ text }) => new TextEncoder().encode(text)),
          Sse.decode(),
          Stream.runCollect,
          Effect.map(Chunk.toReadonlyArray)
        )
        const events = frames.filter((frame) => frame._tag === "Event")
        assert.strictEqual(frames.length, events.length)
        assert.strictEqual(events.length, Golden.transcript(stream).split("\ndata: ").length - 1)
        for (const { data, event } of events) {
          const json: unknown = JSON.parse(data)
          const decoded = Schema.decodeUnknownSync(LogEvent)(json)
          assert.deepStrictEqual(sent(Schema.encodeSync(LogEvent)(decoded)), json)
          assert.strictEqual(event, decoded.type.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`))
        }
      })
  )
})
