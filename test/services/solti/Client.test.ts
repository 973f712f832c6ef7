import * as HttpClient from "@effect/platform/HttpClient"
import { assert, describe, it } from "@effect/vitest"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as Solti from "../../../src/solti.js"
import * as Golden from "../../fixtures/solti/Golden.js"
import * as Memory from "../support/Memory.js"

const build = <E>(
  layer: Layer.Layer<Solti.Tasks | Solti.Client, E, HttpClient.HttpClient>,
  reply = () => Memory.json(200, {})
) => {
  const { client, sent } = Memory.make(reply)
  return Effect.map(
    Effect.scoped(Layer.build(Layer.provide(layer, Layer.succeed(HttpClient.HttpClient, client)))),
    (context) => ({ tasks: Context.get(context, Solti.Tasks), sent })
  )
}

const token = Redacted.make("t0ken-value")

describe("the options of a client", () => {
  const bad: ReadonlyArray<readonly [url: string, says: string, token?: Redacted.Redacted]> = [
    ["", "absolute URL"],
    ["not a url", "absolute URL"],
    ["/api", "absolute URL"],
    ["ftp://host", "http://"],
    ["file:///etc/passwd", "http://"],
    ["http://user@host", "credentials"],
    ["http://user:s3cret@host", "credentials"],
    ["http://host/?token=s3cret", "query"],
    ["http://host/#s3cret", "fragment"],
    ["http://example.org", "https", token],
    ["http://127.0.0.1.example.org", "https", token],
    ["http://10.0.0.1:8085", "https", token],
    ["http://localhost.example.org", "https", token]
  ]

  it.effect.each(bad)("%s is refused when the layer is built (%s)", ([url, says, token]) =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(build(Solti.layer({ url, token })))
      assert.strictEqual(error._tag, "InvalidOptions")
      assert.strictEqual(error.plane, "solti")
      assert.strictEqual(error.issues[0]?.path, "url")
      assert.include(error.message, says)
      assert.notInclude(error.message + JSON.stringify(error), "s3cret")
    }))

  const good: ReadonlyArray<readonly [options: Solti.Options, url: string]> = [
    [{ url: "http://127.0.0.1:8085", token }, "/api/v1/tasks/t"],
    [{ url: "http://127.9.9.9", token }, "/api/v1/tasks/t"],
    [{ url: "http://localhost:8085/", token }, "/api/v1/tasks/t"],
    [{ url: "http://agent.localhost", token }, "/api/v1/tasks/t"],
    [{ url: "http://[::1]:8085", token }, "/api/v1/tasks/t"],
    [{ url: "https://example.org/a/b//", token }, "/a/b/api/v1/tasks/t"],
    [{ url: "http://example.org" }, "/api/v1/tasks/t"],
    [{ url: "http://example.org", token, allowInsecureToken: true }, "/api/v1/tasks/t"]
  ]

  it.effect.each(good)("%j is taken", ([options, path]) =>
    Effect.gen(function*() {
      const { sent, tasks } = yield* build(Solti.layer(options))
      yield* tasks.get("t")
      assert.strictEqual(sent[0]?.path, path)
      assert.strictEqual(
        sent[0]?.headers["authorization"],
        options.token === undefined ? undefined : "Bearer t0ken-value"
      )
    }))

  it.effect("come from SOLTI_URL and SOLTI_TOKEN", () =>
    Effect.gen(function*() {
      const from = (entries: Record<string, string>) =>
        build(Solti.layerConfig()).pipe(
          Effect.withConfigProvider(ConfigProvider.fromMap(new Map(Object.entries(entries))))
        )
      const { sent, tasks } = yield* from({ SOLTI_URL: "https://example.org", SOLTI_TOKEN: "from-env" })
      yield* tasks.get("t")
      assert.strictEqual(sent[0]?.headers["authorization"], "Bearer from-env")
      const open = yield* from({ SOLTI_URL: "http://example.org" })
      yield* open.tasks.get("t")
      assert.strictEqual(open.sent[0]?.headers["authorization"], undefined)
      assert.strictEqual((yield* Effect.flip(from({}))).toString().includes("SOLTI_URL"), true)
      const bad = yield* Effect.flip(from({ SOLTI_URL: "http://example.org", SOLTI_TOKEN: "from-env" }))
      assert.notInclude(String(bad) + JSON.stringify(bad), "from-env")
    }))

  it.effect("come from a configuration of one's own", () =>
    Effect.gen(function*() {
      const { sent, tasks } = yield* build(Solti.layerConfig(Config.succeed({ url: "http://127.0.0.1/x" })))
      yield* tasks.get("t")
      assert.strictEqual(sent[0]?.path, "/x/api/v1/tasks/t")
    }))
})

/** What a call ends with when the server answers so. */
const errorOf = (
  answer: { readonly status: number; readonly body?: string; readonly headers?: Record<string, string> },
  call: (tasks: Solti.Tasks.Service) => Effect.Effect<unknown, Solti.LogError | Solti.SubmitError> = ({ get }) =>
    get("t")
) =>
  Effect.gen(function*() {
    const { tasks } = Memory.solti(
      () =>
        new Response(answer.status === 204 ? null : answer.body ?? "", {
          status: answer.status,
          headers: answer.headers ?? {}
        }),
      { options: { retry: { maxRetries: 0 } } }
    )
    return yield* Effect.flip(call(yield* tasks))
  })

