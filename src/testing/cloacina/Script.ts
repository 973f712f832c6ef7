/**
 * What workflows of the emulator do in place of code: their tasks and how each attempt ends, what they take, and what
 * starts them (contract 4.7 to 4.10).
 *
 * A script is found by the name of its workflow, in whatever package and tenant that is uploaded. With a `tenant` the
 * workflow is there from the start, built and loaded, so that a test needs no package.
 *
 * A package without a script gets one from its Python source as far as that can be read (decorators `task`,
 * `workflow_params`, `workflow_secrets`, `trigger`; every attempt succeeds). Other packages have one task that succeeds,
 * named like the workflow.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"

/**
 * The values of an execution, by name.
 *
 * @since 0.1.0
 * @category models
 */
export type Values = Readonly<Record<string, unknown>>

/**
 * How one attempt of a task ends, after `takes` (default: that of its task). What succeeds may set values for the tasks
 * that follow.
 *
 * @since 0.1.0
 * @category models
 */
export type Attempt = {
  readonly _tag: "Succeeds"
  readonly sets: Values
  readonly takes: Duration.DurationInput | undefined
} | {
  readonly _tag: "Fails"
  readonly message: string
  readonly takes: Duration.DurationInput | undefined
}

/**
 * What a function is asked with when an attempt begins: `attempt` counts from 1.
 *
 * @since 0.1.0
 * @category models
 */
export interface Cue {
  readonly tenant: string
  readonly workflow: string
  readonly task: string
  readonly executionId: string
  readonly context: Values
  readonly attempt: number
}

/**
 * The attempts of a task: the first one, the second one, and so on; the last is repeated. Or a function that says what an
 * attempt does when it begins; one that throws fails the attempt.
 *
 * @since 0.1.0
 * @category models
 */
export type Attempts = Attempt | readonly [Attempt, ...ReadonlyArray<Attempt>] | ((cue: Cue) => Attempt)

/**
 * How a task that failed is tried again: `delay` before the second attempt, doubled before each further one where
 * `backoff` is `exponential`, `maxDelay` at most, up to a quarter more or less with `jitter`.
 *
 * @since 0.1.0
 * @category models
 */
export interface RetryOptions {
  readonly delay?: Duration.DurationInput | undefined
  readonly backoff?: "fixed" | "exponential" | undefined
  readonly maxDelay?: Duration.DurationInput | undefined
  readonly jitter?: boolean | undefined
}

/**
 * - `after`: ids of the tasks it waits for. It runs when they are final, failed ones included (contract 4.9)
 * - `attempts`: default `succeeds()`
 * - `takes`: how long an attempt takes, default 10 ms
 * - `maxAttempts`: default 3; 0, as in the real server a task without retries, and 1 are one attempt
 * - `retry`: default 1 s, exponential, 60 s at most, with jitter
 * - `rule`: whether the task runs once it could; `false` skips it, as does a rule that throws. `skipped` is one that says
 *   no
 * - `secrets`: parameters it reads as secrets; a reference to a secret that does not exist fails the attempt
 * - `what`, `why`, `description`: its documentation
 *
 * @since 0.1.0
 * @category models
 */
export interface TaskOptions {
  readonly after?: ReadonlyArray<string> | undefined
  readonly attempts?: Attempts | undefined
  readonly takes?: Duration.DurationInput | undefined
  readonly maxAttempts?: number | undefined
  readonly retry?: RetryOptions | undefined
  readonly rule?: ((context: Values) => boolean) | undefined
  readonly skipped?: boolean | undefined
  readonly secrets?: ReadonlyArray<string> | undefined
  readonly what?: string | undefined
  readonly why?: string | undefined
  readonly description?: string | undefined
}

/**
 * A task. Its `id` is local: on the wire it is the last part of its name.
 *
 * @since 0.1.0
 * @category models
 */
export interface Task extends TaskOptions {
  readonly id: string
}

/**
 * A declared input. `default` is missing when there is none.
 *
 * @since 0.1.0
 * @category models
 */
