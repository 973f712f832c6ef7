import { assert, describe, it } from "@effect/vitest"
import * as Fs from "node:fs"

/**
 * The coverage tables: each line of a plane's checklist names tests as `path › text of the test`, or gives a reason.
 */
const planes: Readonly<Record<string, number>> = { solti: 66 }

const evidence = /`([^`]+\.(?:test|real|test-d)\.ts)`(?: › "([^"]+)")?/g

for (const [plane, lines] of Object.entries(planes)) {
  describe(`docs/coverage/${plane}.md`, () => {
    const rows = Fs.readFileSync(`docs/coverage/${plane}.md`, "utf8").split("\n")
      .map((line) => /^\| (\d+) \| (.*) \| (.*) \|$/.exec(line))
      .filter((match) => match !== null)

    it("has every line of the checklist once, in order", () => {
      assert.deepStrictEqual(rows.map((row) => Number(row[1])), Array.from({ length: lines }, (_, index) => index + 1))
    })

    for (const [, number, , proof = ""] of rows) {
      it(`line ${number} names tests that exist, or a reason`, () => {
        const named = [...proof.matchAll(evidence)]
        if (named.length === 0) {
          assert.match(proof, /^(?:Later|Not here|Differs): .{20,}/, "neither a test nor a reason")
        }
        for (const [, file = "", title] of named) {
          assert.isTrue(Fs.existsSync(file), `${file} does not exist`)
          if (title !== undefined) assert.include(Fs.readFileSync(file, "utf8"), title, file)
        }
      })
    }
  })
}
