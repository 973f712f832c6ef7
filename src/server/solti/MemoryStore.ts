/**
 * The default store: everything in memory, forgotten at the end of the process.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { TaskId, TaskRun } from "../../schemas/solti/Tasks.js"
import type { TaskQuery } from "./ApiHandler.js"
import type { Change, Retention, StoredTask } from "./Store.js"
import { TaskStore } from "./Store.js"

const noRuns: ReadonlyArray<TaskRun> = []

const byPlainText = (a: string, b: string): number => a < b ? -1 : a > b ? 1 : 0

/** Keeps at most `keep` runs: the oldest finished ones go first, an open one never. */
const capped = (runs: ReadonlyArray<TaskRun>, keep: number): ReadonlyArray<TaskRun> => {
  let excess = runs.length - keep
  return excess <= 0 ? runs : runs.filter((run) => Option.isNone(run.finishedAt) || excess-- <= 0)
}

/**
 * The ids in plain string order, sorted when somebody looks: a list costs O(n) for what came since the last one, a
 * submission nothing.
 */
class SortedIds {
  private sorted: Array<TaskId> = []
  private isSorted = true

  constructor(private readonly tasks: ReadonlyMap<TaskId, StoredTask>) {}

  add(id: TaskId): void {
    this.sorted.push(id)
    this.isSorted = false
  }

  remove(): void {
    this.isSorted = false
  }

  get(): ReadonlyArray<TaskId> {
    if (!this.isSorted) {
      // Removed ids are still in it, ids that came back are in it twice.
      this.sorted = this.sorted.filter((id) => this.tasks.has(id)).sort(byPlainText)
        .filter((id, index, all) => id !== all[index - 1])
      this.isSorted = true
    }
    return this.sorted
  }
}

class Memory {
  private readonly tasks = new Map<TaskId, StoredTask>()
  private readonly runs = new Map<TaskId, ReadonlyArray<TaskRun>>()
  private readonly ids = new SortedIds(this.tasks)

  apply(change: Change): void {
    switch (change._tag) {
      case "TaskAdded": {
        const id = change.stored.task.metadata.id
        this.runs.delete(id)
        this.tasks.set(id, change.stored)
        return this.ids.add(id)
      }
      case "TaskChanged": {
        const stored = this.tasks.get(change.id)
        if (stored !== undefined) this.tasks.set(change.id, changed(stored, change))
        return
      }
      case "TaskDropped":
        return this.drop(change.id)
      case "TaskPurged": {
        this.runs.delete(change.id)
        return this.drop(change.id)
      }
      case "RunOpened": {
        if (!this.tasks.has(change.id)) return
        const run: TaskRun = {
          attempt: change.attempt,
          status: "TASK_STATUS_RUNNING",
          startedAt: BigInt(change.at),
          finishedAt: Option.none(),
          error: Option.none(),
          exitCode: Option.none()
        }
        this.runs.set(change.id, capped([...this.getRuns(change.id), run], change.keep))
        return
      }
      case "RunClosed": {
        const runs = this.getRuns(change.id)
        // The open run is the last one: attempts are sequential.
        const open = runs[runs.length - 1]
        if (open === undefined || open.attempt !== change.attempt || Option.isSome(open.finishedAt)) return
        const { error, exitCode, phase } = change.status
        const closed: TaskRun = { ...open, status: phase, finishedAt: Option.some(BigInt(change.at)), error, exitCode }
        this.runs.set(change.id, [...runs.slice(0, -1), closed])
        return
      }
    }
  }

  get(id: TaskId): Option.Option<StoredTask> {
    return Option.fromNullable(this.tasks.get(id))
  }

  getRuns(id: TaskId): ReadonlyArray<TaskRun> {
    return this.runs.get(id) ?? noRuns
  }

  list(query: TaskQuery & { readonly functions: boolean }) {
    const slot = Option.getOrUndefined(query.slot)
    const status = Option.getOrUndefined(query.status)
    const tasks: Array<StoredTask> = []
    let total = 0
    for (const id of this.ids.get()) {
      const stored = this.tasks.get(id)
      if (
        stored === undefined || stored.isFunction && !query.functions ||
        slot !== undefined && stored.task.spec.slot !== slot ||
        status !== undefined && stored.task.status.phase !== status
      ) continue
      if (total >= query.offset && tasks.length < query.limit) tasks.push(stored)
      total++
    }
    return { tasks, total }
  }

  sweep({ runsBefore, tasksBefore }: Retention): void {
    for (const [id, runs] of this.runs) {
      const kept = runs.filter((run) => Option.isNone(run.finishedAt) || run.finishedAt.value > runsBefore)
      if (kept.length === 0) this.runs.delete(id)
      else if (kept.length < runs.length) this.runs.set(id, kept)
    }
    for (const [id, { isFinal, task }] of this.tasks) {
      if (isFinal && task.metadata.updatedAt <= tasksBefore && !this.runs.has(id)) this.drop(id)
    }
    // Nobody may ever list; then this is what lets go of the ids of tasks that are gone.
    this.ids.get()
  }

  private drop(id: TaskId): void {
    if (this.tasks.delete(id)) this.ids.remove()
  }
}

const changed = (stored: StoredTask, change: Extract<Change, { readonly _tag: "TaskChanged" }>): StoredTask => {
  const { metadata, spec } = stored.task
  return {
    isFunction: stored.isFunction,
    isFinal: change.isFinal,
    task: {
      metadata: {
        id: metadata.id,
        createdAt: metadata.createdAt,
        updatedAt: BigInt(change.at),
        resourceVersion: BigInt(change.version)
      },
      spec,
      status: {
        phase: change.status.phase,
        attempt: change.attempt,
        error: change.status.error,
        exitCode: change.status.exitCode
      }
    }
  }
}

/**
 * A new, empty store.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make: Effect.Effect<TaskStore.Service> = Effect.sync(() => {
  const memory = new Memory()
  return {
    commit: (changes) =>
      Effect.sync(() => {
        for (const change of changes) memory.apply(change)
      }),
    get: (id) => Effect.sync(() => memory.get(id)),
    list: (query) => Effect.sync(() => memory.list(query)),
    runs: (id) => Effect.sync(() => memory.getRuns(id)),
    sweep: (retention) => Effect.sync(() => memory.sweep(retention))
  }
})

/**
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<TaskStore> = Layer.effect(TaskStore, make)
