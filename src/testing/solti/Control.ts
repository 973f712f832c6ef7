/**
 * What comes with every emulator: its faults, its recorder, and how time passes in it.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Recorder } from "../core/Recorder.js"
import * as VirtualTime from "../core/VirtualTime.js"
import type { FrontOptions } from "./Emulator.js"
import { Faults } from "./Faults.js"

/**
 * How time passes in an emulator without a socket.
 *
 * - `time`: under a `TestClock`, `auto` (default) turns the clock by itself whenever the program and the emulator wait,
 *   so that waiting costs nothing; `manual` leaves that to the test: see `advance`. Under the real clock (`it.live`)
 *   time passes as it does.
 *
 * Work on files is waited for. A program that waits for a socket or a child process goes with `manual` or the real
 * clock: nobody can see that it does, and time would pass meanwhile.
 *
 * @since 0.1.0
 * @category models
 */
export interface TimeOptions {
  readonly time?: "auto" | "manual" | undefined
}

const layerTime = ({ time = "auto" }: TimeOptions): Layer.Layer<never, never, Recorder> =>
  time === "manual" ? Layer.empty : Layer.scopedDiscard(
    Effect.flatMap(Recorder, (recorder) => VirtualTime.passing(recorder.count))
  )

/**
 * The control of an emulator on a socket, which knows no virtual time.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerLive = (options: FrontOptions): Layer.Layer<Faults | Recorder> =>
  Layer.merge(Faults.layer(options.faults, options.mode), Layer.effect(Recorder, Recorder.make))

/**
 * The control of an emulator in memory: time first, so that it passes until everything that may wait for it has been
 * released.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: FrontOptions & TimeOptions): Layer.Layer<Faults | Recorder> =>
  Layer.provideMerge(
    Layer.merge(layerTime(options), Faults.layer(options.faults, options.mode)),
    Layer.effect(Recorder, Recorder.make)
  )
