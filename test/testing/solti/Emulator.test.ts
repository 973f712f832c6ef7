import * as HttpClient from "@effect/platform/HttpClient"
import { describe, it, layer } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { assert } from "vitest"
import { ApiHandler } from "../../../src/server/solti/ApiHandler.js"
import { Supervisor } from "../../../src/server/solti/Supervisor.js"
import * as Solti from "../../../src/solti.js"
import * as SoltiTesting from "../../../src/solti/testing.js"
import { command, run, transcript } from "./support/programs.js"

const { exits, hangs, succeeds } = SoltiTesting

/** How long the only attempt took, in ms. */
const lasted = ({ runs: [run] }: Solti.Outcome): number =>
  Number(Option.getOrThrow(run?.finishedAt ?? Option.none())) - Number(run?.startedAt)

describe("tasks without a script", () => {
  it.effect("succeed at once and write nothing", () =>
    Effect.gen(function*() {
      const outcome = yield* run(command("true"))
      assert.deepStrictEqual([outcome.status, outcome.attempts, String(outcome.taskId)], [
        "succeeded",
        1,
        "default-true-1"
      ])
      assert.deepStrictEqual(yield* transcript(command("true")), [
        "submitted default-true-2",
        "1 > started",
        "1 < finished",
        "= succeeded after 1 attempt"
      ])
      assert.strictEqual(yield* Clock.currentTimeMillis, 0)
    }).pipe(Effect.provide(SoltiTesting.layer())))

  it.effect("have no runner where they are no processes, as in a stock agent", () =>
    Effect.gen(function*() {
      const wasm = Solti.wasm("a.wasm", [], { slot: "wasm", timeout: "1 minute" })
      const error = yield* Effect.flip(run(wasm))
      assert.strictEqual(error._tag, "Internal")
      const emulator = yield* SoltiTesting.Emulator
      yield* emulator.script(SoltiTesting.slot("wasm", exits(1)))
      assert.strictEqual((yield* run(wasm)).status, "failed")
    }).pipe(Effect.provide(SoltiTesting.layer())))
})

