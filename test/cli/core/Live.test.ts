import { describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { assert } from "vitest"
import * as Live from "../../../src/cli/core/Live.js"
import { Screen } from "../../../src/cli/core/Screen.js"

/** What is written, and the screen of a terminal or of a pipe. */
const makeScreen = (isTerminal: boolean) => {
  const written: Array<string> = []
  const write = (text: string) => Effect.sync(() => void written.push(text))
  const screen: Screen.Service = {
    out: (line) => write(`${line}\n`),
    err: (line) => write(`${line}\n`),
    isOutTerminal: isTerminal,
    isErrTerminal: isTerminal,
    columns: Effect.succeed(10),
    draw: (_, text) => write(text),
    size: () => Effect.succeed({ columns: 10, rows: 3 })
  }
  return { written, screen }
}

const program = (atEnd: "keep" | "clear") =>
  Effect.scoped(Effect.gen(function*() {
    const screen = yield* Screen
    const live = yield* Live.make("err", atEnd)
    yield* live.draw(["one", "two, which is long"])
    yield* live.draw(["three"], screen.out("above"))
    yield* live.draw(["a", "b", "c"])
  }))

describe("Live", () => {
  it.effect("draws in place of what it has drawn, as far as there is room", () =>
    Effect.gen(function*() {
      const { screen, written } = makeScreen(true)
      yield* Effect.provideService(program("clear"), Screen, screen)
      assert.deepStrictEqual(written, [
        "one\ntwo, whic",
        "\r\u001b[1A\u001b[J",
        "above\n",
        "three",
        "\r\u001b[Ja\nb",
        "\r\u001b[1A\u001b[J"
      ])
    }))

  it.effect("leaves the last lines when they are to be kept", () =>
    Effect.gen(function*() {
      const { screen, written } = makeScreen(true)
      yield* Effect.provideService(program("keep"), Screen, screen)
      assert.strictEqual(written.at(-1), "\n")
    }))

  it.effect("writes only what is above where there is no terminal", () =>
    Effect.gen(function*() {
      const { screen, written } = makeScreen(false)
      yield* Effect.provideService(program("keep"), Screen, screen)
      assert.deepStrictEqual(written, ["above\n"])
    }))
})
