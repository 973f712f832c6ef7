/** What the published server does and ours does not, quirk by quirk (contract chapters 8, 9 and 11). */
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import { describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { assert } from "vitest"
import { Supervisor } from "../../../src/server/solti/Supervisor.js"
import * as Solti from "../../../src/solti.js"
import * as SoltiTesting from "../../../src/solti/testing.js"
import { command, run } from "./support/programs.js"

const { exits, hangs, otherwise, succeeds } = SoltiTesting

const strict = (...scripts: ReadonlyArray<SoltiTesting.Script>) => SoltiTesting.layer({ mode: "strict-0.0.2", scripts })

const intended = (...scripts: ReadonlyArray<SoltiTesting.Script>) => SoltiTesting.layer({ scripts })

/** What the wire says, before the client tidies it: `chunk 1 line`, `runFinished 0`, `gap`. */
const wordsOf = (event: Solti.LogEvent | Solti.Gap): string =>
  event.type === "chunk"
    ? `chunk ${event.attempt} ${event.line}`
    : event.type === "runStarted" || event.type === "runFinished"
    ? `${event.type} ${event.attempt}`
    : event.type

/** Subscribes a moment behind the submit, as a client of a real server does. */
const logOf = (id: string) =>
  Effect.flatMap(Solti.Tasks, (tasks) =>
    Effect.map(
      Effect.delay(Stream.runCollect(tasks.logs(id)), "20 millis"),
      (log) => Chunk.toReadonlyArray(log).map(wordsOf)
    ))

const submit = (spec: Solti.CreateSpec) =>
  Effect.flatMap(Solti.Tasks, (tasks) => Effect.zipLeft(tasks.submit(spec), Effect.sleep("10 millis")))

const phaseOf = (id: string) =>
  Effect.map(
    Effect.flatMap(Solti.Tasks, (tasks) => tasks.get(id)),
    Option.match({ onNone: () => "absent", onSome: (task) => String(Solti.phaseName(task.status.phase)) })
  )

const runsOf = (id: string) =>
  Effect.map(
    Effect.flatMap(Solti.Tasks, (tasks) => tasks.runs(id)),
    (runs) =>
      runs.map(({ error, status }) => [Solti.phaseName(status), Option.getOrElse(error, () => "")].join(" ").trim())
  )

const inTwoSeconds = succeeds(["line"], { takes: "2 seconds" })

describe("a task that has ended", () => {
  const look = Effect.gen(function*() {
    const tasks = yield* Solti.Tasks
    const { taskId } = yield* run(command("x"))
    return [yield* phaseOf(taskId), (yield* tasks.list()).tasks.length, yield* runsOf(taskId)] as const
  })

  it.effect("vanishes, and leaves its runs", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* look, ["absent", 0, ["succeeded"]])
    }).pipe(Effect.provide(strict(otherwise(inTwoSeconds)))))

  it.effect("is meant to stay", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* look, ["succeeded", 1, ["succeeded"]])
    }).pipe(Effect.provide(intended(otherwise(inTwoSeconds)))))
})

describe("a page", () => {
  const totals = Effect.gen(function*() {
    const tasks = yield* Solti.Tasks
    yield* Effect.forEach(["a", "b", "c"], (name) => submit(command(name)))
    return [(yield* tasks.list({ limit: 2 })).total, (yield* tasks.list({ limit: 2, offset: 2 })).total]
  })

  it.effect("has its own length for a total", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* totals, [2, 1])
    }).pipe(Effect.provide(strict(otherwise(hangs())))))

  it.effect("is meant to count all matches", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* totals, [3, 3])
    }).pipe(Effect.provide(intended(otherwise(hangs())))))
})

