/**
 * What an emulator has from the start, as a JSON file: `switchyard serve cloacina --seed FILE.json`.
 *
 * All members are optional, none is ignored: a name that is not known here is an error. Durations are milliseconds or
 * texts like `"2 seconds"`.
 *
 * @example
 * ```ts
 * import * as CloacinaTesting from "effect-switchyard/cloacina/testing"
 *
 * export const options = CloacinaTesting.decodeSeed({
 *   tenants: ["north"],
 *   keys: [{ name: "ci", role: "write", tenant: "north" }],
 *   workflows: [{
 *     name: "close_month",
 *     tenant: "north",
 *     params: [{ name: "region", type: "string" }],
 *     tasks: [
 *       { id: "extract", takes: "2 seconds" },
 *       { id: "load", after: ["extract"], attempts: [{ fails: "RuntimeError: disk full" }, "succeeds"] }
 *     ]
 *   }]
 * })
 * ```
 *
 * @since 0.1.0
 */
import * as Arr from "effect/Array"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import * as AST from "effect/SchemaAST"
import * as GraphScript from "./GraphScript.js"
import * as Check from "./internal/Check.js"
import * as Script from "./Script.js"
import { slotOf } from "./Slots.js"
import type { Options } from "./World.js"

/**
 * What is wrong with a seed, one line a fault: where, and which rule.
 *
 * @since 0.1.0
 * @category errors
 */
export class InvalidSeed extends Data.TaggedError("InvalidSeed")<{ readonly faults: ReadonlyArray<string> }> {
  override get message() {
    return `the seed is invalid: ${this.faults.join("; ")}`
  }
}

const isDuration = (text: string): text is Duration.DurationInput & string =>
  Option.isSome(Duration.decodeUnknown(text))

/** What stands in a fault in place of what a schema would say. */
const expecting = (description: string) => ({ description })

const Time = Schema.Union(Schema.NonNegative, Schema.String.pipe(Schema.filter(isDuration))).annotations(
  expecting("milliseconds or a text like \"2 seconds\"")
)

/** A value that no fault shows. */
const Hidden = Schema.Redacted(Schema.String).annotations(expecting("a text"))

const maybe = <A, I>(schema: Schema.Schema<A, I>) => Schema.optionalWith(schema, { exact: true })

const Name = Schema.NonEmptyString

const Names = Schema.Array(Name)

const Values = Schema.Record({ key: Schema.String, value: Schema.Unknown })

const Attempt = Schema.Union(
  Schema.Literal("succeeds"),
  Schema.Struct({ fails: Schema.String, takes: maybe(Time) }),
  Schema.Struct({ sets: maybe(Values), takes: maybe(Time) })
).annotations(
  expecting("\"succeeds\", { \"fails\": text } or { \"sets\": values }, the latter two with or without \"takes\"")
)

const Task = Schema.Struct({
  id: Name,
  after: maybe(Names),
  attempts: maybe(Schema.NonEmptyArray(Attempt)),
  takes: maybe(Time),
  maxAttempts: maybe(Schema.NonNegativeInt),
  retry: maybe(Schema.Struct({
    delay: maybe(Time),
    backoff: maybe(Schema.Literal("fixed", "exponential")),
    maxDelay: maybe(Time),
    jitter: maybe(Schema.Boolean)
  })),
  skipped: maybe(Schema.Boolean),
  secrets: maybe(Names),
  what: maybe(Schema.String),
  why: maybe(Schema.String),
  description: maybe(Schema.String)
})

const Param = Schema.Struct({
  name: Name,
  type: Schema.Union(
    Schema.Literal("string", "integer", "number", "boolean", "object", "array", "null", "any", "secret"),
    Values
  ).annotations(expecting("a type of JSON, \"any\", \"secret\" or a JSON schema")),
  required: maybe(Schema.Boolean),
  default: maybe(Schema.Unknown)
})

const Trigger = Schema.Union(
  Schema.Struct({ cron: Schema.String, timezone: maybe(Schema.String) }),
  Schema.Struct({
    name: Name,
    every: Time,
    on: maybe(Name),
    /** At every so many polls. */
    firesEvery: maybe(Schema.Int.pipe(Schema.positive()))
  })
).annotations(expecting(
  "{ \"cron\": text } with or without \"timezone\", or { \"name\": text, \"every\": time } with or without \"on\" and \"firesEvery\""
))

