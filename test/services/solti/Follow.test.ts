import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Solti from "../../../src/solti.js"
import * as Golden from "../../fixtures/solti/Golden.js"
import * as Memory from "../support/Memory.js"
import * as Models from "../support/Models.js"

const spec = Solti.command("true", [], { slot: "s", timeout: "1 second" })

const finished = (attempt: number) => ({ type: "runFinished", attempt, finishedAt: 2 }) as const
const started = (attempt: number) => ({ type: "runStarted", attempt, startedAt: 1 }) as const

/** A server whose log answers one reply after the other, and whose task is over then. */
const server = (
  logs: ReadonlyArray<() => Memory.Reply>,
  end: { readonly task?: unknown; readonly runs?: ReadonlyArray<unknown> } = { runs: [Models.run(1, "SUCCEEDED")] }
) => {
  let opened = 0
  return Memory.solti(({ method, path }) => {
    if (method === "POST") return Memory.json(201, { taskId: "t" })
    if (path.endsWith("/logs")) return (logs[opened++] ?? (() => Memory.notFound("t")))()
    if (path.endsWith("/runs")) return Memory.json(200, { runs: end.runs ?? [] })
    return Memory.json(200, end.task === undefined ? {} : { task: end.task })
  })
}

const log = (events: ReadonlyArray<{ readonly type: string }>, end?: "end" | "break") => () =>
  Memory.sse(events.map((event) => Memory.frame(event)), end)

const followed = (one: ReturnType<typeof server>, options?: Solti.FollowOptions) =>
  Effect.flatMap(
    one.tasks,
    (tasks) => Effect.map(Memory.running(Stream.runCollect(tasks.follow("t", options))), Chunk.toReadonlyArray)
  )

const typesOf = (events: ReadonlyArray<{ readonly type: string }>) => events.map(({ type }) => type).join(" ")

describe("follow", () => {
  it.effect("gives the tidied log and then the outcome, once", () =>
    Effect.gen(function*() {
      const events = yield* followed(server([log([started(1), Memory.chunk(1, 0, "a"), finished(0), finished(1)])]))
      assert.strictEqual(typesOf(events), "runStarted chunk runFinished ended")
      const last = events.at(-1)
      assert.strictEqual(last?.type === "ended" ? last.outcome.status : "", "succeeded")
    }))

  it.effect("says what was missed at the head", () =>
    Effect.gen(function*() {
      const events = yield* followed(server([log([Memory.chunk(1, 3, "late"), finished(1)])]))
      assert.strictEqual(typesOf(events), "headGap chunk runFinished ended")
      assert.deepStrictEqual(events[0], { type: "headGap", attempt: 1, stream: "stdout", missed: 3 })
    }))

  it.effect("says so when the task was over before its log opened", () =>
    Effect.gen(function*() {
      const events = yield* followed(server([]))
      assert.strictEqual(typesOf(events), "logMissed ended")
    }))

  it.effect("marks a break with a gap and goes on", () =>
    Effect.gen(function*() {
      const events = yield* followed(server([
        log([started(1), Memory.chunk(1, 0, "a")], "break"),
        () => "reset",
        log([Memory.chunk(1, 9, "b"), finished(1)])
      ]))
      assert.strictEqual(typesOf(events), "runStarted chunk gap chunk runFinished ended")
    }))

  it.effect("takes 404 behind a break for the end", () =>
    Effect.gen(function*() {
      const events = yield* followed(server([log([started(1)], "break")]))
      assert.strictEqual(typesOf(events), "runStarted gap ended")
    }))

  it.effect("passes lagged on", () =>
    Effect.gen(function*() {
      const lagged = (skipped: number) => ({ type: "lagged", skipped }) as const
      const events = yield* followed(server([log([lagged(3), lagged(4), Memory.chunk(1, 7, "x")])]))
      assert.strictEqual(typesOf(events), "lagged lagged chunk ended")
    }))

  it.effect("waits behind its log for a task that is not over yet", () =>
    Effect.gen(function*() {
      let asked = 0
      const one = Memory.solti(({ path }) => {
        if (path.endsWith("/logs")) return Memory.sse([])
        if (path.endsWith("/runs")) return Memory.json(200, { runs: [Models.run(1, "FAILED", { exitCode: 3 })] })
        return Memory.json(200, { task: Models.task("t", ++asked < 4 ? "RUNNING" : "EXHAUSTED") })
      })
      const events = yield* followed(one)
      const last = events.at(-1)
      assert.strictEqual(typesOf(events), "ended")
      assert.deepStrictEqual(last?.type === "ended" ? last.outcome.exitCode : "", Option.some(3))
      assert.strictEqual(asked, 4)
    }))

  it.effect("fails with TaskNotFound for a task of which nothing is known, behind the news that its log is missing", () =>
    Effect.gen(function*() {
      const seen: Array<string> = []
      const error = yield* Effect.flatMap(
        server([], {}).tasks,
        (tasks) =>
          Effect.flip(Stream.runForEach(tasks.follow("t"), (event) => Effect.sync(() => seen.push(event.type))))
      )
      assert.strictEqual(error._tag, "TaskNotFound")
      assert.deepStrictEqual(seen, ["logMissed"])
    }))

  it.effect("fails when the log cannot be had", () =>
    Effect.gen(function*() {
      const refused = Memory.solti(() => Memory.json(401, {}))
      assert.strictEqual((yield* Effect.flip(followed(refused)))._tag, "Unauthorized")
      const down = Memory.solti(() => "reset")
      assert.strictEqual(
        (yield* Effect.flip(followed(down, { reconnect: { maxReconnects: 1 } })))._tag,
        "StreamInterrupted"
      )
    }))

  it.effect("sends no DELETE, however its consumer stops", () =>
    Effect.gen(function*() {
      const one = server([log([started(1), Memory.chunk(1, 0, "a")])])
      yield* Stream.runDrain(Stream.take((yield* one.tasks).follow("t"), 1))
      assert.deepStrictEqual(one.sent.map(({ method }) => method), ["GET"])
    }))

  const streams = Golden.cases.flatMap((recorded) =>
    Golden.ofKind(recorded, "sse").filter((stream) => Golden.isWhole(stream) && stream.response.status === 200).map((
      stream
    ) => ({
      name: recorded.name,
      text: Golden.transcript(stream)
    }))
  )

  it.effect.each(streams)("$name, as recorded, ends with exactly one outcome", ({ text }) =>
    Effect.gen(function*() {
      const events = yield* followed(server([() => Memory.sse([text])]))
      assert.strictEqual(events.filter(({ type }) => type === "ended").length, 1)
      assert.strictEqual(events.at(-1)?.type, "ended")
    }))
})

