/**
 * Where a command writes: its results on stdout, everything else on stderr.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"

/**
 * @since 0.1.0
 * @category models
 */
export type Output = "out" | "err"

/**
 * @since 0.1.0
 * @category context
 */
export class Screen extends Context.Tag("effect-switchyard/cli/Screen")<Screen, Screen.Service>() {}

/**
 * @since 0.1.0
 */
export declare namespace Screen {
  /**
   * @since 0.1.0
   * @category models
   */
  export interface Service {
    /** Writes a line to stdout. */
    readonly out: (line: string) => Effect.Effect<void>
    /** Writes a line to stderr. */
    readonly err: (line: string) => Effect.Effect<void>
    readonly isOutTerminal: boolean
    readonly isErrTerminal: boolean
    /** Columns of the terminal on stdout; `Infinity` where there is none. */
    readonly columns: Effect.Effect<number>
    /** Writes to a terminal as it is, without an end of line: see `Live`. */
    readonly draw: (to: Output, text: string) => Effect.Effect<void>
    /** The size of the terminal that an output is; `Infinity` where it is none. */
    readonly size: (of: Output) => Effect.Effect<{ readonly columns: number; readonly rows: number }>
  }
}

/**
 * Writes a line to stdout.
 *
 * @since 0.1.0
 * @category accessors
 */
export const out = (line: string): Effect.Effect<void, never, Screen> =>
  Effect.flatMap(Screen, (screen) => screen.out(line))

/** Control characters beyond those that JSON escapes, and what turns the direction of a line. */
const controls = /[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g

/**
 * Writes a value as one line of JSON to stdout. Nothing in it can drive a terminal.
 *
 * @since 0.1.0
 * @category accessors
 */
export const json = (value: unknown): Effect.Effect<void, never, Screen> =>
  out(JSON.stringify(value).replace(controls, (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, "0")}`))

/**
 * Writes a line to stderr.
 *
 * @since 0.1.0
 * @category accessors
 */
export const err = (line: string): Effect.Effect<void, never, Screen> =>
  Effect.flatMap(Screen, (screen) => screen.err(line))
