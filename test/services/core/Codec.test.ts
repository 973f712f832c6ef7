import type * as HttpBody from "@effect/platform/HttpBody"
import { assert, describe, it } from "@effect/vitest"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Api from "../../../src/schemas/solti/Api.js"
import { LogEvent } from "../../../src/schemas/solti/Logs.js"
import * as Codec from "../../../src/services/core/Codec.js"
import { percentEncode } from "../../../src/services/core/Redaction.js"
import * as Solti from "../../../src/solti.js"

const info = { operation: "solti.Tasks.x", method: "GET", route: "/x" }
const received = (contentType = "application/json"): Codec.Received => ({
  status: 200,
  requestId: "r-1",
  contentType,
  excerpt: (text) => text.slice(0, 20)
})

const get = Codec.make(Api.get.endpoint, info, "http://host/prefix")
const list = Codec.make(Api.list.endpoint, info, "http://host")
const remove = Codec.make(Api.remove.endpoint, info, "http://host")
const submit = Codec.make(Api.submit.endpoint, info, "http://host")

const task = {
  metadata: { id: "t-1", createdAt: "1", updatedAt: "2", resourceVersion: "3" },
  spec: {
    slot: "s",
    kind: { subprocess: { command: { command: "true", args: ["a"] }, env: [{ key: "K", value: "V" }] } },
    timeoutMs: "1000",
    restart: "RESTART_STRATEGY_NEVER",
    backoff: { jitter: "JITTER_STRATEGY_NONE", firstMs: "1", maxMs: "2", factor: 1 },
    admission: "ADMISSION_STRATEGY_QUEUE",
    labels: { a: "b" }
  },
  status: { phase: "TASK_STATUS_RUNNING", attempt: 1 }
}

/** The document with another value at a path. */
const withAt = (document: unknown, path: ReadonlyArray<string>, value: unknown): unknown => {
  const [name, ...rest] = path
  if (name === undefined) return value
  const copy: Record<string, unknown> = Array.isArray(document) ? Object.assign([], document) : { ...Object(document) }
  const changed = withAt(copy[name], rest, value)
  if (changed === undefined) delete copy[name]
  else copy[name] = changed
  return copy
}

const decodeError = (body: unknown) => {
  const decoded = get.decode(JSON.stringify(body), () => received())
  return Either.getOrThrow(Either.flip(decoded))
}

describe("a request", () => {
  it("keeps routes in the words of the planes' documents", () => {
    assert.strictEqual(Codec.routeOf("/api/v1/tasks/:id/runs/:run_1"), "/api/v1/tasks/{id}/runs/{run_1}")
  })

  it.prop("has any id as one segment of its path, which decodes to the id", [FastCheck.fullUnicodeString()], ([id]) => {
    const request = get.request({ path: { id } }, {})
    if (Either.isLeft(request)) return id.trim() === "" || id === "." || id === ".." || Option.isNone(percentEncode(id))
    const { pathname, search, hash } = new URL(request.right.url)
    const segments = pathname.split("/")
    return segments.length === 6 && decodeURIComponent(segments[5] ?? "") === id && search + hash === ""
  })

  it("has no query for what is not given", () => {
    const url = (input: Parameters<typeof list.request>[0]) => Either.getOrThrow(list.request(input, {})).url
    assert.strictEqual(url({ urlParams: {} }), "http://host/api/v1/tasks")
    assert.strictEqual(url({ urlParams: { slot: undefined, limit: 0 } }), "http://host/api/v1/tasks?limit=0")
  })

  it("is refused where the wire could not carry it", () => {
    for (const limit of [-1, 1.5, 4294967296, NaN]) {
      const refused = list.request({ urlParams: { limit } }, {})
      assert.isTrue(Either.isLeft(refused))
      if (Either.isLeft(refused)) {
        assert.strictEqual(refused.left._tag, "InvalidInput")
        assert.strictEqual(refused.left.issues[0]?.path, "limit")
        assert.strictEqual(refused.left.issues[0]?.message, "expected an integer from 0 to 4294967295")
      }
    }
    const slot = list.request({ urlParams: { slot: "\ud800" } }, {})
    assert.strictEqual(Either.getOrThrow(Either.flip(slot)).issues[0]?.path, "slot")
  })

  it("is refused with a header that no transport can send, which the error does not show", () => {
    for (const value of ["line\nbreak-s3cret", "s3cret\u0000", "ключ-s3cret"]) {
      const refused = Either.getOrThrow(Either.flip(list.request({ urlParams: {} }, { authorization: value })))
      assert.strictEqual(refused._tag, "InvalidInput")
      assert.notInclude(JSON.stringify(refused) + refused.message, "s3cret")
    }
    const headers = { authorization: "Bearer a b~é\t" }
    assert.isTrue(Either.isRight(list.request({ urlParams: {} }, headers)))
  })

  it("has its body as JSON, with content type and length", () => {
    const spec = Solti.command("true", [], { slot: "s", timeout: "1 second" })
    const request = Either.getOrThrow(submit.request({ payload: { spec } }, { accept: "application/json" }))
    const body: HttpBody.HttpBody = request.body
    assert.strictEqual(body._tag, "Uint8Array")
    assert.strictEqual(request.headers["content-type"], "application/json")
    assert.strictEqual(request.headers["content-length"], String(body.contentLength))
  })
})

