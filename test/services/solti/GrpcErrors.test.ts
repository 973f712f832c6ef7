/** What the answers of a gRPC server come to, on every kind of call, over a socket. */
import { create, toBinary } from "@bufbuild/protobuf"
import type { Message } from "@bufbuild/protobuf"
import type { GenMessage } from "@bufbuild/protobuf/codegenv2"
import { anyPack } from "@bufbuild/protobuf/wkt"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import {
  BadRequestSchema,
  ErrorInfoSchema,
  RequestInfoSchema,
  RetryInfoSchema
} from "../../../src/schemas/gen/google/rpc/error_details_pb.js"
import { StatusSchema } from "../../../src/schemas/gen/google/rpc/status_pb.js"
import * as Pb from "../../../src/schemas/gen/solti/v1/api_pb.js"
import type * as Solti from "../../../src/solti.js"
import { four, noReconnect, once, spec, tasksOver } from "../support/GrpcClient.js"
import * as Peer from "../support/GrpcPeer.js"

type Failure = Solti.SubmitError | Solti.LogError
type Call = ReturnType<typeof four>[number][0]

const calls: ReadonlyArray<Call> = ["get", "submit", "delete", "logs"]

/** The failure of each of the four calls. */
const failures = (handler: Peer.Handler) =>
  Effect.gen(function*() {
    const peer = yield* Peer.serve(handler)
    const tasks = yield* tasksOver({ url: peer.url, options: once })
    const out = new Map<Call, Failure | "success">()
    for (const [name, effect] of four(tasks)) {
      const call: Effect.Effect<unknown, Failure> = effect
      const result = yield* Effect.either(call)
      out.set(name, result._tag === "Left" ? result.left : "success")
    }
    const of = (name: Call): Failure => {
      const failure = out.get(name)
      return failure === undefined || failure === "success" ? assert.fail(`${name} did not fail`) : failure
    }
    return {
      peer,
      out,
      of,
      tags: calls.map((name) => out.get(name)).map((one): string | undefined =>
        typeof one === "object" ? one._tag : one
      )
    }
  })

const failureOf = (handler: Peer.Handler, name: Call = "get") => Effect.map(failures(handler), ({ of }) => of(name))

/** What a log ends with that failed in passing and was not opened again. */
const gaveUp = "StreamInterrupted"
const v1 = "/solti.v1.SoltiApi/"
const routes: Readonly<Record<Call, string>> = {
  get: `${v1}GetTaskStatus`,
  submit: `${v1}SubmitTask`,
  delete: `${v1}DeleteTask`,
  logs: `${v1}StreamTaskLogs`
}

/** `get`, `submit`, `delete`, `logs`; `undefined`: a success. */
const codes: ReadonlyArray<
  readonly [code: number, name: string, tags: readonly [get: string, submit: string, remove: string, logs: string]]
> = [
  [1, "CANCELLED", ["Unavailable", "Unavailable", "Unavailable", gaveUp]],
  [2, "UNKNOWN", ["Internal", "Internal", "Internal", gaveUp]],
  [3, "INVALID_ARGUMENT", ["InvalidInput", "InvalidInput", "InvalidInput", "InvalidInput"]],
  [4, "DEADLINE_EXCEEDED", ["Timeout", "Timeout", "Timeout", gaveUp]],
  [5, "NOT_FOUND", ["success", "UnexpectedStatus", "success", "TaskNotFound"]],
  [6, "ALREADY_EXISTS", ["UnexpectedStatus", "Conflict", "UnexpectedStatus", "UnexpectedStatus"]],
  [7, "PERMISSION_DENIED", ["Forbidden", "Forbidden", "Forbidden", "Forbidden"]],
  [8, "RESOURCE_EXHAUSTED", ["RateLimited", "RateLimited", "RateLimited", gaveUp]],
  [9, "FAILED_PRECONDITION", ["Unavailable", "Unavailable", "Unavailable", gaveUp]],
  [10, "ABORTED", ["UnexpectedStatus", "Conflict", "UnexpectedStatus", "UnexpectedStatus"]],
  [11, "OUT_OF_RANGE", ["DecodeError", "PayloadTooLarge", "DecodeError", "DecodeError"]],
  [12, "UNIMPLEMENTED", ["VersionMismatch", "VersionMismatch", "VersionMismatch", "VersionMismatch"]],
  [13, "INTERNAL", ["Internal", "Internal", "Internal", gaveUp]],
  [14, "UNAVAILABLE", ["Unavailable", "Unavailable", "Unavailable", gaveUp]],
  [15, "DATA_LOSS", ["Internal", "Internal", "Internal", gaveUp]],
  [16, "UNAUTHENTICATED", ["Unauthorized", "Unauthorized", "Unauthorized", "Unauthorized"]],
  [99, "an unknown one", ["Internal", "Internal", "Internal", gaveUp]]
]

