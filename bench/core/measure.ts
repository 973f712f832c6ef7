/**
 * Measuring: ratios of alternatives that take turns in one process, so that a busy machine slows all of them alike.
 */
import * as Esbuild from "esbuild"
import * as ChildProcess from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"

/** One line of the report. */
export interface Row {
  readonly work: string
  readonly measured: string
  readonly goal: string
  /** Whether the goal is met; `undefined` where there is none, or in a smoke run. */
  readonly ok: boolean | undefined
}

export interface Suite {
  readonly name: string
  readonly run: (smoke: boolean) => Promise<ReadonlyArray<Row>>
}

export const median = (values: ReadonlyArray<number>): number => {
  const sorted = [...values].sort((left, right) => left - right)
  return sorted[sorted.length >> 1] ?? Number.NaN
}

/**
 * The median CPU time in µs of one call of each alternative. The alternatives take turns for `rounds` rounds; the first
 * quarter is warm-up.
 */
export const cpuOf = async <Name extends string>(
  alternatives: Readonly<Record<Name, () => Promise<unknown>>>,
  rounds: number
): Promise<Record<Name, number>> => {
  const names = Object.keys(alternatives) as Array<Name>
  const taken = new Map<Name, Array<number>>(names.map((name) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    // Whoever runs second collects the garbage of the first: the order changes from round to round.
    for (const name of round % 2 === 0 ? names : [...names].reverse()) {
      globalThis.gc?.({ type: "minor" })
      const before = process.cpuUsage()
      await alternatives[name]()
      const used = process.cpuUsage(before)
      taken.get(name)?.push(used.user + used.system)
    }
  }
  const warm = Math.floor(rounds / 4)
  return Object.fromEntries(names.map((name) => [name, median(taken.get(name)?.slice(warm) ?? [])])) as Record<
    Name,
    number
  >
}

/** Wall time of `work` in ms. */
export const wallOf = async (work: () => Promise<unknown>): Promise<number> => {
  const start = process.hrtime.bigint()
  await work()
  return Number(process.hrtime.bigint() - start) / 1e6
}

/** What a process and the children it has waited for have used so far, in µs of CPU; Linux only, `NaN` elsewhere. */
const cpuUsed = (pid: number): number => {
  try {
    // The name of the program may hold blanks; behind it field 14 is the first of four, in ticks of 10 ms.
    const fields = Fs.readFileSync(`/proc/${pid}/stat`, "latin1").replace(/^.*\) /, "").split(" ")
    return fields.slice(11, 15).reduce((sum, ticks) => sum + 10_000 * Number(ticks), 0)
  } catch {
    return Number.NaN
  }
}

/** Wall time, and CPU time of the process that is measured and its children, of one unit of work; in µs. */
export interface Cost {
  readonly wall: number
  readonly cpu: number
}

/** What `work`, which is `count` units, costs the process `pid`. */
export const costOf = async (pid: number, count: number, work: () => Promise<unknown>): Promise<Cost> => {
  const before = cpuUsed(pid)
  const ms = await wallOf(work)
  return { wall: ms * 1000 / count, cpu: (cpuUsed(pid) - before) / count }
}

/** The costs of each alternative, round by round. They take turns; a first round is warm-up. */
export const takeTurns = async <Name extends string>(
  alternatives: Readonly<Record<Name, () => Promise<Cost>>>,
  rounds: number
): Promise<Record<Name, ReadonlyArray<Cost>>> => {
  const names = Object.keys(alternatives) as Array<Name>
  const costs = Object.fromEntries(names.map((name): [string, Array<Cost>] => [name, []])) as Record<Name, Array<Cost>>
  for (let round = 0; round <= rounds; round++) {
    for (const name of round % 2 === 0 ? names : [...names].reverse()) {
      const cost = await alternatives[name]()
      if (round > 0) costs[name].push(cost)
    }
  }
  return costs
}

