/**
 * The packages of one tenant: what was uploaded, what was built, what supersedes what (contract 4.7, 9.5).
 */
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import { parseUuid } from "../Clockwork.js"
import type { Archive } from "../PackageReader.js"
import * as PythonSource from "../PythonSource.js"
import * as Script from "../Script.js"
import { type Slot, slotOf } from "../Slots.js"
import type { PackageStats } from "../World.js"
import { type Machine, stamp } from "./Machine.js"

/** When a compiler takes what is pending, in ms. */
const compilerPickUp = 50

/** How long a build takes that does not say so, in ms. */
const defaultBuildTime = 100

export interface PackageRow {
  readonly id: string
  readonly name: string
  readonly version: string
  /** Undefined for a package with a graph only. */
  readonly workflow: string | undefined
  readonly description: string | null
  readonly language: string
  readonly archive: Archive | undefined
  readonly script: Script.Workflow
  readonly tasks: ReadonlyArray<Script.Task>
  readonly params: ReadonlyArray<Slot>
  /** Whether its code can be loaded at all: not if its tasks are no graph. */
  readonly loads: boolean
  readonly createdAt: string
  status: "pending" | "building" | "success" | "failed"
  /** When it was built, or failed to. */
  finishedAt: string | undefined
  error: string | null
  superseded: boolean
  paused: boolean
  loaded: boolean
}

export interface Packages {
  readonly upload: (archive: Archive) => Either.Either<PackageRow, string>
  /** Puts a package in that is built already. */
  readonly deploy: (script: Script.Workflow, archive: Archive | undefined) => PackageRow
  /** By name what is built, by UUID everything that is not superseded. */
  readonly find: (name: string) => PackageRow | undefined
  /** What is built, by workflow or package name. */
  readonly findBuilt: (name: string) => PackageRow | undefined
  /** What is built, in the order of uploads. */
  readonly built: () => ReadonlyArray<PackageRow>
  readonly stats: () => PackageStats
  readonly remove: (name: string, version: string) => void
}

export interface PackagesOptions {
  readonly scripts: ReadonlyArray<Script.Workflow>
  readonly buildTime: Duration.DurationInput | undefined
  /** Something to load, or to drop. */
  readonly onChange: () => void
}

const equalBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, at) => byte === b[at])

const isDefined = ([, value]: readonly [string, unknown]): boolean => value !== undefined

/** What the source of a package says, and over it what somebody wrote for its workflow. */
const overSource = (archive: Archive, written: Script.Workflow | undefined): Script.Workflow => {
  const name = archive.workflowName ?? archive.name
  const own = archive.language === "python" ? PythonSource.scriptOf(archive, name) : Script.workflow(name)
  return written === undefined
    ? own
    : { ...own, ...Object.fromEntries(Object.entries(written).filter(isDefined)), name }
}

const scriptFor = (scripts: ReadonlyArray<Script.Workflow>, archive: Archive): Script.Workflow => {
  const named = scripts.filter(({ name }) => name === (archive.workflowName ?? archive.name))
  const written = named.find(({ version }) => version === archive.version) ??
    named.find(({ version }) => version === undefined)
  return overSource(archive, written)
}

export const make = (machine: Machine, { buildTime, onChange, scripts }: PackagesOptions): Packages => {
  const rows: Array<PackageRow> = []

  const isBuilt = ({ status, superseded }: PackageRow): boolean => status === "success" && !superseded

  const add = (
    row: Pick<
      PackageRow,
      "archive" | "description" | "language" | "name" | "script" | "status" | "version" | "workflow"
    >
  ): PackageRow => {
    const { script, workflow } = row
    const added: PackageRow = {
      ...row,
      id: machine.uuid(),
      tasks: workflow === undefined ? [] : script.tasks ?? [Script.task(workflow)],
      loads: script.loads !== false && Script.faultsOf(script.tasks ?? []).length === 0,
      params: (script.params ?? []).map(slotOf),
      createdAt: stamp(machine.micros()) ?? "",
      finishedAt: undefined,
      error: null,
      superseded: false,
      paused: false,
      loaded: false
    }
    rows.push(added)
    return added
  }

  const finish = (row: PackageRow): void => {
    const { fails } = row.script.build ?? {}
    row.status = fails === undefined ? "success" : "failed"
    row.finishedAt = stamp(machine.micros()) ?? undefined
    row.error = fails?.slice(-65_536) ?? null
    onChange()
  }

  const build = (row: PackageRow): void => {
    machine.at(machine.now() + compilerPickUp, () => {
      row.status = "building"
      const takes = row.script.build?.takes ?? buildTime ?? defaultBuildTime
      machine.at(machine.now() + Duration.toMillis(takes), () => finish(row))
    })
  }

  const count = (status: PackageRow["status"]): number =>
    rows.filter((row) => row.status === status && !row.superseded).length

  const lastFinished = (status: PackageRow["status"]): string | undefined =>
    rows.flatMap((row) => row.status === status && row.finishedAt !== undefined ? [row.finishedAt] : []).sort().at(-1)

  return {
    stats: () => ({
      pending: count("pending"),
      building: count("building"),
      lastSuccessAt: lastFinished("success"),
      lastFailureAt: lastFinished("failed"),
      built: count("success"),
      failed: count("failed")
    }),
    built: () => rows.filter(isBuilt),
    find: (name) => {
      const id = parseUuid(name)
      return rows.find((row) => id === undefined ? row.name === name && isBuilt(row) : row.id === id && !row.superseded)
    },
    findBuilt: (name) => rows.find((row) => isBuilt(row) && (row.workflow === name || row.name === name)),
    remove: (name, version) => {
      const at = rows.findIndex((row) => row.name === name && row.version === version && isBuilt(row))
      if (at === -1) return
      rows.splice(at, 1)
      onChange()
    },
    deploy: (script, archive) => {
      const row = add({
        name: archive?.name ?? script.package ?? script.name.replaceAll("_", "-"),
        version: archive?.version ?? script.version ?? "1.0.0",
        workflow: script.tasks?.length === 0 ? undefined : script.name,
        description: script.description ?? archive?.description ?? null,
        language: script.language ?? archive?.language ?? "python",
        archive,
        script: archive === undefined ? script : overSource(archive, script),
        status: script.build?.fails === undefined ? "success" : "failed"
      })
      row.error = script.build?.fails ?? null
      row.finishedAt = row.createdAt
      row.paused = script.paused ?? false
      return row
    },
    upload: (archive) => {
      const active = rows.find((row) => row.name === archive.name && !row.superseded)
      if (active?.archive !== undefined && equalBytes(active.archive.bytes, archive.bytes)) return Either.right(active)
      if (rows.some((row) => row.name === archive.name && row.version === archive.version)) {
        return Either.left(`Package already exists: ${archive.name} v${archive.version}`)
      }
      if (active !== undefined) active.superseded = true
      const row = add({
        name: archive.name,
        version: archive.version,
        workflow: archive.workflowName,
        description: archive.description ?? null,
        language: archive.language,
        archive,
        script: scriptFor(scripts, archive),
        status: "pending"
      })
      build(row)
      onChange()
      return Either.right(row)
    }
  }
}
