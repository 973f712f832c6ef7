/** Secrets planted wherever a call takes some: nothing of them comes out, whatever the server shows of the request. */
import { create, toBinary } from "@bufbuild/protobuf"
import { anyPack } from "@bufbuild/protobuf/wkt"
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import {
  BadRequestSchema,
  ErrorInfoSchema,
  RequestInfoSchema
} from "../../../src/schemas/gen/google/rpc/error_details_pb.js"
import { StatusSchema } from "../../../src/schemas/gen/google/rpc/status_pb.js"
import * as Pb from "../../../src/schemas/gen/solti/v1/api_pb.js"
import * as CallOptions from "../../../src/services/core/CallOptions.js"
import * as Solti from "../../../src/solti.js"
import type * as SoltiGrpc from "../../../src/solti/grpc.js"
import { once, tasksOver } from "../support/GrpcClient.js"
import * as Peer from "../support/GrpcPeer.js"
import * as Observe from "../support/Observe.js"
import { serveRaw } from "../support/Wire.js"

/** Each with its own letters, so that a leak says where it came from; with what JSON, HTML and URLs escape. */
const secrets = {
  token: "TOKENsecret/0+1<a>&b",
  layerHeader: "LAYERsecret 0\\1\"x\"",
  regionHeader: "REGIONsecret-0%1",
  callHeader: " CALLsecret=0&1\t",
  plainHeader: "PLAINsecret-cookie",
  binary: Buffer.from("BINARYsecret-of-a-header").toString("base64"),
  env: "ENVsecret\u00f6 '0'\n1",
  script: "export A=SCRIPTsecret\nexport B=\u20ac\necho \"$A\" | sh -c 'cat'\n".repeat(3)
}

const marks = [
  "TOKENsecret",
  "LAYERsecret",
  "REGIONsecret",
  "CALLsecret",
  "PLAINsecret",
  "ENVsecret",
  "SCRIPTsecret",
  secrets.binary
]
const scriptBase64 = Buffer.from(secrets.script, "utf8").toString("base64")

const assertSafe = (text: string, where: string) => {
  for (const mark of [...marks, scriptBase64.slice(0, 40)]) {
    if (text.includes(mark)) {
      const at = text.indexOf(mark)
      assert.fail(`${where}: ${mark} in …${text.slice(Math.max(0, at - 100), at + 40)}…`)
    }
  }
}

const options = (url: string): SoltiGrpc.Options => ({
  url,
  token: Redacted.make(secrets.token),
  options: {
    ...once,
    timeouts: { total: "5 seconds" },
    headers: { "x-layer": Redacted.make(secrets.layerHeader), cookie: secrets.plainHeader, "x-key-bin": secrets.binary }
  }
})

const region = CallOptions.withOptions({ headers: { "x-region": Redacted.make(secrets.regionHeader) } })
const call = { headers: { "x-call": Redacted.make(secrets.callHeader) }, reconnect: { maxReconnects: 0 } }

const spec = Solti.script("bash", secrets.script, { slot: "s", timeout: 1, env: { E: secrets.env } })

type Calls = ReadonlyArray<readonly [name: string, Effect.Effect<unknown, unknown>]>

const callsOf = (tasks: Solti.Tasks.Service): Calls => [
  ["submit", tasks.submit(spec, call)],
  ["apply", tasks.apply(spec, call)],
  ["get", tasks.get("t", call)],
  ["list", tasks.list({}, call)],
  ["runs", tasks.runs("t", call)],
  ["delete", tasks.delete("t", call)],
  ["logs", Stream.runDrain(tasks.logs("t", call))],
  ["await", tasks.await("t", call)],
  ["follow", Stream.runDrain(tasks.follow("t", call))],
  ["submitAndFollow", Stream.runDrain(tasks.submitAndFollow(spec, call))],
  ["iterate", Stream.runDrain(tasks.iterate({}, call))],
  ["version", tasks.version(call)]
]

/** What a call showed: its error in every form, its spans, its log lines. */
const observed = (effect: Effect.Effect<unknown, unknown>) =>
  Effect.gen(function*() {
    const { lines, observe, spans } = Observe.make()
    const exit = yield* observe(
      region(effect).pipe(
        Effect.tapErrorCause((cause) => Effect.zipRight(Effect.logError("failed", cause), Effect.logError(cause))),
        Effect.tapError((error) => Effect.logWarning(error)),
        Effect.exit
      )
    )
    const cause = exit._tag === "Failure" ? exit.cause : Cause.empty
    const error = Cause.failureOption(cause)
    const text = [
      // What a success holds is the server's to say.
      exit._tag === "Failure" ? Observe.shown(exit) : "",
      error._tag === "Some" ? Observe.shown(error.value) : "",
      Cause.pretty(cause),
      Cause.pretty(cause, { renderErrorCause: true }),
      Observe.printed(lines),
      Observe.printed(
        spans.map((span) => span.exit?._tag === "Failure" ? span : { events: span.events, name: span.name })
      ),
      Observe.printed(spans.map(({ attributes }) => [...attributes]))
    ].join("\n")
    return { text, spans, lines, cause, failed: exit._tag === "Failure" }
  })