const text = "too many of them, says the server: grün 100%"

/** The ways in which a status comes without a message before it. */
const ways: ReadonlyArray<readonly [string, (stream: Parameters<Peer.Handler>[0], code: number) => void]> = [
  ["in the head alone", (stream, code) => Peer.refuse(stream, code, text, { "x-request-id": "r-7" })],
  [
    "in the trailers behind a head",
    (stream, code) =>
      Peer.answer(
        stream,
        Buffer.alloc(0),
        { "grpc-status": String(code), "grpc-message": encodeURIComponent(text) },
        { "x-request-id": "r-7" }
      )
  ]
]

describe.each(ways)("a status %s", (_, respond) => {
  it.scopedLive.each(codes)(
    "%i %s: the same tag as over HTTP, with its fields",
    ([code, name, expected]) =>
      Effect.gen(function*() {
        const { of, out, tags } = yield* failures((stream) => respond(stream, code))
        assert.deepStrictEqual(tags, [...expected])
        for (const call of calls) {
          if (out.get(call) === "success") continue
          const error = of(call)
          assert.strictEqual(error.operation, `solti.Tasks.${call}`)
          assert.strictEqual(error.method, "POST")
          assert.strictEqual(error.route, routes[call])
          assert.strictEqual(error.status, undefined)
          if (error._tag === "StreamInterrupted" || error._tag === "Timeout") continue
          if (error._tag !== "TaskNotFound") assert.include(error.detail, text)
          if (code !== 99) assert.strictEqual(error.code, name)
          assert.strictEqual(error.requestId, "r-7")
        }
      })
  )
})

describe("a status", () => {
  it.scopedLive("names the task that is not there, and what is wrong with the input", () =>
    Effect.gen(function*() {
      const gone = yield* failureOf((stream) => Peer.refuse(stream, 5, "t"), "logs")
      assert.strictEqual(gone._tag === "TaskNotFound" ? gone.taskId : gone._tag, "t")
      const refused = yield* failureOf((stream) => Peer.refuse(stream, 3, "slot cannot be empty"), "submit")
      assert.deepStrictEqual(refused._tag === "InvalidInput" ? refused.issues : refused._tag, [
        { path: "", message: "slot cannot be empty" }
      ])
    }))

  it.scopedLive("without a text has one of the client's own", () =>
    Effect.gen(function*() {
      for (const [code] of codes) {
        const { of, out } = yield* failures((stream) => Peer.refuse(stream, code))
        for (const call of calls) if (out.get(call) !== "success") assert.isAbove(of(call).detail.length, 5)
      }
    }))

  it.scopedLive("about a message that is too large is no matter of patience", () =>
    Effect.gen(function*() {
      const tooLarge = "Error, decoded message length too large: found 5000000 bytes, the limit is: 4194304 bytes"
      for (const code of [8, 11]) {
        const { tags } = yield* failures((stream) => Peer.refuse(stream, code, tooLarge))
        assert.deepStrictEqual(tags, ["DecodeError", "PayloadTooLarge", "DecodeError", "DecodeError"])
      }
    }))

  it.scopedLive("is not taken for one of HTTP because its text looks like it", () =>
    Effect.gen(function*() {
      for (const message of ["HTTP 404", "HTTP 401"]) {
        const error = yield* failureOf((stream) => Peer.refuse(stream, 13, message))
        assert.strictEqual(error._tag, "Internal")
        assert.strictEqual(error.status, undefined)
        assert.strictEqual(error.code, "INTERNAL")
      }
    }))

  it.scopedLive("whose text is like one of the client's library is the server's all the same", () =>
    Effect.gen(function*() {
      const texts = [
        "http/2 stream closed with error code CANCEL (0x8)",
        "PING timed out",
        "message size 5 is larger than configured readMaxBytes 4",
        "protocol error: missing status"
      ]
      for (const message of texts) {
        const error = yield* failureOf((stream) => Peer.refuse(stream, 7, message))
        assert.strictEqual(error._tag, "Forbidden")
      }
    }))

  it.scopedLive("survives a text that is no percent-encoding", () =>
    Effect.gen(function*() {
      for (const [, trailing] of [["head", false], ["trailers", true]] as const) {
        const { of, tags } = yield* failures((stream) => {
          const trailers = { "grpc-status": "14", "grpc-message": "50% done, %zz and %ff%fe, gr%C3%BCn" }
          if (trailing) Peer.answer(stream, Buffer.alloc(0), trailers)
          else stream.respond({ ...Peer.grpc, ...trailers }, { endStream: true })
        })
        assert.deepStrictEqual(tags, ["Unavailable", "Unavailable", "Unavailable", gaveUp])
        assert.include(of("get").detail, "50% done")
        assert.strictEqual(of("get").code, "UNAVAILABLE")
      }
    }))

  it.scopedLive("survives a text of raw bytes", () =>
    Effect.gen(function*() {
      const error = yield* failureOf((stream) => {
        stream.respond({ ...Peer.grpc, "grpc-status": "7", "grpc-message": "caf\u00e9 \u0009 tab" }, {
          endStream: true
        })
      })
      assert.strictEqual(error._tag, "Forbidden")
      assert.include(error.detail, "caf")
    }))

  it.scopedLive("shows no more than a thousand characters, none of which drives a terminal", () =>
    Effect.gen(function*() {
      const error = yield* failureOf((stream) =>
        Peer.refuse(stream, 13, `\u001b[31m${"x".repeat(4000)}`, { "x-request-id": "r".repeat(500) })
      )
      assert.isBelow(error.detail.length, 1010)
      assert.notInclude(error.detail, "\u001b")
      assert.strictEqual(error.requestId?.length, 200)
    }))
})

