import { describe, layer } from "@effect/vitest"
import * as CloacinaTesting from "effect-switchyard/cloacina/testing"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { afterAll, assert, beforeAll } from "vitest"
import { cloacina, startWith, switchyard, until } from "../inProcess.js"
import { freePort } from "../support.js"

const { fails, param, secret, succeeds, task, trigger, workflow } = CloacinaTesting

let directory: string

beforeAll(() => {
  directory = Fs.mkdtempSync(Path.join(Os.tmpdir(), "switchyard-cloacina-"))
})

afterAll(() => Fs.rmSync(directory, { recursive: true, force: true }))

const oneLine = /^switchyard: [^\n]+\n$/

const objects = (stdout: string) => stdout.trim().split("\n").map((line) => JSON.parse(line))

const columns = (line: string | undefined) => (line ?? "").split(/ {2,}/)

const unknownId = "6f1c1f5e-8f39-4b53-9d4e-55a1f7d3c0aa"

const key = "planted-god-key"

const diamond = "examples/flow-diamond.cloacina"

const options: CloacinaTesting.Options = {
  key: Redacted.make(key),
  tenants: ["north"],
  buildTime: "20 millis",
  storedSecrets: [
    { tenant: "north", name: "warehouse", fields: { password: Redacted.make("planted-secret-value") } }
  ],
  workflows: [
    workflow("close_month", {
      tenant: "north",
      package: "close-books",
      version: "1.4.0",
      description: "Closes \u001b[31m books",
      params: [param("region", "string"), param("year", "integer", { default: 2026 })],
      tasks: [
        task("extract", { what: "reads" }),
        task("load", {
          after: ["extract"],
          attempts: [fails("disk \u001b[31mfull"), succeeds()],
          retry: { delay: "10 millis", jitter: false }
        }),
        task("report", { after: ["load"] })
      ],
      triggers: [trigger("ledger_closed", { every: "1 hour" }), CloacinaTesting.cron("0 * * * *")]
    }),
    workflow("broken", {
      tenant: "north",
      tasks: [task("load", { attempts: fails("disk \u001b[31mfull"), maxAttempts: 1 })]
    }),
    workflow("echo", {
      tenant: "north",
      tasks: [task("say", { attempts: ({ context }) => fails(JSON.stringify(context)), maxAttempts: 1 })]
    }),
    workflow("guarded", { tenant: "north", params: [secret("db")], tasks: [task("use")] }),
    workflow("slow", { tenant: "north", tasks: [task("wait", { takes: "700 millis" })] })
  ]
}

const north = (args: ReadonlyArray<string>, settings?: Parameters<typeof cloacina>[1]) =>
  cloacina(args, { ...settings, env: { CLOACINA_TENANT: "north", ...settings?.env } })

const start = (args: ReadonlyArray<string>) => startWith((settings) => north(args, settings))

/** The id of an execution that is over. */
const executed = (name: string, ...args: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    const { stdout } = yield* north(["execute", name, "--no-follow", ...args])
    yield* north(["executions", "await", stdout.trim()])
    return stdout.trim()
  })