describe("scripts", () => {
  it.effect("say what is written, when, and how it ends", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* transcript(command("make")), [
        "submitted default-make-1",
        "1 > started",
        "1 | cc main.c",
        "1 ! warning",
        "1 < finished with exit code 2",
        "= failed after 1 attempt, exit code 2: execution failed: process exited with non-zero code: 2"
      ])
      assert.strictEqual(yield* Clock.currentTimeMillis, 50_000)
    }).pipe(Effect.provide(SoltiTesting.layer({
      scripts: [
        SoltiTesting.command(
          "make",
          exits(2, ["cc main.c", SoltiTesting.stderr("warning", { after: "30 seconds" })], { takes: "50 seconds" })
        )
      ]
    }))))

  it.effect("may take longer than they are said to, when their output does", () =>
    Effect.gen(function*() {
      assert.strictEqual(lasted(yield* run(command("make"))), 30_000)
    }).pipe(Effect.provide(SoltiTesting.layer({
      scripts: [
        SoltiTesting.otherwise(succeeds([SoltiTesting.stdout("late", { after: "30 seconds" })], { takes: "1 second" }))
      ]
    }))))

  it.effect("go through one attempt after the other, and stay with the last", () =>
    Effect.gen(function*() {
      const tasks = yield* Solti.Tasks
      const backoff = { jitter: "none", first: "1 minute", max: "1 minute" } as const
      const id = yield* tasks.submit(command("flaky", { restart: "onFailure", backoff }))
      const outcome = yield* tasks.await(id)
      assert.deepStrictEqual(outcome.runs.map(({ status }) => Solti.phaseName(status)), [
        "failed",
        "failed",
        "timeout",
        "succeeded"
      ])
      const always = yield* tasks.submit(command("tick", { restart: "always", restartInterval: "1 hour" }))
      yield* Effect.sleep("150 minutes")
      const runs = yield* tasks.runs(always)
      assert.deepStrictEqual(runs.map(({ attempt, status }) => [attempt, Solti.phaseName(status)]), [
        [1, "succeeded"],
        [2, "succeeded"],
        [3, "succeeded"]
      ])
    }).pipe(Effect.provide(SoltiTesting.layer({
      scripts: [SoltiTesting.command("flaky", exits(1), SoltiTesting.killed(), hangs(), succeeds())]
    }))))

  it.effect("may be functions of the attempt", () =>
    Effect.gen(function*() {
      const lines = yield* transcript(
        command("echo", { labels: { says: "hi" }, restart: "onFailure", backoff: { jitter: "none" } })
      )
      assert.deepStrictEqual(lines.filter((line) => line.includes("|")), ["1 | hi 1", "2 | hi 2", "3 | hi 3"])
    }).pipe(Effect.provide(SoltiTesting.layer({
      scripts: [
        SoltiTesting.otherwise(({ attempt, spec }) =>
          (attempt < 3 ? exits.bind(undefined, 1) : succeeds)([`${spec.labels["says"]} ${attempt}`])
        )
      ]
    }))))

  it.effect("are chosen by slot, command or anything else; the first that matches, and only so often", () =>
    Effect.gen(function*() {
      const codeOf = (spec: Solti.CreateSpec) =>
        Effect.map(run(spec), ({ exitCode }) => Option.getOrElse(exitCode, () => 0))
      assert.strictEqual(yield* codeOf(command("a", { slot: "special" })), 1)
      assert.strictEqual(yield* codeOf(command("b")), 2)
      assert.strictEqual(yield* codeOf(command("c", { labels: { code: "3" } })), 3)
      assert.strictEqual(yield* codeOf(command("d")), 4)
      assert.strictEqual(yield* codeOf(command("d")), 5)
      const emulator = yield* SoltiTesting.Emulator
      yield* emulator.script(SoltiTesting.command("b", exits(6)))
      assert.strictEqual(yield* codeOf(command("b")), 6)
    }).pipe(Effect.provide(SoltiTesting.layer({
      scripts: [
        SoltiTesting.slot("special", exits(1)),
        SoltiTesting.command("b", exits(2)),
        SoltiTesting.when((spec) => spec.labels["code"] === "3", exits(3)),
        SoltiTesting.times(1, SoltiTesting.otherwise(exits(4))),
        SoltiTesting.otherwise(exits(5))
      ]
    }))))

  it.effect("fail only tasks that want to fail", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* run(command("x", { failOnNonZero: false }))).status, "succeeded")
      assert.strictEqual((yield* run(command("x"))).status, "failed")
    }).pipe(Effect.provide(SoltiTesting.layer({ scripts: [SoltiTesting.otherwise(SoltiTesting.killed())] }))))

  it.effect("may not even start, and are not tried again", () =>
    Effect.gen(function*() {
      const outcome = yield* run(command("nowhere", { restart: "always" }))
      assert.deepStrictEqual([outcome.status, outcome.attempts], ["failed", 1])
      assert.deepStrictEqual(
        outcome.error,
        Option.some("fatal error (no retry): spawn failed: No such file or directory (os error 2)")
      )
    }).pipe(Effect.provide(SoltiTesting.layer({ scripts: [SoltiTesting.otherwise(SoltiTesting.cannotStart())] }))))

  it.effect("write bytes as processes do: half lines, too long ones, no UTF-8", () =>
    Effect.gen(function*() {
      const lines = yield* transcript(command("cat"))
      assert.deepStrictEqual(lines.slice(2, -2), [
        "1 | half and half",
        `1 | ${"x".repeat(4096)}... (truncated 61482 bytes)`,
        "1 | after",
        "1 | bad �",
        "1 | no end"
      ])
    }).pipe(Effect.provide(SoltiTesting.layer({
      scripts: [
        SoltiTesting.otherwise(succeeds([
          SoltiTesting.raw("half "),
          SoltiTesting.raw("and half\n", { after: "1 second" }),
          SoltiTesting.raw(`${"x".repeat(70_000)}\nafter\n`),
          SoltiTesting.raw(Uint8Array.of(0x62, 0x61, 0x64, 0x20, 0xff, 0x0a)),
          SoltiTesting.raw("no end")
        ]))
      ]
    }))))

  it.effect("flush what they have written when they are killed", () =>
    Effect.gen(function*() {
      const lines = yield* transcript(command("cat"))
      assert.deepStrictEqual(lines.slice(2), [
        "1 | half",
        "1 < finished",
        "= timeout after 1 attempt: task attempt timed out after 60000 ms"
      ])
    }).pipe(Effect.provide(SoltiTesting.layer({
      scripts: [SoltiTesting.otherwise(hangs([SoltiTesting.raw("half")]))]
    }))))

  it.effect("may write more than a reader can take, who is told exactly how much he lost", () =>
    Effect.gen(function*() {
      const tasks = yield* Solti.Tasks
      const id = yield* tasks.submit(command("yes"))
      const log = Chunk.toReadonlyArray(yield* Stream.runCollect(tasks.logs(id)))
      const lost = log.reduce((sum, event) => sum + (event.type === "lagged" ? event.skipped : 0), 0)
      assert.isAbove(lost, 0)
      assert.strictEqual(log.filter(({ type }) => type !== "lagged").length + lost, 5_000 + 2)
    }).pipe(Effect.provide(SoltiTesting.layer({
      scripts: [SoltiTesting.otherwise(succeeds([SoltiTesting.raw("y\n".repeat(5_000), { after: "1 second" })]))]
    }))))

  it.effect("do not spin when a task always restarts", () =>
    Effect.gen(function*() {
      const tasks = yield* Solti.Tasks
      const id = yield* tasks.submit(command("true", { restart: "always" }))
      yield* Effect.sleep("20 millis")
      yield* tasks.delete(id)
      assert.deepStrictEqual(yield* tasks.get(id), Option.none())
    }).pipe(Effect.provide(SoltiTesting.layer())))
})

