import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import type { LogEvent } from "../../../../src/schemas/solti/Logs.js"
import type { CreateSpec, Task, TaskId, TaskRun } from "../../../../src/schemas/solti/Tasks.js"
import { decide } from "../../../../src/server/solti/Decide.js"
import type { Action, Config, Event, Live, State } from "../../../../src/server/solti/Machine.js"
import { initial } from "../../../../src/server/solti/Machine.js"
import * as MemoryStore from "../../../../src/server/solti/MemoryStore.js"
import type { AttemptEnd, Semantics } from "../../../../src/server/solti/Semantics.js"
import { intended } from "../../../../src/server/solti/Semantics.js"
import type { TaskStore } from "../../../../src/server/solti/Store.js"
import { everything, makeSpec, taskId } from "./tasks.js"

const end = (outcome: AttemptEnd["outcome"], options: Partial<AttemptEnd> = {}): AttemptEnd => ({
  outcome,
  reason: "",
  exitCode: Option.none(),
  fatal: false,
  ...options
})

export const ends = {
  succeeded: end("succeeded"),
  failed: end("failed", { reason: "exit 3", exitCode: Option.some(3) }),
  fatal: end("failed", { reason: "spawn failed", fatal: true }),
  canceled: end("canceled")
}

/**
 * The machine with everything around it played by a test: attempts, pauses and registrations are under way until the
 * test lets them end, and the store and the logs are read when they are wanted. Time passes by one with every event.
 */
export class World {
  state: State = initial
  now = 0
  readonly config: Config
  readonly actions: Array<Action> = []
  readonly logs = new Map<TaskId, Array<LogEvent>>()
  /** Attempts under way, by task, and whether they have been interrupted. */
  readonly attempts = new Map<TaskId, { readonly attempt: number; interrupts: number }>()
  readonly pauses = new Map<TaskId, Extract<Action, { readonly _tag: "Sleep" }>>()
  readonly registrations = new Set<TaskId>()
  readonly released = new Map<TaskId, { readonly evict: boolean }>()
  readonly confirmed: Array<TaskId> = []
  readonly submitted: Array<TaskId> = []
  /** Tasks in the order in which their first attempts started. */
  readonly started: Array<TaskId> = []
  private readonly store: TaskStore.Service = Effect.runSync(MemoryStore.make)

  constructor(options: Partial<Config> = {}, semantics: Semantics = intended) {
    this.config = { semantics, maxConcurrent: 0, queueLimit: 100, keepRuns: 256, ...options }
  }

  tell(event: Event): ReadonlyArray<Action> {
    const decision = decide(this.config, this.state, event, ++this.now)
    this.state = decision.state
    Effect.runSync(this.store.commit(decision.changes))
    for (const action of decision.actions) this.perform(action)
    return decision.actions
  }

  private perform(action: Action): void {
    this.actions.push(action)
    const { id } = action
    switch (action._tag) {
      case "Register":
        this.registrations.add(id)
        return
      case "Start":
        if (action.attempt === 1) this.started.push(id)
        this.attempts.set(id, { attempt: action.attempt, interrupts: 0 })
        return
      case "Interrupt": {
        const attempt = this.attempts.get(id)
        if (attempt === undefined) throw new Error(`nothing of ${id} to interrupt`)
        attempt.interrupts++
        return
      }
      case "Sleep":
        this.pauses.set(id, action)
        return
      case "Wake":
        if (!this.pauses.delete(id)) throw new Error(`${id} is not asleep`)
        return
      case "Mark":
        this.logs.set(id, [...this.logs.get(id) ?? [], action.event])
        return
      case "Release":
        if (this.released.has(id)) throw new Error(`${id} released twice`)
        this.released.set(id, { evict: action.evict })
        return
      case "Confirm":
        this.confirmed.push(id)
    }
  }

  submit(spec: Partial<CreateSpec> = {}, options: { maxRetries?: number; isFunction?: boolean } = {}): TaskId {
    const { isFunction = false, maxRetries = 0 } = options
    const full = makeSpec(spec)
    const id = taskId(`default-${full.slot}-${this.submitted.length + 1}`)
    this.submitted.push(id)
    this.tell({ _tag: "Submitted", plan: { id, spec: full, maxRetries, isLimited: !isFunction, isFunction } })
    return id
  }

  register(id: TaskId): void {
    this.registrations.delete(id)
    this.tell({ _tag: "Registered", id })
  }

  /** The attempt under way ends: as given, or canceled if it was interrupted. */
  finish(id: TaskId, end: AttemptEnd = this.attempts.get(id)?.interrupts === 0 ? ends.succeeded : ends.canceled): void {
    const attempt = this.attempts.get(id)
    if (attempt === undefined) throw new Error(`${id} does not run`)
    this.attempts.delete(id)
    this.tell({ _tag: "Ended", id, attempt: attempt.attempt, end })
  }

  timeOut(id: TaskId): void {
    this.tell({ _tag: "TimedOut", id, attempt: this.attempts.get(id)?.attempt ?? 0 })
  }

  wake(id: TaskId): void {
    const pause = this.pauses.get(id)
    if (pause === undefined) throw new Error(`${id} is not asleep`)
    this.pauses.delete(id)
    this.tell({ _tag: "Woken", id, attempt: pause.attempt })
  }

  remove(id: TaskId): void {
    this.tell({ _tag: "Deleted", id })
  }

  live(id: TaskId): Live | undefined {
    return Option.getOrUndefined(HashMap.get(this.state.tasks, id))
  }

  get lives(): ReadonlyArray<Live> {
    return [...HashMap.values(this.state.tasks)]
  }

  task(id: TaskId): Task | undefined {
    return Option.getOrUndefined(Effect.runSync(this.store.get(id)))?.task
  }

  isFinal(id: TaskId): boolean | undefined {
    return Option.getOrUndefined(Effect.runSync(this.store.get(id)))?.isFinal
  }

  get tasks(): ReadonlyArray<Task> {
    return Effect.runSync(this.store.list({ ...everything, functions: true })).tasks.map(({ task }) => task)
  }

  runs(id: TaskId): ReadonlyArray<TaskRun> {
    return Effect.runSync(this.store.runs(id))
  }

  /** Phase without its prefix, attempt, `resourceVersion`, error and exit code, as far as there are any. */
  show(id: TaskId): string {
    const task = this.task(id)
    if (task === undefined) return "absent"
    const { attempt, error, exitCode, phase } = task.status
    const details = [
      phase,
      attempt,
      `v${task.metadata.resourceVersion}`,
      ...Option.toArray(error),
      ...Option.toArray(exitCode)
    ]
    return details.join(" ").replace("TASK_STATUS_", "").toLowerCase()
  }

  showRuns(id: TaskId): ReadonlyArray<string> {
    return this.runs(id).map(({ attempt, error, exitCode, status }) =>
      [attempt, status, ...Option.toArray(error), ...Option.toArray(exitCode)].join(" ").replace("TASK_STATUS_", "")
        .toLowerCase()
    )
  }

  /** The markers on a task's log: `+n` started, `-n` finished, with the exit code in brackets. */
  marks(id: TaskId): string {
    return (this.logs.get(id) ?? []).map((event) => {
      if (event.type === "runStarted") return `+${event.attempt}`
      if (event.type !== "runFinished") throw new Error(`the machine does not write ${event.type}`)
      return `-${event.attempt}${Option.match(event.exitCode, { onNone: () => "", onSome: (code) => `(${code})` })}`
    }).join(" ")
  }
}
