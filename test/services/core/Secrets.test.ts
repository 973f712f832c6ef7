import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as CallOptions from "../../../src/services/core/CallOptions.js"
import * as Solti from "../../../src/solti.js"
import * as Memory from "../support/Memory.js"
import * as Models from "../support/Models.js"
import * as Observe from "../support/Observe.js"
import { once, tasksOver, transports } from "../support/Transports.js"
import { serve } from "../support/Wire.js"

/** Each with its own letters, so that a leak says where it came from; with what JSON, HTML and URLs escape. */
const secrets = {
  token: "TOKENsecret/0+1<a>&b",
  layerHeader: "LAYERsecret 0\\1\"x\"",
  regionHeader: "REGIONsecret-0%1",
  callHeader: " CALLsecret=0&1 ",
  plainHeader: "PLAINsecret-cookie",
  prefix: "PREFIXsecret-tenant",
  env: "ENVsecret\u00f6 '0'\n1",
  script: "export A=SCRIPTsecret\nexport B=\u20ac\necho \"$A\" | sh -c 'cat'\n".repeat(3)
}

const marks = [
  "TOKENsecret",
  "LAYERsecret",
  "REGIONsecret",
  "CALLsecret",
  "PLAINsecret",
  "PREFIXsecret",
  "ENVsecret",
  "SCRIPTsecret"
]
const scriptBase64 = Buffer.from(secrets.script, "utf8").toString("base64")

const assertSafe = (text: string) => {
  for (const mark of marks) assert.notInclude(text, mark)
  assert.notInclude(text, scriptBase64.slice(0, 40))
}

const options = (base: string): Solti.Options => ({
  url: `${base}/${secrets.prefix}`,
  token: Redacted.make(secrets.token),
  options: {
    ...once,
    headers: { "x-layer": Redacted.make(secrets.layerHeader), cookie: secrets.plainHeader }
  }
})

const region = CallOptions.withOptions({ headers: { "x-region": Redacted.make(secrets.regionHeader) } })
const call = { headers: { "x-call": Redacted.make(secrets.callHeader) }, reconnect: { maxReconnects: 0 } }

const spec = Solti.script("bash", secrets.script, { slot: "s", timeout: 1, env: { E: secrets.env } })

type Calls = ReadonlyArray<readonly [name: string, Effect.Effect<unknown, unknown>]>

/** Every endpoint. */
const endpointsOf = (
  tasks: Solti.Tasks.Service
): Calls => [
  ["submit", tasks.submit(spec, call)],
  ["apply", tasks.apply(spec, call)],
  ["get", tasks.get("t", call)],
  ["list", tasks.list({}, call)],
  ["runs", tasks.runs("t", call)],
  ["delete", tasks.delete("t", call)],
  ["logs", Stream.runDrain(tasks.logs("t", call))]
]

/** Every method. */
const callsOf = (tasks: Solti.Tasks.Service): Calls => [
  ...endpointsOf(tasks),
  ["await", tasks.await("t", call)],
  ["follow", Stream.runDrain(tasks.follow("t", call))],
  ["submitAndFollow", Stream.runDrain(tasks.submitAndFollow(spec, call))],
  ["iterate", Stream.runDrain(tasks.iterate({}, call))],
  ["version", tasks.version(call)],
  ["deleteConfirmed", tasks.deleteConfirmed("t", call)]
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
      Observe.shown(exit),
      error._tag === "Some" ? Observe.shown(error.value) : "",
      Cause.pretty(cause),
      Cause.pretty(cause, { renderErrorCause: true }),
      Observe.printed(lines),
      Observe.printed(spans),
      Observe.printed(spans.map(({ attributes }) => [...attributes]))
    ].join("\n")
    return { text, spans, lines, failed: exit._tag === "Failure" }
  })

/** The request as a server or a proxy might show it. */
const echoOf = (
  { body, headers, path }: { readonly body: string; readonly headers: unknown; readonly path: string }
): string => {
  const decoded = body.includes("SCRIPT") || body.includes(scriptBase64.slice(0, 8)) ? secrets.script : ""
  return `${path} ${decodeURIComponent(path)} ${JSON.stringify(headers)} ${body} ${decoded} ${
    secrets.env.slice(0, body === "" ? 0 : undefined)
  }`
}

