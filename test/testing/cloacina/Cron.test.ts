/** Cron expressions, as the server reads them. */
import { describe, it } from "@effect/vitest"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import { assert } from "vitest"
import * as Cron from "../../../src/testing/cloacina/internal/Cron.js"

const next = (expression: string, after: string, timezone = "UTC"): string =>
  Either.match(Either.flatMap(Cron.parse(expression, timezone), (table) => Cron.next(table, Date.parse(after))), {
    onLeft: (fault) => fault,
    onRight: (ms) => new Date(ms).toISOString().replace(".000Z", "Z")
  })

describe("a timetable", () => {
  it("has five fields, or six with seconds first", () => {
    assert.strictEqual(next("30 2 * * *", "2026-11-22T21:08:29.7Z"), "2026-11-23T02:30:00Z")
    assert.strictEqual(next("0 30 2 * * *", "2026-11-22T21:08:29.8Z"), "2026-11-23T02:30:00Z")
    assert.strictEqual(next("*/2 * * * * *", "2026-11-22T21:08:29.875Z"), "2026-11-22T21:08:30Z")
  })

  it("comes round behind a time, never at it", () => {
    assert.strictEqual(next("*/2 * * * * *", "2026-11-22T21:08:30Z"), "2026-11-22T21:08:32Z")
    assert.strictEqual(next("*/2 * * * * *", "2026-11-22T21:08:30.001Z"), "2026-11-22T21:08:32Z")
    assert.strictEqual(next("8 21 * * *", "2026-11-22T21:08:00Z"), "2026-11-23T21:08:00Z")
  })

  it("keeps to its time zone, over a change of the clocks", () => {
    assert.strictEqual(next("30 2 * * *", "2026-11-22T21:08:29Z", "Europe/Berlin"), "2026-11-23T01:30:00Z")
    assert.strictEqual(next("30 2 * * *", "2026-07-01T12:00:00Z", "Europe/Berlin"), "2026-07-02T00:30:00Z")
    assert.strictEqual(next("0 12 * * *", "2026-03-28T12:00:00Z", "Europe/Berlin"), "2026-03-29T10:00:00Z")
  })

  it("knows Sunday as 0 and as 7, and names", () => {
    for (const day of ["0", "7", "SUN"]) {
      assert.strictEqual(next(`0 6 * * ${day}`, "2026-11-23T00:00:00Z"), "2026-11-29T06:00:00Z")
    }
    assert.strictEqual(next("0 6 * * 5-7", "2026-11-28T12:00:00Z"), "2026-11-29T06:00:00Z")
  })

  it("has nicknames, steps beyond its range and lists with nothing between commas", () => {
    const now = "2026-11-26T12:24:00Z"
    assert.strictEqual(next("@daily", now), "2026-11-27T00:00:00Z")
    assert.strictEqual(next("@hourly", now), "2026-11-26T13:00:00Z")
    assert.strictEqual(next("@weekly", now), "2026-11-29T00:00:00Z")
    assert.strictEqual(next("@yearly", now), "2027-01-01T00:00:00Z")
    assert.strictEqual(next("*/100 * * * *", now), "2026-11-26T13:00:00Z")
    assert.strictEqual(next(",1,,2, * * * *", now), "2026-11-26T13:01:00Z")
    assert.strictEqual(next("0 0 * feb Fri", now), "2027-02-05T00:00:00Z")
  })

  it("is refused in the words of the server", () => {
    const fields = "Cron parsing error: Invalid pattern: Pattern must have 5 or 6 fields when years are disallowed."
    for (const expression of ["every day", "* * * *", "* * * * * * *"]) {
      assert.strictEqual(next(expression, "2026-01-01T00:00:00Z"), fields)
    }
    const component = (fault: string) => `Component error: ${fault}`
    const illegal = (letter: string, part: string) =>
      `Pattern contains illegal characters: CronPattern contains illegal character '${letter}' in part '${part}'`
    const faults: ReadonlyArray<readonly [expression: string, fault: string]> = [
      [" ", "CronPattern cannot be an empty string."],
      ["60 * * * *", component("Number out of bounds.")],
      ["* * 0 * *", component("Number out of bounds.")],
      ["* * * * 8", component("Number out of bounds.")],
      ["5-1 * * * *", component("Range out of bounds.")],
      ["0 0 * * SAT-MON", component("Range out of bounds.")],
      ["-1 * * * *", component("Invalid start of range.")],
      ["1-* * * * *", component("Invalid end of range.")],
      ["*,1 * * * *", component("Invalid number.")],
      ["*/0 * * * *", component("Step cannot be zero.")],
      ["*/-1 * * * *", component("Invalid step.")],
      ["a * * * *", illegal("A", "A")],
      ["? * * * *", illegal("?", "?")],
      ["0 0 * * Monday", illegal("D", "1DAY")]
    ]
    for (const [expression, fault] of faults) {
      assert.strictEqual(next(expression, "2026-01-01T00:00:00Z"), `Cron parsing error: ${fault}`)
    }
    assert.match(next("1/5 * * * *", "2026-01-01T00:00:00Z"), /: single number steps like "1\/5" are not allowed\./)
    assert.match(
      next("/5 * * * *", "2026-01-01T00:00:00Z"),
      /: omitting the starting point like "\/5" is not allowed\./
    )
    for (const timezone of ["Mars/Base", "+02:00", ""]) {
      assert.strictEqual(next("* * * * *", "2026-01-01T00:00:00Z", timezone), `Invalid timezone: ${timezone}`)
    }
    assert.strictEqual(
      next("0 0 31 2 *", "2026-01-01T00:00:00Z"),
      "Cron parsing error: CronScheduler time search limit exceeded."
    )
  })

  it.prop(
    "whatever the text is, is read or refused",
    [FastCheck.string(), FastCheck.string()],
    ([expression, timezone]) => {
      assert.isDefined(Cron.parse(expression, timezone))
    }
  )

  it.prop(
    "comes round at whole seconds, one behind the other",
    [
      FastCheck.tuple(
        FastCheck.constantFrom("*", "0", "*/7", "5-50/9"),
        FastCheck.constantFrom("*", "30", "*/11"),
        FastCheck.constantFrom("*", "2", "9-17")
      ),
      FastCheck.constantFrom("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"),
      FastCheck.integer({ min: Date.parse("2026-01-01"), max: Date.parse("2027-01-01") })
    ],
    ([fields, timezone, start]) => {
      const table = Either.getOrThrow(Cron.parse(`${fields.join(" ")} * * *`, timezone))
      let last = start
      for (let round = 0; round < 5; round++) {
        const following = Either.getOrThrow(Cron.next(table, last))
        assert.isAbove(following, last)
        assert.strictEqual(following % 1000, 0)
        last = following
      }
    },
    { fastCheck: { numRuns: 50 } }
  )
})
