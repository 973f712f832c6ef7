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

  it("is refused with one line a value: where, and what was expected", () => {
    const attempt =
      "expected \"succeeds\", { \"fails\": text } or { \"sets\": values }, the latter two with or without \"takes\""
    const inTask = (members: object) => ({ workflows: [{ name: "w", tasks: [{ id: "a", ...members }] }] })
    const cases: ReadonlyArray<readonly [json: unknown, ...faults: ReadonlyArray<string>]> = [
      [[], "expected a seed"],
      [{ tenents: [] }, "tenents: is unexpected"],
      [{ "a\nb": [] }, "a\\u000ab: is unexpected"],
      [
        { keys: [{ role: "owner" }] },
        "keys[0].name: is missing",
        "keys[0].role: expected \"read\", \"write\" or \"admin\""
      ],
      [{ keys: [{ name: 1, role: 5 }], tenants: [""] }, ...[
        "tenants[0]: expected a non empty string",
        "keys[0].name: expected a string",
        "keys[0].role: expected \"read\", \"write\" or \"admin\""
      ]],
      [{ buildTime: "soon" }, "buildTime: expected milliseconds or a text like \"2 seconds\""],
      [{ buildTime: -1 }, "buildTime: expected milliseconds or a text like \"2 seconds\""],
      [{ tenants: "north" }, "tenants: expected a list"],
      [inTask({ attempts: ["succeed"] }), `workflows[0].tasks[0].attempts[0]: ${attempt}`],
      [inTask({ attempts: ["succeeds", { fails: 5, takes: {} }] }), `workflows[0].tasks[0].attempts[1]: ${attempt}`],
      [inTask({ attempts: [] }), "workflows[0].tasks[0].attempts[0]: is missing"],
      [inTask({ maxAttempts: 1.5 }), "workflows[0].tasks[0].maxAttempts: expected an integer"],
      [{ workflows: [{ name: "w", archive: "%" }] }, "workflows[0].archive: expected bytes in base64"],
      [{ workflows: [{ name: "w", tenant: 5 }] }, "workflows[0].tenant: expected a name or a list of names"],
      [
        { workflows: [{ name: "w", params: [{ name: "p", type: "text" }] }] },
        "workflows[0].params[0].type: expected a type of JSON, \"any\", \"secret\" or a JSON schema"
      ],
      [
        { workflows: [{ name: "w", triggers: [{ name: "t" }] }] },
        "workflows[0].triggers[0]: expected { \"cron\": text } with or without \"timezone\", " +
        "or { \"name\": text, \"every\": time } with or without \"on\" and \"firesEvery\""
      ]
    ]
    for (const [json, ...faults] of cases) assert.deepStrictEqual(faultsOf(json), faults)
  })

  it("is refused with the rule that it breaks", () => {
    const workflow = (members: object) => ({ workflows: [{ name: "w", ...members }] })
    const graph = (members: object) => ({ graphs: [{ name: "g", reactor: "r", accumulators: ["a"], ...members }] })
    const nobody = "there is no tenant 'x': neither `tenants` nor a workflow names it"
    const edge = (from: string, to: string) => ({ from, to, label: null })
    const account = { username: "ana", password: "pw", role: "read" }
    const cases: ReadonlyArray<readonly [json: unknown, ...faults: ReadonlyArray<string>]> = [
      [{ tenants: ["north", "north"] }, "tenants[1]: 'north' is there already"],
      [{ tenants: ["9x", "a-b", "postgres", "North", "pg_x", "public"] }, ...[
        "tenants[0]: Schema name must start with a letter or underscore: '9x'",
        "tenants[1]: Schema name contains invalid characters (only alphanumeric and underscore allowed): 'a-b'",
        "tenants[2]: Schema name is reserved: 'postgres'",
        "tenants[3]: 'North' has upper case, which the database folds: 'north'",
        "tenants[4]: unacceptable schema name \"pg_x\""
      ]],
      [
        workflow({ tenant: "a-b" }),
        "workflows[0].tenant: Schema name contains invalid characters " +
        "(only alphanumeric and underscore allowed): 'a-b' (workflow 'w')"
      ],
      [workflow({ tenant: ["a", "a"] }), "workflows[0].tenant[1]: 'a' is there already (workflow 'w')"],
      [{ keys: [{ name: "k", role: "read", tenant: "x" }] }, `keys[0].tenant: ${nobody}`],
      [{ accounts: [{ ...account, tenant: "x" }] }, `accounts[0].tenant: ${nobody}`],
      [{ secrets: [{ tenant: "x", name: "s", fields: {} }] }, `secrets[0].tenant: ${nobody}`],
      [graph({ tenant: "x" }), `graphs[0].tenant: ${nobody}`],
      [{ executions: [{ tenant: "x", workflow: "w" }] }, `executions[0].tenant: ${nobody}`],
      [
        { ...workflow({}), executions: [{ tenant: "public", workflow: "w" }] },
        "executions[0].workflow: there is no workflow 'w' in the tenant 'public' from the start"
      ],
      [{ accounts: [account, account] }, "accounts[1].username: 'ana' is there already"],
      [
        { tenants: ["a"], secrets: ["a", "public", "a"].map((tenant) => ({ tenant, name: "s", fields: {} })) },
        "secrets[2].name: 's' is there already"
      ],
      [
        { workflows: [{ name: "w" }, { name: "w", version: "2" }, { name: "w" }] },
        "workflows[2].name: 'w' is there already"
      ],
      [
        { workflows: [{ name: "w", tenant: "a" }, { name: "w", tenant: "b" }, { name: "w", tenant: ["c", "a"] }] },
        "workflows[2].name: 'w' is there already in the tenant 'a'"
      ],
      [workflow({ params: [{ name: "p", type: "any" }, { name: "p", type: "any" }] }), ...[
        "workflows[0].params[1].name: 'p' is there already (workflow 'w')"
      ]],
      [workflow({ tasks: [{ id: "a", after: ["b"] }, { id: "a" }, { id: "c", after: ["c"] }] }), ...[
        "workflows[0].tasks: task 'a' waits for 'b', which does not exist (workflow 'w')",
        "workflows[0].tasks: two tasks have the id 'a' (workflow 'w')",
        "workflows[0].tasks: tasks wait for each other in a circle (workflow 'w')"
      ]],
      [workflow({ triggers: [{ cron: "every day" }, { cron: "* * * * *", timezone: "Mars/Base" }] }), ...[
        "workflows[0].triggers[0].cron: Cron parsing error: Invalid pattern: " +
        "Pattern must have 5 or 6 fields when years are disallowed. (workflow 'w')",
        "workflows[0].triggers[1].timezone: Invalid timezone: Mars/Base (workflow 'w')"
      ]],
      [workflow({ triggers: [{ name: "t", every: 1 }, { cron: "* * * * *" }, { name: "t", every: 2 }] }), ...[
        "workflows[0].triggers[2].name: 't' is there already (workflow 'w')"
      ]],
      [
        workflow({ archive: "aaaa" }),
        "workflows[0].archive: Package validation failed: Package data is not a valid " +
        ".cloacina bzip2 source archive. Raw library registration is not supported. (workflow 'w')"
      ],
      [graph({ accumulators: ["a", "a"] }), "graphs[0].accumulators[1].name: 'a' is there already (graph 'g')"],
      [graph({ nodes: ["x", "x"].map((id) => ({ id, inputs: [] })) }), ...[
        "graphs[0].nodes[1].id: 'x' is there already (graph 'g')"
      ]],
      [
        graph({ nodes: ["x", "y"].map((id) => ({ id, inputs: [] })), edges: [edge("x", "y"), edge("z", "x")] }),
        "graphs[0].edges[1].from: there is no node 'z' (graph 'g')"
      ],
      [
        graph({ nodes: ["x", "y"].map((id) => ({ id, inputs: [] })), edges: [edge("x", "y"), edge("y", "x")] }),
        "graphs[0].edges: they lead in a circle (graph 'g')"
      ],
      [{ graphs: [...graph({}).graphs, ...graph({}).graphs] }, "graphs[1].name: 'g' is there already"]
    ]
    for (const [json, ...faults] of cases) assert.deepStrictEqual(faultsOf(json), faults)
  })

  it("never shows a secret in a fault", () => {
    const s3same = "s3same"
    const seeds = [
      { key: [s3same], secrets: [{ tenant: "t", name: "n", fields: { f: { deep: s3same } } }] },
      { keys: s3same, accounts: [s3same], secrets: [{ tenant: "public", name: "n", fields: s3same }] },
      { accounts: [{ username: 5, password: s3same, role: "read" }, { username: "a", password: s3same }] },
      { key: s3same, keys: [{ name: "a", role: "read", key: s3same }, { name: "b", role: "read", key: s3same }] },
      { accounts: [{ username: "a", password: s3same, role: "read", tenant: "x" }] },
      { keys: [{ name: "a", role: "read", key: "" }] }
    ]
    for (const seed of seeds) {
      assert.isNotEmpty(faultsOf(seed))
      assert.notInclude(faultsOf(seed).join(), s3same)
    }
  })
})