describe("submitAndFollow", () => {
  const submitted = (one: ReturnType<typeof server>, input = spec) =>
    Effect.flatMap(
      one.tasks,
      (tasks) => Effect.map(Memory.running(Stream.runCollect(tasks.submitAndFollow(input))), Chunk.toReadonlyArray)
    )

  it.effect("says the id, then follows", () =>
    Effect.gen(function*() {
      const one = server([log([started(1), finished(1)])])
      const events = yield* submitted(one)
      assert.deepStrictEqual(events[0], { type: "submitted", taskId: Solti.TaskId.make("t") })
      assert.strictEqual(typesOf(events), "submitted runStarted runFinished ended")
      assert.deepStrictEqual(one.sent.slice(0, 2).map(({ method, path }) => `${method} ${path}`), [
        "POST /api/v1/tasks",
        "GET /api/v1/tasks/t/logs"
      ])
    }))

  it.effect("tolerates a task that is over at once", () =>
    Effect.gen(function*() {
      assert.strictEqual(typesOf(yield* submitted(server([]))), "submitted logMissed ended")
    }))

  it.effect("submits once, however often the log breaks", () =>
    Effect.gen(function*() {
      const one = server([log([started(1)], "break"), () => "reset", log([], "break"), log([finished(1)])])
      assert.strictEqual(typesOf(yield* submitted(one)), "submitted runStarted gap gap runFinished ended")
      assert.strictEqual(one.sent.filter(({ method }) => method === "POST").length, 1)
    }))

  it.effect("fails as the submit fails, and asks for nothing more", () =>
    Effect.gen(function*() {
      const refused = Memory.solti(() => Memory.json(413, { error: "PayloadTooLarge", message: "too large" }))
      assert.strictEqual((yield* Effect.flip(submitted(refused)))._tag, "PayloadTooLarge")
      assert.strictEqual(refused.sent.length, 1)
      const bad = server([])
      const error = yield* Effect.flip(submitted(bad, Solti.command("", [], { slot: "s", timeout: 1 })))
      assert.strictEqual(error._tag, "InvalidInput")
      assert.strictEqual(bad.sent.length, 0)
    }))
})
