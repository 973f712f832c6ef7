/** A project of somebody else: installs the tarball beside its peers, compiles, runs and bundles programs that use it. */
import * as esbuild from "esbuild"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import * as Vm from "node:vm"
import { gzipSync } from "node:zlib"
import Typescript from "typescript"
import type { Outcome } from "./gate.js"
import { command, verdict } from "./gate.js"
import { tarball } from "./package.js"
import { bin, run } from "./run.js"

const folder = Path.join(Os.tmpdir(), `switchyard-consumer-${process.pid}`)

process.on("exit", () => Fs.rmSync(folder, { recursive: true, force: true }))

/** What the library needs everywhere, and what its Node side and command line need beside. */
const peers = {
  always: ["effect", "@effect/platform"],
  node: ["@effect/platform-node", "@effect/cli", "@effect/printer", "@effect/printer-ansi", "undici", "@types/node"],
  grpc: ["@connectrpc/connect", "@connectrpc/connect-node", "@bufbuild/protobuf"]
}

/** The installed version, so that the consumer runs on what the lock file says. */
const pinned = (name: string): string => {
  const { version }: { version: string } = JSON.parse(
    Fs.readFileSync(Path.join("node_modules", name, "package.json"), "utf8")
  )
  return `${name}@${version}`
}

const install = (packages: ReadonlyArray<string>) =>
  run("npm", ["install", "--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund", ...packages], {
    cwd: folder,
    timeoutMs: 180_000
  })

const bundle = (entry: string, outfile: string): Promise<esbuild.BuildResult> =>
  esbuild.build({
    absWorkingDir: folder,
    entryPoints: [entry],
    outfile: Path.join(folder, outfile),
    bundle: true,
    minify: true,
    format: "iife",
    globalName: "program",
    platform: "browser",
    target: "es2022",
    metafile: true,
    logLevel: "silent"
  })

/** Starts a bundle where there is nothing but what browsers have; answers what it exports. */
const inBrowser = (script: string): Record<string, unknown> => {
  const { AbortController, AbortSignal, Headers, Request, Response, TextDecoder, TextEncoder, URL, URLSearchParams } =
    globalThis
  const page = Vm.createContext({
    ...{ AbortController, AbortSignal, Headers, Request, Response, TextDecoder, TextEncoder, URL, URLSearchParams },
    ...{ Blob, ReadableStream, atob, clearTimeout, console, crypto, fetch, performance, queueMicrotask, setTimeout }
  })
  Vm.runInContext(`${Fs.readFileSync(Path.join(folder, script), "utf8")}\nglobalThis.program = program`, page)
  return page["program"]
}

/**
 * What a library that stands on ours has to write down: each entry alone must export all that the types of its layers name.
 * A program that imports a second entry finds the names there, and would hide it.
 */
const declarations = async (): Promise<string> => {
  const options: Typescript.CompilerOptions = {
    target: Typescript.ScriptTarget.ES2022,
    module: Typescript.ModuleKind.NodeNext,
    moduleResolution: Typescript.ModuleResolutionKind.NodeNext,
    strict: true,
    skipLibCheck: true,
    declaration: true,
    emitDeclarationOnly: true,
    types: []
  }
  const host = Typescript.createCompilerHost(options)
  host.writeFile = () => undefined
  const complaints: Array<string> = []
  for (const name of Fs.readdirSync(Path.join(folder, "declarations"))) {
    const program = Typescript.createProgram([Path.join(folder, "declarations", name)], options, host)
    const found = [...Typescript.getPreEmitDiagnostics(program), ...program.emit().diagnostics]
    for (const { messageText } of found) {
      complaints.push(`${name}: ${Typescript.flattenDiagnosticMessageText(messageText, "\n")}`)
    }
  }
  return [...new Set(complaints)].join("\n")
}