const envelope = (error: string, message: string) => JSON.stringify({ error, message })

describe("what an answer means", () => {
  const table: ReadonlyArray<
    readonly [status: number, label: string, tag: Solti.CommonError["_tag"] | "InvalidInput"]
  > = [
    [400, "InvalidRequest", "InvalidInput"],
    [422, "InvalidRequest", "InvalidInput"],
    [401, "Unauthenticated", "Unauthorized"],
    [403, "Forbidden", "Forbidden"],
    [405, "MethodNotAllowed", "VersionMismatch"],
    [429, "TooMany", "RateLimited"],
    [500, "Internal", "Internal"],
    [502, "BadGateway", "Unavailable"],
    [503, "Unavailable", "Unavailable"],
    [504, "GatewayTimeout", "Unavailable"],
    [409, "AlreadyExists", "UnexpectedStatus"],
    [413, "PayloadTooLarge", "UnexpectedStatus"],
    [410, "Expired", "UnexpectedStatus"],
    [501, "NotImplemented", "UnexpectedStatus"]
  ]

  it.effect.each(table)(
    "%i %s: %s, with label, text, request id and place",
    ([status, label, tag]) =>
      Effect.gen(function*() {
        const error = yield* errorOf({ status, body: envelope(label, "some text"), headers: { "x-request-id": "r-1" } })
        assert.strictEqual(error._tag, tag)
        assert.strictEqual(error.status, status)
        assert.strictEqual(error.requestId, "r-1")
        assert.strictEqual(error.operation, "solti.Tasks.get")
        assert.strictEqual(error.method, "GET")
        assert.strictEqual(error.route, "/api/v1/tasks/{id}")
        assert.include(error.message, "solti.Tasks.get")
        assert.include(error.message, "GET /api/v1/tasks/{id}")
        assert.include(error.message, "[request r-1]")
        if (tag === "UnexpectedStatus") {
          assert.include(error.excerpt, "some text")
        } else {
          assert.strictEqual(error.code, label)
          assert.strictEqual(error.detail, "some text")
          assert.strictEqual(error.excerpt, undefined)
          assert.include(error.message, `(${status} ${label})`)
        }
      })
  )

  const spec = Solti.command("true", [], { slot: "s", timeout: 1 })

  it.effect("409 and 413 are errors of their own where a spec is sent", () =>
    Effect.gen(function*() {
      for (
        const call of [
          ({ submit }: Solti.Tasks.Service) => submit(spec),
          ({ apply }: Solti.Tasks.Service) => apply(spec)
        ]
      ) {
        assert.strictEqual(
          (yield* errorOf({ status: 409, body: envelope("AlreadyExists", "x") }, call))._tag,
          "Conflict"
        )
        assert.strictEqual(
          (yield* errorOf({ status: 413, body: envelope("PayloadTooLarge", "x") }, call))._tag,
          "PayloadTooLarge"
        )
      }
    }))

  it.effect("404 TaskNotFound is the absence of a task, any other 404 another server", () =>
    Effect.gen(function*() {
      const logs = ({ logs }: Solti.Tasks.Service) => Stream.runDrain(logs("a b"))
      const absent = yield* errorOf({ status: 404, body: envelope("TaskNotFound", "a b") }, logs)
      assert.strictEqual(absent._tag, "TaskNotFound")
      if (absent._tag === "TaskNotFound") assert.strictEqual(absent.taskId, "a b")
      for (const body of ["", "<html>no</html>", envelope("NotFound", "x"), "{}", "{\"error\":null}"]) {
        for (const call of [logs, ({ get }: Solti.Tasks.Service) => get("t")]) {
          const error = yield* errorOf({ status: 404, body }, call)
          assert.strictEqual(error._tag, "VersionMismatch")
          if (error._tag === "VersionMismatch") assert.include(error.expected, "0.0.2")
        }
      }
    }))

  it.effect("Retry-After is a field of what says when to come again", () =>
    Effect.gen(function*() {
      for (const status of [429, 503]) {
        const error = yield* errorOf({ status, headers: { "retry-after": "120" } })
        assert.strictEqual(
          error._tag === "RateLimited" || error._tag === "Unavailable" ? error.retryAfterMs : 0,
          120_000
        )
      }
    }))

  it.effect("a body that is no envelope is kept as an excerpt of at most 4 KiB, without control characters", () =>
    Effect.gen(function*() {
      const texts: ReadonlyArray<readonly [body: string, excerpt: string | undefined]> = [
        ["", undefined],
        ["upstream gone", "upstream gone"],
        ["\u001b[2J\u0007x\ny", "\ufffd[2J\ufffdx\ny"],
        ["x".repeat(5000), "x".repeat(4096)],
        ["é".repeat(4000), "é".repeat(2048)],
        ["[1,2]", "[1,2]"],
        ["\"text\"", "\"text\""],
        ["{\"error\":7}", "{\"error\":7}"]
      ]
      for (const [body, excerpt] of texts) {
        const error = yield* errorOf({ status: 500, body })
        assert.strictEqual(error._tag, "Internal")
        assert.strictEqual(error.excerpt, excerpt)
        assert.notStrictEqual(error.detail, "")
      }
    }))

  it.effect("half an envelope is one", () =>
    Effect.gen(function*() {
      const label = yield* errorOf({ status: 500, body: "{\"error\":\"Internal\"}" })
      assert.strictEqual(label.code, "Internal")
      const text = yield* errorOf({ status: 500, body: "{\"message\":\"only a text\",\"later\":[]}" })
      assert.strictEqual(text.code, undefined)
      assert.strictEqual(text.detail, "only a text")
    }))

  it.effect("texts of the server are bounded and harmless", () =>
    Effect.gen(function*() {
      const error = yield* errorOf({ status: 500, body: envelope("L\u0007".repeat(100), "\u001b[31m".repeat(500)) })
      assert.isAtMost(error.code?.length ?? 0, 100)
      assert.isAtMost(error.detail.length, 1000)
      assert.notInclude(error.message, "\u001b")
      assert.notInclude(error.message, "\u0007")
    }))

  it.effect("a request id is bounded and harmless", () =>
    Effect.gen(function*() {
      const error = yield* errorOf({ status: 500, headers: { "x-request-id": "r".repeat(3000) } })
      assert.strictEqual(error.requestId?.length, 200)
    }))

  it.effect("400 names the member that is wrong, where the text does", () =>
    Effect.gen(function*() {
      const issues: ReadonlyArray<readonly [text: string, path: string, message: string]> = [
        [
          "spec.timeoutMs: invalid digit found in string at line 1 column 128",
          "spec.timeoutMs",
          "invalid digit found in string at line 1 column 128"
        ],
        ["spec.kind.subprocess.env[0].key: bad", "spec.kind.subprocess.env[0].key", "bad"],
        [
          "Failed to deserialize query string: limit: invalid digit found in string",
          "limit",
          "invalid digit found in string"
        ],
        ["slot cannot be empty", "", "slot cannot be empty"],
        ["invalid model: backoff max_ms must be >= first_ms", "", "invalid model: backoff max_ms must be >= first_ms"]
      ]
      for (const [text, path, message] of issues) {
        for (const body of [envelope("InvalidRequest", text), text]) {
          const error = yield* errorOf({ status: 400, body })
          assert.strictEqual(error._tag, "InvalidInput")
          if (error._tag === "InvalidInput") assert.deepStrictEqual(error.issues, [{ path, message }])
        }
      }
    }))
})