const Workflow = Schema.Struct({
  name: Name,
  tenant: maybe(Schema.Union(Name, Names).annotations(expecting("a name or a list of names"))),
  package: maybe(Name),
  version: maybe(Name),
  description: maybe(Schema.String),
  language: maybe(Schema.Literal("python", "rust")),
  archive: maybe(Schema.Uint8ArrayFromBase64.annotations(expecting("bytes in base64"))),
  params: maybe(Schema.Array(Param)),
  tasks: maybe(Schema.Array(Task)),
  triggers: maybe(Schema.Array(Trigger)),
  subscribes: maybe(Names),
  build: maybe(Schema.Struct({ takes: maybe(Time), fails: maybe(Schema.String) })),
  loads: maybe(Schema.Boolean),
  loaded: maybe(Schema.Boolean),
  paused: maybe(Schema.Boolean)
})

const Graph = Schema.Struct({
  name: Name,
  tenant: maybe(Schema.NullOr(Name).annotations(expecting("a name or null"))),
  package: maybe(Name),
  reactor: Name,
  accumulators: Schema.Array(
    Schema.Union(
      Name,
      Schema.Struct({
        name: Name,
        schema: maybe(Values),
        keepsState: maybe(Schema.Boolean),
        window: maybe(Schema.Int.pipe(Schema.positive()))
      })
    ).annotations(expecting("a name or { \"name\": text } with or without \"schema\", \"keepsState\" and \"window\""))
  ),
  reactionMode: maybe(Schema.Literal("when_any", "when_all")),
  inputStrategy: maybe(Schema.Literal("latest", "sequential")),
  nodes: maybe(Schema.Array(Schema.Struct({ id: Name, inputs: Names }))),
  edges: maybe(
    Schema.Array(
      Schema.Struct({
        from: Name,
        to: Name,
        label: Schema.NullOr(Schema.String).annotations(expecting("a text or null"))
      })
    )
  ),
  slots: maybe(Schema.Array(Param)),
  takes: maybe(Time)
})

const Role = Schema.Literal("read", "write", "admin")

/**
 * The shape of the file.
 *
 * - `key`: the god key; `tenants`, `keys`, `accounts`, `executions`, and the modes: as in the emulator's options
 * - `secrets`: with the values of their fields, which no endpoint shows
 * - `workflows`: as `workflow` takes them. An attempt is `"succeeds"`, `{ "fails": message }` or `{ "sets": values }`, the
 *   last one is repeated. A parameter's `type` is a type of JSON, a JSON schema, `any` or `secret`. A trigger is
 *   `{ "cron": expression }` or `{ "name", "every" }`, which fires by itself at every so many polls with `firesEvery`.
 *   `archive` is base64
 * - `graphs`: as `graph` takes them
 *
 * @since 0.1.0
 * @category schemas
 */
export const Seed = Schema.Struct({
  key: maybe(Hidden),
  tenants: maybe(Names),
  keys: maybe(Schema.Array(
    Schema.Struct({ name: Schema.String, role: Role, tenant: maybe(Name), key: maybe(Hidden) })
  )),
  accounts: maybe(Schema.Array(Schema.Struct({
    username: Name,
    password: Hidden,
    role: Schema.String,
    tenant: maybe(Name)
  }))),
  secrets: maybe(Schema.Array(Schema.Struct({
    tenant: Name,
    name: Schema.String,
    fields: Schema.Record({ key: Schema.String, value: Hidden })
  }))),
  workflows: maybe(Schema.Array(Workflow)),
  graphs: maybe(Schema.Array(Graph)),
  executions: maybe(Schema.Array(Schema.Struct({ tenant: Name, workflow: Name, context: maybe(Values) }))),
  buildTime: maybe(Time),
  requireSignatures: maybe(Schema.Boolean),
  defaultMaxAgents: maybe(Schema.NonNegativeInt),
  initialAgents: maybe(Schema.NonNegativeInt),
  mode: maybe(Schema.Literal("faithful", "documented")),
  tenantDeletion: maybe(Schema.Literal("faithful", "documented"))
}).annotations({ identifier: "a seed", description: "a seed" })

const toAttempt = (attempt: typeof Attempt.Type): Script.Attempt =>
  attempt === "succeeds"
    ? Script.succeeds()
    : "fails" in attempt
    ? Script.fails(attempt.fails, { takes: attempt.takes })
    : Script.succeeds(attempt.sets, { takes: attempt.takes })

const toTask = ({ attempts, id, ...options }: typeof Task.Type): Script.Task => {
  if (attempts === undefined) return Script.task(id, options)
  const [first, ...others] = attempts
  return Script.task(id, { ...options, attempts: [toAttempt(first), ...others.map(toAttempt)] })
}

