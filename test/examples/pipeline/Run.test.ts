import * as Terminal from "@effect/platform/Terminal"
import { describe, it } from "@effect/vitest"
import * as Solti from "effect-switchyard/solti"
import * as SoltiTesting from "effect-switchyard/solti/testing"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import { assert } from "vitest"
import * as JobFile from "../../../examples/pipeline/JobFile.js"
import { specOf } from "../../../examples/pipeline/Jobs.js"
import { Progress } from "../../../examples/pipeline/Progress.js"
import { isExpected, run } from "../../../examples/pipeline/Run.js"
import * as Summary from "../../../examples/pipeline/Summary.js"

/** A screen that keeps what is written to it. */
const screen = (isTTY: boolean) => {
  const seen = { text: "" }
  const layer = Layer.succeed(
    Terminal.Terminal,
    Terminal.Terminal.of({
      columns: Effect.succeed(80),
      rows: Effect.succeed(24),
      isTTY: Effect.succeed(isTTY),
      readInput: Effect.die("nobody types"),
      readLine: Effect.die("nobody types"),
      display: (text) => Effect.sync(() => void (seen.text += text))
    })
  )
  return { seen, layer }
}

const jobsOf = (text: string) => Either.getOrThrow(JobFile.parse("jobs.yaml", text))

const pipeline = (text: string, { isTTY = false }: { readonly isTTY?: boolean } = {}) => {
  const jobs = jobsOf(text)
  const { layer, seen } = screen(isTTY)
  const results = run(jobs, (job) => specOf(job, { directory: "/", env: {} })).pipe(
    Effect.provide(Layer.provide(Progress.layer(jobs), layer))
  )
  return { results, seen }
}

const text = `
jobs:
  - { name: plain, command: [plain] }
  - { name: flaky, command: [flaky], restart: onFailure, backoff: { first: 1 second, jitter: none } }
  - { name: slow, command: [slow], timeout: 1 second, expect: timeout }
  - { name: broken, command: [broken], expect: exhausted }
`

const { cannotStart, command, exits, hangs, stderr, succeeds } = SoltiTesting

const scripts = [
  command("plain", succeeds(["one", "two"], { takes: "1 second" })),
  command("flaky", exits(1, [stderr("not yet")]), exits(2), succeeds(["at last"])),
  command("slow", hangs(["zzz"])),
  command("broken", exits(9))
]