const pack = <Desc extends Message>(schema: GenMessage<Desc>, message: Desc) => anyPack(schema, message)

const detailed = (code: number, message: string, details: ReadonlyArray<ReturnType<typeof pack>>) => ({
  "grpc-status-details-bin": Buffer.from(
    toBinary(StatusSchema, create(StatusSchema, { code, message, details: [...details] }))
  ).toString("base64").replace(/=+$/, "")
})

describe("details", () => {
  it.scopedLive("say the reason, the violations, the request and the pause", () =>
    Effect.gen(function*() {
      const details = [
        pack(ErrorInfoSchema, create(ErrorInfoSchema, { reason: "SLOT_BUSY", domain: "solti.example" })),
        pack(
          BadRequestSchema,
          create(BadRequestSchema, {
            fieldViolations: [
              { field: "spec.slot", description: "is busy" },
              { field: "spec.timeout_ms", description: "is too long" }
            ]
          })
        ),
        pack(RequestInfoSchema, create(RequestInfoSchema, { requestId: "req-42" })),
        pack(RetryInfoSchema, create(RetryInfoSchema, { retryDelay: { seconds: 2n, nanos: 500_000_000 } }))
      ]
      const refusing = (code: number) => (stream: Parameters<Peer.Handler>[0]) =>
        Peer.refuse(stream, code, "no", detailed(code, "no", details))
      const invalid = yield* failureOf(refusing(3), "submit")
      assert.strictEqual(invalid._tag, "InvalidInput")
      assert.strictEqual(invalid.code, "SLOT_BUSY")
      assert.strictEqual(invalid.requestId, "req-42")
      assert.deepStrictEqual(invalid._tag === "InvalidInput" ? invalid.issues : [], [
        { path: "spec.slot", message: "is busy" },
        { path: "spec.timeout_ms", message: "is too long" }
      ])
      for (const code of [8, 14]) {
        const error = yield* failureOf(refusing(code))
        assert.strictEqual(error._tag, code === 8 ? "RateLimited" : "Unavailable")
        assert.strictEqual("retryAfterMs" in error ? error.retryAfterMs : undefined, 2500)
      }
    }))

  it.scopedLive("that are broken take nothing away from the status", () =>
    Effect.gen(function*() {
      for (const bin of ["!!!not base64!!!", "AAAA", Buffer.from("\u00ff\u00ff\u00ff").toString("base64"), "", "CAA"]) {
        for (const isTrailing of [false, true]) {
          const { of, out, tags } = yield* failures((stream) => {
            const trailers = { "grpc-status": "14", "grpc-message": "later", "grpc-status-details-bin": bin }
            if (isTrailing) Peer.answer(stream, Buffer.alloc(0), trailers)
            else stream.respond({ ...Peer.grpc, ...trailers }, { endStream: true })
          })
          assert.deepStrictEqual(tags, ["Unavailable", "Unavailable", "Unavailable", gaveUp], bin)
          assert.isDefined(out.get("get"))
          assert.strictEqual(of("get").code, "UNAVAILABLE")
          assert.strictEqual(of("get").detail, "later")
        }
      }
    }))

  it.scopedLive("of types and shapes that nobody knows are left alone", () =>
    Effect.gen(function*() {
      const unknown = {
        $typeName: "google.protobuf.Any",
        typeUrl: "type.googleapis.com/x.Y",
        value: Uint8Array.of(9)
      } as const
      const broken = {
        $typeName: "google.protobuf.Any",
        typeUrl: "type.googleapis.com/google.rpc.BadRequest",
        value: Uint8Array.of(255, 255)
      } as const
      const error = yield* failureOf((stream) => Peer.refuse(stream, 3, "no", detailed(3, "no", [unknown, broken])))
      assert.strictEqual(error._tag, "InvalidInput")
      assert.strictEqual(error.code, "INVALID_ARGUMENT")
    }))

  it.scopedLive("do not hide what a delete and a list want to know of the status", () =>
    Effect.gen(function*() {
      const info = pack(ErrorInfoSchema, create(ErrorInfoSchema, { reason: "DRAINING" }))
      const peer = yield* Peer.serve((stream, _, index) =>
        index === 0
          ? Peer.refuse(stream, 14, "later", detailed(14, "later", [info]))
          : Peer.answer(stream, Peer.encoded(Pb.DeleteTaskResponseSchema, {}))
      )
      const tasks = yield* tasksOver({ url: peer.url, options: { retry: { base: "1 millis" } } })
      yield* tasks.delete("t")
      assert.strictEqual(peer.calls.length, 2)
    }))

  it.scopedLive("do not hide that a page is too large for one message", () =>
    Effect.gen(function*() {
      const info = pack(ErrorInfoSchema, create(ErrorInfoSchema, { reason: "TOO_LONG" }))
      const peer = yield* Peer.serve((stream, _, index) =>
        index === 0
          ? Peer.refuse(stream, 11, "message too large", detailed(11, "message too large", [info]))
          : Peer.answer(stream, Peer.encoded(Pb.ListTasksResponseSchema, {}))
      )
      const tasks = yield* tasksOver({ url: peer.url, options: once })
      yield* Stream.runDrain(tasks.iterate())
      assert.isAbove(peer.calls.length, 2)
    }))
})