describe("an answer that does not decode", () => {
  const cases: ReadonlyArray<readonly [at: string, value: unknown, expected: string]> = [
    ["task", "s3cret", "{"],
    ["task.metadata", undefined, "missing"],
    ["task.metadata.id", 5512345, "string"],
    ["task.metadata.createdAt", "s3cret", "int64"],
    ["task.metadata.resourceVersion", "-1", "uint64"],
    ["task.metadata.resourceVersion", "18446744073709551616", "uint64"],
    ["task.spec.timeoutMs", 1.5, "uint64"],
    ["task.spec.kind", "s3cret", ""],
    ["task.spec.kind.subprocess.command.command", 5512345, "string"],
    ["task.spec.kind.subprocess.command.args.0", 5512345, "string"],
    ["task.spec.kind.subprocess.env.0.value", 5512345, "string"],
    ["task.spec.kind.subprocess.failOnNonZero", "s3cret", "boolean"],
    ["task.spec.backoff.factor", "s3cret", "number"],
    ["task.spec.restart", { s3cret: 1 }, "RestartStrategy"],
    ["task.spec.labels.a", 5512345, "string"],
    ["task.status.phase", ["s3cret"], "TaskStatus"],
    ["task.status.attempt", "s3cret", "number"],
    ["task.status.error", { s3cret: 1 }, "string"],
    ["task.status.exitCode", "s3cret", "number"]
  ]

  it.each(cases)("says where (%s) and what was expected, never the value", (at, value, expected) => {
    const error = decodeError(withAt({ task }, at.split("."), value))
    assert.strictEqual(error._tag, "DecodeError")
    assert.strictEqual(error.path, at)
    assert.include(error.expected, expected)
    assert.isAtMost(error.expected.length, 160)
    assert.include(error.message, at)
    assert.strictEqual(error.excerpt, undefined)
    const shown = JSON.stringify(error) + error.message + String(error) + (error.stack ?? "")
    assert.notInclude(shown, "s3cret")
    assert.notInclude(shown, "5512345")
    assert.strictEqual(error.status, 200)
    assert.strictEqual(error.requestId, "r-1")
  })

  it("names the member of a union that got furthest", () => {
    const error = decodeError(withAt({ task }, ["task", "spec", "kind"], { wasm: { module: 5512345 } }))
    assert.strictEqual(error.path, "task.spec.kind.wasm.module")
    const decode = Schema.decodeUnknownEither(LogEvent)
    const event = decode({ type: "chunk", attempt: 1, stream: "stdout", seq: "0", ts: 1, line: "s3cret" })
    assert.isTrue(Either.isLeft(event))
    if (Either.isLeft(event)) {
      assert.deepStrictEqual(Codec.locate(event.left.issue), { path: "seq", expected: "number" })
    }
  })

  it("is not JSON: the beginning of a text is shown, of anything like JSON nothing", () => {
    const not = (text: string, contentType: string) =>
      Either.getOrThrow(Either.flip(get.decode(text, () => received(contentType))))
    assert.strictEqual(not("<html>".repeat(9), "text/html").excerpt, "<html><html><html><h")
    for (
      const [text, type] of [["{\"a", "application/json"], ["[\"a", "text/plain"], ["  {x", ""], [
        "",
        "text/html"
      ]] as const
    ) {
      const error = not(text, type)
      assert.strictEqual(error.excerpt, undefined)
      assert.strictEqual(error.path, "")
      assert.strictEqual(error.expected, "JSON")
    }
    assert.include(not("", "").detail, "an empty body")
    assert.include(not("x", "").detail, "no content type")
  })

  it("is nothing to an endpoint without a body", () => {
    for (const text of ["", "{}", "<html>"]) assert.isTrue(Either.isRight(remove.decode(text, () => received())))
  })

  it.prop("is a typed failure, whatever the body", [FastCheck.json()], ([text]) => {
    const decoded = get.decode(text, () => received())
    return Either.isRight(decoded) || decoded.left._tag === "DecodeError"
  })
})
