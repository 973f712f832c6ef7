/**
 * A runner that plays scripts where others start processes.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import { Buffer } from "node:buffer"
import type { CreateSpec } from "../../schemas/solti/Tasks.js"
import * as Output from "../../server/solti/Output.js"
import type { AttemptContext, AttemptFailed, Runner } from "../../server/solti/Runner.js"
import { evaluate } from "../../server/solti/Subprocess.js"
import * as SystemFailure from "../../server/solti/SystemFailure.js"
import * as PublishedOutput from "./PublishedOutput.js"
import type { Attempt, Plot, Script, Write } from "./Script.js"
import { durationOf, succeeds, writesOf } from "./Script.js"
import type { Process, Survivors } from "./Survivors.js"

/**
 * Whose processes are played: `intended` ones end with their attempts, `published` ones as contract 8.5 to 8.8 have it.
 *
 * @since 0.1.0
 * @category models
 */
export type Behavior = "intended" | "published"

/**
 * A runner with the scripts that it plays.
 *
 * @since 0.1.0
 * @category models
 */
export interface ScriptRunner {
  readonly runner: Runner
  /** Adds a script; it is asked before those that are there. */
  readonly add: (script: Script) => void
}

/** How long the intended server waits for pipes that a detached process holds: behind an exit, and behind a kill. */
const patience = { exited: "5 seconds", killed: "1 second" } as const

/** A time-out reaches the attempt a little late, never early. */
const timerSlackMs = 5

/** What takes no time at all would keep a task that always restarts from ever letting anybody else go on. */
const shortestRepeatMs = 1

const pause = (duration: Duration.DurationInput): Effect.Effect<void> =>
  Duration.toMillis(duration) > 0 ? Effect.sleep(duration) : Effect.void

const failsOnNonZero = ({ kind }: CreateSpec): boolean => "subprocess" in kind ? kind.subprocess.failOnNonZero : true

const exitStatusOf = ({ end }: Attempt) =>
  end._tag === "Exit" ? { code: end.code, signal: null } : { code: null, signal: "SIGKILL" }

const within = (process: Process, limit: Duration.DurationInput): Effect.Effect<void> =>
  Effect.asVoid(Effect.timeoutOption(Effect.interruptible(process.gone), limit))

/** The pipes of an attempt: bytes in, lines out, to wherever `emit` points. */
const makePipes = (behavior: Behavior, emit: AttemptContext["emit"]) => {
  const make = behavior === "published" ? PublishedOutput.makeSplitter : Output.makeSplitter
  const splitters = { stdout: make((line) => emit("stdout", line)), stderr: make((line) => emit("stderr", line)) }
  return {
    play: (writes: ReadonlyArray<Write>): Effect.Effect<void> =>
      Effect.forEach(
        writes,
        ({ after, bytes, stream }) => Effect.map(pause(after), () => splitters[stream].push(Buffer.from(bytes))),
        { discard: true }
      ),
    close: Effect.sync(() => {
      splitters.stdout.end()
      splitters.stderr.end()
    })
  }
}

