/**
 * Runs the commands of the gates: bounded in time, in a process group of their own, and watched for what they leave
 * behind.
 */
import type { ChildProcess } from "node:child_process"
import { spawn } from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { setTimeout as sleep } from "node:timers/promises"

/** What a command did. `output` is stdout and stderr as they came. */
export interface Ran {
  readonly ok: boolean
  readonly output: string
  readonly stdout: string
}

export interface RunOptions {
  readonly cwd?: string
  readonly env?: Record<string, string>
  readonly timeoutMs?: number
  /** The command must leave no process and no temporary file behind. */
  readonly tidy?: boolean
}

/** Every process below a gate inherits this variable, however far it detaches itself. */
const marker = `SWITCHYARD_CHECK=${process.pid}-${Date.now()}`

/** What tools cache for their next start. */
const caches = /^(?:tsx-\d+|node-compile-cache|node-jiti|\.?vitest.*)$/

const running = new Set<ChildProcess>()

const killGroup = (child: ChildProcess) => {
  if (child.pid !== undefined) {
    try {
      process.kill(-child.pid, "SIGKILL")
    } catch {
      // The group is gone already.
    }
  }
}

for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
  process.on(signal, () => {
    running.forEach(killGroup)
    process.exit(code)
  })
}

/** What would point examples and tests at a real server, and what npm tells the scripts of this package. */
const foreign = /^(?:SOLTI_.*|CLOACINA_.*|npm_(?:package|lifecycle)_.*|npm_command|npm_config_local_prefix)$/

/** The environment of a gate: what the developer has, without what is foreign to it. */
const environment = (extra: Record<string, string>): NodeJS.ProcessEnv => {
  const [name = "", value = ""] = marker.split("=")
  const inherited = Object.entries(process.env).filter(([key]) => !foreign.test(key))
  return { ...Object.fromEntries(inherited), ...extra, [name]: value }
}

const read = (file: string): string => {
  try {
    return Fs.readFileSync(file, "latin1")
  } catch {
    return ""
  }
}

/** Processes that carry the marker. Linux only; elsewhere nobody is found. */
const marked = (): Array<{ readonly pid: number; readonly command: string }> =>
  Fs.existsSync("/proc/self/environ")
    ? Fs.readdirSync("/proc")
      .filter((entry) => /^\d+$/.test(entry) && read(`/proc/${entry}/environ`).split("\0").includes(marker))
      .map((entry) => ({ pid: Number(entry), command: read(`/proc/${entry}/cmdline`).replaceAll("\0", " ").trim() }))
    : []

/** Processes still there when everything had two seconds to end; they are killed. */
const leftProcesses = async (): Promise<Array<string>> => {
  for (let tries = 0; tries < 20 && marked().length > 0; tries++) {
    await sleep(100)
  }
  return marked().map(({ command, pid }) => {
    process.kill(pid, "SIGKILL")
    return `process ${pid}: ${command}`
  })
}

export const run = async (command: string, args: ReadonlyArray<string>, options: RunOptions = {}): Promise<Ran> => {
  const temporary = Fs.mkdtempSync(Path.join(Os.tmpdir(), "check-"))
  const limit = options.timeoutMs ?? 300_000
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: environment({ TMPDIR: temporary, ...options.env }),
    detached: true,
    stdio: ["ignore", "pipe", "pipe"]
  })
  running.add(child)
  let output = ""
  let stdout = ""
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text
    stdout += text
  })
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    output += text
  })
  const complaints: Array<string> = []
  const timer = setTimeout(() => {
    complaints.push(`stopped after ${limit / 1000} s`)
    killGroup(child)
  }, limit)
  const closed = new Promise<void>((resolve) => child.once("close", () => resolve()))
  const code = await new Promise<number | null>((resolve) => {
    child.once("exit", resolve)
    child.once("error", (error) => {
      complaints.push(error.message)
      resolve(null)
    })
  })
  clearTimeout(timer)
  if (code !== 0) {
    complaints.push(`exit code ${code}`)
  }
  // A process that was left behind may hold the pipes open for ever.
  await Promise.race([closed, sleep(1000, undefined, { ref: false })])
  running.delete(child)
  const processes = await leftProcesses()
  const files = Fs.readdirSync(temporary).filter((entry) => !caches.test(entry)).map((entry) => `temporary ${entry}`)
  const left = options.tidy === true ? processes.concat(files) : []
  Fs.rmSync(temporary, { recursive: true, force: true })
  return {
    ok: complaints.length === 0 && left.length === 0,
    output: [output.trimEnd(), ...complaints, ...left.map((what) => `left behind: ${what}`)].filter((text) =>
      text !== ""
    ).join("\n"),
    stdout
  }
}

/** Runs a command of a development dependency without npx, which costs half a second a call. */
export const bin = (name: string, args: ReadonlyArray<string>, options?: RunOptions): Promise<Ran> =>
  run(Path.resolve("node_modules", ".bin", name), args, options)

/** Runs a TypeScript program of the repo from its sources. */
export const tsx = (script: string, args: ReadonlyArray<string>, options?: RunOptions): Promise<Ran> =>
  run(process.execPath, ["--import", "tsx", script, ...args], options)
