/** Lines that stay, and on a terminal below them a block that is drawn again and again. */
import * as Terminal from "@effect/platform/Terminal"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"

/**
 * - `write`: writes lines above the block, and draws the block again
 */
interface Screen {
  readonly isTerminal: boolean
  readonly write: (lines: ReadonlyArray<string>) => Effect.Effect<void>
}

/** The rows of a block, at this time in ms since 1970; `spinner` turns. */
export interface Block {
  (now: number, spinner: string): ReadonlyArray<string>
}

const frames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"]

const cut = (text: string, columns: number): string => text.length < columns ? text : `${text.slice(0, columns - 2)}…`

/** The screen; the block is gone when the scope closes. */
export const make = (block: Block) =>
  Effect.gen(function*() {
    const terminal = yield* Terminal.Terminal
    const isTerminal = yield* terminal.isTTY
    const oneAtATime = yield* Effect.makeSemaphore(1)
    let frame = 0
    let drawn = 0

    const erase = () => drawn === 0 ? "" : `\u001b[${drawn}A\u001b[J`

    const write = (lines: ReadonlyArray<string>, keepBlock: boolean) =>
      oneAtATime.withPermits(1)(Effect.gen(function*() {
        const text = lines.map((line) => `${line}\n`).join("")
        if (!isTerminal) return yield* terminal.display(text)
        const columns = yield* terminal.columns
        const rows = keepBlock
          ? block(yield* Clock.currentTimeMillis, frames[frame % frames.length] ?? "").map((row) => cut(row, columns))
          : []
        const before = erase()
        drawn = rows.length
        yield* terminal.display(before + text + rows.map((row) => `${row}\n`).join(""))
      })).pipe(
        // Nobody looks any more.
        Effect.ignore
      )

    if (isTerminal) {
      const tick = Effect.suspend(() => {
        frame += 1
        return write([], true)
      })
      yield* Effect.addFinalizer(() => write([], false))
      yield* Effect.forkScoped(Effect.repeat(tick, Schedule.spaced("100 millis")))
    }
    const screen: Screen = { isTerminal, write: (lines) => write(lines, true) }
    return screen
  })