describe("the markers of a log", () => {
  const cases: ReadonlyArray<readonly [string, Solti.CreateSpec, SoltiTesting.Attempt, string, string]> = [
    [
      "of a success",
      command("x"),
      inTwoSeconds,
      "chunk 1 line, runFinished 0, runFinished 1",
      "runStarted 1, chunk 1 line, runFinished 1"
    ],
    [
      "of a failure",
      command("x"),
      exits(3, [], { takes: "2 seconds" }),
      "runFinished 1, runFinished 1",
      "runStarted 1, runFinished 1"
    ],
    [
      "of a time-out",
      command("x", { timeout: "2 seconds" }),
      hangs(),
      "runFinished 1, runFinished 1, runFinished 1",
      "runStarted 1, runFinished 1"
    ]
  ]
  for (const [name, spec, attempt, published, meant] of cases) {
    const log = Effect.map(Effect.flatMap(submit(spec), logOf), (words) => words.join(", "))
    // Lines that were written before anybody listened are lost on the published server: written late here.
    const late = { ...attempt, output: attempt.output.map(() => SoltiTesting.stdout("line", { after: "1 second" })) }

    it.effect(name, () =>
      Effect.gen(function*() {
        assert.strictEqual(yield* Effect.provide(log, strict(otherwise(late))), published)
        assert.strictEqual(yield* Effect.provide(log, intended(otherwise(late))), meant)
      }))
  }

  it.effect("of a task that is deleted while it runs", () =>
    Effect.gen(function*() {
      const tasks = yield* Solti.Tasks
      const id = yield* submit(command("x"))
      const log = yield* Effect.fork(logOf(id))
      yield* Effect.sleep("1 second")
      yield* tasks.delete(id)
      assert.deepStrictEqual(yield* Fiber.join(log), ["runFinished 0"])
    }).pipe(Effect.provide(strict(otherwise(hangs())))))
})

describe("a run", () => {
  const texts = Effect.gen(function*() {
    const timedOut = yield* submit(
      command("slow", {
        timeout: "300 millis",
        restart: "onFailure",
        backoff: { jitter: "none", first: "1 hour", max: "1 hour" }
      })
    )
    yield* Effect.sleep("10 seconds")
    const { tasks } = yield* Effect.flatMap(Solti.Tasks, (tasks) => tasks.list({ status: "timeout" }))
    const task = yield* Effect.flatMap(Solti.Tasks, (tasks) => tasks.get(timedOut))
    return {
      runs: yield* runsOf(timedOut),
      error: Option.flatMap(task, ({ status }) => status.error),
      phase: yield* phaseOf(timedOut),
      listed: tasks.length
    }
  })

  it.effect("times out with a word, and its task fails with other ones", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* texts, {
        runs: ["timeout timeout"],
        error: Option.some("timed out after 300ms"),
        phase: "failed",
        listed: 0
      })
    }).pipe(Effect.provide(strict(otherwise(hangs())))))

  it.effect("is meant to say the same as its task", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* texts, {
        runs: ["timeout task attempt timed out after 300 ms"],
        error: Option.some("task attempt timed out after 300 ms"),
        phase: "timeout",
        listed: 1
      })
    }).pipe(Effect.provide(intended(otherwise(hangs())))))

  const stopped = Effect.gen(function*() {
    const id = yield* submit(command("x"))
    yield* (yield* Supervisor).shutdown
    return yield* runsOf(id)
  })

  it.effect("counts as succeeded when it was canceled", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* stopped, ["succeeded"])
    }).pipe(Effect.provide(strict(otherwise(hangs())))))

  it.effect("is meant to be canceled", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* stopped, ["canceled"])
    }).pipe(Effect.provide(intended(otherwise(hangs())))))
})

describe("a slot", () => {
  const two = Effect.gen(function*() {
    const first = yield* submit(command("a", { slot: "shared" }))
    const second = yield* submit(command("b", { slot: "shared", admission: "queue" }))
    return [yield* phaseOf(first), yield* phaseOf(second)]
  })

  it.effect("excludes nothing", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* two, ["running", "running"])
    }).pipe(Effect.provide(strict(otherwise(hangs())))))

  it.effect("is meant to exclude", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* two, ["running", "pending"])
    }).pipe(Effect.provide(intended(otherwise(hangs())))))
})

