import { describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import { assert } from "vitest"
import type { Splitter } from "../../../src/server/solti/Output.js"
import * as Output from "../../../src/server/solti/Output.js"
import * as PublishedOutput from "../../../src/testing/solti/PublishedOutput.js"

const split = (make: (emit: (line: string) => void) => Splitter, ...pushed: ReadonlyArray<string>) => {
  const lines: Array<string> = []
  const splitter = make((line) => lines.push(line))
  for (const text of pushed) splitter.push(Buffer.from(text))
  splitter.end()
  return lines
}

const lengths = (lines: ReadonlyArray<string>) => lines.map((line) => line.length > 100 ? "long" : line)

describe("the published reading of output", () => {
  it("takes a line of 65,536 bytes for over-long, and one of 65,535 not", () => {
    const behind = (size: number) => lengths(split(PublishedOutput.makeSplitter, `${"x".repeat(size)}\nnext\nlast`))
    assert.deepStrictEqual(behind(65_535), ["long", "next", "last"])
    assert.deepStrictEqual(behind(65_536), ["long"])
  })

  it("says of an over-long line what the recorded server said", () => {
    assert.deepStrictEqual(split(PublishedOutput.makeSplitter, `${"x".repeat(70_000)}\n`), [
      `${"x".repeat(4096)}... (truncated 61482 bytes)`
    ])
  })

  it("loses the rest of the piece, and goes on with the next one", () => {
    // Nine pieces of 8,192 bytes: the line ends in the ninth.
    const long = `${"x".repeat(65_536)}\n`
    const rest = "y".repeat(8 * 8192 + 8192 - long.length - 1) + "\n"
    assert.deepStrictEqual(lengths(split(PublishedOutput.makeSplitter, `${long}${rest}behind\n`)), ["long", "behind"])
  })

  it("loses nothing that comes later", () => {
    const long = `${"x".repeat(65_536)}\n`
    assert.deepStrictEqual(lengths(split(PublishedOutput.makeSplitter, `${long}lost\n`, "later\n")), ["long", "later"])
  })

  it.prop(
    "reads everything else as it is",
    [FastCheck.array(FastCheck.string({ maxLength: 200 }), { maxLength: 20 })],
    ([pushed]) => {
      assert.deepStrictEqual(split(PublishedOutput.makeSplitter, ...pushed), split(Output.makeSplitter, ...pushed))
    }
  )
})