/** With the two required peers only, in Node and in a browser; then with everything, as a Node program. */
export const consumer = async (): Promise<Outcome> => {
  Fs.rmSync(folder, { recursive: true, force: true })
  Fs.cpSync(Path.join("test", "consumer"), folder, { recursive: true })
  Fs.writeFileSync(Path.join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }))
  const required = await install([tarball(), ...peers.always.map(pinned)])
  if (!required.ok) {
    return command(required, "install")
  }
  const portable = await run(process.execPath, ["portable.mjs"], { cwd: folder })
  if (!portable.ok) {
    return command(portable, "portable.mjs")
  }
  try {
    await bundle("browser.ts", "browser.js")
    const program = inBrowser("browser.js")
    if (typeof program["main"] !== "function") {
      return verdict(false, "browser.ts", "browser.ts exports no main.")
    }
    await program["main"]()
  } catch (error) {
    return verdict(false, "browser.ts", String(error))
  }
  const optional = await install(peers.node.map(pinned))
  if (!optional.ok) {
    return command(optional, "install of the Node peers")
  }
  // A server over HTTP, and the command line, without what only gRPC needs.
  const withoutGrpc = await run(process.execPath, ["server.mjs"], { cwd: folder, tidy: true })
  if (!withoutGrpc.ok) {
    return command(withoutGrpc, "server.mjs")
  }
  const grpc = await install(peers.grpc.map(pinned))
  if (!grpc.ok) {
    return command(grpc, "install of the gRPC peers")
  }
  const compiled = await bin("tsc", ["-p", folder, "--pretty", "false"])
  if (!compiled.ok) {
    return command(compiled, "tsc")
  }
  const unnamed = await declarations()
  if (unnamed !== "") {
    return verdict(false, "declarations", unnamed)
  }
  const program = await run(process.execPath, ["node.js"], { cwd: folder, timeoutMs: 60_000, tidy: true })
  if (!program.ok) {
    return command(program, "node.ts")
  }
  return command(await run(Path.join(folder, "node_modules", ".bin", "switchyard"), ["--help"], { cwd: folder }))
}

/** KiB of one file of the browser with everything in it that the entry point of a plane exports. */
const budgets = {
  solti: { minified: 360, gzipped: 117 },
  cloacina: { minified: 420, gzipped: 137 }
}

/** How much of a bundle comes from where, in KiB, the largest first. */
const partsOf = (metafile: esbuild.Metafile): string => {
  const parts = new Map<string, number>()
  for (const { inputs } of Object.values(metafile.outputs)) {
    for (const [path, { bytesInOutput }] of Object.entries(inputs)) {
      const name = /node_modules\/((?:@[^/]+\/)?[^/]+)(?!.*node_modules)/.exec(path)?.[1] ?? "program"
      parts.set(name, (parts.get(name) ?? 0) + bytesInOutput / 1024)
    }
  }
  return [...parts].filter(([, size]) => size >= 1).sort(([, left], [, right]) => right - left)
    .map(([name, size]) => `${name} ${size.toFixed(0)}`).join(", ")
}

/** The consumer's folder still stands: this gate comes behind it. */
export const size = async (): Promise<Outcome> => {
  const notes: Array<string> = []
  const over: Array<string> = []
  for (const [plane, budget] of Object.entries(budgets)) {
    Fs.writeFileSync(Path.join(folder, `${plane}.all.js`), `export * from "effect-switchyard/${plane}"\n`)
    try {
      const { metafile } = await bundle(`${plane}.all.js`, `${plane}.bundle.js`)
      const script = Fs.readFileSync(Path.join(folder, `${plane}.bundle.js`))
      const minified = script.length / 1024
      const gzipped = gzipSync(script, { level: 9 }).length / 1024
      notes.push(
        `${plane} ${minified.toFixed(0)} of ${budget.minified} KiB minified (${
          metafile === undefined ? "" : partsOf(metafile)
        }), ${gzipped.toFixed(0)} of ${budget.gzipped} KiB gzip`
      )
      if (minified > budget.minified || gzipped > budget.gzipped) over.push(`${plane}: the bundle is over its budget.`)
    } catch (error) {
      return verdict(false, notes.join("; "), String(error))
    }
  }
  return verdict(over.length === 0, notes.join("; "), over.join("\n"))
}