describe("a delete", () => {
  it.effect("that comes right behind its submit lets the task run on, unseen", () =>
    Effect.gen(function*() {
      const tasks = yield* Solti.Tasks
      const id = yield* tasks.submit(command("x"))
      yield* tasks.delete(id)
      yield* Effect.sleep("1 second")
      assert.strictEqual(yield* phaseOf(id), "absent")
      assert.deepStrictEqual(yield* runsOf(id), [])
      const log = yield* Effect.fork(logOf(id))
      yield* Effect.sleep("30 seconds")
      assert.isTrue(Option.isNone(yield* Fiber.poll(log)))
      yield* tasks.delete(id)
      assert.include(yield* Fiber.join(log), "chunk 1 alive")
      const again = yield* tasks.submit(command("x"))
      yield* tasks.deleteConfirmed(again)
      assert.strictEqual((yield* Effect.flip(logOf(again)))._tag, "TaskNotFound")
    }).pipe(Effect.provide(strict(otherwise(hangs([SoltiTesting.stdout("alive", { after: "5 seconds" })]))))))

  it.effect("is meant to be final at once", () =>
    Effect.gen(function*() {
      const tasks = yield* Solti.Tasks
      const id = yield* tasks.submit(command("x"))
      yield* tasks.delete(id)
      assert.strictEqual((yield* Effect.flip(logOf(id)))._tag, "TaskNotFound")
    }).pipe(Effect.provide(intended(otherwise(hangs())))))

  const leaving = SoltiTesting.command("daemon", hangs([], { leaves: { lives: "1 hour", detached: true } }))

  it.effect("blocks the whole agent while a detached child holds the pipes", () =>
    Effect.gen(function*() {
      const tasks = yield* Solti.Tasks
      const daemon = yield* submit(command("daemon"))
      const other = yield* submit(command("other"))
      const startedAt = yield* Clock.currentTimeMillis
      const hanging = yield* Effect.fork(Effect.flip(tasks.delete(daemon)))
      yield* Effect.sleep("1 second")
      const late = yield* submit(command("late"))
      const waiting = yield* Effect.fork(Effect.flip(tasks.delete(other)))
      yield* Effect.sleep("30 seconds")
      assert.strictEqual(yield* phaseOf(late), "pending")
      assert.strictEqual(yield* phaseOf(other), "running")
      const error = yield* Fiber.join(hanging)
      assert.strictEqual(error._tag, "Internal")
      assert.strictEqual(
        error.detail,
        `supervisor error: cancel failed: timeout waiting for task '${daemon}' removal after 60s`
      )
      assert.isAtLeast((yield* Clock.currentTimeMillis) - startedAt, 60_000)
      yield* Fiber.join(waiting)
      yield* tasks.delete(daemon)
      assert.strictEqual(yield* phaseOf(daemon), "absent")
    }).pipe(Effect.provide(strict(leaving, otherwise(hangs())))))

  it.effect("is meant to kill the group and to wait for nobody who has left it", () =>
    Effect.gen(function*() {
      const tasks = yield* Solti.Tasks
      const daemon = yield* submit(command("daemon"))
      yield* tasks.delete(daemon)
      assert.isBelow(yield* Clock.currentTimeMillis, 2_000)
    }).pipe(Effect.provide(intended(leaving))))
})

