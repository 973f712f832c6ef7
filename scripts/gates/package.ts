/** What npm would publish: the tarball and its checks. */
import * as Fs from "node:fs"
import * as Path from "node:path"
import type { Outcome } from "./gate.js"
import { command, verdict } from "./gate.js"
import { bin, run } from "./run.js"

const folder = Path.join(".cache", "pack")

interface Packed {
  readonly filename: string
  readonly size: number
  readonly files: ReadonlyArray<{ readonly path: string }>
}

/** The packed tarball, once the gate `pack` has passed. */
export const tarball = (): string => {
  const [name] = Fs.readdirSync(folder)
  return Path.resolve(folder, name ?? "")
}

/** What a user has no use for. */
const unwanted =
  /^(?!(?:dist|src|bin|docs|proto)\/|package\.json$|README\.md$|CHANGELOG\.md$|LICENSE$)|\.test\.|\.tsbuildinfo$/

export const pack = async (): Promise<Outcome> => {
  Fs.rmSync(folder, { recursive: true, force: true })
  Fs.mkdirSync(folder, { recursive: true })
  const ran = await run("npm", ["pack", "--ignore-scripts", "--json", "--pack-destination", folder])
  if (!ran.ok) {
    return command(ran)
  }
  const [packed]: [Packed] = JSON.parse(ran.stdout)
  const strays = packed.files.map(({ path }) => path).filter((path) => unwanted.test(path))
  const note = `${packed.files.length} files, ${Math.round(packed.size / 1024)} KiB`
  return verdict(
    strays.length === 0,
    note,
    strays.map((path) => `does not belong into the package: ${path}`).join("\n")
  )
}

export const publint = async (): Promise<Outcome> => command(await bin("publint", ["run", tarball(), "--strict"]))

export const attw = async (): Promise<Outcome> =>
  command(await bin("attw", [tarball(), "--profile", "esm-only", "--no-emoji"]))