const toParam = ({ name, type, ...options }: typeof Param.Type): Script.Param =>
  Script.param(name, type === "any" || type === "secret" ? {} : type, { ...options, encrypted: type === "secret" })

const toTrigger = (trigger: typeof Trigger.Type): Script.Trigger => {
  if ("cron" in trigger) return Script.cron(trigger.cron, { timezone: trigger.timezone })
  const { every, firesEvery, name, on } = trigger
  return Script.trigger(name, {
    every,
    on,
    fires: firesEvery === undefined ? undefined : ({ poll }) => poll % firesEvery === 0
  })
}

const toWorkflow = ({ name, params, tasks, triggers, ...options }: typeof Workflow.Type): Script.Workflow =>
  Script.workflow(name, {
    ...options,
    ...(params === undefined ? {} : { params: params.map(toParam) }),
    ...(tasks === undefined ? {} : { tasks: tasks.map(toTask) }),
    ...(triggers === undefined ? {} : { triggers: triggers.map(toTrigger) })
  })

const toGraph = ({ accumulators, name, slots, ...options }: typeof Graph.Type): GraphScript.GraphScript =>
  GraphScript.graph(name, {
    ...options,
    ...(slots === undefined ? {} : { slots: slots.map((slot) => slotOf(toParam(slot))) }),
    accumulators: accumulators.map((each) =>
      typeof each === "string"
        ? each
        : each.keepsState === true
        ? GraphScript.state(each.name, each)
        : GraphScript.passthrough(each.name, each)
    )
  })

const describe = (ast: AST.AST): string => {
  const described = AST.getDescriptionAnnotation(ast)
  if (Option.isSome(described)) return described.value
  switch (ast._tag) {
    case "Literal":
      return JSON.stringify(ast.literal)
    case "Union": {
      const texts = ast.types.map(describe)
      return texts.length < 2 ? texts.join() : `${texts.slice(0, -1).join(", ")} or ${texts.at(-1)}`
    }
    case "TupleType":
      return "a list"
    case "TypeLiteral":
      return "an object"
    default:
      return "another value"
  }
}

/** One fault a value, without the value: it may be a secret, or hold one. */
const issuesOf = (issue: ParseResult.ParseIssue, path: ReadonlyArray<PropertyKey>): ReadonlyArray<Check.Issue> => {
  switch (issue._tag) {
    case "Pointer":
      return issuesOf(issue.issue, [...path, ...Arr.ensure(issue.path)])
    case "Missing":
      return [{ path, message: "is missing" }]
    case "Unexpected":
      return [{ path, message: "is unexpected" }]
    case "Composite":
      if (issue.ast._tag === "Union") break
      return Arr.ensure(issue.issues).flatMap((inner) => issuesOf(inner, path))
    case "Refinement":
      if (issue.kind === "Predicate") break
      return issuesOf(issue.issue, path)
  }
  return [{ path, message: `expected ${describe(issue.ast)}` }]
}

const invalid = (issues: ReadonlyArray<Check.Issue>): Either.Either<never, InvalidSeed> =>
  Either.left(new InvalidSeed({ faults: issues.map(Check.lineOf) }))

/**
 * The options of the emulator that a seed stands for. A seed is refused for what would be a defect of the options: a name
 * twice, tasks that are no graph, a tenant that neither `tenants` nor a workflow names, an execution of a workflow that is
 * not there.
 *
 * @since 0.1.0
 * @category decoding
 */
export const decode = (json: unknown): Either.Either<Options, InvalidSeed> => {
  const decoded = Schema.decodeUnknownEither(Seed, { onExcessProperty: "error", errors: "all" })(json)
  if (Either.isLeft(decoded)) return invalid(issuesOf(decoded.left.issue, []))
  const { graphs, secrets, workflows, ...others } = decoded.right
  const options: Options = {
    ...others,
    ...(secrets === undefined ? {} : { storedSecrets: secrets }),
    ...(workflows === undefined ? {} : { workflows: workflows.map(toWorkflow) }),
    ...(graphs === undefined ? {} : { graphs: graphs.map(toGraph) })
  }
  const issues = Check.check(options)
  return issues.length === 0
    ? Either.right(options)
    : invalid(issues.map(({ message, path: [member = "", ...rest] }) => ({
      path: [member === "storedSecrets" ? "secrets" : member, ...rest],
      message
    })))
}
