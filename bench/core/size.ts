/**
 * What a program pays for the import, and a browser for the download.
 */
import * as Esbuild from "esbuild"
import * as ChildProcess from "node:child_process"
import * as Zlib from "node:zlib"
import type { Suite } from "./measure.js"
import { atMost } from "./measure.js"

const program = `
import * as Solti from "effect-switchyard/solti"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
export const main = Effect.flatMap(Solti.Tasks, (tasks) =>
  Stream.runDrain(tasks.submitAndFollow(Solti.command("true", [], { slot: "s", timeout: 1000 })))
).pipe(Effect.provide(Solti.layer({ url: "http://localhost" })), Effect.provide(FetchHttpClient.layer))
`

const bundle = async (contents: string, platform: "browser" | "node", external: Array<string> = []) => {
  const result = await Esbuild.build({
    stdin: { contents, resolveDir: process.cwd(), loader: "ts" },
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    platform,
    external,
    logLevel: "silent"
  })
  const file = result.outputFiles[0]
  if (file === undefined) throw new Error("esbuild gave no file")
  return Buffer.from(file.contents)
}

/** CPU time in ms of a Node process that does nothing but import. */
const importing = (code: string, rounds: number): number => {
  const taken = Array.from({ length: rounds }, () => {
    const run = ChildProcess.spawnSync(process.execPath, [
      "--input-type=module",
      "-e",
      `const before = process.cpuUsage(); ${code}; const used = process.cpuUsage(before); console.log(used.user + used.system)`
    ], { encoding: "utf8" })
    if (run.status !== 0) throw new Error(run.stderr)
    return Number(run.stdout) / 1000
  }).sort((left, right) => left - right)
  return taken[rounds >> 1] ?? Number.NaN
}

export const size: Suite = {
  name: "size",
  run: async (smoke) => {
    const bytes = await bundle(program, "browser")
    const kib = bytes.length / 1024
    const gzip = Zlib.gzipSync(bytes, { level: 9 }).length / 1024
    const rounds = smoke ? 3 : 15
    const own = importing(`await import("effect-switchyard/solti")`, rounds)
    const effect = importing(`await import("effect")`, rounds)
    return [
      atMost("import effect-switchyard/solti : import effect", own / effect, 1.3, smoke, ` (${own.toFixed(0)} ms)`),
      { work: "browser bundle, minified", measured: `${kib.toFixed(0)} KiB`, goal: "≤ 360 KiB", ok: kib <= 360 },
      { work: "browser bundle, gzip", measured: `${gzip.toFixed(0)} KiB`, goal: "≤ 117 KiB", ok: gzip <= 117 }
    ]
  }
}
