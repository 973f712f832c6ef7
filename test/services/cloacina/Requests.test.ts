import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Cloacina from "../../../src/cloacina.js"
import { answer, cloacina, plain } from "../support/Cloacina.js"
import * as Memory from "../support/Memory.js"
import * as Observe from "../support/Observe.js"
import { suite } from "./support/Calls.js"

const errors = ["NotFound", "Conflict", "PayloadTooLarge", "NotImplemented"] as const
const route = "/v1/tenants/{tenant_id}/things/{id}"

// Any JSON is an answer here, so an array is none that does not decode.
const given = { answer: { any: [1, null] }, gives: { any: [1, null] }, errors, takesAnyJson: true }

suite(Cloacina.Requests, [
  {
    ...given,
    name: "get",
    call: (requests, id, tenant) =>
      requests.get(route, { tenant, path: { id }, query: { a: "1&2", b: 3, c: false, d: undefined } }),
    request: (id, tenant) => `GET /v1/tenants/${tenant}/things/${id}?a=1%262&b=3&c=false`
  },
  {
    ...given,
    name: "post",
    call: (requests, id, tenant) => requests.post(route, { x: "y" }, { tenant, path: { id } }),
    request: (id, tenant) => `POST /v1/tenants/${tenant}/things/${id}`,
    body: { x: "y" }
  },
  {
    ...given,
    name: "post without a body",
    call: (requests, id, tenant) => requests.post(route, undefined, { path: { id, tenant_id: tenant } }),
    request: (id, tenant) => `POST /v1/tenants/${tenant}/things/${id}`
  },
  {
    ...given,
    name: "put",
    call: (requests, id) => requests.put("/v1/things/{id}", [1], { path: { id } }),
    request: (id) => `PUT /v1/things/${id}`,
    body: [1]
  },
  {
    ...given,
    name: "delete",
    call: (requests, id) => requests.delete("/v1/things/{id}/", { path: { id } }),
    request: (id) => `DELETE /v1/things/${id}/`
  }
])

const requests = (reply: (index: number) => Response, options?: Partial<Cloacina.Options>) => {
  const { layer, sent } = cloacina((_, index) => reply(index), options)
  return {
    sent,
    use: <A, E>(f: (requests: Cloacina.Requests.Service) => Effect.Effect<A, E>) =>
      Effect.provide(Effect.flatMap(Cloacina.Requests, f), layer)
  }
}

describe("templates", () => {
  it.effect("are paths, and nothing that a URL would read otherwise", () =>
    Effect.gen(function*() {
      const { sent, use } = requests(() => answer(200, {}))
      const templates = [
        "",
        "v1",
        "/a b",
        "/a?b=1",
        "/a#b",
        "/../x",
        "/./x",
        "/%2e%2E/x",
        "/a\\b",
        "/%",
        "/:id",
        "/x{id}",
        "/{missing}",
        "/{constructor}",
        "/día"
      ]
      for (const template of templates) {
        const error = yield* Effect.flip(use((requests) => requests.get(template)))
        assert.strictEqual(error._tag, "InvalidInput", template)
      }
      assert.strictEqual(sent.length, 0)
    }))

  it.effect("show up in errors and spans, their values do not", () =>
    Effect.gen(function*() {
      const observer = Observe.make()
      const { use } = requests(() => plain(500, "no"))
      const error = yield* Effect.flip(
        observer.observe(use((requests) => requests.get("/v1/things/{id}", { path: { id: "the-value" } })))
      )
      const shown = `${Observe.shown(error)}${
        Observe.printed(observer.spans.map(({ attributes, name }) => [name, attributes]))
      }`
      assert.include(shown, "/v1/things/{id}")
      assert.include(shown, "cloacina.Requests.get")
      assert.notInclude(shown, "the-value")
    }))
})

describe("what is no input", () => {
  it.effect("is refused before any request", () =>
    Effect.gen(function*() {
      const { sent, use } = requests(() => answer(200, {}))
      const bad = [
        use((requests) => requests.get("/v1/x", { query: { "\ud800": "a" } })),
        use((requests) => requests.post("/v1/x", () => 1)),
        use((requests) => requests.post("/v1/x", Redacted.make("hush"))),
        use((requests) => requests.post("/v1/x", NaN)),
        use((requests) => requests.get("/v1/x", { headers: { "x-a": "line\nbreak" } })),
        use((requests) => requests.get("/v1/x", { headers: { "x a": "b" } }))
      ]
      for (const call of bad) assert.strictEqual((yield* Effect.flip(call))._tag, "InvalidInput")
      assert.strictEqual(sent.length, 0)
    }))
})

describe("repeating", () => {
  it.effect("is for reads only", () =>
    Effect.gen(function*() {
      const calls = [
        [(requests: Cloacina.Requests.Service) => requests.get("/x"), 3],
        [(requests: Cloacina.Requests.Service) => requests.post("/x", {}), 1],
        [(requests: Cloacina.Requests.Service) => requests.put("/x", {}), 1],
        [(requests: Cloacina.Requests.Service) => requests.delete("/x"), 1]
      ] as const
      for (const [call, count] of calls) {
        const { sent, use } = requests(() => plain(503, "no"), { options: {} })
        yield* Memory.running(Effect.flip(use(call)))
        assert.strictEqual(sent.length, count)
      }
    }))
})

describe("secrets", () => {
  it.effect("that are named do not show up in errors", () =>
    Effect.gen(function*() {
      const { use } = requests(() => plain(422, "invalid value: planted-secret"))
      const error = yield* Effect.flip(use((requests) =>
        requests.post("/x", { password: "planted-secret" }, { secrets: [Redacted.make("planted-secret")] })
      ))
      assert.notInclude(Observe.shown(error), "planted-secret")
    }))
})
