/** What a job file may say. The JSON schema next to this module is made from it, for editors. */
import * as Solti from "effect-switchyard/solti"
import * as JSONSchema from "effect/JSONSchema"
import * as Schema from "effect/Schema"
import * as Path from "node:path"

const Text = Schema.String.annotations({
  message: () => "has to be a text (numbers and the like in quotes)"
})

const oneOf = <const Literals extends readonly [string, ...Array<string>]>(literals: Literals, description: string) =>
  Schema.Literal(...literals).annotations({
    description,
    message: () => ({ message: `has to be one of ${literals.join(", ")}`, override: true })
  })

const Name = Text.pipe(Schema.pattern(/^[A-Za-z0-9._-]{1,64}$/, {
  description: "1 to 64 of A-Z a-z 0-9 . _ -",
  message: () => "has to be 1 to 64 of the characters A-Z a-z 0-9 . _ -"
}))

const duration = {
  message: () => ({ message: `has to be a duration such as "500 millis", "30 seconds" or "2 minutes"`, override: true })
}

const Duration = Schema.TemplateLiteral(
  Schema.Number,
  " ",
  Schema.Literal("millis", "second", "seconds", "minute", "minutes", "hour", "hours")
).annotations(duration).pipe(Schema.filter((text) => /^\d/.test(text), {
  ...duration,
  jsonSchema: { type: "string", pattern: "^\\d+(\\.\\d+)? (millis|seconds?|minutes?|hours?)$" }
}))

const Texts = Schema.Array(Text).annotations({ message: () => "has to be a list of texts" })

const Script = Schema.Struct({
  runtime: Schema.optionalWith(oneOf(["bash", "python", "node"], "What interprets it."), {
    exact: true,
    default: () => "bash"
  }),
  text: Text.pipe(Schema.nonEmptyString({ description: "The script itself.", message: () => "must not be empty" })),
  args: Schema.optionalWith(Texts, { exact: true, default: () => [] })
})

const Factor = Schema.Number.annotations({ message: () => "has to be a number" }).pipe(
  Schema.greaterThanOrEqualTo(1, { description: "1 or more", message: () => "has to be 1 or more" })
)

const Backoff = Schema.Struct({
  first: Schema.optionalWith(Duration, { exact: true }),
  max: Schema.optionalWith(Duration, { exact: true }),
  factor: Schema.optionalWith(Factor, { exact: true }),
  jitter: Schema.optionalWith(oneOf(["none", "full", "equal", "decorrelated"], "How the delays are spread."), {
    exact: true
  })
}).annotations({ description: "Delays between attempts: first, times factor each time, up to max." })

const Command = Schema.NonEmptyArray(Text).annotations({
  description: "A program and its arguments; no shell is involved.",
  message: () => "has to be a list of texts: a program and its arguments"
})

const Fields = Schema.Struct({
  name: Name,
  command: Schema.optionalWith(Command, { exact: true }),
  script: Schema.optionalWith(Script, { exact: true }),
  env: Schema.optionalWith(Schema.Record({ key: Schema.String, value: Text }), { exact: true, default: () => ({}) }),
  cwd: Schema.optionalWith(Text.annotations({ description: "Working directory, relative to the job file." }), {
    exact: true,
    default: () => "."
  }),
  slot: Schema.optionalWith(
    Name.annotations({ description: "Jobs of one slot run one at a time. Default: the name of the job." }),
    { exact: true }
  ),
  admission: Schema.optionalWith(
    oneOf(["queue", "replace", "dropIfRunning"], "When the slot is busy: wait, take its place, or do not run at all."),
    { exact: true, default: () => "queue" }
  ),
  timeout: Schema.optionalWith(Duration.annotations({ description: "Hard limit of one attempt." }), {
    exact: true,
    default: () => "1 minute" as const
  }),
  deadline: Schema.optionalWith(
    Duration.annotations({ description: "The job is stopped when it is not over by then, waiting included." }),
    { exact: true }
  ),
  restart: Schema.optionalWith(
    oneOf(["never", "onFailure"], "Whether another attempt follows a failure. A server does not limit how many."),
    { exact: true, default: () => "never" }
  ),
  backoff: Schema.optionalWith(Backoff, { exact: true }),
  expect: Schema.optionalWith(
    oneOf(
      ["succeeded", "failed", "timeout", "exhausted", "canceled"],
      "How the job is meant to end. exhausted: it failed or timed out, and no attempt was left."
    ),
    { exact: true, default: () => "succeeded" }
  )
})

const { $schema: _, ...fields } = JSONSchema.make(Fields)

/** A job: exactly one of `command` and `script`. */
export const Job = Fields.pipe(
  Schema.filter(
    (job) =>
      (job.command === undefined) === (job.script === undefined)
        ? "needs exactly one of command and script"
        : undefined,
    { jsonSchema: { ...fields, oneOf: [{ required: ["command"] }, { required: ["script"] }] } }
  )
)

export type Job = typeof Job.Type

/** A job file. */
export const JobFile = Schema.Struct({
  $schema: Schema.optionalWith(Schema.String.annotations({ description: "For editors." }), { exact: true }),
  jobs: Schema.Array(Job).annotations({ message: () => "has to be a list of jobs" }).pipe(
    Schema.minItems(1, { description: "The jobs, submitted in this order.", message: () => "has to name a job" }),
    Schema.filter((jobs) => {
      const at = jobs.findIndex(({ name }, index) => jobs.findIndex((other) => other.name === name) < index)
      return at === -1 ? undefined : { path: [at, "name"], message: "is the name of another job already" }
    })
  )
})

/** The JSON schema of a job file. */
export const jsonSchema = (): JSONSchema.JsonSchema7Root => JSONSchema.make(JobFile)

/** What the server is asked to run. `directory` is where relative paths start; `env` is added to the job's own. */
export const specOf = (
  job: Job,
  options: { readonly directory: string; readonly env: Readonly<Record<string, string>> }
): Solti.CreateSpec => {
  const settings: Solti.ProcessOptions = {
    slot: job.slot ?? job.name,
    admission: job.admission,
    timeout: job.timeout,
    restart: job.restart,
    backoff: job.backoff,
    env: { ...options.env, ...job.env },
    cwd: Path.resolve(options.directory, job.cwd),
    labels: { pipeline: job.name }
  }
  if (job.script !== undefined) {
    return Solti.script(job.script.runtime, job.script.text, { ...settings, args: job.script.args })
  }
  const [program = "", ...args] = job.command ?? []
  return Solti.command(program, args, settings)
}
