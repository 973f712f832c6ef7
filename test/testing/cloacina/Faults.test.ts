/** What a program sees of the faults that a test injects. */
import { describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { assert } from "vitest"
import * as Cloacina from "../../../src/cloacina.js"
import * as CloacinaTesting from "../../../src/cloacina/testing.js"
import type { FrontRequest } from "../../../src/server/core/Front.js"
import { operationOf } from "../../../src/testing/cloacina/Faults.js"

const request = (method: string, target: string): FrontRequest => ({
  method,
  target,
  headers: {},
  bytes: () => Effect.succeed(new Uint8Array())
})

const inject = (rule: CloacinaTesting.Rule) => Effect.flatMap(CloacinaTesting.Faults, (faults) => faults.inject(rule))

describe("operations", () => {
  const named: ReadonlyArray<readonly [method: string, target: string, operation: CloacinaTesting.Operation]> = [
    ["GET", "/health", "Health.check"],
    ["POST", "/v1/auth/keys", "Keys.createPublic"],
    ["POST", "/v1/tenants/north/keys", "Keys.create"],
    ["POST", "/v1/tenants/a%2Fb/workflows/c/execute", "Executions.execute"],
    ["GET", "/v1/tenants/north/executions?limit=5", "Executions.list"],
    ["GET", "/v1/tenants/north/executions/x", "Executions.get"],
    ["GET", "/v1/tenants/north/workflows/x", "Workflows.get"],
    ["GET", "/v1/tenants/north/workflows/x/instances", "Instances.list"],
    ["POST", "/v1/health/reactors/x/fire", "Graphs.fire"],
    ["GET", "/v1/ws/delivery/exec_events%3Ax?token=y", "Sockets.delivery"]
  ]

  for (const [method, target, operation] of named) {
    it(`${operation} is ${method} ${target}`, () => {
      assert.strictEqual(operationOf(request(method, target)), operation)
    })
  }

  it("are nothing else", () => {
    for (
      const [method, target] of [["PATCH", "/v1/tenants"], ["GET", "/v1/tenants/"], ["GET", "/v2/tenants"]] as const
    ) {
      assert.isUndefined(operationOf(request(method, target)))
    }
  })
})

describe("faults", () => {
  it.effect("hit what they name, and are over", () =>
    Effect.gen(function*() {
      const tenants = yield* Cloacina.Tenants
      const injected = yield* inject({
        on: "Tenants.create",
        fault: CloacinaTesting.refuse(503, "maintenance", "later")
      })
      yield* tenants.list()
      const refused = yield* Effect.flip(tenants.create({ name: "north" }))
      assert.strictEqual(refused._tag, "Unavailable")
      assert.strictEqual(yield* injected.hits, 1)
      yield* tenants.create({ name: "north" })
    }).pipe(Effect.provide(CloacinaTesting.layer())))

  it.effect("of a moment are overcome where a call may be repeated", () =>
    Effect.gen(function*() {
      const keys = yield* Cloacina.Keys
      const recorder = yield* CloacinaTesting.Recorder
      yield* inject({ on: "Keys.listAll", fault: CloacinaTesting.Fault.hangUp() })
      const all = yield* keys.listAll()
      assert.deepStrictEqual(all.map(({ name }) => name), ["bootstrap-admin"])
      yield* recorder.expect(["GET /v1/auth/keys -", "GET /v1/auth/keys 200"])
    }).pipe(Effect.provide(CloacinaTesting.layer())))

  it.effect("can be there from the start", () =>
    Effect.gen(function*() {
      const sessions = yield* Cloacina.Sessions
      const refused = yield* Effect.flip(sessions.whoami())
      assert.strictEqual(refused._tag, "Forbidden")
    }).pipe(Effect.provide(CloacinaTesting.layer({
      faults: [{ on: "Sessions.whoami", fault: CloacinaTesting.refuse(403, "admin_required") }]
    }))))
})