layer(CloacinaTesting.layerServer(options), { excludeTestServices: true })("cloacina", (it) => {
  describe("execute", () => {
    it.effect("writes events on stdout, and how many tasks are done on stderr", () =>
      Effect.gen(function*() {
        const { code, stderr, stdout } = yield* north(["execute", "close_month", "--param", "region=eu"])
        assert.strictEqual(code, 0)
        assert.strictEqual(stderr, "1 of 3 tasks\n2 of 3 tasks\n3 of 3 tasks\n")
        const [first = "", ...lines] = stdout.trimEnd().split("\n")
        assert.match(first, /^started [\da-f-]{36}$/)
        assert.match(lines.at(-1) ?? "", /^= completed after /)
        assert.includeMembers(lines, ["extract task_marked_ready", "extract task_completed", "workflow_completed"])
      }))

    it.effect("keeps a line with its progress at the bottom of a terminal", () =>
      Effect.gen(function*() {
        const { code, stderr, stdout } = yield* north(["execute", "close_month", "-p", "region=eu"], { terminal: 80 })
        assert.strictEqual(code, 0)
        assert.match(stdout, /\n= completed after .*\n$/)
        const [first, ...drawn] = stderr.split("\r\u001b[J")
        assert.strictEqual(first, "[--------------------] 0 of 3 tasks: extract")
        assert.include(drawn, "[#############-------] 2 of 3 tasks: report")
        assert.deepStrictEqual(drawn.slice(-2), ["[####################] 3 of 3 tasks", ""])
      }))

    it.effect("exits with 1 when the execution fails, and lets no control character through", () =>
      Effect.gen(function*() {
        const { code, stderr, stdout } = yield* north(["execute", "broken"])
        assert.strictEqual(code, 1)
        assert.strictEqual(stderr, "1 of 1 tasks\n")
        assert.match(
          stdout,
          /\n= failed after .*1 task\(s\) failed, 0 completed, 0 skipped; load: .*disk \\u001b\[31mfull/
        )
        assert.notInclude(stdout, "\u001b")
      }))

    it.effect("writes one object a line with --json", () =>
      Effect.gen(function*() {
        const { code, stderr, stdout } = yield* north(["execute", "broken", "--json"])
        assert.deepStrictEqual([code, stderr], [1, ""])
        const [started, ...events] = objects(stdout)
        const { outcome, type } = events.pop()
        assert.deepStrictEqual(started, { type: "started", executionId: outcome.executionId })
        assert.strictEqual(type, "ended")
        assert.deepInclude(outcome, { status: "Failed", reason: "1 task(s) failed, 0 completed, 0 skipped" })
        assert.isNumber(outcome.durationMs)
        assert.deepInclude(outcome.failures[0], { task: "load", attempt: 1 })
        assert.deepInclude(outcome.tasks[0], { status: "Failed", attempt: 1, started_at: outcome.tasks[0].started_at })
        const failed = events.find(({ event }) => event.event_type === "task_failed")
        assert.deepInclude(failed, { type: "event", late: false, tasks: { done: 1, total: 1 } })
        assert.strictEqual(failed.event.task_name, "north::broken::broken::load")
      }))

    it.effect("hands over the context: an object, from a file, and single values that win", () =>
      Effect.gen(function*() {
        const given = [
          "-p",
          "a=3",
          "-p",
          "b=three",
          "--param",
          "c=[1,null]",
          "-p",
          "d=\"3\"",
          "-p",
          "e=x=y",
          "-p",
          "f="
        ]
        const context = { a: 3, b: "three", c: [1, null], d: "3", e: "x=y", f: "", kept: { deep: true } }
        const contextOf = (stdout: string) => {
          const { failures } = objects(stdout).at(-1).outcome
          return JSON.parse(failures[0].error.slice(failures[0].error.indexOf("{")))
        }
        const text = JSON.stringify({ a: 1, kept: { deep: true } })
        const inline = yield* north(["execute", "echo", "--json", "--context", text, ...given])
        assert.deepInclude(contextOf(inline.stdout), context)
        const fromStdin = yield* north(["execute", "echo", "--json", "--context-file", "-", ...given], { stdin: text })
        assert.deepInclude(contextOf(fromStdin.stdout), context)
        const file = Path.join(directory, "context.json")
        Fs.writeFileSync(file, text)
        const fromFile = yield* north(["execute", "echo", "--json", "--context-file", file])
        assert.deepInclude(contextOf(fromFile.stdout), { a: 1, kept: { deep: true } })
      }))

    it.effect("binds secrets by name", () =>
      Effect.gen(function*() {
        const bound = yield* north(["execute", "guarded", "--secret", "db=warehouse"])
        assert.strictEqual(bound.code, 0)
        assert.notInclude(bound.stdout + bound.stderr, "planted-secret-value")
        const unbound = yield* north(["execute", "guarded", "--param", "db=warehouse"])
        assert.strictEqual(unbound.code, 2)
        assert.include(unbound.stderr, "db")
      }))

    it.effect("shows the id when nobody wants to follow", () =>
      Effect.gen(function*() {
        const person = yield* north(["execute", "slow", "--no-follow"])
        assert.match(person.stdout, /^[\da-f-]{36}\n$/)
        const machine = yield* north(["execute", "slow", "--no-follow", "--json"])
        const [accepted] = objects(machine.stdout)
        assert.deepInclude(accepted, { workflow_name: "slow", tenant_id: "north", status: "scheduled" })
        assert.deepStrictEqual([person.code, machine.code, person.stderr, machine.stderr], [0, 0, "", ""])
      }))

    it.effect("leaves the execution alone when a signal comes, and says so", () =>
      Effect.gen(function*() {
        for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143], ["SIGPIPE", 141]] as const) {
          const run = yield* start(["execute", "slow"])
          yield* until(() => run.seen.stdout.includes("task_marked_ready"))
          yield* run.send(signal)
          const ended = yield* Fiber.join(run.fiber)
          assert.strictEqual(ended.code, code)
          assert.match(ended.stderr, oneLine)
          const id = /^started (.*)/.exec(ended.stdout)?.[1] ?? ""
          assert.include(ended.stderr, `${id} goes on`)
          assert.strictEqual((yield* north(["executions", "await", id])).code, 0)
        }
      }))

    it.effect("goes on asking for as long as it was told to while the workflow is not loaded", () =>
      Effect.gen(function*() {
        const begin = performance.now()
        const { code, stderr } = yield* cloacina(["execute", "nope", "--wait-until-loaded", "400ms"])
        assert.strictEqual(code, 2)
        assert.include(stderr, "not found in registry")
        assert.isAtLeast(performance.now() - begin, 395)
      }))
  })

  describe("executions", () => {
    it.effect("are listed, filtered and limited", () =>
      Effect.gen(function*() {
        const id = yield* executed("broken")
        yield* executed("close_month", "-p", "region=eu")
        const list = yield* north(["executions", "list", "--workflow", "broken", "--status", "Failed"])
        const [header, ...rows] = list.stdout.trimEnd().split("\n")
        assert.deepStrictEqual(columns(header), ["ID", "WORKFLOW", "STATUS", "AGE", "TOOK", "ORIGIN"])
        const [newest = []] = rows.map(columns)
        assert.deepStrictEqual([...newest.slice(0, 3), newest[5]], [id, "broken", "Failed", "manual"])
        const limited = yield* north(["executions", "list", "--limit", "2", "--json"])
        assert.lengthOf(objects(limited.stdout), 2)
        assert.deepInclude(objects(limited.stdout)[1], { id, status: "Failed", trigger_origin: "manual" })
        const none = yield* north(["executions", "list", "--status", "Paused"])
        assert.deepStrictEqual(none, { code: 0, stdout: "", stderr: "no executions\n" })
      }))

    it.effect("show where they stand, their tasks, their log and their end", () =>
      Effect.gen(function*() {
        const id = yield* executed("close_month", "-p", "region=eu")
        const get = yield* north(["executions", "get", id])
        assert.strictEqual(get.stdout, `id      ${id}\nstatus  Completed\ntenant  north\n`)
        const tasks = yield* north(["executions", "tasks", id])
        assert.match(tasks.stdout, /^load +Completed +2\/3 /m)
        const events = yield* north(["executions", "events", id])
        assert.match(events.stdout, /^TIME +EVENT\n\d{4}-.*extract task_marked_ready\n/)
        const log = objects((yield* north(["executions", "events", id, "--json"])).stdout)
        assert.strictEqual(log.at(-1).event_type, "workflow_completed")
        const follow = yield* north(["executions", "follow", id, "--json"])
        assert.deepStrictEqual(objects(follow.stdout).map(({ type }) => type), [...log.map(() => "event"), "ended"])
        const ended = yield* north(["executions", "await", id])
        assert.match(ended.stdout, /^= completed after .*\n$/)
        const broken = yield* north(["executions", "await", yield* executed("broken"), "--json"])
        assert.strictEqual(broken.code, 1)
        assert.deepInclude(objects(broken.stdout)[0], { type: "ended" })
      }))

    it.effect("that are not there end with 3", () =>
      Effect.gen(function*() {
        for (const verb of ["get", "tasks", "events", "follow", "await"]) {
          const { code, stderr, stdout } = yield* north(["executions", verb, unknownId])
          assert.deepStrictEqual([code, stdout], [3, ""], verb)
          assert.match(stderr, oneLine)
        }
      }))
  })

  describe("workflows", () => {
    it.effect("are shown with their packages, tasks and parameters", () =>
      Effect.gen(function*() {
        const list = yield* north(["workflows", "list"])
        const row = list.stdout.split("\n").find((line) => line.startsWith("close_month"))
        assert.deepStrictEqual(columns(row).slice(0, 5), ["close_month", "close-books", "1.4.0", "3", "no"])
        assert.include(row, "Closes \\u001b[31m books")
        const get = yield* north(["workflows", "get", "close-books"])
        assert.match(get.stdout, /^build +success$/m)
        assert.match(get.stdout, /^param +region$/m)
        assert.match(get.stdout, /^param +year \(optional, default 2026\)$/m)
        assert.match(get.stdout, /^task +report after load$/m)
        const [detail] = objects((yield* north(["workflows", "get", "close-books", "--json"])).stdout)
        assert.deepInclude(detail, { package_name: "close-books", build_status: "success", build_error: null })
        const unknown = yield* north(["workflows", "get", "nope"])
        assert.strictEqual(unknown.code, 3)
        assert.match(unknown.stderr, oneLine)
      }))

    it.effect("are paused and resumed", () =>
      Effect.gen(function*() {
        assert.strictEqual((yield* north(["workflows", "pause", "slow"])).stdout, "paused slow\n")
        const refused = yield* north(["execute", "slow", "--json"])
        assert.deepStrictEqual([refused.code, refused.stdout], [1, ""])
        assert.deepInclude(JSON.parse(refused.stderr), { error: "Conflict", code: "workflow_paused", exitCode: 1 })
        const resumed = yield* north(["workflows", "resume", "slow", "--json"])
        assert.deepInclude(objects(resumed.stdout)[0], { status: "resumed", paused: false })
      }))

    it.effect("are deployed from a file, shown as source and removed", () =>
      Effect.gen(function*() {
        const deploy = yield* cloacina(["workflows", "deploy", diamond])
        assert.strictEqual(deploy.code, 0)
        // Loaded before the first look at the build, it cannot be seen to be loaded later.
        assert.match(deploy.stdout, /^ready: flow_diamond 1\.0\.0 \((?:loaded|built)\)\n$/)
        assert.match(
          deploy.stderr,
          /^uploaded [\da-f-]{36}\n(build .*\n)*built flow-diamond 1\.0\.0\n(loading flow_diamond\n)?$/
        )
        const again = yield* cloacina(["workflows", "deploy", diamond, "--json", "--probe", "-p", "region=eu"])
        const phases = objects(again.stdout)
        assert.deepStrictEqual(Array.from(new Set(phases.map(({ type }) => type))), [
          "uploading",
          "uploaded",
          "built",
          "loading",
          "ready"
        ])
        const { deployment } = phases.at(-1)
        assert.deepInclude(deployment, { known: true, workflow: "flow_diamond", loading: "observed" })
        assert.match(deployment.probe, /^[\da-f-]{36}$/)
        assert.strictEqual(deployment.detail.build_status, "success")

        const source = yield* cloacina(["workflows", "source", "flow-diamond"])
        assert.match(source.stdout, /^PATH +LANGUAGE +LINES\npackage\.toml +toml +\d+\n/)
        const file = yield* cloacina(["workflows", "source", "flow-diamond", "--file", "package.toml"])
        assert.match(file.stdout, /^name = "flow-diamond"$/m)
        const missing = yield* cloacina(["workflows", "source", "flow-diamond", "--file", "nope.py"])
        assert.deepStrictEqual([missing.code, missing.stdout], [3, ""])

        const removed = yield* cloacina(["workflows", "remove", "flow-diamond", "1.0.0"])
        assert.strictEqual(removed.stdout, "removed flow-diamond 1.0.0\n")
        const none = yield* cloacina(["workflows", "list"])
        assert.deepStrictEqual(none, { code: 0, stdout: "", stderr: "no workflows\n" })
      }))
  })

  describe("triggers", () => {
    it.effect("are listed, shown, fired, paused and resumed", () =>
      Effect.gen(function*() {
        const list = yield* north(["triggers", "list"])
        const rows = list.stdout.split("\n").map(columns)
        assert.deepInclude(rows.map((row) => row.slice(0, 4)), ["ledger_closed", "close_month", "poll every 1h", "on"])
        assert.deepInclude(rows.map((row) => row.slice(0, 4)), ["-", "close_month", "cron 0 * * * *", "on"])
        const paused = yield* north(["triggers", "pause", "ledger_closed"])
        assert.strictEqual(paused.stdout, "paused ledger_closed\n")
        assert.match((yield* north(["triggers", "get", "ledger_closed"])).stdout, /^state +paused since \d{4}-/m)
        assert.strictEqual((yield* north(["triggers", "resume", "ledger_closed"])).stdout, "resumed ledger_closed\n")
        const fired = yield* north(["triggers", "fire", "ledger_closed", "--param", "region=eu", "--json"])
        const [answer] = objects(fired.stdout)
        assert.deepInclude(answer, { trigger: "ledger_closed", fired: 1 })
        const outcome = yield* north(["executions", "await", answer.executions[0].execution_id])
        assert.strictEqual(outcome.code, 0)
        const person = yield* north(["triggers", "fire", "ledger_closed", "--event", "{\"region\":\"eu\"}"])
        assert.match(person.stdout, /^ledger_closed: 1 started\n[\da-f-]{36} {2}close_month\n$/)
        const unknown = yield* north(["triggers", "fire", "nope"])
        assert.deepStrictEqual([unknown.code, unknown.stdout], [3, ""])
      }))
  })

  describe("tenants", () => {
    it.effect("are made, listed and removed", () =>
      Effect.gen(function*() {
        const created = yield* cloacina(["tenants", "create", "south", "--description", "The south", "--json"])
        assert.deepInclude(objects(created.stdout)[0], { name: "south", description: "The south" })
        assert.strictEqual((yield* cloacina(["tenants", "list"])).stdout, "TENANT\nnorth\nsouth\n")
        assert.deepStrictEqual(objects((yield* cloacina(["tenants", "list", "--json"])).stdout), [
          { name: "north" },
          { name: "south" }
        ])
        assert.match((yield* cloacina(["tenants", "remove", "south"])).stdout, /^removed +south\nkeys revoked +0\n/)
        const wrong = yield* cloacina(["tenants", "create", "South"])
        assert.strictEqual(wrong.code, 2)
        assert.include(wrong.stderr, "name: must be lower case")
      }))
  })

  describe("the server", () => {
    it.effect("says who asks, and how it is", () =>
      Effect.gen(function*() {
        const whoami = yield* cloacina(["whoami"])
        assert.strictEqual(whoami.stdout, "key     bootstrap-admin\nrole    admin (god)\ntenant  all\n")
        assert.deepInclude(objects((yield* cloacina(["whoami", "--json"])).stdout)[0], {
          tenant_id: null,
          is_admin: true
        })
        const healthy = yield* cloacina(["health"], { env: { CLOACINA_API_KEY: "" } })
        assert.deepStrictEqual(healthy, { code: 0, stdout: "ok, ready\n", stderr: "" })
        const emulator = yield* CloacinaTesting.Emulator
        yield* emulator.setNotReady("database unreachable")
        const person = yield* cloacina(["health"])
        assert.deepStrictEqual(person, { code: 5, stdout: "ok, not ready: database unreachable\n", stderr: "" })
        const machine = yield* cloacina(["health", "--json"])
        assert.deepStrictEqual(objects(machine.stdout), [
          { status: "ok", ready: false, reason: "database unreachable" }
        ])
        yield* emulator.setNotReady(undefined)
      }))

    it.effect("is watched: as objects, as lines, as a table", () =>
      Effect.gen(function*() {
        const watch = ["ops", "watch", "--count", "1"]
        const [machine, pipe, terminal] = yield* Effect.all([
          cloacina([...watch, "--json"]),
          cloacina(watch),
          cloacina(watch, { terminal: 80 })
        ])
        assert.deepInclude(objects(machine.stdout)[0].server, { alive: true, ready: true })
        assert.match(
          pipe.stdout,
          /^\d{4}-\S+ {2}server alive, ready; compiler .*; packages ok, .*; agents 0, 0 busy\n$/
        )
        assert.match(
          terminal.stdout,
          /^time +\d{4}-\S+\nserver +alive, ready\ncompiler +\w+, .*\npackages +ok, .*\nagents +0\n$/
        )
        for (const { code, stderr } of [machine, pipe, terminal]) assert.deepStrictEqual([code, stderr], [0, ""])
      }))

    it.effect("is watched until a signal comes", () =>
      Effect.gen(function*() {
        const run = yield* start(["ops", "watch", "--json"])
        yield* until(() => run.seen.stdout.includes("\n"))
        yield* run.send("SIGINT")
        const { code, stderr } = yield* Fiber.join(run.fiber)
        assert.deepStrictEqual([code, stderr], [130, ""])
      }))
  })

  describe("how to get in", () => {
    const secrets = [key, "wrong-planted-key"]

    it.effect("by a key from the environment or a file, which nobody shows", () =>
      Effect.gen(function*() {
        const file = Path.join(directory, "key")
        Fs.writeFileSync(file, ` ${key}\n`)
        const wrong = { CLOACINA_API_KEY: "wrong-planted-key" }
        const ends = [
          [yield* cloacina(["tenants", "list", "--key-file", file], { env: wrong }), 0],
          [yield* cloacina(["tenants", "list", "--json"], { env: wrong }), 4],
          [yield* cloacina(["workflows", "list"], { env: { CLOACINA_API_KEY: "" } }), 4],
          [yield* cloacina(["workflows", "get", "nope", "--json"]), 3],
          [yield* cloacina(["tenants", "list", "--url", "http://flows.invalid"]), 2]
        ] as const
        for (const [{ code, stderr, stdout }, expected] of ends) {
          assert.strictEqual(code, expected)
          for (const secret of secrets) assert.notInclude(stdout + stderr, secret)
        }
        assert.deepInclude(JSON.parse(ends[1][0].stderr), { error: "Unauthorized", status: 401, exitCode: 4 })
        assert.include(ends[4][0].stderr, "https")
      }))

    it.effect("by a role that does not do", () =>
      Effect.gen(function*() {
        const reader = yield* (yield* CloacinaTesting.Emulator).issueKey({ name: "r", role: "read", tenant: "north" })
        const env = { CLOACINA_API_KEY: Redacted.value(reader) }
        assert.strictEqual((yield* north(["workflows", "list"], { env })).code, 0)
        const refused = yield* north(["execute", "slow"], { env })
        assert.strictEqual(refused.code, 4)
        assert.match(refused.stderr, /HTTP 403/)
      }))

    it.effect("by a profile", () =>
      Effect.gen(function*() {
        const { url } = yield* CloacinaTesting.TestServer
        Fs.mkdirSync(Path.join(directory, ".cloacina"))
        Fs.writeFileSync(
          Path.join(directory, ".cloacina", "config.toml"),
          `default_profile = "lab"\n[profiles.lab]\nserver = "${url}"\napi_key = "env:FLOWS_KEY"\n` +
            `[profiles.dead]\nserver = "http://127.0.0.1:1"\napi_key = "planted"\n`
        )
        const profile = (args: ReadonlyArray<string>, env = {}) =>
          switchyard(["cloacina", ...args], { env: { HOME: directory, FLOWS_KEY: key, ...env } })
        assert.include((yield* profile(["tenants", "list"])).stdout, "north")
        assert.include((yield* profile(["tenants", "list", "--profile", "lab"])).stdout, "north")
        assert.include(
          (yield* profile(["workflows", "list", "--profile", "lab", "--tenant", "north"])).stdout,
          "close_month"
        )
        const dead = { CLOACINA_SERVER_URL: "http://127.0.0.1:1", CLOACINA_API_KEY: "planted" }
        assert.strictEqual((yield* profile(["tenants", "list"], dead)).code, 5)
        assert.strictEqual((yield* profile(["tenants", "list", "--profile", "lab"], dead)).code, 0)
        assert.strictEqual((yield* profile(["tenants", "list", "--profile", "dead", "--url", url])).code, 4)
        const unknown = yield* profile(["tenants", "list", "--profile", "nope"])
        assert.strictEqual(unknown.code, 2)
        assert.match(unknown.stderr, /there is no profile nope/)
        const unset = yield* profile(["tenants", "list"], { FLOWS_KEY: undefined })
        assert.strictEqual(unset.code, 2)
        assert.match(unset.stderr, /profiles\.lab\.api_key/)
      }))
  })

  describe("what cannot work is said in one line", () => {
    const wrong: ReadonlyArray<readonly [name: string, args: ReadonlyArray<string>, message: RegExp]> = [
      ["no workflow", ["execute"], /missing <workflow>/],
      ["two workflows", ["execute", "a", "b"], /one <workflow> only/],
      ["a context that is no JSON", ["execute", "a", "--context", "{planted"], /--context is not JSON/],
      ["a context that is no object", ["execute", "a", "--context", "[1]"], /--context has to be a JSON object/],
      ["a context twice", ["execute", "a", "--context", "{}", "--context-file", "-"], /not both/],
      ["a context file that is not there", ["execute", "a", "--context-file", "/nowhere"], /cannot read \/nowhere/],
      ["a parameter without a value", ["execute", "a", "--param", "planted"], /--param wants NAME=VALUE/],
      ["a secret without a name", ["execute", "a", "--secret", "=planted"], /--secret wants NAME=VALUE/],
      ["a missing parameter", ["execute", "close_month"], /region: missing required param/],
      ["a parameter of another type", ["execute", "close_month", "-p", "region=3"], /region/],
      ["an unknown option", ["executions", "list", "--stauts", "Failed"], /--stauts/],
      ["a wrong status", ["executions", "list", "--status", "failed"], /Pending, Running/],
      ["a wrong limit", ["executions", "list", "--limit", "0"], /--limit wants a number above 0/],
      ["a wrong duration", ["execute", "a", "--wait-until-loaded", "soon"], /wants a duration/],
      ["no version to remove", ["workflows", "remove", "a"], /missing <version>/],
      ["too much to remove", ["workflows", "remove", "a", "b", "c"], /<package> <version> only/],
      ["a package that is not there", ["workflows", "deploy", "/nowhere.cloacina"], /cannot be read: NotFound/],
      ["a context without a probe", ["workflows", "deploy", diamond, "-p", "a=planted"], /goes with --probe/],
      ["a package that is none", ["workflows", "deploy", "package.json"], /not a valid .cloacina/],
      ["a URL that is none", ["tenants", "list", "--url", "nonsense"], /absolute URL/],
      ["a URL with credentials", ["tenants", "list", "--url", "http://user:planted@127.0.0.1"], /credentials/],
      ["a key file that is not there", ["tenants", "list", "--key-file", "/nowhere"], /cannot read the key file/],
      ["a tenant that is none", ["workflows", "list", "--tenant", " "], /tenant: must not be empty/]
    ]

    for (const [name, args, message] of wrong) {
      it.effect(name, () =>
        Effect.gen(function*() {
          const { code, stderr, stdout } = yield* north(args)
          assert.match(stderr, message)
          assert.match(stderr, oneLine)
          assert.notInclude(stderr, "planted")
          assert.deepStrictEqual([code, stdout], [2, ""])
        }))
    }

    it.effect("no server", () =>
      Effect.gen(function*() {
        const message = "switchyard: no server: give --url or --profile, or set CLOACINA_SERVER_URL\n"
        for (const env of [{}, { HOME: Path.join(directory, "nobody") }]) {
          const end = yield* switchyard(["cloacina", "tenants", "list"], { env })
          assert.deepStrictEqual(end, { code: 2, stdout: "", stderr: message })
        }
        const url = `http://127.0.0.1:${yield* Effect.promise(freePort)}`
        const { code, stderr } = yield* cloacina(["execute", "a", "--url", url, "--json"])
        assert.strictEqual(code, 5)
        assert.deepInclude(JSON.parse(stderr), { error: "TransportError", code: "ECONNREFUSED" })
      }))
  })
})

