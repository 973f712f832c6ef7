import { assert, describe, it } from "@effect/vitest"
import * as Fs from "node:fs"

/**
 * The coverage tables: each line of a plane's checklist names tests as `path › text of the test` or as
 * `path (recorded case)`, or gives a reason. Behind it there may be a table of further behaviours, named by a letter and a
 * number.
 */
const planes: Readonly<Record<string, number>> = { solti: 66, cloacina: 161 }

const evidence = /`(test\/[^`]+\.ts)`(?: \(((?:`[^`]+`(?:, )?)+)\)|((?:(?:, | › )"[^"]+")*))/g

for (const [plane, lines] of Object.entries(planes)) {
  describe(`docs/coverage/${plane}.md`, () => {
    const rows = Fs.readFileSync(`docs/coverage/${plane}.md`, "utf8").split("\n")
      .map((line) => /^\| ([A-Z]?\d+) \| (.*) \| (.*) \|$/.exec(line))
      .filter((match) => match !== null)

    it("has every line of the checklist once, in order", () => {
      const numbers = rows.map((row) => Number(row[1])).filter((number) => !Number.isNaN(number))
      assert.deepStrictEqual(numbers, Array.from({ length: lines }, (_, index) => index + 1))
    })

    for (const [, number, , proof = ""] of rows) {
      it(`line ${number} names tests that exist, or a reason`, () => {
        const named = [...proof.matchAll(evidence)]
        if (named.length === 0) {
          assert.match(proof, /^(?:Later|Not here|Differs): .{20,}/, "neither a test nor a reason")
        }
        for (const [, file = "", recorded = "", titles = ""] of named) {
          assert.isTrue(Fs.existsSync(file), `${file} does not exist`)
          for (const [, name] of recorded.matchAll(/`([^`]+)`/g)) {
            assert.isTrue(Fs.existsSync(`test/fixtures/${plane}/golden/cases/${name}.json`), `${name} was not recorded`)
          }
          const text = Fs.readFileSync(file, "utf8")
          for (const [, title = ""] of titles.matchAll(/"([^"]+)"/g)) {
            // A single word may be anywhere in a file: as a title it is in quotes.
            assert.include(text, title.includes(" ") ? title : `"${title}"`, file)
          }
        }
      })
    }
  })
}