/** Looks 20 times a second how much of a process is resident, until it is called: the most seen, in bytes. Linux only. */
export const peakRss = (pid: number): () => number => {
  let peak = Number.NaN
  const look = () => {
    try {
      const pages = Number(Fs.readFileSync(`/proc/${pid}/statm`, "latin1").split(" ")[1])
      peak = Math.max(pages * 4096, Number.isNaN(peak) ? 0 : peak)
    } catch {
      peak = Number.NaN
    }
  }
  const timer = setInterval(look, 50)
  return () => {
    clearInterval(timer)
    look()
    return peak
  }
}

/** Resident memory in MiB, after a collection where Node was started with `--expose-gc`. */
export const rssMiB = (): number => {
  globalThis.gc?.()
  return process.memoryUsage().rss / 1024 / 1024
}

export const ratio = (value: number): string => `${value.toFixed(2)} ×`

export const atMost = (work: string, value: number, goal: number, smoke: boolean, note = ""): Row => ({
  work,
  measured: ratio(value) + note,
  goal: `≤ ${ratio(goal)}`,
  ok: smoke ? undefined : value <= goal
})

export const atLeast = (work: string, value: number, goal: number, smoke: boolean, note = ""): Row => ({
  work,
  measured: ratio(value) + note,
  goal: `≥ ${ratio(goal)}`,
  ok: smoke ? undefined : value >= goal
})

/** A program of `bench/` in a process of its own. */
export interface Child {
  /** The first line it prints. */
  readonly line: string
  readonly pid: number
  /** Sends a message and waits for the answer; one at a time. */
  readonly ask: (message: unknown) => Promise<unknown>
  readonly stop: () => Promise<void>
}

let directory: string | undefined
let bundles = 0

/** Gives a program that runs without tsx, as the built package does; it is removed when this process ends. */
export const bundle = (script: string): string => {
  if (directory === undefined) {
    const made = directory = Fs.mkdtempSync(Path.join(Os.tmpdir(), "bench-"))
    process.once("exit", () => Fs.rmSync(made, { recursive: true, force: true }))
  }
  const outfile = Path.join(directory, `program-${++bundles}.mjs`)
  Esbuild.buildSync({
    entryPoints: [script],
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    // `ws` and undici are CommonJS.
    banner: { js: `import { createRequire } from "node:module"; const require = createRequire(import.meta.url);` },
    logLevel: "error"
  })
  return outfile
}

/** Starts a program of `bench/`. It ends by itself when it is disconnected. */
export const child = async (script: string, args: ReadonlyArray<string> = []): Promise<Child> => {
  const running = ChildProcess.fork(bundle(script), [...args], {
    execArgv: ["--expose-gc"],
    stdio: ["ignore", "pipe", "inherit", "ipc"]
  })
  const exited = new Promise<void>((resolve) => running.once("exit", () => resolve()))
  const line = await new Promise<string>((resolve, reject) => {
    let text = ""
    running.stdout?.on("data", (bytes: Buffer) => {
      text += bytes.toString()
      if (text.includes("\n")) resolve(text.slice(0, text.indexOf("\n")))
    })
    running.once("exit", (code) => reject(new Error(`${script} ended with ${code} before it was ready`)))
  })
  return {
    line,
    pid: running.pid ?? 0,
    ask: (message) =>
      new Promise((resolve, reject) => {
        running.once("message", resolve)
        void exited.then(() => reject(new Error(`${script} ended before it answered`)))
        running.send(message as ChildProcess.Serializable, (error) => error === null ? undefined : reject(error))
      }),
    stop: () => {
      running.disconnect()
      return exited
    }
  }
}

export const machine = (): string =>
  `Node ${process.version}, ${Os.cpus().length} × ${Os.cpus()[0]?.model.trim() ?? "unknown CPU"}, ` +
  `${Math.round(Os.totalmem() / 2 ** 30)} GiB, load ${Os.loadavg()[0]?.toFixed(1) ?? "?"}`
