/**
 * The client on a server that runs processes, operation by operation: the same suite over HTTP and gRPC, on our server and on
 * the published one.
 */
import { assert, layer } from "@effect/vitest"
import * as Solti from "effect-switchyard/solti"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"

const sh = (text: string, options?: Partial<Solti.ProcessOptions>) =>
  Solti.command("/bin/sh", ["-c", text], { slot: "client", timeout: "20 seconds", ...options })

const often = { first: "50 millis", max: "50 millis", jitter: "none" } as const

const linesOf = (events: Chunk.Chunk<Solti.Submitted | Solti.FollowEvent>) =>
  Chunk.toReadonlyArray(events).flatMap((event) => event.type === "chunk" ? [event.line] : [])

const outcomeOf = (events: Chunk.Chunk<Solti.Submitted | Solti.FollowEvent>) => {
  const last = Option.getOrUndefined(Chunk.last(events))
  return last?.type === "ended" ? last.outcome : assert.fail("the last item is not the outcome")
}

/** Longer than 4 MiB, the limit of a message or body. */
const overlong = Solti.command("echo", ["x".repeat(4_300_000)], { slot: "client", timeout: "20 seconds" })

/** `large` is more than the server takes over this wire. */
export const clientSuite = <E>(
  title: string,
  client: Layer.Layer<Solti.Tasks, E>,
  large: Solti.CreateSpec = overlong
) =>
  layer(client, { excludeTestServices: true })(title, (it) => {
    it.effect("knows its version", () =>
      Effect.gen(function*() {
        const tasks = yield* Solti.Tasks
        assert.strictEqual(yield* tasks.version(), "0.0.2")
      }))

    it.effect("submits, gets, lists, reads runs, deletes", () =>
      Effect.gen(function*() {
        const tasks = yield* Solti.Tasks
        const spec = sh("sleep 20", { env: { MODE: "fast" }, labels: { team: "infra" }, cwd: "/" })
        const id = yield* tasks.submit(spec)
        const task = Option.getOrThrow(yield* tasks.get(id))
        assert.strictEqual(task.metadata.id, id)
        assert.deepStrictEqual(task.spec, spec)
        const page = yield* tasks.list({ slot: "client", limit: 1000 })
        assert.include(page.tasks.map((task) => task.metadata.id), id)
        const iterated = yield* Stream.runCollect(tasks.iterate({ slot: "client" }))
        assert.include(Chunk.toReadonlyArray(iterated).map((task) => task.metadata.id), id)
        yield* tasks.deleteConfirmed(id)
        assert.isTrue(Option.isNone(yield* tasks.get(id)))
        assert.deepStrictEqual(yield* tasks.runs(id), [])
        yield* tasks.delete(id)
      }))

    it.effect("awaits a task that the server forgets", () =>
      Effect.gen(function*() {
        const tasks = yield* Solti.Tasks
        const id = yield* tasks.submit(sh("exit 3"))
        const outcome = yield* tasks.await(id)
        assert.strictEqual(outcome.status, "failed")
        assert.deepStrictEqual(outcome.exitCode, Option.some(3))
        assert.strictEqual((yield* Effect.flip(tasks.await("default-client-0")))._tag, "TaskNotFound")
      }))

    it.effect("follows attempts to the outcome, with one end each", () =>
      Effect.gen(function*() {
        const tasks = yield* Solti.Tasks
        const counter = `/tmp/switchyard-real-${process.pid}`
        const events = yield* tasks.submitAndFollow(
          sh(
            `sleep 0.3; echo x >> ${counter}; n=$(wc -l < ${counter}); echo attempt $n; [ $n -ge 3 ] && rm ${counter}`,
            {
              restart: "onFailure",
              backoff: often
            }
          )
        ).pipe(Stream.runCollect)
        assert.deepStrictEqual(linesOf(events), ["attempt 1", "attempt 2", "attempt 3"])
        const ends = Chunk.toReadonlyArray(events).flatMap((event) =>
          event.type === "runFinished" ? [event.attempt] : []
        )
        assert.deepStrictEqual(ends, [1, 2, 3])
        assert.strictEqual(outcomeOf(events).status, "succeeded")
        assert.strictEqual(outcomeOf(events).attempts, 3)
      }))

    it.effect("names a time-out, a script and a spawn failure", () =>
      Effect.gen(function*() {
        const tasks = yield* Solti.Tasks
        const slow = yield* Stream.runCollect(tasks.submitAndFollow(sh("exec sleep 20", { timeout: "300 millis" })))
        assert.strictEqual(outcomeOf(slow).status, "timeout")
        const script = Solti.script("python", "import sys; print(sys.argv[1:])", {
          slot: "client",
          timeout: "20 seconds",
          args: ["a b", "ü"]
        })
        const ran = yield* Stream.runCollect(tasks.submitAndFollow(script))
        assert.strictEqual(outcomeOf(ran).status, "succeeded")
        const none = Solti.command("/no/such/program", [], { slot: "client", timeout: "20 seconds" })
        const failed = yield* tasks.await(yield* tasks.submit(none))
        assert.strictEqual(failed.status, "failed")
        assert.include(Option.getOrElse(failed.error, () => ""), "spawn failed")
      }))

    it.effect("has the server's own words for what it refuses", () =>
      Effect.gen(function*() {
        const tasks = yield* Solti.Tasks
        const error = yield* Effect.flip(tasks.submit(sh("true", { slot: "a/b" }), { validate: false }))
        assert.strictEqual(error._tag, "InvalidInput")
        assert.include(error.message, "slot contains forbidden byte 0x2f")
        const own = yield* Effect.flip(tasks.submit(sh("true", { slot: "a/b" })))
        assert.include(own.message, "slot contains forbidden byte 0x2f at position 1")
        assert.strictEqual(
          (yield* Effect.flip(tasks.submit(Solti.wasm("m.wasm", [], { slot: "w", timeout: 1000 }))))._tag,
          "Internal"
        )
        assert.strictEqual((yield* Effect.flip(tasks.submit(large)))._tag, "PayloadTooLarge")
        assert.strictEqual((yield* Effect.flip(tasks.apply(sh("true"))))._tag, "VersionMismatch")
      }))

    it.effect("says what a slow reader of a flood lost", () =>
      Effect.gen(function*() {
        const tasks = yield* Solti.Tasks
        const id = yield* tasks.submit(sh("sleep 0.3; seq 1 200000"))
        const { lines, skipped } = yield* tasks.logs(id).pipe(
          Stream.tap((event) => event.type === "runStarted" ? Effect.sleep("1 second") : Effect.void),
          Stream.runFold({ lines: 0, skipped: 0 }, (sum, event) => ({
            lines: sum.lines + (event.type === "chunk" ? 1 : 0),
            skipped: sum.skipped + (event.type === "lagged" ? event.skipped : 0)
          }))
        )
        assert.isAtMost(Math.abs(lines + skipped - 200_000), 3, "all lines are there or counted, but for a few markers")
      }))

    it.effect("stops a task that loops, from a consumer that has enough", () =>
      Effect.gen(function*() {
        const tasks = yield* Solti.Tasks
        const events = yield* tasks.submitAndFollow(sh("echo tick; sleep 0.1", { restart: "always" })).pipe(
          Stream.take(6),
          Stream.runCollect
        )
        const first = Option.getOrUndefined(Chunk.head(events))
        assert.strictEqual(first?.type, "submitted")
        if (first?.type === "submitted") yield* tasks.deleteConfirmed(first.taskId)
      }))

    it.effect("keeps 64-bit numbers, names of labels and texts of all kinds", () =>
      Effect.gen(function*() {
        const tasks = yield* Solti.Tasks
        const most = 2n ** 64n - 1n
        const spec: Solti.CreateSpec = {
          ...sh("sleep 20", {
            env: { "ü": "\ud83d\ude80\n\u0000x" },
            labels: { "__proto__": "p", "": "empty", "日本": "\ufeff" }
          }),
          timeoutMs: most,
          restart: "RESTART_STRATEGY_ALWAYS",
          restartIntervalMs: Option.some(2n ** 63n),
          backoff: { jitter: "JITTER_STRATEGY_DECORRELATED", firstMs: 1n, maxMs: most, factor: 1.0000001 }
        }
        const id = yield* tasks.submit({ ...spec, kind: sh("sleep 20").kind })
        const task = Option.getOrThrow(yield* tasks.get(id))
        assert.deepStrictEqual(task.spec, { ...spec, kind: sh("sleep 20").kind })
        yield* tasks.deleteConfirmed(id)
      }))

    it.effect("lists what a filter wants, in pages", () =>
      Effect.gen(function*() {
        const tasks = yield* Solti.Tasks
        const ids = yield* Effect.forEach(
          [1, 2, 3],
          () => tasks.submit(sh("sleep 20", { slot: "paged", admission: "queue" }))
        )
        const listed = (yield* tasks.list({ slot: "paged" })).tasks.map(({ metadata }) => metadata.id)
        assert.sameMembers(listed, ids)
        const second = yield* tasks.list({ slot: "paged", limit: 2, offset: 1 })
        assert.deepStrictEqual(second.tasks.map(({ metadata }) => metadata.id), listed.slice(1, 3))
        assert.deepStrictEqual((yield* tasks.list({ slot: "paged", status: "failed" })).tasks, [])
        assert.deepStrictEqual((yield* tasks.list({ slot: "nobody" })).tasks, [])
        yield* Effect.forEach(ids, (id) => tasks.deleteConfirmed(id))
      }))

    it.effect("lets twenty followers see the same log", () =>
      Effect.gen(function*() {
        const tasks = yield* Solti.Tasks
        const id = yield* tasks.submit(sh("sleep 1; seq 1 300"))
        const logs = yield* Effect.forEach(
          Array.from({ length: 20 }),
          () => Stream.runCollect(tasks.logs(id)),
          { concurrency: "unbounded" }
        )
        for (const log of logs) {
          const lines = Chunk.toReadonlyArray(log).flatMap((event) => event.type === "chunk" ? [event.line] : [])
          assert.deepStrictEqual(lines, Array.from({ length: 300 }, (_, index) => String(index + 1)))
        }
      }))

    it.effect("knows nothing of tasks that were never there", () =>
      Effect.gen(function*() {
        const tasks = yield* Solti.Tasks
        for (const id of ["default-client-0", "a/b", "日本", "x".repeat(3000)]) {
          assert.isTrue(Option.isNone(yield* tasks.get(id)))
          assert.deepStrictEqual(yield* tasks.runs(id), [])
          yield* tasks.delete(id)
          const error = yield* Effect.flip(Stream.runDrain(tasks.logs(id)))
          assert.strictEqual(error._tag, "TaskNotFound")
          if (error._tag === "TaskNotFound") assert.strictEqual(error.taskId, id)
        }
        assert.strictEqual((yield* Effect.flip(tasks.get(" ")))._tag, "InvalidInput")
      }))
  })
