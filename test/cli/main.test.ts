import { assert, describe, it } from "vitest"
import { cli, lives, serve, uniqueSeconds, until } from "./support.js"

const switchyard = cli()

describe("as a process", () => {
  it("ends with the codes of its signals, and stops the task it runs", async () => {
    const server = await serve(switchyard)
    const env = { SOLTI_URL: server.hello.url }
    for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
      const seconds = uniqueSeconds()
      const run = switchyard.start(["solti", "run", "--", "bash", "-c", `echo up; sleep ${seconds}`], { env })
      await until(() => run.seen.stdout.includes("up"), "the task runs")
      run.child.kill(signal)
      // As npx does: it hands on what the terminal has sent already.
      run.child.kill(signal)
      const ended = await run.ended
      assert.strictEqual(ended.code, code)
      assert.match(ended.stderr, /switchyard: stopped default-cli-\d+\n$/)
      assert.isFalse(lives(seconds))
    }
    assert.strictEqual((await server.stop()).code, 0)
  })

  it("ends when nobody reads its output any more", async () => {
    const server = await serve(switchyard)
    const env = { SOLTI_URL: server.hello.url }
    const run = switchyard.start(["solti", "run", "--", "bash", "-c", "while true; do echo tick; sleep 0.05; done"], {
      env
    })
    await until(() => run.seen.stdout.includes("tick"), "the log is followed")
    run.child.stdout.destroy()
    assert.strictEqual((await run.ended).code, 141)
    const tasks = await switchyard.run(["solti", "list"], { env })
    await server.stop()
    assert.strictEqual(tasks.stderr, "no tasks\n")
  })

  it("takes output, errors, stdin and exit code of the process for what they are", async () => {
    const server = await serve(switchyard)
    const env = { SOLTI_URL: server.hello.url }
    const script = "echo out; echo err >&2; exit 3"
    const { code, stderr, stdout } = await switchyard.run(["solti", "run", "--script", "-"], { env, input: script })
    await server.stop()
    assert.strictEqual(code, 1)
    assert.strictEqual(stdout, "out\n")
    assert.include(stderr, "err\n")
    assert.include(stderr, "failed after 1 attempt, exit code 3")
    const wrong = await switchyard.run(["solti", "list", "--url", "nonsense", "--json"])
    assert.strictEqual(wrong.code, 2)
    assert.deepInclude(JSON.parse(wrong.stderr), { error: "InvalidOptions", exitCode: 2 })
  })
})
