/** Runs programs of the repo as processes of their own. Each is bundled once a test file: that starts three times faster. */
import * as Esbuild from "esbuild"
import type { ChildProcessByStdio } from "node:child_process"
import { spawn } from "node:child_process"
import { once } from "node:events"
import * as Fs from "node:fs"
import { createServer } from "node:net"
import * as Path from "node:path"
import type { Readable, Writable } from "node:stream"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, beforeAll } from "vitest"

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

interface Running {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>
  /** What it has written so far. */
  readonly seen: { stdout: string; stderr: string }
  readonly ended: Promise<Ended>
}

interface RunOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly input?: string
  readonly cwd?: string
}

/** A child must not find the developer's server, nor what other tests have set. */
const environment = (env: RunOptions["env"] = {}): NodeJS.ProcessEnv => {
  const own = Object.entries(process.env).filter(([name]) => !/^(SOLTI|CLOACINA)_/.test(name))
  return { ...Object.fromEntries(own), ...env }
}

const alive = new Set<Running>()

export const start = (command: string, args: ReadonlyArray<string>, options: RunOptions = {}): Running => {
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: environment(options.env),
    stdio: ["pipe", "pipe", "pipe"]
  })
  const seen = { stdout: "", stderr: "" }
  child.stdout.setEncoding("utf8").on("data", (text: string) => seen.stdout += text)
  child.stderr.setEncoding("utf8").on("data", (text: string) => seen.stderr += text)
  child.stdin.on("error", () => {})
  child.stdin.end(options.input ?? "")
  const ended = once(child, "close").then(([code]): Ended => ({ ...seen, code }))
  const running = { child, seen, ended }
  alive.add(running)
  void ended.finally(() => alive.delete(running))
  return running
}

/** Waits until something is so, up to 15 seconds. */
export const until = async (isSo: () => boolean | Promise<boolean>, what: string): Promise<void> => {
  for (let tries = 0; tries < 300; tries++) {
    if (await isSo()) return
    await sleep(50)
  }
  throw new Error(`still not so: ${what}`)
}

/** Bundles a program, packages included, and runs it. The bundle is gone behind the tests of the file. */
export const program = (entry: string, run = "") => {
  const folder = Path.resolve(".cache", `program-${process.pid}-${entry.replaceAll(/\W/g, "-")}`)
  const main = Path.join(folder, "main.cjs")
  beforeAll(async () => {
    await Esbuild.build({
      entryPoints: [entry],
      outfile: main,
      bundle: true,
      platform: "node",
      format: "cjs",
      target: "node20",
      footer: { js: run },
      logLevel: "error"
    })
  })
  afterAll(async () => {
    for (const { child } of alive) child.kill("SIGKILL")
    await Promise.all(Array.from(alive, ({ ended }) => ended))
    Fs.rmSync(folder, { recursive: true, force: true })
  })
  return {
    start: (args: ReadonlyArray<string>, options?: RunOptions) => start(process.execPath, [main, ...args], options),
    run: (args: ReadonlyArray<string>, options?: RunOptions) => start(process.execPath, [main, ...args], options).ended
  }
}

/** The command line. */
export const cli = () => program("src/cli/main.ts", `module.exports.main({ version: "1.2.3" })`)

interface Hello {
  readonly plane: string
  readonly url: string
  /** Where gRPC is served, as `host:port`. */
  readonly grpc?: string
  readonly auth: boolean
  /** Of an emulator. */
  readonly key: string
  readonly pid: number
}

export interface Serving extends Running {
  readonly hello: Hello
  /** Sends SIGTERM and waits for the end. */
  readonly stop: () => Promise<Ended>
}

/** Starts `switchyard serve` of a plane and waits for its first line. */
export const serve = async (
  { start }: Pick<ReturnType<typeof cli>, "start">,
  args: ReadonlyArray<string> = [],
  options?: RunOptions,
  plane = "solti"
): Promise<Serving> => {
  const running = start(["serve", plane, ...args], options)
  await until(() => running.seen.stdout.includes("\n") || running.child.exitCode !== null, "the server listens")
  const [line = ""] = running.seen.stdout.split("\n")
  return {
    ...running,
    hello: JSON.parse(line),
    stop: () => {
      running.child.kill("SIGTERM")
      return running.ended
    }
  }
}

/** Whether a process of this command line lives; `mark` has to be unique to the test. */
export const lives = (mark: string): boolean =>
  Fs.readdirSync("/proc").some((entry) => {
    if (!/^\d+$/.test(entry) || Number(entry) === process.pid) return false
    try {
      const [program = "", ...args] = Fs.readFileSync(`/proc/${entry}/cmdline`, "utf8").split("\0")
      return !program.endsWith("node") && args.some((arg) => arg.includes(mark))
    } catch {
      return false
    }
  })

/** A port that nobody listens on. */
export const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  server.close()
  await once(server, "close")
  return typeof address === "object" && address !== null ? address.port : 0
}

let marks = 0

/** A number of seconds that only one test sleeps for. */
export const uniqueSeconds = (): string => `${300 + process.pid % 1000}.${process.pid}${++marks}`