export interface Param {
  readonly name: string
  readonly schema: Values
  readonly required: boolean
  readonly default?: unknown
  readonly encrypted: boolean
}

/**
 * What a polling trigger is asked with: `poll` counts from 1, `now` is in ms since 1970.
 *
 * @since 0.1.0
 * @category models
 */
export interface Poll {
  readonly poll: number
  readonly now: number
}

/**
 * Something that starts workflows by itself: a trigger that is polled, or a cron schedule.
 *
 * @since 0.1.0
 * @category models
 */
export type Trigger = {
  readonly _tag: "Poll"
  readonly name: string
  readonly every: Duration.DurationInput
  readonly on: string | undefined
  readonly fires: ((poll: Poll) => boolean | Values) | undefined
} | {
  readonly _tag: "Cron"
  readonly expression: string
  readonly timezone: string
}

/**
 * - `tenant`: where it is from the start, one or several; not anywhere by default
 * - `package`: default the name with hyphens for underscores
 * - `version`: of the package from the start, default `1.0.0`; a script with a version is for that version only
 * - `language`: default `python`. The tasks of Rust packages show when they are built, those of Python when loaded
 * - `archive`: the bytes of the package from the start, for its source and for uploads of the same bytes
 * - `params`: declared inputs; none: every context is taken
 * - `tasks`: default one, named like the workflow, that succeeds; none at all (`[]`) makes a package with a graph only
 * - `triggers`: `trigger`s and `cron`s of the package
 * - `subscribes`: names of triggers, of any package of the tenant, that start this workflow too
 * - `build`: how long building takes (default: the emulator's `buildTime`), and with which text it fails
 * - `loads`: `false` for code that builds and cannot be loaded: it is never executed (contract 4.9)
 * - `loaded`: `false` for one that is there from the start, but that no runner of its tenant has loaded yet: the first
 *   execute of the tenant starts the runner (contract 4.9)
 * - `paused`: from the start
 *
 * @since 0.1.0
 * @category models
 */
export interface WorkflowOptions {
  readonly tenant?: string | ReadonlyArray<string> | undefined
  readonly package?: string | undefined
  readonly version?: string | undefined
  readonly description?: string | undefined
  readonly language?: "python" | "rust" | undefined
  readonly archive?: Uint8Array | undefined
  readonly params?: ReadonlyArray<Param> | undefined
  readonly tasks?: ReadonlyArray<Task> | undefined
  readonly triggers?: ReadonlyArray<Trigger> | undefined
  readonly subscribes?: ReadonlyArray<string> | undefined
  readonly build?: {
    readonly takes?: Duration.DurationInput | undefined
    readonly fails?: string | undefined
  } | undefined
  readonly loads?: boolean | undefined
  readonly loaded?: boolean | undefined
  readonly paused?: boolean | undefined
}

/**
 * A workflow and what it does.
 *
 * @since 0.1.0
 * @category models
 */
export interface Workflow extends WorkflowOptions {
  readonly name: string
}

/**
 * The attempt succeeds, and sets these values in the context of the execution.
 *
 * @since 0.1.0
 * @category attempts
 */
export const succeeds = (
  sets: Values = {},
  options: { readonly takes?: Duration.DurationInput | undefined } = {}
): Attempt => ({ _tag: "Succeeds", sets, takes: options.takes })

/**
 * The attempt fails. `message` is what the code raised, `RuntimeError: disk full`; the server puts its own words before
 * it.
 *
 * @since 0.1.0
 * @category attempts
 */
export const fails = (
  message: string,
  options: { readonly takes?: Duration.DurationInput | undefined } = {}
): Attempt => ({ _tag: "Fails", message, takes: options.takes })

/**
 * A task of a workflow.
 *
 * @since 0.1.0
 * @category constructors
 */
export const task = (id: string, options: TaskOptions = {}): Task => ({ ...options, id })

/**
 * A declared input. `type` is a type of JSON or a whole JSON schema. It is required unless it has a `default` or says
 * otherwise; an encrypted one takes a reference to a secret only (`secret` is short for that).
 *
 * @since 0.1.0
 * @category constructors
 */
