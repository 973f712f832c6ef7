import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Errors from "../../../src/schemas/core/Errors.js"
import { TaskNotFound } from "../../../src/schemas/solti/Errors.js"

const call = { operation: "solti.Tasks.get", method: "GET", route: "/api/v1/tasks/{id}", detail: "it broke" }
const answered = { ...call, status: 500, code: "Internal", requestId: "r-1" }

const all = [
  new Errors.InvalidInput({ ...answered, issues: [{ path: "a", message: "b" }] }),
  new Errors.Unauthorized(answered),
  new Errors.Forbidden(answered),
  new Errors.Conflict(answered),
  new Errors.PayloadTooLarge(answered),
  new Errors.RateLimited({ ...answered, retryAfterMs: 5 }),
  new Errors.Unavailable({ ...answered, retryAfterMs: 5 }),
  new Errors.Internal(answered),
  new Errors.VersionMismatch({ ...answered, expected: "a", actual: "b" }),
  new Errors.UnexpectedStatus(answered),
  new Errors.DecodeError({ ...answered, path: "a.b", expected: "string" }),
  new Errors.TransportError({ ...answered, phase: "request" }),
  new Errors.Timeout({ ...answered, kind: "total", limitMs: 5 }),
  new Errors.StreamInterrupted({ ...answered, attempts: 3 }),
  new TaskNotFound({ ...answered, taskId: "t" })
]

describe("errors of calls", () => {
  it.each(all)("$_tag shows operation, reason, status, code, method, route and request id", (error) => {
    assert.strictEqual(
      error.message,
      "solti.Tasks.get: it broke (500 Internal) – GET /api/v1/tasks/{id} [request r-1]"
    )
    assert.instanceOf(error, Error)
  })

  it("shows nothing of an answer where there was none", () => {
    const error = new Errors.TransportError({ ...call, phase: "request" })
    assert.strictEqual(error.message, "solti.Tasks.get: it broke – GET /api/v1/tasks/{id}")
  })

  it("have a tag each", () => {
    assert.strictEqual(new Set(all.map(({ _tag }) => _tag)).size, all.length)
  })

  it("survive a wire of one's own", () => {
    const encoded = Schema.encodeSync(Errors.RateLimited)(new Errors.RateLimited({ ...answered, retryAfterMs: 5 }))
    assert.strictEqual(Schema.decodeSync(Errors.RateLimited)(JSON.parse(JSON.stringify(encoded))).retryAfterMs, 5)
  })

  it.effect("are told apart by tag", () =>
    Effect.gen(function*() {
      const caught = yield* Effect.fail(all[5]).pipe(
        Effect.flatMap(() => Effect.succeed("")),
        Effect.catchAll((error) => Effect.succeed(error?._tag ?? ""))
      )
      assert.strictEqual(caught, "RateLimited")
    }))
})

describe("guards", () => {
  it("know what may pass and what is about the credential", () => {
    const tagsOf = (guard: (error: { readonly _tag: string }) => boolean) => all.filter(guard).map(({ _tag }) => _tag)
    assert.deepStrictEqual(tagsOf(Errors.isTransient), [
      "RateLimited",
      "Unavailable",
      "TransportError",
      "Timeout",
      "StreamInterrupted"
    ])
    assert.deepStrictEqual(tagsOf(Errors.isAuth), ["Unauthorized", "Forbidden"])
  })
})

describe("InvalidOptions", () => {
  it("says plane, place and rule", () => {
    const error = new Errors.InvalidOptions({ plane: "solti", issues: [{ path: "url", message: "must be a URL" }] })
    assert.strictEqual(error.message, "solti: url: must be a URL")
  })
})