describe("an answer of a proxy", () => {
  const html = { "content-type": "text/html", "x-request-id": "r-9" }
  const table: ReadonlyArray<readonly [status: number, headers: Record<string, string>, tags: ReadonlyArray<string>]> =
    [
      [401, html, ["Unauthorized", "Unauthorized", "Unauthorized", "Unauthorized"]],
      [403, html, ["Forbidden", "Forbidden", "Forbidden", "Forbidden"]],
      [404, html, ["VersionMismatch", "VersionMismatch", "VersionMismatch", "VersionMismatch"]],
      [405, html, ["VersionMismatch", "VersionMismatch", "VersionMismatch", "VersionMismatch"]],
      [413, html, ["UnexpectedStatus", "PayloadTooLarge", "UnexpectedStatus", "UnexpectedStatus"]],
      [415, html, ["VersionMismatch", "VersionMismatch", "VersionMismatch", "VersionMismatch"]],
      [429, { ...html, "retry-after": "3" }, ["RateLimited", "RateLimited", "RateLimited", gaveUp]],
      [500, html, ["Internal", "Internal", "Internal", gaveUp]],
      [502, html, ["Unavailable", "Unavailable", "Unavailable", gaveUp]],
      [503, { ...html, "retry-after": "3" }, ["Unavailable", "Unavailable", "Unavailable", gaveUp]],
      [504, html, ["Unavailable", "Unavailable", "Unavailable", gaveUp]],
      [302, { ...html, location: "http://127.0.0.1:1/" }, Array.from({ length: 4 }, () => "UnexpectedStatus")],
      [418, html, Array.from({ length: 4 }, () => "UnexpectedStatus")],
      [503, { "content-type": "application/grpc" }, ["Unavailable", "Unavailable", "Unavailable", gaveUp]]
    ]

  it.scopedLive.each(table)("with %i", ([status, headers, expected]) =>
    Effect.gen(function*() {
      const { of, tags } = yield* failures((stream) => Peer.plain(stream, status, headers, "<h1>no</h1>"))
      assert.deepStrictEqual(tags, [...expected])
      const error = of("submit")
      assert.strictEqual(error.status, status)
      assert.include(error.detail, `HTTP ${status}`)
      assert.strictEqual(error.requestId, headers["x-request-id"])
      if (headers["retry-after"] !== undefined) {
        assert.strictEqual("retryAfterMs" in error ? error.retryAfterMs : undefined, 3000)
      }
    }))

  it.scopedLive("that has a gRPC status as well is what that says", () =>
    Effect.gen(function*() {
      const error = yield* failureOf((stream) =>
        Peer.plain(stream, 403, { "content-type": "application/grpc", "grpc-status": "7", "grpc-message": "not you" })
      )
      assert.strictEqual(error._tag, "Forbidden")
    }))

  it.scopedLive("of HTML with 200, and of other types", () =>
    Effect.gen(function*() {
      for (const type of ["text/html", "application/json", "application/grpc-web+proto", ""]) {
        const { of, tags } = yield* failures((stream) =>
          Peer.plain(stream, 200, type === "" ? {} : { "content-type": type }, "<h1>hello</h1>")
        )
        assert.deepStrictEqual(tags, Array.from({ length: 4 }, () => "DecodeError"), type)
        assert.include(of("get").detail, "not gRPC")
      }
    }))
})

