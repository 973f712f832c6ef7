#!/usr/bin/env node
import { readFileSync } from "node:fs"

const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"))

/** What the command line needs beside what the library needs; they are optional peers of the package. */
const needed = [
  "effect",
  "@effect/platform",
  "@effect/cli",
  "@effect/platform-node",
  "@effect/printer",
  "@effect/printer-ansi",
  "undici"
]

/** @param {string} name */
const isMissing = (name) => {
  try {
    import.meta.resolve(name)
    return false
  } catch {
    return true
  }
}

/** @param {unknown} error */
const explain = (error) => {
  const missing = needed.filter(isMissing).map((name) => `"${name}@${manifest.peerDependencies[name]}"`)
  return missing.length > 0
    ? `the command line needs packages that are not installed: npm install ${missing.join(" ")}`
    : String(error instanceof Error ? error.message : error).split("\n")[0]
}

import("../dist/cli/main.js").then(
  ({ main }) => main({ version: manifest.version }),
  (error) => {
    process.stderr.write(`switchyard: ${explain(error)}\n`)
    process.exitCode = 1
  }
)