const failing = CloacinaTesting.layerServer({
  buildTime: "20 millis",
  workflows: [workflow("flow_diamond", { build: { fails: "error: no such module\n  at \u001b[31mtasks.py" } })]
})

layer(failing, { excludeTestServices: true })("cloacina workflows deploy", (it) => {
  it.effect("shows what the compiler has written, and exits with 1", () =>
    Effect.gen(function*() {
      const person = yield* cloacina(["workflows", "deploy", diamond])
      assert.deepStrictEqual([person.code, person.stdout], [1, ""])
      assert.match(
        person.stderr,
        /\nerror: no such module\n {2}at \\u001b\[31mtasks\.py\nswitchyard: the build of flow-diamond 1\.0\.0 failed\n$/
      )
    }))
})

layer(failing, { excludeTestServices: true })("cloacina workflows deploy --json", (it) => {
  it.effect("writes it as an object", () =>
    Effect.gen(function*() {
      const machine = yield* cloacina(["workflows", "deploy", diamond, "--json"])
      assert.strictEqual(machine.code, 1)
      assert.deepInclude(objects(machine.stdout).at(-1), { type: "buildFailed", packageName: "flow-diamond" })
      assert.deepInclude(JSON.parse(machine.stderr), { error: "BuildFailed", exitCode: 1 })
    }))
})