/** The call as a server or a proxy might show it. */
const echoOf = ({ headers, message, path }: Peer.Received): string => {
  const hasSpec = /Submit|Apply/.test(path)
  const body = hasSpec
    ? [secrets.env, secrets.script, scriptBase64, Buffer.from(message).toString("utf8")]
    : []
  return `${path} ${JSON.stringify(headers)} ${Object.values(headers).join(" ")} ${body.join(" ")}`
}

const ascii = (text: string) => encodeURIComponent(text).slice(0, 6000)
/** As bytes, with only that encoded which a header cannot have. */
const raw = (text: string) =>
  // eslint-disable-next-line no-control-regex -- control characters are what is taken out
  Buffer.from(text.replace(/[\u0000-\u001f\u007f]/g, (one) => encodeURIComponent(one)).slice(0, 3000)).toString(
    "latin1"
  )
/** Only what is the same in every encoding. */
const plain = (text: string) => raw(text.split("\n")[0] ?? "").replace(/ENVsecret.*/, "")

const details = (code: number, echo: string) =>
  Buffer.from(
    toBinary(
      StatusSchema,
      create(StatusSchema, {
        code,
        message: echo,
        details: [
          anyPack(ErrorInfoSchema, create(ErrorInfoSchema, { reason: echo, domain: echo, metadata: { echo } })),
          anyPack(RequestInfoSchema, create(RequestInfoSchema, { requestId: echo, servingData: echo })),
          anyPack(
            BadRequestSchema,
            create(BadRequestSchema, { fieldViolations: [{ field: echo, description: echo }] })
          )
        ]
      })
    )
  ).toString("base64")

type Respond = (stream: Parameters<Peer.Handler>[0], echo: string) => void

const statuses = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 99]

const echoes: ReadonlyArray<readonly [string, Respond]> = [
  ...statuses.flatMap((code): Array<readonly [string, Respond]> => [
    [
      `${code}, in grpc-message`,
      (stream, echo) =>
        stream.respond({ ...Peer.grpc, "grpc-status": String(code), "grpc-message": ascii(echo) }, { endStream: true })
    ],
    [
      `${code}, in a grpc-message that is not encoded`,
      (stream, echo) =>
        Peer.answer(stream, Buffer.alloc(0), { "grpc-status": String(code), "grpc-message": raw(`%zz ${echo}`) })
    ],
    [
      `${code}, in the details`,
      (stream, echo) =>
        Peer.refuse(stream, code, "no", { "grpc-status-details-bin": details(code, echo.slice(0, 3000)) })
    ]
  ]),
  ["in all headers and trailers", (stream, echo) =>
    Peer.answer(
      stream,
      Buffer.alloc(0),
      { "grpc-status": "13", "grpc-message": "no", "x-other": raw(echo) },
      { "x-echo": raw(echo), "x-request-id": ascii(echo), "set-cookie": raw(echo) }
    )],
  [
    "in the request id of a success that lacks its message",
    (stream, echo) => Peer.answer(stream, Buffer.alloc(0), { "grpc-status": "0" }, { "x-request-id": plain(echo) })
  ],
  [
    "in a status that is none",
    (stream, echo) =>
      stream.respond({ ...Peer.grpc, "grpc-status": raw(echo), "grpc-message": "no" }, { endStream: true })
  ],
  [
    "in the type of the content",
    (stream, echo) => Peer.plain(stream, 200, { "content-type": raw(echo).slice(0, 3000) })
  ],
  [
    "in the encoding",
    (stream, echo) =>
      Peer.answer(stream, Buffer.alloc(0), { "grpc-status": "0" }, { "grpc-encoding": raw(echo).slice(0, 3000) })
  ],
  [
    "in HTML with 200",
    (stream, echo) => Peer.plain(stream, 200, { "content-type": "text/html" }, `<pre>${echo}</pre>`)
  ],
  [
    "in HTML with 502",
    (stream, echo) => Peer.plain(stream, 502, { "content-type": "text/html" }, `<pre>${echo}</pre>`)
  ],
  [
    "in a redirect",
    (stream, echo) =>
      Peer.plain(stream, 302, { location: `http://127.0.0.1:1/${ascii(echo)}`, "x-request-id": ascii(echo) }, echo)
  ],
  [
    "in a message that does not decode",
    (stream, echo) => Peer.answer(stream, Peer.framed(Buffer.concat([Buffer.from([0x0a, 0x7f]), Buffer.from(echo)])))
  ],
  [
    "in a task that is none",
    (stream, echo) =>
      Peer.answer(stream, Peer.encoded(Pb.GetTaskStatusResponseSchema, { task: { metadata: { id: echo } } }))
  ]
]

