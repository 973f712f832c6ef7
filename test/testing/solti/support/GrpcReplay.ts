/**
 * Plays whole recorded cases, over both wires, to the two fronts of one emulator, in the order and at the times of the
 * recording, and brings gRPC answers and recordings into a form in which they can be compared.
 */
import { type DescMessage, fromBinary, type JsonValue, toBinary, toJson } from "@bufbuild/protobuf"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as Pb from "../../../../src/schemas/gen/solti/v1/api_pb.js"
import { BodyTooLarge, type Front, type FrontRequest } from "../../../../src/server/core/Front.js"
import * as Golden from "../../../fixtures/solti/Golden.js"
import type * as Replay from "../../../fixtures/solti/Replay.js"
import * as GrpcCall from "../../../server/core/GrpcCall.js"

type Recorded = Extract<Golden.Exchange, { readonly kind: "grpc" | "grpc-stream" }>

export const isGrpc = (exchange: Golden.Exchange): exchange is Recorded =>
  exchange.kind === "grpc" || exchange.kind === "grpc-stream"

/** What came back, over the one wire or the other. */
type Answer =
  | { readonly _tag: "Http"; readonly answer: Replay.Answer }
  | { readonly _tag: "Grpc"; readonly answer: GrpcCall.Answer }

/** The answer types of the calls, by their names. */
const answers: Readonly<Record<string, DescMessage>> = {
  SubmitTask: Pb.SubmitTaskResponseSchema,
  GetTaskStatus: Pb.GetTaskStatusResponseSchema,
  ListTasks: Pb.ListTasksResponseSchema,
  ListTaskRuns: Pb.ListTaskRunsResponseSchema,
  DeleteTask: Pb.DeleteTaskResponseSchema,
  StreamTaskLogs: Pb.OutputEventProtoSchema
}

/** The recorded submit of a short script. Those of large ones are recorded as words: they differ in their text only. */
const shortScript = Golden.get("grpc-invalid").exchanges.filter(isGrpc).find(({ statusMessage }) =>
  statusMessage?.includes("invalid base64 body") === true
)?.request.bytes

const submitOf = (bytes: number): Uint8Array => {
  const request = fromBinary(Pb.SubmitTaskRequestSchema, shortScript ?? new Uint8Array())
  const kind = request.spec?.kind?.kind
  if (kind?.case !== "subprocess" || kind.value.mode.case !== "script") throw new Error("no script is recorded")
  kind.value.mode.value.body = Encoding.encodeBase64("#".repeat(bytes))
  return toBinary(Pb.SubmitTaskRequestSchema, request)
}

/** The message that was sent. */
const messageOf = ({ request }: Recorded): Uint8Array => {
  const described = /^script of (\d+) bytes '#'$/.exec(request.describe ?? "")?.[1]
  if (described !== undefined) return submitOf(Number(described))
  if (request.bytes === undefined) throw new Error(`this request cannot be made: ${request.describe}`)
  return request.bytes
}

/** As it comes over a connection, where a server looks at a message before all of it is there. */
const requestOf = (recorded: Recorded): FrontRequest => {
  const body = GrpcCall.framed(messageOf(recorded))
  return {
    ...GrpcCall.requestOf(recorded.method, body),
    bytes: (limit, accept) =>
      accept?.(body) === false || body.length > limit ? Effect.fail(new BodyTooLarge({ limit })) : Effect.succeed(body)
  }
}

/** When an exchange was over, in ms from the start of its case; unary gRPC calls were made one after the other. */
const endOf = (exchange: Golden.Exchange): number => {
  switch (exchange.kind) {
    case "http":
      return exchange.atMs + exchange.tookMs
    case "sse":
      return exchange.atMs + (exchange.response.chunks.at(-1)?.atMs ?? 0)
    case "grpc":
      return exchange.atMs
    case "grpc-stream":
      return exchange.atMs + (exchange.responses.at(-1)?.atMs ?? 0)
  }
}

const endsTask = (exchange: Golden.Exchange): boolean =>
  isGrpc(exchange) ? exchange.method.endsWith("/DeleteTask") : exchange.request.method === "DELETE"

/** As in the replay over HTTP: a stream may end because of the exchange behind it. */
const waitsFor = (later: Golden.Exchange, earlier: Golden.Exchange): boolean =>
  earlier.kind === "sse" || earlier.kind === "grpc-stream"
    ? endOf(earlier) <= later.atMs && !endsTask(later)
    : endOf(earlier) <= later.atMs + 2