describe("an answer that is not what was promised", () => {
  const task = Peer.encoded(Pb.GetTaskStatusResponseSchema, {})
  const table: ReadonlyArray<readonly [string, Peer.Handler, ReadonlyArray<string>]> = [
    [
      "OK and no message",
      (stream) => Peer.answer(stream, Buffer.alloc(0)),
      ["DecodeError", "DecodeError", "DecodeError", "success"]
    ],
    [
      "OK in the head and no message",
      (stream) => Peer.refuse(stream, 0),
      ["DecodeError", "DecodeError", "DecodeError", "success"]
    ],
    [
      "two messages",
      (stream) => Peer.answer(stream, Buffer.concat([task, task])),
      ["DecodeError", "DecodeError", "DecodeError", "success"]
    ],
    [
      "a message that does not decode",
      (stream) => Peer.answer(stream, Peer.framed(Uint8Array.of(0x0a, 0xff, 0xff, 0xff, 0xff))),
      Array.from({ length: 4 }, () => "DecodeError")
    ],
    [
      "a compressed message nobody asked for",
      (stream) => Peer.answer(stream, Peer.framed(Uint8Array.of(1, 2, 3), 1)),
      Array.from({ length: 4 }, () => "DecodeError")
    ],
    [
      "an encoding nobody asked for",
      (stream) => Peer.answer(stream, task, { "grpc-status": "0" }, { "grpc-encoding": "gzip" }),
      Array.from({ length: 4 }, () => "DecodeError")
    ],
    [
      "half a message, and OK",
      (stream) => Peer.answer(stream, Buffer.from([0, 0, 0, 0, 9, 1])),
      ["TransportError", "TransportError", "TransportError", gaveUp]
    ],
    [
      "half a head, and OK",
      (stream) => Peer.answer(stream, Buffer.from([0, 0])),
      ["TransportError", "TransportError", "TransportError", gaveUp]
    ],
    [
      "no trailers",
      (stream) => {
        stream.respond(Peer.grpc)
        stream.end(task)
      },
      ["TransportError", "TransportError", "TransportError", gaveUp]
    ],
    [
      "trailers without a status",
      (stream) => Peer.answer(stream, task, { "x-other": "1" }),
      ["TransportError", "TransportError", "TransportError", gaveUp]
    ],
    [
      "a head and an end, nothing else",
      (stream) => stream.respond(Peer.grpc, { endStream: true }),
      ["TransportError", "TransportError", "TransportError", gaveUp]
    ]
  ]

  it.scopedLive.each(table)("%s", ([_, handler, expected]) =>
    Effect.gen(function*() {
      const { tags } = yield* failures(handler)
      assert.deepStrictEqual(tags, [...expected])
    }))

  it.scopedLive("a message and then another status than OK is that status", () =>
    Effect.gen(function*() {
      const { tags } = yield* failures((stream) =>
        Peer.answer(stream, task, { "grpc-status": "7", "grpc-message": "no" })
      )
      assert.deepStrictEqual(tags, ["Forbidden", "Forbidden", "Forbidden", "Forbidden"])
    }))

  it.scopedLive("a task without what it must have", () =>
    Effect.gen(function*() {
      const error = yield* failureOf((stream) =>
        Peer.answer(stream, Peer.encoded(Pb.GetTaskStatusResponseSchema, { task: { metadata: { id: "t" } } }))
      )
      assert.strictEqual(error._tag, "DecodeError")
      assert.strictEqual(error._tag === "DecodeError" ? error.path : "", "task.spec")
    }))

  it.scopedLive("a page with a task without what it must have, by its place in the page", () =>
    Effect.gen(function*() {
      const whole = { metadata: { id: "a" }, spec: { backoff: {} }, status: {} }
      const peer = yield* Peer.serve((stream) =>
        Peer.answer(
          stream,
          Peer.encoded(Pb.ListTasksResponseSchema, { tasks: [whole, { metadata: { id: "b" } }, whole], total: 3 })
        )
      )
      const tasks = yield* tasksOver({ url: peer.url, options: once })
      const error = yield* Effect.flip(tasks.list())
      assert.strictEqual(error._tag === "DecodeError" ? error.path : error._tag, "tasks.1.spec")
      const refused = yield* Effect.flip(tasks.list({ limit: -1 }))
      for (const { route } of [error, refused]) assert.strictEqual(route, "/solti.v1.SoltiApi/ListTasks")
    }))

  it.scopedLive("trailers with odd names and many values", () =>
    Effect.gen(function*() {
      const peer = yield* Peer.serve((stream) =>
        Peer.answer(stream, task, {
          "grpc-status": "0",
          "x-many": ["a", "b", "\u00e9\u00ff"],
          "x-bin": "####",
          "set-cookie": ["a=1", "b=2"],
          "x-empty": ""
        })
      )
      const tasks = yield* tasksOver({ url: peer.url, options: once })
      assert.isTrue(Option.isNone(yield* tasks.get("t")))
    }))
})