describe("children that outlive the process of an attempt", () => {
  const leaves = {
    lives: "20 seconds",
    output: [
      SoltiTesting.stdout("child at 1 s", { after: "1 second" }),
      SoltiTesting.stdout("child at 8 s", { after: "7 seconds" })
    ]
  } as const

  it.effect("hold the attempt until they have gone", () =>
    Effect.gen(function*() {
      const id = yield* submit(command("x"))
      yield* Effect.sleep("15 seconds")
      assert.strictEqual(yield* phaseOf(id), "running")
      const outcome = yield* Effect.flatMap(Solti.Tasks, (tasks) => tasks.await(id))
      assert.strictEqual(outcome.status, "succeeded")
      assert.strictEqual(
        Number(Option.getOrThrow(outcome.runs[0]?.finishedAt ?? Option.none())) - Number(outcome.runs[0]?.startedAt),
        20_000
      )
    }).pipe(Effect.provide(strict(otherwise(succeeds([], { leaves }))))))

  it.effect("survive a time-out, and hold the log streams that are open", () =>
    Effect.gen(function*() {
      const tasks = yield* Solti.Tasks
      const id = yield* submit(command("x", { timeout: "5 seconds" }))
      const log = yield* Effect.fork(Effect.zip(logOf(id), Clock.currentTimeMillis))
      yield* Effect.sleep("6 seconds")
      assert.deepStrictEqual(yield* runsOf(id), ["timeout timeout"])
      assert.strictEqual(yield* phaseOf(id), "absent")
      assert.strictEqual((yield* Effect.flip(Stream.runDrain(tasks.logs(id))))._tag, "TaskNotFound")
      const [words, endedAt] = yield* Fiber.join(log)
      assert.deepStrictEqual(words, [
        "chunk 1 child at 1 s",
        "runFinished 1",
        "runFinished 1",
        "runFinished 1",
        "chunk 1 child at 8 s"
      ])
      assert.isAtLeast(endedAt, 20_000)
    }).pipe(Effect.provide(strict(otherwise(hangs([], { leaves }))))))

  it.effect("are killed with their group by a delete, unless they have left it", () =>
    Effect.gen(function*() {
      const tasks = yield* Solti.Tasks
      const id = yield* submit(command("x"))
      yield* tasks.delete(id)
      assert.isBelow(yield* Clock.currentTimeMillis, 1_000)
    }).pipe(Effect.provide(strict(otherwise(hangs([], { leaves }))))))

  it.effect("are meant to die with a time-out", () =>
    Effect.gen(function*() {
      const id = yield* submit(command("x", { timeout: "5 seconds" }))
      const log = yield* logOf(id)
      assert.deepStrictEqual(log, ["runStarted 1", "chunk 1 child at 1 s", "runFinished 1"])
    }).pipe(Effect.provide(intended(otherwise(hangs([], { leaves }))))))
})

describe("lines behind an over-long one", () => {
  const written = `${"x".repeat(70_000)}\nlost\nlost too\n${"y".repeat(9_000)}\nfar behind\n`
  const attempt = otherwise(succeeds([SoltiTesting.raw(written, { after: "1 second" })]))
  const lines = Effect.map(
    Effect.flatMap(submit(command("x")), logOf),
    (words) =>
      words.filter((word) => word.startsWith("chunk")).map((word) =>
        word.slice("chunk 1 ".length).replace(/([xy])\1+/, "$1…")
      )
  )

  it.effect("are lost as far as the piece goes in which that one ends", () =>
    Effect.gen(function*() {
      const [long, rest, behind] = yield* lines
      assert.strictEqual(long, "x…... (truncated 61482 bytes)")
      // What is left of the line that began in the piece that was thrown away.
      assert.match(rest ?? "", /^y…/)
      assert.strictEqual(behind, "far behind")
    }).pipe(Effect.provide(strict(attempt))))

  it.effect("are meant to come", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* lines, [
        "x…... (truncated 61482 bytes)",
        "lost",
        "lost too",
        "y…... (truncated 4904 bytes)",
        "far behind"
      ])
    }).pipe(Effect.provide(intended(attempt))))
})

describe("tasks inside the agent", () => {
  it.effect("leak", () =>
    Effect.gen(function*() {
      const tasks = yield* Solti.Tasks
      const supervisor = yield* Supervisor
      yield* supervisor.submitFunction({ name: "a-heartbeat", run: Effect.never })
      yield* submit(command("b"))
      assert.strictEqual((yield* Effect.flip(tasks.get("solti-state-sweep")))._tag, "InvalidInput")
      assert.deepStrictEqual(yield* runsOf("a-heartbeat"), ["running"])
      assert.deepStrictEqual((yield* tasks.list({ limit: 1 })).tasks, [])
      assert.strictEqual((yield* tasks.list({ limit: 1, offset: 1 })).tasks.length, 1)
      yield* tasks.delete("a-heartbeat")
      assert.deepStrictEqual(yield* supervisor.get(Solti.TaskId.make("a-heartbeat")), Option.none())
    }).pipe(Effect.provide(strict(otherwise(hangs())))))

  it.effect("are meant to be unknown", () =>
    Effect.gen(function*() {
      const tasks = yield* Solti.Tasks
      const supervisor = yield* Supervisor
      yield* supervisor.submitFunction({ name: "a-heartbeat", run: Effect.never })
      yield* submit(command("b"))
      assert.strictEqual(yield* phaseOf("a-heartbeat"), "absent")
      assert.deepStrictEqual(yield* runsOf("a-heartbeat"), [])
      assert.strictEqual((yield* tasks.list({ limit: 1 })).tasks.length, 1)
      yield* tasks.delete("a-heartbeat")
      assert.isTrue(Option.isSome(yield* supervisor.get(Solti.TaskId.make("a-heartbeat"))))
    }).pipe(Effect.provide(intended(otherwise(hangs())))))
})

