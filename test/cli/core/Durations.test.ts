import { describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import { assert } from "vitest"
import * as Durations from "../../../src/cli/core/Durations.js"

describe("Durations", () => {
  it("reads short and long forms", () => {
    const forms = {
      "500ms": 500,
      "30s": 30_000,
      "1.5m": 90_000,
      "2h": 7_200_000,
      "1d": 86_400_000,
      "30 seconds": 30_000,
      " 5m ": 300_000
    }
    for (const [text, ms] of Object.entries(forms)) {
      assert.strictEqual(Option.getOrThrow(Option.map(Durations.parse(text), Duration.toMillis)), ms, text)
    }
  })

  it("reads nothing else", () => {
    for (const text of ["", "5", "s", "-5s", "5 fortnights", "1e3s", "5s 3m", "Infinity s"]) {
      assert.isTrue(Option.isNone(Durations.parse(text)), text)
    }
  })

  it("writes the two greatest units", () => {
    const forms = [
      [-5, "0ms"],
      [0, "0ms"],
      [850, "850ms"],
      [2430, "2.4s"],
      [59_999, "59.9s"],
      [60_000, "1m"],
      [65_000, "1m 5s"],
      [3_600_000, "1h"],
      [5_400_000, "1h 30m"],
      [273_600_000, "3d 4h"]
    ] as const
    for (const [ms, text] of forms) assert.strictEqual(Durations.render(ms), text)
  })
})
