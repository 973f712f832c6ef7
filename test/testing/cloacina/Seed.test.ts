/** The seed file of `switchyard serve cloacina`. */
import { describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as TestClock from "effect/TestClock"
import { assert } from "vitest"
import * as Seed from "../../../src/testing/cloacina/Seed.js"
import { ask, codeOf, emulator, god } from "./support/ask.js"

const faultsOf = (json: unknown): ReadonlyArray<string> =>
  Either.match(Seed.decode(json), { onLeft: ({ faults }) => faults, onRight: () => [] })

const full = {
  key: "god",
  tenants: ["north", "south"],
  keys: [{ name: "ci", role: "write", tenant: "north", key: "clk_ci" }],
  accounts: [{ username: "ana", password: "pw", role: "admin", tenant: "north" }],
  secrets: [{ tenant: "north", name: "warehouse", fields: { user: "etl" } }],
  workflows: [
    {
      name: "close_month",
      tenant: ["north", "south"],
      params: [{ name: "region", type: "string" }, { name: "warehouse", type: "secret" }],
      tasks: [
        { id: "extract", takes: "2 seconds", secrets: ["warehouse"] },
        {
          id: "load",
          after: ["extract"],
          maxAttempts: 2,
          retry: { delay: 50, jitter: false },
          attempts: [{ fails: "RuntimeError: disk full" }, { sets: { done: true } }]
        },
        { id: "notify", after: ["load"], skipped: true }
      ],
      triggers: [{ cron: "0 2 * * *", timezone: "Europe/Berlin" }, { name: "ledger", every: "1 minute", firesEvery: 2 }]
    },
    { name: "later", build: { takes: 500, fails: "no" } }
  ],
  graphs: [{
    name: "g",
    tenant: "north",
    reactor: "rx",
    accumulators: ["ticks", { name: "levels", keepsState: true, window: 3, schema: { type: "object" } }]
  }],
  executions: [{
    tenant: "north",
    workflow: "close_month",
    context: { region: "eu", warehouse: { $secret: "warehouse" } }
  }],
  mode: "documented",
  buildTime: "3 seconds"
}

describe("a seed", () => {
  it("may be empty", () => {
    assert.deepStrictEqual(Seed.decode({}), Either.right({}))
  })

  it.effect("is what the emulator has from the start", () =>
    Effect.gen(function*() {
      yield* TestClock.adjust("10 seconds")
      const executions = yield* ask("GET", "/v1/tenants/north/executions", { key: "clk_ci" })
      assert.strictEqual(executions.status, 200)
      const [execution] = executions.member("items") as ReadonlyArray<{ readonly id: string; readonly status: string }>
      assert.strictEqual(execution?.status, "Completed")
      const asked = yield* ask("GET", `/v1/tenants/north/executions/${execution?.id}/tasks`, { key: god })
      const tasks = asked.member("tasks") as ReadonlyArray<{ readonly status: string; readonly attempt: number }>
      assert.deepStrictEqual(tasks.map(({ attempt, status }) => [status, attempt]), [
        ["Completed", 1],
        ["Completed", 2],
        ["Skipped", 1]
      ])
      const secret = yield* ask("GET", "/v1/tenants/north/secrets/warehouse", { key: god })
      assert.deepStrictEqual(secret.member("field_names"), ["user"])
      const triggers = yield* ask("GET", "/v1/tenants/south/triggers", { key: god })
      assert.strictEqual(triggers.member("total"), 2)
      const login = yield* ask("POST", "/v1/auth/local/login", {
        body: { username: "ana", password: "pw", tenant: "north" }
      })
      assert.strictEqual(login.member("role"), "admin")
      assert.strictEqual((yield* ask("GET", "/v1/health/graphs/g", { key: god })).status, 200)
      assert.deepStrictEqual(codeOf(yield* ask("GET", "/v1/tenants/north/workflows/later", { key: god })), [
        404,
        "workflow_not_found"
      ])
    }).pipe(Effect.provide(emulator(Either.getOrThrow(Seed.decode(full))))))

  it("names where it is wrong, and the rule", () => {
    const workflow = (members: unknown) => faultsOf({ workflows: [{ name: "w", ...Object(members) }] })
    assert.deepStrictEqual(faultsOf({ tenents: [] }).map((fault) => fault.split(":")[0]), ["tenents"])
    assert.deepStrictEqual(faultsOf([]).length, 1)
    assert.match(faultsOf({ keys: [{ name: "a", role: "owner" }] })[0] ?? "", /^keys\[0\]\.role: /)
    assert.match(faultsOf({ buildTime: "soon" })[0] ?? "", /^buildTime: .*milliseconds or a text like/)
    assert.match(faultsOf({ buildTime: -1 })[0] ?? "", /^buildTime: /)
    assert.deepStrictEqual(workflow({ tasks: [{ id: "a", after: ["b"] }] }), [
      "workflows[0].tasks: task 'a' waits for 'b', which does not exist"
    ])
    assert.match(
      workflow({ triggers: [{ cron: "every day" }] })[0] ?? "",
      /^workflows\[0\]\.triggers\[0\]\.cron: Cron parsing error: Invalid pattern: Pattern must have 5 or 6 fields/
    )
    assert.match(
      workflow({ triggers: [{ cron: "* * * * *", timezone: "Mars/Base" }] })[0] ?? "",
      /^workflows\[0\]\.triggers\[0\]\.timezone: Invalid timezone: Mars\/Base/
    )
    assert.strictEqual(faultsOf({ keys: [{ name: 1, role: "read" }], tenants: [""] }).length, 2)
  })

  it("never shows a secret in a fault", () => {
    const faults = faultsOf({
      key: ["s3same"],
      secrets: [{ tenant: "t", name: "n", fields: { f: { deep: "s3same" } } }]
    })
    assert.isNotEmpty(faults)
    assert.notInclude(faults.join(), "s3same")
  })
})