describe("the body of a submit", () => {
  const statusOf = (bytes: number) =>
    Effect.flatMap(HttpClient.HttpClient, (client) =>
      client.execute(
        HttpClientRequest.post("http://test/api/v1/tasks").pipe(
          HttpClientRequest.bodyText("x".repeat(bytes), "application/json")
        )
      )).pipe(Effect.map(({ status }) => status))

  const MiB = 1024 * 1024

  for (const [mode, limit] of [["strict-0.0.2", 2 * MiB], ["0.0.3", 2 * MiB], ["intended", 4 * MiB]] as const) {
    it.effect(`may have ${limit} bytes in the mode ${mode}`, () =>
      Effect.gen(function*() {
        assert.strictEqual(yield* statusOf(limit), 400)
        assert.strictEqual(yield* statusOf(limit + 1), 413)
      }).pipe(Effect.provide(SoltiTesting.layerHttpClient({ mode }))))
  }
})

describe("a submit during shutdown", () => {
  const refusal = Effect.gen(function*() {
    yield* (yield* Supervisor).shutdown
    return (yield* Effect.flip(submit(command("x"))))._tag
  })

  it.effect("is an internal error", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* refusal, "Internal")
    }).pipe(Effect.provide(strict())))

  it.effect("is meant to be refused for the moment", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* refusal, "Unavailable")
    }).pipe(Effect.provide(intended())))
})

describe("versions", () => {
  for (const [mode, version] of [["strict-0.0.2", "0.0.2"], ["intended", "0.0.2"], ["0.0.3", "0.0.3"]] as const) {
    it.effect(`${mode} looks like ${version}`, () =>
      Effect.gen(function*() {
        const tasks = yield* Solti.Tasks
        assert.strictEqual(yield* tasks.version(), version)
        const applied = yield* Effect.either(tasks.apply(command("x")))
        assert.strictEqual(
          applied._tag === "Left" ? applied.left._tag : "applied",
          version === "0.0.3" ? "applied" : "VersionMismatch"
        )
      }).pipe(Effect.provide(SoltiTesting.layer({ mode }))))
  }

  it.effect("0.0.3 applies with admission REPLACE, whatever the spec says", () =>
    Effect.gen(function*() {
      const tasks = yield* Solti.Tasks
      const first = yield* submit(command("a", { slot: "shared" }))
      const second = yield* tasks.apply(command("b", { slot: "shared", admission: "dropIfRunning" }))
      yield* Effect.sleep("10 millis")
      assert.deepStrictEqual([yield* phaseOf(first), yield* phaseOf(second)], ["canceled", "running"])
    }).pipe(Effect.provide(SoltiTesting.layer({ mode: "0.0.3", scripts: [otherwise(hangs())] }))))

  it.effect("0.0.3 asks for its token before anything else", () =>
    Effect.gen(function*() {
      const client = yield* HttpClient.HttpClient
      const refused = yield* client.get("http://test/nowhere")
      assert.strictEqual(refused.status, 401)
      assert.deepStrictEqual(yield* refused.json, {
        error: "Unauthenticated",
        message: "missing or invalid bearer token"
      })
    }).pipe(Effect.provide(SoltiTesting.layerHttpClient({ mode: "0.0.3", token: Redacted.make("s3cr3t") }))))
})
