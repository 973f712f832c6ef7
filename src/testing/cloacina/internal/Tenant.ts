/**
 * One tenant of the engine: its packages, its runner with what that has loaded, its executions and schedules.
 */
import * as Either from "effect/Either"
import { read } from "../PackageReader.js"
import type * as Script from "../Script.js"
import type * as Slots from "../Slots.js"
import { type PackageEvent, tell, type World } from "../World.js"
import type { Machine } from "./Machine.js"
import * as Packages from "./Packages.js"
import * as Runs from "./Runs.js"
import * as Schedules from "./Schedules.js"

/** How long a runner that starts takes until its loader has looked for the first time, in ms. */
const firstLook = 250

/** How often the loader looks, in ms. */
const reconcileInterval = 5000

export interface Tenant {
  readonly name: string
  readonly packages: Packages.Packages
  readonly runs: Runs.Runs
  readonly schedules: Schedules.Schedules
  /** Starts the runner, unless it runs. */
  readonly wake: () => void
  /** Starts a workflow that the runner has loaded; `undefined` when it has not. */
  readonly start: (
    workflow: string,
    bound: Slots.Bound,
    options: { readonly origin: "manual" | null; readonly onEnd?: (() => void) | undefined }
  ) => Runs.Execution | undefined
  /** Workflows that subscribe to a trigger, newest package first. */
  readonly subscribers: (trigger: string) => ReadonlyArray<string>
  /** What a workflow declares, by workflow or package name. */
  readonly paramsOf: (workflow: string) => ReadonlyArray<Slots.Slot>
  /** Stops the runner and drops what it has loaded; executions under way come to their end. */
  readonly evict: () => void
  readonly stop: () => void
}

const mentions = ({ tenant }: Script.Workflow, name: string): boolean =>
  typeof tenant === "string" ? tenant === name : tenant?.includes(name) === true

export const make = (machine: Machine, world: World, name: string): Tenant => {
  const scripts = world.options.workflows ?? []
  const loaded = new Map<string, Runs.Definition>()
  const inUse: Array<Packages.PackageRow> = []
  let runningSince: number | undefined
  let planned = false
  let stopped = false

  const eventOf = (row: Packages.PackageRow): PackageEvent => ({
    tenant: name,
    packageId: row.id,
    packageName: row.name,
    version: row.version
  })

  const packages = Packages.make(machine, {
    scripts,
    buildTime: world.options.buildTime,
    onChange: () => plan()
  })
  world.packages.set(name, {
    stats: packages.stats,
    archives: () => packages.built().flatMap(({ archive }) => archive === undefined ? [] : [archive.bytes])
  })

  const runs = Runs.make(machine, {
    tenant: name,
    secretExists: (secret) => world.secrets.get(name)?.has(secret) === true,
    active: world.active,
    onEvent: (event) => {
      if (world.hooks.onExecutionEvent.length > 0) machine.tell(tell(world.hooks.onExecutionEvent, event))
    }
  })

  const start: Tenant["start"] = (workflow, { context, secrets }, { onEnd, origin }) => {
    const definition = loaded.get(workflow)
    return definition === undefined ? undefined : runs.start({ definition, context, secrets, origin, onEnd })
  }

  const subscribers = (trigger: string): ReadonlyArray<string> =>
    packages.built().flatMap(({ script, workflow }) =>
      workflow !== undefined && script.subscribes?.includes(trigger) === true ? [workflow] : []
    ).reverse()

  const schedules = Schedules.make(machine, {
    subscribers,
    start: (workflow, bound, onEnd) => start(workflow, bound, { origin: null, onEnd })?.id
  })

  const load = (row: Packages.PackageRow): void => {
    if (!row.loads) return
    row.loaded = true
    inUse.push(row)
    if (row.workflow !== undefined) {
      loaded.set(row.workflow, {
        packageName: row.name,
        workflow: row.workflow,
        language: row.language,
        tasks: row.tasks
      })
    }
    schedules.load(row.workflow ?? row.name, row.script.triggers ?? [])
    machine.tell(tell(world.hooks.onPackageLoaded, eventOf(row)))
  }

  const unload = (row: Packages.PackageRow): void => {
    row.loaded = false
    inUse.splice(inUse.indexOf(row), 1)
    if (row.workflow !== undefined) loaded.delete(row.workflow)
    schedules.unload(row.workflow ?? row.name, row.script.triggers ?? [])
    machine.tell(tell(world.hooks.onPackageUnloaded, eventOf(row)))
  }

  /** One look of the loader. */
  const reconcile = (): void => {
    planned = false
    const built = packages.built()
    for (const row of [...inUse]) if (!built.includes(row)) unload(row)
    for (const row of built) if (!row.loaded) load(row)
  }

  /** Nothing can change between two looks but by an upload, a build or a deletion: only then it looks. */
  const plan = (): void => {
    if (runningSince === undefined || planned || stopped) return
    planned = true
    const first = runningSince + firstLook
    const looks = Math.max(0, Math.floor((machine.now() - first) / reconcileInterval) + 1)
    const since = runningSince
    machine.at(first + looks * reconcileInterval, () => {
      if (!stopped && runningSince === since) reconcile()
    })
  }

  const wake = (): void => {
    if (runningSince !== undefined || stopped) return
    runningSince = machine.now()
    schedules.setRunning(true)
    if (name !== "public") world.tenants.runners.add(name)
    plan()
  }

  for (const script of scripts) {
    if (!mentions(script, name)) continue
    const archive = script.archive === undefined ? undefined : Either.getOrThrowWith(
      read(script.archive),
      (reason) => new Error(`The archive of the workflow '${script.name}': ${reason}`)
    )
    const row = packages.deploy(script, archive)
    if (row.status === "success" && script.loaded !== false) {
      wake()
      load(row)
    }
  }
  if (name === "public") wake()

  return {
    name,
    packages,
    runs,
    schedules,
    wake,
    start,
    subscribers,
    paramsOf: (workflow) => packages.findBuilt(workflow)?.params ?? [],
    evict: () => {
      runningSince = undefined
      planned = false
      schedules.setRunning(false)
      for (const row of [...inUse]) unload(row)
    },
    stop: () => {
      stopped = true
      runs.stop()
      for (const schedule of [...schedules.all()]) schedules.remove(schedule)
    }
  }
}