/** Plays the cases of a session, all of them and in their order: the server numbers its tasks. */
export interface Player {
  readonly play: (recorded: Golden.Case) => Effect.Effect<ReadonlyArray<Answer>, Replay.ReplayFailed>
}

export const makePlayer = (http: Replay.Ask, grpc: Front): Player => {
  const ask = (exchange: Golden.Exchange): Effect.Effect<Answer, Replay.ReplayFailed> =>
    isGrpc(exchange)
      ? Effect.map(
        GrpcCall.send(grpc, requestOf(exchange)),
        (answer) => ({ _tag: "Grpc", answer }) as const
      )
      : Effect.map(http(exchange.request), (answer) => ({ _tag: "Http", answer }) as const)
  return {
    play: ({ exchanges }) =>
      Effect.gen(function*() {
        const start = yield* Clock.currentTimeMillis
        const running: Array<
          { readonly earlier: Golden.Exchange; readonly fiber: Fiber.Fiber<Answer, Replay.ReplayFailed> }
        > = []
        for (const exchange of exchanges) {
          const before = running.filter(({ earlier }) => waitsFor(exchange, earlier))
          yield* Effect.forEach(before, ({ fiber }) => Fiber.await(fiber), { discard: true })
          const now = yield* Clock.currentTimeMillis
          yield* Effect.sleep(Duration.millis(start + exchange.atMs - now))
          running.push({ earlier: exchange, fiber: yield* Effect.fork(ask(exchange)) })
        }
        return yield* Effect.forEach(running, ({ fiber }) => Fiber.join(fiber))
      })
  }
}

/** The recorded answer in the form of a live one. */
export const recordedAnswer = (recorded: Recorded): Pick<GrpcCall.Answer, "code" | "detail" | "messages"> => ({
  code: recorded.code,
  detail: recorded.statusMessage ?? "",
  messages: recorded.kind === "grpc"
    ? recorded.response === undefined ? [] : [recorded.response.bytes]
    : recorded.responses.map(({ bytes }) => bytes)
})

/** Where the text of a status may differ: what the contract has of it is the limit (5.7, rule 11). */
const neutral = (detail: string): string =>
  detail.replace(
    /script body is \d+ bytes \(decoded\), maximum allowed is (\d+) bytes/,
    "script body exceeds the maximum of $1 bytes"
  )

const times = new Set(["createdAt", "updatedAt", "startedAt", "finishedAt", "ts"])

const isRecord = Schema.is(Schema.Record({ key: Schema.String, value: Schema.Unknown }))

/** Times are other times, but there where there are some, and with as many digits. */
const timeless = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(timeless)
  if (!isRecord(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name,
      times.has(name) && /^\d{13}$/.test(String(inner)) ? "<time>" : timeless(inner)
    ])
  )
}

const read = (method: string, bytes: Uint8Array): unknown => {
  const schema = answers[method.slice(method.lastIndexOf("/") + 1)]
  if (schema === undefined) throw new Error(`no such call: ${method}`)
  const message = fromBinary(schema, bytes)
  const json: JsonValue = toJson(schema, message)
  return { fields: timeless(json), unknown: message.$unknown?.map(({ no }) => no) ?? [] }
}

const Event = Schema.Struct({
  fields: Schema.Struct({
    chunk: Schema.optional(Schema.Struct({ attempt: Schema.optional(Schema.Number), stream: Schema.String })),
    runStarted: Schema.optional(Schema.Struct({ attempt: Schema.optional(Schema.Number) }))
  })
})

/** As in the replay over HTTP: lines by attempt and stream, markers apart, without the `runStarted` of attempt 1. */
const grouped = (events: ReadonlyArray<unknown>): Readonly<Record<string, ReadonlyArray<unknown>>> => {
  const groups: Record<string, Array<unknown>> = {}
  for (const event of events) {
    const { fields: { chunk, runStarted } } = Either.getOrThrow(Schema.decodeUnknownEither(Event)(event))
    if (runStarted?.attempt === 1) continue
    const group = chunk === undefined ? "markers" : `${chunk.attempt} ${chunk.stream}`
    groups[group] = [...groups[group] ?? [], event]
  }
  return groups
}

/** An answer without what differs from run to run. */
export const comparable = (
  { kind, method }: Recorded,
  { code, detail, messages }: Pick<GrpcCall.Answer, "code" | "detail" | "messages">
): unknown => {
  const read_ = messages.map((bytes) => read(method, bytes))
  return { code, detail: neutral(detail), messages: kind === "grpc-stream" ? grouped(read_) : read_ }
}
