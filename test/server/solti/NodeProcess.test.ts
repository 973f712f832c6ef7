import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import * as TestServices from "effect/TestServices"
import { spawn } from "node:child_process"
import * as NodeProcess from "../../../src/server/solti/NodeProcess.js"
import { build, command, escape, eventually, isAlive, kill, pids, run, sh, start } from "./support/subprocesses.js"
import { taskId } from "./support/tasks.js"

const groupExists = (pid: number): boolean => {
  try {
    return process.kill(-pid, 0)
  } catch {
    return false
  }
}

/** A shell that starts two sleepers in the background and one below another shell, and waits. */
const family = "echo $$; sleep 1000 & echo $!; sh -c 'sleep 1000 & echo $!; wait' & echo $!; wait"

const allGone = (pids: ReadonlyArray<number>) => assert.deepStrictEqual(pids.filter(isAlive), [])

describe("NodeProcess: groups of attempts", () => {
  it.live("leads a group of its own, apart from the server's", () =>
    Effect.gen(function*() {
      const running = yield* start(sh(family))
      const members = yield* pids(running, 4)
      assert.isTrue(members.every(isAlive))
      assert.isTrue(groupExists(members[0] ?? 0))
      assert.notStrictEqual(members[0], process.pid)
      yield* Fiber.interrupt(running.fiber)
    }))

  it.live("has killed every member when its interruption is over", () =>
    Effect.gen(function*() {
      const running = yield* start(sh(family))
      const members = yield* pids(running, 4)
      const exit = yield* Fiber.interrupt(running.fiber)
      assert.isTrue(Exit.isInterrupted(exit))
      allGone(members)
    }))

  it.live("kills those that ignore every other signal, and those that are stopped", () =>
    Effect.gen(function*() {
      const running = yield* start(sh("trap '' TERM INT HUP; sleep 1000 & echo $!; echo $$; kill -STOP $!; wait"))
      const members = yield* pids(running, 2)
      yield* Fiber.interrupt(running.fiber)
      allGone(members)
    }))

  it.live("does so for a time-out as well", () =>
    Effect.gen(function*() {
      const lines: Array<string> = []
      const attempt = yield* build(sh("sh -c 'sleep 1000; true' & echo $!; echo $$; wait"))
      const emit = (_: string, line: string) => void lines.push(line)
      const outcome = yield* Effect.timeoutOption(attempt({ taskId: taskId("t"), attempt: 1, emit }), "300 millis")
      assert.isTrue(Option.isNone(outcome))
      assert.lengthOf(lines, 2)
      allGone(lines.map(Number))
    }))

  it.live("kills a process that forks without end", () =>
    Effect.gen(function*() {
      const running = yield* start(sh("echo $$; while :; do sleep 1000 & sleep 0.01; done"))
      const [leader = 0] = yield* pids(running, 1)
      yield* Effect.sleep("100 millis")
      yield* Fiber.interrupt(running.fiber)
      yield* eventually(() => !groupExists(leader))
    }))

  it.live("leaves no background process of one that has ended well", () =>
    Effect.gen(function*() {
      const { exit, stdout } = yield* run(
        sh("sleep 1000 >/dev/null 2>&1 & echo $!; (sleep 1000 >/dev/null 2>&1 & echo $!)")
      )
      assert.isTrue(Exit.isSuccess(exit))
      assert.lengthOf(stdout, 2)
      allGone(stdout.map(Number))
    }))

  it.live("keeps the exit code of one that leaves background processes", () =>
    Effect.gen(function*() {
      const running = yield* start(sh("sleep 1000 >/dev/null 2>&1 & echo $!; exit 7"))
      const failure = yield* Effect.flip(Fiber.join(running.fiber))
      assert.deepStrictEqual(failure.exitCode, Option.some(7))
      allGone(yield* pids(running, 1))
    }))

  it.live("waits for background processes that still write, and takes their last line", () =>
    Effect.gen(function*() {
      const { exit, stdout } = yield* run(sh("(sleep 0.3; echo late; printf later) & echo first"))
      assert.isTrue(Exit.isSuccess(exit))
      assert.deepStrictEqual(stdout, ["first", "late", "later"])
    }))

  it.live("kills those that hold a pipe beyond the drain, and takes what they have written", () =>
    Effect.gen(function*() {
      const task = sh("(echo from behind; printf half; exec sleep 1000) & echo $! >&2")
      const { exit, stderr, stdout } = yield* run(task, { drain: "200 millis" })
      assert.isTrue(Exit.isSuccess(exit))
      assert.deepStrictEqual(stdout, ["from behind", "half"])
      allGone(stderr.map(Number))
    }))

  it.effect("drains for five seconds of Effect's clock", () =>
    Effect.gen(function*() {
      const running = yield* start(sh("sleep 1000 & echo $!"))
      const [holder = 0] = yield* pids(running, 1)
      const sleeping = Effect.map(TestClock.sleeps(), Chunk.size)
      let sleepers = 0
      yield* Effect.repeat(
        Effect.zipRight(TestServices.provideLive(Effect.sleep("5 millis")), sleeping),
        { until: (count) => (sleepers = count) > 0 }
      )
      assert.strictEqual(sleepers, 1)
      yield* TestClock.adjust("4999 millis")
      assert.isTrue(isAlive(holder))
      assert.isNull(running.fiber.unsafePoll())
      yield* TestClock.adjust("1 millis")
      // The kill takes effect on the real clock; what waits for it sleeps on the test's.
      yield* eventually(() => !isAlive(holder))
      yield* TestClock.adjust("1 second")
      assert.isTrue(Exit.isSuccess(yield* Fiber.await(running.fiber)))
    }))

  it.live("is not held by a process that has left the group, when it is interrupted", () =>
    Effect.gen(function*() {
      const running = yield* start(sh(`${escape("exec sleep 1000")}; echo $$; sleep 1000`), { drain: "1 hour" })
      const [daemon = 0, leader = 0] = yield* pids(running, 2)
      assert.isTrue(Exit.isInterrupted(yield* Fiber.interrupt(running.fiber)))
      allGone([leader])
      assert.isTrue(isAlive(daemon))
      yield* kill(daemon)
    }))

  it.live("keeps the status of a process that had exited before the interruption came", () =>
    Effect.gen(function*() {
      const running = yield* start(sh("sleep 1000 & echo $$; echo $!; exit 3"), { drain: "1 hour", settled: true })
      const [leader = 0, holder = 0] = yield* pids(running, 2)
      yield* eventually(() => !isAlive(leader))
      const exit = yield* Fiber.interrupt(running.fiber)
      assert.isTrue(Exit.isFailure(exit) && !Exit.isInterrupted(exit))
      allGone([holder])
    }))

  it.live("ends as interrupted when it was the interruption that killed it", () =>
    Effect.gen(function*() {
      const running = yield* start(sh("echo $$; exec sleep 1000"), { settled: true })
      const members = yield* pids(running, 1)
      assert.isTrue(Exit.isInterrupted(yield* Fiber.interrupt(running.fiber)))
      allGone(members)
    }))

  it.live("emits nothing behind its end", () =>
    Effect.gen(function*() {
      const running = yield* start(sh("while :; do echo x; done"))
      yield* pids(running, 1000)
      yield* Fiber.interrupt(running.fiber)
      const { length } = running.lines
      yield* Effect.sleep("50 millis")
      assert.lengthOf(running.lines, length)
    }))

  it.live("gets many at once right", () =>
    Effect.gen(function*() {
      const tasks = Array.from({ length: 200 }, (_, index) => run(sh(`echo ${index}; exit $((${index} % 3))`)))
      const outcomes = yield* Effect.all(tasks, { concurrency: 16 })
      outcomes.forEach(({ exit, stdout }, index) => {
        assert.deepStrictEqual(stdout, [String(index)])
        assert.strictEqual(Exit.isSuccess(exit), index % 3 === 0)
      })
    }))

  it.live("never signals a number that has been given to a stranger", () =>
    Effect.gen(function*() {
      // A living leader under a number that is taken for the one of a reaped process: the kernel has given it away.
      const stranger = spawn("sleep", ["1000"], { detached: true, stdio: "ignore" })
      const pid = stranger.pid ?? 0
      assert.isTrue(groupExists(pid))
      assert.isFalse(NodeProcess.hasSurvivors(pid))
      yield* NodeProcess.killSurvivors(pid, "50 millis")
      assert.isTrue(isAlive(pid))
      yield* kill(pid)
    }))

  it.live("leaves no descriptor open", () =>
    Effect.gen(function*() {
      const handles = () => process.getActiveResourcesInfo().filter((kind) => /Pipe|Process/.test(kind)).length
      const before = handles()
      yield* Effect.all(Array.from({ length: 20 }, () => run(command("true", []))), { concurrency: 4 })
      yield* run(sh("sleep 1000 & exit 0"), { drain: "20 millis" })
      yield* eventually(() => handles() <= before)
    }))
})