describe("a server that shows the call", () => {
  it.scopedLive.each(echoes)("%s: nothing of it comes out", ([name, respond]) =>
    Effect.gen(function*() {
      const peer = yield* Peer.serve((stream, received) => respond(stream, echoOf(received)))
      const tasks = yield* tasksOver(options(peer.url))
      for (const [method, effect] of callsOf(tasks).slice(0, 7)) {
        const { cause, text } = yield* observed(effect)
        assertSafe(text, `${name}, ${method}`)
        assert.isFalse(Cause.isDie(cause), method)
      }
      const [first] = peer.calls
      assert.strictEqual(first?.headers["authorization"], `Bearer ${secrets.token}`)
      assert.strictEqual(first?.headers["x-region"], secrets.regionHeader)
      assert.strictEqual(first?.headers["x-call"], secrets.callHeader.trim())
    }))

  it.scopedLive("cut in the middle of a secret", () =>
    Effect.gen(function*() {
      let at = 0
      const peer = yield* Peer.serve((stream) =>
        Peer.refuse(stream, 13, "x".repeat(at) + secrets.token, {
          "x-request-id": "x".repeat(at % 1000) + secrets.token
        })
      )
      const tasks = yield* tasksOver(options(peer.url))
      for (at = 980; at < 1010; at += 3) assert.notInclude((yield* observed(tasks.get("t"))).text, "TOKE")
      for (at = 1180; at < 1210; at += 3) assert.notInclude((yield* observed(tasks.get("t"))).text, "TOKE")
    }))
})

describe("a connection", () => {
  const over = (url: string) =>
    Effect.gen(function*() {
      const tasks = yield* tasksOver(options(url))
      for (const [name, effect] of callsOf(tasks)) {
        const { failed, text } = yield* observed(effect)
        assert.isTrue(failed, name)
        assertSafe(text, name)
      }
    })

  it.scopedLive("that breaks shows nothing, of any method", () =>
    Effect.gen(function*() {
      const peer = yield* Peer.serve((stream) => stream.close(2))
      yield* over(peer.url)
    }))

  it.scopedLive("to nobody shows nothing", () =>
    Effect.gen(function*() {
      const { url } = yield* Effect.scoped(Peer.serve(() => undefined))
      yield* over(url)
    }))

  it.scopedLive("to a peer that says back what it hears shows nothing", () =>
    Effect.gen(function*() {
      const server = yield* serveRaw((socket) => socket.pipe(socket))
      yield* over(server.url)
    }))
})

describe("what the client itself shows", () => {
  it.scopedLive("nothing of its options, nor in its services and metrics", () =>
    Effect.gen(function*() {
      const peer = yield* Peer.serve((stream) => Peer.refuse(stream, 13, "no"))
      const tasks = yield* tasksOver(options(peer.url))
      yield* Effect.exit(tasks.get("t", call))
      assertSafe(Observe.shown(tasks), "the service")
      assertSafe(Observe.shown(yield* Metric.snapshot), "the metrics")
      const url = `https://user:${secrets.token}@example.org/?q=ENVsecret`
      assertSafe(Observe.shown(yield* Effect.flip(tasksOver({ url }))), "refused options")
      const key = "-----BEGIN PRIVATE KEY-----\nTOKENsecret\n-----END PRIVATE KEY-----\n"
      const tls = { cert: key, key: Redacted.make(key) }
      assertSafe(Observe.shown(yield* Effect.flip(tasksOver({ url: "https://example.org", tls }))), "a key")
    }))

  it.scopedLive("of a success: only the names of the operation and its route", () =>
    Effect.gen(function*() {
      const peer = yield* Peer.serve((stream) =>
        Peer.answer(stream, Peer.encoded(Pb.SubmitTaskResponseSchema, { taskId: "t-77" }))
      )
      const tasks = yield* tasksOver(options(peer.url))
      const { observe, spans, lines } = Observe.make()
      yield* observe(region(tasks.submit(spec, call)))
      assertSafe(Observe.shown(spans), "spans")
      assert.notInclude(Observe.shown(spans), "127.0.0.1")
      assert.deepStrictEqual(lines, [])
    }))

  it.scopedLive("no value of a spec that no message can say", () =>
    Effect.gen(function*() {
      const tasks = yield* tasksOver(options("127.0.0.1:1"))
      const bad = { ...Solti.command("c", [], { slot: "s", timeout: 1, env: { E: `${secrets.env}\ud800` } }) }
      const { failed, text } = yield* observed(tasks.submit(bad, { ...call, validate: false }))
      assert.isTrue(failed)
      assertSafe(text, "a spec")
    }))
})
