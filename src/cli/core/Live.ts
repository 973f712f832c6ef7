/**
 * Lines at the bottom of a terminal that are drawn again and again.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Output } from "./Screen.js"
import { Screen } from "./Screen.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Live {
  /**
   * Draws lines in the place of those before, cut to the size of the terminal; `above` writes what is to stand above
   * them. Where nothing can be drawn, in a pipe, only that happens.
   */
  readonly draw: <E = never, R = never>(
    lines: ReadonlyArray<string>,
    above?: Effect.Effect<void, E, R>
  ) => Effect.Effect<void, E, R>
}

/** Back to the first of so many lines, and away with everything from there. */
const clear = (count: number): string => count === 0 ? "" : `\r${count > 1 ? `\u001b[${count - 1}A` : ""}\u001b[J`

const onlyAbove = <E, R>(
  _lines: ReadonlyArray<string>,
  above?: Effect.Effect<void, E, R>
): Effect.Effect<void, E, R> => above ?? Effect.void

/**
 * Lines on an output. What is there at the end stays with `keep`, and is gone otherwise.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (to: Output, atEnd: "keep" | "clear"): Effect.Effect<Live, never, Screen | Scope.Scope> =>
  Effect.gen(function*() {
    const screen = yield* Screen
    if (!(to === "out" ? screen.isOutTerminal : screen.isErrTerminal)) {
      return { draw: onlyAbove }
    }
    let drawn = 0
    const write = (text: string) => text === "" ? Effect.void : screen.draw(to, text)
    const leave = Effect.suspend(() => {
      const text = clear(drawn)
      drawn = 0
      return write(text)
    })
    yield* Effect.addFinalizer(() => atEnd === "clear" ? leave : Effect.suspend(() => write(drawn === 0 ? "" : "\n")))
    const put = (lines: ReadonlyArray<string>) =>
      Effect.flatMap(screen.size(to), ({ columns, rows }) => {
        const fitting = lines.slice(0, Math.max(1, rows - 1)).map((line) =>
          Array.from(line).slice(0, Math.max(1, columns - 1)).join("")
        )
        const text = clear(drawn) + fitting.join("\n")
        drawn = fitting.length
        return write(text)
      })
    const draw = <E, R>(lines: ReadonlyArray<string>, above?: Effect.Effect<void, E, R>): Effect.Effect<void, E, R> =>
      above === undefined ? put(lines) : leave.pipe(Effect.zipRight(above), Effect.zipRight(put(lines)))
    return { draw }
  })
