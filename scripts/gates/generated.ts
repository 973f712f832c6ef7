/** Whether the generated code is what the `.proto` files give: made anew beside it and compared, file by file. */
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import type { Outcome } from "./gate.js"
import { command, verdict } from "./gate.js"
import { bin } from "./run.js"

const committed = Path.join("src", "schemas", "gen")

const filesOf = (folder: string): Map<string, string> =>
  new Map(
    Fs.readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((path) => Fs.statSync(Path.join(folder, path)).isFile())
      .map((path) => [path, Fs.readFileSync(Path.join(folder, path), "utf8")])
  )

export const generated = async (): Promise<Outcome> => {
  const output = Fs.mkdtempSync(Path.join(Os.tmpdir(), "switchyard-generated-"))
  try {
    const ran = await bin("buf", ["generate", "--output", output])
    if (!ran.ok) return command(ran)
    const [here, fresh] = [filesOf(committed), filesOf(Path.join(output, committed))]
    const differing = [...new Set([...here.keys(), ...fresh.keys()])].filter((path) =>
      here.get(path) !== fresh.get(path)
    )
    return verdict(
      differing.length === 0 && fresh.size > 0,
      `${fresh.size} files`,
      [...differing.map((path) => `is not what proto gives: ${Path.join(committed, path)}`), "npm run generate"].join(
        "\n"
      )
    )
  } finally {
    Fs.rmSync(output, { recursive: true, force: true })
  }
}
