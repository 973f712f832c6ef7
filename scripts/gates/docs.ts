/** Compiles every TypeScript block that a reader may copy: in doc comments of the sources, in the README and in docs. */
import * as Fs from "node:fs"
import * as Path from "node:path"
import type { Outcome } from "./gate.js"
import { verdict } from "./gate.js"
import { bin } from "./run.js"

const folder = Path.join(".cache", "docs")

interface Block {
  readonly file: string
  /** Line of the block's first line of code, from 0. */
  readonly line: number
  readonly code: ReadonlyArray<string>
}

const filesBelow = (root: string, ending: string): Array<string> =>
  Fs.existsSync(root)
    ? Fs.readdirSync(root, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(ending))
      .map((name) => Path.join(root, name))
      .sort()
    : []

const fences = (file: string, lines: ReadonlyArray<string>): Array<Block> => {
  const blocks: Array<Block> = []
  let open: { readonly line: number; readonly code: Array<string>; readonly kept: boolean } | undefined
  lines.forEach((text, line) => {
    const fence = /^\s*```(\w*)/.exec(text)
    if (open === undefined) {
      if (fence !== null) {
        open = { line: line + 1, code: [], kept: /^(?:ts|typescript)$/.test(fence[1] ?? "") }
      }
    } else if (fence !== null) {
      if (open.kept) {
        blocks.push({ file, line: open.line, code: open.code })
      }
      open = undefined
    } else {
      open.code.push(text)
    }
  })
  return blocks
}

const ofMarkdown = (file: string): Array<Block> => fences(file, Fs.readFileSync(file, "utf8").split("\n"))

const ofSource = (file: string): Array<Block> => {
  let inDoc = false
  const lines = Fs.readFileSync(file, "utf8").split("\n").map((text) => {
    inDoc = inDoc ? !text.includes("*/") : /^\s*\/\*\*/.test(text) && !text.includes("*/")
    return inDoc ? text.replace(/^\s*\*? ?/, "") : ""
  })
  return fences(file, lines)
}

export const docExamples = async (): Promise<Outcome> => {
  const markdown = ["README.md", ...filesBelow("docs", ".md")].filter((file) => Fs.existsSync(file))
  const blocks = [...filesBelow("src", ".ts").flatMap(ofSource), ...markdown.flatMap(ofMarkdown)]
  Fs.rmSync(folder, { recursive: true, force: true })
  for (const { code, file, line } of blocks) {
    const target = Path.join(folder, `${file}.${line + 1}.ts`)
    Fs.mkdirSync(Path.dirname(target), { recursive: true })
    // Blank lines in front, so that the compiler speaks of the lines of the original.
    Fs.writeFileSync(target, "\n".repeat(line) + code.join("\n") + "\n")
  }
  if (blocks.length === 0) {
    return verdict(false, "0 blocks", "No example found in src, README.md and docs.")
  }
  Fs.writeFileSync(
    Path.join(folder, "tsconfig.json"),
    JSON.stringify({
      extends: "../../tsconfig.base.json",
      compilerOptions: {
        noEmit: true,
        noUnusedLocals: false,
        noUnusedParameters: false,
        paths: { "effect-switchyard/*": ["../../src/*.ts"] }
      },
      include: ["."]
    })
  )
  const ran = await bin("tsc", ["-p", folder, "--pretty", "false"])
  const output = ran.output.replaceAll(/^\.cache\/docs\/(.+)\.\d+\.ts\(/gm, "$1(")
  return verdict(ran.ok, `${blocks.length} blocks`, output)
}