describe("every recorded error", () => {
  const callOf =
    ({ method, path }: Golden.HttpRequest) =>
    (tasks: Solti.Tasks.Service): Effect.Effect<unknown, Solti.LogError | Solti.SubmitError> => {
      const spec = Solti.command("true", [], { slot: "s", timeout: 1 })
      if (path.includes("/logs")) return Stream.runDrain(tasks.logs("t"))
      if (method === "POST") return tasks.submit(spec)
      if (method === "DELETE") return tasks.delete("t")
      if (path.includes("/runs")) return tasks.runs("t")
      return /tasks(\?|$)/.test(path) ? tasks.list() : tasks.get("t")
    }
  const tags = new Map([
    [400, ["InvalidInput"]],
    [404, ["TaskNotFound", "VersionMismatch"]],
    [405, ["VersionMismatch"]],
    [413, ["PayloadTooLarge", "UnexpectedStatus"]],
    [500, ["Internal"]]
  ])
  const recorded = Golden.cases.flatMap((recorded) =>
    Golden.ofKind(recorded, "http").filter(({ response }) => response.status >= 400).map((exchange, position) => ({
      ...exchange,
      name: `${recorded.name} #${position}`
    }))
  )

  it.effect.each(recorded)(
    "$name is the error that its status and label say",
    ({ request, response }) =>
      Effect.gen(function*() {
        const error = yield* errorOf(response, callOf(request))
        assert.include(tags.get(response.status) ?? [], error._tag)
        assert.strictEqual(error.status, response.status)
        const decoded: unknown = response.headers["content-type"] === "application/json"
          ? JSON.parse(response.body)
          : undefined
        if (
          typeof decoded === "object" && decoded !== null && "error" in decoded && error._tag !== "UnexpectedStatus"
        ) {
          assert.strictEqual(error.code, decoded.error)
          assert.strictEqual(error.excerpt, undefined)
        } else {
          assert.strictEqual(error.excerpt ?? "", response.body)
        }
      })
  )

  it("is among them in each of its forms", () => {
    assert.isAbove(recorded.length, 100)
    const statuses = new Set(recorded.map(({ response }) => response.status))
    assert.deepStrictEqual(Array.from(statuses).sort(), [400, 404, 405, 413, 500])
    assert.isTrue(
      Option.isSome(
        Option.fromNullable(recorded.find(({ response }) => response.headers["content-type"]?.startsWith("text/plain")))
      )
    )
  })
})