describe("messages of 4 MiB", () => {
  const limit = 4 * 1024 * 1024

  it.scopedLive("are taken at the limit and refused beyond, with the connection as good as before", () =>
    Effect.gen(function*() {
      const empty = Peer.encoded(Pb.GetTaskStatusResponseSchema, {})
      const unknownField = (length: number) => {
        // Field 15, of bytes: a later server's.
        const head = Buffer.from([
          0x7a,
          0x80 | (length & 127),
          0x80 | (length >> 7 & 127),
          0x80 | (length >> 14 & 127),
          length >> 21
        ])
        return Peer.framed(Buffer.concat([head, Buffer.alloc(length)]))
      }
      const peer = yield* Peer.serve((stream, { path }, index) => {
        if (path.endsWith("StreamTaskLogs")) Peer.answer(stream, unknownField(limit))
        else Peer.answer(stream, index === 0 ? unknownField(limit - 5) : index === 1 ? unknownField(limit - 4) : empty)
      })
      const tasks = yield* tasksOver({ url: peer.url })
      assert.isTrue(Option.isNone(yield* tasks.get("t")))
      const error = yield* Effect.flip(tasks.get("t"))
      assert.strictEqual(error._tag, "DecodeError")
      assert.strictEqual(error.code, "RESOURCE_EXHAUSTED")
      assert.include(error._tag === "DecodeError" ? error.expected : "", "4194304")
      assert.strictEqual(peer.calls.length, 2)
      assert.isTrue(Option.isNone(yield* tasks.get("t")))
      assert.strictEqual(peer.connections.made, 1)
      const log = yield* Effect.flip(Stream.runDrain(tasks.logs("t", noReconnect)))
      assert.strictEqual(log._tag, "DecodeError")
    }))

  it.scopedLive("are not sent beyond the limit", () =>
    Effect.gen(function*() {
      const peer = yield* Peer.serve((stream) =>
        Peer.answer(stream, Peer.encoded(Pb.SubmitTaskResponseSchema, { taskId: "t" }))
      )
      const tasks = yield* tasksOver({ url: peer.url })
      const long = { ...spec, labels: { a: "x".repeat(limit) } }
      const error = yield* Effect.flip(tasks.submit(long, { validate: false }))
      assert.strictEqual(error._tag, "PayloadTooLarge")
      assert.strictEqual(error.code, "RESOURCE_EXHAUSTED")
      assert.isBelow(error.message.length, 500)
      const id = yield* Effect.flip(tasks.get("x".repeat(limit)))
      assert.strictEqual(id._tag, "InvalidInput")
      assert.isBelow(id.message.length, 500)
      assert.strictEqual(peer.calls.length, 0)
    }))
})