describe("processes that attempts leave behind", () => {
  const leaving = (leaves: SoltiTesting.Survivor, attempt: typeof succeeds = succeeds) =>
    SoltiTesting.layer({ scripts: [SoltiTesting.otherwise(attempt(["main"], { takes: "1 second", leaves }))] })
  const output = [SoltiTesting.stdout("child 1"), SoltiTesting.stdout("child 2", { after: "3 seconds" })]

  it.effect("die with their attempt", () =>
    Effect.gen(function*() {
      const lines = yield* transcript(command("x"))
      assert.notInclude(lines, "1 | child 2")
      assert.strictEqual(lasted(yield* run(command("x"))), 1_000)
    }).pipe(Effect.provide(leaving({ lives: "1 day", output }))))

  it.effect("are waited for a little while when they have left the group", () =>
    Effect.gen(function*() {
      const lines = yield* transcript(command("x"))
      assert.include(lines, "1 | child 2")
      assert.strictEqual(lasted(yield* run(command("x"))), 6_000)
    }).pipe(Effect.provide(leaving({ lives: "1 day", output, detached: true }))))

  it.effect("are waited for no longer than they live", () =>
    Effect.gen(function*() {
      assert.strictEqual(lasted(yield* run(command("x"))), 2_500)
    }).pipe(Effect.provide(leaving({ lives: "2500 millis", detached: true }))))

  it.effect("cannot hold a delete for long", () =>
    Effect.gen(function*() {
      const tasks = yield* Solti.Tasks
      const id = yield* tasks.submit(command("x"))
      yield* tasks.delete(id)
      assert.strictEqual(yield* Clock.currentTimeMillis, 1_000)
    }).pipe(Effect.provide(leaving({ lives: "1 day", detached: true }, hangs))))

  it.effect("do not hold the end of a test", () =>
    Effect.gen(function*() {
      const started = yield* Clock.currentTimeMillis
      yield* Effect.gen(function*() {
        const tasks = yield* Solti.Tasks
        yield* tasks.submit(command("x"))
        yield* Effect.sleep("100 millis")
      }).pipe(Effect.provide(leaving({ lives: "1 day", detached: true }, hangs)))
      assert.isBelow((yield* Clock.currentTimeMillis) - started, 1_000)
    }))
})

describe("time", () => {
  it.effect("is kept and sent in whole milliseconds", () =>
    Effect.gen(function*() {
      yield* Effect.sleep(Duration.millis(1.5))
      const log = yield* Effect.flatMap(Solti.Tasks, (tasks) => Stream.runCollect(tasks.submitAndFollow(command("x"))))
      for (const event of log) {
        const at = event.type === "chunk" ? event.ts : event.type === "runFinished" ? event.finishedAt : 0
        assert.isTrue(Number.isInteger(at))
      }
    }).pipe(Effect.provide(SoltiTesting.layer({
      scripts: [SoltiTesting.otherwise(succeeds(["line"], { takes: Duration.millis(2.25) }))]
    }))))

  it.effect("is the test's where it says so", () =>
    Effect.gen(function*() {
      const tasks = yield* Solti.Tasks
      const fiber = yield* Effect.fork(tasks.await(yield* tasks.submit(command("slow"))))
      yield* SoltiTesting.advance("59 seconds")
      assert.isTrue(Option.isNone(yield* Fiber.poll(fiber)))
      yield* SoltiTesting.advance("11 seconds")
      assert.strictEqual((yield* Fiber.join(fiber)).status, "timeout")
    }).pipe(Effect.provide(SoltiTesting.layer({ time: "manual", scripts: [SoltiTesting.otherwise(hangs())] }))))

  it.effect("does not keep the layer from its end, even if nobody turns it", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(SoltiTesting.layer({ time: "manual" }), scope)
      const supervisor = Context.get(context, Supervisor)
      yield* supervisor.submitFunction({ name: "stubborn", run: Effect.uninterruptible(Effect.never) })
      yield* Scope.close(scope, Exit.void)
      assert.isAtLeast(yield* Clock.currentTimeMillis, 60_000)
    }))

  it.live("passes as it does under the real clock", () =>
    Effect.gen(function*() {
      const before = yield* Clock.currentTimeMillis
      assert.strictEqual((yield* run(command("x"))).status, "succeeded")
      assert.isAtLeast((yield* Clock.currentTimeMillis) - before, 19)
    }).pipe(
      Effect.provide(SoltiTesting.layer({ scripts: [SoltiTesting.otherwise(succeeds([], { takes: "20 millis" }))] }))
    ))
})

