import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Api from "../../../src/schemas/solti/Api.js"
import { empty } from "../../../src/server/core/Front.js"
import * as Router from "../../../src/server/core/Router.js"

const answer = Effect.succeed(empty(204))

const match = Router.make([
  Router.route(Api.submit, () => answer),
  Router.route(Api.list, () => answer),
  Router.route(Api.get, () => answer),
  Router.route(Api.remove, () => answer),
  Router.route(Api.logs, () => answer)
])

const idOf = (path: string): string | undefined => {
  const found = match("GET", path)
  return found._tag === "Found" ? found.param("id") : undefined
}

describe("Router", () => {
  it("finds the route of a declared endpoint, with its template", () => {
    const found = match("GET", "/api/v1/tasks/a/logs")
    assert.strictEqual(found._tag, "Found")
    assert.strictEqual(found._tag === "Found" && found.route.template, "/api/v1/tasks/{id}/logs")
    assert.strictEqual(idOf("/api/v1/tasks/a/logs"), "a")
  })

  it("answers HEAD where there is a GET", () => {
    assert.strictEqual(match("HEAD", "/api/v1/tasks")._tag, "Found")
    assert.strictEqual(match("HEAD", "/api/v1/tasks/a")._tag, "Found")
  })

  it("lists the methods of a path in the order of the table", () => {
    assert.deepStrictEqual(match("PUT", "/api/v1/tasks"), {
      _tag: "MethodNotAllowed",
      template: "/api/v1/tasks",
      allow: "POST,GET,HEAD"
    })
    assert.deepInclude(match("OPTIONS", "/api/v1/tasks/x"), { allow: "GET,HEAD,DELETE" })
  })

  it("knows no other paths", () => {
    for (
      const path of ["", "/", "*", "/api/v1/tasks/", "/api/v1/tasks/a/b", "/api/v2/tasks", "/api/v1/tasks/a/logs/"]
    ) {
      assert.strictEqual(match("GET", path)._tag, "NotFound", path)
    }
  })

  it("takes every segment as an id, without normalising it", () => {
    assert.strictEqual(idOf("/api/v1/tasks/.."), "..")
    assert.strictEqual(idOf("/api/v1/tasks/%2e%2E"), "..")
    assert.strictEqual(idOf("/api/v1/tasks/a%2Fb%20%C3%BC"), "a/b ü")
    assert.strictEqual(idOf("/api/v1/tasks//logs"), "")
    assert.strictEqual(idOf(`/api/v1/tasks/${"x".repeat(5000)}`), "x".repeat(5000))
    // A percent sign that encodes nothing, and a raw byte as Node hands it out.
    assert.strictEqual(idOf("/api/v1/tasks/50%25%zz%4"), "50%%zz%4")
    assert.strictEqual(idOf("/api/v1/tasks/\u00c3\u00bc"), "ü")
  })

  it("names the parameter that is not UTF-8", () => {
    for (const path of ["/api/v1/tasks/%ff", "/api/v1/tasks/%C3", "/api/v1/tasks/\u00ff"]) {
      assert.deepStrictEqual(match("GET", path), { _tag: "BadParam", template: "/api/v1/tasks/{id}", name: "id" })
    }
  })

  it.prop("gives back whatever was percent-encoded", [FastCheck.fullUnicodeString()], ([id]) => {
    assert.strictEqual(Router.decodeSegment(encodeURIComponent(id)), id)
  })
})