const perform = (
  attempt: Attempt,
  spec: CreateSpec,
  context: AttemptContext,
  behavior: Behavior,
  survivors: Survivors
): Effect.Effect<void, AttemptFailed> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function*() {
      if (attempt.end._tag === "SpawnFailure") {
        return yield* SystemFailure.fatal("spawn failed", attempt.end.reason)
      }
      const clock = yield* Effect.clock
      const startedAt = yield* Clock.currentTimeMillis
      const seq = { stdout: 0, stderr: 0 }
      let adopted: Effect.Effect.Success<ReturnType<Survivors["adopt"]>> | undefined
      const pipes = makePipes(behavior, (stream, line) => {
        const { attempt, emit } = context
        const number = seq[stream]++
        if (adopted === undefined) return emit(stream, line)
        adopted({ type: "chunk", attempt, stream, seq: number, ts: Math.floor(clock.unsafeCurrentTimeMillis()), line })
      })
      const left = attempt.survivor === undefined ? undefined : {
        isDetached: attempt.survivor.detached === true,
        process: yield* survivors.start(
          Effect.zipRight(pipes.play(writesOf(attempt.survivor.output ?? [])), Effect.never).pipe(
            Effect.timeoutOption(attempt.survivor.lives),
            Effect.asVoid
          )
        )
      }

      /** What its exit does to a process that it leaves behind. */
      const exited = Effect.suspend(() => {
        if (left === undefined) return Effect.void
        if (behavior === "published") return left.process.gone
        return left.isDetached ? within(left.process, patience.exited) : left.process.kill
      })

      /** What the kill of an attempt does to it; whether it lives on behind the end of the attempt. */
      const stopped = Effect.gen(function*() {
        if (left === undefined) return false
        const { isDetached, process } = left
        if (behavior === "intended") {
          yield* isDetached ? within(process, patience.killed) : process.kill
          return false
        }
        const elapsed = (yield* Clock.currentTimeMillis) - startedAt
        if (elapsed + timerSlackMs >= Number(spec.timeoutMs)) {
          adopted = yield* survivors.adopt(context.taskId, process)
          yield* Effect.forkDaemon(Effect.zipRight(process.gone, pipes.close))
          return true
        }
        yield* isDetached ? process.gone : process.kill
        return false
      })

      const writes = writesOf(attempt.output)
      const writing = writes.reduce((sum, { after }) => sum + Duration.toMillis(after), 0)
      const shortest = context.attempt > 1 ? shortestRepeatMs : 0
      const rest = Math.max(durationOf(attempt), shortest) - writing
      const life = Effect.zipRight(pipes.play(writes), rest === Infinity ? Effect.never : pause(rest))

      const exit = yield* Effect.exit(restore(life))
      const drained = Exit.isSuccess(exit) ? yield* Effect.exit(restore(exited)) : exit
      const livesOn = Exit.isFailure(drained) && (yield* stopped)
      if (!livesOn) yield* pipes.close
      // One that had ended before it was stopped keeps its status, as a process does.
      return yield* Exit.isSuccess(exit) ? evaluate(exitStatusOf(attempt), failsOnNonZero(spec)) : exit
    })
  )

const attemptOf = (plot: Plot, spec: CreateSpec, context: AttemptContext): Attempt => {
  const [first] = plot
  if (typeof first === "function") return first({ spec, taskId: context.taskId, attempt: context.attempt })
  const planned = plot[Math.min(context.attempt, plot.length) - 1]
  return planned === undefined || typeof planned === "function" ? first : planned
}

/**
 * Makes the runner. The first script that matches a task and is not used up is played; without one, a subprocess
 * succeeds at once and writes nothing, and other kinds have no runner, as in a stock agent.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  scripts: ReadonlyArray<Script>,
  behavior: Behavior,
  survivors: Survivors
): Effect.Effect<ScriptRunner> =>
  Effect.sync(() => {
    let book = scripts.map((script) => ({ script, used: 0 }))
    const find = (spec: CreateSpec) =>
      Option.fromNullable(book.find(({ script, used }) => used < script.times && script.matches(spec)))
    return {
      add: (script) => {
        book = [{ script, used: 0 }, ...book]
      },
      runner: {
        name: "default",
        supports: (spec) => "subprocess" in spec.kind || Option.isSome(find(spec)),
        build: (spec) =>
          Effect.sync(() => {
            const entry = find(spec)
            if (Option.isSome(entry)) entry.value.used++
            const plot: Plot = Option.match(entry, { onNone: () => [succeeds()], onSome: ({ script }) => script.plot })
            return (context) =>
              Effect.suspend(() => perform(attemptOf(plot, spec, context), spec, context, behavior, survivors))
          })
      }
    }
  })