layer(SoltiTesting.layer({ scripts: [SoltiTesting.otherwise(succeeds(["shared"], { takes: "1 minute" }))] }))(
  "an emulator that tests share",
  (it) => {
    it.effect("numbers its tasks", () =>
      Effect.gen(function*() {
        assert.include(yield* transcript(command("a")), "submitted default-a-1")
      }))

    it.effect("through all of them", () =>
      Effect.gen(function*() {
        assert.include(yield* transcript(command("b")), "submitted default-b-2")
      }))
  }
)

describe("the parts of an emulator", () => {
  it.effect("record what was sent", () =>
    Effect.gen(function*() {
      const recorder = yield* SoltiTesting.Recorder
      const tasks = yield* Solti.Tasks
      const id = yield* tasks.submit(command("x", { env: { PASSWORD: "s3cr3t" } }))
      yield* tasks.delete(id)
      yield* recorder.expect(["POST /api/v1/tasks 201", "DELETE /api/v1/tasks/* 204"])
      const [submit] = yield* recorder.requests
      assert.include(Redacted.value(submit?.body ?? Redacted.make("")), "s3cr3t")
      assert.notInclude(JSON.stringify(yield* recorder.requests), "s3cr3t")
    }).pipe(Effect.provide(SoltiTesting.layer())))

  it.effect("ask for a token, and the client has it", () =>
    Effect.gen(function*() {
      const tasks = yield* Solti.Tasks
      assert.deepStrictEqual(yield* tasks.get("x"), Option.none())
      const [request] = yield* (yield* SoltiTesting.Recorder).requests
      assert.strictEqual(request?.headers["authorization"], "<redacted>")
    }).pipe(Effect.provide(SoltiTesting.layer({ token: Redacted.make("s3cr3t") }))))

  it.effect("answer whoever brings requests of his own", () =>
    Effect.gen(function*() {
      const client = yield* HttpClient.HttpClient
      const { status } = yield* client.post("http://anywhere/api/v1/tasks")
      assert.strictEqual(status, 400)
      assert.strictEqual((yield* client.get("http://anywhere/elsewhere")).status, 404)
    }).pipe(Effect.provide(SoltiTesting.layerHttpClient())))

  it.effect("serve a handler of one's own to the client", () => {
    const handler = ApiHandler.make({
      submitTask: () => Effect.die("not asked for"),
      getTaskStatus: () => Effect.succeedNone,
      queryTasks: () => Effect.succeed({ tasks: [], total: 7 }),
      listTaskRuns: () => Effect.succeed([]),
      deleteTask: () => Effect.void
    })
    return Effect.gen(function*() {
      const tasks = yield* Solti.Tasks
      assert.strictEqual((yield* tasks.list()).total, 7)
      assert.deepStrictEqual(yield* Stream.runCollect(tasks.logs("x")), Chunk.empty())
    }).pipe(
      Effect.provide(Layer.provide(SoltiTesting.layerHandler(), Layer.succeed(ApiHandler, handler)))
    )
  })

  it.effect("give the supervisor, for tasks that are functions of the host", () =>
    Effect.gen(function*() {
      const supervisor = yield* Supervisor
      const tasks = yield* Solti.Tasks
      yield* supervisor.submitFunction({ name: "heartbeat", run: Effect.void })
      assert.deepStrictEqual(yield* tasks.get("heartbeat"), Option.none())
      assert.isTrue(Option.isSome(yield* supervisor.get(Solti.TaskId.make("heartbeat"))))
    }).pipe(Effect.provide(SoltiTesting.layer())))
})
