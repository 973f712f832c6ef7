/** Small programs over the client, for tests of what the emulator answers. */
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Solti from "../../../../src/solti.js"

/** A command in a slot of its name, with a minute for each attempt. */
export const command = (name: string, options: Partial<Solti.ProcessOptions> = {}): Solti.CreateSpec =>
  Solti.command(name, [], { slot: name, timeout: "1 minute", ...options })

/** Submits and waits. */
export const run = (spec: Solti.CreateSpec) =>
  Effect.flatMap(Solti.Tasks, (tasks) => Effect.flatMap(tasks.submit(spec), (id) => tasks.await(id)))

/** Submits and follows to the end: what a person would see, line by line. */
export const transcript = (spec: Solti.CreateSpec) =>
  Effect.flatMap(
    Solti.Tasks,
    (tasks) =>
      Effect.map(
        Stream.runCollect(tasks.submitAndFollow(spec)),
        (events) => Chunk.toReadonlyArray(events).map(Solti.render)
      )
  )