export const param = (
  name: string,
  type: "string" | "integer" | "number" | "boolean" | "object" | "array" | "null" | Values,
  options: {
    readonly required?: boolean | undefined
    readonly default?: unknown
    readonly encrypted?: boolean | undefined
  } = {}
): Param => ({
  name,
  schema: typeof type === "string" ? { type } : type,
  required: options.required ?? options.default === undefined,
  ...("default" in options && options.default !== undefined ? { default: options.default } : {}),
  encrypted: options.encrypted ?? false
})

/**
 * A declared input that takes a reference to a secret only.
 *
 * @since 0.1.0
 * @category constructors
 */
export const secret = (name: string): Param => param(name, {}, { encrypted: true })

/**
 * A polling trigger. It starts the workflow `on` (default: that of its package) and all that subscribe to it, whenever
 * `fires` says so or gives values for the context; by default, and when it throws, it does not. It can be fired by hand in
 * any case.
 *
 * @since 0.1.0
 * @category constructors
 */
export const trigger = (
  name: string,
  options: {
    readonly every: Duration.DurationInput
    readonly on?: string | undefined
    readonly fires?: ((poll: Poll) => boolean | Values) | undefined
  }
): Trigger => ({ _tag: "Poll", name, every: options.every, on: options.on, fires: options.fires })

/**
 * A cron schedule of five fields, or six with seconds first, in an IANA time zone (default `UTC`).
 *
 * @since 0.1.0
 * @category constructors
 */
export const cron = (expression: string, options: { readonly timezone?: string | undefined } = {}): Trigger => ({
  _tag: "Cron",
  expression,
  timezone: options.timezone ?? "UTC"
})

/**
 * A workflow and what it does. An emulator with a script that cannot be dies as it starts and says why: tasks that are no
 * graph (an id twice, a task that does not exist, a circle), a cron expression or a time zone that nobody understands.
 *
 * @example
 * ```ts
 * import { fails, param, succeeds, task, workflow } from "effect-switchyard/cloacina/testing"
 *
 * export const closeMonth = workflow("close_month", {
 *   tenant: "north",
 *   params: [param("region", "string")],
 *   tasks: [
 *     task("extract", { takes: "2 seconds" }),
 *     task("load", { after: ["extract"], attempts: [fails("RuntimeError: disk full"), succeeds()] })
 *   ]
 * })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const workflow = (name: string, options: WorkflowOptions = {}): Workflow => ({ ...options, name })

/**
 * How many times a task is tried at most.
 *
 * @internal
 */
export const triesOf = ({ maxAttempts = 3 }: Task): number => Math.max(1, maxAttempts)

/**
 * Whether some of them wait for each other. Ids that nobody has count for nothing.
 *
 * @internal
 */
export const hasCircle = (tasks: ReadonlyArray<Pick<Task, "after" | "id">>): boolean => {
  const known = new Set(tasks.map(({ id }) => id))
  const done = new Set<string>()
  for (let before = -1; before < done.size;) {
    before = done.size
    for (const { after = [], id } of tasks) {
      if (after.every((other) => done.has(other) || !known.has(other))) done.add(id)
    }
  }
  return done.size < known.size
}

/**
 * What is wrong with the tasks of a workflow: an id twice, a task that nobody knows, a circle.
 *
 * @internal
 */
export const faultsOf = (tasks: ReadonlyArray<Task>): ReadonlyArray<string> => {
  const known = new Set<string>()
  const repeated = new Set<string>()
  for (const { id } of tasks) (known.has(id) ? repeated : known).add(id)
  return [
    ...tasks.flatMap(({ after = [], id }) =>
      after.filter((other) => !known.has(other)).map((other) =>
        `task '${id}' waits for '${other}', which does not exist`
      )
    ),
    ...Array.from(repeated, (id) => `two tasks have the id '${id}'`),
    ...hasCircle(tasks) ? ["tasks wait for each other in a circle"] : []
  ]
}