describe("Run", () => {
  it.effect("follows jobs to their ends, in order, and says what became of them", () =>
    Effect.gen(function*() {
      const { results, seen } = pipeline(text)
      const ended = yield* results
      assert.deepStrictEqual(ended.map(isExpected), [true, true, true, true])
      const linesOf = (job: string) => seen.text.split("\n").filter((line) => line.startsWith(`${job} `))
      const flaky = linesOf("flaky").map((line) => line.slice(7))
      assert.deepStrictEqual(flaky.filter((line) => !line.startsWith("- ")), [
        "submitted default-flaky-2",
        "1 > started",
        "1 ! not yet",
        "1 < finished with exit code 1",
        "2 > started",
        "2 < finished with exit code 2",
        "3 > started",
        "3 | at last",
        "3 < finished",
        "= succeeded after 3 attempts"
      ])
      assert.deepStrictEqual(
        Summary.render(ended).map((line) => line.replace(/\d+\.\d\d s/, "N s").replaceAll(/ +/g, " ")),
        [
          "JOB PHASE ATTEMPTS DURATION EXIT CODE FAILURES",
          "plain succeeded 1 N s 0",
          "flaky succeeded 3 N s 0 1: exit code 1, 2: exit code 2",
          "slow exhausted (as expected) 1 N s - 1: timeout",
          "broken exhausted (as expected) 1 N s 9 1: exit code 9",
          "",
          "4 jobs, all as expected"
        ]
      )
    }).pipe(Effect.provide(SoltiTesting.layer({ scripts }))))

  it.effect("comes to the same results where finished tasks vanish", () =>
    Effect.gen(function*() {
      const ended = yield* pipeline(text).results
      assert.deepStrictEqual(ended.map(isExpected), [true, true, true, true])
      const table = Summary.render(ended)
      assert.match(table[3] ?? "", /^slow +timeout \(as expected\)/)
      assert.match(table[4] ?? "", /^broken +failed \(as expected\)/)
    }).pipe(Effect.provide(SoltiTesting.layer({ scripts, mode: "strict-0.0.2" }))))

  it.effect("says which jobs did not end as expected", () =>
    Effect.gen(function*() {
      const ended = yield* pipeline(`
jobs:
  - { name: fine, command: [plain], expect: failed }
  - { name: bad, command: [broken] }
  - { name: none, command: [missing] }
  - { name: late, command: [slow], deadline: 2 seconds }
  - { name: meant, command: [slow], slot: late, deadline: 2 seconds, expect: canceled }
  - { name: dropped, command: [plain], slot: late, admission: dropIfRunning }
`).results
      assert.deepStrictEqual(ended.map(isExpected), [false, false, false, false, true, false])
      const table = Summary.render(ended).map((line) => line.replaceAll(/ +/g, " "))
      assert.match(table[1] ?? "", /^fine succeeded \(!\) 1 .* 0$/)
      assert.match(table[2] ?? "", /^bad exhausted \(!\) 1 .* 9 1: exit code 9$/)
      assert.match(table[3] ?? "", /^none failed \(!\) 1 .* - 1: fatal error.*No such file/)
      assert.strictEqual(table[4], "late stopped (!) - - - not over within 2 seconds")
      assert.strictEqual(table[5], "meant stopped (as expected) - - - not over within 2 seconds")
      assert.match(table[6] ?? "", /^dropped canceled \(!\) 0 - - dropped: slot busy/)
      assert.match(
        table.at(-1) ?? "",
        /^5 of 6 jobs not as expected: fine \(expected failed\), bad \(expected succeeded\), /
      )
      const tasks = yield* Solti.Tasks
      assert.strictEqual((yield* tasks.list({ slot: "late" })).tasks.length, 1)
    }).pipe(Effect.provide(SoltiTesting.layer({ scripts: [...scripts, command("missing", cannotStart())] }))))

  it.effect("keeps what the server lost, or did not take, as a result", () =>
    Effect.gen(function*() {
      const [refused, lost] = yield* pipeline(`
jobs:
  - { name: refused, command: [plain] }
  - { name: lost, command: [plain] }
`).results
      assert.deepInclude(refused, { _tag: "Lost", reason: "no more" })
      assert.strictEqual(lost?._tag, "Ended")
    }).pipe(Effect.provide(SoltiTesting.layer({
      scripts,
      faults: [{ on: "submit", fault: SoltiTesting.refuse("Unavailable", "no more") }]
    }))))

  it.live("stops what runs when it is interrupted, and says so", () =>
    Effect.gen(function*() {
      const { results, seen } = pipeline(`
jobs:
  - { name: done, command: [quick] }
  - { name: first, command: [slow] }
  - { name: second, command: [slow], slot: first }
`)
      const tasks = yield* Solti.Tasks
      const fiber = yield* Effect.fork(results)
      yield* Effect.repeat(Effect.delay(Effect.sync(() => seen.text), "10 millis"), {
        until: (text) => /first +1 \| zzz/.test(text) && /second submitted/.test(text) && /done +=/.test(text)
      })
      yield* Fiber.interrupt(fiber)
      assert.match(seen.text, /^first +- stopped default-first-2, in attempt 1$/m)
      assert.match(seen.text, /^second - stopped default-first-3, no attempt was seen$/m)
      assert.notMatch(seen.text, /done +- stopped/)
      assert.deepStrictEqual((yield* tasks.list({ slot: "first" })).tasks, [])
    }).pipe(Effect.provide(SoltiTesting.layer({ scripts: [...scripts, command("quick", succeeds())] }))))
})

describe("Progress", () => {
  it.effect("keeps a block below the logs on a terminal, and takes it away at the end", () =>
    Effect.gen(function*() {
      const { results, seen } = pipeline(text, { isTTY: true })
      yield* results
      // What a terminal shows: `CSI n A` and `CSI J` take the last n lines away.
      const shown: Array<string> = []
      for (const part of seen.text.split("\u001b[")) {
        const up = /^(\d+)A$/.exec(part)
        if (up !== null) {
          shown.splice(shown.length - Number(up[1]))
        } else {
          for (const line of part.replace(/^J/, "").split("\n").slice(0, -1)) shown.push(line)
        }
      }
      assert.include(shown, "plain  1 | one")
      assert.include(shown, "slow   1 | zzz")
      for (const line of shown) assert.match(line, /^(?:plain|flaky|slow|broken) /)
      assert.match(seen.text, /⠋|⠙|⠹/)
      assert.match(seen.text, /flaky {3}behind attempt 1, \d\.\d s\n/)
      assert.include(seen.text, "━".repeat(12) + "┄".repeat(12) + " 2/4\n")
    }).pipe(Effect.provide(SoltiTesting.layer({ scripts }))))
})
