import { describe, it } from "@effect/vitest"
import { assert } from "vitest"
import * as Table from "../../../src/cli/core/Table.js"

describe("Table", () => {
  const columns: ReadonlyArray<Table.Column> = [
    { header: "NAME", shrinks: true },
    { header: "COUNT", align: "right" },
    { header: "TEXT", shrinks: true }
  ]

  it("aligns columns and leaves no blanks at the end", () => {
    assert.deepStrictEqual(Table.render(columns, [["a", "1", "x"], ["longer", "1000000", ""]], Infinity), [
      "NAME      COUNT  TEXT",
      "a             1  x",
      "longer  1000000"
    ])
  })

  it("shrinks what may shrink, from the left, to the width", () => {
    const rows = [["a name of twenty char", "1", "a text of thirty characters or"]]
    for (const width of [60, 50, 40, 30]) {
      for (const line of Table.render(columns, rows, width)) assert.isAtMost(Array.from(line).length, width)
    }
    assert.deepStrictEqual(Table.render(columns, rows, 50)[1], "a name of …      1  a text of thirty characters or")
  })

  it("gives up where nothing more can shrink", () => {
    assert.strictEqual(
      Table.render(columns, [["a name of twenty char", "1", "some text"]], 5)[1],
      "a name …      1  some te…"
    )
  })

  it("puts names and values below each other", () => {
    assert.deepStrictEqual(Table.pairs([["id", "1"], ["longer", "2"]]), ["id      1", "longer  2"])
    assert.deepStrictEqual(Table.pairs([]), [])
  })
})
