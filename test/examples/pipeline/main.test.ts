import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { cli, lives, program, serve, uniqueSeconds, until } from "../../cli/support.js"

const pipeline = program("examples/pipeline/main.ts")
const switchyard = cli()
let directory: string

beforeAll(() => {
  directory = Fs.mkdtempSync(Path.join(Os.tmpdir(), "switchyard-pipeline-"))
})

afterAll(() => Fs.rmSync(directory, { recursive: true, force: true }))

/** A job file, and where the temporary files of its run go. */
const prepare = (name: string, text: string) => {
  const file = Path.join(directory, name)
  Fs.writeFileSync(file, text)
  const temporary = Path.join(directory, `${name}.tmp`)
  Fs.mkdirSync(temporary)
  return { file, options: { env: { TMPDIR: temporary } }, left: () => Fs.readdirSync(temporary) }
}

describe("pipeline", () => {
  it("runs a file on a server of its own, with real processes", async () => {
    const { file, left, options } = prepare(
      "fine.yaml",
      `
jobs:
  - name: where
    script: { text: "pwd; test -d \\"$PIPELINE_TMP\\"" }
  - name: flaky
    restart: onFailure
    backoff: { first: 50 millis, jitter: none }
    script: { text: "echo x >> \\"$PIPELINE_TMP/n\\"; test $(wc -l < \\"$PIPELINE_TMP/n\\") = 3" }
  - name: slow
    command: [sleep, "${uniqueSeconds()}"]
    timeout: 200 millis
    expect: exhausted
`
    )
    const { code, stderr, stdout } = await pipeline.run([file], options)
    assert.deepStrictEqual([code, stderr], [0, ""])
    assert.match(stdout, /^3 jobs of .*fine\.yaml on http:\/\/127\.0\.0\.1:\d+\n/)
    assert.include(stdout, `where 1 | ${Fs.realpathSync(directory)}\n`)
    assert.match(stdout, /^flaky +succeeded +3 +\d\.\d\d s +0 +1: exit code 1, 2: exit code 1$/m)
    assert.match(stdout, /^slow +exhausted \(as expected\) +1 .* 1: timeout$/m)
    assert.match(stdout, /\n3 jobs, all as expected\n$/)
    assert.deepStrictEqual(left(), [])
  })

  it("exits with 1 when a job does not end as expected", async () => {
    const { file, options } = prepare("failing.json", JSON.stringify({ jobs: [{ name: "a", command: ["false"] }] }))
    const { code, stdout } = await pipeline.run([file], options)
    assert.strictEqual(code, 1)
    assert.match(stdout, /^a +exhausted \(!\) +1 .* 1 +1: exit code 1$/m)
    assert.match(stdout, /\n1 of 1 jobs not as expected: a \(expected succeeded\)\n$/)
  })

  it("exits with 2 when the file is wrong", async () => {
    const { file, options } = prepare("wrong.yaml", "jobs:\n  - name: a\n    command: [ls]\n    timeout: soon\n")
    const { code, stderr, stdout } = await pipeline.run([file], options)
    assert.deepStrictEqual([code, stdout], [2, ""])
    assert.strictEqual(
      stderr,
      `${file}:4: jobs[0].timeout has to be a duration such as "500 millis", "30 seconds" or "2 minutes"\n`
    )
  })

  it("runs on the server that the environment names, and says when it is not there", async () => {
    const server = await serve(switchyard, [], { env: { SOLTI_TOKEN: "planted-t0ken" } })
    const { file, options } = prepare("remote.yaml", "jobs:\n  - { name: a, command: [echo, hi] }\n")
    const env = { ...options.env, SOLTI_URL: server.hello.url, SOLTI_TOKEN: "planted-t0ken" }
    const fine = await pipeline.run([file], { env })
    const refused = await pipeline.run([file], { env: { ...env, SOLTI_TOKEN: "another" } })
    await server.stop()
    const gone = await pipeline.run([file], { env })
    assert.strictEqual(fine.code, 0)
    assert.include(fine.stdout, `1 job of ${file} on ${server.hello.url}\n`)
    assert.include(fine.stdout, "a submitted default-a-1\n")
    for (const [{ code, stderr }, message] of [[refused, "401"], [gone, "ECONNREFUSED"]] as const) {
      assert.strictEqual(code, 1)
      assert.match(stderr, /^pipeline: [^\n]+\n$/)
      assert.include(stderr, message)
      assert.notInclude(stderr, "planted")
    }
  })

  it("stops its jobs on Ctrl-C, even when npm hands it on a second time, and exits with 130", async () => {
    const seconds = uniqueSeconds()
    const { file, left, options } = prepare(
      "endless.yaml",
      `
jobs:
  - { name: short, command: ["true"] }
  - { name: runs, script: { text: "echo up; sleep ${seconds} & sleep ${seconds}" } }
  - { name: waits, slot: runs, command: [sleep, "${seconds}"] }
`
    )
    const running = pipeline.start([file], options)
    await until(() => /runs +1 \| up/.test(running.seen.stdout) && /short +=/.test(running.seen.stdout), "the job runs")
    assert.isTrue(lives(seconds))
    running.child.kill("SIGINT")
    running.child.kill("SIGINT")
    const { code, stdout } = await running.ended
    assert.strictEqual(code, 130)
    assert.match(stdout, /^runs +- stopped default-runs-2, in attempt 1$/m)
    assert.match(stdout, /^waits +- stopped default-runs-3, no attempt was seen$/m)
    assert.notMatch(stdout, /short +- stopped/)
    assert.isFalse(lives(seconds))
    assert.deepStrictEqual(left(), [])
  })
})