/** JSON as encoders write it that escape everything that they may. */
const escapedJson = (text: string): string =>
  `"${Array.from(text, (one) => `\\u${(one.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`).join("")}"`

type Echo = (echo: string) => Response

const raw = (status: number, type: string): Echo => (echo) =>
  new Response(echo, { status, headers: { "content-type": type } })

const echoes: ReadonlyArray<readonly [name: string, Echo]> = [
  ...[400, 401, 404, 409, 413, 429, 500, 503, 302, 418].flatMap(
    (status): Array<readonly [string, Echo]> => [
      [`${status}, plain text`, raw(status, "text/plain")],
      [`${status}, envelope`, (echo) => Memory.json(status, { error: echo, message: echo })],
      [
        `${status}, envelope with everything escaped`,
        (echo) => new Response(`{"error":${escapedJson(echo)},"message":${escapedJson(echo)}}`, { status })
      ]
    ]
  ),
  ["500 as HTML", (echo) => new Response(`<pre>${encodeURIComponent(echo)}</pre>`, { status: 500 })],
  ["200 as HTML", raw(200, "text/html")],
  [
    "200 as a type of its own",
    (echo) => new Response("x", { headers: { "content-type": encodeURIComponent(echo).slice(0, 500) } })
  ],
  ["200, JSON cut off", (echo) => new Response(JSON.stringify({ task: echo }).slice(0, -2))],
  [
    "200, JSON that is something else",
    (echo) => Memory.json(200, { task: { metadata: echo }, tasks: echo, runs: [echo], taskId: [echo], kind: echo })
  ],
  [
    "500 with a request id",
    (echo) => new Response("", { status: 500, headers: { "x-request-id": encodeURIComponent(echo) } })
  ],
  ["200 with a request id", (echo) => Memory.json(200, { x: 1 }, { "x-request-id": encodeURIComponent(echo) })]
]

describe("a server that shows the request", () => {
  it.effect.each(echoes)("%s: nothing of it comes out", ([_, echo]) =>
    Effect.gen(function*() {
      const { tasks } = Memory.solti((request) => echo(echoOf(request)), options("https://example.org"))
      for (const [name, effect] of endpointsOf(yield* tasks)) {
        const { text } = yield* observed(effect)
        try {
          assertSafe(text)
        } catch (error) {
          assert.fail(`${name}: ${String(error)}`)
        }
      }
    }))

  it.effect("cut in the middle of a secret", () =>
    Effect.gen(function*() {
      for (let at = 4072; at < 4100; at += 3) {
        for (const status of [500, 200]) {
          const { tasks } = Memory.solti(
            () => new Response("x".repeat(at) + secrets.token, { status, headers: { "content-type": "text/plain" } }),
            options("https://example.org")
          )
          const { text } = yield* observed((yield* tasks).get("t"))
          assert.notInclude(text, "TOKE")
        }
      }
    }))

  it.effect("of which a script fills more than an excerpt", () =>
    Effect.gen(function*() {
      const long = Solti.script("bash", `export KEY=SCRIPTsecret\n${"echo filler\n".repeat(1000)}`, {
        slot: "s",
        timeout: 1
      })
      const { tasks } = Memory.solti(({ body }) => new Response(body, { status: 500 }), options("https://example.org"))
      const { text } = yield* observed((yield* tasks).submit(long))
      assertSafe(text)
      assert.notInclude(text, Buffer.from("export KEY=SCRIPTsecret\n").toString("base64").slice(0, 20))
    }))
})

describe.each(transports)("over $name", ({ layer }) => {
  const over = (respond: Parameters<typeof serve>[0]) =>
    Effect.gen(function*() {
      const server = yield* serve(respond)
      const tasks = yield* tasksOver(layer, options(server.url))
      for (const [name, effect] of callsOf(tasks)) {
        const { failed, text } = yield* observed(effect)
        assert.isTrue(failed, name)
        assertSafe(text)
      }
      const first = server.requests[0]
      assert.strictEqual(first?.headers["authorization"], `Bearer ${secrets.token}`)
      assert.strictEqual(first?.headers["x-region"], secrets.regionHeader)
    })

  it.scopedLive("an echo with 500", () =>
    over((request, response) => response.writeHead(500, { "content-type": "text/plain" }).end(echoOf(request))))

  it.scopedLive("a redirect that takes the request along", () =>
    over((request, response) =>
      response.writeHead(307, { location: `http://127.0.0.1:1/?${encodeURIComponent(echoOf(request))}` }).end()
    ))

  it.scopedLive("a connection that breaks", () => over((_, response) => response.socket?.resetAndDestroy()))

  it.scopedLive("nobody there", () =>
    Effect.gen(function*() {
      const { url } = yield* Effect.scoped(serve(() => {}))
      const tasks = yield* tasksOver(layer, options(url))
      for (const [name, effect] of callsOf(tasks)) {
        const { failed, text } = yield* observed(effect)
        assert.isTrue(failed, name)
        assertSafe(text)
      }
    }))
})

describe("what the SDK itself shows", () => {
  it.effect("no value of a task that does not decode", () =>
    Effect.gen(function*() {
      const task = Models.task("t", "RUNNING", {
        spec: {
          kind: { subprocess: { command: { command: "c", args: [7] }, env: [{ key: "E", value: secrets.env }] } },
          labels: { a: [secrets.token] }
        }
      })
      const { tasks } = Memory.solti(() => Memory.json(200, { task }), options("https://example.org"))
      const { failed, text } = yield* observed((yield* tasks).get("t"))
      assert.isTrue(failed)
      assertSafe(text)
    }))

  it.effect("no value of a spec that breaks a rule", () =>
    Effect.gen(function*() {
      const { sent, tasks } = Memory.solti(() => Memory.json(200, {}), options("https://example.org"))
      const bad = {
        ...Solti.command(" ", [], { slot: "\u00fcENVsecret", timeout: 0, env: { E: secrets.env } }),
        labels: { L: secrets.token }
      }
      const { failed, text } = yield* observed((yield* tasks).submit(bad))
      assert.isTrue(failed)
      assertSafe(text)
      assert.strictEqual(sent.length, 0)
    }))

  it.effect("nothing of its options, nor in its services and metrics", () =>
    Effect.gen(function*() {
      const { tasks } = Memory.solti(() => "reset", options("https://example.org"))
      const service = yield* tasks
      yield* Effect.exit(Memory.running(service.get("t", call)))
      assertSafe(Observe.shown(service))
      assertSafe(Observe.shown(yield* Metric.snapshot))
      const url = `https://user:${secrets.token}@example.org/?q=${secrets.env}`
      const refused = yield* Effect.flip(Memory.solti(() => "reset", { url }).tasks)
      assertSafe(Observe.shown(refused))
    }))

  it.effect("of a success: only the names of the operation and its route", () =>
    Effect.gen(function*() {
      const { tasks } = Memory.solti(() => Memory.json(201, { taskId: "t-77" }), options("https://example.org"))
      const { observe, spans, lines } = Observe.make()
      yield* observe(region((yield* tasks).submit(spec, call)))
      assertSafe(Observe.shown(spans))
      assert.notInclude(Observe.shown(spans), "example.org")
      assert.deepStrictEqual(lines, [])
    }))
})
