/** One program over both wires of the emulator: what it sees is the same. */
import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import * as Solti from "../../../src/solti.js"
import * as SoltiGrpcTesting from "../../../src/solti/grpc/testing.js"
import * as SoltiTesting from "../../../src/solti/testing.js"
import { running } from "../support/Memory.js"

type Wire = (
  options: SoltiTesting.Options & SoltiTesting.TimeOptions
) => Layer.Layer<Solti.Tasks | SoltiTesting.Faults | SoltiTesting.Recorder>

const wires: readonly [http: Wire, grpc: Wire] = [SoltiTesting.layer, SoltiGrpcTesting.layer]

const modes = ["intended", "strict-0.0.2", "0.0.3"] as const

/** The same program over both wires, and what it gives. */
const both = <A, E>(
  program: Effect.Effect<A, E, Solti.Tasks | SoltiTesting.Faults | SoltiTesting.Recorder>,
  options: SoltiTesting.Options
) =>
  Effect.forEach(
    wires,
    (wire) => Effect.zipRight(TestClock.setTime(0), running(Effect.provide(program, wire(options))))
  )

const output = [
  SoltiTesting.stdout("one", { after: "1 second" }),
  SoltiTesting.stderr("gr\u00fcn \u{1f600}", { after: "1 second" }),
  SoltiTesting.stdout("", { after: "1 second" })
]

const scripts = [
  SoltiTesting.slot("fails", SoltiTesting.exits(3, output)),
  SoltiTesting.slot("hangs", SoltiTesting.hangs(output)),
  SoltiTesting.otherwise(SoltiTesting.succeeds(output))
]

const spec = (slot: string) =>
  Solti.command("x", ["a", "\u00fc"], { slot, timeout: "1 hour", env: { A: "b" }, labels: { l: "m" } })

/** The tag of a failure, else what there is. */
const seen = <A, E extends { readonly _tag: string }, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.either(effect), (result): unknown => Either.isLeft(result) ? result.left._tag : result.right)

describe.each(modes)("in the mode %s, both wires give the same", (mode) => {
  it.effect("of the life of a task", () =>
    Effect.gen(function*() {
      const program = Effect.gen(function*() {
        const tasks = yield* Solti.Tasks
        const out: Array<unknown> = []
        for (const slot of ["works", "fails"]) {
          const items = yield* Stream.runCollect(tasks.submitAndFollow(spec(slot)))
          out.push(Chunk.toReadonlyArray(items))
        }
        const id = yield* tasks.submit(spec("hangs"))
        yield* Effect.sleep("10 seconds")
        out.push(yield* tasks.get(id), yield* tasks.list({ slot: "hangs" }), yield* tasks.runs(id))
        out.push(yield* tasks.list({ status: "running", limit: 1 }), yield* tasks.list({ offset: 100 }))
        out.push(Chunk.toReadonlyArray(yield* Stream.runCollect(tasks.iterate())))
        out.push(yield* seen(tasks.deleteConfirmed(id)), yield* seen(tasks.await(id)))
        out.push(yield* seen(tasks.version()), yield* seen(Effect.asVoid(tasks.apply(spec("works")))))
        return out
      })
      const [http, grpc] = yield* both(program, { mode, scripts })
      assert.deepStrictEqual(grpc, http)
      assert.isAbove(http?.length ?? 0, 8)
    }))

  it.effect("of what is not there, and of what is wrong", () =>
    Effect.gen(function*() {
      const invalid = { validate: false } as const
      const program = Effect.gen(function*() {
        const tasks = yield* Solti.Tasks
        return yield* Effect.all([
          seen(tasks.get("nope")),
          seen(tasks.runs("nope")),
          seen(tasks.delete("nope")),
          seen(Stream.runDrain(tasks.logs("nope"))),
          seen(tasks.await("nope")),
          seen(Stream.runDrain(tasks.follow("nope"))),
          seen(tasks.submit({ ...spec("s"), slot: " " })),
          seen(tasks.submit({ ...spec("s"), slot: " " }, invalid)),
          seen(tasks.submit({ ...spec("s"), timeoutMs: 0n }, invalid)),
          seen(tasks.submit({ ...spec("s"), backoff: { ...spec("s").backoff, factor: -1 } }, invalid)),
          seen(tasks.get("")),
          seen(tasks.list({ limit: -1 })),
          seen(tasks.list({ offset: 1.5 }))
        ])
      })
      const [http, grpc] = yield* both(program, { mode, scripts })
      assert.deepStrictEqual(grpc, http)
      assert.isTrue(http?.some((one) => one === "InvalidInput"))
    }))

  const labels = [
    "InvalidRequest",
    "Unauthenticated",
    "TaskNotFound",
    "AlreadyExists",
    "PayloadTooLarge",
    "Internal",
    "Unavailable"
  ] as const

  it.effect.each(labels)(
    "when the server refuses with %s: tags, and how often it was asked",
    (label) =>
      Effect.gen(function*() {
        const program = Effect.gen(function*() {
          const tasks = yield* Solti.Tasks
          const faults = yield* SoltiTesting.Faults
          const recorder = yield* SoltiTesting.Recorder
          const out: Array<unknown> = []
          // So that the name of the service is known.
          yield* tasks.get("t")
          const fault = SoltiTesting.refuse(label, "this is wrong")
          for (const on of ["get", "submit", "runs", "delete", "logs", "list"] as const) {
            // A read has no spec that could be too large: over gRPC this says that the answer is.
            if (label === "PayloadTooLarge" && on !== "submit") continue
            yield* faults.clear
            const injected = yield* faults.inject({ on, fault })
            const call: Effect.Effect<unknown, Solti.LogError | Solti.SubmitError> = on === "submit"
              ? tasks.submit(spec("works"))
              : on === "logs"
              ? Stream.runDrain(tasks.logs("t", { reconnect: { maxReconnects: 1 } }))
              : on === "list"
              ? tasks.list()
              : tasks[on]("t")
            out.push([on, yield* seen(Effect.asVoid(call)), yield* injected.hits])
          }
          assert.isAbove((yield* recorder.requests).length, 0)
          return out
        })
        const [http, grpc] = yield* both(program, { mode, scripts })
        assert.deepStrictEqual(grpc, http)
      })
  )
})

describe("an absent task", () => {
  it.effect("is None over both", () =>
    Effect.gen(function*() {
      const results = yield* both(Effect.flatMap(Solti.Tasks, (tasks) => tasks.get("nope")), {})
      assert.isTrue(results.every(Option.isNone))
    }))
})
