import { it } from "@effect/vitest"
import * as CloacinaTesting from "effect-switchyard/cloacina/testing"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Path from "node:path"
import { assert, describe } from "vitest"
import { program, until } from "../../cli/support.js"

const pipeline = program("examples/cloacina-pipeline/main.ts")
const start = program("scripts/start.ts")
const file = Path.resolve("examples/flow-diamond.cloacina")
const args = [file, "--context", `{ "region": "eu" }`]
const key = "planted-k3y"

const { fails, succeeds, task, workflow } = CloacinaTesting

/** A server elsewhere, as far as the pipeline knows: its environment. */
const elsewhere = (tasks: ReadonlyArray<CloacinaTesting.Task>) =>
  Effect.map(
    Layer.build(CloacinaTesting.layerServer({
      key: Redacted.make(key),
      tenants: ["north"],
      workflows: [workflow("flow_diamond", { tasks })]
    })),
    (context) => ({
      CLOACINA_SERVER_URL: Context.get(context, CloacinaTesting.TestServer).url,
      CLOACINA_API_KEY: key,
      CLOACINA_TENANT: "north"
    })
  )

describe("pipeline", () => {
  it("runs a package on an emulator of its own", async () => {
    const { code, stderr, stdout } = await pipeline.run(args)
    assert.deepStrictEqual([code, stderr], [0, ""])
    assert.match(stdout, /^\S+\/flow-diamond\.cloacina on http:\/\/127\.0\.0\.1:\d+, tenant demo\nuploaded /)
    assert.match(stdout, /^right task_retry_scheduled attempt 2 at /m)
    assert.match(stdout, /join task_completed\n- 4 of 4 tasks are over\nworkflow_completed\n\nTASK /)
    assert.match(stdout, /^left +completed +1 +1\.\d\d s$/m)
    assert.match(stdout, /^right +completed +2 of 3 +0\.\d\d s$/m)
    assert.match(stdout, /\n\nflow_diamond completed after 3s \d+ms\n$/)
  })

  it.scopedLive("runs on the server that the environment names, and exits with 1 when the execution fails", () =>
    Effect.gen(function*() {
      const env = yield* elsewhere([
        task("load", {
          attempts: [fails("first"), fails("RuntimeError: \u001b[31mred")],
          retry: { delay: 1 },
          maxAttempts: 2
        }),
        task("report", { after: ["load"], attempts: succeeds(), skipped: true })
      ])
      const { code, stderr, stdout } = yield* Effect.promise(() => pipeline.run(args, { env }))
      assert.deepStrictEqual([code, stderr], [1, ""])
      assert.include(stdout, `${file} on ${env.CLOACINA_SERVER_URL}, tenant north\n`)
      assert.match(stdout, /^load +failed +2 of 2 +\d\.\d\d s +.*RuntimeError: \\u001b\[31mred$/m)
      assert.match(stdout, /^report +skipped +1 +- /m)
      assert.match(
        stdout,
        /\nflow_diamond failed after \S+: 1 task\(s\) failed, 0 completed, 1 skipped; load: .*red\n$/
      )
      assert.notInclude(stdout, "\u001b")

      const refused = yield* Effect.promise(() => pipeline.run(args, { env: { ...env, CLOACINA_API_KEY: "an0ther" } }))
      assert.strictEqual(refused.code, 1)
      assert.match(refused.stderr, /^pipeline: [^\n]*401[^\n]*\n$/)
      assert.notMatch(stdout + refused.stdout + refused.stderr, /planted|an0ther/)
    }))

  it.scopedLive("leaves the execution alone on Ctrl-C, and exits with 130", () =>
    Effect.gen(function*() {
      const env = yield* elsewhere([task("endless", { takes: "1 hour" })])
      const running = pipeline.start(args, { env })
      yield* Effect.promise(() =>
        until(() => running.seen.stdout.includes("endless task_marked_ready"), "the execution runs")
      )
      running.child.kill("SIGINT")
      running.child.kill("SIGINT")
      const { code, stdout } = yield* Effect.promise(() => running.ended)
      assert.strictEqual(code, 130)
      const [, id] = /^started (\S+)$/m.exec(stdout) ?? []
      assert.include(stdout, `- execution ${id} goes on: the server has no way to cancel it\n`)
    }))

  it("exits with 2 when the arguments or the file are wrong", async () => {
    for (
      const [wrong, message] of [
        [[file, "--context", "[1]"], /^pipeline: --context has to be a JSON object\n$/],
        [[file, "--contxt", "{}"], /^pipeline: Unknown option '--contxt'/],
        [[file, "other"], /^pipeline: one package at a time, not other as well\n$/],
        [["absent.cloacina"], /^pipeline: the package absent\.cloacina cannot be read: NotFound\n$/],
        [["package.json"], /^pipeline: [^\n]*\(400 upload_failed\)[^\n]*\n$/]
      ] as const
    ) {
      const { code, stderr } = await pipeline.run(wrong)
      assert.strictEqual(code, 2, stderr)
      assert.match(stderr, message)
    }
  })
})

describe("npm start", () => {
  it("hands its arguments to the program of the plane", async () => {
    for (
      const [given, message] of [
        [["absent.yaml"], /absent\.yaml/],
        [["--plane", "solti", "absent.yaml"], /absent\.yaml/],
        [["--plane", "cloacina", "absent.cloacina"], /^pipeline: the package absent\.cloacina cannot be read/],
        [["absent.cloacina", "--plane=cloacina"], /^pipeline: the package absent\.cloacina cannot be read/],
        [["--plane", "toString"], /^start: no plane "toString"; there are solti and cloacina\n$/],
        [["--plane"], /^start: no plane ""; there are solti and cloacina\n$/]
      ] as const
    ) {
      const { code, stderr } = await start.run(given)
      assert.strictEqual(code, 2, stderr)
      assert.match(stderr, message)
    }
  })
})
